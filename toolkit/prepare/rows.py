"""Rows as they are handed from step to step: a table, a list, or what the step before made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import pandas as pd

from toolkit.vectors.inputs import whole_characters

if TYPE_CHECKING:
    from datasets import Dataset


class Made(Protocol):
    """The result of `load`, `clean` or `pairs`."""

    @property
    def data(self) -> Dataset:
        """Its rows."""


Rows: TypeAlias = "Dataset | Made | pd.DataFrame | Mapping[str, Sequence[Any]] | Sequence[Any]"

_EXPECTED = (
    "expected rows: a Dataset, the result of prepare.load, clean or pairs, a DataFrame, a mapping of columns, or a "
    "list of dictionaries or of (query, document) pairs"
)


def rows_of(source: Rows, *, groups: bool = True) -> Dataset:
    """The rows as a Dataset; of `toolkit.prepare.pairs` with its groups as a column, unless without `groups`.

    Raises
    ------
    ValueError
        For what holds no rows, or rows of several splits.

    Examples
    --------
    >>> rows_of([("a query", "its document")]).column_names
    ['anchor', 'positive']
    >>> rows_of(["a text"]).column_names
    ['text']
    """
    from datasets import Dataset, DatasetDict

    if isinstance(source, Dataset):
        return source
    if isinstance(source, DatasetDict):
        raise ValueError(f"{_EXPECTED}; got a DatasetDict: name one of its splits, {', '.join(source)}")
    made = getattr(source, "data", None)
    if isinstance(made, Dataset):
        origin: Any = getattr(source, "origin", ())
        return made.add_column("group", origin["group"].astype(str).tolist()) if groups and "group" in origin else made
    if isinstance(source, Mapping):
        lengths = {name: len(values) for name, values in source.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
            raise ValueError(f"expected columns of one length, got {told}")
        return dataset_of(pd.DataFrame(dict(source)))
    if isinstance(source, pd.DataFrame):
        return dataset_of(source)
    if isinstance(source, Sequence) and not isinstance(source, str):
        return dataset_of(frame_of(source))
    hint = "; prepare.load reads it" if isinstance(source, (str, Path)) else ""
    raise ValueError(f"{_EXPECTED}; got {type(source).__name__}{hint}")


def documents_of(source: Rows, documents: Sequence[str]) -> Sequence[str]:
    """The further texts that are searched: those named, else those that `source` brings along."""
    return documents if len(documents) else getattr(source, "documents", ())


def dataset_of(frame: pd.DataFrame) -> Dataset:
    """A Dataset of a DataFrame, without its index."""
    from datasets import Dataset

    _check_headings(frame)
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ValueError(f"the table has several columns {twice!r}: drop or rename the others")
    try:
        with whole_characters():
            return Dataset.from_pandas(frame.rename(columns=str), preserve_index=False)
    except Exception as error:  # whatever Arrow says about values of several kinds in one column
        raise ValueError(f"the table holds values of several kinds in one column ({str(error)[:150]})") from error


def frame_of(rows: Sequence[Any]) -> pd.DataFrame:
    """A list as a table: of dictionaries; of texts; of pairs (query, document) or triplets with one that is wrong.

    Examples
    --------
    >>> frame_of([("a query", "its document")]).to_dict("records")
    [{'anchor': 'a query', 'positive': 'its document'}]
    """
    first = rows[0] if len(rows) else None
    width = len(first) if isinstance(first, (tuple, list)) else 0
    kind: Any = dict if isinstance(first, Mapping) else str if isinstance(first, str) else (tuple, list)
    if not (isinstance(first, (Mapping, str)) or width in (2, 3)):
        raise ValueError(
            f"expected a list of dictionaries, of texts, or of (query, document) pairs, got {len(rows)} items"
            + (f", the first {first!r:.60}" if len(rows) else "")
        )
    for number, row in enumerate(rows):
        if not isinstance(row, kind) or (width and (len(row) != width or not all(isinstance(t, str) for t in row))):
            raise ValueError(
                f"item {number} of the list is {row!r:.60}: expected it as the first, which is {first!r:.60}, and "
                f"all of a tuple as texts"
            )
    with whole_characters():
        if isinstance(first, str):
            return pd.DataFrame({"text": list(rows)}, dtype="str")
        return pd.DataFrame(list(rows), columns=["anchor", "positive", "negative"][:width] if width else None)


def table_of(source: Any, needed: Sequence[str] = ("text",)) -> pd.DataFrame:
    """Whatever holds rows, as a table; class numbers of a Dataset as the names they stand for."""
    from datasets import ClassLabel, Dataset

    made = getattr(source, "data", None)
    source = made if isinstance(made, Dataset) else source  # the result of load, clean or pairs
    if isinstance(source, pd.DataFrame):
        _check_headings(source)
        return source.copy()
    if isinstance(source, Dataset):
        frame: pd.DataFrame = source.to_pandas()
        for name, feature in source.features.items():
            if isinstance(feature, ClassLabel) and feature.names:
                named = dict(enumerate(feature.names))
                frame[name] = frame[name].map(named).astype(object)
        return frame
    if isinstance(source, Mapping):
        return pd.DataFrame(dict(source))
    if isinstance(source, Sequence) and not isinstance(source, str):
        return _listed(source, needed)
    raise ValueError(
        f"expected a DataFrame, a Dataset, a mapping of columns or a list of rows, got {type(source).__name__}"
    )


def _listed(source: Sequence[Any], needed: Sequence[str]) -> pd.DataFrame:
    """A list of dictionaries, of texts, or of rows of texts, as a table."""
    first = source[0] if len(source) else None
    kinds: Any = Mapping if isinstance(first, Mapping) else (str, list, tuple, type(None))
    strange = next((number for number, row in enumerate(source) if not isinstance(row, kinds)), None)
    if strange is not None:
        raise ValueError(f"item {strange} of the list is {source[strange]!r:.60}: expected rows, all of one kind")
    if isinstance(first, Mapping):
        return pd.DataFrame(list(source))
    rows = [[row] if isinstance(row, str) or row is None else list(row) for row in source]
    width = max(map(len, rows), default=0)
    if width and any(len(row) != width for row in rows):
        wrong = next(number for number, row in enumerate(rows) if len(row) != len(rows[0]))
        raise ValueError(f"row {wrong} has {len(rows[wrong])} values, the first has {len(rows[0])}")
    if width > len(needed):
        raise ValueError(f"expected rows of {len(needed)} values ({', '.join(needed)}), got {width}")
    return pd.DataFrame(rows, columns=list(needed[: width or len(needed)]))


def _check_headings(frame: pd.DataFrame) -> None:
    if frame.columns.nlevels > 1:
        raise ValueError(f"the table has {frame.columns.nlevels} rows of headings: expected one name a column")
