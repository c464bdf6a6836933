"""Houses: the map of my_way_home, papered anew for each.

In the scenario each room has one texture of its own, always the same: a network could learn by heart what is
where. Here the nine textures (the passages share one) are drawn for each house.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pavdm_cli.models.ways import Pose
from pavdm_cli.training.doom import guide, wad
from pavdm_cli.training.doom.guide import Guide
from pavdm_cli.training.doom.plan import REGIONS, plan
from pavdm_cli.training.doom.wad import Lump

PAPERS = (
    "PWHITE", "PORAN", "PGREEN", "PBLUE", "PRED", "SILVER2", "TLITE6_1",
    "COMP01", "MARBLE1", "STARTAN2", "A-YELLOW", "BIGBRIK1",
)  # fmt: skip
"""Textures of Freedoom that are told apart by their colours, and stand still."""


@dataclass(frozen=True)
class House:
    """The map with textures of its own. papers: of each region."""

    papers: tuple[str, ...]

    def guide(self, rng: np.random.Generator) -> Guide:
        """Draw a point in a room to begin from, and who leads on from there."""
        return Guide(plan(), rng)

    def anywhere(self, rng: np.random.Generator) -> NDArray[np.int64]:
        """Draw a pose (3,) in a free point."""
        return np.array(guide.anywhere(plan(), rng))

    def free(self, pose: Pose) -> bool:
        """Tell whether there is room around a point."""
        return guide.free(plan(), pose)


def draw(seed: int, number: int) -> House:
    """Draw a house, a pure function of seed and number."""
    chosen = np.random.default_rng([seed, number]).permutation(PAPERS)[: len(REGIONS)]
    return House(tuple(str(name) for name in chosen))


def lumps(house: House, name: str) -> list[Lump]:
    """Return a house as a map of this name: no scripts, and no things but the player's start."""
    paper = dict(zip(REGIONS, house.papers, strict=True))
    blocks = []
    for kind, fields in plan().blocks:
        if kind == "sidedef" and "texturemiddle" in fields:
            fields = fields | {"texturemiddle": paper[fields["texturemiddle"]]}
        blocks.append((kind, fields))
    text = wad.written(blocks).encode()
    return [(name, b""), ("TEXTMAP", text), ("ZNODES", plan().nodes), ("ENDMAP", b"")]
