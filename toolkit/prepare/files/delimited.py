"""Read delimited files (csv, tsv), and build tables with named columns from rows of text."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, count, islice, product
from typing import Any

import numpy as np
import pandas as pd

from toolkit.prepare.files.decoding import Text, plural

Quoting = dict[str, Any]  # options of csv.reader

BATCH = 20_000  # rows that are converted to a table at a time
_SEPARATORS = (",", ";", "\t", "|")
_NO_SEPARATOR = "\x1f"  # the unit separator, a control character that does not occur in texts
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")  # JSON may contain one as an escape
_NUMBER = re.compile(r"[-+]?[$€£]?\s?\d[\d.,' ]*\s?[%$€£]?")
_DATE = re.compile(r"\d{4}-\d\d?-\d\d?([T ].*)?|\d\d?[./-]\d\d?[./-](\d{4}|\d\d)([ ,].*)?")
_URL = re.compile(r"(https?://|www\.)\S+", re.IGNORECASE)


class Sample:
    """A random sample of the rows of a file, in their order, the same in every run; ``size=None`` keeps all rows.

    Each row draws a number, and those with the smallest are kept, so that memory holds little more than the sample
    however long the file is (a reservoir: P. Efraimidis and P. Spirakis, 2006, with equal weights).
    """

    def __init__(self, size: int | None = None) -> None:
        self.size = size
        self.restart()

    def restart(self) -> None:
        """Discard all rows, so that a file can be read again in another way."""
        self.seen = 0
        self.parts: list[pd.DataFrame] = []  # in a sample, the index holds the draw of each row
        self._highest = 1.0  # largest draw that can still be among the smallest
        self._random = np.random.default_rng(0)

    def select(self, rows: Sequence[Any]) -> Sequence[Any]:
        """Select those of the next rows that may be kept; `add` them as a table afterwards."""
        self.seen += len(rows)
        if self.size is None:
            return rows
        draws = self._random.random(len(rows))
        self._draws = draws[draws <= self._highest]
        return [rows[number] for number in np.flatnonzero(draws <= self._highest).tolist()]

    def add(self, part: pd.DataFrame) -> None:
        """Add the rows that `select` chose."""
        self.parts.append(part if self.size is None else part.set_axis(self._draws))
        if self.size is not None and sum(map(len, self.parts)) > max(2 * self.size, BATCH):
            self.result()

    def result(self) -> list[pd.DataFrame]:
        """Return the rows that are kept, as parts of a table."""
        if self.size is not None and sum(map(len, self.parts)) > self.size:
            rows = pd.concat(self.parts)
            self._highest = float(np.partition(rows.index, self.size - 1)[self.size - 1])
            self.parts = [rows[rows.index <= self._highest]]
        return self.parts


class TableBuilder:
    """Build a table of texts from rows that arrive one by one; memory holds little more than the texts."""

    def __init__(self, sample: Sample, columns: Iterable[str] = ()) -> None:
        self.sample, self.columns = sample, list(columns)
        self.notes: defaultdict[str, set[str]] = defaultdict(set)  # a sentence, and the columns it is about
        sample.restart()

    def add_records(self, records: Iterable[dict[str, Any]]) -> None:
        """Add dictionaries; the columns are all keys in the order in which they first came."""
        for batch in _batches(records):
            self.columns += [key for key in dict.fromkeys(chain.from_iterable(batch)) if key not in self.columns]
            kept = self.sample.select(batch)
            texts = {column: [self.cell(column, record.get(column)) for record in kept] for column in self.columns}
            self.sample.add(pd.DataFrame(texts, index=range(len(kept)), dtype="str"))

    def cell(self, column: str, value: Any) -> str | None:
        """Convert a value to text, None for a missing one."""
        if isinstance(value, str):
            if not value.isascii() and _LONE_SURROGATE.search(value):
                self.notes["lone surrogates (halves of characters) in {} became \ufffd"].add(column)
                value = _LONE_SURROGATE.sub("\ufffd", value)
            return str(value).replace("\x00", "")
        if value is None or (isinstance(value, float) and value != value):
            return None
        if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
            self.notes["lists in {} were joined, one item per line"].add(column)
            return "\n".join(value)
        if isinstance(value, (list, dict)):
            self.notes["nested values in {} were kept as JSON"].add(column)
            return json.dumps(value, ensure_ascii=False, default=str) if value else None
        return str(value).lower() if isinstance(value, bool) else str(value)

    def table(self, notes: list[str]) -> pd.DataFrame:
        """Return all rows as one table with distinct names of columns; empty cells are missing."""
        notes += [note.format(quoted(columns)) for note, columns in self.notes.items()]
        parts = [part.reindex(columns=self.columns) for part in self.sample.result()]
        frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=self.columns, dtype="str")
        frame.columns = pd.Index(distinct_names(self.columns))
        for column in frame.columns:
            frame[column] = frame[column].astype("str").mask(frame[column] == "")
        return frame


def table_of_rows(rows: Iterable[Sequence[str]], names: Sequence[str], sample: Sample) -> pd.DataFrame:
    """Convert rows of texts to a table under their names, which may be empty or repeat."""
    builder = TableBuilder(sample, distinct_names(names))
    for batch in _batches(rows):
        sample.add(pd.DataFrame(sample.select(batch), columns=builder.columns, dtype="str"))
    return builder.table([])


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    rows = iter(rows)
    while batch := list(islice(rows, BATCH)):
        yield batch


def header(rows: Sequence[Sequence[str]], notes: list[str]) -> Sequence[str]:
    """Return the first row if it is a header; otherwise return nothing and add a note."""
    first, below = [cell.strip() for cell in rows[0]], rows[1:]
    if not below or rows[0] in below or first == [str(n) for n in range(len(first))]:
        return rows[0]  # a repeated header, or column numbers written by pandas
    columns = [[row[i].strip() for row in below if i < len(row) and row[i].strip()] for i in range(len(first))]
    for name, values in zip(first, columns, strict=True):
        if values and not _is_number_or_date(name) and sum(map(_is_number_or_date, values)) > 0.8 * len(values):
            return rows[0]  # a word above a column of numbers
    if not any(_is_value(name, values) for name, values in zip(first, columns, strict=True)):
        return rows[0]
    notes.append(f"the first row looks like data, not a header: the columns are column_1 to column_{len(rows[0])}")
    return []


def _is_number_or_date(value: str) -> bool:
    return bool(_NUMBER.fullmatch(value) or _DATE.fullmatch(value))


def _is_value(name: str, values: Sequence[str]) -> bool:
    """Return whether a first cell is a value: a number, a link, a sentence, or one that occurs again below."""
    words = len(name.split())
    is_sentence = len(name) > 80 or words > 8 or (words > 3 and name[-1] in ".?!")
    return bool(name) and (_is_number_or_date(name) or bool(_URL.fullmatch(name)) or name in values or is_sentence)


def distinct_names(raw: Sequence[Any]) -> list[str]:
    """Make column names distinct, and fill in empty ones.

    Examples
    --------
    >>> distinct_names([" text ", "", "text"])
    ['text', 'column_2', 'text_2']
    """
    names: list[str] = []
    for number, value in enumerate(raw, 1):
        name = "" if value is None or value != value else " ".join(str(value).lstrip("\ufeff").split())
        base = name or f"column_{number}"
        candidates = chain([base], (f"{base}_{copy}" for copy in count(2)))
        names.append(next(name for name in candidates if name not in names))
    return names


def quoted(columns: Iterable[str]) -> str:
    """Format column names for a note, sorted."""
    return ", ".join(f"`{column}`" for column in sorted(columns))


def read_delimited(
    text: Text, notes: list[str], sample: Sample, separator: str | None = None
) -> tuple[pd.DataFrame, str | None]:
    """Read a csv or tsv file, detecting separator and quoting and repairing ragged rows.

    Returns
    -------
    DataFrame
    str or None
        The separator; None where there is a single column.

    Raises
    ------
    ValueError
        Most rows do not have as many fields as the first, or the given `separator` does not occur.
    """
    found, quoting = dialect(text.sample(), (separator,) if separator else _SEPARATORS)
    if separator and not found:
        raise ValueError(f"{text.path.name}: {separator!r} is not in the first row: use another, or omit it")
    options: list[Quoting] = [quoting] if quoting else [{"strict": True}, {}, {"quoting": csv.QUOTE_NONE}]
    results: list[tuple[int, pd.DataFrame, list[str], int]] = []
    for option in options:
        try:
            results.append(_parse(text, found or _NO_SEPARATOR, option, sample))
        except csv.Error:
            continue  # unclosed or misplaced quotation marks: try other quoting
        if option.get("strict") or not results[-1][0]:
            break
    wrong, frame, its_notes, sample.seen = min(results, key=lambda result: result[0])
    if wrong > len(frame):
        raise ValueError(
            f"{text.path.name}: {wrong:,} rows do not have the {len(frame.columns)} fields of the first row "
            f"({', '.join(frame.columns)[:80]}): expected rows of equal length, or give the separator"
        )
    notes += its_notes
    return frame, found


def dialect(sample: str, separators: Sequence[str] = _SEPARATORS) -> tuple[str | None, Quoting]:
    r"""Find the separator and quoting with which most rows of a sample are as long as the first.

    Examples
    --------
    >>> dialect("id;text\n1;a, b\n2;c\n"), dialect("a text\nanother, longer one\n")
    ((';', {}), (None, {}))
    """
    quotings: list[Quoting] = [{}]
    quotings += [{"quoting": csv.QUOTE_NONE}] if '"' in sample else []
    quotings += [{"escapechar": "\\"}] if '\\"' in sample else []
    found: dict[tuple[float, int, int], tuple[str, Quoting]] = {}
    with _long_fields():
        for separator, (order, quoting) in product(separators, enumerate(quotings)):
            lines = io.StringIO(sample, newline="")
            rows = list(islice(filter(None, csv.reader(lines, delimiter=separator, **quoting)), 500))
            width = len(rows[0])
            rows = rows[:-1] if len(rows) > 2 else rows  # the sample may end within a row
            share = sum(len(row) == width for row in rows) / len(rows)
            # A header with the separator is no coincidence, unless few rows fit it.
            if width > 1 and share >= 0.5:
                found.setdefault((round(share, 2), -order, width), (separator, quoting))
    if found:
        return found[max(found)]
    if '"' not in sample:
        return None, {}
    # One column: texts in quotation marks that span lines are one field; marks within texts are literal.
    filled = [line.strip() for line in sample.splitlines() if line.strip()]
    begun, ended = sum(line.startswith('"') for line in filled), sum(line.endswith('"') for line in filled)
    return None, {} if begun and begun == ended else {"quoting": csv.QUOTE_NONE}


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _parse(text: Text, separator: str, quoting: Quoting, sample: Sample) -> tuple[int, pd.DataFrame, list[str], int]:
    """Parse the rows; return how many have the wrong length or seem swallowed, the table, notes and rows read."""
    short: list[int] = []
    long: list[int] = []
    notes: list[str] = []
    swallowed = 0

    def fitting() -> Iterator[list[str]]:
        nonlocal swallowed
        for number, row in chain(peeked[bool(names) :], rows):
            swallowed += 0 if quoting else _swallowed(row, separator)
            if len(row) > width and not any(row[width:]):
                row = row[:width]  # separators at the end of the line, as spreadsheets write them
            if len(row) != width:
                (short if len(row) < width else long).append(number)
            if len(row) <= width:
                yield row + [""] * (width - len(row))

    with _long_fields():
        rows = _numbered(csv.reader(text.lines(), delimiter=separator, **quoting))
        peeked = list(islice(rows, 200))
        if not peeked:
            return 0, pd.DataFrame(), [], 0  # only separators
        width = len(peeked[0][1])
        names = header([row for _, row in peeked], notes)
        frame = table_of_rows(fitting(), names or [""] * width, sample)
    for lines, how in ((short, "too few fields, filled up"), (long, "too many fields, left out")):
        if lines:
            notes.append(f"{plural(len(lines), 'row')} with {how} (first: line {lines[0]})")
    return len(short) + len(long) + swallowed, frame, notes, sample.seen


def _numbered(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Yield non-empty rows, with the line on which each starts."""
    before = 0
    for row in reader:
        if any(row):
            yield before + 1, row
        before = reader.line_num


def _swallowed(row: Sequence[str], separator: str) -> int:
    """Count rows swallowed by a field whose opening quotation mark is never closed."""
    lines = [line for cell in row for line in cell.split("\n")[1:] if line.strip()]
    fit = sum(line.count(separator) == len(row) - 1 for line in lines)
    return fit if fit >= 0.8 * len(lines) else 0
