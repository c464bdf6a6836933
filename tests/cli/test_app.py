"""The one door: exit codes, and one red line for what a person can mend."""

import sys

import pytest

from pavdm_cli import __version__
from pavdm_cli.cli import app


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["pavdm", *arguments])
    with pytest.raises(SystemExit) as end:
        app.main()
    assert isinstance(end.value.code, int)
    return end.value.code


def test_version(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "--version") == 0
    assert capsys.readouterr() == (f"pavdm {__version__}\n", "")


def test_an_error_is_one_line_on_stderr(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "generate", "a ball", "--model", "nothing-there") == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: model 'nothing-there': neither a packaged model")
    assert err.endswith("'pavdm models list' shows what is there\n") and err.count("\n") == 1


def test_wrong_usage_is_2(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "generate", "a ball", "--nonsense") == 2
    assert run(monkeypatch, "generate", "a ball", "--seconds", "soon") == 2
    assert "--nonsense" in capsys.readouterr().err


def test_a_bug_shows_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(app, "app", broken)
    with pytest.raises(ZeroDivisionError):
        app.main()


def test_help_shows_first_what_people_use_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "generate", "--help") == 0
    text = capsys.readouterr().out
    places = [
        text.index(title)
        for title in (
            "─ Options",
            "─ Several videos",
            "─ Picture",
            "─ What is said",
            "─ Machine",
            "─ Research",
        )
    ]
    assert places == sorted(places)
    for option in ("--guidance", "--num-frames", "--attention-chunk", "--dry-run", "--schedule"):
        assert option in text
