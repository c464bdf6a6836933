"""The terms of Meta-ARVDM's bound (arXiv 2503.10704, theorem 4.4), measured where the truth is known.

- Score error: how wrong the velocity is where a schedule's rows stand, all that is shown being true; summed
  over the moves of a latent, each weighed by its length. It is known without rolling anything out.
- Start-up: the same of the first window's latents, less that of those after it.
- Discretisation: how far a window made in few calls is from the same one made in many.
- Memory: what the past beyond a short memory tells of a window. The information is half the integral, over
  the ratio of signal to noise, of how much less a denoiser errs when it is told (Guo, Shamai and Verdu 2005).
  With trained denoisers for best ones it is an estimate; a lower one where the longer memory is used worse.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.models.denoiser import Denoiser
from pavdm_cli.models.device import autocast
from pavdm_cli.models.memory import Past
from pavdm_cli.models.told import told
from pavdm_cli.sampling.noise import Noise, noised
from pavdm_cli.sampling.schedule import Ramp, Step, make
from pavdm_cli.studies.bootstrap import Estimate, of_means
from pavdm_cli.studies.forced import rank_correlation
from pavdm_cli.studies.rollout import roll
from pavdm_cli.training.mazes.films import Films
from pavdm_cli.training.memory import LONGEST, SHIFT, WINDOW

MANY = 48
"""Calls for a window that count as enough."""
CALLS = (3, 6, 12, 24)
LEVELS = (1.0, 0.97, 0.94, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.4)
"""Where the denoisers' errors are compared for the memory term."""


def _ramp(steps: int, chunk: int) -> Ramp:
    return Ramp(steps=steps, window=WINDOW, chunk=chunk, context=0, shift=SHIFT)


SCHEDULES: dict[str, tuple[str, Ramp]] = {
    "whole windows, 6 calls": ("autoregressive", _ramp(6, WINDOW)),
    "whole windows, 12 calls": ("autoregressive", _ramp(12, WINDOW)),
    "whole windows, 24 calls": ("autoregressive", _ramp(24, WINDOW)),
    "rolling, 16 calls": ("progressive", _ramp(16, 1)),
    "rolling by 4, 16 calls": ("progressive", _ramp(16, 4)),
    "rolling, 32 calls": ("progressive", _ramp(32, 1)),
}
"""Schedules that show at most a window of frames."""


@dataclass(frozen=True)
class ScheduleTerms:
    """One schedule's terms, per latent. total: score error, all rows alike. start: of the first window's
    latents, less those after it."""

    total: Estimate
    start: Estimate


@dataclass(frozen=True)
class Terms:
    """All of them. rolled: mean squared error of latents rolled out, by schedule. agreement: rank correlation
    of score errors with that. chance: how often one as far from zero comes of it. discretisation: by calls a
    window. memory: nats a frame."""

    scores: dict[str, ScheduleTerms]
    rolled: dict[str, Estimate]
    agreement: float
    chance: float
    discretisation: dict[int, Estimate]
    memory: Estimate


def true_past(films: Films, first: int, length: int, device: torch.device) -> Past:
    """Return the true frames before a window."""
    frames = list(range(max(first - length, 0), first))
    latents = films.latents[:, frames].float().to(device)
    where = torch.tensor([float(k - first) for k in frames], device=device).expand(len(latents), -1)
    there = torch.ones_like(where, dtype=torch.bool)
    done = told(films.poses[:, frames], films.actions[:, frames], films.poses[:, first]).to(device)
    return Past(latents, where, there, done)


@torch.no_grad()
def velocity_error(network: Denoiser, films: Films, step: Step, noise: Noise) -> Tensor:
    """Return the mean squared error of velocity of a step's latents (B, T); all that is shown is true."""
    assert network.config.memory
    device, frames = next(network.parameters()).device, list(step.latents)
    clean = films.latents[:, frames].float().to(device)
    drawn = torch.stack([noise(k) for k in frames], dim=1).to(device)
    level = torch.tensor(step.level, device=device).expand(len(clean), -1)
    where = torch.tensor(step.positions, device=device).float().expand(len(clean), -1)
    first = frames[0]
    done = told(films.poses[:, frames], films.actions[:, frames], films.poses[:, first]).to(device)
    past = true_past(films, first, network.config.memory.length, device)
    shown = noised(clean, drawn, level[:, :, None, None, None])
    with autocast(device):
        out = network(shown, level, where, None, actions=done, past=past)
    error: Tensor = (out.float() - (drawn - clean)).square().mean((2, 3, 4))
    return error


