"""Other words: every value has some, they say it, and the scorecard's own are not among them."""

import re

import numpy as np
import pytest

from pavdm_cli.studies.prompts import PROMPTS
from pavdm_cli.training.wordings import phrases, usual
from pavdm_cli.training.worlds import FAMILIES

READ = [name for name, family in FAMILIES.items() if not family.sets]
COMMON = set(["between", "each", "its", "last", "next", "sun", "then", "without"])
"""Words that no caption happens to use and nobody can do without."""


@pytest.mark.parametrize("family", READ)
def test_every_value_is_said_in_six_ways_that_say_nothing_else(family: str) -> None:
    for attribute, words in FAMILIES[family].choices.items():
        said = [phrase for word in words for phrase in phrases(family, attribute, word)]
        assert len(said) == len(set(said)), attribute
        assert all(len(phrases(family, attribute, word)) >= 6 for word in words)


@pytest.mark.parametrize("family", READ)
def test_what_is_usual_is_one_of_the_values(family: str) -> None:
    assert all(usual(family, attribute) in words for attribute, words in FAMILIES[family].choices.items())


def test_colours_have_all_their_names_where_all_values_are_colours() -> None:
    assert "emerald" in phrases("corridor", "walls", "green") and "jade walls" in phrases(
        "corridor", "walls", "green"
    )
    assert "crimson" not in phrases("stars", "planet", "red planet")
    assert "ivory" in phrases("lighthouse", "paint", "white") and "alabaster" not in phrases(
        "lighthouse", "paint", "white"
    )


def test_the_words_of_the_scorecards_paraphrases_are_kept_out() -> None:
    rng, known, ours = np.random.default_rng(0), set[str](), set[str]()
    for name, family in FAMILIES.items():
        for _ in range(800):
            known |= _words(family.draw(rng).caption(rng))
        if name in READ:
            ours |= _words(" ".join(phrases(name, "called", name)))
            for attribute, words in family.choices.items():
                ours |= _words(" ".join(" ".join(phrases(name, attribute, word)) for word in words))
    asked = set[str]().union(*(_words(one.prompt) for one in PROMPTS if one.paraphrase))
    assert ours & (asked - known) <= COMMON


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))
