"""Score a model or system on a task, item by item."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit import report, stats
from toolkit.evaluate.scoring import set_metrics
from toolkit.evaluate.scoring.inference import Model, wrap_vectors
from toolkit.evaluate.scoring.metrics import depth, per_query
from toolkit.evaluate.scoring.predictions import (
    THRESHOLDS,
    item_metrics,
    metric_names,
    predict,
    set_metric,
    unseen_label_warning,
)
from toolkit.evaluate.scoring.ranking import DEPTH, Found, rank, system_of
from toolkit.prepare import Task
from toolkit.prepare.tasks import check_task
from toolkit.vectors import Ranking, System
from toolkit.vectors.rankings import top
from toolkit.vectors.reranking import is_cross_encoder

MIN_GROUPS = 20  # with fewer groups, a bootstrap interval is called rough
RESAMPLES = 2_000  # bootstrap resamples for set metrics
COLUMNS = ["model", "task", "metric", "score", "low", "high", "n", "n_groups"]


@dataclass(frozen=True)
class Scores:
    """Scores of a model or system on a task. Made by `score`.

    Attributes
    ----------
    name : str
        Name in tables.
    task : Task
    ranking : mapping of query id to mapping of document id to score
        Empty for a task whose data are a table.
    per_query : DataFrame
        One row per item (query or table row), one column per metric that is a mean over items. Set metrics have
        no column.
    predictions : DataFrame or None
        One row per item: ``score`` of a pair, ``label``, ``cluster 0``, ``target``, ... None for a ranking.
    metrics : list of str
        All metrics, set metrics (a correlation, an F1) included; the first is the main one.
    thresholds : mapping of metric to float
        For pairs: the score above which a pair counts as positive, by the metric that it was chosen for, ``f1`` and
        ``accuracy``. Those passed to `score`; by default the best on these pairs, for use on others.
    notes : list of str
        Caveats for the reader.
    system : System or None
        The system that ranked the documents. None for a task whose data are a table, and for a cross-encoder.
    """

    name: str
    task: Task
    ranking: Ranking
    per_query: pd.DataFrame
    predictions: pd.DataFrame | None = None
    metrics: list[str] = field(default_factory=list)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    system: System | None = None

    def __post_init__(self) -> None:
        if not self.metrics:
            object.__setattr__(self, "metrics", list(self.per_query))

    @property
    def groups(self) -> list[Any]:
        """Group of each row of `per_query`; an item without a group is its own group."""
        return [self.task.group_of(item) for item in self.per_query.index]

    def value(self, metric: str) -> float:
        """Return the value of a metric, on its own scale: most are 0 to 1, a correlation is -1 to 1."""
        return float(self.weighted(metric)(np.ones((1, len(self.per_query))))[0])

    def resampled(self, metric: str, *, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.float64]:
        """Compute a metric on bootstrap resamples over groups, shape (resamples,).

        Equal tasks give equal resamples, so differences between two such arrays are paired. A threshold that is chosen
        on the data is chosen again on each resample; classifiers and clusterings are not refitted.

        A resample that leaves the metric undefined, since all its pairs have one label or score, gives nan; that
        happens only in very small sets. With fewer than two groups all are nan.
        """
        return set_metrics.resampled(self.weighted(metric), self.groups, resamples=resamples, seed=seed)

    def weighted(self, metric: str) -> set_metrics.Metric:
        """Return a metric as a function of the weights of the items."""
        if metric not in self.metrics:
            raise ValueError(f"{self.name!r} was not scored with {metric!r}, only with {', '.join(self.metrics)}")
        if metric in self.per_query:
            return set_metrics.mean(self.per_query[metric].to_numpy(dtype=float))
        assert self.predictions is not None  # only tables have set metrics
        return set_metric(self.task.kind, metric, self.task.rows, self.predictions, self.thresholds)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row per metric: ``model task metric score low high n n_groups``, with 95 % intervals over groups."""
        groups, columns = self.groups, [metric for metric in self.metrics if metric in self.per_query]
        means = stats.intervals(self.per_query[columns].to_numpy(dtype=float), groups) if columns else []
        found = {metric: (x.mean, x.low, x.high) for metric, x in zip(columns, means, strict=True)}
        rows = []
        for metric in self.metrics:
            if metric not in found:
                found[metric] = self.value(metric), *stats.percentile_interval(self.resampled(metric))
            rows.append((self.name, self.task.name, metric, *found[metric], len(groups), len(set(groups))))
        return pd.DataFrame(rows, columns=COLUMNS)

    def only(self, items: Iterable[str], name: str) -> Scores:
        """Score some of the queries or rows, under a new task name, without running the model again.

        Classifiers and clusterings are still those of all rows.
        """
        wanted = set(items) & set(self.task.items)
        if not wanted:
            raise ValueError(f"none of the items is in task {self.task.name!r}; it has {self.task.items[:3]}, ...")
        task = self.task.only(wanted, name)
        predictions = None if self.predictions is None else self.predictions.loc[task.items]
        ranking = {query: self.ranking[query] for query in task.items if query in self.ranking}
        return replace(
            self, task=task, ranking=ranking, per_query=self.per_query.loc[task.items], predictions=predictions,
            notes=_notes(task),
        )  # fmt: skip

    def unjudged(self, k: int = 10) -> float:
        """Return the share of the first `k` documents of each query without a judgement, 0 to 1.

        They count as not relevant. If the share is large, relevant documents may be among them, and scores are too
        low.
        """
        found = [(query, top(self.ranking.get(query, {}), k)) for query in self.per_query.index]
        seen = sum(len(documents) for _, documents in found)
        return sum(d not in self.task.data.qrels[q] for q, row in found for d in row) / seen if seen else 0.0

    def _repr_html_(self) -> str:
        return report.cell(self.table, self.notes)


