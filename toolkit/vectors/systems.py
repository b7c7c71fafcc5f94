"""Ways of searching a corpus: by vectors, by keywords, both fused, or reranked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolkit.vectors.encoding import encode
from toolkit.vectors.exact import nearest
from toolkit.vectors.inputs import check_corpus, check_queries
from toolkit.vectors.keywords import bm25
from toolkit.vectors.loading import load_again
from toolkit.vectors.origin import origin_of
from toolkit.vectors.protocols import Encoder, Ranking, System
from toolkit.vectors.rankings import from_ranking, fuse_rankings, top
from toolkit.vectors.reranking import load_reranker, rerank

DEPTH = 100  # documents of each system that are fused


@dataclass(frozen=True)
class Dense:
    """A corpus searched by vectors. Made by `dense`.

    Attributes
    ----------
    encoder : Encoder
    corpus : mapping of document id to text
    name, dtype : str
    index : object with ``search(vectors, k)``, optional
        A FAISS index over the vectors of the corpus, in its order; without it the search is exact.
    cache : bool
        Whether the vectors of queries are cached.
    """

    encoder: Encoder
    corpus: Mapping[str, str]
    name: str = "dense"
    dtype: str = "auto"
    index: Any = None
    cache: bool = True

    @cached_property
    def ids(self) -> list[str]:
        """Document ids, in the order of the vectors."""
        return list(self.corpus)

    @cached_property
    def vectors(self) -> NDArray[np.float32]:
        """Unit vectors of the corpus, shape (n, dim)."""
        return encode(self.encoder, list(self.corpus.values()), side="document", dtype=self.dtype)

    @property
    def record(self) -> dict[str, Any]:
        """The encoder's origin and its number format."""
        return {"kind": "dense", "name": self.name, "model": origin_of(self.encoder).record, "dtype": self.dtype}

    def search(self, queries: Mapping[str, str], k: int = 10) -> dict[str, dict[str, float]]:
        """Rank the `k` best documents for each query by cosine, -1 to 1."""
        check_queries(queries, k)
        texts = list(queries.values())
        encoded = encode(
            self.encoder,
            texts,
            side="query",
            dtype=self.dtype,
            cache=self.cache,
            progress=self.cache and len(texts) > 1,
        )
        if self.index is None:
            scores, rows = nearest(encoded, self.vectors, k)
        else:
            scores, rows = self.index.search(encoded, min(k, len(self.ids)))
        return {
            query: {self.ids[row]: float(score) for score, row in zip(*found, strict=True) if row >= 0}
            for query, *found in zip(queries, scores.tolist(), rows.tolist(), strict=True)
        }


def dense(encoder: Encoder, corpus: Mapping[str, str], *, name: str = "dense", dtype: str = "auto") -> Dense:
    """Search a corpus by the vectors of an encoder, exactly.

    The corpus is encoded at the first search, through the cache.

    Parameters
    ----------
    encoder : Encoder
        From `load`, or anything with ``encode(list of str)``.
    corpus : mapping of document id to text
    name : str
        How the system is called in tables.
    dtype : str
        As in `encode`.

    Raises
    ------
    ValueError
        For an empty corpus, or an encoder without ``encode``.
    """
    check_corpus(corpus)
    if isinstance(encoder, str) or not hasattr(encoder, "encode"):
        raise ValueError(f"expected a model with encode(texts), got {type(encoder).__name__}")
    return Dense(encoder, corpus, name, dtype)


@dataclass(frozen=True)
class Fused:
    """Several systems whose rankings are fused. Made by `fuse`.

    Attributes
    ----------
    systems : tuple of System
        Over one corpus.
    name : str
    k : int
        The constant of reciprocal rank fusion.
    depth : int
        Documents of each system that are fused.
    """

    systems: tuple[System, ...]
    name: str
    k: int = 60
    depth: int = DEPTH

    @property
    def corpus(self) -> Mapping[str, str]:
        """The corpus of the systems."""
        return self.systems[0].corpus

    @property
    def record(self) -> dict[str, Any]:
        """The records of the systems, and the constants of the fusion."""
        parts = [dict(system.record) for system in self.systems]
        return {"kind": "fusion", "name": self.name, "parts": parts, "k": self.k, "depth": self.depth}

    def search(self, queries: Mapping[str, str], k: int = 10) -> dict[str, dict[str, float]]:
        """Rank the `k` best documents for each query."""
        check_queries(queries, k)
        rankings = [system.search(queries, max(k, self.depth)) for system in self.systems]
        return {query: top(row, k) for query, row in fuse_rankings(*rankings, k=self.k).items()}


