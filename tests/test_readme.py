"""Every command and program in the README runs."""

import json
import math
import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from pavdm_cli.cli.app import app
from pavdm_cli.media.writer import VideoWriter
from pavdm_cli.models.library import DEFAULT, PIXELS_PER_LATENT, config, find, vae_hash
from pavdm_cli.runs.latents import head, record
from pavdm_cli.runs.settings import Settings, stored

README = Path(__file__).parents[1] / "README.md"
TEXT = README.read_text()
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for block in re.findall(r"```\n(.*?)```", TEXT, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("pavdm ")
]


def test_it_has_commands() -> None:
    assert len(COMMANDS) >= 4


PLANNED = ("generate", "extend", "redo")


def film(path: Path) -> None:
    """Write ten seconds of black that pass for a film of the packaged model."""
    folder = find(DEFAULT)
    model = config(folder)
    channels = json.loads((folder / f"{model.vae}.config.json").read_text())["channels"]
    shape = (1, channels, model.size[0] // PIXELS_PER_LATENT, model.size[1] // PIXELS_PER_LATENT)
    values = bytes(2 * math.prod(shape))
    settings = Settings(
        prompt="the sea at dawn", seed=1, frames=240, schedule="progressive", guidance=2.5, model=model.name,
        weights="", vae=vae_hash(folder, model), scale=1, quality=18, device="cpu", dtype="fp32", threads=1,
        attention_chunk=None, deterministic=False, torch="", pavdm="", run="",
    )  # fmt: skip
    latents = [head(shape), *(record(k, values) for k in range(60))]
    with VideoWriter(path, model.size, model.fps, tags=stored(settings), attached=lambda: latents) as video:
        for _ in range(10):
            video.write(np.zeros((24, *model.size, 3), np.uint8))


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_command_is_understood(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if "film.mp4" in command and "-o" not in command:
        film(tmp_path / "film.mp4")
    before = sorted(tmp_path.iterdir())
    plan = ["--dry-run"] if command[0] in PLANNED else ["--help"] if command[0] == "resume" else []
    result = CliRunner().invoke(app, [*command, *plan])
    assert result.exit_code == 0, result.output
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.slow
@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0] == "generate"], ids=" ".join)
def test_command_runs(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert len(list(tmp_path.rglob("*.mp4"))) == 1


def test_program_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(program, str(README), "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "0 (1, 4, 128, 128, 3)"
    assert len(lines) == 12


def test_table_is_what_the_model_says() -> None:
    for known in config(find("worlds")).knows:
        assert f"| {known.name} |" in TEXT
        assert f"| {known.prompt} |" in TEXT
