"""Means of denoisers, and how wrong each is in clips that no training draws.

Runs begun from the same weights each add what is right and what is noise of their own; a mean keeps the first
and takes most of the other away (Wortsman et al. 2022, arXiv 2203.05482).
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from pavdm_cli.models import quantised
from pavdm_cli.models.denoiser import Denoiser, DenoiserConfig
from pavdm_cli.models.text import TextEncoder
from pavdm_cli.models.vae import Vae
from pavdm_cli.sampling.schedule import Ramp
from pavdm_cli.training import state
from pavdm_cli.training.denoiser import unseen
from pavdm_cli.training.lesson import DenoiserTraining, Lesson

Weights = dict[str, Tensor]


def read(path: Path, config: DenoiserConfig) -> Weights:
    """Read a denoiser's weights: of a training's state its running average, before it was rounded.

    Raises:
        CheckpointError: the file is missing, damaged, or of another shape.
    """
    network = Denoiser(config)
    if path.suffix == ".state":
        quantised.load_strict(network, state.averaged(path), path)
    else:
        quantised.fill(network, path)
    return network.state_dict()


def mean(parts: Sequence[tuple[Weights, float]]) -> Weights:
    """Return the mean of weights of one shape, each counted by its share."""
    total = sum(share for _, share in parts)
    found = {name: torch.zeros_like(value) for name, value in parts[0][0].items()}
    for weights, share in parts:
        for name, value in weights.items():
            found[name] += value * (share / total)
    return found


class Judge:
    """Tells how wrong weights are in clips that no training draws, by the same rows and noise for all."""

    def __init__(
        self, config: DenoiserConfig, ramp: Ramp, vae: Vae, text: TextEncoder, device: torch.device
    ) -> None:
        settings = replace(DenoiserTraining(), clip=max(DenoiserTraining.clip, ramp.span))
        pools = unseen(settings, vae, text, device)
        self._network = Denoiser(config).to(device).eval()
        self._lesson = Lesson(self._network, pools, pools, text, ramp, settings, {})

    def errors(self, weights: Weights) -> dict[str, float]:
        """Return the squared error of the velocity in single images and in windows, as a training with
        default settings logs it."""
        self._network.load_state_dict(weights)
        found = self._lesson.unseen(self._network)
        return {name: float(pair[0] / pair[1]) for name, pair in sorted(found.items())}
