"""What can be told of the place that a view of a maze shows."""

from collections.abc import Mapping, Sequence

from torch import Tensor

from pavdm_cli.training.mazes.place import Look
from pavdm_cli.training.mazes.view import Views

LEAST = {"wall": 0.2, "floor": 0.06, "mark": 0.06}
"""Shares of the pixels from which a wall, a floor and a mark can be told."""
AHEAD = 1.5
"""Times the next largest that a wall's or floor's share must be: the question is after the larger one."""


def asked(
    views: Views, looks: Sequence[Sequence[Look]], least: Mapping[str, float] = LEAST
) -> list[dict[str, str]]:
    """Return for each view what can be told of the place most of its walls belong to.

    The wall, and its floor if that is the largest too, and its mark where it can be seen; `none` where the
    view has no mark at all. looks: of the regions, for each view.
    """
    found = []
    for walls, floors, marks, own in zip(views.walls, views.floors, views.marks, looks, strict=True):
        region, facts = int(walls.argmax()), dict[str, str]()
        if _largest(walls, least["wall"]):
            facts["wall"] = own[region].wall
            if _largest(floors, least["floor"]) and int(floors.argmax()) == region:
                facts["floor"] = own[region].floor
            if float(marks.sum()) == 0:
                facts["mark"] = "none"
            elif float(marks[region]) >= least["mark"] and _largest(marks, least["mark"]):
                facts["mark"] = own[region].mark
        found.append(facts)
    return found


def _largest(shares: Tensor, least: float) -> bool:
    first, second = (float(share) for share in shares.topk(2).values)
    return first >= least and first >= AHEAD * second
