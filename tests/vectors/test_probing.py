"""The probe measures the batches that `encode` runs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from toolkit import vectors
from toolkit.vectors import probing
from toolkit.vectors.batching import batches
from toolkit.vectors.engines import opening
from toolkit.vectors.engines.base import Window


class Clocked:
    """A body that takes 1 s for 1,000 texts to tokenise, and for a batch 0.1 s and 1 ms a token with its padding."""

    dim, limit, digest, engine, dtype = 4, 256, None, "clock", "float32"

    def __init__(self, budget: int | None = 2_000) -> None:
        self.batch_tokens, self.now, self.runs = budget, 0.0, []

    def tokenise(self, texts: list[str]) -> Window:
        self.now += len(texts) / 1000
        lengths = np.array([len(text.split()) for text in texts])
        return Window([["x"] * n for n in lengths], lengths, lengths > 256)

    def run(self, ids: list[Any]) -> np.ndarray:
        self.runs.append([len(row) for row in ids])
        self.now += 0.1 + len(ids) * max(map(len, ids)) / 1000
        return np.ones((len(ids), 4), dtype=np.float32)


class OfOwnEngine:
    """An encoder that brings its body."""

    def __init__(self, body: Clocked) -> None:
        self.body = body

    def open_body(self, side: str | None, dtype: str) -> Clocked:
        return self.body


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> OfOwnEngine:
    body = Clocked()
    monkeypatch.setattr(probing, "perf_counter", lambda: body.now)
    return OfOwnEngine(body)


TEXTS = [f"{'word ' * int(n)}" for n in np.random.default_rng(0).integers(1, 60, 3000)]


def test_everything_within_the_time(clocked: Any) -> None:
    """With time for all texts, the batches are those of `encode`, and the estimate is what encode would take."""
    row = vectors.probe(clocked, TEXTS, seconds=1e9).iloc[0]
    body, other = clocked.body, Clocked()
    list(batches(other, other.tokenise(TEXTS)))  # type: ignore[arg-type]
    assert sorted(map(sorted, body.runs[1:])) == sorted(map(sorted, other.runs))
    assert row["sampled"] == row["texts"] == 3000 and row["tokens"] == sum(len(text.split()) for text in TEXTS)
    assert row["estimate"] == row["seconds"] == pytest.approx(other.now)
    assert row["tokens_per_second"] == round(row["tokens"] / row["estimate"])


def test_a_sample_of_whole_batches(clocked: Any) -> None:
    """In little time a few whole batches of random length are run, and the estimate is near what all would take."""
    row = vectors.probe(clocked, TEXTS, seconds=10).iloc[0]
    body, other = clocked.body, Clocked()
    list(batches(other, other.tokenise(TEXTS)))  # type: ignore[arg-type]
    runs = body.runs[1:]
    assert row["sampled"] == sum(map(len, runs)) < 3000 and 4 <= len(runs) < len(other.runs)
    whole = sorted(map(tuple, map(sorted, other.runs)))
    assert all(tuple(sorted(run)) in whole for run in runs)
    assert [max(run) for run in runs] != sorted((max(run) for run in runs), reverse=True)
    assert row["estimate"] == pytest.approx(other.now, rel=0.1)
    assert row["tokens"] == pytest.approx(sum(len(text.split()) for text in TEXTS), rel=0.001)


def test_tokenising_is_bounded_and_counted(clocked: Any) -> None:
    """Slow tokenising ends after its time too, and its time for each text is part of the estimate."""
    row = vectors.probe(clocked, TEXTS, seconds=0.5).iloc[0]
    assert row["estimate"] > 3000 / 1000 and clocked.body.now < 0.5 + 3 * 1.1 + 2.5


def test_counts_of_a_real_model(model: Any, cache: Any) -> None:
    """Tokens are those of `truncation`; the cache is left alone, and nothing warns of texts that are cut."""
    texts = [f"text number {i} " * (i % 7 + 1) for i in range(40)] + ["long " * 400]
    row = vectors.probe(model, texts, seconds=60, dtype="float32").iloc[0]
    counted = vectors.truncation(model, texts)
    assert row["sampled"] == row["texts"] == 41 and row["tokens"] == (counted["tokens"] - counted["lost"]).sum()
    assert row["seconds"] > 0 and vectors.cache.info().empty


def test_a_model_without_token_ids(model: Any) -> None:
    """A static model is measured in the blocks that its own encode gets; its tokens are counted."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    static = SentenceTransformer(
        modules=[StaticEmbedding(model.tokenizer.backend_tokenizer, embedding_dim=8)], device="cpu"
    )
    texts = [f"text number {i}" for i in range(2500)]
    row = vectors.probe(static, texts, seconds=60).iloc[0]
    assert row["sampled"] == 2500 and row["tokens"] == vectors.truncation(static, texts)["tokens"].sum()
    assert opening.open_body(static).batch_tokens is None


@pytest.mark.parametrize(("texts", "seconds", "message"), [([], 1, "at least one text"), (["a"], 0, "above 0")])
def test_refuses(texts: list[str], seconds: float, message: str, model: Any) -> None:
    """No texts and no time are refused."""
    with pytest.raises(ValueError, match=message):
        vectors.probe(model, texts, seconds=seconds)
    with pytest.raises(ValueError, match="got object"):
        vectors.probe(object(), ["a"])  # type: ignore[arg-type]
