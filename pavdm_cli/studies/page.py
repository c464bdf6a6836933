"""The scorecard as one HTML page with its plots and sheets beside it."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from pavdm_cli import whole
from pavdm_cli.media.sheet import packed, sheet
from pavdm_cli.studies import plots
from pavdm_cli.studies.bootstrap import Estimate
from pavdm_cli.studies.calibration import Calibration
from pavdm_cli.studies.glossary import meanings
from pavdm_cli.studies.measures import INTERVAL
from pavdm_cli.studies.plan import Plan
from pavdm_cli.studies.prompts import PROMPTS
from pavdm_cli.studies.results import gates
from pavdm_cli.studies.scorecard import Scores

CALLED = {
    "made": "the model",
    "other": "renders",
    "coded": "renders through the VAE",
    "real": "renders (reference)",
}
SHEET_SIDE = 64
"""Pixels along the side of a frame in the sheets."""
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0; font-size: 13px }
th, td { padding: .2rem .6rem; border-bottom: 1px solid #ddd; text-align: right; white-space: nowrap }
th:first-child, td:first-child { text-align: left; white-space: normal }
.passed { color: #107a3d } .failed { color: #b3261e; font-weight: 600 }
img { max-width: 100% } small, .interval { color: #777 }
"""


def write(
    folder: Path,
    plan: Plan,
    scores: Scores,
    strips: Path,
    calibration: Calibration | None,
    against: Scores | None = None,
) -> Path:
    """Write index.html, plots and sheets into a folder and return the page's path.

    strips: the folder of records, whose strips make the sheets. against: other scores to lay beside.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plots.courses(folder / "courses.png", scores, against)
    sheets = [_sheet(folder, plan, strips, seed) for seed in range(1, plan.seeds + 1)]
    parts = [
        _head(scores, against),
        _gates(scores, against),
        "<h2>Course</h2><p>Means over videos in every ten seconds; bands hold 95 % of resampled means; "
        "those of distances are 1.96 standard errors to each side, from leaving out each prompt in turn. "
        "Read drift beside motion: what stands still does not drift.</p>"
        '<img src="courses.png" alt="courses">',
        _courses(scores),
        _videos(scores, against),
        _calibration(calibration),
        glossary([*scores.by_interval, *scores.of_videos]),
        _sheets(plan, sheets),
    ]
    page = folder / "index.html"
    whole.write(page, document("Scorecard", "".join(parts)).encode())
    return page


def document(title: str, body: str, style: str = "") -> str:
    """Return a page; style: beside what all pages have."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}{style}</style><body>{body}</body></html>\n"
    )


def _head(scores: Scores, against: Scores | None) -> str:
    own = scores.identity
    rows = [
        ["model", own.model],
        ["weights", own.weights],
        ["probe", own.probe],
        ["settings", f"{own.schedule}, guidance {own.guidance:g}"],
        ["videos", f"{scores.videos} of {own.seconds} s, as many renders, and one a prompt through the VAE"],
    ]
    if against:
        rows.append(["against", f"{against.identity.model}, weights {against.identity.weights}"])
    return "<h1>Scorecard</h1>" + table([], rows)


def _gates(scores: Scores, against: Scores | None) -> str:
    before = {gate.name: gate for gate in gates(against)} if against else {}
    rows = []
    for gate in gates(scores):
        mark = (
            f'<span class="{"passed" if gate.passed else "failed"}">{"yes" if gate.passed else "no"}</span>'
        )
        old = [number(before[gate.name].value) if gate.name in before else ""] if against else []
        rows.append([escape(gate.name), number(gate.value), escape(gate.wanted), mark, *old])
    titles = ["what must hold", "measured", "wanted", "holds", *(["before"] if against else [])]
    return "<h2>What must hold</h2>" + table(titles, rows)


def _courses(scores: Scores) -> str:
    count = len(next(iter(scores.by_interval["adherence"].values())))
    titles = ["", "of", *(f"{k * INTERVAL}-{(k + 1) * INTERVAL} s" for k in range(count))]
    rows = []
    for name, kinds in scores.by_interval.items():
        for kind in ("made", "other", "coded"):
            if kind in kinds and not all(math.isnan(one.value) for one in kinds[kind]):
                rows.append([escape(name), CALLED[kind], *map(estimate, kinds[kind])])
                name = ""
    return table(titles, rows)


