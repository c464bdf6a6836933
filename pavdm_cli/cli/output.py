"""Where words go: people's on stdout, or on stderr beside JSON; errors and remarks always on stderr."""

import json
from contextlib import suppress
from pathlib import Path

from rich.console import Console
from rich.text import Text

from pavdm_cli.errors import ConfigError


class Output:
    """One command's way to speak. talk: the console for everything a person reads while it runs."""

    def __init__(self, *, quiet: bool = False, as_json: bool = False) -> None:
        self.quiet, self.as_json = quiet, as_json
        self.talk = Console(stderr=as_json, quiet=quiet and not as_json, highlight=False)

    def line(self, name: str, text: str) -> None:
        """Say one fact: its name in a column of its own, then the text, on one line however long."""
        self.talk.print(Text.assemble((f"{name:<7} ", "bold cyan"), text), soft_wrap=True)

    def plain(self, text: str) -> None:
        """Say one line as it is."""
        self.talk.print(Text(text), soft_wrap=True)

    def remark(self, text: str) -> None:
        """Say what a person should know although all goes on, on stderr."""
        Console(stderr=True, highlight=False).print(Text(text, "yellow"), soft_wrap=True)

    def result(self, text: str) -> None:
        """Print one line of the answer itself to stdout."""
        Console(highlight=False).print(Text(text), soft_wrap=True)

    def data(self, found: object) -> None:
        """Print the answer as one JSON object on stdout."""
        print(json.dumps(found, indent=2, ensure_ascii=False), flush=True)  # a full disk is found out here


def error(text: str) -> None:
    """Print a failure on stderr: one red line."""
    Console(stderr=True, highlight=False).print(
        Text(f"error: {' '.join(text.split())}", "red"), soft_wrap=True
    )


def check_side_file(option: str, path: Path | None, endings: tuple[str, ...]) -> None:
    """Raise ConfigError if a file that an option names is of another kind, or cannot be there."""
    if path is None:
        return
    if path.suffix.lower() not in endings:
        raise ConfigError(f"{option} {path}: give it a name that ends in {' or '.join(endings)}")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise ConfigError(f"{option} {path}: there is no folder {folder}; make it first")
    if path.is_dir():
        raise ConfigError(f"{option} {path}: is a folder; name a file")


def finished(path: Path) -> None:
    """Say on stderr that a video was finished before the interruption."""
    _noted(f"finished: {path}")


def stopped(partial: Path, frames: int, fps: int) -> None:
    """Say on stderr what an interruption left."""
    left = f"{partial} plays: {frames} frames, {frames / fps:.1f} s" if frames else "no frame was finished"
    _noted(f"stopped: {left}")


def resumable(run: str) -> None:
    """Say on stderr how an interrupted run goes on."""
    _noted(f"pavdm resume {run}  goes on from there")


def _noted(text: str) -> None:
    """Say a line on stderr; a terminal that has gone away is no reason to fail."""
    with suppress(OSError):
        Console(stderr=True, highlight=False).print(Text(text, "yellow"), soft_wrap=True)
