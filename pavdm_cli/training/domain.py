"""The domains of the memory study: mazes of our own, and ViZDoom's rooms, held out from the design.

All that differs between them is here; films, networks and studies take either.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from pavdm_cli.models.names import DomainName
from pavdm_cli.training.doom import engine, house, sight, wad
from pavdm_cli.training.doom.house import House
from pavdm_cli.training.mazes import place, view
from pavdm_cli.training.mazes.facts import asked
from pavdm_cli.training.mazes.place import Place
from pavdm_cli.training.mazes.walk import Ground

P = TypeVar("P", bound=Ground)


@dataclass(frozen=True)
class Sights:
    """What views show. shares: (N, regions) of the pixels, of each region of the place. region: that which
    can be asked for, None where no one fills the view. facts: of it that a judge can tell, where they have
    names."""

    shares: Tensor
    region: tuple[int | None, ...]
    facts: tuple[dict[str, str], ...]


@dataclass(frozen=True)
class Domain(Generic[P]):
    """One kind of places.

    about: what it is, for a page. draw: a place, of seed and number. see: views (N, size, size, 3) uint8 of
    places[which] (N,) from poses (N, 3). sights: what views of a place from poses show. named: a judge can be
    taught to tell places by the names of their looks. check: raises ConfigError where something it needs is
    not installed.
    """

    name: DomainName
    about: str
    draw: Callable[[int, int], P]
    see: Callable[[Sequence[P], NDArray[np.int64], NDArray[np.int64], int], Tensor]
    sights: Callable[[P, NDArray[np.int64]], Sights]
    named: bool
    check: Callable[[], object]


def _cast(places: Sequence[Place], which: NDArray[np.int64], poses: NDArray[np.int64], size: int) -> Tensor:
    return view.cast(places, which, poses, size).frames


def _told(there: Place, poses: NDArray[np.int64]) -> Sights:
    """A view can be asked for if its wall and its floor can be told."""
    views = view.cast([there], np.zeros(len(poses), int), poses)
    facts = asked(views, [there.looks] * len(poses))
    largest = views.walls.argmax(1).tolist()
    clear = [{"wall", "floor"} <= own.keys() for own in facts]
    region = tuple(n if there else None for n, there in zip(largest, clear, strict=True))
    return Sights(views.shares, region, tuple(facts))


def _entered(there: House, poses: NDArray[np.int64]) -> Sights:
    """A view can be asked for if most of its walls are one room's; passages are all alike."""
    shares = sight.shares(poses)
    rooms = sight.rooms(shares)
    facts = tuple({} if room is None else {"wall": there.papers[room]} for room in rooms)
    return Sights(shares, rooms, facts)


MAZES = Domain(
    "mazes",
    "mazes and rooms of a ray-caster",
    place.draw,
    _cast,
    _told,
    named=True,
    check=lambda: None,
)
DOOM = Domain(
    "doom",
    "the rooms of ViZDoom's my_way_home, their walls papered anew for every film",
    house.draw,
    engine.see,
    _entered,
    named=False,
    check=wad.engine,
)
DOMAINS: dict[DomainName, Domain[Any]] = {"mazes": MAZES, "doom": DOOM}
