"""`extend` and `redo`: what was there stays to the bit, whatever is made behind it."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pictures import moving_frames
from places import frames, latents
from typer.testing import CliRunner, Result

from pavdm_cli.cli.app import app
from pavdm_cli.errors import ConfigError, PavdmError, RunError, VideoError
from pavdm_cli.media import attachment, ffmpeg, reader
from pavdm_cli.media.writer import VideoWriter
from pavdm_cli.models import quantised
from pavdm_cli.runs.past import look
from pavdm_cli.runs.timeline import Cue

MODEL = ("--model", "weights/tiny", "--dtype", "fp32", "--device", "cpu")


@pytest.fixture
def folder(tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    assert tiny_model == tmp_path / "weights" / "tiny"
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pavdm(*arguments: str, model: tuple[str, ...] = MODEL) -> Result:
    result = CliRunner().invoke(app, [*arguments, *model])
    assert result.exit_code == 0, (result.exception, result.output)
    return result


def generate(name: str, *arguments: str) -> np.ndarray:
    pavdm("generate", "a red ball", "--seed", "1", "--scale", "1", "-q", "-o", name, *arguments)
    return frames(Path(name))


@pytest.mark.parametrize("count", [16, 27])
def test_what_we_made_goes_on_from_its_latents(folder: Path, count: int) -> None:
    old = generate("old.mp4", "--frames", str(count))
    said = pavdm("extend", "old.mp4", "--frames", "25").stdout
    assert "from    old.mp4: all its frames stay as they are, and it goes on from its own latents" in said
    new = frames(folder / "old-extended.mp4")
    assert len(new) == count + 25
    assert np.array_equal(new[:count], old)
    before = latents(folder / "old.mp4")
    assert np.array_equal(latents(folder / "old-extended.mp4")[: len(before)], before)
    settings = look(folder / "old-extended.mp4", folder).settings
    assert settings and (settings.first, settings.frames, settings.seed) == (count, count + 25, 1)
    assert [making.frames for making in settings.makings] == [count, count + 25]
    assert frames(folder / "old.mp4").shape == old.shape


def test_the_new_part_is_what_the_model_makes_after_those_latents(folder: Path) -> None:
    """The frames of the last latent that were not shown yet come first, and then a new prompt matters."""
    generate("old.mp4", "--frames", "17")
    pavdm("extend", "old.mp4", "--frames", "3", "-q", "-o", "a.mp4")
    assert len(latents(folder / "a.mp4")) == len(latents(folder / "old.mp4"))
    pavdm("extend", "old.mp4", "--frames", "30", "-q", "-o", "b.mp4")
    pavdm("extend", "old.mp4", "--frames", "30", "-q", "-o", "c.mp4", "--prompt", "sea at night")
    a, b, c = (frames(folder / f"{name}.mp4") for name in "abc")
    assert np.abs(a[17:].astype(int) - b[17:20]).max() <= 8  # groups of pictures end elsewhere
    assert np.array_equal(b[:17], c[:17]) and not np.array_equal(b[30:], c[30:])
    settings = look(folder / "c.mp4", folder).settings
    assert settings and settings.cues == (Cue(17 / 8, "sea at night"),) and settings.blend == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fifo", "queue", "rolling", "pyramid", "autoregressive"])
def test_every_schedule_goes_on(folder: Path, name: str) -> None:
    old = generate("old.mp4", "--frames", "61")
    schedule = f"{name}:steps=6" + ("" if name == "autoregressive" else ",window=3")
    pavdm("extend", "old.mp4", "--frames", "20", "--schedule", schedule, "-q", "-o", "new.mp4")
    new = frames(folder / "new.mp4")
    assert len(new) == 81 and np.array_equal(new[:61], old)


def test_only_the_new_part(folder: Path) -> None:
    generate("old.mp4", "--frames", "17")
    pavdm("extend", "old.mp4", "--frames", "24", "-q", "-o", "both.mp4")
    pavdm("extend", "old.mp4", "--frames", "24", "-q", "-o", "new.mp4", "--only-new")
    both, new = frames(folder / "both.mp4"), frames(folder / "new.mp4")
    assert np.array_equal(both[17:], new)
    pavdm("extend", "new.mp4", "--frames", "8", "-q", "-o", "later.mp4")
    later = frames(folder / "later.mp4")
    assert np.array_equal(later[:24], new) and len(later) == 32
    pavdm("redo", "later.mp4", "--from", "1s", "--seed", "9", "-q", "-o", "other.mp4")
    other = frames(folder / "other.mp4")
    assert np.array_equal(other[:8], later[:8]) and len(other) == 32
    assert not np.array_equal(other[12:], later[12:])


def test_takes_leave_the_beginning_as_it_is(folder: Path) -> None:
    old = generate("old.mp4", "--frames", "60")
    said = pavdm("redo", "old.mp4", "--from", "3.3s", "--count", "2", "--seed", "5").stdout
    assert "from    old.mp4: the first 28 of its 60 frames stay as they are" in said
    takes = [folder / f"old-take-{seed}.mp4" for seed in (5, 6)]
    one, two = (frames(take) for take in takes)
    for take in (one, two):
        assert take.shape == old.shape and np.array_equal(take[:28], old[:28])
        assert not np.array_equal(take[28:], old[28:])
    assert not np.array_equal(one[28:], two[28:])
    assert (folder / "old-take-5-takes.png").exists()
    pavdm("redo", str(takes[0]), "--from", "6s", "--seed", "7", "-q")
    again = frames(folder / "old-take-5-take-7.mp4")
    assert np.array_equal(again[:48], one[:48]) and not np.array_equal(again[48:], one[48:])


def test_a_take_of_the_same_seed_and_prompt_is_not_the_film_but_itself(folder: Path) -> None:
    generate("old.mp4", "--frames", "40")
    for name in ("a.mp4", "b.mp4"):
        pavdm("redo", "old.mp4", "--from", "2s", "--seed", "1", "-q", "-o", name)
    assert np.array_equal(frames(folder / "a.mp4"), frames(folder / "b.mp4"))


def test_the_commands_that_show_tells_make_it_again(folder: Path) -> None:
    generate("a.mp4", "--frames", "21", "--at", "1s=a ball at night", "--blend", "0.5")
    pavdm("extend", "a.mp4", "--frames", "20", "--prompt", "sea", "--at", "4s=stars", "-q", "-o", "b.mp4")
    pavdm("redo", "b.mp4", "--from", "3s", "--prompt", "a ball", "--seed", "8", "-q", "-o", "c.mp4")
    pavdm("extend", "c.mp4", "--frames", "12", "--only-new", "-q", "-o", "d.mp4")
    pavdm("redo", "d.mp4", "--from", "0.5s", "--seed", "9", "-q", "-o", "e.mp4")
    wanted = frames(folder / "e.mp4")
    found = json.loads(pavdm("show", "e.mp4", "--json", model=()).stdout)
    assert len(found["commands"]) == 5 and found["latents"] == len(latents(folder / "e.mp4"))
    (folder / "e.mp4").unlink()
    for command in found["commands"]:
        pavdm(*shlex.split(command)[1:], "-q", model=())
    assert np.array_equal(frames(folder / "e.mp4"), wanted)
    assert "again   pavdm generate" in pavdm("show", "e.mp4", model=()).stdout


def test_a_film_goes_on_by_the_very_model_that_made_it(folder: Path) -> None:
    """Not by the packaged one of the same name; and if that has other weights by now, it is said."""
    config = json.loads((folder / "weights/tiny/config.json").read_text()) | {"name": "worlds"}
    (folder / "weights/tiny/config.json").write_text(json.dumps(config))
    generate("old.mp4", "--frames", "16")
    numbers = ("--dtype", "fp32", "--device", "cpu")
    said = pavdm("extend", "old.mp4", "--frames", "8", "-o", "a.mp4", *numbers, model=())
    assert "other weights" not in said.stderr and latents(folder / "a.mp4").shape[2:] == (4, 2, 2)
    denoiser = folder / "weights/tiny/denoiser.safetensors"
    stored = quantised.load(denoiser)
    stored[next(name for name in stored if name.endswith("bias"))] += 1
    quantised.save(denoiser, stored)
    said = pavdm("extend", "old.mp4", "--frames", "8", "-o", "b.mp4", *numbers, model=())
    assert "old.mp4: made with other weights than" in said.stderr


def test_a_film_keeps_its_size_and_its_frames_by_another_denoiser(folder: Path) -> None:
    """Of the same VAE; that model's own schedule and guidance are used."""
    old = generate("old.mp4", "--frames", "16", "--scale", "2", "--guidance", "3")
    shutil.copytree(folder / "weights/tiny", folder / "weights/twin")
    twin = ("--model", "weights/twin", *MODEL[2:])
    pavdm("extend", "old.mp4", "--frames", "8", "-q", "-o", "a.mp4", model=twin)
    pavdm("redo", "old.mp4", "--from", "1s", "-q", "-o", "b.mp4", model=twin)
    assert np.array_equal(frames(folder / "a.mp4")[:16], old)
    assert np.array_equal(frames(folder / "b.mp4")[:8], old[:8])
    for name in ("a.mp4", "b.mp4"):
        settings = look(folder / name, folder).settings
        assert settings and (settings.scale, settings.guidance) == (2, 2.0)


