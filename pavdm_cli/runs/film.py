"""Chunks on their way to disk: every video's file and its figures of drift."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from pavdm_cli.drift.report import Summary, Verdict, summary, verdict
from pavdm_cli.drift.statistics import DriftMeter, SecondStats, Turn
from pavdm_cli.media.encoder import Progress
from pavdm_cli.media.writer import VideoWriter
from pavdm_cli.runs.stream import Chunk, Clock


@dataclass(frozen=True, kw_only=True)
class Look:
    """How frames become a file: size (H, W), frames a second, times enlarged, the encoder's quantiser."""

    size: tuple[int, int]
    fps: int
    scale: int
    quality: int


@dataclass(frozen=True, kw_only=True)
class Begun:
    """How a file begins and ends: where it goes on, the sound it gets, and what is stored behind it."""

    after: Progress | None = None
    sound: Path | None = None
    attached: Callable[[], Iterable[bytes]] | None = None


class Film:
    """The videos of one request, as a context manager: one file and one drift meter each.

    Leaving normally finishes the files; leaving by an exception keeps what plays (see `VideoWriter`).
    `hidden` frames of the film are in no file, and the first `old` frames of a file are what the film goes
    on from. `frames` counts those that were added here. `clock` is told what writing and measuring take;
    give it the stream's. turns: of the whole film, see `DriftMeter`.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        look: Look,
        tags: Sequence[Mapping[str, object]],
        clock: Clock | None = None,
        begun: Sequence[Begun] = (),
        hidden: int = 0,
        old: int = 0,
        turns: Sequence[Turn] = (),
    ) -> None:
        self.writers = [
            VideoWriter(
                path, look.size, look.fps, scale=look.scale, quality=look.quality, tags=stored,
                after=start.after, sound=start.sound, attached=start.attached,
            )
            for path, stored, start in zip(paths, tags, begun or [Begun()] * len(paths), strict=True)
        ]  # fmt: skip
        self.fps = look.fps
        self.frames = 0
        self._hidden = hidden
        there = min(writer.frames_written for writer in self.writers)
        self._before = there - old
        self._clock = clock or Clock()
        measured = (there + hidden) / look.fps
        new = [(start - measured, end - measured) for start, end in turns]
        self._meters = [DriftMeter(look.fps, new) for _ in paths]
        self._said: tuple[int, Verdict | None] = (0, None)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        for writer in self.writers:
            self._stack.enter_context(writer)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def add(self, chunk: Chunk) -> None:
        """Write and measure one chunk, frames (B, n, H, W, 3) uint8, one B for each file.

        Frames that a file has already are left out.

        Raises:
            VideoError: the disk or ffmpeg fails.
        """
        new = 0
        for writer, meter, frames in zip(self.writers, self._meters, chunk.frames, strict=True):
            self._clock.lap("other")
            part = frames[max(writer.frames_written + self._hidden - chunk.first, 0) :]
            writer.write(part)
            self._clock.lap("encode")
            meter.add(part)
            self._clock.lap("drift")
            new = max(new, len(part))
        self.frames += new

    @property
    def tags(self) -> tuple[Mapping[str, object], ...]:
        """What is stored in each file when it is finished."""
        return tuple(writer.tags for writer in self.writers)

    @property
    def made(self) -> int:
        """The new frames that the files hold, those of earlier processes with them."""
        return self._before + self.frames

    def figures(self, video: int) -> list[SecondStats]:
        """Return the figures of one video's seconds so far."""
        return self._meters[video].seconds

    def verdict(self) -> Verdict | None:
        """Return the word for the first video so far; None before its first half second."""
        seconds = self.figures(0)
        if len(seconds) != self._said[0]:  # looks at every second, so once a second is enough
            self._said = (len(seconds), verdict(seconds))
        return self._said[1]

    def summary(self, video: int) -> Summary | None:
        """Return the whole of one video's drift; None if it is shorter than half a second."""
        seconds = self.figures(video)
        return summary(seconds) if seconds else None
