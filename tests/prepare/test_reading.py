"""What a model's limit cuts, against the tokenizer itself."""

from __future__ import annotations

from typing import Any

import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from toolkit.prepare import chunk, truncation_report

TEXTS = ["A short text.", "word " * 508, "The printer blinks. It beeps. " * 60, "x"]


def test_counts_are_the_tokenizers(model: Any) -> None:
    """Texts and tokens beyond the limit, counted by the tokenizer alone; pieces lose none, and have more tokens."""
    counts = [len(ids) for ids in model.tokenizer(TEXTS, truncation=False, verbose=False)["input_ids"]]
    pieces = chunk(TEXTS, model)
    report = truncation_report(TEXTS, model, chunks=pieces)
    whole, parts = report.table.to_dict("records")
    assert (whole["texts"], whole["cut"], whole["tokens"]) == (4, 2, sum(counts))
    assert whole["lost"] == sum(max(0, n - 256) for n in counts) > 0
    assert whole["share_cut"] == 0.5 and whole["share_lost"] == pytest.approx(whole["lost"] / sum(counts))
    assert (parts["texts"], parts["cut"], parts["lost"]) == (len(pieces), 0, 0)
    assert parts["tokens"] == sum(counts) + 2 * (len(pieces) - len(TEXTS))  # [CLS] and [SEP] of each further piece
    assert f"cuts 2 (50.0%), and with them {whole['lost']:,} of {sum(counts):,} tokens" in report.sentence
    assert report.sentence.endswith(f"Of {len(pieces)} pieces the model, which reads 256 tokens, cuts none.")
    assert str(report) in report._repr_html_() and len(truncation_report(TEXTS, model).table) == 1


def test_a_model_without_limit_and_no_texts(model: Any) -> None:
    """No limit cuts nothing and says so; no texts are refused, and so is what is no text."""
    static = SentenceTransformer(
        modules=[StaticEmbedding(model.tokenizer.backend_tokenizer, embedding_dim=8)], device="cpu"
    )
    assert truncation_report(TEXTS, static).sentence == "The model reads whole texts of any length: it cuts none of 4."
    with pytest.raises(ValueError, match="no whole texts"):
        truncation_report([], model)
    with pytest.raises(ValueError, match="no pieces"):
        truncation_report(TEXTS, model, chunks=[])
    with pytest.raises(ValueError, match="text 1 is NoneType"):
        truncation_report(["a", None], model)  # type: ignore[list-item]
