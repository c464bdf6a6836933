"""The shapes: pure, endless, every value drawn, captions that say what is seen."""

import numpy as np
import pytest
import torch

from pavdm_cli.training.worlds.shapes import FORMS, HUES, MOTIONS, NOUNS, Shapes, Thing
from pavdm_cli.training.worlds.words import SYNONYMS

SIZE = (32, 32)


def some(n: int) -> list[Shapes]:
    rng = np.random.default_rng(0)
    return [Shapes.draw(rng) for _ in range(n)]


def frames(*numbers: float, of: int = 1) -> torch.Tensor:
    return torch.tensor([numbers], dtype=torch.float64).repeat(of, 1)


def test_frames_have_shape_range_and_dtype():
    video = Shapes.render(some(3), [1, 2, 3], frames(0, 5, of=3), (32, 48))
    assert video.shape == (3, 2, 3, 32, 48) and video.dtype == torch.float32
    assert video.min() >= 0 and video.max() <= 1


def test_a_frame_does_not_depend_on_its_batch_or_order():
    scenes, seeds = some(6), list(range(6))
    together = Shapes.render(scenes, seeds, frames(9, 1, 4, of=6), SIZE)
    for i, scene in enumerate(scenes):
        torch.testing.assert_close(
            Shapes.render([scene], [seeds[i]], frames(1, 4, 9), SIZE)[0], together[i, [1, 2, 0]]
        )


@pytest.mark.parametrize("motion", MOTIONS)
def test_every_motion_goes_on_after_days(motion):
    scene = Shapes((Thing("red", "star"),), motion, "blue")
    late = Shapes.render([scene], [5], frames(10**7, 10**7 + 18), SIZE)
    assert (late[0, 0] - late[0, 1]).abs().max() > 0.2


@pytest.mark.parametrize("motion", ["bouncing", "orbiting"])
def test_the_object_stays_in_the_picture(motion):
    scene = Shapes((Thing("white", "ball"),), motion, "black")
    video = Shapes.render([scene], [3], torch.arange(0, 20000, 37).double()[None], SIZE)
    bright = (video.amin(2) > 0.4).flatten(2).sum(-1)
    assert bright.min() > 0.5 * bright.max() > 10


def test_every_value_is_drawn_and_holds():
    scenes = some(400)
    assert {scene.motion for scene in scenes} == set(MOTIONS)
    assert {scene.background for scene in scenes} == set(HUES)
    assert {thing for scene in scenes for thing in scene.things} == {Thing(h, f) for h in HUES for f in FORMS}
    assert {len(scene.things) for scene in scenes} == {1, 2, 3}
    assert all(scene._holds() for scene in scenes)


def test_captions_name_every_object_and_mostly_motion_and_background():
    rng, named = np.random.default_rng(1), 0
    scenes = some(400)
    for scene in scenes:
        caption = scene.caption(rng)
        assert 2 <= len(caption.split()) <= 25
        for thing in scene.things:
            assert any(
                f"{hue} {noun}" in caption for hue in SYNONYMS[thing.colour] for noun in NOUNS[thing.form]
            )
        named += "background" in caption or "backdrop" in caption
    assert named > 0.85 * len(scenes)


def test_change_alters_exactly_one_fact():
    rng, seen = np.random.default_rng(2), set()
    for scene in some(200):
        other = scene.change(rng)
        altered = {name for name, value in scene.facts().items() if other.facts()[name] != value}
        assert len(altered) == 1 and other._holds()
        seen |= altered
    assert seen == {"objects", "motion", "background"}
