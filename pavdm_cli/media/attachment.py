"""Bytes of our own behind a finished MP4, in a box that players skip; nothing of the video moves.

A box of type uuid at the top level: ISO/IEC 14496-12, sections 4.2 and 11.1.
"""

import struct
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

KIND = uuid.UUID("6b0f6a1e-51c9-4d0e-9f6c-70617664626d").bytes
HEAD = 16 + len(KIND)  # size 1, type, the size in 64 bits, whose box it is


def append(path: Path, parts: Iterable[bytes]) -> None:
    """Store bytes behind an MP4, part by part."""
    with path.open("r+b") as file:
        begin = file.seek(0, 2)
        file.write(struct.pack(">I4sQ", 1, b"uuid", 0) + KIND)
        for part in parts:
            file.write(part)
        end = file.tell()
        file.seek(begin + 8)
        file.write(struct.pack(">Q", end - begin))


def find(path: Path) -> tuple[int, int] | None:
    """Return where the bytes stored behind an MP4 begin and end; None if there are none.

    Only the beginnings of boxes are read.
    """
    with path.open("rb") as file:
        length = file.seek(0, 2)
        for begin, end, kind in _boxes(file, length):
            if kind == b"uuid" and end - begin >= HEAD:
                file.seek(begin)
                if file.read(HEAD)[16:] == KIND:
                    return begin + HEAD, end
    return None


def _boxes(file: BinaryIO, length: int) -> Iterator[tuple[int, int, bytes]]:
    """Yield begin, end and type of each whole box at the top level; anything else ends it."""
    at = 0
    while at + 8 <= length:
        file.seek(at)
        head = file.read(16)
        size, kind = struct.unpack_from(">I4s", head)
        if size == 1 and len(head) == 16:
            (size,) = struct.unpack_from(">Q", head, 8)
        if size < 8 or at + size > length:
            return
        yield at, at + size, kind
        at += size
