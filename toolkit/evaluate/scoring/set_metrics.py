"""Compute metrics of a whole set of items, such as a correlation, on many bootstrap resamples at once.

They are not means over items, so their intervals come from resamples of the set. A resample of groups gives each item a
weight: how often its group was drawn. A metric that takes weights is computed for a block of resamples as array
operations, instead of calling a library thousands of times in a loop. With weights of 1, the metrics equal
those of scipy and scikit-learn; with integer weights, they equal the values on repeated items.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from toolkit import stats

Values = NDArray[np.float64]

Weights = NDArray[np.float64]
"""Shape (b, n): for each of b resamples, the weight of each of n items."""

Metric = Callable[[Weights], Values]
"""Function from weights (b, n) to b values; nan if the metric is undefined on a resample."""


def item_weights(groups: Sequence[Hashable], *, resamples: int, seed: int) -> Iterator[Weights]:
    """Yield the weights of items in bootstrap resamples over groups, in blocks.

    Equal labels, `resamples` and `seed` give equal draws, so that two systems are resampled alike.

    Parameters
    ----------
    groups : sequence of n labels
        Items with equal labels are drawn together.
    resamples, seed : int
        As in `toolkit.stats.draws`, which makes the draws.

    Yields
    ------
    array of shape (b, n)
        `resamples` rows in all.

    Examples
    --------
    >>> [block] = item_weights(["a", "a", "b"], resamples=4, seed=0)
    >>> block.shape, bool((block[:, 0] == block[:, 1]).all()), bool((block[:, 1] + block[:, 2] == 2).all())
    ((4, 3), True, True)
    """
    index = stats.group_numbers(groups)
    step = max(1, stats.BLOCK // len(index))
    for counts in stats.draws(int(index.max()) + 1, resamples=resamples, seed=seed):
        for start in range(0, len(counts), step):
            yield counts[start : start + step, index].astype(np.float64)


def resampled(metric: Metric, groups: Sequence[Hashable], *, resamples: int, seed: int) -> Values:
    """Compute `metric` on bootstrap resamples over groups, shape (resamples,); all nan if there is only one group.

    Raises
    ------
    ValueError
        For fewer than one resample.
    """
    if resamples < 1:
        raise ValueError(f"expected resamples of at least 1, got {resamples}")
    if len(set(groups)) < 2:
        return np.full(resamples, np.nan)
    return np.concatenate([metric(weights) for weights in item_weights(groups, resamples=resamples, seed=seed)])


def mean(values: Values) -> Metric:
    """Return the mean of n values as a function of weights."""
    return lambda weights: weights @ values / weights.sum(axis=1)


def average(metrics: list[Metric]) -> Metric:
    """Average several metrics."""
    return lambda weights: np.mean([metric(weights) for metric in metrics], axis=0)


def ratio(above: Values, below: Values) -> Metric:
    """Divide the weighted sums of two columns of n values; nan if the denominator is 0."""
    return lambda weights: _ratio(weights @ above, weights @ below)


def pearson(one: ArrayLike, two: ArrayLike) -> Metric:
    """Compute Pearson's correlation of two columns of n values."""
    x, y = (side - side.mean() for side in (np.asarray(one, dtype=float), np.asarray(two, dtype=float)))
    return lambda weights: _correlation(x, y, weights)


def spearman(one: ArrayLike, two: ArrayLike) -> Metric:
    """Compute Spearman's correlation of two columns of n values; ties get their average rank.

    Examples
    --------
    >>> spearman([1, 2, 3, 4], [10, 30, 20, 40])(np.ones((1, 4)))
    array([0.8])
    """
    levels = [_levels(np.asarray(side, dtype=float)) for side in (one, two)]

    def metric(weights: Weights) -> Values:
        ranks = []
        for order, starts, level in levels:
            at_level = np.add.reduceat(weights[:, order], starts, axis=1)
            ranks.append((np.cumsum(at_level, axis=1) - at_level / 2)[:, level])
        return _correlation(ranks[0], ranks[1], weights)

    return metric


def _correlation(x: Values, y: Values, weights: Weights) -> Values:
    total = weights.sum(axis=1, keepdims=True)
    largest_x, largest_y = ((side**2).max(axis=-1) for side in (x, y))
    x = x - (weights * x).sum(axis=1, keepdims=True) / total
    y = y - (weights * y).sum(axis=1, keepdims=True) / total
    left = weights * x
    shared, own_x, own_y = (left * y).sum(axis=1), (left * x).sum(axis=1), (weights * y * y).sum(axis=1)
    # If all drawn values are equal, the remainder after subtracting the mean is rounding error.
    alike = (own_x <= 1e-13 * largest_x * total[:, 0]) | (own_y <= 1e-13 * largest_y * total[:, 0])
    return _ratio(shared, np.where(alike, 0, np.sqrt(own_x * own_y)))


