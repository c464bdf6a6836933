"""The captions a model was trained on, a sample of them, so that it can tell what it knows."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.torch import save_file

from pavdm_cli.models.text import TextEncoder
from pavdm_cli.training.worlds import FAMILIES

PER_FAMILY = 48


def write(path: Path, text: TextEncoder, families: Sequence[str] = (), seed: int = 0) -> None:
    """Draw captions of every family and write them with their sentence vectors (N, D), half precision."""
    rng = np.random.default_rng(seed)
    said: list[str] = []
    for family in families or FAMILIES:
        found: dict[str, None] = {}
        while len(found) < PER_FAMILY:
            found[FAMILIES[family].draw(rng).caption(rng)] = None
        said += found
    vectors = text.encode(said).pooled.cpu().half()
    part = path.with_name(path.name + ".part")
    save_file({"vectors": vectors}, part, metadata={"captions": "\n".join(said)})
    os.replace(part, path)
