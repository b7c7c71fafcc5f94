"""Metrics of a whole set of items (a correlation, an F1) on many resamples of it, as array operations.

A resample of groups is a weight for each item: how often its group was drawn. So a metric that knows weights is worked
out for a block of resamples at once, where a loop over resamples would call a library thousands of times.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Weights = NDArray[np.float64]
"""Shape (b, n): for each of b resamples, the weight of each of n items."""

Metric = Callable[[Weights], NDArray[np.float64]]
"""From weights (b, n) to b values; nan where a resample leaves the metric undefined."""

_BLOCK = 1_000_000  # weights held at a time: a few such arrays fit in the caches of a processor, or nearly


def draws(groups: Sequence[Hashable], *, resamples: int, seed: int) -> Iterator[Weights]:
    """Weights of bootstrap resamples over groups, in blocks.

    Equal labels, `resamples` and `seed` give equal draws, so that two systems are resampled alike.

    Parameters
    ----------
    groups : sequence of n labels
        Items with equal labels are drawn together.
    resamples, seed : int

    Yields
    ------
    array of shape (b, n)
        `resamples` rows in all.

    Examples
    --------
    >>> [block] = draws(["a", "a", "b"], resamples=4, seed=0)
    >>> block.shape, bool((block[:, 0] == block[:, 1]).all()), bool((block[:, 1] + block[:, 2] == 2).all())
    ((4, 3), True, True)
    """
    numbers: dict[Hashable, int] = {}
    index = np.array([numbers.setdefault(group, len(numbers)) for group in groups])
    n_groups = len(numbers)
    rng = np.random.default_rng(seed)
    step = max(1, _BLOCK // len(index))
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = rng.integers(n_groups, size=(rows, n_groups)) + n_groups * np.arange(rows)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=rows * n_groups).reshape(rows, n_groups)
        yield counts[:, index].astype(float)


def resampled(metric: Metric, groups: Sequence[Hashable], *, resamples: int, seed: int) -> NDArray[np.float64]:
    """`metric` on bootstrap resamples over groups, shape (resamples,); nan for all when there is one group only."""
    if resamples < 1:
        raise ValueError(f"expected resamples of at least 1, got {resamples}")
    if len(set(groups)) < 2:
        return np.full(resamples, np.nan)
    return np.concatenate([metric(weights) for weights in draws(groups, resamples=resamples, seed=seed)])


def mean(values: NDArray[np.float64]) -> Metric:
    """The mean of the values of n items."""
    return lambda weights: weights @ values / weights.sum(axis=1)
