"""Measure the shape of an embedding space, and map it in two dimensions."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit import report
from toolkit import vectors as vector_search

if TYPE_CHECKING:
    from toolkit.plots import Picture

Rows = NDArray[np.float64]

MAX_VECTORS = 5_000  # maximum vectors for all-pairs comparison, and points on a map
COLLAPSED_COSINE, COLLAPSED_RANK = 0.9, 2.0  # minimum mean cosine and maximum effective rank of a collapsed space
HUBNESS_NEIGHBOURS = 10  # neighbours per vector, for hubness
METHODS = ("pca", "umap")


def space(vectors: Any, pairs: Any = None, *, seed: int = 0) -> pd.DataFrame:
    """Measure the shape of an embedding space, which reveals whether all texts get nearly the same vector.

    The measures are hints, not scores: a space may look good and rank badly. Compare two models on the same texts, for
    instance before and after tuning; if there are more than 5,000 vectors, every call draws the same sample.

    Parameters
    ----------
    vectors : array of shape (n, dim)
        At least 3, none of them zero; they are scaled to unit length.
    pairs : array of shape (m, 2), optional
        Row numbers of vectors that belong together, such as a query and its answer; needed for alignment.
    seed : int
        Seed of the sample. Alignment uses all pairs.

    Returns
    -------
    DataFrame
        One row per measure: ``measure value n reads``, where ``reads`` is an interpretation.

        - ``alignment``: mean squared distance of pairs, 0 to 4 [1]_.
        - ``uniformity``: logarithm of the mean of exp(-2 d^2) over all pairs of vectors at distance d, -8 to 0 [1]_.
        - ``mean cosine``: over all pairs of vectors.
        - ``effective rank``: the exponential of the entropy of the singular values, scaled to sum 1; 1 to dim [2]_.
          Vectors are not centred, so a shared direction counts as one dimension.
        - ``hubness``: skewness of the number of vectors that have a vector among their ten nearest [3]_.
        - ``largest hub``: the largest share of vectors with the same vector among their ten nearest, 0 to 1.

    Raises
    ------
    ValueError
        For fewer than 3 vectors, vectors that are not finite or zero, or pairs that are not row numbers.

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
    from scipy.special import entr
    from scipy.stats import skew

    every = unit_rows(vectors)
    rows = every[_sample(len(every), seed)]
    n = len(rows)
    found = []
    if pairs is not None:
        left, right = _row_pairs(pairs, len(every))
        apart = float(((every[left] - every[right]) ** 2).sum(axis=1).mean())
        reads = f"Pairs have a mean cosine of {1 - apart / 2:.2f}; smaller values are closer."
        found.append(("alignment", apart, len(left), reads))
    found.append(("uniformity", _uniformity(rows), n, "Smaller is more evenly spread; 0 is a single point."))
    cosine = float((np.square(rows.sum(axis=0)).sum() - np.square(rows).sum()) / (n * (n - 1)))
    reads = "Cosine of two random texts: near 0, unrelated; near 1, all vectors point in one direction."
    if cosine >= COLLAPSED_COSINE:
        reads = "COLLAPSED: two random texts have nearly the same vector."
    found.append(("mean cosine", cosine, n, reads))
    singular = np.linalg.svd(rows, compute_uv=False)
    rank = float(np.exp(entr(singular / singular.sum()).sum()))
    reads = f"Equivalent to using about {rank:.0f} of {min(rows.shape)} possible dimensions evenly."
    if rank <= COLLAPSED_RANK:
        reads = f"COLLAPSED: the vectors use the equivalent of {rank:.1f} of {rows.shape[1]} dimensions."
    found.append(("effective rank", rank, n, reads))
    counts = occurrences(rows, min(HUBNESS_NEIGHBOURS, n - 1))
    hubness, share = float(skew(counts)) if np.ptp(counts) else 0.0, float(counts.max()) / n
    found.append(("hubness", hubness, n, "0 is balanced; above about 2, a few texts turn up in many results."))
    found.append(("largest hub", share, n, f"One text is among the ten nearest of {share:.1%} of all texts."))
    return pd.DataFrame(found, columns=["measure", "value", "n", "reads"])


def unit_rows(vectors: Any) -> Rows:
    """Scale at least 3 vectors to unit length, shape (n, dim).

    Raises
    ------
    ValueError
        For anything else, or vectors that are zero or not finite.
    """
    if hasattr(vectors, "encode") or isinstance(vectors, (str, Mapping)):
        raise ValueError(f"expected vectors of shape (n, dim), got {type(vectors).__name__}: use vectors.encode")
    if np.iscomplexobj(vectors):
        raise ValueError("expected vectors of real numbers, got complex ones")
    rows = np.asarray(vectors, dtype=np.float64)
    if rows.ndim != 2 or len(rows) < 3:
        raise ValueError(f"expected at least 3 vectors as an array of shape (n, dim), got shape {rows.shape}")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or not lengths.all():
        bad = int((~np.isfinite(lengths) | (lengths == 0)).sum())
        raise ValueError(f"{bad} of the {len(rows)} vectors are zero or not finite: check how they were made")
    return np.asarray(rows / lengths)


def _sample(n: int, seed: int) -> NDArray[np.int64]:
    return (
        np.arange(n) if n <= MAX_VECTORS else np.sort(np.random.default_rng(seed).choice(n, MAX_VECTORS, replace=False))
    )


