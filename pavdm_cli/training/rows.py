"""Noise levels to train on, drawn from the rows of the sampler's own schedule, at any moment between them.

A batch has one kind: windows as the sampler meets them while it fills, slides and drains, plain windows of
one level, or single images, which see only themselves. Every batch has about the same number of latents.
Twins to compare with are trained on other rows, see `RowsOf`.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from pavdm_cli.sampling.schedule import Ramp

RowsOf = Literal["schedule", "images", "half-images", "on-grid", "steady", "neutral"]
"""schedule: of the sampler's own, at any moment. images, half-images: those, three of four batches, or
half of them, being single images, which are seldom in their last moves. on-grid: only at its moments,
nothing between them. steady: without windows shorter than the full one. neutral: of no schedule: any rising
levels, windows of one level, both after clean latents or not, of any width."""
KINDS = ("image", "uniform", "fill", "steady", "drain", "ramp")
SHARES: dict[RowsOf, tuple[float, ...]] = {
    "schedule": (0.30, 0.04, 0.24, 0.36, 0.06, 0.0),
    "images": (0.75, 0.01, 0.10, 0.11, 0.03, 0.0),
    "half-images": (0.55, 0.02, 0.17, 0.22, 0.04, 0.0),
    "on-grid": (0.30, 0.04, 0.24, 0.36, 0.06, 0.0),
    "steady": (0.30, 0.04, 0.0, 0.66, 0.0, 0.0),
    "neutral": (0.30, 0.30, 0.0, 0.0, 0.0, 0.40),
}
"""How often each kind comes."""
IMAGES = 2
"""Latents of one clip that an image batch shows beside each other, unseen by each other."""
LAST = 0.18
"""Share of an image's moves, the last ones, in which no more is decided that an eye sees (docs/log.md)."""
SELDOM = 0.2
"""How many are drawn there of those that would be, where most batches are images."""
SHARED = (1, 1, 2, 3, 4)
"""Neighbours that share a level of a rising row, drawn anew for each batch."""


@dataclass(frozen=True)
class Rows:
    """A batch of B rows of T latents, all of one kind.

    latent: (B, T) indices in a clip. left: (B, T) moves each has left, from 0 to `steps`, fractional;
    negative for clean context, by how long ago it was finished.
    """

    kind: str
    latent: np.ndarray
    left: np.ndarray


def draw(
    rng: np.random.Generator,
    latents: int,
    clip: int,
    ramp: Ramp,
    only_images: bool = False,
    of: RowsOf = "schedule",
) -> Rows:
    """Draw about `latents` latents of rows over clips of `clip` latents; images are of clips of `IMAGES`."""
    ramp = ramp.endless()
    kind = "image" if only_images else str(rng.choice(KINDS, p=SHARES[of]))
    if kind == "image":
        places = np.tile(np.arange(IMAGES), (max(latents // IMAGES, 1), 1))
        left = _any(rng, ramp, places.shape, of)
        if of in ("images", "half-images"):
            again = (left < LAST * ramp.steps) & (rng.random(left.shape) > SELDOM)
            left = np.where(again, rng.uniform(LAST * ramp.steps, ramp.steps, left.shape), left)
        return Rows(kind, places, left.astype(np.float32))
    context, live = _free_width(rng, ramp) if of == "neutral" else _width(rng, kind, ramp, of)
    batch = max(latents // (context + live), 1)
    begin = rng.integers(clip - context - live + 1, size=(batch, 1))
    if kind in ("uniform", "ramp"):
        left = _free(rng, kind, ramp, context, live, batch, of)
    else:
        left = _left(rng, kind, ramp, context, live, batch, of)
    return Rows(kind, begin + np.arange(context + live), left.astype(np.float32))


def _width(rng: np.random.Generator, kind: str, ramp: Ramp, of: RowsOf) -> tuple[int, int]:
    """Draw how many latents are context and how many live."""
    if kind == "steady":
        return (ramp.context if rng.random() < 0.8 else int(rng.integers(max(ramp.context, 1))), ramp.window)
    if of == "steady":
        return 0, ramp.window
    live = ramp.chunk * int(rng.integers(1, max(ramp.window // ramp.chunk, 2)))
    if kind == "drain" or (kind == "fill" and rng.random() < 0.3):
        return ramp.context, live
    return 0, live


def _free_width(rng: np.random.Generator, ramp: Ramp) -> tuple[int, int]:
    """Draw widths that no schedule has a part in: half of the rows fill the span, half have clean latents."""
    shown = ramp.span if rng.random() < 0.5 else int(rng.integers(1, ramp.span + 1))
    context = int(rng.integers(1, shown)) if shown > 1 and rng.random() < 0.5 else 0
    return context, shown - context


def _any(rng: np.random.Generator, ramp: Ramp, shape: tuple[int, ...], of: RowsOf) -> np.ndarray:
    """Draw moves left, each of its own."""
    if of == "on-grid":
        return rng.integers(1, ramp.steps + 1, shape)
    return rng.uniform(0, ramp.steps, shape)


def _free(
    rng: np.random.Generator, kind: str, ramp: Ramp, context: int, live: int, batch: int, of: RowsOf
) -> np.ndarray:
    """Return moves left (B, T) of one level each, or rising anyhow, after clean latents."""
    shared = live if kind == "uniform" else int(rng.choice(SHARED))
    levels = np.sort(_any(rng, ramp, (batch, -(-live // shared)), of), axis=1)
    rising = np.repeat(levels, shared, axis=1)[:, :live]
    return np.concatenate([np.tile(np.arange(-context, 0.0), (batch, 1)), rising], axis=1)


def _left(
    rng: np.random.Generator, kind: str, ramp: Ramp, context: int, live: int, batch: int, of: RowsOf
) -> np.ndarray:
    """Return moves left (B, T) at a random moment of the schedule for each row."""
    newest = ramp.lag * (ramp.window if kind == "drain" else live) // ramp.chunk
    before = (
        rng.integers(1, ramp.lag + 1, (batch, 1)) if of == "on-grid" else rng.uniform(0, ramp.lag, (batch, 1))
    )
    moment = newest - before
    place = np.arange(-context, live)
    left = ramp.steps - moment + np.array([ramp.start(int(k) // ramp.chunk) for k in place])
    out: np.ndarray = np.where(place < 0, np.minimum(left, -1e-3), np.clip(left, 1e-3, ramp.steps))
    return out
