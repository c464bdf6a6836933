"""What is to be seen when: a prompt, cues that change it at a time, and the cross-fade between them."""

import math
import re
import tomllib
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pavdm_cli.errors import ConfigError, why_unread

BLEND = 1.0  # seconds
SETTLED = 2.0  # seconds after a cue has taken over: as long as the packaged model's window
ALWAYS = (-math.inf, math.inf)  # a walk is told at every step to show something else
CLOCK = re.compile(r"(?:(\d{1,5}):)?(\d{1,7}):(\d{1,9}(?:\.\d{1,9})?)", re.ASCII)
UNITS = re.compile(r"(?:(\d{1,5})h)?(?:(\d{1,7})m)?(?:(\d{1,9}(?:\.\d{1,9})?)s?)?", re.ASCII)


@dataclass(frozen=True)
class Cue:
    """From `at` seconds on, `text` is to be seen."""

    at: float
    text: str

    def __post_init__(self) -> None:
        if not math.isfinite(self.at):
            raise ConfigError(f"a prompt at {self.at} seconds: give a time such as 20s or 1:30")
        if not self.text.strip():
            raise ConfigError(f"the prompt at {self.at:g} s is empty; say what is to be seen from then on")


def weights(cues: tuple[Cue, ...], blend: float, time: float) -> list[float]:
    """Return how much of the prompt and of each cue a moment takes, summing to 1.

    A cue begins at its time and has taken over `blend` seconds later, in equal steps.
    """
    out = [1.0] + [0.0] * len(cues)
    for i, cue in enumerate(cues, 1):
        share = (time - cue.at) / blend if blend else float(time >= cue.at)
        share = min(max(share, 0.0), 1.0)
        out = [(1 - share) * weight for weight in out]
        out[i] += share
    return out


def active(prompt: str, cues: tuple[Cue, ...], time: float) -> str:
    """Return the text that holds at a moment: the prompt, or that of the last cue before or at it."""
    return next((cue.text for cue in reversed(cues) if cue.at <= time), prompt)


def typed(cues: tuple[Cue, ...], blend: float, offset: float = 0.0) -> list[str]:
    """Return the words of a command that give these cues, at times less an offset, with all their digits."""
    times = [f"{cue.at - offset:.9f}".rstrip("0").rstrip(".") for cue in cues]
    words = [word for time, cue in zip(times, cues, strict=True) for word in ("--at", f"{time}s={cue.text}")]
    return [*words, *(["--blend", repr(blend)] if blend else [])]


def turns(cues: tuple[Cue, ...], blend: float, before: float = 0.0) -> list[tuple[float, float]]:
    """Return from when to when each cue changes the picture, in seconds after `before`."""
    return [(cue.at - before, cue.at + blend + SETTLED - before) for cue in cues]


def seconds(text: str, option: str = "") -> float:
    """Read a time, be it of an option: 20s, 20, 1m30s, 1:30 or 1:02:30.

    Raises:
        ConfigError: it is none.
    """
    plain = text.strip()
    found = CLOCK.fullmatch(plain) or UNITS.fullmatch(plain)
    if not found or not plain:
        said = f"{option} {text!r}" if option else repr(text)
        raise ConfigError(f"{said} is no time; write 20s, 1m30s or 1:30")
    hours, minutes, rest = (float(part or 0) for part in found.groups())
    return 3600 * hours + 60 * minutes + rest


def cue(text: str) -> Cue:
    """Read TIME=PROMPT.

    Raises:
        ConfigError: it is not of that form.
    """
    time, equals, prompt = text.partition("=")
    if not equals:
        raise ConfigError(
            f'--at {text!r}: write a time and a prompt, for example --at "20s=the sea at night"'
        )
    return Cue(seconds(time.strip()), prompt.strip())


def ordered(cues: list[Cue]) -> tuple[Cue, ...]:
    """Return cues by time.

    Raises:
        ConfigError: two stand at the same time.
    """
    found = sorted(cues, key=lambda cue: cue.at)
    for one, other in pairwise(found):
        if one.at == other.at:
            raise ConfigError(f"two prompts at {one.at:g} s: {one.text!r} and {other.text!r}; leave one out")
    return tuple(found)


@dataclass(frozen=True)
class Timeline:
    """A timeline file: its prompt, if it has one, its cues, and its blend, if it says."""

    prompt: str | None
    cues: tuple[Cue, ...]
    blend: float | None

    def __post_init__(self) -> None:
        if self.blend is not None and not (math.isfinite(self.blend) and self.blend >= 0):
            raise ConfigError(f"blend {self.blend:g}: must be a number of seconds from 0 on")


def read(path: Path) -> Timeline:
    """Read a timeline from TOML: prompt = "...", blend = 1.0, and any number of [[at]] with time and prompt.

    Raises:
        ConfigError: the file is missing or wrong; it names the line or the key.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"--timeline {path}: cannot be read ({why_unread(error)}); give a text file"
        ) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"--timeline {path}: {error}; correct that line") from error
    try:
        return _timeline(found)
    except ConfigError as error:
        raise ConfigError(f"--timeline {path}: {error}") from None


def _timeline(found: dict[str, object]) -> Timeline:
    _only(found, {"prompt", "blend", "at"}, "")
    entries = found.get("at", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ConfigError("at: write each prompt as a section [[at]] with time and prompt")
    cues = []
    for number, entry in enumerate(entries, 1):
        place = f"[[at]] number {number}, "
        _only(entry, {"time", "prompt"}, place)
        time, text = entry.get("time"), entry.get("prompt")
        if isinstance(time, bool) or not isinstance(time, str | int | float):
            raise ConfigError(f'{place}time is {time!r}; write seconds, or a text such as "1:30"')
        if not isinstance(text, str):
            raise ConfigError(f"{place}prompt is {text!r}; write a text in quotes")
        cues.append(Cue(seconds(str(time)), text))
    prompt, blend = found.get("prompt"), found.get("blend")
    if prompt is not None and not isinstance(prompt, str):
        raise ConfigError(f"prompt is {prompt!r}; write a text in quotes")
    if blend is not None and (isinstance(blend, bool) or not isinstance(blend, int | float)):
        raise ConfigError(f"blend is {blend!r}; write seconds")
    return Timeline(prompt, ordered(cues), None if blend is None else float(blend))


def _only(found: dict[str, object], keys: set[str], place: str) -> None:
    unknown = [key for key in found if key not in keys]
    if unknown:
        raise ConfigError(f"{place}unknown key {unknown[0]!r}; known are {', '.join(sorted(keys))}")