def _row_pairs(pairs: Any, n: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    found = np.asarray(pairs)
    if found.ndim != 2 or found.shape[1] != 2 or not len(found) or not np.issubdtype(found.dtype, np.integer):
        raise ValueError(f"expected pairs as row numbers of shape (m, 2), got {found.dtype} of shape {found.shape}")
    if found.min() < 0 or found.max() >= n:
        raise ValueError(f"expected row numbers from 0 to {n - 1} in pairs, got {found.min()} to {found.max()}")
    return found[:, 0], found[:, 1]


def _uniformity(rows: Rows) -> float:
    """Compute the uniformity of unit vectors block by block, without a table of all distances."""
    n, total = len(rows), 0.0
    for start in range(0, n, 1000):
        total += float(np.exp(-4 * (1 - np.clip(rows[start : start + 1000] @ rows.T, -1, 1))).sum())
    itself = float(np.exp(-4 * (1 - np.clip((rows**2).sum(axis=1), -1, 1))).sum())
    return float(np.log(max((total - itself) / (n * (n - 1)), np.finfo(float).tiny)))


def occurrences(rows: Rows, k: int) -> NDArray[np.int64]:
    """Count, for each row, the other rows that have it among their k nearest."""
    n = len(rows)
    _, ids = vector_search.nearest(rows.astype(np.float32), rows.astype(np.float32), min(n, k + 1))
    itself = ids == np.arange(n)[:, None]
    itself[~itself.any(axis=1), -1] = True  # among many equal rows a row may be missing from its own list
    return np.bincount(ids[~itself], minlength=n)


@dataclass(frozen=True)
class Projection:
    """A map of vectors, and how reliable it is.

    Attributes
    ----------
    table : DataFrame
        One row per vector on the map: ``row x y`` and, where labels were given, ``label``; ``row`` counts from 0.
    method : str
    kept : float
        Share of the `k` nearest neighbours of a vector that are among its `k` nearest on the map, 0 to 1.
    k : int
    """

    table: pd.DataFrame
    method: str
    kept: float
    k: int

    @property
    def note(self) -> str:
        """A sentence on how well the map preserves neighbourhoods, used as the caption."""
        chance = self.k / (len(self.table) - 1)
        return (
            f"{self.method.upper()} of {len(self.table):,} vectors keeps {self.kept:.0%} of the {self.k} nearest "
            f"neighbours (by chance {chance:.1%}): points close on the map need not be close in the space, and "
            f"sizes of clusters and distances between them mean little."
        )

    @property
    def picture(self) -> Picture:
        """The points with the note under them, and the note."""
        from toolkit import plots

        return plots.scatter(self.table, note=self.note)

    def _repr_html_(self) -> str:
        return self.picture.html() + report.cell(pd.DataFrame(), [self.note])


def project(
    vectors: Any, *, method: str = "pca", labels: Sequence[object] | None = None, k: int = 10, seed: int = 0
) -> Projection:
    """Project vectors onto two dimensions, and measure how much of their neighbourhoods is kept.

    UMAP starts from the principal components, scaled as its authors do, which makes the result reproducible on
    one machine; its default start does not.

    Parameters
    ----------
    vectors : array of shape (n, dim)
        More than k, none of them zero. If there are more than 5,000, a sample is drawn.
    method : {"pca", "umap"}
        ``"umap"`` shows groups of similar texts better, takes much longer, and needs umap-learn (L. McInnes et al.,
        arXiv:1802.03426).
    labels : sequence, optional
        One for each vector, used for colours.
    k : int
        Neighbours, by cosine.
    seed : int
        Seed of the sample and of UMAP.

    Raises
    ------
    ValueError
        For an unknown method, too few vectors, or a number of labels that differs from that of vectors.
    ModuleNotFoundError
        If umap-learn is missing; the message gives the command to install it.
    """
    if method not in METHODS:
        raise ValueError(f"expected method 'pca' or 'umap', got {method!r}")
    rows = unit_rows(vectors)
    if labels is not None and len(labels) != len(rows):
        raise ValueError(f"expected one label for each of the {len(rows)} vectors, got {len(labels)}")
    if not 1 <= k < len(rows):
        raise ValueError(f"expected k from 1 to {len(rows) - 1}, one less than the number of vectors; got {k}")
    number = _sample(len(rows), seed)
    rows = rows[number]
    points = _points(rows, method, seed)
    table = pd.DataFrame({"row": number, "x": points[:, 0], "y": points[:, 1]})
    if labels is not None:
        table["label"] = np.fromiter(labels, dtype=object, count=len(labels))[number]
    return Projection(table, method, _neighbours_kept(rows, points, k), k)


def _points(rows: Rows, method: str, seed: int) -> Rows:
    from sklearn.decomposition import PCA

    points = np.asarray(PCA(2, svd_solver="full").fit_transform(rows))
    if method == "pca":
        return points
    try:
        from umap import UMAP  # type: ignore[import-not-found, unused-ignore]
    except ModuleNotFoundError as error:
        way = "python3 run.py install maps (or pip install umap-learn)"
        raise ModuleNotFoundError(f"method 'umap' needs umap-learn: {way}", name="umap") from error
    points *= 1e-4 / points[:, 0].std()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*n_jobs value.*")  # a seed forces a single thread
        return np.asarray(UMAP(init=points, metric="cosine", random_state=seed).fit_transform(rows), dtype=float)


def _neighbours_kept(rows: Rows, points: Rows, k: int) -> float:
    """Compute the share of the `k` nearest of each row, by cosine, that are among the `k` nearest of its point."""
    from sklearn.neighbors import NearestNeighbors

    _, near = vector_search.nearest(rows.astype(np.float32), rows.astype(np.float32), k + 1)
    there = NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False)  # without itself
    both = zip(near, there, strict=True)
    kept = sum(len(np.intersect1d(true[true != itself][:k], found)) for itself, (true, found) in enumerate(both))
    return kept / k / len(rows)
