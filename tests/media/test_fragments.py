"""Fragments: cut from any portions, and moved so that a second process can go on where the first stopped."""

import subprocess
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pictures import moving_frames

from pavdm_cli.errors import VideoError
from pavdm_cli.media.encoder import command
from pavdm_cli.media.fragments import Fragment, FragmentParser, Header
from pavdm_cli.media.reader import probe, read

FPS = 24
FRAMES = moving_frames(80)


def encode(frames: np.ndarray) -> bytes:
    done = subprocess.run(
        command((64, 96), FPS, 1, 18), input=frames.tobytes(), capture_output=True, check=True
    )
    return done.stdout


STREAM = encode(FRAMES)


def test_the_stream_is_one_header_and_a_fragment_a_second() -> None:
    parser = FragmentParser()
    header, *fragments = parser.feed(STREAM)
    assert isinstance(header, Header)
    assert header.data + b"".join(f.data for f in fragments) == STREAM
    assert parser.whole == len(STREAM)
    assert all(isinstance(f, Fragment) for f in fragments)
    assert [f.frames for f in fragments] == [24, 24, 24, 8]
    assert [f.sequence for f in fragments] == [1, 2, 3, 4]
    assert [f.start for f in fragments] == [0, *np.cumsum([f.duration for f in fragments])[:-1]]


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_portions_do_not_matter(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(STREAM)]
    parser = FragmentParser()
    portions = [STREAM[a:b] for a, b in pairwise(edges)]
    assert [part for p in portions for part in parser.feed(p)] == list(FragmentParser().feed(STREAM))


def test_a_broken_end_is_not_handed_out() -> None:
    parser = FragmentParser()
    parts = list(parser.feed(STREAM[:-1]))
    assert parts == list(FragmentParser().feed(STREAM))[:-1]
    assert parser.whole == sum(len(part.data) for part in parts)


@pytest.mark.parametrize(
    "data",
    [b"\0\0\0\x08free", b"\0\0\0\0moov", STREAM[:32] + b"\0\0\0\x08mdat"],
    ids=["free", "empty", "order"],
)
def test_an_unexpected_box_is_an_error(data: bytes) -> None:
    with pytest.raises(VideoError, match="unexpected box"):
        list(FragmentParser().feed(data))


def test_a_restart_at_a_whole_second_gives_the_same_frames(tmp_path: Path) -> None:
    """A second process that starts at frame 48, its fragments moved, equals a process that never stopped."""
    header, *first = FragmentParser().feed(STREAM)
    again, *rest = FragmentParser().feed(encode(FRAMES[48:]))
    assert again == header
    kept = [f for f in first[:2] if isinstance(f, Fragment)]
    end = kept[-1].start + kept[-1].duration
    moved = [f.moved(f.sequence + 2, f.start + end) for f in rest if isinstance(f, Fragment)]
    assert [(f.sequence, f.start, f.frames) for f in moved] == [
        (f.sequence, f.start, f.frames) for f in first[2:] if isinstance(f, Fragment)
    ]
    whole, joined = tmp_path / "whole.mp4", tmp_path / "joined.mp4"
    whole.write_bytes(STREAM)
    joined.write_bytes(header.data + b"".join(f.data for f in kept + moved))
    np.testing.assert_array_equal(np.concatenate(list(read(joined))), np.concatenate(list(read(whole))))
    assert probe(joined).frames == len(FRAMES)
