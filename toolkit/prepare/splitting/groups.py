"""Group items that must stay together: they share a text, a near-copy or a label, directly or indirectly."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.prepare.splitting.near_copies import NEAR, close_pairs, connected_components, overlapping
from toolkit.prepare.values import distinct, labels_in, require_texts
from toolkit.vectors import encode

if TYPE_CHECKING:
    from datasets import Dataset

MAX_TEXTS = 100_000  # maximum texts of a benchmark to search for near-copies; above it, only equal texts join


def sharing(values: Iterable[tuple[int, Hashable]]) -> NDArray[np.int64]:
    """Return edges that connect all items with equal values: each item with the first that has the value.

    Examples
    --------
    >>> sharing([(0, "a"), (1, "b"), (2, "a")]).tolist()
    [[0, 0], [1, 1], [0, 2]]
    """
    first: dict[Hashable, int] = {}
    return np.array([(first.setdefault(value, item), item) for item, value in values], dtype=np.int64).reshape(-1, 2)


def text_links(texts: Sequence[str], *, near: bool = True, model: Any = None) -> NDArray[np.int64]:
    """Return pairs of positions that connect all equal or near-copy texts.

    Parameters
    ----------
    texts : sequence of str
    near : bool
        Whether near-copies count, or only equal texts.
    model : model, optional
        With it, texts that are close by their vectors are connected too (see `toolkit.prepare.splitting.close_pairs`).
    """
    keys, number_of, first = distinct(texts)
    links = [np.stack([first[number_of], np.arange(len(texts))], axis=1)]
    if near:
        links.append(first[overlapping(keys, NEAR, links=True)])
    if near and model is not None:
        links.append(first[close_pairs(encode(model, [texts[place] for place in first]))])
    return np.concatenate(links)


def row_groups(
    sides: Sequence[Sequence[str]],
    groups: str | Sequence[object] | None = "auto",
    labels: Sequence[object] = (),
    *,
    model: Any = None,
) -> NDArray[np.int64]:
    """Number the groups of a table's rows.

    Parameters
    ----------
    sides : sequence of sequences of str
        The columns of texts. Texts are compared across all columns.
    groups : "auto", sequence of labels, or None
        ``"auto"``: rows that share a text, a near-copy, or one of the `labels`. A sequence gives one label per row
        (None or nan: none); shared texts still join. None: every row by itself.
    labels : sequence, optional
        The column ``group``; None where a row has no label.
    model : model, optional
        As in `text_links`.

    Returns
    -------
    array of shape (rows,), int64

    Examples
    --------
    >>> row_groups([["a b", "c d", "e f"], ["g h", "A, b", "i j"]]).tolist()
    [0, 0, 1]
    """
    rows = len(sides[0])
    check_groups(groups, rows)
    if groups is None:
        return np.arange(rows)
    auto = isinstance(groups, str)
    texts = [text for side in sides for text in side]
    links = text_links(texts, near=auto, model=model) % rows
    given = enumerate(labels if auto else labels_in(groups))
    return connected_components(rows, [links, sharing((row, label) for row, label in given if label is not None)])


def query_groups(
    qrels: Mapping[str, Mapping[str, int]],
    *,
    queries: Mapping[str, str] | None = None,
    corpus: Mapping[str, str] | None = None,
    labels: Iterable[tuple[str, Hashable]] = (),
) -> dict[str, int]:
    """Number the groups of queries that are not independent: those that share a relevant document.

    Groups are connected components: queries also join through other queries.

    Parameters
    ----------
    qrels : mapping of query id to mapping of document id to grade
        Documents of grade 1 and above are relevant.
    queries : mapping of query id to text, optional
        With it, near-copies of queries join too.
    corpus : mapping of document id to text, optional
        With it, queries join whose relevant documents are near-copies. Among more than 100,000 texts (or queries), only
        equal ones join.
    labels : iterable of (query id, label)
        Queries with a label in common join.

    Returns
    -------
    dict of query id to int
        For each key of `queries`, or of `qrels` without them, in their order.

    Examples
    --------
    >>> query_groups({"a": {"x": 1}, "b": {"x": 1, "y": 1}, "c": {"y": 1}, "d": {"z": 1, "x": 0}})
    {'a': 0, 'b': 0, 'c': 0, 'd': 1}
    """
    number = {query: place for place, query in enumerate(qrels if queries is None else queries)}
    relevant = [(number[query], document) for query in number for document, g in qrels[query].items() if g > 0]
    edges = [sharing(relevant), sharing((number[query], label) for query, label in labels)]
    owner: dict[str, int] = {}
    for query, document in relevant:
        owner.setdefault(document, query)
    if queries is not None:
        edges.append(text_links(list(queries.values()), near=len(queries) <= MAX_TEXTS))
    if corpus is not None:
        links = text_links([corpus[document] for document in owner], near=len(owner) <= MAX_TEXTS)
        edges.append(np.array([*owner.values()], dtype=np.int64)[links])
    return dict(zip(number, connected_components(len(number), edges).tolist(), strict=True))


def labels_of(data: Dataset) -> list[object]:
    """Return the column ``group``, with None where there is no label."""
    return labels_in(data["group"][:]) if "group" in data.column_names else [None] * len(data)


def texts_in(data: Dataset, columns: Sequence[str]) -> list[list[str]]:
    """Return columns of texts as lists.

    Raises
    ------
    ValueError
        When a column is missing or holds a value that is not a text, or when there are no rows.
    """
    for column in columns:
        if column not in data.column_names:
            raise ValueError(f"expected a column {column!r}, got {', '.join(data.column_names)}")
    if not len(data):
        raise ValueError("expected at least one row, got none")
    sides = {column: data[column][:] for column in columns}
    for column, texts in sides.items():
        require_texts(pd.Series(texts, dtype=object, name=column), "prepare.clean drops rows without a text")
    return list(sides.values())


def check_groups(groups: str | Sequence[object] | None, rows: int) -> None:
    """Check that groups are ``"auto"``, None or one label per row."""
    if isinstance(groups, str):
        if groups != "auto":
            raise ValueError(f"expected groups 'auto', a label for each row, or None, got {groups!r}")
    elif groups is not None and len(groups) != rows:
        raise ValueError(f"expected one group for each of the {rows} rows, got {len(groups)}")
