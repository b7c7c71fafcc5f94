"""Score a system on a task, query by query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pandas as pd

from toolkit import stats, vectors
from toolkit.evaluate.metrics import METRICS, depth, per_query, top
from toolkit.prepare import Task

DEPTH = 100  # documents kept for each query


@dataclass(frozen=True)
class Scores:
    """What a system reached on a task.

    Attributes
    ----------
    system : str
    task : Task
    ranking : mapping of query id to mapping of document id to score
    per_query : DataFrame
        One row a query, one column a metric.
    """

    system: str
    task: Task
    ranking: Mapping[str, Mapping[str, float]]
    per_query: pd.DataFrame

    @property
    def groups(self) -> list[Any]:
        """Group of each row of `per_query`; a query without one is its own."""
        return [self.task.groups.get(query, query) for query in self.per_query.index]

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a metric: ``model task metric score low high n n_groups``, with 95 % intervals over groups."""
        found = stats.intervals(self.per_query.to_numpy(), self.groups)
        return pd.DataFrame(
            {
                "model": self.system, "task": self.task.name, "metric": metric, "score": x.mean, "low": x.low,
                "high": x.high, "n": x.n, "n_groups": x.n_groups,
            }
            for metric, x in zip(self.per_query.columns, found, strict=True)
        )  # fmt: skip

    def unjudged(self, k: int = 10) -> float:
        """Share of the first `k` documents of each query that nobody judged, 0 to 1.

        They count as wrong. Where it is large, right answers may hide among them, and scores are too low.
        """
        found = [(query, top(self.ranking.get(query, {}), k)) for query in self.per_query.index]
        judged = self.task.data.qrels
        seen = sum(len(documents) for _, documents in found)
        return sum(d not in judged[q] for q, documents in found for d in documents) / seen if seen else 0.0

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False, float_format=lambda x: f"{x:.3f}")


def rank(model: Any, task: Task, *, depth: int = DEPTH, dtype: str = "auto") -> dict[str, dict[str, float]]:
    """Search the corpus of a task for all its queries: ``{query_id: {doc_id: score}}``, exactly.

    Parameters
    ----------
    model : model
        Anything with ``search(queries, k)``, such as `toolkit.vectors.bm25`, or with ``encode``. A
        sentence-transformers model encodes queries and documents each with its own prompt and side.
    task : Task
    depth : int
        Documents kept for each query.
    dtype : str
        As in `toolkit.vectors.encode`.
    """
    data = task.data
    if hasattr(model, "search"):
        found: dict[str, dict[str, float]] = model.search(data.queries, depth)
        return found
    documents = vectors.encode(model, list(data.corpus.values()), side="document", dtype=dtype)
    queries = vectors.encode(model, list(data.queries.values()), side="query", dtype=dtype)
    scores, ids = vectors.nearest(queries, documents, depth)
    names = list(data.corpus)
    return {
        query: {names[i]: float(s) for i, s in zip(row_ids, row, strict=True)}
        for query, row_ids, row in zip(data.queries, ids.tolist(), scores.tolist(), strict=True)
    }


def score(
    system: Any, task: Task, *, metrics: Sequence[str] = METRICS, name: str | None = None, dtype: str = "auto"
) -> Scores:
    """Score a system on every query of a task.

    Parameters
    ----------
    system : model or ranking
        A model as in `rank`, or a finished ranking ``{query_id: {doc_id: score}}``. Documents that are the query itself
        (`Task.echoes`) are left out of it.
    task : Task
    metrics : sequence of str
        See `per_query`.
    name : str, optional
        How the system is called in tables.
    dtype : str
        As in `toolkit.vectors.encode`.

    Raises
    ------
    ValueError
        When a ranking holds no query of the task, or documents that its corpus lacks.
    """
    if isinstance(system, Mapping):
        ranking = system
        if not set(ranking) & set(task.data.queries):
            raise ValueError(f"the ranking has none of the {len(task.data.queries)} queries of task {task.name!r}")
        strange = next((d for q in task.data.queries for d in ranking.get(q, {}) if d not in task.data.corpus), None)
        if strange is not None:
            raise ValueError(f"the ranking holds document {strange!r}, which the corpus of {task.name!r} lacks")
    else:
        ranking = rank(system, task, depth=max(DEPTH, depth(metrics)), dtype=dtype)
    ranking = task.without_echoes(ranking)
    table = per_query(ranking, {query: task.data.qrels[query] for query in task.data.queries}, metrics)
    return Scores(name or type(system).__name__, task, ranking, table)
