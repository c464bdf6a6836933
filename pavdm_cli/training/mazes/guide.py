"""The way from cell to cell of a grid, towards goals drawn one after the other."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from pavdm_cli.models.ways import FORWARD, HEADINGS, LEFT, RIGHT, UNIT, Pose, moved
from pavdm_cli.training.mazes.walk import ROOM

_CENTRE = round(0.5 / UNIT)
_CELL = round(1 / UNIT)


class Guide:
    """Leads on the shortest way from an open cell to a goal, and from there to another. walls: (N, N)."""

    def __init__(self, walls: NDArray[np.bool_], rng: np.random.Generator) -> None:
        self._walls, self._rng = walls, rng
        cells = np.argwhere(~walls)
        y, x = cells[rng.integers(len(cells))]
        self.start: Pose = (int(x) * _CELL + _CENTRE, int(y) * _CELL + _CENTRE, int(rng.integers(HEADINGS)))
        self._path: list[tuple[int, int]] = []

    def next(self, pose: Pose) -> int:
        """Choose what leads towards the goal: turn to the next cell of the path, or step if that is free."""
        x, y, heading = pose
        here = y // _CELL, x // _CELL
        self._path = [] if self._path and here not in self._path[:2] else self._path
        if len(self._path) > 1 and here == self._path[1]:
            self._path = self._path[1:]
        if len(self._path) < 2:
            self._path = _path(self._walls, here, self._rng)
        towards = self._path[1]
        if not free(self._walls, moved(pose, FORWARD)) and not _centred(pose):
            towards = here
        v, u = (c * _CELL + _CENTRE for c in towards)
        wanted = np.arctan2(v - y, u - x) * HEADINGS / (2 * np.pi)
        turn = (round(float(wanted)) - heading + HEADINGS // 2) % HEADINGS - HEADINGS // 2
        if turn:
            return LEFT if turn > 0 else RIGHT
        if free(self._walls, moved(pose, FORWARD)):
            return FORWARD
        return LEFT if wanted > round(float(wanted)) else RIGHT

    def forget(self) -> None:
        """Drop the goal."""
        self._path = []


def anywhere(walls: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw a pose (3,) in a free point of a grid."""
    while True:
        x, y = (int(c) for c in rng.integers(len(walls) * _CELL, size=2))
        pose = x, y, int(rng.integers(HEADINGS))
        if free(walls, pose):
            return np.array(pose)


def _centred(pose: Pose) -> bool:
    return all(abs(c % _CELL - _CENTRE) < 0.3 * _CELL for c in pose[:2])


def free(walls: NDArray[np.bool_], pose: Pose) -> bool:
    """Tell whether there is room around a point."""
    x, y = pose[0] * UNIT, pose[1] * UNIT
    if not (ROOM < x < len(walls) - ROOM and ROOM < y < len(walls) - ROOM):
        return False
    return not any(walls[int(y + v), int(x + u)] for v in (-ROOM, ROOM) for u in (-ROOM, ROOM))


def _path(
    walls: NDArray[np.bool_], start: tuple[int, int], rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Return the cells of a shortest way from a cell to one of the farther half of those there are."""
    side = range(len(walls))
    came: dict[tuple[int, int], tuple[int, int]] = {start: start}
    queue = deque([start])
    order = [(0, 1), (1, 0), (0, -1), (-1, 0)]
    while queue:
        y, x = queue.popleft()
        for v, u in order:
            there = y + v, x + u
            if there[0] in side and there[1] in side and not walls[there] and there not in came:
                came[there] = (y, x)
                queue.append(there)
    reached = list(came)
    goal = reached[int(rng.integers(len(reached) // 2, len(reached)))]
    path = [goal]
    while path[-1] != start:
        path.append(came[path[-1]])
    return path[::-1]
