"""Build an index over vectors, and measure what it misses."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolkit.vectors import nearest

FLAT_BELOW = 20_000  # up to this many vectors, exact search takes a few milliseconds and misses nothing
GRAPH = "HNSW32,Flat"  # 32 neighbours of each vector
EFFORTS = (16, 32, 64, 128, 256, 512, 1024)  # efSearch, tried in this order
KEPT = 500  # queries that an index keeps


@dataclass(frozen=True)
class Index:
    """An index over unit vectors, by inner product, and how it was tuned and measured.

    Attributes
    ----------
    faiss : faiss.Index
    kind : str
        FAISS's factory string, such as ``"Flat"`` or ``"HNSW32,Flat"``.
    settings : mapping
        Search settings that were chosen, such as ``{"efSearch": 64}``.
    recall : float
        The target recall@k, 0 to 1.
    k : int
    queries : array of shape (m, dim), float32
        Unit vectors that it was tuned with, 500 of them at most; m is 0 where none were kept.
    source : str
        What the queries are, such as ``"validation searches"``.
    measured : mapping
        Result of `measure` on the queries that it was tuned with.
    """

    faiss: Any
    kind: str
    settings: Mapping[str, int]
    recall: float
    k: int
    queries: NDArray[np.float32]
    source: str
    measured: Mapping[str, float]

    def __len__(self) -> int:
        return int(self.faiss.ntotal)

    @property
    def dim(self) -> int:
        """Length of a vector."""
        return int(self.faiss.d)

    def search(self, vectors: NDArray[np.float32], k: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Find the `k` nearest of each vector: scores and rows, (n, k) each; row -1 where there are no more."""
        scores, rows = self.faiss.search(np.ascontiguousarray(vectors, dtype=np.float32), k)
        return scores, rows

    def vectors(self) -> NDArray[np.float32] | None:
        """Return the vectors in their order; None for a kind that cannot reconstruct them."""
        try:
            held: NDArray[np.float32] = self.faiss.reconstruct_n(0, len(self))
        except RuntimeError:
            return None
        return held

    def rebuild(self, vectors: NDArray[np.float32]) -> Index:
        """Build an index of the same kind and settings over other vectors, measured with the queries that were kept."""
        index = _make(self.kind, vectors, self.settings)
        measured = measure(index, vectors, self.queries, k=self.k)
        return replace(self, faiss=index, measured=measured)

    @property
    def record(self) -> dict[str, Any]:
        """Everything but vectors and queries."""
        names = ("kind", "settings", "recall", "k", "source", "measured")
        return {name: getattr(self, name) for name in names}

    def save(self, folder: str | Path) -> None:
        """Write ``index.faiss`` and ``queries.npy``."""
        import faiss

        faiss.write_index(self.faiss, str(Path(folder) / "index.faiss"))
        np.save(Path(folder) / "queries.npy", self.queries)

    @classmethod
    def load(cls, folder: str | Path, record: Mapping[str, Any]) -> Index:
        """Read what `save` wrote, with the index's `record`."""
        import faiss

        index = faiss.read_index(str(Path(folder) / "index.faiss"))
        return cls(faiss=index, queries=np.load(Path(folder) / "queries.npy"), **record)


