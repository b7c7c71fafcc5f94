"""Count how much of each text a model reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from toolkit.vectors.inputs import between, check_texts
from toolkit.vectors.protocols import Encoder


def truncation(model: Encoder, texts: Sequence[str]) -> pd.DataFrame:
    """Count the tokens that the model's limit cuts from each text.

    Parameters
    ----------
    model : Encoder
        A sentence-transformers model.
    texts : sequence of str

    Returns
    -------
    DataFrame
        One row per text, in order: ``tokens`` (with special tokens and the longest of the model's prompts), ``limit``
        (NaN where the model has none) and ``lost`` (tokens beyond the limit). ``frame["lost"].gt(0).mean()`` is the
        share of texts that are cut, ``frame["lost"].sum() / frame["tokens"].sum()`` the share of the tokens.

    Raises
    ------
    ValueError
        For a model without a tokenizer of the library tokenizers.
    """
    check_texts(texts)
    given: Any = model
    tokenizer = getattr(given, "tokenizer", given)
    tokenizer = getattr(tokenizer, "backend_tokenizer", tokenizer)
    if not hasattr(tokenizer, "encode_batch_fast"):
        raise ValueError(f"expected a model with a tokenizer of the library tokenizers, got {type(tokenizer).__name__}")
    stated = given.max_seq_length
    limit = stated if isinstance(stated, int) and stated < 1_000_000 else None
    longest = max((str(prompt or "") for prompt in given.prompts.values()), key=len, default="")
    state = tokenizer.truncation, tokenizer.padding
    tokenizer.no_truncation(), tokenizer.no_padding()
    tokens: list[int] = []
    try:
        for start in range(0, len(texts), 1024):
            batch = [longest + text for text in between(texts, start, start + 1024)]
            tokens += [len(encoding) for encoding in tokenizer.encode_batch_fast(batch)]
    finally:
        if state[0] is not None:
            tokenizer.enable_truncation(**state[0])
        if state[1] is not None:
            tokenizer.enable_padding(**state[1])
    frame = pd.DataFrame({"tokens": pd.Series(tokens, dtype="int64")})
    frame["limit"] = float("nan") if limit is None else limit
    frame["lost"] = 0 if limit is None else (frame["tokens"] - limit).clip(lower=0)
    return frame
