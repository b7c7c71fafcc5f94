"""How much of each text a model reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd


def truncation(model: Any, texts: Sequence[str]) -> pd.DataFrame:
    """What the model's limit cuts from each text. No model cuts without this table knowing it.

    Parameters
    ----------
    model : SentenceTransformer
    texts : sequence of str

    Returns
    -------
    DataFrame
        One row a text, in order: ``tokens`` (with the special ones and the longest of the model's prompts), ``limit``
        (NaN where the model has none) and ``lost`` (tokens beyond the limit). ``frame["lost"].gt(0).mean()`` is the
        share of texts that are cut, ``frame["lost"].sum() / frame["tokens"].sum()`` the share of the tokens.
    """
    from toolkit.vectors.inputs import check_texts, each

    check_texts(texts)
    limit = model.max_seq_length
    limit = limit if isinstance(limit, int) and limit < 1_000_000 else None
    longest = max((str(prompt or "") for prompt in model.prompts.values()), key=len, default="")
    tokenizer = getattr(model.tokenizer, "backend_tokenizer", model.tokenizer)
    if not hasattr(tokenizer, "encode_batch_fast"):
        raise ValueError(f"expected a model with a tokenizer of the library tokenizers, got {type(tokenizer).__name__}")
    state = tokenizer.truncation, tokenizer.padding
    tokenizer.no_truncation(), tokenizer.no_padding()
    tokens: list[int] = []
    try:
        batch: list[str] = []
        for text in each(texts):
            batch.append(longest + text)
            if len(batch) == 1024:
                tokens += [len(encoding) for encoding in tokenizer.encode_batch_fast(batch)]
                batch.clear()
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
