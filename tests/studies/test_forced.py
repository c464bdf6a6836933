"""Errors along the rows of a schedule: none for a model that is right, the known one for one that is not."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from pavdm_cli.models.denoiser import Conditions
from pavdm_cli.models.device import place
from pavdm_cli.models.native import Native, load
from pavdm_cli.sampling.noise import Noise
from pavdm_cli.sampling.schedule import Step
from pavdm_cli.studies import forced
from pavdm_cli.studies.prompts import PROMPTS
from pavdm_cli.studies.variants import LONGER, variants

ASKED = PROMPTS[:2]


@pytest.fixture
def pipeline(tiny_model: Path) -> Native:
    return load(tiny_model, place("cpu", "fp32"))


def true_clips(pipeline: Native) -> Tensor:
    ramp = pipeline.config.sampling
    torch.manual_seed(0)
    return torch.randn(len(ASKED), forced.counted(ramp).stop + ramp.steps, *pipeline.latent_shape)


def wrong_by(pipeline: Native, clean: Tensor, much: float, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let the model know the truth, and be wrong by so much; return how many latents each call showed."""
    noise = Noise((forced.APART,) * len(ASKED), pipeline.latent_shape)
    whole = torch.stack([noise(k) for k in range(clean.shape[1])], dim=1) - clean
    widths: list[int] = []

    def velocity(shown: Tensor, step: Step, words: Conditions) -> Tensor:
        widths.append(len(step.level))
        out = torch.full_like(shown, torch.nan)
        for k in range(whole.shape[1]):
            for i, level in enumerate(step.level):
                if torch.allclose(shown[:, i], clean[:, k] + level * whole[:, k], atol=1e-4):
                    out[:, i] = whole[:, k] + much
        return out

    monkeypatch.setattr(pipeline, "velocity", velocity)
    return widths


def test_an_error_of_one_everywhere_comes_to_one_in_every_schedule(
    pipeline: Native, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Levels cross the whole way from noise to clean once, and every latent shown is a true one."""
    clean = true_clips(pipeline)
    wrong_by(pipeline, clean, 1.0, monkeypatch)
    for one in variants(pipeline.config.sampling, pipeline.span):
        if one.trained and one.ramp.steps <= pipeline.config.sampling.steps:
            np.testing.assert_allclose(forced.errors(pipeline, one, ASKED, clean), 1, atol=1e-5)


def test_only_calls_that_move_what_counts_are_made(pipeline: Native, monkeypatch: pytest.MonkeyPatch) -> None:
    clean = true_clips(pipeline)
    widths = wrong_by(pipeline, clean, 0.0, monkeypatch)
    one = next(v for v in variants(pipeline.config.sampling, pipeline.span) if v.name == "replacement")
    np.testing.assert_allclose(forced.errors(pipeline, one, ASKED, clean), 0, atol=1e-9)
    assert widths == [pipeline.span] * one.ramp.steps


def test_clips_are_renders_of_the_prompts_long_enough_for_any_schedule(tiny_model: Path) -> None:
    pipeline = load(tiny_model, place("cpu", "fp32"))
    clean = forced.clips(pipeline, ASKED)
    assert clean.shape == (2, 3 * 6 + 6, *pipeline.latent_shape)
    assert (clean[0] - clean[1]).abs().mean() > 0.1
    for one in variants(pipeline.config.sampling, pipeline.span):
        if one.name != LONGER:
            assert np.isfinite(forced.errors(pipeline, one, ASKED, clean)).all()


def test_rank_correlation() -> None:
    rising = np.arange(12.0)
    assert forced.rank_correlation(rising, np.exp(rising))[0] == pytest.approx(1)
    found, chance = forced.rank_correlation(rising, -np.exp(rising))
    assert found == pytest.approx(-1) and chance < 0.001
    rng = np.random.default_rng(0)
    chances = [forced.rank_correlation(rng.normal(size=10), rng.normal(size=10), 200)[1] for _ in range(200)]
    assert 0.4 < np.mean(chances) < 0.6 and np.mean(np.array(chances) < 0.1) < 0.18
    tied, _ = forced.rank_correlation(np.array([1, 1, 2, 3.0]), np.array([1, 2, 3, 3.0]))
    assert tied == pytest.approx(np.corrcoef([0.5, 0.5, 2, 3], [0, 1, 2.5, 2.5])[0, 1])
