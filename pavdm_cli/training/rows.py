"""Noise levels to train on, drawn from the rows of the sampler's own schedule, at any moment between them.

A batch has one kind: windows as the sampler meets them while it fills, slides and drains, plain windows of
one level, or single images, which see only themselves. Every batch has about the same number of latents.
"""

from dataclasses import dataclass

import numpy as np

from pavdm_cli.sampling.schedule import Ramp

KINDS = ("image", "uniform", "fill", "steady", "drain")
WEIGHTS = (0.12, 0.05, 0.25, 0.48, 0.10)
IMAGES = 8
"""Latents of one clip, at most, that an image batch shows beside each other, unseen by each other."""


@dataclass(frozen=True)
class Rows:
    """A batch of B rows of T latents, all of one kind.

    latent: (B, T) indices in a clip. left: (B, T) moves each has left, from 0 to `steps`, fractional;
    negative for clean context, by how long ago it was finished.
    """

    kind: str
    latent: np.ndarray
    left: np.ndarray


def draw(rng: np.random.Generator, latents: int, clip: int, ramp: Ramp, only_images: bool = False) -> Rows:
    """Draw about `latents` latents of rows over clips of `clip` latents."""
    ramp = ramp.endless()
    kind = "image" if only_images else str(rng.choice(KINDS, p=WEIGHTS))
    if kind == "image":
        shown = min(IMAGES, clip)
        places = np.argsort(rng.random((max(latents // shown, 1), clip)), axis=1)[:, :shown]
        return Rows(kind, places, rng.uniform(0, ramp.steps, places.shape).astype(np.float32))
    context, live = _width(rng, kind, ramp)
    batch = max(latents // (context + live), 1)
    begin = rng.integers(clip - context - live + 1, size=(batch, 1))
    left = _left(rng, kind, ramp, context, live, batch).astype(np.float32)
    return Rows(kind, begin + np.arange(context + live), left)


def _width(rng: np.random.Generator, kind: str, ramp: Ramp) -> tuple[int, int]:
    """Draw how many latents are context and how many live."""
    if kind == "steady":
        return (ramp.context if rng.random() < 0.8 else int(rng.integers(max(ramp.context, 1))), ramp.window)
    live = ramp.chunk * int(rng.integers(1, max(ramp.window // ramp.chunk, 2)))
    if kind == "drain" or (kind == "fill" and rng.random() < 0.3):
        return ramp.context, live
    return 0, live


def _left(rng: np.random.Generator, kind: str, ramp: Ramp, context: int, live: int, batch: int) -> np.ndarray:
    """Return moves left (B, T) at a random moment of the schedule for each row."""
    if kind == "uniform":
        return np.repeat(rng.uniform(0, ramp.steps, (batch, 1)), live, axis=1)
    newest = ramp.lag * (ramp.window if kind == "drain" else live) // ramp.chunk
    moment = newest - rng.uniform(0, ramp.lag, (batch, 1))
    place = np.arange(-context, live)
    left = ramp.steps - moment + np.array([ramp.start(int(k) // ramp.chunk) for k in place])
    out: np.ndarray = np.where(place < 0, np.minimum(left, -1e-3), np.clip(left, 1e-3, ramp.steps))
    return out
