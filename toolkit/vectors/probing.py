"""How long an encoding will take, from a look of two seconds."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

STEP = 32  # texts encoded between two looks at the clock


def probe(
    model: Any, texts: Sequence[str], *, seconds: float = 2.0, dtype: str = "auto", seed: int = 0
) -> pd.DataFrame:
    """Encode a random sample for about `seconds`, and say how long all texts would take.

    Parameters
    ----------
    model : SentenceTransformer
    texts : sequence of str
    seconds : float
        How long to measure, above 0; a step more may come.
    dtype : str
        As in `toolkit.vectors.encode`.
    seed : int
        Seed of the sample.

    Returns
    -------
    DataFrame
        One row: ``texts tokens`` (of all, what the model's limit leaves of them; estimated from the sample),
        ``sampled seconds`` (how many were encoded, and in what time), ``tokens_per_second`` and ``estimate``: seconds
        for all of them, nothing being in the cache.
    """
    from toolkit.vectors.encoding import encode
    from toolkit.vectors.inputs import check_texts
    from toolkit.vectors.lengths import truncation

    if not seconds > 0:
        raise ValueError(f"expected seconds above 0, got {seconds}")
    check_texts(texts)
    if not len(texts):
        raise ValueError("expected at least one text to measure, got none")
    order = np.random.default_rng(seed).permutation(len(texts))
    encode(model, [texts[int(order[0])][:200]], dtype=dtype, cache=False, progress=False)  # the first call is slow
    done, tokens, started = 0, 0, time.perf_counter()
    while done < len(order) and time.perf_counter() - started < seconds:
        sample = [texts[int(i)] for i in order[done : done + STEP]]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*were cut there")  # what it takes is measured, cut texts too
            encode(model, sample, dtype=dtype, cache=False, progress=False)
        counted = truncation(model, sample)
        tokens += int((counted["tokens"] - counted["lost"]).sum())
        done += len(sample)
    spent = time.perf_counter() - started
    share = len(order) / done
    return pd.DataFrame([{
        "texts": len(order), "tokens": round(tokens * share), "sampled": done, "seconds": round(spent, 4),
        "tokens_per_second": round(tokens / spent), "estimate": round(spent * share, 1),
    }])  # fmt: skip