def _videos(scores: Scores, against: Scores | None) -> str:
    kinds = ("made", "other", "coded")
    titles = [
        "mean over videos",
        *(CALLED[kind] for kind in kinds),
        *(["the model before"] if against else []),
    ]
    rows = []
    for name, found in scores.of_videos.items():
        before = against.of_videos.get(name, {}).get("made") if against else None
        old = [estimate(before) if before else ""] if against else []
        rows.append([escape(name), *(estimate(found[kind]) for kind in kinds), *old])
    return "<h2>Whole videos</h2>" + table(titles, rows)


def _calibration(found: Calibration | None) -> str:
    if found is None:
        return "<h2>Calibration</h2><p>Not made yet: <code>pavdm study scorecard --calibrate</code>.</p>"
    from pavdm_cli.studies.damage import DAMAGES

    rows = [
        [escape(name), *("-" if seen.get(d.name) is None else f"{seen[d.name]:g}" for d in DAMAGES)]
        for name, seen in found.found.items()
    ]
    doses = [["doses tried", *(", ".join(f"{dose:g}" for dose in d.doses) for d in DAMAGES)]]
    about = "".join(f"<li>{d.name}: {escape(d.about)}</li>" for d in DAMAGES)
    false = ", ".join(map(escape, found.false)) or "none"
    return (
        "<h2>Calibration</h2><p>The smallest dose that each measure tells from undamaged renders of other "
        f"scenes, {found.videos} videos of {found.seconds} s; - where it tells none. Measures that saw "
        f"damage where there was none: {false}.</p><ul>{about}</ul>"
        + table(["", *(d.name for d in DAMAGES)], doses + rows)
    )


def _sheets(plan: Plan, sheets: Sequence[str]) -> str:
    listed = "".join(f"<li>{escape(PROMPTS[i].prompt)}</li>" for i in plan.prompts)
    shown = "".join(f'<h3>Seed {n}</h3><img src="{name}" alt="frames">' for n, name in enumerate(sheets, 1))
    return (
        "<h2>Frames</h2><p>A frame every five seconds. For each prompt the model's video, and under it a "
        f"render of what the prompt says.</p><ol>{listed}</ol>{shown}"
    )


def _sheet(folder: Path, plan: Plan, strips: Path, seed: int) -> str:
    rows = [shrunk(strips / f"{kind}-{i:02}-{seed}.png") for i in plan.prompts for kind in ("made", "real")]
    name = f"sheet-{seed}.webp"
    whole.write(folder / name, packed(sheet(rows), "webp", quality=70, method=6))
    return name


def shrunk(path: Path) -> np.ndarray:
    """Read a strip, frames beside each other, and make its frames small, (T, h, w, 3)."""
    with Image.open(path) as strip:
        picture = np.asarray(strip.convert("RGB"))
    side = picture.shape[0]
    frames = [picture[:, x : x + side] for x in range(0, picture.shape[1], side + 2)]
    shape = (round(SHEET_SIDE * frames[0].shape[1] / side), SHEET_SIDE)
    return np.stack([np.asarray(Image.fromarray(f).resize(shape, Image.Resampling.BOX)) for f in frames])


def glossary(names: Iterable[str]) -> str:
    """Return what measures of these names are, as a list."""
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(about)}</dd>" for name, about in meanings(names).items()
    )
    return f"<h2>What is measured</h2><dl>{rows}</dl>"


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows of cells, HTML already, as a table."""
    head = f"<tr>{''.join(f'<th>{title}</th>' for title in titles)}</tr>" if titles else ""
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table>{head}{body}</table>"


def estimate(one: Estimate) -> str:
    """Return a figure with its interval; nothing where nothing was measured."""
    if math.isnan(one.value):
        return ""
    ends = (
        ""
        if math.isnan(one.low)
        else f' <span class="interval">{number(one.low)} to {number(one.high)}</span>'
    )
    return number(one.value) + ends


def number(value: float) -> str:
    """Return a number as tables show it."""
    return f"{value:.3f}" if abs(value) < 100 else f"{value:.0f}"
