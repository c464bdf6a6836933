"""Walks: free cells only, poses that come back when they must."""

import numpy as np
import pytest

from pavdm_cli.models import ways
from pavdm_cli.models.ways import STILL, UNIT
from pavdm_cli.training.mazes import place, walk
from pavdm_cli.training.mazes.walk import WAYS, Way


def drawn(number: int, way: Way | None = None, frames: int = 128) -> ways.Trajectory:
    return walk.draw(place.draw(1, number), frames, np.random.default_rng([1, number]), way)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("number", (0, 1))
def test_walks_keep_to_open_cells(way: Way, number: int) -> None:
    walls, trajectory = place.draw(1, number).walls, drawn(number, way, 300)
    assert len(trajectory.poses) == len(trajectory.actions) == 300 and trajectory.actions[0] == STILL
    cells = np.floor(trajectory.poses[:, :2] * UNIT).astype(int)
    assert not walls[cells[:, 1], cells[:, 0]].any()
    for before, action, after in zip(
        trajectory.poses, trajectory.actions[1:], trajectory.poses[1:], strict=False
    ):
        assert ways.moved(tuple(before.tolist()), int(action)) == tuple(after.tolist())


def test_walks_get_about() -> None:
    """No walk turns to and fro in a corner."""
    for number in range(12):
        poses = drawn(number, "walk", 300).poses
        assert len({tuple(cell) for cell in np.floor(poses[:, :2] * UNIT)}) >= 15


@pytest.mark.parametrize("turning", (60, 90, 120))
def test_a_palindrome_mirrors_its_poses(turning: int) -> None:
    trajectory = walk.palindrome(place.draw(1, 2), 128, turning, np.random.default_rng(1))
    back = min(turning, 127 - turning)
    for k in range(1, back + 1):
        assert (trajectory.poses[turning + k] == trajectory.poses[turning - k]).all()


def test_a_loop_returns_to_the_very_pose_and_walks_on_as_before() -> None:
    walker = walk.Walker(place.draw(1, 4), np.random.default_rng(3))
    walker.walk(7)
    pose, begun = walker.pose, len(walker.actions)
    walker.loop(20)
    made = ways.along(walker.start, np.array(walker.actions))
    assert (made.poses[begun + 2 * 20 + 18] == pose).all()
    assert (made.poses[begun + 1 : begun + 21] == made.poses[-20:]).all()
    assert len({tuple(p) for p in made.poses[begun : begun + 20, :2].tolist()}) > 3


def test_a_way_is_known_by_its_generator() -> None:
    assert (drawn(5).poses == drawn(5).poses).all() and (drawn(5).poses[:99] != drawn(7).poses[:99]).any()


def test_any_free_pose_is_free() -> None:
    there, rng = place.draw(1, 1), np.random.default_rng(0)
    for _ in range(50):
        x, y, heading = there.anywhere(rng)
        assert not there.walls[int(y * UNIT), int(x * UNIT)] and 0 <= heading < 18
