"""Video files in: what they are, their frames as a stream, and the settings stored in them."""

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pavdm_cli.errors import VideoError
from pavdm_cli.media import ffmpeg

CHUNK = 24  # frames in one array
CHUNK_BYTES = 1 << 26  # fewer frames where they are large
CUT = re.compile(
    r"^\[.+ @ 0x[0-9a-f]+\] (stream \d+, offset 0x[0-9a-f]+: partial file"
    r"|corrupt input packet in stream \d+|File ended prematurely.*)$",
    re.MULTILINE,
)
"""ffmpeg's own lines; what a film is called, and what is stored in it, stand in others."""


@dataclass(frozen=True)
class VideoInfo:
    """A video as it is shown: sides in pixels, frames a second (two decimals), number of frames, length.

    `tags` are the settings stored in it, empty if pavdm did not write it. `cut`: the file ends too
    early or is damaged, as far as ffmpeg sees it without decoding.
    """

    width: int
    height: int
    fps: float
    frames: int
    seconds: float
    tags: dict[str, Any]
    cut: bool = False


def probe(path: Path) -> VideoInfo:
    """Return what a video file holds; its packets are counted, not decoded.

    Raises VideoError if the file is missing, empty, no video, or without a video stream.
    """
    stdout, stderr = _inspect(path)
    stream = ffmpeg.streams(stderr, "Video")[0]
    sides = re.search(r", (\d+)x(\d+)", stream)
    rate = re.search(r"([\d.]+)(k?) fps", stream) or re.search(r"([\d.]+)(k?) tbr", stream)
    counted = re.findall(r"^frame=\s*(\d+)", stderr, flags=re.MULTILINE)
    fps = float(rate[1]) * (1000 if rate[2] else 1) if rate else 0.0
    if not (sides and fps and counted and int(counted[-1])):
        raise VideoError(
            f"{path}: no size, rate or frame in its video stream ({stream.strip()}). Convert it to MP4"
        )
    width, height = int(sides[1]), int(sides[2])
    turned = r"^ *(?:Display Matrix|displaymatrix): rotation of -?(90|270)\."
    if re.search(turned, stderr, flags=re.MULTILINE):  # a telephone held upright; ffmpeg turns it
        width, height = height, width
    frames = int(counted[-1])
    return VideoInfo(width, height, fps, frames, frames / fps, _settings(stdout), bool(CUT.search(stderr)))


def tags(path: Path) -> dict[str, Any]:
    """Return the settings that pavdm stored in a video; empty for a video it did not write.

    Raises VideoError as `probe` does.
    """
    return _settings(_inspect(path)[0])


def read(path: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of a video in order, uint8 (T, H, W, 3), T up to 24, in memory for one chunk.

    Raises VideoError as `probe` does, or if decoding fails.
    """
    info = probe(path)
    yield from _decoded(path, (info.height, info.width), ("-fps_mode", "passthrough"))


def fitted(path: Path, size: tuple[int, int], fps: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the frames of any video at another size (H, W) and rate, as `read` does.

    The middle is cut out at the new aspect ratio; frames are repeated or left out as their times say.

    Raises VideoError as `read` does, and if any part of the video is damaged: what cannot be decoded would
    be left out in silence.
    """
    probe(path)
    height, width = size
    fit = (
        f"fps={fps}:start_time=0,scale='iw*max(sar,1)':'ih/min(sar,1)',setsar=1,"
        f"scale={width}:{height}:force_original_aspect_ratio=increase:flags=bicubic+accurate_rnd,"
        f"crop={width}:{height}"
    )
    yield from _decoded(path, size, ("-vf", fit), strict=True)


def _decoded(
    path: Path, size: tuple[int, int], shown: tuple[str, ...], *, strict: bool = False
) -> Iterator[NDArray[np.uint8]]:
    """Yield frames of that size (H, W), as ffmpeg decodes them with these options; strictly, any complaint of
    ffmpeg is an error."""
    shape = (*size, 3)
    frame_bytes = size[0] * size[1] * 3
    chunk = max(1, min(CHUNK, CHUNK_BYTES // frame_bytes))
    with tempfile.TemporaryFile() as stderr:
        decoder = subprocess.Popen(
            _decode_command(path, shown),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
        assert decoder.stdout
        try:
            while data := decoder.stdout.read(chunk * frame_bytes):
                if len(data) % frame_bytes:
                    break
                yield np.frombuffer(data, np.uint8).reshape(-1, *shape)
            code = decoder.wait()
        finally:
            decoder.kill()
            decoder.stdout.close()
            decoder.wait()
        stderr.seek(0)
        complaint = stderr.read()
        if strict and complaint.strip():
            raise VideoError(
                f"{path} is damaged: {ffmpeg.last_line(complaint)}. Repair it: "
                f"ffmpeg -i {quote(str(path))} whole.mp4"
            )
        if code != 0 or data:
            raise VideoError(
                f"{path} could not be decoded to its end: {ffmpeg.last_line(complaint)}. Convert it anew"
            )


def _decode_command(path: Path, shown: tuple[str, ...]) -> list[str]:
    return [
        *(ffmpeg.executable(), *ffmpeg.QUIET, "-i", ffmpeg.url(path), "-map", "0:V:0", *shown),
        *("-sws_flags", "bicubic+accurate_rnd+full_chroma_int"),
        *("-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"),
    ]


def _inspect(path: Path) -> tuple[bytes, str]:
    """Return what ffmpeg says of a video: its tags as ffmetadata, its description with the frame count."""
    try:
        there = path.is_file()
    except OSError as error:
        raise VideoError(f"{path} cannot be read: {error.strerror}. Give another file") from error
    if not there:
        raise VideoError(f"{path}: no such video file. Check the name")
    if path.stat().st_size == 0:
        raise VideoError(f"{path} is empty. Make the video again")
    result = ffmpeg.run(
        *("-hide_banner", "-nostats", "-progress", "pipe:2", "-i", ffmpeg.url(path)),
        *(
            "-map",
            "0:V:0",
            "-c",
            "copy",
            "-f",
            "null",
            "-",
            "-map_metadata",
            "0",
            "-f",
            "ffmetadata",
            "pipe:1",
        ),
    )
    stderr = result.stderr.decode(errors="replace")
    if "Input #0" not in stderr:
        raise VideoError(
            f"{path} is not a video: {ffmpeg.last_line(result.stderr)}. Give an MP4 or another video file"
        )
    if result.returncode != 0:
        raise VideoError(
            f"{path} has no readable video stream: {ffmpeg.last_line(result.stderr)}. Give another file"
        )
    return result.stdout, stderr


def _settings(data: bytes) -> dict[str, Any]:
    """Return the tags that `VideoWriter` stores as JSON in the comment; any other comment is not ours."""
    try:
        stored = json.loads(ffmpeg.read_metadata(data).get("comment", "{}"))
    except (ValueError, RecursionError):
        return {}
    return stored if isinstance(stored, dict) else {}
