"""Fragmented MP4 as bytes: an initial header (ftyp + moov), then fragments (moof + mdat) of one video track.

Whatever has arrived whole can be appended to a file and plays at once. Encoding can go on in a new process:
its header must equal the first one's and is left out, and its fragments are moved to where the first process
stopped.
Box layouts: ISO/IEC 14496-12, sections 4.2 and 8.8.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from pavdm_cli.errors import VideoError

PARTS = {b"ftyp": "header", b"moov": "header", b"moof": "fragment", b"mdat": "fragment"}
CLOSING = (b"moov", b"mdat")
SAMPLE_ENTRY = 8 + 86  # bytes of a list's beginning and of its first entry, before the boxes inside it


@dataclass(frozen=True)
class Header:
    """The beginning of the file, which says how its fragments are decoded."""

    data: bytes

    @cached_property
    def decoding(self) -> tuple[bytes, bytes]:
        """What must be equal for fragments to share a file: ticks a second, and the decoder's settings."""
        track = (b"moov", b"trak", b"mdia")
        clock = _find(self.data, *track, b"mdhd")
        entry = _find(self.data, *track, b"minf", b"stbl", b"stsd") + SAMPLE_ENTRY
        settings = _find(self.data[entry:], b"avcC") + entry
        size = _number(self.data, settings - 8, 4)
        return self.data[clock + 12 : clock + 16], self.data[settings : settings - 8 + size]


@dataclass(frozen=True)
class Fragment:
    """One run of frames that starts at a key frame; times are in ticks of the track's clock."""

    data: bytes

    @cached_property
    def sequence(self) -> int:
        """The fragment's number in its file, from 1."""
        return _number(self.data, _find(self.data, b"moof", b"mfhd") + 4, 4)

    @cached_property
    def start(self) -> int:
        """The decode time of the first frame, in ticks."""
        return _number(self.data, *_start_field(self.data))

    @cached_property
    def frames(self) -> int:
        """The number of frames."""
        return _number(self.data, _find(self.data, b"moof", b"traf", b"trun") + 4, 4)

    @cached_property
    def duration(self) -> int:
        """The length of all frames together, in ticks."""
        durations = _durations(self.data)
        return sum(durations) if durations else self.frames * _default_duration(self.data)

    def moved(self, sequence: int, start: int) -> "Fragment":
        """Return the same frames with another number and another start in ticks."""
        data = bytearray(self.data)
        _put(data, _find(self.data, b"moof", b"mfhd") + 4, 4, sequence)
        _put(data, *_start_field(self.data), start)
        return Fragment(bytes(data))


class FragmentParser:
    """Cuts a byte stream that arrives in any portions into its header and its whole fragments.

    `whole` counts the bytes handed out: a file cut there holds nothing broken.
    """

    def __init__(self) -> None:
        self.whole = 0
        self._waiting = bytearray()
        self._boxes = 0

    def feed(self, data: bytes) -> Iterator[Header | Fragment]:
        """Take the next bytes and yield what they complete.

        Raises VideoError at a box that is no part of a fragmented file as this program writes it.
        """
        self._waiting += data
        while (end := self._box_end()) is not None:
            kind = bytes(self._waiting[self._boxes + 4 : self._boxes + 8])
            self._boxes = end
            if kind in CLOSING:
                part = bytes(self._waiting[:end])
                del self._waiting[:end]
                self._boxes = 0
                self.whole += end
                yield Header(part) if PARTS[kind] == "header" else Fragment(part)

    def _box_end(self) -> int | None:
        """Return where the next box ends once all of it is here."""
        if len(self._waiting) < self._boxes + 8:
            return None
        size, kind = struct.unpack_from(">I4s", self._waiting, self._boxes)
        before = bytes(self._waiting[4:8]) if self._boxes else kind
        if kind not in PARTS or size < 8 or PARTS[kind] != PARTS[before]:
            raise VideoError(
                f"unexpected box {kind!r} of {size} bytes at byte {self.whole + self._boxes} of a growing "
                "MP4. It is damaged, or was not written by pavdm: start the video anew"
            )
        end: int = self._boxes + size
        return end if len(self._waiting) >= end else None


def _find(data: bytes, *path: bytes) -> int:
    """Return where the content of the box at `path` begins."""
    at, end = 0, len(data)
    for name in path:
        while at + 8 <= end:
            size, kind = struct.unpack_from(">I4s", data, at)
            if kind == name:
                at, end = at + 8, at + size
                break
            at += max(size, 8)
        else:
            raise VideoError(
                f"a fragment has no box {b'/'.join(path).decode()}: it is damaged; start the video anew"
            )
    return at


def _start_field(data: bytes) -> tuple[int, int]:
    """Return place and width of the decode time; version 1 of the box has 64 bits."""
    at = _find(data, b"moof", b"traf", b"tfdt")
    return at + 4, 8 if data[at] == 1 else 4


def _default_duration(data: bytes) -> int:
    """Return the ticks of each frame that has no duration of its own."""
    at = _find(data, b"moof", b"traf", b"tfhd")
    flags = _number(data, at, 4) & 0xFFFFFF
    if not flags & 0x8:
        raise VideoError(
            "a fragment does not say how long its frames are: it is damaged; start the video anew"
        )
    return _number(data, at + 8 + 8 * bool(flags & 0x1) + 4 * bool(flags & 0x2), 4)


def _durations(data: bytes) -> list[int]:
    """Return the ticks of each frame where the fragment lists them, else nothing."""
    at = _find(data, b"moof", b"traf", b"trun")
    flags, count = _number(data, at, 4) & 0xFFFFFF, _number(data, at + 4, 4)
    if not flags & 0x100:
        return []
    first = at + 8 + 4 * bool(flags & 0x1) + 4 * bool(flags & 0x4)
    stride = 4 * sum(bool(flags & bit) for bit in (0x100, 0x200, 0x400, 0x800))
    return [_number(data, first + stride * i, 4) for i in range(count)]


def _number(data: bytes, at: int, width: int) -> int:
    return int.from_bytes(data[at : at + width], "big")


def _put(data: bytearray, at: int, width: int, value: int) -> None:
    data[at : at + width] = value.to_bytes(width, "big")
