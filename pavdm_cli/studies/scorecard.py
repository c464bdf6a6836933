"""The scorecard: a fixed list of prompts made into long videos, measured against true renders of the same.

Every video leaves a small file in a folder, so that a study goes on where it was stopped; the figures are
worked out from these files alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

import numpy as np

from pavdm_cli.errors import ConfigError, RunError
from pavdm_cli.models import config as configs
from pavdm_cli.models import library, quantised
from pavdm_cli.models import probe as probes
from pavdm_cli.models.library import weights_hash
from pavdm_cli.models.native import Native
from pavdm_cli.models.probe import Probe
from pavdm_cli.sampling import schedule
from pavdm_cli.studies import measures, records, sources
from pavdm_cli.studies.bootstrap import Estimate, of_means, sets
from pavdm_cli.studies.measures import INTERVAL
from pavdm_cli.studies.prompts import PROMPTS, Asked
from pavdm_cli.studies.records import Film, Record
from pavdm_cli.studies.sources import Frames
from pavdm_cli.training import worlds
from pavdm_cli.training.worlds.paint import FPS

Kind = Literal["made", "real", "other", "coded"]
KINDS: tuple[Kind, ...] = ("real", "other", "coded", "made")
"""What the model makes; true renders to hold it against; other ones, and others through the VAE, which show
how good a figure can be."""

APART = {"made": 0, "real": 10_000, "other": 20_000, "coded": 30_000, "floor": 40_000}
"""Added to a video's seed, so that the scenes of two kinds differ."""
FLOORS = 2
"""Sets of true renders whose distances make the floor, beside those in `real` and `other`."""


@dataclass(frozen=True)
class Plan:
    """What a scorecard is made of: which prompts, how many videos of each, and their length.

    quick: half of the prompts, one of every family, once, for 20 seconds.
    """

    prompts: tuple[int, ...] = tuple(range(len(PROMPTS)))
    seeds: int = 4
    seconds: int = 60
    batch: int = 8

    def __post_init__(self) -> None:
        if self.seeds < 1 or self.batch < 1 or not self.prompts:
            raise ConfigError(f"{self.seeds} seeds, {self.batch} at a time: must be at least 1")
        if self.seconds < INTERVAL or self.seconds % INTERVAL:
            raise ConfigError(f"--seconds {self.seconds}: must be a multiple of {INTERVAL}")
        if len(self.prompts) * self.seeds < 2:
            raise ConfigError("one video is no set; give more prompts or seeds")

    @property
    def asked(self) -> tuple[Asked, ...]:
        """The prompts."""
        return tuple(PROMPTS[i] for i in self.prompts)

    @property
    def videos(self) -> list[tuple[int, int]]:
        """Every video as (prompt, seed), all prompts of a seed after each other."""
        return [(i, seed) for seed in range(1, self.seeds + 1) for i in self.prompts]

    def of(self, kind: str) -> list[tuple[int, int]]:
        """Every video of a kind; of renders through the VAE one a prompt, which tells what it costs."""
        return self.videos[: len(self.prompts)] if kind == "coded" else self.videos


