"""Measures of a space, against their definitions and other libraries; maps keep what they say they keep."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ortho_group, skew
from sklearn.metrics.pairwise import cosine_similarity, euclidean_distances
from sklearn.neighbors import NearestNeighbors

from toolkit.evaluate.analysis import project, space


def cloud(n: int = 200, dim: int = 16, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(n, dim))


def measured(rows: Any, pairs: Any = None) -> dict[str, float]:
    table = space(rows, pairs)
    assert table["reads"].str.len().min() > 20
    return dict(zip(table["measure"], table["value"], strict=True))


def test_measures_are_their_definitions() -> None:
    """Every measure, worked out again pair by pair with scikit-learn and scipy on vectors of any length."""
    rows, pairs = cloud() * 7 + 1, np.array([[0, 1], [5, 9], [3, 3]])
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    found = measured(rows, pairs)
    upper = np.triu_indices(len(rows), 1)
    square = euclidean_distances(unit, squared=True)
    assert found["alignment"] == pytest.approx(np.mean([square[i, j] for i, j in pairs]))
    assert found["uniformity"] == pytest.approx(np.log(np.exp(-2 * square[upper]).mean()))
    assert found["mean cosine"] == pytest.approx(cosine_similarity(rows)[upper].mean())
    share = np.linalg.svd(unit)[1] / np.linalg.svd(unit)[1].sum()
    assert found["effective rank"] == pytest.approx(np.exp(-(share * np.log(share)).sum()))
    near = NearestNeighbors(n_neighbors=10).fit(unit).kneighbors(return_distance=False)
    counts = np.bincount(near.ravel(), minlength=len(rows))
    assert found["hubness"] == pytest.approx(skew(counts))
    assert found["largest hub"] == counts.max() / len(rows)


def test_a_collapse_shows_at_a_glance() -> None:
    """One direction with a little noise is called a collapse twice; an even cloud is not; a planted hub is one."""
    flat = np.ones((300, 16)) + 0.001 * cloud(300)
    assert space(flat)["reads"].str.startswith("COLLAPSED").sum() == 2
    even = space(cloud(300))
    assert not even["reads"].str.contains("COLLAPSED").any()
    assert measured(flat)["uniformity"] > measured(cloud(300))["uniformity"] + 1
    # Texts around a centre, at right angles to one another but for it: the centre is nearest to each.
    rows = np.eye(300) + 0.02 * cloud(300, 300)
    hub, without = measured(np.vstack([rows + 0.3, np.ones(300)])), measured(rows + 0.3)
    assert hub["largest hub"] > 0.99 > without["largest hub"] + 0.5 and hub["hubness"] > without["hubness"] + 5


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.integers(12, 40))
def test_turning_and_stretching_change_nothing(seed: int, n: int) -> None:
    """Measures are of directions: a rotation of the space, and other lengths of vectors, leave them as they are."""
    rows = cloud(n, 6, seed)
    turned = rows @ ortho_group.rvs(6, random_state=seed) * np.random.default_rng(seed).uniform(0.1, 9, (n, 1))
    one, other = measured(rows, [[0, 1]]), measured(turned, [[0, 1]])
    assert one["largest hub"] == pytest.approx(other["largest hub"], abs=1 / n)
    assert {k: v for k, v in one.items() if "hub" not in k} == pytest.approx(
        {k: v for k, v in other.items() if "hub" not in k}, rel=1e-6, abs=1e-9
    )


def test_no_vector_is_its_own_neighbour() -> None:
    """Where all vectors are equal, every row still has ten neighbours other than itself: none is its own."""
    from toolkit.evaluate.analysis.spaces import occurrences

    counts = occurrences(np.ones((50, 4)) / 2, 10)
    assert counts.sum() == 500


def test_bad_vectors_and_pairs_are_refused() -> None:
    """Too few, zero or infinite vectors, and pairs that name none."""
    for rows, message in ((np.ones((2, 3)), "at least 3"), (np.zeros((4, 3)), "4 of the 4"),
                          (np.full((4, 3), np.nan), "not finite")):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            space(rows)
    for pairs in ([[0, 200]], [0, 1], [[0.5, 1.0]], [[-1, 0]]):
        with pytest.raises(ValueError, match="row numbers"):
            space(cloud(), pairs)


def test_a_map_says_what_it_keeps() -> None:
    """A plane in space is kept whole, noise in many dimensions is not; the share is that of brute force."""
    rng = np.random.default_rng(0)
    angle = rng.uniform(0, np.pi / 2, 400)
    circle = np.c_[np.cos(angle), np.sin(angle), np.zeros((400, 6))]
    assert project(circle).kept > 0.99
    rows = cloud(400, 64)
    found = project(rows)
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    true, there = (
        NearestNeighbors(n_neighbors=10).fit(x).kneighbors(return_distance=False)
        for x in (unit, found.table[["x", "y"]].to_numpy())
    )
    brute = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(true.tolist(), there.tolist(), strict=True)])
    assert found.kept == pytest.approx(brute) and found.kept < 0.2
    assert f"{brute:.0%}" in found.note and found.note in found._repr_html_()
    figure, alt = found.picture.figure, found.picture.alt
    assert figure.get_supxlabel() == found.note == alt


def test_maps_take_labels_and_samples() -> None:
    """Labels go with their vectors, also where a sample is drawn; what does not fit is refused."""
    rows = cloud(5200, 4)
    found = project(rows, labels=[str(i) for i in range(5200)])
    assert len(found.table) == 5000 and found.table["label"].tolist() == [str(i) for i in found.table["row"]]
    found = project(cloud(50), labels=["a", "b"] * 25)
    legend = found.picture.figure.axes[0].get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["a", "b"]
    for options, message in (({"method": "tsne"}, "'pca' or 'umap'"), ({"labels": ["a"]}, "one label for each"),
                             ({"k": 50}, "k from 1 to 49")):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            project(cloud(50), **options)


def test_umap_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without umap-learn the error is one sentence with the command."""
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "umap":
            raise ModuleNotFoundError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModuleNotFoundError, match="python3 run.py install maps"):
        project(cloud(50), method="umap")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # numba's
def test_umap_is_the_same_twice_and_keeps_clusters() -> None:
    """From principal components UMAP repeats itself, also with separate clusters, and keeps more than PCA."""
    pytest.importorskip("umap")
    centres = cloud(8, 32, 1) * 5
    rows = np.vstack([centre + cloud(60, 32, i) for i, centre in enumerate(centres)])
    first, second = (project(rows, method="umap") for _ in range(2))
    assert first.table.equals(second.table) and first.kept > project(rows).kept
