"""Views: the same bytes for the same pose, alone or in company; what is seen is of the right region."""

import numpy as np
import pytest
import torch

from pavdm_cli.models.ways import UNIT
from pavdm_cli.training.mazes import place, view, walk
from pavdm_cli.training.mazes.place import REGIONS, WALLS, Place

SIZE = 32


def middle_of(there: Place, row: int, column: int, heading: int = 0) -> np.ndarray:
    return np.array([[round((column + 0.5) / UNIT), round((row + 0.5) / UNIT), heading]])


def test_views_are_the_same_alone_and_together() -> None:
    places, rng = [place.draw(1, n) for n in range(3)], np.random.default_rng(0)
    which = np.repeat(np.arange(3), 60)
    poses = np.stack([places[w].anywhere(rng) for w in which])
    together = view.cast(places, which, poses, SIZE)
    assert together.frames.shape == (180, SIZE, SIZE, 3) and together.frames.dtype is torch.uint8
    for n in (0, 70, 179):
        alone = view.cast([places[which[n]]], np.zeros(1, int), poses[n : n + 1], SIZE)
        assert (alone.frames[0] == together.frames[n]).all()
        assert torch.equal(alone.shares[0], together.shares[n])


def test_a_pose_seen_again_is_the_same_to_the_byte() -> None:
    there = place.draw(1, 2)
    trajectory = walk.palindrome(there, 64, 30, np.random.default_rng(1))
    frames = view.cast([there], np.zeros(64, int), trajectory.poses, SIZE).frames.numpy()
    assert (frames[31:60] == frames[29:0:-1]).all()
    assert (frames[30] != frames[20]).any()


def test_a_wall_looks_as_the_room_it_is_in() -> None:
    there = place.draw(1, 0)
    pose = middle_of(there, 2, 2, 9)  # the first room, towards the outer wall
    views = view.cast([there], np.zeros(1, int), pose, SIZE)
    assert int(views.walls[0].argmax()) == 0 and float(views.floors[0, 0]) > 0.1
    colour = np.array(WALLS[there.looks[0].wall], float)
    seen = views.frames[0, SIZE // 2].numpy().astype(float)
    cosines = (seen @ colour) / np.linalg.norm(seen, axis=1) / np.linalg.norm(colour)
    assert (cosines > 0.99).mean() > 0.5


def test_shares_are_of_all_pixels() -> None:
    there, rng = place.draw(2, 1), np.random.default_rng(2)
    poses = np.stack([there.anywhere(rng) for _ in range(20)])
    views = view.cast([there], np.zeros(20, int), poses, SIZE)
    total = views.shares.sum(1)
    assert (total <= 1 + 1e-5).all() and (total > 0.5).all() and views.walls.shape == (20, REGIONS)
    assert (views.marks <= views.walls + 1e-6).all() and views.marks.any()


@pytest.mark.parametrize("closer", (0.0, 0.5))
def test_a_wall_ahead_is_as_high_as_it_is_near(closer: float) -> None:
    """A wall one high at distance d covers 1 / (2 d tan(half the field)) of the picture's height."""
    there = place.draw(1, 0)
    pose = middle_of(there, 1, 2, 9) - np.array([round(closer / UNIT), 0, 0])
    views = view.cast([there], np.zeros(1, int), pose, 256)
    column = views.frames[0, :, 128].float()
    ceiling = (column - torch.tensor(view.CEILING)).abs().sum(1) < 4
    wide = np.tan(np.radians(view.FIELD) / 2)
    distance = 1.5 - closer
    expected = 128 - 256 / (4 * distance * wide)
    assert abs(int(ceiling.sum()) - expected) <= 1.5
