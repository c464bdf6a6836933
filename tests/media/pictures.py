"""Frames for the tests: smooth colours with something that moves."""

import numpy as np
from numpy.typing import NDArray


def moving_frames(count: int, size: tuple[int, int] = (64, 96)) -> NDArray[np.uint8]:
    """Return a colour ramp with a bright disc that crosses it, uint8 (T, H, W, 3)."""
    height, width = size
    y, x = np.mgrid[:height, :width]
    frames = np.empty((count, height, width, 3), np.uint8)
    for t in range(count):
        disc = np.hypot(x - (10 + 1.5 * t) % width, y - height / 2) < height / 5
        frames[t] = np.stack([x * 255 / width, y * 255 / height, 60 + 160 * disc], -1)
    return frames


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Return the peak signal-to-noise ratio of two arrays, in dB."""
    error = np.mean((a.astype(float) - b.astype(float)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-12)))
