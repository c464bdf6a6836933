"""Where runs live on disk: a folder each, with what was asked for, its journals, and a lock.

run.json is there before anything is loaded. machine.json and past.json follow when the model is there; the
journal of each group of videos has a folder of its own, 0, 1, ... Imports no torch.
"""

import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import platformdirs
from filelock import FileLock, Timeout

from pavdm_cli.errors import ConfigError, RunError
from pavdm_cli.media.writer import partial_of
from pavdm_cli.models.config import read, write
from pavdm_cli.runs.latents import LatentLog
from pavdm_cli.runs.order import Asked

BEGINNING = 10.0
"""Seconds that a run waits for others that begin at the same moment."""
GLANCE = 1.0
"""Seconds that a run waits for those that only look how it stands."""
KEPT = 1 << 30
"""Bytes of finished runs that are kept; beyond it the oldest are removed."""


@dataclass(frozen=True)
class Run:
    """One run's folder."""

    folder: Path

    @property
    def name(self) -> str:
        return self.folder.name

    def asked(self) -> Asked:
        """Return what was asked for.

        Raises:
            RunError: its record is missing or damaged.
        """
        try:
            return read(Asked, self.folder / "run.json")
        except ConfigError as error:
            raise RunError(
                f"run {self.name}: its record is damaged ({error}); remove it: pavdm runs clean {self.name}"
            ) from error

    @property
    def finished(self) -> bool:
        """Whether all its videos are made."""
        return (self.folder / "finished").exists()

    @property
    def status(self) -> Literal["finished", "running", "stopped"]:
        """How it stands: made, being worked on by a process that lives, or neither."""
        if self.finished:
            return "finished"
        try:
            with self.locked():
                return "stopped"
        except RunError:
            return "running"

    @property
    def begun(self) -> bool:
        """Whether one of its films grows already, be it by the old frames that it begins with."""
        since = (self.folder / "run.json").stat().st_mtime
        grown = [partial_of(video.path) for video in self.asked().videos]
        return any(path.exists() and path.stat().st_mtime >= since for path in grown)

    @contextmanager
    def locked(self, seconds: float = 0.0) -> Iterator[None]:
        """Hold the run for this process, waiting so long for it; the lock of a process that died is free.

        Raises:
            RunError: another process holds it.
        """
        busy = f"run {self.name} is being worked on by another process; wait for it, or stop that one first"
        with _held(self.folder / "lock", busy, seconds):
            yield

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold the run, and with it the files it writes.

        Raises:
            RunError: another process holds it, or is writing one of its files.
        """
        root = self.folder.parent
        busy = f"another process has been beginning a run in {root} for {BEGINNING:g} s; stop that one first"
        with ExitStack() as held:
            with _held(root / "lock", busy, BEGINNING):  # two that begin at once look after each other
                held.enter_context(self.locked(GLANCE))
                self._check_files()
            yield

    def _check_files(self) -> None:
        """Raise RunError where another run is writing one of this one's files."""
        own = self._growing()
        for other in all_runs(self.folder.parent):
            shared = own.keys() & other._growing().keys() if other.name != self.name else ()
            if shared and other.status == "running":
                raise RunError(
                    f"{own[min(shared)]} is being written by run {other.name}; wait for it, or stop "
                    "it; a new run can take another name with --output"
                )

    def _growing(self) -> dict[str, Path]:
        """Return its files by where they grow, however they are spelled; none where its record is damaged."""
        with suppress(RunError):
            return {os.path.realpath(partial_of(video.path)): video.path for video in self.asked().videos}
        return {}

    def record(self, name: str, config: object) -> None:
        """Write a dataclass as JSON into the run's folder.

        Raises:
            RunError: the disk is full or fails.
        """
        try:
            write(config, self.folder / name)
        except OSError as error:
            raise _failed(self.folder / name, error) from error

    def latents(self) -> int:
        """Return how many latents of its videos are made, groups added up, without checking them."""
        return sum(LatentLog.entries(path) for path in self.folder.glob("*/latents"))

    def size(self) -> int:
        """Return its bytes on disk."""
        return sum(_size(path) for path in self.folder.rglob("*"))

    def finish(self) -> None:
        """Mark the run as made."""
        try:
            (self.folder / "finished").touch()
        except OSError as error:
            raise _failed(self.folder, error) from error

    def remove(self) -> None:
        """Remove the run's folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def _held(path: Path, busy: str, seconds: float = 0.0) -> Iterator[None]:
    """Hold a lock, waiting so long for it.

    Raises:
        RunError: another process holds it all that time, as `busy` says, or it cannot be made.
    """
    lock = FileLock(path)
    try:
        lock.acquire(timeout=seconds)
    except Timeout:
        raise RunError(busy) from None
    except OSError as error:
        raise _failed(path.parent, error) from error
    try:
        yield
    finally:
        lock.release()


def place(asked: Path | None) -> Path:
    """Return the folder of runs: the one asked for, or the platform's place for this program's data."""
    return asked if asked is not None else platformdirs.user_data_path("pavdm", appauthor=False) / "runs"


def create(root: Path, asked: Asked, slug: str) -> Run:
    """Make the folder of a new run, named by time and `slug`, with its record in it.

    Paths in the record are absolute, so that the run can go on from another folder.

    Raises:
        RunError: the folder cannot be written.
    """
    stem, number = f"{time.strftime('%Y%m%d-%H%M%S')}-{slug}", 1
    while True:
        folder = root / (stem if number == 1 else f"{stem}-{number}")
        try:
            folder.mkdir(parents=True)
            break
        except FileExistsError:
            number += 1
        except OSError as error:
            raise _failed(folder, error) from error
    try:
        write(_absolute(asked), folder / "run.json")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise _failed(folder, error) from error
    return Run(folder)


def all_runs(root: Path) -> list[Run]:
    """Return every run, the oldest first."""
    found = []
    for path in root.glob("*/run.json"):
        with suppress(FileNotFoundError):  # another process may remove it just now
            found.append((path.stat().st_mtime_ns, path.parent))
    return [Run(folder) for _, folder in sorted(found)]


def find(root: Path, name: str) -> Run:
    """Return the run of that name.

    Raises:
        RunError: there is none.
    """
    run = Run(root / name)
    if name != Path(name).name or not (run.folder / "run.json").is_file():
        raise RunError(f"run {name!r}: not in {root}; 'pavdm runs list' shows what is there")
    return run


def last_stopped(root: Path) -> Run:
    """Return the newest run that was stopped before its end.

    Raises:
        RunError: there is none.
    """
    running = []
    for run in reversed(all_runs(root)):
        status = run.status
        if status == "stopped":
            return run
        running += [run.name] if status == "running" else []
    more = f"; {running[0]} is being worked on by another process" if running else ""
    raise RunError(f"no run in {root} was stopped before its end{more}; 'pavdm runs list' shows all")


def prune(root: Path, most: int = KEPT) -> None:
    """Remove the oldest finished runs until the finished ones together take at most so many bytes."""
    finished = [run for run in all_runs(root) if run.finished]
    total = sum(run.size() for run in finished)
    for run in finished:
        if total <= most:
            return
        total -= run.size()
        run.remove()


def _size(path: Path) -> int:
    """Return a file's bytes; none of a folder, or of a file that is gone by now."""
    with suppress(FileNotFoundError):
        return path.stat().st_size if path.is_file() else 0
    return 0


def _absolute(asked: Asked) -> Asked:
    videos = tuple(replace(video, path=video.path.absolute()) for video in asked.videos)
    source = asked.source and replace(asked.source, path=asked.source.path.absolute())
    return replace(asked, folder=asked.folder.absolute(), videos=videos, source=source)


def _failed(path: Path, error: OSError) -> RunError:
    if error.errno == errno.ENOSPC:
        return RunError(f"{path}: the disk is full; free some space, or choose another place with --run-dir")
    return RunError(f"{path}: {error.strerror}; choose another place with --run-dir")
