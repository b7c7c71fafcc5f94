"""Indexes reach the recall they promise, and the measurement of it can be trusted."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import faiss
import numpy as np
import pytest

from toolkit import deploy
from toolkit import vectors as vector_search
from toolkit.deploy import indexes
from toolkit.deploy.indexes import Index, measure


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    return unit(rng.normal(size=(3000, 32))), unit(rng.normal(size=(200, 32)))


def test_small_data_is_searched_exactly(data: tuple[np.ndarray, np.ndarray]) -> None:
    """A few thousand vectors get the exact index: recall 1, and the neighbours of numpy."""
    vectors, queries = data
    index = deploy.build_index(vectors, queries=queries)
    assert index.kind == "Flat" and index.measured["recall"] == 1
    found = index.faiss.search(queries, 5)[1]
    assert np.array_equal(found, np.argsort(-(queries @ vectors.T), axis=1)[:, :5])


def test_graph_is_tuned_to_the_recall(data: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    """A wanted recall raises the search effort until it is reached, and the effort survives saving."""
    vectors, queries = data
    monkeypatch.setattr(indexes, "FLAT_BELOW", 100)
    low = deploy.build_index(vectors, queries=queries, recall=0.5)
    high = deploy.build_index(vectors, queries=queries, recall=0.97)
    assert low.kind == high.kind == "HNSW32,Flat"
    assert low.settings["efSearch"] < high.settings["efSearch"]
    assert high.measured["recall"] >= 0.97 > low.measured["recall"]
    again = faiss.deserialize_index(faiss.serialize_index(high.faiss))
    assert again.hnsw.efSearch == high.settings["efSearch"]


def test_recall_that_no_graph_reaches_falls_back_to_exact(
    data: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When even the largest effort misses the recall, the exact index is taken and says so."""
    vectors, queries = data
    monkeypatch.setattr(indexes, "FLAT_BELOW", 100)
    monkeypatch.setattr(indexes, "EFFORTS", (1,))
    assert deploy.build_index(vectors, queries=queries, recall=1.0).kind == "Flat"


def test_exact_search_is_done_once(data: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    """However many efforts are tried, the exact neighbours are computed once."""
    vectors, queries = data
    calls: list[int] = []
    nearest = indexes.nearest
    monkeypatch.setattr(indexes, "FLAT_BELOW", 100)
    monkeypatch.setattr(indexes, "nearest", lambda *args: (calls.append(1), nearest(*args))[1])
    for recall in (0.5, 0.97, 1.0):
        calls.clear()
        deploy.build_index(vectors, queries=queries, recall=recall)
        assert len(calls) == 1


def test_an_index_keeps_what_it_was_tuned_with(data: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    """Wanted recall, k, settings and queries stay, also after saving; of many queries 500 spread ones are kept."""
    vectors, queries = data
    index = deploy.build_index(vectors, queries=queries, recall=0.8, k=7, source="searches of July")
    assert (index.recall, index.k, index.source, index.dim, len(index)) == (0.8, 7, "searches of July", 32, 3000)
    assert np.array_equal(index.queries, queries) and index.measured["queries"] == 200
    many = deploy.build_index(vectors[:50], queries=vectors)
    assert len(many.queries) == 500 and many.measured["queries"] == 3000
    assert np.array_equal(many.queries[[0, -1]], vectors[[0, -1]])
    index.save(tmp_path)
    again = Index.load(tmp_path, json.loads(json.dumps(index.record)))
    assert again.record == index.record and np.array_equal(again.queries, queries)
    assert all(np.array_equal(a, b) for a, b in zip(again.search(queries, 5), index.search(queries, 5), strict=True))


def test_rebuilt_over_other_vectors(data: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    """A graph stays a graph with its effort, also over few vectors, and is measured with the queries that were kept."""
    vectors, queries = data
    monkeypatch.setattr(indexes, "FLAT_BELOW", 100)
    graph = deploy.build_index(vectors, queries=queries, recall=0.97)
    monkeypatch.undo()
    small = graph.rebuild(vectors[:2000])
    assert (small.kind, small.settings, len(small)) == (graph.kind, graph.settings, 2000)
    assert small.faiss.hnsw.efSearch == graph.settings["efSearch"]
    exact = vector_search.nearest(queries, vectors[:2000], 10)[0]
    found = small.search(queries, 10)[0]
    assert small.measured["recall"] == pytest.approx((found >= exact[:, -1:] - 1e-6).mean())
    assert small.measured["queries"] == 200
    np.testing.assert_allclose(small.vectors(), vectors[:2000])
    none = dataclasses.replace(graph, queries=np.empty((0, 32), np.float32)).rebuild(vectors[:2000])
    assert none.measured["queries"] == 0 and "recall" not in none.measured and none.measured["megabytes"] > 0


def test_known_exact_scores_are_used(data: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    """With exact scores given, nothing is searched exactly again, and the measurement is the same."""
    vectors, queries = data
    index = deploy.build_index(vectors[:500], queries=queries)
    exact = vector_search.nearest(queries, vectors[:500], 10)[0]
    expected = measure(index, vectors[:500], queries)
    monkeypatch.setattr(indexes, "nearest", None)
    given = measure(index, vectors[:500], queries, exact=exact)
    assert {name: given[name] for name in ("recall", "k", "queries", "megabytes")} == {
        name: expected[name] for name in ("recall", "k", "queries", "megabytes")
    }


def test_measure_counts_what_an_index_misses(data: tuple[np.ndarray, np.ndarray]) -> None:
    """Recall equals brute force counting for an index that holds only every second vector."""
    vectors, queries = data
    half = faiss.IndexIDMap2(faiss.IndexFlatIP(32))
    half.add_with_ids(vectors[::2], np.arange(0, 3000, 2))
    measured = measure(half, vectors, queries, k=10)
    best = np.argsort(-(queries @ vectors.T), axis=1)[:, :10]
    # The index returns the ten best of its half; those that are among the ten best of all are hits.
    assert measured["recall"] == pytest.approx((best % 2 == 0).mean())
    assert measured["megabytes"] == pytest.approx(1500 * (32 * 4 + 8) / 1e6, rel=0.05)


def test_ties_do_not_count_as_misses() -> None:
    """Among equal vectors any is as good as another."""
    vectors = np.repeat(np.eye(4, dtype=np.float32), 30, axis=0)
    index = faiss.IndexFlatIP(4)
    index.add(vectors[::-1].copy())
    assert measure(index, vectors, vectors[:1], k=10)["recall"] == 1


@pytest.mark.parametrize(
    ("vectors", "queries", "recall", "message"),
    [
        (np.eye(4), np.eye(3), 0.9, "shapes"),
        (np.empty((0, 4)), np.eye(4), 0.9, "at least one vector"),
        (np.eye(4), np.empty((0, 4)), 0.9, "m > 0"),
        (2 * np.eye(4), np.eye(4), 0.9, "unit vectors, got lengths from 2.000"),
        (np.full((2, 4), np.nan), np.eye(4), 0.9, "unit vectors"),
        (np.eye(4), np.eye(4), 95, "recall above 0 and at most 1, got 95"),
    ],
)
def test_bad_input(vectors: np.ndarray, queries: np.ndarray, recall: float, message: str) -> None:
    """What cannot be indexed is refused with what came and what was expected."""
    with pytest.raises(ValueError, match=message):
        deploy.build_index(vectors.astype(np.float32), queries=queries.astype(np.float32), recall=recall)
