"""What is asked after: only what can be told from a view."""

import pytest
import torch

from pavdm_cli.training.mazes.facts import asked
from pavdm_cli.training.mazes.place import Look
from pavdm_cli.training.mazes.view import Views

LOOKS = (Look("red", "sand", "disc"), Look("blue", "snow", "none"))


def views(walls: list[float], floors: list[float], marks: list[float]) -> Views:
    return Views(torch.zeros(1, 8, 8, 3), *(torch.tensor([row]) for row in (walls, floors, marks)))


@pytest.mark.parametrize(
    ("walls", "floors", "marks", "facts"),
    [
        ([0.5, 0.1], [0.2, 0.1], [0.1, 0], {"wall": "red", "floor": "sand", "mark": "disc"}),
        ([0.1, 0.5], [0.0, 0.2], [0, 0], {"wall": "blue", "floor": "snow", "mark": "none"}),
        ([0.5, 0.1], [0.1, 0.3], [0, 0], {"wall": "red", "mark": "none"}),  # a floor seen beyond
        ([0.5, 0.1], [0.2, 0.0], [0.05, 0], {"wall": "red", "floor": "sand"}),  # too far away for its mark
        ([0.3, 0.29], [0.2, 0.0], [0.1, 0], {}),  # neither
        ([0.1, 0.0], [0.4, 0.0], [0, 0], {}),  # hardly a wall
    ],
)
def test_what_cannot_be_told_is_not_asked(
    walls: list[float], floors: list[float], marks: list[float], facts: dict[str, str]
) -> None:
    assert asked(views(walls, floors, marks), [LOOKS]) == [facts]
