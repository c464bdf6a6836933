"""Train the denoiser on rows of the sampler's own schedule, then on its own errors.

Flow matching (Lipman et al. 2022): the network learns velocity = noise - clean where a latent stands on the
straight path between both. In the last part of the budget, part of the steps start from windows that the
network itself moved a few rows, guidance included, and learn the velocity back to the true latents
(Resampling Forcing, arXiv 2512.15702): so that it meets its own errors before it has to live with them.
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
from pavdm_cli.models.vae import Vae
from pavdm_cli.sampling.noise import noised
from pavdm_cli.sampling.schedule import Ramp
from pavdm_cli.training import captions, rows
from pavdm_cli.training import fit as fitting
from pavdm_cli.training.fit import Budget, Reports
from pavdm_cli.training.pool import TOKENS, LatentPool, Ring, Source
from pavdm_cli.training.rows import RowsOf
from pavdm_cli.training.state import State

GUIDANCE = 2.5
"""Guidance with which half of the own errors are made; samples are made with about as much."""

LOWEST = 0.04
"""Level below which the way back from an own error is not made steeper."""

BINS = 4
"""Bins of level that the loss is reported by."""


@dataclass(frozen=True)
class DenoiserTraining:
    """Settings of a training run.

    latents: latents a step, in rows of one kind. held, renew, every: clips in the pool, and how many are
    renewed every so many steps. images: share of the budget in which rows are single images only. clip:
    latents of a clip. own_from: share of the budget after which half of the steps start from own errors.
    corrupt: share of context shown at a level. drop: share of rows whose text is empty. rows: whose rows are
    learned.
    """

    latents: int = 256
    held: int = 448
    renew: int = 8
    every: int = 20
    rate: float = 1e-3
    clip: int = 18
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
        self, forward: Forward, pool: LatentPool, text: TextEncoder, ramp: Ramp, settings: DenoiserTraining
    ) -> None:
        self._forward, self._pool, self._ramp, self._settings = forward, pool, ramp, settings
        empty = text.encode([""], length=TOKENS)
        self._device = pool.latents.device
        self._empty = tuple(t[0].to(self._device) for t in (empty.tokens, empty.mask, empty.pooled))

    def loss(self, rng: np.random.Generator, progress: float) -> tuple[Tensor, Reports]:
        """Draw a batch and return its loss, by level and by kind of row in the report."""
        s = self._settings
        drawn = rows.draw(rng, s.latents, s.clip, self._ramp, progress < s.images, s.rows)
        batch, apart = len(drawn.latent), drawn.kind == "image"
        picks = self._on(rng.integers(s.held, size=batch))
        latent, left = self._on(drawn.latent), self._on(drawn.left)
        clean = self._pool.latents[picks[:, None], latent].float()
        words = self._conditions(picks, latent, self._on(rng.random(batch) < s.drop))
        positions = torch.arange(latent.shape[1], device=self._device).float().expand(batch, -1)
        own = not apart and progress >= s.own_from and rng.random() < 0.5
        if own:
            shown, level = self._own(clean, left, positions, words, float(rng.choice([1.0, GUIDANCE])))
            target = (shown - clean) / level.clamp_min(LOWEST)[:, :, None, None, None]
        else:
            level, noise = self._level(left) + self._corruption(left), torch.randn_like(clean)
            shown, target = noised(clean, noise, level[:, :, None, None, None]), noise - clean
        live = left > 0
        with autocast(self._device):
            velocity = self._forward(shown, level, positions, words, apart)
        error = (velocity.float() - target).square().mean((2, 3, 4))
        weight = live * torch.where(level < 0.1, 0.25, 1.0)
        total = (error * weight).sum() / weight.sum().clamp_min(1)
        return total, _report(error.detach(), level, live, "own" if own else drawn.kind)

    def _level(self, left: Tensor) -> Tensor:
        """Turn moves left into levels, as `Ramp.level` does."""
        share = (left / self._ramp.steps).clamp(0, 1) ** self._ramp.curve
        return self._ramp.shift * share / (1 - share + self._ramp.shift * share)

    def _corruption(self, left: Tensor) -> Tensor:
        """Show some context latents at a low level instead of clean, and say so to the network."""
        chosen = torch.rand(len(left), 1, device=left.device) < self._settings.corrupt
        amount = 0.15 * torch.rand(len(left), 1, device=left.device)
        return (left < 0) * chosen * amount

    @torch.no_grad()
    def _own(
        self, clean: Tensor, left: Tensor, positions: Tensor, words: Conditions, guidance: float
    ) -> tuple[Tensor, Tensor]:
        """Let the network itself move true windows up to four rows, in one stride, to where the row
        stands."""
        left = left.where(left < 0, left.clamp_min(0.5))
        rows_back = 1 + 3 * torch.rand(len(left), 1, device=left.device)
        before, level = self._level(left + rows_back), self._level(left)
        shown = noised(clean, torch.randn_like(clean), before[:, :, None, None, None])
        with autocast(self._device):
            velocity = self._forward(shown, before, positions, words, False).float()
            if guidance != 1:
                nothing = self._silent(words)
                plain = self._forward(shown, before, positions, nothing, False).float()
                velocity = plain + guidance * (velocity - plain)
        return shown + velocity * (level - before)[:, :, None, None, None], level

    def _conditions(self, picks: Tensor, latent: Tensor, dropped: Tensor) -> Conditions:
        second = self._pool.second[picks[:, None], latent]
        words = Conditions(
            self._pool.tokens[picks].float(),
            self._pool.mask[picks],
            self._pool.pooled[picks],
            torch.nn.functional.one_hot(second, 2).float(),
        )
        silent = self._silent(words)
        choose = dropped[:, None, None]
        return Conditions(
            torch.where(choose[..., None], silent.tokens, words.tokens),
            torch.where(choose, silent.mask, words.mask),
            torch.where(choose, silent.pooled, words.pooled),
            words.weight,
        )

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

    A sample of the captions trained on goes to captions.safetensors. `start` names weights to begin from.
    `on_save` is given the averaged network, to draw samples with. Returns it.

    Raises:
        ConfigError: clips are shorter than the schedule's widest call.
    """
    if settings.images < 1 and settings.clip < ramp.span:
        raise ConfigError(
            f"clips of {settings.clip} latents hold no window of {ramp.span}; make clips longer, or train on "
            "images alone"
        )
    folder.mkdir(parents=True, exist_ok=True)
    captions.write(folder / "captions.safetensors", text, settings.families)
    torch.manual_seed(settings.seed)
    network, averaged = Denoiser(config), Denoiser(config).to(device).eval()
    if start is not None:
        quantised.fill(network, start)
    network.to(device)
    rng = np.random.default_rng(settings.seed)
    state = State(network, fitting.optimizers(network, settings.rate, _hidden(network)), rng)
    path = folder / "denoiser.state"
    fitting.begin(state, path, config=config, ramp=ramp, settings=settings, budget=budget)
    ring = Ring(settings.held, settings.renew)
    source = Source(settings.seed, settings.clip * 4, families=settings.families)
    batch = 64 if device.type == "cuda" else 4
    pool = LatentPool(source, ring, vae, text, device, batch, state.step // settings.every)
    forward: Forward = torch.compile(network, dynamic=False) if compiled else network
    lesson = Lesson(forward, pool, text, ramp, settings)

    def after(step: int) -> None:
        if step % settings.every == 0:
            pool.refill(step // settings.every - 1)

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


def _hidden(network: Denoiser) -> set[str]:
    """Name the matrices inside the blocks, which Muon moves; the rest is AdamW's."""
    return {
        n
        for n, p in network.named_parameters()
        if n.startswith("blocks.") and n.endswith("weight") and p.ndim == 2
    }


def _report(error: Tensor, level: Tensor, live: Tensor, kind: str) -> Reports:
    """Sum the error by kind of row, and by bin of level where the latents are not the network's own."""
    out = {kind: torch.stack(((error * live).sum(), live.sum()))}
    bins = (level * BINS).long().clamp(max=BINS - 1)
    for b in range(BINS) if kind != "own" else ():
        here = live & (bins == b)
        out[f"level{b}"] = torch.stack(((error * here).sum(), here.sum()))
    return out
