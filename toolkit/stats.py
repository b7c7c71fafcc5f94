"""Intervals, tests and the smallest difference that could have been seen, with groups of items resampled whole.

Queries that share a document, a symbol or a near-copy are not independent, so wherever a task has groups the group is
the unit that is resampled [1]_. A resample is how often each group was drawn, a sign flip is a sign a group: either way
all columns of a table cost one matrix product. The draws are those of `scipy.stats.bootstrap`, to the digit.

.. [1] C. A. Field and A. H. Welsh, "Bootstrapping clustered data", JRSS B 69(3), 2007.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 10_000
BLOCK = 1_000_000  # numbers of a matrix of counts or signs that are held as float64 at a time: 8 MB
KEPT = 32_000_000  # counts that are kept for the next call, which mostly has the same groups: 32 MB


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
    table, sums, sizes = _by_group(values, groups)
    n, n_groups = len(table), len(sizes)
    means = table.mean(axis=0)
    if n_groups < 2:
        return [Interval(float(mean), np.nan, np.nan, np.nan, n, n_groups) for mean in means]
    parts = []
    for counts in draws(n_groups, resamples=resamples, seed=seed):
        weights = counts.astype(np.float64)
        parts.append((weights @ sums) / (weights @ sizes)[:, None])
    found = np.concatenate(parts)
    ends = np.percentile(found, [2.5, 97.5], axis=0)
    return [
        Interval(float(mean), float(low), float(high), float(error), n, n_groups)
        for mean, low, high, error in zip(means, *ends, found.std(axis=0, ddof=1), strict=True)
    ]


def draws(n_groups: int, *, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[NDArray[np.uint8]]:
    """How often each group was drawn in each resample, in blocks of some resamples: arrays of shape (m, n_groups).

    Every row adds up to `n_groups`. Equal arguments give equal draws, so that what is computed from them for two
    systems is paired.

    Examples
    --------
    >>> [block] = draws(3, resamples=2)
    >>> block.shape, block.sum(axis=1).tolist()
    ((2, 3), [3, 3])
    """
    blocks = _kept(n_groups, resamples, seed) if n_groups * resamples <= KEPT else _draw(n_groups, resamples, seed)
    yield from blocks


@lru_cache(maxsize=2)
def _kept(n_groups: int, resamples: int, seed: int) -> tuple[NDArray[np.uint8], ...]:
    return tuple(_draw(n_groups, resamples, seed))


def _draw(n_groups: int, resamples: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Index draws as scipy makes them, counted in pieces that fit the processor's cache."""
    rng = np.random.default_rng(seed)
    rows, piece = max(1, BLOCK // n_groups), max(1, BLOCK // 16 // n_groups)
    for start in range(0, resamples, rows):
        # No count comes near 256: with 256 groups or more its chance is below 1e-500.
        block = np.empty((min(rows, resamples - start), n_groups), dtype=np.uint8)
        for at in range(0, len(block), piece):
            part = block[at : at + piece]
            index = rng.integers(0, n_groups, part.shape) + np.arange(len(part))[:, None] * n_groups
            part[:] = np.bincount(index.ravel(), minlength=part.size).reshape(part.shape)
        block.setflags(write=False)
        yield block


def sign_flip_test(
    differences: ArrayLike, groups: Sequence[Hashable] | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> float:
    """Two-sided p-value of one paired difference; see `sign_flip_tests`.

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
    if np.ndim(differences) != 1:
        raise ValueError(f"expected differences of shape (n,), got {np.shape(differences)}")
    return sign_flip_tests(differences, groups, resamples=resamples, seed=seed)[0]


def sign_flip_tests(
    differences: ArrayLike, groups: Sequence[Hashable] | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> list[float]:
    """Two-sided p-value of each column of paired differences: the signs of whole groups are flipped at random.

    Under the hypothesis that two systems are exchangeable, the sum of a group's differences is as likely negative as
    positive. p = (count + 1) / (resamples + 1), with the count of flips whose sum is at least as far from zero, or the
    exact share of them where all 2**n flips of the n groups that differ are no more than `resamples`; it is never 0.

    Parameters
    ----------
    differences : array of shape (n,) or (n, m)
        One row an item, one column a comparison.
    groups, resamples, seed
        As in `intervals`. All columns share the flips, and none of them depends on what the others hold.
    """
    _, sums, _ = _by_group(differences, groups)
    # Sums of the same numbers in another order differ in the last digits: what is equal must count as such.
    far = np.abs(sums.sum(axis=0)) - 1e-12 * np.abs(sums).sum(axis=0)
    moved = (sums != 0).sum(axis=0)
    exact = (moved < 2) | (2.0**moved <= resamples)
    p_values = np.ones(sums.shape[1])
    for column in np.flatnonzero(exact & (moved > 1)):  # with one group every flip gives a sum of the same size
        some = sums[sums[:, column] != 0, column]
        patterns = np.arange(2 ** len(some))[:, None] >> np.arange(len(some)) & 1
        p_values[column] = (np.abs((2 * patterns - 1) @ some) >= far[column]).mean()
    drawn = np.flatnonzero(~exact)
    if len(drawn):
        count = np.zeros(len(drawn))
        for signs in _signs(len(sums), resamples, seed):
            count += (np.abs(signs @ sums[:, drawn]) >= far[drawn]).sum(axis=0)
        p_values[drawn] = (count + 1) / (resamples + 1)
    return p_values.tolist()


def _signs(n_groups: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Random signs of shape (m, n_groups), in blocks; a sign is one random bit."""
    rng = np.random.default_rng(seed)
    width, rows = -(-n_groups // 8), max(1, BLOCK // n_groups)
    for start in range(0, resamples, rows):
        m = min(rows, resamples - start)
        bits = np.unpackbits(np.frombuffer(rng.bytes(m * width), np.uint8).reshape(m, width), axis=1, count=n_groups)
        signs: NDArray[np.float64] = bits.astype(np.float64)
        yield 2 * signs - 1


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


def minimum_detectable_difference(error: float, *, alpha: float = 0.05, power: float = 0.8) -> float:
    """Smallest true difference that a two-sided test at `alpha` would have shown with probability `power`.

    Parameters
    ----------
    error : float
        Standard error of the difference.

    Examples
    --------
    >>> round(minimum_detectable_difference(0.01), 4)
    0.028
    """
    from scipy.stats import norm

    return float((norm.ppf(1 - alpha / 2) + norm.ppf(power)) * error)


def selection_bias(error: float, systems: int) -> float:
    """By how much the best of some equal systems is expected to stand above them, by chance alone.

    The expected largest of that many independent normal errors.

    Parameters
    ----------
    error : float
        Standard error of one system's score that the others do not share: for systems scored on the same items that of
        the paired difference, divided by the square root of 2. The standard error of a score itself gives an upper
        bound, since hard items are hard for all.
    systems : int
        How many were scored.

    Examples
    --------
    >>> [round(selection_bias(1, k), 3) for k in (1, 2, 14)]
    [0.0, 0.564, 1.703]
    """
    from scipy.integrate import quad
    from scipy.stats import norm

    if systems < 1 or not error >= 0:
        raise ValueError(f"expected an error of at least 0 and at least one system, got {error} and {systems}")

    def density(x: float) -> float:
        return float(x * systems * norm.pdf(x) * norm.cdf(x) ** (systems - 1))

    return float(error * quad(density, -10, 10, points=(0, 2, 4))[0]) if systems > 1 else 0.0


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
