"""Paired differences of two systems that saw the same items, and which systems cannot be told apart."""

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
UNDEFINED = 0.05
"""Share of resamples in which a metric of the whole may be undefined; beyond it there is no interval to speak of."""


MAIN = "nDCG@10"


def main_metric(metrics: Sequence[str]) -> str:
    """The metric that decides where none is named: nDCG@10 of a search, else the first."""
    return MAIN if MAIN in metrics else metrics[0]


def check_alike(scores: Mapping[str, Scores], baseline: str) -> None:
    """See that all systems were scored on the same items, in the same groups, and have numbers to be compared.

    Raises
    ------
    ValueError
        Naming the system, what differs, and what to do.
    """
    base = scores[baseline]
    for name, other in scores.items():
        if other.task.digest != base.task.digest or list(other.per_query.index) != list(base.per_query.index):
            raise ValueError(
                f"{name!r} was scored on task {other.task.name!r} and {baseline!r} on {base.task.name!r}, which hold "
                f"different queries, documents or judgements: score both on one task"
            )
        if _numbered(other.groups) != _numbered(base.groups):
            raise ValueError(
                f"{name!r} and {baseline!r} were scored with different groups of items that belong together: score "
                f"both on one task"
            )
        if not _common(other, base):
            raise ValueError(
                f"{name!r} and {baseline!r} have no metric in common: {', '.join(other.metrics)} and "
                f"{', '.join(base.metrics)}"
            )
        unusable = [metric for metric in other.metrics if not np.isfinite(other.value(metric))]
        if unusable:
            raise ValueError(
                f"{name!r} has no {unusable[0]} (nan): constant scores or vectors that are nan, mostly. Look at its "
                f"predictions, and score it again or leave it out"
            )


def paired(
    systems: Mapping[str, Scores], pairs: Sequence[tuple[str, str]], metrics: Sequence[str] | None = None
) -> pd.DataFrame:
    """Difference, interval and test of each pair of systems.

    Means over items: 95 % interval over groups and sign flips of groups, as in `toolkit.stats`. Metrics of the whole (a
    correlation, an F1) have no difference per item: both systems are worked out on the same resamples of groups, the
    interval is that of the differences, and p is twice the smaller share of them on either side of zero, with one
    added to count and number: below 0.05 where the interval excludes zero.

    Parameters
    ----------
    systems : mapping of name to Scores
        Of the same items; see `check_alike`.
    pairs : sequence of (one, other)
        The difference is one minus the other.
    metrics : sequence of str, optional
        Without it, every metric that both have.

    Returns
    -------
    DataFrame
        ``one other metric score difference low high p mdd better worse same n n_groups``; ``score`` is that of
        `one`, and ``better``, ``worse``, ``same`` count items (missing for a metric of the whole).

    Raises
    ------
    ValueError
        When a metric of the whole is undefined on too many resamples.
    """
    wanted = [
        (one, other, metric)
        for one, other in pairs
        for metric in _common(systems[one], systems[other])
        if metrics is None or metric in metrics
    ]
    groups = next(iter(systems.values())).groups
    columns = {
        key: systems[one].per_query[metric].to_numpy(float) - systems[other].per_query[metric].to_numpy(float)
        for key in wanted
        for one, other, metric in [key]
        if metric in systems[one].per_query and metric in systems[other].per_query
    }
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    if columns:
        table = np.stack(list(columns.values()), axis=1)
        tests = zip(stats.intervals(table, groups), stats.sign_flip_tests(table, groups), strict=True)
        for (key, values), (interval, p) in zip(columns.items(), tests, strict=True):
            signs = np.sign(np.round(values, 12))
            counts = {word: int((signs == sign).sum()) for word, sign in (("better", 1), ("worse", -1), ("same", 0))}
            found[key] = _row(interval, p) | counts
    drawn: dict[tuple[str, str], NDArray[np.float64]] = {}
    for one, other, metric in wanted:
        if (one, other, metric) in found:
            continue
        for name in (one, other):
            if (name, metric) not in drawn:
                drawn[name, metric] = systems[name].resampled(metric)
        gap = systems[one].value(metric) - systems[other].value(metric)
        interval, p = _whole(gap, drawn[one, metric] - drawn[other, metric], groups, f"{metric} of {one} and {other}")
        found[one, other, metric] = _row(interval, p) | dict.fromkeys(("better", "worse", "same"), None)
    rows = [
        {"one": one, "other": other, "metric": metric, "score": systems[one].value(metric), **found[one, other, metric]}
        for one, other, metric in wanted
    ]
    ordered = ["one", "other", "metric", "score", "difference", "low", "high", "p", "mdd",
               "better", "worse", "same", "n", "n_groups"]  # fmt: skip
    result = pd.DataFrame(rows, columns=ordered)
    counted = ["better", "worse", "same"]
    return result.astype(dict.fromkeys(counted, "int64" if result[counted].notna().all(axis=None) else "Int64"))


