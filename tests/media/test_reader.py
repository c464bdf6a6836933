"""The reader: frames as a stream, and clear words for what is no video."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from pictures import moving_frames

from pavdm_cli.errors import VideoError
from pavdm_cli.media import beginning, ffmpeg, reader
from pavdm_cli.media.writer import VideoWriter


def made(path: Path, *arguments: str) -> Path:
    """Make a file as other programs do."""
    subprocess.run([ffmpeg.executable(), *ffmpeg.QUIET, *arguments, str(path)], check=True)
    return path


def test_chunks_are_bounded_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "video.mp4"
    with VideoWriter(path, (64, 96), tags={}) as video:
        video.write(moving_frames(50))
    chunks = list(reader.read(path))
    assert [len(chunk) for chunk in chunks] == [24, 24, 2]
    monkeypatch.setattr(reader, "CHUNK_BYTES", 64 * 96 * 3 * 10)
    smaller = list(reader.read(path))
    assert [len(chunk) for chunk in smaller] == [10] * 5
    np.testing.assert_array_equal(np.concatenate(smaller), np.concatenate(chunks))


def test_a_reader_can_be_left_early(tmp_path: Path) -> None:
    path = made(tmp_path / "long.mp4", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=24:duration=20")
    frames = reader.read(path)
    assert len(next(frames)) == 24
    frames.close()  # type: ignore[attr-defined]


def test_a_rate_that_rounds_to_nothing_is_none(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    with VideoWriter(path, (32, 32), 8, tags={}) as video:
        video.write(moving_frames(12, (32, 32)))
    data = bytearray(path.read_bytes())
    scale, delta = data.index(b"mdhd") + 16, data.index(b"stts") + 16
    data[scale : scale + 4], data[delta : delta + 4] = b"\0\0\0\1", b"\x7f\0\0\0"
    path.write_bytes(data)
    with pytest.raises(VideoError, match=r"no size, rate or frame in its video stream .*Convert it to MP4"):
        reader.probe(path)


def test_a_foreign_video_is_read_and_has_no_tags(tmp_path: Path) -> None:
    source = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=30000/1001:duration=1")
    path = made(tmp_path / "a -b:c.mkv", *source, "-metadata", "comment=made by hand")
    assert reader.probe(path) == reader.VideoInfo(64, 48, 29.97, 30, 30 / 29.97, {})
    assert sum(len(chunk) for chunk in reader.read(path)) == 30


def test_what_is_cut_off_is_told_from_what_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "my partial file.mp4"
    with VideoWriter(path, (32, 32), 8, tags={"prompt": "stream 0, offset 0x1: partial file"}) as video:
        video.write(moving_frames(32, (32, 32)))
    assert not reader.probe(path).cut
    data = path.read_bytes()
    path.write_bytes(data[: (data.index(b"mdat") + len(data)) // 2])
    assert reader.probe(path).cut


def test_words_in_tags_are_no_streams(tmp_path: Path) -> None:
    source = ("-f", "lavfi", "-i", "testsrc=size=64x48:rate=24:duration=1")
    tags = ("-metadata", "title=A song ( Video: 4K, Audio: loud)", "-metadata", "comment=rotation of 90.")
    path = made(tmp_path / "song.mp4", *source, *tags)
    info = reader.probe(path)
    assert (info.width, info.height, info.fps, info.frames) == (64, 48, 24, 24)
    assert not beginning.has_sound(path)


def test_tags_of_several_lines_come_back() -> None:
    tags = {"title": "one\n[two]\n;three=4", "comment": "ends in a backslash \\"}
    said = ffmpeg.metadata(tags) + b"[STREAM]\ntitle=of a stream\n"
    assert ffmpeg.read_metadata(said) == tags


def test_a_telephone_held_upright(tmp_path: Path) -> None:
    plain = made(tmp_path / "plain.mp4", "-f", "lavfi", "-i", "testsrc=size=64x48:rate=24:duration=1")
    turned = made(tmp_path / "turned.mp4", "-display_rotation", "90", "-i", str(plain), "-c", "copy")
    info = reader.probe(turned)
    assert (info.width, info.height) == (48, 64)
    upright = np.rot90(np.concatenate(list(reader.read(plain))), axes=(1, 2)).astype(int)
    assert np.abs(np.concatenate(list(reader.read(turned))) - upright).mean() < 2


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    empty, text = tmp_path / "empty.mp4", tmp_path / "text.mp4"
    empty.touch()
    text.write_text("not a video " * 100)
    sound = made(tmp_path / "sound.m4a", "-f", "lavfi", "-i", "sine=duration=0.2")
    cases = {
        tmp_path / "missing.mp4": "no such",
        empty: "is empty",
        text: "not a video",
        sound: "no readable video",
    }
    for path, words in cases.items():
        for question in (reader.probe, reader.tags, lambda p: next(reader.read(p))):
            with pytest.raises(VideoError, match=words):
                question(path)
