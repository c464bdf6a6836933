"""The scorecard's measures: of each video in each interval of ten seconds, of each whole video, and of sets.

Values of videos are (V, K) over K intervals or (V,); NaN where there is nothing to say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavdm_cli.drift.report import EDGE
from pavdm_cli.drift.sets import above_floor, frechet_distance, kernel_distance
from pavdm_cli.models.probe import SPAN
from pavdm_cli.studies import records as recording
from pavdm_cli.studies.prompts import Asked
from pavdm_cli.studies.records import Look, Record
from pavdm_cli.training.worlds.paint import FPS

Values = NDArray[np.float64]

INTERVAL = 10
"""Seconds."""
STRETCH = SPAN // FPS
"""Seconds that the probe reads at once."""
LIGHT = ("brightness", "contrast", "saturation")
KEPT = 0.05
"""Change of brightness, contrast or saturation, of the full range, that counts as none."""


@dataclass(frozen=True)
class Usual:
    """What true renders of a prompt are like: their mean features, and their change over two seconds."""

    features: Values
    change: float


def intervals(seconds: float) -> int:
    """Return how many whole intervals a length has."""
    return int(seconds // INTERVAL)


def looks_in(record: Record, interval: int) -> list[Look]:
    """Return the readings of stretches that lie within an interval."""
    start = interval * INTERVAL
    return [look for look in record.looks if start <= look.at and look.at + STRETCH <= start + INTERVAL]


def right(look: Look, asked: Asked) -> dict[str, float]:
    """Return 1 for each fact of the prompt that the probe reads, else 0; in another family all are wrong."""
    there = look.family == asked.family
    facts = {name: float(there and look.answers[name] == word) for name, word in asked.facts.items()}
    return {"family": float(there)} | facts


def adherence(look: Look, asked: Asked) -> float:
    """Return the share of the prompt's facts, its family among them, that the probe reads."""
    return float(np.mean(list(right(look, asked).values())))


def by_interval(
    records: Sequence[Record], asked: Mapping[str, Asked], renders: Mapping[str, Usual]
) -> dict[str, Values]:
    """Return every measure of single videos, (V, K) each.

    renders: what true ones are like by prompt; a stretch is retrieved if its own prompt's are nearest, and
    its change is over theirs.
    """
    count = intervals(records[0].seconds)
    names = sorted({name for record in records for name in ("family", *asked[record.prompt].facts)})
    rows: dict[str, list[list[float]]] = {}

    def put(name: str, values: list[float]) -> None:
        rows.setdefault(name, []).append(values)

    for record in records:
        want = asked[record.prompt]
        looks = [looks_in(record, k) for k in range(count)]
        whole = [_mean([adherence(look, want) for look in here]) for here in looks]
        put("adherence", whole)
        for part, other in (("held-out", want.held_out), ("paraphrased", want.paraphrase)):
            put(f"adherence, {part} prompts", whole if other else [np.nan] * count)
        for name in names:
            said = name == "family" or name in want.facts
            values = [_mean([right(look, want)[name] for look in here]) if said else np.nan for here in looks]
            put(f"adherence of {name}", values)
        put("persistence", [_mean([_same(look, record.looks[0]) for look in here]) for here in looks])
        put("feature change", [_mean([_moved(look, record.looks[0]) for look in here]) for here in looks])
        pace = renders[record.prompt].change
        put("change over two seconds", [_mean([look.change / pace for look in here]) for here in looks])
        put(
            "retrieval",
            [_mean([_nearest(look, renders) == record.prompt for look in here]) for here in looks],
        )
        for name, values in record.figures.items():
            put(name, [_mean(values[k * INTERVAL : (k + 1) * INTERVAL]) for k in range(count)])
    return {name: np.array(values, float) for name, values in rows.items()}