def test_old_frames_are_said_to_be_encoded_anew_where_they_are(folder: Path) -> None:
    generate("old.mp4", "--frames", "16")
    for options, fate in ((("--quality", "30"), "are encoded anew"), (("--only-new",), "are left out")):
        said = pavdm("extend", "old.mp4", "--frames", "8", *options, "--dry-run").stdout
        assert f"all its frames {fate}, and it goes on from its own latents" in said


def test_the_commands_for_a_film_begun_by_others_hold_all_that_was_set(folder: Path) -> None:
    with VideoWriter(folder / "x.mp4", (32, 32), 8, tags={}) as video:
        video.write(moving_frames(16, (32, 32)))
    options = ("--frames", "16", "--prompt", "a ball", "--at", "3s=sea", "--scale", "2", "--quality", "30")
    pavdm("extend", "x.mp4", *options, "--fps", "8", "-q", "-o", "z.mp4")
    (command,) = json.loads(pavdm("show", "z.mp4", "--json", model=()).stdout)["commands"]
    for words in ("--at 3s=sea", "--blend 1", "--scale 2", "--quality 30", "--fps 8", "--prompt 'a ball'"):
        assert words in command, words


def test_commands_give_back_what_took_over_from_cues_and_every_digit_of_times(folder: Path) -> None:
    """A prompt that was the film's own already adds no cue; it ends those that were to come all the same."""
    first = ("--frames", "80", "--at", "8s=sea", "-q", "-o", "a.mp4", "--", "-5 degrees")
    pavdm("generate", *MODEL, *first, model=())
    pavdm("redo", "a.mp4", "--from", "5s", "--prompt", "-5 degrees", "-q", "-o", "b.mp4")
    settings = look(folder / "b.mp4", folder).settings
    assert settings and settings.cues == ()
    pavdm("extend", "b.mp4", "--frames", "24", "--at", "10.123456789s=stars", "-q", "-o", "c.mp4")
    pavdm("redo", "c.mp4", "--from", "10s", "--at", "10.123456789s=sea", "-q", "-o", "d.mp4")
    wanted = look(folder / "d.mp4", folder).settings
    assert wanted and wanted.cues == (Cue(10.123456789, "sea"),)
    found = json.loads(pavdm("show", "d.mp4", "--json", model=()).stdout)["commands"]
    (folder / "d.mp4").unlink()
    for command in found:
        pavdm(*shlex.split(command)[1:], model=())
    again = look(folder / "d.mp4", folder).settings
    assert again and again.cues == wanted.cues
    assert [making.cues for making in again.makings] == [making.cues for making in wanted.makings]


