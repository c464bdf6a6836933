"""Words the worlds share: colours with their values, synonyms, and ways to begin a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from pavdm_cli.training.worlds.paint import Colour

T = TypeVar("T")

COLOURS: dict[str, Colour] = {
    "red": (0.87, 0.13, 0.12),
    "orange": (0.96, 0.52, 0.10),
    "yellow": (0.97, 0.86, 0.20),
    "green": (0.16, 0.66, 0.24),
    "cyan": (0.20, 0.80, 0.86),
    "blue": (0.14, 0.30, 0.85),
    "purple": (0.52, 0.18, 0.72),
    "pink": (0.96, 0.50, 0.70),
    "white": (0.95, 0.95, 0.94),
    "black": (0.07, 0.07, 0.09),
}


@dataclass(frozen=True)
class Daylight:
    """The colours of a time of day: sky from the zenith to the horizon, clouds lit and shaded, sun or moon,
    and the light that falls on things (it multiplies their own colour)."""

    top: Colour
    middle: Colour
    horizon: Colour
    cloud: Colour
    shade: Colour
    sun: Colour
    light: Colour


DAYLIGHT: dict[str, Daylight] = {
    "dawn": Daylight(
        (0.50, 0.55, 0.83),
        (0.87, 0.70, 0.84),
        (1.00, 0.88, 0.76),
        (1.00, 0.90, 0.90),
        (0.80, 0.66, 0.82),
        (1.00, 0.97, 0.84),
        (0.80, 0.70, 0.82),
    ),
    "day": Daylight(
        (0.13, 0.42, 0.86),
        (0.38, 0.68, 0.96),
        (0.80, 0.92, 0.98),
        (1.00, 1.00, 1.00),
        (0.78, 0.86, 0.94),
        (1.00, 0.98, 0.82),
        (1.00, 1.00, 0.95),
    ),
    "sunset": Daylight(
        (0.30, 0.14, 0.40),
        (0.86, 0.30, 0.26),
        (1.00, 0.64, 0.20),
        (1.00, 0.60, 0.34),
        (0.56, 0.22, 0.38),
        (1.00, 0.88, 0.46),
        (0.78, 0.44, 0.36),
    ),
    "night": Daylight(
        (0.02, 0.04, 0.13),
        (0.05, 0.10, 0.26),
        (0.13, 0.22, 0.42),
        (0.26, 0.33, 0.52),
        (0.09, 0.13, 0.28),
        (0.95, 0.96, 0.88),
        (0.26, 0.35, 0.58),
    ),
}

SYNONYMS: dict[str, tuple[str, ...]] = {
    "red": ("red", "red", "crimson", "scarlet"),
    "orange": ("orange", "orange", "tangerine"),
    "yellow": ("yellow", "yellow", "golden"),
    "green": ("green", "green", "emerald"),
    "cyan": ("cyan", "cyan", "turquoise"),
    "blue": ("blue", "blue", "cobalt"),
    "purple": ("purple", "purple", "violet"),
    "pink": ("pink", "pink", "rose"),
    "white": ("white", "white", "ivory"),
    "black": ("black", "black", "jet-black"),
    "dawn": ("at dawn", "at sunrise", "in the early morning"),
    "day": ("by day", "at noon", "in bright daylight", "during the day"),
    "sunset": ("at sunset", "at dusk", "in the evening light"),
    "night": ("at night", "by moonlight", "in the night"),
    "left": ("to the left", "leftwards", "left"),
    "right": ("to the right", "rightwards", "right"),
}

OPENINGS = ("", "", "", "a video of ", "a film of ", "a scene with ", "a view of ", "we see ")


def pick(rng: np.random.Generator, several: Sequence[T]) -> T:
    """Choose one of several words, phrases or anything else, each equally often."""
    return several[int(rng.integers(len(several)))]


def say(rng: np.random.Generator, word: str) -> str:
    """Return the word or one of its synonyms."""
    return pick(rng, SYNONYMS.get(word, (word,)))


def opening(rng: np.random.Generator) -> str:
    """Begin a caption: mostly with nothing, sometimes with 'a video of ' or the like."""
    return pick(rng, OPENINGS)


def article(noun: str) -> str:
    """Put 'a' or 'an' before a noun phrase."""
    return f"{'an' if noun[0].lower() in 'aeiou' else 'a'} {noun}"


def sentence(*parts: str) -> str:
    """Join the parts of a caption by single spaces; empty ones leave no trace."""
    return " ".join(" ".join(parts).split())


def listed(things: Sequence[str]) -> str:
    """Join things by commas and a last 'and'; empty ones leave no trace."""
    *most, last = [thing for thing in things if thing] or [""]
    return f"{', '.join(most)} and {last}" if most else last
