"""Clean pairs of texts, and say what was changed or dropped and why."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from datasets import Dataset

_SPACES = re.compile(r"\s+")
# Control characters and the like, but no marks that scripts need, such as the zero-width joiner.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True)
class Cleaned:
    """Clean data, and the account of it.

    Attributes
    ----------
    data : Dataset
    table : DataFrame
        One row a step: ``step rows_in rows_out dropped changed why example``.
    """

    data: Dataset
    table: pd.DataFrame

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False)


def tidy(text: str) -> str:
    r"""One text in Unicode's composed form (NFC), without control characters, with single spaces.

    Examples
    --------
    >>> tidy("  rolling\tmedian\x00 of a\nseries ")
    'rolling median of a series'
    """
    return _SPACES.sub(" ", unicodedata.normalize("NFC", _CONTROL.sub("", text))).strip()


def clean(dataset: Dataset) -> Cleaned:
    """Tidy both texts of each pair and drop rows that teach and test nothing.

    Dropped are pairs with a missing or empty text, repeated pairs, and pairs whose search is the document itself.
    Cleaning what is clean changes nothing.

    Raises
    ------
    ValueError
        When a column is missing or holds no text, or when nothing is left; the message names the column and the rows.
    """
    from datasets import Dataset

    frame = dataset.to_pandas()
    for column in ("anchor", "positive"):
        if column not in frame:
            raise ValueError(f"expected a column {column!r}, got {', '.join(dataset.column_names)}")
        values = frame[column].dropna()
        wrong = values[~values.map(lambda value: isinstance(value, str))]
        if len(wrong):
            raise ValueError(
                f"column {column!r} holds {type(wrong.iloc[0]).__name__} in row {wrong.index[0]} "
                f"({wrong.iloc[0]!r:.40}), expected text: convert it, or choose another column"
            )
    steps: list[dict[str, object]] = []

    def step(name: str, after: pd.DataFrame, why: str, *, changed: int = 0) -> pd.DataFrame:
        dropped = frame.loc[frame.index.difference(after.index)]
        example = f"{dropped['anchor'].iloc[0]} -> {dropped['positive'].iloc[0]}"[:120] if len(dropped) else ""
        steps.append({"step": name, "rows_in": len(frame), "rows_out": len(after), "dropped": len(dropped),
                      "changed": changed, "why": why, "example": example})  # fmt: skip
        return after

    tidied = frame.copy()
    for column in ("anchor", "positive"):
        tidied[column] = frame[column].fillna("").map(tidy)
    changed = int(((tidied["anchor"] != frame["anchor"]) | (tidied["positive"] != frame["positive"])).sum())
    frame = step("tidy", tidied, "Unicode composed, control characters out, single spaces", changed=changed)
    filled = frame[(frame["anchor"] != "") & (frame["positive"] != "")]
    frame = step("empty", filled, "a missing or empty text")
    frame = step("repeated", frame.drop_duplicates(["anchor", "positive"]), "the same pair again")
    different = frame[frame["anchor"].str.casefold() != frame["positive"].str.casefold()]
    frame = step("same text", different, "the search is the document itself")
    if frame.empty:
        raise ValueError(f"none of the {len(dataset)} rows is left: see that anchor and positive are the right columns")
    data = Dataset.from_pandas(frame.reset_index(drop=True), preserve_index=False)
    return Cleaned(data, pd.DataFrame(steps))
