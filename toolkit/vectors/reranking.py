"""Reorder the first documents of a search with a cross-encoder, which reads each with the query."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolkit.vectors.inputs import check_queries
from toolkit.vectors.origin import Origin, origin_of, set_origin
from toolkit.vectors.protocols import Reranker, System
from toolkit.vectors.rankings import top
from toolkit.vectors.store import Store, text_keys


def is_cross_encoder(model: object) -> bool:
    """Return whether a model reads two texts at once: it has ``predict`` and no ``encode``."""
    return hasattr(model, "predict") and not hasattr(model, "encode")


def pair_scores(reranker: Reranker, pairs: Sequence[tuple[str, str]], *, cache: bool = True) -> NDArray[np.float64]:
    """Score pairs of texts with a cross-encoder, each distinct pair once.

    Scores of a ``sentence_transformers.CrossEncoder`` are cached like vectors; those of anything else are not, since
    nothing identifies its weights.

    Parameters
    ----------
    reranker : Reranker
        With ``predict(pairs)``.
    pairs : sequence of (str, str)
    cache : bool
        Whether to read and store scores in `toolkit.storage.cache_folder()`. No text is stored there.

    Returns
    -------
    array of shape (n,)
        On the model's own scale; larger is more relevant.

    Raises
    ------
    ValueError
        When the model does not return one finite number per pair.
    """
    if not pairs:
        return np.empty(0)
    store = _store(reranker) if cache else None
    keys = text_keys(f"{len(left)}:{left}{right}" for left, right in pairs)
    scores = np.empty(len(pairs))
    found = np.zeros(len(pairs), dtype=bool)
    if store is not None:
        rows = np.empty((len(pairs), 1), dtype=np.float32)
        store.get(keys, rows, np.zeros(len(pairs), dtype=np.uint32), found)
        scores[found] = rows[found, 0]
    missing = np.flatnonzero(~found)
    if len(missing):
        _, first, inverse = np.unique(keys[missing], return_index=True, return_inverse=True)
        at = missing[first]
        new = _predict(reranker, [pairs[i] for i in at])
        if store is not None:
            kept = new[:, None].astype(np.float32)
            store.put(keys[at], kept, np.zeros(len(at), dtype=np.uint32))
            new = kept[:, 0].astype(np.float64)  # so that the first call returns the same values as the cache
        scores[missing] = new[inverse]
    return scores


def _predict(reranker: Reranker, pairs: list[tuple[str, str]]) -> NDArray[np.float64]:
    scores = np.asarray(reranker.predict(pairs), dtype=float)
    scores = scores[:, 0] if scores.ndim == 2 and scores.shape[1] == 1 else scores
    if scores.shape != (len(pairs),):
        raise ValueError(
            f"{type(reranker).__name__}.predict returned shape {scores.shape} for {len(pairs)} pairs, expected one "
            f"score per pair: for a model with several labels (num_labels), choose one first"
        )
    if not np.isfinite(scores).all():
        raise ValueError(
            f"{type(reranker).__name__}.predict returned {int((~np.isfinite(scores)).sum())} scores that are nan or "
            f"infinite: load the model in float32"
        )
    return scores


def _store(reranker: Reranker) -> Store | None:
    """Return the cached scores of a cross-encoder whose weights can be identified; None for any other."""
    model: Any = reranker
    if not _is_torch(model):
        return None
    import sentence_transformers
    import transformers

    from toolkit.vectors.engines.identity import configuration, tokenizer_digest, weights_digest
    from toolkit.vectors.engines.torch import own_dtype

    modules = list(model)
    key = {
        "weights": weights_digest(modules),
        "tokenizer": tokenizer_digest(model.tokenizer),
        "modules": configuration(modules),
        "activation": repr(model.activation_fn),
        "prompts": [dict(model.prompts), model.default_prompt_name, model.keep_in_fp32_modules],
        "max_length": model.max_seq_length,
        "dtype": str(own_dtype(model)).removeprefix("torch."),
        "device": model.device.type,
        "engine": f"transformers {transformers.__version__}, sentence-transformers {sentence_transformers.__version__}",
    }
    return Store(key, 1, name=describe_reranker(model)["name"])


def _is_torch(model: Reranker) -> bool:
    """Return whether a model is a CrossEncoder of sentence-transformers that is run by torch."""
    if "sentence_transformers" not in sys.modules:  # not imported, so not one of its models; importing takes seconds
        return False
    from sentence_transformers import CrossEncoder

    return isinstance(model, CrossEncoder) and all(getattr(m, "backend", "torch") == "torch" for m in model)


def describe_reranker(reranker: Reranker) -> dict[str, Any]:
    """Describe a cross-encoder for a record: its origin, and a digest of its weights where they are known."""
    record = origin_of(reranker).record
    model: Any = reranker
    if not _is_torch(model):
        return record
    from toolkit.vectors.engines.identity import weights_digest

    if record == {"name": type(reranker).__name__}:  # not from `load_reranker`: transformers knows where it is from
        name = str(getattr(getattr(model[0].model, "config", None), "_name_or_path", "") or record["name"])
        record = {"name": name, **({"folder": str(Path(name).resolve())} if Path(name).is_dir() else {})}
    return {**record, "weights": weights_digest(model)}


@dataclass(frozen=True)
class Reranked:
    """A system whose first documents are reranked by a cross-encoder. Made by `rerank`.

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
    def parts(self) -> tuple[System, ...]:
        """The system."""
        return (self.system,)

    @property
    def record(self) -> dict[str, Any]:
        """The records of the system and the reranker."""
        return {"kind": "reranked", "name": self.name, "parts": [dict(self.system.record)],
                "reranker": describe_reranker(self.reranker), "depth": self.depth}  # fmt: skip

    def search(self, queries: Mapping[str, str], k: int = 10) -> dict[str, dict[str, float]]:
        """Rank the `k` best documents for each query: ``{query_id: {doc_id: score}}``.

        Scores of the documents that were read are the cross-encoder's. The other documents keep the system's order,
        with scores in steps of 1 below the lowest.
        """
        check_queries(queries, k)
        return self.reorder(queries, self.system.search(queries, max(k, self.depth)), k)

    def reorder(
        self, queries: Mapping[str, str], ranking: Mapping[str, Mapping[str, float]], k: int
    ) -> dict[str, dict[str, float]]:
        """Rerank the first documents of a ranking by the system; see `search`."""
        ordered = {query: list(top(ranking.get(query, {}), max(k, self.depth))) for query in queries}
        unknown = [doc for row in ordered.values() for doc in row if doc not in self.corpus]
        if unknown:
            raise ValueError(f"{self.system.name} found document {unknown[0]!r}, which is not in its corpus")
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
    """Rerank the first documents of a system with a cross-encoder.

    Parameters
    ----------
    system : System
        Finds the first documents, such as ``bm25(corpus)`` or ``dense(model, corpus)``.
    reranker : Reranker
        With ``predict(pairs)``, one score per pair, such as ``sentence_transformers.CrossEncoder``.
    depth : int
        Documents of each query that the cross-encoder reads; its time grows with it.
    name : str, optional
        By default "<system>, reranked".

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
    """Load the cross-encoder that `describe_reranker` described; a relative folder in it is relative to `folder`.

    Raises
    ------
    FileNotFoundError
        The folder that the record names does not exist.
    ValueError
        The weights are not the recorded ones.
    """
    from sentence_transformers import CrossEncoder

    from toolkit.vectors.engines.identity import weights_digest

    name, place = str(record["name"]), Path(folder) / str(record.get("folder") or "")
    local = bool(record.get("folder"))
    if local and not place.is_dir():
        raise FileNotFoundError(f"there is no folder {place} with the reranker {name!r}")
    model = CrossEncoder(str(place) if local else name, local_files_only=local)
    found, expected = weights_digest(model), record.get("weights")
    if expected and found != expected:
        raise ValueError(f"the weights of the reranker {name!r} have the digest {found}, expected {expected}")
    set_origin(model, Origin(name, folder=str(place.resolve()) if local else ""))
    reranker: Reranker = model
    return reranker
