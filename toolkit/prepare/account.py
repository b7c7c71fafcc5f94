"""What was left out on the way, step by step: the table of `toolkit.prepare.Loaded`."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

STEPS = ["step", "rows_in", "rows_out", "dropped", "why", "example"]


class Account:
    """The account of rows that are left out."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []

    def add(self, step: str, before: pd.DataFrame, after: pd.DataFrame, why: str) -> pd.DataFrame:
        """Note how many rows a step left out, with the first of them; gives the rows that stay."""
        dropped = before.loc[before.index.difference(after.index)]
        shown = [str(value) for value in dropped.iloc[0].dropna()][:2] if len(dropped) else []
        self.count(step, len(before), len(dropped), why, shown)
        return after

    def count(self, step: str, rows_in: int, dropped: int, why: str, example: Sequence[str] = ()) -> None:
        """Note a step by its numbers."""
        row = (step, rows_in, rows_in - dropped, dropped, why, " -> ".join(example)[:120])
        self.rows.append(dict(zip(STEPS, row, strict=True)))

    def table(self) -> pd.DataFrame:
        """One row a step."""
        return pd.DataFrame(self.rows, columns=STEPS)
