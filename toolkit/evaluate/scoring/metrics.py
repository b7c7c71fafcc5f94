"""Compute retrieval metrics per query, with trec_eval's own code (pytrec_eval)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from toolkit.prepare.tasks import check_grades
from toolkit.vectors import Ranking
from toolkit.vectors.rankings import top

METRICS = ("accuracy@1", "nDCG@10", "MRR@10", "recall@10")
RERANKING = ("MAP@1000", "MRR@10", "nDCG@10")  # 1000 as in MTEB, so in practice all candidates

# From our names, as in sentence-transformers and MTEB, to trec_eval's measures.
_MEASURES = {
    "accuracy": "success", "nDCG": "ndcg_cut", "MRR": "recip_rank", "recall": "recall", "precision": "P",
    "MAP": "map_cut",
}  # fmt: skip


def per_query(
    ranking: Ranking,
    qrels: Mapping[str, Mapping[str, int]],
    metrics: Sequence[str] = METRICS,
) -> pd.DataFrame:
    """Score each query of `qrels`.

    Rankings are truncated before scoring, since trec_eval's reciprocal rank has no cut-off. Equal scores are ordered by
    document id, ascending; trec_eval would order them descending.

    Parameters
    ----------
    ranking : mapping of query id to mapping of document id to score
        A query that is missing here, or has no document, scores 0.
    qrels : mapping of query id to mapping of document id to grade
    metrics : sequence of str
        ``accuracy@k`` (1 if a relevant document is in the first k), ``nDCG@k``, ``MRR@k``, ``recall@k``,
        ``precision@k``, ``MAP@k`` (average precision); all between 0 and 1.

    Returns
    -------
    DataFrame
        One row per query, in the order of `qrels`; one column per metric.

    Raises
    ------
    ValueError
        For an unknown metric, a score that is nan, or a grade that is not a whole number.

    Examples
    --------
    >>> per_query({"q": {"a": 0.9, "b": 0.8}}, {"q": {"b": 1}}, ["accuracy@1", "MRR@10"]).loc["q"].tolist()
    [0.0, 0.5]
    """
    import pytrec_eval

    if isinstance(metrics, str) or not metrics:
        raise ValueError(f"expected a list of metrics such as {list(METRICS)}, got {metrics!r}")
    wanted = [_parse(metric) for metric in metrics]
    for query, row in ranking.items():
        for doc, value in row.items():
            if not isinstance(value, (int, float, np.number)) or value != value:
                raise ValueError(f"document {doc!r} has the score {value!r:.40} for query {query!r}: expected a number")
    check_grades(qrels)
    judged = {query: {doc: int(grade) for doc, grade in row.items()} for query, row in qrels.items()}
    columns = {}
    for k in sorted({k for _, k in wanted}):
        # Scores are replaced by ranks, so that no ties are left.
        cut = {
            query: {doc: float(k - place) for place, doc in enumerate(top(ranking.get(query, {}), k))}
            for query in qrels
        }
        measures = {name: _MEASURES[name] + ("" if name == "MRR" else f"_{k}") for name, at in wanted if at == k}
        asked = {m if name == "MRR" else f"{_MEASURES[name]}.{k}" for name, m in measures.items()}
        found = pytrec_eval.RelevanceEvaluator(judged, asked).evaluate(cut)
        for name, measure in measures.items():
            columns[f"{name}@{k}"] = [found.get(query, {}).get(measure, 0.0) for query in qrels]
    return pd.DataFrame({metric: columns[metric] for metric in metrics}, index=pd.Index(list(qrels), name="query_id"))


def _parse(metric: str) -> tuple[str, int]:
    name, _, k = str(metric).partition("@")
    if name not in _MEASURES or not re.fullmatch("[1-9][0-9]*", k):
        known = ", ".join(f"{name}@k" for name in _MEASURES)
        raise ValueError(f"unknown metric {metric!r}; expected one of {known}, with k of at least 1")
    return name, int(k)


def depth(metrics: Sequence[str]) -> int:
    """Return the largest cut-off among `metrics`: how many documents of a ranking they need."""
    return max(_parse(metric)[1] for metric in metrics)
