"""How far two sets of clips are apart, from a few numbers (features) that describe each clip.

The features are whoever calls' own, so the values compare only with others from the same features; neither is
FVD, whose features are those of one published network. Sets are (N, D) and (M, D).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from pavdm_cli.errors import VideoError

Features = NDArray[np.float64]


def kernel_distance(first: Features, second: Features) -> float:
    """Return the squared kernel distance, unbiased: about zero, also below it, for two sets of one kind.

    The kernel is (x . y / D + 1)^3 (Binkowski et al. 2018, arXiv 1801.01401, section 3); being unbiased, sets
    of different sizes can be compared.

    Raises:
        VideoError: a set has fewer than two clips.
    """
    _enough(first, second)
    within = [_mean_without_diagonal(_kernel(one, one)) for one in (first, second)]
    return float(sum(within) - 2 * _kernel(first, second).mean())


def frechet_distance(first: Features, second: Features) -> float:
    """Return the squared Frechet distance between the normal distributions fitted to two sets.

    Dowson and Landau 1982, equation 4. It is biased: small sets of one kind are not at zero; see
    `above_floor`.

    Raises:
        VideoError: a set has fewer than two clips.
    """
    _enough(first, second)
    spreads = [np.atleast_2d(np.cov(one, rowvar=False)) for one in (first, second)]
    root = _root(spreads[0])
    middle = _root(root @ spreads[1] @ root)
    apart = np.square(first.mean(0) - second.mean(0)).sum()
    return float(apart + np.trace(spreads[0]) + np.trace(spreads[1]) - 2 * np.trace(middle))


def above_floor(
    distance: Callable[[Features, Features], float],
    made: Features,
    real: Features,
    others: Sequence[Features],
) -> float:
    """Return the distance of a set to real clips, less its floor: the mean distance of `others`, more sets of
    real clips of the same size and make-up as `made`, to the same real clips.

    What small sets, or sets with a fixed number of clips of each prompt, add to or take from a distance is
    the same for all of them and goes away.

    Raises:
        VideoError: a set has fewer than two clips, or one of `others` another size than `made`.
    """
    sizes = {len(other) for other in others}
    if sizes != {len(made)}:
        raise VideoError(
            f"a floor for {len(made)} clips from sets of {', '.join(map(str, sizes)) or 'no'} clips; "
            "give sets of the same size"
        )
    return distance(made, real) - float(np.mean([distance(other, real) for other in others]))


def _kernel(first: Features, second: Features) -> Features:
    out: Features = (first @ second.T / first.shape[1] + 1) ** 3
    return out


def _mean_without_diagonal(values: Features) -> float:
    count = len(values)
    return float((values.sum() - np.trace(values)) / (count * (count - 1)))


def _root(matrix: Features) -> Features:
    """Return the square root of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    root: Features = (vectors * np.sqrt(values.clip(min=0))) @ vectors.T
    return root


def _enough(*sets: Features) -> None:
    for one in sets:
        if len(one) < 2:
            raise VideoError(f"a distance between sets needs two clips in each; one has {len(one)}")
