"""What is told of frames follows from the actions alone, and from no starting point."""

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.models import ways
from pavdm_cli.models.told import WIDTH, told
from pavdm_cli.training.mazes import place, walk


def of(poses: np.ndarray, actions: np.ndarray, at: int) -> Tensor:
    own, done = torch.from_numpy(poses)[None], torch.from_numpy(actions)[None]
    return told(own, done, own[:, at])


def test_the_true_poses_tell_no_more_than_the_actions() -> None:
    """Counted from another start, towards another direction, the same is told."""
    trajectory = walk.draw(place.draw(1, 0), 60, np.random.default_rng(0))
    true = of(trajectory.poses, trajectory.actions, 40)
    summed = ways.along((0, 0, 0), trajectory.actions[1:])
    torch.testing.assert_close(of(summed.poses, summed.actions, 40), true, atol=2e-3, rtol=0)
    assert true.shape == (1, 60, WIDTH)


def test_the_action_and_the_sum_are_told() -> None:
    made = ways.along((0, 0, 0), np.array([ways.FORWARD, ways.LEFT, ways.RIGHT, ways.BACK]))
    words = of(made.poses, made.actions, 0)[0]
    assert words[:, :4].tolist() == [[0] * 4, [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    torch.testing.assert_close(words[1, 4:], words[3, 4:])  # the same place and direction again
    torch.testing.assert_close(words[0, 4:], words[4, 4:])
    assert (words[1, 4:] - words[2, 4:]).abs().amax() > 0.3
    assert (words[0, 4:] - words[1, 4:]).abs().amax() > 0.3


def test_films_side_by_side_are_told_apart() -> None:
    a = walk.draw(place.draw(1, 0), 20, np.random.default_rng(0))
    b = walk.draw(place.draw(1, 1), 20, np.random.default_rng(1))
    poses, actions = (
        torch.from_numpy(np.stack([getattr(t, n) for t in (a, b)])) for n in ("poses", "actions")
    )
    together = told(poses, actions, poses[:, 3])
    torch.testing.assert_close(together[1:], of(b.poses, b.actions, 3))
