"""Pairs to a task: distinct documents, distinct queries, who is relevant to whom, and who must stay together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import count as count_up
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit.prepare.duplicates import components, near_pairs, normal, same_value
from toolkit.prepare.shapes import RetrievalData, Task

if TYPE_CHECKING:
    from datasets import Dataset

TWIN = 0.9  # Jaccard similarity from which two documents answer the same search; lower where they share a group
TWIN_IN_GROUP = 0.8


def task(
    dataset: Dataset,
    *,
    groups: str | Sequence[object] | None = "auto",
    documents: Sequence[str] = (),
    name: str = "all",
) -> Task:
    """Make a retrieval task from pairs.

    Documents with the same words are one document. Near-equal documents (`TWIN`) share the relevance judgement, since
    a search that finds one of two twins has found the answer.

    Parameters
    ----------
    dataset : Dataset
        Columns ``anchor``, ``positive`` and, optionally, ``positive_id`` and ``group``.
    groups : "auto", sequence of labels, or None
        Which rows must stay together. ``"auto"``: rows that share a search, a document, a value of ``group``, or whose
        search or document is a near-copy of another's (see `toolkit.prepare.near_pairs`). A sequence gives one label a
        row, and shared documents and searches are still joined. None: every row by itself, as a naive split does.
    documents : sequence of str
        Texts that are searched too although no pair names them.
    name : str
        Name of the task.

    Returns
    -------
    Task
        Query ids are ``q0``, ``q1``, ... in the order of the rows; document ids are those of ``positive_id``, else
        ``d0``, ``d1``, ...; those of other `documents` follow as ``x0``, ``x1``, ...
    """
    frame = dataset.to_pandas()
    _check(frame)
    anchors, positives = list(frame["anchor"]), list(frame["positive"])
    query_of, query_texts = _distinct(anchors)
    document_of, document_texts = _distinct([*positives, *documents])
    document_of = document_of[: len(frame)]
    ids = _document_ids(frame, document_of, len(document_texts))
    labels = _labels(frame)

    same: dict[int, set[int]] = {document: {document} for document in range(len(document_texts))}
    group_of = {document: label for document, label in reversed(list(zip(document_of, labels, strict=True)))}
    near_documents = near_pairs(document_texts)
    for a, b in near_documents.tolist():
        close = TWIN_IN_GROUP if group_of.get(a) is not None and group_of.get(a) == group_of.get(b) else TWIN
        if _similarity(document_texts[a], document_texts[b]) >= close:
            same[a].add(b)
            same[b].add(a)
    qrels: dict[str, dict[str, int]] = {f"q{q}": {} for q in range(len(query_texts))}
    for query, document in zip(query_of, document_of, strict=True):
        for twin in sorted(same[document]):
            qrels[f"q{query}"][ids[twin]] = 1

    edges = []
    if groups is not None:
        edges += [same_value(query_of), same_value(document_of)]
    if isinstance(groups, str):
        if groups != "auto":
            raise ValueError(f"expected groups 'auto', a label for each row, or None, got {groups!r}")
        row_of_query, row_of_document = _first_rows(query_of), _first_rows(document_of)
        named = near_documents[(near_documents < len(row_of_document)).all(axis=1)]  # other documents link no rows
        edges += [row_of_query[near_pairs(query_texts)], row_of_document[named]]
        edges.append(same_value([row if label is None else (label,) for row, label in enumerate(labels)]))
    elif groups is not None:
        if len(groups) != len(frame):
            raise ValueError(f"expected one group for each of the {len(frame)} rows, got {len(groups)}")
        edges.append(same_value(groups))
    component = components(len(frame), edges)
    query_groups = {f"q{query}": int(component[row]) for row, query in reversed(list(enumerate(query_of)))}
    corpus = dict(zip(ids, document_texts, strict=True))
    queries = {f"q{q}": text for q, text in enumerate(query_texts)}
    return Task(name, "retrieval", RetrievalData(corpus, queries, qrels), query_groups)


def _check(frame: pd.DataFrame) -> None:
    for column in ("anchor", "positive"):
        if column not in frame:
            raise ValueError(f"expected a column {column!r}, got {', '.join(map(str, frame.columns))}")
        wrong = [row for row, value in enumerate(frame[column]) if not isinstance(value, str)]
        if wrong:
            raise ValueError(
                f"column {column!r} holds no text in {len(wrong)} rows (first: row {wrong[0]}): see prepare.clean"
            )
    if frame.empty:
        raise ValueError("expected at least one pair, got none")
    if "positive_id" in frame and frame["positive_id"].isna().any():
        raise ValueError(f"column positive_id names no document in {frame['positive_id'].isna().sum()} rows")


def _labels(frame: pd.DataFrame) -> list[object]:
    """The column `group`, with None where there is no label."""
    if "group" not in frame:
        return [None] * len(frame)
    return [None if pd.isna(label) else label for label in frame["group"]]


def _distinct(texts: Sequence[str]) -> tuple[list[int], list[str]]:
    """For each text the number of its like among the texts with distinct words, and those texts as they first came."""
    numbers: dict[str, int] = {}
    kept: list[str] = []
    index = []
    for text in texts:
        key = normal(text)
        if key not in numbers:
            numbers[key] = len(kept)
            kept.append(text)
        index.append(numbers[key])
    return index, kept


def _first_rows(index: Sequence[int]) -> np.ndarray:
    rows = np.zeros(max(index) + 1, dtype=np.int64)
    for row, number in reversed(list(enumerate(index))):
        rows[number] = row
    return rows


def _document_ids(frame: pd.DataFrame, document_of: Sequence[int], n: int) -> list[str]:
    """Names of all `n` documents; the first are those of the pairs, since these came first."""
    paired = max(document_of) + 1
    ids = {number: f"d{number}" for number in range(paired)}
    if "positive_id" in frame:
        for number, name in reversed(list(zip(document_of, frame["positive_id"], strict=True))):
            ids[number] = str(name)
        name, count = Counter(ids.values()).most_common(1)[0]
        if count > 1:
            raise ValueError(
                f"column positive_id gives {count} different documents the same name {name!r}: "
                f"expected one name for each document"
            )
    taken = set(ids.values())
    free = (name for name in map("x{}".format, count_up()) if name not in taken)
    return [ids[number] if number < paired else next(free) for number in range(n)]


def _similarity(a: str, b: str) -> float:
    from toolkit.prepare.duplicates import shingles

    left, right = shingles(a), shingles(b)
    return len(left & right) / max(1, len(left | right))