def build_index(
    vectors: NDArray[np.float32],
    *,
    queries: NDArray[np.float32],
    recall: float = 0.95,
    k: int = 10,
    source: str = "validation searches",
) -> Index:
    """Build the simplest index that reaches `recall` on these queries.

    Up to 20,000 vectors that is exact search. Above, an HNSW graph (Y. Malkov and D. Yashunin, arXiv:1603.09320) whose
    search effort is raised until the recall is reached, and exact search where it is not.

    Parameters
    ----------
    vectors : array of shape (n, dim), float32
        Unit vectors of the documents.
    queries : array of shape (m, dim), float32
        Unit vectors of validation queries, to tune on. Up to 500 of them are kept, to measure with after a change.
    recall : float
        Target recall@k against exact search, above 0 and at most 1.
    k : int
    source : str
        What the queries are, for the record.

    Raises
    ------
    ValueError
        For empty arrays or mismatched shapes, vectors that are not of unit length, or a recall out of range.
    """
    if not 0 < recall <= 1:
        raise ValueError(f"expected a recall above 0 and at most 1, got {recall}")
    if vectors.ndim != 2 or queries.ndim != 2 or vectors.shape[1] != queries.shape[1] or not len(queries):
        raise ValueError(f"expected arrays of shapes (n, dim) and (m > 0, dim), got {vectors.shape}, {queries.shape}")
    if not len(vectors):
        raise ValueError("expected at least one vector to index, got none")
    lengths = np.linalg.norm(vectors, axis=1)
    if not np.allclose(lengths, 1, atol=1e-3):
        raise ValueError(f"expected unit vectors, got lengths from {lengths.min():.3f} to {lengths.max():.3f}")
    exact, _ = nearest(queries, vectors, k)
    kind, settings, index = "Flat", {}, None
    if len(vectors) > FLAT_BELOW:
        graph = _make(GRAPH, vectors, {})
        for effort in EFFORTS:
            graph.hnsw.efSearch = max(effort, k)
            if _recall(graph, queries, exact) >= recall:
                kind, settings, index = GRAPH, {"efSearch": max(effort, k)}, graph
                break
    index = _make(kind, vectors, settings) if index is None else index
    measured = measure(index, vectors, queries, k=k, exact=exact)
    kept = queries[np.linspace(0, len(queries) - 1, min(len(queries), KEPT)).astype(int)]
    return Index(index, kind, settings, recall, k, np.asarray(kept, dtype=np.float32), source, measured)


def measure(
    index: Any,
    vectors: NDArray[np.float32],
    queries: NDArray[np.float32],
    *,
    k: int = 10,
    exact: NDArray[np.float32] | None = None,
) -> dict[str, float]:
    """Measure an index against exact search.

    Parameters
    ----------
    index : Index or faiss.Index
    vectors : array of shape (n, dim), float32
        The vectors that it holds, in its order.
    queries : array of shape (m, dim), float32
    k : int
    exact : array of shape (m, k), float32, optional
        Scores of exact search, where they are known: ``nearest(queries, vectors, k)[0]``.

    Returns
    -------
    dict
        ``recall``: share of the k best documents that it finds, 0 to 1 (a document that scores as high as the k-th best
        counts, so ties do no harm); ``k``; ``queries``; ``median_ms`` and ``p95_ms`` of one query at a time, the
        search alone; ``megabytes`` of the index. Without queries only ``k``, ``queries`` (0) and ``megabytes``.
    """
    import faiss

    index = index.faiss if isinstance(index, Index) else index
    measured: dict[str, float] = {"k": k, "queries": len(queries)}
    if len(queries):
        exact = nearest(queries, vectors, k)[0] if exact is None else exact
        milliseconds = []
        for query in np.ascontiguousarray(queries[:200], dtype=np.float32):
            start = time.perf_counter()
            index.search(query[None], k)
            milliseconds.append((time.perf_counter() - start) * 1e3)
        measured = {
            "recall": _recall(index, queries, exact),
            **measured,
            "median_ms": round(float(np.median(milliseconds)), 3),
            "p95_ms": round(float(np.percentile(milliseconds, 95)), 3),
        }
    return {**measured, "megabytes": round(len(faiss.serialize_index(index)) / 1e6, 2)}


def _make(kind: str, vectors: NDArray[np.float32], settings: Mapping[str, int]) -> Any:
    """Make a FAISS index of a kind over vectors."""
    import faiss

    index = faiss.index_factory(vectors.shape[1], kind, faiss.METRIC_INNER_PRODUCT)
    index.add(np.ascontiguousarray(vectors, dtype=np.float32))
    for name, value in settings.items():
        faiss.ParameterSpace().set_index_parameter(index, name, value)
    return index


def _recall(index: Any, queries: NDArray[np.float32], exact: NDArray[np.float32]) -> float:
    """Share of the best documents that a FAISS index finds, given the scores of exact search."""
    found, _ = index.search(np.ascontiguousarray(queries, dtype=np.float32), exact.shape[1])
    return float((found >= exact[:, -1:] - 1e-6).mean())
