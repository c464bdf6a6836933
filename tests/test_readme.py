"""Every command and program in the README runs."""

import re
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pavdm_cli.cli.app import app

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


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_command_is_understood(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    plan = ["--dry-run"] if command[0] == "generate" else []
    result = CliRunner().invoke(app, [*command, *plan])
    assert result.exit_code == 0, result.output
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("command", [c for c in COMMANDS if c[0] == "generate"], ids=" ".join)
def test_command_runs(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert len(list(tmp_path.glob("outputs/*.mp4"))) == 1


def test_program_runs(capsys: pytest.CaptureFixture[str]) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    exec(compile(program, str(README), "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "0 (1, 4, 128, 128, 3)"
    assert len(lines) == 12


def test_table_is_what_the_model_says() -> None:
    from pavdm_cli.models.library import config, find

    for known in config(find("worlds")).knows:
        assert f"| {known.name} |" in TEXT
        assert f"| {known.prompt} |" in TEXT
