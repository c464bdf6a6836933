"""The beginning of a growing file, taken from a video that is there: copied as it is, or encoded anew."""

import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pavdm_cli import whole
from pavdm_cli.errors import VideoError
from pavdm_cli.media import ffmpeg
from pavdm_cli.media.encoder import PIPE_READ, Encoder, Progress, command
from pavdm_cli.media.fragments import Fragment, FragmentParser, Header


def goes_on(source: Path, size: tuple[int, int], fps: int, scale: int, quality: int) -> bool:
    """Say whether frames encoded now, with these settings, can follow a video's own in one file."""
    copied = ffmpeg.run(*_copy(source, 1)).stdout
    blank = bytes(size[0] * size[1] * 3)
    encoded = ffmpeg.run(*command(size, fps, scale, quality)[1:], given=blank).stdout
    try:
        theirs, ours = (next(FragmentParser().feed(data), None) for data in (copied, encoded))
        return isinstance(theirs, Header) and isinstance(ours, Header) and theirs.decoding == ours.decoding
    except VideoError:
        return False


def copy(source: Path, partial: Path, frames: int) -> Progress:
    """Write the first frames of a video into a growing file, without decoding any; return its progress.

    Raises:
        VideoError: the video has fewer frames, or the disk fails.
    """
    progress, part = Progress(), whole.part_of(partial)
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as file, tempfile.TemporaryFile() as stderr:
            for piece in _fragments(source, frames, stderr.fileno()):
                file.write(piece.data)
                progress = progress.grown(piece.data, piece.frames if isinstance(piece, Fragment) else 0)
        if progress.frames != frames:
            raise VideoError(
                f"{source}: only {progress.frames} of its first {frames} frames could be copied. Restore it"
            )
        part.replace(partial)
    except OSError as error:
        raise VideoError(f"{partial} cannot be written: {error.strerror}. Choose another place") from error
    finally:
        part.unlink(missing_ok=True)
    return progress


def encode(
    frames: Iterable[NDArray[np.uint8]], partial: Path, size: tuple[int, int], fps: int, quality: int
) -> Progress:
    """Encode frames (T, H, W, 3) of the file's own size into a growing file; return its progress.

    Raises:
        VideoError: the disk or ffmpeg fails.
    """
    try:
        partial.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VideoError(
            f"{partial.parent} cannot be made: {error.strerror}. Choose another place"
        ) from error
    encoder = Encoder(command(size, fps, 1, quality), partial, fps)
    try:
        for chunk in frames:
            for frame in chunk:
                encoder.send(frame)
    finally:
        encoder.finish()
    return _scanned(partial)


def has_sound(source: Path) -> bool:
    """Say whether a video has sound."""
    said = ffmpeg.run("-hide_banner", "-i", ffmpeg.url(source)).stderr
    return bool(ffmpeg.streams(said.decode(errors="replace"), "Audio"))


def sound(source: Path, target: Path, seconds: float, *, ours: bool) -> bool:
    """Take the sound of a video's first seconds out into an MP4 file; say whether there is any.

    The sound of a video that pavdm wrote is copied as it is, any other is encoded and timed by the picture.

    Raises:
        VideoError: there is sound, and it cannot be read.
    """
    if not has_sound(source):
        return False
    done = ffmpeg.run(
        *(*ffmpeg.QUIET, "-y", "-i", ffmpeg.url(source), "-t", f"{seconds:.6f}", "-map", "0:a:0"),
        *(
            ("-c:a", "copy")
            if ours
            else ("-af", "aresample=async=1:first_pts=0", "-c:a", "aac", "-b:a", "192k")
        ),
        *("-f", "mp4"),
        ffmpeg.url(target),
    )
    if done.returncode != 0:
        raise VideoError(
            f"{source}: its sound cannot be read: {ffmpeg.last_line(done.stderr)}. Convert it anew"
        )
    return True


def _copy(source: Path, frames: int) -> list[str]:
    return [
        *(*ffmpeg.QUIET, "-i", ffmpeg.url(source), "-map", "0:V:0", "-c", "copy", "-map_metadata", "-1"),
        *("-frames:v", str(frames), "-flush_packets", "1"),
        *("-movflags", "frag_keyframe+empty_moov+default_base_moof+skip_trailer", "-f", "mp4", "pipe:1"),
    ]


def _fragments(source: Path, frames: int, stderr: int) -> Iterator[Header | Fragment]:
    arguments = [ffmpeg.executable(), *_copy(source, frames)]
    with ffmpeg.starting(arguments[0]):
        process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=stderr, start_new_session=True
        )
    assert process.stdout
    parser = FragmentParser()
    try:
        while data := process.stdout.read(PIPE_READ):
            yield from parser.feed(data)
    finally:
        process.kill()
        process.stdout.close()
        process.wait()


def _scanned(partial: Path) -> Progress:
    progress, parser = Progress(), FragmentParser()
    with partial.open("rb") as file:
        while data := file.read(PIPE_READ):
            for part in parser.feed(data):
                progress = progress.grown(part.data, part.frames if isinstance(part, Fragment) else 0)
    return progress
