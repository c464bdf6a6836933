"""The writer: what comes back is what went in, and whatever happens, what was finished still plays."""

import errno
import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from pictures import moving_frames, psnr

from pavdm_cli.errors import VideoError
from pavdm_cli.media import encoder, ffmpeg
from pavdm_cli.media.reader import probe, read, tags
from pavdm_cli.media.writer import VideoWriter, check_output

SIZE = (64, 96)


def wait_for(writer: VideoWriter, frames: int) -> None:
    deadline = time.monotonic() + 20
    while writer.frames_on_disk < frames:
        assert time.monotonic() < deadline, f"{writer.frames_on_disk} frames on disk"
        time.sleep(0.01)


def decoded(path: Path) -> np.ndarray:
    return np.concatenate(list(read(path)))


def test_a_video_comes_back(tmp_path: Path) -> None:
    frames, path = moving_frames(60), tmp_path / "new" / "folder" / "video.mp4"
    with VideoWriter(path, SIZE, tags={}) as video:
        for start in range(0, 60, 7):
            video.write(frames[start : start + 7])
    assert video.frames_written == video.frames_on_disk == 60
    got = decoded(path)
    assert psnr(got, frames) > 34 > 30 > psnr(got[1:], frames[:-1])
    info = probe(path)
    assert (info.width, info.height, info.fps, info.frames, info.seconds) == (96, 64, 24, 60, 2.5)
    assert os.listdir(path.parent) == ["video.mp4"]


