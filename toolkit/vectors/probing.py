"""Estimate how long an encoding will take, from a measurement of about two seconds."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import numpy as np
import pandas as pd

from toolkit.vectors.batching import divide_window
from toolkit.vectors.encoding import WINDOW_TEXTS, has_body
from toolkit.vectors.inputs import check_texts, take
from toolkit.vectors.lengths import truncation
from toolkit.vectors.protocols import Encoder

STEP = 1024  # texts that are tokenised between two looks at the clock


def probe(
    model: Encoder, texts: Sequence[str], *, seconds: float = 2.0, dtype: str = "auto", seed: int = 0
) -> pd.DataFrame:
    """Encode a random sample for about `seconds`, and estimate the time for all texts.

    The sample is tokenised, sorted and batched as in `toolkit.vectors.encode`; whole batches are then run in random
    order. Nothing is read from the cache or kept in it.

    Parameters
    ----------
    model : Encoder
        A sentence-transformers model, or one with its own engine.
    texts : sequence of str
        Repeated texts are counted each time.
    seconds : float
        How long to measure, above 0: at most this long for tokenising, and at least this long for running batches.
    dtype : str
        As in `toolkit.vectors.encode`.
    seed : int
        Seed of the sample.

    Returns
    -------
    DataFrame
        One row: ``texts tokens`` (of all texts, after truncation; estimated from the sample),
        ``sampled seconds`` (texts encoded, and time taken, tokenising included), ``tokens_per_second`` and
        ``estimate``: seconds for all texts, with an empty cache.

    Raises
    ------
    ValueError
        For no texts, a time that is not positive, or another kind of model.
    """
    from toolkit.vectors.engines.opening import open_body

    if not seconds > 0:
        raise ValueError(f"expected seconds above 0, got {seconds}")
    if not has_body(model):
        raise ValueError(f"expected a model of sentence-transformers to measure, got {type(model).__name__}")
    check_texts(texts)
    if not len(texts):
        raise ValueError("expected at least one text to measure, got none")
    body = open_body(model, None, dtype)
    rng = np.random.default_rng(seed)
    sample = take(texts, rng.permutation(len(texts))[:WINDOW_TEXTS])
    body.run(body.tokenise([sample[0][:200]]).ids)  # the first call is slow
    ids: list[object] = []
    lengths = np.empty(0, dtype=np.int64)
    started = perf_counter()
    while len(ids) < len(sample) and perf_counter() - started < seconds:
        window = body.tokenise(sample[len(ids) : len(ids) + STEP])
        ids += window.ids
        lengths = np.append(lengths, window.lengths)
    tokenising = (perf_counter() - started) / len(ids)  # for each text
    batches = list(divide_window(lengths, body.batch_tokens))
    if body.batch_tokens is None:  # lengths are estimates
        counted = truncation(model, sample[: len(ids)])
        lengths = (counted["tokens"] - counted["lost"]).to_numpy()
    done, tokens, started = 0, 0, perf_counter()
    for number in rng.permutation(len(batches)):
        body.run([ids[i] for i in batches[number]])
        done += len(batches[number])
        tokens += int(lengths[batches[number]].sum())
        running = perf_counter() - started
        if running >= seconds:
            break
    everything = float(lengths.mean()) * len(texts)
    estimate = tokenising * len(texts) + running / tokens * everything
    return pd.DataFrame([{
        "texts": len(texts), "tokens": round(everything), "sampled": done,
        "seconds": round(tokenising * done + running, 4), "tokens_per_second": round(everything / estimate),
        "estimate": round(estimate, 4),
    }])  # fmt: skip
