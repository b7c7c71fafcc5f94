"""Layers on top of fixed vectors: they learn what can be learnt, and stop where nothing can."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from toolkit.finetune import TrainSettings
from toolkit.finetune.adapter import CANDIDATES, Adapter, assemble
from toolkit.finetune.adapter import fit as adapter_fit
from toolkit.finetune.losses import LOSSES
from toolkit.finetune.training import LOSS


def unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def rotated() -> tuple[np.ndarray, np.ndarray]:
    """Documents are their queries turned by one orthogonal matrix: a linear layer can undo it."""
    rng = np.random.default_rng(0)
    queries = unit(rng.normal(size=(600, 16)))
    turn = np.linalg.qr(rng.normal(size=(16, 16)))[0]
    return queries, unit(queries @ turn.T + 0.01 * rng.normal(size=queries.shape))


# Larger steps than for real vectors: a turn is far from the identity, where training starts.
SETTINGS = TrainSettings(learning_rate=0.02, batch_size=100)


def fit(queries: np.ndarray, documents: np.ndarray, dev: Callable[[Adapter], float], **options: Any) -> Any:
    """`adapter.fit` with the loss of `train`."""
    return adapter_fit(queries, documents, dev, LOSSES[LOSS].build(SETTINGS), settings=SETTINGS, **options)


def accuracy(queries: np.ndarray, documents: np.ndarray):
    def score(adapter: Adapter) -> float:
        cosines = adapter.apply(queries, "query") @ adapter.apply(documents, "document").T
        return float((cosines.argmax(axis=1) == np.arange(len(queries))).mean())

    return score


@pytest.mark.parametrize("candidate", ["query layer", "separate layers"])
def test_learns_a_linear_relation(rotated: tuple[np.ndarray, np.ndarray], candidate: str) -> None:
    """A planted linear relation is found on held-out pairs."""
    queries, documents = rotated
    score = accuracy(queries[400:], documents[400:])
    adapter, history = fit(queries[:400], documents[:400], score, candidate=candidate)
    assert history[0].dev < 0.6
    assert score(adapter) == max(epoch.dev for epoch in history) > history[0].dev + 0.2


@pytest.mark.parametrize("candidate", CANDIDATES)
def test_noise_keeps_the_base(candidate: str) -> None:
    """Where dev never gets better, the layers stay the identity and training stops early."""
    rng = np.random.default_rng(1)
    queries, documents = unit(rng.normal(size=(200, 8))), unit(rng.normal(size=(200, 8)))
    adapter, history = fit(
        queries, documents, lambda adapter: -float(np.abs(adapter.query - np.eye(8)).sum()), candidate=candidate
    )
    assert np.array_equal(adapter.query, np.eye(8)) and np.array_equal(adapter.document, np.eye(8))
    assert len(history) == 1 + 5


def test_candidates_are_what_their_names_say(rotated: tuple[np.ndarray, np.ndarray]) -> None:
    """A query layer leaves documents alone, one layer for both is shared, separate layers are two."""
    queries, documents = rotated
    score = accuracy(queries[400:], documents[400:])
    found = {name: fit(queries[:400], documents[:400], score, candidate=name)[0] for name in CANDIDATES}
    query, both, each = found.values()
    assert np.array_equal(query.document, np.eye(16)) and not np.allclose(query.query, np.eye(16))
    assert np.array_equal(both.query, both.document)
    assert not np.allclose(each.query, each.document)


def test_same_seed_same_layers(rotated: tuple[np.ndarray, np.ndarray]) -> None:
    """One seed gives the same layers twice, another seed others."""
    queries, documents = rotated
    score = accuracy(queries[400:], documents[400:])
    first, again, other = (fit(queries, documents, score, candidate="query layer", seed=seed)[0] for seed in (3, 3, 4))
    assert np.array_equal(first.query, again.query)
    assert not np.array_equal(first.query, other.query)


def test_near_copies_are_no_negatives() -> None:
    """The loss of a batch whose other documents are all near-copies of the right one is zero."""
    rng = np.random.default_rng(0)
    queries = unit(rng.normal(size=(64, 8)))
    documents = np.repeat(unit(rng.normal(size=(1, 8))), 64, axis=0)
    _, history = fit(queries, documents, lambda adapter: 0.0, candidate="query layer")
    assert history[1].loss == 0


def test_answers_of_the_same_search_are_no_negatives() -> None:
    """Where all searches of a batch are one, or each other document is the search itself, nothing is pushed apart."""
    rng = np.random.default_rng(0)
    one = np.repeat(unit(rng.normal(size=(1, 8))), 64, axis=0)
    _, history = fit(one, unit(rng.normal(size=(64, 8))), lambda adapter: 0.0, candidate="query layer")
    assert history[1].loss == 0


def test_unknown_candidate() -> None:
    """Another name is refused with those that are known."""
    rows = unit(np.ones((4, 2)))
    with pytest.raises(ValueError, match="'query layer', 'one layer for both', 'separate layers'; got 'left'"):
        fit(rows, rows, lambda adapter: 0.0, candidate="left")


def test_the_adapter_comes_after_the_models_own_normalize(model: Any) -> None:
    """A base model without Normalize gets one before the layer, which then sees what it was trained on."""
    from sentence_transformers import SentenceTransformer

    bare = SentenceTransformer(modules=list(model)[:2], device="cpu")
    matrix = np.eye(384, dtype=np.float32)
    matrix[0] *= 3
    names = [type(module).__name__ for module in assemble(bare, Adapter("one layer for both", matrix, matrix))]
    assert names == ["Transformer", "Pooling", "Normalize", "Dense", "Normalize"]
