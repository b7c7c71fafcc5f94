"""Rerank: a cross-encoder reads each query with its first documents and puts them in order."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolkit.vectors.inputs import check_queries
from toolkit.vectors.origin import Origin, describe, origin_of, set_origin
from toolkit.vectors.protocols import Reranker, System
from toolkit.vectors.rankings import top
from toolkit.vectors.store import Store, text_keys


def is_cross_encoder(model: object) -> bool:
    """Return whether a model reads two texts at once: it has ``predict`` and no ``encode``."""
    return hasattr(model, "predict") and not hasattr(model, "encode")


def pair_scores(reranker: Reranker, pairs: Sequence[tuple[str, str]], *, cache: bool = True) -> NDArray[np.float64]:
    """Score pairs of texts by a cross-encoder, each distinct pair once.

    Scores of a ``sentence_transformers.CrossEncoder`` are cached like vectors; those of anything else are not, since
    nothing identifies its weights.

    Parameters
    ----------
    reranker : Reranker
        With ``predict(pairs)``.
    pairs : sequence of (str, str)
    cache : bool
        Whether to read and keep scores in the folder of `toolkit.storage.cache_folder`. It stores no text.

    Returns
    -------
    array of shape (n,)
        In the unit of the model; larger is more relevant.

    Raises
    ------
    ValueError
        When it gives anything but one finite number a pair.
    """
    if not pairs:
        return np.empty(0)
    store = _store(reranker) if cache else None
    keys = text_keys(f"{len(left)}:{left}{right}" for left, right in pairs)
    rows = np.empty((len(pairs), 1), dtype=np.float32)
    found = np.zeros(len(pairs), dtype=bool)
    if store is not None:
        store.get(keys, rows, np.zeros(len(pairs), dtype=np.uint32), found)
    scores = rows[:, 0].astype(np.float64)
    missing = np.flatnonzero(~found)
    if len(missing):
        _, first, inverse = np.unique(keys[missing], return_index=True, return_inverse=True)
        new = _predict(reranker, [pairs[i] for i in missing[first]])
        scores[missing] = new[inverse]
        if store is not None:
            at = missing[first]
            store.put(keys[at], new[:, None].astype(np.float32), np.zeros(len(at), dtype=np.uint32))
    return scores


def _predict(reranker: Reranker, pairs: list[tuple[str, str]]) -> NDArray[np.float64]:
    scores = np.asarray(reranker.predict(pairs), dtype=float)
    scores = scores[:, 0] if scores.ndim == 2 and scores.shape[1] == 1 else scores
    if scores.shape != (len(pairs),):
        raise ValueError(
            f"{type(reranker).__name__}.predict returned shape {scores.shape} for {len(pairs)} pairs, expected one score "
            f"a pair: of a model with several labels (num_labels), choose one first"
        )
    if not np.isfinite(scores).all():
        raise ValueError(
            f"{type(reranker).__name__}.predict returned {int((~np.isfinite(scores)).sum())} scores that are nan or "
            f"infinite: load the model in float32"
        )
    return scores


def _store(reranker: Any) -> Store | None:
    """Return the cached scores of a CrossEncoder of sentence-transformers; None for anything else."""
    if "sentence_transformers" not in sys.modules:  # then it is none, and the import takes seconds
        return None
    import sentence_transformers
    import transformers
    from sentence_transformers import CrossEncoder

    from toolkit.vectors.forward import configuration, tokenizer_digest, weights_digest

    if not isinstance(reranker, CrossEncoder):
        return None
    modules = list(reranker)
    if any(getattr(module, "backend", "torch") != "torch" for module in modules):
        return None
    key = {
        "weights": weights_digest(modules),
        "tokenizer": tokenizer_digest(reranker.tokenizer),
        "modules": configuration(modules),
        "activation": repr(reranker.activation_fn),
        "prompts": [dict(reranker.prompts), reranker.default_prompt_name],
        "max_length": reranker.max_seq_length,
        "dtype": str(next(reranker.parameters()).dtype),
        "device": reranker.device.type,
        "engine": f"transformers {transformers.__version__}, sentence-transformers {sentence_transformers.__version__}",
    }
    return Store(key, 1, name=origin_of(reranker).name)


@dataclass(frozen=True)
class Reranked:
    """A system whose first documents a cross-encoder puts in order. Made by `rerank`.

    Attributes
    ----------
    system : System
    reranker : Reranker
    depth : int
        Documents of each query that the cross-encoder reads.
    name : str
    """

    system: System
    reranker: Reranker
    depth: int
    name: str

    @property
    def corpus(self) -> Mapping[str, str]:
        """The corpus of the system."""
        return self.system.corpus

    @property
    def record(self) -> dict[str, Any]:
        """The records of the system and the reranker."""
        return {"kind": "reranked", "name": self.name, "parts": [dict(self.system.record)],
                "reranker": describe(self.reranker), "depth": self.depth}  # fmt: skip

    def search(self, queries: Mapping[str, str], k: int = 10) -> dict[str, dict[str, float]]:
        """Rank the `k` best documents for each query: ``{query_id: {doc_id: score}}``.

        Scores of the documents that were read are the cross-encoder's. Those behind them keep the order of the system,
        one apart, below the lowest.
        """
        check_queries(queries, k)
        return self.reorder(queries, self.system.search(queries, max(k, self.depth)), k)

    def reorder(
        self, queries: Mapping[str, str], ranking: Mapping[str, Mapping[str, float]], k: int
    ) -> dict[str, dict[str, float]]:
        """Put the first documents of a ranking of the system in order; see `search`."""
        ordered = {query: list(top(ranking.get(query, {}), max(k, self.depth))) for query in queries}
        unknown = [doc for row in ordered.values() for doc in row if doc not in self.corpus]
        if unknown:
            raise ValueError(f"{self.system.name} found document {unknown[0]!r}, which its corpus lacks")
        pairs = [(query, doc) for query, row in ordered.items() for doc in row[: self.depth]]
        scores = pair_scores(self.reranker, [(queries[query], self.corpus[doc]) for query, doc in pairs])
        found: dict[str, dict[str, float]] = {query: {} for query in queries}
        for (query, doc), score in zip(pairs, scores.tolist(), strict=True):
            found[query][doc] = score
        for query, row in found.items():
            lowest = min(row.values(), default=0.0)
            row.update({doc: lowest - place for place, doc in enumerate(ordered[query][self.depth :], 1)})
        return {query: top(row, k) for query, row in found.items()}


def rerank(system: System, reranker: Reranker, *, depth: int = 50, name: str | None = None) -> Reranked:
    """Let a cross-encoder put the first documents of a system in order.

    Parameters
    ----------
    system : System
        Finds the first documents, such as ``bm25(corpus)`` or ``dense(model, corpus)``.
    reranker : Reranker
        With ``predict(pairs)``, one score a pair, such as ``sentence_transformers.CrossEncoder``.
    depth : int
        Documents of each query that the cross-encoder reads; its time grows with it.
    name : str, optional
        Without it "<system>, reranked".

    Raises
    ------
    ValueError
        For a system without ``search``, a model without ``predict``, or depth < 1.

    Examples
    --------
    >>> from toolkit import vectors
    >>> class Overlap:
    ...     def predict(self, pairs):
    ...         return [len(set(a.split()) & set(b.split())) for a, b in pairs]
    >>> corpus = {"a": "red fox", "b": "the old red fox", "c": "blue"}
    >>> rerank(vectors.bm25(corpus), Overlap(), depth=2).search({"q": "the old fox"})
    {'q': {'b': 3.0, 'a': 1.0}}
    """
    if not hasattr(system, "search"):
        raise ValueError(f"expected a system with search(queries, k), got {type(system).__name__}: see vectors.dense")
    if not hasattr(reranker, "predict"):
        raise ValueError(f"expected a cross-encoder with predict(pairs), got {type(reranker).__name__}")
    if depth < 1:
        raise ValueError(f"expected a depth of at least 1, got {depth}")
    return Reranked(system, reranker, depth, name or f"{system.name}, reranked")


def load_reranker(record: Mapping[str, Any], folder: str | Path = ".") -> Reranker:
    """Load a cross-encoder from a record; a relative folder in it is taken from `folder`.

    Raises
    ------
    FileNotFoundError
        The folder that the record names does not exist.
    """
    from sentence_transformers import CrossEncoder

    place = Path(folder) / record["folder"] if record.get("folder") else None
    if place is not None and not place.is_dir():
        raise FileNotFoundError(f"there is no folder {place} with the reranker {record.get('name')!r}")
    source = str(place) if place is not None else str(record["name"])
    model: Reranker = CrossEncoder(source, revision=record.get("commit"), local_files_only=place is not None)
    set_origin(model, Origin(str(record.get("name", source)), folder=str(place or "")))
    return model