def score(
    model: Model,
    task: Task,
    *,
    metrics: Sequence[str] | None = None,
    name: str | None = None,
    dtype: str = "auto",
    threshold: float | Mapping[str, float] | None = None,
) -> Scores:
    """Score a model or system on every item of a task.

    ============== ============================================================================= =====================
    kind           metrics, the main one first                                                   models
    ============== ============================================================================= =====================
    retrieval      ``accuracy@k nDCG@k MRR@k recall@k precision@k MAP@k``                        encode, search, ranking
    reranking      the same; ``MAP@1000 MRR@10 nDCG@10`` without `metrics`                       also predict
    similarity     ``spearman pearson`` with the scores of the task                              encode, predict
    pairs          ``average_precision best_f1 best_accuracy``, ``f1 accuracy`` by `threshold`   encode, predict
    classification ``accuracy macro_f1`` of a logistic regression, ``knn_accuracy knn_macro_f1`` encode
    clustering     ``v_measure``                                                                 encode
    bitext         ``f1``, ``mean_accuracy src2trg_accuracy trg2src_accuracy``                   encode
    ============== ============================================================================= =====================

    Classifiers learn from frozen vectors of `Task.train`, all of them: a logistic regression as in MTEB (C = 1), the
    majority of the 5 nearest by cosine. Clusterings are ten mini-batch k-means of all texts with as many clusters as
    labels, with the mean v-measure (MTEB clusters ten samples instead). In a bitext each row's translation is the
    nearest of all; ``f1`` follows MTEB, where another row with the same text is wrong, and the accuracies follow
    sentence-transformers, where it is correct.

    Vectors and scores of cross-encoders are cached: further metrics of the same model need no inference. To score the
    same ranking again, pass ``scores.ranking``.

    Parameters
    ----------
    model : Encoder, Reranker, System, ranking or vectors
        Anything with ``encode`` (a sentence-transformers model, a static one), ``predict(pairs)`` (a cross-encoder) or
        ``search(queries, k)`` (`toolkit.vectors.bm25`, `toolkit.vectors.rerank`, a bundle); a finished ranking
        ``{query_id: {doc_id: score}}``; or precomputed vectors, of any norm: ``{text: vector}``, or arrays with a
        row per item, ``{"queries": ..., "documents": ...}``, ``{"sentence1": ..., "sentence2": ...}``,
        ``{"text": ..., "train": ...}``. Documents that are the query itself (`Task.self_matches`) are left out of a
        ranking.
    task : Task
    metrics : sequence of str, optional
        By default those of the table; for retrieval ``accuracy@1 nDCG@10 MRR@10 recall@10``.
    name : str, optional
        Name of the model or system in tables.
    dtype : str
        As in `toolkit.vectors.encode`.
    threshold : float or mapping, optional
        For pairs: the score above which a pair counts as positive; or one for each of ``f1`` and ``accuracy``, as in
        ``score(model, dev).thresholds``. Without it, ``best_f1`` and ``best_accuracy`` are those of the best
        threshold on these same pairs, which is too optimistic.

    Raises
    ------
    ValueError
        For a metric that the kind does not have, a model that does not support the task, a ranking of other queries or
        documents, vectors that are missing, not finite or of different dimensions, scores that are all equal when a
        correlation is requested, or data with a single label.

    Warns
    -----
    UserWarning
        When a classification has labels that no training text has (such rows count as wrong), or results of another
        search engine lack some of the queries.
    """
    check_task(task)
    thresholds: dict[str, float] = {}
    if threshold is not None:
        given = dict(threshold) if isinstance(threshold, Mapping) else dict.fromkeys(THRESHOLDS, threshold)
        numbers = all(isinstance(value, (int, float)) and np.isfinite(value) for value in given.values())
        if not given or set(given) - set(THRESHOLDS) or not numbers:
            raise ValueError(f"expected a threshold as a number, or {{'f1': ..., 'accuracy': ...}}; got {threshold!r}")
        thresholds = {metric: float(value) for metric, value in given.items()}
    wanted = metric_names(task.kind, metrics, thresholds)
    called = name or getattr(model, "name", None) or type(model).__name__
    wrapped = wrap_vectors(model, task)
    if task.kind in ("retrieval", "reranking"):
        system = None
        if task.kind == "retrieval" or not is_cross_encoder(wrapped):
            system = system_of(model, task, name=called, dtype=dtype)
        if task.kind == "reranking" and isinstance(wrapped, Mapping):
            for query, offered in (task.data.candidates or {}).items():
                if extra := set(wrapped.get(query, {})) - set(offered):
                    raise ValueError(f"document {min(extra)!r} of query {query!r} is not one of its candidates")
        ranking = rank(system or model, task, depth=max(DEPTH, depth(wanted)))
        return score_ranking(ranking, task, wanted, name=called, system=system)
    if task.kind == "classification" and (warning := unseen_label_warning(task)):
        warnings.warn(warning, UserWarning, stacklevel=2)
    predictions = predict(wrapped, task, wanted, dtype=dtype)
    table = item_metrics(task.kind, task.rows, predictions, thresholds)
    table = table[[metric for metric in wanted if metric in table]]
    if task.kind == "pairs" and not thresholds:
        thresholds = set_metrics.Curve(predictions["score"], task.rows["label"]).thresholds(predictions["score"])
    return Scores(called, task, {}, table, predictions, wanted, thresholds, _notes(task))


def score_ranking(ranking: Found, task: Task, metrics: Sequence[str], *, name: str, system: System | None) -> Scores:
    """Score the ranking of a system, without documents that equal the query."""
    kept = task.without_self_matches(ranking)
    table = per_query(kept, {query: task.data.qrels[query] for query in task.data.queries}, metrics)
    return Scores(name, task, kept, table, notes=_notes(task), system=system)


def _notes(task: Task) -> list[str]:
    notes = [warning] if (warning := unseen_label_warning(task)) else []
    n_groups = len(set(map(task.group_of, task.items)))
    if n_groups < 2:
        notes.append("All items are in one group: no interval can be given.")
    elif n_groups < MIN_GROUPS:
        notes.append(f"Only {n_groups} independent items or groups: the intervals are rough, likely too narrow.")
    return notes