def _levels(values: Values) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return the sort order of `values`, where each distinct value starts in it, and the value number of each item."""
    _, level, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.argsort(level, kind="stable"), np.cumsum(counts) - counts, level


class Curve:
    """Counts of pairs above every possible threshold, for scores and labels of 0 and 1."""

    def __init__(self, scores: ArrayLike, labels: ArrayLike) -> None:
        self.order, self.starts, _ = _levels(-np.asarray(scores, dtype=float))  # best first
        self.positive = np.asarray(labels, dtype=float)[self.order]

    def counts(self, weights: Weights) -> tuple[Values, Values, Values]:
        """Count for each threshold, highest first: positives at it, and positives and all pairs at or above it."""
        ordered = weights[:, self.order]
        here = np.add.reduceat(ordered * self.positive, self.starts, axis=1)
        above = np.cumsum(np.add.reduceat(ordered, self.starts, axis=1), axis=1)
        return here, np.cumsum(here, axis=1), above

    def average_precision(self, weights: Weights) -> Values:
        """Average the precision at each positive, as scikit-learn does: tied scores form one threshold."""
        here, right, above = self.counts(weights)
        precision = np.divide(right, above, out=np.zeros_like(right), where=above > 0)
        return _ratio((here * precision).sum(axis=1), right[:, -1])

    def best_f1(self, weights: Weights) -> Values:
        """Find the largest F1 over all thresholds."""
        _, right, above = self.counts(weights)
        return np.asarray(_ratio(2 * right, above + right[:, -1:]).max(axis=1))

    def best_accuracy(self, weights: Weights) -> Values:
        """Find the largest accuracy over all thresholds, including one above all scores."""
        _, right, above = self.counts(weights)
        gain = np.maximum(0, (2 * right - above).max(axis=1))  # compared with calling every pair negative
        return np.asarray((above[:, -1] - right[:, -1] + gain) / above[:, -1])

    def thresholds(self, scores: ArrayLike) -> dict[str, float]:
        """Find the thresholds with the best F1 and accuracy, halfway to the next lower score.

        This follows sentence-transformers. A pair counts as positive at or above the threshold.
        """
        _, right, above = (row[0] for row in self.counts(np.ones((1, len(self.order)))))
        level = np.unique(np.asarray(scores, dtype=float))[::-1]
        between = np.append((level[:-1] + level[1:]) / 2, level[-1])
        between = np.where(between == np.append(level[1:], -np.inf), level, between)  # rounded to the next
        gain = 2 * right - above
        none = float(np.nextafter(level[0], np.inf))
        return {
            "f1": float(between[np.argmax(2 * right / (above + right[-1]))]),
            "accuracy": float(between[np.argmax(gain)]) if gain.max() > 0 else none,
        }


def f1(predicted: ArrayLike, labels: ArrayLike) -> Metric:
    """Compute the F1 of predictions of 0 and 1."""
    found, true = (np.asarray(side, dtype=float) for side in (predicted, labels))
    return ratio(2 * found * true, found + true)


def macro_f1(predicted: ArrayLike, labels: ArrayLike) -> Metric:
    """Average the F1 of the classes that occur among the labels or the predictions."""
    return _class_f1(predicted, labels, lambda size, true: (size > 0).astype(np.float64))


def weighted_f1(predicted: ArrayLike, labels: ArrayLike) -> Metric:
    """Average the F1 of the classes, each weighted by how often it occurs among the labels."""
    return _class_f1(predicted, labels, lambda size, true: true)


def _class_f1(predicted: ArrayLike, labels: ArrayLike, share: Callable[[Values, Values], Values]) -> Metric:
    """Average the F1 of classes, weighted by `share`, a function of each class's size and number of labels."""
    n = len(np.asarray(labels))
    names, codes = np.unique(np.concatenate([np.asarray(predicted), np.asarray(labels)]), return_inverse=True)
    found, gold = (_one_hot(part, len(names)) for part in (codes[:n], codes[n:]))
    both = _one_hot(codes[n:], len(names), (codes[:n] == codes[n:]).astype(float))

    def metric(weights: Weights) -> Values:
        true = _times(weights, gold)
        size = _times(weights, found) + true
        each = np.divide(2 * _times(weights, both), size, out=np.zeros_like(size), where=size > 0)
        shares = share(size, true)
        return _ratio((shares * each).sum(axis=1), shares.sum(axis=1))

    return metric


def v_measure(clusters: ArrayLike, labels: ArrayLike) -> Metric:
    """Compute the v-measure of a clustering: the harmonic mean of homogeneity and completeness.

    Source: A. Rosenberg and J. Hirschberg, EMNLP 2007.
    """
    from scipy.special import entr

    group, true = (np.unique(np.asarray(side), return_inverse=True)[1] for side in (clusters, labels))
    pair = np.unique(group * (true.max() + 1) + true, return_inverse=True)[1]
    tables = [_one_hot(codes, int(codes.max()) + 1) for codes in (group, true, pair)]

    def metric(weights: Weights) -> Values:
        total = weights.sum(axis=1, keepdims=True)
        h_group, h_true, h_both = (entr(_times(weights, table) / total).sum(axis=1) for table in tables)
        both = h_group + h_true  # 0 if all items have one label and one cluster: perfect agreement
        found: Values = np.divide(2 * (both - h_both), both, out=np.ones_like(both), where=both > 1e-12)
        return found

    return metric


def _one_hot(codes: NDArray[np.intp], n: int, values: Values | None = None) -> Any:
    """Build a sparse table of shape (classes, items), since scipy needs the sparse operand on the left."""
    from scipy.sparse import csr_array

    entries = np.ones(len(codes)) if values is None else values
    return csr_array((entries, (codes, np.arange(len(codes)))), shape=(n, len(codes)))


def _times(weights: Weights, table: Any) -> Values:
    return np.ascontiguousarray((table @ weights.T).T)


def _ratio(above: Values, below: ArrayLike) -> Values:
    """Divide `above` by `below`; nan if `below` is 0."""
    below = np.asarray(below, dtype=float)
    found: Values = np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)
    return found