def fuse(*systems: System, k: int = 60, name: str | None = None) -> Fused:
    """Fuse the rankings of several systems by reciprocal rank fusion.

    A document scores the sum of 1 / (k + its rank) over the systems that find it. Only ranks count, so systems with
    scores of different scale may be fused. Source: G. V. Cormack, C. L. A. Clarke and S. Buettcher, SIGIR 2009.

    Parameters
    ----------
    *systems : System
        Over one corpus; the first 100 documents of each are fused.
    k : int
        The paper's constant.
    name : str, optional
        Without it the names of the systems, joined by "+".

    Raises
    ------
    ValueError
        For fewer than two systems, or systems over different corpora.

    Examples
    --------
    >>> corpus = {"a": "red fox", "b": "old red fox", "c": "blue whale"}
    >>> current = from_ranking({"q": {"c": 2.0, "b": 1.0}}, corpus)
    >>> list(fuse(bm25(corpus), current).search({"q": "fox"})["q"])
    ['b', 'a', 'c']
    """
    if len(systems) < 2 or not all(hasattr(system, "search") for system in systems):
        got = ", ".join(type(system).__name__ for system in systems) or "none"
        raise ValueError(
            f"expected two or more systems to fuse, such as dense(model, corpus) and bm25(corpus); got {got}"
        )
    if any(list(system.corpus) != list(systems[0].corpus) for system in systems):
        raise ValueError("expected systems over one corpus, got systems whose documents differ")
    return Fused(systems, name or "+".join(system.name for system in systems), k)


def as_system(
    given: System | Encoder | Ranking, corpus: Mapping[str, str], *, name: str | None = None, dtype: str = "auto"
) -> System:
    """Make a system of what may stand for one: an encoder is searched by its vectors, a ranking is taken as it is.

    Parameters
    ----------
    given : System, Encoder or ranking
    corpus : mapping of document id to text
        What an encoder searches.
    name : str, optional
        How the system is called in tables; without it a system keeps its name.
    dtype : str
        As in `encode`, of an encoder.

    Raises
    ------
    ValueError
        For anything else; a cross-encoder reads pairs of texts and needs `rerank`.
    """
    if isinstance(given, Mapping):
        return from_ranking(given, corpus, name=name or "ranking")
    if hasattr(given, "search"):
        if name is None or getattr(given, "name", None) == name:
            return given
        if is_dataclass(given) and not isinstance(given, type):
            renamed: System = replace(given, name=name)
            return renamed
        return Renamed(given, name)
    if hasattr(given, "predict") and not hasattr(given, "encode"):
        raise ValueError(
            f"{type(given).__name__} reads a query and a document together, so that a search would read every pair: let "
            f"another system find the first documents, rerank(system, reranker)"
        )
    return dense(given, corpus, name=name or "dense", dtype=dtype)


@dataclass(frozen=True)
class Renamed:
    """A system of somebody else's making, under another name."""

    system: Any
    name: str

    @property
    def corpus(self) -> Mapping[str, str]:
        """The corpus of the system, where it tells."""
        corpus: Mapping[str, str] = getattr(self.system, "corpus", {})
        return corpus

    @property
    def record(self) -> dict[str, Any]:
        """What the system tells of itself."""
        return {"kind": "other", **getattr(self.system, "record", {}), "name": self.name}

    def search(self, queries: Mapping[str, str], k: int = 10) -> dict[str, dict[str, float]]:
        """Rank the `k` best documents for each query."""
        ranking: dict[str, dict[str, float]] = self.system.search(queries, k)
        return ranking


def restore(record: Mapping[str, Any], corpus: Mapping[str, str], folder: str | Path = ".") -> System:
    """Make a system again from its record.

    Parameters
    ----------
    record : mapping
        `System.record`, as a run or a bundle stores it.
    corpus : mapping of document id to text
    folder : path
        What folders of models in the record are relative to.

    Raises
    ------
    ValueError
        For a kind that cannot be made again, such as the results of another search engine.
    """
    kind, name = record["kind"], record["name"]
    if kind == "dense":
        return dense(load_again(record["model"], folder), corpus, name=name, dtype=record.get("dtype", "auto"))
    if kind == "bm25":
        return bm25(corpus, language=record["language"], name=name)
    parts = [restore(part, corpus, folder) for part in record.get("parts", ())]
    if kind == "fusion":
        return fuse(*parts, k=record["k"], name=name)
    if kind == "reranked":
        return rerank(parts[0], load_reranker(record["reranker"], folder), depth=record["depth"], name=name)
    raise ValueError(f"the system {name!r} of kind {kind!r} cannot be made again from its record")
