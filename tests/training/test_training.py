"""Both trainings whole, tiny: resumed equals uninterrupted, what a pool holds, one clip learned."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor

from pavdm_cli.errors import ConfigError
from pavdm_cli.models import quantised, text
from pavdm_cli.models.config import read
from pavdm_cli.models.denoiser import Conditions, Denoiser, DenoiserConfig
from pavdm_cli.models.native import load_vae
from pavdm_cli.models.text import TextEncoder
from pavdm_cli.models.vae import Vae, VaeConfig
from pavdm_cli.sampling.loop import denoise
from pavdm_cli.sampling.noise import Noise
from pavdm_cli.sampling.schedule import Ramp, Step
from pavdm_cli.sampling.schedule_family import progressive
from pavdm_cli.training import clips, fit
from pavdm_cli.training import denoiser as of_denoiser
from pavdm_cli.training import vae as of_vae
from pavdm_cli.training.fit import Budget
from pavdm_cli.training.lesson import DenoiserTraining
from pavdm_cli.training.pool import TOKENS, LatentPool, Ring, Source
from pavdm_cli.training.state import State
from pavdm_cli.training.vae import VaeTraining

TEXT = Path(__file__).parents[2] / "weights" / "text"
CPU = torch.device("cpu")
RAMP = Ramp(steps=4, window=4, context=2, shift=2.0)
SHAPES = DenoiserConfig(
    channels=4, size=(8, 8), patch=2, width=32, depth=2, heads=2, mlp=64, text_width=384, cross_every=2,
    span=8,
)  # fmt: skip
VAE = VaeConfig(channels=4, encoder=(16, 16, 16), decoder=(16, 16, 16))
FOR_VAE = VaeTraining(batch=1, held=3, renew=1, every=2, frames=8, families=("sea",))
FOR_DENOISER = DenoiserTraining(
    latents=12, held=3, renew=1, every=2, clip=8, stills=3, images=0.2, own_from=0.5, families=("sea",)
)


class Interrupted(Exception):
    pass


@pytest.fixture(scope="module")
def encoder() -> TextEncoder:
    return text.load(TEXT)


@pytest.fixture(scope="module")
def vae() -> Vae:
    torch.manual_seed(0)
    return Vae(VAE).eval().requires_grad_(False)


def interrupted_after(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next training save after every step and stop after one."""
    whole = fit.fit

    def part(
        state: State, loss: Callable[[float], tuple[Tensor, fit.Reports]], budget: Budget, path: Path,
        *, on_save: Callable[[], None], **others: Callable[..., Any],
    ) -> None:  # fmt: skip
        def save() -> None:
            on_save()
            if state.step == step:
                raise Interrupted

        whole(state, loss, budget, path, save_seconds=0, on_save=save, **others)

    monkeypatch.setattr(fit, "fit", part)


def state(path: Path) -> tuple[dict[str, Tensor], dict[str, object]]:
    """Return all tensors of a training's state, and its facts but for the time it took."""
    with safe_open(path, "pt") as file:
        facts = json.loads(file.metadata()["facts"])
    return load_file(path), {k: v for k, v in facts.items() if k != "seconds"}


def check_same(a: Path, b: Path, name: str) -> None:
    (tensors, facts), (other_tensors, other_facts) = (state(folder / f"{name}.state") for folder in (a, b))
    assert facts == other_facts
    assert [k for k in tensors if not torch.equal(tensors[k], other_tensors[k])] == []
    assert tensors.keys() == other_tensors.keys()
    weights = f"{name}.safetensors"
    assert (a / weights).read_bytes() == (b / weights).read_bytes()


def log(folder: Path, name: str) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / f"{name}.log").read_text().splitlines()]


