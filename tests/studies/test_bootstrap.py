"""Intervals hold what they should, about as often as they say."""

import numpy as np

from pavdm_cli.drift.sets import kernel_distance
from pavdm_cli.studies.bootstrap import of_means, sets


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
    for _ in range(400):
        values = rng.normal(0, 2, 60)
        (one,) = sets(60, lambda picks, v=values: np.array([np.var(v[list(picks)], ddof=1)])).estimates()
        held.append(one.low <= 4 <= one.high)
    assert 0.91 <= np.mean(held) <= 0.98


def test_the_spread_of_a_distance_between_sets_of_one_make_up_is_about_the_true_one() -> None:
    """Each part has a place of its own, in both sets; one that is in one alone would look far apart."""
    rng = np.random.default_rng(2)
    places = rng.normal(0, 3, (24, 8))

    def drawn() -> np.ndarray:
        return places + rng.normal(0, 1, places.shape)

    def apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return np.array([kernel_distance(first, second)])

    pairs = [(drawn(), drawn()) for _ in range(100)]
    true = np.std([apart(*pair) for pair in pairs])
    found = [sets(24, lambda picks, p=pair: apart(*(one[list(picks)] for one in p))) for pair in pairs[:20]]
    told = np.mean([(e.high - e.low) / 2 / 1.96 for one in found for e in one.estimates()])
    assert 0.8 < told / true < 2.5


def test_differences_are_of_the_same_parts() -> None:
    values = np.random.default_rng(3).normal(size=12)
    one, other = (sets(12, lambda picks, o=o: np.array([np.mean(values[list(picks)]) + o])) for o in (0, 1))
    (found,) = (other - one).estimates()
    np.testing.assert_allclose((found.value, found.low, found.high), 1)


def test_a_set_of_too_few_parts_has_no_interval() -> None:
    (one,) = sets(3, lambda picks: np.array([float(len(picks))])).estimates()
    assert one.value == 3 and np.isnan(one.low) and np.isnan(one.high)
