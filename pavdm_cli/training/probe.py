"""Train the probe on renders of every family, some of them after the VAE's round trip.

What cannot be seen is not asked: `worlds.visible` tells from the renderer itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from pavdm_cli.models import quantised
from pavdm_cli.models.config import write
from pavdm_cli.models.device import autocast
from pavdm_cli.models.probe import FRAMES, SIDE, SPAN, STRIDE, Ask, Probe, ProbeConfig, Told, small
from pavdm_cli.models.vae import Vae
from pavdm_cli.training import fit as fitting
from pavdm_cli.training.clips import LATEST
from pavdm_cli.training.fit import Budget, Reports
from pavdm_cli.training.pool import Ring
from pavdm_cli.training.state import State
from pavdm_cli.training.worlds import FAMILIES
from pavdm_cli.training.worlds.paint import Size
from pavdm_cli.training.worlds.scene import Scene
from pavdm_cli.training.worlds.visible import PATCHES, SEEN, Sight, visible

SEEN_AT = slice(0, FRAMES, 5)
"""The moments, of those the probe reads, at which the renderer is asked what can be seen, and where."""
PLACES_SHARE = 20.0
"""Weight of what is where; most places show nothing."""
SHAPES = 6
"""More scenes of the family with the most to tell, beside one of every family."""
FEATURES_SHARE = 0.5
"""Weight of the answers read from the features alone."""


@dataclass(frozen=True)
class ProbeTraining:
    """Settings of a training run.

    batch: clips a step. held, renew, every: clips in the pool, and how many are renewed every so many steps.
    coded: one clip in so many has been through the VAE. families: none: all.
    size: of the renders, before they are made small.
    """

    batch: int = 32
    held: int = 2400
    renew: int = 8
    every: int = 4
    coded: int = 8
    rate: float = 1.5e-3
    seed: int = 21
    families: tuple[str, ...] = ()
    size: Size = (128, 128)


@dataclass(frozen=True)
class Shown:
    """A scene as the probe is shown it: a seed and a first frame."""

    scene: Scene
    seed: int
    first: int


def config(
    widths: tuple[int, int, int] = (24, 64, 128), hidden: int = 192, features: int = 32
) -> ProbeConfig:
    """Return a probe's configuration, with questions about all families."""
    asks = [
        Ask(name, attribute, tuple(words), several=attribute in family.sets)
        for name, family in FAMILIES.items()
        for attribute, words in family.answers().items()
    ]
    return ProbeConfig(widths, hidden, features, tuple(asks))


def draw(seed: int, number: int, families: Sequence[str]) -> Shown:
    """Draw what is shown under a number: any scene, held out from video models or not, for a probe must tell
    both alike."""
    rng = np.random.default_rng([seed, number])
    scene = FAMILIES[families[int(rng.integers(len(families)))]].draw(rng)
    return Shown(scene, int(rng.integers(2**31 - 1)), int(rng.integers(LATEST)))


@torch.no_grad()
def render(
    shown: Sequence[Shown], device: torch.device, vae: Vae | None = None, size: Size = (128, 128)
) -> Tensor:
    """Draw what the probe reads of scenes of one family, (B, FRAMES, 3, SIDE, SIDE) uint8; given a VAE, as it
    gives them back."""
    family = type(shown[0].scene)
    moments = torch.arange(0, SPAN, 1 if vae else STRIDE, dtype=torch.float64, device=device)
    first = torch.tensor([one.first for one in shown], dtype=torch.float64, device=device)
    scenes, seeds = [one.scene for one in shown], [one.seed for one in shown]
    frames = family.render(scenes, seeds, first[:, None] + moments, size)
    if vae is not None:
        with autocast(device):
            frames = ((vae.decode(vae.encode(2 * frames - 1))[0][:, ::STRIDE].float() + 1) / 2).clamp(0, 1)
    return small((frames * 255 + 0.5).to(torch.uint8))


def seen(shown: Sequence[Shown], device: torch.device) -> list[Sight]:
    """Tell what of scenes of one family can be seen in what the probe reads."""
    moments = torch.arange(0, SPAN, STRIDE, dtype=torch.float64, device=device)[SEEN_AT]
    first = torch.tensor([one.first for one in shown], dtype=torch.float64, device=device)
    return visible([one.scene for one in shown], [one.seed for one in shown], first[:, None] + moments)


