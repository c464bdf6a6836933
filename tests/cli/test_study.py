"""`study retrieval` and `study errors` from what `train memory` left to their pages."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner
from walkers import hurry, write_trained

from pavdm_cli.cli.app import app
from pavdm_cli.errors import ConfigError
from pavdm_cli.studies import error_terms, retrieval
from pavdm_cli.studies.retrieval import Plan
from pavdm_cli.training import memory


def study(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["study", *map(str, arguments), "--device", "cpu"])
    assert result.exit_code == 0, result.output
    return result.output


def test_retrieval_ends_in_a_page_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    monkeypatch.setattr(retrieval, "QUICK", Plan(clips=1, films=1, batch=3))
    trained, work, page = write_trained(tmp_path, ["channel-16"]), tmp_path / "work", tmp_path / "page"
    arguments = ("retrieval", "--trained", trained, "--work", work, "-o", page, "--quick")
    said = study(*arguments)
    assert "3 clips, rows channel-16" in said and "channel-16: 4 of 4" in said
    assert "right on true views" in said and (page / "index.html").exists()
    (row,) = json.loads((page / "results.json").read_text())
    assert (row["structure"], row["memory"]) == ("channel", 16)
    assert "of 4" not in study(*arguments)  # nothing is done twice


def test_retrieval_in_rooms_says_by_which_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)
    monkeypatch.setattr(retrieval, "QUICK", Plan(clips=1, films=1, batch=3))
    trained, page = write_trained(tmp_path / "trained", ["channel-16"]), tmp_path / "page"
    given = ("--trained", trained, "--work", tmp_path / "work", "-o", page, "--quick", "--domain", "doom")
    result = CliRunner().invoke(app, ["study", "retrieval", *map(str, given)])
    assert isinstance(result.exception, ConfigError) and "holds networks of the domain mazes" in str(
        result.exception
    )
    (trained / "domain.json").write_text('{"domain": "doom"}')
    (trained / "judge.safetensors").unlink()
    said = study("retrieval", *given)
    assert "channel-16: 4 of 4" in said and "a step off" in said and "of looks drawn anew" in said
    text = (page / "index.html").read_text()
    assert "ViZDoom" in text and "nearer to the true place than to 9 others" in text
    assert "my_way_home" in json.loads((page / "figures.json").read_text())["places"]


def test_errors_ends_in_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retrieval, "ROLLED", 32)
    monkeypatch.setattr(error_terms, "MANY", 6)
    monkeypatch.setattr(error_terms, "CALLS", (3,))
    kept = ("whole windows, 6 calls", "rolling, 16 calls")
    monkeypatch.setattr(error_terms, "SCHEDULES", {name: error_terms.SCHEDULES[name] for name in kept})
    trained, page = write_trained(tmp_path, ["prepend-16", "prepend-112"]), tmp_path / "page"
    result = CliRunner().invoke(app, ["study", "errors", "--trained", str(trained), "-o", str(page)])
    assert "prepend-16 is not trained to its end" in str(result.exception) and not page.exists()
    monkeypatch.setattr(memory, "finished", lambda folder: True)
    said = study("errors", "--trained", trained, "-o", page, "--films", 2)
    assert "between score errors and roll-outs" in said
    found = json.loads((page / "results.json").read_text())
    assert set(found["scores"]) == set(found["rolled"]) == set(kept) and found["films"] == 2
    assert "on 2 films, 32 frames after 112 true ones" in (page / "index.html").read_text()
    result = CliRunner().invoke(app, ["study", "errors", "--trained", str(trained), "--films", "1"])
    assert isinstance(result.exception, ConfigError) and "--films 1: must be at least 2" in str(
        result.exception
    )
