"""Fuse rankings."""

from __future__ import annotations

from collections.abc import Mapping

Ranking = Mapping[str, Mapping[str, float]]


def fuse(*rankings: Ranking, k: int = 60) -> dict[str, dict[str, float]]:
    """Reciprocal rank fusion: a document scores the sum of 1 / (k + its rank) over the rankings that have it.

    Source: G. V. Cormack, C. L. A. Clarke and S. Buettcher, SIGIR 2009. Only ranks count, so scores of different scale
    may be mixed.

    Parameters
    ----------
    *rankings : mapping of query id to mapping of document id to score
    k : int
        The paper's constant.

    Examples
    --------
    >>> fused = fuse({"q": {"a": 9.0, "b": 5.0}}, {"q": {"b": 0.7, "c": 0.6}})
    >>> sorted(fused["q"], key=fused["q"].get, reverse=True)
    ['b', 'a', 'c']
    """
    if not rankings or not all(isinstance(ranking, Mapping) for ranking in rankings):
        got = ", ".join(type(ranking).__name__ for ranking in rankings) or "none"
        raise ValueError(f"expected rankings {{query_id: {{doc_id: score}}}} to fuse, one argument each; got {got}")
    fused: dict[str, dict[str, float]] = {}
    for ranking in rankings:
        for query, scores in ranking.items():
            total = fused.setdefault(query, {})
            ordered = sorted(scores, key=lambda document: (-scores[document], document))
            for rank, document in enumerate(ordered, 1):
                total[document] = total.get(document, 0.0) + 1.0 / (k + rank)
    return fused
