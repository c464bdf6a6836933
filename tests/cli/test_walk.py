"""Films led by actions, by the real commands: made, told, stopped and gone on with, refused."""

import re
from pathlib import Path

import numpy as np
import pytest
from places import frames, latents
from typer.testing import CliRunner, Result

from pavdm_cli.cli.app import app
from pavdm_cli.errors import ConfigError, PavdmError, ScheduleError
from pavdm_cli.media import reader
from pavdm_cli.runs import store
from pavdm_cli.runs.film import Film
from pavdm_cli.runs.inspection import inspect
from pavdm_cli.runs.stream import Chunk

WAY = "forward*3 left*4 back*2 right*6 forward*5"
MODEL = ("--model", "weights/stroll", "--scale", "1", "--dtype", "fp32", "--device", "cpu")


@pytest.fixture
def folder(tiny_walk: Path, tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder that holds a model that walks, and one that reads words."""
    assert tiny_walk.parent == tiny_model.parent == tmp_path / "weights"
    monkeypatch.chdir(tmp_path)
    return tmp_path


def generate(*arguments: str, model: tuple[str, ...] = MODEL) -> Result:
    return CliRunner().invoke(app, ["generate", *arguments, *model])


def made(*arguments: str) -> np.ndarray:
    result = generate(*arguments, "-o", "film.mp4", "-q", "--force")
    assert result.exit_code == 0, result.exception
    return frames(Path("film.mp4"))


def test_a_film_is_as_long_as_its_actions_lead(folder: Path) -> None:
    result = generate("--actions", WAY, "--seed", "1")
    assert result.exit_code == 0, result.exception
    lines = result.stdout.splitlines()
    assert lines[1].startswith("plan    2.6 s, 21 frames; progressive, 3 steps, window 4, context 8;")
    name = "outputs/forward-3-left-4-back-2-right-6-forward-5-1.mp4"
    assert len(frames(folder / name)) == 21
    again = f"pavdm generate '{WAY}' --model weights/stroll --scale 1 --seed 2"
    assert lines[-1] == f"next    {again}  (another)"
    assert reader.tags(folder / name)["prompt"] == WAY
    assert "drift   not told: all of it was asked to change" in lines
    assert not any(line.startswith("worst") for line in lines)
    looked = CliRunner().invoke(app, ["analyse", name]).stdout
    assert "\nworst" not in looked and "redo" not in looked


def test_a_long_row_of_actions_is_not_said_again(folder: Path) -> None:
    lines = generate("--actions", "left right " * 20, "--seed", "1", "-o", "film.mp4").stdout.splitlines()
    command = "pavdm generate --like film.mp4 --model weights/stroll --seed 2"
    assert lines[-1] == f"next    {command}  (another)"
    again = CliRunner().invoke(app, [*command.split()[1:], "-o", "other.mp4", "-q"])
    assert again.exit_code == 0 and len(frames(Path("other.mp4"))) == len(frames(Path("film.mp4")))


def test_actions_are_the_prompt_wherever_they_stand(folder: Path) -> None:
    (folder / "way.txt").write_text("forward*3\nleft*4 back back\n\nright*6 forward*5\n")
    whole = made("--actions", WAY, "--seed", "1")
    for said in ((WAY,), ("--actions", "way.txt"), ("--actions", f"  {WAY.replace(' ', '  ')}")):
        assert np.array_equal(made(*said, "--seed", "1"), whole)
    assert not np.array_equal(made("--actions", WAY.replace("left", "right"), "--seed", "1"), whole)
    short = made("--actions", WAY, "--seed", "1", "--frames", "8")
    assert np.array_equal(short, whole[:8])


def test_the_settings_in_the_file_make_it_again(folder: Path) -> None:
    first = made("--actions", WAY, "--seed", "3")
    told = CliRunner().invoke(app, ["show", "film.mp4"]).stdout
    assert told.startswith(f"prompt  {WAY}\n") and f"pavdm generate '{WAY}' --frames 21" in told
    (folder / "film.mp4").rename("old.mp4")
    assert np.array_equal(made("--like", "old.mp4"), first)


def test_new_actions_lead_as_far_as_they_do_whatever_film_is_liked(folder: Path) -> None:
    made("--actions", WAY, "--seed", "3")
    (folder / "film.mp4").rename("old.mp4")
    for way, long in (("left*5", 6), ("left*30", 31)):
        assert len(made("--like", "old.mp4", "--actions", way)) == long


@pytest.mark.parametrize("schedule", ("rolling", "progressive:chunk=1", "fifo", "full-sequence"))
def test_every_way_of_rolling_walks_to_the_end(folder: Path, schedule: str) -> None:
    steps = () if schedule == "full-sequence" else ("--steps", "4")
    way = "left*9" if schedule == "full-sequence" else WAY
    assert len(made("--actions", way, "--seed", "1", "--schedule", schedule, *steps)) in (10, 21)


def test_a_file_named_like_an_action_is_not_taken_for_one(folder: Path) -> None:
    (folder / "left").write_text("forward*3")
    result = generate("--actions", "left")
    assert isinstance(result.exception, ConfigError) and "write ./left" in str(result.exception)
    assert len(made("--actions", "./left")) == 4
    missing = generate("--actions", "nothing.txt").exception
    assert isinstance(missing, ConfigError) and "no such file" in str(missing)


def test_another_ending_is_not_offered(folder: Path) -> None:
    made("--actions", WAY, "--seed", "1")
    seen = inspect(folder / "film.mp4")
    assert seen.ours and not seen.redone


def test_a_stopped_walk_goes_on_as_if_it_had_not_been(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, kept = made("--actions", WAY, "--seed", "1"), latents(folder / "film.mp4")
    add, count = Film.add, iter(range(1000))

    def interrupted(self: Film, chunk: Chunk) -> None:
        if next(count) == 13:
            raise KeyboardInterrupt
        add(self, chunk)

    with monkeypatch.context() as patch:
        patch.setattr(Film, "add", interrupted)
        result = generate("--actions", WAY, "--seed", "1", "-o", "film.mp4", "-q", "--force")
    assert result.exit_code == 130, result.exception
    assert store.last_stopped(store.place(None)).latents() == 14
    assert CliRunner().invoke(app, ["resume", "-q"]).exit_code == 0
    assert np.array_equal(frames(folder / "film.mp4"), whole)
    assert np.array_equal(latents(folder / "film.mp4"), kept)


def test_several_walks_are_of_one_length(folder: Path) -> None:
    (folder / "ways.txt").write_text(f"{WAY}\nleft*20\n")
    assert generate("--prompts", "ways.txt", "-o", "films/", "-q").exit_code == 0
    assert {len(frames(path)) for path in (folder / "films").iterdir()} == {21}
    (folder / "ways.txt").write_text(f"{WAY}\nleft*9\n")
    result = generate("--prompts", "ways.txt", "-o", "films/")
    assert isinstance(result.exception, ConfigError)
    assert "the walks are 10 to 21 frames long" in str(result.exception)


def test_it_is_told_what_a_walk_reads(folder: Path) -> None:
    result = CliRunner().invoke(app, ["models", "show", "weights/stroll"])
    assert result.stdout.splitlines()[:3] == [
        "model   stroll: noise to walk in",
        "makes   32x32 pixels, 8 frames a second, of any length",
        "reads   actions, one a frame: forward, left, right, back (--actions 'forward*20 left*9')",
    ]


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ((), ConfigError, r"the prompt is empty; say what is to be seen, for example 'left\*18'"),
        (("a red ball",), ConfigError, "'a' is no action; there are forward, left, right, back"),
        (("--actions", " "), ConfigError, "--actions: there is none"),
        (("--actions", "weights"), ConfigError, "'weights' is no action"),
        (("--actions", "bytes.txt"), ConfigError, "--actions bytes.txt: cannot be read"),
        (("--actions", "x" * 5000), ConfigError, "^'x{20,60}' is no action"),
        (("--actions", WAY, "left*2"), ConfigError, "--actions and a prompt were given"),
        (("--actions", WAY, "--prompts", "bytes.txt"), ConfigError, "--actions and a prompt were given"),
        (("--actions", WAY, "--frames", "22"), ConfigError, "22 frames were asked for .* through 21"),
        (("--actions", WAY, "--seconds", "10"), ConfigError, "80 frames were asked for .* through 21"),
        (("--actions", "left*700000"), ConfigError, "--frames 700001: .* at most 86400 seconds"),
        (("--actions", WAY, "--at", "1s=left*2"), ConfigError, "--at 'left.2': stroll reads no words"),
        (("--actions", WAY, "--negative", "fog"), ConfigError, "--negative 'fog': not read"),
        (("--actions", WAY, "--guidance", "2"), ConfigError, "--guidance 2.0: stroll has none"),
        (("--actions", WAY, "--image", "x.png"), ConfigError, "stroll cannot begin with a picture"),
        (("--actions", WAY, "--size", "64x64"), ConfigError, "stroll makes 32x32 alone"),
        (("--actions", WAY, "--fps", "24"), ConfigError, "stroll makes 8 alone"),
        (("--actions", WAY, "--offload", "text"), ConfigError, "leave --offload and --vae-tiling out"),
        (
            ("--actions", WAY, "--schedule", "progressive:context=9"),
            ScheduleError,
            "shows 13 latents in a call and stroll takes 12",
        ),
    ],
)
def test_what_a_walk_cannot_do_is_said(
    folder: Path, arguments: tuple[str, ...], error: type[PavdmError], said: str
) -> None:
    (folder / "bytes.txt").write_bytes(b"\xff\xfe")
    result = generate(*arguments, "-o", "film.mp4")
    assert isinstance(result.exception, error), result.exception
    assert re.search(said, str(result.exception)) and "\n" not in str(result.exception)
    assert not list(folder.glob("*.mp4"))


def test_actions_are_for_models_that_walk(folder: Path) -> None:
    result = generate("--actions", WAY, model=("--model", "weights/tiny"))
    assert isinstance(result.exception, ConfigError)
    assert "--actions: tiny reads words; give a prompt, or --model maze" in str(result.exception)
    made("--actions", WAY, "--seed", "1")
    for words in ((WAY,), ("--like", "film.mp4"), ("left*2000000",), ("a ball", "--at", "1s=left")):
        result = generate(*words, "-o", "other.mp4", model=("--model", "weights/tiny"))
        assert isinstance(result.exception, ConfigError)
        assert "actions, and tiny reads words; say what is to be seen, or" in str(result.exception)


def test_no_walk_goes_on_from_a_film(folder: Path) -> None:
    made("--actions", WAY, "--seed", "1")
    for words in (("extend", "film.mp4"), ("redo", "film.mp4", "--from", "1s")):
        result = CliRunner().invoke(app, [*words, "--model", "weights/stroll"])
        assert isinstance(result.exception, ConfigError)
        assert "film.mp4: stroll goes on with no film; make a longer one" in str(result.exception)
    assert sorted(path.name for path in folder.glob("*.mp4")) == ["film.mp4"]
