"""What the study of memory comes to: rates with intervals, decay, and which of the paper's findings hold."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pavdm_cli.models.config import write_json
from pavdm_cli.studies.bootstrap import DRAWS, SHARE, Estimate, of_means
from pavdm_cli.studies.results import plain
from pavdm_cli.studies.retrieval import CEILING, About, Record
from pavdm_cli.studies.revisits import BINS, Clip
from pavdm_cli.training.memory import BUDGETS, ROWS

Values = NDArray[np.float64]
Verdict = Literal["holds", "does not hold", "not settled", "not measured"]
NEAR, MIDDLE, FAR = BINS


@dataclass(frozen=True)
class Retrieval:
    """One row in one bin of gaps. ssim, psnr: of needles against true views."""

    rate: Estimate
    ssim: Estimate
    psnr: Estimate
    clips: int


@dataclass(frozen=True)
class RowScores:
    """One row. decay: PSNR in each interval of a roll-out, then the first less the last; empty for the
    ceiling."""

    bins: dict[str, Retrieval]
    decay: list[Estimate]
    seconds: float
    held: int
    parameters: int

    @property
    def mean_rate(self) -> float:
        """Mean rate over the bins, as the paper's figure 9 has it."""
        return float(np.mean([one.rate.value for one in self.bins.values()]))


@dataclass(frozen=True)
class Finding:
    """A finding of the paper: what it says, whether it holds here, and the figures it was decided by."""

    name: str
    verdict: Verdict
    figures: str


Scores = Mapping[str, RowScores]


def score(records: Mapping[str, Record], clips: Sequence[Clip]) -> dict[str, RowScores]:
    """Work out every row's figures; all rows were tried on the same clips."""
    return {row: _row(record, clips) for row, record in records.items()}


def _row(record: Record, clips: Sequence[Clip]) -> RowScores:
    bins = {}
    for name in BINS:
        own = [seen for seen in record.clips if clips[seen.clip].bin == name]
        if own:
            values = np.array([[seen.right, seen.ssim, seen.psnr] for seen in own], float)
            rate, likeness, ratio = of_means(values)
            bins[name] = Retrieval(rate, likeness, ratio, len(own))
    course = np.array(record.psnr)
    decay = of_means(np.column_stack((course, course[:, 0] - course[:, -1]))) if len(course) else []
    return RowScores(bins, decay, record.seconds, record.held, record.parameters)


def findings(records: Mapping[str, Record], clips: Sequence[Clip]) -> list[Finding]:
    """Hold the records against what the paper found."""
    judge = _Judge(records, clips)
    return [
        judge.more("A memory of 112 finds places again at gaps of 48-112, one of 16 does not",
                   [("prepend-112", FAR, "prepend-16", FAR)]),
        judge.more("A memory of 48 does so at gaps of 16-48, one of 16 does not",
                   [("prepend-48", MIDDLE, "prepend-16", MIDDLE)]),
        judge.more("Where the gap passes the memory, the rate falls off",
                   [("prepend-16", NEAR, "prepend-16", MIDDLE), ("prepend-48", MIDDLE, "prepend-48", FAR)]),
        judge.more("Longer memory is a little worse near",
                   [("prepend-16", NEAR, "prepend-112", NEAR), ("channel-16", NEAR, "channel-112", NEAR)]),
        judge.more("The rate rises with the budget",
                   [(f"prepend-48-joint-{BUDGETS[-1]}", MIDDLE, f"prepend-48-joint-{BUDGETS[0]}", MIDDLE),
                    (f"channel-48-modulated-{BUDGETS[-1]}", MIDDLE,
                     f"channel-48-modulated-{BUDGETS[0]}", MIDDLE)]),
        judge.more("Prepending is better than channels",
                   [("prepend-112", name, "channel-112", name) for name in (MIDDLE, FAR)]),
        judge.more("Cross-attention fails: channels are better",
                   [("channel-112", name, "cross-112", name) for name in (NEAR, MIDDLE, FAR)]),
        judge.decays("More memory decays faster",
                     [("prepend-112", "prepend-16"), ("prepend-48-joint-48", "prepend-48-joint-8")]),
    ]  # fmt: skip


