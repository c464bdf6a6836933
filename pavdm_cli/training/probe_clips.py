"""What the probe is shown, and the truth about it: renders of every family, some after the VAE's round trip.

What cannot be seen is not asked: `worlds.visible` tells from the renderer itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from pavdm_cli.models.device import autocast
from pavdm_cli.models.probe import FRAMES, SIDE, SPAN, STRIDE, ProbeConfig, small
from pavdm_cli.models.vae import Vae
from pavdm_cli.training.clips import LATEST
from pavdm_cli.training.pool import Ring
from pavdm_cli.training.worlds import FAMILIES
from pavdm_cli.training.worlds.paint import Size
from pavdm_cli.training.worlds.scene import Scene
from pavdm_cli.training.worlds.visible import PATCHES, SEEN, Sight, visible

SEEN_AT = slice(0, FRAMES, 5)
"""The moments, of those the probe reads, at which the renderer is asked what can be seen, and where."""
ASTRAY = 0.4
"""Most of the deviation by which latents are led astray: as far as a denoiser's own windows end from the
truth (docs/log.md)."""
SHAPES = 6
"""More scenes of the family with the most to tell, beside one of every family."""


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
    coded: int = 2
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


def draw(seed: int, number: int, families: Sequence[str]) -> Shown:
    """Draw what is shown under a number: any scene, held out from video models or not, for a probe must tell
    both alike."""
    rng = np.random.default_rng([seed, number])
    scene = FAMILIES[families[int(rng.integers(len(families)))]].draw(rng)
    return Shown(scene, int(rng.integers(2**31 - 1)), int(rng.integers(LATEST)))


@torch.no_grad()
def render(
    shown: Sequence[Shown],
    device: torch.device,
    vae: Vae | None = None,
    size: Size = (128, 128),
    astray: float = 0.0,
) -> Tensor:
    """Draw what the probe reads of scenes of one family, (B, FRAMES, 3, SIDE, SIDE) uint8; given a VAE, as it
    gives them back, each with latents led astray by up to so much."""
    family = type(shown[0].scene)
    moments = torch.arange(0, SPAN, 1 if vae else STRIDE, dtype=torch.float64, device=device)
    first = torch.tensor([one.first for one in shown], dtype=torch.float64, device=device)
    scenes, seeds = [one.scene for one in shown], [one.seed for one in shown]
    frames = family.render(scenes, seeds, first[:, None] + moments, size)
    if vae is not None:
        with autocast(device):
            latents = strayed(vae.encode(2 * frames - 1), [one.seed for one in shown], astray)
            frames = ((vae.decode(latents)[0][:, ::STRIDE].float() + 1) / 2).clamp(0, 1)
    return small((frames * 255 + 0.5).to(torch.uint8))


def strayed(latents: Tensor, seeds: Sequence[int], most: float) -> Tensor:
    """Lead latents (B, T, C, h, w) astray as a video model does, each clip by a deviation of up to `most`.

    Half of the error stays through the clip, as a wrong shape does, and half is another in every latent.
    """
    if not most:
        return latents
    out = []
    for own, seed in zip(latents, seeds, strict=True):
        dice = torch.Generator().manual_seed(seed)
        deviation = most * torch.rand((), generator=dice)
        stays, moves = torch.randn(own[:1].shape, generator=dice), torch.randn(own.shape, generator=dice)
        out.append(own + (deviation * 0.5**0.5 * (stays + moves)).to(own))
    return torch.stack(out)


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
            self.frames[at] = render(shown_here, self._device, vae, self._settings.size, ASTRAY)
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
