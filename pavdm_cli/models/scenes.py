"""The scenes a model knows, each in a caption: what a prompt in other words is read as.

A prompt that is near to no caption is given the family whose captions are nearest, and in it, for each
attribute, the value that one of its phrases says most surely: "a yacht" and "the sun goes down" are found
apart, although no caption has either. What no phrase says is as usual.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from torch import Tensor

from pavdm_cli.errors import CheckpointError
from pavdm_cli.models import quantised

NAMED = 3
"""Captions named as the nearest."""
TOP = 5
"""Captions of a family that tell how near it is."""
LONGEST = 5
"""Words of a phrase."""
NEGATIONS = ("no", "not", "without", "never", "neither", "nor")
"""Words that turn what follows them round: a phrase without its own says the opposite of what was meant."""
SAID = 0.3
"""The least probability at which a phrase is taken to say a value."""


@dataclass(frozen=True)
class Reading:
    """How a prompt is taken: as a known caption, or None: as it is written.

    nearest: known captions with their cosines, best first; empty where a model does not say what it knows.
    usual: attributes that a prompt read as a caption does not speak of, with what is taken for them.
    strange: words of a prompt taken as it is written that no caption has.
    """

    caption: str | None = None
    nearest: tuple[tuple[str, float], ...] = ()
    usual: tuple[tuple[str, str], ...] = ()
    strange: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reader:
    """Tells one attribute of a family's scenes from phrases: W words, weight (W + 1, D), bias (W + 1,), the
    last row for phrases that do not speak of it. usual: the word that is taken where none does."""

    family: str
    attribute: str
    words: tuple[str, ...]
    usual: str
    weight: Tensor
    bias: Tensor

    def tell(self, vectors: Tensor) -> str | None:
        """Return the word that one of some phrases (P, D), of unit length, says most surely, or None."""
        sure = (vectors @ self.weight.T + self.bias).softmax(dim=-1)[:, :-1].amax(dim=0)
        best = int(sure.argmax())
        return self.words[best] if sure[best] >= SAID else None


@dataclass(frozen=True)
class Scenes:
    """N known scenes. families, facts: what each shows, the values of its family's attributes in order; none
    where a family has too many scenes to hold them all. vectors: (N, D), of unit length. readers: one for
    each attribute, in order, of the families whose scenes are all held. words: all that captions use."""

    captions: tuple[str, ...]
    families: tuple[str, ...]
    facts: tuple[tuple[str, ...], ...]
    vectors: Tensor
    readers: tuple[Reader, ...] = ()
    words: frozenset[str] = frozenset()

    def read(self, prompt: str, encode: Callable[[Sequence[str]], Tensor], below: float) -> Reading:
        """Read a prompt if no caption is as near as a cosine of `below`, or it has words that no caption has.

        encode: texts to vectors (N, D) of unit length.
        """
        if not self.captions:
            return Reading()
        near = self.vectors @ encode([prompt])[0]
        best = near.topk(min(NAMED, len(near)))
        named = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        nearest = tuple((self.captions[i], cosine) for i, cosine in named)
        family = max(dict.fromkeys(self.families), key=lambda name: self._family(near, name))
        readers = [reader for reader in self.readers if reader.family == family]
        said = phrases(prompt)
        unknown = [word for word in words(prompt) if word not in self.words] if self.words else []
        strange = tuple(dict.fromkeys(unknown))
        if (nearest[0][1] >= below and not strange) or not readers or not said:
            return Reading(None, nearest, strange=strange)
        vectors = encode(said)
        told = [reader.tell(vectors) for reader in readers]
        facts = tuple(word or reader.usual for word, reader in zip(told, readers, strict=True))
        usual = tuple((r.attribute, r.usual) for word, r in zip(told, readers, strict=True) if word is None)
        known = zip(self.families, self.facts, strict=True)
        return Reading(self.captions[list(known).index((family, facts))], nearest, usual)

    def _family(self, near: Tensor, name: str) -> float:
        own = near[[i for i, family in enumerate(self.families) if family == name]]
        return float(own.topk(min(TOP, len(own))).values.mean())


def phrases(text: str) -> list[str]:
    """Return every row of one to five words of a text, once; none that begins after a "no" it leaves out."""
    parts = [word for part in text.split() if (word := re.sub(r"^\W+|\W+$", "", part)) and words(word)]
    starts = [i for i in range(len(parts)) if i == 0 or parts[i - 1].lower() not in NEGATIONS]
    rows = [parts[i : i + n] for n in range(1, LONGEST + 1) for i in starts if i + n <= len(parts)]
    return list(dict.fromkeys(" ".join(row) for row in rows))


def words(text: str) -> list[str]:
    """Return the words of a text, in small letters and without a genitive's s."""
    return re.findall(r"[^\W\d_]+(?=['\u2019]s\b)|(?<!['\u2019])[^\W\d_]+", text.lower())


NOTHING = Scenes((), (), (), torch.empty(0, 0))
"""What a model knows that takes every prompt as it is written."""


def load(path: Path) -> Scenes:
    """Read what `training.captions` writes.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            found, told = json.loads(about["scenes"]), json.loads(about["readers"])
            used = frozenset(map(str, list[object](json.loads(about["words"]))))
            stored = quantised.unpack({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        scenes = [(str(family), tuple(map(str, facts)), str(caption)) for family, facts, caption in found]
        vectors = F.normalize(stored["vectors"], dim=-1)
        readers = tuple(
            Reader(
                str(family),
                str(attribute),
                tuple(map(str, said)),
                str(usual),
                stored[f"reader.{i}.weight"],
                stored[f"reader.{i}.bias"],
            )
            for i, (family, attribute, said, usual) in enumerate(told)
        )
    except (SafetensorError, OSError, KeyError, ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path}: missing or damaged ({error}); restore the model's folder") from error
    if not scenes or vectors.ndim != 2 or len(scenes) != len(vectors):
        raise CheckpointError(
            f"{path}: {len(scenes)} captions for {len(vectors)} vectors; restore the model's folder"
        )
    _check_readers(path, scenes, readers, vectors.shape[1])
    families, facts, captions = zip(*scenes, strict=True)
    return Scenes(captions, families, facts, vectors, readers, used)


def _check_readers(
    path: Path, scenes: list[tuple[str, tuple[str, ...], str]], readers: tuple[Reader, ...], width: int
) -> None:
    """Refuse readers that could tell a scene which is not there."""
    for family in {family for family, facts, _ in scenes if facts} | {reader.family for reader in readers}:
        own = [reader for reader in readers if reader.family == family]
        held = {facts for name, facts, _ in scenes if name == family}
        fit = {
            r.weight.shape == (len(r.words) + 1, width)
            and r.bias.shape == r.weight.shape[:1]
            and r.usual in r.words
            for r in own
        }
        if fit != {True} or held != set(product(*(reader.words for reader in own))):
            raise CheckpointError(
                f"{path}: scenes and readers of {family} do not fit; restore the model's folder"
            )
