"""Places: pure functions of seed and number, in one piece, with nine regions that look different."""

import numpy as np
import pytest

from pavdm_cli.training.mazes import place
from pavdm_cli.training.mazes.place import FLOORS, MARKS, REGIONS, SIDE, WALLS


def test_a_place_is_known_by_its_number() -> None:
    one, again, other = place.draw(1, 4), place.draw(1, 4), place.draw(2, 4)
    assert (one.walls == again.walls).all() and one.looks == again.looks
    assert one.looks != other.looks


@pytest.mark.parametrize("number", range(8))
def test_every_open_cell_can_be_reached(number: int) -> None:
    walls = place.draw(3, number).walls
    assert walls[0].all() and walls[-1].all() and walls[:, 0].all() and walls[:, -1].all()
    reached = np.zeros_like(walls)
    reached[tuple(np.argwhere(~walls)[0])] = True
    for _ in range(SIDE**2):
        grown = reached.copy()
        grown[1:] |= reached[:-1]
        grown[:-1] |= reached[1:]
        grown[:, 1:] |= reached[:, :-1]
        grown[:, :-1] |= reached[:, 1:]
        reached = grown & ~walls
    assert (reached == ~walls).all()


def test_rooms_and_mazes_take_turns() -> None:
    kinds = [place.draw(1, n) for n in range(4)]
    assert [one.kind for one in kinds] == ["rooms", "maze"] * 2
    assert (~kinds[0].walls).sum() > (~kinds[1].walls).sum()


def test_every_region_has_walls_of_its_own_colour() -> None:
    looks = place.draw(1, 0).looks
    assert len(looks) == REGIONS == len({look.wall for look in looks})
    for look in looks:
        assert look.wall in WALLS and look.floor in FLOORS and look.mark in MARKS
    regions = place.draw(1, 0).regions
    assert (np.bincount(regions.ravel(), minlength=REGIONS) > 9).all()
