"""Search a corpus by vectors, by keywords, by both fused, or with reranking."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
from toolkit.vectors.reranking import is_cross_encoder, load_reranker, rerank

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
        An index over the vectors of the corpus, in its order; without it the search is exact.
    serving : bool
        For answering single queries: nothing is cached, and there is no progress bar and no warning about long queries.
    """

    encoder: Encoder
    corpus: Mapping[str, str]
    name: str = "dense"
    dtype: str = "auto"
    index: Any = None
    serving: bool = False

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
        verbose = not self.serving
        encoded = encode(self.encoder, texts, side="query", dtype=self.dtype, cache=verbose,
                         progress=verbose and len(texts) > 1, warn=verbose)  # fmt: skip
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
        Name of the system in tables.
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
    parts : tuple of System
        Over one corpus.
    name : str
    k : int
        The constant of reciprocal rank fusion.
    depth : int
        Documents of each system that are fused.
    """

    parts: tuple[System, ...]
    name: str
    k: int = 60
    depth: int = DEPTH

    @property
    def corpus(self) -> Mapping[str, str]:
        """The corpus of the systems."""
        return self.parts[0].corpus

    @property
    def record(self) -> dict[str, Any]:
        """The records of the systems, and the constants of the fusion."""
        parts = [dict(part.record) for part in self.parts]
        return {"kind": "fusion", "name": self.name, "parts": parts, "k": self.k, "depth": self.depth}

    def search(self, queries: Mapping[str, str], k: int = 10) -> dict[str, dict[str, float]]:
        """Rank the `k` best documents for each query."""
        check_queries(queries, k)
        rankings = [system.search(queries, max(k, self.depth)) for system in self.parts]
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
        By default, the names of the systems, joined by "+".

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
    if any(system.corpus.keys() != systems[0].corpus.keys() for system in systems):
        raise ValueError("expected systems over one corpus, got systems over different documents")
    return Fused(systems, name or "+".join(system.name for system in systems), k)


@dataclass(frozen=True)
class Other:
    """A system from elsewhere: anything with ``search(queries, k)``. Made by `as_system`."""

    system: Any
    corpus: Mapping[str, str]
    name: str

    @property
    def record(self) -> dict[str, Any]:
        """What the system records about itself; it cannot be rebuilt from that."""
        return {**getattr(self.system, "record", {}), "kind": "other", "name": self.name}

    def search(self, queries: Mapping[str, str], k: int = 10) -> dict[str, dict[str, float]]:
        """Rank the `k` best documents for each query."""
        ranking: dict[str, dict[str, float]] = self.system.search(queries, k)
        return ranking


def as_system(
    given: System | Encoder | Ranking, corpus: Mapping[str, str], *, name: str | None = None, dtype: str = "auto"
) -> System:
    """Convert an encoder or a ranking to a system; return a system unchanged.

    Parameters
    ----------
    given : System, Encoder or ranking
    corpus : mapping of document id to text
        What an encoder searches.
    name : str, optional
        Name of the system in tables; without it a system keeps its name.
    dtype : str
        As in `encode`, for an encoder.

    Raises
    ------
    ValueError
        For anything else; a cross-encoder reads pairs of texts and needs `rerank`.
    """
    if isinstance(given, Mapping):
        return from_ranking(given, corpus, name=name or "ranking")
    if hasattr(given, "search"):
        system: Any = given
        own = getattr(system, "name", None)
        if not all(hasattr(system, part) for part in ("name", "corpus", "record")):
            return Other(system, getattr(system, "corpus", corpus), name or own or type(system).__name__)
        if name is not None and name != own:
            if "name" not in getattr(system, "__dict__", {}):
                return Other(system, system.corpus, name)
            system = copy.copy(system)  # keeps what it has computed
            vars(system)["name"] = name
        renamed: System = system
        return renamed
    if is_cross_encoder(given):
        raise ValueError(
            f"{type(given).__name__} reads a query and a document together, so a search would read every pair: let "
            f"another system find the first documents, then use rerank(system, reranker)"
        )
    return dense(given, corpus, name=name or "dense", dtype=dtype)


def walk(system: System) -> Iterator[System]:
    """Yield a system and, after it, the systems that it is built from."""
    yield system
    for part in getattr(system, "parts", ()):
        yield from walk(part)


def dense_part(system: System) -> Dense | None:
    """Return the part of a system that searches by vectors, or None."""
    return next((part for part in walk(system) if isinstance(part, Dense)), None)


def restore(
    record: Mapping[str, Any], corpus: Mapping[str, str], folder: str | Path = ".", *, index: Any = None
) -> System:
    """Restore a system from its record.

    Parameters
    ----------
    record : mapping
        `System.record`, as a run or a bundle stores it.
    corpus : mapping of document id to text
    folder : path
        Base for relative model folders in the record.
    index : object with ``search(vectors, k)``, optional
        For the dense part, over the vectors of the corpus in its order: the part then serves single queries, and the
        corpus is not encoded.

    Raises
    ------
    ValueError
        For a kind that cannot be restored, such as the results of another search engine.
    """
    kind, name = record["kind"], record["name"]
    if kind == "dense":
        encoder, dtype = load_again(record["model"], folder), record.get("dtype", "auto")
        return Dense(encoder, corpus, name, dtype, index, serving=index is not None)
    if kind == "bm25":
        return bm25(corpus, language=record["language"], name=name)
    parts = [restore(part, corpus, folder, index=index) for part in record.get("parts", ())]
    if kind == "fusion":
        return Fused(tuple(parts), name, record["k"], record["depth"])
    if kind == "reranked":
        return rerank(parts[0], load_reranker(record["reranker"], folder), depth=record["depth"], name=name)
    raise ValueError(f"the system {name!r} of kind {kind!r} cannot be restored from its record")
