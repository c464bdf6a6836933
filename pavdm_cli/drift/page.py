"""Analyses as one HTML page that needs nothing else: figures, plots as SVG, frames as pictures inside it."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from pavdm_cli.drift.analysis import Analysis, Part
from pavdm_cli.drift.report import COLOUR, EDGE
from pavdm_cli.drift.statistics import FIGURES

WIDTH, HEIGHT = 460, 120
LEFT, RIGHT, TOP, BOTTOM = 46, 8, 8, 20
POINTS = 600  # of a line, at most; each is the largest of what it stands for
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
body { color: #222 } h2 { margin: 2.5rem 0 .3rem; overflow-wrap: anywhere }
dl { display: grid; grid-template-columns: 7rem 1fr; margin: 0 }
dt { color: #777 } dd { margin: 0 } .bad { color: #b3261e; font-weight: 600 } .good { color: #107a3d }
code { background: #f2f2f2; padding: .1rem .3rem } img { max-width: 100%; margin: .8rem 0 }
table { border-collapse: collapse; font-size: 13px; margin: .6rem 0 }
th, td { padding: .15rem .8rem .15rem 0; border-bottom: 1px solid #ddd; text-align: right }
th:first-child, td:first-child { text-align: left }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(24rem, 1fr)); gap: .5rem 1rem }
figure { margin: 0 } figcaption { font-size: 13px } svg { width: 100%; height: auto; font: 10px sans-serif }
""".strip()
LEGEND = (
    "Grey: the first and last 15 %, which the table compares. Red lines: cuts. Red areas: seconds that "
    "depart from the beginning by more than a true scene does, freezes and blanks."
)


@dataclass(frozen=True)
class Entry:
    """One video on the page.

    facts: what is said of it, by name. good: nothing is wrong with it. png: its frames.
    """

    name: str
    facts: dict[str, str]
    good: bool
    analysis: Analysis
    png: bytes


def page(entries: Sequence[Entry], title: str = "Analysis") -> str:
    """Return the page."""
    body = "".join(_section(entry) for entry in entries)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{STYLE}</style><h1>{escape(title)}</h1><p>{LEGEND}</p>{body}</html>\n"
    )


def _section(entry: Entry) -> str:
    (first, said), *rest = entry.facts.items()
    kind = "good" if entry.good else "bad"
    facts = f'<dt>{escape(first)}</dt><dd class="{kind}">{escape(said)}</dd>'
    facts += "".join(f"<dt>{escape(name)}</dt><dd>{_words(text)}</dd>" for name, text in rest)
    image = base64.b64encode(entry.png).decode()
    return (
        f"<section><h2>{escape(entry.name)}</h2><dl>{facts}</dl>"
        f'<img alt="frames of {escape(entry.name)}" src="data:image/png;base64,{image}">'
        f"{_table(entry.analysis)}<div class=plots>{''.join(_plots(entry.analysis))}</div></section>"
    )


def _words(text: str) -> str:
    return f"<code>{escape(text)}</code>" if text.startswith("pavdm ") else escape(text)


def _table(analysis: Analysis) -> str:
    if analysis.summary is None:
        return ""
    rows = "".join(
        f"<tr><td>{change.figure}<td>{change.first:.4f}<td>{change.last:.4f}"
        for change in analysis.summary.changes
    )
    return f"<table><tr><th>figure<th>first 15 %<th>last 15 %{rows}</table>"


def _plots(analysis: Analysis) -> Iterable[str]:
    """Yield each figure's course by the second, and motion by the frame."""
    lines = _Ground(analysis)
    middles = [second.at + second.length / 2 for second in analysis.seconds]
    for figure in FIGURES if middles else ():
        values = [getattr(second, figure) for second in analysis.seconds]
        yield lines.plot(figure, middles, values, COLOUR if figure == "histogram" else None)
    frames = analysis.motion[1:]
    if frames:
        every = -(-len(frames) // POINTS)
        most = [max(frames[i : i + every]) for i in range(0, len(frames), every)]
        at = [(1 + i * every) / analysis.fps for i in range(len(most))]
        yield lines.plot("motion, frame by frame", at, most, None)


class _Ground:
    """What every plot of a video has: its time axis, its edges, and where something is wrong."""

    def __init__(self, analysis: Analysis) -> None:
        self._length = analysis.length
        self._wrong = [Part(fault.at, min(fault.at + 1, analysis.length)) for fault in analysis.faults]
        self._wrong += [*analysis.freezes, *analysis.blanks]
        self._cuts = [cut.at for cut in analysis.cuts]

    def plot(self, name: str, at: Sequence[float], values: Sequence[float], limit: float | None) -> str:
        """Draw values over seconds, and a limit as a dashed line."""
        top = 1.1 * max(*values, 1e-6, limit or 0)
        bottom = min(0.0, *values)

        def y(value: float) -> float:
            return TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - bottom) / (top - bottom))

        edge = EDGE * self._length
        parts = [
            self._area(Part(0, edge), "#eee"),
            self._area(Part(self._length - edge, self._length), "#eee"),
        ]
        parts += [self._area(part, "#f6c9c5") for part in self._wrong]
        parts += [_line(self._x(cut), TOP, self._x(cut), HEIGHT - BOTTOM, "#b3261e") for cut in self._cuts]
        if limit is not None:
            parts.append(_line(LEFT, y(limit), WIDTH - RIGHT, y(limit), "#b3261e", dashed=True))
        points = " ".join(f"{self._x(t):.1f},{y(v):.1f}" for t, v in zip(at, values, strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="#2457a6" stroke-width="1.5"/>')
        if len(values) == 1:
            parts.append(
                f'<circle cx="{self._x(at[0]):.1f}" cy="{y(values[0]):.1f}" r="2.5" fill="#2457a6"/>'
            )
        parts += [_text(LEFT - 4, y(v) + 3, f"{v:.3g}", "end") for v in (bottom, top / 1.1)]
        parts += [_text(self._x(t), HEIGHT - 6, f"{t:.3g} s", "middle") for t in (0, self._length / 2)]
        parts.append(_text(WIDTH - RIGHT, HEIGHT - 6, f"{self._length:.3g} s", "end"))
        drawing = "".join(parts)
        return (
            f'<figure><figcaption>{escape(name)}</figcaption><svg viewBox="0 0 {WIDTH} {HEIGHT}">'
            f"{drawing}</svg></figure>"
        )

    def _x(self, seconds: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * seconds / self._length

    def _area(self, part: Part, colour: str) -> str:
        start, end = self._x(part.start), self._x(part.end)
        wide = max(end - start, 1)
        high = HEIGHT - TOP - BOTTOM
        return f'<rect x="{start:.1f}" y="{TOP}" width="{wide:.1f}" height="{high}" fill="{colour}"/>'


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dash}/>'


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#555">{escape(words)}</text>'
