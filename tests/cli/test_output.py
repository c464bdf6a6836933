"""Where words go."""

import json

import pytest

from pavdm_cli.cli import output
from pavdm_cli.cli.output import Output


def speak(out: Output) -> None:
    out.line("model", "tiny " + "x" * 200)
    out.plain("[not markup]")
    out.remark("mind this")


SAID = "model   tiny " + "x" * 200 + "\n[not markup]\n"


@pytest.mark.parametrize(
    ("out", "stdout", "stderr"),
    [
        ({}, SAID, "mind this\n"),
        ({"quiet": True}, "", "mind this\n"),
        ({"as_json": True}, "", SAID + "mind this\n"),
        ({"as_json": True, "quiet": True}, "", SAID + "mind this\n"),
    ],
)
def test_words_go_where_they_belong(
    out: dict[str, bool], stdout: str, stderr: str, capsys: pytest.CaptureFixture[str]
) -> None:
    speak(Output(**out))
    assert capsys.readouterr() == (stdout, stderr)


def test_data_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    Output(as_json=True).data({"prompt": "das Meer — nachts", "n": 1})
    out, err = capsys.readouterr()
    assert json.loads(out) == {"prompt": "das Meer — nachts", "n": 1} and err == ""


def test_an_error_is_one_line_however_it_was_written(capsys: pytest.CaptureFixture[str]) -> None:
    output.error("first\n  second " + "x" * 200)
    assert capsys.readouterr() == ("", "error: first second " + "x" * 200 + "\n")