def test_a_prompt_at_the_very_time_of_the_same_cue_keeps_it(folder: Path) -> None:
    generate("a.mp4", "--frames", "60", "--at", "3s=sea")
    pavdm("redo", "a.mp4", "--from", "3s", "--prompt", "sea", "-q", "-o", "b.mp4")
    settings = look(folder / "b.mp4", folder).settings
    assert settings and settings.cues == (Cue(3.0, "sea"),)


def test_two_prompts_that_are_typed_for_one_time_are_refused_and_one_replaces_the_film_s_own(
    folder: Path,
) -> None:
    generate("a.mp4", "--frames", "60", "--at", "3s=sea")
    with pytest.raises(ConfigError, match="two prompts at 3 s: 'a ball' and 'stars'"):
        raise_of("redo", "a.mp4", "--from", "3s", "--prompt", "a ball", "--at", "3s=stars")
    pavdm("redo", "a.mp4", "--from", "2s", "--at", "3s=stars", "-q", "-o", "b.mp4")
    settings = look(folder / "b.mp4", folder).settings
    assert settings and settings.cues == (Cue(3.0, "stars"),)


def test_a_shorter_film_like_another_leaves_out_the_cues_behind_its_end(folder: Path) -> None:
    generate("a.mp4", "--frames", "32", "--at", "1s=sea", "--at", "3s=stars")
    pavdm("generate", "--like", "a.mp4", "--seconds", "2", "-q", "-o", "b.mp4")
    settings = look(folder / "b.mp4", folder).settings
    assert settings and settings.cues == (Cue(1.0, "sea"),)


