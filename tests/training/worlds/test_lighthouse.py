"""The lighthouse: pure, endless, every value drawn, captions that say what is seen."""

import numpy as np
import pytest
import torch

from pavdm_cli.training.worlds.lighthouse import Lighthouse

SIZE = (32, 32)
VALUES = {
    "paint": {"white", "red", "striped"},
    "time": {"day", "sunset", "night"},
    "weather": {"clear", "foggy"},
}
SAID = [
    ("paint", "white", ("white",)),
    ("paint", "striped", ("striped", "red and white")),
    ("time", "sunset", ("sunset", "dusk", "evening")),
    ("weather", "foggy", ("fog", "mist")),
]


def some(n: int) -> list[Lighthouse]:
    rng = np.random.default_rng(0)
    return [Lighthouse.draw(rng) for _ in range(n)]


def frames(*numbers: float, of: int = 1) -> torch.Tensor:
    return torch.tensor([numbers], dtype=torch.float64).repeat(of, 1)


def test_frames_have_shape_range_and_dtype():
    video = Lighthouse.render(some(3), [1, 2, 3], frames(0, 5, of=3), (32, 48))
    assert video.shape == (3, 2, 3, 32, 48) and video.dtype == torch.float32
    assert video.min() >= 0 and video.max() <= 1


def test_a_frame_does_not_depend_on_its_batch_or_order():
    scenes, seeds = some(6), list(range(6))
    together = Lighthouse.render(scenes, seeds, frames(9, 1, 4, of=6), SIZE)
    for i, scene in enumerate(scenes):
        alone = Lighthouse.render([scene], [seeds[i]], frames(1, 4, 9), SIZE)
        torch.testing.assert_close(alone[0], together[i, [1, 2, 0]])


def test_every_scene_goes_on_after_days():
    scenes = some(8)
    late = Lighthouse.render(scenes, range(8), frames(10**7, 10**7 + 24, of=8), SIZE)
    assert (late[:, 0] - late[:, 1]).abs().flatten(1).amax(-1).min() > 0.03


def test_every_value_is_drawn():
    drawn = [scene.facts() for scene in some(200)]
    assert {name: {facts[name] for facts in drawn} for name in VALUES} == VALUES


@pytest.mark.parametrize(("attribute", "value", "words"), SAID)
def test_captions_say_the_attribute(attribute, value, words):
    rng = np.random.default_rng(1)
    scenes = [scene for scene in some(600) if scene.facts()[attribute] == value]
    captions = [scene.caption(rng) for scene in scenes]
    assert all(2 <= len(caption.split()) <= 25 for caption in captions)
    assert sum(any(word in caption for word in words) for caption in captions) >= 0.85 * len(captions)


def test_change_alters_exactly_one_fact():
    rng, seen = np.random.default_rng(2), set()
    for scene in some(100):
        other = scene.change(rng)
        altered = {name for name, value in scene.facts().items() if other.facts()[name] != value}
        assert len(altered) == 1
        seen |= altered
    assert seen == set(VALUES)
