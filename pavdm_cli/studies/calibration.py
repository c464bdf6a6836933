"""The smallest dose of known damage that each measure of the scorecard notices, on true renders."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import tee
from pathlib import Path

import numpy as np

from pavdm_cli.errors import RunError
from pavdm_cli.models.config import write_json
from pavdm_cli.models.probe import Probe
from pavdm_cli.studies import measures, records, sources
from pavdm_cli.studies.bootstrap import DRAWS, SHARE, sets
from pavdm_cli.studies.claims import claim, renders
from pavdm_cli.studies.damage import DAMAGES, damaged
from pavdm_cli.studies.plan import FLOORS, QUICK, Plan, Progress, record_path
from pavdm_cli.studies.prompts import PROMPTS
from pavdm_cli.studies.records import Record, Recorder
from pavdm_cli.studies.sources import Frames
from pavdm_cli.training.worlds.paint import FPS

PLAN = replace(QUICK, prompts=tuple(range(len(PROMPTS))), batch=4)
SIZE = (128, 128)
DAMAGED = 80_000
PLAIN = {"real": 50_000, "other": 60_000, "undamaged": DAMAGED}
PLAIN |= {f"floor{n}": 70_000 + 1000 * n for n in range(FLOORS)}
"""Kinds of undamaged videos, and what is added to their seeds so that their scenes differ: but for those that
are damaged, which are looked at as they are too."""
SHIFTED = 7
"""Prompts between a scene and the one that is laid over it."""
WATCHED = (
    "adherence",
    "persistence",
    "feature change",
    "retrieval",
    "change over two seconds",
    "brightness, last less first",
    "contrast, last less first",
    "saturation, last less first",
    "sharpness, last less first",
    "motion, last less first",
    "light kept",
    "joints",
    "cuts",
    "freezes",
    "blanks",
    "repetition",
    "kernel distance above floor",
    "Frechet distance above floor",
)
"""The measures that are calibrated; courses in their last interval."""


@dataclass(frozen=True)
class Calibration:
    """found: by measure and damage, the smallest dose noticed, None if none was. false: measures that saw
    damage between two sets of undamaged renders."""

    videos: int
    seconds: int
    probe: str
    found: dict[str, dict[str, float | None]]
    false: list[str]


def make(probe: Probe, judge: str, plan: Plan, folder: Path) -> Iterator[Progress]:
    """Damage true renders and look at them; every video leaves a record in the folder, as in `scorecard`.

    judge: the probe's fingerprint.

    Raises:
        RunError: the folder's records are of another probe, length or version of the worlds.
    """
    claim(folder, renders(judge, plan.seconds, SIZE))
    groups = [plan.videos[start : start + plan.batch] for start in range(0, len(plan.videos), plan.batch)]
    todo = [(kinds, group) for kinds in ([one] for one in PLAIN) for group in groups]
    todo += [(_doses(), group) for group in groups]
    missing = [
        (kinds, group)
        for kinds, group in todo
        if not all(record_path(folder, kind, *one).exists() for kind in kinds for one in group)
    ]
    yield Progress(len(todo) - len(missing), len(todo), "", ())
    for n, (kinds, group) in enumerate(missing, len(todo) - len(missing) + 1):
        _look(group, kinds, plan.seconds * FPS, probe, folder)
        yield Progress(n, len(todo), kinds[0] if len(kinds) == 1 else "damaged", ())


def judge(plan: Plan, probe: str, folder: Path) -> Calibration:
    """Work out from the records which dose each measure notices first.

    A measure notices if the 95 % interval of its difference to undamaged renders leaves out zero.
    """
    real = _gather(plan, "real", folder)
    others = [_gather(plan, f"floor{n}", folder) for n in range(FLOORS)]
    plain, undamaged = _gather(plan, "other", folder), _gather(plan, "undamaged", folder)
    false = sorted(_noticed(undamaged, plain, real, others))
    found: dict[str, dict[str, float | None]] = {name: {} for name in WATCHED}
    for damage in DAMAGES:
        seen = [
            (dose, _noticed(_gather(plan, f"{damage.name}-{dose}", folder), plain, real, others))
            for dose in damage.doses
        ]
        for name in WATCHED:
            found[name][damage.name] = next((dose for dose, names in seen if name in names), None)
    return Calibration(len(plan.videos), plan.seconds, probe, found, false)


def write(path: Path, calibration: Calibration) -> None:
    """Write a calibration as JSON, beside the target and then renamed."""
    write_json(path, asdict(calibration))


def read(path: Path) -> Calibration:
    """Read what `write` wrote.

    Raises:
        RunError: it is not such a file.
    """
    try:
        return Calibration(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"{path}: not a calibration of this version ({error}); make it again") from error


def _noticed(
    own: Sequence[Record], plain: Sequence[Record], real: Sequence[Record], others: Sequence[Sequence[Record]]
) -> set[str]:
    """Return the names of the measures that tell videos from undamaged ones of other scenes."""
    asked, renders = {one.prompt: one for one in PROMPTS}, measures.usual(real)

    def values(of: Sequence[Record]) -> Mapping[str, measures.Values]:
        courses = measures.by_interval(of, asked, renders)
        return {name: row[:, -1] for name, row in courses.items()} | measures.of_videos(of, asked)

    damaged_, undamaged = values(own), values(plain)
    found = {name for name in WATCHED if name in damaged_ and _differ(damaged_[name], undamaged[name])}
    for name in set(WATCHED) - set(damaged_):

        def of(picks: Sequence[int], name: str = name) -> measures.Values:
            parts = [[some[i] for i in picks] for some in (own, plain, real, *others)]
            ours, theirs = (measures.distances(part, parts[2], parts[3:])[name][-1:] for part in parts[:2])
            return ours - theirs

        estimate = sets(len(own), of).estimates()[0]
        found |= {name} if estimate.low > 0 else set()
    return found


def _differ(first: measures.Values, second: measures.Values) -> bool:
    """Tell whether the means of two sets of videos differ, by a bootstrap of both."""
    rng = np.random.default_rng(0)
    means = [one[rng.integers(len(one), size=(DRAWS, len(one)))].mean(1) for one in (first, second)]
    low, high = np.percentile(means[0] - means[1], [(100 - SHARE) / 2, (100 + SHARE) / 2])
    return bool(low > 0 or high < 0)


def _doses() -> list[str]:
    return [f"{damage.name}-{dose}" for damage in DAMAGES for dose in damage.doses]


def _look(
    group: Sequence[tuple[int, int]], kinds: Sequence[str], frames: int, probe: Probe, folder: Path
) -> None:
    """Look at one group of videos, of one plain kind or with every damage, rendered once for all."""
    asked, seeds = [PROMPTS[i] for i, _ in group], [seed for _, seed in group]
    here = [seed + PLAIN.get(kinds[0], DAMAGED) for seed in seeds]
    source = tee(sources.real(asked, here, frames, SIZE), len(kinds))
    if kinds[0] in PLAIN:
        videos: list[Iterator[Frames]] = list(source)
    else:
        shifted = [PROMPTS[(i + SHIFTED) % len(PROMPTS)] for i, _ in group]
        others = tee(sources.real(shifted, here, frames, SIZE), len(kinds))
        named = [kind.split("-") for kind in kinds]
        videos = [
            damaged(own, other, name, float(dose), frames)
            for own, other, (name, dose) in zip(source, others, named, strict=True)
        ]
    recorders = [[Recorder(FPS) for _ in group] for _ in kinds]
    for pieces in zip(*videos, strict=True):
        for piece, row in zip(pieces, recorders, strict=True):
            for recorder, own in zip(row, piece, strict=True):
                recorder.add(own)
    for kind, row in zip(kinds, recorders, strict=True):
        for recorder, one, (i, seed) in zip(row, asked, group, strict=True):
            record = recorder.record(one.prompt, seed, one.family, probe)
            records.write(record_path(folder, kind, i, seed), record, recorder.strip())


def _gather(plan: Plan, kind: str, folder: Path) -> list[Record]:
    return [records.read(record_path(folder, kind, i, seed)) for i, seed in plan.videos]
