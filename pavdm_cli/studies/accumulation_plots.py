"""Plots of the study of accumulation: courses by way, differences at the end, errors against drift."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pavdm_cli.studies.bootstrap import Estimate
from pavdm_cli.studies.measures import INTERVAL
from pavdm_cli.studies.outcomes import BETTER, DRIFTS, Outcome
from pavdm_cli.studies.plots import save
from pavdm_cli.studies.variants import BASE

SHOWN = (
    "Frechet distance above floor",
    "adherence",
    "retrieval",
    "persistence",
    "feature change",
    "motion",
    "saturation",
    "sharpness",
)
COLUMNS = 4
COLOURS = colormaps["tab10"].colors  # type: ignore[attr-defined]


def courses(path: Path, outcomes: Sequence[Outcome], ceiling: dict[str, list[Estimate]]) -> None:
    """Draw measures through the intervals, a line a way, true renders dotted, progressive with its band."""
    rows = -(-len(SHOWN) // COLUMNS)
    figure = Figure(figsize=(3.4 * COLUMNS, 2.7 * rows), layout="constrained")
    for place, name in enumerate(SHOWN, 1):
        axes = figure.add_subplot(rows, COLUMNS, place)
        axes.set_title(name, fontsize=10)
        axes.set_xlabel("seconds", fontsize=8)
        axes.tick_params(labelsize=8)
        _line(axes, ceiling[name], "renders", "black", ":")
        for n, one in enumerate(outcomes):
            _line(axes, one.courses[name], one.name, COLOURS[n % len(COLOURS)], "-")
            if one.name == BASE:
                low, high = ([getattr(e, end) for e in one.courses[name]] for end in ("low", "high"))
                axes.fill_between(_middles(low), low, high, color=COLOURS[n], alpha=0.15, lw=0)
    figure.legend(
        *figure.axes[0].get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=5
    )
    save(path, figure)


def differences(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Draw what each way has more or less than progressive at the end, with intervals."""
    others = [one for one in outcomes if one.name != BASE and one.apart][::-1]
    names = list(BETTER)
    figure = Figure(figsize=(2.2 * len(names) + 1.5, 0.3 * len(others) + 1.4), layout="constrained")
    for place, name in enumerate(names, 1):
        axes = figure.add_subplot(1, len(names), place)
        axes.set_title(name.replace(" above floor", ""), fontsize=9)
        axes.tick_params(labelsize=8)
        axes.axvline(0, color="grey", lw=0.8)
        for y, one in enumerate(others):
            word, found = one.verdict(name)
            colour = {"better": "#107a3d", "worse": "#b3261e"}.get(word, "#777777")
            if np.isfinite([found.low, found.high]).all():
                axes.plot([found.low, found.high], [y, y], color=colour)
            axes.plot([found.value], [y], "o", color=colour, markersize=4)
        axes.set_yticks(range(len(others)), [one.name for one in others] if place == 1 else [])
        axes.set_ylim(-0.6, len(others) - 0.4)
    figure.supxlabel("less progressive's; green: progressive is better, red: it is worse", fontsize=9)
    save(path, figure)


def ranking(path: Path, outcomes: Sequence[Outcome]) -> None:
    """Draw errors along the rows against drift at the end, a point a variant."""
    ranked = [(one, one.error.value) for one in outcomes if one.error is not None]
    figure = Figure(figsize=(3.8 * len(DRIFTS), 3.4), layout="constrained")
    for place, name in enumerate(DRIFTS, 1):
        axes = figure.add_subplot(1, len(DRIFTS), place)
        axes.set_title(name, fontsize=10)
        axes.tick_params(labelsize=8)
        for n, (one, error) in enumerate(ranked):
            axes.plot([error], [one.last(name).value], "o", color=COLOURS[0], markersize=4)
            axes.annotate(str(n + 1), (error, one.last(name).value), fontsize=7, xytext=(3, 2),
                          textcoords="offset points")  # fmt: skip
    figure.supxlabel("squared error along the rows", fontsize=9)
    save(path, figure)


def _line(axes: Axes, row: Sequence[Estimate], label: str, colour: object, style: str) -> None:
    values = [one.value for one in row]
    axes.plot(_middles(values), values, style, color=colour, label=label, marker="o", markersize=2.5, lw=1.2)


def _middles(row: Sequence[float]) -> list[float]:
    return [(k + 0.5) * INTERVAL for k in range(len(row))]
