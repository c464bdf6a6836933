"""Ways through a place, one pose a frame, made of four actions whose sums are exact.

A pose is (x, y, heading): x and y whole numbers of UNIT cells, heading of 18 directions. So an action and its
inverse lead back to the very same pose, and a frame seen again is the same to the byte.
"""

from collections import deque
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pavdm_cli.training.mazes.place import SIDE, Place

ACTIONS = ("forward", "left", "right", "back")
FORWARD, LEFT, RIGHT, BACK = range(4)
INVERSE = (BACK, RIGHT, LEFT, FORWARD)
STILL = -1
"""The action of a first frame."""
HEADINGS = 18
UNIT = 2.0**-16
STRIDE = 0.5
"""Cells a step is long."""
ROOM = 0.22
"""Cells that are kept from walls."""

Way = Literal["walk", "palindrome", "loop"]
WAYS: tuple[Way, ...] = ("walk", "palindrome", "loop")
SHARES = (0.2, 0.5, 0.3)
LONGEST = 64
"""Steps out, at most, before the way back."""

_ANGLES = 2 * np.pi * np.arange(HEADINGS) / HEADINGS
_STEPS = np.round(STRIDE / UNIT * np.stack((np.cos(_ANGLES), np.sin(_ANGLES)), 1)).astype(np.int64)
_CENTRE = round(0.5 / UNIT)
_CELL = round(1 / UNIT)

Pose = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Trajectory:
    """poses: (T, 3). actions: (T,), each leads to its frame; the first is STILL."""

    poses: NDArray[np.int64]
    actions: NDArray[np.int64]


def moved(pose: Pose, action: int) -> Pose:
    """Return where an action leads, walls or not."""
    x, y, heading = pose
    if action in (LEFT, RIGHT):
        return x, y, (heading + (1 if action == LEFT else -1)) % HEADINGS
    way = 1 if action == FORWARD else -1
    return x + way * int(_STEPS[heading, 0]), y + way * int(_STEPS[heading, 1]), heading


def along(start: Pose, actions: NDArray[np.int64]) -> Trajectory:
    """Return the way that actions make from a pose."""
    poses = [start]
    for action in actions.tolist():
        poses.append(moved(poses[-1], action))
    return Trajectory(np.array(poses), np.concatenate(([STILL], actions)))


