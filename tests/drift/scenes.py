"""A scene that moves steadily and can be damaged by a known dose."""

import numpy as np
from numpy.typing import NDArray

FPS = 12


def scene(seconds: float, size: tuple[int, int] = (48, 64)) -> NDArray[np.float64]:
    """Return a textured, coloured landscape with a disc that circles over it, (T, H, W, 3) in [0, 1]."""
    height, width = size
    y, x = np.mgrid[:height, :width]
    grain = np.random.default_rng(0).uniform(-0.06, 0.06, (height, width, 1))
    ground = np.stack([0.3 + 0.4 * x / width, 0.35 + 0.3 * y / height, 0.6 - 0.3 * y / height], -1) + grain
    frames = np.repeat(ground[None], round(seconds * FPS), 0)
    for t, frame in enumerate(frames):
        angle = 2 * np.pi * t / FPS / 3
        disc = np.hypot(x - width / 2 - 15 * np.cos(angle), y - height / 2 - 12 * np.sin(angle)) < 8
        frame[disc] = (0.9, 0.5, 0.2)
    return frames


def pixels(frames: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return frames as uint8."""
    return np.round(frames.clip(0, 1) * 255).astype(np.uint8)


def saturated(frames: NDArray[np.float64], dose: float) -> NDArray[np.float64]:
    """Return frames with their colours `dose` times as far from grey."""
    grey = frames.mean(-1, keepdims=True)
    return grey + dose * (frames - grey)


def blurred(frames: NDArray[np.float64], times: int) -> NDArray[np.float64]:
    """Return frames averaged over neighbours `times` times, at the same contrast or nearly."""
    for _ in range(times):
        for axis in (1, 2):
            frames = (np.roll(frames, 1, axis) + 2 * frames + np.roll(frames, -1, axis)) / 4
    return frames
