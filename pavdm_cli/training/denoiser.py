"""Train the denoiser on rows of the sampler's own schedule, then on its own errors.

Flow matching (Lipman et al. 2022): the network learns velocity = noise - clean where a latent stands on the
straight path between both. In the last part of the budget, half of the steps on windows are on those that the
network itself rolls on (see `rolls`): true latents are learned beside and after its own there, so that it
meets its errors before it has to live with them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.errors import ConfigError
from pavdm_cli.models import quantised
from pavdm_cli.models.config import write
from pavdm_cli.models.denoiser import Conditions, Denoiser, DenoiserConfig
from pavdm_cli.models.device import autocast
from pavdm_cli.models.text import TextEncoder
from pavdm_cli.models.vae import FRAMES_PER_LATENT, Vae
from pavdm_cli.sampling.noise import noised
from pavdm_cli.sampling.schedule import Ramp
from pavdm_cli.training import fit as fitting
from pavdm_cli.training import rows
from pavdm_cli.training.fit import Budget, Reports
from pavdm_cli.training.pool import TOKENS, LatentPool, Ring, Source
from pavdm_cli.training.rolls import Rolls
from pavdm_cli.training.rows import RowsOf
from pavdm_cli.training.state import State

GUIDANCE = 2.5
"""Guidance with which the network rolls its own windows; samples are made with about as much."""

BINS = 4
"""Bins of level that the loss is reported by."""

STAY = 32
"""Refills that a short clip for single images stays for."""


@dataclass(frozen=True)
class DenoiserTraining:
    """Settings of a training run.

    latents: latents a step, in rows of one kind. held, renew, every: clips in the pool, and how many are
    renewed every so many steps. stills: short clips held for single images, a `STAY`th renewed as often: what
    an image teaches, words and layout, wants many. images: share of the budget in which rows are single
    images only. clip: latents of a clip. own_from: share of the budget after which half of the window steps
    are on windows that the network rolls. corrupt: share of context shown at a level. drop: share of rows
    whose text is empty. rows: whose rows are learned.
    """

    latents: int = 256
    held: int = 448
    renew: int = 8
    every: int = 20
    rate: float = 1e-3
    clip: int = 18
    stills: int = 1024
    images: float = 0.0
    own_from: float = 0.75
    corrupt: float = 0.2
    drop: float = 0.1
    seed: int = 2
    families: tuple[str, ...] = ()
    rows: RowsOf = "schedule"


Forward = Callable[[Tensor, Tensor, Tensor, Conditions, bool], Tensor]


class Lesson:
    """Turns rows and clips into a loss."""

    def __init__(
        self,
        forward: Forward,
        pool: LatentPool,
        stills: LatentPool,
        text: TextEncoder,
        ramp: Ramp,
        settings: DenoiserTraining,
        carried: dict[str, Tensor],
    ) -> None:
        self._forward, self._pool, self._stills = forward, pool, stills
        self._ramp, self._settings = ramp, settings
        empty = text.encode([""], length=TOKENS)
        self._device = pool.latents.device
        self._empty = tuple(t[0].to(self._device) for t in (empty.tokens, empty.mask, empty.pooled))
        self._rolls = Rolls(pool, ramp, self._level, settings.latents, carried)

    def loss(self, rng: np.random.Generator, progress: float) -> tuple[Tensor, Reports]:
        """Draw a batch and return its loss, by level and by kind of row in the report."""
        s = self._settings
        drawn = rows.draw(rng, s.latents, s.clip, self._ramp, progress < s.images, s.rows)
        if drawn.kind != "image" and progress >= s.own_from and rng.random() < 0.5:
            return self._own(rng)
        batch, apart = len(drawn.latent), drawn.kind == "image"
        pool = self._stills if apart else self._pool
        picks = self._on(rng.integers(len(pool.latents), size=batch))
        latent, left = self._on(drawn.latent), self._on(drawn.left)
        clean = pool.latents[picks[:, None], latent].float()
        words = self._conditions(pool, picks, latent, self._on(rng.random(batch) < s.drop))
        level, noise = self._level(left) + self._corruption(left), torch.randn_like(clean)
        shown = noised(clean, noise, level[:, :, None, None, None])
        velocity = self._velocity(shown, level, words, apart)
        error = (velocity - (noise - clean)).square().mean((2, 3, 4))
        live = left > 0
        weight = live * torch.where(level < 0.1, 0.25, 1.0)
        total = (error * weight).sum() / weight.sum().clamp_min(1)
        return total, _report(error.detach(), level, live, drawn.kind)

    def _own(self, rng: np.random.Generator) -> tuple[Tensor, Reports]:
        """Return the error of true latents in windows the network rolls, and roll them on."""
        shown, left, wanted, true, words = self._rolls.window(rng)
        level = self._level(left)
        silent = self._silent(words)
        dropped = self._on(rng.random(len(left)) < self._settings.drop)
        velocity = self._velocity(shown, level, _either(dropped, silent, words), False)
        with torch.no_grad():
            plain = self._velocity(shown, level, silent, False)
            self._rolls.move(plain + GUIDANCE * (velocity.detach() - plain), rng)
        error = (velocity - wanted).square().mean((2, 3, 4))
        return (error * true).sum() / true.sum().clamp_min(1), _report(error.detach(), level, true, "own")

    def _velocity(self, shown: Tensor, level: Tensor, words: Conditions, apart: bool) -> Tensor:
        positions = torch.arange(shown.shape[1], device=self._device).float().expand(len(shown), -1)
        with autocast(self._device):
            return self._forward(shown, level, positions, words, apart).float()

    def _level(self, left: Tensor) -> Tensor:
        """Turn moves left into levels, as `Ramp.level` does."""
        share = (left / self._ramp.steps).clamp(0, 1) ** self._ramp.curve
        return self._ramp.shift * share / (1 - share + self._ramp.shift * share)

    def _corruption(self, left: Tensor) -> Tensor:
        """Show some context latents at a low level instead of clean, and say so to the network."""
        chosen = torch.rand(len(left), 1, device=left.device) < self._settings.corrupt
        amount = 0.15 * torch.rand(len(left), 1, device=left.device)
        return (left < 0) * chosen * amount

    def _conditions(self, pool: LatentPool, picks: Tensor, latent: Tensor, dropped: Tensor) -> Conditions:
        second = pool.second[picks[:, None], latent]
        words = Conditions(
            pool.tokens[picks].float(),
            pool.mask[picks],
            pool.pooled[picks],
            torch.nn.functional.one_hot(second, pool.tokens.shape[1]).float(),
        )
        return _either(dropped, self._silent(words), words)

    def _silent(self, words: Conditions) -> Conditions:
        tokens, mask, pooled = self._empty
        return Conditions(
            tokens.expand_as(words.tokens),
            mask.expand_as(words.mask),
            pooled.expand_as(words.pooled),
            words.weight,
        )

    def _on(self, array: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self._device, non_blocking=True)


def train(
    folder: Path,
    config: DenoiserConfig,
    ramp: Ramp,
    settings: DenoiserTraining,
    budget: Budget,
    device: torch.device,
    vae: Vae,
    text: TextEncoder,
    *,
    start: Path | None = None,
    compiled: bool = False,
    on_save: Callable[[Denoiser], None] | None = None,
) -> Denoiser:
    """Train a denoiser into `folder` (denoiser.state, .log, .safetensors, .config.json); resume if it was
    begun.

    `start` names weights to begin from. `on_save` is given the averaged network, to draw samples with.
    Returns it.

    Raises:
        ConfigError: clips are shorter than the schedule's widest call, or neutral rows were to be rolled.
    """
    if settings.images < 1 and settings.clip < ramp.span:
        raise ConfigError(
            f"clips of {settings.clip} latents hold no window of {ramp.span}; make clips longer, or train on "
            "images alone"
        )
    if settings.rows == "neutral" and settings.own_from < 1:
        raise ConfigError(
            f"own errors from {settings.own_from:g} of the budget on: a schedule makes them, and neutral "
            "rows know none; give --own-from 1"
        )
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    network, averaged = Denoiser(config), Denoiser(config).to(device).eval()
    if start is not None:
        quantised.fill(network, start)
    network.to(device)
    rng = np.random.default_rng(settings.seed)
    state = State(network, fitting.optimizers(network, settings.rate, _hidden(network)), rng)
    path = folder / "denoiser.state"
    fitting.begin(state, path, config=config, ramp=ramp, settings=settings, budget=budget)
    pool, stills = _pools(settings, vae, text, device, state.step // settings.every)
    forward: Forward = torch.compile(network, dynamic=False) if compiled else network
    lesson = Lesson(forward, pool, stills, text, ramp, settings, state.carried)

    def after(step: int) -> None:
        if step % settings.every == 0:
            pool.refill(step // settings.every - 1)
            stills.refill(step // settings.every - 1)

    def save() -> None:
        quantised.save(folder / "denoiser.safetensors", state.average)
        write(config, folder / "denoiser.config.json")
        averaged.load_state_dict(state.average)
        if on_save is not None:
            on_save(averaged)

    fitting.fit(
        state,
        lambda progress: lesson.loss(rng, progress),
        budget,
        path,
        on_save=save,
        after_step=after,
    )
    return averaged


def _either(choose: Tensor, one: Conditions, other: Conditions) -> Conditions:
    """Take the words of `one` for the videos chosen (B,), and of `other` for the rest."""
    here = choose[:, None, None]
    return Conditions(
        torch.where(here[..., None], one.tokens, other.tokens),
        torch.where(here, one.mask, other.mask),
        torch.where(here, one.pooled, other.pooled),
        other.weight,
    )


def _pools(
    settings: DenoiserTraining, vae: Vae, text: TextEncoder, device: torch.device, refills: int
) -> tuple[LatentPool, LatentPool]:
    """Return the clips for windows, and the short ones for single images."""
    found = []
    for latents, changing, ring in (
        (settings.clip, True, Ring(settings.held, settings.renew)),
        (rows.IMAGES, False, Ring(settings.stills, -(-settings.stills // STAY))),
    ):
        frames = latents * FRAMES_PER_LATENT
        source = Source(settings.seed, frames, families=settings.families, changing=changing)
        batch = max((1152 if device.type == "cuda" else 72) // latents, 1)
        found.append(LatentPool(source, ring, vae, text, device, batch, refills))
    return found[0], found[1]


def _hidden(network: Denoiser) -> set[str]:
    """Name the matrices inside the blocks, which Muon moves; the rest is AdamW's."""
    return {
        n
        for n, p in network.named_parameters()
        if n.startswith("blocks.") and n.endswith("weight") and p.ndim == 2
    }


def _report(error: Tensor, level: Tensor, live: Tensor, kind: str) -> Reports:
    """Sum the error by kind of row, and by bin of level but for windows that the network rolls."""
    out = {kind: torch.stack(((error * live).sum(), live.sum()))}
    bins = (level * BINS).long().clamp(max=BINS - 1)
    for b in range(BINS) if kind != "own" else ():
        here = live & (bins == b)
        out[f"level{b}"] = torch.stack(((error * here).sum(), here.sum()))
    return out
