"""Where the scorecard's videos come from: a model, the renderer, and the renderer through a model's VAE.

Each source yields frames (B, n, H, W, 3) uint8 of B videos side by side, from first to last.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavdm_cli.models.native import Native
from pavdm_cli.models.vae import FRAMES_PER_LATENT
from pavdm_cli.runs.stream import Request, stream
from pavdm_cli.studies.prompts import Asked
from pavdm_cli.training.clips import LATEST

Frames = NDArray[np.uint8]

PIECE = 24
"""Frames drawn at a time."""


def made(pipeline: Native, asked: Sequence[Asked], seeds: Sequence[int], frames: int) -> Iterator[Frames]:
    """Yield what the model makes of the prompts with its default settings."""
    config = pipeline.config
    prompts = tuple(one.prompt for one in asked)
    request = Request(prompts, tuple(seeds), frames, "progressive", config.sampling, config.guidance)
    for chunk in stream(pipeline, request):
        yield chunk.frames


def real(
    asked: Sequence[Asked], seeds: Sequence[int], frames: int, size: tuple[int, int]
) -> Iterator[Frames]:
    """Yield true renders of what the prompts say; the seed chooses the scene, the instance and its moment."""
    dice = [
        np.random.default_rng([*one.prompt.encode(), seed]) for one, seed in zip(asked, seeds, strict=True)
    ]
    scenes = [one.scene(rng) for one, rng in zip(asked, dice, strict=True)]
    instances = [int(rng.integers(2**31 - 1)) for rng in dice]
    first = [int(rng.integers(LATEST)) for rng in dice]
    for start in range(0, frames, PIECE):
        moments = torch.arange(start, min(start + PIECE, frames), dtype=torch.float64)
        parts = [
            type(scene).render([scene], [instance], (at + moments)[None], size)
            for scene, instance, at in zip(scenes, instances, first, strict=True)
        ]
        yield _bytes(torch.cat(parts).movedim(2, -1))


def coded(pipeline: Native, frames: Iterator[Frames]) -> Iterator[Frames]:
    """Yield what the model's VAE gives back of frames; pieces must be whole latents long."""
    place = pipeline.place

    def latents() -> Iterator[Tensor]:
        for piece in frames:
            assert piece.shape[1] % FRAMES_PER_LATENT == 0
            picture = torch.from_numpy(piece).movedim(-1, 2).to(place.device, place.dtype) / 127.5 - 1
            with torch.no_grad():
                yield from pipeline.vae.encode(picture).unbind(1)

    for piece in pipeline.decode_stream(latents()):
        yield piece.numpy()


def _bytes(picture: Tensor) -> Frames:
    out: Frames = (picture * 255 + 0.5).clamp(0, 255).to(torch.uint8).contiguous().numpy()
    return out
