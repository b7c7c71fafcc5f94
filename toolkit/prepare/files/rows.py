"""Rows of any file to a table of texts: cells, the names of columns, and whether the first row holds them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import numpy as np
import pandas as pd

_BATCH = 20_000
_NUMBER = re.compile(r"[-+]?[$€£]?\s?\d[\d.,' ]*\s?[%$€£]?")
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?([T ].*)?|\d\d?[./-]\d\d?[./-](\d{4}|\d\d)([ ,].*)?")
_URL = re.compile(r"(https?://|www\.)\S+", re.IGNORECASE)


@dataclass
class Sample:
    """A random sample of rows as they come, in their order and always the same; `size` None keeps all.

    Each row draws a number, and those with the smallest stay, so that memory holds little more than the sample however
    long the file is (a reservoir: P. Efraimidis and P. Spirakis, 2006, with equal weights).
    """

    size: int | None = None
    seen: int = 0
    parts: list[pd.DataFrame] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Forget what came: a file may be read a second time in another way."""
        self.seen, self.parts = 0, []
        self._draws: list[np.ndarray] = []
        self._highest = 1.0  # of the draws that can still be among the smallest
        self._random = np.random.default_rng(0)

    def staying(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Those of the next rows that may stay, before anything is made of them; their `add` must follow."""
        self.seen += len(rows)
        if self.size is None:
            return rows
        draws = self._random.random(len(rows))
        chosen = np.flatnonzero(draws <= self._highest)
        self._draws.append(draws[chosen])
        return [rows[number] for number in chosen.tolist()]

    def add(self, part: pd.DataFrame) -> None:
        """Take rows that stay."""
        self.parts.append(part)
        if self.size is not None and sum(map(len, self._draws)) > max(2 * self.size, _BATCH):
            self._thin(self.size)

    def _thin(self, size: int) -> None:
        draws = np.concatenate(self._draws)
        if len(draws) > size:
            smallest = np.argpartition(draws, size - 1)[:size]
            kept = np.zeros(len(draws), dtype=bool)
            kept[smallest] = True
            self.parts = [pd.concat(self.parts, ignore_index=True)[kept]]
            self._draws = [draws[kept]]
            self._highest = float(draws[kept].max())

    def taken(self) -> list[pd.DataFrame]:
        """The rows that stay, as parts of a table."""
        if self.size is not None and self._draws:
            self._thin(self.size)
        return self.parts


_HALF = re.compile("[\ud800-\udfff]")  # JSON may hold the escape of one half of a character


@dataclass
class Rows:
    """Rows become columns of texts, some at a time, so that memory holds little beside the texts."""

    columns: list[str] = field(default_factory=list)
    sample: Sample = field(default_factory=Sample)
    joined: set[str] = field(default_factory=set)
    nested: set[str] = field(default_factory=set)
    halves: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.sample.start()

    def add_records(self, records: Iterable[dict[str, Any]]) -> None:
        """Take dictionaries; the columns are all keys in the order in which they first came."""
        records = iter(records)
        while batch := list(islice(records, _BATCH)):
            self.columns += [key for key in dict.fromkeys(chain.from_iterable(batch)) if key not in self.columns]
            kept = self.sample.staying(batch)
            self.sample.add(
                pd.DataFrame({c: [self.cell(c, record.get(c)) for record in kept] for c in self.columns}, dtype="str")
            )

    def add_texts(self, rows: Iterable[Sequence[str]]) -> None:
        """Take rows of texts, as long as `columns`."""
        rows = iter(rows)
        while batch := list(islice(rows, _BATCH)):
            self.sample.add(pd.DataFrame(self.sample.staying(batch), columns=self.columns, dtype="str"))

    def cell(self, column: str, value: Any) -> str | None:
        """One value as text, None for what is missing."""
        if isinstance(value, str):
            if not value.isascii() and _HALF.search(value):
                self.halves.add(column)
                value = _HALF.sub("\ufffd", value)
            return str(value).replace("\x00", "")
        if value is None or (isinstance(value, float) and value != value):
            return None
        if isinstance(value, bool):
            return str(value).lower()
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            self.joined.add(column)
            return "\n".join(value)
        if isinstance(value, (list, dict)):
            self.nested.add(column)
            return json.dumps(value, ensure_ascii=False, default=str) if value else None
        return str(value)

    def frame(self, notes: list[str]) -> pd.DataFrame:
        """All rows as one table, with names for its columns; what is empty is missing."""
        if self.joined:
            notes.append(f"lists in {quoted(self.joined)} were joined, a line each")
        if self.halves:
            notes.append(f"half characters (lone surrogates) in {quoted(self.halves)} became \ufffd")
        if self.nested:
            notes.append(f"nested values in {quoted(self.nested)} were kept as JSON")
        parts = [part.reindex(columns=self.columns) for part in self.sample.taken()]
        frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=self.columns, dtype="str")
        frame.columns = pd.Index(distinct(self.columns))
        for column in frame.columns:
            frame[column] = frame[column].astype("str").mask(frame[column] == "")
        return frame


def table(rows: Iterable[Sequence[str]], names: Sequence[str], sample: Sample) -> pd.DataFrame:
    """Rows of texts under their names, which may be empty or repeat."""
    found = Rows([str(number) for number in range(len(names))], sample)
    found.add_texts(rows)
    frame = found.frame([])
    frame.columns = pd.Index(distinct(names))
    return frame


def header(rows: Sequence[Sequence[str]], notes: list[str]) -> Sequence[str]:
    """The first of these rows where it names the columns, else nothing, and a note."""
    if _is_header(rows):
        return rows[0]
    notes.append(f"the first row looks like data, not like names: the columns are column_1 to column_{len(rows[0])}")
    return []


def distinct(raw: Sequence[Any]) -> list[str]:
    """Distinct, filled column names.

    Examples
    --------
    >>> distinct([" text ", "", "text"])
    ['text', 'column_2', 'text_2']
    """
    names: list[str] = []
    for number, value in enumerate(raw, 1):
        name = "" if value is None or value != value else " ".join(str(value).lstrip("\ufeff").split())
        name = base = name or f"column_{number}"
        copies = 2
        while name in names:
            name, copies = f"{base}_{copies}", copies + 1
        names.append(name)
    return names


def quoted(columns: Iterable[str]) -> str:
    """Names of columns for a note, sorted."""
    return ", ".join(f"`{column}`" for column in sorted(columns))


def counted(n: int, what: str) -> str:
    """A number of things for a note.

    Examples
    --------
    >>> counted(1, "row"), counted(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{n:,} {what}{'s' * (n != 1)}"


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of these rows names the columns."""
    first, below = [cell.strip() for cell in rows[0]], rows[1:]
    if not below or rows[0] in below or first == [str(n) for n in range(len(first))]:
        return True  # a header that was copied along, or pandas' numbers
    columns = [[row[i].strip() for row in below if i < len(row) and row[i].strip()] for i in range(len(first))]
    for name, values in zip(first, columns, strict=True):
        if values and not _is_plain(name) and sum(map(_is_plain, values)) > 0.8 * len(values):
            return True  # a word above numbers
    return not any(_is_value(name, values) for name, values in zip(first, columns, strict=True))


def _is_plain(value: str) -> bool:
    return bool(_NUMBER.fullmatch(value) or _DATE.fullmatch(value))


def _is_value(name: str, values: Sequence[str]) -> bool:
    """Whether a first cell is a value itself: a number, a link, a sentence, or what comes again below."""
    if not name:
        return False
    words = len(name.split())
    return (
        _is_plain(name)
        or bool(_URL.fullmatch(name))
        or name in values
        or len(name) > 80
        or words > 8
        or (words > 3 and name[-1] in ".?!")
    )
