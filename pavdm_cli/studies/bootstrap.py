"""Intervals over videos: how far a figure would stray if other videos of the same kind had been made."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

DRAWS = 2000
HALVES = 40
"""Half samples of a set; each means a distance between sets."""
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
    """What a measure (K,) says of a set of videos, and of halves of it, (HALVES, K); without halves where the
    set is too small. Two with the same count and seed have the same halves and can be subtracted."""

    whole: Values
    halves: Values | None

    def __sub__(self, other: "Sets") -> "Sets":
        halves = None if self.halves is None or other.halves is None else self.halves - other.halves
        return Sets(self.whole - other.whole, halves)

    def estimates(self) -> list[Estimate]:
        """Return the figures with intervals: values of halves stray about as far from each other as those of
        whole sets (half-sampling). Of so few halves the spread is better known than the outermost ones."""
        if self.halves is None:
            return [Estimate(float(value), float("nan"), float("nan")) for value in self.whole]
        strays = NORMAL * self.halves.std(0, ddof=1)
        rows = zip(self.whole, strays, strict=True)
        return [Estimate(float(v), float(v - most), float(v + most)) for v, most in rows]


def sets(count: int, measure: Callable[[Sequence[int]], Values], seed: int = 0) -> Sets:
    """Measure a set of videos and random halves of it.

    Drawing videos twice would make a set look closer to itself than it is, so halves are drawn without.
    """
    rng = np.random.default_rng(seed)
    whole = measure(range(count))
    if count < 4:
        return Sets(whole, None)
    halves = [measure(rng.permutation(count)[: count // 2].tolist()) for _ in range(HALVES)]
    return Sets(whole, np.array(halves))


def of_sets(count: int, measure: Callable[[Sequence[int]], Values], seed: int = 0) -> list[Estimate]:
    """Return what a measure (K,) says of a set of videos, with intervals from half samples."""
    return sets(count, measure, seed).estimates()


def _ends() -> list[float]:
    return [(100 - SHARE) / 2, (100 + SHARE) / 2]
