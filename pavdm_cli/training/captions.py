"""The scenes a model was trained on, each with a caption, so that it can tell what it knows and read a prompt
in other words as one of them."""

import json
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save
from torch import Tensor

from pavdm_cli import whole
from pavdm_cli.models import quantised
from pavdm_cli.models.scenes import Reader, phrases, words
from pavdm_cli.models.text import TextEncoder
from pavdm_cli.training import wordings
from pavdm_cli.training.worlds import FAMILIES
from pavdm_cli.training.worlds.scene import Scene

MOST = 200
"""Scenes of a family that are held one and all."""
FEW = 24
"""Scenes held of a family that has more: its prompts are recognised and not read."""
WORDINGS = 10
"""Captions of a scene that its vector is the mean of; the clearest stands for it."""
DRAWN = 400
"""Captions drawn of a family for the words that captions use."""
STIFFNESS = 3e-4
"""Weight of the squares of readers' weights, beside the mean cross-entropy."""


def write(path: Path, text: TextEncoder, families: Sequence[str] = (), seed: int = 0) -> None:
    """Write every scene of the families trained on: family, facts, a caption, and sentence vectors (N, D);
    for each attribute of families that are held whole how to tell its value from a phrase's vector; and the
    words that captions use."""
    rng = np.random.default_rng(seed)
    found: list[tuple[str, list[str], str]] = []
    vectors: list[Tensor] = []
    readers: list[Reader] = []
    used: set[str] = set()
    for family in dict.fromkeys(families or FAMILIES):
        scenes, complete = _scenes(family, rng)
        own = list(_readers(family, text)) if complete else []
        said = [[scene.caption(rng) for _ in range(WORDINGS)] for scene in scenes]
        facts = [list(scene.facts().values()) if complete else [] for scene in scenes]
        heard = [text.vectors(each) for each in said]
        clearest = _clearest(said, heard, own, facts, text)
        found += [(family, *row) for row in zip(facts, clearest, strict=True)]
        vectors += [each.mean(dim=0) for each in heard]
        readers += own
        for _ in range(DRAWN):
            used.update(words(FAMILIES[family].draw(rng).caption(rng)))
    stored = {"vectors": F.normalize(torch.stack(vectors), dim=-1)}
    for i, reader in enumerate(readers):
        stored |= {f"reader.{i}.weight": reader.weight, f"reader.{i}.bias": reader.bias}
    told = [(reader.family, reader.attribute, reader.words, reader.usual) for reader in readers]
    about = {"scenes": json.dumps(found), "readers": json.dumps(told), "words": json.dumps(sorted(used))}
    whole.write(path, save(quantised.pack(stored), metadata=about))


def _scenes(family: str, rng: np.random.Generator) -> tuple[list[Scene], bool]:
    """Return scenes of a family, and whether they are all there are."""
    kind = FAMILIES[family]
    choices = getattr(kind, "choices", {})  # a family whose attributes are not single words has none
    values = list(product(*choices.values()))
    if choices and not kind.sets and len(values) <= MOST:
        return [kind(**dict(zip(choices, chosen, strict=True))) for chosen in values], True
    return [kind.draw(rng) for _ in range(FEW)], False


def _clearest(
    said: Sequence[Sequence[str]],
    heard: Sequence[Tensor],
    readers: Sequence[Reader],
    facts: Sequence[Sequence[str]],
    text: TextEncoder,
) -> Iterator[str]:
    """Yield the caption of each scene that lets readers tell most of its facts, as captions leave some out,
    and of those the one nearest to the middle of all."""
    parts = list(dict.fromkeys(phrase for each in said for one in each for phrase in phrases(one)))
    vectors = dict(zip(parts, text.vectors(parts), strict=True)) if readers else {}

    def told(caption: str, shown: Sequence[str]) -> int:
        return sum(
            reader.tell(torch.stack([vectors[phrase] for phrase in phrases(caption)])) == fact
            for reader, fact in zip(readers, shown, strict=True)
        )

    for each, own, shown in zip(said, heard, facts, strict=True):
        middling = (own @ own.mean(dim=0)).tolist()
        yield max(zip(each, middling, strict=True), key=lambda one: (told(one[0], shown), one[1]))[0]


def _readers(family: str, text: TextEncoder) -> Iterator[Reader]:
    """Fit, for each attribute of a family, a softmax of a phrase's vector over its words and none of them, on
    other words for all that the family's scenes show."""
    choices = FAMILIES[family].choices
    said = [(("called", family), phrase) for phrase in wordings.phrases(family, "called", family)]
    for attribute, own in choices.items():
        said += [
            ((attribute, word), phrase)
            for word in own
            for phrase in wordings.phrases(family, attribute, word)
        ]
    vectors = text.vectors([phrase for _, phrase in said])
    middle = vectors.mean(dim=0)
    for attribute, own in choices.items():
        truth = [own.index(about[1]) if about[0] == attribute else len(own) for about, _ in said]
        weight, bias = _fitted(vectors - middle, torch.tensor(truth), len(own) + 1)
        yield Reader(
            family, attribute, own, wordings.usual(family, attribute), weight, bias - weight @ middle
        )


def _fitted(vectors: Tensor, truth: Tensor, words: int) -> tuple[Tensor, Tensor]:
    weight = torch.zeros(words, vectors.shape[1], requires_grad=True)
    bias = torch.zeros(words, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(F.linear(vectors, weight, bias), truth) + STIFFNESS * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()
