"""Rows as points, and what joins them as lines: who hangs together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


def components(n: int, edges: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Label of the connected component of each of `n` rows; `edges` are arrays of row pairs.

    Examples
    --------
    >>> components(4, [np.array([[0, 2]])]).tolist()
    [0, 1, 0, 2]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = np.concatenate([np.empty((0, 2), dtype=np.int64), *edges])
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    labels = connected_components(graph, directed=False)[1]
    return np.asarray(labels, dtype=np.int64)


def same_value(values: Sequence[object]) -> NDArray[np.int64]:
    """Row pairs that join all rows of equal value: each with the first row that has it."""
    first: dict[object, int] = {}
    pairs = [(first.setdefault(value, row), row) for row, value in enumerate(values)]
    return np.array([pair for pair in pairs if pair[0] != pair[1]], dtype=np.int64).reshape(-1, 2)
