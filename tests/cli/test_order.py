"""What was asked for: every wrong value is refused with the way out, and files never collide."""

from pathlib import Path

import pytest

from pavdm_cli.cli import order
from pavdm_cli.errors import ConfigError, DeviceError, PavdmError, ScheduleError, VideoError
from pavdm_cli.runs.settings import Settings
from pavdm_cli.runs.timeline import Cue
from pavdm_cli.sampling.schedule import Ramp


@pytest.mark.parametrize(
    ("seconds", "frames", "made"), [(None, None, 240), (2.5, None, 60), (0.001, None, 1), (None, 7, 7)]
)
def test_length(seconds: float | None, frames: int | None, made: int) -> None:
    assert order.frames(seconds, frames, 24) == made


@pytest.mark.parametrize(
    ("seconds", "frames", "said"),
    [
        (0.0, None, "--seconds 0:"),
        (-3.0, None, "--seconds -3:"),
        (float("nan"), None, "--seconds nan:"),
        (float("inf"), None, "--seconds inf:"),
        (86401.0, None, "--seconds 86401:"),
        (None, 0, "--frames 0:"),
        (None, -1, "--frames -1:"),
        (None, 24 * 86400 + 1, "--frames 2073601:"),
        (1.0, 24, "--seconds 1 and --frames 24 were given"),
    ],
)
def test_no_such_length(seconds: float | None, frames: int | None, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        order.frames(seconds, frames, 24)


def test_prompts_are_lines_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    for encoding in ("utf-8", "utf-8-sig"):  # some editors begin a file with a byte order mark
        file.write_text("a red ball\n\n  the sea at night  \n", encoding=encoding)
        assert order.prompts(None, file) == ["a red ball", "the sea at night"]
    assert order.prompts(" a ball ", None) == ["a ball"]


def test_what_is_a_model_s_own_is_not_taken_over_to_another(monkeypatch: pytest.MonkeyPatch) -> None:
    own = Settings(
        prompt="left*9", seed=3, frames=10, schedule="progressive:window=16", guidance=1.0, model="maze",
        weights="", vae="", scale=8, quality=20, device="cpu", dtype="fp32", threads=1, attention_chunk=None,
        deterministic=False, torch="", pavdm="", run="",
    )  # fmt: skip
    other = order.Wishes(prompt="the sea", model="worlds").like(own)
    assert (other.schedule, other.guidance, other.scale, other.seed, other.quality) == (
        None,
        None,
        None,
        3,
        20,
    )
    same = order.Wishes(prompt="left*8", model="maze").like(own)
    assert (same.schedule, same.guidance, same.scale) == ("progressive:window=16", 1.0, 8)


def test_an_empty_prompt_names_one_that_the_model_reads() -> None:
    with pytest.raises(ConfigError, match=r"for example 'left\*9'"):
        order.prompts(" ", None, "left*9")


def test_no_such_prompts(tmp_path: Path) -> None:
    empty, bytes_ = tmp_path / "empty.txt", tmp_path / "bytes.txt"
    empty.write_text("\n \n")
    bytes_.write_bytes(b"\xff\xfe\xff")
    for prompt, file in [(None, None), ("", None), ("  ", None), ("a", empty), (None, empty), (None, bytes_)]:
        with pytest.raises(ConfigError):
            order.prompts(prompt, file)
    with pytest.raises(ConfigError, match="cannot be read"):
        order.prompts(None, tmp_path / "none.txt")


def test_videos_count_up_and_are_numbered_when_taken(tmp_path: Path) -> None:
    (tmp_path / "a-ball-5.mp4").touch()
    (tmp_path / "a-ball-6.partial.mp4").touch()
    made = order.videos(["A ball!", "a ball"], 2, 5, str(tmp_path), force=False)
    assert [(v.prompt, v.seed, v.path.name) for v in made] == [
        ("A ball!", 5, "a-ball-5-2.mp4"),
        ("A ball!", 6, "a-ball-6-2.mp4"),
        ("a ball", 5, "a-ball-5-3.mp4"),
        ("a ball", 6, "a-ball-6-3.mp4"),
    ]
    made = order.videos(["A ball!", "a ball"], 1, 5, str(tmp_path), force=True)
    assert [v.path.name for v in made] == ["a-ball-5.mp4", "a-ball-5-2.mp4"]


def test_a_random_seed_is_chosen_and_known(tmp_path: Path) -> None:
    seeds = {
        order.videos(["a"], 1, seed, str(tmp_path), force=False)[0].seed for seed in (None, -1, None, -1)
    }
    assert len(seeds) == 4 and all(0 <= seed < 2**31 for seed in seeds)
    assert order.videos(["a"], 1, 0, str(tmp_path), force=False)[0].seed == 0


def test_a_named_file_is_refused_when_it_is_there(tmp_path: Path) -> None:
    path, partial = tmp_path / "x.mp4", tmp_path / "x.partial.mp4"
    assert order.videos(["a"], 1, 1, str(path), force=False)[0].path == path
    for left, said in ((path, r"exists already\..* --force"), (partial, r"left from .*rename .* --force")):
        left.touch()
        with pytest.raises(VideoError, match=said):
            order.videos(["a"], 1, 1, str(path), force=False)
        assert order.videos(["a"], 1, 1, str(path), force=True)[0].path == path
        left.unlink()
    with pytest.raises(ConfigError, match="one file for 2 videos; give a folder"):
        order.videos(["a"], 2, 1, str(path), force=True)


def test_a_folder_is_one_that_is_there_or_ends_in_a_slash(tmp_path: Path) -> None:
    for name in ("", "/", "/new/", "/v1.5/"):
        for count in (1, 2):
            made = order.videos(["a"], count, 1, f"{tmp_path}{name}", force=False)
            assert [v.path for v in made] == [
                Path(f"{tmp_path}{name}", f"a-{i + 1}.mp4") for i in range(count)
            ]
    with pytest.raises(VideoError, match=r"ends in \.mp4"):
        order.videos(["a"], 1, 1, f"{tmp_path}/new", force=False)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("A red ball, bouncing!", "a-red-ball-bouncing"),
        ("../../etc/passwd", "etc-passwd"),
        ("海の夜", "海の夜"),
        ("...", "video"),
        ("long " * 40, ("long-" * 12)[:-1]),
    ],
)
def test_slug(prompt: str, name: str) -> None:
    assert order.slug(prompt) == name


