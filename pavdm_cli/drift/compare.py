"""A video held against its reference frame by frame: PSNR and SSIM. Frames are uint8 arrays (T, H, W, 3).

The data range is 255, that of the frames; a range taken twice too wide makes PSNR 6.02 dB too high.
"""

from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from pavdm_cli.drift.statistics import LUMA

RANGE = 255.0
EQUAL = 100.0  # dB, said of frames that differ by less, where PSNR has no end
TAPS, SPREAD = 11, 1.5  # of the Gaussian window of SSIM
K1, K2 = 0.01, 0.03


@dataclass(frozen=True)
class Likeness:
    """How near a video is to its reference from `start` to `end`, in seconds: means over the frames."""

    start: float
    end: float
    psnr: float
    ssim: float


def psnr(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Return the peak signal-to-noise ratio of two frames (H, W, 3) in dB, at most 100."""
    error = float(np.square(first.astype(np.float32) - second.astype(np.float32)).mean())
    return min(EQUAL, 10 * float(np.log10(RANGE**2 / max(error, 1e-12))))


def ssim(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """Return the structural similarity of the luma of two frames (H, W, 3) with sides of 11 or more.

    Wang et al. 2004, "Image quality assessment", section III.B: Gaussian windows of 11 x 11, deviation 1.5,
    K 0.01 and 0.03; windows that stand inside the picture.
    """
    a, b = (frame.astype(np.float64) @ LUMA.astype(np.float64) for frame in (first, second))
    mean_a, mean_b = _windowed(a), _windowed(b)
    spread_a, spread_b = _windowed(a * a) - mean_a**2, _windowed(b * b) - mean_b**2
    together = _windowed(a * b) - mean_a * mean_b
    c1, c2 = (K1 * RANGE) ** 2, (K2 * RANGE) ** 2
    above = (2 * mean_a * mean_b + c1) * (2 * together + c2)
    below = (mean_a**2 + mean_b**2 + c1) * (spread_a + spread_b + c2)
    return float((above / below).mean())


class Comparer:
    """Compares two videos as they pass, interval by interval."""

    def __init__(self, fps: float, interval: float) -> None:
        self._fps, self._length = fps, max(round(interval * fps), 1)
        self._now: list[tuple[float, float]] = []
        self._done: list[Likeness] = []
        self._frames = 0

    def add(self, made: NDArray[np.uint8], reference: NDArray[np.uint8]) -> None:
        """Compare the next frames, as many of each."""
        for one, other in zip(made, reference, strict=True):
            self._now.append((psnr(one, other), ssim(one, other)))
            self._frames += 1
            if len(self._now) == self._length:
                self._close()

    def result(self) -> tuple[Likeness, ...]:
        """Return the intervals so far, the last one perhaps shorter."""
        if self._now:
            self._close()
        return tuple(self._done)

    def _close(self) -> None:
        start = (self._frames - len(self._now)) / self._fps
        ratio, likeness = (fmean(values) for values in zip(*self._now, strict=True))
        self._done.append(Likeness(start, self._frames / self._fps, ratio, likeness))
        self._now = []


def _windowed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the Gaussian mean around each place whose window is inside the picture (H, W)."""
    place = np.arange(TAPS) - TAPS // 2
    weights = np.exp(-(place**2) / (2 * SPREAD**2))
    weights /= weights.sum()
    for axis in (0, 1):
        views = np.lib.stride_tricks.sliding_window_view(values, TAPS, axis=axis)
        values = views @ weights
    return values
