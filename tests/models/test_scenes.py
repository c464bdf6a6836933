"""Scenes a model knows: the nearest are named, and other words are read attribute by attribute."""

import pytest
import torch
from torch import Tensor

from pavdm_cli.models.scenes import NOTHING, Reader, Scenes

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


@pytest.fixture
def scenes() -> Scenes:
    families, facts, vectors = zip(*KNOWN.values(), strict=True)
    readers = (
        Reader("sea", "weather", ("calm", "stormy"), torch.stack((CALM, STORM)), torch.zeros(2)),
        Reader("sea", "time", ("day", "night"), torch.stack((DAY, NIGHT)), torch.tensor((0.0, 0.05))),
    )
    return Scenes(tuple(KNOWN), families, facts, torch.stack(vectors), readers)


def test_every_attribute_is_read_by_itself(scenes: Scenes) -> None:
    for weather, word in ((CALM, "calm"), (STORM, "stormy")):
        for time, name in ((DAY, "by day"), (NIGHT, "at night")):
            taken = scenes.read(vector(SEA, 0.3 * weather, 0.3 * time, OTHER), 0.8)
            assert taken.caption == f"a {word} sea {name}"
            assert taken.nearest[0][1] < 0.8


def test_a_bias_tells_what_is_not_said(scenes: Scenes) -> None:
    assert scenes.read(vector(SEA, 0.3 * STORM, OTHER), 0.9).caption == "a stormy sea at night"


def test_what_is_near_enough_is_taken_as_it_is_written(scenes: Scenes) -> None:
    prompt = vector(2 * SEA, CALM, DAY, 0.5 * OTHER)
    near = scenes.read(prompt, 0.9)
    assert near.caption is None and near.nearest[0][0] == "a calm sea by day"
    cosine = near.nearest[0][1]
    assert scenes.read(prompt, cosine + 1e-3).caption == "a calm sea by day"
    assert scenes.read(prompt, cosine - 1e-3).caption is None
    assert scenes.read(prompt, 0.0).caption is None


def test_a_family_without_all_its_scenes_is_not_read(scenes: Scenes) -> None:
    taken = scenes.read(vector(BALL, OTHER), 0.9)
    assert taken.caption is None and taken.nearest[0][0] == "a red ball"


def test_the_nearest_are_named_best_first(scenes: Scenes) -> None:
    taken = scenes.read(3 * vector(2 * SEA, STORM, DAY), 0.5)
    assert taken.nearest[0][0] == "a stormy sea by day"
    assert taken.nearest[0][1] == pytest.approx(1, abs=1e-6)
    assert list(taken.nearest) == sorted(taken.nearest, key=lambda one: -one[1])


def test_a_model_that_knows_nothing_takes_all_as_it_is() -> None:
    taken = NOTHING.read(torch.ones(8), 0.9)
    assert taken.caption is None and taken.nearest == ()
