"""The family "fireworks": what Fireworks promises as a scene."""

import numpy as np
import pytest
import torch

from pavdm_cli.training.worlds.fireworks import Fireworks
from pavdm_cli.training.worlds.words import SYNONYMS

SAID = {
    "colour": {colour: SYNONYMS[colour] for colour in Fireworks.choices["colour"]},
    "place": {"city": ("city", "town"), "lake": ("lake",)},
    "number": {"one": ("one ", "single"), "several": ("several", "many")},
}
SIZE = (64, 64)
SCENES = [Fireworks.draw(np.random.default_rng(n)) for n in range(4)]
FRAMES = torch.tensor([[0.0, 36.5, 4e3]], dtype=torch.float64)


def test_a_picture_for_every_frame() -> None:
    video = Fireworks.render(SCENES, [1, 2, 3, 4], FRAMES.expand(4, -1), (64, 80))
    assert video.shape == (4, 3, 3, 64, 80)
    assert video.dtype == torch.float32
    assert video.min() >= 0 and video.max() <= 1


def test_alone_or_together_in_any_order_the_picture_is_the_same() -> None:
    together = Fireworks.render(SCENES, [1, 2, 3, 4], FRAMES.expand(4, -1), SIZE)
    alone = Fireworks.render(SCENES[2:3], [3], FRAMES[:, [2, 0, 1]], SIZE)
    torch.testing.assert_close(alone[:, [1, 2, 0]], together[2:3], atol=2e-5, rtol=0)


@pytest.mark.parametrize("start", [0.0, 1e7, 1e8])
def test_it_never_ends(start: float) -> None:
    video = Fireworks.render(
        SCENES, [1, 2, 3, 4], start + torch.arange(0, 48, 12.0).double().expand(4, -1), SIZE
    )
    assert (video[:, 1:] - video[:, :-1]).abs().mean((2, 3, 4)).min() > 5e-4
    assert video.std((2, 3, 4)).min() > 0.03


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in Fireworks.choices for value in Fireworks.choices[name]]
)
def test_every_value_is_drawn(name: str, value: str) -> None:
    assert any(Fireworks.draw(np.random.default_rng(n)).facts()[name] == value for n in range(100))


@pytest.mark.parametrize("name", list(Fireworks.choices))
def test_every_value_looks_different(name: str) -> None:
    scenes = [Fireworks(**{**SCENES[0].facts(), name: value}) for value in Fireworks.choices[name]]  # type: ignore[arg-type]
    video = Fireworks.render(
        scenes, [7] * len(scenes), torch.tensor([[300.0, 330.0]]).expand(len(scenes), -1), SIZE
    )
    for n in range(1, len(scenes)):
        assert (video[n:] - video[n - 1]).abs().mean((1, 2, 3, 4)).min() > 0.01


@pytest.mark.parametrize("name", list(Fireworks.choices))
def test_captions_say_nearly_everything_in_few_words(name: str) -> None:
    rng = np.random.default_rng(0)
    said = 0
    for _ in range(600):
        scene = Fireworks.draw(rng)
        caption = scene.caption(rng)
        assert 4 <= len(caption.split()) <= 25, caption
        assert caption == caption.lower().strip()
        said += any(word in caption for word in SAID[name][scene.facts()[name]])
    assert 0.85 <= said / 600 < 1


def test_change_changes_one_fact() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        scene = Fireworks.draw(rng)
        before, after = scene.facts(), scene.change(rng).facts()
        assert sum(before[name] != after[name] for name in before) == 1
