"""Train the denoiser on rows of the sampler's own schedule, then on its own errors.

In the last part of the budget, half of the steps on windows are on those that the network itself rolls on
(see `rolls`): true latents are learned beside and after its own there, so that it meets its errors before it
has to live with them. The error in clips that are never trained on is logged beside that in the others: where
one falls and the other does not, the clips are learned by heart and want to be renewed faster.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from pavdm_cli.errors import ConfigError
from pavdm_cli.models import quantised
from pavdm_cli.models.config import write
from pavdm_cli.models.denoiser import Denoiser, DenoiserConfig
from pavdm_cli.models.text import TextEncoder
from pavdm_cli.models.vae import FRAMES_PER_LATENT, Vae
from pavdm_cli.sampling.schedule import Ramp
from pavdm_cli.training import clips, rows
from pavdm_cli.training import fit as fitting
from pavdm_cli.training.fit import Budget, Reports
from pavdm_cli.training.lesson import DenoiserTraining, Forward, Lesson, Pools
from pavdm_cli.training.pool import LatentPool, Ring, Source
from pavdm_cli.training.state import State

STAY = 8
"""Refills that a short clip for single images stays for."""

UNSEEN = 24
"""Clips that are never trained on and whose error is logged; of short ones four times as many."""


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
    pools = _pools(settings, vae, text, device, state.step // settings.every)
    strange = unseen(settings, vae, text, device)
    forward: Forward = torch.compile(network, dynamic=False) if compiled else network
    lesson = Lesson(forward, pools, strange, text, ramp, settings, state.carried)

    def after(step: int) -> None:
        if step % settings.every == 0:
            for pool in pools:
                pool.refill(step // settings.every - 1)

    def unseen_errors() -> Reports:
        averaged.load_state_dict(state.average)
        return lesson.unseen(averaged)

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
        on_log=unseen_errors,
    )
    return averaged


def _pools(
    settings: DenoiserTraining, vae: Vae, text: TextEncoder, device: torch.device, refills: int
) -> Pools:
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


def unseen(settings: DenoiserTraining, vae: Vae, text: TextEncoder, device: torch.device) -> Pools:
    """Return a few clips of the same kinds that no training draws."""
    few, short = min(UNSEEN, settings.held), min(4 * UNSEEN, settings.stills)
    other = replace(settings, seed=clips.OTHER_SEED, held=few, renew=few, stills=short)
    return _pools(other, vae, text, device, 0)


def _hidden(network: Denoiser) -> set[str]:
    """Name the matrices inside the blocks, which Muon moves; the rest is AdamW's."""
    return {
        n
        for n, p in network.named_parameters()
        if n.startswith("blocks.") and n.endswith("weight") and p.ndim == 2
    }
