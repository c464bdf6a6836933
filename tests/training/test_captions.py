"""What a model knows: every scene of most families, a few of those with more."""

from pathlib import Path

import numpy as np
import pytest
import torch

from pavdm_cli.models import scenes, text
from pavdm_cli.training import captions, wordings
from pavdm_cli.training.worlds import FAMILIES

TEXT = Path(__file__).parents[2] / "weights" / "text"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> scenes.Scenes:
    path = tmp_path_factory.mktemp("known") / "captions.safetensors"
    captions.write(path, text.load(TEXT), ("city", "shapes", "city"))
    return scenes.load(path)


def test_every_scene_of_a_small_family_is_there_once_with_its_facts(known: scenes.Scenes) -> None:
    facts = [f for f, family in zip(known.facts, known.families, strict=True) if family == "city"]
    choices = FAMILIES["city"].choices
    assert len(facts) == len(set(facts)) == 2 * 2 * 3
    assert {values for values in zip(*facts, strict=True) if len(set(values)) < 2} == set()
    assert set(map(frozenset, zip(*facts, strict=True))) == {frozenset(words) for words in choices.values()}


def test_a_large_family_is_held_by_a_few_that_are_not_read(known: scenes.Scenes) -> None:
    facts = [f for f, family in zip(known.facts, known.families, strict=True) if family == "shapes"]
    assert facts == [()] * captions.FEW


def test_readers_tell_what_other_words_say(known: scenes.Scenes) -> None:
    assert {reader.family for reader in known.readers} == {"city"}
    encoder, rng = text.load(TEXT), np.random.default_rng(99)
    shown = [FAMILIES["city"].draw(rng) for _ in range(60)]
    said = [
        [str(rng.choice(wordings.phrases("city", *fact))) for fact in scene.facts().items()]
        for scene in shown
    ]
    vectors = [encoder.vectors(scenes.phrases(f"downtown, {', '.join(parts)}")) for parts in said]
    for reader in known.readers:
        told = [reader.tell(own) for own in vectors]
        right = [word == scene.facts()[reader.attribute] for word, scene in zip(told, shown, strict=True)]
        assert sum(right) > 50, reader.attribute
        assert reader.usual == wordings.usual("city", reader.attribute)


def test_its_own_captions_are_nearest(known: scenes.Scenes) -> None:
    encoder = text.load(TEXT)
    for i in (0, 5, 11):
        taken = known.read(known.captions[i], encoder.vectors, 0.5)
        assert taken.caption is None and taken.nearest[0][1] > 0.85 and taken.strange == ()
    assert (known.vectors.norm(dim=-1) - 1).abs().max() < 1e-4


def test_of_captions_that_tell_as_much_the_middle_one_stands_for_the_scene() -> None:
    heard = torch.tensor([[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]])
    found = captions._clearest([["one side", "middle", "other side"]], [heard], [], [[]], None)  # type: ignore[arg-type]
    assert list(found) == ["middle"]


def test_words_that_no_caption_has_are_strange(known: scenes.Scenes) -> None:
    taken = known.read("a teal cube spinning on a red background", text.load(TEXT).vectors, 0.0)
    assert taken.strange == ("teal", "cube")
