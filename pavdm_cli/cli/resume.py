"""pavdm resume: go on with a run that was stopped."""

from dataclasses import replace
from pathlib import Path

from pavdm_cli.cli import options
from pavdm_cli.cli.output import Output
from pavdm_cli.errors import RunError
from pavdm_cli.models import library
from pavdm_cli.runs.store import Run


def resume(
    run: options.RunName = None,
    run_dir: options.RunDir = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
    stats: options.Stats = False,
) -> None:
    """Go on with a run that was stopped or killed; its video becomes what it would have been."""
    from pavdm_cli.cli import report, work
    from pavdm_cli.runs import store
    from pavdm_cli.runs.order import order

    root = store.place(run_dir)
    found = store.last_stopped(root) if run is None else store.find(root, run)
    if found.finished:
        raise RunError(f"run {found.name} is finished already; its videos: {_files(found)}")
    out = Output(quiet=quiet, as_json=as_json)
    asked = found.asked()
    near = tuple(replace(video, path=_near(video.path)) for video in asked.videos)
    again = order(replace(asked, videos=near), library.config(library.find(str(asked.folder))))
    out.line("run", f"{found.name}, {found.latents()} latents made")
    report.beginning(out, again)
    work.carry_out(out, again, found, stats=stats)


def _files(run: Run) -> str:
    return ", ".join(str(_near(video.path)) for video in run.asked().videos)


def _near(path: Path) -> Path:
    """Return a path from the folder one is in, if it lies there."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path
