"""From what mteb found item by item to the main score's interval: which statistic each type of task has."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolkit import stats
from toolkit.evaluate.scoring import wholes
from toolkit.evaluate.scoring.resampling import Metric, resampled
from toolkit.prepare import Task

RESAMPLES = 2000  # of a statistic that is no mean


def interval(task: Any, split: str, subset: str) -> dict[str, Any]:
    """Interval of a task's main score, from what `Watched` kept.

    Searches resample the queries, and queries that share a relevant document together; sets of rows resample rows; a
    task of the user's own resamples its groups. The
    score of a classification is the mean over rows of the share of experiments that got the row right; that of bitext
    (F1, with each sentence a class of its own) the mean over rows of 2 / (1 + n), n rows matched to that sentence,
    where the row is right; both means are mteb's score exactly. A correlation or an average precision is computed
    anew on every resample.

    Parameters
    ----------
    task : AbsTask
        A `Watched` one, after mteb has run it.
    split, subset : str

    Returns
    -------
    dict
        ``score low high n n_groups``; ``low`` and ``high`` are nan where mteb gives nothing item by item (a
        clustering, or another metric), ``score`` is nan too then.
    """
    kept = getattr(task, "kept", {}).get((split, subset), {})
    main = task.metadata.main_score
    if "per_query" in kept:
        return _of_queries(kept, main, getattr(task, "toolkit_task", None))
    n = len(_rows(task, split, subset))
    own: Task | None = getattr(task, "toolkit_task", None)
    labels = [own.group_of(item) for item in own.items] if own else None
    found = kept.get("predictions")
    if found is None:
        return _nothing(n, labels)
    rows = _rows(task, split, subset)
    if main == "cosine_spearman":
        return _resampled(wholes.spearman(rows["score"][:], found["cosine_scores"]), n, labels)
    if main == "max_ap":
        gold = np.asarray(rows[task.label_column_name][:], dtype=int)
        scores = _best_for_precision(found, gold)
        return _resampled(wholes.Curve(scores, gold).average_precision, n, labels)
    if main == "accuracy" and hasattr(task, "samples_per_label"):
        gold = np.asarray(rows[task.label_column_name][:])
        return _mean(np.mean([np.asarray(one) == gold for one in found], axis=0), labels)
    if main == "f1" and "sentence1-sentence2" in found:
        return _mean(_bitext(found["sentence1-sentence2"]), labels)
    return _nothing(n, labels)


def _rows(task: Any, split: str, subset: str) -> Any:
    data = task.dataset[split] if subset not in task.dataset else task.dataset[subset][split]
    return data["queries"] if isinstance(data, dict) and "queries" in data else data


def _nothing(n: int, labels: Sequence[Hashable] | None = None) -> dict[str, Any]:
    return {"score": np.nan, "low": np.nan, "high": np.nan, "n": n, "n_groups": len(set(labels)) if labels else n}


def _mean(values: NDArray[np.float64], labels: Sequence[Hashable] | None) -> dict[str, Any]:
    [found] = stats.intervals(values, labels)
    return {"score": found.mean, "low": found.low, "high": found.high, "n": found.n, "n_groups": found.n_groups}


_MEASURES = {"ndcg_at_": "ndcg_cut_", "map_at_": "map_cut_", "recall_at_": "recall_", "precision_at_": "P_"}


def _of_queries(kept: Mapping[str, Any], main: str, own: Task | None) -> dict[str, Any]:
    name = next((ours + main.removeprefix(theirs) for theirs, ours in _MEASURES.items() if main.startswith(theirs)), "")
    queries = list(kept["per_query"])
    if not queries or name not in kept["per_query"][queries[0]]:
        return _nothing(len(queries))
    group_of = own.group_of if own else _sharing(kept["qrels"]).__getitem__
    values = np.array([kept["per_query"][query][name] for query in queries])
    return _mean(values, [group_of(query) for query in queries])


def _sharing(qrels: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Number of the group of each query: queries that share a relevant document, directly or through others.

    Examples
    --------
    >>> _sharing({"a": {"x": 1}, "b": {"x": 1, "y": 1}, "c": {"y": 1}, "d": {"z": 1, "x": 0}})
    {'a': 0, 'b': 0, 'c': 0, 'd': 1}
    """
    import networkx as nx

    graph: Any = nx.Graph()
    for query, row in qrels.items():
        graph.add_node((0, query))
        graph.add_edges_from(((0, query), (1, document)) for document, grade in row.items() if grade > 0)
    parts = {node: number for number, part in enumerate(nx.connected_components(graph)) for node in part}
    return {query: parts[(0, query)] for query in qrels}


def _bitext(found: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
    matched = [row["corpus_id"] for row in found]
    times = Counter(matched)
    return np.array([2 / (1 + times[row]) if other == row else 0.0 for row, other in enumerate(matched)])


def _best_for_precision(found: Mapping[str, Sequence[float]], gold: NDArray[Any]) -> NDArray[Any]:
    """Scores of the similarity function by which the average precision is largest, which mteb reports."""
    signs = {"similarity_scores": 1, "cosine_scores": 1, "dot_scores": 1, "manhattan_distances": -1,
             "euclidean_distances": -1}  # fmt: skip
    options = [sign * np.asarray(found[name]) for name, sign in signs.items() if found.get(name) is not None]
    ones = np.ones((1, len(gold)))
    return max(options, key=lambda scores: float(wholes.Curve(scores, gold).average_precision(ones)[0]))


def _resampled(metric: Metric, n: int, labels: Sequence[Hashable] | None) -> dict[str, Any]:
    """Percentile interval of a statistic that is no mean, groups resampled whole."""
    labels = labels or range(n)
    [score] = metric(np.ones((1, n)))
    draws = resampled(metric, labels, resamples=RESAMPLES, seed=0)
    low, high = np.nanpercentile(draws, [2.5, 97.5]) if np.isfinite(draws).any() else (np.nan, np.nan)
    return {"score": float(score), "low": float(low), "high": float(high), "n": n, "n_groups": len(set(labels))}
