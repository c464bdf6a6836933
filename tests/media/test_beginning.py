"""The beginning of a file taken from another one, and what is stored behind a finished one."""

from pathlib import Path

import numpy as np
import pytest
from pictures import moving_frames

from pavdm_cli.errors import VideoError
from pavdm_cli.media import attachment, beginning, ffmpeg
from pavdm_cli.media.encoder import Progress, intact
from pavdm_cli.media.reader import fitted, probe, read
from pavdm_cli.media.writer import VideoWriter

SIZE = (64, 96)
FRAMES = moving_frames(60)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    with VideoWriter(path, SIZE, tags={"n": 1}, attached=lambda: [b"be", b"hind"]) as video:
        video.write(FRAMES)
    return path


def decoded(path: Path) -> np.ndarray:
    return np.concatenate(list(read(path)))


@pytest.mark.parametrize("count", [1, 24, 37, 60])
def test_a_copied_beginning_is_gone_on_with(tmp_path: Path, film: Path, count: int) -> None:
    growing = tmp_path / "new.partial.mp4"
    progress = beginning.copy(film, growing, count)
    assert progress.frames == count and intact(growing, progress)
    with VideoWriter(tmp_path / "new.mp4", SIZE, tags={}, after=progress) as video:
        video.write(FRAMES[:30])
    got = decoded(tmp_path / "new.mp4")
    np.testing.assert_array_equal(got[:count], decoded(film)[:count])
    info = probe(tmp_path / "new.mp4")
    assert (info.frames, info.fps) == (count + 30, 24)
    start = ffmpeg.run("-i", str(tmp_path / "new.mp4")).stderr
    assert f"Duration: 00:00:0{(count + 30) / 24:.2f}, start: 0.000000".encode() in start


def test_a_writer_goes_on_where_another_stopped(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "whole.mp4", SIZE, tags={}) as whole:
        whole.write(FRAMES)
    with pytest.raises(KeyboardInterrupt), VideoWriter(tmp_path / "x.mp4", SIZE, tags={}) as first:
        first.write(FRAMES[:53])
        raise KeyboardInterrupt
    assert (first.frames_on_disk, first.progress.frames, first.progress.fragments) == (53, 48, 2)
    growing = decoded(first.partial)
    with VideoWriter(tmp_path / "x.mp4", SIZE, tags={}, after=first.progress) as second:
        assert second.frames_on_disk == 48
        second.write(FRAMES[48:])
    np.testing.assert_array_equal(decoded(tmp_path / "x.mp4"), decoded(tmp_path / "whole.mp4"))
    np.testing.assert_array_equal(growing[:48], decoded(tmp_path / "x.mp4")[:48])


def test_all_was_there_already(tmp_path: Path, film: Path) -> None:
    progress = beginning.copy(film, tmp_path / "new.partial.mp4", 24)
    with VideoWriter(tmp_path / "new.mp4", SIZE, tags={}, after=progress):
        pass
    np.testing.assert_array_equal(decoded(tmp_path / "new.mp4"), decoded(film)[:24])


def test_a_file_that_changed_is_not_intact(tmp_path: Path, film: Path) -> None:
    growing = tmp_path / "new.partial.mp4"
    progress = beginning.copy(film, growing, 24)
    growing.write_bytes(growing.read_bytes() + b"more")
    assert intact(growing, progress)
    data = bytearray(growing.read_bytes())
    data[len(data) // 2] ^= 1
    growing.write_bytes(data)
    assert not intact(growing, progress)
    growing.write_bytes(data[:100])
    assert not intact(growing, progress) and not intact(tmp_path / "none.mp4", Progress())


def test_only_the_same_encoder_goes_on(film: Path, tmp_path: Path) -> None:
    assert beginning.goes_on(film, SIZE, 24, 1, 18)
    for size, fps, scale, quality in (
        ((64, 64), 24, 1, 18),
        (SIZE, 25, 1, 18),
        (SIZE, 24, 2, 18),
        (SIZE, 24, 1, 20),
    ):
        assert not beginning.goes_on(film, size, fps, scale, quality)
    (tmp_path / "no.mp4").write_bytes(b"no film")
    assert not beginning.goes_on(tmp_path / "no.mp4", SIZE, 24, 1, 18)


def test_too_few_frames_to_copy(film: Path, tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="only 60 of its first 61 frames could be copied"):
        beginning.copy(film, tmp_path / "x.mp4", 61)
    assert not list(tmp_path.iterdir())


def test_sound_is_taken_out_and_put_in(tmp_path: Path, film: Path) -> None:
    heard = tmp_path / "heard.mp4"
    made = ffmpeg.run("-i", str(film), "-f", "lavfi", "-i", "sine=duration=2", "-c:v", "copy", str(heard))
    assert made.returncode == 0
    assert not beginning.sound(film, tmp_path / "none.mp4", 2.0, ours=False)
    for ours, target in ((False, tmp_path / "a.mp4"), (True, tmp_path / "b.mp4")):
        assert beginning.sound(heard, target, 1.5, ours=ours)
        with VideoWriter(tmp_path / "new.mp4", SIZE, tags={"prompt": "x"}, sound=target) as video:
            video.write(FRAMES)
        assert probe(tmp_path / "new.mp4").tags == {"prompt": "x"}
        assert b" Audio: aac" in ffmpeg.run("-i", str(tmp_path / "new.mp4")).stderr


def test_a_fitted_video_has_the_middle_of_every_frame(tmp_path: Path) -> None:
    wide = np.zeros((48, 64, 128, 3), np.uint8)
    wide[:, :, 32:96] = (200, 100, 50)
    with VideoWriter(tmp_path / "wide.mp4", (64, 128), tags={}) as video:
        video.write(wide)
    got = np.concatenate(list(fitted(tmp_path / "wide.mp4", (32, 32), 12)))
    assert got.shape == (24, 32, 32, 3)
    assert np.abs(got[:, :, 2:-2].astype(int) - (200, 100, 50)).max() < 8


def test_what_is_stored_behind_a_film_is_found_and_harms_nothing(film: Path, tmp_path: Path) -> None:
    place = attachment.find(film)
    assert place and film.read_bytes()[slice(*place)] == b"behind"
    assert probe(film).frames == 60 and probe(film).tags == {"n": 1}
    plain = tmp_path / "plain.mp4"
    plain.write_bytes(film.read_bytes()[: -6 - attachment.HEAD])
    assert attachment.find(plain) is None
    np.testing.assert_array_equal(decoded(plain), decoded(film))
    for data in (b"", b"\0\0\0\1uuid", b"\0\0\0\1uuid" + bytes(8), b"\0" * 100, film.read_bytes()[:-3]):
        plain.write_bytes(data)
        assert attachment.find(plain) is None
