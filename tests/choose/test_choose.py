"""Candidates are measured as they are, and the budget decides by plain arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from toolkit import choose, evaluate
from toolkit.choose import Measurements
from toolkit.prepare import RetrievalData, Task

TEXTS = {
    "d0": "read_csv: read a file of comma separated values into a table",
    "d1": "rolling: moving window calculations such as the median",
    "d2": "svd: factor a matrix by singular value decomposition",
    "d3": "fft: the discrete Fourier transform of a signal",
}
TASK = Task(
    "dev",
    "retrieval",
    RetrievalData(
        TEXTS,
        {"q0": "load a csv file", "q1": "moving median", "q2": "decompose a matrix", "q3": "frequency of a signal"},
        {f"q{i}": {f"d{i}": 1} for i in range(4)},
    ),
    {},
)


@pytest.fixture(scope="module")
def opened() -> dict[str, Any]:
    pytest.importorskip("wordllama")
    return choose.candidates(["MiniLM-L6", "MiniLM-L3", "WordLlama"])


def test_measure_scores_what_evaluate_scores(opened: dict[str, Any]) -> None:
    """The table holds the scores of `evaluate`, best first, keyword search among them; costs are positive."""
    measured = choose.measure(opened, TASK, seconds=0.05, dtype="float32")
    table = measured.table.set_index("model")
    assert set(table.index) == {*opened, "BM25"} and table["nDCG@10"].is_monotonic_decreasing
    for name, one in opened.items():
        scores = evaluate.score(one, TASK, dtype="float32")
        assert table.loc[name, "nDCG@10"] == pytest.approx(scores.per_query["nDCG@10"].mean())
    assert (table[["texts_per_second", "ms_per_search"]] > 0).all().all()
    assert table.loc["MiniLM-L6", "megabytes"] == pytest.approx(90.9, abs=0.5) and table.loc["BM25", "megabytes"] == 0
    assert all(name in measured.picture.alt for name in table.index)
    with pytest.raises(ValueError, match="names other than 'BM25'"):
        choose.measure({}, TASK)


def planted(speeds: dict[str, float]) -> Measurements:
    """Three systems over 200 searches: the first two differ by chance, the third is far behind."""
    rng = np.random.default_rng(0)
    data = RetrievalData({f"d{i}": f"t{i}" for i in range(200)}, {f"q{i}": f"s{i}" for i in range(200)},
                         {f"q{i}": {f"d{i}": 1} for i in range(200)})  # fmt: skip
    task = Task("dev", "retrieval", data, {})
    hits = {"good": rng.random(200) < 0.8, "twin": rng.random(200) < 0.79, "bad": rng.random(200) < 0.3}
    scores = {
        name: evaluate.score({f"q{i}": {f"d{i if hit else (i + 1) % 200}": 1.0} for i, hit in enumerate(row)}, task)
        for name, row in hits.items()
    }
    comparison = evaluate.compare(scores, baseline="good")
    table = comparison.results.query("metric == 'nDCG@10'").rename(columns={"score": "nDCG@10"})
    table = table.assign(texts_per_second=[speeds[name] for name in table["model"]], ms_per_search=1.0, megabytes=10.0)
    return Measurements(table.sort_values("nDCG@10", ascending=False).reset_index(drop=True), comparison)


def test_of_those_that_are_tied_the_fastest_is_taken() -> None:
    """A model that cannot be told from the best and is faster is taken; one that is worse is not, however fast."""
    found = choose.recommend(planted({"good": 10, "twin": 50, "bad": 1000}), documents=1000)
    assert found.model == "twin" and found.table.set_index("model")["tied"].to_dict() == {
        "good": True, "twin": True, "bad": False,
    }  # fmt: skip


def test_the_budget_is_arithmetic() -> None:
    """What takes longer than the minutes does not fit; where nothing fits, the message says what would."""
    measured = planted({"good": 10, "twin": 5, "bad": 1000})
    assert choose.recommend(measured, documents=6000, minutes=10).model == "good"  # 6,000 / 10 / 60 is 10 minutes
    assert choose.recommend(measured, documents=6001, minutes=10).model == "bad"
    with pytest.raises(ValueError, match="no candidate fits .*minutes 0.1"):
        choose.recommend(measured, documents=6000, minutes=0.01)


def test_catalogue_names_what_can_be_opened(opened: dict[str, Any]) -> None:
    """Every row has a licence and a size, and what is installed opens."""
    table = choose.catalogue()
    assert isinstance(table, pd.DataFrame) and set(opened) <= set(table["model"])
    assert table["licence"].str.len().min() > 2 and table["installed"].dtype == bool
