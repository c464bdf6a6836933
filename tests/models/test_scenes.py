"""Scenes a model knows: the nearest are named, and other words are read phrase by phrase."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from pavdm_cli.models.scenes import LONGEST, NOTHING, Reader, Scenes, phrases, words

AXES = torch.eye(8)
SEA, BALL, CALM, STORM, DAY, NIGHT, RED, OTHER = AXES


def vector(*parts: Tensor) -> Tensor:
    return torch.nn.functional.normalize(torch.stack(parts).sum(0), dim=0)


KNOWN = {
    "a calm sea by day": ("sea", ("calm", "day"), vector(2 * SEA, CALM, DAY)),
    "a calm sea at night": ("sea", ("calm", "night"), vector(2 * SEA, CALM, NIGHT)),
    "a stormy sea by day": ("sea", ("stormy", "day"), vector(2 * SEA, STORM, DAY)),
    "a stormy sea at night": ("sea", ("stormy", "night"), vector(2 * SEA, STORM, NIGHT)),
    "a red ball": ("shapes", (), vector(BALL, RED)),
}


AXIS = {
    "sea": SEA, "ball": BALL, "calm": CALM, "storm": STORM,
    "day": DAY, "night": NIGHT, "red": RED, "odd": OTHER,
}  # fmt: skip


def encode(texts: Sequence[str]) -> Tensor:
    """Return the sum of the words' axes, of unit length."""
    return torch.stack([vector(*(AXIS[word] for word in text.split() if word in AXIS)) for text in texts])


def reader(attribute: str, usual: str, *said: tuple[str, Tensor]) -> Reader:
    names, axes = zip(*said, strict=True)
    weight = torch.cat((10 * torch.stack(axes), torch.zeros(1, 8)))
    return Reader("sea", attribute, names, usual, weight, torch.tensor((0.0,) * len(names) + (6.0,)))


@pytest.fixture
def scenes() -> Scenes:
    families, facts, vectors = zip(*KNOWN.values(), strict=True)
    readers = (
        reader("weather", "calm", ("calm", CALM), ("stormy", STORM)),
        reader("time", "night", ("day", DAY), ("night", NIGHT)),
    )
    return Scenes(
        tuple(KNOWN), families, facts, torch.stack(vectors), readers, frozenset({"sea", "day", "calm"})
    )


def test_every_attribute_is_read_from_the_phrase_that_says_it(scenes: Scenes) -> None:
    for weather, word in (("calm", "calm"), ("storm", "stormy")):
        for time, name in (("day", "by day"), ("night", "at night")):
            taken = scenes.read(f"odd odd sea odd {weather}, odd odd {time}", encode, 0.8)
            assert taken.caption == f"a {word} sea {name}"
            assert taken.nearest[0][1] < 0.8 and taken.usual == () and taken.strange == ()


def test_what_no_phrase_says_is_as_usual_and_named(scenes: Scenes) -> None:
    taken = scenes.read("odd sea odd storm", encode, 0.9)
    assert taken.caption == "a stormy sea at night" and taken.usual == (("time", "night"),)
    taken = scenes.read("odd sea", encode, 0.9)
    assert taken.caption == "a calm sea at night" and taken.usual == (("weather", "calm"), ("time", "night"))


def test_what_is_near_enough_is_taken_as_it_is_written(scenes: Scenes) -> None:
    prompt = "sea sea calm day day"
    near = scenes.read(prompt, encode, 0.7)
    assert near.caption is None and near.nearest[0][0] == "a calm sea by day"
    assert near.strange == ()
    other = scenes.read("sea sea calm day odd", encode, 0.7)
    assert other.caption == "a calm sea by day" and other.strange == () and other.nearest[0][1] > 0.7
    cosine = near.nearest[0][1]
    assert scenes.read(prompt, encode, cosine + 1e-3).caption == "a calm sea by day"
    assert scenes.read(prompt, encode, cosine - 1e-3).caption is None
    assert scenes.read(prompt, encode, 0.0).caption is None


def test_a_family_without_all_its_scenes_is_not_read(scenes: Scenes) -> None:
    taken = scenes.read("ball odd", encode, 0.9)
    assert taken.caption is None and taken.nearest[0][0] == "a red ball"


def test_the_nearest_are_named_best_first(scenes: Scenes) -> None:
    taken = scenes.read("sea sea storm day", encode, 0.5)
    assert taken.nearest[0][0] == "a stormy sea by day"
    assert taken.nearest[0][1] == pytest.approx(1, abs=1e-6)
    assert list(taken.nearest) == sorted(taken.nearest, key=lambda one: -one[1])


def test_a_model_that_knows_nothing_takes_all_as_it_is() -> None:
    taken = NOTHING.read("sea", encode, 0.9)
    assert taken.caption is None and taken.nearest == () and taken.strange == ()


def test_phrases_are_rows_of_words_as_they_are_written() -> None:
    assert phrases("On sky-blue, Rain") == [
        "On",
        "sky-blue",
        "Rain",
        "On sky-blue",
        "sky-blue Rain",
        "On sky-blue Rain",
    ]
    assert phrases(" ,. ") == [] and phrases("a a") == ["a", "a a"]
    assert max(len(phrase.split()) for phrase in phrases("one two three four five six seven")) == LONGEST
    assert phrases("a ship, no rain at 3 (dark)")[:6] == ["a", "ship", "no", "at", "dark", "a ship"]
    assert "no rain" in phrases("no rain") and "rain" not in phrases("no rain")
    assert words("the sea's waves, it\u2019s calm") == ["the", "sea", "waves", "it", "calm"]
    assert words("A Sky-blue ball, 3 cafés") == ["a", "sky", "blue", "ball", "cafés"]
