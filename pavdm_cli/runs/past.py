"""What a film goes on from: a video that is there, its settings and its latents. Imports no torch."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pavdm_cli.errors import RunError, VideoError
from pavdm_cli.media import attachment, reader
from pavdm_cli.media.reader import VideoInfo
from pavdm_cli.runs import settings
from pavdm_cli.runs.latents import LatentLog, head
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


@dataclass(frozen=True)
class Existing:
    """A video that is there. Without settings pavdm did not make it; without latents it is encoded."""

    path: Path
    info: VideoInfo
    settings: Settings | None
    log: LatentLog | None


class Latents:
    """All latents of one film by index: those given, then its own."""

    def __init__(self, given: LatentLog | None, own: LatentLog) -> None:
        self._given, self._own = given, own
        self._first = given.count if given else 0

    def read(self, index: int) -> NDArray[np.float16]:
        """Return one latent, (B, C, h, w).

        Raises:
            RunError: it is not there or damaged.
        """
        if self._given is None or index >= self._first:
            return self._own.read(index - self._first)
        latent = self._given.read(index)
        return np.repeat(latent, self._own.shape[0], axis=0)

    def packed(self, video: int) -> Iterator[bytes]:
        """Yield one video's latents as a log, in pieces."""
        yield head((1, *self._own.shape[1:]))
        if self._given is not None:
            yield from self._given.records(0)
        yield from self._own.records(video, self._first)


def look(path: Path) -> Existing:
    """Look at a video: whether pavdm made it, and whether its latents are stored in it and whole.

    Raises:
        VideoError: it is missing or no video.
    """
    info = reader.probe(path)
    found = settings.read(info.tags)
    if found is None or info.frames != found.frames - found.hidden:
        return Existing(path, info, None, None)
    place = attachment.find(path)
    log = LatentLog.open(path, *place) if place else None
    if log and (log.shape[0] != 1 or log.count != found.timing.latents(found.frames - found.shift)):
        log = None
    return Existing(path, info, found, log)


def whole(existing: Existing, *, only_new: bool) -> tuple[Source, Past | None]:
    """Return a video to go on from after its last frame; its past is known once it is encoded, if it must be.

    Raises:
        VideoError: it is gone.
    """
    found, log = existing.settings, existing.log
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
    found, log = existing.settings, existing.log
    if found is None or log is None:
        why = "it was not made by pavdm" if found is None else "its latents are gone"
        raise RunError(
            f"{existing.path}: {why}, so no other ending can be made; 'pavdm extend' goes on with it"
        )
    latents = found.timing.latents(found.hidden + frame - found.shift)
    frames = found.shift + found.timing.first(latents)
    fps = existing.info.fps
    earliest = max(found.shift + found.timing.first(1) - found.hidden, 1) / fps
    latest = (existing.info.frames - 1) / fps
    if latents < 1 or frames <= found.hidden or frames >= found.frames:
        raise RunError(
            f"--from {frame / fps:.2f} s: {existing.path} can be made anew from {earliest:.2f} s to before "
            f"{latest:.2f} s"
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
