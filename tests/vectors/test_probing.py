"""The probe measures what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from toolkit import vectors


def test_counts_are_those_of_a_full_count(model: Any) -> None:
    """With time for all texts, the tokens are the counted ones, and the estimate is the time that was spent."""
    texts = [f"text number {i} " * (i % 7 + 1) for i in range(40)]
    row = vectors.probe(model, texts, seconds=60, dtype="float32").iloc[0]
    assert row["sampled"] == row["texts"] == 40
    assert row["tokens"] == vectors.truncation(model, texts)["tokens"].sum()
    assert row["estimate"] == pytest.approx(row["seconds"], abs=0.06)


def test_a_sample_stands_for_the_whole(model: Any) -> None:
    """Of 3,000 texts a short look takes few, leaves the cache alone, and its estimates grow with their number."""
    lengths = np.random.default_rng(0).integers(1, 60, 3000)
    texts = [f"{number} " + "word " * int(n) for number, n in enumerate(lengths)]
    before = vectors.cache_info()["vectors"].sum()
    row = vectors.probe(model, texts, seconds=0.3, dtype="float32").iloc[0]
    assert 32 <= row["sampled"] < 3000
    assert row["tokens"] == pytest.approx(vectors.truncation(model, texts)["tokens"].sum(), rel=0.35)
    assert row["estimate"] == pytest.approx(row["seconds"] * 3000 / row["sampled"], rel=0.05)
    assert vectors.cache_info()["vectors"].sum() == before


@pytest.mark.parametrize(("texts", "seconds", "message"), [([], 1, "at least one text"), (["a"], 0, "above 0")])
def test_refuses(texts: list[str], seconds: float, message: str, model: Any) -> None:
    """No texts and no time are refused."""
    with pytest.raises(ValueError, match=message):
        vectors.probe(model, texts, seconds=seconds)
