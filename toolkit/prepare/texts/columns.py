"""Which columns of a data set hold its texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import pandas as pd

from toolkit.prepare.columns.order import is_negative
from toolkit.prepare.rows import rows_of

if TYPE_CHECKING:
    from toolkit.prepare.rows import Rows

PLAIN = (("sentence1", "sentence2"), ("text",))  # beside pairs and triplets: columns of the shapes of `shape_of`


def frame_of(dataset: Rows | Sequence[str | None]) -> tuple[pd.DataFrame, list[str]]:
    """Rows with their numbers as index, and the names of the columns that hold texts.

    Raises
    ------
    ValueError
        When there is no such column, or one of them holds something else; the message names column and row.
    """
    if isinstance(dataset, str):
        raise ValueError("expected a data set or a list of texts, got a single str: put it in a list, [text]")
    if _is_texts(dataset):
        texts: list[Any] = list(cast(Any, dataset))
        frame = pd.DataFrame({"text": pd.Series(texts, dtype=object), "source": range(len(texts))})
        names = ["text"]
    else:
        frame = rows_of(dataset).to_pandas()
        names = _text_columns(list(frame))
    for column in names:
        values = frame[column].dropna()
        wrong = values[~values.map(lambda value: isinstance(value, str))]
        if len(wrong):
            raise ValueError(
                f"column {column!r} holds {type(wrong.iloc[0]).__name__} in row {wrong.index[0]} "
                f"({wrong.iloc[0]!r:.40}), expected text: convert it, or choose another column"
            )
    return frame, names


def _is_texts(given: Any) -> bool:
    """Whether it holds texts one by one: a list, a Series, a column. What is missing may stand among them."""
    if isinstance(given, (list, tuple)):
        return not any(isinstance(item, (Mapping, list, tuple)) for item in given[:1])
    return isinstance(given, (pd.Series, pd.Index)) or type(given).__name__ in ("ndarray", "Column")


def sides_of(columns: Sequence[str]) -> tuple[list[str], list[str]]:
    """The columns of searches and the columns of documents; texts that are neither count as searches.

    Examples
    --------
    >>> sides_of(["anchor", "positive", "negative_1"]), sides_of(["text"])
    ((['anchor'], ['positive', 'negative_1']), (['text'], []))
    """
    searches = [column for column in columns if column in ("anchor", *PLAIN[0], *PLAIN[1])]
    return searches, [column for column in columns if column not in searches]


def _text_columns(names: list[str]) -> list[str]:
    for plain in PLAIN:
        if set(plain) <= set(names) and "anchor" not in names:
            return list(plain)
    for column in ("anchor", "positive"):
        if column not in names:
            raise ValueError(
                f"expected a column {column!r}, got {', '.join(names)}; other shapes have the columns sentence1 and "
                f"sentence2, or text"
            )
    return ["anchor", "positive", *(name for name in names if is_negative(name))]
