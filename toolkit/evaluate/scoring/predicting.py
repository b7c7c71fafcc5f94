"""What a model says of each row of a table: a score of a pair, a label, a cluster, a translation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit import vectors
from toolkit.evaluate.scoring.inference import is_cross_encoder, pair_scores, same_dimension, vectors_of
from toolkit.prepare import Task

SEEDS = range(10)  # of k-means: MTEB's number of clusterings
NEIGHBOURS = 5


def predict(model: Any, task: Task, metrics: Sequence[str], *, dtype: str) -> pd.DataFrame:
    """One row an item, with the columns that the kind's metrics are worked out from.

    ``score`` of similarity and pairs: the cosine, or what a cross-encoder says. ``label`` and ``knn_label`` of a
    classification. ``cluster 0`` to ``cluster 9`` of a clustering. ``target`` and ``source`` of a bitext: the row whose
    translation is nearest, in either direction.
    """
    if task.kind in ("similarity", "pairs"):
        said = pd.DataFrame({"score": _pair_scores(model, task, dtype)})
    elif is_cross_encoder(model) or not (hasattr(model, "encode") or isinstance(model, Mapping)):
        raise ValueError(
            f"a task of kind {task.kind!r} needs vectors: a model with encode(texts), or {{text: vector}}; got "
            f"{type(model).__name__}"
        )
    elif task.kind == "classification":
        said = _labels(model, task, metrics, dtype)
    elif task.kind == "clustering":
        said = _clusters(vectors_of(model, list(task.rows["text"]), "text", dtype=dtype), task)
    else:
        said = _translations(model, task, dtype)
    return said.set_axis(task.items)


def _pair_scores(model: Any, task: Task, dtype: str) -> NDArray[np.float64]:
    left, right = (list(task.rows[column]) for column in ("sentence1", "sentence2"))
    if task.kind == "pairs" and task.rows["label"].nunique() < 2:
        raise ValueError(
            f"all {len(task.rows)} pairs of task {task.name!r} have the label {task.rows['label'].iloc[0]}: expected "
            f"some 0 and some 1, since a score of pairs says how well the two are told apart"
        )
    if task.kind == "similarity" and _alike(task.rows["score"]):
        raise ValueError(f"all {len(task.rows)} pairs of task {task.name!r} have the same score: no correlation exists")
    if is_cross_encoder(model):
        scores = pair_scores(model, list(zip(left, right, strict=True)))
    elif hasattr(model, "encode") or isinstance(model, Mapping):
        one, two = (
            vectors_of(model, texts, part, dtype=dtype) for texts, part in ((left, "sentence1"), (right, "sentence2"))
        )
        same_dimension(one, two, ("sentence1", "sentence2"))
        scores = np.einsum("ij,ij->i", one, two).astype(float)
    else:
        raise ValueError(
            f"a task of kind {task.kind!r} needs encode(texts), predict(pairs) or vectors; got {type(model).__name__}"
        )
    if task.kind == "similarity" and _alike(scores):
        raise ValueError(
            f"the model gives all {len(scores)} pairs of task {task.name!r} the same score, {scores[0]:.4f}: no "
            f"correlation exists. Look at its vectors: they may have collapsed into one"
        )
    return scores


def _alike(values: Any) -> bool:
    """Whether values are equal but for the rounding of float32."""
    return bool(np.ptp(values) <= 1e-6 * max(1.0, float(np.abs(values).max())))


def _labels(model: Any, task: Task, metrics: Sequence[str], dtype: str) -> pd.DataFrame:
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    assert task.train is not None  # Task refuses a classification without
    labels = np.asarray(task.train["label"][:])
    if len(np.unique(labels)) < 2:
        raise ValueError(
            f"all {len(labels)} training texts of task {task.name!r} have the label {str(labels[0])!r}: expected two "
            f"labels or more"
        )
    learn = vectors_of(model, list(task.train["text"][:]), "train", dtype=dtype)
    rows = vectors_of(model, list(task.rows["text"]), "text", dtype=dtype)
    same_dimension(rows, learn, ("text", "train"))
    said = {}
    if any(not metric.startswith("knn_") for metric in metrics):
        said["label"] = LogisticRegression(max_iter=1000).fit(learn, labels).predict(rows)
    if any(metric.startswith("knn_") for metric in metrics):
        nearest = KNeighborsClassifier(min(NEIGHBOURS, len(learn)), algorithm="brute", metric="cosine")
        said["knn_label"] = nearest.fit(learn, labels).predict(rows)
    return pd.DataFrame(said)


def unseen(task: Task) -> str | None:
    """A sentence on labels that no classifier can give, since none of the training texts has them."""
    if task.train is None:
        return None
    known = set(task.train["label"][:])
    rows = task.rows["label"][~task.rows["label"].isin(known)]
    if not len(rows):
        return None
    return (
        f"{len(rows)} of {len(task.rows)} rows have a label that no training text has (first: {rows.iloc[0]!r}): they "
        f"count as wrong. Add training texts, or leave them out by task.only"
    )


def _clusters(rows: NDArray[np.float32], task: Task) -> pd.DataFrame:
    from sklearn.cluster import MiniBatchKMeans

    k = task.rows["label"].nunique()
    if k < 2:
        raise ValueError(
            f"all {len(rows)} texts of task {task.name!r} have the label {task.rows['label'].iloc[0]!r}: expected at "
            f"least two, since a clustering is scored by how well it parts them"
        )
    if len(np.unique(rows, axis=0)) < k:
        raise ValueError(
            f"the texts of task {task.name!r} have fewer different vectors than its {k} labels: no clustering into {k} "
            f"exists. Look at the vectors: they may have collapsed into one"
        )
    found = {}
    for seed in SEEDS:
        kmeans = MiniBatchKMeans(k, batch_size=512, n_init=1, random_state=seed)
        found[f"cluster {seed}"] = kmeans.fit_predict(rows)
    return pd.DataFrame(found)


def _translations(model: Any, task: Task, dtype: str) -> pd.DataFrame:
    texts = [task.rows[column].to_numpy() for column in ("sentence1", "sentence2")]
    one, two = (
        vectors_of(model, list(side), part, dtype=dtype)
        for side, part in zip(texts, ("sentence1", "sentence2"), strict=True)
    )
    same_dimension(one, two, ("sentence1", "sentence2"))
    scores, forth = vectors.nearest(one, two, 1)
    back = vectors.nearest(two, one, 1)[1][:, 0]
    items = np.asarray(task.items)
    return pd.DataFrame({
        "target": items[forth[:, 0]], "source": items[back], "score": scores[:, 0],
        # As sentence-transformers: another row with the very same words is right too.
        "trg_text_right": texts[1][forth[:, 0]] == texts[1], "src_text_right": texts[0][back] == texts[0],
    })  # fmt: skip
