"""Views of places, cast ray by ray, with what they show of which region.

A wall takes the look of the open cell before it, so what is seen names the place. Frames are (N, H, W, 3).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.models.ways import HEADINGS, UNIT
from pavdm_cli.training.mazes.place import FLOORS, MARKS, REGIONS, SIDE, WALLS, Place

SIZE = 64
"""Pixels along the side of a view."""
FIELD = 75.0
"""Degrees that a view is wide."""
CEILING = (150, 160, 175)
TILES = 0.12
"""How much darker every other tile of a floor is."""
MARK = 0.62
"""Size of a mark, as a share of the wall's height."""
FOG = 0.07
AT_ONCE = 128
"""Views cast together."""


@dataclass(frozen=True)
class Views:
    """frames: (N, H, W, 3) uint8. walls, floors, marks: (N, REGIONS), the shares of the pixels that show a
    region's walls, its floor, the mark on its walls."""

    frames: Tensor
    walls: Tensor
    floors: Tensor
    marks: Tensor

    @property
    def shares(self) -> Tensor:
        """Return the shares of the pixels that show a region at all."""
        return self.walls + self.floors


@dataclass(frozen=True)
class Tables:
    """Places as tensors. walls: (P, SIDE * SIDE). regions: (SIDE * SIDE,). wall, floor: (P, REGIONS, 3)
    colours. mark: (P, REGIONS)."""

    walls: Tensor
    regions: Tensor
    wall: Tensor
    floor: Tensor
    mark: Tensor


def tables(places: Sequence[Place]) -> Tables:
    """Lay places out as tensors."""
    wall = [[WALLS[look.wall] for look in place.looks] for place in places]
    floor = [[FLOORS[look.floor] for look in place.looks] for place in places]
    mark = [[MARKS.index(look.mark) for look in place.looks] for place in places]
    return Tables(
        torch.from_numpy(np.stack([place.walls for place in places])).flatten(1),
        torch.from_numpy(places[0].regions).flatten(),
        torch.tensor(wall, dtype=torch.float32),
        torch.tensor(floor, dtype=torch.float32),
        torch.tensor(mark),
    )


def cast(places: Sequence[Place], which: np.ndarray, poses: np.ndarray, size: int = SIZE) -> Views:
    """Cast views of `places[which]` (N,) from poses (N, 3)."""
    table = tables(places)
    parts = [
        _cast(table, torch.from_numpy(w), torch.from_numpy(p), size)
        for w, p in zip(_split(which), _split(poses), strict=True)
    ]
    return Views(
        *(
            torch.cat([getattr(part, name) for part in parts])
            for name in ("frames", "walls", "floors", "marks")
        )
    )


def _split(values: np.ndarray) -> list[np.ndarray]:
    return [values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE)]


def _cast(table: Tables, which: Tensor, poses: Tensor, size: int) -> Views:
    angle = 2 * np.pi * np.arange(HEADINGS) / HEADINGS
    ahead = torch.from_numpy(np.stack((np.cos(angle), np.sin(angle)), 1)).float()[poses[:, 2]]
    wide = float(np.tan(np.radians(FIELD) / 2))
    across = (torch.arange(size) + 0.5) / size * 2 - 1
    left = torch.stack((-ahead[:, 1], ahead[:, 0]), -1)
    ray = ahead[:, None] - left[:, None] * (across * wide)[:, None]
    origin = (poses[:, :2].double() * UNIT).float()
    distance, along, cell, side = _hits(table.walls, which, origin, ray)
    return _paint(table, which, origin, ray, distance, along, cell, side, size / 2 / wide)


