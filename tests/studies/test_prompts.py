"""The scorecard's prompts mean what they say: known facts, held-out pairs marked, words as promised."""

import re

import numpy as np
import pytest

from pavdm_cli.studies.prompts import PROMPTS, Asked
from pavdm_cli.training.worlds import FAMILIES
from pavdm_cli.training.worlds.scene import is_held_out


def test_every_family_has_two_and_half_are_held_out() -> None:
    assert len(PROMPTS) >= 24 and len({one.prompt for one in PROMPTS}) == len(PROMPTS)
    assert {f: sum(one.family == f for one in PROMPTS) for f in FAMILIES} == dict.fromkeys(FAMILIES, 2)
    assert 2 * sum(one.held_out for one in PROMPTS) == len(PROMPTS)
    assert {one.held_out for one in PROMPTS if one.paraphrase} == {True, False}


@pytest.mark.parametrize("asked", PROMPTS, ids=lambda one: one.prompt)
def test_scenes_show_what_the_prompt_says(asked: Asked) -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        scene = asked.scene(rng)
        assert type(scene) is FAMILIES[asked.family]
        assert scene.facts().items() >= asked.facts.items()
        assert is_held_out(scene) == asked.held_out
        assert all(
            set(scene.facts()[name].split(" + ")) <= set(words) for name, words in scene.answers().items()
        )


def test_a_paraphrase_uses_words_that_captions_do_not() -> None:
    rng, known = np.random.default_rng(0), set[str]()
    for family in FAMILIES.values():
        for _ in range(800):
            known |= words(family.draw(rng).caption(rng))
    for asked in PROMPTS:
        assert bool(words(asked.prompt) - known) == asked.paraphrase, words(asked.prompt) - known


def words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text))
