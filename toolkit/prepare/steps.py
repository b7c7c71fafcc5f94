"""The account of what was left out, and why."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

COLUMNS = ["step", "rows_in", "rows_out", "dropped", "why", "example"]


class Steps:
    """Takes rows out of tables and remembers it.

    Examples
    --------
    >>> steps = Steps()
    >>> frame = pd.DataFrame({"text": ["a", ""]})
    >>> len(steps.keep(frame, frame["text"] != "", "empty", "no text"))
    1
    >>> steps.table[["step", "dropped"]].to_dict("records")
    [{'step': 'empty', 'dropped': 1}]
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.notes: list[str] = []

    def keep(self, frame: pd.DataFrame, kept: pd.Series, name: str, why: str) -> pd.DataFrame:
        """The rows where `kept` is true; what goes is counted."""
        kept = kept.astype(bool)
        out = frame[~kept]
        example = " | ".join(str(value)[:60] for value in out.iloc[0].drop("row", errors="ignore")) if len(out) else ""
        self.add(name, len(frame), int(kept.sum()), len(out), why, example)
        return frame[kept]

    def add(self, name: str, rows_in: int, rows_out: int, dropped: int, why: str, example: str = "") -> None:
        """One row of the table; `dropped` is not the difference of the others where rows are put together."""
        values = (name, rows_in, rows_out, dropped, why, example[:120])
        self.rows.append(dict(zip(COLUMNS, values, strict=True)))

    @property
    def table(self) -> pd.DataFrame:
        """One row a step, as `COLUMNS`."""
        return pd.DataFrame(self.rows, columns=COLUMNS)


def filled(frame: pd.DataFrame, columns: Sequence[str], steps: Steps) -> pd.DataFrame:
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
