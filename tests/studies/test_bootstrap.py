"""Intervals hold what they should, about as often as they say."""

import numpy as np

from pavdm_cli.studies.bootstrap import of_means, of_sets


def test_the_interval_of_a_mean_holds_the_truth() -> None:
    rng = np.random.default_rng(0)
    found = [of_means(rng.normal(3, 2, (40, 1)), seed)[0] for seed in range(200)]
    held = np.mean([one.low <= 3 <= one.high for one in found])
    assert 0.90 <= held <= 0.98
    assert all(one.low < one.value < one.high for one in found)
    wide = np.mean([one.high - one.low for one in found])
    assert abs(wide / (2 * 1.96 * 2 / 40**0.5) - 1) < 0.1


def test_what_says_nothing_is_left_out() -> None:
    values = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])
    first, second = of_means(values)
    assert first.value == 2 and np.isnan(second.value)


def test_the_interval_of_a_set_holds_the_truth() -> None:
    """Of the variance of normal numbers, which drawing some twice would make too small."""
    rng = np.random.default_rng(1)
    held = []
    for seed in range(400):
        values = rng.normal(0, 2, 60)
        (one,) = of_sets(60, lambda picks, v=values: np.array([np.var(v[list(picks)], ddof=1)]), seed)
        held.append(one.low <= 4 <= one.high)
    assert 0.91 <= np.mean(held) <= 0.98


def test_a_set_too_small_to_halve_has_no_interval() -> None:
    (one,) = of_sets(3, lambda picks: np.array([float(len(picks))]))
    assert one.value == 3 and np.isnan(one.low) and np.isnan(one.high)
