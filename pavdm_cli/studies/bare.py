"""The parts of a generation timed alone: model calls, decoder calls, and the matrix products inside the
model."""

import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from itertools import repeat

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from pavdm_cli.models.device import seconds
from pavdm_cli.models.halves import Halves
from pavdm_cli.models.pipeline import Pipeline
from pavdm_cli.runs.guided import Guided
from pavdm_cli.runs.request import Request
from pavdm_cli.sampling import schedule
from pavdm_cli.sampling.noise import Noise
from pavdm_cli.sampling.schedule import Step

CALLS = 5
"""Timed calls of each width and of the decoder, after one that is not counted; their median is used."""


def _steps(model: Pipeline, request: Request) -> Iterator[Step]:
    return schedule.make(request.schedule, model.config.timing.latents(request.frames), request.ramp)


@torch.no_grad()
def bare(model: Pipeline, request: Request) -> tuple[float, float]:
    """Return the seconds that the model calls and the decoder calls alone would take."""
    steps = list(_steps(model, request))
    guided = Guided(model, request)
    noise = Noise(request.seeds, model.latent_shape)
    device, denoise = model.place.device, 0.0
    for width, count in Counter(len(step.latents) for step in steps).items():
        step = next(step for step in steps if len(step.latents) == width)
        shown = torch.stack([noise(k) for k in range(width)], dim=1).to(device)
        denoise += count * _seconds(partial(guided, shown, step), device)
    pictures = model.decode_stream(repeat(noise(0).to(device)))
    once = _seconds(lambda: next(pictures), device)
    return denoise, once * model.config.timing.latents(request.frames)


@torch.no_grad()
def rates(model: Pipeline, request: Request) -> tuple[float, float]:
    """Return TFLOP/s of the denoiser's matrix products alone and of the whole denoiser, at the widest call.

    Both are computed in the same way: on a CPU the sides of guidance apart, on a core or more each.
    """
    alone, step = replace(request, guidance=1), max(_steps(model, request), key=lambda one: len(one.latents))
    noise, device = Noise(request.seeds, model.latent_shape), model.place.device
    shown = torch.stack([noise(k) for k in range(len(step.latents))], dim=1).to(device)
    layers: list[tuple[nn.Linear, Tensor]] = []
    hooks = [
        layer.register_forward_hook(lambda m, given, _: layers.append((m, torch.randn_like(given[0]))))
        for layer in model.denoiser.modules()
        if isinstance(layer, nn.Linear)
    ]
    with FlopCounterMode(display=False) as counter:  # counts in this thread alone, where one side is computed
        Guided(model, alone)(shown, step)
    for hook in hooks:
        hook.remove()
    sides = 1 if request.guidance == 1 else 2
    apart = device.type == "cpu"

    def products(_: slice) -> Tensor:
        return torch.stack([F.linear(x, m.weight, m.bias).flatten()[0].float() for m, x in layers])

    operations = sides * sum(2 * given.numel() * layer.out_features for layer, given in layers)
    if not apart:
        layers = [(layer, torch.cat([given] * sides)) for layer, given in layers]
    halves = Halves() if apart else None
    bare = _seconds(lambda: halves(sides, products) if halves else products(slice(None)), device)
    whole = _seconds(partial(Guided(model, request), shown, step), device)
    return operations / bare / 1e12, sides * counter.get_total_flops() / whole / 1e12


def _seconds(call: Callable[[], object], device: torch.device) -> float:
    """Return the median time of a call."""
    return statistics.median([seconds(call, device) for _ in range(CALLS + 1)][1:])
