"""The study of accumulation as one HTML page, with its plots and sheets beside it."""

import math
from collections.abc import Sequence
from html import escape
from pathlib import Path

from pavdm_cli import whole
from pavdm_cli.media.sheet import packed, sheet
from pavdm_cli.studies import accumulation_plots as plots
from pavdm_cli.studies.bootstrap import Estimate
from pavdm_cli.studies.measures import INTERVAL
from pavdm_cli.studies.outcomes import BETTER, EVEN, Outcome, Results
from pavdm_cli.studies.page import document, estimate, glossary, number, shrunk, table
from pavdm_cli.studies.plan import record_path
from pavdm_cli.studies.prompts import PROMPTS
from pavdm_cli.studies.subjects import Study, Subject
from pavdm_cli.studies.variants import BASE, GROUPS

FEW = 12
"""Prompts below which intervals are too narrow to be believed."""
SHEETS = 6
"""Prompts whose videos are shown."""
WIDE = """
body { max-width: 90rem } th { white-space: normal } .interval { display: block; font-weight: normal }
th, td { padding: .15rem .3rem } td div, td .interval { font-size: 10px }
code { white-space: normal; word-break: break-word; font-size: 11px }
"""
"""Beside the scorecard's style: tables of many columns."""
MARKS = {"better": "passed", "worse": "failed", "not told apart": "interval"}


