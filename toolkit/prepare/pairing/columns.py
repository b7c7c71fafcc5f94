"""Columns that hold what they should: texts, and numbers."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from toolkit.prepare.dropped import Dropped


def filled(frame: pd.DataFrame, columns: Sequence[str], steps: Dropped) -> pd.DataFrame:
    """The rows with a text in each of the columns, without white space at the ends.

    Raises
    ------
    ValueError
        When a column holds something that is no text; the message names the row.
    """
    frame = frame.copy()
    for column in columns:
        values = frame[column].astype(object)
        wrong = values[~values.map(lambda value: isinstance(value, str)) & ~values.isna()]
        if len(wrong):
            raise ValueError(
                f"column {column!r} holds {type(wrong.iloc[0]).__name__} in row {wrong.index[0]} "
                f"({wrong.iloc[0]!r:.40}), expected text: convert it, or choose another column"
            )
        frame[column] = values.map(lambda value: value.strip() if isinstance(value, str) else "").astype(object)
    return steps.keep(frame, (frame[list(columns)] != "").all(axis=1), "empty", "a missing or empty text")


def apart(frame: pd.DataFrame, columns: Sequence[str], steps: Dropped) -> pd.DataFrame:
    """The rows whose two texts differ by more than capitals: a text that finds itself teaches nothing.

    It comes before anything is drawn, so that no place of the rows drawn is spent on such a one.
    """
    first, second = (frame[name].map(str.casefold).astype(object) for name in columns)
    return steps.keep(frame, first != second, "same text", f"{columns[0]} and {columns[1]} are the same text")


def numbers(frame: pd.DataFrame, column: str) -> pd.Series:
    """A column as floating-point numbers, NaN where it is missing.

    Raises
    ------
    ValueError
        When something is neither missing nor a finite number; the message names the row.
    """
    values = frame[column].astype(object)
    made = pd.to_numeric(values, errors="coerce").astype(float)
    missing = values.isna() | values.map(lambda value: isinstance(value, str) and not value.strip())
    wrong = values[(made.isna() & ~missing) | made.isin([float("inf"), float("-inf")])]
    if len(wrong):
        raise ValueError(f"column {column!r} holds {wrong.iloc[0]!r:.40} in row {wrong.index[0]}, expected a number")
    return made
