"""The worlds the packaged model knows: families of endless scenes, drawn by formula, with captions."""

from pavdm_cli.training.worlds.scene import Scene
from pavdm_cli.training.worlds.shapes import Shapes

FAMILIES: dict[str, type[Scene]] = {
    world.family: world
    for world in (Shapes,)
}
