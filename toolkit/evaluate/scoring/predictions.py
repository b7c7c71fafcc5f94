"""Predict each row of a task other than search, and compute metrics from the predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit import vectors
from toolkit.evaluate.scoring import set_metrics
from toolkit.evaluate.scoring.inference import same_dimension, vectors_of
from toolkit.evaluate.scoring.metrics import METRICS, RERANKING
from toolkit.prepare import Task
from toolkit.vectors.reranking import is_cross_encoder, pair_scores

DEFAULTS: dict[str, tuple[str, ...]] = {
    "retrieval": METRICS,
    "reranking": RERANKING,
    "similarity": ("spearman", "pearson"),
    "pairs": ("average_precision", "best_f1", "best_accuracy"),
    "classification": ("accuracy", "macro_f1", "knn_accuracy", "knn_macro_f1"),
    "clustering": ("v_measure",),
    "bitext": ("f1", "mean_accuracy", "src2trg_accuracy", "trg2src_accuracy"),
}
"""Default metrics of each kind; the first is the main one of sentence-transformers or MTEB."""

THRESHOLDS = ("f1", "accuracy")
"""Metrics of pairs at a threshold chosen on other data."""

SEEDS = range(10)  # seeds of k-means, as many as MTEB's clusterings
NEIGHBOURS = 5


def metric_names(kind: str, metrics: Sequence[str] | None, thresholds: Mapping[str, float]) -> list[str]:
    """List the metrics to compute for a kind of task; those of rankings are checked when they are computed.

    Raises
    ------
    ValueError
        For a name that the kind does not have.
    """
    if isinstance(metrics, str) or (metrics is not None and not len(metrics)):
        raise ValueError(f"expected a list of metrics such as {list(DEFAULTS[kind])}, got {metrics!r}")
    if kind != "pairs" and thresholds:
        raise ValueError(f"a threshold needs a task of kind 'pairs', but this one is of kind {kind!r}")
    if kind in ("retrieval", "reranking"):
        return list(DEFAULTS[kind] if metrics is None else metrics)
    at_threshold = [name for name in THRESHOLDS if name in thresholds]
    known = [*DEFAULTS[kind], *at_threshold]
    if metrics is None:
        return ["average_precision", *at_threshold] if thresholds else list(DEFAULTS[kind])
    for metric in metrics:
        if kind == "pairs" and metric in THRESHOLDS and metric not in thresholds:
            raise ValueError(f"{metric!r} needs threshold=, chosen on other data: score(model, dev).thresholds")
        if metric not in known:
            raise ValueError(f"unknown metric {metric!r} of kind {kind!r}; expected some of {', '.join(known)}")
    return list(dict.fromkeys(metrics))


def predict(model: Any, task: Task, metrics: Sequence[str], *, dtype: str) -> pd.DataFrame:
    """Predict every item of a task: one row per item, with the columns from which the metrics are computed.

    ``score`` for similarity and pairs: the cosine, or the score of a cross-encoder; ``label`` and ``knn_label`` for
    classification; ``cluster 0`` to ``cluster 9`` for clustering; ``target`` and ``source`` for bitext: the row whose
    translation is nearest, in either direction.

    Raises
    ------
    ValueError
        If the model does not support the task, or all data have one label or score.
    """
    if task.kind in ("similarity", "pairs"):
        predictions = pd.DataFrame({"score": _pair_scores(model, task, dtype)})
    elif is_cross_encoder(model) or not hasattr(model, "encode"):
        raise ValueError(f"kind {task.kind!r} needs vectors, or a model with encode(texts); got {type(model).__name__}")
    elif task.kind == "classification":
        predictions = _labels(model, task, metrics, dtype)
    elif task.kind == "clustering":
        predictions = _clusters(vectors_of(model, list(task.rows["text"]), "text", dtype=dtype), task)
    else:
        predictions = _translations(model, task, dtype)
    return predictions.set_axis(task.items)


def _sentence_vectors(model: Any, task: Task, dtype: str) -> list[NDArray[np.float32]]:
    """Encode both sides of the rows."""
    columns = ("sentence1", "sentence2")
    one, two = (vectors_of(model, list(task.rows[column]), column, dtype=dtype) for column in columns)
    same_dimension(one, two, columns)
    return [one, two]


def _pair_scores(model: Any, task: Task, dtype: str) -> NDArray[np.float64]:
    if task.kind == "pairs" and task.rows["label"].nunique() < 2:
        label = task.rows["label"].iloc[0]
        raise ValueError(f"all {len(task.rows)} pairs of task {task.name!r} have the label {label}: expected 0 and 1")
    if task.kind == "similarity" and _all_equal(task.rows["score"]):
        raise ValueError(f"all {len(task.rows)} pairs of task {task.name!r} have the same score: no correlation exists")
    if is_cross_encoder(model):
        scores = pair_scores(model, list(zip(task.rows["sentence1"], task.rows["sentence2"], strict=True)))
    elif hasattr(model, "encode"):
        scores = np.einsum("ij,ij->i", *_sentence_vectors(model, task, dtype)).astype(float)
    else:
        got = type(model).__name__
        raise ValueError(f"kind {task.kind!r} needs encode(texts), predict(pairs) or vectors; got {got}")
    if task.kind == "similarity" and _all_equal(scores):
        pairs = f"all {len(scores)} pairs of task {task.name!r}"
        raise ValueError(f"the model gives {pairs} the same score, {scores[0]:.4f}: no correlation exists")
    return scores


def _all_equal(values: Any) -> bool:
    """Return whether values are equal up to float32 rounding."""
    return bool(np.ptp(values) <= 1e-6 * max(1.0, float(np.abs(values).max())))


def _labels(model: Any, task: Task, metrics: Sequence[str], dtype: str) -> pd.DataFrame:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    assert task.train is not None  # Task requires it for a classification
    labels = np.asarray(task.train["label"][:])
    if len(np.unique(labels)) < 2:
        texts = f"all {len(labels)} training texts of task {task.name!r}"
        raise ValueError(f"{texts} have the label {str(labels[0])!r}: expected at least two labels")
    learn = vectors_of(model, list(task.train["text"][:]), "train", dtype=dtype)
    rows = vectors_of(model, list(task.rows["text"]), "text", dtype=dtype)
    same_dimension(rows, learn, ("text", "train"))
    predictions = {}
    if any(not metric.startswith("knn_") for metric in metrics):
        predictions["label"] = LogisticRegression(max_iter=1000).fit(learn, labels).predict(rows)
    if any(metric.startswith("knn_") for metric in metrics):
        nearest = KNeighborsClassifier(min(NEIGHBOURS, len(learn)), algorithm="brute", metric="cosine")
        predictions["knn_label"] = nearest.fit(learn, labels).predict(rows)
    return pd.DataFrame(predictions)


def _clusters(rows: NDArray[np.float32], task: Task) -> pd.DataFrame:
    from sklearn.cluster import MiniBatchKMeans

    k = task.rows["label"].nunique()
    if k < 2:
        label = task.rows["label"].iloc[0]
        raise ValueError(f"all {len(rows)} texts of task {task.name!r} have the label {label!r}: expected at least two")
    if len(np.unique(rows, axis=0)) < k:
        raise ValueError(f"task {task.name!r} has fewer different vectors than its {k} labels: check the model")
    kmeans = {seed: MiniBatchKMeans(k, batch_size=512, n_init=1, random_state=seed) for seed in SEEDS}
    return pd.DataFrame({f"cluster {seed}": one.fit_predict(rows) for seed, one in kmeans.items()})


def _translations(model: Any, task: Task, dtype: str) -> pd.DataFrame:
    one, two = _sentence_vectors(model, task, dtype)
    scores, forth = vectors.nearest(one, two, 1)
    back = vectors.nearest(two, one, 1)[1][:, 0]
    items, source, target = (np.asarray(x) for x in (task.items, task.rows["sentence1"], task.rows["sentence2"]))
    return pd.DataFrame({
        "target": items[forth[:, 0]], "source": items[back], "score": scores[:, 0],
        # As in sentence-transformers, another row with an identical text is also correct.
        "trg_text_right": target[forth[:, 0]] == target, "src_text_right": source[back] == source,
    })  # fmt: skip


def unseen_label_warning(task: Task) -> str | None:
    """Return a warning of labels that no training text has, so that no classifier can predict them, or None."""
    known = None if task.train is None else set(task.train["label"][:])
    if known is None or (rows := task.rows["label"][~task.rows["label"].isin(known)]).empty:
        return None
    return (
        f"{len(rows)} of {len(task.rows)} rows have a label that no training text has (first: {rows.iloc[0]!r}): they "
        f"count as wrong. Add training texts, or leave them out with task.only"
    )


def item_metrics(
    kind: str, rows: pd.DataFrame, predictions: pd.DataFrame, thresholds: Mapping[str, float]
) -> pd.DataFrame:
    """Compute all metrics of a kind that are means over items: one row per item, one column per metric, 0 to 1."""
    columns: dict[str, Any] = {}
    if kind == "classification":
        answers = {"accuracy": "label", "knn_accuracy": "knn_label"}
        columns = {name: predictions[c] == rows["label"] for name, c in answers.items() if c in predictions}
    elif kind == "pairs" and "accuracy" in thresholds:
        columns = {"accuracy": (predictions["score"] >= thresholds["accuracy"]) == (rows["label"] == 1)}
    elif kind == "bitext":
        forth, back = (predictions[column].to_numpy() for column in ("trg_text_right", "src_text_right"))
        columns = {"src2trg_accuracy": forth, "trg2src_accuracy": back, "mean_accuracy": (forth * 1.0 + back) / 2}
    return pd.DataFrame(columns, index=rows.index, dtype=float)


def set_metric(
    kind: str, metric: str, rows: pd.DataFrame, predictions: pd.DataFrame, thresholds: Mapping[str, float]
) -> set_metrics.Metric:
    """Make a set metric of a kind of task: a function of the weights of the items."""
    if kind == "clustering":
        return set_metrics.average([set_metrics.v_measure(predictions[c], rows["label"]) for c in predictions])
    if kind == "bitext":
        return set_metrics.weighted_f1(predictions["target"], np.asarray(rows.index))
    if kind == "classification":
        return set_metrics.macro_f1(predictions["knn_label" if metric == "knn_macro_f1" else "label"], rows["label"])
    if kind == "similarity":
        correlation = set_metrics.spearman if metric == "spearman" else set_metrics.pearson
        return correlation(predictions["score"], rows["score"])
    if metric == "f1":
        return set_metrics.f1(predictions["score"] >= thresholds["f1"], rows["label"])
    found: set_metrics.Metric = getattr(set_metrics.Curve(predictions["score"], rows["label"]), metric)
    return found
