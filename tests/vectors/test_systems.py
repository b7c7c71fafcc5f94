"""Systems search as their parts do, and are made again from their records."""

from __future__ import annotations

import dataclasses
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import cross_encoder

from toolkit import vectors
from toolkit.vectors import bm25, dense, encode, from_ranking, fuse, nearest, rerank
from toolkit.vectors.loading import first_layers, load
from toolkit.vectors.protocols import System
from toolkit.vectors.rankings import fuse_rankings, top
from toolkit.vectors.systems import Dense, as_system, restore, walk

CORPUS = {
    "rolling": "rolling: moving window calculations over a series, such as the median",
    "csv": "read_csv: read a file of comma separated values into a table",
    "fft": "fft: compute the discrete Fourier transform of a signal",
    "svd": "svd: factor a matrix by singular value decomposition",
    "mean": "mean: the average of the values of a series",
}
QUERIES = {"m": "median of a moving window", "f": "factor a matrix", "s": "series of values"}


class Letters:
    """An encoder of somebody else: counts of letters."""

    def encode(self, texts: list[str]) -> Any:
        return [[1 + text.count(letter) for letter in "abcdefgh"] for text in texts]


class Bare:
    """A search of somebody else, without a name, a corpus or a record."""

    def search(self, queries: Any, k: int = 10) -> Any:
        return {query: {"csv": 1.0} for query in queries}


@pytest.fixture(scope="module")
def small(model: Any) -> Any:
    return first_layers(model, 1)


# ---- dense


@pytest.mark.parametrize("encoder", ["small", "letters"])
def test_dense_equals_nearest(encoder: str, small: Any) -> None:
    """Scores and order are those of exact search over the two sides' vectors."""
    model = small if encoder == "small" else Letters()
    found = dense(model, CORPUS, dtype="float32").search(QUERIES, 3)
    sides = [encode(model, list(part.values()), side=side, dtype="float32")
             for side, part in (("query", QUERIES), ("document", CORPUS))]  # fmt: skip
    scores, rows = nearest(*sides, 3)
    for query, expected, ids in zip(QUERIES, scores.tolist(), rows.tolist(), strict=True):
        assert list(found[query].items()) == list(zip([list(CORPUS)[i] for i in ids], expected, strict=True))


def test_dense_record_and_limits(small: Any) -> None:
    """The record names model and number format; k beyond the corpus gives all documents, no queries none."""
    system = dense(small, CORPUS, name="base", dtype="float32")
    assert system.record["kind"] == "dense" and system.record["name"] == system.name == "base"
    assert system.record["model"]["layers"] == 1 and system.record["dtype"] == "float32"
    assert set(system.search({"q": "x"}, 99)["q"]) == set(CORPUS) and system.search({}) == {}
    assert isinstance(system, System)


def test_an_index_is_searched_in_place_of_the_vectors() -> None:
    """With an index nothing of the corpus is encoded; -1, an index's word for nothing, is left out."""

    class Index:
        def search(self, rows: np.ndarray, k: int) -> Any:
            assert k == 2
            return np.array([[0.5, 0.0]] * len(rows)), np.array([[3, -1]] * len(rows))

    system = Dense(Letters(), CORPUS, index=Index())
    assert system.search(QUERIES, 2) == {query: {"svd": 0.5} for query in QUERIES}
    assert "vectors" not in vars(system)


def test_serving_leaves_no_trace(small: Any, cache: Path) -> None:
    """A system that answers single queries caches nothing of them and warns of nothing."""
    system = dataclasses.replace(dense(small, CORPUS, dtype="float32"), serving=True)
    system.search({"q": "x"})
    kept = vectors.cache.info()["vectors"].sum()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        system.search({"q": "word " * 400})
    assert vectors.cache.info()["vectors"].sum() == kept == len(CORPUS)
    with pytest.warns(UserWarning, match="1 of 1"):
        dense(small, CORPUS, dtype="float32").search({"q": "word " * 400})


@pytest.mark.parametrize("wrong", ["all-MiniLM-L6-v2", None, object(), bm25(CORPUS)])
def test_dense_refuses(wrong: Any) -> None:
    """A name, nothing, and anything without ``encode`` are refused; so is an empty corpus."""
    with pytest.raises(ValueError, match="expected a model with encode"):
        dense(wrong, CORPUS)
    with pytest.raises(ValueError, match="empty"):
        dense(Letters(), {})


# ---- fuse


def test_fuse_is_the_fusion_of_the_first_hundred(small: Any) -> None:
    """The ranking is that of `fuse_rankings` over the parts' rankings, cut at k."""
    parts = dense(small, CORPUS, dtype="float32"), bm25(CORPUS)
    expected = fuse_rankings(*(part.search(QUERIES, 100) for part in parts), k=7)
    system = fuse(*parts, k=7)
    assert system.search(QUERIES, 2) == {query: top(row, 2) for query, row in expected.items()}
    assert system.name == "dense+BM25" and fuse(*parts, name="both").name == "both"
    assert [part["kind"] for part in system.record["parts"]] == ["dense", "bm25"]
    assert [part.name for part in walk(fuse(system, bm25(CORPUS, name="words")))] == [
        "dense+BM25+words", "dense+BM25", "dense", "BM25", "words",
    ]  # fmt: skip


