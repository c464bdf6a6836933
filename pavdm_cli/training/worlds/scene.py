"""What a world is: a typed record of attributes, captions for it, and frames as a pure function of time.

A scene says what is to be seen; a seed says which of its many instances. Frames depend on the scene, the seed
and the frame number alone, never on earlier frames, so a scene is endless and any stretch of it can be drawn.
"""

import zlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from torch import Tensor

from pavdm_cli.training.worlds.paint import Size
from pavdm_cli.training.worlds.words import pick

Choices = dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Scene(ABC):
    """One scene of a family: a frozen dataclass of attributes, each a word from a closed vocabulary."""

    family: ClassVar[str]
    knows: ClassVar[str]
    """One line for a person: what this family shows and which words it knows."""
    choices: ClassVar[Choices]
    """Every attribute and the words it can be; a family whose attributes are not single words has its own
    `draw`, `change`, `facts`, `answers` and `others` instead."""
    sets: ClassVar[tuple[str, ...]] = ()
    """The attributes whose value is a set of words; joined by ' + ' in `facts`."""

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Self:
        """Draw the attributes at random, each value about equally often."""
        return cls(**{name: pick(rng, words) for name, words in cls.choices.items()})

    def change(self, rng: np.random.Generator) -> Self:
        """Return this scene with one attribute changed (its colour, time of day, weather, ...)."""
        others = self.others()
        return pick(rng, others[pick(rng, list(others))])

    @abstractmethod
    def caption(self, rng: np.random.Generator) -> str:
        """Say the scene in words, one of many ways; every attribute is said most of the time."""

    def facts(self) -> dict[str, str]:
        """Return the ground truth as attribute name -> value; a set of things is joined by ' + ', sorted."""
        return {name: getattr(self, name) for name in self.choices}

    @classmethod
    def answers(cls) -> Choices:
        """Return every attribute that `facts` names and the words it can be, each alone or in a set."""
        return cls.choices

    def having(self, facts: Mapping[str, str]) -> Self:
        """Return this scene with the facts given, in the words of `facts`; the others stay."""
        return replace(self, **facts)

    def others(self) -> dict[str, list[Self]]:
        """Return, for every attribute, the scenes that differ from this one in it alone."""
        return {
            name: [replace(self, **{name: word}) for word in words if word != getattr(self, name)]
            for name, words in self.choices.items()
        }

    @abstractmethod
    def pairs(self) -> list[tuple[str, str]]:
        """Return the pairs of attribute values whose combination a model should generalise to."""

    @classmethod
    @abstractmethod
    def render(cls, scenes: Sequence[Self], seeds: Sequence[int], frames: Tensor, size: Size) -> Tensor:
        """Draw scenes of this one family.

        Args:
            scenes: B scenes of this family.
            seeds: B integers from 0 to 2**31 - 1.
            frames: (B, F) frame numbers, 24 a second; any size, any order, fractions allowed (float64).
            size: height and width in pixels.

        Returns:
            (B, F, 3, H, W) float32 in [0, 1], on the device of `frames`.
        """


def held_out(first: str, second: str) -> bool:
    """Tell whether a pair of attribute values is kept out of training: one pair in ten, by hash."""
    return zlib.crc32(f"{first} + {second}".encode()) % 10 == 0


def is_held_out(scene: Scene) -> bool:
    """Tell whether any pair of the scene's attribute values is kept out of training."""
    return any(held_out(*pair) for pair in scene.pairs())
