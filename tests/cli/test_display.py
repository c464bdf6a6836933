"""What is seen while a video is made: on a terminal, and on none."""

import io
from pathlib import Path

import numpy as np
import pytest
from pictures import moving_frames
from rich.console import Console

from pavdm_cli.cli import display
from pavdm_cli.cli.display import Moment
from pavdm_cli.runs.film import Film, Look
from pavdm_cli.runs.stream import Chunk

FPS = 8


class Measured(Film):
    """A film that is measured and written nowhere."""

    def add(self, chunk: Chunk) -> None:
        self._meters[0].add(chunk.frames[0])
        self.frames += chunk.frames.shape[1]


def moment(seconds: int, tmp_path: Path) -> Moment:
    look = Look(size=(64, 96), fps=FPS, scale=1, quality=18)
    film = Measured([tmp_path / "x.mp4"], look, [{}])
    frames = moving_frames(seconds * FPS) if seconds else np.zeros((1, 64, 96, 3), np.uint8)
    film.add(Chunk(frames[None], 0, None, 0, 1, {}))  # type: ignore[arg-type]
    return Moment(frames[-1], film, 60.0, 2.0, 75.0)


def shown(what: object, width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, color_system="truecolor", force_terminal=True)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_line(tmp_path: Path) -> None:
    first = moment(0, tmp_path)
    assert (
        display.line(first) == "0.1 of 60.0 s  0.5 frames/s, 0.06 x real time  ETA 1:15  drift not yet known"
    )
    later = display.line(moment(4, tmp_path))
    assert later.startswith(
        "4.0 of 60.0 s  16.0 frames/s, 2.00 x real time  ETA 1:15  drift ok (histogram 0.0"
    )


def test_a_picture_has_the_frame_s_colours() -> None:
    frame = np.zeros((64, 64, 3), np.uint8)
    frame[:32], frame[32:] = (255, 0, 0), (0, 0, 255)
    text = display.picture(frame)
    rows = text.plain.split("\n")
    assert len(rows) == 20 and {row for row in rows} == {"▀" * 40}
    styles = [span.style for span in text.spans]
    assert str(styles[0]) == "#ff0000 on #ff0000" and str(styles[-1]) == "#0000ff on #0000ff"
    wide = display.picture(np.zeros((64, 128, 3), np.uint8))
    assert wide.plain.count("\n") == 9


def test_a_view_widens_to_every_figure(tmp_path: Path) -> None:
    now = moment(4, tmp_path)
    plain, full = (shown(display.view(now, stats=stats)) for stats in (False, True))
    for text in (plain, full):
        assert "▀" in text and "4.0 of 60.0 s" in text and "1:15" in text
    assert "sharpness" not in plain
    for figure in ("brightness", "contrast", "saturation", "sharpness", "motion", "histogram"):
        assert figure in full
    assert "▅" in full or "▄" in full


def test_a_terminal_gets_a_live_view_and_it_vanishes(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=100, height=40, color_system="truecolor", force_terminal=True)
    with display.display(console, stats=False) as show:
        show(moment(2, tmp_path))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "2.0 of 60.0 s" in text
    assert text.endswith("\x1b[2K") or "\x1b[1A\x1b[2K" in text


def test_no_terminal_gets_a_line_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(display.time, "monotonic", lambda: now[0])
    console = Console(file=io.StringIO(), width=40)
    at = moment(2, tmp_path)
    with display.display(console, stats=True) as show:
        for now[0] in (1.0, 4.9, 5.0, 6.0, 9.9, 10.5):
            show(at)
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().splitlines() == [display.line(at)] * 2


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0:00"), (59.6, "1:00"), (3599, "59:59"), (3600, "1:00:00"), (90061, "25:01:01")],
)
def test_clock(seconds: float, said: str) -> None:
    assert display.clock(seconds) == said
