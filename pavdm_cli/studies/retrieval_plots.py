"""Plots of the study of memory."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pavdm_cli.studies.plots import save
from pavdm_cli.studies.retrieval import CEILING, INTERVALS
from pavdm_cli.studies.retrieval_results import Scores, front
from pavdm_cli.studies.revisits import BINS
from pavdm_cli.training.memory import ROWS

COLOURS = {"prepend": "#b3261e", "channel": "#2457a6", "cross": "#107a3d"}


def draw(folder: Path, scores: Scores) -> None:
    """Draw rates.png, and rollout.png and cost.png where something was rolled out."""
    _rates(folder / "rates.png", scores)
    if any(own.decay for own in scores.values()):
        _rollout(folder / "rollout.png", scores)
        _cost(folder / "cost.png", scores)


def _rates(path: Path, scores: Scores) -> None:
    """Draw every row's rates as bars, a panel a bin, with intervals and the ceiling as a line."""
    rows = [row for row in ROWS if row in scores]
    figure = Figure(figsize=(11, 1.2 + 0.26 * max(len(rows), 4)), layout="constrained")
    panels = figure.subplots(1, len(BINS), sharey=True, squeeze=False)[0]
    for axes, name in zip(panels, BINS, strict=True):
        axes.set_title(f"gap {name}", fontsize=10)
        axes.set_xlim(0, 1)
        axes.invert_yaxis() if name == next(iter(BINS)) else None
        axes.tick_params(labelsize=8)
        for place, row in enumerate(rows):
            one = scores[row].bins.get(name)
            if one:
                ends = [[one.rate.value - one.rate.low], [one.rate.high - one.rate.value]]
                colour = COLOURS[ROWS[row].reading.kind]
                axes.barh(place, one.rate.value, xerr=ends, color=colour, ecolor="#777", height=0.7)
        if CEILING in scores and name in scores[CEILING].bins:
            axes.axvline(scores[CEILING].bins[name].rate.value, color="#777", ls=":")
    panels[0].set_yticks(range(len(rows)), rows)
    figure.supxlabel("rate of places found again; dotted: true views through the coder", fontsize=9)
    save(path, figure)


def _rollout(path: Path, scores: Scores) -> None:
    """Draw PSNR along a roll-out, and what it loses against the mean rate."""
    figure = Figure(figsize=(11, 4), layout="constrained")
    course, trade = figure.subplots(1, 2)
    middles = [(a + b) / 2 for a, b in INTERVALS]
    for row, own in scores.items():
        if own.decay:
            colour, memory = COLOURS[ROWS[row].reading.kind], ROWS[row]
            style = "--" if memory.compression else "-"
            course.plot(middles, [one.value for one in own.decay[:-1]], style, color=colour, lw=1, label=row)
            trade.plot(own.mean_rate, own.decay[-1].value, "o", color=colour)
            _named(trade, own.mean_rate, own.decay[-1].value, row)
    course.set_xlabel("frame of the roll-out")
    course.set_ylabel("PSNR, dB")
    course.legend(fontsize=6)
    trade.set_xlabel("mean rate over the bins")
    trade.set_ylabel("PSNR lost from first to last interval, dB")
    save(path, figure)


def _cost(path: Path, scores: Scores) -> None:
    """Draw the mean rate against the time of a frame, with the Pareto front."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    best = sorted((scores[row].seconds * 1000, scores[row].mean_rate) for row in front(scores))
    axes.plot([x for x, _ in best], [y for _, y in best], "-", color="#ccc")
    for row, own in scores.items():
        if own.seconds:
            axes.plot(own.seconds * 1000, own.mean_rate, "o", color=COLOURS[ROWS[row].reading.kind])
            _named(axes, own.seconds * 1000, own.mean_rate, row)
    axes.set_xlabel("milliseconds a frame")
    axes.set_ylabel("mean rate over the bins")
    save(path, figure)


def _named(axes: Axes, x: float, y: float, row: str) -> None:
    axes.annotate(row, (x, y), xytext=(3, 3), textcoords="offset points", fontsize=6)
