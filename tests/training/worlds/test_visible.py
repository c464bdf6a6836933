"""What can be seen: told by the renderer, attribute by attribute, and where."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from pavdm_cli.training.worlds import FAMILIES
from pavdm_cli.training.worlds.paint import Size
from pavdm_cli.training.worlds.scene import Choices, Scene
from pavdm_cli.training.worlds.shapes import Shapes, Thing
from pavdm_cli.training.worlds.visible import PATCHES, visible


@dataclass(frozen=True)
class Wall(Scene):
    """A wall, bright or dark; what is behind it cannot be seen, and its door is only half the time open."""

    family: ClassVar[str] = "wall"
    choices: ClassVar[Choices] = {
        "paint": ("bright", "dark"),
        "behind": ("cat", "dog"),
        "door": ("red", "blue"),
    }
    paint: str
    behind: str
    door: str

    def caption(self, rng: np.random.Generator) -> str:
        return "a wall"

    def pairs(self) -> list[tuple[str, str]]:
        return []

    @classmethod
    def render(cls, scenes: Sequence[Scene], seeds: Sequence[int], frames: Tensor, size: Size) -> Tensor:
        picture = torch.zeros(*frames.shape, 3, *size)
        for b, scene in enumerate(scenes):
            assert isinstance(scene, cls)
            picture[b] += 0.7 if scene.paint == "bright" else 0.3
            opened = (frames[b] >= 100).float()[:, None, None]
            picture[b, :, 0 if scene.door == "red" else 2, :8, :8] += 0.3 * opened
        return picture


def test_what_makes_no_difference_cannot_be_seen() -> None:
    scenes = [Wall("bright", "cat", "red"), Wall("dark", "dog", "blue")]
    frames = torch.tensor([[0.0, 50.0], [0.0, 100.0]], dtype=torch.float64)
    shut, opened = visible(scenes, [1, 2], frames)
    assert shut.seen == {"paint": True, "behind": False, "door": False}
    assert opened.seen == {"paint": True, "behind": False, "door": True}
    assert shut.where == {}


def test_things_are_where_the_picture_depends_on_them() -> None:
    scene = Shapes((Thing("red", "ball"), Thing("white", "square")), "drifting right", "blue")
    frames = torch.tensor([[0.0, 30.0]], dtype=torch.float64)
    (sight,) = visible([scene], [3], frames)
    where = sight.where["objects"]
    assert where.keys() == {"red ball", "white square"}
    picture = Shapes.render([scene], [3], frames, (64, 64))[0]
    for word, likeness in (("red ball", picture[:, 0] - picture[:, 1]), ("white square", picture[:, 1])):
        assert where[word].shape == (2, PATCHES, PATCHES)
        for t in range(2):
            y, x = divmod(int(where[word][t].argmax()), PATCHES)
            patch = likeness[t, 8 * y : 8 * y + 8, 8 * x : 8 * x + 8].mean()
            assert patch > likeness[t].median() + 0.2


@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES)
def test_scenes_of_every_family_show_what_they_are_asked(family: type[Scene]) -> None:
    rng = np.random.default_rng(0)
    scenes = [family.draw(rng) for _ in range(2)]
    frames = torch.tensor([[0.0, 24.0, 72.0]] * 2, dtype=torch.float64) + 5000
    for scene, sight in zip(scenes, visible(scenes, [5, 6], frames), strict=True):
        assert sight.seen.keys() == scene.facts().keys() == family.answers().keys()
        assert all(sight.seen.values())
        assert sight.where.keys() == set(family.sets)
