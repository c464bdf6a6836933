"""Files that are whole or not there: written beside their place, then renamed."""

import os
from contextlib import suppress
from pathlib import Path


def write(path: Path, data: bytes, *, flush: bool = False) -> None:
    """Put a file in its place at once, so that whoever reads it sees the old one or all of the new one.

    flush: it is on the disk when this returns, not on its way there.

    Raises:
        OSError: it cannot be written; `filename` is `path`.
    """
    part = path.with_name(path.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(data)
            if flush:
                file.flush()
                os.fsync(file.fileno())
        os.replace(part, path)
    except OSError as error:
        with suppress(OSError):
            part.unlink()
        raise OSError(error.errno, error.strerror, os.fspath(path)) from error
