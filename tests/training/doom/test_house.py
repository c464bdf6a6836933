"""Houses of my_way_home: the map as the scenario has it, looks drawn anew, ways that keep off its walls."""

import sys

import numpy as np
import pytest

from pavdm_cli.errors import ConfigError
from pavdm_cli.models.ways import FORWARD, UNIT
from pavdm_cli.training.domain import DOOM
from pavdm_cli.training.doom import guide, house, plan, wad
from pavdm_cli.training.doom.plan import REGIONS, ROOMS
from pavdm_cli.training.mazes import walk
from pavdm_cli.training.mazes.walk import WAYS, Way


def test_the_map_is_the_scenarios() -> None:
    own = plan.plan()
    assert len(own.walls) == 76 and len(own.sectors) == 18 and own.rooms == tuple(range(8))
    sizes = own.sectors[list(own.rooms), 2:] - own.sectors[list(own.rooms), :2]
    assert (sizes == 2.5).all()
    assert own.open.sum() * own.cell**2 == 8 * 2.5**2 + 6 + 2 + 3 + 2 * 3.75


def test_a_house_is_known_by_its_number_and_has_looks_of_its_own() -> None:
    assert house.draw(1, 5) == house.draw(1, 5)
    drawn = [house.draw(1, n).papers for n in range(50)]
    assert len(set(drawn)) == 50 and all(len(set(papers)) == len(REGIONS) for papers in drawn)
    assert {paper for papers in drawn for paper in papers} == set(house.PAPERS)


def test_a_house_is_written_as_the_scenarios_map_with_other_paper() -> None:
    own = house.draw(1, 5)
    lumps = dict(house.lumps(own, "MAP07"))
    found = wad.blocks(lumps["TEXTMAP"].decode())
    sides = [fields for kind, fields in plan.plan().blocks if kind == "sidedef"]
    paper = dict(zip(REGIONS, own.papers, strict=True))
    for before, (_, after) in zip(sides, (one for one in found if one[0] == "sidedef"), strict=True):
        wanted = before.get("texturemiddle")
        assert after.get("texturemiddle") == (paper[wanted] if wanted else None)
    assert [fields["type"] for kind, fields in found if kind == "thing"] == ["1"]
    assert [one for one in found if one[0] == "vertex"] == [
        one for one in plan.plan().blocks if one[0] == "vertex"
    ]


@pytest.mark.parametrize("way", WAYS)
def test_ways_keep_off_walls_and_get_about(way: Way) -> None:
    own, rooms = plan.plan(), set[int]()
    for number in range(4):
        there = house.draw(1, number)
        trajectory = walk.draw(there, 300, np.random.default_rng([1, number]), way)
        poses = [tuple(pose) for pose in trajectory.poses.tolist()]
        assert all(there.free(pose) for pose in poses)
        assert (trajectory.actions == FORWARD).mean() > 0.2
        rooms |= {guide._sector(own, x * UNIT, y * UNIT) for x, y, _ in poses} & set(own.rooms)
    assert len(rooms) >= 6


def test_goals_are_reached() -> None:
    """No walk is stuck at the side of a door."""
    own = plan.plan()
    for number in range(12):
        poses = walk.draw(house.draw(2, number), 300, np.random.default_rng(number), "walk").poses
        seen = {guide._sector(own, x * UNIT, y * UNIT) for x, y, _ in poses.tolist()}
        assert len(seen & set(own.rooms)) >= 4 <= len(ROOMS)


def test_free_points_are_inside_of_walls() -> None:
    own, rng = plan.plan(), np.random.default_rng(0)
    for _ in range(50):
        x, y, heading = (int(value) for value in house.draw(1, 1).anywhere(rng))
        a, b, c, d = own.sectors[guide._sector(own, x * UNIT, y * UNIT)]
        assert a <= x * UNIT <= c and b <= y * UNIT <= d and 0 <= heading < 18
    assert not house.draw(1, 1).free((0, 0, 0))


def test_without_vizdoom_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vizdoom", None)
    with pytest.raises(ConfigError, match=r"needs vizdoom; pip install 'pavdm-cli\[studies\]'"):
        DOOM.check()
