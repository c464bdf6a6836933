"""pavdm runs: what was begun, what can be gone on with, and what it takes on the disk."""

import typer

from pavdm_cli.cli import options
from pavdm_cli.cli.output import Output
from pavdm_cli.errors import RunError
from pavdm_cli.runs import store
from pavdm_cli.runs.order import Asked
from pavdm_cli.runs.store import Run

app = typer.Typer(
    help="Runs on disk: to be gone on with, and the latents of finished ones.", no_args_is_help=True
)

COLUMNS = ("name", "status", "frames", "latents", "megabytes", "seed", "video")
"""Of the list; a name begins with the day and time it was begun. frames: asked for of each video."""


@app.command("list")
def list_runs(run_dir: options.RunDir = None, as_json: options.Json = False) -> None:
    """List every run, the oldest first: when it was begun, how far it is, its first video."""
    out, root = Output(as_json=as_json), store.place(run_dir)
    runs = store.all_runs(root)
    if as_json:
        out.data({"folder": str(root), "runs": [_facts(run) for run in runs]})
        return
    table = [COLUMNS, *(tuple(_cell(facts[key]) for key in COLUMNS) for facts in map(_facts, runs))]
    wide = [max(map(len, column)) for column in zip(*table, strict=True)]
    for row in table if runs else []:
        out.plain("  ".join(text.ljust(width) for text, width in zip(row, wide, strict=True)).rstrip())
    kept = store.KEPT / 2**30
    out.plain(f"{len(runs)} in {root}; of finished ones, the newest {kept:g} GiB are kept")


@app.command()
def show(run: options.RunName = None, run_dir: options.RunDir = None, as_json: options.Json = False) -> None:
    """Show one run: what was asked for, and how it stands. Default: the newest that was stopped."""
    out, root = Output(as_json=as_json), store.place(run_dir)
    found = store.last_stopped(root) if run is None else store.find(root, run)
    asked, facts = found.asked(), _facts(found)
    if as_json:
        out.data({**facts, "videos": [_video(asked, i) for i in range(len(asked.videos))]})
        return
    out.line("run", f"{found.name}, {facts['status']}, {facts['latents']} latents, {facts['megabytes']} MB")
    for video in asked.videos:
        out.line("video", f"{video.path}: {video.prompt!r}, seed {video.seed}")
    for cue in asked.cues:
        out.line("", f"from {cue.at:g} s: {cue.text}")
    if asked.source:
        out.line("from", str(asked.source.path))
    if facts["status"] == "stopped":
        out.line("next", f"pavdm resume {found.name}")


@app.command()
def clean(
    names: options.Names = None, everything: options.All = False, run_dir: options.RunDir = None
) -> None:
    """Remove finished runs; their videos stay. With names, those runs."""
    out, root = Output(), store.place(run_dir)
    chosen = [store.find(root, name) for name in names] if names else store.all_runs(root)
    freed = 0
    for run in chosen:
        status = run.status
        if status == "running" and names:
            raise RunError(f"run {run.name} is being worked on by another process; stop that one first")
        if status == "finished" or (status == "stopped" and (everything or names)):
            freed += run.size()
            run.remove()
            out.line("removed", run.name)
    out.plain(f"{freed / 1e6:.1f} MB freed")


def _facts(run: Run) -> dict[str, object]:
    """Return what a list says of a run; a damaged record is said in its place."""
    try:
        asked = run.asked()
        first, seed, frames = str(asked.videos[0].path), asked.videos[0].seed, asked.frames
    except RunError:
        first, seed, frames = "its record is damaged", None, None
    size = round(run.size() / 1e6, 1)
    return {
        "name": run.name,
        "status": run.status,
        "frames": frames,
        "latents": run.latents(),
        "megabytes": size,
        "seed": seed,
        "video": first,
    }


def _cell(found: object) -> str:
    return "" if found is None else str(found)


def _video(asked: Asked, number: int) -> dict[str, object]:
    video = asked.videos[number]
    return {"prompt": video.prompt, "seed": video.seed, "path": str(video.path)}
