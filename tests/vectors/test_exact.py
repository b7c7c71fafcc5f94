"""`nearest` against brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from toolkit.vectors import nearest


def unit(n: int, dim: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(n, dim))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize(("n", "m", "k"), [(1, 1, 1), (7, 300, 10), (40, 5000, 3), (3, 4, 4), (30, 1500, 200)])
def test_equals_brute_force(n: int, m: int, k: int) -> None:
    """Scores and row numbers are those of the whole matrix, sorted."""
    queries, docs = unit(n, 24, 0), unit(m, 24, 1)
    scores, ids = nearest(queries, docs, k)
    whole = queries.astype(np.float64) @ docs.T.astype(np.float64)
    expected = np.argsort(-whole, axis=1, kind="stable")[:, :k]
    assert scores.dtype == np.float32 and ids.dtype == np.int64 and ids.shape == (n, k)
    np.testing.assert_allclose(scores, np.take_along_axis(whole, expected, axis=1), atol=1e-6)
    assert (ids == expected).mean() > 0.999  # two scores may differ in the eighth digit


def test_k_beyond_the_documents() -> None:
    """All documents come back, each once."""
    _, ids = nearest(unit(5, 8, 0), unit(3, 8, 1), 10)
    assert np.array_equal(np.sort(ids, axis=1), [[0, 1, 2]] * 5)


def test_equal_scores_come_in_order() -> None:
    """Of equal documents the smaller number comes first."""
    docs = np.repeat(np.eye(3, dtype=np.float32), 4, axis=0)
    _, ids = nearest(np.eye(3, dtype=np.float32)[1:2], docs, 12)
    assert ids.tolist() == [[4, 5, 6, 7, 0, 1, 2, 3, 8, 9, 10, 11]]


def test_memory_map_and_other_formats(tmp_path: Path) -> None:
    """A memory map, a list and float64 give what the array gives; nothing is changed."""
    queries, docs = unit(4, 8, 0), unit(50, 8, 1)
    np.save(tmp_path / "docs.npy", docs)
    expected = nearest(queries, docs, 5)[1]
    for other in (
        np.load(tmp_path / "docs.npy", mmap_mode="r"),
        docs.tolist(),
        docs.astype(np.float64),
        np.asfortranarray(docs),
    ):
        assert np.array_equal(nearest(queries, other, 5)[1], expected)


def test_nothing_to_compare() -> None:
    """No queries or no documents give empty arrays of the right shape."""
    assert [part.shape for part in nearest(np.empty((0, 8), np.float32), unit(3, 8, 0), 2)] == [(0, 2)] * 2
    assert [part.shape for part in nearest(unit(3, 8, 0), np.empty((0, 8), np.float32), 2)] == [(3, 0)] * 2


def test_bad_input() -> None:
    """Wrong shapes, k below 1 and NaN are refused by value."""
    docs = unit(3, 8, 0)
    for k in (0, -1):
        with pytest.raises(ValueError, match=f"got {k}"):
            nearest(docs, docs, k)
    for queries in (docs[0], docs[:, :4], docs[None]):
        with pytest.raises(ValueError, match="expected arrays of shapes"):
            nearest(queries, docs, 1)
    for queries, others in ((docs * np.nan, docs), (docs, docs * np.nan)):
        with pytest.raises(ValueError, match="not finite"):
            nearest(queries, others, 1)
