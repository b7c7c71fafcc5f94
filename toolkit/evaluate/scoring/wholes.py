"""Metrics of a whole set of items, on weighted items: correlations, average precision, F1, v-measure.

They are not means over items, so their intervals come from resamples of the items; see `resampling`. With weights of 1
they equal scipy's and scikit-learn's, and with whole numbers as weights they equal theirs on repeated items.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from toolkit.evaluate.scoring.resampling import Metric, Weights

Values = NDArray[np.float64]


def pearson(one: ArrayLike, two: ArrayLike) -> Metric:
    """Pearson's correlation of two columns of n values."""
    x, y = (side - side.mean() for side in (np.asarray(one, dtype=float), np.asarray(two, dtype=float)))
    return lambda weights: _correlation(x, y, weights)


def spearman(one: ArrayLike, two: ArrayLike) -> Metric:
    """Spearman's correlation of two columns of n values; equal values share the middle of their ranks.

    Examples
    --------
    >>> spearman([1, 2, 3, 4], [10, 30, 20, 40])(np.ones((1, 4)))
    array([0.8])
    """
    x, y = _ranker(one), _ranker(two)
    return lambda weights: _correlation(x(weights), y(weights), weights)


def _correlation(x: Values, y: Values, weights: Weights) -> Values:
    total = weights.sum(axis=1, keepdims=True)
    largest_x, largest_y = ((side**2).max(axis=-1) for side in (x, y))
    x = x - (weights * x).sum(axis=1, keepdims=True) / total
    y = y - (weights * y).sum(axis=1, keepdims=True) / total
    left = weights * x
    shared, own_x, own_y = (left * y).sum(axis=1), (left * x).sum(axis=1), (weights * y * y).sum(axis=1)
    # Where all drawn values are equal, what is left after the mean is taken off is rounding.
    alike = (own_x <= 1e-13 * largest_x * total[:, 0]) | (own_y <= 1e-13 * largest_y * total[:, 0])
    return _ratio(shared, np.where(alike, 0, np.sqrt(own_x * own_y)))


def _ranker(values: ArrayLike) -> Any:
    """A function from weights to the middle rank of each value among the weighted values, shape (b, n)."""
    order, starts, level = _levels(np.asarray(values, dtype=float))

    def ranks(weights: Weights) -> Values:
        at_level = np.add.reduceat(weights[:, order], starts, axis=1)
        middle: Values = np.cumsum(at_level, axis=1) - at_level / 2
        return middle[:, level]

    return ranks


def _levels(values: Values) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """The order that sorts `values`, where in it each distinct value begins, and the number of each item's value."""
    _, level, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.argsort(level, kind="stable"), np.cumsum(counts) - counts, level


class Curve:
    """Pairs above each of the possible thresholds, for scores and labels of 0 and 1."""

    def __init__(self, scores: ArrayLike, labels: ArrayLike) -> None:
        self.order, self.starts, _ = _levels(-np.asarray(scores, dtype=float))  # best first
        self.positive = np.asarray(labels, dtype=float)[self.order]

    def counts(self, weights: Weights) -> tuple[Values, Values, Values]:
        """At each threshold, falling: positives at it, positives from it upwards, all from it upwards."""
        ordered = weights[:, self.order]
        here = np.add.reduceat(ordered * self.positive, self.starts, axis=1)
        above = np.cumsum(np.add.reduceat(ordered, self.starts, axis=1), axis=1)
        return here, np.cumsum(here, axis=1), above

    def average_precision(self, weights: Weights) -> Values:
        """The mean precision at each positive, scikit-learn's definition: equal scores are one threshold."""
        here, right, above = self.counts(weights)
        precision = np.divide(right, above, out=np.zeros_like(right), where=above > 0)
        return _ratio((here * precision).sum(axis=1), right[:, -1])

    def best_f1(self, weights: Weights) -> Values:
        """The largest F1 that any threshold gives."""
        _, right, above = self.counts(weights)
        found = _ratio(2 * right, above + right[:, -1:])
        return np.asarray(found.max(axis=1))

    def best_accuracy(self, weights: Weights) -> Values:
        """The largest accuracy that any threshold gives, one above all scores included."""
        _, right, above = self.counts(weights)
        gain = np.maximum(0, (2 * right - above).max(axis=1))  # over calling every pair negative
        return np.asarray((above[:, -1] - right[:, -1] + gain) / above[:, -1])

    def thresholds(self, scores: ArrayLike) -> dict[str, float]:
        """Thresholds of the best F1 and the best accuracy: half way to the next lower score, as sentence-transformers.

        A pair counts as positive from the threshold upwards.
        """
        _, right, above = (row[0] for row in self.counts(np.ones((1, len(self.order)))))
        level = np.unique(np.asarray(scores, dtype=float))[::-1]
        between = np.append((level[:-1] + level[1:]) / 2, level[-1])
        between = np.where(between == np.append(level[1:], -np.inf), level, between)  # rounded into the next score
        gain = 2 * right - above
        none = float(np.nextafter(level[0], np.inf))
        return {
            "f1": float(between[np.argmax(2 * right / (above + right[-1]))]),
            "accuracy": float(between[np.argmax(gain)]) if gain.max() > 0 else none,
        }


