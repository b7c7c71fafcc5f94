"""What was left out on the way, step by step, and why."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

STEPS = ["step", "rows_in", "rows_out", "dropped", "why", "example"]


class Account:
    """Takes rows out of tables and remembers it.

    Examples
    --------
    >>> account = Account()
    >>> frame = pd.DataFrame({"text": ["a", ""]})
    >>> len(account.keep(frame, frame["text"] != "", "empty", "no text"))
    1
    >>> account.table[["step", "dropped"]].to_dict("records")
    [{'step': 'empty', 'dropped': 1}]
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []
        self.notes: list[str] = []

    def keep(self, frame: pd.DataFrame, kept: pd.Series, name: str, why: str) -> pd.DataFrame:
        """The rows where `kept` is true; what goes is counted, with the first of it as an example."""
        kept = kept.astype(bool)
        out = frame[~kept].drop(columns="row", errors="ignore")
        shown = [str(value)[:60] for value in out.iloc[0].dropna()][:2] if len(out) else []
        self.count(name, len(frame), len(out), why, shown)
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
    ) -> None:
        """A step by its numbers; `rows_out` is not the difference of the others where rows are put together."""
        left = rows_in - dropped if rows_out is None else rows_out
        self.rows.append(dict(zip(STEPS, (name, rows_in, left, dropped, why, " -> ".join(example)[:120]), strict=True)))

    @property
    def table(self) -> pd.DataFrame:
        """One row a step, as `STEPS`."""
        return pd.DataFrame(self.rows, columns=STEPS)
