"""Finished latents on disk: a log that grows by one record a latent, each with a checksum.

A latent is kept as fp16, and it is that value which is decoded, on every path: what is read back makes the
same frames. A log is a file of its own or a stretch of one, such as what is stored behind an MP4.
"""

import errno
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from pavdm_cli.errors import RunError

HEAD = struct.Struct("<8s4I")  # magic, videos, channels, height, width
RECORD = struct.Struct("<4s2I")  # magic, index, checksum of the index and the values
MAGIC, MARK = b"pavdmlog", b"ltnt"
MOST = 1 << 28  # bytes of one record: more is no latent


class LatentLog:
    """Latents (B, C, h, w) fp16 by index, from 0 on; `count` of them are whole.

    Opening one drops what is damaged: the log ends before it.
    """

    def __init__(self, path: Path, shape: tuple[int, int, int, int], begin: int = 0, count: int = 0) -> None:
        self.path, self.shape, self.count = path, shape, count
        self._begin = begin + HEAD.size
        self._size = RECORD.size + 2 * int(np.prod(shape))

    @classmethod
    def create(cls, path: Path, shape: tuple[int, int, int, int]) -> Self:
        """Begin a log, in place of one that is there."""
        with _failing(path), path.open("wb") as file:
            file.write(head(shape))
        return cls(path, shape)

    @classmethod
    def open(cls, path: Path, begin: int = 0, end: int | None = None) -> Self | None:
        """Open a log in a stretch of a file and check it; None if its beginning is missing or damaged."""
        try:
            with path.open("rb") as file:
                file.seek(begin)
                magic, *shape = HEAD.unpack(file.read(HEAD.size))
        except (OSError, struct.error):
            return None
        if magic != MAGIC or not 0 < np.prod(shape, dtype=np.float64) < MOST:
            return None
        log = cls(path, (shape[0], shape[1], shape[2], shape[3]), begin)
        log.count = sum(1 for _ in log._whole(end))
        return log

    @classmethod
    def entries(cls, path: Path) -> int:
        """Return how many latents a log has by its size, without checking them."""
        try:
            with path.open("rb") as file:
                _, *shape = HEAD.unpack(file.read(HEAD.size))
                size = RECORD.size + 2 * int(np.prod(shape, dtype=np.float64))
                return (file.seek(0, os.SEEK_END) - HEAD.size) // size
        except (OSError, struct.error, OverflowError):
            return 0

    def append(self, latent: NDArray[np.float16]) -> None:
        """Append the next latent, (B, C, h, w), or nothing of it.

        Raises:
            RunError: the disk is full or fails.
        """
        assert latent.dtype == np.float16 and latent.shape == self.shape
        end = self._begin + self.count * self._size
        with _failing(self.path), self.path.open("r+b") as file:
            if file.seek(0, os.SEEK_END) != end:  # what was damaged or is to be made again
                file.seek(end)
                file.truncate()
            file.write(record(self.count, latent.tobytes()))
        self.count += 1

    def flush(self) -> None:
        """Wait until everything appended is on the disk."""
        with _failing(self.path), self.path.open("rb") as file:
            os.fsync(file.fileno())

    def read(self, index: int) -> NDArray[np.float16]:
        """Return one latent, (B, C, h, w).

        Raises:
            RunError: it is not there, or damaged since the log was opened.
        """
        with _failing(self.path), self.path.open("rb") as file:
            values = self._read(file, index) if 0 <= index < self.count else None
        if values is None:
            raise RunError(f"{self.path}: latent {index} is damaged; make the video again")
        return values.copy()  # a view of bytes read cannot be written to, which torch warns of

    def cut(self, count: int) -> None:
        """Forget the latents from an index on."""
        self.count = min(self.count, count)

    def _whole(self, end: int | None) -> Iterator[int]:
        """Yield the indices whose records are whole, as far as they follow each other."""
        index = 0
        with _failing(self.path), self.path.open("rb") as file:
            while end is None or self._begin + (index + 1) * self._size <= end:
                if self._read(file, index) is None:
                    return
                yield index
                index += 1

    def _read(self, file: BinaryIO, index: int) -> NDArray[np.float16] | None:
        file.seek(self._begin + index * self._size)
        data = file.read(self._size)
        if len(data) < self._size:
            return None
        mark, number, crc = RECORD.unpack_from(data)
        body = data[RECORD.size :]
        if mark != MARK or number != index or crc != _checksum(index, body):
            return None
        return np.frombuffer(body, np.float16).reshape(self.shape)


def head(shape: tuple[int, int, int, int]) -> bytes:
    """Return the beginning of a log of latents (B, C, h, w)."""
    return HEAD.pack(MAGIC, *shape)


def record(index: int, values: bytes) -> bytes:
    """Return one latent as it stands in a log."""
    return RECORD.pack(MARK, index, _checksum(index, values)) + values


def _checksum(index: int, values: bytes) -> int:
    return zlib.crc32(values, index)


@contextmanager
def _failing(path: Path) -> Iterator[None]:
    """Turn a failure of the disk into a RunError."""
    try:
        yield
    except OSError as error:
        reason = "the disk is full" if error.errno == errno.ENOSPC else error.strerror
        raise RunError(
            f"{path}: {reason}; free some space or correct it, then go on with 'pavdm resume'"
        ) from error