def score_error(
    network: Denoiser, films: Films, schedule: tuple[str, Ramp], count: int = 3 * WINDOW
) -> ScheduleTerms:
    """Return a schedule's score error over `count` latents after the true ones, teacher-forced.

    Each move counts its mean squared velocity error times its length; the films must be long enough.
    """
    shape = films.latents.shape[2:]
    noise = Noise(range(len(films.latents)), (shape[0], shape[1], shape[2]))
    sums = np.zeros((len(films.latents), count))
    for step in make(schedule[0], LONGEST + count, schedule[1], given=LONGEST):
        errors = velocity_error(network, films, step, noise).cpu().numpy()
        for place, (k, now, to) in enumerate(zip(step.latents, step.level, step.next, strict=True)):
            sums[:, k - LONGEST] += errors[:, place] * (now - to)
    first, later = sums[:, :WINDOW].mean(1), sums[:, WINDOW:].mean(1)
    total, start = of_means(np.stack((sums.mean(1), first - later), 1))
    return ScheduleTerms(total, start)


def discretisation(network: Denoiser, films: Films, calls: Sequence[int]) -> dict[int, Estimate]:
    """Return by number of calls how far a window is from that of MANY calls: mean squared, per number."""

    def window(steps: int) -> Tensor:
        schedule = "autoregressive", _ramp(steps, WINDOW)
        seeds = range(len(films.latents))
        return torch.stack([x for _, x in roll(network, films, LONGEST, WINDOW, seeds, schedule)], 1).cpu()

    best = window(MANY)
    apart = np.stack([(window(n) - best).square().mean((1, 2, 3, 4)).numpy() for n in calls], 1)
    return dict(zip(calls, of_means(apart), strict=True))


def memory_term(short: Denoiser, long: Denoiser, films: Films) -> Estimate:
    """Return what the past beyond the shorter memory tells of a true window, in nats a frame.

    Half the integral, over signal to noise, of the shorter one's squared error less the longer one's.
    """
    shape = films.latents.shape[2:]
    noise = Noise(range(len(films.latents)), (shape[0], shape[1], shape[2]))
    frames = tuple(range(LONGEST, LONGEST + WINDOW))
    gains, ratios = [], []
    for level in LEVELS:
        step = Step(frames, tuple(range(WINDOW)), (level,) * WINDOW, (0.0,) * WINDOW, LONGEST)
        errors = [velocity_error(network, films, step, noise).mean(1).cpu() for network in (short, long)]
        # clean = shown - level * velocity, so its error is the velocity's times the level
        gains.append((errors[0] - errors[1]).numpy() * level**2 * float(np.prod(shape)))
        ratios.append(((1 - level) / level) ** 2)
    steps = np.diff(np.array(ratios))
    middles = (np.stack(gains[1:], 1) + np.stack(gains[:-1], 1)) / 2
    return of_means(0.5 * (middles @ steps)[:, None])[0]


def rolled(network: Denoiser, films: Films, schedule: tuple[str, Ramp], count: int) -> np.ndarray:
    """Roll films out and return the mean squared error of each latent against the true one, (B, count)."""
    seeds = range(len(films.latents))
    made = torch.stack([x.cpu() for _, x in roll(network, films, LONGEST, count, seeds, schedule)], 1)
    error: np.ndarray = (
        (made - films.latents[:, LONGEST : LONGEST + count].float()).square().mean((2, 3, 4)).numpy()
    )
    return error


def measure(short: Denoiser, long: Denoiser, films: Films, count: int) -> Terms:
    """Measure all terms of the longer memory's network; films have `count` frames after the given ones."""
    scores = {name: score_error(long, films, schedule, count) for name, schedule in SCHEDULES.items()}
    lost = {name: rolled(long, films, schedule, count) for name, schedule in SCHEDULES.items()}
    found = {name: of_means(error.mean(1)[:, None])[0] for name, error in lost.items()}
    predicted = np.array([scores[name].total.value for name in SCHEDULES])
    return Terms(
        scores,
        found,
        *rank_correlation(predicted, np.array([found[name].value for name in SCHEDULES])),
        discretisation(long, films, CALLS),
        memory_term(short, long, films),
    )
