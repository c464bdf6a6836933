"""A small network that looks at four seconds of video and tells what it shows: the judge of the scorecard.

It reads FRAMES frames, STRIDE apart, made small: (B, FRAMES, 3, SIDE, SIDE) in [-1, 1]. It answers questions
whose words were told to it beforehand, and gives a few numbers whose distances compare sets of clips.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from pavdm_cli.errors import ConfigError
from pavdm_cli.models import library, quantised
from pavdm_cli.models.config import read
from pavdm_cli.models.vae import Conv

FRAMES, STRIDE, SIDE = 16, 6, 64
SPAN = FRAMES * STRIDE
"""Frames of the stretch of video that is read: four seconds."""
MOST_FEATURES = 32
FINE = 2
"""Colours along the side of a place that are looked at directly."""
RARE = -5.0
"""How sure a new network is that a place shows a thing: mostly there is none."""
SURE = 1.5
"""Logit above which a thing is told to be there: at 0 the probe tells one too many in a tenth of true scenes
of shapes that went through the VAE (docs/log.md)."""


@dataclass(frozen=True)
class Ask:
    """What scenes of one family can be asked: an attribute and its words; with `several`, a set of them, each
    of the same number of parts ("red ball")."""

    family: str
    attribute: str
    words: tuple[str, ...]
    several: bool = False


@dataclass(frozen=True)
class ProbeConfig:
    """widths: channels at half, a quarter and an eighth of SIDE. hidden: of the answering layer. features:
    numbers that distances are measured in."""

    widths: tuple[int, int, int]
    hidden: int
    features: int
    asks: tuple[Ask, ...]

    def __post_init__(self) -> None:
        if not 1 <= self.features <= MOST_FEATURES:
            raise ConfigError(f"features is {self.features}; must be from 1 to {MOST_FEATURES}")
        if not self.asks or min(*self.widths, self.hidden) < 1:
            raise ConfigError(
                f"no probe has these sizes: {self.widths}, {self.hidden}, {len(self.asks)} asks"
            )

    @cached_property
    def families(self) -> tuple[str, ...]:
        """The families it knows, in order."""
        return tuple(dict.fromkeys(ask.family for ask in self.asks))

    @cached_property
    def questions(self) -> dict[str, tuple[str, ...]]:
        """The family, and every attribute with one word for an answer: all words any family has for it."""
        found: dict[str, tuple[str, ...]] = {"family": self.families}
        for ask in self.asks:
            if not ask.several:
                found[ask.attribute] = tuple(dict.fromkeys(found.get(ask.attribute, ()) + ask.words))
        return found

    @cached_property
    def sets(self) -> dict[str, tuple[str, ...]]:
        """Every attribute with a set of words for an answer."""
        return {ask.attribute: ask.words for ask in self.asks if ask.several}

    def asked(self, family: str) -> tuple[Ask, ...]:
        """Return what scenes of a family are asked."""
        return tuple(ask for ask in self.asks if ask.family == family)


@dataclass(frozen=True)
class Told:
    """What the network says of B stretches: logits (B, words) by question or set; of sets also where, each
    (B, FRAMES / 2, SIDE / 8, SIDE / 8, words); features (B, N), and the logits read from them alone, which
    is how they learn what matters."""

    logits: dict[str, Tensor]
    where: dict[str, Tensor]
    features: Tensor
    from_features: dict[str, Tensor]


@dataclass(frozen=True)
class Reading:
    """One stretch of video as the probe sees it: its family, and a word for each attribute it was asked; of a
    set, the words sorted and joined by ' + '."""

    family: str
    answers: dict[str, str]
    features: tuple[float, ...]


class Probe(nn.Module):
    """Convolutions in space and over neighbouring frames, then one look at all of them."""

    def __init__(self, config: ProbeConfig) -> None:
        super().__init__()
        self.config = config
        a, b, c = config.widths
        self.open, self.quarter = Conv(6, a, stride=2), Conv(a, b, stride=2)
        self.eighth, self.block = Conv(b, c, stride=2), Conv(c, c)
        self.times = nn.ModuleList(_OverTime(width) for width in (b, c, c))
        self.hidden = nn.Linear(2 * c, config.hidden)
        self.answers = nn.Linear(config.hidden, sum(map(len, config.questions.values())))
        self.spot = nn.Linear(c + 3 * FINE**2, c)
        self.parts = nn.Linear(c, sum(1 + sum(map(len, _parts(words))) for words in config.sets.values()))
        with torch.no_grad():
            self.parts.bias.fill_(RARE)
        self.features = nn.Linear(config.hidden, config.features)
        both = [*config.questions.values(), *config.sets.values()]
        self.from_features = nn.Linear(config.features, sum(map(len, both)))

    def forward(self, frames: Tensor) -> Told:
        """Look at frames (B, FRAMES, 3, SIDE, SIDE) in [-1, 1]."""
        x = self._seen(frames)
        pooled = torch.cat((x.mean((1, 2, 3)), x.amax((1, 2, 3))), -1)
        hidden = F.silu(self.hidden(pooled))
        features = F.layer_norm(self.features(hidden).float(), (self.config.features,))
        questions, sets = self.config.questions, self.config.sets
        where = self._where(x, frames)
        logits = _split(self.answers(hidden).float(), questions)
        logits |= {name: values.logsumexp((2, 3)).mean(1) for name, values in where.items()}
        return Told(logits, where, features, _split(self.from_features(features).float(), questions | sets))

    def read(self, frames: Tensor, families: Sequence[str]) -> list[Reading]:
        """Read frames (B, FRAMES, 3, SIDE, SIDE), and ask of each what its family in `families` can be
        asked."""
        with torch.no_grad():
            told = self(frames)
        seen = told.logits["family"].argmax(-1).tolist()
        return [
            Reading(
                self.config.families[seen[i]],
                {
                    ask.attribute: self._answer(told.logits[ask.attribute][i], ask)
                    for ask in self.config.asked(f)
                },
                tuple(told.features[i].tolist()),
            )
            for i, f in enumerate(families)
        ]

    def _seen(self, frames: Tensor) -> Tensor:
        """Return what is seen where and when, (B, FRAMES / 2, SIDE / 8, SIDE / 8, C)."""
        batch, times = len(frames), iter(self.times)
        moved = torch.cat((torch.zeros_like(frames[:, :1]), 2 * frames.diff(dim=1)), 1)
        x = torch.cat((frames, moved), 2).flatten(0, 1).contiguous(memory_format=torch.channels_last)
        x = self.quarter(F.relu(self.open(x)))
        x = x + next(times)(F.relu(_evened(x, batch)), batch)
        x = self.eighth(F.relu(_evened(x, batch)))
        x = x + next(times)(F.relu(_evened(x, batch)), batch)
        x = rearrange(x, "(n f) c h w -> n f c h w", f=2).mean(1)
        x = x + self.block(F.relu(_evened(x, batch)))
        x = x + next(times)(F.relu(_evened(x, batch)), batch)
        return rearrange(F.relu(_evened(x, batch)), "(b t) c h w -> b t h w c", b=batch)

    def _where(self, x: Tensor, frames: Tensor) -> dict[str, Tensor]:
        """Return logits of the sets in each place: is a thing there, and has it the parts a word names?

        The place's own colours are shown beside what was seen: learned through convolutions alone, colours
        took thousands of clips.
        """
        fine = F.interpolate(frames[:, ::2].flatten(0, 1), (FINE * x.shape[2],) * 2, mode="area")
        own = rearrange(fine, "(b t) c (h i) (w j) -> b t h w (c i j)", b=len(x), i=FINE, j=FINE)
        x = F.relu(self.spot(torch.cat((x, own.to(x.dtype)), -1)))
        found, start = {}, 0
        for name, words in self.config.sets.items():
            parts = _parts(words)
            sizes = [1, *map(len, parts)]
            there, *of = self.parts(x).float()[..., start : start + sum(sizes)].split(sizes, -1)
            of = [one.log_softmax(-1) for one in of]
            picks = [[part.index(word.split()[i]) for word in words] for i, part in enumerate(parts)]
            found[name] = there + sum(one[..., pick] for one, pick in zip(of, picks, strict=True))
            start += sum(sizes)
        return found

    def _answer(self, logits: Tensor, ask: Ask) -> str:
        if ask.several:
            there = logits > min(SURE, float(logits.max()) - 1e-6)
            return " + ".join(
                sorted(word for word, is_there in zip(ask.words, there, strict=True) if is_there)
            )
        words = self.config.questions[ask.attribute]
        return max(ask.words, key=lambda word: float(logits[words.index(word)]))


class _OverTime(nn.Module):
    """A convolution over each place's frame before, now and after."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(nn.Linear(3 * width, width).weight.detach())

    def forward(self, x: Tensor, batch: int) -> Tensor:
        """Map (B * T, C, H, W) to the same shape."""
        frames = rearrange(x, "(b t) c h w -> b t h w c", b=batch)
        padded = F.pad(frames, (0, 0, 0, 0, 0, 0, 1, 1))
        three = torch.cat((padded[:, :-2], frames, padded[:, 2:]), -1)
        out: Tensor = rearrange(F.linear(three, self.weight), "b t h w c -> (b t) c h w")
        return out


