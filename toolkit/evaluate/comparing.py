"""Compare systems on the same queries: paired differences, intervals over groups, tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from toolkit import stats, vectors
from toolkit.evaluate.scoring import Scores, score
from toolkit.prepare import Task


@dataclass(frozen=True)
class Comparison:
    """Systems beside a baseline.

    Attributes
    ----------
    baseline : str
    table : DataFrame
        One row a system and metric: ``model metric score difference low high p p_holm visible better worse same n
        n_groups``. ``low`` and ``high`` enclose the paired difference (95 %), ``visible`` is the smallest true
        difference that this test would have shown with 80 % probability, ``better``, ``worse`` and ``same`` count
        queries.
    scores : mapping of name to Scores
    """

    baseline: str
    table: pd.DataFrame
    scores: Mapping[str, Scores]

    @property
    def results(self) -> pd.DataFrame:
        """The tables of all systems, one below the other: ``model task metric score low high n n_groups``."""
        return pd.concat([scores.table.assign(model=name) for name, scores in self.scores.items()], ignore_index=True)

    @property
    def per_query(self) -> pd.DataFrame:
        """One row a query: its id and text, then every metric of every system."""
        parts = [scores.per_query.add_prefix(f"{name} ") for name, scores in self.scores.items()]
        table = pd.concat(parts, axis=1).reset_index()
        table.insert(1, "query", [self.scores[self.baseline].task.data.queries[query] for query in table["query_id"]])
        return table

    def only(self, queries: Iterable[str], name: str) -> Comparison:
        """The same systems compared on some of the queries, under another name of the task, without a new search."""
        wanted = set(queries)
        parts = {}
        for system, scores in self.scores.items():
            task = scores.task.only(wanted, name)
            parts[system] = replace(scores, task=task, per_query=scores.per_query.loc[list(task.data.queries)])
        return compare(parts, baseline=self.baseline)

    def row(self, system: str, metric: str) -> pd.Series:
        """The row of one system and metric."""
        found = self.table[(self.table["model"] == system) & (self.table["metric"] == metric)]
        if found.empty:
            raise ValueError(f"no comparison of {system!r} with {self.baseline!r} by {metric!r}")
        return found.iloc[0]

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False, float_format=lambda x: f"{x:.3f}")


def contest(models: Mapping[str, Any], task: Task, *, dtype: str = "auto", language: str = "english") -> Comparison:
    """Score models on a task beside keyword search, and each also fused with keyword search.

    Parameters
    ----------
    models : mapping of name to model
        The first is the baseline.
    task : Task
    dtype : str
        As in `toolkit.vectors.encode`.
    language : str
        Of the keyword search, as in `toolkit.vectors.bm25`.

    Returns
    -------
    Comparison
        Of ``"BM25"``, the models, and for each ``"<model>+BM25"`` (reciprocal rank fusion).
    """
    base = next(iter(models), None)
    if base is None or {"BM25", *(f"{name}+BM25" for name in models)} & set(models):
        raise ValueError(f"expected models with names other than 'BM25' and '<model>+BM25', got {list(models)}")
    scores = {"BM25": score(vectors.bm25(task.data.corpus, language=language), task, name="BM25")}
    for name, model in models.items():
        scores[name] = score(model, task, name=name, dtype=dtype)
    for name in models:
        fused = vectors.fuse(scores[name].ranking, scores["BM25"].ranking)
        scores[f"{name}+BM25"] = score(fused, task, name=f"{name}+BM25")
    return compare(scores, baseline=base)


def compare(scores: Mapping[str, Scores], *, baseline: str) -> Comparison:
    """Compare each system with the baseline, query by query.

    Read the interval of the difference, not the overlap of two intervals: the queries are the same. A difference that
    is not shown is not shown to be zero: ``visible`` says what could have been seen. p-values are of sign flips of
    whole groups, adjusted by Holm over all rows of the table.

    Parameters
    ----------
    scores : mapping of name to Scores
        All of the same task.
    baseline : str
        One of the names.

    Raises
    ------
    ValueError
        When the baseline is missing, there is nothing to compare, or the systems saw different queries.
    """
    if baseline not in scores or len(scores) < 2:
        raise ValueError(f"expected at least two systems, {baseline!r} among them; got {', '.join(scores) or 'none'}")
    base = scores[baseline]
    rows = []
    for name, other in scores.items():
        if other.task.digest != base.task.digest or list(other.per_query.index) != list(base.per_query.index):
            raise ValueError(
                f"{name!r} was scored on task {other.task.name!r} and {baseline!r} on {base.task.name!r}, which hold "
                f"different queries, documents or judgements: score both on one task"
            )
        if name == baseline:
            continue
        metrics = [metric for metric in base.per_query if metric in other.per_query]
        if not metrics:
            raise ValueError(
                f"{name!r} and {baseline!r} have no metric in common: {', '.join(map(str, other.per_query))} and "
                f"{', '.join(map(str, base.per_query))}"
            )
        differences = other.per_query[metrics].to_numpy() - base.per_query[metrics].to_numpy()
        found = stats.intervals(differences, base.groups)
        for column, (metric, interval) in enumerate(zip(metrics, found, strict=True)):
            signs = np.sign(np.round(differences[:, column], 12))
            rows.append({
                "model": name, "metric": metric, "score": float(other.per_query[metric].mean()),
                "difference": interval.mean, "low": interval.low, "high": interval.high,
                "p": stats.sign_flip_test(differences[:, column], base.groups),
                "visible": stats.smallest_visible(interval.error),
                "better": int((signs > 0).sum()), "worse": int((signs < 0).sum()), "same": int((signs == 0).sum()),
                "n": interval.n, "n_groups": interval.n_groups,
            })  # fmt: skip
    table = pd.DataFrame(rows)
    table.insert(list(table.columns).index("p") + 1, "p_holm", stats.holm(list(table["p"])))
    return Comparison(baseline, table, dict(scores))
