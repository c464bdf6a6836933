"""Brushes shared by the worlds: coordinates, hashed noise, soft edges, palettes.

Everything is vectorised over scenes B and frames F and pure: the same arguments give the same picture on any
device, up to rounding. Pictures are (B, F, 3, H, W), masks and heights (B, F, H, W); per-scene parameters are
(B, 1, 1, 1) and per-frame ones (B, F, 1, 1). x runs from 0 (left) to W/H (right), y from 0 (top) to 1
(bottom).
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

FPS = 24
Colour = tuple[float, float, float]
Size = tuple[int, int]
"""Height and width in pixels."""


def grid(size: Size, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return x and y of the pixel centres, each (1, 1, H, W); the unit is the picture's height."""
    height, width = size
    y = (torch.arange(height, device=device) + 0.5) / height
    x = (torch.arange(width, device=device) + 0.5) / height
    return x.view(1, 1, 1, width).expand(1, 1, height, width), y.view(1, 1, height, 1).expand(
        1, 1, height, width
    )


def seconds(frames: Tensor) -> Tensor:
    """Turn frame numbers (B, F) into seconds (B, F, 1, 1), float64 so that hours stay exact."""
    return (frames.double() / FPS)[:, :, None, None]


class Dice:
    """Per-scene random numbers: the same seed gives the same numbers, in the order they are asked for."""

    def __init__(self, seeds: Sequence[int], device: torch.device) -> None:
        self._generators = [np.random.Generator(np.random.Philox(key=int(s))) for s in seeds]
        self._device = device

    def uniform(self, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Return one number per scene, (B, 1, 1, 1) float32."""
        return self.many(1, low, high)[..., 0]

    def many(self, n: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Return n numbers per scene, (B, 1, 1, 1, n) float32."""
        values = np.stack([g.uniform(low, high, n) for g in self._generators]).astype(np.float32)
        return torch.from_numpy(values).to(self._device)[:, None, None, None, :]


def per_scene(values: Sequence[float], device: torch.device) -> Tensor:
    """Turn one number per scene into (B, 1, 1, 1) float32."""
    return torch.tensor(values, dtype=torch.float32, device=device)[:, None, None, None]


def colours(values: Sequence[Colour], device: torch.device) -> Tensor:
    """Turn one colour per scene into (B, 1, 3, 1, 1) float32."""
    return torch.tensor(values, dtype=torch.float32, device=device)[:, None, :, None, None]


def smoothstep(low: Tensor | float, high: Tensor | float, x: Tensor) -> Tensor:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)


def inside(distance: Tensor, height: int, softness: float = 1.0) -> Tensor:
    """Coverage of a pixel from a signed distance (negative inside, unit = picture height), anti-aliased."""
    return (0.5 - distance * (height / softness)).clamp(0, 1)


def mix(below: Tensor, above: Tensor, cover: Tensor) -> Tensor:
    """Lay picture `above` over `below` where `cover` (B, F, H, W) is 1."""
    return torch.lerp(below, above, cover.unsqueeze(2))


def gradient(y: Tensor, top: Tensor, middle: Tensor, low: Tensor) -> Tensor:
    """Colour a sky from `top` (y = 0) over `middle` to `low` (y = 0.7 and below); y is (1, 1, H, W)."""
    t = (y[:, :, None, :, :1] / 0.7).clamp(0, 1)
    return torch.lerp(torch.lerp(top, middle, (2 * t).clamp(0, 1)), low, (2 * t - 1).clamp(0, 1))


def glow(below: Tensor, colour: Tensor, amount: Tensor) -> Tensor:
    """Add light to a picture so that it never exceeds white: a screen blend of `amount` (B, F, H, W)."""
    return torch.addcmul(below, colour * amount.unsqueeze(2), 1 - below)


def cumulus(
    along: Tensor, y: Tensor, time: Tensor, seed: Tensor, scale: Tensor | float = 1.0
) -> tuple[Tensor, Tensor]:
    """Draw a row of drifting heaped clouds, one in each unit of `along`, slowly changing shape.

    Args:
        along: (B, F, 1, W) float64 position along the row; a cloud is up to 0.7 wide.
        y: (B, F, H, 1) height relative to the clouds' mean base, in units of `scale`; negative is above.
        time: (B, F, 1, 1) float64 seconds.
        seed: (B, 1, 1, 1) int64.
        scale: picture heights in one unit of `along`.

    Returns:
        Soft coverage and light (0 at the shaded base, 1 at the top), each (B, F, H, W).
    """
    cell = torch.floor(along)
    i = cell.long()
    at = (along - cell).float() - 0.5
    dy = y / scale - 0.30 * (hashed(i, seed + 7) - 0.5)
    dy = torch.where(dy > 0, 2.6 * dy, dy)
    size = 0.11 + 0.06 * hashed(i, seed + 8)
    heap = torch.full_like(at, -1.0)
    for lump, where in enumerate((-0.17, -0.07, 0.03, 0.11, 0.19)):
        breath = noise1(time * 0.12 + 40 * hashed(i, seed + 9), seed + lump)
        radius = size * (0.55 + 0.45 * hashed(i, seed + 20 + lump) + 0.25 * breath) * (1 - 1.6 * abs(where))
        heap = torch.maximum(heap, radius.square() - (at - where * size / 0.14).square())
    cover = smoothstep(0.0, 0.5, (heap - dy.square()) / size.square())
    return cover, (0.35 - dy / (1.3 * size)).clamp(0, 1)


