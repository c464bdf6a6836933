"""The captions a model was trained on, a sample of them, so that it can tell what it knows."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors.torch import save_file

from pavdm_cli.models.text import TextEncoder
from pavdm_cli.training.worlds import FAMILIES
from pavdm_cli.training.worlds.scene import is_held_out

PER_FAMILY = 24


def write(path: Path, text: TextEncoder, families: Sequence[str] = (), seed: int = 0) -> None:
    """Draw captions of every family trained on and write them with their sentence vectors (N, D), fp16."""
    rng = np.random.default_rng(seed)
    said: list[str] = []
    for family in dict.fromkeys(families or FAMILIES):
        found: dict[str, None] = {}
        while len(found) < PER_FAMILY:
            scene = FAMILIES[family].draw(rng)
            if not is_held_out(scene):
                found[scene.caption(rng)] = None
        said += found
    vectors = text.encode(said).pooled.cpu().half()
    part = path.with_name(path.name + ".part")
    save_file({"vectors": vectors}, part, metadata={"captions": "\n".join(said)})
    part.chmod(0o644)
    os.replace(part, path)
