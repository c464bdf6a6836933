"""One video file looked at: its figures, a strip of its frames, and how near it is to a reference."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pavdm_cli.drift.analysis import Analyser, Analysis
from pavdm_cli.drift.compare import TAPS, Comparer, Likeness
from pavdm_cli.drift.statistics import Turn
from pavdm_cli.errors import VideoError
from pavdm_cli.media import reader
from pavdm_cli.media.reader import VideoInfo
from pavdm_cli.models.library import FRAMES_PER_LATENT
from pavdm_cli.runs import settings, timeline
from pavdm_cli.runs.settings import Settings
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.schedule import Ramp

STRIP = 12  # frames
INTERVAL = 10.0  # seconds, of PSNR and SSIM


@dataclass(frozen=True)
class Inspection:
    """What was seen of a file. strip: some frames, (n, H, W, 3), evenly spaced, shown at `at` seconds.

    ours: it has settings that this program stored. redone: another ending can be made of it by `redo`.
    """

    path: Path
    info: VideoInfo
    ours: bool
    redone: bool
    analysis: Analysis
    strip: NDArray[np.uint8]
    at: tuple[float, ...]


def inspect(path: Path, every: int | None = None) -> Inspection:
    """Look at a video, its joints at every so many frames, by default where its schedule has them.

    A video of ours that was enlarged when it was written is measured at its own size.

    Raises:
        VideoError: it cannot be read, or has joints at every frame.
        ScheduleError: its settings name a schedule that is not known.
    """
    info = reader.probe(path)
    ours = "schedule" in info.tags
    own = settings.read(info.tags) if ours else None
    each, first = own.frames_per_latent if own else FRAMES_PER_LATENT, 0
    if every is None and ours:
        first = joints_from(own) if own else 0
        every = joint_frames(str(info.tags["schedule"]), each)
        first = first % every if every == each else first  # latents alone lie on one grid from the start
        every = every if every > 1 else None  # between joints at every frame there is nothing
    among = like(every, round(info.fps), each, first) if ours and every is not None else 1
    analyser, strip, at, place = Analyser(info.fps, turns(info)), [], [], 0
    shown = {round((i + 0.5) * info.frames / STRIP - 0.5) for i in range(STRIP)}
    for frames in frames_of(path, info):
        analyser.add(frames)
        for i in sorted(shown & set(range(place, place + len(frames)))):
            strip.append(frames[i - place].copy())
            at.append(i / info.fps)
        place += len(frames)
    redone = ours and not info.cut and not (own and own.walks)
    seen = analyser.result(every, among, first)
    return Inspection(path, info, ours, redone, seen, np.stack(strip), tuple(at))


def like(every: int, fps: int, each: int = FRAMES_PER_LATENT, first: int = 0) -> int:
    """Return which frames around joints at every so many are like them but for the joint: each so many-th.

    At a whole second a picture is encoded by itself, and after every `each` frames a latent follows another.
    first: as in `joints`; joints that do not lie at whole seconds are like no frames that do.
    """
    sizes = (fps, each) if first % fps == 0 else (each,)
    return next((n for n in sizes if every > n and every % n == 0), 1)


def joints_from(own: Settings) -> int:
    """Return the frame of a film's file at which its last making's first piece begins, be it before it.

    What was there already had another grid of pieces, or another schedule.
    """
    each = own.frames_per_latent
    given = -(-(own.first + own.missing - own.shift) // each) if own.first else 0
    return own.shift + each * given - own.missing - own.hidden


def joint_frames(text: str, each: int = FRAMES_PER_LATENT) -> int:
    """Return how many frames a schedule, as it is stored in a file, makes together, `each` a latent.

    Raises:
        ScheduleError: it is not known.
    """
    name, ramp = schedule.parse(text, Ramp())
    return schedule.find(name).piece(ramp) * each


def turns(info: VideoInfo) -> list[Turn]:
    """Return from when to when a video was told to change; none if it has no settings of ours."""
    own = settings.read(info.tags)
    if own is None:
        return []
    return [timeline.ALWAYS] if own.walks else timeline.turns(own.cues, own.blend, own.hidden / info.fps)


def frames_of(path: Path, info: VideoInfo) -> Iterator[NDArray[np.uint8]]:
    """Yield a video's frames (T, H, W, 3), those of ours at the size they were made in."""
    scale = info.tags.get("scale", 1)
    times = int(scale) if str(scale).isdecimal() and int(scale) > 0 else 1
    if info.height % times or info.width % times:
        times = 1
    for frames in reader.read(path):
        yield _reduced(frames, times)


def compare(path: Path, reference: Path) -> tuple[Likeness, ...]:
    """Return how near a video is to a reference of the same size and rate, as far as both go.

    Raises:
        VideoError: their frames do not pair up, or one cannot be read.
    """
    made, real = reader.probe(path), reader.probe(reference)
    said = [f"{one.width}x{one.height} at {one.fps:g} a second" for one in (made, real)]
    if said[0] != said[1]:
        raise VideoError(f"{path} and {reference} do not pair up: {said[0]} against {said[1]}. Convert one")
    if min(made.width, made.height) < TAPS:
        raise VideoError(
            f"{path}: {made.width}x{made.height} is too small for SSIM, which takes {TAPS} pixels"
        )
    comparer = Comparer(made.fps, INTERVAL)
    for one, other in zip(_single(path), _single(reference), strict=False):
        comparer.add(one, other)
    return comparer.result()


def clips(path: Path, length: int) -> Iterator[NDArray[np.uint8]]:
    """Yield a video as clips of so many frames that follow each other; what is left over is left out."""
    held: list[NDArray[np.uint8]] = []
    for frame in _single(path):
        held.append(frame[0])
        if len(held) == length:
            yield np.stack(held)
            held = []


def _single(path: Path) -> Iterator[NDArray[np.uint8]]:
    for frames in reader.read(path):
        for i in range(len(frames)):
            yield frames[i : i + 1]


def _reduced(frames: NDArray[np.uint8], times: int) -> NDArray[np.uint8]:
    """Return frames at a fraction of their size, each pixel the mean of a square."""
    if times == 1:
        return frames
    count, height, width, _ = frames.shape
    squares = frames.reshape(count, height // times, times, width // times, times, 3)
    small: NDArray[np.uint8] = np.round(squares.mean(axis=(2, 4), dtype=np.float32)).astype(np.uint8)
    return small
