"""Windows a network rolls on: the schedule's own rows, exact if it errs nowhere, else with its errors."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from pavdm_cli.models import text
from pavdm_cli.models.vae import Vae, VaeConfig
from pavdm_cli.sampling.schedule import Ramp
from pavdm_cli.sampling.schedule_family import progressive
from pavdm_cli.training.pool import LatentPool, Ring, Source
from pavdm_cli.training.rolls import OWN, Rolls

CLIP = 12
RAMPS = (
    Ramp(steps=4, window=4, context=2, shift=2.0),
    Ramp(steps=6, window=6, context=2, chunk=2),
    Ramp(steps=8, window=4, context=3, curve=1.5),
    Ramp(steps=4, window=4, context=2, shift=2.0, renoise_above=0.4),
)


@pytest.fixture(scope="module")
def pool() -> LatentPool:
    torch.manual_seed(0)
    vae = Vae(VaeConfig(channels=4, encoder=(16, 16, 16), decoder=(16, 16, 16))).eval()
    encoder = text.load(Path(__file__).parents[2] / "weights" / "text")
    source = Source(3, CLIP * 4, families=("sea", "shapes"))
    return LatentPool(source, Ring(5, 1), vae, encoder, torch.device("cpu"), batch=5)


def rolls(pool: LatentPool, ramp: Ramp) -> Rolls:
    def level(left: Tensor) -> Tensor:
        return left.clamp_min(0).apply_(ramp.level)

    return Rolls(pool, ramp, level, 3 * ramp.span, {})


def levels(ramp: Ramp, left: Tensor) -> list[float]:
    return [round(ramp.level(max(float(k), 0)), 6) for k in left]


def now(rolled: Rolls, rng: np.random.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """What is shown, the moves left and the true latents."""
    shown, left, wanted, _, _ = rolled.window(rng)
    return shown, left, rolled.carried["noise"] - wanted


@pytest.mark.parametrize("ramp", RAMPS, ids=str)
def test_its_rows_are_those_of_a_long_video(pool: LatentPool, ramp: Ramp) -> None:
    steady = {tuple(round(v, 6) for v in s.level) for s in progressive(60, ramp) if len(s.level) == ramp.span}
    rolled, rng, seen = rolls(pool, ramp), np.random.default_rng(0), set()
    for _ in range(3 * ramp.endless().lag):
        shown, left, *_ = rolled.window(rng)
        seen |= {tuple(levels(ramp, row)) for row in left}
        rolled.move(torch.zeros_like(shown), rng)
    assert seen <= steady and len(seen) == ramp.endless().lag


@pytest.mark.parametrize("ramp", RAMPS, ids=str)
def test_a_network_that_errs_nowhere_stays_on_the_true_latents(pool: LatentPool, ramp: Ramp) -> None:
    rolled, rng = rolls(pool, ramp), np.random.default_rng(1)
    for _ in range(40):
        shown, left, clean = now(rolled, rng)
        level = torch.tensor([[ramp.level(max(float(k), 0)) for k in row] for row in left])[
            ..., None, None, None
        ]
        finished = (level == 0).expand_as(shown)
        torch.testing.assert_close(shown[finished], clean[finished], atol=1e-4, rtol=0)
        rolled.move(((shown - clean) / level.clamp_min(1e-6)) * (level > 0), rng)


def test_errors_of_what_it_finished_are_the_context_of_what_comes_after(pool: LatentPool) -> None:
    ramp = RAMPS[0]
    rolled, rng = rolls(pool, ramp), np.random.default_rng(2)
    wrong = 0
    for _ in range(40):
        shown, _, clean = now(rolled, rng)
        apart = (shown - clean)[:, : ramp.context].abs().amax((2, 3, 4))
        wrong += int((apart > 0.1).sum())
        assert (rolled.carried["first"] + ramp.span <= CLIP).all()
        rolled.move(torch.zeros_like(shown), rng)
    assert wrong > 20


@pytest.mark.parametrize("ramp", RAMPS, ids=str)
def test_latents_stay_true_under_their_noise_until_they_are_the_network_s(
    pool: LatentPool, ramp: Ramp
) -> None:
    rolled, rng, own = rolls(pool, ramp), np.random.default_rng(4), 0
    for _ in range(40):
        shown, left, clean = now(rolled, rng)
        level = left.clone().clamp_min(0).apply_(ramp.level)[..., None, None, None]
        true = (1 - level) * clean + level * rolled.carried["noise"]
        since = rolled.carried["own"]
        assert ((since >= OWN[0] * ramp.steps) & (since <= OWN[1] * ramp.steps)).all()
        early = left > since[:, None]
        assert torch.equal(rolled.window(rng)[3], early)
        torch.testing.assert_close(shown[early], true[early])
        own += int((((shown - true).abs().amax((2, 3, 4)) > 0.1) & ~early & (left > 0)).sum())
        rolled.move(torch.full_like(shown, 3.0), rng)
    assert own > 50


def test_windows_that_come_to_the_end_of_their_clip_begin_again_with_texts_of_their_own(
    pool: LatentPool,
) -> None:
    ramp = Ramp(steps=4, window=4, context=2)
    rolled, rng, begun = rolls(pool, ramp), np.random.default_rng(3), 0
    for _ in range(60):
        shown, _, wanted, _, words = rolled.window(rng)
        clean = rolled.carried["noise"] - wanted
        for video in range(len(shown)):
            same = (pool.pooled == rolled.carried["pooled"][video]).all((1, 2)).nonzero()[:, 0]
            spans = [pool.latents[i].float().unfold(0, ramp.span, 1).movedim(-1, 1) for i in same]
            assert any(((clean[video] - s).abs() < 1e-4).all((1, 2, 3, 4)).any() for s in spans)
        assert words.weight.shape == (len(shown), ramp.span, 2)
        before = rolled.carried["first"]
        rolled.move(torch.zeros_like(shown), rng)
        begun += int((rolled.carried["first"] < before).sum())
    assert begun > 10


def test_a_schedule_with_a_sink_is_rolled_without_it(pool: LatentPool) -> None:
    """Rows of training have none either; the sampler's one more latent in view once ended a training."""
    plain = RAMPS[0]
    one, other = (rolls(pool, replace(plain, sink=sink)) for sink in (False, True))
    for rolled in (one, other):
        torch.manual_seed(1)
        rng = np.random.default_rng(0)
        for _ in range(3):
            shown, *_ = rolled.window(rng)
            rolled.move(torch.zeros_like(shown), rng)
    torch.testing.assert_close(one.carried["shown"][:3], other.carried["shown"][:3])
