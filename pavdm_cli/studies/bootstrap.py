"""Intervals over videos: how far a figure would stray if other videos of the same kind had been made."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

DRAWS = 2000
FEWEST = 4
"""Parts that a set must have, for an interval from leaving each of them out."""
SHARE = 95.0
NORMAL = 1.96
"""Standard deviations to each side that hold that share of normal numbers."""


@dataclass(frozen=True)
class Estimate:
    """A figure and its 95 % interval; NaN where nothing was to be measured."""

    value: float
    low: float
    high: float


def of_means(values: Values, seed: int = 0) -> list[Estimate]:
    """Return the mean over videos of every column of (V, K), with percentiles of resampled means.

    Videos that say nothing (NaN) in a column are left out of it.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(values), size=(DRAWS, len(values)))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice", RuntimeWarning)  # a column of NaN alone
        warnings.filterwarnings("ignore", "All-NaN", RuntimeWarning)
        means = np.nanmean(values, 0)
        low, high = np.nanpercentile(np.nanmean(values[drawn], 1), _ends(), axis=0)
    return [Estimate(float(m), float(a), float(b)) for m, a, b in zip(means, low, high, strict=True)]


@dataclass(frozen=True)
class Sets:
    """What a measure (K,) says of all of so many parts, and without each of them in turn, (parts, K); None
    where there are too few. Two of the same parts can be subtracted."""

    whole: Values
    without: Values | None

    def __sub__(self, other: "Sets") -> "Sets":
        apart = None if self.without is None or other.without is None else self.without - other.without
        return Sets(self.whole - other.whole, apart)

    def estimates(self) -> list[Estimate]:
        """Return the figures with intervals, by the jackknife (Efron and Stein 1981, equation 1.5)."""
        if self.without is None:
            return [Estimate(float(value), float("nan"), float("nan")) for value in self.whole]
        strays = NORMAL * np.sqrt(len(self.without) - 1) * self.without.std(0)
        rows = zip(self.whole, strays, strict=True)
        return [Estimate(float(v), float(v - most), float(v + most)) for v, most in rows]


def sets(count: int, measure: Callable[[Sequence[int]], Values]) -> Sets:
    """Measure a whole of so many parts, and without each of them in turn.

    measure: takes the parts that are in. It must leave the others out everywhere, in what is measured and in
    what that is held against: half of the prompts are no sample of a distance to all of them.
    """
    parts = range(count)
    whole = measure(parts)
    if count < FEWEST:
        return Sets(whole, None)
    return Sets(whole, np.array([measure([i for i in parts if i != out]) for out in parts]))


def _ends() -> list[float]:
    return [(100 - SHARE) / 2, (100 + SHARE) / 2]
