"""pavdm models: what is there, what each knows, and getting and checking more. Imports no torch."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from pavdm_cli.cli.options import Checkpoint, Json, Name
from pavdm_cli.cli.output import Output
from pavdm_cli.errors import CheckpointError
from pavdm_cli.models import hub, library
from pavdm_cli.models.card import ModelConfig, spelled
from pavdm_cli.models.kinds import DiffusersConfig
from pavdm_cli.models.ways import ACTIONS

app = typer.Typer(help="What models there are, what they know, and getting more.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the packaged models, the downloaded ones, and those that can be downloaded by name."""
    out = Output(as_json=as_json)
    found = {name: library.config(library.find(name)) for name in library.names()}
    rows = [{"name": name, "state": "packaged", **_facts(model)} for name, model in found.items()]
    there = {path.name: _state(path) for path in hub.downloaded()}
    rows += [
        {"name": name, "state": there.pop(name, "to pull"), "about": known.about, "licence": known.licence}
        for name, known in hub.KNOWN.items()
    ]
    rows += [
        {"name": hub.manifest(hub.place() / name).repo, "state": state, "about": "from the hub"}
        for name, state in there.items()
    ]
    if as_json:
        out.data({"models": rows})
        return
    if not found:
        out.plain(f"no model in {library.packaged()}; reinstall pavdm, or train one: pavdm train --help")
    table = Table(box=None, pad_edge=False, header_style="bold cyan")
    for title in ("name", "state", "about"):
        table.add_column(title)
    for row in rows:
        table.add_row(str(row["name"]), str(row["state"]), str(row["about"]))
    out.talk.print(table)
    out.plain("\npavdm models show NAME tells what it knows, pavdm models pull NAME gets it")


@app.command()
def show(name: Name = library.DEFAULT, as_json: Json = False) -> None:
    """Show what a model knows, with a prompt for each."""
    out = Output(as_json=as_json)
    if name in hub.KNOWN and not as_json:
        hosted = hub.KNOWN[name]
        out.line("from", f"{hosted.repo} on the hub; {hosted.licence}")
    model = library.config(library.find(name))
    if as_json:
        out.data(_all_facts(model))
        return
    out.line("model", f"{model.name}: {model.about}")
    out.line("makes", f"{spelled(model.size)} pixels, {model.fps} frames a second, of any length")
    if isinstance(model, DiffusersConfig):
        _of_checkpoint(out, model)
        return
    if isinstance(model, library.WalkConfig):
        out.line("reads", f"actions, one a frame: {', '.join(ACTIONS)} (--actions 'forward*20 left*9')")
    table = Table(box=None, pad_edge=False, header_style="bold cyan")
    for title in ("knows", "it shows", "a prompt for it"):
        table.add_column(title)
    for known in model.knows:
        table.add_row(known.name, known.shows, known.prompt)
    out.talk.print()
    out.talk.print(table)


@app.command()
def pull(name: Checkpoint) -> None:
    """Download a checkpoint, or go on with one that is there in part."""
    out = Output()
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(binary_units=True))
    with Progress(*columns, TimeRemainingColumn(), console=out.talk, transient=True) as bar:
        task = bar.add_task("asking the hub", total=None)
        for now in hub.pull(name):
            bar.update(task, description=now.name, completed=now.done, total=now.total)
    path = hub.local(name)
    out.line("model", f"{name}: {_state(path)} in {path}")
    out.line("next", f"pavdm generate 'a lighthouse on a cliff' --model {name} --dry-run")


@app.command()
def verify(name: Checkpoint) -> None:
    """Hold every file of a downloaded checkpoint against the digests it was published with."""
    out, path = Output(), _there(name)
    wrong = []
    for entry, fault in hub.verify(path):
        out.line(fault or "ok", entry.name)
        wrong += [entry.name] if fault else []
    if wrong:
        for file in wrong:
            (path / file).unlink(missing_ok=True)
        raise CheckpointError(
            f"model {name!r}: {len(wrong)} files were missing or damaged; get them again: "
            f"pavdm models pull {name}"
        )


@app.command()
def remove(name: Checkpoint) -> None:
    """Remove a downloaded checkpoint from the disk."""
    out, path = Output(), _there(name)
    hub.remove(path)
    out.line("removed", str(path))


def _there(name: str) -> Path:
    path = hub.local(name)
    if not (path / hub.MANIFEST).is_file():
        raise CheckpointError(f"model {name!r}: not downloaded; 'pavdm models list' shows what is")
    return path


def _state(path: Path) -> str:
    size = f"{hub.manifest(path).size / 2**30:.1f} GiB"
    lacking = len(hub.missing(path))
    return f"{lacking} files to pull of {size}" if lacking else size


def _of_checkpoint(out: Output, model: DiffusersConfig) -> None:
    kind = model.kind
    rates = " or ".join(str(rate) for rate in sorted(kind.rates))
    out.line(
        "--size", f"both sides multiples of {kind.multiple}; {spelled(model.size)} is what it was made for"
    )
    out.line("--fps", rates)
    out.line(
        "takes", f"{model.span} latents in a call, {kind.timing.each} frames each; {kind.max_tokens} tokens"
    )
    if model.warning:
        out.remark(f"experimental: {model.warning}")


def _facts(model: ModelConfig) -> dict[str, object]:
    knows = [known.name for known in model.knows]
    return {"about": model.about, "size": list(model.size), "fps": model.fps, "knows": knows}


def _all_facts(model: ModelConfig) -> dict[str, Any]:
    if not isinstance(model, DiffusersConfig):
        return asdict(model)
    found = asdict(model)
    return found | {"root": str(model.root)}
