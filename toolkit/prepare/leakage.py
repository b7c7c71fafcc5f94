"""Find what of a test was seen in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from toolkit.prepare.duplicates import near_pairs, normal
from toolkit.prepare.shapes import Task

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Audit:
    """Which test queries were seen in training, and how.

    Attributes
    ----------
    table : DataFrame
        One row a test query: ``query_id``, ``query``, and the columns of `REASONS` as booleans.
    share : float
        Share of test queries with at least one reason, 0 to 1.
    """

    table: pd.DataFrame

    @property
    def leaked(self) -> pd.Series:
        """Which rows of the table have a reason."""
        return self.table[list(REASONS)].any(axis=1)

    @property
    def share(self) -> float:
        """Share of test queries with at least one reason, 0 to 1."""
        return float(self.leaked.mean())

    def __str__(self) -> str:
        counts = ", ".join(f"{REASONS[name]} {int(self.table[name].sum())}" for name in REASONS)
        return f"{int(self.leaked.sum()):,} of {len(self.table):,} test searches ({self.share:.0%}): {counts}"

    def _repr_html_(self) -> str:
        return f"<p>{self}</p>" + self.table[self.leaked].head(10).to_html(index=False)


REASONS = {
    "same_query": "same search",
    "near_query": "near-copy of the search",
    "same_document": "same document",
    "near_document": "near-copy of the document",
}


def audit(train: Dataset, test: Task) -> Audit:
    """Look up every test query and its relevant documents in the training pairs.

    Parameters
    ----------
    train : Dataset
        Columns ``anchor`` and ``positive``.
    test : Task

    Returns
    -------
    Audit
        Near-copies are those of `toolkit.prepare.near_pairs`.
    """
    anchors, positives = list(train["anchor"][:]), list(train["positive"][:])
    queries = list(test.data.queries)
    relevant = {query: [d for d, grade in test.data.qrels[query].items() if grade > 0] for query in queries}
    documents = sorted({document for found in relevant.values() for document in found})
    same_q, near_q = _seen([test.data.queries[query] for query in queries], anchors)
    same_d, near_d = _seen([test.data.corpus[document] for document in documents], positives)
    seen = {document: (same_d[i], near_d[i]) for i, document in enumerate(documents)}
    rows = [
        {
            "query_id": query,
            "query": test.data.queries[query],
            "same_query": same_q[i],
            "near_query": near_q[i] and not same_q[i],
            "same_document": any(seen[document][0] for document in relevant[query]),
            "near_document": any(seen[document][1] and not seen[document][0] for document in relevant[query]),
        }
        for i, query in enumerate(queries)
    ]
    return Audit(pd.DataFrame(rows))


def _seen(texts: list[str], training: list[str]) -> tuple[list[bool], list[bool]]:
    """For each text whether `training` holds it in the same words, and whether it holds it or a near-copy."""
    known = list(dict.fromkeys(map(normal, training)))
    words = [normal(text) for text in texts]
    exact = set(known)
    same = [text in exact for text in words]
    near = list(same)
    distinct = list(dict.fromkeys(words))
    hits = {distinct[j - len(known)] for i, j in near_pairs(known + distinct).tolist() if i < len(known) <= j}
    return same, [flag or text in hits for flag, text in zip(near, words, strict=True)]
