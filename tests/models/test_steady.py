"""Frames made steady: what is all but still stops shimmering and pulsing, what moves stays as it is."""

import torch
from torch import Tensor

from pavdm_cli.models.steady import mended, stilled

COUNT = 6


def made_steady(pictures: Tensor) -> Tensor:
    """Return what becomes of frames (T, 3, H, W)."""
    return mended(stilled(pictures[None].double()), None)[0]


def test_steady_motion_stays_as_it_is_and_a_cut_nearly_so() -> None:
    moving = torch.linspace(-1, 1, 4 * COUNT, dtype=torch.float64)[:, None, None, None].expand(-1, 3, 8, 8)
    assert (made_steady(moving) - moving).abs().max() < 1e-8
    cut = torch.where(torch.arange(4 * COUNT) < 8, -0.8, 0.8)[:, None, None, None].expand(-1, 3, 8, 8)
    assert (made_steady(cut) - cut).abs().max() < 0.005


def test_a_still_picture_shimmers_half_as_much_and_what_moves_in_it_stays() -> None:
    still = 0.005 * torch.randn(4 * COUNT, 3, 8, 24, generator=torch.Generator().manual_seed(0))
    passing = still + 0.5 * (torch.arange(24) > torch.arange(4 * COUNT)[:, None, None, None] % 8)
    out = made_steady(passing)
    inside = torch.arange(1, 4 * COUNT) % 4 != 0
    before, after = (x.diff(dim=0)[inside].abs() for x in (passing, out))
    moving = before > 0.4
    assert after[~moving].mean() < 0.5 * before[~moving].mean()
    assert (after - before)[moving].abs().max() < 0.03 and moving.float().mean() > 0.03


def test_a_still_picture_that_pulses_with_its_latents_pulses_a_quarter_as_much() -> None:
    errors = 0.01 * torch.randn(COUNT, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    out = made_steady(errors.repeat_interleave(4, 0))
    before, after = (x.diff(dim=0).abs().mean((1, 2, 3)) for x in (errors.repeat_interleave(4, 0), out))
    assert (after[3::4] < 0.3 * before[3::4]).all() and not before[0]
    assert after[4:].max() < 0.7 * before.max()
    assert torch.equal(out[3::4], errors.double())
