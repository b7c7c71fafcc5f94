"""A map of vectors in two dimensions, with the share of true neighbours that it keeps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit import vectors as vector_search
from toolkit.evaluate.reasons.spaces import checked

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 5_000  # points on a map
METHODS = ("pca", "umap")


@dataclass(frozen=True)
class Projection:
    """A map, and how far it is to be trusted.

    Attributes
    ----------
    table : DataFrame
        One row a vector that is on the map: ``row x y`` and, where labels were given, ``label``; ``row`` counts from 0.
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
        """What the map keeps, in a sentence; it stands under the figure."""
        chance = self.k / (len(self.table) - 1)
        return (
            f"{self.method.upper()} of {len(self.table):,} vectors keeps {self.kept:.0%} of the {self.k} nearest "
            f"neighbours (by chance {chance:.1%}): points that lie close here need not be close, and sizes of clusters "
            f"and distances between them mean little."
        )

    @property
    def figure(self) -> Figure:
        """The points, with the note under them."""
        from toolkit import plots

        return plots.scatter(self.table, note=self.note)

    def _repr_html_(self) -> str:
        from toolkit import plots

        return plots.img(self.figure, self.note) + f"<p>{escape(self.note)}</p>"


def project(
    vectors: Any, *, method: str = "pca", labels: Sequence[object] | None = None, k: int = 10, seed: int = 0
) -> Projection:
    """Lay vectors out in two dimensions, and count what of their neighbourhoods is kept.

    UMAP starts from the principal components, scaled as by its own authors: with that start its result is the same
    every time on one machine, which its usual start does not give.

    Parameters
    ----------
    vectors : array of shape (n, dim)
        More than k; of any length but zero. Of more than 5,000 a sample is drawn.
    method : {"pca", "umap"}
        ``"umap"`` shows groups of near texts better, takes much longer, and needs umap-learn (L. McInnes et al.,
        arXiv:1802.03426).
    labels : sequence, optional
        One a vector, for colours.
    k : int
        Neighbours, by cosine.
    seed : int
        Of the sample and of UMAP.

    Raises
    ------
    ValueError
        For another method, too few vectors, or labels of another number.
    ModuleNotFoundError
        umap-learn is missing; the message has the command that installs it.
    """
    if method not in METHODS:
        raise ValueError(f"expected method 'pca' or 'umap', got {method!r}")
    rows = checked(vectors)
    if labels is not None and len(labels) != len(rows):
        raise ValueError(f"expected one label for each of the {len(rows)} vectors, got {len(labels)}")
    if not 1 <= k < len(rows):
        raise ValueError(f"expected k from 1 to {len(rows) - 1}, one fewer than there are vectors; got {k}")
    number = np.arange(len(rows))
    if len(rows) > MOST:
        number = np.sort(np.random.default_rng(seed).choice(len(rows), MOST, replace=False))
        rows = rows[number]
    points = _pca(rows) if method == "pca" else _umap(rows, seed)
    table = pd.DataFrame({"row": number, "x": points[:, 0], "y": points[:, 1]})
    if labels is not None:
        table["label"] = np.fromiter(labels, dtype=object, count=len(labels))[number]
    return Projection(table, method, neighbours_kept(rows, points, k), k)


def neighbours_kept(rows: NDArray[np.float64], points: NDArray[np.float64], k: int) -> float:
    """Share of the `k` nearest of each row, by cosine, that are among the `k` nearest of its point."""
    from sklearn.neighbors import NearestNeighbors

    _, near = vector_search.nearest(rows.astype(np.float32), rows.astype(np.float32), k + 1)
    there = NearestNeighbors(n_neighbors=k).fit(points).kneighbors(return_distance=False)  # without itself
    kept = 0.0
    for itself, (true, found) in enumerate(zip(near, there, strict=True)):
        kept += len(np.intersect1d(true[true != itself][:k], found)) / k
    return kept / len(rows)


def _pca(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    from sklearn.decomposition import PCA

    return np.asarray(PCA(2, svd_solver="full").fit_transform(rows))


def _umap(rows: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
    try:
        from umap import UMAP  # type: ignore[import-not-found, unused-ignore]
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "method 'umap' needs umap-learn: python3 run.py install maps (or pip install umap-learn)", name="umap"
        ) from error
    import warnings

    start = _pca(rows)
    start *= 1e-4 / start[:, 0].std()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*n_jobs value.*")  # a seed means one thread
        return np.asarray(UMAP(init=start, metric="cosine", random_state=seed).fit_transform(rows), dtype=float)
