"""Kinds of task, and the data of a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

KINDS = {
    "similarity": ("sentence1", "sentence2", "score"),
    "pairs": ("sentence1", "sentence2", "label"),
    "classification": ("text", "label"),
    "clustering": ("text", "label"),
    "bitext": ("sentence1", "sentence2"),
}
"""Kinds of `Task` whose data are a table, and its columns; the others are ``"retrieval"`` and ``"reranking"``."""


@dataclass(frozen=True)
class RetrievalData:
    """What a search is scored on, in the shapes of trec_eval and BEIR.

    Attributes
    ----------
    corpus : mapping of document id to text
    queries : mapping of query id to text
    qrels : mapping of query id to mapping of document id to grade
        Grade 1 and above is relevant.
    candidates : mapping of query id to document ids, optional
        Of a reranking: the documents that are put in order for each query; None is the whole corpus.
    """

    corpus: Mapping[str, str]
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    candidates: Mapping[str, Sequence[str]] | None = None
