"""Measure candidates on the user's own data: how well they find, how fast they encode, how large they are."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from toolkit import evaluate, plots, vectors
from toolkit.evaluate import Comparison
from toolkit.prepare import Task
from toolkit.prepare.tasks import check_task


@dataclass(frozen=True)
class Measurements:
    """Candidates beside keyword search.

    Attributes
    ----------
    table : DataFrame
        One row a candidate, the best first: ``model nDCG@10 low high texts_per_second ms_per_search megabytes n
        n_groups``.
    comparison : Comparison
        Of all candidates and BM25 with the best of them.
    """

    table: pd.DataFrame
    comparison: Comparison

    @property
    def figure(self) -> Figure:
        """Quality against speed."""
        return plots.tradeoff(self.table)

    @property
    def sentence(self) -> str:
        """The figure in words, for alternative text."""
        points = [
            f"{row['model']} {row['nDCG@10']:.3f} ({row['low']:.3f} to {row['high']:.3f}) at "
            f"{row['texts_per_second']:,.0f} texts a second" for _, row in self.table.iterrows()
        ]  # fmt: skip
        return f"nDCG@10 with 95 % intervals against speed: {'; '.join(points)}."

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False, float_format=lambda x: f"{x:.3f}")


def measure(
    candidates: Mapping[str, Any], task: Task, *, seconds: float = 2.0, dtype: str = "auto", language: str = "english"
) -> Measurements:
    """Score candidates on a task, and measure speed and size.

    Parameters
    ----------
    candidates : mapping of name to model
        See `toolkit.choose.candidates`. Keyword search comes on top.
    task : Task
        Validation data: a choice is never made on test.
    seconds : float
        How long the encoding speed of each is measured, without the cache.
    dtype, language : str
        As in `toolkit.evaluate.compare_systems`.

    Raises
    ------
    ValueError
        Without a candidate, or with one named BM25.
    """
    check_task(task, "retrieval")
    if not candidates or "BM25" in candidates:
        raise ValueError(f"expected candidates with names other than 'BM25', got {list(candidates)}")
    texts, searches = list(task.data.corpus.values()), list(task.data.queries.values())[:20]
    keywords = vectors.bm25(task.data.corpus, language=language)
    scores = {"BM25": evaluate.score(keywords, task, name="BM25")}
    started = time.perf_counter()
    vectors.bm25(task.data.corpus, language=language)
    cost = {
        "BM25": (
            len(texts) / (time.perf_counter() - started),
            _latency(lambda q: keywords.search({"": q}), searches),
            0.0,
        )
    }
    for name, model in candidates.items():
        scores[name] = evaluate.score(model, task, name=name, dtype=dtype)
        probed = vectors.probe(model, texts, seconds=seconds, dtype=dtype).iloc[0]

        def search(query: str, model: Any = model) -> Any:
            return vectors.encode(model, [query], side="query", dtype=dtype, cache=False, progress=False)

        size = sum(t.numel() * t.element_size() for t in (*model.parameters(), *model.buffers())) / 1e6
        cost[name] = (probed["sampled"] / probed["seconds"], _latency(search, searches), size)
    best = max(scores, key=lambda name: float(scores[name].per_query["nDCG@10"].mean()))
    comparison = evaluate.compare(scores, baseline=best)
    rows = comparison.results.query("metric == 'nDCG@10'").sort_values("score", ascending=False)
    table = rows.drop(columns=["task", "metric"]).rename(columns={"score": "nDCG@10"})
    for place, column in enumerate(("texts_per_second", "ms_per_search", "megabytes")):
        table.insert(4 + place, column, [round(float(cost[name][place]), 1) for name in table["model"]])
    return Measurements(table.reset_index(drop=True), comparison)


def _latency(search: Any, searches: list[str]) -> float:
    """Median milliseconds of one search at a time."""
    search(searches[0])
    spent = []
    for query in searches:
        started = time.perf_counter()
        search(query)
        spent.append((time.perf_counter() - started) * 1e3)
    return float(np.median(spent))
