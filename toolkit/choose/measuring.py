"""Measure candidates on the user's own data: search quality, encoding speed and size."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit import evaluate, plots, vectors
from toolkit.evaluate import Comparison
from toolkit.plots import Picture
from toolkit.prepare import Task
from toolkit.prepare.tasks import check_task
from toolkit.vectors.origin import megabytes

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

METRIC = "nDCG@10"


@dataclass(frozen=True)
class Measurements:
    """Measurements of candidates and of keyword search.

    Attributes
    ----------
    table : DataFrame
        One row per candidate, best first: ``model nDCG@10 low high texts_per_second ms_per_search megabytes n
        n_groups``.
    comparison : Comparison
        All candidates and BM25, each compared with the best of them.
    """

    table: pd.DataFrame
    comparison: Comparison

    @property
    def picture(self) -> Picture:
        """Quality against speed."""
        return plots.tradeoff(self.table)

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False, float_format=lambda x: f"{x:.3f}")


def measure(
    candidates: Mapping[str, SentenceTransformer],
    task: Task,
    *,
    seconds: float = 2.0,
    dtype: str = "auto",
    language: str = "english",
) -> Measurements:
    """Score candidates on a task, and measure speed and size.

    Parameters
    ----------
    candidates : mapping of name to model
        See `toolkit.choose.candidates`. Keyword search is always added.
    task : Task
        Validation data: never choose on test data.
    seconds : float
        How long to measure the encoding speed of each model, without the cache.
    dtype, language : str
        As in `toolkit.evaluate.compare_systems`.

    Raises
    ------
    ValueError
        If there is no candidate, or one is named BM25.
    """
    check_task(task, "retrieval")
    if not candidates or "BM25" in candidates:
        raise ValueError(f"expected candidates with names other than 'BM25', got {list(candidates)}")
    corpus, searches = task.data.corpus, list(task.data.queries.values())[:20]
    started = perf_counter()
    words = vectors.bm25(corpus, language=language)
    cost = {
        "BM25": (len(corpus) / (perf_counter() - started), _latency(lambda q: words.search({"": q}), searches), 0.0)
    }
    scores = {"BM25": evaluate.score(words, task, name="BM25")}
    for name, model in candidates.items():
        scores[name] = evaluate.score(model, task, name=name, dtype=dtype)
        probed = vectors.probe(model, list(corpus.values()), seconds=seconds, dtype=dtype).iloc[0]

        def encode(query: str, model: SentenceTransformer = model) -> object:
            return vectors.encode(model, [query], side="query", dtype=dtype, cache=False, progress=False, warn=False)

        cost[name] = (probed["texts"] / probed["estimate"], _latency(encode, searches), megabytes(model))
    best = max(scores, key=lambda name: float(scores[name].per_query[METRIC].mean()))
    comparison = evaluate.compare(scores, baseline=best)
    rows = comparison.results.query("metric == @METRIC").sort_values("score", ascending=False)
    table = rows.drop(columns=["task", "metric"]).rename(columns={"score": METRIC})
    for place, column in enumerate(("texts_per_second", "ms_per_search", "megabytes")):
        table.insert(4 + place, column, [round(float(cost[name][place]), 2) for name in table["model"]])
    return Measurements(table.reset_index(drop=True), comparison)


def _latency(search: Callable[[str], object], searches: list[str]) -> float:
    """Return the median milliseconds per search, run one at a time."""
    search(searches[0])
    spent = []
    for query in searches:
        started = perf_counter()
        search(query)
        spent.append((perf_counter() - started) * 1e3)
    return float(np.median(spent))
