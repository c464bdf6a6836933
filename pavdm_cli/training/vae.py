"""Train the video VAE on renders: absolute, squared and gradient differences, noise on normalised latents.

Noise of up to NOISE deviations on the latents makes the decoder forgive a denoiser's small errors; because
it is measured in deviations of the batch, the encoder cannot escape it by growing.
"""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call

from pavdm_cli.models import quantised
from pavdm_cli.models.config import write
from pavdm_cli.models.device import autocast
from pavdm_cli.models.vae import FRAMES_PER_LATENT, Vae, VaeConfig
from pavdm_cli.training import fit as fitting
from pavdm_cli.training.fit import Budget, Reports
from pavdm_cli.training.pool import FramePool, Ring, Source
from pavdm_cli.training.state import State

NOISE = 0.2
MOMENTUM = 0.02
SETTLED = 0.7
"""Share of the budget after which the latents' mean and deviation no longer move, and every matrix is shown
rounded as it will be stored: rounding afterwards cost 0.4 dB."""

SQUARED = 4.0
"""Weight of squared differences beside absolute ones."""

OVER_TIME = 2.0
"""Weight of differences between neighbouring frames beside those between pixels."""

AT_JOINTS = 2.0
"""Weight of differences between the last frame of a latent and the first of the next, once more."""


@dataclass(frozen=True)
class VaeTraining:
    """Settings of a training run.

    batch: clips a step. held, renew, every: clips in the pool, and how many are renewed every so many steps.
    decoder_only: leave the encoder as it is, so that a denoiser trained on its latents stays good.
    """

    batch: int = 5
    held: int = 384
    renew: int = 8
    every: int = 10
    rate: float = 5e-4
    frames: int = 12
    seed: int = 1
    families: tuple[str, ...] = ()
    decoder_only: bool = False


def train(
    folder: Path,
    config: VaeConfig,
    settings: VaeTraining,
    budget: Budget,
    device: torch.device,
    *,
    start: Path | None = None,
    compiled: bool = False,
    on_save: Callable[[Vae], None] | None = None,
) -> Vae:
    """Train a VAE into `folder` (vae.state, vae.log, vae.safetensors, vae.config.json); resume if it was
    begun.

    `start` names weights to begin from. `on_save` is given the averaged network, to draw samples with.
    Returns the averaged VAE.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    vae = Vae(config)
    if start is not None:
        quantised.fill(vae, start)
    vae.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    vae.encoder.requires_grad_(not settings.decoder_only)
    matrices = {name for name, p in vae.named_parameters() if p.ndim == 2 and p.requires_grad}
    state = State(vae, fitting.optimizers(vae, settings.rate, matrices), np.random.default_rng(settings.seed))
    path = folder / "vae.state"
    fitting.begin(state, path, config=config, settings=settings, budget=budget)
    ring = Ring(settings.held, settings.renew)
    source = Source(settings.seed, settings.frames, families=settings.families)
    pool = FramePool(source, ring, device, 64 if device.type == "cuda" else 8, state.step // settings.every)
    averaged = deepcopy(vae).eval()
    coded = torch.compile(_coded, dynamic=False) if compiled else _coded

    def loss(progress: float) -> tuple[Tensor, Reports]:
        picks = torch.from_numpy(state.rng.integers(settings.held, size=settings.batch)).to(device)
        return _loss(vae, coded, pool.frames[picks], settled=settings.decoder_only or progress > SETTLED)

    def after(step: int) -> None:
        if step % settings.every == 0:
            pool.refill(step // settings.every - 1)

    def save() -> None:
        quantised.save(folder / "vae.safetensors", state.average)
        write(config, folder / "vae.config.json")
        if on_save is not None:
            averaged.load_state_dict(state.average)
            on_save(averaged)

    fitting.fit(state, loss, budget, path, on_save=save, after_step=after)
    vae.load_state_dict(state.average)
    return vae


def _coded(vae: Vae, frames: Tensor, noise: Tensor, settled: bool) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    raw = functional_call(vae.encoder, _rounded(vae.encoder), (frames,)) if settled else vae.encoder(frames)
    over = (0, 1, 3, 4)
    mean = vae.mean if settled else raw.float().mean(over)
    deviation = vae.deviation if settled else raw.float().std(over) + 1e-4
    noised = (raw + noise * deviation[:, None, None]).to(raw.dtype)
    if settled:
        out, _ = functional_call(vae.decoder, _rounded(vae.decoder), (noised, []))
    else:
        out, _ = vae.decoder(noised, [])
    return out, raw, mean, deviation


def _rounded(module: nn.Module) -> dict[str, Tensor]:
    """Return the matrices as stored, with gradients that pass straight through to the exact ones."""
    matrices = ((n, p) for n, p in module.named_parameters() if p.ndim == 2)
    return {n: p + (quantised.rounded(p) - p).detach() for n, p in matrices}


def _loss(vae: Vae, coded: "object", frames: Tensor, *, settled: bool) -> tuple[Tensor, Reports]:
    target = frames.float() / 127.5 - 1
    batch, count = len(frames), frames.shape[1] // 4
    height, width = frames.shape[-2] // 16, frames.shape[-1] // 16
    strength = NOISE * torch.rand(batch, 1, 1, 1, 1, device=frames.device)
    noise = strength * torch.randn(batch, count, vae.config.channels, height, width, device=frames.device)
    with autocast(frames.device):
        out, raw, mean, deviation = coded(vae, target, noise, settled)  # type: ignore[operator]
    out = out.float()
    if not settled:
        with torch.no_grad():
            vae.mean.lerp_(mean.detach(), MOMENTUM)
            vae.deviation.lerp_(deviation.detach(), MOMENTUM)
    differences, squared = _differences(out, target)
    total = differences + 1e-5 * raw.float().square().mean()
    one = torch.ones((), device=out.device)
    psnr = -10 * torch.log10(squared.detach() / 4)
    reports = {
        "loss": torch.stack((total.detach(), one)),
        "psnr": torch.stack((psnr.detach(), one)),
        "deviation": torch.stack((deviation.detach().mean(), one)),
    }
    return total, reports


def _differences(out: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return what frames (B, T, 3, H, W) differ by, in values and slopes, and their mean squared error."""
    error = out - target
    across = _size(error[..., 1:] - error[..., :-1]) + _size(error[..., 1:, :] - error[..., :-1, :])
    over_time = error[:, 1:] - error[:, :-1]
    at_joints = over_time[:, FRAMES_PER_LATENT - 1 :: FRAMES_PER_LATENT]
    slopes = across + OVER_TIME * _size(over_time)
    if at_joints.shape[1]:
        slopes = slopes + AT_JOINTS * _size(at_joints)
    return _size(error) + 0.5 * slopes, error.square().mean()


def _size(error: Tensor) -> Tensor:
    return error.abs().mean() + SQUARED * error.square().mean()
