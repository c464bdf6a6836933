"""A whole video looked at without labels: its seconds, cuts, freezes, blanks, joints and repetition.

Frames are uint8 arrays (T, H, W, 3). What is kept while they pass is three numbers a frame, one record a
second and at most `MOMENTS` thumbnails, so length costs next to no memory.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pavdm_cli.drift.report import BLANK, Summary, Verdict, faults, summary
from pavdm_cli.drift.statistics import DriftMeter, SecondStats, Turn
from pavdm_cli.errors import VideoError

THUMB = 16  # pixels a side of the thumbnails that cuts, freezes and repetition are found on

CUT = 0.04  # change of a thumbnail's block: ten levels at once
CUT_SHARE = 0.4  # of the blocks that change so much, so that a small fast thing is no cut
CUT_TIMES = 2.5  # more than any mean change nearby, so that fast motion and flashes are no cuts
CUT_NEAR = 3  # frames on either side; animation on twos or threes moves in every one of so many

FROZEN_CHANGE = 3 / 255  # of any block of the thumbnail since the freeze began
FROZEN_SECONDS = 0.5

MOMENTS = 1024  # thumbnails kept for repetition; twice as far apart whenever there would be more
PER_SECOND = 4  # thumbnails a second at first
LEAST_LAG = 2.0  # seconds: motion that comes back sooner is a bounce, not a repetition
AS_GOOD = 0.95  # of the strongest: a loop resembles itself at every multiple, and the shortest is its lag
LIVELY = 1.0  # levels that a thumbnail must stray from the mean picture for repetition to mean anything
FLOOR = 1e-5  # motion below which frames count as equal


@dataclass(frozen=True)
class Part:
    """A part of a video, in seconds."""

    start: float
    end: float


@dataclass(frozen=True)
class Cut:
    """Where the picture changes at once. change: mean over the picture; times: that of the frames nearby."""

    at: float
    frame: int
    change: float
    times: float


@dataclass(frozen=True)
class Repetition:
    """The lag in seconds at which a video resembles itself again, and by how much.

    strength: the correlation of thumbnails less their mean at that lag, above the lowest at a shorter lag
    or 0: 1 for an exact loop, 0 for a video that only moves away from where it was.
    """

    lag: float
    strength: float


@dataclass(frozen=True)
class Joints:
    """How much more happens at every so many frames than between: what joined pieces would show.

    times: geometric mean of the motion at a joint over that of the frames around it, 1 if nothing is to be
    seen and motion is even (where it is not, less: 0.97 if its logarithm strays by 0.3); only every
    `among`-th frame counts as around, where smaller pieces have joints of their own. low, high: its 95 %
    interval over the joints. worst: the largest, at `worst_at` seconds. since: where they
    begin, in seconds.
    """

    every: int
    among: int
    count: int
    times: float
    low: float
    high: float
    worst: float
    worst_at: float
    since: float


@dataclass(frozen=True)
class Analysis:
    """What one video shows; `dataclasses.asdict` makes it JSON.

    seconds: figures of each second. summary: None if it is shorter than half a second. faults: the seconds
    that depart from the beginning by more than a true scene would. motion: of each frame to the one before
    it, the first 0. joints: None if not asked for, or if there are none.
    """

    frames: int
    fps: float
    seconds: tuple[SecondStats, ...]
    summary: Summary | None
    faults: tuple[Verdict, ...]
    cuts: tuple[Cut, ...]
    freezes: tuple[Part, ...]
    blanks: tuple[Part, ...]
    repetition: Repetition | None
    joints: Joints | None
    motion: tuple[float, ...]

    @property
    def length(self) -> float:
        """Length in seconds."""
        return self.frames / self.fps

    @property
    def bad_from(self) -> float | None:
        """Where the video first goes bad, in seconds: a fault, a freeze or a blank; None if it never does."""
        places = [fault.at for fault in self.faults]
        places += [part.start for part in (*self.freezes, *self.blanks)]
        return min(places, default=None)


class Analyser:
    """Looks at the frames of one video as they pass; turns: as in `DriftMeter`."""

    def __init__(self, fps: float, turns: Sequence[Turn] = ()) -> None:
        self._fps = fps
        self._meter = DriftMeter(fps, turns)
        self._motion, self._change, self._share = array("d"), array("d"), array("d")
        self._last: NDArray[np.int16] | None = None
        self._frozen = _Runs(fps, max(FROZEN_SECONDS * fps, 2))  # one frame alone does not stand still
        self._still: NDArray[np.int16] | None = None
        self._blank = _Runs(fps, 0.0)
        self._moments: list[NDArray[np.int16]] = []
        self._stride = max(round(fps / PER_SECOND), 1)

    def add(self, frames: NDArray[np.uint8]) -> None:
        """Look at the next frames, uint8 (T, H, W, 3), any T."""
        for frame in frames:
            self._look(frame)

    def result(self, every: int | None = None, among: int = 1, first: int = 0) -> Analysis:
        """Return what was seen so far; every, among, first: where joints are looked for, if at all (see
        `joints`).

        Raises:
            VideoError: there was no frame.
        """
        count = len(self._motion)
        if not count:
            raise VideoError("the video has no frame: there is nothing to analyse. Give another")
        seconds = self._meter.seconds
        return Analysis(
            frames=count,
            fps=self._fps,
            seconds=tuple(seconds),
            summary=summary(seconds) if seconds else None,
            faults=tuple(faults(seconds)) if seconds else (),
            cuts=cuts(self._change, self._share, self._fps),
            freezes=self._frozen.parts(count),
            blanks=self._blank.parts(count),
            repetition=repetition(self._moments, self._fps / self._stride),
            joints=None if every is None else joints(self._motion, every, self._fps, among, first),
            motion=tuple(self._motion),
        )

    def _look(self, frame: NDArray[np.uint8]) -> None:
        place = len(self._motion)
        contrast, motion = self._meter.measure(frame)
        small = thumbnail(frame)
        blocks = np.abs(small - (small if self._last is None else self._last)).mean(axis=-1) / 255
        self._motion.append(motion)
        self._change.append(float(blocks.mean()))
        self._share.append(float((blocks >= CUT).mean()))
        if self._still is None or float(np.abs(small - self._still).max()) / 255 > FROZEN_CHANGE:
            self._still = small
            self._frozen.ended(place)
        self._blank.told(place, contrast < BLANK)
        self._frozen.told(place, True)
        self._last = small
        if place % self._stride == 0:
            self._moments.append(small)
            if len(self._moments) > MOMENTS:
                self._moments = self._moments[::2]
                self._stride *= 2


def thumbnail(frame: NDArray[np.uint8]) -> NDArray[np.int16]:
    """Return a frame (H, W, 3) as block means, (16, 16, 3), in levels."""
    small = Image.fromarray(frame).resize((THUMB, THUMB), Image.Resampling.BOX)
    return np.asarray(small).astype(np.int16)


def cuts(change: Sequence[float], share: Sequence[float], fps: float) -> tuple[Cut, ...]:
    """Return where most of the picture changes, by more than in any frame nearby.

    change: of each frame's thumbnail, the mean. share: of its blocks that change by `CUT`.
    """
    found = []
    for i in np.flatnonzero(np.asarray(share) >= CUT_SHARE).tolist():
        near = [*change[max(i - CUT_NEAR, 1) : i], *change[i + 1 : i + 1 + CUT_NEAR]]
        most = max(near, default=0.0)
        if change[i] >= CUT_TIMES * most:
            found.append(Cut(i / fps, i, change[i], change[i] / max(most, FLOOR)))
    return tuple(found)


def joints(motion: Sequence[float], every: int, fps: float, among: int = 1, first: int = 0) -> Joints | None:
    """Hold the motion at every so many frames against that of the frames around it; None without a joint.

    among: count only every so many frames as around. first: frame at which the first piece begins, from which
    both are counted, be it before the video. Above 0 it is the first joint, and nothing before it is looked
    at but what lies around it.

    Raises:
        VideoError: joints at every frame leave nothing to hold them against.
    """
    if every <= among:
        raise VideoError(f"joints every {every} frames: nothing is between them; give {among + 1} or more")
    values = np.asarray(motion) + FLOOR
    places = [t for t in range(first, len(values), every) if t > 0]
    if not places:
        return None
    logs = np.array([np.log(values[t] / _around(values, t, every, among, first)) for t in places])
    mean = float(logs.mean())
    error = 1.96 * float(logs.std(ddof=1)) / len(logs) ** 0.5 if len(logs) > 1 else float("inf")
    worst = int(logs.argmax())
    low, high = (float(np.exp(min(mean + d, 700.0))) for d in (-error, error))
    return Joints(
        every,
        among,
        len(places),
        float(np.exp(mean)),
        low,
        high,
        float(np.exp(logs[worst])),
        places[worst] / fps,
        max(first, 0) / fps,
    )


def repetition(moments: Sequence[NDArray[np.int16]], per_second: float) -> Repetition | None:
    """Return the lag at which thumbnails (16, 16, 3) resemble earlier ones again, up to half the video.

    None if the video is too short for the least lag, or if nothing moves.
    """
    most, least = len(moments) // 2, max(round(LEAST_LAG * per_second), 1)
    if most < least:
        return None
    flat = np.stack(moments).reshape(len(moments), -1).astype(np.float64)
    flat -= flat.mean(axis=0)
    if np.sqrt((flat**2).mean()) < LIVELY:
        return None
    gram = flat @ flat.T
    size = np.diagonal(gram)
    lags = range(1, most + 1)
    both = np.array([np.sqrt(size[lag:].sum() * size[:-lag].sum()) for lag in lags])
    likeness = np.array([np.diagonal(gram, lag).sum() for lag in lags]) / both.clip(size.max() * 1e-9)
    rise = (likeness - np.minimum.accumulate(likeness).clip(0)).clip(0)[least - 1 :]
    best = least - 1 + int(np.flatnonzero(rise >= AS_GOOD * rise.max())[0])
    return Repetition((best + 1) / per_second, float(rise[best - least + 1]))


def _around(values: NDArray[np.float64], place: int, every: int, among: int, first: int) -> float:
    """Return the mean of what lies around a joint, as far as half-way to the next ones."""
    reach = max(every // 2, among)
    frames = range(max(place - reach, 1), min(place + reach + 1, len(values)))
    near = [t for t in frames if (t - first) % every and (t - first) % among == 0]
    return float(values[near].mean()) if near else float(values[place])


class _Runs:
    """Collects runs of frames of which something holds, as parts of at least so many frames."""

    def __init__(self, fps: float, least: float) -> None:
        self._fps, self._least = fps, least
        self._begin: int | None = None
        self._found: list[Part] = []

    def told(self, place: int, holds: bool) -> None:
        """Hear whether it holds for a frame."""
        if not holds:
            self.ended(place)
        elif self._begin is None:
            self._begin = place

    def ended(self, place: int) -> None:
        """Close the run before this frame."""
        self._found = list(self.parts(place))
        self._begin = None

    def parts(self, frames: int) -> tuple[Part, ...]:
        """Return the runs so far, the last of them up to so many frames."""
        begin = self._begin
        if begin is None or frames - begin < self._least:
            return tuple(self._found)
        return (*self._found, Part(begin / self._fps, frames / self._fps))
