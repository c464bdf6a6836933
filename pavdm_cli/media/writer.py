"""A video file that plays while it grows, at every moment, and becomes an ordinary MP4 at the end."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pavdm_cli import whole
from pavdm_cli.errors import VideoError
from pavdm_cli.media import attachment, ffmpeg
from pavdm_cli.media.encoder import Encoder, Progress, command

LARGEST_SIDE = 8192  # pixels; beyond it few players decode H.264
PARTIAL = ".partial.mp4"


def partial_of(path: Path) -> Path:
    """Return the file that a video grows in until it is finished."""
    return path.with_name(path.stem + PARTIAL)


def check_output(path: Path, force: bool) -> None:
    """Raise VideoError if a video could not be written at `path`; makes nothing.

    An existing file, finished or partial, is refused unless `force`. Missing folders are fine where they can
    be made.
    """
    if path.suffix.lower() != ".mp4":
        raise VideoError(f"{path}: a video is written as MP4. Give it a name that ends in .mp4")
    try:
        _check_place(path, force)
    except OSError as error:
        raise VideoError(f"{path}: {error.strerror}. Choose another name or place") from error


def _check_place(path: Path, force: bool) -> None:
    if path.is_dir():
        raise VideoError(f"{path} is a folder. Name a file in it: {path / 'video.mp4'}")
    if path.exists() and not force:
        raise VideoError(f"{path} exists already. Choose another name, or overwrite it with --force")
    partial = partial_of(path)
    whole.part_of(partial).exists()  # raises where that name, the longest, is too long
    if partial.exists() and not force:
        raise VideoError(
            f"{partial} is left from an earlier run, and plays. 'pavdm resume' goes on with it; rename it to "
            "keep it, or overwrite it with --force"
        )
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir():
        raise VideoError(f"{path}: {folder} is a file, not a folder. Choose another place")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise VideoError(f"{path}: no permission to write in {folder}. Choose another place")


class VideoWriter:
    """Writes frames, uint8 (T, H, W, 3), to `path`, as a context manager.

    Folders and files are made with the first frame. Leaving the block normally makes `path`, with its index
    in front and its tags stored: the tag "prompt" is the title, all tags as JSON are the comment. Leaving it
    by an exception keeps `partial`, with every frame written so far. `tags` can be changed until then. A
    partial file of an earlier run is overwritten, except with `after`: then its first frames up to that
    progress stay, and the frames written follow them. `size` is (H, W); `scale` enlarges in the encoder
    (Lanczos); `quality` is the quantiser, 1 (best) to 51. `sound` names a file whose sound is put into the
    finished video; `attached` gives bytes that are stored behind it.

    Raises VideoError for a size that cannot be encoded; `write` and `close` do if the disk or ffmpeg fails.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        fps: int = 24,
        *,
        scale: int = 1,
        quality: int = 18,
        tags: Mapping[str, object],
        after: Progress | None = None,
        sound: Path | None = None,
        attached: Callable[[], Iterable[bytes]] | None = None,
    ) -> None:
        _check(size, fps, scale, quality)
        self.path = path
        self.partial = partial_of(path)
        self.frames_written = after.frames if after else 0
        self._size, self._fps = size, fps
        self.tags = dict(tags)
        self._after, self._sound, self._attached = after, sound, attached
        self._command = command(size, fps, scale, quality)
        self._encoder: Encoder | None = None

    @property
    def frames_on_disk(self) -> int:
        """The frames that play from `partial` now, in whole fragments; up to one second behind."""
        return self._encoder.frames_on_disk if self._encoder else self.progress.frames

    @property
    def progress(self) -> Progress:
        """How far `partial` has come in whole groups of pictures: where another writer can go on."""
        return self._encoder.whole if self._encoder else self._after or Progress()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        elif self._encoder:
            try:
                self._encoder.finish()
            except VideoError as second:
                if second is not error:
                    error.add_note(str(second))

    def write(self, frames: NDArray[np.uint8]) -> None:
        """Append frames, uint8 (T, H, W, 3)."""
        if frames.dtype != np.uint8 or frames.shape[1:] != (*self._size, 3):
            raise VideoError(
                f"{self.path}: frames are {frames.dtype} {frames.shape}, not uint8 (T, {self._size[0]}, "
                f"{self._size[1]}, 3). Convert them, or open the writer with their size"
            )
        if len(frames) and self._encoder is None:
            self._encoder = self._start()
        for frame in frames:
            assert self._encoder
            self._encoder.send(frame)
            self.frames_written += 1

    def close(self) -> None:
        """Finish the video: make `path`, then remove `partial`. Called by leaving the block."""
        if not self.frames_written:
            raise VideoError(f"{self.path}: no frame was written, so there is no video. Ask for a longer one")
        if self._encoder:
            self._encoder.finish()
        if self.frames_on_disk != self.frames_written:
            raise VideoError(
                f"{self.partial} holds {self.frames_on_disk} of {self.frames_written} frames: ffmpeg lost "
                "some. Write it again; if it happens twice, reinstall imageio-ffmpeg"
            )
        self._publish()

    def _start(self) -> Encoder:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise VideoError(
                f"{self.path.parent} cannot be made: {error.strerror}. Choose another place"
            ) from error
        return Encoder(self._command, self.partial, self._fps, self._after)

    def _publish(self) -> None:
        """Copy the streams into an ordinary MP4 beside `path`, rename it, and remove `partial`."""
        finished = whole.part_of(self.partial)
        try:
            _remux(self.partial, finished, self.tags, self._sound)
            if self._attached:
                attachment.append(finished, self._attached())
            whole.replace(finished, self.path)
        except (VideoError, OSError) as error:
            raise VideoError(
                f"{self.path} could not be finished: {error}. All {self.frames_written} frames are in "
                f"{self.partial}, which plays: free some space, or rename that file"
            ) from error
        finally:
            with suppress(OSError):
                finished.unlink()
        self.partial.unlink()