def test_a_growing_film_is_not_gone_on_with_in_its_own_place(folder: Path) -> None:
    generate("a.mp4", "--frames", "16")
    grown = (folder / "a.mp4").rename(folder / "b.partial.mp4").read_bytes()
    for name in ("b.mp4", "./b.mp4"):
        with pytest.raises(ConfigError, match=r"it would grow in b\.partial\.mp4, which it goes on"):
            raise_of("extend", "b.partial.mp4", "--prompt", "sea", "--force", "-o", name)
    assert (folder / "b.partial.mp4").read_bytes() == grown


def test_a_film_whose_name_is_no_text_is_gone_on_with_and_shown(folder: Path) -> None:
    with VideoWriter(folder / "x.mp4", (32, 32), 8, tags={}) as video:
        video.write(moving_frames(16, (32, 32)))
    path = Path(os.fsdecode(b"caf\xe9.mp4"))
    try:
        (folder / "x.mp4").rename(path)
    except OSError:
        pytest.skip("this system's names are all text")
    pavdm("extend", str(path), "--frames", "8", "--prompt", "sea", "--fps", "8", "-q", "-o", "y.mp4")
    settings = look(folder / "y.mp4", folder).settings
    assert settings and settings.foreign == str(path)
    done = subprocess.run(
        [sys.executable, "-m", "pavdm_cli", "show", "y.mp4"],
        env=os.environ | {"PYTHONIOENCODING": "utf-8:strict"},
        capture_output=True,
        check=False,
    )
    page = subprocess.run(
        [sys.executable, "-m", "pavdm_cli", "analyse", str(path), "--html", "page.html"],
        capture_output=True,
        check=False,
    )
    assert page.returncode == 0 and b"caf\\udce9.mp4" in (folder / "page.html").read_bytes(), page
    assert done.returncode == 0 and b"caf\\udce9.mp4, which pavdm did not make" in done.stdout, done


def test_like_takes_the_settings_of_a_film(folder: Path) -> None:
    options = ("--frames", "21", "--at", "1s=stars", "--steps", "12", "--guidance", "3", "--negative", "sea")
    wanted = generate("a.mp4", *options)
    pavdm("generate", "--like", "a.mp4", "-q", "-o", "b.mp4")
    assert np.array_equal(frames(folder / "b.mp4"), wanted)
    pavdm("generate", "--like", "a.mp4", "--seed", "2", "-q", "-o", "c.mp4")
    assert not np.array_equal(frames(folder / "c.mp4"), wanted)
    pavdm("generate", "a blue ball", "--like", "a.mp4", "--seconds", "1", "-q", "-o", "d.mp4")
    settings = look(folder / "d.mp4", folder).settings
    assert settings and (settings.prompt, settings.cues, settings.frames) == ("a blue ball", (), 8)
    assert (settings.seed, settings.negative, settings.guidance) == (1, "sea", 3.0)


def made(path: Path, *arguments: str) -> Path:
    """Let ffmpeg make a foreign video."""
    result = ffmpeg.run("-y", *arguments, str(path))
    assert result.returncode == 0, result.stderr.decode()
    return path


TEST = ("-f", "lavfi", "-i", "testsrc2=size=90x60:rate=25:duration=3")
SOUND = ("-f", "lavfi", "-i", "sine=duration=3")
FOREIGN: dict[str, Callable[[Path], Path]] = {
    "mp4 with sound": lambda f: made(f / "x.mp4", *TEST, *SOUND, "-pix_fmt", "yuv420p"),
    "mov of ten bits": lambda f: made(f / "x.mov", *TEST, "-c:v", "prores_ks"),
    "mkv of 60 frames": lambda f: made(f / "x.mkv", *TEST, "-r", "60", "-c:v", "ffv1"),
    "webm": lambda f: made(f / "x.webm", *TEST, "-c:v", "libvpx-vp9", "-deadline", "realtime"),
    "gif": lambda f: made(f / "x.gif", *TEST, "-r", "10"),
    "on its side": lambda f: made(
        f / "y.mp4", "-display_rotation", "90", "-i", str(made(f / "x.mp4", *TEST))
    ),
    "wide pixels": lambda f: made(f / "x.mp4", *TEST, "-vf", "setsar=2"),
    "varying rate": lambda f: made(
        f / "x.mkv", *TEST, "-vf", "select='not(mod(n,3))+gt(n,40)'", "-fps_mode", "vfr"
    ),
}


