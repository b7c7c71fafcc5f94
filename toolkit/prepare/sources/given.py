"""Rows as they are handed from step to step: a table, a list, or what the step before made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from toolkit.prepare.shapes import Task
from toolkit.prepare.sources.tables import dataset_of, frame_of

if TYPE_CHECKING:
    from datasets import Dataset

    from toolkit.prepare.pairing.making import Paired
    from toolkit.prepare.sources.loaded import Loaded
    from toolkit.prepare.texts.cleaning import Cleaned

    Made: TypeAlias = Loaded | Cleaned | Paired
    Rows: TypeAlias = Dataset | Made | str | Path | pd.DataFrame | Mapping[str, Sequence[Any]] | Sequence[Any]

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
    if isinstance(source, (str, Path)):
        from toolkit.prepare.sources.loading import load

        return load(source).data
    if isinstance(source, Mapping):
        lengths = {name: len(values) for name, values in source.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
            raise ValueError(f"expected columns of one length, got {told}")
        return dataset_of(pd.DataFrame(dict(source)))
    if isinstance(source, pd.DataFrame):
        return dataset_of(source)
    if isinstance(source, Sequence):
        return dataset_of(frame_of(source))
    hint = "; a task needs no more preparing, its items are in .data" if isinstance(source, Task) else ""
    raise ValueError(f"{_EXPECTED}; got {type(source).__name__}{hint}")


def documents_of(source: Rows, documents: Sequence[str]) -> Sequence[str]:
    """The further texts that are searched: those named, else those that `source` brings along."""
    return documents if len(documents) else getattr(source, "documents", ())
