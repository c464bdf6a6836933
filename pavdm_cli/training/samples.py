"""Sheets of samples while a network is trained: numbers and eyes must agree."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from pavdm_cli.media.sheet import save_png, sheet
from pavdm_cli.models.denoiser import Denoiser
from pavdm_cli.models.device import Place
from pavdm_cli.models.library import NativeConfig
from pavdm_cli.models.native import Native
from pavdm_cli.models.scenes import NOTHING
from pavdm_cli.models.text import TextEncoder
from pavdm_cli.models.vae import Vae
from pavdm_cli.runs.request import Request
from pavdm_cli.runs.stream import stream
from pavdm_cli.training import clips
from pavdm_cli.training.worlds import FAMILIES

EVERY = 600
"""Seconds between sheets: one takes about twenty on a CPU."""

LATENTS = 10
"""Latents of each sampled video."""


def of_denoiser(
    path: Path, config: NativeConfig, vae: Vae, text: TextEncoder, place: Place
) -> Callable[[Denoiser], None]:
    """Return what draws a sheet, a row for each of the model's own prompts, at most every EVERY seconds."""
    drawn = [-float(EVERY)]

    def draw(network: Denoiser) -> None:
        if time.monotonic() - drawn[0] < EVERY:
            return
        drawn[0] = time.monotonic()
        pipeline = Native(config, place, text, network, vae, NOTHING)
        prompts = tuple(known.prompt for known in config.knows)
        seeds = tuple(range(len(prompts)))
        frames = config.timing.first(LATENTS)
        request = Request(prompts, seeds, frames, "progressive", config.sampling, config.guidance)
        rows = np.stack([chunk.frames[:, 0] for chunk in stream(pipeline, request)], axis=1)
        save_png(path, sheet(list(rows)))

    return draw


def of_vae(path: Path, families: tuple[str, ...], device: torch.device) -> Callable[[Vae], None]:
    """Return what draws a sheet: under clips of each family, how the VAE gives them back."""
    names = families or tuple(FAMILIES)
    items = [clips.draw(clips.OTHER_SEED, number, 8, [name]) for name in names for number in range(6)]

    @torch.no_grad()
    def draw(vae: Vae) -> None:
        rows = []
        for start in range(0, len(items), 6):
            frames = clips.render(items[start : start + 6], 8, (128, 128), device)
            back, _ = vae.decode(vae.encode(frames.float() / 127.5 - 1))
            shown = ((back + 1) * 127.5 + 0.5).clamp(0, 255).to(torch.uint8)
            rows += [part[:, 4].permute(0, 2, 3, 1).cpu().numpy() for part in (frames, shown)]
        save_png(path, sheet(rows))

    return draw