QUICK = ("mp4 with sound", "gif")


@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in FOREIGN]
)
def test_any_other_video_is_encoded_once_and_goes_on(folder: Path, kind: str) -> None:
    path = FOREIGN[kind](folder)
    said = pavdm("extend", str(path), "--frames", "16", "--prompt", "a ball", "--scale", "2", "-o", "z.mp4")
    assert "not made by pavdm" in said.stdout and "tiny knows balls, sea" in said.stderr
    assert "joint   its last frames come back at" in said.stdout
    info = reader.probe(folder / "z.mp4")
    assert (info.width, info.height, info.fps) == (64, 64, 8)
    assert abs(info.frames - (24 + 16)) <= 2
    existing = look(folder / "z.mp4", folder)
    assert (
        existing.settings
        and existing.settings.foreign == path.name
        and len(existing.settings.correction) == 3
    )
    has_sound = b" Audio: aac" in ffmpeg.run("-i", str(folder / "z.mp4")).stderr
    assert has_sound == (kind == "mp4 with sound")
    pavdm("extend", "z.mp4", "--frames", "8", "-q", "-o", "longer.mp4")
    one, two = frames(folder / "z.mp4"), frames(folder / "longer.mp4")
    assert np.array_equal(two[: len(one)], one) and len(two) == len(one) + 8
    assert (b" Audio: aac" in ffmpeg.run("-i", str(folder / "longer.mp4")).stderr) == has_sound


def test_the_old_part_keeps_its_look(folder: Path) -> None:
    """A foreign video of the model's own rate and shape comes back as it was."""
    clip = moving_frames(40, (96, 96))
    with VideoWriter(folder / "x.mp4", (96, 96), 8, tags={}) as video:
        video.write(clip)
    pavdm("extend", "x.mp4", "--frames", "8", "--prompt", "a ball", "--scale", "3", "-q")
    old = frames(folder / "x-extended.mp4")[:40]
    assert np.abs(old.astype(int) - frames(folder / "x.mp4")).mean() < 3
    pavdm("extend", "x.mp4", "--frames", "8", "--prompt", "a ball", "--only-new", "-q", "-o", "new.mp4")
    assert len(frames(folder / "new.mp4")) == 8


def test_a_film_that_lost_its_latents_goes_on_from_its_run_or_its_pictures(folder: Path) -> None:
    old = generate("old.mp4", "--frames", "30")
    made(folder / "stripped.mp4", "-i", "old.mp4", "-c", "copy")
    assert attachment.find(folder / "stripped.mp4") is None
    assert "stay as they are" in pavdm("extend", "stripped.mp4", "--frames", "9", "-o", "kept.mp4").stdout
    assert np.array_equal(frames(folder / "kept.mp4")[:30], old)
    made(folder / "again.mp4", "-i", "kept.mp4", "-c", "copy")
    assert "stay as they are" in pavdm("redo", "again.mp4", "--from", "2s", "-o", "redone.mp4").stdout
    assert np.array_equal(latents(folder / "redone.mp4")[:4], latents(folder / "old.mp4")[:4])
    pavdm("runs", "clean", model=())
    said = pavdm("extend", "stripped.mp4", "--frames", "8").stdout
    assert "its latents are gone" in said
    settings = look(folder / "stripped-extended.mp4", folder).settings
    assert settings and settings.prompt == "a red ball" and settings.foreign == "stripped.mp4"
    with pytest.raises(RunError, match="its latents are gone, so no other ending"):
        raise_of("redo", "stripped.mp4", "--from", "1s")


