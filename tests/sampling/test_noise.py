"""Noise: a pure function of (seed, latent, use), standard normal; and the straight path."""

import torch

from pavdm_cli.sampling.noise import Noise, moved, noised

SHAPE = (4, 8, 8)


def test_a_draw_does_not_depend_on_earlier_draws_or_on_company() -> None:
    together = Noise([7, 3, 7], SHAPE)
    forwards = {(k, use): together(k, use) for k in range(4) for use in range(3)}
    fresh = Noise([3], SHAPE)
    for (k, use), drawn in reversed(forwards.items()):
        assert torch.equal(fresh(k, use)[0], drawn[1])
        assert torch.equal(drawn[0], drawn[2])
    assert forwards[0, 0].shape == (3, *SHAPE)
    assert forwards[0, 0].dtype is torch.float32


def test_seeds_latents_and_uses_all_differ() -> None:
    places = ((seed, k, use) for seed in (0, 1, 2**31, 2**63) for k in (0, 1, 2**40) for use in (0, 1, 2**33))
    draws = [Noise([seed], SHAPE)(k, use).flatten() for seed, k, use in places]
    closeness = torch.corrcoef(torch.stack(draws)) - torch.eye(len(draws))
    assert closeness.abs().max() < 0.3  # five deviations of 256 independent numbers


def test_it_is_standard_normal() -> None:
    drawn = Noise(range(20), (16, 32, 32))(5)
    count = drawn.numel()
    assert abs(drawn.mean().item()) < 5 / count**0.5
    assert abs(drawn.var().item() - 1) < 5 * (2 / count) ** 0.5
    inside = (drawn.abs() < 1).double().mean().item()
    assert abs(inside - 0.6827) < 5 * (0.6827 * 0.3173 / count) ** 0.5


def test_a_draw_is_the_same_on_every_machine() -> None:
    wanted = torch.tensor([0.2748, 0.3795, 0.0465, -1.5314])
    torch.testing.assert_close(Noise([1], (1, 1, 4))(2, 3).flatten(), wanted, atol=1e-4, rtol=0)


def test_the_path_is_straight_and_a_move_stays_on_it() -> None:
    clean, noise = Noise([1, 2], SHAPE)(0).double(), Noise([1, 2], SHAPE)(1).double()
    assert torch.equal(noised(clean, noise, 0), clean) and torch.equal(noised(clean, noise, 1), noise)
    there = moved(noised(clean, noise, 0.75), noise - clean, 0.75, 0.2)
    torch.testing.assert_close(there, noised(clean, noise, 0.2), atol=1e-12, rtol=0)
