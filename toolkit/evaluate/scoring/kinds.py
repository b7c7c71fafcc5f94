"""What each kind of task is scored by: the names of its metrics, and those that are of the whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from toolkit.evaluate.scoring import wholes
from toolkit.evaluate.scoring.metrics import METRICS, RERANKING
from toolkit.evaluate.scoring.resampling import Metric

DEFAULTS: dict[str, tuple[str, ...]] = {
    "retrieval": METRICS,
    "reranking": RERANKING,
    "similarity": ("spearman", "pearson"),
    "pairs": ("average_precision", "best_f1", "best_accuracy"),
    "classification": ("accuracy", "macro_f1", "knn_accuracy", "knn_macro_f1"),
    "clustering": ("v_measure",),
    "bitext": ("f1", "mean_accuracy", "src2trg_accuracy", "trg2src_accuracy"),
}
"""Metrics of each kind when none are named; the first is the one that sentence-transformers or MTEB put first."""

WITH_THRESHOLD = ("average_precision", "f1", "accuracy")
"""Of pairs whose threshold was chosen elsewhere."""

THRESHOLDS = ("f1", "accuracy")


def wanted(kind: str, metrics: Sequence[str] | None, thresholds: Mapping[str, float]) -> list[str]:
    """Names of the metrics to work out for a table; rankings check theirs where they are worked out.

    Raises
    ------
    ValueError
        For a name that the kind does not have.
    """
    if isinstance(metrics, str) or (metrics is not None and not len(metrics)):
        raise ValueError(f"expected a list of metrics such as {list(DEFAULTS[kind])}, got {metrics!r}")
    if kind != "pairs" and thresholds:
        raise ValueError(f"a threshold is for a task of kind 'pairs', this one is of kind {kind!r}")
    if kind in ("retrieval", "reranking"):
        return list(DEFAULTS[kind] if metrics is None else metrics)
    known = list(DEFAULTS[kind])
    if kind == "pairs":
        known += [name for name in THRESHOLDS if name in thresholds]
    if metrics is None and thresholds:
        metrics = [name for name in WITH_THRESHOLD if name in known]
    asked = list(DEFAULTS[kind] if metrics is None else metrics)
    for metric in asked:
        if kind == "pairs" and metric in THRESHOLDS and metric not in thresholds:
            raise ValueError(
                f"metric {metric!r} needs threshold=, chosen on other data: score(model, dev).thresholds; "
                f"'best_{metric}' chooses it on the data that it scores, which flatters"
            )
        if metric not in known:
            raise ValueError(f"unknown metric {metric!r} of kind {kind!r}; expected some of {', '.join(known)}")
    return list(dict.fromkeys(asked))


def per_item(kind: str, rows: pd.DataFrame, said: pd.DataFrame, thresholds: Mapping[str, float]) -> pd.DataFrame:
    """The metrics that are means over items: one row an item, all that the kind has, as 0 to 1."""
    columns: dict[str, Any] = {}
    if kind == "classification":
        columns = {name: said[column] == rows["label"] for name, column in _ANSWERS.items() if column in said}
    elif kind == "pairs" and "accuracy" in thresholds:
        columns = {"accuracy": (said["score"] >= thresholds["accuracy"]) == (rows["label"] == 1)}
    elif kind == "bitext":
        forth, back = (said[column].to_numpy() for column in ("trg_text_right", "src_text_right"))
        columns = {"src2trg_accuracy": forth, "trg2src_accuracy": back, "mean_accuracy": (forth * 1.0 + back) / 2}
    return pd.DataFrame(columns, index=rows.index, dtype=float)


_ANSWERS = {"accuracy": "label", "knn_accuracy": "knn_label"}


def of_whole(kind: str, metric: str, rows: pd.DataFrame, said: pd.DataFrame, thresholds: Mapping[str, float]) -> Metric:
    """A metric that is no mean over items, as a function of the weights of the items."""
    return _WHOLES[kind][metric](rows, said, thresholds)


_Maker = Callable[[pd.DataFrame, pd.DataFrame, Mapping[str, float]], Metric]


def _f1(rows: pd.DataFrame, said: pd.DataFrame, thresholds: Mapping[str, float]) -> Metric:
    return wholes.f1(said["score"] >= thresholds["f1"], rows["label"])


def _bitext_f1(rows: pd.DataFrame, said: pd.DataFrame, thresholds: Mapping[str, float]) -> Metric:
    return wholes.weighted_f1(said["target"], np.asarray(rows.index))


def _v_measure(rows: pd.DataFrame, said: pd.DataFrame, thresholds: Mapping[str, float]) -> Metric:
    return wholes.average([wholes.v_measure(said[column], rows["label"]) for column in said])


_WHOLES: dict[str, dict[str, _Maker]] = {
    "similarity": {
        "spearman": lambda rows, said, _: wholes.spearman(said["score"], rows["score"]),
        "pearson": lambda rows, said, _: wholes.pearson(said["score"], rows["score"]),
    },
    "pairs": {
        "average_precision": lambda rows, said, _: wholes.Curve(said["score"], rows["label"]).average_precision,
        "best_f1": lambda rows, said, _: wholes.Curve(said["score"], rows["label"]).best_f1,
        "best_accuracy": lambda rows, said, _: wholes.Curve(said["score"], rows["label"]).best_accuracy,
        "f1": _f1,
    },
    "classification": {
        "macro_f1": lambda rows, said, _: wholes.macro_f1(said["label"], rows["label"]),
        "knn_macro_f1": lambda rows, said, _: wholes.macro_f1(said["knn_label"], rows["label"]),
    },
    "clustering": {"v_measure": _v_measure},
    "bitext": {"f1": _bitext_f1},
}
