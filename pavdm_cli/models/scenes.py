"""The scenes a model knows, each in a caption: what a prompt in other words is read as.

A prompt that is near to no caption is given the family whose captions are nearest, and in it, for each
attribute, the value whose captions are nearest on average: "a yacht" and "the sun goes down" are found apart,
although no caption has both words.
"""

import json
from dataclasses import dataclass
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
class Scenes:
    """N known scenes. families, facts: what each shows, the values of its family's attributes in order; none
    where a family has too many scenes to hold them all. vectors: (N, D), of unit length."""

    captions: tuple[str, ...]
    families: tuple[str, ...]
    facts: tuple[tuple[str, ...], ...]
    vectors: Tensor

    def read(self, vector: Tensor, below: float) -> Reading:
        """Read a prompt, given its sentence vector (D,), if no caption is as near as a cosine of `below`."""
        if not self.captions:
            return Reading()
        near = self.vectors @ F.normalize(vector.to(self.vectors), dim=0)
        best = near.topk(min(NAMED, len(near)))
        named = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        nearest = tuple((self.captions[i], cosine) for i, cosine in named)
        family = max(dict.fromkeys(self.families), key=lambda name: self._family(near, name))
        known = [i for i, name in enumerate(self.families) if name == family]
        if nearest[0][1] >= below or not self.facts[known[0]]:
            return Reading(None, nearest)
        scores = torch.zeros(len(known))
        for values in zip(*(self.facts[i] for i in known), strict=True):
            for value in set(values):
                having = torch.tensor([other == value for other in values])
                scores[having] += near[known][having].mean()
        return Reading(self.captions[known[int(scores.argmax())]], nearest)

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
            found = json.loads((file.metadata() or {})["scenes"])
            stored = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        scenes = [(str(family), tuple(map(str, facts)), str(caption)) for family, facts, caption in found]
        vectors = F.normalize(quantised.unpack(stored)["vectors"], dim=-1)
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path}: missing or damaged ({error}); restore the model's folder") from error
    if not scenes or vectors.ndim != 2 or len(scenes) != len(vectors):
        raise CheckpointError(
            f"{path}: {len(scenes)} captions for {len(vectors)} vectors; restore the model's folder"
        )
    if len({(family, len(facts)) for family, facts, _ in scenes}) > len({family for family, _, _ in scenes}):
        raise CheckpointError(
            f"{path}: scenes of a family differ in their number of facts; restore the model's folder"
        )
    families, facts, captions = zip(*scenes, strict=True)
    return Scenes(captions, families, facts, vectors)
