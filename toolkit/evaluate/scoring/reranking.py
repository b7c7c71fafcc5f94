"""Retrieve, then rerank: a search whose first documents a cross-encoder puts in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.evaluate.scoring.asking import pair_scores
from toolkit.evaluate.scoring.metrics import top
from toolkit.evaluate.scoring.ranking import search


@dataclass(frozen=True)
class Reranker:
    """A search whose first documents are put in order by a cross-encoder. Made by `rerank`.

    Attributes
    ----------
    retriever : model with ``search(queries, k)`` or ``encode``
    model : cross-encoder
    corpus : mapping of document id to text
    k : int
        Documents of each query that the cross-encoder reads.
    """

    retriever: Any
    model: Any
    corpus: Mapping[str, str]
    k: int

    def search(self, queries: Mapping[str, str], k: int = 10) -> dict[str, dict[str, float]]:
        """Rank the `k` best documents for each query: ``{query_id: {doc_id: score}}``.

        Scores of the documents that were read are the cross-encoder's; those behind them keep the order of the search,
        one apart, below the lowest.
        """
        found = search(self.retriever, queries, self.corpus, max(k, self.k))
        ordered = {query: top(found.get(query, {}), max(k, self.k)) for query in queries}
        strange = [document for row in ordered.values() for document in row if document not in self.corpus]
        if strange:
            raise ValueError(f"the retriever found document {strange[0]!r}, which the corpus lacks: give both the same")
        pairs = [(query, document) for query, row in ordered.items() for document in row[: self.k]]
        scores = pair_scores(self.model, [(queries[query], self.corpus[document]) for query, document in pairs])
        ranking: dict[str, dict[str, float]] = {query: {} for query in queries}
        for (query, document), score in zip(pairs, scores, strict=True):
            ranking[query][document] = float(score)
        for query, row in ranking.items():
            lowest = min(row.values(), default=0.0)
            row.update({document: lowest - place for place, document in enumerate(ordered[query][self.k :], 1)})
        return {query: {document: row[document] for document in top(row, k)} for query, row in ranking.items()}


def rerank(retriever: Any, model: Any, corpus: Mapping[str, str], *, k: int = 50) -> Reranker:
    """Retrieve, then rerank: a system of its own, to be scored, compared and searched like any other.

    Parameters
    ----------
    retriever : model
        With ``search(queries, k)``, such as `toolkit.vectors.bm25`, or with ``encode``.
    model : cross-encoder
        With ``predict(pairs)``, one score a pair, such as ``sentence_transformers.CrossEncoder``.
    corpus : mapping of document id to text
        What the retriever searches.
    k : int
        Documents of each query that the cross-encoder reads; its time grows with it.

    Raises
    ------
    ValueError
        For models of other shapes, or k < 1.

    Examples
    --------
    >>> from toolkit import vectors
    >>> class Overlap:
    ...     def predict(self, pairs):
    ...         return [len(set(a.split()) & set(b.split())) for a, b in pairs]
    >>> corpus = {"a": "red fox", "b": "the old red fox", "c": "blue"}
    >>> found = rerank(vectors.bm25(corpus), Overlap(), corpus, k=2).search({"q": "the old fox"})
    >>> found
    {'q': {'b': 3.0, 'a': 1.0}}
    """
    if not (hasattr(retriever, "search") or hasattr(retriever, "encode")):
        raise ValueError(f"expected a retriever with search(queries, k) or encode, got {type(retriever).__name__}")
    if not hasattr(model, "predict"):
        raise ValueError(f"expected a cross-encoder with predict(pairs), got {type(model).__name__}")
    if k < 1:
        raise ValueError(f"expected k of at least 1, got {k}")
    return Reranker(retriever, model, corpus, k)
