"""The options of `train`, each with its help; unset ones are None and take the trainer's own value."""

from pathlib import Path
from typing import Annotated

import typer

from pavdm_cli.models.names import DomainName, PresetName

MemoryRows = Annotated[
    str,
    typer.Option(
        "--rows", help="Rows to train, separated by commas; first: the four with the findings; or all."
    ),
]
Domain = Annotated[
    DomainName, typer.Option(help="Where walks are: mazes, or doom (ViZDoom's rooms, of the extra studies).")
]
Preset = Annotated[PresetName, typer.Option(help="small: two cores. large: an accelerator.")]
Folder = Annotated[
    Path, typer.Option(help="Where weights, state and log go; a training begun there goes on.")
]
Minutes = Annotated[float | None, typer.Option(help="Train so long in all.", show_default=False)]
TrainingSteps = Annotated[
    int | None, typer.Option("--steps", help="Train so many steps in all.", show_default=False)
]
Parts = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE=SHARE",
        help="Weights and how much each counts, once without =SHARE: .safetensors, or .state of a training, "
        "whose running average is taken.",
    ),
]
MeanFile = Annotated[Path, typer.Option("--output", "-o", help="Where the mean goes.")]
Start = Annotated[Path | None, typer.Option(help="Weights to begin from.", show_default=False)]
Families = Annotated[
    str, typer.Option(help="Worlds to train on, separated by commas. Default: all.", show_default=False)
]
Batch = Annotated[int | None, typer.Option(help="Clips a step.", show_default="the trainer's")]
Rate = Annotated[float | None, typer.Option(help="Peak learning rate.", show_default="the trainer's")]
Held = Annotated[int | None, typer.Option(help="Clips held in memory.", show_default="the trainer's")]
Renew = Annotated[int | None, typer.Option(help="Clips renewed at a time.", show_default="the trainer's")]
TrainingSeed = Annotated[
    int | None, typer.Option("--seed", help="Seed of clips and order.", show_default="the trainer's")
]
Warmup = Annotated[int, typer.Option(help="Steps in which the learning rate rises.")]
Cooldown = Annotated[float, typer.Option(help="Share of the budget in which it falls to zero.")]
DecoderOnly = Annotated[
    bool, typer.Option("--decoder-only", help="Leave the encoder, and so every latent, as it is.")
]
Latents = Annotated[int | None, typer.Option(help="Latents a step.", show_default="the trainer's")]
Clip = Annotated[int | None, typer.Option(help="Latents of a clip.", show_default="the trainer's")]
Stills = Annotated[
    int | None, typer.Option(help="Short clips held for single images.", show_default="the trainer's")
]
Images = Annotated[
    float | None, typer.Option(help="Share of the time for single images.", show_default="the trainer's")
]
Rows = Annotated[
    str | None,
    typer.Option(
        help="Whose rows are learned: schedule (the sampler's), images or half-images (those, "
        "mostly or half of them single images), on-grid (its own moments alone), steady (no short "
        "windows) or neutral (no schedule's).",
        show_default="schedule",
    ),
]
OwnFrom = Annotated[
    float | None,
    typer.Option(
        help="Share of the time before its own errors are trained on.", show_default="the trainer's"
    ),
]
