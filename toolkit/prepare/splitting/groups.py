"""Which rows must stay together: those that share a text, a near-copy or a label, one to the next."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.prepare.splitting.near_copies import CLOSE, NEAR, close_pairs, connected_components, overlapping
from toolkit.prepare.values import distinct, labels_in


def row_groups(
    sides: Sequence[Sequence[str]],
    groups: str | Sequence[object] | None = "auto",
    labels: Sequence[object] | None = None,
    *,
    model: Any = None,
    cosine: float = CLOSE,
) -> NDArray[np.int64]:
    """Group of each row of a table whose rows hold one text a side.

    Parameters
    ----------
    sides : sequence of sequences of str
        The columns of texts. A text counts as the same on whichever side it stands.
    groups : "auto", sequence of labels, or None
        ``"auto"``: rows that share a text, a near-copy, or a value of `labels`. A sequence gives one label a row
        (None or nan: none); shared texts still join. None: every row by itself.
    labels : sequence, optional
        The column ``group``; None where a row has no label.
    model, cosine
        As in `links`.

    Examples
    --------
    >>> row_groups([["a b", "c d", "e f"], ["g h", "A, b", "i j"]]).tolist()
    [0, 0, 1]
    """
    rows = len(sides[0])
    check_groups(groups, rows)
    if groups is None:
        return np.arange(rows)
    texts = [text for side in sides for text in side]
    keys, number_of, first = distinct(texts)
    row_of = first % rows
    edges = [np.stack([row_of[number_of], np.arange(len(texts)) % rows], axis=1)]
    if isinstance(groups, str):
        edges.append(row_of[links(keys, [texts[place] for place in first], model=model, cosine=cosine)])
        edges.append(same_label(labels or []))
    else:
        edges.append(same_label(labels_in(groups)))
    return connected_components(rows, edges)


def links(keys: Sequence[str], texts: Sequence[str], *, model: Any = None, cosine: float = CLOSE) -> NDArray[np.int64]:
    """Pairs of distinct texts that connect all near-copies, and all that a `model` puts at `cosine` or above."""
    near = overlapping(keys, NEAR, links=True)
    return near if model is None else np.concatenate([near, close_texts(texts, model, cosine)])


def close_texts(texts: Sequence[str], model: Any, cosine: float) -> NDArray[np.int64]:
    """Pairs of texts whose vectors reach a cosine: see `close_pairs`."""
    from toolkit.vectors import encode

    return close_pairs(encode(model, list(texts)), cosine)


def same_label(labels: Sequence[object]) -> NDArray[np.int64]:
    """Row pairs that join rows of equal label; rows without one join nothing."""
    return same_value([row if label is None else (label,) for row, label in enumerate(labels)])


def labels_of(frame: pd.DataFrame) -> list[object]:
    """The column ``group``, with None where there is no label."""
    return labels_in(frame["group"]) if "group" in frame else [None] * len(frame)


def check_groups(groups: str | Sequence[object] | None, rows: int) -> None:
    """Refuse what is neither ``"auto"`` nor None nor one label a row."""
    if isinstance(groups, str):
        if groups != "auto":
            raise ValueError(f"expected groups 'auto', a label for each row, or None, got {groups!r}")
    elif groups is not None and len(groups) != rows:
        raise ValueError(f"expected one group for each of the {rows} rows, got {len(groups)}")


def check_documents(documents: Sequence[str]) -> None:
    """Refuse documents that are no list of texts."""
    wrong = [text for text in documents if not isinstance(text, str)]
    if isinstance(documents, str) or wrong:
        given = f"{wrong[0]!r:.40} among them" if wrong else "a single text"
        raise ValueError(f"expected documents as a list of texts, got {given}")


def check_texts(frame: pd.DataFrame, columns: Sequence[str]) -> None:
    """Refuse a table without a column or with something in it that is no text."""
    for column in columns:
        if column not in frame:
            raise ValueError(f"expected a column {column!r}, got {', '.join(map(str, frame.columns))}")
        wrong = [row for row, value in enumerate(frame[column]) if not isinstance(value, str)]
        if wrong:
            raise ValueError(
                f"column {column!r} holds no text in {len(wrong)} rows (first: row {wrong[0]}): see prepare.clean"
            )
    if frame.empty:
        raise ValueError("expected at least one pair, got none")


def same_value(values: Sequence[object]) -> NDArray[np.int64]:
    """Row pairs that join all rows of equal value: each with the first row that has it."""
    first: dict[object, int] = {}
    pairs = [(first.setdefault(value, row), row) for row, value in enumerate(values)]
    return np.array([pair for pair in pairs if pair[0] != pair[1]], dtype=np.int64).reshape(-1, 2)
