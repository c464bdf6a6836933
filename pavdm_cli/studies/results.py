"""What a scorecard comes to: what must hold, and results.json, which another scorecard can be laid beside."""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pavdm_cli.errors import RunError
from pavdm_cli.models.config import write_json
from pavdm_cli.models.probe import SPAN
from pavdm_cli.studies.bootstrap import Estimate
from pavdm_cli.studies.claims import Identity
from pavdm_cli.studies.scorecard import Scores
from pavdm_cli.training.worlds.paint import FPS

STRETCH = SPAN // FPS
GROWTH = 1.25
"""Times the distance from true renders in the first interval that the last one's may be."""


@dataclass(frozen=True)
class Gate:
    """One thing that must hold: what it is, the value measured, what it must be, and whether it is."""

    name: str
    value: float
    wanted: str
    passed: bool


def gates(scores: Scores) -> list[Gate]:
    """Hold the scores against what the packaged model promises."""
    videos = {name: kinds["made"] for name, kinds in scores.of_videos.items()}
    courses = scores.by_interval
    found = []
    for end, part, least in (
        ("first", "", 0.90),
        ("last", "", 0.85),
        ("first", ", held-out prompts", 0.80),
        ("last", ", held-out prompts", 0.75),
    ):
        name = f"adherence, {end} {STRETCH} s{part}"
        if name in videos:
            found.append(_at_least(f"{name}, low end of the interval", videos[name].low, least))
    for name in ("kernel distance above floor", "Frechet distance above floor"):
        found.append(_grows_little(name, courses[name]["made"], courses[name]["other"]))
    for name in ("motion", "change over two seconds"):
        if name not in courses:  # of an earlier version
            continue
        times = courses[name]["made"][-1].value / courses[name]["other"][-1].value
        wanted = f"{name} over that of renders, last interval"
        found.append(Gate(wanted, times, "0.80 to 1.25", 0.8 <= times <= 1.25))
    found.append(_at_least("light kept, share of videos", videos["light kept"].value, 0.90))
    for name in ("freezes", "blanks", "cuts"):
        found.append(_at_most(f"{name} a video", videos[name].value, 0.0))
    found.append(_at_most("joints, times the motion elsewhere", videos["joints"].value, 1.1))
    retrieval = [one.value for one in courses["retrieval"]["made"]]
    kept = retrieval[-1] / retrieval[0] if retrieval[0] else math.nan
    found.append(_at_least("retrieval, last interval over first", kept, 0.90))
    return found


def write(path: Path, scores: Scores) -> None:
    """Write scores and gates as JSON, beside the target and then renamed."""
    data = asdict(scores) | {"gates": [asdict(gate) for gate in gates(scores)]}
    write_json(path, plain(data))


def read(path: Path) -> Scores:
    """Read what `write` wrote.

    Raises:
        RunError: it is not such a file.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        own = found["identity"] | {"size": tuple(found["identity"]["size"])}
        courses = {
            name: {kind: [_estimate(one) for one in row] for kind, row in kinds.items()}
            for name, kinds in found["by_interval"].items()
        }
        videos = {
            name: {kind: _estimate(one) for kind, one in kinds.items()}
            for name, kinds in found["of_videos"].items()
        }
        return Scores(Identity(**own), found["videos"], courses, videos)
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunError(f"{path}: not results of a scorecard ({error!r}); give a results.json") from error


def _at_least(name: str, value: float, least: float) -> Gate:
    return Gate(name, value, f"at least {least:.2f}", value >= least)


def _at_most(name: str, value: float, most: float) -> Gate:
    return Gate(name, value, f"at most {most:.2f}", value <= most)


def _grows_little(name: str, made: list[Estimate], other: list[Estimate]) -> Gate:
    """The last interval must not be much farther from true renders than the first, unless both are as near as
    true renders are to each other."""
    most = max(GROWTH * made[0].value, other[-1].high if math.isfinite(other[-1].high) else 0.0)
    wanted = f"at most {most:.3g}: {GROWTH} times the first interval's {made[0].value:.3g}, or as renders"
    return Gate(f"{name}, last interval", made[-1].value, wanted, made[-1].value <= most)


def _estimate(found: dict[str, Any]) -> Estimate:
    return Estimate(**{name: math.nan if value is None else float(value) for name, value in found.items()})


def plain(value: Any) -> Any:
    """Turn what JSON has no number for into null."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