class _Judge:
    """Decides by 95 % intervals of differences; clips and films are drawn together, as rows share them."""

    def __init__(self, records: Mapping[str, Record], clips: Sequence[Clip]) -> None:
        self._records, self._clips = records, clips

    def more(self, name: str, pairs: Sequence[tuple[str, str, str, str]]) -> Finding:
        """Judge that in each of (row, bin, row, bin) the first rate is higher than the second."""
        there = [pair for pair in pairs if {pair[0], pair[2]} <= self._records.keys()]
        rows = [(f"{a} {p}", f"{b} {q}", self._right(a, p), self._right(b, q)) for a, p, b, q in there]
        return _found(name, rows, lambda a, b, p, q: f"{a} {p.mean():.2f}, {b} {q.mean():.2f}")

    def decays(self, name: str, pairs: Sequence[tuple[str, str]]) -> Finding:
        """Judge that in each pair the first row loses more PSNR over a roll-out than the second."""
        there = [pair for pair in pairs if set(pair) <= self._records.keys()]
        rows = [(a, b, self._lost(a), self._lost(b)) for a, b in there]
        return _found(name, rows, lambda a, b, p, q: f"{a} {p.mean():.2f} dB, {b} {q.mean():.2f} dB")

    def _right(self, row: str, name: str) -> Values:
        return np.array([s.right for s in self._records[row].clips if self._clips[s.clip].bin == name], float)

    def _lost(self, row: str) -> Values:
        return np.array([values[0] - values[-1] for values in self._records[row].psnr])


def difference(first: Values, second: Values) -> tuple[float, float]:
    """Return the 95 % interval of how much higher the first mean is; sets of one size are drawn together."""
    rng = np.random.default_rng(0)
    picks = rng.integers(len(first), size=(DRAWS, len(first)))
    others = picks if len(second) == len(first) else rng.integers(len(second), size=(DRAWS, len(second)))
    low, high = np.percentile(
        first[picks].mean(1) - second[others].mean(1), [(100 - SHARE) / 2, (100 + SHARE) / 2]
    )
    return float(low), float(high)


def _found(
    name: str,
    rows: Sequence[tuple[str, str, Values, Values]],
    said: Callable[[str, str, Values, Values], str],
) -> Finding:
    if not rows or any(not len(p) or not len(q) for _, _, p, q in rows):
        return Finding(name, "not measured", "")
    ends = [difference(p, q) for _, _, p, q in rows]
    figures = "; ".join(
        f"{said(*row)} (difference {low:+.2f} to {high:+.2f})"
        for row, (low, high) in zip(rows, ends, strict=True)
    )
    if all(low > 0 for low, _ in ends):
        return Finding(name, "holds", figures)
    return Finding(name, "does not hold" if any(high <= 0 for _, high in ends) else "not settled", figures)


def correlation(scores: Scores, kind: str) -> float:
    """Return Pearson's r between mean rate and decay over the budgets of a compression; NaN without all."""
    rows = [scores.get(f"{kind}-{budget}") for budget in BUDGETS]
    points = [(row.mean_rate, row.decay[-1].value) for row in rows if row and row.decay]
    if len(points) < len(BUDGETS):
        return math.nan
    x, y = np.array(points).T
    return float(np.corrcoef(x, y)[0, 1]) if x.std() and y.std() else math.nan


def front(scores: Scores) -> list[str]:
    """Return the rows on the Pareto front: none other is at least as fast and finds at least as much."""
    own = {row: (one.seconds, -one.mean_rate) for row, one in scores.items() if row in ROWS and one.seconds}

    def beaten(row: str) -> bool:
        a = own[row]
        return any(b != a and b[0] <= a[0] and b[1] <= a[1] for b in own.values())

    return [row for row in own if not beaten(row)]


def write(
    folder: Path, scores: Scores, checked: Mapping[str, float], found: Sequence[Finding], about: About
) -> None:
    """Write results.json, a list of the rows, and figures.json with all else, beside and then renamed."""
    rows = [_said(row, scores[row]) for row in ROWS if row in scores]
    write_json(folder / "results.json", plain(rows))
    more = {
        "places": about.places,
        "found again": about.rule,
        "judge on true views": dict(checked),
        "ceiling": _bins(scores[CEILING]) if CEILING in scores else None,
        "findings": [asdict(one) for one in found],
        "rolled out": {row: [asdict(one) for one in own.decay] for row, own in scores.items() if own.decay},
        "cost": {
            row: {"seconds a frame": own.seconds, "bytes held": own.held, "parameters": own.parameters}
            for row, own in scores.items()
            if own.seconds
        },
        "front": front(scores),
    }
    write_json(folder / "figures.json", plain(more))


def _said(row: str, own: RowScores) -> dict[str, object]:
    memory = ROWS[row]
    return {
        "structure": memory.reading.kind,
        "memory": memory.length,
        "compression": memory.compression.kind if memory.compression else None,
        "budget": memory.compression.budget if memory.compression else None,
        "bins": _bins(own),
    }


def _bins(own: RowScores) -> dict[str, object]:
    return {
        name: {
            "rate": one.rate.value,
            "low": one.rate.low,
            "high": one.rate.high,
            "ssim": one.ssim.value,
            "psnr": one.psnr.value,
            "clips": one.clips,
        }
        for name, one in own.bins.items()
    }
