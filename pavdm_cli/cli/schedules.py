"""pavdm schedules: the ways of rolling a long video, what each costs, and how it looks. Imports no torch."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from pavdm_cli.cli import options
from pavdm_cli.cli.output import Output, check_side_file
from pavdm_cli.models import library
from pavdm_cli.models.card import ModelConfig
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.schedule import Ramp, Step

SECONDS = 10
ROWS = 80  # calls drawn in a terminal
COLUMNS = 100  # latents

ScheduleName = Annotated[
    str, typer.Argument(metavar="NAME[:key=value,...]", help="A name from 'pavdm schedules list'.")
]
Picture = Annotated[
    Path | None, typer.Option("--png", help="Write the picture of its levels here.", show_default=False)
]

Names = Annotated[bool, typer.Option("--json", help="Print their names as a JSON list.")]

app = typer.Typer(help="Ways of rolling a long video, what they cost, how they look.", no_args_is_help=True)


@app.command("list")
def list_schedules(as_json: Names = False) -> None:
    """List the schedules, with what ten seconds of the packaged model cost."""
    out = Output(as_json=as_json)
    if as_json:
        out.data(list(schedule.SCHEDULES))
        return
    model = library.config(library.find(library.DEFAULT))
    table = Table(box=None, pad_edge=False, header_style="bold cyan")
    for title in ("name", "calls", "cost", "delay", "span", "about"):
        table.add_column(title)
    for name, known in schedule.SCHEDULES.items():
        _, ramp = schedule.parse(name, model.sampling)
        table.add_row(name, *_figures(name, ramp, model), known.about)
    out.talk.print(table)
    out.plain(
        f"\n{SECONDS} seconds of {model.name}. calls: of the model. cost: latents shown for a second."
        "\ndelay: calls until the first frame. span: latents in the widest call."
    )
    out.plain("pavdm schedules show NAME draws one; pavdm generate --schedule NAME[:key=value,...] uses it")


@app.command()
def show(
    name: ScheduleName,
    model: options.Shapes = library.DEFAULT,
    png: Picture = None,
    as_json: options.Json = False,
) -> None:
    """Show a schedule: what ten seconds cost, its levels, a row a call, and its settings."""
    out = Output(as_json=as_json)
    check_side_file("--png", png, (".png",))
    config = library.config(library.find(model))
    known, ramp = schedule.parse(name, config.sampling)
    steps = list(schedule.make(known, _latents(config), ramp))
    if png is not None:
        from pavdm_cli.cli import levels
        from pavdm_cli.media.sheet import save_png

        save_png(png, levels.drawn(steps, schedule.spelled(known, ramp)))
    if as_json:
        keys = ("latents", "positions", "level", "next")
        out.data({"name": known, "steps": [{key: asdict(step)[key] for key in keys} for step in steps]})
        return
    size = schedule.size(known, _latents(config), ramp)
    out.line("name", f"{known}: {schedule.find(known).about}")
    out.line("keys", schedule.spelled(known, ramp).partition(":")[2].replace(",", ", "))
    out.line("work", f"{_latents(config)} latents in {SECONDS} s of {config.name}; {size.calls} model calls")
    out.line("cost", f"{size.evaluations / SECONDS:.0f} latents shown for a second of video")
    out.line(
        "delay", f"first frame after {size.first_calls} calls that show {size.first_evaluations} latents"
    )
    out.line("span", f"{size.span} latents in the widest call")
    _draw(out, steps)
    out.plain("")
    for key in schedule.find(known).keys:
        out.plain(f"{key:<15}{schedule.MEANINGS[key]}")
    if png is not None:
        out.line("picture", str(png))


def _draw(out: Output, steps: list[Step]) -> None:
    """Draw the levels in colours, two calls a line, or without colours in digits."""
    from pavdm_cli.cli import levels

    coloured = out.talk.color_system is not None
    rows = steps[: ROWS if coloured else ROWS // 2]
    rest = f"; the first {len(rows)} of {len(steps)}" if len(steps) > len(rows) else ""
    if coloured:
        cells = levels.picture(rows, levels.DARK)[: len(rows) // 2 * 2, :COLUMNS]
        drawing, words = levels.half_blocks(cells), "yellow is clean, purple noise, green only shown"
    else:
        drawing, words = levels.digits(rows, COLUMNS), "0 is clean, 9 noise, a point clean and only shown"
    out.talk.print()
    out.talk.print(drawing, soft_wrap=True)
    out.plain(f"down: model calls{rest}; across: latents; {words}")


def _figures(name: str, ramp: Ramp, model: ModelConfig) -> tuple[str, ...]:
    size = schedule.size(name, _latents(model), ramp)
    return (str(size.calls), f"{size.evaluations / SECONDS:.0f}", str(size.first_calls), str(size.span))


def _latents(model: ModelConfig) -> int:
    return model.timing.latents(SECONDS * model.fps)
