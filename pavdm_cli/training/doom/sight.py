"""What a pose in a house shows of which room, from the map alone: one ray for each column of a view."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavdm_cli.training.doom.engine import EYE, WIDE, placed
from pavdm_cli.training.doom.plan import REGIONS, ROOMS, UNITS, plan
from pavdm_cli.training.mazes.facts import AHEAD, LEAST

COLUMNS = 64
HEIGHT = 128
"""Units from floor to ceiling."""
TALL = 1.2
"""How much taller than wide the engine draws a square."""


def shares(poses: NDArray[np.int64]) -> Tensor:
    """Return the shares of the pixels that show each region's walls, (N, REGIONS), from poses (N, 3)."""
    distance, region = _hits(poses)
    up, down = ((TALL * far / WIDE / distance).clip(max=1) for far in ((HEIGHT - EYE) / UNITS, EYE / UNITS))
    height = (up + down) / 2
    found = [(height * (region == n)).mean(1) for n in range(len(REGIONS))]
    return torch.from_numpy(np.stack(found, 1)).float()


def rooms(found: Tensor) -> tuple[int | None, ...]:
    """Return the room that most of each view's walls belong to; None where none is ahead of the rest."""
    best, which = found.topk(2)
    clear = (best[:, 0] >= LEAST["wall"]) & (best[:, 0] >= AHEAD * best[:, 1]) & (which[:, 0] < len(ROOMS))
    return tuple(int(n) if there else None for n, there in zip(which[:, 0], clear, strict=True))


def _hits(poses: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the distance along the view, and the region, of the first wall in each column, (N, COLUMNS)."""
    at, angle = placed(poses)
    ahead = np.stack((np.cos(angle), np.sin(angle)), -1)
    left = np.stack((-ahead[:, 1], ahead[:, 0]), -1)
    across = (np.arange(COLUMNS) + 0.5) / COLUMNS * 2 - 1
    ray = (ahead[:, None] - left[:, None] * (WIDE * across)[:, None])[:, :, None]
    begin, along = plan().walls[:, :2], plan().walls[:, 2:] - plan().walls[:, :2]
    apart = begin - (at / UNITS)[:, None, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        turn = _cross(ray, along)
        distance, part = _cross(apart, along) / turn, _cross(apart, ray) / turn
    there = (distance > 0) & (part >= 0) & (part <= 1)
    distance = np.where(there, distance, np.inf)
    first = distance.argmin(-1)
    return np.take_along_axis(distance, first[..., None], -1)[..., 0], plan().regions[first]


def _cross(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    out: NDArray[np.float64] = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return out
