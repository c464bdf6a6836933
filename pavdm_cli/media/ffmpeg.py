"""The ffmpeg program that travels with imageio-ffmpeg: where it is, how it is run, what it says."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import imageio_ffmpeg  # type: ignore[import-untyped]

from pavdm_cli.errors import VideoError

QUIET = ("-hide_banner", "-loglevel", "error")


def executable() -> str:
    """Return the path of ffmpeg.

    Raises VideoError if neither the package nor the machine has one.
    """
    try:
        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise VideoError(
            "no ffmpeg was found. Reinstall imageio-ffmpeg, or set IMAGEIO_FFMPEG_EXE to an ffmpeg program"
        ) from error


def url(path: Path) -> str:
    """Name a file for ffmpeg so that a dash or a colon in it is not taken for an option or a protocol."""
    return f"file:{path}"


def run(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run ffmpeg to its end, with `given` on its standard input, and return its exit code, stdout and stderr.

    It has its own session, so that Ctrl-C reaches this program alone, which then stops it.

    Raises VideoError if it cannot be started.
    """
    command = [executable(), *arguments]
    with starting(command[0]):
        return subprocess.run(command, input=given, capture_output=True, start_new_session=True, check=False)


@contextmanager
def starting(program: str) -> Iterator[None]:
    """Turn the failure to start a program as ffmpeg into a VideoError."""
    try:
        yield
    except OSError as error:
        raise VideoError(
            f"{program} cannot be run as ffmpeg: {error.strerror}. Correct or unset IMAGEIO_FFMPEG_EXE, or "
            "reinstall imageio-ffmpeg"
        ) from error


def streams(said: str, kind: str) -> list[str]:
    """Return the lines in which ffmpeg describes streams of a kind (Video, Audio); tags may hold such words
    too."""
    return re.findall(rf"^ *Stream #\d+:\d+.*? {kind}: .*$", said, flags=re.MULTILINE)


def last_line(stderr: bytes) -> str:
    """Return the last line ffmpeg printed, or words for its silence."""
    lines = stderr.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it gave no reason"


def metadata(tags: Mapping[str, str]) -> bytes:
    """Return tags as an ffmetadata file, for ffmpeg's input: a command line would limit their length.

    Empty tags are left out. Format: ffmpeg-formats, "Metadata".
    """
    lines = [f"{_escaped(key)}={_escaped(value)}" for key, value in tags.items() if value]
    return "\n".join([";FFMETADATA1", *lines, ""]).encode()


def read_metadata(data: bytes) -> dict[str, str]:
    """Return the global tags of an ffmetadata file; sections for streams and chapters are left out."""
    whole = data.decode(errors="replace")
    until = re.match(
        r"(?:\\.|[^\\\n]|\n(?!\[))*", whole, flags=re.DOTALL
    )  # a line feed in a value is escaped
    text = until[0] if until else ""
    found = re.findall(r"^((?:\\.|[^\\=\n;#])+)=((?:\\.|[^\\\n])*)$", text, flags=re.MULTILINE | re.DOTALL)
    return {_unescaped(key): _unescaped(value) for key, value in found}


def _escaped(text: str) -> str:
    return re.sub(r"([=;#\\\n])", r"\\\1", text)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
