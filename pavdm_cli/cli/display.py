"""What is seen while a video is made: a live picture with figures on a terminal, else a line now and then."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from pavdm_cli.cli.levels import half_blocks
from pavdm_cli.drift.report import Verdict, sparkline
from pavdm_cli.drift.statistics import FIGURES
from pavdm_cli.runs.film import Film

COLUMNS = 40  # of the picture, in cells; a cell is one pixel wide and two high
EVERY = 5.0  # seconds between plain lines
REFRESH = 4  # live pictures a second
HISTORY = 40  # seconds in a sparkline


@dataclass(frozen=True)
class Moment:
    """How far a group of videos is.

    frame: the newest of the first video, (H, W, 3) uint8. length: of the video in seconds. passed, left: wall
    seconds since the beginning and, by the calls made so far, to the end.
    """

    frame: NDArray[np.uint8]
    film: Film
    length: float
    passed: float
    left: float


Show = Callable[[Moment], None]


@contextmanager
def display(console: Console, *, stats: bool) -> Iterator[Show]:
    """Give a function that shows a moment, at most a few times a second."""
    if not console.is_terminal or console.quiet:
        yield _now_and_then(lambda moment: console.print(line(moment), soft_wrap=True), EVERY)
        return
    with Live(console=console, auto_refresh=False, transient=True) as live:
        yield _now_and_then(lambda moment: live.update(view(moment, stats=stats), refresh=True), 1 / REFRESH)


def line(moment: Moment) -> str:
    """Return a moment as one line."""
    facts = _facts(moment)
    return f"{facts['done']}  {facts['speed']}  ETA {facts['ETA']}  drift {facts['drift']}"


def view(moment: Moment, *, stats: bool) -> Table:
    """Return a moment as a small picture beside its figures."""
    facts = Table.grid(padding=(0, 2))
    for name, value in _facts(moment).items():
        facts.add_row(Text(name, "bold cyan"), Text(value))
    whole = Table.grid(padding=(0, 2))
    whole.add_row(picture(moment.frame), Group(facts, *([_figures(moment.film)] if stats else [])))
    return whole


def picture(frame: NDArray[np.uint8], columns: int = COLUMNS) -> Text:
    """Draw a frame (H, W, 3) in half blocks: the upper pixel is the character, the lower its background."""
    rows = max(round(columns * frame.shape[0] / frame.shape[1] / 2), 1)
    small = np.asarray(Image.fromarray(frame).resize((columns, 2 * rows), Image.Resampling.BOX))
    return half_blocks(small)


def told(said: Verdict) -> str:
    """Return a verdict as its word and its worst figure."""
    if said.word == "asked":
        return "not told: all of it was asked to change"
    word = "too short to tell" if said.word == "short" else said.word
    return f"{word} ({said.figure} {said.value:.2f} at {clock(said.at)})"


def clock(seconds: float) -> str:
    """Return seconds as m:ss, or h:mm:ss from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _facts(moment: Moment) -> dict[str, str]:
    film = moment.film
    done, speed = film.made / film.fps, film.frames / moment.passed
    said = film.verdict()
    return {
        "done": f"{done:.1f} of {moment.length:.1f} s",
        "speed": f"{speed:.1f} frames/s, {speed / film.fps:.2f} x real time",
        "ETA": clock(moment.left),
        "drift": told(said) if said else "not yet known",
    }


def _figures(film: Film) -> Table:
    """Return every figure of the first video: its first second, its newest, and the seconds between."""
    seconds = film.figures(0)
    table = Table("figure", "first", "now", "", box=None, pad_edge=False, header_style="bold cyan")
    for figure in FIGURES:
        values = [getattr(second, figure) for second in seconds]
        if values:
            drawn = sparkline(values[-HISTORY:], 0.0, 2 * values[0] or 2 * max(values))
            table.add_row(figure, f"{values[0]:.3f}", f"{values[-1]:.3f}", drawn)
    return table


def _now_and_then(show: Show, every: float) -> Show:
    """Let a moment through when the last one is long enough ago."""
    last = time.monotonic() if every >= 1 else 0.0

    def maybe(moment: Moment) -> None:
        nonlocal last
        if time.monotonic() - last >= every:
            show(moment)
            last = time.monotonic()

    return maybe
