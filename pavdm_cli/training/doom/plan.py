"""The map of my_way_home: eight rooms and the passages between them.

Its lines lie on a grid of 16 of Doom's units, upright or level. Points are in cells of UNITS.
"""

import functools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pavdm_cli.training.doom import wad
from pavdm_cli.training.doom.wad import Block

UNITS = 64
"""Of Doom's units in a cell: passages are a cell wide, rooms two and a half."""
GRID = 16
ROOMS = ("BIGDOOR2", "CEIL4_2", "CRATE2", "COMP01", "TLITE6_1", "FLOOR1_6", "SILVER2", "SFALL2")
"""What the rooms have in the scenario."""
PASSAGES = "BIGBRIK1"
REGIONS = (*ROOMS, PASSAGES)
PLAYER = "1"
"""The kind of thing that says where the player comes in."""

Point = tuple[float, float]
Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Plan:
    """What all houses share, in cells.

    blocks, nodes: of the map, as the engine takes them. walls: (W, 4) ends of walls. regions: (W,) which
    region each is of. corner, cell: least (x, y) of a grid, and how wide its cells are. open: (rows, columns)
    of it. sectors: (S, 4) least x, y and largest x, y. rooms: which sectors are rooms, in the order of ROOMS.
    doors: from each sector to those beside it, with the middle of the door.
    """

    blocks: tuple[Block, ...]
    nodes: bytes
    walls: Values
    regions: NDArray[np.int64]
    corner: Point
    cell: float
    open: NDArray[np.bool_]
    sectors: Values
    rooms: tuple[int, ...]
    doors: dict[int, dict[int, Point]]


@functools.cache
def plan() -> Plan:
    """Read the scenario's map.

    Raises:
        ConfigError: vizdoom is not installed.
    """
    own = dict(wad.read(Path(wad.engine().scenarios_path) / "my_way_home.wad"))
    found = wad.blocks(own["TEXTMAP"].decode())
    blocks = tuple((kind, one) for kind, one in found if kind != "thing" or one["type"] == PLAYER)
    walls, regions, corners, doors = _lines(blocks)
    papered = [one for one in _all(blocks, "sidedef") if "texturemiddle" in one]
    paper = {int(one["sector"]): one["texturemiddle"] for one in papered}
    corner, inside = _inside(np.array(walls))
    return Plan(
        blocks,
        own["ZNODES"],
        np.array(walls),
        np.array(regions),
        corner,
        GRID / UNITS,
        inside,
        np.array([[*np.min(corners[n], 0), *np.max(corners[n], 0)] for n in range(len(corners))]),
        tuple(next(n for n, name in paper.items() if name == room) for room in ROOMS),
        doors,
    )


def _all(blocks: Sequence[Block], kind: str) -> list[dict[str, str]]:
    return [fields for own, fields in blocks if own == kind]


def _lines(
    blocks: Sequence[Block],
) -> tuple[list[Values], list[int], dict[int, list[Values]], dict[int, dict[int, Point]]]:
    """Return walls and their regions; by sector, the corners, and the doors to those beside it."""
    points = np.array([[float(one["x"]), float(one["y"])] for one in _all(blocks, "vertex")]) / UNITS
    sides, walls, regions = _all(blocks, "sidedef"), [], []
    corners, doors = defaultdict[int, list[Values]](list), defaultdict[int, dict[int, Point]](dict)
    for line in _all(blocks, "linedef"):
        ends, front = points[[int(line["v1"]), int(line["v2"])]], sides[int(line["sidefront"])]
        sector = int(front["sector"])
        corners[sector].extend(ends)
        if "sideback" in line:
            other = int(sides[int(line["sideback"])]["sector"])
            corners[other].extend(ends)
            x, y = ends.mean(0).tolist()
            doors[sector][other] = doors[other][sector] = x, y
        else:
            walls.append(ends.ravel())
            regions.append(REGIONS.index(front["texturemiddle"]))
    return walls, regions, corners, doors


def _inside(walls: Values) -> tuple[Point, NDArray[np.bool_]]:
    """Return the least corner of a grid, and which of its cells lie inside of walls (the even-odd rule)."""
    ends = walls.reshape(-1, 2, 2)
    least, most = ends.min((0, 1)), ends.max((0, 1))
    columns, rows = np.round((most - least) * UNITS / GRID).astype(int)
    x = least[0] + (np.arange(columns) + 0.5) * GRID / UNITS
    y = least[1] + (np.arange(rows) + 0.5) * GRID / UNITS
    inside = np.zeros((rows, columns), bool)
    for (a, b), (_, d) in ends:
        if b != d:  # upright: all of the map's lines are upright or level
            beside = (y > min(b, d)) & (y < max(b, d))
            inside ^= beside[:, None] & (x > a)[None]
    return (float(least[0]), float(least[1])), inside
