"""pavdm models: what is there, and what each knows. Imports no torch."""

from dataclasses import asdict

import typer
from rich.table import Table

from pavdm_cli.cli.options import Json, Name
from pavdm_cli.cli.output import Output
from pavdm_cli.models import library
from pavdm_cli.models.card import ModelConfig

app = typer.Typer(help="What models there are, and what they know.", no_args_is_help=True)


@app.command("list")
def list_models(as_json: Json = False) -> None:
    """List the packaged models."""
    out = Output(as_json=as_json)
    found = {name: library.config(library.find(name)) for name in library.names()}
    if as_json:
        out.data({"models": [{"name": name, **_facts(model)} for name, model in found.items()]})
        return
    if not found:
        out.plain(f"no model in {library.packaged()}; reinstall pavdm, or train one: pavdm train --help")
        return
    table = Table(box=None, pad_edge=False, header_style="bold cyan")
    for title in ("name", "size", "fps", "knows", "about"):
        table.add_column(title)
    for name, model in found.items():
        table.add_row(name, _size(model), str(model.fps), str(len(model.knows)), model.about)
    out.talk.print(table)
    out.plain("\npavdm models show NAME tells what it knows")


@app.command()
def show(name: Name = library.DEFAULT, as_json: Json = False) -> None:
    """Show what a model knows, with a prompt for each."""
    out = Output(as_json=as_json)
    model = library.config(library.find(name))
    if as_json:
        out.data(asdict(model))
        return
    out.line("model", f"{model.name}: {model.about}")
    out.line("makes", f"{_size(model)} pixels, {model.fps} frames a second, of any length")
    table = Table(box=None, pad_edge=False, header_style="bold cyan")
    for title in ("knows", "it shows", "a prompt for it"):
        table.add_column(title)
    for known in model.knows:
        table.add_row(known.name, known.shows, known.prompt)
    out.talk.print()
    out.talk.print(table)


def _facts(model: ModelConfig) -> dict[str, object]:
    knows = [known.name for known in model.knows]
    return {"about": model.about, "size": list(model.size), "fps": model.fps, "knows": knows}


def _size(model: ModelConfig) -> str:
    return f"{model.size[1]}x{model.size[0]}"
