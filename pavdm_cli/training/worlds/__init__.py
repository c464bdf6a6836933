"""Worlds to train on: families of endless scenes, drawn by formula, with captions."""

import hashlib
from pathlib import Path

from pavdm_cli.training.worlds.aquarium import Aquarium
from pavdm_cli.training.worlds.balloons import Balloons
from pavdm_cli.training.worlds.campfire import Campfire
from pavdm_cli.training.worlds.city import City
from pavdm_cli.training.worlds.corridor import Corridor
from pavdm_cli.training.worlds.fireworks import Fireworks
from pavdm_cli.training.worlds.hills import Hills
from pavdm_cli.training.worlds.lighthouse import Lighthouse
from pavdm_cli.training.worlds.pines import Pines
from pavdm_cli.training.worlds.scene import Scene
from pavdm_cli.training.worlds.sea import Sea
from pavdm_cli.training.worlds.shapes import Shapes
from pavdm_cli.training.worlds.stars import Stars

FAMILIES: dict[str, type[Scene]] = {
    world.family: world
    for world in (
        Shapes,
        Sea,
        Hills,
        City,
        Lighthouse,
        Balloons,
        Stars,
        Pines,
        Fireworks,
        Aquarium,
        Campfire,
        Corridor,
    )
}


def code_hash() -> str:
    """Return the first 16 digits of SHA-256 over the files that draw the worlds: others may draw others."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]