def wrap(x: Tensor, period: float) -> Tensor:
    """Bring x into [0, period) in its own precision, and return float32."""
    return torch.remainder(x, period).float()


def bounce(x: Tensor, low: Tensor | float, high: Tensor | float) -> Tensor:
    """Reflect x between two walls (a triangle wave), float32."""
    span = high - low
    phase = torch.remainder(x - low, 2 * span)
    return (low + torch.minimum(phase, 2 * span - phase)).float()


def hashed(cell: Tensor, seed: Tensor | int) -> Tensor:
    """Map integer cells (int64) and a seed to uniform numbers in [0, 1), float32, equal on every device."""
    h = (cell * 0x27D4EB2F + seed * 0x165667B1 + 0x9E3779B9) & 0xFFFFFFFF
    h = ((h ^ (h >> 15)) * 0x2C1B3C6D) & 0xFFFFFFFF
    h = ((h ^ (h >> 12)) * 0x297A2D39) & 0xFFFFFFFF
    return ((h ^ (h >> 15)) & 0xFFFFFF).float() / float(1 << 24)


def noise1(x: Tensor, seed: Tensor | int) -> Tensor:
    """Smooth random function of one coordinate (feature size 1), values in [0, 1]; x may be float64."""
    cell = torch.floor(x)
    t = (x - cell).float()
    t = t * t * (3 - 2 * t)
    i = cell.long()
    return hashed(i, seed) * (1 - t) + hashed(i + 1, seed) * t


def noise2(x: Tensor, y: Tensor, seed: Tensor | int) -> Tensor:
    """Smooth random function of two coordinates (feature size 1), values in [0, 1]."""
    cx, cy = torch.floor(x), torch.floor(y)
    tx, ty = (x - cx).float(), (y - cy).float()
    tx, ty = tx * tx * (3 - 2 * tx), ty * ty * (3 - 2 * ty)
    i, j = cx.long(), cy.long() * 7919

    def corner(dx: int, dy: int) -> Tensor:
        return hashed(i + dx + (j + dy * 7919) * 104729, seed)

    top = corner(0, 0) * (1 - tx) + corner(1, 0) * tx
    low = corner(0, 1) * (1 - tx) + corner(1, 1) * tx
    return top * (1 - ty) + low * ty


def fractal1(x: Tensor, seed: Tensor | int, octaves: int = 3) -> Tensor:
    """Sum octaves of `noise1`, values in [0, 1]: a ridge line, a swaying wind."""
    return _fractal([noise1(x * 2.0**o, seed + 31 * o) for o in range(octaves)])


def fractal2(x: Tensor, y: Tensor, seed: Tensor | int, octaves: int = 3) -> Tensor:
    """Sum octaves of `noise2`, values in [0, 1]: clouds, smoke, water."""
    return _fractal([noise2(x * 2.0**o, y * 2.0**o, seed + 31 * o) for o in range(octaves)])


def _fractal(layers: list[Tensor]) -> Tensor:
    weights = [0.5**o for o in range(len(layers))]
    total = weights[0] * layers[0]
    for weight, layer in zip(weights[1:], layers[1:], strict=True):
        total = total + weight * layer
    return total / math.fsum(weights)


def enlarge(layer: Tensor, size: Size) -> Tensor:
    """Enlarge a soft layer (B, F, h, w) painted on a coarse `grid`: clouds, fog, glow."""
    return functional.interpolate(layer, size=size, mode="bilinear", align_corners=False)


def glows(at: tuple[Tensor, Tensor], radius: tuple[Tensor, Tensor], light: Tensor, size: Size) -> Tensor:
    """Add up N soft Gaussian lights, hundreds at the price of a few.

    Args:
        at: x and y of the centres, each (B, F, N).
        radius: standard deviations along x and y, each broadcastable to (B, F, N).
        light: (B, F, N, C) brightness of each in C channels.
        size: height and width in pixels.

    Returns:
        (B, F, C, H, W), unbounded above.
    """
    x, y = grid(size, light.device)

    def profile(points: Tensor, centre: Tensor, spread: Tensor) -> Tensor:
        return torch.exp((-0.5 * ((points - centre[..., None]) / spread[..., None]) ** 2).clamp(min=-30))

    across = profile(x[..., 0, :], at[0], radius[0])
    down = profile(y[..., 0], at[1], radius[1]).mT
    return (down.unsqueeze(2) * light.mT.unsqueeze(3)) @ across.unsqueeze(2)
