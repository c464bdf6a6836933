"""Where the scorecard's videos come from: a model, the renderer, and the renderer through a model's VAE.

Each source yields frames (B, n, H, W, 3) uint8 of B videos side by side, from first to last.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavdm_cli.models.attention import auto_chunk
from pavdm_cli.models.device import free_memory
from pavdm_cli.models.native import Native
from pavdm_cli.models.vae import FRAMES_PER_LATENT
from pavdm_cli.runs.request import Request
from pavdm_cli.runs.stream import stream
from pavdm_cli.sampling.schedule import Ramp, size
from pavdm_cli.studies.prompts import Asked
from pavdm_cli.training.clips import LATEST

Frames = NDArray[np.uint8]

PIECE = 24
"""Frames drawn at a time."""


@dataclass(frozen=True)
class Way:
    """How a video is rolled."""

    schedule: str
    ramp: Ramp
    guidance: float


@dataclass
class Wide(Native):
    """A model shown more latents in a call than it was trained with. width: so many."""

    width: int

    @property
    def span(self) -> int:
        return self.width


def made(
    pipeline: Native, asked: Sequence[Asked], seeds: Sequence[int], frames: int, way: Way | None = None
) -> Iterator[Frames]:
    """Yield what the model makes of the prompts, with its usual settings unless told otherwise.

    A schedule wider than the model's span is not refused: what then happens is for a study to find out.
    """
    config = pipeline.config
    way = way or Way("progressive", config.sampling, config.guidance)
    prompts = tuple(one.prompt for one in asked)
    request = Request(prompts, tuple(seeds), frames, way.schedule, way.ramp, way.guidance)
    most = size(way.schedule, request.latents(config.timing), way.ramp).span
    if most > pipeline.span:
        pipeline = Wide(**{one.name: getattr(pipeline, one.name) for one in fields(pipeline)}, width=most)
        pipeline.denoiser.set_attention_chunk(_chunk(pipeline, most, 2 * len(prompts)))
    try:
        for chunk in stream(pipeline, request):
            yield chunk.frames
    finally:
        pipeline.denoiser.set_attention_chunk(None)


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
    for piece in pipeline.decode_stream(encoded(pipeline, frames)):
        yield piece.numpy()


@torch.no_grad()
def encoded(pipeline: Native, frames: Iterator[Frames]) -> Iterator[Tensor]:
    """Yield the latents (B, C, h, w) of frames; pieces must be whole latents long."""
    place = pipeline.place
    for piece in frames:
        assert piece.shape[1] % FRAMES_PER_LATENT == 0
        picture = torch.from_numpy(piece).movedim(-1, 2).to(place.device, place.dtype) / 127.5 - 1
        yield from pipeline.vae.encode(picture).unbind(1)


def _chunk(pipeline: Native, latents: int, videos: int) -> int | None:
    """Return how many queries can be attended at a time in a call that shows so many latents."""
    shapes, place = pipeline.denoiser.config, pipeline.place
    tokens = latents * shapes.size[0] * shapes.size[1] // shapes.patch**2
    free = free_memory(place.device)
    return auto_chunk(tokens, tokens, shapes.heads, videos, place.dtype.itemsize, free)


def _bytes(picture: Tensor) -> Frames:
    out: Frames = (picture * 255 + 0.5).clamp(0, 255).to(torch.uint8).contiguous().numpy()
    return out
