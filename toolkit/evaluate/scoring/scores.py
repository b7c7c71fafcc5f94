"""Score a system on a task, item by item."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit import stats
from toolkit.evaluate.scoring import kinds, predicting, resampling
from toolkit.evaluate.scoring.asking import is_ranking
from toolkit.evaluate.scoring.metrics import depth, per_query, top
from toolkit.evaluate.scoring.ranking import DEPTH, rank
from toolkit.evaluate.scoring.wholes import Curve
from toolkit.prepare import Task
from toolkit.prepare.tasks import check_task

FEW = 20  # groups below which a bootstrap interval is called rough
RESAMPLES = 2_000  # of a metric of the whole


@dataclass(frozen=True)
class Scores:
    """What a system reached on a task.

    Attributes
    ----------
    system : str
    task : Task
    ranking : mapping of query id to mapping of document id to score
        Empty for a task whose data are a table.
    per_query : DataFrame
        One row an item (a query, or a row of a table), one column a metric that is a mean over items; of other metrics
        there is no column.
    predictions : DataFrame or None
        What the system said, one row an item: ``score`` of a pair, ``label``, ``cluster 0``, ``target``, ... None for a
        ranking.
    metrics : list of str
        All metrics, those of the whole (a correlation, an F1) included; the first is the main one.
    thresholds : mapping of metric to float
        Of pairs: the score from which a pair counts as positive, by the metric that it was chosen for, ``f1`` and
        ``accuracy``. Those given to `score`; without any, the best for these very pairs, for use on others.
    notes : list of str
        What a reader should know.
    """

    system: str
    task: Task
    ranking: Mapping[str, Mapping[str, float]]
    per_query: pd.DataFrame
    predictions: pd.DataFrame | None = None
    metrics: list[str] = field(default_factory=list)
    thresholds: Mapping[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.metrics:
            object.__setattr__(self, "metrics", list(self.per_query))

    @property
    def groups(self) -> list[Any]:
        """Group of each row of `per_query`; an item without one is its own."""
        return [self.task.group_of(item) for item in self.per_query.index]

    def value(self, metric: str) -> float:
        """The value of a metric, in its own unit: most are 0 to 1, a correlation is -1 to 1."""
        return float(self._of(metric)(np.ones((1, len(self.per_query))))[0])

    def resampled(self, metric: str, *, resamples: int = RESAMPLES, seed: int = 0) -> NDArray[np.float64]:
        """The metric on bootstrap resamples over groups, shape (resamples,).

        Systems scored on one task are resampled alike, so that differences of two such arrays are paired. A threshold
        that is chosen on the data is chosen again on each resample; classifiers and clusterings stay as they are.

        A resample that leaves the metric undefined, since all its pairs have one label or score, gives nan; that
        happens in very small sets alone. With fewer than two groups all are nan, since nothing can be said then.
        """
        return resampling.resampled(self._of(metric), self.groups, resamples=resamples, seed=seed)

    def _of(self, metric: str) -> resampling.Metric:
        if metric not in self.metrics:
            raise ValueError(f"{self.system!r} was not scored by {metric!r}; it has {', '.join(self.metrics)}")
        if metric in self.per_query:
            return resampling.mean(self.per_query[metric].to_numpy(dtype=float))
        rows, said = self.task.rows, self.predictions
        assert said is not None  # metrics of the whole are of tables
        return kinds.of_whole(self.task.kind, metric, rows, said, self.thresholds)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a metric: ``model task metric score low high n n_groups``, with 95 % intervals over groups."""
        groups, columns = self.groups, [metric for metric in self.metrics if metric in self.per_query]
        found: dict[str, tuple[float, float, float]] = {}
        if columns:
            means = stats.intervals(self.per_query[columns].to_numpy(dtype=float), groups)
            found = {metric: (x.mean, x.low, x.high) for metric, x in zip(columns, means, strict=True)}
        for metric in self.metrics:
            if metric not in found:
                found[metric] = (self.value(metric), *_ends(self.resampled(metric)))
        return pd.DataFrame(
            {
                "model": self.system, "task": self.task.name, "metric": metric, "score": found[metric][0],
                "low": found[metric][1], "high": found[metric][2], "n": len(groups), "n_groups": len(set(groups)),
            }
            for metric in self.metrics
        )  # fmt: skip

    def only(self, items: Iterable[str], name: str) -> Scores:
        """The same answers, scored on some of the queries or rows, under another name of the task: nothing is run.

        Classifiers and clusterings stay those of all rows.
        """
        wanted = set(items) & set(self.task.items)
        if not wanted:
            raise ValueError(f"none of the items is in task {self.task.name!r}; it has {self.task.items[:3]}, ...")
        task = self.task.only(wanted, name)
        said = None if self.predictions is None else self.predictions.loc[task.items]
        ranking = {query: self.ranking[query] for query in task.items if query in self.ranking}
        return replace(
            self, task=task, ranking=ranking, per_query=self.per_query.loc[task.items], predictions=said,
            notes=_notes(task, len(set(map(task.group_of, task.items)))),
        )  # fmt: skip

    def unjudged(self, k: int = 10) -> float:
        """Share of the first `k` documents of each query that nobody judged, 0 to 1.

        They count as wrong. Where it is large, right answers may hide among them, and scores are too low.
        """
        found = [(query, top(self.ranking.get(query, {}), k)) for query in self.per_query.index]
        seen = sum(len(documents) for _, documents in found)
        return sum(d not in self.task.data.qrels[q] for q, row in found for d in row) / seen if seen else 0.0

    def _repr_html_(self) -> str:
        table = self.table.to_html(index=False, float_format=lambda x: f"{x:.3f}")
        return table + "".join(f"<p>{escape(note)}</p>" for note in self.notes)


