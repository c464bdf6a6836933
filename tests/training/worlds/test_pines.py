"""The family "pines": what Pines promises as a scene."""

import numpy as np
import pytest
import torch

from pavdm_cli.training.worlds.pines import Pines
from pavdm_cli.training.worlds.words import SYNONYMS

SAID = {
    "trees": {"green": ("green",), "snowy": ("snow-covered", "snowy", "covered with snow")},
    "weather": {
        "clear": ("clear",),
        "snow": ("snows", "snowf", "falling snow"),
        "rain": ("rain",),
        "fog": ("fog", "mist"),
    },
    "time": {time: SYNONYMS[time] for time in Pines.choices["time"]},
}
SIZE = (64, 64)
SCENES = [Pines.draw(np.random.default_rng(n)) for n in range(4)]
FRAMES = torch.tensor([[0.0, 36.5, 4e3]], dtype=torch.float64)


def test_a_picture_for_every_frame() -> None:
    video = Pines.render(SCENES, [1, 2, 3, 4], FRAMES.expand(4, -1), (64, 80))
    assert video.shape == (4, 3, 3, 64, 80)
    assert video.dtype == torch.float32
    assert video.min() >= 0 and video.max() <= 1


def test_alone_or_together_in_any_order_the_picture_is_the_same() -> None:
    together = Pines.render(SCENES, [1, 2, 3, 4], FRAMES.expand(4, -1), SIZE)
    alone = Pines.render(SCENES[2:3], [3], FRAMES[:, [2, 0, 1]], SIZE)
    torch.testing.assert_close(alone[:, [1, 2, 0]], together[2:3], atol=2e-5, rtol=0)


@pytest.mark.parametrize("start", [0.0, 1e7, 1e8])
def test_it_never_ends(start: float) -> None:
    video = Pines.render(SCENES, [1, 2, 3, 4], start + torch.arange(0, 48, 12.0).double().expand(4, -1), SIZE)
    assert (video[:, 1:] - video[:, :-1]).abs().mean((2, 3, 4)).min() > 5e-4
    assert video.std((2, 3, 4)).min() > 0.03


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in Pines.choices for value in Pines.choices[name]]
)
def test_every_value_is_drawn(name: str, value: str) -> None:
    assert any(Pines.draw(np.random.default_rng(n)).facts()[name] == value for n in range(100))


@pytest.mark.parametrize("name", list(Pines.choices))
def test_every_value_looks_different(name: str) -> None:
    scenes = [Pines(**{**SCENES[0].facts(), name: value}) for value in Pines.choices[name]]  # type: ignore[arg-type]
    video = Pines.render(
        scenes, [7] * len(scenes), torch.tensor([[300.0, 330.0]]).expand(len(scenes), -1), SIZE
    )
    for n in range(1, len(scenes)):
        assert (video[n:] - video[n - 1]).abs().mean((1, 2, 3, 4)).min() > 0.01


@pytest.mark.parametrize("name", list(Pines.choices))
def test_captions_say_nearly_everything_in_few_words(name: str) -> None:
    rng = np.random.default_rng(0)
    said = 0
    for _ in range(600):
        scene = Pines.draw(rng)
        caption = scene.caption(rng)
        assert 4 <= len(caption.split()) <= 25, caption
        assert caption == caption.lower().strip()
        said += any(word in caption for word in SAID[name][scene.facts()[name]])
    assert 0.85 <= said / 600 < 1


def test_change_changes_one_fact() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        scene = Pines.draw(rng)
        before, after = scene.facts(), scene.change(rng).facts()
        assert sum(before[name] != after[name] for name in before) == 1
