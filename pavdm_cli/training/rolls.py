"""Windows that the network in training carries on itself, as the sampler does, beside the true latents.

Each begins as true latents noised to a steady row of the schedule. A latent stays true, under its noise,
until it has some share of its moves left; from there on the network moves it as the sampler would, and what
it finishes is the context of what comes after (Resampling Forcing, arXiv 2512.15702; BAgger, arXiv
2512.12080). Only true latents are to be learned from: nothing in one that is the network's own tells which
of many futures is the true one, and the network would learn their mean.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.models.denoiser import Conditions
from pavdm_cli.sampling.noise import moved, noised
from pavdm_cli.sampling.schedule import Ramp
from pavdm_cli.training.pool import LatentPool

OWN = (0.25, 0.75)
"""Share of its moves that a latent is the network's own for, drawn for each window."""


class Rolls:
    """About `latents` latents of such windows, B of them, all at the same row.

    `carried` is all they are between steps, so that a training's state can keep it. shown: (B, T, C, h, w),
    T the schedule's span. true: (B, clip, C, h, w), and its texts as a pool has them. first: (B,) place of
    the window in its clip. noise: (B, T, C, h, w), of each latent. own: (B,), moves left from which on a
    latent is the network's. moves: made since a chunk was finished.
    """

    def __init__(
        self,
        pool: LatentPool,
        ramp: Ramp,
        level: Callable[[Tensor], Tensor],
        latents: int,
        carried: dict[str, Tensor],
    ) -> None:
        self._pool, self._level, self.carried = pool, level, carried
        self._ramp = replace(ramp.endless(), sink=False)
        self._windows = max(latents // self._ramp.span, 1)

    def window(self, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor, Tensor, Conditions]:
        """Return the windows as they stand: latents shown, moves left (B, T), velocities of the true latents,
        which latents are true ones (B, T), texts."""
        if not self.carried:
            self.carried["moves"] = torch.tensor(0)
            self._begin(rng, np.arange(self._windows))
        c, here = self.carried, self._here()
        row = torch.arange(len(here), device=here.device)[:, None]
        weight = torch.nn.functional.one_hot(c["second"][row, here], c["tokens"].shape[1]).float()
        words = Conditions(c["tokens"].float(), c["mask"], c["pooled"], weight)
        left = self._left(0)
        return c["shown"], left, c["noise"] - c["true"][row, here].float(), left > c["own"][:, None], words

    def move(self, velocity: Tensor, rng: np.random.Generator) -> None:
        """Move the windows by the schedule's next move; a finished chunk makes room for fresh noise.

        A window at the end of its clip begins again with another.
        """
        c, ramp = self.carried, self._ramp
        now, to = (self._level(self._left(done)) for done in (0, 1))
        now, to = (level[:, :, None, None, None] for level in (now, to))
        euler = moved(c["shown"], velocity, now, to)
        if ramp.renoise_above < 1:
            anew = noised(moved(c["shown"], velocity, now, 0.0), torch.randn_like(euler), to)
            c["shown"] = torch.where(to > ramp.renoise_above, anew, euler)
        else:
            c["shown"] = euler
        c["moves"] = c["moves"] + 1
        if int(c["moves"]) == ramp.lag:
            c["moves"] = torch.tensor(0)
            fresh = torch.randn_like(c["noise"][:, : ramp.chunk])
            for name in ("shown", "noise"):
                c[name] = torch.cat([c[name][:, ramp.chunk :], fresh], dim=1)
            c["first"] = c["first"] + ramp.chunk
            over = (c["first"] + ramp.span > self._pool.count).nonzero()[:, 0]
            if len(over):
                self._begin(rng, over.cpu().numpy())
        left = self._left(0)
        true = left > c["own"][:, None]
        c["shown"] = torch.where(true[:, :, None, None, None], self._noised(left), c["shown"])

    def _begin(self, rng: np.random.Generator, windows: np.ndarray) -> None:
        """Put true latents of clips drawn anew into some windows."""
        device, c, pool = self._pool.latents.device, self.carried, self._pool
        picks = torch.from_numpy(rng.integers(len(pool.latents), size=len(windows))).to(device)
        first = rng.integers(pool.count - self._ramp.span + 1, size=len(windows))
        drawn = {
            "true": pool.latents[picks],
            "tokens": pool.tokens[picks],
            "mask": pool.mask[picks],
            "pooled": pool.pooled[picks],
            "second": pool.second[picks],
            "first": torch.from_numpy(first).to(device),
            "own": torch.from_numpy(rng.uniform(*OWN, len(windows)) * self._ramp.steps).float().to(device),
            "noise": torch.randn(len(windows), self._ramp.span, *pool.latents.shape[2:], device=device),
        }
        where = torch.from_numpy(windows).to(device)
        for name, value in drawn.items():
            c[name] = c[name].index_copy(0, where, value) if name in c else value
        shown = self._noised(self._left(0))
        c["shown"] = c["shown"].index_copy(0, where, shown[where]) if "shown" in c else shown

    def _noised(self, left: Tensor) -> Tensor:
        """Return the true latents of the windows under their noise (B, T, C, h, w), so many moves left."""
        c, here = self.carried, self._here()
        row = torch.arange(len(here), device=here.device)[:, None]
        return noised(c["true"][row, here].float(), c["noise"], self._level(left)[:, :, None, None, None])

    def _here(self) -> Tensor:
        """Return where in its clip each latent of each window stands (B, T)."""
        first = self.carried["first"]
        return first[:, None] + torch.arange(self._ramp.span, device=first.device)

    def _left(self, more: int) -> Tensor:
        """Return the moves each latent has left after so many more (B, T); negative for context."""
        ramp, first = self._ramp, self.carried["first"]
        place = torch.arange(-ramp.context, ramp.window, device=first.device)
        after = ramp.lag * (place // ramp.chunk + 1) - int(self.carried["moves"]) - more
        left = torch.where(place < 0, place, after.clamp_min(0)).float()
        return left.expand(len(first), -1)
