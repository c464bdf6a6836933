"""Distances between sets: zero for one kind, growing with what differs, exact where it can be worked out."""

import numpy as np
import pytest

from pavdm_cli.drift.sets import above_floor, frechet_distance, kernel_distance
from pavdm_cli.errors import VideoError


def drawn(seed: int, count: int, shift: float = 0.0, scale: float = 1.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, scale, (count, 8))


def test_the_kernel_distance_is_unbiased() -> None:
    """Its mean over many pairs of small sets of one kind is zero, whatever their sizes."""
    values = [kernel_distance(drawn(2 * i, 6), drawn(2 * i + 1, 11)) for i in range(2000)]
    assert abs(np.mean(values)) < 4 * np.std(values) / len(values) ** 0.5
    assert min(values) < 0 < max(values)


def test_the_kernel_distance_is_worked_out_by_hand() -> None:
    first, second = np.array([[0.0], [1.0]]), np.array([[0.0], [2.0]])
    within, between = 1 + 1, (1 + 1 + 1 + 27) / 4
    assert kernel_distance(first, second) == pytest.approx(within - 2 * between)


@pytest.mark.parametrize("distance", (kernel_distance, frechet_distance))
def test_distances_grow_with_shift_and_spread(distance) -> None:  # type: ignore[no-untyped-def]
    own = drawn(1, 200)
    by_shift = [distance(own, drawn(2, 200, shift)) for shift in (0.0, 0.5, 1.0, 2.0)]
    by_spread = [distance(own, drawn(2, 200, 0.0, scale)) for scale in (1.0, 1.5, 2.0, 3.0)]
    assert by_shift == sorted(by_shift) and by_spread == sorted(by_spread)
    assert distance(own, drawn(2, 200, 1.0)) == pytest.approx(distance(drawn(2, 200, 1.0), own))


def test_the_frechet_distance_of_normal_sets_is_known() -> None:
    """Equal mean and spreads of 1 and 3 in eight dimensions: 8 * (3 - 1)^2; a shift of 2 adds 8 * 4."""
    assert frechet_distance(drawn(1, 40_000), drawn(2, 40_000, 2.0, 3.0)) == pytest.approx(64, rel=0.03)
    same = drawn(3, 50)
    assert frechet_distance(same, same) == pytest.approx(0, abs=1e-9)


def test_the_floor_takes_the_bias_off() -> None:
    real, others = drawn(0, 60), [drawn(i, 30) for i in range(1, 9)]
    plain = frechet_distance(drawn(20, 30), real)
    above = [above_floor(frechet_distance, drawn(i, 30), real, others) for i in range(20, 28)]
    assert abs(np.mean(above)) < 0.1 * plain
    assert above_floor(frechet_distance, drawn(20, 30, 1.0), real, others) > 5


def test_sets_too_small_or_unequal_are_refused() -> None:
    with pytest.raises(VideoError, match="two clips in each; one has 1"):
        kernel_distance(drawn(1, 1), drawn(2, 4))
    with pytest.raises(VideoError, match="floor for 4 clips from sets of 3"):
        above_floor(frechet_distance, drawn(1, 4), drawn(2, 9), [drawn(3, 3)])
    with pytest.raises(VideoError, match="from sets of no clips"):
        above_floor(frechet_distance, drawn(1, 4), drawn(2, 9), [])
