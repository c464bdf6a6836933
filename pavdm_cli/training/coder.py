"""Train the frame coder on views of places that no walk keeps to: any free point, any direction."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pavdm_cli.models import quantised
from pavdm_cli.models.coder import Coder, CoderConfig
from pavdm_cli.models.config import write
from pavdm_cli.models.device import autocast
from pavdm_cli.training import fit as fitting
from pavdm_cli.training.domain import Domain, P
from pavdm_cli.training.fit import Budget, Reports
from pavdm_cli.training.state import State

SLOPES = 1.0
"""Weight of the differences between neighbouring pixels."""


@dataclass(frozen=True)
class CoderTraining:
    """Settings of a training run.

    batch: views a step. places: that they are of. noise: on latents, most, before they are decoded.
    """

    batch: int = 64
    places: int = 16
    noise: float = 0.25
    rate: float = 1.5e-3
    seed: int = 31


def anywhere(
    domain: Domain[P], seed: int, step: int, places: int, each: int
) -> tuple[list[P], NDArray[np.int64], NDArray[np.int64]]:
    """Draw so many places, and `each` poses in each: places, whose each pose is (N,), and poses (N, 3).

    A pure function of seed and step.
    """
    rng = np.random.default_rng([seed, step])
    drawn = [domain.draw(seed, step * places + n) for n in range(places)]
    poses = np.stack([one.anywhere(rng) for one in drawn for _ in range(each)])
    return drawn, np.repeat(np.arange(places), each), poses


def views(domain: Domain[P], seed: int, step: int, places: int, each: int, size: int) -> Tensor:
    """Return views (places * each, size, size, 3) uint8 from such poses."""
    return domain.see(*anywhere(domain, seed, step, places, each), size)


def train(
    folder: Path,
    domain: Domain[P],
    config: CoderConfig,
    settings: CoderTraining,
    budget: Budget,
    device: torch.device,
) -> Coder:
    """Train a coder into `folder` (coder.state, .log, .safetensors, .config.json); resume if it was begun.

    Returns the averaged coder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    coder = Coder(config).to(device)
    state = State(
        coder,
        fitting.optimizers(coder, settings.rate, set()),
        np.random.default_rng(settings.seed),
        decay=0.998,
    )
    path = folder / "coder.state"
    fitting.begin(state, path, config=config, settings=settings, budget=budget)

    def loss(progress: float) -> tuple[Tensor, Reports]:
        each = settings.batch // settings.places
        shown = views(domain, settings.seed, state.step, settings.places, each, config.size)
        with autocast(device):
            return _loss(coder, shown.to(device).permute(0, 3, 1, 2).float() / 127.5 - 1, settings.noise)

    def save() -> None:
        quantised.save(folder / "coder.safetensors", state.average)
        write(config, folder / "coder.config.json")

    fitting.fit(state, loss, budget, path, on_save=save)
    coder.load_state_dict(state.average)
    return coder.eval()


def _loss(coder: Coder, frames: Tensor, noise: float) -> tuple[Tensor, Reports]:
    latents = coder.encode(frames)
    amount = noise * torch.rand(len(latents), 1, 1, 1, device=latents.device)
    out = coder.decode(latents + amount * torch.randn_like(latents)).float()
    error = out - frames
    down, across = error[..., 1:, :] - error[..., :-1, :], error[..., 1:] - error[..., :-1]
    squared = error.square().mean()
    total = error.abs().mean() + 2 * squared + SLOPES * (down.abs().mean() + across.abs().mean())
    one = torch.ones((), device=out.device)
    psnr = -10 * torch.log10(squared.detach() / 4)
    return total, {"loss": torch.stack((total.detach(), one)), "psnr": torch.stack((psnr, one))}