def of_videos(records: Sequence[Record], asked: Mapping[str, Asked]) -> dict[str, Values]:
    """Return every measure of whole videos, (V,) each."""
    found: dict[str, list[float]] = {}
    for record in records:
        want = asked[record.prompt]
        ends = {"first": record.looks[0], "last": record.looks[-1]}
        values = {f"adherence, {end} {STRETCH} s": adherence(look, want) for end, look in ends.items()}
        if want.held_out:
            values |= {f"{name}, held-out prompts": value for name, value in values.items()}
        for figure, course in record.figures.items():
            values |= _course(figure, np.array(course))
        values["light kept"] = float(all(abs(values[f"{name}, last less first"]) <= KEPT for name in LIGHT))
        values |= {
            "joints": record.joints,
            "seams": record.seams,
            "cuts": record.cuts,
            "freezes": record.freezes,
            "blanks": record.blanks,
            "repetition": record.repetition,
        }
        for name, value in values.items():
            found.setdefault(name, []).append(value)
    return {name: np.array(values) for name, values in found.items()}


def distances(
    records: Sequence[Record], real: Sequence[Record], others: Sequence[Sequence[Record]]
) -> dict[str, Values]:
    """Return how far the videos of each interval, as a set, are from true renders, (K,) each.

    others: more sets of true renders, as large as `records`, for the floor. Each distance is between
    stretches at one moment, so that no set holds a video twice; it is averaged over an interval's moments.
    """
    kernel, frechet, apart = [], [], []
    for k in range(intervals(records[0].seconds)):
        moments = [look.at for look in looks_in(records[0], k)]
        here = [recording.features(records, at) for at in moments]
        true = [recording.features(real, at) for at in moments]
        floors = [[recording.features(other, at) for other in others] for at in moments]
        sets = list(zip(here, true, floors, strict=True))
        kernel.append(_mean([above_floor(kernel_distance, a, b, c) for a, b, c in sets]))
        frechet.append(_mean([above_floor(frechet_distance, a, b, c) for a, b, c in sets]))
        apart.append(_mean([_spread(a, records) for a in here]))
    found = {"kernel distance above floor": kernel, "Frechet distance above floor": frechet}
    return {name: np.array(values) for name, values in (found | {"distance between prompts": apart}).items()}


def usual(real: Sequence[Record]) -> dict[str, Usual]:
    """Return what true renders are like by prompt."""
    looks: dict[str, list[Look]] = {}
    for record in real:
        looks.setdefault(record.prompt, []).extend(record.looks)
    return {
        prompt: Usual(np.array([look.features for look in own]).mean(0), _mean([look.change for look in own]))
        for prompt, own in looks.items()
    }


def _course(figure: str, values: Values) -> dict[str, float]:
    """Return how one figure goes through a video: its ends, its slope, and its worst ten seconds."""
    edge = max(1, round(EDGE * len(values)))
    first, last = float(values[:edge].mean()), float(values[-edge:].mean())
    width = min(INTERVAL, len(values))
    windows = np.convolve(values, np.ones(width) / width, "valid")
    slope = np.polyfit(np.arange(len(values)) / 60, values, 1)[0] if len(values) > 1 else 0.0
    return {
        f"{figure}, first 15 %": first,
        f"{figure}, last 15 %": last,
        f"{figure}, last less first": last - first,
        f"{figure}, slope per minute": float(slope),
        f"{figure}, worst {INTERVAL} s": float(np.abs(windows - first).max()),
    }


def _same(look: Look, first: Look) -> float:
    """Return the share of answers, the family's among them, that are those of the first stretch."""
    own, before = {"": look.family} | look.answers, {"": first.family} | first.answers
    return float(np.mean([own[name] == word for name, word in before.items()]))


def _moved(look: Look, first: Look) -> float:
    """Return how far the features are from those of the first stretch, per feature."""
    return float(np.square(np.subtract(look.features, first.features)).mean() ** 0.5)


def _nearest(look: Look, renders: Mapping[str, Usual]) -> str:
    return min(renders, key=lambda prompt: float(np.square(renders[prompt].features - look.features).sum()))


def _spread(features: Values, records: Sequence[Record]) -> float:
    """Return the mean distance between the prompts' mean features, per feature."""
    prompts = [record.prompt for record in records]
    middles = np.array([features[[p == one for p in prompts]].mean(0) for one in dict.fromkeys(prompts)])
    pairs = np.square(middles[:, None] - middles[None]).mean(-1) ** 0.5
    return float(pairs[np.triu_indices(len(middles), 1)].mean()) if len(middles) > 1 else np.nan


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if len(values) else float("nan")
