"""The scenes a model was trained on, each with a caption, so that it can tell what it knows and read a prompt
in other words as one of them."""

import json
import os
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from pavdm_cli.models import quantised
from pavdm_cli.models.scenes import Reader
from pavdm_cli.models.text import TextEncoder
from pavdm_cli.training import wordings
from pavdm_cli.training.worlds import FAMILIES
from pavdm_cli.training.worlds.scene import Scene

MOST = 200
"""Scenes of a family that are held one and all."""
FEW = 24
"""Scenes held of a family that has more: its prompts are recognised and not read."""
WORDINGS = 6
"""Captions of a scene that its vector is the mean of; the one that tells its facts best stands for it."""
SENTENCES = 1500
"""Captions of a family, and as many sentences in other words, that its readers are fitted to."""
STIFFNESS = 3e-4
"""Weight of the squares of readers' weights, beside the mean cross-entropy."""


def write(path: Path, text: TextEncoder, families: Sequence[str] = (), seed: int = 0) -> None:
    """Write every scene of the families trained on: family, facts, a caption, and sentence vectors (N, D);
    and for each attribute of families that are held whole how to tell its value from a vector."""
    rng = np.random.default_rng(seed)
    found: list[tuple[str, list[str], str]] = []
    vectors: list[Tensor] = []
    readers: list[Reader] = []
    for family in dict.fromkeys(families or FAMILIES):
        scenes, whole = _scenes(family, rng)
        own = list(_readers(family, text, rng)) if whole else []
        for scene in scenes:
            said = [scene.caption(rng) for _ in range(WORDINGS)]
            each = _vectors(said, text)
            facts = list(scene.facts().values()) if whole else []
            found.append((family, facts, said[_clearest(each, own, facts)]))
            vectors.append(each.mean(dim=0))
        readers += own
    stored = {"vectors": F.normalize(torch.stack(vectors), dim=-1)}
    for i, reader in enumerate(readers):
        stored |= {f"reader.{i}.weight": reader.weight, f"reader.{i}.bias": reader.bias}
    told = [(reader.family, reader.attribute, reader.words) for reader in readers]
    part = path.with_name(path.name + ".part")
    about = {"scenes": json.dumps(found), "readers": json.dumps(told)}
    save_file(quantised.pack(stored), part, metadata=about)
    part.chmod(0o644)
    os.replace(part, path)


def _scenes(family: str, rng: np.random.Generator) -> tuple[list[Scene], bool]:
    """Return scenes of a family, and whether they are all there are."""
    kind = FAMILIES[family]
    choices = getattr(kind, "choices", {})  # a family whose attributes are not single words has none
    values = list(product(*choices.values()))
    if choices and not kind.sets and len(values) <= MOST:
        return [kind(**dict(zip(choices, chosen, strict=True))) for chosen in values], True
    return [kind.draw(rng) for _ in range(FEW)], False


def _clearest(vectors: Tensor, readers: Sequence[Reader], facts: Sequence[str]) -> int:
    """Return which of some captions lets readers tell all facts most surely; captions leave some out."""
    sure = torch.zeros(len(vectors))
    for reader, fact in zip(readers, facts, strict=True):
        logits = F.linear(vectors, reader.weight, reader.bias)
        sure += logits.log_softmax(dim=-1)[:, reader.words.index(fact)]
    return int(sure.argmax())


def _readers(family: str, text: TextEncoder, rng: np.random.Generator) -> Iterator[Reader]:
    """Fit, for each attribute of a family, a softmax of a sentence's vector over its words, on captions and
    on sentences in other words alike."""
    scenes = [FAMILIES[family].draw(rng) for _ in range(SENTENCES)]
    said = [scene.caption(rng) for scene in scenes]
    said += [wordings.sentence(family, scene, rng) for scene in scenes]
    vectors = _vectors(said, text)
    middle = vectors.mean(dim=0)
    for attribute, words in FAMILIES[family].choices.items():
        truth = torch.tensor([words.index(scene.facts()[attribute]) for scene in scenes]).repeat(2)
        weight, bias = _fitted(vectors - middle, truth, len(words))
        yield Reader(family, attribute, words, weight, bias - weight @ middle)


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


def _vectors(said: Sequence[str], text: TextEncoder) -> Tensor:
    """Return the sentence vectors, of unit length, on the CPU."""
    parts = [text.encode(said[start : start + 128]).pooled.cpu() for start in range(0, len(said), 128)]
    return F.normalize(torch.cat(parts), dim=-1)
