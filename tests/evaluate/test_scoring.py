"""Systems whose answers are planted get the scores that follow from them."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from handmade_rankings import TASK, N, at

from toolkit import stats, vectors
from toolkit.evaluate import score
from toolkit.evaluate.scoring import METRICS, per_query, rank
from toolkit.evaluate.scoring.ranking import rank_all, search_all
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
    assert (right.name, wrong.name) == (right.system.name, wrong.system.name) == ("right", "Planted")
    cosine = 0.8 / np.hypot(0.8, 0.2)
    assert right.ranking["q3"]["d3"] == pytest.approx(cosine) and max(right.ranking["q3"].values()) <= 1


@pytest.mark.parametrize("kind", ["retrieval", "reranking"])
def test_sides_and_dtype_reach_the_encoder(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents are encoded as documents and queries as queries, in the number format that was asked for."""
    calls = set()

    def record(model: Planted, texts: list[str], **options: object) -> np.ndarray:
        calls.add((texts[0].split()[0], options["side"], options["dtype"]))
        return model.encode(texts).astype(np.float32)

    monkeypatch.setattr(vectors, "encode", record)
    monkeypatch.setattr("toolkit.vectors.systems.encode", record)
    task = make()
    candidates = {query: list(task.data.corpus) for query in task.data.queries}
    data = RetrievalData(task.data.corpus, task.data.queries, task.data.qrels, candidates)
    score(Planted(0.2), Task("t", kind, data, {}), dtype="bfloat16")
    assert calls == {(side, side, "bfloat16") for side in ("document", "query")}


def test_a_model_that_searches() -> None:
    """Anything with `search` is a system, also without a name or a record."""
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
    """A finished ranking is kept whole; a query that it lacks counts 0, with a warning."""
    with pytest.warns(UserWarning, match="4 of 6 queries"):
        scores = score({"q0": {"d0": 1.0}, "q1": {"d0": 2.0, "d1": 1.0}}, make(), metrics=["MRR@10", "precision@1"])
    task = make(150)
    whole = {query: {doc: float(-place) for place, doc in enumerate(task.data.corpus)} for query in task.data.queries}
    assert score(whole, task).ranking == whole
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
    with pytest.raises(ValueError, match="1 documents missing from the corpus .first: 'x'"):
        score({"q0": {"x": 1.0}}, make())
    with pytest.raises(ValueError, match="none of the 6 queries"):
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
    assert task.self_matches == {"q": {"same"}}
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


class Counted:
    """A system that counts how often it is searched."""

    def __init__(self, system: Any) -> None:
        self.system, self.name, self.corpus, self.record, self.n = system, system.name, system.corpus, system.record, 0

    def search(self, queries: dict[str, str], k: int = 10) -> dict[str, dict[str, float]]:
        """As the system does."""
        self.n += 1
        return self.system.search(queries, k)


class Words:
    """A cross-encoder: the number of shared words."""

    def predict(self, pairs: list[tuple[str, str]]) -> list[int]:
        """A score a pair."""
        return [len(set(a.split()) & set(b.split())) for a, b in pairs]


def test_each_system_is_searched_once() -> None:
    """Fused and reranked systems start from what their parts found, and give what their own `search` gives."""
    rng = np.random.default_rng(0)
    corpus = {f"d{i:03}": " ".join(f"w{n}" for n in rng.integers(0, 60, 8)) for i in range(300)}
    queries = {f"q{i}": " ".join(f"w{n}" for n in rng.integers(0, 60, 3)) for i in range(20)}
    dense = vectors.dense(Random(), corpus)
    one, two = Counted(vectors.bm25(corpus)), Counted(dense)
    fused = vectors.fuse(one, two)
    systems = [one, two, fused, vectors.rerank(fused, Words(), depth=20), vectors.fuse(fused, one)]
    for k in (10, 150):
        one.n = two.n = 0
        found = search_all(systems, queries, k)
        assert one.n == two.n == 1 + (k < 100)  # a fusion asks its parts for 100 documents
        assert found == [system.search(queries, k) for system in systems]
    renamed = replace(dense, name="other")
    assert search_all([dense, renamed], queries, 5)[0] == search_all([renamed], queries, 5)[0]


class Random:
    """A model that gives each text a vector of its own."""

    def encode(self, texts: list[str]) -> np.ndarray:
        """A vector a text."""
        return np.array([np.random.default_rng(zlib.crc32(text.encode())).normal(size=8) for text in texts])


def test_self_matches_are_removed_from_the_final_ranking() -> None:
    """A fusion ranks them like any other document, as its own `search` does; only then are they left out."""
    data = RetrievalData(
        {"same": "pay", "a": "pay by card", "b": "pay by bank", "c": "weather"},
        {"q": "Pay", "r": "weather card"},
        {"q": {"b": 1}, "r": {"c": 1}},
    )
    task = Task("t", "retrieval", data, {})
    first = vectors.from_ranking({"q": {"same": 3.0, "a": 2.0}, "r": {"c": 1.0}}, data.corpus)
    second = vectors.from_ranking({"q": {"same": 3.0, "b": 2.0, "a": 1.0}, "r": {"a": 1.0}}, data.corpus)
    fused = vectors.fuse(first, second)
    expected = {query: {doc: x for doc, x in row.items() if doc != "same"} for query, row in
                fused.search(data.queries, 100).items()}  # fmt: skip
    assert score(fused, task).ranking == expected
    assert expected["q"] == {"a": pytest.approx(1 / 62 + 1 / 63), "b": pytest.approx(1 / 62)}


def test_candidates_are_scored_by_each_part() -> None:
    """Of a reranking task every part of a system scores all candidates, and what a search engine lacks is not found."""
    corpus = {"a": "red fox", "b": "blue whale", "c": "red whale", "d": "red"}
    candidates = {"q": ["b", "a", "c"]}
    task = Task("t", "reranking", RetrievalData(corpus, {"q": "red fox"}, {"q": {"a": 1}}, candidates), {})
    words = vectors.bm25(corpus)
    current = vectors.from_ranking({"q": {"d": 9.0, "c": 2.0, "a": 1.0}}, corpus)
    found = rank_all([words, current, vectors.fuse(words, current), vectors.rerank(words, Words(), depth=9)], task)
    assert [list(vectors.rankings.top(row["q"], 9)) for row in found] == [["a", "c", "b"], ["c", "a"], ["a", "c", "b"],
                                                                 ["a", "c", "b"]]  # fmt: skip
    assert found[2]["q"] == {"a": 1 / 61 + 1 / 62, "c": 1 / 62 + 1 / 61, "b": 1 / 63}
    assert found[3]["q"] == {"a": 2, "c": 1, "b": 0} == rank(Words(), task)["q"]
