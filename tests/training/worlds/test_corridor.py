"""The corridor: pictures, purity, vocabulary and captions."""

import numpy as np
import pytest
import torch

from pavdm_cli.training.worlds.corridor import DECOR_WORDS, FLOOR_WORDS, WAY_WORDS, Corridor
from pavdm_cli.training.worlds.words import SYNONYMS

SIZE = (32, 48)
SCENES = [Corridor.draw(np.random.default_rng(i)) for i in range(3)]
SEEDS = [5, 0, 2**31 - 1]


def frames(*numbers: float) -> torch.Tensor:
    return torch.tensor([numbers] * len(SCENES), dtype=torch.float64)


def test_pictures_are_float32_between_0_and_1() -> None:
    pictures = Corridor.render(SCENES, SEEDS, frames(0, 12, 1e8), SIZE)
    assert pictures.shape == (3, 3, 3, *SIZE)
    assert pictures.dtype == torch.float32
    assert pictures.min() >= 0 and pictures.max() <= 1 and pictures.std() > 0.1


@pytest.mark.parametrize("i", range(len(SCENES)))
def test_a_scene_alone_equals_its_part_of_a_batch_in_any_order(i: int) -> None:
    batch = Corridor.render(SCENES, SEEDS, frames(7, 10_000_000, 40.5), SIZE)
    alone = Corridor.render([SCENES[i]], [SEEDS[i]], frames(40.5, 10_000_000, 7)[:1], SIZE)
    torch.testing.assert_close(alone.flip(1), batch[i : i + 1], rtol=0, atol=1e-5)


def test_frame_ten_million_still_moves_as_calmly_as_the_first() -> None:
    for start in (0, 10**7):
        pictures = Corridor.render(SCENES, SEEDS, frames(start, start + 1, start + 24), SIZE)
        assert ((pictures[:, 1] - pictures[:, 0]).abs().mean((1, 2, 3)) < 0.05).all()
        assert ((pictures[:, 2] - pictures[:, 0]).abs().mean((1, 2, 3)) > 0.002).all()


def test_every_value_is_drawn() -> None:
    rng = np.random.default_rng(0)
    drawn = [Corridor.draw(rng).facts() for _ in range(300)]
    for name, words in Corridor.choices.items():
        assert {facts[name] for facts in drawn} == set(words)


def test_a_change_changes_one_fact() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        scene = Corridor.draw(rng)
        old, new = scene.facts(), scene.change(rng).facts()
        assert sum(old[name] != new[name] for name in old) == 1


@pytest.mark.parametrize("name", Corridor.choices)
def test_every_value_shows_in_the_picture(name: str) -> None:
    for word in Corridor.choices[name][1:]:
        pair = [Corridor(**{**SCENES[0].facts(), name: value}) for value in (Corridor.choices[name][0], word)]
        pictures = Corridor.render(pair, [3, 3], frames(0, 48)[:2], SIZE)
        assert (pictures[0] - pictures[1]).abs().mean() > 0.005


def said(name: str, value: str) -> tuple[str, ...]:
    """Return the ways a caption may say a value."""
    if name == "walls":
        return SYNONYMS[value]
    return {"floor": FLOOR_WORDS, "decor": DECOR_WORDS, "direction": WAY_WORDS}[name][value]


@pytest.mark.parametrize("name", Corridor.choices)
def test_captions_say_each_attribute_mostly(name: str) -> None:
    rng = np.random.default_rng(0)
    scenes = [Corridor.draw(rng) for _ in range(800)]
    captions = [scene.caption(rng) for scene in scenes]
    assert all(3 <= len(caption.split()) <= 25 and caption == caption.lower() for caption in captions)
    assert len(set(captions)) > 700
    told = [any(w in c for w in said(name, s.facts()[name])) for s, c in zip(scenes, captions, strict=True)]
    assert np.mean(told) > 0.85
