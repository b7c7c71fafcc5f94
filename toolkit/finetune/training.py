"""Train candidates on top of a fixed model, and choose among them on validation data."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit import storage, vectors
from toolkit.evaluate.scoring import per_query
from toolkit.finetune.adapter import CANDIDATES, Adapter, Epoch, TrainSettings, assemble, fit
from toolkit.finetune.losses import LOSSES
from toolkit.finetune.tuned import Tuned
from toolkit.prepare import Split, Task
from toolkit.prepare.frames import shape_of
from toolkit.vectors.origin import describe
from toolkit.vectors.precision import resolve_dtype

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

LOSS = "MultipleNegativesRankingLoss"
METRIC = "nDCG@10"
METHOD = "a small layer on top of the fixed model"
MIN_PAIRS = 20  # training pairs


def train(
    model: SentenceTransformer,
    split: Split,
    *,
    candidates: Sequence[str] = CANDIDATES,
    settings: TrainSettings | None = None,
    seed: int = 0,
    dtype: str = "auto",
    data: Mapping[str, str] | None = None,
) -> Tuned:
    """Train a small layer on top of the fixed model, for each of `candidates`, and keep the best on dev.

    The model itself does not change, so its vectors are computed once or read from the cache, and a
    candidate trains in seconds. Early stopping and the choice among the candidates use dev only.

    Parameters
    ----------
    model : SentenceTransformer
        From `toolkit.vectors.load`.
    split : Split
        From `toolkit.prepare.split`; its test part is not used.
    candidates : sequence of str
        ``"query layer"`` trains a layer for queries alone, so that documents keep their vectors and an index stays
        valid; ``"one layer for both"`` queries and documents; ``"separate layers"`` two layers. If dev scores tie,
        the first wins.
    settings : TrainSettings, optional
        By default, `TrainSettings()`.
    seed : int
    dtype : str
        As in `toolkit.vectors.encode`.
    data : mapping, optional
        ``{"name": ..., "digest": ...}`` of the whole data, for the record: see
        `toolkit.finetune.tuned.training_data_warning`.

    Raises
    ------
    ValueError
        When the training part is not pairs or has fewer than 20 of them, or the dev part is not a search task.
    """
    if not isinstance(split, Split):
        raise ValueError(f"expected a Split, got {type(split).__name__}: prepare.split(rows) makes one")
    build = LOSSES[LOSS].build
    if build is None or not {"anchor", "positive"} <= set(split.train.column_names):
        shape = shape_of(split.train)
        raise ValueError(f"expected pairs to train on (columns anchor, positive), got {shape}: see suggest_loss")
    if len(split.train) < MIN_PAIRS:
        raise ValueError(
            f"expected at least {MIN_PAIRS} training pairs, got {len(split.train)}: add data, or use the base model"
        )
    if split.dev.kind != "retrieval":
        raise ValueError(
            f"expected a search task to choose on, got a dev part of kind {split.dev.kind!r}: split pairs (columns "
            f"anchor, positive)"
        )
    settings = settings or TrainSettings()
    started = time.perf_counter()
    anchors = vectors.encode(model, split.train["anchor"][:], side="query", dtype=dtype)
    positives = vectors.encode(model, split.train["positive"][:], side="document", dtype=dtype)
    score = _dev_score(model, split.dev, dtype)
    encoded = time.perf_counter() - started

    found: dict[str, tuple[Adapter, list[Epoch]]] = {}
    rows = []
    for candidate in candidates:
        began = time.perf_counter()
        found[candidate] = fit(
            anchors, positives, score, build(settings), candidate=candidate, settings=settings, seed=seed
        )
        epochs, seconds = found[candidate][1], round(time.perf_counter() - began, 1)
        best = max(epoch.dev for epoch in epochs)
        rows.append({"candidate": candidate, "epochs": len(epochs) - 1, "seconds": seconds, "dev": best})
    table = pd.DataFrame(rows)
    chosen = str(table["candidate"].iloc[int(table["dev"].to_numpy().argmax())])
    table["chosen"] = table["candidate"] == chosen
    adapter, epochs = found[chosen]
    base, best = epochs[0].dev, float(table["dev"].max())
    record = {
        "base": describe(model),
        "method": METHOD,
        "loss": LOSS,
        "candidate": chosen,
        "chosen_on": f"validation data, {METRIC}",
        "dev_before": base,
        "dev_after": best,
        "pairs": len(split.train),
        "data": dict(data or {}),
        "data_digest": storage.digest_texts(split.train["anchor"][:], split.train["positive"][:]),
        "seed": seed,
        "dtype": resolve_dtype(model, dtype),
        "seconds_training": round(float(table["seconds"].sum()), 1),
        "seconds_encoding": round(encoded, 1),
        "settings": asdict(settings),
    }
    history = pd.DataFrame([{"candidate": name, **vars(epoch)} for name, (_, run) in found.items() for epoch in run])
    changed = not np.array_equal(adapter.document, np.eye(len(adapter.document)))
    return Tuned(
        assemble(model, adapter, record), METHOD, settings, history, table, METRIC, base, best, changed, record
    )


def _dev_score(model: SentenceTransformer, dev: Task, dtype: str) -> Callable[[Adapter], float]:
    """Return a function that scores an adapter on a search task: the whole corpus, searched exactly."""
    data = dev.data
    names = list(data.corpus)
    spare = max(map(len, dev.self_matches.values()), default=0)  # so that ten remain after self-matches are removed
    documents = vectors.encode(model, list(data.corpus.values()), side="document", dtype=dtype)
    queries = vectors.encode(model, list(data.queries.values()), side="query", dtype=dtype)

    def score(adapter: Adapter) -> float:
        moved = documents if adapter.candidate == "query layer" else adapter.apply(documents, "document")
        scores, ids = vectors.nearest(adapter.apply(queries, "query"), moved, 10 + spare)
        ranking = {
            query: {names[i]: float(s) for i, s in zip(row_ids, row, strict=True)}
            for query, row_ids, row in zip(data.queries, ids.tolist(), scores.tolist(), strict=True)
        }
        return float(per_query(dev.without_self_matches(ranking), data.qrels, [METRIC])[METRIC].mean())

    return score