def test_time_starts_at_zero_and_the_index_is_in_front(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    with VideoWriter(path, SIZE, fps=16, tags={}) as video:
        video.write(moving_frames(40))
    assert b"Duration: 00:00:02.50, start: 0.000000" in ffmpeg.run("-i", ffmpeg.url(path)).stderr
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(
    "colour",
    [(255, 0, 0), (0, 255, 0), (0, 0, 255), (128, 128, 128), (200, 120, 60), (255, 255, 255), (0, 0, 0)],
)
def test_colours_come_back(tmp_path: Path, colour: tuple[int, int, int]) -> None:
    path = tmp_path / "video.mp4"
    with VideoWriter(path, SIZE, tags={}) as video:
        video.write(np.broadcast_to(np.array(colour, np.uint8), (2, *SIZE, 3)))
    assert np.abs(decoded(path).astype(int) - colour).max() <= 3
    assert b"yuv420p(tv, bt709" in ffmpeg.run("-i", ffmpeg.url(path)).stderr


def test_scale_enlarges(tmp_path: Path) -> None:
    frames, path = moving_frames(24), tmp_path / "video.mp4"
    with VideoWriter(path, SIZE, scale=3, tags={}) as video:
        video.write(frames)
    got = decoded(path)
    assert got.shape == (24, 192, 288, 3)
    assert psnr(got[:, 1::3, 1::3], frames) > 30


def test_tags_come_back(tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    stored = {"prompt": "a = b; c # d \\ 'é' 雨\nsecond line", "seed": "3", "long": "x" * 300_000}
    with VideoWriter(path, SIZE, tags=stored) as video:
        video.write(moving_frames(2))
    assert tags(path) == probe(path).tags == stored


def test_the_partial_file_plays_while_it_grows(tmp_path: Path) -> None:
    frames = moving_frames(60)
    with VideoWriter(tmp_path / "video.mp4", SIZE, tags={}) as video:
        video.write(frames)
        wait_for(video, 24)
        growing = decoded(video.partial)
        assert not video.path.exists()
    assert len(growing) >= 24
    np.testing.assert_array_equal(growing, decoded(video.path)[: len(growing)])


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_exception_keeps_every_frame(tmp_path: Path, error: type[BaseException]) -> None:
    frames = moving_frames(30)
    with pytest.raises(error), VideoWriter(tmp_path / "video.mp4", SIZE, tags={}) as video:
        video.write(frames)
        raise error
    assert os.listdir(tmp_path) == ["video.partial.mp4"]
    assert video.frames_on_disk == 30
    assert psnr(decoded(video.partial), frames) > 34


def test_an_interrupt_in_the_middle_of_a_frame_keeps_the_frames_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(KeyboardInterrupt), VideoWriter(tmp_path / "video.mp4", SIZE, tags={}) as video:
        video.write(moving_frames(10))

        def half(file: io.FileIO, data: memoryview) -> None:
            file.write(data[: len(data) // 2])
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(encoder, "write_all", half)
            video.write(moving_frames(1))
    assert probe(video.partial).frames == video.frames_written == 10


def test_without_a_frame_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(VideoError, match="no frame"), VideoWriter(tmp_path / "a.mp4", SIZE, tags={}):
        pass
    with pytest.raises(KeyboardInterrupt), VideoWriter(tmp_path / "b.mp4", SIZE, tags={}):
        raise KeyboardInterrupt
    assert not os.listdir(tmp_path)


KILLED = """
import os, signal, sys
from pathlib import Path
sys.path[:0] = [{here!r}, {tests!r}]
from pictures import moving_frames
from pavdm_cli.media.writer import VideoWriter
with VideoWriter(Path({path!r}), (64, 96), tags={{}}) as video:
    video.write(moving_frames(100))
    while video.frames_on_disk < 72:
        pass
    print(video._encoder._process.pid, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="POSIX only")
def test_a_kill_leaves_a_file_that_plays_and_no_ffmpeg(tmp_path: Path) -> None:
    tests = Path(__file__).parent
    script = KILLED.format(here=str(tests.parents[1]), tests=str(tests), path=str(tmp_path / "video.mp4"))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert len(decoded(tmp_path / "video.partial.mp4")) >= 72
    deadline = time.monotonic() + 20
    while _alive(int(done.stdout)):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _alive(pid: int) -> bool:
    """Say whether a process runs; one that has ended but whom nobody waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_full_disk_is_named_and_what_was_whole_plays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = encoder.write_all

    def disk_of_one_fragment(file: io.FileIO, data: memoryview) -> None:
        if str(getattr(file, "name", "")).endswith("mp4") and file.tell() > 2000:
            file.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        plain(file, data)

    monkeypatch.setattr(encoder, "write_all", disk_of_one_fragment)
    with (
        pytest.raises(VideoError, match=r"the disk is full.*first 24 frames.*Free some space") as caught,
        VideoWriter(tmp_path / "video.mp4", SIZE, tags={}) as video,
    ):
        for _ in range(20):
            video.write(moving_frames(24))
    assert not hasattr(caught.value, "__notes__")
    assert os.listdir(tmp_path) == ["video.partial.mp4"]
    assert len(decoded(video.partial)) == video.frames_on_disk == 24
    with pytest.raises(VideoError, match="the disk is full"):
        video.close()


def test_a_disk_that_is_full_only_when_it_is_written_to_is_named_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain, calls = os.fsync, []

    def sync(number: int) -> None:
        calls.append(number)
        if len(calls) > 1:
            raise OSError(errno.EDQUOT, "Disk quota exceeded")
        plain(number)

    monkeypatch.setattr(encoder.os, "fsync", sync)
    with (
        pytest.raises(VideoError, match=r"Disk quota exceeded\. Its first 24 frames are kept"),
        VideoWriter(tmp_path / "video.mp4", SIZE, tags={}) as video,
    ):
        for _ in range(20):
            video.write(moving_frames(24))
    assert len(decoded(video.partial)) == video.frames_on_disk == 24


def test_what_was_made_stays_where_ffmpeg_cannot_be_started(tmp_path: Path) -> None:
    partial, begun = tmp_path / "video.partial.mp4", encoder.Progress(24, 1, 7, 0)
    for after in (begun, None):
        partial.write_bytes(b"a movie")
        with pytest.raises(VideoError, match="cannot be run as ffmpeg"):
            encoder.Encoder([str(tmp_path / "none")], partial, 24, after)
        assert partial.exists() == (after is begun)


def test_a_disk_without_any_room_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(file: io.FileIO, data: memoryview) -> None:
        if str(getattr(file, "name", "")).endswith("mp4"):
            raise OSError(errno.ENOSPC, "No space left on device")
        os.write(file.fileno(), data)

    monkeypatch.setattr(encoder, "write_all", no_room)
    with (
        pytest.raises(VideoError, match="No frame was finished"),
        VideoWriter(tmp_path / "video.mp4", SIZE, tags={}) as video,
    ):
        video.write(moving_frames(1))
    assert not os.listdir(tmp_path)


def test_an_ffmpeg_that_dies_is_an_error_and_what_was_whole_plays(tmp_path: Path) -> None:
    with (
        pytest.raises(VideoError, match=r"ffmpeg stopped \(-9\).*frames are kept"),
        VideoWriter(tmp_path / "video.mp4", SIZE, tags={}) as video,
    ):
        video.write(moving_frames(30))
        wait_for(video, 24)
        assert video._encoder
        video._encoder._process.kill()
        while True:
            video.write(moving_frames(30))
    assert os.listdir(tmp_path) == ["video.partial.mp4"]
    assert len(decoded(video.partial)) == video.frames_on_disk >= 24


@pytest.mark.parametrize("kind", ["missing", "not a program", "a folder"])
def test_an_ffmpeg_that_cannot_be_started_is_named_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    program, out = tmp_path / "ffmpeg", tmp_path / "out"
    if kind == "not a program":
        program.write_bytes(b"no program")
        program.chmod(0o755)
    elif kind == "a folder":
        program.mkdir()
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    words = r"ffmpeg cannot be run as ffmpeg: .*IMAGEIO_FFMPEG_EXE"
    with pytest.raises(VideoError, match=words), VideoWriter(out / "video.mp4", SIZE, tags={}) as video:
        video.write(moving_frames(1))
    assert not os.listdir(out)
    with pytest.raises(VideoError, match=words):
        probe(Path(__file__))


def test_ffmpeg_says_why(tmp_path: Path) -> None:
    video = VideoWriter(tmp_path / "video.mp4", SIZE, tags={})
    video._command[video._command.index("libx264")] = "no_such_encoder"
    with pytest.raises(VideoError, match=r"(?i)encoder"), video:
        video.write(moving_frames(2))
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("cause", ["ffmpeg", "rename"])
def test_a_file_that_cannot_be_finished_stays_partial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cause: str
) -> None:
    if cause == "ffmpeg":
        monkeypatch.setattr(ffmpeg, "url", lambda path: f"file:{path}/nowhere")
    else:
        (tmp_path / "video.mp4").mkdir()
    with (
        pytest.raises(VideoError, match=r"could not be finished.*All 5 frames"),
        VideoWriter(tmp_path / "video.mp4", SIZE, tags={}) as video,
    ):
        video.write(moving_frames(5))
    monkeypatch.undo()
    assert probe(video.partial).frames == 5
    assert not video.path.is_file()
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.parametrize(
    ("size", "options", "words"),
    [
        ((63, 96), {}, "even"),
        ((64, 96), {"scale": 100}, "9600x6400"),
        ((64, 96), {"quality": 0}, "quality"),
        ((64, 96), {"fps": 0}, "fps"),
    ],
)
def test_what_cannot_be_encoded_is_refused(
    tmp_path: Path, size: tuple[int, int], options: dict[str, int], words: str
) -> None:
    with pytest.raises(VideoError, match=words):
        VideoWriter(tmp_path / "video.mp4", size, **options, tags={})  # type: ignore[arg-type]


def test_an_odd_size_is_fine_once_doubled(tmp_path: Path) -> None:
    with VideoWriter(tmp_path / "video.mp4", (33, 31), scale=2, tags={}) as video:
        video.write(moving_frames(3, (33, 31)))
    assert (probe(video.path).height, probe(video.path).width) == (66, 62)


@pytest.mark.parametrize("frames", [np.zeros((2, 8, 8, 3), np.uint8), np.zeros((2, *SIZE, 3), np.float32)])
def test_frames_of_another_kind_are_refused(tmp_path: Path, frames: np.ndarray) -> None:
    with (
        pytest.raises(VideoError, match="not uint8"),
        VideoWriter(tmp_path / "a.mp4", SIZE, tags={}) as video,
    ):
        video.write(frames)


def test_check_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "video.mp4"
    check_output(path, force=False)
    check_output(tmp_path / "new" / "folder" / "video.mp4", force=False)
    path.touch()
    check_output(path, force=True)
    with pytest.raises(VideoError, match="exists already"):
        check_output(path, force=False)
    path.rename(tmp_path / "video.partial.mp4")
    with pytest.raises(VideoError, match=r"video\.partial\.mp4 is left .* plays\. .*rename it .* --force"):
        check_output(path, force=False)
    check_output(path, force=True)
    (tmp_path / "video.partial.mp4").rename(path)
    with pytest.raises(VideoError, match=r"ends in \.mp4"):
        check_output(tmp_path / "video.avi", force=True)
    with pytest.raises(VideoError, match="is a file, not a folder"):
        check_output(path / "video.mp4", force=True)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(VideoError, match="is a folder"):
        check_output(tmp_path / "folder.mp4", force=True)
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(VideoError, match="no permission"):
        check_output(path, force=True)
    assert sorted(os.listdir(tmp_path)) == ["folder.mp4", "video.mp4"]
