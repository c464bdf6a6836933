"""The program's one door: the commands, and what becomes of an error."""

import errno
import io
import os
import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from pavdm_cli import __version__
from pavdm_cli.cli import models, output, runs, schedules, study, train
from pavdm_cli.cli.analyse import analyse
from pavdm_cli.cli.bench import bench
from pavdm_cli.cli.extend import extend
from pavdm_cli.cli.generate import generate
from pavdm_cli.cli.redo import redo
from pavdm_cli.cli.resume import resume
from pavdm_cli.cli.show import show
from pavdm_cli.errors import PavdmError
from pavdm_cli.whole import Unwritten

app = typer.Typer(
    help="Long videos from a prompt, on one machine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(generate)
app.command()(extend)
app.command()(redo)
app.command()(resume)
app.command()(show)
app.command()(analyse)
app.command()(bench)
app.add_typer(runs.app, name="runs")
app.add_typer(models.app, name="models")
app.add_typer(schedules.app, name="schedules")
app.add_typer(train.app, name="train")
app.add_typer(study.app, name="study")


PROMPTED = ("generate", "extend", "redo")
"""Commands that take a prompt."""


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"pavdm {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def _said(error: TyperException) -> str:
    """Return what is wrong, with the value that could not be read where typer's reader leaves it out."""
    read = getattr(error.__cause__, "errors", None)
    given = f"{read()[0]['input']!r} should be" if callable(read) else "Input should be"
    return error.format_message().replace("Input should be", given)


def main() -> None:
    """Run the command line: an error is one red line and exit code 1, or 2 for words that cannot be read."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a file's name may be no text at all
    try:
        code = app(prog_name="pavdm", standalone_mode=False)
    except PavdmError as error:
        output.error(str(error))
        raise SystemExit(1) from None
    except TyperException as error:
        if wrong := _said(error).rstrip("."):  # else help was asked for by saying nothing
            command = getattr(getattr(error, "ctx", None), "command_path", "pavdm COMMAND")
            if "extra argument" in wrong and command.split()[-1] in PROMPTED:
                wrong += " (a prompt of several words goes in quotes)"
            output.error(f"{wrong}{'' if wrong.endswith('?') else ';'} '{command} -h' says what can be given")
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        if isinstance(error, Unwritten):
            output.error(f"{error.filename}: {error.strerror}; mend that, or write elsewhere")
        elif error.errno == errno.ENOSPC:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left of it has no place
            output.error("where this program writes: no space is left; free some")
        else:
            raise
        raise SystemExit(1) from None
    raise SystemExit(code if isinstance(code, int) else 0)
