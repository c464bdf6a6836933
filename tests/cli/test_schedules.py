"""The schedules, told and drawn."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console
from typer.testing import CliRunner

from pavdm_cli.cli import levels
from pavdm_cli.cli.app import app
from pavdm_cli.errors import ConfigError, ScheduleError
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.schedule import Ramp, Step

runner = CliRunner()


def test_list() -> None:
    assert json.loads(runner.invoke(app, ["schedules", "list", "--json"]).stdout) == list(schedule.SCHEDULES)
    lines = runner.invoke(app, ["schedules", "list"]).stdout.splitlines()
    assert lines[0].split() == ["name", "calls", "cost", "delay", "span", "about"]
    assert {line.split()[0] for line in lines if line.strip()} >= set(schedule.SCHEDULES)


@pytest.mark.parametrize("name", schedule.SCHEDULES)
def test_show_as_json_is_ten_seconds_of_steps(name: str, tiny_model: Path) -> None:
    result = runner.invoke(app, ["schedules", "show", name, "--json", "--model", str(tiny_model)])
    said = json.loads(result.stdout)
    ramp = schedule.parse(name, Ramp(steps=6, window=6, context=2))[1]
    steps = list(schedule.make(name, 20, ramp))
    assert said["name"] == name and len(said["steps"]) == len(steps)
    for one, step in zip(said["steps"], steps, strict=True):
        assert one == {
            "latents": list(step.latents), "positions": list(step.positions),
            "level": list(step.level), "next": list(step.next),
        }  # fmt: skip


def test_show_tells_what_it_costs_and_draws_it(tiny_model: Path) -> None:
    said = runner.invoke(app, ["schedules", "show", "fifo:steps=4,window=2", "--model", str(tiny_model)])
    lines = said.stdout.splitlines()
    size = schedule.size("fifo", 20, Ramp(steps=4, window=2, context=2))
    assert lines[0].startswith("name    fifo: ")
    assert lines[1].startswith("keys    steps=4, window=2, context=2, ")
    assert lines[2] == f"work    20 latents in 10 s of tiny; {size.calls} model calls"
    assert lines[3] == f"cost    {size.evaluations / 10:.0f} latents shown for a second of video"
    assert lines[4].startswith(f"delay   first frame after {size.first_calls} calls")
    assert lines[7:12] == ["9999", "7777", "4444", "2222", "2479"]
    assert any(line.startswith(f"down: model calls; the first 40 of {size.calls};") for line in lines)
    assert [line.split()[0] for line in lines[-8:]] == list(schedule.find("fifo").keys)


def test_wrong_names_and_keys_list_the_right_ones() -> None:
    for name, said in (
        ("spiral", "there are progressive, rolling"),
        ("fifo:chunk=2", "there are steps, window"),
    ):
        error = runner.invoke(app, ["schedules", "show", name]).exception
        assert isinstance(error, ScheduleError) and said in str(error)


def test_the_picture_is_written(tmp_path: Path) -> None:
    path = tmp_path / "levels.png"
    assert runner.invoke(app, ["schedules", "show", "queue", "--png", str(path)]).exit_code == 0
    picture = np.asarray(Image.open(path))
    assert picture.shape[0] > 144 * levels.SMALL and picture.shape[1] >= 60 * levels.WIDE
    assert list(tmp_path.iterdir()) == [path]
    nowhere = runner.invoke(app, ["schedules", "show", "queue", "--png", str(tmp_path / "no" / "x.png")])
    assert isinstance(nowhere.exception, ConfigError)


STEPS = [
    Step((0, 1), (0, 1), (0.5, 1.0), (0.5, 0.5), keep=0),
    Step((1, 2), (0, 1), (0.0, 0.5), (0.0, 0.0), keep=0),
]


def test_cells_have_the_colour_of_their_level_and_of_what_becomes_of_them() -> None:
    cells = levels.picture(STEPS, empty=(1, 2, 3))
    assert cells.shape == (2, 3, 3)
    assert [tuple(cell) for cell in cells.reshape(-1, 3).tolist()] == [
        levels.BESIDE[1], levels.MOVED[2], (1, 2, 3), (1, 2, 3), levels.BESIDE[0], levels.MOVED[1],
    ]  # fmt: skip


def test_digits_and_blocks() -> None:
    assert levels.digits(STEPS, 9).plain == "49\n .4"
    assert levels.digits(STEPS, 2).plain == "49\n ."
    console = Console(file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(levels.half_blocks(levels.picture(STEPS)))
    assert isinstance(console.file, io.StringIO)
    assert console.file.getvalue().count("▀") == 3
