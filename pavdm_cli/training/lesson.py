"""What a step of the denoiser's training teaches: batches of rows of clips, and the error along them.

Flow matching (Lipman et al. 2022): the network learns velocity = noise - clean where a latent stands on the
straight path between both.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.models.denoiser import Conditions, Denoiser
from pavdm_cli.models.device import autocast
from pavdm_cli.models.text import TextEncoder
from pavdm_cli.sampling.noise import noised
from pavdm_cli.sampling.schedule import Ramp
from pavdm_cli.training import rows
from pavdm_cli.training.fit import Reports
from pavdm_cli.training.pool import TOKENS, LatentPool
from pavdm_cli.training.rolls import Rolls
from pavdm_cli.training.rows import Rows, RowsOf

GUIDANCE = 2.5
"""Guidance with which the network rolls its own windows; samples are made with about as much."""

BATCHES = 6
"""Batches of clips that are not trained on, whose error is told."""

BINS = 4
"""Bins of level that the loss is reported by."""


@dataclass(frozen=True)
class DenoiserTraining:
    """Settings of a training run.

    latents: latents a step, in rows of one kind. held, renew, every: clips in the pool, and how many are
    renewed every so many steps. stills: short clips held for single images, an eighth renewed as often: what
    an image teaches, words and layout, wants many. images: share of the budget in which rows are single
    images only. clip: latents of a clip. own_from: share of the budget after which half of the window steps
    are on windows that the network rolls. corrupt: share of context shown at a level. drop: share of rows
    whose text is empty. rows: whose rows are learned.
    """

    latents: int = 256
    held: int = 448
    renew: int = 64
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
Pools = tuple[LatentPool, LatentPool]


class Lesson:
    """Turns rows and clips into a loss.

    pools: clips for windows, and the short ones for single images; unseen: the same, never trained on.
    """

    def __init__(
        self,
        forward: Forward,
        pools: Pools,
        unseen: Pools,
        text: TextEncoder,
        ramp: Ramp,
        settings: DenoiserTraining,
        carried: dict[str, Tensor],
    ) -> None:
        self._forward, self._pools, self._unseen = forward, pools, unseen
        self._ramp, self._settings = ramp, settings
        empty = text.encode([""], length=TOKENS)
        self._device = pools[0].latents.device
        self._empty = tuple(t[0].to(self._device) for t in (empty.tokens, empty.mask, empty.pooled))
        self._rolls = Rolls(pools[0], ramp, self._level, settings.latents, carried)

    def loss(self, rng: np.random.Generator, progress: float) -> tuple[Tensor, Reports]:
        """Draw a batch and return its loss, by level and by kind of row in the report."""
        s = self._settings
        drawn = rows.draw(rng, s.latents, s.clip, self._ramp, progress < s.images, s.rows)
        if drawn.kind != "image" and progress >= s.own_from and rng.random() < 0.5:
            return self._own(rng)
        return self._true(rng, drawn, self._pools, self._forward)

    @torch.no_grad()
    def unseen(self, network: Denoiser) -> Reports:
        """Return a network's error in clips that are not trained on, by the same rows and noise each time."""
        s, rng = self._settings, np.random.default_rng(0)
        found: Reports = {}
        with torch.random.fork_rng([self._device] if self._device.type == "cuda" else []):
            torch.manual_seed(0)
            for n in range(BATCHES):
                drawn = rows.draw(rng, s.latents, s.clip, self._ramp, n == 0 or s.images == 1, s.rows)
                name = "unseen image" if drawn.kind == "image" else "unseen windows"
                pair = self._true(rng, drawn, self._unseen, network)[1][drawn.kind]
                found[name] = found[name] + pair if name in found else pair
        return found

    def _true(
        self, rng: np.random.Generator, drawn: Rows, pools: Pools, forward: Forward
    ) -> tuple[Tensor, Reports]:
        """Return the error along rows of true latents."""
        s, batch, apart = self._settings, len(drawn.latent), drawn.kind == "image"
        pool = pools[apart]
        picks = self._on(rng.integers(len(pool.latents), size=batch))
        latent, left = self._on(drawn.latent), self._on(drawn.left)
        clean = pool.latents[picks[:, None], latent].float()
        words = self._conditions(pool, picks, latent, self._on(rng.random(batch) < s.drop))
        level, noise = self._level(left) + self._corruption(left), torch.randn_like(clean)
        shown = noised(clean, noise, level[:, :, None, None, None])
        velocity = self._velocity(shown, level, words, apart, forward)
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
        velocity = self._velocity(shown, level, _either(dropped, silent, words), False, self._forward)
        with torch.no_grad():
            plain = self._velocity(shown, level, silent, False, self._forward)
            self._rolls.move(plain + GUIDANCE * (velocity.detach() - plain), rng)
        error = (velocity - wanted).square().mean((2, 3, 4))
        return (error * true).sum() / true.sum().clamp_min(1), _report(error.detach(), level, true, "own")

    def _velocity(
        self, shown: Tensor, level: Tensor, words: Conditions, apart: bool, forward: Forward
    ) -> Tensor:
        positions = torch.arange(shown.shape[1], device=self._device).float().expand(len(shown), -1)
        with autocast(self._device):
            return forward(shown, level, positions, words, apart).float()

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


def _either(choose: Tensor, one: Conditions, other: Conditions) -> Conditions:
    """Take the words of `one` for the videos chosen (B,), and of `other` for the rest."""
    here = choose[:, None, None]
    return Conditions(
        torch.where(here[..., None], one.tokens, other.tokens),
        torch.where(here, one.mask, other.mask),
        torch.where(here, one.pooled, other.pooled),
        other.weight,
    )


def _report(error: Tensor, level: Tensor, live: Tensor, kind: str) -> Reports:
    """Sum the error by kind of row, and by bin of level but for windows that the network rolls."""
    out = {kind: torch.stack(((error * live).sum(), live.sum()))}
    bins = (level * BINS).long().clamp(max=BINS - 1)
    for b in range(BINS) if kind != "own" else ():
        here = live & (bins == b)
        out[f"level{b}"] = torch.stack(((error * here).sum(), here.sum()))
    return out
