"""Indexes reach the recall they promise, and the measurement of it can be trusted."""

from __future__ import annotations

import faiss
import numpy as np
import pytest

from toolkit import deploy
from toolkit.deploy import indexing


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
    monkeypatch.setattr(indexing, "FLAT_BELOW", 100)
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
    monkeypatch.setattr(indexing, "FLAT_BELOW", 100)
    monkeypatch.setattr(indexing, "EFFORTS", (1,))
    assert deploy.build_index(vectors, queries=queries, recall=1.0).kind == "Flat"


def test_measure_counts_what_an_index_misses(data: tuple[np.ndarray, np.ndarray]) -> None:
    """Recall equals brute force counting for an index that holds only every second vector."""
    vectors, queries = data
    half = faiss.IndexIDMap2(faiss.IndexFlatIP(32))
    half.add_with_ids(vectors[::2], np.arange(0, 3000, 2))
    measured = deploy.measure(half, vectors, queries, k=10)
    best = np.argsort(-(queries @ vectors.T), axis=1)[:, :10]
    # The index returns the ten best of its half; those that are among the ten best of all are hits.
    assert measured["recall"] == pytest.approx((best % 2 == 0).mean())
    assert measured["megabytes"] == pytest.approx(1500 * (32 * 4 + 8) / 1e6, rel=0.05)


def test_ties_do_not_count_as_misses() -> None:
    """Among equal vectors any is as good as another."""
    vectors = np.repeat(np.eye(4, dtype=np.float32), 30, axis=0)
    index = faiss.IndexFlatIP(4)
    index.add(vectors[::-1].copy())
    assert deploy.measure(index, vectors, vectors[:1], k=10)["recall"] == 1


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
