"""Noise as a pure function of (seed, latent, use), and the straight path between clean and noise."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor


class Noise:
    """Standard normal latents, the same for the same seed, latent and use, on every machine.

    Drawn on the CPU by a counter-based generator (Philox), so that no draw depends on another. Use 0 is a
    latent's first draw; every re-noising has a use of its own.
    """

    def __init__(self, seeds: Sequence[int], shape: tuple[int, int, int]) -> None:
        self._seeds = tuple(seeds)
        self._shape = shape

    def __call__(self, latent: int, use: int = 0) -> Tensor:
        """Return the noise of one latent, (B, C, H, W) float32."""
        return torch.from_numpy(np.stack([self._draw(seed, latent, use) for seed in self._seeds]))

    def _draw(self, seed: int, latent: int, use: int) -> np.ndarray:
        bits = np.random.Philox(key=seed, counter=[0, 0, latent, use])
        return np.random.Generator(bits).standard_normal(self._shape, dtype=np.float32)


def noised(clean: Tensor, noise: Tensor, level: float | Tensor) -> Tensor:
    """Return the point at `level` on the straight path from clean (0) to noise (1)."""
    return clean * (1 - level) + noise * level


def moved(latent: Tensor, velocity: Tensor, level: float | Tensor, to: float | Tensor) -> Tensor:
    """Take one Euler step along velocity = noise - clean from one level to a lower one."""
    return latent + velocity * (to - level)
