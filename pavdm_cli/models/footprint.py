"""How much memory a diffusers checkpoint needs, from its configuration and the headers of its weights.

Imports no diffusers. What a call holds was measured on diffusers 0.42.1 with fake tensors, which have shapes
and no numbers: the highest sum of live storage in two layers of width 1536 at 25 latents of 68 x 120 is
2.43 GiB in 16 bits and 4.79 in 32 for SkyReels-V2 (5.34 and 8.88 as diffusers calls it, which expands the
modulation to every token); for LTX-Video, which does so too, at 30 of 16 x 22, 1.47 GiB.
"""

import json
from math import prod
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from pavdm_cli.errors import CheckpointError
from pavdm_cli.models.kinds import PARTS, DiffusersConfig, weights
from pavdm_cli.models.names import Offload


def footprint(
    config: DiffusersConfig, path: Path, itemsize: int, latents: int, offload: Offload, tiled: bool
) -> tuple[int, int]:
    """Return the bytes held all the time, and those besides while it works; calls show so many latents.

    itemsize: bytes of a number in the denoiser's format.

    Raises:
        CheckpointError: a file is missing or damaged.
    """
    kind, folder = config.kind, config.root
    denoiser, vae, text = (sum(parameters(file) for file in weights(folder / part)) for part in PARTS)
    vae_item = 4 if kind.exact_vae else itemsize
    shapes = _read(folder / "transformer" / "config.json")
    cells = prod(side // kind.multiple for side in config.size)
    width = shapes["num_attention_heads"] * shapes["attention_head_dim"]
    call = latents * cells * width * (kind.calling[0] * itemsize + kind.calling[1])
    pixels = prod(config.size)
    part = min(kind.tile**2 / pixels, 1) if tiled else 1
    decode = int(kind.decoding * part * pixels) * vae_item
    held = vae * vae_item + (denoiser * itemsize if offload != "model" else 0)
    if offload == "model":
        call += denoiser // shapes["num_layers"] * itemsize
    encoding = vae * vae_item + (text * itemsize if offload == "none" else 0)
    return held, max(call, decode, encoding - held)


def parameters(path: Path) -> int:
    """Count the numbers in a file of weights, from its header; the scales of stored rows are none.

    Raises:
        CheckpointError: the file is truncated or not of this kind.
    """
    try:
        with safe_open(path, "np") as file:
            names = [name for name in file.keys() if not name.endswith(".scale")]  # noqa: SIM118
            parts = [file.get_slice(name) for name in names]
            return sum(prod(part.get_shape()) * (1 + (part.get_dtype() == "U8")) for part in parts)
    except SafetensorError as error:
        raise CheckpointError(f"{path}: truncated or not a safetensors file ({error}); restore it") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {key: int(found[key]) for key in ("num_attention_heads", "attention_head_dim", "num_layers")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{path}: cannot be read ({error!r}); get the checkpoint again") from error
