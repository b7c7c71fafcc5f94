"""The result of `toolkit.prepare.load`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from toolkit.prepare.guess.guessing import Guess

if TYPE_CHECKING:
    from datasets import Dataset

_SHOWN = 3  # rows
_CUT = 120  # characters of a text that are shown


@dataclass(frozen=True)
class Loaded:
    """Data as it came.

    Attributes
    ----------
    name : str
    data : Dataset
        Of the shape "pairs": columns ``anchor`` (the search), ``positive`` (the text to find) and, where there are
        such, ``positive_id`` (the document's name), ``group`` (rows that must stay together in a split) and ``time``.
        No rows where there is nothing that could stand in for a search. Of another shape: the columns that
        `toolkit.prepare.shape_of` names, in the order in which trainers read them, and then those three.
    table : DataFrame
        What was left out on the way: ``step rows_in rows_out dropped why example``.
    digest : str
        SHA-256 over the texts; of a file also over `documents`.
    guess : Guess or None
        Of a file: what its columns were taken for, and why.
    notes : list of str
        What had to be guessed or repaired to read it; where it came from, and its licence.
    documents : list of str
        Texts to be found that no row of `data` has a search for; give them to `toolkit.prepare.split`.
    shape : str
        Name of the data's shape, as `toolkit.prepare.shape_of` says it.
    """

    name: str
    data: Dataset
    table: pd.DataFrame
    digest: str
    guess: Guess | None = None
    notes: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    shape: str = "pairs"

    @property
    def summary(self) -> str:
        """One line: what it is and how much."""
        more = f"; texts without a search: {len(self.documents):,}" if self.documents else ""
        return f"{self.name}: {len(self.data):,} {self.shape}{more}"

    def _lines(self) -> list[str]:
        return [self.summary, *self.notes, *([self.guess.reason] if self.guess else [])]

    def _head(self) -> pd.DataFrame:
        """The first rows, or the first texts where there are only those, cut to a readable length."""
        if len(self.data):
            head: pd.DataFrame = self.data.select(range(min(_SHOWN, len(self.data)))).to_pandas()
        else:
            head = pd.DataFrame({"documents": self.documents[:_SHOWN]})
        return head.map(lambda value: f"{value[:_CUT]}…" if isinstance(value, str) and len(value) > _CUT else value)

    def __str__(self) -> str:
        parts = self._lines()
        head = self._head()
        if len(head):
            parts += ["", *(line for row in head.to_dict("records") for line in _row(row))]
        if len(self.table):
            parts += ["Left out:"] + [
                f"  {row['step']}: {row['dropped']:,} of {row['rows_in']:,} ({row['why']})"
                for row in self.table.to_dict("records")
            ]
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        from markupsafe import escape

        first, *rest = (escape(line) for line in self._lines())
        lines = f"<p><b>{first}</b></p>" + "".join(f"<p>{line}</p>" for line in rest)
        account = "<p>Left out:</p>" + self.table.to_html(index=False) if len(self.table) else ""
        return lines + self._head().to_html(index=False) + account


def _row(row: Mapping[Hashable, object]) -> list[str]:
    """A row of the data as lines, a column each, and a blank one."""
    width = max(len(str(name)) for name in row)
    return [*(f"  {name!s:<{width}}  {' '.join(str(value).split())}" for name, value in row.items()), ""]
