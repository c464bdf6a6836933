"""Balloons: pictures are pure, endless and varied, and the words agree with them."""

import numpy as np
import pytest
import torch

from pavdm_cli.training.worlds.balloons import Balloons
from pavdm_cli.training.worlds.words import SYNONYMS

SIZE = (32, 40)
WORDS = {"plain": ("plain",), "striped": ("stripe",)}


def drawn(seed: int) -> Balloons:
    return Balloons.draw(np.random.default_rng(seed))


@pytest.mark.parametrize("start", [0.0, 1e7, 1e8])
def test_draws_and_moves_at_any_time(start: float) -> None:
    scenes = [drawn(k) for k in range(3)]
    frames = (torch.arange(3, dtype=torch.float64) * 24 + start).expand(3, 3)
    video = Balloons.render(scenes, [1, 2, 3], frames, SIZE)
    assert video.shape == (3, 3, 3, *SIZE) and video.dtype == torch.float32
    assert video.isfinite().all() and video.min() >= 0 and video.max() <= 1
    assert (video[:, 1:] - video[:, :-1]).abs().mean((2, 3, 4)).min() > 1e-3


def test_a_picture_depends_on_scene_seed_and_frame_alone() -> None:
    scenes, seeds = [drawn(k) for k in range(4)], [11, 22, 33, 44]
    frames = torch.tensor([[5.0, 1e6, 70.5, 0.0]] * 4, dtype=torch.float64)
    batch = Balloons.render(scenes, seeds, frames, SIZE)
    for b, f in ((0, 1), (2, 3), (3, 0)):
        alone = Balloons.render([scenes[b]], [seeds[b]], frames[b : b + 1, f : f + 1], SIZE)
        torch.testing.assert_close(alone[0, 0], batch[b, f], rtol=0, atol=1e-5)


def test_seeds_differ() -> None:
    video = Balloons.render([drawn(0)] * 2, [1, 2], torch.zeros(2, 1, dtype=torch.float64), SIZE)
    assert (video[0] - video[1]).abs().mean() > 0.01


def test_every_value_is_drawn_and_shows() -> None:
    scenes = [drawn(k) for k in range(200)]
    for name, values in Balloons.choices.items():
        assert {scene.facts()[name] for scene in scenes} == set(values)


def test_change_changes_one_fact_and_the_picture() -> None:
    rng = np.random.default_rng(0)
    for k in range(30):
        scene = drawn(k)
        other = scene.change(rng)
        assert sum(other.facts()[name] != value for name, value in scene.facts().items()) == 1
        frames = torch.full((2, 1), 480.0, dtype=torch.float64)
        before, after = Balloons.render([scene, other], [k, k], frames, SIZE)
        assert (before - after).abs().mean() > 1e-3


@pytest.mark.parametrize("name", Balloons.choices)
def test_captions_say_each_attribute(name: str) -> None:
    rng = np.random.default_rng(0)
    said = 0
    for k in range(400):
        scene = drawn(k)
        caption = scene.caption(rng)
        assert caption == caption.lower() and "  " not in caption and 4 <= len(caption.split()) <= 25, caption
        said += any(
            word in caption for word in SYNONYMS.get(scene.facts()[name], WORDS.get(scene.facts()[name], ()))
        )
    assert said >= 0.85 * 400
