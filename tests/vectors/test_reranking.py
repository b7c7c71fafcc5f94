"""A cross-encoder puts first documents in order, and its scores are cached by everything that changes them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny import cross_encoder

from toolkit.vectors import bm25, cache, from_ranking, rerank
from toolkit.vectors.reranking import describe_reranker, is_cross_encoder, load_reranker, pair_scores

CORPUS = {"a": "red fox", "b": "the old red fox", "c": "a red hen", "d": "blue whale", "e": "red"}
PAIRS = [("a fox", "red fox"), ("a", "b"), ("a fox", "red fox"), ("ab", "c"), ("a", "bc")]


class Overlap:
    """Counts the words that two texts share."""

    calls = 0

    def predict(self, pairs: list[tuple[str, str]]) -> Any:
        self.calls += len(pairs)
        return [len(set(a.split()) & set(b.split())) for a, b in pairs]


class Fixed:
    """Gives what it was made with."""

    def __init__(self, scores: Any) -> None:
        self.scores = scores

    def predict(self, pairs: list[tuple[str, str]]) -> Any:
        return self.scores


@pytest.fixture(scope="module")
def reader(model: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return cross_encoder(tmp_path_factory.mktemp("reader"), model.tokenizer)


# ---- scores of pairs


def test_scores_are_the_models(reader: Any, cache_folder: Path) -> None:
    """Scores are those of ``predict``, cold, warm and without the cache, each distinct pair once."""
    expected = reader.predict(PAIRS)
    for use in (True, True, False):
        np.testing.assert_allclose(pair_scores(reader, PAIRS, cache=use), expected, atol=1e-6)
    assert len(set(expected.tolist())) == 4 and cache.info()["vectors"].tolist() == [4]
    assert np.array_equal(pair_scores(reader, PAIRS), pair_scores(reader, PAIRS))
    assert pair_scores(reader, []).shape == (0,)


@pytest.fixture
def cache_folder(cache: Path) -> Path:
    return cache


def test_cached_pairs_are_not_read_again(reader: Any, cache_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second call reads the new pairs alone."""
    seen: list[int] = []
    predict = type(reader).predict
    monkeypatch.setattr(type(reader), "predict", lambda self, pairs: (seen.append(len(pairs)), predict(self, pairs))[1])
    pair_scores(reader, PAIRS)
    pair_scores(reader, [*PAIRS, ("x", "y")])
    assert seen == [4, 1]


def one_weight(model: Any) -> None:
    with torch.no_grad():
        model[0].model.classifier.weight[0, 3] += 1


CHANGES = {
    "weight": one_weight,
    "activation": lambda model: setattr(model, "activation_fn", torch.nn.Identity()),
    "prompt": lambda model: (model.prompts.update(q="find: "), setattr(model, "default_prompt_name", "q")),
    "max length": lambda model: setattr(model, "max_seq_length", 4),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_misses_the_cache(reader: Any, cache_folder: Path, change: str) -> None:
    """After anything changes a score, the cached ones are not used."""
    changed = copy.deepcopy(reader)
    before = pair_scores(changed, PAIRS)
    CHANGES[change](changed)
    after = pair_scores(changed, PAIRS)
    np.testing.assert_allclose(after, changed.predict(PAIRS), atol=1e-6)
    assert not np.allclose(after, before, atol=1e-6) and len(cache.info()) == 2
    assert np.array_equal(pair_scores(reader, PAIRS), before)


def test_models_that_cannot_be_identified_are_not_cached(cache_folder: Path) -> None:
    """Anything else with ``predict`` reads each distinct pair once a call, and nothing is kept."""
    overlap = Overlap()
    for _ in range(2):
        assert pair_scores(overlap, [("a b", "b c"), ("a", "b"), ("a b", "b c")]).tolist() == [1, 0, 1]
    assert overlap.calls == 4 and cache.info().empty


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([[0.1, 0.9]], r"shape \(1, 2\) for 1 pairs"),
        ([1.0, 2.0], r"shape \(2,\)"),
        ([float("nan")], "1 scores that are nan"),
        ([float("inf")], "infinite"),
    ],
)
def test_bad_scores(scores: Any, message: str) -> None:
    """Anything but one finite number a pair is refused."""
    with pytest.raises(ValueError, match=message):
        pair_scores(Fixed(scores), [("a", "b")])
    assert pair_scores(Fixed([[0.5]]), [("a", "b")]).tolist() == [0.5]


# ---- rerank


def test_order_and_scores() -> None:
    """The first `depth` documents go by the cross-encoder; others keep their order, one apart below the lowest."""
    found = from_ranking({"q": {"d": 5.0, "c": 4.0, "b": 3.0, "a": 2.0, "e": 1.0}}, CORPUS)
    system = rerank(found, Overlap(), depth=3)
    assert system.search({"q": "the old red fox"}) == {"q": {"b": 4.0, "c": 1.0, "d": 0.0, "a": -1.0, "e": -2.0}}
    assert list(system.search({"q": "the old red fox"}, 2)["q"]) == ["b", "c"]
    assert system.name == "current search, reranked" and system.corpus == CORPUS and system.parts == (found,)
    assert rerank(bm25(CORPUS), Overlap()).search({"q": "zebra"}) == {"q": {}}


def test_a_document_that_the_corpus_lacks() -> None:
    """A system that finds documents beyond its corpus is refused."""

    class Lost:
        name, corpus, record = "lost", CORPUS, {}

        def search(self, queries: Any, k: int = 10) -> Any:
            return {query: {"elsewhere": 1.0} for query in queries}

    with pytest.raises(ValueError, match="'elsewhere'"):
        rerank(Lost(), Overlap()).search({"q": "x"})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: rerank(object(), Overlap()), "got object"),
        (lambda: rerank(bm25(CORPUS), object()), "got object"),
        (lambda: rerank(bm25(CORPUS), Overlap(), depth=0), "got 0"),
    ],
)
def test_bad_input(make: Any, message: str) -> None:
    """No system, no cross-encoder and no depth are refused."""
    with pytest.raises(ValueError, match=message):
        make()
    assert is_cross_encoder(Overlap()) and not is_cross_encoder(object())


def test_described_and_loaded_again(reader: Any, tmp_path: Path, model: Any) -> None:
    """A record names folder and weights; other weights, and a folder that is gone, are refused."""
    record = describe_reranker(reader)
    again = load_reranker(record)
    np.testing.assert_allclose(again.predict(PAIRS), reader.predict(PAIRS), atol=1e-6)
    assert describe_reranker(again)["weights"] == record["weights"]
    reader.save_pretrained(str(tmp_path / "r"))
    assert load_reranker({**record, "folder": "r"}, tmp_path).predict(PAIRS[:1]).shape == (1,)
    cross_encoder(tmp_path / "r", model.tokenizer, seed=1)
    with pytest.raises(ValueError, match=record["weights"]):
        load_reranker({**record, "folder": "r"}, tmp_path)
    with pytest.raises(FileNotFoundError, match="no folder"):
        load_reranker({**record, "folder": "nowhere"}, tmp_path)
    assert describe_reranker(Overlap()) == {"name": "Overlap"}
