"""Bootstrap intervals, sign-flip tests and minimum detectable differences over groups of items.

Queries that share a document, a symbol or a near-copy are not independent, so wherever a task has groups, whole groups
are resampled [1]_. A resample is stored as how often each group was drawn, a sign flip as one sign per group, so that
all columns of a table cost one matrix product. The draws are exactly those of `scipy.stats.bootstrap`.

.. [1] C. A. Field and A. H. Welsh, "Bootstrapping clustered data", JRSS B 69(3), 2007.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 10_000
BLOCK = 1_000_000  # counts or signs held as float64 at a time: 8 MB
MAX_CACHED = 32_000_000  # largest matrix of counts kept for the next call, which usually has the same groups: 32 MB


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval.

    Attributes
    ----------
    mean, low, high : float
        The mean over items and the ends of the interval, in the unit of the values. The ends are nan if there are
        fewer than two groups, since no interval exists then.
    error : float
        Standard error of the mean: the standard deviation over the resamples.
    n, n_groups : int
        Number of items, and of groups that were resampled.
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
    """Compute the mean and the 95 % percentile interval of each column; all columns share their resamples of groups.

    Parameters
    ----------
    values : array of shape (n,) or (n, m)
        One row per item (such as a query), one column per measurement.
    groups : sequence of n labels, optional
        Items with equal labels are resampled together. Without it, every item is its own group.
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
        If there are no values, one is not finite, or `groups` has another length.

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
    drawn = np.concatenate(parts)
    return [
        Interval(float(mean), *percentile_interval(column), float(error), n, n_groups)
        for mean, column, error in zip(means, drawn.T, drawn.std(axis=0, ddof=1), strict=True)
    ]


def percentile_interval(values: ArrayLike) -> tuple[float, float]:
    """Compute the 2.5th and 97.5th percentiles of resampled values: the ends of a 95 % interval.

    Values that are not finite (a metric is undefined on some resamples) are left out; if none remain, both ends are
    nan.

    Parameters
    ----------
    values : array of shape (resamples,)

    Examples
    --------
    >>> percentile_interval([0.0, 1.0, float("nan")])
    (0.025, 0.975)
    """
    found = np.asarray(values, dtype=float)
    found = found[np.isfinite(found)]
    if not len(found):
        return np.nan, np.nan
    low, high = np.percentile(found, [2.5, 97.5])
    return float(low), float(high)


def draws(n_groups: int, *, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[NDArray[np.uint8]]:
    """Yield how often each group is drawn in each resample, in blocks of m resamples: arrays of shape (m, n_groups).

    Every row adds up to `n_groups`. Equal arguments give equal draws, so that results computed from them for two
    systems are paired.

    Examples
    --------
    >>> [block] = draws(3, resamples=2)
    >>> block.shape, block.sum(axis=1).tolist()
    ((2, 3), [3, 3])
    """
    blocks = (
        _cached_draws(n_groups, resamples, seed)
        if n_groups * resamples <= MAX_CACHED
        else _draw(n_groups, resamples, seed)
    )
    yield from blocks


@lru_cache(maxsize=2)
def _cached_draws(n_groups: int, resamples: int, seed: int) -> tuple[NDArray[np.uint8], ...]:
    return tuple(_draw(n_groups, resamples, seed))


def _draw(n_groups: int, resamples: int, seed: int) -> Iterator[NDArray[np.uint8]]:
    """Draw indices as scipy does, and count them in pieces that fit into the CPU cache."""
    rng = np.random.default_rng(seed)
    rows, piece = max(1, BLOCK // n_groups), max(1, BLOCK // 16 // n_groups)
    for start in range(0, resamples, rows):
        # Counts never reach 256: with 256 or more groups the probability is below 1e-500.
        block = np.empty((min(rows, resamples - start), n_groups), dtype=np.uint8)
        for at in range(0, len(block), piece):
            part = block[at : at + piece]
            index = rng.integers(0, n_groups, part.shape) + np.arange(len(part))[:, None] * n_groups
            part[:] = np.bincount(index.ravel(), minlength=part.size).reshape(part.shape)
        block.setflags(write=False)
        yield block


def group_numbers(groups: Sequence[Hashable]) -> NDArray[np.intp]:
    """Number groups in the order of their first item.

    Examples
    --------
    >>> group_numbers(["b", "a", "b"]).tolist()
    [0, 1, 0]
    """
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups], dtype=np.intp)