class ProbePool:
    """What the probe is shown, with the truth: frames (size, FRAMES, 3, SIDE, SIDE) uint8; for each question
    the word's number (size,), -1 where it is not asked; for each set (size, words) of 0 and 1, or -1, and
    under its name with `where` the number of the word to be seen in each place at SEEN_AT, `words` for
    none."""

    def __init__(
        self, settings: ProbeTraining, config: ProbeConfig, vae: Vae, device: torch.device, refills: int = 0
    ) -> None:
        self._settings, self._config, self._vae, self._device = settings, config, vae, device
        self._ring = Ring(settings.held, settings.renew)
        names = list(settings.families or FAMILIES)
        self._families = names + ["shapes"] * SHAPES * ("shapes" in names)
        self.frames = torch.empty(settings.held, FRAMES, 3, SIDE, SIDE, dtype=torch.uint8, device=device)
        self.truth = {name: torch.empty(settings.held, dtype=torch.long) for name in config.questions}
        self.truth |= {name: torch.empty(settings.held, len(words)) for name, words in config.sets.items()}
        spots = settings.held, len(range(FRAMES)[SEEN_AT]), PATCHES, PATCHES
        self.truth |= {f"{name} where": torch.empty(spots, dtype=torch.long) for name in config.sets}
        self.truth = {name: values.to(device) for name, values in self.truth.items()}
        places = list(enumerate(self._ring.held(refills)))
        for start in tqdm(range(0, len(places), 48), desc="rendering", unit="48 clips"):
            self._put(places[start : start + 48])

    def refill(self, number: int) -> None:
        """Renew the oldest."""
        self._put(self._ring.places(number))

    def _put(self, places: Sequence[tuple[int, int]]) -> None:
        groups: dict[tuple[type[Scene], bool], list[tuple[int, Shown]]] = {}
        for place, number in places:
            shown = draw(self._settings.seed, number, self._families)
            key = type(shown.scene), number % self._settings.coded == 0
            groups.setdefault(key, []).append((place, shown))
        for (_, coded), group in groups.items():
            at, shown_here = [place for place, _ in group], [shown for _, shown in group]
            vae = self._vae if coded else None
            self.frames[at] = render(shown_here, self._device, vae, self._settings.size)
            truth = targets(self._config, shown_here, seen(shown_here, self._device))
            for name, values in truth.items():
                self.truth[name][at] = values.to(self._device)


def targets(config: ProbeConfig, shown: Sequence[Shown], sights: Sequence[Sight]) -> dict[str, Tensor]:
    """Return the truth about scenes, as `ProbePool` holds it."""
    facts = [
        {"family": one.scene.family} | {k: v for k, v in one.scene.facts().items() if sight.seen[k]}
        for one, sight in zip(shown, sights, strict=True)
    ]
    truth: dict[str, Tensor] = {}
    for name, words in config.questions.items():
        truth[name] = torch.tensor([words.index(fact[name]) if name in fact else -1 for fact in facts])
    for name, words in config.sets.items():
        rows = [
            [float(w in fact[name].split(" + ")) if name in fact else -1.0 for w in words] for fact in facts
        ]
        truth[name] = torch.tensor(rows)
        spots = [_spots(words, sight.where.get(name, {})) for sight in sights]
        truth[f"{name} where"] = torch.stack(spots)
    return truth


def _spots(words: Sequence[str], where: dict[str, Tensor]) -> Tensor:
    """Return which word is to be seen in each place, (moments, PATCHES, PATCHES); `len(words)` for none."""
    nothing = torch.full((len(range(FRAMES)[SEEN_AT]), PATCHES, PATCHES), len(words))
    if not where:
        return nothing
    shares = torch.stack(list(where.values()))
    clear = shares > torch.clamp(0.4 * shares.flatten(1).amax(1), min=SEEN)[:, None, None, None]
    best = (shares * clear).argmax(0).cpu()
    numbers = torch.tensor([words.index(word) for word in where])
    return torch.where(clear.any(0).cpu(), numbers[best], nothing)