def score(
    model: Any,
    task: Task,
    *,
    metrics: Sequence[str] | None = None,
    name: str | None = None,
    dtype: str = "auto",
    threshold: float | Mapping[str, float] | None = None,
) -> Scores:
    """Score a model on every item of a task.

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

    Classifiers learn from frozen vectors of `Task.train`, all of them: a logistic regression as MTEB's (C = 1), and the
    majority of the 5 nearest by cosine. Clusterings are ten mini-batch k-means of all texts with as many clusters as
    labels, and v-measure is their mean (MTEB clusters ten samples instead). In a bitext each row's translation is the
    nearest of all; ``f1`` is MTEB's, in which another row with the very same words is wrong, and the accuracies are
    sentence-transformers', in which it is right.

    Vectors come from the cache: other metrics of the same model cost no encoding. Of a ranking, and of a cross-encoder,
    whose answers are not cached, score ``scores.ranking`` again.

    Parameters
    ----------
    model : model, ranking or vectors
        Anything with ``encode`` (a sentence-transformers model, a static one), ``predict(pairs)`` (a cross-encoder) or
        ``search(queries, k)`` (`toolkit.vectors.bm25`, `rerank`, a bundle); a finished ranking ``{query_id: {doc_id:
        score}}``; or vectors made elsewhere, of any length: ``{text: vector}``, or arrays with a row an item,
        ``{"queries": ..., "documents": ...}``, ``{"sentence1": ..., "sentence2": ...}``,
        ``{"text": ..., "train": ...}``. Documents that are the query itself (`Task.echoes`) are left out of a ranking.
    task : Task
    metrics : sequence of str, optional
        Without it those of the table; of a retrieval ``accuracy@1 nDCG@10 MRR@10 recall@10``.
    name : str, optional
        How the system is called in tables.
    dtype : str
        As in `toolkit.vectors.encode`.
    threshold : float or mapping, optional
        Of pairs: from which score a pair counts as positive; or one for each of ``f1`` and ``accuracy``, as
        ``score(model, dev).thresholds`` has them. Without it ``best_f1`` and ``best_accuracy`` are what the best
        threshold for these very pairs gives, which flatters.

    Raises
    ------
    ValueError
        For a metric that the kind does not have, a model that cannot do it, a ranking of other queries or documents,
        vectors that are missing, not finite or of two dimensions, scores that are all equal where a correlation is
        asked for, or data of one label.

    Warns
    -----
    UserWarning
        When a classification has labels that no training text has: such rows count as wrong.
    """
    check_task(task)
    thresholds = _thresholds(threshold)
    wanted = kinds.wanted(task.kind, metrics, thresholds)
    name = name or type(model).__name__
    notes = _notes(task, len(set(map(task.group_of, task.items))))
    if task.kind in ("retrieval", "reranking"):
        ranking = _ranking(model, task, wanted, dtype)
        table = per_query(ranking, {query: task.data.qrels[query] for query in task.data.queries}, wanted)
        return Scores(name, task, ranking, table, notes=notes)
    if task.kind == "classification" and (told := predicting.unseen(task)):
        warnings.warn(told, UserWarning, stacklevel=2)
    said = predicting.predict(model, task, wanted, dtype=dtype)
    table = kinds.per_item(task.kind, task.rows, said, thresholds)
    table = table[[metric for metric in wanted if metric in table]]
    if task.kind == "pairs" and not thresholds:
        thresholds = Curve(said["score"], task.rows["label"]).thresholds(said["score"])
    return Scores(name, task, {}, table, said, wanted, thresholds, notes)


def _ranking(model: Any, task: Task, wanted: Sequence[str], dtype: str) -> Mapping[str, Mapping[str, float]]:
    if not is_ranking(model):
        return task.without_echoes(rank(model, task, depth=max(DEPTH, depth(wanted)), dtype=dtype))
    if not set(model) & set(task.data.queries):
        raise ValueError(f"the ranking has none of the {len(task.data.queries)} queries of task {task.name!r}")
    strange = next((d for q in task.data.queries for d in model.get(q, {}) if d not in task.data.corpus), None)
    if strange is not None:
        raise ValueError(f"the ranking holds document {strange!r}, which the corpus of {task.name!r} lacks")
    for query, offered in (task.data.candidates or {}).items() if task.kind == "reranking" else ():
        extra = set(model.get(query, {})) - set(offered)
        if extra:
            raise ValueError(
                f"the ranking holds document {min(extra)!r} for query {query!r}, which is none of its candidates: "
                f"expected them alone"
            )
    return task.without_echoes(model)


def _thresholds(threshold: float | Mapping[str, float] | None) -> dict[str, float]:
    if threshold is None:
        return {}
    given = dict(threshold) if isinstance(threshold, Mapping) else dict.fromkeys(kinds.THRESHOLDS, threshold)
    numbers = all(isinstance(value, (int, float)) and np.isfinite(value) for value in given.values())
    if not given or set(given) - set(kinds.THRESHOLDS) or not numbers:
        raise ValueError(f"expected a threshold as a number, or {{'f1': ..., 'accuracy': ...}}; got {threshold!r}")
    return {metric: float(value) for metric, value in given.items()}


def _notes(task: Task, n_groups: int) -> list[str]:
    notes = [told] if (told := predicting.unseen(task)) else []
    if n_groups < 2:
        notes.append("All items are one group: no interval can be given.")
    elif n_groups < FEW:
        notes.append(
            f"Only {n_groups} independent items or groups: read the intervals as rough, and likely too narrow."
        )
    return notes


def _ends(values: NDArray[np.float64]) -> tuple[float, float]:
    defined = values[~np.isnan(values)]
    if not len(defined):
        return np.nan, np.nan
    low, high = np.percentile(defined, [2.5, 97.5])
    return float(low), float(high)
