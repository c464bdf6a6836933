"""A map of cells, open or wall, in nine regions with a look of their own.

Grids are (SIDE, SIDE), indexed by row and column; the point (x, y) lies in column floor(x), row floor(y).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pavdm_cli.models.ways import Pose
from pavdm_cli.training.mazes import guide
from pavdm_cli.training.mazes.guide import Guide

Kind = Literal["rooms", "maze"]

SIDE = 13
ACROSS = 3
"""Regions along a side."""
REGIONS = ACROSS**2
WALLS = {
    "red": (200, 45, 40),
    "orange": (225, 130, 35),
    "yellow": (220, 205, 60),
    "green": (60, 155, 60),
    "cyan": (70, 195, 195),
    "blue": (50, 75, 200),
    "purple": (125, 60, 175),
    "pink": (230, 130, 180),
    "white": (225, 225, 220),
    "brown": (115, 75, 45),
}
FLOORS = {
    "sand": (205, 185, 130),
    "grass": (75, 120, 50),
    "slate": (85, 95, 115),
    "brick": (150, 75, 60),
    "snow": (225, 235, 240),
    "night": (40, 35, 60),
}
MARKS = ("none", "disc", "square", "cross", "bar")
LOOPS = 0.15
"""Share of a maze's inner walls that are taken away, so that there is more than one way."""


@dataclass(frozen=True)
class Look:
    """What one region looks like: the colours of walls and floor, and the mark on its walls."""

    wall: str
    floor: str
    mark: str


@dataclass(frozen=True, eq=False)
class Place:
    """A map. walls, regions: grids; looks: of each region."""

    kind: Kind
    walls: NDArray[np.bool_]
    regions: NDArray[np.int64]
    looks: tuple[Look, ...]

    def guide(self, rng: np.random.Generator) -> Guide:
        """Draw an open cell to begin in, and who leads on from there."""
        return Guide(self.walls, rng)

    def anywhere(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw a pose (3,) in a free point."""
        return guide.anywhere(self.walls, rng)

    def free(self, pose: Pose) -> bool:
        """Tell whether there is room around a point."""
        return guide.free(self.walls, pose)


def draw(seed: int, number: int) -> Place:
    """Draw a place: rooms under even numbers, mazes under odd ones."""
    rng = np.random.default_rng([seed, number])
    kind: Kind = "maze" if number % 2 else "rooms"
    walls = _maze(rng) if kind == "maze" else _rooms(rng)
    cell = np.minimum(np.arange(SIDE) * ACROSS // SIDE, ACROSS - 1)
    regions = cell[:, None] * ACROSS + cell[None]
    colours = rng.permutation(list(WALLS))[:REGIONS]
    looks = tuple(
        Look(str(colour), str(rng.choice(list(FLOORS))), str(rng.choice(MARKS))) for colour in colours
    )
    return Place(kind, walls, regions, looks)


def _rooms(rng: np.random.Generator) -> NDArray[np.bool_]:
    """Nine rooms of 3 x 3 cells; all doors that a tree needs, and half of the others."""
    walls = np.zeros((SIDE, SIDE), bool)
    walls[::4], walls[:, ::4] = True, True
    for a, b in _passages(rng, ACROSS, 0.5):
        (y, x), (v, u) = a, b
        walls[2 * (y + v) + 2, 2 * (x + u) + 2] = False
    return walls


def _maze(rng: np.random.Generator) -> NDArray[np.bool_]:
    """Corridors one cell wide between the cells of odd row and column."""
    walls = np.ones((SIDE, SIDE), bool)
    walls[1::2, 1::2] = False
    for (y, x), (v, u) in _passages(rng, SIDE // 2, LOOPS):
        walls[y + v + 1, x + u + 1] = False
    return walls


def _passages(
    rng: np.random.Generator, side: int, more: float
) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return neighbours to join on a grid: a random tree, by depth first, and a share of the rest."""
    found, seen, path = [], {(0, 0)}, [(0, 0)]
    while path:
        y, x = path[-1]
        near = [(y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)]
        open_ = [(v, u) for v, u in near if 0 <= v < side and 0 <= u < side and (v, u) not in seen]
        if not open_:
            path.pop()
            continue
        there = open_[int(rng.integers(len(open_)))]
        found.append(((y, x), there))
        seen.add(there)
        path.append(there)
    joined = {frozenset(pair) for pair in found}
    pairs = [((y, x), (y + v, x + u)) for y in range(side) for x in range(side) for v, u in ((0, 1), (1, 0))]
    rest = [(a, b) for a, b in pairs if max(b) < side and frozenset((a, b)) not in joined]
    return found + [pair for pair in rest if rng.random() < more]
