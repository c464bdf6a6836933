"""The one door: exit codes, and one red line for what a person can mend."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from pavdm_cli import __main__, __version__, whole
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


@pytest.mark.parametrize(
    ("words", "said"),
    (
        ("generate ball --nonsense", "No such option: --nonsense|generate"),
        (
            "generate ball --seconds soon",
            "Invalid value for '--seconds': 'soon' should be a valid number|generate",
        ),
        (
            "generate a ball",
            "Got unexpected extra argument(s) (ball) (a prompt of several words goes in quotes)|generate",
        ),
        ("generate ball --seed", "Option '--seed' requires an argument|COMMAND"),
        ("resume a b", "Got unexpected extra argument(s) (b);|resume"),
        ("extend", "Missing argument 'file'|extend"),
        ("generte ball", "No such command 'generte'. Did you mean 'generate'?|"),
    ),
)
def test_wrong_usage_is_one_line_and_2(
    words: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *words.split()) == 2
    out, err = capsys.readouterr()
    wrong, _, command = said.partition("|")
    assert out == "" and err.startswith(f"error: {wrong}") and err.count("\n") == 1
    help_ = f"'{' '.join(('pavdm', *command.split()))} -h' says what can be given\n"
    assert err.endswith(f"{'' if wrong[-1] == '?' else ';'} {help_}") and "?;" not in err


@pytest.mark.parametrize("words", ((), ("models",)))
def test_no_command_shows_what_there_is(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, *words) == 2
    out, err = capsys.readouterr()
    assert "Commands" in out and err == ""


def test_a_bug_shows_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(app, "app", broken)
    with pytest.raises(ZeroDivisionError):
        app.main()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no file that is always full")
@pytest.mark.parametrize("more", ((), ("--json",)))
def test_an_output_without_place_is_one_line(more: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pavdm_cli", "schedules", "list", *more],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.decode() == ("error: where this program writes: no space is left; free some\n")


def test_a_file_that_cannot_be_written_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(**_: object) -> None:
        whole.write(tmp_path / "missing" / "state", b"")

    monkeypatch.setattr(app, "app", failing)
    with pytest.raises(SystemExit) as end:
        app.main()
    assert end.value.code == 1
    assert capsys.readouterr().err == (
        f"error: {tmp_path}/missing/state: No such file or directory; mend that, or write elsewhere\n"
    )


def test_an_interruption_while_all_is_loaded_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    class Loading(ModuleType):
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "pavdm_cli.cli.app", Loading("pavdm_cli.cli.app"))
    with pytest.raises(SystemExit) as end:
        __main__.main()
    assert end.value.code == 130


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
