"""Find exact nearest neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def nearest(
    queries: NDArray[np.float32], docs: NDArray[np.float32], k: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Find the `k` rows of `docs` with the largest inner product with each row of `queries`: cosine, for unit vectors.

    FAISS compares block by block, so no matrix of all scores is held, and `docs` may be a memory map.

    Parameters
    ----------
    queries : array of shape (n, dim), float32
    docs : array of shape (m, dim), float32
    k : int
        At least 1; if k is larger than m, all of `docs` are returned.

    Returns
    -------
    scores : array of shape (n, min(k, m)), float32
        Descending in each row.
    ids : array of shape (n, min(k, m)), int64
        Row numbers in `docs`; ties within the k are ordered by row number.

    Raises
    ------
    ValueError
        For k < 1 or shapes that do not match.

    Examples
    --------
    >>> docs = np.eye(3, dtype=np.float32)
    >>> scores, ids = nearest(docs[:1], docs, k=2)
    >>> ids.tolist(), scores.tolist()
    ([[0, 1]], [[1.0, 0.0]])
    """
    import faiss

    queries, docs = np.asanyarray(queries), np.asanyarray(docs)
    if k < 1:
        raise ValueError(f"expected k of at least 1, got {k}")
    if queries.ndim != 2 or docs.ndim != 2 or queries.shape[1] != docs.shape[1]:
        raise ValueError(f"expected arrays of shapes (n, dim) and (m, dim), got {queries.shape} and {docs.shape}")
    k = min(k, len(docs))
    if not len(queries) or not k:
        return np.empty((len(queries), k), dtype=np.float32), np.empty((len(queries), k), dtype=np.int64)
    scores, ids = faiss.knn(
        np.ascontiguousarray(queries, dtype=np.float32),
        np.ascontiguousarray(docs, dtype=np.float32),
        k,
        metric=faiss.METRIC_INNER_PRODUCT,
    )
    if (ids < 0).any():  # how FAISS reports that nothing could be compared
        raise ValueError(
            "queries or docs hold values that are not finite (NaN): encode never returns those; check their source"
        )
    order = np.lexsort((ids, -scores), axis=1)
    return np.take_along_axis(scores, order, axis=1), np.take_along_axis(ids, order, axis=1)
