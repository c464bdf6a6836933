"""Ways of actions: exact inverses, and actions read from what people write."""

import re

import numpy as np
import pytest

from pavdm_cli.errors import ConfigError
from pavdm_cli.models import ways
from pavdm_cli.models.ways import ACTIONS, BACK, FORWARD, INVERSE, LEFT, RIGHT, STILL


@pytest.mark.parametrize("action", range(len(ACTIONS)))
@pytest.mark.parametrize("heading", (0, 1, 7, 17))
def test_an_inverse_leads_back_to_the_same_pose(action: int, heading: int) -> None:
    pose = (12345, 67890, heading)
    there = ways.moved(pose, action)
    assert there != pose and ways.moved(there, INVERSE[action]) == pose


def test_a_full_turn_is_eighteen_turns() -> None:
    way = ways.along((0, 0, 0), ways.read("left*18"))
    assert way.poses[0].tolist() == way.poses[-1].tolist() == [0, 0, 0]
    assert way.actions[0] == STILL and len({tuple(pose) for pose in way.poses.tolist()}) == 18


def test_actions_are_read_one_after_the_other() -> None:
    found = ways.read("forward*3 left\n right*2\tback*1 ")
    assert found.tolist() == [FORWARD] * 3 + [LEFT] + [RIGHT] * 2 + [BACK]
    assert ways.read("").tolist() == [] and found.dtype == ways.read("").dtype == np.int64


@pytest.mark.parametrize(
    ("text", "said"),
    (
        ("forward*3 jump", "'jump' is no action; there are forward, left, right, back,"),
        ("a red ball", "'a' is no action"),
        ("Forward", "'Forward' is no action"),
        ("*3", "'*3' is no action"),
        ("left*", "'left*': after the star stands how often, a whole number from 1 on: left*20"),
        ("left*0", "'left*0': after the star"),
        ("left*-1", "'left*-1': after the star"),
        ("left*2*2", "'left*2*2': after the star"),
        ("left*²", "'left*²': after the star"),
        ("left*" + "9" * 5000, "after the star"),
        ("left*900000 right*900000", "1800000 actions: a walk has at most 1000000"),
    ),
)
def test_what_is_no_action_is_named(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        ways.read(text)
