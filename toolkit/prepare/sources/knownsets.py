"""Data sets with a short name: where they are, under which licence, and which of their columns is what."""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

_FILE = Path(__file__).with_name("knownsets.csv")
_DEV = ("dev", "validation", "val")


@dataclass(frozen=True)
class Known:
    """A row of `known`, and which part of it is meant."""

    name: str
    title: str
    kind: str
    shape: str
    hub: str
    subset: str
    subsets: str
    columns: str
    train: str
    dev: str
    test: str
    local: str
    collection: str
    licence: str
    commercial: str

    @property
    def mapping(self) -> dict[str, str]:
        """From the columns of the data set to the names that are used here."""
        pairs = (column.partition(">") for column in self.columns.split())
        return {old: new or old for old, _, new in pairs}

    @property
    def splits(self) -> dict[str, str]:
        """The splits there are, and what their publisher calls them."""
        named = {"train": self.train, "dev": self.dev, "test": self.test}
        return {split: name for split, name in named.items() if name}

    @property
    def config(self) -> str | None:
        """What the Hub calls the subset."""
        return f"xquad.{self.subset}" if self.name == "xquad" else self.subset or None

    @property
    def full_name(self) -> str:
        """Name with the subset, as it is asked for."""
        return f"{self.name}:{self.subset}" if self.subsets else self.name

    def split(self, wanted: str | None) -> str:
        """The canonical name of a split: train, dev or test. None is train, or the first there is."""
        if wanted is None:
            return next(iter(self.splits))
        split = "dev" if wanted in _DEV and "dev" in self.splits else wanted
        if split not in self.splits:
            split = next((ours for ours, theirs in self.splits.items() if theirs == wanted), split)
        if split not in self.splits:
            raise ValueError(f"{self.name} has no split {wanted!r}: expected {', '.join(self.splits)}")
        return split


def known() -> pd.DataFrame:
    """The data sets that have a short name, a row each.

    Returns
    -------
    DataFrame
        ``name title kind shape subsets splits licence commercial hub local``. ``commercial``: yes, no, or ask where
        parts come under several licences or none is stated. ``hub`` is the name on the Hugging Face Hub (none where
        there is none), ``local`` the files below the folder that ``TOOLKIT_DATA`` names, which are read first; a copy
        of the Hub's repository in ``TOOLKIT_DATA/<owner>/<name>`` serves too. ``{split}`` is train, dev (or validation,
        val) or test, ``{subset}`` one of the subsets. Collections (NFCorpus, SciFact) may be BEIR folders
        ``TOOLKIT_DATA/<name>``. A subset is asked for as in ``load("xquad:de")``.

    Examples
    --------
    >>> table = known().set_index("name")
    >>> table.loc["squad", "hub"], table.loc["msmarco", "commercial"]
    ('rajpurkar/squad', 'no')
    """
    table = _table().copy()
    rows = [Known(**row) for row in _records()]
    table["splits"] = [" ".join(row.splits) for row in rows]
    return table[["name", "title", "kind", "shape", "subsets", "splits", "licence", "commercial", "hub", "local"]]


@functools.cache
def _table() -> pd.DataFrame:
    return pd.read_csv(_FILE, dtype=str, keep_default_na=False)


def _records() -> list[Mapping[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in _table().to_dict("records")]


def find(source: str) -> Known | None:
    """The data set of this short name, perhaps with ``:subset``; None where no name is so.

    Raises
    ------
    ValueError
        It has no such subset.
    """
    name, _, subset = source.partition(":")
    row = next((row for row in _records() if row["name"] == name), None)
    if row is None:
        return None
    found = Known(**row)
    if not subset:
        return found
    if subset not in found.subsets.split():
        raise ValueError(f"{name} has no subset {subset!r}: expected {', '.join(found.subsets.split()) or 'none'}")
    return Known(**{**row, "subset": subset})


def is_hub_name(source: str) -> bool:
    """Whether this may be a name on the Hub, ``owner/name``, perhaps with ``:subset``."""
    return bool(re.fullmatch(r"[\w-][\w.-]*/[\w.-]+(:[\w.-]+)?", source))


def near(source: str) -> str:
    """Short names that are nearly so, for an error."""
    names = [row["name"] for row in _records()]
    found = difflib.get_close_matches(source.lower(), names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(found)}?" if found else f"short names are {', '.join(names)}"
