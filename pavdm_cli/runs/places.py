"""What stands where a run's films are to go."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from pavdm_cli.errors import RunError, VideoError
from pavdm_cli.media import reader
from pavdm_cli.runs import settings as texts
from pavdm_cli.runs.settings import Settings
from pavdm_cli.runs.store import Run


def check(run: Run, paths: Sequence[Path], settings: Sequence[Settings]) -> None:
    """Raise RunError if a film has come to where one of this run's is to go, since it was begun; not if it is
    that very film, of a group that was not finished."""
    begun = (run.folder / "run.json").stat().st_mtime
    for path, own in zip(paths, settings, strict=True):
        if path.exists() and _came(path) > begun and not holds(path, own):
            raise RunError(f"{path} is newer than run {run.name}, which would overwrite it; move it away")


def _came(path: Path) -> float:
    """Return when a file was last written, or moved to where it is."""
    found = path.stat()
    return max(found.st_mtime, found.st_ctime)


def holds(path: Path, settings: Settings) -> bool:
    """Say whether a file is the finished film of these settings, which name its run."""
    with suppress(VideoError):
        return path.is_file() and texts.read(reader.tags(path)) == settings
    return False
