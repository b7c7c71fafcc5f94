"""Load data by name or from what is in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from toolkit.runs import digest_texts

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Loaded:
    """Data as it came.

    Attributes
    ----------
    name : str
    data : Dataset
        Columns ``anchor`` (the search), ``positive`` (the text to find) and, where there are such,
        ``positive_id`` (the document's name) and ``group`` (rows that must stay together in a split).
    table : DataFrame
        What was left out on the way: ``step rows_in rows_out dropped why example``.
    digest : str
        SHA-256 over the texts.
    """

    name: str
    data: Dataset
    table: pd.DataFrame
    digest: str

    def _repr_html_(self) -> str:
        return f"<p>{self.name}: {len(self.data):,} pairs</p>" + self.table.to_html(index=False)


def load(
    source: str | Dataset | pd.DataFrame, *, columns: Mapping[str, str] | None = None, limit: int | None = None
) -> Loaded:
    """Load pairs of a search and the text to find.

    Parameters
    ----------
    source : str, Dataset or DataFrame
        ``"pydocs"``: docstrings of the packages that are installed here anyway (see `toolkit.prepare.pydocs`); the
        first sentence stands in for a search, the name and the rest are the document. Or a table in memory.
    columns : mapping, optional
        From the table's column names to ``anchor``, ``positive``, ``positive_id`` and ``group``.
    limit : int, optional
        Most rows to take; None takes all, of ``"pydocs"`` about 13,000. There symbols stay whole, so a few more rows
        may come.

    Raises
    ------
    ValueError
        For an unknown name, or a table without ``anchor`` and ``positive``.
    """
    from datasets import Dataset

    if limit is not None and limit < 1:
        raise ValueError(f"expected a limit of at least 1, got {limit}")
    if isinstance(source, str):
        if source != "pydocs":
            raise ValueError(
                f"expected 'pydocs', a Dataset or a DataFrame, got {source!r}: read a file with pandas.read_csv first"
            )
        from toolkit.prepare.pydocs import load_pydocs

        records, steps = load_pydocs(limit)
        columns = {"anchor": "anchor", "positive": "positive", "name": "positive_id", "symbol": "group"}
        name = "pydocs"
    elif not isinstance(source, (Dataset, pd.DataFrame)):
        raise ValueError(f"expected 'pydocs', a Dataset or a DataFrame, got {type(source).__name__}")
    else:
        records = source if isinstance(source, pd.DataFrame) else source.to_pandas()
        records = records.head(limit) if limit is not None else records
        steps = pd.DataFrame(columns=["step", "rows_in", "rows_out", "dropped", "why", "example"])
        name = type(source).__name__
    for old in columns or {}:
        if old not in records:
            raise ValueError(f"there is no column {old!r}; the table has {', '.join(map(str, records.columns))}")
    frame = records.rename(columns=dict(columns or {}))
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ValueError(f"with these columns= the table has several columns {twice!r}: drop or rename the others")
    missing = [column for column in ("anchor", "positive") if column not in frame]
    if missing:
        raise ValueError(
            f"expected columns anchor and positive, got {', '.join(map(str, frame.columns))}: name yours with "
            f"columns={{'your column': {missing[0]!r}}}"
        )
    kept = [column for column in ("anchor", "positive", "positive_id", "group") if column in frame]
    frame = frame[kept].reset_index(drop=True)
    texts = [map(str, frame[column]) for column in kept]
    return Loaded(name, Dataset.from_pandas(frame, preserve_index=False), steps, digest_texts(*texts))
