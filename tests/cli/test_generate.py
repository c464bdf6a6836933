"""`generate` from prompt to file, with a real model folder of tiny networks."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from places import ASKED, Place
from typer.testing import CliRunner, Result

from pavdm_cli.cli.app import app
from pavdm_cli.errors import CheckpointError, ConfigError, DeviceError, PavdmError, ScheduleError, VideoError
from pavdm_cli.media import reader
from pavdm_cli.media.encoder import Encoder
from pavdm_cli.media.writer import VideoWriter
from pavdm_cli.runs import plan
from pavdm_cli.sampling import schedule

SMALL = ("--scale", "1", "--dtype", "fp32", "--device", "cpu")


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder that holds the model tiny and nothing else."""
    assert tiny_model == tmp_path / "weights" / "tiny"
    monkeypatch.chdir(tmp_path)
    return tmp_path


def generate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["generate", *arguments, "--model", "weights/tiny", *SMALL])


def made(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.mp4"))


def frames(path: Path) -> np.ndarray:
    return np.concatenate(list(reader.read(path)))


def test_a_prompt_becomes_a_video(folder: Path) -> None:
    result = generate("a red ball", "--seconds", "4", "--seed", "7")
    assert result.exit_code == 0, result.exception
    assert made(folder) == ["outputs/a-red-ball-7.mp4"]
    info = reader.probe(folder / "outputs" / "a-red-ball-7.mp4")
    assert (info.width, info.height, info.fps, info.frames) == (32, 32, 8, 32)
    lines = result.stdout.splitlines()
    assert lines[:4] == [
        "model   tiny knows balls, sea",
        "plan    4.0 s, 32 frames; progressive, 6 steps, window 6, context 2; guidance 2",
        "seed    7",
        "output  outputs/a-red-ball-7.mp4",
    ]
    expected = [
        r"device  cpu \(fp32, \d+ threads\)",
        r"memory  0\.\d\d GiB needed, of \d+\.\d\d GiB free",
        r"work    8 latents, 13 model calls a video",
        r"time    about 0:\d\d, [\d.]+ x real time",
        r"file    outputs/a-red-ball-7\.mp4  \(plays while it grows: outputs/a-red-ball-7\.partial\.mp4\)",
        r"saved   outputs/a-red-ball-7\.mp4",
        r"speed   32 frames in 0:\d\d: [\d.]+ frames/s, [\d.]+ x real time",
        r"drift   (ok|colour|blur|frozen|blank) \(\w+ \d\.\d\d at 0:0\d\)",
    ]
    for line, pattern in zip(lines[4:], expected, strict=False):
        assert re.fullmatch(pattern, line), line
    assert lines[-2:] == [
        "next    pavdm extend outputs/a-red-ball-7.mp4 --model weights/tiny --seconds 4  (longer)",
        "        pavdm generate 'a red ball' --model weights/tiny --seconds 4 --scale 1 --seed 8  (another)",
    ]
    assert [line.split()[0] for line in lines[12:19]] == [
        "figure", "brightness", "contrast", "saturation", "sharpness", "motion", "histogram",
    ]  # fmt: skip
    assert lines[19].startswith("worst   ") and len(lines) == 22
    assert result.stderr == ""


def test_the_settings_in_the_file_make_it_again(folder: Path) -> None:
    generate(
        "a red ball", "--frames", "9", "--seed", "3", "--negative", "sea", "--steps", "12", "-o", "one.mp4"
    )
    tags = reader.tags(folder / "one.mp4")
    chosen = {
        k: tags[k] for k in ("prompt", "seed", "frames", "guidance", "negative", "model", "dtype", "device")
    }
    assert chosen == {
        "prompt": "a red ball",
        "seed": 3,
        "frames": 9,
        "guidance": 2.0,
        "negative": "sea",
        "model": str(folder / "weights/tiny"),
        "dtype": "fp32",
        "device": "cpu",
    }
    assert re.fullmatch(r"[0-9a-f]{16}", tags["weights"])
    name, ramp = schedule.parse(tags["schedule"], schedule.Ramp())
    assert (name, ramp) == ("progressive", schedule.Ramp(steps=12, window=6, context=2))
    again = ("--frames", str(tags["frames"]), "--seed", str(tags["seed"]), "--negative", tags["negative"])
    generate(
        tags["prompt"],
        *again,
        "--schedule",
        tags["schedule"],
        "--cfg",
        str(tags["guidance"]),
        "-o",
        "two.mp4",
    )
    assert np.array_equal(frames(folder / "one.mp4"), frames(folder / "two.mp4"))
    assert len(frames(folder / "one.mp4")) == 9


def test_what_can_be_done_next_repeats_what_was_set(folder: Path) -> None:
    options = ["--schedule", "progressive:context=1", "--steps", "12", "--guidance", "1.5"]
    result = generate("a ball", "--seed", "1", "--frames", "8", *options, "--negative", "a sea", "-o", "new/")
    assert made(folder) == ["new/a-ball-1.mp4"]
    kept = f"--model weights/tiny --seconds 1 --scale 1 {' '.join(options)}"
    asked = f"pavdm generate 'a ball' {kept} --negative 'a sea'"
    assert result.stdout.splitlines()[-2:] == [
        "next    pavdm extend new/a-ball-1.mp4 --model weights/tiny --seconds 1  (longer)",
        f"        {asked} --seed 2  (another)",
    ]


def test_full_sequence_takes_any_steps_and_has_no_window(folder: Path) -> None:
    result = generate("a ball", "--frames", "8", "--schedule", "full-sequence", "--steps", "7", "--dry-run")
    lines = result.stdout.splitlines()
    assert lines[1] == "plan    1.0 s, 8 frames; full-sequence, 7 steps; guidance 2"
    assert "work    2 latents, 7 model calls a video" in lines


def test_an_interruption_names_no_file_that_is_gone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C comes after the first of two files was finished."""
    publish, calls = VideoWriter._publish, iter(range(2))

    def interrupted(self: VideoWriter) -> None:
        if next(calls):
            raise KeyboardInterrupt
        publish(self)

    monkeypatch.setattr(VideoWriter, "_publish", interrupted)
    monkeypatch.setattr("pavdm_cli.runs.plan.make", abreast(plan.make))
    result = generate("a red ball", "--seed", "1", "--count", "2", "--frames", "8", "-q")
    assert result.exit_code == 130
    *said, again = result.stderr.splitlines()
    assert sorted(said) == [
        "finished: outputs/a-red-ball-2.mp4",
        "stopped: outputs/a-red-ball-1.partial.mp4 plays: 8 frames, 1.0 s",
    ]
    assert re.fullmatch(r"pavdm resume [\d-]+-a-red-ball  goes on from there", again)
    assert made(folder) == ["outputs/a-red-ball-1.partial.mp4", "outputs/a-red-ball-2.mp4"]


def abreast(make: Callable[..., plan.Plan]) -> Callable[..., plan.Plan]:
    """Make all videos of an order in one group, which a CPU does not do by itself."""
    return lambda *arguments: replace(made := make(*arguments), groups=(sum(made.groups, ()),))


def test_what_is_set_changes_the_video(folder: Path) -> None:
    variants = [
        [], ["--seed", "2"], ["--guidance", "4"], ["--negative", "sea"], ["--steps", "12"],
        ["--schedule", "progressive:context=0"], ["--schedule", "full-sequence"],
    ]  # fmt: skip
    videos = []
    for i, options in enumerate(variants):
        result = generate("a ball", "--seed", "1", "--frames", "16", *options, "-q", "-o", f"{i}.mp4")
        assert result.exit_code == 0, result.exception
        videos.append(frames(folder / f"{i}.mp4").tobytes())
    assert len(set(videos)) == len(variants)


def test_several_videos_are_each_as_alone(folder: Path) -> None:
    (folder / "prompts.txt").write_text("a red ball\nthe sea at night\n")
    result = generate("--prompts", "prompts.txt", "--count", "2", "--seed", "5", "--frames", "12", "--quiet")
    names = ["a-red-ball-5", "a-red-ball-6", "the-sea-at-night-5", "the-sea-at-night-6"]
    assert result.stdout.splitlines() == [f"outputs/{name}.mp4" for name in names]
    assert made(folder) == [f"outputs/{name}.mp4" for name in names]
    generate("the sea at night", "--seed", "6", "--frames", "12", "-o", "alone.mp4")
    assert np.array_equal(frames(folder / "alone.mp4"), frames(folder / "outputs/the-sea-at-night-6.mp4"))
    assert not np.array_equal(frames(folder / "alone.mp4"), frames(folder / "outputs/the-sea-at-night-5.mp4"))


def test_json_is_one_object_on_stdout(folder: Path) -> None:
    result = generate("a red ball", "--seconds", "2", "--seed", "1", "--json")
    found = json.loads(result.stdout)
    (video,) = found["videos"]
    assert (video["path"], video["frames"], video["size"], video["fps"]) == (
        "outputs/a-red-ball-1.mp4", 16, [32, 32], 8,
    )  # fmt: skip
    assert video["settings"] == reader.tags(folder / video["path"])
    assert video["drift"]["seconds"] == 2 and set(video["spent"]) >= {"text", "denoise", "decode"}
    assert "model   tiny knows balls, sea" in result.stderr


def test_a_dry_run_makes_nothing(folder: Path) -> None:
    result = generate("a red ball", "--dry-run", "--json", "--count", "3", "--seed", "1", "--seconds", "60")
    found = json.loads(result.stdout)
    assert (found["frames"], found["latents"], found["calls"]) == (480, 120, 3 * 125)
    assert [video["seed"] for video in found["videos"]] == [1, 2, 3]
    assert found["seconds"] > 0 and found["memory_needed"] > 0
    assert made(folder) == [] and not (folder / "outputs").exists()


def test_a_prompt_the_model_cannot_know_is_remarked_on(folder: Path) -> None:
    words = "a red mars ball at night on background sea stars blue ball bouncing"
    result = generate(words, "--frames", "4", "-q", "--seed", "1")
    first, second, third = result.stderr.splitlines()
    assert first == f"prompt {words!r}: longer than 12 tokens; its end is not read"
    assert second == "words the text encoder does not know: mars"
    assert third.startswith(f"prompt {words!r}: far from what tiny knows; nearest: '")
    assert third.count(";") == 3
    assert generate("a red ball", "--frames", "4", "-q", "--seed", "1").stderr == ""


def test_words_the_model_was_not_trained_on_are_named(folder: Path, tiny_model: Path) -> None:
    config = tiny_model / "config.json"
    config.write_text(config.read_text().replace("0.99", "0.5"))
    said = generate("a red ball on a background, mars", "--frames", "4", "-q", "--seed", "1").stderr
    assert said.splitlines()[-1].endswith(
        "words that tiny was not trained on, which may not show: on, background, mars"
    )


def test_a_video_too_short_to_measure(folder: Path) -> None:
    result = generate("a red ball", "--frames", "1", "--seed", "1")
    assert "drift   too short to tell" in result.stdout.splitlines()
    assert len(frames(folder / "outputs" / "a-red-ball-1.mp4")) == 1


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (["  "], ConfigError, "the prompt is empty"),
        (["a", "--seconds", "nan"], ConfigError, "--seconds nan"),
        (["a", "--guidance", "nan"], ConfigError, "--guidance nan"),
        (["a", "--guidance", "-1"], ConfigError, "--guidance -1"),
        (["a", "--guidance", "1", "--negative", "fog"], ConfigError, "--negative 'fog': not read"),
        (["a", "--device", "tpu"], DeviceError, "--device 'tpu': unknown"),
        (["a", "--dtype", "int4"], DeviceError, "--dtype 'int4': unknown"),
        (["a", "--dtype", "fp16"], DeviceError, "use --dtype bf16, fp32 or auto"),
        (["a", "--schedule", "spiral"], ScheduleError, "there are progressive, rolling, queue"),
        (["a", "--schedule", "progressive:colour=2"], ScheduleError, "unknown; there are steps, window"),
        (["a", "--schedule", "progressive:context=9"], ScheduleError, "tiny takes 8"),
        (["a", "--schedule", "full-sequence"], ScheduleError, "shows 20 latents"),
        (["a", "--scale", "0"], VideoError, "scale 0"),
        (["a", "--quality", "52"], VideoError, "quality 52"),
        (["a", "--prompts", "prompts.txt"], ConfigError, "a prompt and --prompts prompts.txt were given"),
        (["--timeline", "line.toml", "--prompts", "prompts.txt"], ConfigError, "a prompt and --prompts"),
        (["\udce9 ball"], ConfigError, "is not valid UTF-8"),
        (["a", "--at", "1s=\udce9"], ConfigError, "is not valid UTF-8"),
        (["a", "-o", f"{'a' * 252}.mp4"], VideoError, "File name too long"),
        (["a", "-o", f"{'a' * 239}.mp4"], VideoError, "File name too long"),
        (["a", "--blend", "-5"], ConfigError, "blend -5: must be a number of seconds"),
        (["a", "-o", "video.avi"], VideoError, "ends in .mp4"),
        (["a", "-o", "weights/tiny/config.json/x.mp4"], VideoError, "is a file, not a folder"),
    ],
)
def test_wrong_input_leaves_nothing(
    folder: Path, arguments: list[str], error: type[PavdmError], said: str
) -> None:
    (folder / "prompts.txt").write_text("a ball\n")
    (folder / "line.toml").write_text('prompt = "sea"\n')
    before = sorted(folder.rglob("*"))
    small = [] if set(arguments) & {"--device", "--dtype", "--scale"} else SMALL
    result = CliRunner().invoke(app, ["generate", "--model", "weights/tiny", *arguments, *small])
    assert isinstance(result.exception, error), result.exception
    assert said in str(result.exception)
    assert sorted(folder.rglob("*")) == before


def damaged(path: Path, how: str) -> None:
    data = bytearray(path.read_bytes())
    if how == "truncated":
        path.write_bytes(data[: len(data) // 2])
    elif how == "flipped":
        data[-20] ^= 0x40
        path.write_bytes(data)
    elif how == "exchanged":
        shutil.copy(path.with_name("vae.safetensors"), path)
    else:
        path.unlink()


@pytest.mark.parametrize("how", ["truncated", "flipped", "exchanged", "missing"])
def test_damaged_weights_leave_nothing(folder: Path, how: str) -> None:
    damaged(folder / "weights" / "tiny" / "denoiser.safetensors", how)
    result = generate("a red ball", "--frames", "8")
    assert isinstance(result.exception, CheckpointError)
    assert "denoiser.safetensors" in str(result.exception) and "restore" in str(result.exception)
    assert made(folder) == [] and not (folder / "outputs").exists()


def test_a_disk_that_fills_up_keeps_what_plays(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append, calls = Encoder._append, iter(range(1000))

    def full(self: Encoder, file: object, data: bytes, **how: bool) -> None:
        if next(calls) == 3:
            raise VideoError("the disk is full")
        append(self, file, data, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Encoder, "_append", full)
    result = generate("a red ball", "--seconds", "40", "--seed", "1", "-q")
    assert isinstance(result.exception, VideoError) and "the disk is full" in str(result.exception)
    assert made(folder) == ["outputs/a-red-ball-1.partial.mp4"]
    assert len(frames(folder / "outputs" / "a-red-ball-1.partial.mp4")) == 16


def test_too_little_memory_is_said(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def spent(*_: object) -> None:
        raise torch.OutOfMemoryError

    monkeypatch.setattr("pavdm_cli.models.native.Native.velocity", spent)
    error = generate("a red ball", "--frames", "8", "-q").exception
    assert isinstance(error, DeviceError) and "--attention-chunk" in str(error)


def started(folder: Path, partial: Path) -> subprocess.Popen[str]:
    """Start a very long video as a process of its own, and wait until some of it is on the disk."""
    code = "from pavdm_cli.cli.app import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, "generate", "a red ball", "--seconds", "80000", "--seed", "1",
         "--model", "weights/tiny", *SMALL, "--guidance", "1"],
        cwd=folder, env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # a background job is started with the signal ignored
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )  # fmt: skip
    deadline = time.monotonic() + 40
    while not (partial.exists() and partial.stat().st_size > 40_000):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


def test_ctrl_c_keeps_a_file_that_plays(folder: Path) -> None:
    partial = folder / "outputs" / "a-red-ball-1.partial.mp4"
    process = started(folder, partial)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    first, again = err.splitlines()
    said = re.fullmatch(r"stopped: outputs/a-red-ball-1\.partial\.mp4 plays: (\d+) frames, [\d.]+ s", first)
    assert again.startswith("pavdm resume ")
    assert said, err
    assert len(frames(partial)) == int(said[1]) > 8
    assert made(folder) == ["outputs/a-red-ball-1.partial.mp4"]


def test_a_kill_keeps_a_file_that_plays(folder: Path) -> None:
    partial = folder / "outputs" / "a-red-ball-1.partial.mp4"
    process = started(folder, partial)
    process.kill()
    process.communicate(timeout=120)
    shown = frames(partial)
    assert len(shown) >= 8 and len(shown) % 8 == 0 and shown.shape[1:] == (32, 32, 3)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's figures")
def test_an_hour(tmp_path: Path, tiny_weights: Path) -> None:
    """28,800 frames; from a tenth of the time on, the memory held at most grows by less than 2 %."""
    place = Place(tmp_path / "place", tiny_weights)
    process = place.start("generate", "a red ball", "--seconds", "3600", *ASKED[2:4], *ASKED[6:], "-q")
    peaks: list[int] = []
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        held = re.search(r"^VmHWM:\s*(\d+) kB$", status.read_text(), flags=re.MULTILINE)
        peaks += [int(held[1])] if held else []  # a process that has just ended holds nothing
        time.sleep(0.2)
    _, said = process.communicate()
    assert process.returncode == 0, said
    print(f"peak {peaks[len(peaks) // 10] / 1024:.1f} MiB after a tenth, {peaks[-1] / 1024:.1f} at the end")
    assert peaks[-1] <= 1.02 * peaks[len(peaks) // 10]
    assert reader.probe(place.film).frames == 3600 * 8
    shapes = [chunk.shape for chunk in reader.read(place.film)]
    assert sum(shape[0] for shape in shapes) == 3600 * 8 and {shape[1:] for shape in shapes} == {(32, 32, 3)}
