"""What models there are, told to people and to programs."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pavdm_cli.cli.app import app
from pavdm_cli.errors import CheckpointError, ConfigError
from pavdm_cli.models import library

runner = CliRunner()


def test_list(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "packaged", lambda: tiny_model.parent)
    result = runner.invoke(app, ["models", "list"])
    assert result.exit_code == 0
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["name", "size", "fps", "knows", "about"],
        ["tiny", "32x32", "8", "2", "noise,", "quickly"],
        [],
        ["pavdm", "models", "show", "NAME", "tells", "what", "it", "knows"],
    ]


def test_list_as_json(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "packaged", lambda: tiny_model.parent)
    result = runner.invoke(app, ["models", "list", "--json"])
    assert json.loads(result.stdout) == {
        "models": [
            {"name": "tiny", "about": "noise, quickly", "size": [32, 32], "fps": 8, "knows": ["balls", "sea"]}
        ]
    }


def test_none_there_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "packaged", lambda: tmp_path)
    assert runner.invoke(app, ["models", "list"]).stdout.startswith("no model in ")


def test_show(tiny_model: Path) -> None:
    result = runner.invoke(app, ["models", "show", str(tiny_model)])
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:2] == [
        "model   tiny: noise, quickly",
        "makes   32x32 pixels, 8 frames a second, of any length",
    ]
    assert "balls  balls that bounce  a red ball" in result.stdout
    known = json.loads(runner.invoke(app, ["models", "show", str(tiny_model), "--json"]).stdout)
    assert known["knows"][1] == {"name": "sea", "shows": "waves", "prompt": "the sea at night"}


def test_show_what_is_not_there(tmp_path: Path) -> None:
    assert isinstance(runner.invoke(app, ["models", "show", str(tmp_path)]).exception, CheckpointError)


def test_an_unknown_key_is_named(tiny_model: Path) -> None:
    path = tiny_model / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"colour": "red"}))
    error = runner.invoke(app, ["models", "show", str(tiny_model)]).exception
    assert isinstance(error, ConfigError) and "unknown key colour" in str(error)
