"""What models there are, told to people and to programs."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pavdm_cli.cli.app import app
from pavdm_cli.errors import CheckpointError, ConfigError
from pavdm_cli.models import hub, library
from pavdm_cli.models.config import write

runner = CliRunner()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(hub, "place", lambda: tmp_path / "cache")
    return tmp_path / "cache"


def test_list(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "packaged", lambda: tiny_model.parent)
    result = runner.invoke(app, ["models", "list"])
    assert result.exit_code == 0
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[:2] == [["name", "state", "about"], ["tiny", "packaged", "noise,", "quickly"]]
    assert [line[:3] for line in lines[2:-2]] == [[name, "to", "pull"] for name in hub.KNOWN]
    assert lines[-1][:4] == ["pavdm", "models", "show", "NAME"]


def test_list_as_json(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "packaged", lambda: tiny_model.parent)
    found = json.loads(runner.invoke(app, ["models", "list", "--json"]).stdout)["models"]
    facts = {"about": "noise, quickly", "size": [32, 32], "fps": 8, "knows": ["balls", "sea"]}
    assert found[0] == {"name": "tiny", "state": "packaged", **facts}
    assert {one["name"]: one["state"] for one in found[1:]} == dict.fromkeys(hub.KNOWN, "to pull")


def test_what_is_downloaded_is_told(cache: Path) -> None:
    """One that is known by name, whole, and another of the hub, in part."""
    for name, repo in (("ltx-video-2b", "Lightricks/LTX-Video"), ("a--b", "a/b")):
        (cache / name).mkdir(parents=True)
        files = (hub.Entry("x.json", 2, "0" * 40),)
        write(hub.Manifest(repo, "main", files), cache / name / hub.MANIFEST)
    (cache / "ltx-video-2b" / "x.json").write_text("{}")
    found = json.loads(runner.invoke(app, ["models", "list", "--json"]).stdout)["models"]
    states = {one["name"]: one["state"] for one in found}
    assert states["ltx-video-2b"] == "0.0 GiB" and states["a/b"] == "1 files to pull of 0.0 GiB"


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