def test_a_resumed_vae_equals_an_uninterrupted_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def train(folder: Path) -> Vae:
        return of_vae.train(folder, VAE, FOR_VAE, Budget(steps=6), CPU)

    trained = train(tmp_path / "whole")
    for stop in (3, 4):  # between two refills of the pool, and at one
        with monkeypatch.context() as patched, pytest.raises(Interrupted):
            interrupted_after(stop, patched)
            train(tmp_path / f"parts{stop}")
        train(tmp_path / f"parts{stop}")
        check_same(tmp_path / "whole", tmp_path / f"parts{stop}", "vae")
    for name, value in load_vae(tmp_path / "whole" / "vae").state_dict().items():
        torch.testing.assert_close(value, trained.state_dict()[name], atol=2e-2, rtol=1e-2)


def test_a_resumed_denoiser_equals_an_uninterrupted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, vae: Vae, encoder: TextEncoder
) -> None:
    def train(folder: Path) -> Denoiser:
        return of_denoiser.train(folder, SHAPES, RAMP, FOR_DENOISER, Budget(steps=6), CPU, vae, encoder)

    train(tmp_path / "whole")
    for stop in (3, 4):
        with monkeypatch.context() as patched, pytest.raises(Interrupted):
            interrupted_after(stop, patched)
            train(tmp_path / f"parts{stop}")
        train(tmp_path / f"parts{stop}")
        check_same(tmp_path / "whole", tmp_path / f"parts{stop}", "denoiser")
    assert read(DenoiserConfig, tmp_path / "whole" / "denoiser.config.json") == SHAPES


def test_training_begins_from_the_weights_named(tmp_path: Path, vae: Vae, encoder: TextEncoder) -> None:
    torch.manual_seed(5)
    start = tmp_path / "start.safetensors"
    quantised.save(start, Denoiser(SHAPES).state_dict())
    seen: list[dict[str, Tensor]] = []
    of_denoiser.train(
        tmp_path, SHAPES, RAMP, FOR_DENOISER, Budget(steps=1, warmup=10**6), CPU, vae, encoder,
        start=start, on_save=lambda averaged: seen.append(dict(averaged.state_dict())),
    )  # fmt: skip
    for name, value in quantised.load(start).items():
        torch.testing.assert_close(seen[-1][name], value, atol=1e-5, rtol=0)


def test_a_pool_holds_latents_with_both_texts_and_which_holds_when(vae: Vae, encoder: TextEncoder) -> None:
    drawn = (n for n in range(1000) if clips.draw(4, n, 32, ("sea",)).after is not None)
    changing = next(drawn)
    source = Source(4, 32, families=("sea",))
    pool = LatentPool(source, Ring(changing + 1, 1), vae, encoder, CPU, batch=2)
    clip = clips.draw(4, changing, 32, ("sea",))
    frames = clips.render([clip], 32, source.size, CPU).float() / 127.5 - 1
    torch.testing.assert_close(pool.latents[changing].float(), vae.encode(frames)[0], atol=0.02, rtol=0.02)
    assert tuple(pool.second[changing].tolist()) == clips.shares(clip, 8, 4)
    words = encoder.encode([clip.caption, clip.after_caption], length=TOKENS)
    torch.testing.assert_close(pool.pooled[changing], words.pooled, atol=1e-3, rtol=0)
    assert torch.equal(pool.mask[changing], words.mask)
    assert not pool.second[:changing].any()


def test_a_pool_of_clips_that_never_change_holds_one_text_each(vae: Vae, encoder: TextEncoder) -> None:
    source = Source(3, 8, families=("sea", "stars"), changing=False)
    pool = LatentPool(source, Ring(2, 1), vae, encoder, CPU, batch=2)
    texts = encoder.encode(
        [clips.draw(3, i, 8, source.families, changing=False).caption for i in range(2)], length=TOKENS
    )
    assert torch.equal(pool.tokens[:, 0], texts.tokens.half())
    assert pool.tokens.shape[1] == pool.mask.shape[1] == pool.pooled.shape[1] == 1
    assert not pool.second.any()


def test_logs_tell_the_loss_by_level_and_by_kind(tmp_path: Path, vae: Vae, encoder: TextEncoder) -> None:
    of_denoiser.train(tmp_path, SHAPES, RAMP, FOR_DENOISER, Budget(steps=20), CPU, vae, encoder)
    (line,) = log(tmp_path, "denoiser")
    assert line["step"] == 20
    assert {"image", "own", "level0", "level1", "level2", "level3"} <= line.keys()
    assert {"unseen image", "unseen windows"} <= line.keys()
    of_vae.train(tmp_path, VAE, FOR_VAE, Budget(steps=2), CPU)
    assert log(tmp_path, "vae")[0].keys() == {"step", "seconds", "loss", "psnr", "deviation"}


