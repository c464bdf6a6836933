"""Films of walks made by a network with memory, by the one loop and any schedule."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from pavdm_cli.models.denoiser import Denoiser
from pavdm_cli.models.device import autocast
from pavdm_cli.models.memory import Recent
from pavdm_cli.models.told import told
from pavdm_cli.sampling.loop import denoise
from pavdm_cli.sampling.noise import Noise
from pavdm_cli.sampling.schedule import Ramp, Step, make
from pavdm_cli.training.mazes.films import Films
from pavdm_cli.training.memory import SHIFT, WINDOW

STEPS = 12
WHOLE = "autoregressive", Ramp(steps=STEPS, window=WINDOW, chunk=WINDOW, context=0, shift=SHIFT)
"""A window after the other, all of it at one level: what the rows are trained for most."""


def roll(
    network: Denoiser,
    films: Films,
    given: int,
    count: int,
    seeds: Sequence[int],
    schedule: tuple[str, Ramp] = WHOLE,
) -> Iterator[tuple[int, Tensor]]:
    """Yield (index, latent (B, C, 1, S)) for `count` frames after the first `given` ones of films.

    The network is told the films' actions, and remembers as many latents as its memory is long: the films'
    own at first, then those it made.
    """
    assert network.config.memory
    device = next(network.parameters()).device
    recent = Recent(network.config.memory.length)
    for k in range(max(given - network.config.memory.length, 0), given):
        recent.add(k, films.latents[:, k].float().to(device))

    def velocity(latents: Tensor, step: Step) -> Tensor:
        first, batch = step.latents[0], len(latents)

        def done(indices: Sequence[int]) -> Tensor:
            at = list(indices)
            return told(films.poses[:, at], films.actions[:, at], films.poses[:, first]).to(device)

        level = torch.tensor(step.level, device=device).expand(batch, -1)
        where = torch.tensor(step.positions, device=device).float().expand(batch, -1)
        with autocast(device):
            out: Tensor = network(
                latents, level, where, None, actions=done(step.latents), past=recent.past(first, done)
            )
        return out.float()

    shape = films.latents.shape[2:]
    steps = make(schedule[0], given + count, schedule[1], given=given)
    for k, latent in denoise(velocity, steps, Noise(seeds, (shape[0], shape[1], shape[2])), device=device):
        recent.add(k, latent)
        yield k, latent