def _hits(walls: Tensor, which: Tensor, origin: Tensor, ray: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Follow rays (N, W, 2) from cell to cell to the first wall (Amanatides and Woo 1987).

    Returns:
        Distance along the view, place along the face in [0, 1), index of the open cell before it, and
        whether the face looks along x; (N, W) each.
    """
    step = torch.where(ray > 0, 1, -1)
    length = 1 / ray.abs().clamp_min(1e-6)
    at = origin.floor()[:, None].expand_as(ray)
    within = origin[:, None] - at
    reach = torch.where(ray > 0, 1 - within, within) * length
    cell = at.long()
    open_, side = cell, torch.zeros(ray.shape[:2], dtype=torch.bool)
    distance = torch.zeros(ray.shape[:2])
    flying = torch.ones_like(side)
    rows = which[:, None].expand_as(side)
    for _ in range(2 * SIDE):
        across = reach[..., 0] < reach[..., 1]
        turn = torch.stack((across, ~across), -1) & flying[..., None]
        side = torch.where(flying, across, side)
        distance = torch.where(flying, reach.amin(-1), distance)
        open_ = torch.where(flying[..., None], cell, open_)
        cell = cell + step * turn
        reach = reach + length * turn
        flying = flying & ~walls[rows, cell[..., 1] * SIDE + cell[..., 0]]
        if not flying.any():
            break
    hit = origin[:, None] + ray * distance[..., None]
    along = torch.where(side, hit[..., 1], hit[..., 0])
    return distance, along - along.floor(), open_[..., 1] * SIDE + open_[..., 0], side


def _paint(
    table: Tables,
    which: Tensor,
    origin: Tensor,
    ray: Tensor,
    distance: Tensor,
    along: Tensor,
    cell: Tensor,
    side: Tensor,
    scale: float,
) -> Views:
    """Colour every pixel; `scale` is the height in pixels of something as high as it is far."""
    size = ray.shape[1]
    place = which[:, None, None]
    below = torch.arange(size) + 0.5 - size / 2
    height = below[:, None] / (0.5 * scale / distance.clamp_min(0.05))[:, None]
    wall, floor = height.abs() <= 1, (below[:, None] > 0).expand_as(height)
    far = (0.5 * scale / below.abs())[:, None, None]
    point = origin[:, None, None] + ray[:, None] * far
    column = point.floor().long().clamp(0, SIDE - 1)
    ground = table.regions[column[..., 1] * SIDE + column[..., 0]]
    front = table.regions[cell][:, None].expand_as(ground)
    tile = ((point * 2).floor().sum(-1) % 2) * TILES
    marked = _marked(table.mark[place, front], along[:, None], height, cell[:, None], side[:, None]) & wall
    shade = torch.where(side, 1.0, 0.85)[:, None, :, None]
    paint = table.wall[place, front] * shade
    contrast = 255.0 * (paint.mean(-1, keepdim=True) < 128)
    paint = torch.where(marked[..., None], contrast, paint)
    paint = paint / (1 + FOG * distance[:, None, :, None])
    ground_paint = table.floor[place, ground] * (1 - tile)[..., None] / (1 + FOG * far)
    out = torch.where(floor[..., None], ground_paint, torch.tensor(CEILING).float())
    out = torch.where(wall[..., None], paint, out)
    shares = [
        _shares(where, region) for where, region in ((wall, front), (floor & ~wall, ground), (marked, front))
    ]
    return Views((out + 0.5).clamp(0, 255).to(torch.uint8), *shares)


def _shares(where: Tensor, region: Tensor) -> Tensor:
    """Return the share of the pixels (N, H, W) of each view that are there and show each region."""
    views = torch.arange(len(where))[:, None, None] * REGIONS
    amounts = where.flatten().float() / where[0].numel()
    counted = torch.zeros(len(where) * REGIONS).index_add_(0, (region + views).flatten(), amounts)
    return counted.view(-1, REGIONS)


def _marked(mark: Tensor, along: Tensor, height: Tensor, cell: Tensor, side: Tensor) -> Tensor:
    """Tell which pixels of walls lie on a mark; every other face has one."""
    u, v = (along * 2 - 1) / MARK, height / MARK
    x, y = u.abs(), v.abs()
    shapes = (
        torch.zeros_like(v, dtype=torch.bool),
        u * u + v * v < 1,
        torch.maximum(x, y) < 0.85,
        (torch.maximum(x, y) < 1) & (torch.minimum(x, y) < 0.35),
        (x < 0.4) & (y < 1),
    )
    assert len(shapes) == len(MARKS)
    here = torch.zeros_like(shapes[1])
    for number, shape in enumerate(shapes):
        here = here | (shape & (mark == number))
    return here & ((cell // SIDE + cell % SIDE + side) % 2 == 0)