def test_steps_join_the_schedule() -> None:
    default = Ramp(steps=24, window=12)
    assert order.ramp("progressive", 36, default) == ("progressive", Ramp(steps=36, window=12))
    assert order.ramp("progressive:window=6", 18, default)[1] == Ramp(steps=18, window=6)
    with pytest.raises(ScheduleError, match="nearest valid numbers of steps are 12 and 24"):
        order.ramp("progressive", 20, default)


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: order.device("tpu"), DeviceError),
        (lambda: order.dtype("int8"), DeviceError),
        (lambda: order.attention_chunk("0"), ConfigError),
        (lambda: order.attention_chunk("many"), ConfigError),
        (lambda: order.ramp("spiral", None, Ramp()), ScheduleError),
        (lambda: order.videos(["a"], 0, 1, None, force=False), ConfigError),
        (lambda: order.videos(["a"], 1, -2, None, force=False), ConfigError),
    ],
)
def test_what_is_not_there_is_said(call: object, error: type[PavdmError]) -> None:
    assert callable(call)
    with pytest.raises(error):
        call()


def test_scale_brings_a_picture_to_about_512_lines() -> None:
    assert [order.scale(None, height) for height in (32, 128, 200, 512, 1080)] == [16, 4, 3, 1, 1]
    assert order.scale(2, 128) == 2


def test_a_prompt_that_comes_after_the_end_is_refused() -> None:
    cues = (Cue(2.0, "the sea"),)
    order.check_cues(cues, 2.5)
    with pytest.raises(ConfigError, match="--at 2s: the video ends at 2 s"):
        order.check_cues(cues, 2.0)
