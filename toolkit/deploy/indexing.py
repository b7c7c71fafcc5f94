"""Build a FAISS index and measure what it misses."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolkit import vectors as _vectors

FLAT_BELOW = 20_000  # vectors up to which exact search takes a few milliseconds, so that nothing need be missed
LINKS = 32  # neighbours of each vector in an HNSW graph
EFFORTS = (16, 32, 64, 128, 256, 512, 1024)  # efSearch, tried in this order


@dataclass(frozen=True)
class Index:
    """A FAISS index over unit vectors, by inner product, and what was measured when it was built.

    Attributes
    ----------
    faiss : faiss.Index
    kind : str
        FAISS's factory string, such as ``"Flat"`` or ``"HNSW32,Flat"``.
    settings : dict
        Search settings that were chosen, such as ``{"efSearch": 64}``.
    measured : dict
        See `measure`; of the queries that it was tuned on.
    """

    faiss: Any
    kind: str
    settings: dict[str, int]
    measured: dict[str, float]


def build_index(
    vectors: NDArray[np.float32], *, queries: NDArray[np.float32], recall: float = 0.95, k: int = 10
) -> Index:
    """Build the simplest index that reaches `recall` on these queries.

    Up to 20,000 vectors that is exact search. Beyond, an HNSW graph (Y. Malkov and D. Yashunin, arXiv:1603.09320) whose
    search effort is raised until the recall is reached, and exact search where it is not.

    Parameters
    ----------
    vectors : array of shape (n, dim), float32
        Unit vectors of the documents.
    queries : array of shape (m, dim), float32
        Unit vectors of validation queries, to tune on.
    recall : float
        Wanted recall@k against exact search, above 0 and at most 1.
    k : int

    Raises
    ------
    ValueError
        For empty or unfitting arrays, vectors that are not of unit length, or a recall out of range.
    """
    import faiss

    if not 0 < recall <= 1:
        raise ValueError(f"expected a recall above 0 and at most 1, got {recall}")
    if vectors.ndim != 2 or queries.ndim != 2 or vectors.shape[1] != queries.shape[1] or not len(queries):
        raise ValueError(f"expected arrays of shapes (n, dim) and (m > 0, dim), got {vectors.shape}, {queries.shape}")
    if not len(vectors):
        raise ValueError("expected at least one vector to index, got none")
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.allclose(lengths, 1, atol=1e-3):
        raise ValueError(f"expected unit vectors, got lengths from {lengths.min():.3f} to {lengths.max():.3f}")
    data = np.ascontiguousarray(vectors, dtype=np.float32)
    exact = faiss.IndexFlatIP(data.shape[1])
    exact.add(data)
    if len(data) > FLAT_BELOW:
        graph = faiss.IndexHNSWFlat(data.shape[1], LINKS, faiss.METRIC_INNER_PRODUCT)
        graph.add(data)
        for effort in EFFORTS:
            graph.hnsw.efSearch = max(effort, k)
            measured = measure(graph, vectors, queries, k=k)
            if measured["recall"] >= recall:
                return Index(graph, f"HNSW{LINKS},Flat", {"efSearch": max(effort, k)}, measured)
    return Index(exact, "Flat", {}, measure(exact, vectors, queries, k=k))


def measure(index: Any, vectors: NDArray[np.float32], queries: NDArray[np.float32], *, k: int = 10) -> dict[str, float]:
    """Measure a FAISS index against exact search.

    Parameters
    ----------
    index : faiss.Index
    vectors : array of shape (n, dim), float32
        What it holds, in its order.
    queries : array of shape (m, dim), float32
    k : int

    Returns
    -------
    dict
        ``recall``: share of the k best documents that it finds, 0 to 1 (a document that scores as high as the k-th best
        counts, so that ties do not); ``k``; ``queries``; ``median_ms`` and ``p95_ms`` of one query at a time, the
        search alone; ``megabytes`` of the index.
    """
    import faiss

    exact, _ = _vectors.nearest(queries, vectors, k)
    found, _ = index.search(np.ascontiguousarray(queries, dtype=np.float32), exact.shape[1])
    milliseconds = []
    for query in queries[:200]:
        start = time.perf_counter()
        index.search(query[None], k)
        milliseconds.append((time.perf_counter() - start) * 1e3)
    return {
        "recall": float((found >= exact[:, -1:] - 1e-6).mean()),
        "k": k,
        "queries": len(queries),
        "median_ms": round(float(np.median(milliseconds)), 3),
        "p95_ms": round(float(np.percentile(milliseconds, 95)), 3),
        "megabytes": round(len(faiss.serialize_index(index)) / 1e6, 2),
    }
