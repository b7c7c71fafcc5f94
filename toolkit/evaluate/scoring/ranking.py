"""Rank the documents of a task: its whole corpus, or the candidates of each query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import cast

from toolkit.evaluate.scoring.inference import Model, Precomputed, same_dimension, vectors_of, wrap_vectors
from toolkit.prepare import RetrievalData, Task
from toolkit.vectors import Encoder, Reranker, System
from toolkit.vectors.rankings import fuse_rankings, top
from toolkit.vectors.reranking import Reranked, pair_scores
from toolkit.vectors.systems import Dense, Fused, as_system

DEPTH = 100  # documents kept for each query

Found = dict[str, dict[str, float]]


def rank(model: Model, task: Task, *, depth: int = DEPTH, dtype: str = "auto") -> Found:
    """Rank documents for all queries of a task: ``{query_id: {doc_id: score}}``, exactly.

    Parameters
    ----------
    model : System, Encoder, ranking or vectors
        As accepted by `score`; for a reranking task also a cross-encoder, with ``predict(pairs)``.
    task : Task
        A task of kind retrieval, whose corpus is searched, or reranking, whose candidates are ordered.
    depth : int
        Documents kept for each query of a retrieval task. A finished ranking is kept in full.
    dtype : str
        As in `toolkit.vectors.encode`.

    Raises
    ------
    ValueError
        For a cross-encoder on a retrieval task, which would have to read every query with every document, and for a
        task of another kind.
    """
    data = task.data
    if not isinstance(data, RetrievalData):
        raise ValueError(f"task {task.name!r} is of kind {task.kind!r}: it has no documents to rank")
    if task.kind == "reranking" and isinstance(model, Reranker) and not isinstance(model, Encoder):
        pairs = [(query, doc) for query in data.queries for doc in (data.candidates or {})[query]]
        scores = pair_scores(model, [(data.queries[query], data.corpus[doc]) for query, doc in pairs])
        found: Found = {query: {} for query in data.queries}
        for (query, doc), score in zip(pairs, scores.tolist(), strict=True):
            found[query][doc] = score
        return found
    return rank_all([system_of(model, task, dtype=dtype)], task, depth=depth)[0]


def system_of(model: Model, task: Task, *, name: str | None = None, dtype: str = "auto") -> System:
    """Make a system over the corpus of a task, also from precomputed vectors; see `as_system`."""
    return as_system(cast(System, wrap_vectors(model, task)), task.data.corpus, name=name, dtype=dtype)


def rank_all(systems: Sequence[System], task: Task, *, depth: int = DEPTH) -> list[Found]:
    """Rank documents with several systems, searching with each once; see `rank` and `search_all`."""
    data = task.data
    if task.kind == "reranking":
        return search_all(systems, data.queries, len(data.corpus), search=lambda one, _: _rank_candidates(one, data))
    return search_all(systems, data.queries, depth)


def search_all(
    systems: Sequence[System],
    queries: Mapping[str, str],
    k: int,
    *,
    search: Callable[[System, int], Found] | None = None,
) -> list[Found]:
    """Search with several systems, each once: fused and reranked systems reuse the results of their parts.

    Parameters
    ----------
    systems : sequence of System
    queries : mapping of query id to text
    k : int
        Documents per query. A finished ranking is returned in full.
    search : function of (system, k), optional
        How a system without parts ranks; by default its own ``search``.

    Returns
    -------
    list of ``{query_id: {doc_id: score}}``
        For each system, the result of its own ``search(queries, k)``.
    """
    memo: dict[tuple[object, ...], Found] = {}

    def find(system: System, k: int) -> Found:
        key: tuple[object, ...] = (k, id(system))
        if is_dataclass(system):  # the same system under two names is searched once
            key = (k, type(system), *(id(getattr(system, part.name)) for part in fields(system) if part.name != "name"))
        if key not in memo:
            if isinstance(system, Fused):
                parts = [find(part, max(k, system.depth)) for part in system.parts]
                found = {query: top(row, k) for query, row in fuse_rankings(*parts, k=system.k).items()}
            elif isinstance(system, Reranked):
                found = system.reorder(queries, find(system.system, max(k, system.depth)), k)
            else:
                found = search(system, k) if search else system.search(queries, k)
            memo[key] = found
        return memo[key]

    return [find(system, len(system.corpus) if kind_of(system) == "ranking" else k) for system in systems]


def kind_of(system: System | None) -> str:
    """Return the kind in the record of a system, or "other"."""
    return str(getattr(system, "record", {}).get("kind", "other"))


def _rank_candidates(system: System, data: RetrievalData) -> Found:
    """Score the candidates of each query with a system that has no parts."""
    offered = {query: list((data.candidates or {})[query]) for query in data.queries}
    if isinstance(system, Dense | Precomputed):
        encoder, dtype = (system.encoder, system.dtype) if isinstance(system, Dense) else (system, "auto")
        wanted = {doc for row in offered.values() for doc in row}
        # Precomputed arrays have one row per document of the corpus.
        every = isinstance(encoder, Precomputed) and encoder.by_row
        place = {doc: row for row, doc in enumerate(doc for doc in data.corpus if every or doc in wanted)}
        documents = vectors_of(encoder, [data.corpus[doc] for doc in place], "documents", side="document", dtype=dtype)
        queries = vectors_of(encoder, list(data.queries.values()), "queries", side="query", dtype=dtype)
        same_dimension(queries, documents, ("queries", "documents"))
        return {
            query: dict(zip(row, (documents[[place[doc] for doc in row]] @ vector).astype(float).tolist(), strict=True))
            for vector, (query, row) in zip(queries, offered.items(), strict=True)
        }
    found = system.search(data.queries, len(data.corpus))
    if kind_of(system) == "ranking":  # documents that it omits count as not found
        return {query: {doc: found[query][doc] for doc in row if doc in found[query]} for query, row in offered.items()}
    ranked = {}
    for query, row in offered.items():
        there = found.get(query, {})
        last = min(there.values(), default=0.0) - 1  # candidates that a search did not find share a place at the end
        ranked[query] = {doc: there.get(doc, last) for doc in row}
    return ranked