def test_clips_learned_by_heart_show_in_the_error_of_unseen_ones(
    tmp_path: Path, vae: Vae, encoder: TextEncoder
) -> None:
    """Few clips that are never renewed: their error falls on, that of others does not."""
    settings = replace(FOR_DENOISER, held=1, renew=1, every=10**6, stills=1, images=1.0, drop=0.0, rate=3e-3)
    budget = Budget(steps=150, warmup=10)
    of_denoiser.train(tmp_path, SHAPES, RAMP, settings, budget, CPU, vae, encoder)
    first, *_, last = log(tmp_path, "denoiser")
    print(first, last)
    assert last["image"] < 0.8 * first["image"]
    assert last["unseen image"] > 1.2 * last["image"]


def test_a_neutral_denoiser_is_trained_on_neutral_rows(
    tmp_path: Path, vae: Vae, encoder: TextEncoder
) -> None:
    settings = replace(FOR_DENOISER, rows="neutral", images=0.0, own_from=1.0)
    of_denoiser.train(tmp_path, SHAPES, RAMP, settings, Budget(steps=12), CPU, vae, encoder)
    (line,) = log(tmp_path, "denoiser")
    assert {"uniform", "ramp"} <= line.keys()
    assert not {"fill", "steady", "drain", "own"} & line.keys()
    with pytest.raises(ConfigError, match="--own-from 1"):
        of_denoiser.train(
            tmp_path, SHAPES, RAMP, replace(settings, own_from=0.5), Budget(steps=1), CPU, vae, encoder
        )


def test_a_vae_learns_one_clip(tmp_path: Path) -> None:
    settings = VaeTraining(batch=1, held=1, renew=1, every=10**6, rate=3e-3, frames=4, families=("sea",))
    of_vae.train(tmp_path, VAE, settings, Budget(steps=150, warmup=10), CPU)
    first, *_, last = log(tmp_path, "vae")
    assert last["psnr"] > first["psnr"] + 3 and last["loss"] < 0.7 * first["loss"]


def test_a_denoiser_learns_one_clip_and_the_sampler_makes_it(
    tmp_path: Path, vae: Vae, encoder: TextEncoder
) -> None:
    settings = DenoiserTraining(
        latents=32, held=1, renew=1, every=10**6, rate=5e-3, clip=8, stills=1, images=0.2, own_from=0.9,
        drop=0.0, corrupt=0.0, families=("sea",),
    )  # fmt: skip
    shapes = replace(SHAPES, width=64, mlp=128)
    budget = Budget(steps=150, warmup=20)
    trained = of_denoiser.train(tmp_path, shapes, RAMP, settings, budget, CPU, vae, encoder)
    first, *_, last = log(tmp_path, "denoiser")
    assert first["image"] > 0.3 and last["fill"] < 0.1 and last["steady"] < 0.2

    clip = clips.draw(settings.seed, 0, 32, ("sea",))
    clean = vae.encode(clips.render([clip], 32, (128, 128), CPU).float() / 127.5 - 1)
    words = encoder.encode([clip.caption], length=TOKENS)

    def velocity(latents: Tensor, step: Step) -> Tensor:
        shares = torch.ones(1, latents.shape[1], 1)
        conditions = Conditions(words.tokens[:, None], words.mask[:, None], words.pooled[:, None], shares)
        level, place = (torch.tensor([values]).float() for values in (step.level, step.positions))
        velocity: Tensor = trained(latents, level, place, conditions)
        return velocity

    made = [latent for _, latent in denoise(velocity, progressive(8, RAMP), Noise([1], (4, 8, 8)))]
    error = (torch.stack(made, dim=1) - clean).square().mean()
    assert error < 0.3 * clean.var()