def f1(said: ArrayLike, labels: ArrayLike) -> Metric:
    """F1 of answers of 0 and 1."""
    answer, true = (np.asarray(side, dtype=float) for side in (said, labels))
    return lambda weights: _ratio(2 * weights @ (answer * true), weights @ (answer + true))


def macro_f1(said: ArrayLike, labels: ArrayLike) -> Metric:
    """The mean F1 of the classes that occur among the labels or the answers."""
    right, given, true = _classes(said, labels)

    def metric(weights: Weights) -> Values:
        size = _times(weights, given) + _times(weights, true)
        each = np.divide(2 * _times(weights, right), size, out=np.zeros_like(size), where=size > 0)
        return _ratio(each.sum(axis=1), (size > 0).sum(axis=1))

    return metric


def weighted_f1(said: ArrayLike, labels: ArrayLike) -> Metric:
    """The mean F1 of the classes, each counted as often as it occurs among the labels."""
    right, given, true = _classes(said, labels)

    def metric(weights: Weights) -> Values:
        share = _times(weights, true)
        size = _times(weights, given) + share
        each = np.divide(2 * _times(weights, right), size, out=np.zeros_like(size), where=size > 0)
        return _ratio((share * each).sum(axis=1), share.sum(axis=1))

    return metric


def v_measure(clusters: ArrayLike, labels: ArrayLike) -> Metric:
    """The v-measure of one clustering: the harmonic mean of homogeneity and completeness.

    Source: A. Rosenberg and J. Hirschberg, EMNLP 2007.
    """
    from scipy.special import entr

    group, true = (np.unique(np.asarray(side), return_inverse=True)[1] for side in (clusters, labels))
    tables = [_one_hot(codes) for codes in (group, true, group * (true.max() + 1) + true)]

    def metric(weights: Weights) -> Values:
        total = weights.sum(axis=1, keepdims=True)
        h_group, h_true, h_both = (entr(_times(weights, table) / total).sum(axis=1) for table in tables)
        both = h_group + h_true  # 0 where all items are of one label and in one cluster, which agree
        found: Values = np.divide(2 * (both - h_both), both, out=np.ones_like(both), where=both > 1e-12)
        return found

    return metric


def average(metrics: list[Metric]) -> Metric:
    """The mean of several metrics."""
    return lambda weights: np.mean([metric(weights) for metric in metrics], axis=0)


def _classes(said: ArrayLike, labels: ArrayLike) -> tuple[Any, Any, Any]:
    """Tables (n, classes) of ones: right answers, answers, labels."""
    answer, true = np.asarray(said), np.asarray(labels)
    names, codes = np.unique(np.concatenate([answer, true]), return_inverse=True)
    answers, labelled = codes[: len(answer)], codes[len(answer) :]
    return (
        _one_hot(labelled, len(names), np.asarray(answers == labelled, dtype=float)),
        _one_hot(answers, len(names)),
        _one_hot(labelled, len(names)),
    )


def _one_hot(codes: NDArray[np.intp], n: int | None = None, values: Values | None = None) -> Any:
    """Transposed, shape (classes, n): scipy multiplies a sparse table from the left."""
    from scipy.sparse import csr_array

    if n is None:
        _, codes = np.unique(codes, return_inverse=True)
        n = int(codes.max()) + 1
    entries = np.ones(len(codes)) if values is None else values
    return csr_array((entries, (codes, np.arange(len(codes)))), shape=(n, len(codes)))


def _times(weights: Weights, table: Any) -> Values:
    return np.ascontiguousarray((table @ weights.T).T)


def _ratio(above: Any, below: Any) -> Values:
    """`above` over `below`; nan where `below` is 0."""
    below = np.asarray(below, dtype=float)
    found: Values = np.divide(above, below, out=np.full(below.shape, np.nan), where=below > 0)
    return found
