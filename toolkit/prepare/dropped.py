"""Track which rows each step drops, and why."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

STEPS = ["step", "rows_in", "rows_out", "dropped", "changed", "why", "example"]


class Dropped:
    """Drop rows from tables and log what was dropped.

    Attributes
    ----------
    rows : list of dict
        One per step, with the keys `STEPS`; ``changed`` is omitted if no step reports it.
    notes : list of str
        Guesses made along the way.

    Examples
    --------
    >>> dropped = Dropped()
    >>> frame = pd.DataFrame({"text": ["a", ""]})
    >>> len(dropped.keep(frame, frame["text"] != "", "empty", "no text"))
    1
    >>> dropped.table[["step", "dropped"]].to_dict("records")
    [{'step': 'empty', 'dropped': 1}]
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []
        self.notes: list[str] = []

    def keep(
        self,
        frame: pd.DataFrame,
        kept: pd.Series,
        name: str,
        why: str,
        *,
        columns: Sequence[str] | None = None,
        changed: int | None = None,
    ) -> pd.DataFrame:
        """Return the rows where `kept` is true; count the others, with the first of them as an example.

        Parameters
        ----------
        frame : DataFrame
        kept : Series of bool
        name, why : str
        columns : sequence of str, optional
            Columns of the example; by default the first two non-missing values (excluding the column ``row``).
        changed : int, optional
            As in `count`.
        """
        kept = kept.astype(bool)
        out = frame[~kept]
        example: list[str] = []
        for _, first in out.head(1).iterrows():
            others = [str(value)[:60] for value in first.drop("row", errors="ignore").dropna()][:2]
            example = others if columns is None else [str(value) for value in first[list(columns)]]
        self.count(name, len(frame), len(out), why, example, changed=changed)
        return frame[kept]

    def count(
        self,
        name: str,
        rows_in: int,
        dropped: int,
        why: str,
        example: Sequence[str] = (),
        *,
        rows_out: int | None = None,
        changed: int | None = None,
    ) -> None:
        """Record a step by its row counts.

        Parameters
        ----------
        name : str
        rows_in, dropped : int
        why : str
        example : sequence of str
            Texts of a row that was dropped.
        rows_out : int, optional
            For steps that combine rows, where it is not `rows_in` minus `dropped`.
        changed : int, optional
            How many rows a step changed. If any step has it, the table has this column.
        """
        left = rows_in - dropped if rows_out is None else rows_out
        values = (name, rows_in, left, dropped, changed, why, " -> ".join(example)[:120])
        self.rows.append({step: value for step, value in zip(STEPS, values, strict=True) if value is not None})

    @property
    def table(self) -> pd.DataFrame:
        """One row per step: ``step rows_in rows_out dropped [changed] why example``."""
        table = pd.DataFrame(self.rows, columns=STEPS)
        return table if table["changed"].notna().any() else table.drop(columns="changed")

    @property
    def losses(self) -> pd.DataFrame:
        """The rows of `table` that dropped something."""
        table = self.table
        return table[table["dropped"] > 0].reset_index(drop=True)
