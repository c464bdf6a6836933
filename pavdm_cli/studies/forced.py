"""How wrong a model is along the rows of a schedule when every latent it is shown is a true one.

Nothing is rolled out, so nothing adds up; Meta-ARVDM (arXiv 2503.10704, section 5) has the degradation of a
long video grow with the sum of such errors, which would rank schedules without making a single video.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from pavdm_cli.models.native import Native
from pavdm_cli.runs.guided import Guided
from pavdm_cli.runs.request import Request
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.noise import Noise, noised
from pavdm_cli.sampling.schedule import Ramp
from pavdm_cli.studies import sources
from pavdm_cli.studies.measures import Values
from pavdm_cli.studies.prompts import Asked
from pavdm_cli.studies.variants import Variant

APART = 50_000
"""Seeds of the true clips, apart from those of other renders."""


def clips(pipeline: Native, asked: Sequence[Asked]) -> Tensor:
    """Render a clip of what each prompt says and encode it, (B, T, C, h, w) float32: long enough for any
    schedule with as many moves as the model's, or fewer, to be in its middle."""
    ramp = pipeline.config.sampling
    frames = pipeline.config.timing.first(counted(ramp).stop + ramp.steps)
    true = sources.real(asked, [APART] * len(asked), frames, pipeline.config.size)
    return torch.stack(list(sources.encoded(pipeline, true)), dim=1).float()


def counted(ramp: Ramp) -> range:
    """Return the latents whose errors count: as many as a window has, after two windows."""
    return range(2 * ramp.window, 3 * ramp.window)


@torch.no_grad()
def errors(pipeline: Native, variant: Variant, asked: Sequence[Asked], clean: Tensor) -> Values:
    """Return the squared error of the velocity along each latent's way from noise to clean, (B,).

    It is summed over a latent's moves, each by the level it crosses, and is the mean over the latents that
    count. That is what Euler steps carry on; a move that noises its clean value anew is weighed as one.
    Texts are followed plainly, without guidance.

    Args:
        clean: true latents (B, T, C, h, w) of what each prompt says.
    """
    seeds = (APART,) * len(asked)
    count = clean.shape[1]
    frames = pipeline.config.timing.first(count)
    prompts = tuple(one.prompt for one in asked)
    guided = Guided(pipeline, Request(prompts, seeds, frames, variant.schedule, variant.ramp, 1.0))
    noise, device = Noise(seeds, pipeline.latent_shape), pipeline.place.device
    middle = counted(pipeline.config.sampling)
    finished: set[int] = set()
    total = np.zeros(len(asked))
    for row, step in enumerate(schedule.make(variant.schedule, count, variant.ramp)):
        moves = list(zip(step.latents, step.level, step.next, strict=True))
        places = [i for i, (k, now, to) in enumerate(moves) if k in middle and to < now]
        if places:
            draws = [noise(k, row + 1 if k in finished else 0).to(device) for k in step.latents]
            true = [clean[:, k].to(device) for k in step.latents]
            shown = [noised(a, b, now) for a, b, now in zip(true, draws, step.level, strict=True)]
            speed = guided(torch.stack(shown, dim=1), step)
            for i in places:
                wrong = (speed[:, i] - (draws[i] - true[i])).square().mean((1, 2, 3))
                total += (step.level[i] - step.next[i]) * wrong.double().cpu().numpy()
        finished |= {k for k, now, to in moves if to == 0 < now}
    return total / len(middle)


def rank_correlation(first: Values, second: Values, draws: int = 10_000) -> tuple[float, float]:
    """Return Spearman's rank correlation of two figures (N,), and how often one at least as far from zero
    comes of chance, from random orders."""
    one, other = (_ranks(values) - (len(values) - 1) / 2 for values in (first, second))
    size = np.sqrt(np.square(one).sum() * np.square(other).sum())
    found = float(one @ other / size)
    orders = np.random.default_rng(0).permuted(np.tile(one, (draws, 1)), axis=1)
    return found, float((np.abs(orders @ other / size) >= abs(found) - 1e-9).mean())


def _ranks(values: Values) -> Values:
    """Return the place of each value among all; equal ones share the mean of theirs."""
    return np.array([(values < one).sum() + ((values == one).sum() - 1) / 2 for one in values], float)
