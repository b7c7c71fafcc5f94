"""What a task has to be before anything is scored on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit.prepare.kinds import KINDS, RetrievalData

if TYPE_CHECKING:
    from datasets import Dataset

    from toolkit.prepare.shapes import Task

LARGEST_GRADE = 1_000  # grades are mostly 0 to 4; a time or an id in their place makes trec_eval count for minutes


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_label(value: Any) -> bool:
    return bool(pd.api.types.is_scalar(value)) and not pd.isna(value)


_USABLE: dict[str, Callable[[Any], bool]] = {
    "score": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value),
    "label": _is_label,
    "0/1": lambda value: value in (0, 1),
}


def check_retrieval(task: Task) -> None:
    """Refuse searches that cannot be scored: see `Task`."""
    data = task.data
    if not isinstance(data, RetrievalData):
        raise ValueError(f"expected RetrievalData for kind {task.kind!r}, got {type(data).__name__}")
    if not data.queries or not data.corpus:
        raise ValueError(f"task {task.name!r} has {len(data.queries)} queries and {len(data.corpus)} documents")
    strange = [name for side in (data.queries, data.corpus) for name in side if not isinstance(name, str)]
    if strange:
        raise ValueError(f"task {task.name!r} has the id {strange[0]!r}: expected ids of queries and documents as str")
    bare = [name for side in (data.queries, data.corpus) for name, text in side.items() if not isinstance(text, str)]
    if bare:
        raise ValueError(f"task {task.name!r} has no text under the id {bare[0]!r}: expected texts as str")
    check_grades(data.qrels)
    without = [query for query in data.queries if not any(g > 0 for g in data.qrels.get(query, {}).values())]
    if without:
        raise ValueError(
            f"{len(without)} of {len(data.queries)} queries of task {task.name!r} have no relevant document "
            f"(first: {without[0]!r}): they cannot be scored, leave them out"
        )
    named = data.candidates or {}
    unknown = [(q, d) for q in data.queries for d in (*data.qrels[q], *named.get(q, ())) if d not in data.corpus]
    if unknown:
        raise ValueError(
            f"the qrels of task {task.name!r} name {len(unknown)} documents that the corpus lacks "
            f"(first: document {unknown[0][1]!r} for query {unknown[0][0]!r})"
        )
    bare = [query for query in data.queries if not named.get(query)]
    if task.kind == "reranking" and bare:
        raise ValueError(
            f"{len(bare)} of {len(data.queries)} queries of task {task.name!r} have no candidates to be put in "
            f"order (first: {bare[0]!r})"
        )


def check_rows(task: Task) -> None:
    """Refuse a table that cannot be scored: see `Task`."""
    if isinstance(task.data, RetrievalData):
        raise ValueError(f"expected a Dataset for kind {task.kind!r}, got RetrievalData")
    if task.kind == "classification" and task.train is None:
        raise ValueError(f"task {task.name!r} needs train=: labelled texts that a classifier learns from")
    sides = {f"task {task.name!r}": task.data} | ({f"train of task {task.name!r}": task.train} if task.train else {})
    for called, data in sides.items():
        missing = [column for column in KINDS[task.kind] if column not in data.column_names]
        if missing or not len(data):
            raise ValueError(
                f"a task of kind {task.kind!r} needs rows with the columns {', '.join(KINDS[task.kind])}; got "
                f"{len(data)} rows with {', '.join(data.column_names)}"
            )
        for column in KINDS[task.kind]:
            values = data.select_columns([column]).to_pandas()[column]
            rule = "0/1" if (task.kind, column) == ("pairs", "label") else column
            wrong = values[~values.map(_USABLE.get(rule, _is_text)).astype(bool)]
            if len(wrong):
                raise ValueError(
                    f"column {column!r} of {called} holds nothing usable in {len(wrong)} rows (first: row "
                    f"{wrong.index[0]}, {wrong.iloc[0]!r:.40})"
                )
    if task.train is not None:
        _check_labels(task.name, task.data, task.train)
    if len(set(task.items)) < len(task.items):
        raise ValueError(f"column id of task {task.name!r} names several rows the same: expected one name a row")


def _check_labels(name: str, tested: Dataset, train: Dataset) -> None:
    """Refuse labels that mean one thing where they are learnt and another where they are tested."""
    names = [getattr(data.features["label"], "names", None) for data in (tested, train)]
    if names[0] and names[1] and names[0] != names[1]:
        raise ValueError(
            f"the labels of task {name!r} are numbers that stand for {', '.join(names[0][:3])}, ... where it is tested "
            f"and for {', '.join(names[1][:3])}, ... in train=: give both the same names, as prepare.task does"
        )
    kinds = [{isinstance(label, str) for label in data["label"][:]} for data in (tested, train)]
    if kinds[0] != kinds[1] or len(kinds[0]) > 1:
        raise ValueError(
            f"some labels of task {name!r} are texts and some are numbers (tested: {tested['label'][0]!r}, train: "
            f"{train['label'][0]!r}): give all as texts"
        )


def check_grades(qrels: Mapping[str, Mapping[str, int]]) -> None:
    """Refuse judgements that are no whole numbers, or so large that something else stands in their column.

    Raises
    ------
    ValueError
        Naming query and document.
    """
    for query, row in qrels.items():
        if not isinstance(row, Mapping):
            raise ValueError(f"expected qrels as {{query: {{document: grade}}}}, got {row!r:.60} for query {query!r}")
        for document, grade in row.items():
            if not isinstance(grade, (int, float, np.number)) or not abs(grade) <= LARGEST_GRADE or grade != int(grade):
                raise ValueError(
                    f"document {document!r} has the grade {grade!r:.40} for query {query!r}: expected a whole number "
                    f"from -{LARGEST_GRADE} to {LARGEST_GRADE}, as trec_eval reads them"
                )


def labels_in(values: Iterable[object]) -> list[object]:
    """Labels of groups, with None for every way to write that there is none.

    Examples
    --------
    >>> labels_in(["a", 2, None, float("nan"), pd.NA])
    ['a', 2, None, None, None]
    """
    labels: list[Any] = [*values]
    labels = [None if pd.api.types.is_scalar(value) and pd.isna(value) else value for value in labels]
    for row, label in enumerate(labels):
        if not isinstance(label, Hashable):
            raise ValueError(f"row {row} has the group {label!r:.60}: expected a text or a number, not a list")
    return labels
