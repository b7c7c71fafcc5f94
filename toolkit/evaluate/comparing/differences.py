"""Compute paired differences between systems on the same items, and find statistical ties."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit import stats
from toolkit.evaluate.scoring.scores import Scores

ALPHA = 0.05
MAX_UNDEFINED = 0.05  # maximum share of resamples on which a set metric may be undefined
MAIN = "nDCG@10"
COLUMNS = ["one", "other", "metric", "score", "difference", "low", "high", "p", "mdd", "better", "worse", "same", "n",
           "n_groups"]  # fmt: skip


def main_metric(metrics: Sequence[str]) -> str:
    """Return the default metric: nDCG@10 for a search, else the first."""
    return MAIN if MAIN in metrics else metrics[0]


def paired(
    systems: Mapping[str, Scores], pairs: Sequence[tuple[str, str]], metrics: Sequence[str] | None = None
) -> pd.DataFrame:
    """Test the difference of each pair of systems.

    Means over items: 95 % interval over groups and sign flips of groups, as in `toolkit.stats`. Set metrics (a
    correlation, an F1) have no difference per item: both systems are computed on the same resamples of groups, the
    interval is that of the differences, and p is twice the smaller share of them on one side of zero, with one
    added to count and total: below 0.05 if the interval excludes zero.

    Parameters
    ----------
    systems : mapping of name to Scores
        On the same items, as checked by `compare`.
    pairs : sequence of (one, other)
        The difference is one minus the other.
    metrics : sequence of str, optional
        Without it, every metric that both have.

    Returns
    -------
    DataFrame
        ``one other metric score difference low high p mdd better worse same n n_groups``; ``score`` is that of
        `one`, and ``better``, ``worse``, ``same`` count items (missing for a set metric).

    Raises
    ------
    ValueError
        When a set metric is undefined on too many resamples.
    """
    wanted = [
        (one, other, metric)
        for one, other in pairs
        for metric in systems[other].metrics
        if metric in systems[one].metrics and (metrics is None or metric in metrics)
    ]
    groups = next(iter(systems.values())).groups
    columns = {
        key: np.subtract(*(systems[name].per_query[key[2]].to_numpy(float) for name in key[:2]))
        for key in wanted
        if all(key[2] in systems[name].per_query for name in key[:2])
    }
    tests: dict[tuple[str, str, str], tuple[stats.Interval, float]] = {}
    if columns:
        table = np.stack(list(columns.values()), axis=1)
        found = zip(stats.intervals(table, groups), stats.sign_flip_tests(table, groups), strict=True)
        tests = dict(zip(columns, found, strict=True))
    drawn: dict[tuple[str, str], NDArray[np.float64]] = {}
    rows = []
    for key in wanted:
        one, other, metric = key
        counts: dict[str, Any] = dict.fromkeys(("better", "worse", "same"))
        if key in columns:
            signs = np.sign(np.round(columns[key], 12))
            counts = {word: int((signs == sign).sum()) for word, sign in (("better", 1), ("worse", -1), ("same", 0))}
        else:
            for name in (one, other):
                if (name, metric) not in drawn:
                    drawn[name, metric] = systems[name].resampled(metric)
            gap = systems[one].value(metric) - systems[other].value(metric)
            resamples = drawn[one, metric] - drawn[other, metric]
            tests[key] = resampled_test(gap, resamples, groups, f"{metric} of {one} and {other}")
        interval, p = tests[key]
        rows.append({
            "one": one, "other": other, "metric": metric, "score": systems[one].value(metric),
            "difference": interval.mean, "low": interval.low, "high": interval.high, "p": p,
            "mdd": stats.minimum_detectable_difference(interval.error), **counts,
            "n": interval.n, "n_groups": interval.n_groups,
        })  # fmt: skip
    result = pd.DataFrame(rows, columns=COLUMNS)
    counted = ["better", "worse", "same"]
    return result.astype(dict.fromkeys(counted, "int64" if result[counted].notna().all(axis=None) else "Int64"))


def resampled_test(
    gap: float, resamples: NDArray[np.float64], groups: Collection[Any], name: str = "the metric"
) -> tuple[stats.Interval, float]:
    """Return interval and p-value of a difference from its values on resamples of groups; see `paired`."""
    n, n_groups = len(groups), len(set(groups))
    if n_groups < 2:
        return stats.Interval(gap, np.nan, np.nan, np.nan, n, n_groups), 1.0
    kept = resamples[np.isfinite(resamples)]
    if len(kept) < (1 - MAX_UNDEFINED) * len(resamples):
        lost = f"{len(resamples) - len(kept):,} of {len(resamples):,} resamples of the {n_groups} groups"
        raise ValueError(f"{name} is undefined on {lost}: use a larger test set, or compare by other metrics")
    fewer = min(int((kept <= 0).sum()), int((kept >= 0).sum()))
    p = min(1.0, 2 * (fewer + 1) / (len(kept) + 1))
    return stats.Interval(gap, *stats.percentile_interval(kept), float(kept.std(ddof=1)), n, n_groups), p


def gap(one: Scores, other: Scores, metric: str) -> tuple[stats.Interval, float]:
    """Return the paired difference one minus other by one metric, and the minimum detectable difference.

    Raises
    ------
    ValueError
        For a metric that one of them lacks.
    """
    found = paired({"one": one, "other": other}, [("one", "other")], [metric])
    if found.empty:
        both = ", ".join(name for name in other.metrics if name in one.metrics)
        raise ValueError(f"expected a metric that both systems have ({both}), got {metric!r}")
    row = found.iloc[0]
    error = row["mdd"] / stats.minimum_detectable_difference(1.0)
    interval = stats.Interval(row["difference"], row["low"], row["high"], error, row["n"], row["n_groups"])
    return interval, float(row["mdd"])


def letters(names: Sequence[str], differ: Collection[tuple[str, str]]) -> dict[str, str]:
    """Make a compact letter display: two systems share a letter if and only if they do not differ significantly.

    Non-significance is not transitive: a may tie with b, and b with c, while a is significantly better than c.
    So a system may have several letters, and chains are not joined.

    Source: H.-P. Piepho, "An algorithm for a letter-based representation of all-pairwise comparisons", Journal of
    Computational and Graphical Statistics 13(2), 2004 (insert and absorb).

    Parameters
    ----------
    names : sequence of str
        Best first; the best has ``a``.
    differ : collection of pairs of names
        Pairs that differ significantly.

    Examples
    --------
    >>> letters(["x", "y", "z"], [("x", "z")])
    {'x': 'a', 'y': 'ab', 'z': 'b'}
    """
    shown = {frozenset(pair) for pair in differ}
    columns = [frozenset(names)]
    for one, other in combinations(names, 2):
        if frozenset((one, other)) not in shown:
            continue
        split = [part for c in columns for part in ((c - {one}, c - {other}) if {one, other} <= c else (c,))]
        distinct = list(dict.fromkeys(split))
        columns = [c for c in distinct if not any(c < wider for wider in distinct)]
    columns.sort(key=lambda column: sorted(names.index(name) for name in column))
    signs = [chr(ord("a") + number % 26) + "'" * (number // 26) for number in range(len(columns))]  # a to z, a', ...
    return {
        name: "".join(sign for sign, column in zip(signs, columns, strict=True) if name in column) for name in names
    }
