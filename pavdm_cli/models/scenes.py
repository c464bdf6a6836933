"""The scenes a model knows, each in a caption: what a prompt in other words is read as.

A prompt that is near to no caption is given the family whose captions are nearest, and in it, for each
attribute, the value that a reader tells from its sentence vector: "a yacht" and "the sun goes down" are found
apart, although no caption has either.
"""

import json
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from torch import Tensor

from pavdm_cli.errors import CheckpointError
from pavdm_cli.models import quantised

NAMED = 3
"""Captions named as the nearest."""
TOP = 5
"""Captions of a family that tell how near it is."""


@dataclass(frozen=True)
class Reading:
    """How a prompt is taken: as a known caption, or None: as it is written.

    nearest: known captions with their cosines, best first; empty where a model does not say what it knows.
    """

    caption: str | None = None
    nearest: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class Reader:
    """Tells one attribute of a family's scenes from a sentence vector: W words, weight (W, D), bias (W,)."""

    family: str
    attribute: str
    words: tuple[str, ...]
    weight: Tensor
    bias: Tensor

    def tell(self, vector: Tensor) -> str:
        """Return the likeliest word for a vector (D,) of unit length."""
        return self.words[int((self.weight @ vector + self.bias).argmax())]


@dataclass(frozen=True)
class Scenes:
    """N known scenes. families, facts: what each shows, the values of its family's attributes in order; none
    where a family has too many scenes to hold them all. vectors: (N, D), of unit length. readers: one for
    each attribute, in order, of the families whose scenes are all held."""

    captions: tuple[str, ...]
    families: tuple[str, ...]
    facts: tuple[tuple[str, ...], ...]
    vectors: Tensor
    readers: tuple[Reader, ...] = ()

    def read(self, vector: Tensor, below: float) -> Reading:
        """Read a prompt, given its sentence vector (D,), if no caption is as near as a cosine of `below`."""
        if not self.captions:
            return Reading()
        vector = F.normalize(vector.to(self.vectors), dim=0)
        near = self.vectors @ vector
        best = near.topk(min(NAMED, len(near)))
        named = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        nearest = tuple((self.captions[i], cosine) for i, cosine in named)
        family = max(dict.fromkeys(self.families), key=lambda name: self._family(near, name))
        facts = tuple(reader.tell(vector) for reader in self.readers if reader.family == family)
        if nearest[0][1] >= below or not facts:
            return Reading(None, nearest)
        known = zip(self.families, self.facts, strict=True)
        return Reading(self.captions[list(known).index((family, facts))], nearest)

    def _family(self, near: Tensor, name: str) -> float:
        own = near[[i for i, family in enumerate(self.families) if family == name]]
        return float(own.topk(min(TOP, len(own))).values.mean())


NOTHING = Scenes((), (), (), torch.empty(0, 0))
"""What a model knows that takes every prompt as it is written."""


def load(path: Path) -> Scenes:
    """Read what `training.captions` writes.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            found, told = json.loads(about["scenes"]), json.loads(about["readers"])
            stored = quantised.unpack({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        scenes = [(str(family), tuple(map(str, facts)), str(caption)) for family, facts, caption in found]
        vectors = F.normalize(stored["vectors"], dim=-1)
        readers = tuple(
            Reader(family, attribute, tuple(words), stored[f"reader.{i}.weight"], stored[f"reader.{i}.bias"])
            for i, (family, attribute, words) in enumerate(told)
        )
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path}: missing or damaged ({error}); restore the model's folder") from error
    if not scenes or vectors.ndim != 2 or len(scenes) != len(vectors):
        raise CheckpointError(
            f"{path}: {len(scenes)} captions for {len(vectors)} vectors; restore the model's folder"
        )
    _check_readers(path, scenes, readers, vectors.shape[1])
    families, facts, captions = zip(*scenes, strict=True)
    return Scenes(captions, families, facts, vectors, readers)


def _check_readers(
    path: Path, scenes: list[tuple[str, tuple[str, ...], str]], readers: tuple[Reader, ...], width: int
) -> None:
    """Refuse readers that could tell a scene which is not there."""
    for family in {family for family, facts, _ in scenes if facts} | {reader.family for reader in readers}:
        own = [reader for reader in readers if reader.family == family]
        held = {facts for name, facts, _ in scenes if name == family}
        shapes = {(len(r.words), width) == r.weight.shape and r.bias.shape == r.weight.shape[:1] for r in own}
        if shapes != {True} or held != set(product(*(reader.words for reader in own))):
            raise CheckpointError(
                f"{path}: scenes and readers of {family} do not fit; restore the model's folder"
            )