def write(folder: Path, study: Study, results: Results) -> Path:
    """Write index.html, plots and sheets into a folder and return the page's path."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [_head(results)]
    for subject in study.subjects:
        parts += _subject(folder, study, subject, results)
    parts.append(glossary([*results.ceiling, *results.ceiling_videos]))
    page = folder / "index.html"
    whole.write(page, document("Accumulation", "".join(parts), WIDE).encode())
    return page


def sentences(outcome: Outcome) -> str:
    """Say where progressive is better than a variant at the end, where it is worse, and where neither."""
    found: dict[str, list[str]] = {word: [] for word in MARKS}
    for name in BETTER:
        found[outcome.verdict(name)[0]].append(name.replace(" above floor", ""))
    return "; ".join(f"{word}: {', '.join(names) or 'nothing'}" for word, names in found.items())


def _head(results: Results) -> str:
    last = f"{results.seconds - INTERVAL} to {results.seconds} s"
    comparisons = len(BETTER)
    few = ""
    if len(results.prompts) < FEW:
        few = (
            f" With {len(results.prompts)} prompts resampled intervals are too narrow: take what follows for "
            "hints."
        )
    rows = [
        ["model", escape(results.model)],
        ["weights", escape(", ".join(f"{name} {found}" for name, found in results.weights.items()))],
        ["probe", results.probe],
        ["videos", f"{len(results.prompts)} prompts x {results.seeds} seeds x {results.seconds} s of each"],
    ]
    return (
        "<h1>Ways of rolling a minute</h1>"
        + table([], rows)
        + "<p>Progressive levels (PA-VDM) against the ways they replace. The ways of the first table show as "
        "many latents for a second of video, and no more in a call; where that leaves a way fewer moves, "
        "what it does with all of them stands further below, at its higher cost. The guidance of each is "
        "the usual one, unless another's short videos, of other prompts, are nearer to renders by more than "
        "chance. All begin from the same noise. Figures are means over prompts, intervals hold 95 % of "
        "resampled means, those of distances 1.96 standard errors to each side, from leaving out each prompt "
        "in turn; differences are between videos of one prompt and seed, those of "
        f"{' and '.join(EVEN)} of how far means lie from 1. Verdicts are of {last}: progressive is "
        '<span class="passed">better</span>, <span class="failed">worse</span>, or the interval holds '
        f"zero. Of ways that are no different, {1 - 0.95**comparisons:.0%} would show a false verdict among "
        f"the {comparisons}.{few}</p>"
    )


def _subject(folder: Path, study: Study, subject: Subject, results: Results) -> list[str]:
    """Return the sections about the videos of one set of weights."""
    found = results.outcomes[subject.name]
    if not found:
        return [f"<h2>Weights: {escape(subject.name)}</h2><p>No variant has all its videos yet.</p>"]
    ways = [one for one in found if one.group == "ways"]
    named = f"{subject.name}-courses.png"
    plots.courses(folder / named, ways or found, results.ceiling)
    parts = [f"<h2>Weights: {escape(subject.name)}</h2>"]
    if any(one.apart for one in found):
        plots.differences(folder / f"{subject.name}-end.png", found)
        parts.append(f'<img src="{subject.name}-end.png" alt="differences from progressive at the end">')
    for group, about in GROUPS.items():
        members = [one for one in found if one.group == group]
        if members:
            base = [one for one in ways if one.name == BASE and group != "ways"]
            parts += [f"<h3>{about[0].upper()}{about[1:]}</h3>", _end([*base, *members], results)]
            parts.append(_said(members))
    parts += [f'<h3>Course</h3><img src="{named}" alt="courses">', _courses(ways or found, results)]
    parts += [_ranking(folder, subject, found, results), _settings(found)]
    return [*parts, _sheets(folder, study, subject, ways or found)]


def _end(outcomes: Sequence[Outcome], results: Results) -> str:
    """The last interval: each figure, and under it the difference from progressive."""
    names = [*BETTER, "motion"]
    motion = results.ceiling["motion"][-1].value
    titles = ["", "latents a second", "guidance", *(escape(name) for name in names), "motion over renders'"]
    rows = [
        [
            "renders", "", "",
            *(estimate(results.ceiling_videos[n] if n in results.ceiling_videos else results.ceiling[n][-1])
              for n in names),
            "",
        ]
    ]  # fmt: skip
    for one in outcomes:
        cells = [estimate(one.last(name)) + _apart(one, name) for name in names]
        ratio = one.last("motion").value / motion if motion else math.nan
        rows.append([escape(one.name), f"{one.evaluations:.0f}", f"{one.guidance:g}", *cells, number(ratio)])
    return table(titles, rows)


def _apart(outcome: Outcome, name: str) -> str:
    """The difference from progressive, coloured by the verdict."""
    if not outcome.apart:
        return ""
    if name not in BETTER:
        found, mark = outcome.apart[name][-1], "interval"
    else:
        word, found = outcome.verdict(name)
        mark = MARKS[word]
    return f'<div class="{mark}">{_difference(found)}</div>'


def _difference(found: Estimate) -> str:
    ends = "" if math.isnan(found.low) else f" ({found.low:+.3f} to {found.high:+.3f})"
    return f"{found.value:+.3f}{ends}"


def _said(outcomes: Sequence[Outcome]) -> str:
    lines = [
        f"<li>than {escape(one.name)} ({escape(one.about)}): {escape(sentences(one))}</li>"
        for one in outcomes
        if one.apart
    ]
    return f"<p>At the end progressive is</p><ul>{''.join(lines)}</ul>" if lines else ""


def _courses(outcomes: Sequence[Outcome], results: Results) -> str:
    count = len(results.ceiling["adherence"])
    titles = ["", "", *(f"{k * INTERVAL}-{(k + 1) * INTERVAL} s" for k in range(count))]
    rows = []
    for name in results.ceiling:
        found: list[tuple[str, list[Estimate]]] = [("renders", results.ceiling[name])]
        found += [(one.name, one.courses[name]) for one in outcomes]
        for n, (whose, row) in enumerate(found):
            rows.append([escape(name) if n == 0 else "", escape(whose), *map(estimate, row)])
    return f"<details><summary>All courses</summary>{table(titles, rows)}</details>"


def _ranking(folder: Path, subject: Subject, outcomes: Sequence[Outcome], results: Results) -> str:
    """Errors along the rows, and how they order the variants against what was measured."""
    ranked = [(one, one.error) for one in outcomes if one.error is not None]
    if not ranked:
        return ""
    name = f"{subject.name}-errors.png"
    plots.ranking(folder / name, outcomes)
    rows = [[f"{n}. {escape(one.name)}", estimate(error)] for n, (one, error) in enumerate(ranked, 1)]
    correlations = [
        [escape(rank.measure), str(rank.variants), f"{rank.correlation:+.2f}", f"{rank.chance:.3f}"]
        for rank in results.ranks[subject.name]
    ]
    return (
        "<h3>Ranking without rolling out</h3><p>The squared error of the velocity along a schedule's rows, "
        "every latent shown being a true one, summed over a latent's moves by the level each crosses. "
        "Below, Spearman's correlation of it with drift in the last interval (+1: the errors alone order the "
        "variants as their videos do), and the share of random orders that come as far from zero.</p>"
        f'<img src="{name}" alt="errors against drift">'
        + table(["drift in the last interval", "variants", "rank correlation", "by chance"], correlations)
        + table(["", "error along the rows"], rows)
    )


def _settings(outcomes: Sequence[Outcome]) -> str:
    rows = [
        [
            escape(one.name), escape(one.about), f"<code>{escape(one.schedule)}</code>", str(one.span),
            f"{one.evaluations:.0f}",
            "; ".join(f"{at:g}: {_difference(how)}" for at, how in one.tried.items() if how.low < how.high),
            f"{one.guidance:g}",
        ]
        for one in outcomes
    ]  # fmt: skip
    others = "kernel distance less that with the usual guidance"
    titles = ["", "what it is", "schedule", "span", "latents a second", others, "guidance"]
    return "<h3>Settings</h3>" + table(titles, rows)


def _sheets(folder: Path, study: Study, subject: Subject, outcomes: Sequence[Outcome]) -> str:
    """Frames of the first prompts, a row a way, under a render's."""
    names = ", ".join(one.name for one in outcomes)
    parts = [f"<h3>Frames</h3><p>A frame every five seconds. Rows: a render; {escape(names)}.</p>"]
    for i in study.plan.prompts[:SHEETS]:
        paths = [record_path(study.renders, "real", i, 1)]
        paths += [
            record_path(study.folder(subject, subject.variant(one.name)), "made", i, 1) for one in outcomes
        ]
        rows = [shrunk(path.with_suffix(".png")) for path in paths]
        name = f"{subject.name}-{i:02}.webp"
        whole.write(folder / name, packed(sheet(rows), "webp", quality=85))
        parts.append(f'<p>{escape(PROMPTS[i].prompt)}</p><img src="{name}" alt="frames">')
    return "".join(parts)