def train(
    folder: Path,
    config: ProbeConfig,
    settings: ProbeTraining,
    budget: Budget,
    device: torch.device,
    vae: Vae,
    *,
    start: Path | None = None,
) -> Probe:
    """Train a probe into `folder` (probe.state, .log, .safetensors, .config.json); resume if it was begun.

    `start` names weights to begin from. Returns the averaged probe.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    probe = Probe(config)
    if start is not None:
        quantised.fill(probe, start)
    probe.to(device)
    vae = vae.to(device).eval()
    hidden = {n for n, p in probe.named_parameters() if p.ndim == 2 and n.split(".")[0] in _BODY}
    optimizers = fitting.optimizers(probe, settings.rate, hidden)
    state = State(probe, optimizers, np.random.default_rng(settings.seed), decay=0.998)
    path = folder / "probe.state"
    fitting.begin(state, path, config=config, settings=settings, budget=budget)
    pool = ProbePool(settings, config, vae, device, state.step // settings.every)

    def loss(progress: float) -> tuple[Tensor, Reports]:
        picks = torch.from_numpy(state.rng.integers(settings.held, size=settings.batch)).to(device)
        frames = roughened(pool.frames[picks].float() / 127.5 - 1, state.rng)
        with autocast(device):
            told = probe(frames)
        truth = {name: values[picks] for name, values in pool.truth.items()}
        return judged(told, truth)

    def after(step: int) -> None:
        if step % settings.every == 0:
            pool.refill(step // settings.every - 1)

    def save() -> None:
        quantised.save(folder / "probe.safetensors", state.average)
        write(config, folder / "probe.config.json")

    fitting.fit(state, loss, budget, path, on_save=save, after_step=after)
    probe.load_state_dict(state.average)
    return probe


@torch.no_grad()
def measure(
    probe: Probe, seed: int, count: int, device: torch.device, vae: Vae | None = None
) -> dict[str, tuple[int, int]]:
    """Return how many answers are right, and of how many, by attribute, over fresh renders: `count` of every
    family, after a VAE's round trip if one is given. Sets count as right only as a whole."""
    found: dict[str, tuple[int, int]] = {}
    for family in probe.config.families:
        for start in range(0, count, MEASURED_AT_ONCE):
            shown = [draw(seed, n, [family]) for n in range(start, min(start + MEASURED_AT_ONCE, count))]
            frames = render(shown, device, vae).to(device).float() / 127.5 - 1
            read = probe.read(frames, [family] * len(shown))
            for one, sight, reading in zip(shown, seen(shown, device), read, strict=True):
                answers = {"family": reading.family} | reading.answers
                for name, word in ({"family": family} | one.scene.facts()).items():
                    if name == "family" or sight.seen[name]:
                        right, asked = found.get(name, (0, 0))
                        found[name] = right + (answers[name] == word), asked + 1
    return found


MEASURED_AT_ONCE = 16
"""Clips rendered and read together when a probe is measured."""
_BODY = ("open", "quarter", "eighth", "block", "times")


def roughened(frames: Tensor, rng: np.random.Generator) -> Tensor:
    """Make frames (B, T, 3, H, W) in [-1, 1] a little softer, noisier, brighter or darker, half of them."""
    batch = len(frames)

    def each(low: float, high: float) -> Tensor:
        amount = rng.uniform(low, high, batch) * (rng.uniform(size=batch) < 0.5)
        return torch.from_numpy(amount).float().to(frames.device)[:, None, None, None, None]

    soft = F.avg_pool2d(F.pad(frames.flatten(0, 1), (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    frames = torch.lerp(frames, soft.view_as(frames), each(0, 0.8))
    frames = frames + each(0, 0.08) * torch.randn_like(frames)
    return frames * (1 + each(-0.06, 0.06)) + each(-0.05, 0.05)


def judged(told: Told, truth: dict[str, Tensor]) -> tuple[Tensor, Reports]:
    """Return the loss summed over questions, and the shares answered rightly, over what was asked."""
    total = placed(told.where, truth)
    right, asked, reports = torch.zeros_like(total), torch.zeros_like(total), Reports()
    for name, values in told.logits.items():
        known = truth[name]
        alone = _loss(told.from_features[name], known)
        total = total + (_loss(values, known) + FEATURES_SHARE * alone).sum() / len(known)
        hit, there = _right(values, known)
        right, asked = right + hit, asked + there
        if name in ("family", "objects", "motion"):
            reports[name] = torch.stack((hit, there))
    one = torch.ones_like(total)
    return total, {"loss": torch.stack((total.detach(), one)), "right": torch.stack((right, asked))} | reports


def placed(where: dict[str, Tensor], truth: dict[str, Tensor]) -> Tensor:
    """Return the loss of what is where, a mean over places, of clips that were asked for a set."""
    total = torch.zeros((), device=next(iter(truth.values())).device)
    for name, values in where.items():
        clips = truth[name][:, 0] >= 0
        if clips.any():
            moments = [frame // 2 for frame in range(FRAMES)[SEEN_AT]]
            here = values[clips][:, moments]
            scores = torch.cat((here, torch.zeros_like(here[..., :1])), -1).flatten(0, -2)
            each = F.cross_entropy(scores, truth[f"{name} where"][clips].flatten())
            total = total + PLACES_SHARE * each * clips.float().mean()
    return total


def _loss(values: Tensor, known: Tensor) -> Tensor:
    """Return the loss of each clip (B,), 0 where it was not asked."""
    if known.ndim == 1:
        return F.cross_entropy(values, known, reduction="none", ignore_index=-1)
    each = F.binary_cross_entropy_with_logits(values, known.clamp(min=0), reduction="none").sum(-1)
    return each * (known[:, 0] >= 0)


def _right(values: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Return how many clips are answered rightly, and of how many that were asked."""
    there = known >= 0 if known.ndim == 1 else known[:, 0] >= 0
    hit = values.argmax(-1) == known if known.ndim == 1 else ((values > 0) == (known > 0.5)).all(-1)
    return (hit & there).sum().float(), there.sum().float()