def _numbered(groups: Sequence[Any]) -> list[int]:
    """Groups by number, in the order in which they come: equal for equal groups, whatever they are called."""
    numbers: dict[Any, int] = {}
    return [numbers.setdefault(group, len(numbers)) for group in groups]


def _common(one: Scores, other: Scores) -> list[str]:
    return [metric for metric in other.metrics if metric in one.metrics]


def _row(interval: stats.Interval, p: float) -> dict[str, Any]:
    return {
        "difference": interval.mean, "low": interval.low, "high": interval.high, "p": p,
        "mdd": stats.minimum_detectable_difference(interval.error), "n": interval.n, "n_groups": interval.n_groups,
    }  # fmt: skip


def _whole(gap: float, drawn: NDArray[np.float64], groups: Collection[Any], name: str) -> tuple[stats.Interval, float]:
    """Interval and p-value of a difference from its values on resamples."""
    n, n_groups = len(groups), len(set(groups))
    if n_groups < 2:
        return stats.Interval(gap, np.nan, np.nan, np.nan, n, n_groups), 1.0
    kept = drawn[np.isfinite(drawn)]
    if len(kept) < (1 - UNDEFINED) * len(drawn):
        raise ValueError(
            f"{name} is undefined on {len(drawn) - len(kept):,} of {len(drawn):,} resamples of the {n_groups} groups: "
            f"too few items of a kind to compare by it. Take a larger test set, or compare by other metrics"
        )
    low, high = np.percentile(kept, [2.5, 97.5])
    fewer = min(int((kept <= 0).sum()), int((kept >= 0).sum()))
    p = min(1.0, 2 * (fewer + 1) / (len(kept) + 1))
    return stats.Interval(gap, float(low), float(high), float(kept.std(ddof=1)), n, n_groups), p


def gap(one: Scores, other: Scores, metric: str) -> tuple[stats.Interval, float]:
    """The paired difference one minus other by one metric, and the smallest that would have been seen."""
    if metric not in _common(one, other):
        raise ValueError(f"expected a metric that both have ({', '.join(_common(one, other))}), got {metric!r}")
    row = paired({"one": one, "other": other}, [("one", "other")], [metric]).iloc[0]
    error = row["mdd"] / stats.minimum_detectable_difference(1.0)
    interval = stats.Interval(row["difference"], row["low"], row["high"], error, row["n"], row["n_groups"])
    return interval, float(row["mdd"])


def letters(names: Sequence[str], differ: Collection[tuple[str, str]]) -> dict[str, str]:
    """Compact letter display: two systems share a letter exactly where they are not shown to differ.

    Being "not shown to differ" does not carry over: a may be level with b, and b with c, while a is shown to be better
    than c. So a system may bear several letters, and chains are not joined.

    Source: H.-P. Piepho, "An algorithm for a letter-based representation of all-pairwise comparisons", Journal of
    Computational and Graphical Statistics 13(2), 2004 (insert and absorb).

    Parameters
    ----------
    names : sequence of str
        Best first; the best bears ``a``.
    differ : collection of pairs of names
        Those that are shown to differ.

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
    return {name: "".join(_letter(i) for i, column in enumerate(columns) if name in column) for name in names}


def _letter(number: int) -> str:
    """From a to z, then a', b' and so on."""
    return chr(ord("a") + number % 26) + "'" * (number // 26)