def draw(place: Place, frames: int, rng: np.random.Generator, way: Way | None = None) -> Trajectory:
    """Draw a way of so many frames.

    walk: from goal to goal. palindrome: out, back by the inverse actions, and on from there, again and
    again. loop: out, turn, walk back, turn: there again at the very same pose, and then the same way again.
    """
    chosen = way or WAYS[int(rng.choice(len(WAYS), p=SHARES))]
    walker = Walker(place, rng)
    if chosen == "walk":
        walker.walk(frames)
    while len(walker.actions) < frames - 1:
        out = int(rng.integers(6, LONGEST))
        if chosen == "palindrome":
            walker.walk(out)
            walker.back(int(rng.integers(out // 2, out + 1)))
        else:
            walker.loop(out)
    return along(walker.start, np.array(walker.actions[: frames - 1]))


def palindrome(place: Place, frames: int, turning: int, rng: np.random.Generator) -> Trajectory:
    """Draw a way out until the frame `turning`, and back; past the start again it goes on walking."""
    walker = Walker(place, rng)
    walker.walk(turning)
    walker.back(min(turning, frames - 1 - turning))
    walker.walk(frames - 1 - len(walker.actions))
    return along(walker.start, np.array(walker.actions[: frames - 1]))


def anywhere(place: Place, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw a pose in a free point of a place."""
    while True:
        x, y = (int(c) for c in rng.integers(SIDE * _CELL, size=2))
        pose = x, y, int(rng.integers(HEADINGS))
        if _free(place.walls, pose):
            return np.array(pose)


class Walker:
    """Makes actions from a random pose in an open cell on."""

    def __init__(self, place: Place, rng: np.random.Generator) -> None:
        self._walls, self._rng = place.walls, rng
        cells = np.argwhere(~place.walls)
        y, x = cells[rng.integers(len(cells))]
        self.start: Pose = (int(x) * _CELL + _CENTRE, int(y) * _CELL + _CENTRE, int(rng.integers(HEADINGS)))
        self.pose, self.actions = self.start, list[int]()
        self._path: list[tuple[int, int]] = []

    def walk(self, steps: int) -> None:
        """Walk from goal to goal, on the shortest way."""
        for _ in range(steps):
            action, last = self._next(), self.actions[-1] if self.actions else STILL
            if last in (LEFT, RIGHT) and action == INVERSE[last]:  # it would turn to and fro for ever
                action = FORWARD if _free(self._walls, moved(self.pose, FORWARD)) else last
            self._do(action)

    def back(self, steps: int) -> None:
        """Undo the last steps."""
        for action in self.actions[-1 : -1 - steps : -1]:
            self._do(INVERSE[action])
        self._path = []

    def loop(self, steps: int) -> None:
        """Walk out, turn round, walk back, turn round, and walk out again."""
        begun = len(self.actions)
        self.walk(steps)
        out = self.actions[begun:]
        turned = {FORWARD: FORWARD, LEFT: RIGHT, RIGHT: LEFT}
        half = [LEFT] * (HEADINGS // 2)
        for action in (*half, *(turned[a] for a in reversed(out)), *half, *out):
            self._do(action)
        self._path = []

    def _do(self, action: int) -> None:
        self.pose = moved(self.pose, action)
        self.actions.append(action)

    def _next(self) -> int:
        """Choose what leads towards the goal: turn to the next cell of the path, or step if that is free."""
        x, y, heading = self.pose
        here = y // _CELL, x // _CELL
        self._path = [] if self._path and here not in self._path[:2] else self._path
        if len(self._path) > 1 and here == self._path[1]:
            self._path = self._path[1:]
        if len(self._path) < 2:
            self._path = _path(self._walls, here, self._rng)
        towards = self._path[1]
        if not _free(self._walls, moved(self.pose, FORWARD)) and not _centred(self.pose):
            towards = here
        v, u = (c * _CELL + _CENTRE for c in towards)
        wanted = np.arctan2(v - y, u - x) * HEADINGS / (2 * np.pi)
        turn = (round(float(wanted)) - heading + HEADINGS // 2) % HEADINGS - HEADINGS // 2
        if turn:
            return LEFT if turn > 0 else RIGHT
        if _free(self._walls, moved(self.pose, FORWARD)):
            return FORWARD
        return LEFT if wanted > round(float(wanted)) else RIGHT


def _centred(pose: Pose) -> bool:
    return all(abs(c % _CELL - _CENTRE) < 0.3 * _CELL for c in pose[:2])


def _free(walls: NDArray[np.bool_], pose: Pose) -> bool:
    """Tell whether there is room around a point."""
    x, y = pose[0] * UNIT, pose[1] * UNIT
    if not (ROOM < x < SIDE - ROOM and ROOM < y < SIDE - ROOM):
        return False
    return not any(walls[int(y + v), int(x + u)] for v in (-ROOM, ROOM) for u in (-ROOM, ROOM))


def _path(
    walls: NDArray[np.bool_], start: tuple[int, int], rng: np.random.Generator
) -> list[tuple[int, int]]:
    """Return the cells of a shortest way from a cell to one of the farther half of those there are."""
    came: dict[tuple[int, int], tuple[int, int]] = {start: start}
    queue = deque([start])
    order = [(0, 1), (1, 0), (0, -1), (-1, 0)]
    while queue:
        y, x = queue.popleft()
        for v, u in order:
            there = y + v, x + u
            if 0 <= there[0] < SIDE and 0 <= there[1] < SIDE and not walls[there] and there not in came:
                came[there] = (y, x)
                queue.append(there)
    reached = list(came)
    goal = reached[int(rng.integers(len(reached) // 2, len(reached)))]
    path = [goal]
    while path[-1] != start:
        path.append(came[path[-1]])
    return path[::-1]
