"""Rankings of the documents of a task: of its whole corpus, or of the candidates of each query."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from toolkit import vectors
from toolkit.evaluate.scoring.asking import is_aligned, is_cross_encoder, pair_scores, same_dimension, vectors_of
from toolkit.prepare import RetrievalData, Task

DEPTH = 100  # documents kept for each query

Ranking = dict[str, dict[str, float]]


def rank(model: Any, task: Task, *, depth: int = DEPTH, dtype: str = "auto") -> Ranking:
    """Rank documents for all queries of a task: ``{query_id: {doc_id: score}}``, exactly.

    Parameters
    ----------
    model : model
        Anything with ``search(queries, k)``, such as `toolkit.vectors.bm25` or `rerank`, or with ``encode``; or vectors
        from elsewhere, see `score`. A sentence-transformers model encodes queries and documents each with its own
        prompt and side. Of a reranking also a cross-encoder, with ``predict(pairs)``.
    task : Task
        A retrieval, whose corpus is searched, or a reranking, whose candidates are put in order.
    depth : int
        Documents kept for each query of a retrieval.
    dtype : str
        As in `toolkit.vectors.encode`.

    Raises
    ------
    ValueError
        For a cross-encoder on a retrieval: it would have to read every query with every document.
    """
    data = task.data
    if not isinstance(data, RetrievalData):
        raise ValueError(f"task {task.name!r} is of kind {task.kind!r}: it has no documents to rank")
    if task.kind == "reranking":
        return _candidates(model, data, dtype)
    return search(model, data.queries, data.corpus, depth, dtype=dtype)


def search(
    model: Any, queries: Mapping[str, str], corpus: Mapping[str, str], k: int, *, dtype: str = "auto"
) -> Ranking:
    """The `k` best documents for each query, by a model with ``search`` or, exactly, by vectors; see `rank`."""
    if hasattr(model, "search"):
        ranked: Ranking = model.search(queries, k)
        return ranked
    if is_cross_encoder(model):
        raise ValueError(
            f"{type(model).__name__} reads a query and a document together: a search by it would read "
            f"{len(queries) * len(corpus):,} pairs. Let another model find the first documents: "
            f"evaluate.rerank(retriever, model, corpus)"
        )
    documents = vectors_of(model, list(corpus.values()), "documents", side="document", dtype=dtype)
    asked = vectors_of(model, list(queries.values()), "queries", side="query", dtype=dtype)
    same_dimension(asked, documents, ("queries", "documents"))
    scores, ids = vectors.nearest(asked, documents, k)
    names = list(corpus)
    return {
        query: {names[i]: float(s) for i, s in zip(row_ids, row, strict=True)}
        for query, row_ids, row in zip(queries, ids.tolist(), scores.tolist(), strict=True)
    }


def _candidates(model: Any, data: RetrievalData, dtype: str) -> Ranking:
    """The candidates of each query with their scores."""
    offered = {query: list((data.candidates or {})[query]) for query in data.queries}
    if is_cross_encoder(model):
        pairs = [(query, document) for query, row in offered.items() for document in row]
        scores = pair_scores(model, [(data.queries[query], data.corpus[document]) for query, document in pairs])
        ranking: Ranking = {query: {} for query in offered}
        for (query, document), score in zip(pairs, scores.tolist(), strict=True):
            ranking[query][document] = score
        return ranking
    if hasattr(model, "search"):
        found = model.search(data.queries, len(data.corpus))
        return {query: _among(found.get(query, {}), row) for query, row in offered.items()}
    wanted = {document for row in offered.values() for document in row}
    # Arrays made elsewhere have a row for each document of the corpus.
    names = [document for document in data.corpus if is_aligned(model) or document in wanted]
    documents = vectors_of(model, [data.corpus[name] for name in names], "documents", side="document", dtype=dtype)
    queries = vectors_of(model, list(data.queries.values()), "queries", side="query", dtype=dtype)
    same_dimension(queries, documents, ("queries", "documents"))
    place = {name: row for row, name in enumerate(names)}
    return {
        query: dict(zip(row, (documents[[place[name] for name in row]] @ vector).astype(float).tolist(), strict=True))
        for vector, (query, row) in zip(np.asarray(queries), offered.items(), strict=True)
    }


def _among(found: Mapping[str, float], candidates: list[str]) -> dict[str, float]:
    """A search's scores of the candidates; those that it did not find share a place behind the others."""
    last = min(found.values(), default=0.0) - 1
    return {document: found.get(document, last) for document in candidates}
