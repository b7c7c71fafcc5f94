"""Layers on top of fixed vectors: they learn what can be learnt, and stop where nothing can."""

from __future__ import annotations

import numpy as np
import pytest

from toolkit.finetune import layers as module
from toolkit.finetune.layers import SIDES, Layers, fit


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def rotated() -> tuple[np.ndarray, np.ndarray]:
    """Documents are their queries turned by one orthogonal matrix: a linear layer can undo it."""
    rng = np.random.default_rng(0)
    queries = unit(rng.normal(size=(600, 16)))
    turn = np.linalg.qr(rng.normal(size=(16, 16)))[0]
    return queries, unit(queries @ turn.T + 0.01 * rng.normal(size=queries.shape))


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Larger steps than for real vectors: a turn is far from the identity, where training starts."""
    monkeypatch.setattr(module, "RATE", 0.02)
    monkeypatch.setattr(module, "BATCH", 100)


def accuracy(queries: np.ndarray, documents: np.ndarray):
    def score(layers: Layers) -> float:
        cosines = layers.apply(queries, "query") @ layers.apply(documents, "document").T
        return float((cosines.argmax(axis=1) == np.arange(len(queries))).mean())

    return score


@pytest.mark.parametrize("sides", ["query", "both"])
def test_learns_a_linear_relation(rotated: tuple[np.ndarray, np.ndarray], sides: str) -> None:
    """A planted linear relation is found on held-out pairs."""
    queries, documents = rotated
    score = accuracy(queries[400:], documents[400:])
    layers, history = fit(queries[:400], documents[:400], score, sides=sides)
    assert history[0].dev < 0.6
    assert score(layers) == max(epoch.dev for epoch in history) > history[0].dev + 0.2


@pytest.mark.parametrize("sides", SIDES)
def test_noise_keeps_the_base(sides: str) -> None:
    """Where dev never gets better, the layers stay the identity and training stops early."""
    rng = np.random.default_rng(1)
    queries, documents = unit(rng.normal(size=(200, 8))), unit(rng.normal(size=(200, 8)))
    layers, history = fit(
        queries, documents, lambda layers: -float(np.abs(layers.query - np.eye(8)).sum()), sides=sides
    )
    assert np.array_equal(layers.query, np.eye(8)) and np.array_equal(layers.document, np.eye(8))
    assert len(history) == 1 + 5


def test_sides_mean_what_they_say(rotated: tuple[np.ndarray, np.ndarray]) -> None:
    """`query` leaves documents alone, `symmetric` shares one layer, `both` has two."""
    queries, documents = rotated
    score = accuracy(queries[400:], documents[400:])
    found = {sides: fit(queries[:400], documents[:400], score, sides=sides)[0] for sides in SIDES}
    assert np.array_equal(found["query"].document, np.eye(16)) and not np.allclose(found["query"].query, np.eye(16))
    assert np.array_equal(found["symmetric"].query, found["symmetric"].document)
    assert not np.allclose(found["both"].query, found["both"].document)


def test_same_seed_same_layers(rotated: tuple[np.ndarray, np.ndarray]) -> None:
    """One seed gives the same layers twice, another seed others."""
    queries, documents = rotated
    score = accuracy(queries[400:], documents[400:])
    first, again, other = (fit(queries, documents, score, sides="query", seed=seed)[0] for seed in (3, 3, 4))
    assert np.array_equal(first.query, again.query)
    assert not np.array_equal(first.query, other.query)


def test_twins_are_no_negatives() -> None:
    """The loss of a batch whose other documents are all twins of the right one is zero: nothing is pushed apart."""
    rng = np.random.default_rng(0)
    queries = unit(rng.normal(size=(64, 8)))
    documents = np.repeat(unit(rng.normal(size=(1, 8))), 64, axis=0)
    _, history = fit(queries, documents, lambda layers: 0.0, sides="query")
    assert history[1].loss == 0


def test_answers_of_the_same_search_are_no_negatives() -> None:
    """Where all searches of a batch are one, or each other document is the search itself, nothing is pushed apart."""
    rng = np.random.default_rng(0)
    one = np.repeat(unit(rng.normal(size=(1, 8))), 64, axis=0)
    _, history = fit(one, unit(rng.normal(size=(64, 8))), lambda layers: 0.0, sides="query")
    assert history[1].loss == 0


def test_unknown_sides() -> None:
    """Another word for the sides is refused with those that are known."""
    rows = unit(np.ones((4, 2)))
    with pytest.raises(ValueError, match="'query', 'symmetric', 'both'; got 'left'"):
        fit(rows, rows, lambda layers: 0.0, sides="left")
