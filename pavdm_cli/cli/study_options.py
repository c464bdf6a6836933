"""The options of studies, each with its help."""

from pathlib import Path
from typing import Annotated

import typer

Work = Annotated[Path, typer.Option(help="Where a record of each video goes; a study goes on from there.")]
PageFolder = Annotated[
    Path,
    typer.Option(
        "--output",
        "-o",
        help="Where the page and results.json go, in place of those there, be it a quick one's.",
    ),
]
Quick = Annotated[bool, typer.Option("--quick", help="One prompt a family, once, for 20 seconds.")]
Brief = Annotated[bool, typer.Option("--quick", help="Four prompts, once, for 20 seconds.")]
Against = Annotated[Path | None, typer.Option(help="Another results.json to lay beside.", show_default=False)]
ProbeFolder = Annotated[
    Path | None, typer.Option("--probe", help="A probe's folder.", show_default="the packaged one")
]
Calibrate = Annotated[
    bool, typer.Option("--calibrate", help="Measure first what doses of known damage are noticed.")
]
Prompts = Annotated[int | None, typer.Option(help="So many of the prompts. Default: 24.", show_default=False)]
VideoSeconds = Annotated[int | None, typer.Option("--seconds", help="Length of each video. Default: 60.")]
Seeds = Annotated[int | None, typer.Option(help="Videos of each prompt. Default: 4.", show_default=False)]
AtOnce = Annotated[int | None, typer.Option("--batch", help="Videos made at a time. Default: 8.")]
OwnWork = Annotated[
    Path | None,
    typer.Option("--work", help="Where records go.", show_default="outputs/retrieval; of doom: -doom"),
]
OwnPage = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        help="Where the page and results.json go.",
        show_default="docs/studies/ and its name; of doom: -doom",
    ),
]
Trained = Annotated[Path, typer.Option(help="The folder that `pavdm train memory` trained rows in.")]
Renders = Annotated[
    Path,
    typer.Option(help="Where the scorecard's records are: its renders are used, missing ones made there."),
]
Neutral = Annotated[
    Path | None,
    typer.Option(help="A folder of 'pavdm train denoiser --rows neutral': all ways with it, too."),
]
Twins = Annotated[
    list[str] | None,
    typer.Option(
        "--twin", metavar="NAME=FOLDER", help="A denoiser trained otherwise: progressive with it, too."
    ),
]
Only = Annotated[str, typer.Option(help="Variants, or groups of them, with commas between. Default: all.")]
