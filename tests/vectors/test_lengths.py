"""`truncation` against the tokenizer itself."""

from __future__ import annotations

import copy
import json
from typing import Any

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from toolkit.vectors import truncation

TEXTS = ["", "a fox", "word " * 300, "naïve café 😀", "x" * 5000, "one-two-three " * 100]


@pytest.mark.parametrize("prompts", [{}, {"query": "search: ", "document": "the longest of the prompts: "}])
def test_counts_are_the_tokenizers(model: Any, prompts: dict[str, str]) -> None:
    """Tokens are those of the longest prompt and the whole text, and lost is what lies beyond the limit."""
    changed = copy.deepcopy(model)
    changed.prompts = prompts
    frame = truncation(changed, TEXTS * 400)  # more than one batch
    longest = max(prompts.values(), key=len, default="")
    expected = [
        len(ids) for ids in model.tokenizer([longest + t for t in TEXTS], truncation=False, verbose=False)["input_ids"]
    ]
    assert frame["tokens"].tolist() == expected * 400
    assert frame["lost"].tolist() == [max(0, n - 256) for n in expected] * 400
    assert set(frame["limit"]) == {256} and (frame["lost"] > 0).any()


def test_tokenizer_is_left_as_it_was(model: Any) -> None:
    """Padding and truncation of the tokenizer are put back, also after an error."""
    changed = copy.deepcopy(model)
    backend = changed.tokenizer.backend_tokenizer
    backend.enable_truncation(77, stride=3)
    backend.enable_padding(length=99)
    state = json.dumps([backend.truncation, backend.padding])
    truncation(changed, TEXTS)
    assert json.dumps([backend.truncation, backend.padding]) == state
    with pytest.raises(ValueError, match="text 1 is NoneType"):
        truncation(changed, ["a", None])  # type: ignore[list-item]
    assert json.dumps([backend.truncation, backend.padding]) == state


def test_a_model_without_limit(model: Any) -> None:
    """Where the model has no limit nothing is lost and the limit is NaN; no texts give no rows."""
    static = SentenceTransformer(
        modules=[StaticEmbedding(model.tokenizer.backend_tokenizer, embedding_dim=8)], device="cpu"
    )
    frame = truncation(static, TEXTS)
    assert frame["lost"].sum() == 0 and np.isnan(frame["limit"]).all() and frame["tokens"].max() > 256
    with pytest.raises(ValueError, match="got object"):
        truncation(object(), TEXTS)  # type: ignore[arg-type]
    assert list(truncation(model, []).columns) == ["tokens", "limit", "lost"] and truncation(model, []).empty
