"""Pairs and triplets to a task: distinct documents, distinct queries, who is relevant to whom."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import count as count_up
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit.prepare.schema import is_negative
from toolkit.prepare.splitting.groups import (
    check_documents,
    check_groups,
    check_texts,
    close_texts,
    labels_of,
    links,
    same_label,
    same_value,
)
from toolkit.prepare.splitting.near_copies import NEAR, connected_components, overlapping
from toolkit.prepare.tasks import RetrievalData, Task
from toolkit.prepare.values import distinct, labels_in, shingles

if TYPE_CHECKING:
    from datasets import Dataset

TWIN = 0.9  # Jaccard similarity from which two documents answer the same search; lower where they share a group
TWIN_IN_GROUP = 0.8


def search_task(
    dataset: Dataset,
    kind: str,
    groups: str | Sequence[object] | None,
    documents: Sequence[str],
    *,
    model: Any,
    cosine: float,
    name: str,
) -> Task:
    """A task of kind retrieval or reranking, as `toolkit.prepare.task` describes it."""
    frame = dataset.to_pandas()
    check_texts(frame, ["anchor", "positive"])
    if "positive_id" in frame and frame["positive_id"].isna().any():
        raise ValueError(f"column positive_id names no document in {frame['positive_id'].isna().sum()} rows")
    check_groups(groups, len(frame))
    check_documents(documents)
    negatives, asked = _negatives(frame)
    pool = [*frame["positive"], *negatives, *documents]
    query_keys, query_of, query_rows = distinct(frame["anchor"])
    keys, number_of, first = distinct(pool)
    texts = [pool[place] for place in first]
    queries = {f"q{number}": frame["anchor"].iat[row] for number, row in enumerate(query_rows.tolist())}
    document_of = number_of[: len(frame)]
    ids = _document_ids(frame, document_of.tolist(), len(texts))

    labels = labels_of(frame)
    near = overlapping(keys, NEAR)
    qrels = _qrels(len(queries), query_of, document_of, ids, _twins(near, keys, document_of, labels))
    wrong: dict[str, list[str]] = {query: [] for query in queries}
    for row, number in zip(asked, number_of[len(frame) : len(frame) + len(negatives)].tolist(), strict=True):
        wrong[f"q{query_of[row]}"].append(ids[number])
    right = set(zip(query_of.tolist(), document_of.tolist(), strict=True))
    _judge(qrels, wrong, {(f"q{query}", ids[number]) for query, number in right})

    edges = [same_value(query_of.tolist()), same_value(document_of.tolist())] if groups is not None else []
    if isinstance(groups, str):
        named = int(np.searchsorted(first, len(frame)))  # other documents and negatives come later and link no rows
        sides = (query_keys, query_rows, list(queries.values())), (keys[:named], first[:named], texts[:named])
        edges += _links(*sides, near[(near < named).all(axis=1)], model=model, cosine=cosine)
        edges.append(same_label(labels))
    elif groups is not None:
        edges.append(same_label(labels_in(groups)))
    component = connected_components(len(frame), edges)
    query_groups = {f"q{number}": int(component[row]) for number, row in enumerate(query_rows.tolist())}
    candidates = None
    if kind == "reranking":
        candidates = {query: list(dict.fromkeys([*qrels[query], *wrong[query]])) for query in queries}
    return Task(name, kind, RetrievalData(dict(zip(ids, texts, strict=True)), queries, qrels, candidates), query_groups)


def _negatives(frame: pd.DataFrame) -> tuple[list[str], list[int]]:
    """Texts of all columns of negatives, row by row, and their rows; missing ones are left out."""
    columns = [column for column in frame if is_negative(column)]
    found = [
        (text, row)
        for row, texts in enumerate(frame[columns].itertuples(index=False))
        for text in texts
        if isinstance(text, str) and text.strip()
    ] if columns else []  # fmt: skip
    return [text for text, _ in found], [row for _, row in found]


def _qrels(
    n: int, query_of: np.ndarray, document_of: np.ndarray, ids: list[str], same: dict[int, set[int]]
) -> dict[str, dict[str, int]]:
    qrels: dict[str, dict[str, int]] = {f"q{query}": {} for query in range(n)}
    for query, document in zip(query_of.tolist(), document_of.tolist(), strict=True):
        for twin in sorted(same.get(document, {document})):
            qrels[f"q{query}"][ids[twin]] = 1
    return qrels


def _judge(qrels: dict[str, dict[str, int]], wrong: dict[str, list[str]], right: set[tuple[str, str]]) -> None:
    """Write grade 0 for negatives: also for a twin of a positive, but not for a document that a row names as right."""
    for query, documents in wrong.items():
        wrong[query] = [document for document in documents if (query, document) not in right]
        for document in wrong[query]:
            qrels[query][document] = 0


def _twins(near: np.ndarray, keys: list[str], document_of: np.ndarray, labels: list[object]) -> dict[int, set[int]]:
    """Documents that answer for each other, by number, each with itself."""
    group_of = {document: label for document, label in reversed(list(zip(document_of.tolist(), labels, strict=True)))}
    same: dict[int, set[int]] = {}
    for a, b in near.tolist():
        close = TWIN_IN_GROUP if group_of.get(a) is not None and group_of.get(a) == group_of.get(b) else TWIN
        left, right = shingles(keys[a]), shingles(keys[b])
        if len(left & right) / len(left | right) >= close:
            same.setdefault(a, {a}).add(b)
            same.setdefault(b, {b}).add(a)
    return same


def _links(queries: Any, documents: Any, near: np.ndarray, *, model: Any, cosine: float) -> list[np.ndarray]:
    """Row pairs that join near-copies: searches with searches, documents with documents, or all with all.

    All with all where a text stands on both sides, as in duplicates of questions, where either could be the search.
    Each side is its distinct texts, normal and as they are, and their first rows; `near` are pairs of documents.
    """
    (query_keys, query_rows, query_texts), (keys, rows, texts) = queries, documents
    known = set(query_keys)
    alone = [number for number, key in enumerate(keys) if key not in known]
    if len(alone) == len(keys):
        edges = [query_rows[links(query_keys, query_texts, model=model, cosine=cosine)], rows[near]]
        return [*edges, rows[close_texts(texts, model, cosine)]] if model is not None else edges
    place = {key: number for number, key in enumerate(query_keys)}
    across = [(query_rows[place[key]], row) for key, row in zip(keys, rows.tolist(), strict=True) if key in place]
    all_keys, all_texts = [*query_keys, *(keys[i] for i in alone)], [*query_texts, *(texts[i] for i in alone)]
    all_rows = np.concatenate([query_rows, rows[alone]])
    return [np.array(across, dtype=np.int64), all_rows[links(all_keys, all_texts, model=model, cosine=cosine)]]


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
