"""The scorecard: a fixed list of prompts made into long videos, measured against true renders of the same.

Every video leaves a small file in a folder, so that a study goes on where it was stopped; the figures are
worked out from these files alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pavdm_cli.models import library
from pavdm_cli.models import probe as probes
from pavdm_cli.models.native import Native
from pavdm_cli.models.probe import Probe
from pavdm_cli.sampling import schedule
from pavdm_cli.studies import measures, records, sources
from pavdm_cli.studies.bootstrap import Estimate, of_means, sets
from pavdm_cli.studies.claims import Identity, claim
from pavdm_cli.studies.plan import KINDS, Plan, Progress, floor_kinds, record_path, render_kinds
from pavdm_cli.studies.prompts import PROMPTS
from pavdm_cli.studies.records import Film, Record
from pavdm_cli.studies.sources import Frames
from pavdm_cli.training.worlds.paint import FPS

APART = {"made": 0, "real": 10_000, "other": 20_000, "coded": 30_000, "floor": 40_000}
"""Added to a video's seed, so that the scenes of two kinds differ."""


@dataclass(frozen=True)
class Scores:
    """What was found: estimates by measure, by kind and, for courses, by interval."""

    identity: Identity
    videos: int
    by_interval: dict[str, dict[str, list[Estimate]]] = field(default_factory=dict)
    of_videos: dict[str, dict[str, Estimate]] = field(default_factory=dict)


def make(
    pipeline: Native,
    probe: Probe,
    plan: Plan,
    own: Identity,
    folder: Path,
    kinds: Sequence[str] | None = None,
    option: str = "--work",
) -> Iterator[Progress]:
    """Make and look at all videos that have no record in the folder yet; yield after every group.

    kinds: which, all by default. option: that the folder was given by.

    Raises:
        RunError: the folder is of another study.
    """
    kinds = (*KINDS, *floor_kinds()) if kinds is None else kinds
    alone = set(kinds) <= set(render_kinds())
    claim(folder, own.renders, *([] if alone else [own]), option=option)
    missing, count = undone(plan, kinds, folder), sum(len(plan.of(kind)) for kind in kinds)
    done = count - len(missing)
    yield Progress(done, count, "", ())
    for kind in dict.fromkeys(kind for kind, _, _ in missing):
        videos = [(i, seed) for k, i, seed in missing if k == kind]
        for start in range(0, len(videos), plan.batch):
            group = videos[start : start + plan.batch]
            films = [Film(PROMPTS[i], seed, record_path(folder, kind, i, seed)) for i, seed in group]
            piece = schedule.find("progressive").piece(pipeline.config.sampling) if kind == "made" else 1
            records.look(_source(pipeline, plan, kind, group), films, probe, piece)
            done += len(group)
            yield Progress(done, count, kind, tuple(PROMPTS[i].prompt for i, _ in group))


def undone(plan: Plan, kinds: Sequence[str], folder: Path) -> list[tuple[str, int, int]]:
    """Return the videos that have no record in the folder yet, as (kind, prompt, seed)."""
    all_ = [(kind, i, seed) for kind in kinds for i, seed in plan.of(kind)]
    return [one for one in all_ if not record_path(folder, *one).exists()]


def gather(plan: Plan, kind: str, folder: Path) -> list[Record]:
    """Read the records of a kind, in the plan's order."""
    return [records.read(record_path(folder, kind, i, seed)) for i, seed in plan.of(kind)]


def score(plan: Plan, own: Identity, folder: Path) -> Scores:
    """Work the figures out from the records in a folder."""
    asked = {one.prompt: one for one in PROMPTS}
    real = gather(plan, "real", folder)
    floors = [gather(plan, kind, folder) for kind in floor_kinds()]
    usual = measures.usual(real)
    scores = Scores(own, len(plan.videos))
    for kind in KINDS:
        own_records = gather(plan, kind, folder)
        for name, values in measures.by_interval(own_records, asked, usual).items():
            scores.by_interval.setdefault(name, {})[kind] = of_means(values)
        for name, values in measures.of_videos(own_records, asked).items():
            scores.of_videos.setdefault(name, {})[kind] = of_means(values[:, None])[0]
            if name.startswith("adherence") and plan.seeds > 1:  # films of one prompt may err together
                means = values.reshape(len(own_records) // len(plan.prompts), -1).mean(0)
                found = scores.of_videos.setdefault(f"{name}, resampled by prompt", {})
                found[kind] = of_means(means[:, None])[0]
        if kind != "real":
            for name, estimates in distances(len(plan.prompts), own_records, real, floors).items():
                scores.by_interval.setdefault(name, {})[kind] = estimates
    return scores


def distances(
    prompts: int, own: Sequence[Record], real: Sequence[Record], floors: Sequence[Sequence[Record]]
) -> dict[str, list[Estimate]]:
    """Return the distances of a set of videos from true renders, by interval, with intervals over prompts.

    All records are in a plan's order; of `own` there may be fewer seeds, and of the floors as many are taken.
    """
    names = list(measures.distances(own[:2], real[:2], [floor[:2] for floor in floors]))

    def of(picks: Sequence[int]) -> measures.Values:
        there = [[one for i, one in enumerate(some) if i % prompts in picks] for some in (own, real, *floors)]
        found = measures.distances(there[0], there[1], [floor[: len(there[0])] for floor in there[2:]])
        return np.concatenate([found[name] for name in names])

    estimates = sets(prompts, of).estimates()
    count = len(estimates) // len(names)
    return {name: estimates[n * count : (n + 1) * count] for n, name in enumerate(names)}


def _source(pipeline: Native, plan: Plan, kind: str, group: Sequence[tuple[int, int]]) -> Iterator[Frames]:
    asked, frames, size = [PROMPTS[i] for i, _ in group], plan.seconds * FPS, pipeline.config.size
    apart = APART["floor"] * (1 + int(kind[5:])) if kind.startswith("floor") else APART[kind]
    seeds = [seed + apart for _, seed in group]
    if kind == "made":
        return sources.made(pipeline, asked, seeds, frames)
    renders = sources.real(asked, seeds, frames, size)
    return sources.coded(pipeline, renders) if kind == "coded" else renders


def load_probe(folder: Path | None) -> tuple[Probe, Path]:
    """Load a probe's folder, by default the packaged one's, and say which it was."""
    folder = folder or library.packaged() / "probe"
    return probes.load(folder), folder
