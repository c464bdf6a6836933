"""Noise levels to train on, drawn from the rows of the sampler's own schedule, at any moment between them.

A training row has as many slots as the denoiser's span. It is filled with groups that do not see each other:
windows as the sampler meets them while it fills, slides and drains, and a few plainer ones. So every call
has one shape, whatever it teaches.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pavdm_cli.sampling.schedule import Ramp

KINDS = ("single", "uniform", "fill", "steady", "drain")


@dataclass(frozen=True)
class Rows:
    """Arrays (B, slots). latent: index in the clip. left: moves a latent has left, from 0 to `steps`, fractional;
    negative for clean context by how long ago it was finished. group, position, kind (index into KINDS).
    """

    latent: np.ndarray
    left: np.ndarray
    group: np.ndarray
    position: np.ndarray
    kind: np.ndarray


def draw(rng: np.random.Generator, batch: int, latents: int, slots: int, ramp: Ramp, singles: float) -> Rows:
    """Draw rows over clips of `latents` latents; a share `singles` of them of single latents only."""
    out = {name: np.zeros((batch, slots), np.float64) for name in Rows.__dataclass_fields__}
    for b in range(batch):
        alone = rng.random() < singles
        slot = 0
        for group, (kind, left) in enumerate(_groups(rng, slots, ramp, alone)):
            part = slice(slot, slot + len(left))
            out["latent"][b, part] = rng.integers(latents - len(left) + 1) + np.arange(len(left))
            out["left"][b, part] = left
            out["group"][b, part] = group
            out["position"][b, part] = np.arange(len(left))
            out["kind"][b, part] = KINDS.index(kind)
            slot += len(left)
    whole = {name: out[name].astype(np.int64) for name in ("latent", "group", "position", "kind")}
    return Rows(left=out["left"].astype(np.float32), **whole)


def _groups(
    rng: np.random.Generator, slots: int, ramp: Ramp, alone: bool
) -> Iterator[tuple[str, np.ndarray]]:
    """Yield groups that fill the slots exactly."""
    free = slots
    if not alone and rng.random() < 0.5:
        context = ramp.context if rng.random() < 0.7 else int(rng.integers(ramp.context + 1))
        yield "steady", _window(rng, ramp, context, ramp.window, "steady")
        free -= context + ramp.window
    while free:
        kind = "single" if alone else str(rng.choice(["uniform", "fill", "fill", "drain", "single"]))
        live = 1 if kind == "single" else int(rng.integers(1, ramp.window))
        context = ramp.context if kind == "drain" or (kind == "fill" and rng.random() < 0.3) else 0
        if context + live > free:
            kind, live, context = "single", 1, 0
        yield kind, _window(rng, ramp, context, live, kind)
        free -= context + live


def _window(rng: np.random.Generator, ramp: Ramp, context: int, live: int, kind: str) -> np.ndarray:
    """Return moves left for context and live latents, at a random moment of the schedule."""
    if kind in ("single", "uniform"):
        return np.full(live, rng.uniform(0, ramp.steps))
    newest = ramp.lag * (ramp.window if kind == "drain" else live)
    moment = newest - rng.uniform(0, ramp.lag)
    place = np.arange(-context, live)
    left = ramp.steps - moment + np.array([ramp.start(int(c)) for c in place])
    return np.where(place < 0, np.minimum(left, -1e-3), np.clip(left, 1e-3, ramp.steps))