def _remux(partial: Path, finished: Path, tags: Mapping[str, object], sound: Path | None) -> None:
    """Write an MP4 of the same streams, and of the sound, with its index in front and tags."""
    comment = json.dumps(dict(tags), ensure_ascii=False)
    if any("\ud800" <= letter <= "\udfff" for letter in comment):  # of a file's name that is no UTF-8
        comment = json.dumps(dict(tags))
    stored = {"title": str(tags.get("prompt", "")), "comment": comment}
    heard = ("-i", ffmpeg.url(sound)) if sound else ()
    result = ffmpeg.run(
        *(*ffmpeg.QUIET, "-y", "-i", ffmpeg.url(partial), "-f", "ffmetadata", "-i", "pipe:0", *heard),
        *("-map", "0:v", *(("-map", "2:a") if sound else ())),
        *("-map_metadata", "1", "-c", "copy", "-movflags", "+faststart"),
        *("-f", "mp4", ffmpeg.url(finished)),
        given=ffmpeg.metadata(stored),
    )
    if result.returncode != 0:
        raise VideoError(ffmpeg.last_line(result.stderr))


def _check(size: tuple[int, int], fps: int, scale: int, quality: int) -> None:
    """Raise VideoError for what H.264 with halved colour resolution cannot hold."""
    height, width = size[0] * scale, size[1] * scale
    if scale < 1 or fps < 1 or not 1 <= quality <= 51:
        raise VideoError(
            f"scale {scale}, fps {fps}, quality {quality}: scale and fps must be at least 1, quality 1 to 51"
        )
    if height % 2 or width % 2 or not 2 <= min(height, width) <= max(height, width) <= LARGEST_SIDE:
        raise VideoError(
            f"{width}x{height} (width x height, scaled by {scale}) cannot be encoded: both must be even and "
            f"from 2 to {LARGEST_SIDE}. Choose another size or scale"
        )