def _evened(x: Tensor, batch: int) -> Tensor:
    """Bring each clip of (B * T, C, H, W) to one size; a measure of the whole clip keeps what is bright or
    moves."""
    with torch.no_grad():
        squares = torch.linalg.vector_norm(x, dim=(1, 2, 3), dtype=torch.float32).square().view(batch, -1)
        scale = (squares.mean(1) / x[0].numel() + 1e-6).rsqrt()
    out: Tensor = x * scale.repeat_interleave(len(x) // batch)[:, None, None, None].to(x.dtype)
    return out


def load(folder: Path | None = None) -> Probe:
    """Load a probe's folder, by default the packaged one's, in float32 on the CPU.

    Raises:
        CheckpointError: the weights are missing, damaged or do not fit the configuration.
        ConfigError: the configuration file is missing or wrong.
    """
    folder = folder or library.packaged() / "probe"
    probe = Probe(read(ProbeConfig, folder / "probe.config.json"))
    quantised.fill(probe, folder / "probe.safetensors")
    return probe.eval()


def small(frames: Tensor) -> Tensor:
    """Make frames (..., 3, H, W) uint8 as small as the probe reads them, (..., 3, SIDE, SIDE) uint8."""
    flat = F.interpolate(frames.flatten(0, -4).float(), (SIDE, SIDE), mode="area")
    return (flat + 0.5).to(torch.uint8).view(*frames.shape[:-2], SIDE, SIDE)


def _parts(words: Sequence[str]) -> list[tuple[str, ...]]:
    """Return the different first parts, second parts, ... of words."""
    return [tuple(dict.fromkeys(part)) for part in zip(*(word.split() for word in words), strict=True)]


def _split(values: Tensor, by: dict[str, tuple[str, ...]]) -> dict[str, Tensor]:
    sizes = [len(words) for words in by.values()]
    return dict(zip(by, torch.split(values, sizes, -1), strict=True))
