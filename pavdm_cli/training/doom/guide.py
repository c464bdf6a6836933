"""The way through the doors of a house, towards points drawn in its rooms one after the other."""

from collections import deque

import numpy as np

from pavdm_cli.models.ways import FORWARD, HEADINGS, LEFT, RIGHT, UNIT, Pose, moved
from pavdm_cli.training.doom.plan import Plan, Point
from pavdm_cli.training.mazes.walk import ROOM

NEAR = 0.4
"""Cells from a point at which it counts as reached: a little less than a step."""
EDGE = 0.5
"""Cells that goals keep from a room's walls."""
PATIENCE = 60
"""Actions after which another goal is drawn."""


class Guide:
    """Leads from a point in a room to another one, from door to door, and from there on."""

    def __init__(self, plan: Plan, rng: np.random.Generator) -> None:
        self._plan, self._rng = plan, rng
        x, y = _drawn(plan, int(rng.choice(plan.rooms)), rng)
        self.start: Pose = (round(x / UNIT), round(y / UNIT), int(rng.integers(HEADINGS)))
        self._path: list[Point] = []
        self._left = 0

    def next(self, pose: Pose) -> int:
        """Choose what leads towards the next point: turn to the nearest direction that is free, then step."""
        x, y = pose[0] * UNIT, pose[1] * UNIT
        while self._path and np.hypot(self._path[0][0] - x, self._path[0][1] - y) < NEAR:
            self._path = self._path[1:]
        if not self._path or not self._left:
            self._path, self._left = self._way(x, y), PATIENCE
        self._left -= 1
        u, v = self._path[0]
        wanted = np.arctan2(v - y, u - x) * HEADINGS / (2 * np.pi)
        half = HEADINGS // 2
        order = sorted(
            range(-half, half), key=lambda turn: abs((pose[2] + turn - wanted + half) % HEADINGS - half)
        )
        turn = next(turn for turn in order if self._ahead(pose, turn))
        return FORWARD if turn == 0 else LEFT if turn > 0 else RIGHT

    def _ahead(self, pose: Pose, turn: int) -> bool:
        """Tell whether a step is free after a turn."""
        return free(self._plan, moved((pose[0], pose[1], (pose[2] + turn) % HEADINGS), FORWARD))

    def forget(self) -> None:
        """Drop the goal."""
        self._path = []

    def _way(self, x: float, y: float) -> list[Point]:
        """Return the middles of the doors on the way to a point in another room, and that point."""
        plan, here = self._plan, _sector(self._plan, x, y)
        room = int(self._rng.choice([room for room in plan.rooms if room != here]))
        came, queue = {room: room}, deque([room])
        while queue:
            now = queue.popleft()
            for beside in plan.doors[now]:
                if beside not in came:
                    came[beside] = now
                    queue.append(beside)
        path = []
        while here != room:
            path.append(plan.doors[here][came[here]])
            here = came[here]
        return [*path, _drawn(plan, room, self._rng)]


def free(plan: Plan, pose: Pose) -> bool:
    """Tell whether a point keeps ROOM from all walls."""
    x, y = pose[0] * UNIT - plan.corner[0], pose[1] * UNIT - plan.corner[1]
    rows, columns = plan.open.shape
    corners = [
        (int((y + v) // plan.cell), int((x + u) // plan.cell)) for v in (-ROOM, ROOM) for u in (-ROOM, ROOM)
    ]
    return all(0 <= r < rows and 0 <= c < columns and plan.open[r, c] for r, c in corners)


def anywhere(plan: Plan, rng: np.random.Generator) -> Pose:
    """Draw a pose in a free point."""
    rows, columns = plan.open.shape
    while True:
        x, y = rng.random(2) * (columns, rows) * plan.cell + plan.corner
        pose = round(x / UNIT), round(y / UNIT), int(rng.integers(HEADINGS))
        if free(plan, pose):
            return pose


def _drawn(plan: Plan, room: int, rng: np.random.Generator) -> Point:
    """Draw a point in a room."""
    a, b, c, d = plan.sectors[room]
    return float(rng.uniform(a + EDGE, c - EDGE)), float(rng.uniform(b + EDGE, d - EDGE))


def _sector(plan: Plan, x: float, y: float) -> int:
    """Return the sector that a point is in."""
    a, b, c, d = plan.sectors.T
    return int(np.argmax((a <= x) & (x <= c) & (b <= y) & (y <= d)))