def test_depth_of_the_fusion() -> None:
    """Each part gives a hundred documents, or k where that is more."""
    corpus = {f"d{i:03}": f"text {i}" for i in range(300)}
    asked: list[int] = []

    class Counting:
        name, record = "counting", {}

        def __init__(self) -> None:
            self.corpus = corpus

        def search(self, queries: Any, k: int = 10) -> Any:
            asked.append(k)
            return {query: {doc: -float(i) for i, doc in enumerate(list(corpus)[:k])} for query in queries}

    system = fuse(Counting(), Counting())
    assert len(system.search({"q": "x"}, 10)["q"]) == 10 and len(system.search({"q": "x"}, 150)["q"]) == 150
    assert asked == [100, 100, 150, 150]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fuse(), "got none"),
        (lambda: fuse(bm25(CORPUS)), "got BM25"),
        (lambda: fuse(bm25(CORPUS), {"q": {"a": 1.0}}), "got BM25, dict"),
        (lambda: fuse(bm25(CORPUS), bm25({"other": "text"})), "different documents"),
        (lambda: fuse(bm25(CORPUS), bm25(CORPUS)).search(QUERIES, 0), "k of at least 1"),
        (lambda: fuse(bm25(CORPUS), bm25(CORPUS)).search(["x"]), "queries"),
    ],
)
def test_fuse_refuses(make: Any, message: str) -> None:
    """Fewer than two systems, rankings, different corpora and bad queries are refused."""
    with pytest.raises(ValueError, match=message):
        make()


# ---- as_system


def test_what_stands_for_a_system() -> None:
    """Encoders are searched by vectors, rankings are taken, systems stay; a name renames a copy."""
    letters = as_system(Letters(), CORPUS, name="letters")
    assert letters.name == "letters" and letters.search(QUERIES) == dense(Letters(), CORPUS).search(QUERIES)
    ranked = as_system({query: {"csv": 1.0} for query in QUERIES}, CORPUS)
    assert ranked.record["kind"] == "ranking" and ranked.search(QUERIES) == Bare().search(QUERIES)
    words = bm25(CORPUS)
    assert as_system(words, CORPUS) is words is as_system(words, CORPUS, name="BM25")
    renamed = as_system(words, CORPUS, name="words")
    assert (renamed.name, renamed.record["name"], words.name) == ("words", "words", "BM25")
    assert renamed.search(QUERIES) == words.search(QUERIES)
    letters.search(QUERIES)
    assert "vectors" in vars(as_system(letters, CORPUS, name="again"))  # computed once


def test_a_search_of_somebody_else() -> None:
    """Anything with ``search`` becomes a system with a name, the corpus and a record that cannot be restored."""
    system = as_system(Bare(), CORPUS)
    assert (system.name, system.corpus, system.record) == ("Bare", CORPUS, {"kind": "other", "name": "Bare"})
    assert as_system(Bare(), CORPUS, name="shop").search(QUERIES) == Bare().search(QUERIES)
    with pytest.raises(ValueError, match="'Bare' of kind 'other'"):
        restore(system.record, CORPUS)


@pytest.mark.parametrize("wrong", [None, "BM25", 3])
def test_what_is_no_system(wrong: Any) -> None:
    """Anything else is refused; a cross-encoder alone would read every pair."""
    with pytest.raises(ValueError, match="expected a model with encode"):
        as_system(wrong, CORPUS)

    class Reader:
        def predict(self, pairs: Any) -> Any:
            return [0.0] * len(pairs)

    with pytest.raises(ValueError, match="rerank"):
        as_system(Reader(), CORPUS)  # type: ignore[arg-type]


# ---- restore


def test_restored_systems_search_alike(model: Any, tmp_path: Path) -> None:
    """Dense, bm25, fusion and reranked systems, made again from their records as JSON, give equal rankings."""
    words, vector = bm25(CORPUS, language="german", name="words"), dense(model, CORPUS, name="base", dtype="float32")
    reader = cross_encoder(tmp_path / "reader", model.tokenizer)
    both = fuse(words, vector, k=9, name="both")
    for system in (words, vector, both, rerank(both, reader, depth=3, name="read")):
        again = restore(json.loads(json.dumps(system.record)), CORPUS)
        assert type(again) is type(system) and again.record == system.record
        found, expected = again.search(QUERIES, 4), system.search(QUERIES, 4)
        for query in QUERIES:
            assert list(found[query]) == list(expected[query])
            assert found[query] == pytest.approx(expected[query], abs=1e-6)


def test_restored_from_a_folder_and_with_layers(small: Any, model: Any, tmp_path: Path) -> None:
    """A relative folder is taken from the run's; the layers that were kept are kept again."""
    model.save_pretrained(str(tmp_path / "run" / "model"))
    saved = load(tmp_path / "run" / "model", device="cpu")
    record = dense(saved, CORPUS, dtype="float32").record
    inside = {**record, "model": {**record["model"], "folder": "model"}}
    for given, folder in ((record, "."), (inside, tmp_path / "run")):
        assert restore(given, CORPUS, folder).search(QUERIES) == dense(model, CORPUS, dtype="float32").search(QUERIES)
    short = dense(small, CORPUS, dtype="float32")
    assert restore(short.record, CORPUS).search(QUERIES) == short.search(QUERIES)
    with pytest.raises(ValueError, match="kind 'ranking'"):
        restore(from_ranking({"q": {"csv": 1.0}}, CORPUS).record, CORPUS)
