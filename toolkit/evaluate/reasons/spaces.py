"""The shape of a space of vectors in a few numbers: whether texts lie apart, and whether the space is used."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit import vectors as vector_search

MOST = 5_000  # vectors that all are compared with all
NARROW, FLAT = 0.9, 2.0  # mean cosine from which, and effective rank up to which, vectors have collapsed
HUB = 10  # neighbours a vector, for hubness


def space(vectors: Any, pairs: Any = None, *, seed: int = 0) -> pd.DataFrame:
    """Measure a space of vectors: a collapse, in which all texts get nearly the same vector, shows at a glance.

    These are signs and not scores: a space may look well and rank badly. Compare two models on the same texts, before
    and after tuning for instance; of more than 5,000 vectors the same sample is taken at each call.

    Parameters
    ----------
    vectors : array of shape (n, dim)
        At least 3, of any length but zero; they are scaled to unit length.
    pairs : array of shape (m, 2), optional
        Row numbers of vectors that belong together, such as a search and its answer; without them no alignment.
    seed : int
        Of the sample. Alignment is of all pairs.

    Returns
    -------
    DataFrame
        One row a measure: ``measure value n reads``, the last a sentence.

        - ``alignment``: mean squared distance of pairs, 0 to 4 [1]_.
        - ``uniformity``: logarithm of the mean of exp(-2 d^2) over all pairs of vectors at distance d, -8 to 0 [1]_.
        - ``mean cosine``: of two vectors at random, all pairs counted.
        - ``effective rank``: the exponential of the entropy of the singular values, scaled to sum 1; 1 to dim [2]_.
          Vectors are not centred, so that a common direction counts as one.
        - ``hubness``: skewness of the number of vectors that have a vector among their ten nearest [3]_.
        - ``largest hub``: the share of all vectors that have the same one among their ten nearest, 0 to 1.

    Raises
    ------
    ValueError
        For fewer than 3 vectors, some that are not finite or zero, or pairs that name none.

    References
    ----------
    .. [1] T. Wang and P. Isola, "Understanding Contrastive Representation Learning through Alignment and Uniformity on
       the Hypersphere", ICML 2020.
    .. [2] O. Roy and M. Vetterli, "The effective rank: a measure of effective dimensionality", EUSIPCO 2007.
    .. [3] M. Radovanović, A. Nanopoulos and M. Ivanović, "Hubs in Space", JMLR 11, 2010.

    Examples
    --------
    >>> table = space(np.eye(4), [[0, 1]]).set_index("measure")["value"]
    >>> float(table["alignment"].round(3)), float(table["mean cosine"]), float(table["effective rank"].round(3))
    (2.0, 0.0, 4.0)
    """
    every = checked(vectors)
    rows = every
    if len(every) > MOST:
        rows = every[np.sort(np.random.default_rng(seed).choice(len(every), MOST, replace=False))]
    found = []
    if pairs is not None:
        left, right = _pairs(pairs, len(every))
        value = float(((every[left] - every[right]) ** 2).sum(axis=1).mean())
        found.append(
            ("alignment", value, len(left), f"Pairs have a mean cosine of {1 - value / 2:.2f}: smaller is closer.")
        )
    cosine = mean_cosine(rows)
    found.append(("uniformity", uniformity(rows), len(rows), "Smaller is more evenly spread; 0 is a single point."))
    found.append(("mean cosine", cosine, len(rows), _cone(cosine)))
    rank = effective_rank(rows)
    found.append(("effective rank", rank, len(rows), _rank(rank, rows.shape)))
    counts = occurrences(rows, min(HUB, len(rows) - 1))
    found.append(
        ("hubness", _skewness(counts), len(rows), "0 is balanced; above about 2 few texts are found again and again.")
    )
    share = float(counts.max()) / len(rows)
    found.append(("largest hub", share, len(rows), f"One text is among the ten nearest of {share:.1%} of all."))
    return pd.DataFrame(found, columns=["measure", "value", "n", "reads"])


def checked(vectors: Any) -> NDArray[np.float64]:
    """Unit vectors of shape (n, dim), n at least 3."""
    if hasattr(vectors, "encode") or isinstance(vectors, (str, Mapping)):
        raise ValueError(f"expected vectors of shape (n, dim), such as vectors.encode(model, texts), got "
                         f"{type(vectors).__name__}")  # fmt: skip
    if np.iscomplexobj(vectors):
        raise ValueError("expected vectors of real numbers, got complex ones")
    rows = np.asarray(vectors, dtype=np.float64)
    if rows.ndim != 2 or len(rows) < 3:
        raise ValueError(f"expected at least 3 vectors as an array of shape (n, dim), got shape {rows.shape}")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        bad = int((~np.isfinite(lengths) | (lengths == 0)).sum())
        raise ValueError(f"{bad} of the {len(rows)} vectors are zero or not finite: look at where they come from")
    return np.asarray(rows / lengths)


def _pairs(pairs: Any, n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    found = np.asarray(pairs)
    if found.ndim != 2 or found.shape[1] != 2 or not len(found) or not np.issubdtype(found.dtype, np.integer):
        raise ValueError(f"expected pairs as row numbers of shape (m, 2), got {found.dtype} of shape {found.shape}")
    if found.min() < 0 or found.max() >= n:
        raise ValueError(f"expected row numbers from 0 to {n - 1} in pairs, got {found.min()} to {found.max()}")
    return found[:, 0], found[:, 1]


def uniformity(rows: NDArray[np.float64]) -> float:
    """Of unit vectors; block by block, so that no table of all distances is held."""
    total = 0.0
    for start in range(0, len(rows), 1000):
        block = rows[start : start + 1000] @ rows.T
        total += float(np.exp(-4 * (1 - np.clip(block, -1, 1))).sum())
    n = len(rows)
    itself = float(np.exp(-4 * (1 - np.clip((rows**2).sum(axis=1), -1, 1))).sum())
    return float(np.log(max((total - itself) / (n * (n - 1)), np.finfo(float).tiny)))


def mean_cosine(rows: NDArray[np.float64]) -> float:
    """Over all pairs of different rows, from the length of their sum."""
    n = len(rows)
    return float((np.square(rows.sum(axis=0)).sum() - np.square(rows).sum()) / (n * (n - 1)))


def effective_rank(rows: NDArray[np.float64]) -> float:
    """From the singular values."""
    from scipy.special import entr

    values = np.linalg.svd(rows, compute_uv=False)
    return float(np.exp(entr(values / values.sum()).sum()))


def occurrences(rows: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """How many other rows have each row among their k nearest."""
    n = len(rows)
    _, ids = vector_search.nearest(rows.astype(np.float32), rows.astype(np.float32), min(n, k + 1))
    itself = ids == np.arange(n)[:, None]
    itself[~itself.any(axis=1), -1] = True  # of many equal vectors the row itself may not be among them: one too many
    return np.bincount(ids[~itself], minlength=n)


def _skewness(counts: NDArray[np.int64]) -> float:
    from scipy.stats import skew

    return float(skew(counts)) if np.ptp(counts) else 0.0


def _cone(cosine: float) -> str:
    if cosine >= NARROW:
        return "COLLAPSED: two texts at random have nearly the same vector."
    return "Of two texts at random: near 0 they lie apart, near 1 all lie in one direction."


def _rank(rank: float, shape: tuple[int, ...]) -> str:
    most = min(shape)
    if rank <= FLAT:
        return f"COLLAPSED: as if the vectors had {rank:.1f} of {shape[1]} dimensions."
    return f"As if about {rank:.0f} of {most} possible dimensions were used evenly."
