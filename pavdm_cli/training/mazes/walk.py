"""Walks through a place, drawn: from goal to goal, out and back the same way, or round again."""

from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from pavdm_cli.models.ways import (
    FORWARD,
    HEADINGS,
    INVERSE,
    LEFT,
    RIGHT,
    STILL,
    Pose,
    Trajectory,
    along,
    moved,
)

ROOM = 0.22
"""Cells that are kept from walls."""

Way = Literal["walk", "palindrome", "loop"]
WAYS: tuple[Way, ...] = ("walk", "palindrome", "loop")
SHARES = (0.2, 0.5, 0.3)
LONGEST = 64
"""Steps out, at most, before the way back."""


class Guide(Protocol):
    """Leads through a place, from where it begins."""

    start: Pose

    def next(self, pose: Pose) -> int:
        """Choose the action that leads on from a pose."""

    def forget(self) -> None:
        """Drop the goal: what follows was led elsewhere."""


class Ground(Protocol):
    """A place to walk in."""

    def guide(self, rng: np.random.Generator) -> Guide:
        """Draw where to begin, and who leads on from there."""

    def anywhere(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw a pose (3,) in a free point."""

    def free(self, pose: Pose) -> bool:
        """Tell whether there is room around a point."""


def draw(place: Ground, frames: int, rng: np.random.Generator, way: Way | None = None) -> Trajectory:
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


def palindrome(place: Ground, frames: int, turning: int, rng: np.random.Generator) -> Trajectory:
    """Draw a way out until the frame `turning`, and back; past the start again it goes on walking."""
    walker = Walker(place, rng)
    walker.walk(turning)
    walker.back(min(turning, frames - 1 - turning))
    walker.walk(frames - 1 - len(walker.actions))
    return along(walker.start, np.array(walker.actions[: frames - 1]))


class Walker:
    """Makes actions from a random pose on."""

    def __init__(self, place: Ground, rng: np.random.Generator) -> None:
        self._place, self._guide = place, place.guide(rng)
        self.start = self.pose = self._guide.start
        self.actions = list[int]()

    def walk(self, steps: int) -> None:
        """Walk from goal to goal."""
        for _ in range(steps):
            action, last = self._guide.next(self.pose), self.actions[-1] if self.actions else STILL
            if last in (LEFT, RIGHT) and action == INVERSE[last]:  # it would turn to and fro for ever
                action = FORWARD if self._place.free(moved(self.pose, FORWARD)) else last
            self._do(action)

    def back(self, steps: int) -> None:
        """Undo the last steps."""
        for action in self.actions[-1 : -1 - steps : -1]:
            self._do(INVERSE[action])
        self._guide.forget()

    def loop(self, steps: int) -> None:
        """Walk out, turn round, walk back, turn round, and walk out again."""
        begun = len(self.actions)
        self.walk(steps)
        out = self.actions[begun:]
        turned = {FORWARD: FORWARD, LEFT: RIGHT, RIGHT: LEFT}
        half = [LEFT] * (HEADINGS // 2)
        for action in (*half, *(turned[a] for a in reversed(out)), *half, *out):
            self._do(action)
        self._guide.forget()

    def _do(self, action: int) -> None:
        self.pose = moved(self.pose, action)
        self.actions.append(action)
