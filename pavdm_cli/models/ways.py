"""Ways through a place, one pose a frame, made of four actions whose sums are exact; imports no torch.

A pose is (x, y, heading): x and y whole numbers of UNIT cells, heading of 18 directions. So an action and its
inverse lead back to the very same pose, and a frame seen again is the same to the byte.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavdm_cli.errors import ConfigError

ACTIONS = ("forward", "left", "right", "back")
FORWARD, LEFT, RIGHT, BACK = range(4)
INVERSE = (BACK, RIGHT, LEFT, FORWARD)
STILL = -1
"""The action of a first frame."""
HEADINGS = 18
UNIT = 2.0**-16
STRIDE = 0.5
"""Cells that `forward` and `back` lead through."""
LONGEST = 1_000_000
"""Actions of a way that is read, at most: they are held in memory."""
SHOWN = 40
"""Letters of a wrong word that are named, at most."""

_ANGLES = 2 * np.pi * np.arange(HEADINGS) / HEADINGS
_STRIDES = np.round(STRIDE / UNIT * np.stack((np.cos(_ANGLES), np.sin(_ANGLES)), 1)).astype(np.int64)

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
    return x + way * int(_STRIDES[heading, 0]), y + way * int(_STRIDES[heading, 1]), heading


def along(start: Pose, actions: NDArray[np.int64]) -> Trajectory:
    """Return the way that actions make from a pose."""
    poses = [start]
    for action in actions.tolist():
        poses.append(moved(poses[-1], action))
    return Trajectory(np.array(poses), np.concatenate(([STILL], actions)))


def read(text: str) -> NDArray[np.int64]:
    """Read actions written one after the other, each perhaps with how often: "forward*20 left*9".

    Raises:
        ConfigError: a word is no action, or there are too many.
    """
    found = [_item(word) for word in text.split()]
    count = sum(times for _, times in found)
    if count > LONGEST:
        raise ConfigError(f"{count} actions: a walk has at most {LONGEST}; make several")
    return np.repeat(*np.array(found, np.int64).reshape(-1, 2).T)


def _item(word: str) -> tuple[int, int]:
    name, star, times = word.partition("*")
    word = word[:SHOWN]
    if name not in ACTIONS:
        raise ConfigError(
            f"{word!r} is no action; there are {', '.join(ACTIONS)}, each perhaps with how often: forward*20"
        )
    if star and not (times.isascii() and times.isdigit() and int(times[:9]) >= 1 and len(times) <= 9):
        raise ConfigError(f"{word!r}: after the star stands how often, a whole number from 1 on: {name}*20")
    return ACTIONS.index(name), int(times) if star else 1
