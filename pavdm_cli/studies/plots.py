"""Plots of a scorecard's courses."""

import io
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pavdm_cli import whole
from pavdm_cli.studies.bootstrap import Estimate
from pavdm_cli.studies.measures import INTERVAL
from pavdm_cli.studies.scorecard import Scores

SHOWN = (
    "adherence",
    "persistence",
    "retrieval",
    "feature change",
    "kernel distance above floor",
    "Frechet distance above floor",
    "distance between prompts",
    "motion",
    "change over two seconds",
    "brightness",
    "contrast",
    "saturation",
    "sharpness",
)
COLOURS = {"made": "#b3261e", "other": "#107a3d", "coded": "#2457a6"}
NAMES = {"made": "the model", "other": "renders", "coded": "renders through the VAE"}
COLUMNS = 5


def courses(path: Path, scores: Scores, against: Scores | None) -> None:
    """Draw each measure through the intervals, with bands; other scores as a dashed line."""
    rows = -(-len(SHOWN) // COLUMNS)
    figure = Figure(figsize=(3.4 * COLUMNS, 2.6 * rows), layout="constrained")
    for place, name in enumerate(SHOWN, 1):
        axes = figure.add_subplot(rows, COLUMNS, place)
        axes.set_title(name, fontsize=10)
        axes.tick_params(labelsize=8)
        for kind, colour in COLOURS.items():
            if kind in scores.by_interval[name]:
                _line(axes, scores.by_interval[name][kind], colour, NAMES[kind])
        if against and name in against.by_interval:
            row = against.by_interval[name]["made"]
            axes.plot(_middles(row), [one.value for one in row], "--", color="#b3261e", label="before")
        axes.set_xlim(0, scores.identity.seconds)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    figure.axes[0].legend(fontsize=8)
    figure.supxlabel("seconds", fontsize=9)
    save(path, figure)


def save(path: Path, figure: Figure) -> None:
    """Write a figure as PNG."""
    data = io.BytesIO()
    figure.savefig(data, dpi=110)
    whole.write(path, data.getvalue())


def _line(axes: Axes, row: list[Estimate], colour: str, label: str) -> None:
    at = _middles(row)
    axes.plot(at, [one.value for one in row], "o-", color=colour, label=label, markersize=3)
    axes.fill_between(at, [one.low for one in row], [one.high for one in row], color=colour, alpha=0.15, lw=0)


def _middles(row: list[Estimate]) -> list[float]:
    return [(k + 0.5) * INTERVAL for k in range(len(row))]
