"""What `generate` takes for models that walk: actions in place of a prompt, and the length they lead to."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from pavdm_cli.cli.options import BASIC
from pavdm_cli.errors import ConfigError, why_unread
from pavdm_cli.models import ways
from pavdm_cli.models.card import ModelConfig
from pavdm_cli.models.library import WalkConfig
from pavdm_cli.runs.order import Order

Actions = Annotated[
    str | None,
    typer.Option(
        metavar="ACTIONS|FILE",
        help="For a model that walks, instead of a prompt: 'forward*20 left*9', or a file of such.",
        show_default=False,
        rich_help_panel=BASIC,
    ),
]
SHOWN = 60
"""Characters of a prompt that an error shows."""


def read(text: str | None, prompt: str | None, file: Path | None) -> str | None:
    """Return the prompt that was given, as words or as actions; these may be written in a file.

    Raises:
        ConfigError: both were given, there is no action, or the file cannot be read.
    """
    if text is None:
        return prompt
    if prompt is not None or file is not None:
        raise ConfigError("--actions and a prompt were given; give one of them")
    if os.path.isfile(text):
        if _actions(text):
            raise ConfigError(f"--actions {text}: an action and a file's name; write ./{text} for the file")
        try:
            text = Path(text).read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(
                f"--actions {text}: cannot be read ({why_unread(error)}); give a text file"
            ) from error
    elif Path(text).suffix and not _actions(text):
        raise ConfigError(f"--actions {text}: no such file, and no actions; write for example 'left*9'")
    if not text.strip():
        raise ConfigError("--actions: there is none; write for example 'forward*20 left*9'")
    return " ".join(text.split())


def _actions(text: str) -> bool:
    """Tell whether a text is written in actions alone, be they too many."""
    words = text.split()
    return bool(words) and all(word.partition("*")[0] in ways.ACTIONS for word in words)


def check(text: str | None, model: ModelConfig) -> None:
    """Raise ConfigError where --actions was given to a model that reads words."""
    if text is not None and not isinstance(model, WalkConfig):
        raise ConfigError(f"--actions: {model.name} reads words; give a prompt, or --model maze with them")


def check_words(order: Order) -> None:
    """Raise ConfigError where what a model of words is to show is written in actions."""
    if isinstance(order.model, WalkConfig):
        return
    texts = (*(video.prompt for video in order.videos), *(cue.text for cue in order.cues))
    for text in filter(_actions, texts):
        raise ConfigError(
            f"prompt {text[:SHOWN]!r}: actions, and {order.model.name} reads words; say what is to be seen, "
            "or give --model maze"
        )


def length(seconds: float | None, count: int | None, model: ModelConfig, wanted: Sequence[str]) -> int:
    """Return the length of videos in frames, where none is asked for as far as actions lead.

    Raises:
        ConfigError: as `order.frames`, or the actions cannot be read, or lead some farther than others.
    """
    from pavdm_cli.cli.order import frames

    led = {model.led(prompt) for prompt in wanted}
    most = [one for one in led if one is not None]
    if seconds is not None or count is not None or not most:
        return frames(seconds, count, model.fps)
    if len(most) > 1:
        raise ConfigError(
            f"the walks are {min(most)} to {max(most)} frames long, and the videos of a run are of one "
            f"length; give --frames {min(most)}, or make them apart"
        )
    return frames(None, most[0], model.fps)
