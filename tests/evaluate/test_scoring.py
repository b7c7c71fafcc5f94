"""Systems whose answers are planted get the scores that follow from them."""

from __future__ import annotations

import numpy as np
import pytest
from handmade_rankings import TASK, N, at

from toolkit import stats, vectors
from toolkit.evaluate import METRICS, per_query, rank, score
from toolkit.prepare import RetrievalData, Task


def make(n: int = 6, groups: dict | None = None) -> Task:
    """Query i is answered by document i."""
    data = RetrievalData(
        {f"d{i}": f"document {i}" for i in range(n)},
        {f"q{i}": f"query {i}" for i in range(n)},
        {f"q{i}": {f"d{i}": 1} for i in range(n)},
    )
    return Task("planted", "retrieval", data, groups or {})


class Planted:
    """A model with ``encode``: text number i is unit vector i, and query i lies between i and its neighbour."""

    def __init__(self, lean: float) -> None:
        self.lean = lean  # share of the neighbour: below 0.5 the right document comes first

    def encode(self, texts: list[str]) -> np.ndarray:
        """A vector a text."""
        rows = []
        for text in texts:
            side, number = text.split()
            row = np.eye(1000)[int(number)]
            rows.append(
                row if side == "document" else (1 - self.lean) * row + self.lean * np.eye(1000)[int(number) ^ 1]
            )
        return np.array(rows)


class Search:
    """A model with ``search`` that finds the next document and says how many it was asked for."""

    def search(self, queries: dict[str, str], k: int) -> dict[str, dict[str, float]]:
        """The document after the right one."""
        self.k = k
        return {query: {f"d{(int(query[1:]) + 1) % len(queries)}": 1.0} for query in queries}


def test_a_model_that_encodes() -> None:
    """Leaning to the right document gives rank 1 everywhere, leaning to the neighbour rank 2."""
    right, wrong = score(Planted(0.2), make(), name="right"), score(Planted(0.8), make())
    assert right.per_query.to_numpy().tolist() == [[1, 1, 1, 1]] * 6
    for row in wrong.per_query.to_numpy():
        assert row == pytest.approx([0, 1 / np.log2(3), 0.5, 1])
    assert (right.system, wrong.system) == ("right", "Planted")
    cosine = 0.8 / np.hypot(0.8, 0.2)
    assert right.ranking["q3"]["d3"] == pytest.approx(cosine) and max(right.ranking["q3"].values()) <= 1


def test_sides_are_told_to_the_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents are encoded as documents and queries as queries, in the arithmetic that was asked for."""
    calls = []

    def record(model: Planted, texts: list[str], **options: object) -> np.ndarray:
        calls.append((texts[0].split()[0], options))
        return model.encode(texts).astype(np.float32)

    monkeypatch.setattr(vectors, "encode", record)
    score(Planted(0.2), make(), dtype="bfloat16")
    assert calls == [(side, {"side": side, "dtype": "bfloat16"}) for side in ("document", "query")]


def test_a_model_that_searches() -> None:
    """`search` is asked for all queries and is believed."""
    model = Search()
    scores = score(model, make())
    assert scores.per_query.to_numpy().sum() == 0 and model.k == 100 and scores.ranking["q5"] == {"d0": 1.0}


def test_rankings_are_as_deep_as_the_metrics_look() -> None:
    """recall@150 is not taken from a list of 100."""
    task = make(200)
    assert (score(Planted(0.2), task, metrics=["recall@150"]).per_query["recall@150"] == 1).all()
    last = {f"q{i}": {f"d{i}": 1} | {f"d{(i + 7) % 200}": 1} for i in range(200)}  # beyond 100 for some
    deep = Task("t", "retrieval", RetrievalData(task.data.corpus, task.data.queries, last), {})
    model = Search()
    score(model, deep, metrics=["recall@150", "nDCG@10"])
    assert model.k == 150 and len(rank(Planted(0.2), deep, depth=150)["q0"]) == 150
    assert len(rank(Planted(0.2), deep)["q0"]) == 100


def test_a_ranking() -> None:
    """A finished ranking is scored as it is; what it misses counts 0."""
    scores = score({"q0": {"d0": 1.0}, "q1": {"d0": 2.0, "d1": 1.0}}, make(), metrics=["MRR@10", "precision@1"])
    assert scores.per_query["MRR@10"].tolist() == [1, 0.5, 0, 0, 0, 0]
    assert scores.per_query["precision@1"].tolist() == [1, 0, 0, 0, 0, 0]


def test_only_the_task_s_queries_count() -> None:
    """Judgements of queries that the task does not ask are no queries that were failed."""
    data = make().data
    task = Task("t", "retrieval", RetrievalData(data.corpus, {"q1": "query 1"}, data.qrels), {})
    assert list(score({"q1": {"d1": 1.0}}, task).table["score"]) == [1] * 4


def test_table_holds_intervals_over_groups() -> None:
    """Means and intervals are those of `stats` with the task's groups; a query without a group is its own."""
    task = make(6, {"q0": "a", "q1": "a", "q2": "b", "q3": "b"})
    ranking = {query: {"d0": 3.0, "d1": 2.0, "d2": 1.0} for query in task.data.queries}
    scores = score(ranking, task, name="x")
    expected = stats.intervals(per_query(ranking, task.data.qrels).to_numpy(), ["a", "a", "b", "b", "e", "f"])
    table = scores.table
    assert list(table) == ["model", "task", "metric", "score", "low", "high", "n", "n_groups"]
    assert (
        table["metric"].tolist() == list(METRICS) and set(table["model"]) == {"x"} and set(table["task"]) == {"planted"}
    )
    for row, interval in zip(table.itertuples(), expected, strict=True):
        assert (row.score, row.low, row.high, row.n, row.n_groups) == (
            interval.mean, interval.low, interval.high, 6, 4
        )  # fmt: skip


def test_strange_rankings() -> None:
    """A ranking of another task is refused by its documents or its queries."""
    with pytest.raises(ValueError, match="holds document 'x', which the corpus of 'planted' lacks"):
        score({"q0": {"x": 1.0}}, make())
    with pytest.raises(ValueError, match="none of the 6 queries of task 'planted'"):
        score({"Q0": {"d0": 1.0}}, make())
    with pytest.raises(ValueError, match=r"model with encode\(texts\), got int"):
        score(3, make())


def test_the_query_itself_is_left_out() -> None:
    """A document with the query's own words is no wrong answer, unless it is judged right."""
    data = RetrievalData(
        {"same": "How do I pay?", "other": "Ways to pay", "far": "Weather"},
        {"q": "how do i pay", "r": "Weather!"},
        {"q": {"other": 1}, "r": {"far": 1}},
    )
    task = Task("t", "retrieval", data, {})
    assert task.echoes == {"q": {"same"}}
    ranking = {"q": {"same": 3.0, "other": 2.0, "far": 1.0}, "r": {"far": 3.0, "same": 2.0}}
    scores = score(ranking, task)
    assert scores.per_query["accuracy@1"].tolist() == [1, 1]
    assert list(scores.ranking["q"]) == ["other", "far"] and list(scores.ranking["r"]) == ["far", "same"]


def test_unjudged_is_counted() -> None:
    """One of five documents is judged where the right one is found."""
    base, tuned = score(at([2] * N), TASK), score(at([1] * 10 + [3] * 10 + [6] * 1 + [2] * 19), TASK)
    assert base.unjudged(10) == pytest.approx(4 / 5)
    assert base.unjudged(1) == 1
    assert tuned.unjudged(1) == pytest.approx(30 / 40)
