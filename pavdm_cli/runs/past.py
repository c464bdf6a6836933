"""What a film goes on from: a video that is there, its settings and its latents. Imports no torch."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

import numpy as np
from numpy.typing import NDArray

from pavdm_cli.errors import RunError, VideoError
from pavdm_cli.media import attachment, reader
from pavdm_cli.media.reader import VideoInfo
from pavdm_cli.runs import settings
from pavdm_cli.runs.latents import LatentLog, head, record
from pavdm_cli.runs.order import Source
from pavdm_cli.runs.settings import Correction, Making, Settings


@dataclass(frozen=True, kw_only=True)
class Past:
    """What stands before the frames that are made.

    frames: of the film so far. latents: of it, in a row, the first one `shift` frames after its beginning.
    hidden: frames that the new file leaves out. correction, earlier, foreign: as in `Settings`.
    """

    frames: int
    latents: int
    shift: int
    hidden: int
    correction: Correction = ()
    earlier: tuple[Making, ...] = ()
    foreign: str = ""


class Latents:
    """All latents of a film by index: those given, then its own; of one of several videos, or of all.

    shape: (B, C, h, w) of one.
    """

    def __init__(self, given: LatentLog | None, own: LatentLog, video: int | None = None) -> None:
        self._given, self._own, self._video = given, own, video
        self._first = given.count if given else 0
        self.shape = own.shape if video is None else (1, *own.shape[1:])

    @property
    def count(self) -> int:
        """How many there are."""
        return self._first + self._own.count

    def read(self, index: int) -> NDArray[np.float16]:
        """Return one latent, (B, C, h, w).

        Raises:
            RunError: it is not there or damaged.
        """
        if self._given is not None and index < self._first:
            return np.repeat(self._given.read(index), self.shape[0], axis=0)
        latent = self._own.read(index - self._first)
        return latent if self._video is None else latent[self._video : self._video + 1]

    def packed(self, video: int) -> Iterator[bytes]:
        """Yield one video's latents as a log, in pieces."""
        yield head((1, *self._own.shape[1:]))
        for index in range(self.count):
            yield record(index, self.read(index)[video : video + 1].tobytes())


@dataclass(frozen=True)
class Existing:
    """A video that is there. Without settings pavdm did not make it; without latents it is encoded."""

    path: Path
    info: VideoInfo
    settings: Settings | None
    latents: Latents | None


def look(path: Path, root: Path) -> Existing:
    """Look at a video: whether pavdm made it, and whether its latents are there and whole.

    They are stored in it, or else still with its run in `root`.

    Raises:
        VideoError: it is missing, no video, or cut off.
    """
    info = reader.probe(path)
    if info.cut:
        raise VideoError(
            f"{path} is cut off or damaged, {info.seconds:.1f} s play; copy it anew from where it is whole, "
            f"or keep what plays: ffmpeg -i {quote(str(path))} whole.mp4"
        )
    found = settings.read(info.tags)
    if found is None or info.frames != found.frames - found.hidden:
        return Existing(path, info, None, None)
    needed = found.timing.latents(found.frames - found.shift)
    for latents in (_inside(path), _kept(root, found.run)):
        if latents and latents.count == needed and latents.shape[0] == 1:
            return Existing(path, info, found, latents)
    return Existing(path, info, found, None)


def _inside(path: Path) -> Latents | None:
    """Return the latents stored in a video."""
    place = attachment.find(path)
    log = LatentLog.open(path, *place) if place else None
    return Latents(None, log) if log else None


def _kept(root: Path, run: str) -> Latents | None:
    """Return the latents of a video whose run, by the name in its settings, is still there."""
    if not re.fullmatch(r"[\w-]+/\d+/\d+", run):
        return None
    name, group, video = run.split("/")
    own, given = LatentLog.open(root / name / group / "latents"), LatentLog.open(root / name / "given")
    return (own and int(video) < own.shape[0] and Latents(given, own, int(video))) or None


def whole(existing: Existing, *, only_new: bool) -> tuple[Source, Past | None]:
    """Return a video to go on from after its last frame; its past is known once it is encoded, if it must be.

    Raises:
        VideoError: it is gone.
    """
    found, log = existing.settings, existing.latents
    if found is None or log is None:
        return _source(existing, None, 0, only_new, encode=True), None
    covered = found.shift + found.timing.first(log.count)
    past = _past(found, found.frames, log.count, only_new)
    return _source(existing, existing.info.frames, covered - found.frames, only_new, encode=False), past


def until(existing: Existing, frame: int) -> tuple[Source, Past]:
    """Return a video of ours to go on from before its end, at a frame of its file or up to three later.

    Everything before stays: so it is the first latent that begins at that frame or after it.

    Raises:
        RunError: it was not made by pavdm, has lost its latents, or has none for that moment.
    """
    found, log = existing.settings, existing.latents
    if found is None or log is None:
        why = "it was not made by pavdm" if found is None else "its latents are gone"
        raise RunError(
            f"{existing.path}: {why}, so no other ending can be made; 'pavdm extend' goes on with it"
        )
    latents = found.timing.latents(found.hidden + frame - found.shift)
    frames = found.shift + found.timing.first(latents)
    if latents < 1 or frames <= found.hidden or frames >= found.frames:
        fps, timing = existing.info.fps, found.timing
        earliest = max(found.shift - found.hidden, 0) + 1
        latest = found.shift + timing.first(timing.latent(found.frames - 1 - found.shift)) - found.hidden
        raise RunError(
            f"--from {frame / fps:.2f} s: {existing.path} can be made anew "
            + (f"from {earliest / fps:.2f} to {latest / fps:.2f} s" if latest >= earliest else "nowhere")
        )
    kept = frames - found.hidden
    return _source(existing, kept, 0, False, encode=False), _past(found, frames, latents, False)


def _past(found: Settings, frames: int, latents: int, only_new: bool) -> Past:
    return Past(
        frames=frames,
        latents=latents,
        shift=found.shift,
        hidden=frames if only_new else found.hidden,
        correction=found.correction,
        earlier=found.makings,
        foreign=found.foreign,
    )


def _source(existing: Existing, frames: int | None, leftover: int, only_new: bool, *, encode: bool) -> Source:
    try:
        size = existing.path.stat().st_size
    except OSError as error:
        raise VideoError(f"{existing.path}: {error.strerror}; restore it") from error
    return Source(
        path=existing.path, size=size, frames=frames, leftover=leftover, only_new=only_new, encode=encode
    )


def check(source: Source) -> None:
    """Raise RunError if the file that a film goes on from is gone or has become another."""
    try:
        size = source.path.stat().st_size
    except OSError:
        raise RunError(f"{source.path}: the video this run goes on from is gone; restore it") from None
    if size != source.size:
        raise RunError(f"{source.path}: the video this run goes on from has changed; restore it")
