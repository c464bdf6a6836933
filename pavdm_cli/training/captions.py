"""The scenes a model was trained on, each with a caption, so that it can tell what it knows and read a prompt
in other words as the nearest of them."""

import json
import os
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from pavdm_cli.models import quantised
from pavdm_cli.models.text import TextEncoder
from pavdm_cli.training.worlds import FAMILIES
from pavdm_cli.training.worlds.scene import Scene

MOST = 200
"""Scenes of a family that are held one and all."""
FEW = 24
"""Scenes held of a family that has more: its prompts are recognised and not read."""
WORDINGS = 6
"""Captions of a scene that its vector is the mean of; the longest, which leaves least out, stands for it."""


def write(path: Path, text: TextEncoder, families: Sequence[str] = (), seed: int = 0) -> None:
    """Write every scene of the families trained on: family, facts, a caption, and sentence vectors (N, D)."""
    rng = np.random.default_rng(seed)
    found: list[tuple[str, list[str], str]] = []
    vectors: list[Tensor] = []
    for family in dict.fromkeys(families or FAMILIES):
        for scene, held in _scenes(family, rng):
            said = [scene.caption(rng) for _ in range(WORDINGS)]
            found.append((family, list(scene.facts().values()) if held else [], max(said, key=len)))
            vectors.append(F.normalize(text.encode(said).pooled.cpu(), dim=-1).mean(dim=0))
    stored = quantised.pack({"vectors": F.normalize(torch.stack(vectors), dim=-1)})
    part = path.with_name(path.name + ".part")
    save_file(stored, part, metadata={"scenes": json.dumps(found)})
    part.chmod(0o644)
    os.replace(part, path)


def _scenes(family: str, rng: np.random.Generator) -> Iterator[tuple[Scene, bool]]:
    """Yield the scenes of a family and whether they are all there are."""
    kind = FAMILIES[family]
    choices = getattr(kind, "choices", {})  # a family whose attributes are not single words has none
    values = list(product(*choices.values()))
    if choices and not kind.sets and len(values) <= MOST:
        for chosen in values:
            yield kind(**dict(zip(choices, chosen, strict=True))), True
    else:
        for _ in range(FEW):
            yield kind.draw(rng), False
