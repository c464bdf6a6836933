"""Known damage to true renders, in doses, so that the smallest that a measure notices is known.

A dose grows along the video from nothing to its whole amount at the end, unless its kind says otherwise.
Frames are (B, n, H, W, 3) uint8, as in `sources`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from pavdm_cli.drift.statistics import LUMA
from pavdm_cli.studies.sources import Frames
from pavdm_cli.training.worlds.paint import FPS

Picture = NDArray[np.float32]


@dataclass(frozen=True)
class Damage:
    """One kind of damage: what a dose means, and the doses tried, from small to large."""

    name: str
    about: str
    doses: tuple[float, ...]


DAMAGES = (
    Damage("gamma", "exponent above 1 at the end", (0.05, 0.15, 0.4)),
    Damage("saturation", "share of colour lost at the end", (0.05, 0.15, 0.4)),
    Damage("blur", "radius in pixels at the end", (0.5, 1.5, 4.0)),
    Damage("freeze", "seconds that stand still in the middle", (0.5, 1.5, 4.0)),
    Damage("loop", "share of the video after which it begins again", (0.45, 0.3, 0.15)),
    Damage("swap", "share of another scene laid over it at the end", (0.1, 0.3, 0.8)),
    Damage("collapse", "share of the mean colour laid over the second half", (0.1, 0.3, 0.8)),
)


def damaged(
    frames: Iterator[Frames], others: Iterator[Frames], name: str, dose: float, count: int
) -> Iterator[Frames]:
    """Yield videos of `count` frames with one kind of damage; `others` are scenes to swap to."""
    if name == "freeze":
        yield from _frozen(frames, round(count / 2), round(dose * FPS))
    elif name == "loop":
        yield from _looped(frames, round(dose * count))
    else:
        seen = 0
        for piece, other in zip(frames, others, strict=True):
            at = np.arange(seen, seen + piece.shape[1]) / max(count - 1, 1)
            yield _changed(piece, other, name, dose, at)
            seen += piece.shape[1]


def _changed(piece: Frames, other: Frames, name: str, dose: float, at: NDArray[np.float64]) -> Frames:
    """Change each frame of a piece by its share of the dose; `at` goes from 0 to 1 along the video."""
    picture: Picture = piece.astype(np.float32) / np.float32(255)
    amount: Picture = (dose * at).astype(np.float32)
    share = amount[:, None, None, None]
    changes: dict[str, Callable[[], Picture]] = {
        "gamma": lambda: np.power(picture, 1 + share),
        "saturation": lambda: _towards(picture, (picture @ LUMA)[..., None], share),
        "blur": lambda: _blurred(picture, amount),
        "swap": lambda: _towards(picture, other.astype(np.float32) / np.float32(255), share),
        "collapse": lambda: _towards(
            picture,
            picture.mean((2, 3), keepdims=True),
            np.float32(dose) * (at >= 0.5).astype(np.float32)[:, None, None, None],
        ),
    }
    out: Frames = (changes[name]() * 255 + 0.5).clip(0, 255).astype(np.uint8)
    return out


def _towards(picture: Picture, other: Picture, share: Picture) -> Picture:
    out: Picture = picture + share * (other - picture)
    return out


def _blurred(picture: Picture, radius: Picture) -> Picture:
    """Blur each frame with a Gaussian of its own radius in pixels."""
    out = torch.from_numpy(picture).permute(1, 0, 4, 2, 3)  # n B C H W
    done = [_gaussian(frame, float(r)) if r > 0.1 else frame for frame, r in zip(out, radius, strict=True)]
    blurred: Picture = torch.stack(done).permute(1, 0, 3, 4, 2).numpy()
    return blurred


def _gaussian(frames: torch.Tensor, radius: float) -> torch.Tensor:
    reach = max(1, round(3 * radius))
    line = torch.exp(-0.5 * (torch.arange(-reach, reach + 1) / radius) ** 2)
    line = (line / line.sum()).expand(frames.shape[1], 1, 1, -1)
    padded = functional.pad(frames, (reach,) * 4, mode="replicate")
    across = functional.conv2d(padded, line, groups=frames.shape[1])
    return functional.conv2d(across, line.mT, groups=frames.shape[1])


def _frozen(frames: Iterator[Frames], start: int, length: int) -> Iterator[Frames]:
    """Hold the frame at `start` for so many frames; the video goes on where it would have been."""
    seen, held = 0, np.empty(0, np.uint8)
    for piece in frames:
        out = piece.copy()
        for n in range(piece.shape[1]):
            if seen + n == start:
                held = piece[:, n].copy()
            if start <= seen + n < start + length:
                out[:, n] = held
        seen += piece.shape[1]
        yield out


def _looped(frames: Iterator[Frames], period: int) -> Iterator[Frames]:
    """Show the first `period` frames again and again."""
    kept: list[Frames] = []
    seen = 0
    for piece in frames:
        if seen < period:
            kept.append(piece)
        loop = np.concatenate(kept, 1)[:, :period]
        yield loop[:, np.arange(seen, seen + piece.shape[1]) % period]
        seen += piece.shape[1]
