"""The study of memory as one HTML page: findings first, then tables beside the paper's, plots, frames."""

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import numpy as np

from pavdm_cli import whole
from pavdm_cli.media.sheet import packed, sheet
from pavdm_cli.studies import meta_arvdm as paper
from pavdm_cli.studies import retrieval_plots as plots
from pavdm_cli.studies.found import CHANCE
from pavdm_cli.studies.page import document, estimate, table
from pavdm_cli.studies.retrieval import CEILING, INTERVALS, About, Record
from pavdm_cli.studies.retrieval_results import Finding, Scores, correlation, findings, front, score, write
from pavdm_cli.studies.revisits import BINS, Clip
from pavdm_cli.training.memory import BUDGETS, FIRST, ROWS

WANTED = 0.97
"""Share of true views that the judge is to tell right."""
STYLE = ".words td { text-align: left; white-space: normal }"
COLOURED = {"holds": "passed", "does not hold": "failed"}


def make(
    folder: Path,
    records: Mapping[str, Record],
    clips: Sequence[Clip],
    checked: Mapping[str, float],
    frames: Sequence[np.ndarray],
    about: About,
) -> Path:
    """Write index.html with its plots, results.json and figures.json into a folder; return the page's path.

    frames: rows of views for the sheet, each (T, H, W, 3).
    """
    folder.mkdir(parents=True, exist_ok=True)
    scores, found = score(records, clips), findings(records, clips)
    write(folder, scores, checked, found, about)
    plots.draw(folder, scores)
    if frames:
        whole.write(folder / "frames.jpg", packed(sheet(frames), "jpeg", quality=85))
    parts = [
        _head(scores, checked, about),
        _findings(found),
        _rates(scores),
        _likeness(scores),
        _decay(scores),
        _cost(scores),
        _frames([row for row in FIRST if row in scores]) if frames else "",
    ]
    page = folder / "index.html"
    whole.write(page, document("Memory", "".join(parts), STYLE).encode())
    return page


def _head(scores: Scores, checked: Mapping[str, float], about: About) -> str:
    missing = [row for row in ROWS if row not in scores]
    told = ", ".join(f"{name} {100 * share:.1f} %" for name, share in checked.items())
    weak = [name for name, share in checked.items() if share < WANTED and name != CHANCE]
    rows = [
        ["clips", "112 true frames, then 16 made; the needle is one of these 16"],
        ["gap", "how many frames before the window the needle's place was last in sight"],
        ["found again", escape(about.rule)],
        ["judge on true views", escape(told) + (f"; below 97 %: {escape(', '.join(weak))}" if weak else "")],
    ]
    rows += [["not trained yet", escape(", ".join(missing))]] if missing else []
    return (
        "<h1>Memory</h1><p>Meta-ARVDM's networks with memory (arXiv 2503.10704) in "
        f"{escape(about.places)}, 64 x 64 pixels. Scores of single clips cannot see forgetting; rates of "
        "places found again can.</p>" + table([], rows)
    )


def _findings(found: Sequence[Finding]) -> str:
    rows = [
        [
            escape(one.name),
            f'<span class="{COLOURED.get(one.verdict, "")}">{one.verdict}</span>',
            escape(one.figures),
        ]
        for one in found
    ]
    titles = ["finding", "here", "figures"]
    return f'<h2>The paper\'s findings, here</h2><div class="words">{table(titles, rows)}</div>'


def _rates(scores: Scores) -> str:
    titles = ["row", *(f"gap {name}" for name in BINS), *(f"paper {name}" for name in BINS), "clips a bin"]
    rows = []
    for row in (*ROWS, CEILING):
        if row in scores:
            own = scores[row].bins
            theirs = [f"{rate:.2f}" for rate in paper.RATE[row]] if row in paper.RATE else [""] * len(BINS)
            counts = ", ".join(str(own[name].clips) if name in own else "0" for name in BINS)
            ours = [estimate(own[name].rate) if name in own else "" for name in BINS]
            rows.append([escape(row), *ours, *theirs, counts])
    return (
        '<h2>Places found again</h2><img src="rates.png" alt="rates">'
        + table(titles, rows)
        + "<p>The paper's are DMLab, by a rule it does not give, of a few dozen clips a bin as the numbers "
        "suggest: differences under 0.15 are within their error.</p>"
    )


def _likeness(scores: Scores) -> str:
    titles = ["row", *(f"SSIM {name}" for name in BINS), *(f"paper {name}" for name in BINS)]
    titles += [f"PSNR {name}" for name in BINS]
    rows = []
    for row in (*ROWS, CEILING):
        if row in scores:
            own = scores[row].bins
            theirs = [f"{rate:.2f}" for rate in paper.SSIM[row]] if row in paper.SSIM else [""] * len(BINS)
            ssims = [estimate(own[name].ssim) if name in own else "" for name in BINS]
            psnrs = [estimate(own[name].psnr) if name in own else "" for name in BINS]
            rows.append([escape(row), *ssims, *theirs, *psnrs])
    return "<h2>Needles against true views</h2><p>The paper's are Minecraft.</p>" + table(titles, rows)


def _decay(scores: Scores) -> str:
    titles = ["row", *(f"{a}-{b}" for a, b in INTERVALS), "lost"]
    rows = [[escape(r), *map(estimate, own.decay)] for r, own in scores.items() if own.decay]
    theirs = [
        [f"paper, budget {budget}", *(f"{value:.2f}" for value in values), f"{values[0] - values[-1]:.2f}"]
        for budget, values in paper.DECAY.items()
    ]
    if not rows:
        return ""
    said = []
    for kind in ("prepend-48-joint", "channel-48-modulated"):
        r = correlation(scores, kind)
        said.append(f"{kind}, {len(BUDGETS)} budgets: {'not measured' if math.isnan(r) else f'{r:.2f}'}")
    return (
        '<h2>Roll-outs</h2><img src="rollout.png" alt="roll-outs"><p>PSNR of 64 frames made after 112 true '
        "ones, by interval. Correlation of mean rate and PSNR lost (paper, DMLab: 0.98): "
        f"{'; '.join(said)}.</p>" + table(titles, rows + theirs)
    )


def _cost(scores: Scores) -> str:
    best = front(scores)
    rows = [
        [
            escape(row),
            f"{own.seconds * 1000:.1f}",
            f"{own.held / 1024:.0f}",
            f"{own.parameters / 1e6:.2f}",
            f"{own.mean_rate:.3f}",
            "yes" if row in best else "",
        ]
        for row, own in scores.items()
        if own.seconds
    ]
    titles = ["row", "ms a frame", "KiB of the past held", "million parameters", "mean rate", "on the front"]
    shown = '<img src="cost.png" alt="cost">' if any(own.decay for own in scores.values()) else ""
    return "<h2>Cost</h2>" + shown + table(titles, rows) if rows else ""


def _frames(rows: Sequence[str]) -> str:
    shown = ["the true window", *(f"that of {escape(row)}" for row in rows)]
    return (
        "<h2>Frames</h2><p>Clips of each bin, short gaps first. Of each, from the top: "
        f'{", ".join(shown)}.</p><img src="frames.jpg" alt="frames">'
    )
