"""Files that are whole or not there: written beside their place, then renamed."""

import os
from contextlib import suppress
from pathlib import Path


class Unwritten(OSError):
    """A file could not be written: `filename`, and why."""


def part_of(path: Path) -> Path:
    """Return where a file is written before it takes its place."""
    return path.with_name(path.name + ".part")


def write(path: Path, data: bytes, *, flush: bool = False) -> None:
    """Put a file in its place at once, so that whoever reads it sees the old one or all of the new one.

    flush: it is on the disk when this returns, not on its way there.

    Raises:
        Unwritten: it cannot be.
    """
    part = part_of(path)
    try:
        part.write_bytes(data)
        (replace if flush else os.replace)(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise Unwritten(error.errno, error.strerror, os.fspath(path)) from error


def replace(part: Path, path: Path) -> None:
    """Rename a file that is written, so that not even a power cut leaves its name without its content.

    Raises:
        OSError: the disk fails.
    """
    with part.open("r+b") as file:
        os.fsync(file.fileno())
    os.replace(part, path)
    with suppress(OSError):  # not every system opens a folder, or flushes it
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
