"""Intervals, tests and the smallest difference that could have been seen, with groups of items resampled whole.

Queries that share a document, a symbol or a near-copy are not independent, so wherever a task has groups the group is
the unit that is resampled [1]_. Resampling and sign flips are scipy's.

.. [1] C. A. Field and A. H. Welsh, "Bootstrapping clustered data", JRSS B 69(3), 2007.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 10_000


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval.

    Attributes
    ----------
    mean, low, high : float
        The mean over items and the ends of the interval, in the unit of the values. The ends are nan when there are
        fewer than two groups, since nothing can be said then.
    error : float
        Standard error of the mean: the standard deviation over the resamples.
    n, n_groups : int
        Items, and groups that were resampled.
    """

    mean: float
    low: float
    high: float
    error: float
    n: int
    n_groups: int

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def intervals(
    values: ArrayLike, groups: Sequence[Hashable] | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> list[Interval]:
    """Mean and 95 % percentile interval of each column, resampling groups with the same draws for all columns.

    Parameters
    ----------
    values : array of shape (n,) or (n, m)
        One row an item (a query), one column a measurement.
    groups : sequence of n labels, optional
        Items with equal labels are resampled together. Without it every item is its own group.
    resamples : int
        Number of bootstrap resamples.
    seed : int
        Seed of the draws.

    Returns
    -------
    list of Interval
        One for each column.

    Raises
    ------
    ValueError
        When there are no values, one is not finite, or `groups` has another length.

    Examples
    --------
    >>> [result] = intervals([0, 1, 1, 0, 1, 1, 1, 0])
    >>> result.mean, result.n, result.n_groups
    (0.625, 8, 8)
    """
    from scipy.stats import bootstrap

    table, sums, sizes = _by_group(values, groups)
    n, n_groups = len(table), len(sizes)
    means = table.mean(axis=0)
    if n_groups < 2:
        return [Interval(float(mean), np.nan, np.nan, np.nan, n, n_groups) for mean in means]

    def mean_of(*parts: NDArray[np.float64], axis: int = -1) -> NDArray[np.float64]:
        total: NDArray[np.float64] = parts[0].sum(axis=axis) / parts[1].sum(axis=axis)
        return total

    # One row a column of `values`: scipy draws one set of indices and uses it for every row.
    repeated = np.broadcast_to(sizes, sums.T.shape)
    result = bootstrap(
        (sums.T, repeated), mean_of, paired=True, vectorized=True, axis=-1, n_resamples=resamples,
        method="percentile", batch=max(1, 4_000_000 // max(1, sums.size)), rng=np.random.default_rng(seed),
    )  # fmt: skip
    low, high = result.confidence_interval
    return [
        Interval(float(mean), float(a), float(b), float(error), n, n_groups)
        for mean, a, b, error in zip(means, low, high, result.standard_error, strict=True)
    ]


def sign_flip_test(
    differences: ArrayLike, groups: Sequence[Hashable] | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> float:
    """Two-sided p-value of a paired difference: the signs of whole groups are flipped at random.

    Under the hypothesis that two systems are exchangeable, the sum of a group's differences is as likely negative as
    positive. p = 2 (count + 1) / (resamples + 1), with the count of the rarer side, or the exact share where all
    2**n_groups flips are no more than `resamples`; it is never 0.

    Parameters
    ----------
    differences : array of shape (n,)
        Per item: one system's value minus the other's.
    groups, resamples, seed
        As in `intervals`.

    Examples
    --------
    >>> sign_flip_test([1, 1, 1, 1, 1])  # the exact test: 2 of 32 sign patterns are as extreme
    0.0625
    """
    from scipy.stats import permutation_test

    if np.ndim(differences) != 1:
        raise ValueError(f"expected differences of shape (n,), got {np.shape(differences)}")
    _, sums, _ = _by_group(differences, groups)
    moved = sums[sums[:, 0] != 0, 0]
    if len(moved) < 2:
        return 1.0  # every flip gives a sum of the same size
    result = permutation_test(
        (moved,), lambda x, axis: x.sum(axis=axis), permutation_type="samples", vectorized=True,
        n_resamples=resamples, batch=max(1, 4_000_000 // len(moved)), rng=np.random.default_rng(seed),
    )  # fmt: skip
    return float(min(1.0, result.pvalue))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for the number of comparisons (S. Holm, Scandinavian Journal of Statistics 6, 1979).

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]
    """
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, dtype=float)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps))
    return [float(round(p, 12)) for p in adjusted]


def smallest_visible(error: float, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """Smallest true difference that a two-sided test at `alpha` would have shown with probability `power`.

    Parameters
    ----------
    error : float
        Standard error of the difference.

    Examples
    --------
    >>> round(smallest_visible(0.01), 4)
    0.028
    """
    from scipy.stats import norm

    return float((norm.ppf(1 - alpha / 2) + norm.ppf(power)) * error)


def _by_group(
    values: ArrayLike, groups: Sequence[Hashable] | None
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Values as (n, m), their sums by group as (n_groups, m), and the sizes of the groups."""
    table = np.asarray(values, dtype=float)
    table = table[:, None] if table.ndim == 1 else table
    if table.ndim != 2 or not len(table):
        raise ValueError(f"expected values of shape (n,) or (n, m) with n > 0, got {np.shape(values)}")
    if not np.isfinite(table).all():
        raise ValueError(f"expected finite values, got {int((~np.isfinite(table)).sum())} that are nan or infinite")
    if groups is None:
        return table, table, np.ones(len(table))
    if len(groups) != len(table):
        raise ValueError(f"expected one group for each of the {len(table)} values, got {len(groups)}")
    numbers: dict[Hashable, int] = {}
    index = np.array([numbers.setdefault(group, len(numbers)) for group in groups])
    sums = np.zeros((len(numbers), table.shape[1]))
    np.add.at(sums, index, table)
    return table, sums, np.bincount(index).astype(float)