def raise_of(*arguments: str) -> None:
    result = CliRunner().invoke(app, [*arguments, *MODEL])
    assert result.exception is not None
    raise result.exception


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        (("extend", "none.mp4"), VideoError, "no such video file"),
        (("extend", "text.mp4"), VideoError, "not a video"),
        (("extend", "short.mp4", "--prompt", "a"), VideoError, "3 frames at 8 frames a second are too short"),
        (("extend", "short.mp4"), ConfigError, "say with --prompt what is to come"),
        (("extend", "cut.mp4", "--prompt", "a"), VideoError, "not a video"),
        (("extend", "torn.mkv", "--prompt", "a"), VideoError, "is damaged: .* Repair it: ffmpeg -i"),
        (("extend", "half.mp4"), VideoError, "half.mp4 is cut off or damaged, .* copy it anew"),
        (("redo", "half.mp4", "--from", "1s"), VideoError, "half.mp4 is cut off or damaged, .* copy it anew"),
        (("extend", "old.mp4", "--at", "1s=sea"), ConfigError, "the new part begins at 2.5 s"),
        (("extend", "old.mp4", "--frames", "8", "--at", "4s=sea"), ConfigError, "the video ends at 3.5 s"),
        (("redo", "old.mp4", "--from", "1s", "--at", "3s=sea"), ConfigError, "the video ends at 2.5 s"),
        (("extend", "old.mp4", "-o", "old.mp4"), VideoError, "exists already"),
        (("redo", "short.mp4", "--from", "0s"), RunError, "it was not made by pavdm"),
        (("redo", "old.mp4", "--from", "0s"), RunError, "from 0.12 to 2.00 s"),
        (("redo", "old.mp4", "--from", "2.2s"), RunError, "from 0.12 to 2.00 s"),
        (("redo", "old.mp4", "--from", "soon"), ConfigError, "'soon' is no time"),
        (("redo", "old.mp4", "--from", "1s", "--count", "0"), ConfigError, "--count 0"),
        (("redo", "old.mp4", "--from", "1s", "--count", "2", "-o", "x.mp4"), ConfigError, "one file for 2"),
        (("generate", "--like", "short.mp4"), ConfigError, "no settings of pavdm"),
    ],
)  # fmt: skip
def test_what_cannot_go_on_is_said(
    folder: Path, arguments: tuple[str, ...], error: type[PavdmError], said: str
) -> None:
    (folder / "text.mp4").write_text("words " * 100)
    made(folder / "short.mp4", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=8:duration=0.375")
    if "old.mp4" in arguments:
        generate("old.mp4", "--frames", "20")
    if "half.mp4" in arguments:
        generate("half.mp4", "--frames", "20")
        data = (folder / "half.mp4").read_bytes()
        (folder / "half.mp4").write_bytes(data[: data.index(b"mdat") + 2000])
    if "cut.mp4" in arguments:
        data = made(folder / "cut.mp4", *TEST).read_bytes()
        (folder / "cut.mp4").write_bytes(data[: len(data) // 2])
    if "torn.mkv" in arguments:
        data = bytearray(made(folder / "torn.mkv", *TEST, "-c:v", "ffv1").read_bytes())
        data[len(data) // 2 : len(data) // 2 + 4000] = bytes(4000)
        (folder / "torn.mkv").write_bytes(data)
    before = sorted(path for path in folder.iterdir())
    with pytest.raises(error, match=said):
        raise_of(*arguments)
    assert sorted(path for path in folder.iterdir()) == before


def test_a_video_of_others_without_a_prompt_says_how_to_give_one(folder: Path) -> None:
    with VideoWriter(folder / "theirs.mp4", (64, 64), 8, tags={}) as writer:
        writer.write(moving_frames(16)[:, :64, :64])
    result = CliRunner().invoke(app, ["extend", "theirs.mp4", *MODEL])
    assert isinstance(result.exception, ConfigError)
    assert "theirs.mp4: no prompt is stored in it; say with --prompt" in str(result.exception)


def test_runs_are_listed_under_a_header_and_a_growing_film_is_named_as_such(folder: Path) -> None:
    empty = pavdm("runs", "list", model=()).stdout
    assert "name" not in empty and empty.startswith("0 in ")
    generate("old.mp4", "--frames", "16")
    header, run, _ = pavdm("runs", "list", model=()).stdout.splitlines()
    assert header.split() == ["name", "status", "frames", "latents", "megabytes", "seed", "video"]
    assert run.split()[1:4] == ["finished", "16", "4"] and run.split()[5:] == ["1", str(folder / "old.mp4")]
    assert header.index("seed") == run.index(" 1 ") + 1
    (folder / "old.partial.mp4").write_bytes(b"")
    result = CliRunner().invoke(app, ["show", "old.partial.mp4"])
    assert isinstance(result.exception, ConfigError) and "'pavdm resume' goes on" in str(result.exception)