def sign_flip_test(
    differences: ArrayLike, groups: Sequence[Hashable] | None = None, *, resamples: int = RESAMPLES, seed: int = 0
) -> float:
    """Compute the two-sided p-value of one paired difference; see `sign_flip_tests`.

    Parameters
    ----------
    differences : array of shape (n,)
        For each item, one system's value minus the other's.
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
    """Test each column of paired differences by random sign flips of whole groups: two-sided p-values.

    If two systems are exchangeable, the sum of a group's differences is as likely to be negative as positive.
    p = (count + 1) / (resamples + 1), where count is the number of flips whose sum is at least as far from zero as the
    observed one. If the n groups that differ allow at most `resamples` patterns (2**n), p is the exact share
    of all patterns. It is never 0.

    Parameters
    ----------
    differences : array of shape (n,) or (n, m)
        One row per item, one column per comparison.
    groups, resamples, seed
        As in `intervals`. All columns share the flips; none depends on the values of another.
    """
    _, sums, _ = _by_group(differences, groups)
    # Sums in a different order differ in the last digits, but must count as equal.
    far = np.abs(sums.sum(axis=0)) - 1e-12 * np.abs(sums).sum(axis=0)
    moved = (sums != 0).sum(axis=0)
    exact = (moved < 2) | (2.0**moved <= resamples)
    p_values = np.ones(sums.shape[1])
    for column in np.flatnonzero(exact & (moved > 1)):  # with one group, every flip gives a sum of the same size
        some = sums[sums[:, column] != 0, column]
        patterns = np.arange(2 ** len(some))[:, None] >> np.arange(len(some)) & 1
        p_values[column] = (np.abs((2 * patterns - 1) @ some) >= far[column]).mean()
    drawn = np.flatnonzero(~exact)
    if len(drawn):
        count = np.zeros(len(drawn))
        n_groups = len(sums)
        rng, width, rows = np.random.default_rng(seed), -(-n_groups // 8), max(1, BLOCK // n_groups)
        for start in range(0, resamples, rows):  # a sign is one random bit
            m = min(rows, resamples - start)
            packed = np.frombuffer(rng.bytes(m * width), np.uint8).reshape(m, width)
            signs = 2 * np.unpackbits(packed, axis=1, count=n_groups).astype(np.float64) - 1
            count += (np.abs(signs @ sums[:, drawn]) >= far[drawn]).sum(axis=0)
        p_values[drawn] = (count + 1) / (resamples + 1)
    return p_values.tolist()


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
    """Compute the smallest true difference that a two-sided test at `alpha` detects with probability `power`.

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
    """Compute by how much the best of several equally good systems is expected to exceed their mean by chance.

    This is the expected maximum of that many independent normal errors.

    Parameters
    ----------
    error : float
        Part of a score's standard error that systems do not share: for systems scored on the same items, that
        of the paired difference divided by the square root of 2. The standard error of a score itself is an upper
        bound, since hard items are hard for all systems.
    systems : int
        Number of systems that were scored.

    Raises
    ------
    ValueError
        For a negative or undefined error, or fewer than one system.

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
    """Return the values as (n, m), their sums by group as (n_groups, m), and the sizes of the groups."""
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
    index = group_numbers(groups)
    sums = np.zeros((index.max() + 1, table.shape[1]))
    np.add.at(sums, index, table)
    return table, sums, np.bincount(index).astype(float)
