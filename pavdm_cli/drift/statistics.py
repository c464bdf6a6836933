"""Figures of a stream of frames, one small record a second: what a viewer would notice change.

Frames are uint8 arrays (T, H, W, 3); every figure is in units of the full range, 0 to 1. Luma is that of
BT.709.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
FIGURES = ("brightness", "contrast", "saturation", "sharpness", "motion", "histogram")


@dataclass(frozen=True)
class SecondStats:
    """The figures of one second, means over its frames."""

    at: float
    """Where it begins, in seconds."""
    length: float
    """1, or as near to it as at least two whole frames come; less for an unfinished last one."""
    brightness: float
    """Mean luma."""
    contrast: float
    """Standard deviation of luma over the picture."""
    saturation: float
    """Mean difference of the largest and the smallest colour channel."""
    sharpness: float
    """Mean absolute Laplacian of luma (four neighbours): fine detail, and noise."""
    motion: float
    """Mean absolute difference of luma to the frame before."""
    histogram: float
    """Earth mover's distance of the channels' histograms to those of its part's first second: how far the
    colours moved."""
    part: int | None = 0
    """Which part of the video it belongs to, each with a start of its own; None while one goes over into the
    next."""


Turn = tuple[float, float]
"""From when to when, in seconds, a video turns into something else because it was told to."""


class DriftMeter:
    """Measures frames as they pass; keeps one frame of luma and one record a second, or as many whole frames,
    two at least, as come nearest to one.

    turns: asked for, in order; what comes after one is a new part.
    """

    def __init__(self, fps: float, turns: Sequence[Turn] = ()) -> None:
        self._fps, self._turns = fps, turns
        self._group = max(round(fps), 2)  # of one frame a second, the first would have no motion
        self._whole: list[SecondStats] = []
        self._sums = _Sums()
        self._last: NDArray[np.float32] | None = None
        self._reference: tuple[int, NDArray[np.float64]] | None = None

    def add(self, frames: NDArray[np.uint8]) -> None:
        """Measure the next frames, uint8 (T, H, W, 3), any T."""
        for frame in frames:
            self.measure(frame)

    @property
    def seconds(self) -> list[SecondStats]:
        """The seconds so far, in order; the last, unfinished one counts from half a second on."""
        if 2 * self._sums.frames >= self._group:
            return [*self._whole, self._second()]
        return list(self._whole)

    def measure(self, frame: NDArray[np.uint8]) -> tuple[float, float]:
        """Measure the next frame, uint8 (H, W, 3); return its own contrast and motion (0 for the first)."""
        luma: NDArray[np.float32] = frame.astype(np.float32) @ LUMA / np.float32(255)
        sums = self._sums
        contrast, motion = float(luma.std()), 0.0
        sums.frames += 1
        sums.brightness += float(luma.mean())
        sums.contrast += contrast
        sums.saturation += float(_spread(frame).mean()) / 255
        sums.sharpness += _laplacian(luma)
        if self._last is not None:
            motion = float(np.abs(luma - self._last).mean())
            sums.motion += motion
            sums.differences += 1
        sums.histogram += np.stack([np.bincount(frame[..., c].ravel(), minlength=256) for c in range(3)])
        self._last = luma
        if sums.frames == self._group:
            self._close()
        return contrast, motion

    def _close(self) -> None:
        """Put a whole second away."""
        second = self._second()
        self._whole.append(second)
        if second.part is not None and (self._reference is None or self._reference[0] != second.part):
            self._reference = second.part, self._sums.distribution()
        self._sums = _Sums()

    def _part(self, at: float, length: float) -> int | None:
        """Return which part a stretch of the video belongs to."""
        if any(start < at + length and at < end for start, end in self._turns):
            return None
        return sum(end <= at for _, end in self._turns)

    def _second(self) -> SecondStats:
        sums, n = self._sums, self._sums.frames
        at, length, moved = len(self._whole) * self._group / self._fps, n / self._fps, 0.0
        part = self._part(at, length)
        if self._reference is not None and self._reference[0] == part:
            moved = float(np.abs(sums.distribution() - self._reference[1]).sum(axis=1).mean() / 255)
        return SecondStats(
            at=at,
            length=length,
            brightness=sums.brightness / n,
            contrast=sums.contrast / n,
            saturation=sums.saturation / n,
            sharpness=sums.sharpness / n,
            motion=sums.motion / max(sums.differences, 1),
            histogram=moved,
            part=part,
        )


@dataclass
class _Sums:
    """What one second adds up to; the first frame of all has no frame before it to differ from."""

    frames: int = 0
    differences: int = 0
    brightness: float = 0.0
    contrast: float = 0.0
    saturation: float = 0.0
    sharpness: float = 0.0
    motion: float = 0.0
    histogram: NDArray[np.int64] = field(default_factory=lambda: np.zeros((3, 256), np.int64))

    def distribution(self) -> NDArray[np.float64]:
        """Return the share of pixels at or below each value, (3, 256)."""
        total = self.histogram.sum(axis=1, keepdims=True)
        shares: NDArray[np.float64] = self.histogram.cumsum(axis=1) / total
        return shares


def _spread(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the largest less the smallest channel, (H, W)."""
    red, green, blue = frame[..., 0], frame[..., 1], frame[..., 2]
    spread: NDArray[np.uint8] = np.maximum(np.maximum(red, green), blue) - np.minimum(
        np.minimum(red, green), blue
    )
    return spread


def _laplacian(luma: NDArray[np.float32]) -> float:
    """Return the mean absolute Laplacian inside the picture's edge, for luma (H, W), H and W at least 3."""
    around = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:]
    return float(np.abs(around - 4 * luma[1:-1, 1:-1]).mean())