QUICK = Plan(prompts=tuple(2 * i + i % 2 for i in range(len(PROMPTS) // 2)), seeds=1, seconds=20)


def first(count: int) -> tuple[int, ...]:
    """Return so many prompts: one of every family first, then the others; more always hold the fewer.

    Raises:
        ConfigError: there are not so many.
    """
    if not 1 <= count <= len(PROMPTS):
        raise ConfigError(f"--prompts {count}: there are {len(PROMPTS)}; give a number from 1 to that")
    others = tuple(i for i in range(len(PROMPTS)) if i not in QUICK.prompts)
    return (*QUICK.prompts, *others)[:count]


@dataclass(frozen=True)
class Renders:
    """What a folder's records of true renders are of. form: of the records. worlds: the code that draws."""

    form: int
    probe: str
    seconds: int
    size: tuple[int, int]
    worlds: str


@dataclass(frozen=True)
class Identity:
    """What a folder of records is of; another one cannot go on in it."""

    model: str
    weights: str
    probe: str
    schedule: str
    guidance: float
    seconds: int
    size: tuple[int, int]

    @property
    def renders(self) -> Renders:
        """Return what its renders are of, whatever the model."""
        return renders(self.probe, self.seconds, self.size)


def renders(probe: str, seconds: int, size: tuple[int, int]) -> Renders:
    """Return what true renders are of, read by a probe of that fingerprint."""
    return Renders(records.FORM, probe, seconds, size, worlds.code_hash())


FILES: dict[type[Identity] | type[Renders], str] = {Identity: "study.json", Renders: "renders.json"}
"""Where in a folder it is written what its records are of."""


@dataclass(frozen=True)
class Progress:
    """How far a study is: videos of all kinds done, of so many; what was last made."""

    done: int
    all: int
    kind: str
    prompts: tuple[str, ...]


@dataclass(frozen=True)
class Scores:
    """What was found: estimates by measure, by kind and, for courses, by interval."""

    identity: Identity
    videos: int
    by_interval: dict[str, dict[str, list[Estimate]]] = field(default_factory=dict)
    of_videos: dict[str, dict[str, Estimate]] = field(default_factory=dict)


def identity(pipeline: Native, folder: Path, probe: Path, plan: Plan) -> Identity:
    """Return what a study of a model's folder, judged by a probe's, is of.

    Raises:
        ConfigError: the model's frame rate is not the worlds'.
    """
    config = pipeline.config
    if config.fps != FPS:
        raise ConfigError(f"{config.name} makes {config.fps} frames a second; the probe reads {FPS}")
    return Identity(
        model=config.name,
        weights=weights_hash(folder, config),
        probe=probe_hash(probe),
        schedule=schedule.spelled("progressive", config.sampling),
        guidance=config.guidance,
        seconds=plan.seconds,
        size=config.size,
    )


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
            films = [Film(PROMPTS[i], seed, path(folder, kind, i, seed)) for i, seed in group]
            piece = schedule.find("progressive").piece(pipeline.config.sampling) if kind == "made" else 1
            records.look(_source(pipeline, plan, kind, group), films, probe, piece)
            done += len(group)
            yield Progress(done, count, kind, tuple(PROMPTS[i].prompt for i, _ in group))


def undone(plan: Plan, kinds: Sequence[str], folder: Path) -> list[tuple[str, int, int]]:
    """Return the videos that have no record in the folder yet, as (kind, prompt, seed)."""
    all_ = [(kind, i, seed) for kind in kinds for i, seed in plan.of(kind)]
    return [one for one in all_ if not path(folder, *one).exists()]


def gather(plan: Plan, kind: str, folder: Path) -> list[Record]:
    """Read the records of a kind, in the plan's order."""
    return [records.read(path(folder, kind, i, seed)) for i, seed in plan.of(kind)]


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


def floor_kinds() -> list[str]:
    """Name the kinds of renders that make the floor of distances."""
    return [f"floor{n}" for n in range(FLOORS)]


def render_kinds() -> list[str]:
    """Name the kinds of videos that no model has a part in."""
    return ["real", "other", *floor_kinds()]


def _source(pipeline: Native, plan: Plan, kind: str, group: Sequence[tuple[int, int]]) -> Iterator[Frames]:
    asked, frames, size = [PROMPTS[i] for i, _ in group], plan.seconds * FPS, pipeline.config.size
    apart = APART["floor"] * (1 + int(kind[5:])) if kind.startswith("floor") else APART[kind]
    seeds = [seed + apart for _, seed in group]
    if kind == "made":
        return sources.made(pipeline, asked, seeds, frames)
    renders = sources.real(asked, seeds, frames, size)
    return sources.coded(pipeline, renders) if kind == "coded" else renders


def path(folder: Path, kind: str, prompt: int, seed: int) -> Path:
    """Return where the record of a video goes."""
    return folder / f"{kind}-{prompt:02}-{seed}.json"


def claim(folder: Path, *owns: Identity | Renders, option: str = "--work") -> None:
    """Write what the folder's records are of, or hold it against what is written there.

    option: that the folder was given by.

    Raises:
        RunError: they are of something else.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for own in owns:
        _hold(folder, own, option)
    for own in owns:
        if not (folder / FILES[type(own)]).exists():
            configs.write(own, folder / FILES[type(own)])


def _hold(folder: Path, own: Identity | Renders, option: str) -> None:
    """Hold what records are to be of against what is written in their folder, if anything is."""
    written, of_renders = folder / FILES[type(own)], isinstance(own, Renders)
    if written.exists():
        try:
            there = configs.read(type(own), written)
        except ConfigError as error:
            raise RunError(
                f"{error}: of another version; give another {option}, or remove {folder}"
            ) from None
        differ = [one.name for one in fields(own) if getattr(own, one.name) != getattr(there, one.name)]
        found = f"{'renders' if of_renders else 'a study'} of other {', '.join(differ)}" if differ else ""
    else:
        unknown = of_renders and any(next(folder.glob(f"{kind}-*"), None) for kind in render_kinds())
        found = f"renders without {written.name}, which says of what" if unknown else ""
    if found:
        raise RunError(f"{folder}: holds {found}; give another {option}, or remove it")


def probe_hash(folder: Path) -> str:
    """Return a fingerprint of a probe's weights."""
    return quantised.fingerprint(folder / "probe.safetensors")


def load_probe(folder: Path | None) -> tuple[Probe, Path]:
    """Load a probe's folder, by default the packaged one's, and say which it was."""
    folder = folder or library.packaged() / "probe"
    return probes.load(folder), folder
