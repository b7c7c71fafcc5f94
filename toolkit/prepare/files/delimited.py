"""Tables of fields with a separator (csv, tsv): separator and quotation marks are found out, ragged rows repaired."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from typing import Any

import pandas as pd

from toolkit.prepare.files.decoding import Text
from toolkit.prepare.files.rows import Sample, counted, header, table

Quoting = dict[str, Any]  # options of csv.reader

_SEPARATORS = (",", ";", "\t", "|")
_NONE = "\x1f"  # a control character that separates units: in no file that people write


def read_delimited(text: Text, limit: int | None, notes: list[str], sample: Sample) -> tuple[pd.DataFrame, str | None]:
    """The table, and its separator; None where there is but one column."""
    separator, quoting = dialect(text.sample())
    options: list[Quoting] = [quoting] if quoting else [{"strict": True}, {}, {"quoting": csv.QUOTE_NONE}]
    best: tuple[int, pd.DataFrame, list[str], int] | None = None
    for option in options:
        its_notes: list[str] = []
        try:
            frame, wrong = _parsed(text, separator or _NONE, option, limit, its_notes, sample)
        except csv.Error:
            continue  # quotation marks that are not closed, or not where a field ends: choose how to read them
        if best is None or wrong < best[0]:
            best = wrong, frame, its_notes, sample.seen
        if option.get("strict") or not wrong:
            break
    assert best is not None
    wrong, frame, its_notes, sample.seen = best
    if wrong > len(frame):
        raise ValueError(
            f"{text.path.name}: {wrong:,} rows do not have the {len(frame.columns)} fields of the first row "
            f"({', '.join(frame.columns)[:80]}): expected rows of equal length, separated by one of , ; tab |"
        )
    notes += its_notes
    return frame, separator


def dialect(sample: str) -> tuple[str | None, Quoting]:
    r"""Separator and quoting with which most rows of a sample are as long as the first.

    Examples
    --------
    >>> dialect("id;text\n1;a, b\n2;c\n"), dialect("a text\nanother, longer one\n")
    ((';', {}), (None, {}))
    """
    found: list[tuple[tuple[float, int, int], str, Quoting]] = []
    quotings: list[Quoting] = [{}]
    if '"' in sample:
        quotings.append({"quoting": csv.QUOTE_NONE})
    if '\\"' in sample:
        quotings.append({"escapechar": "\\"})
    with _long_fields():
        for separator in _SEPARATORS:
            for order, quoting in enumerate(quotings):
                lines = io.StringIO(sample, newline="")
                rows = list(islice((r for r in csv.reader(lines, delimiter=separator, **quoting) if r), 500))
                width = len(rows[0])
                rows = rows[:-1] if len(rows) > 2 else rows  # the sample may end within a row
                share = sum(len(row) == width for row in rows) / len(rows)
                # A header that holds the separator is no accident; with few rows that fit it may be.
                if width > 1 and share >= 0.5:
                    found.append(((round(share, 2), -order, width), separator, quoting))
    if found:
        return max(found, key=lambda one: one[0])[1:]
    return None, _quoting_of_one_column(sample) if '"' in sample else {}


def _quoting_of_one_column(sample: str) -> Quoting:
    """Texts in quotation marks that span lines are one field; marks within texts are only marks."""
    rows = [line for line in sample.splitlines() if line.strip()]
    begun = sum(line.lstrip().startswith('"') for line in rows)
    ended = sum(line.rstrip().endswith('"') for line in rows)
    return {} if begun and begun == ended else {"quoting": csv.QUOTE_NONE}


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _parsed(
    text: Text, separator: str, quoting: Quoting, limit: int | None, notes: list[str], sample: Sample
) -> tuple[pd.DataFrame, int]:
    """The table, and how many rows are shorter or longer than the first, or seem to be swallowed by a field."""
    short: list[int] = []
    long: list[int] = []
    swallowed = 0
    with _long_fields():
        numbered = _numbered(csv.reader(text.lines(), delimiter=separator, **quoting))
        peeked = list(islice(numbered, 200))
        if not peeked:
            return pd.DataFrame(), 0  # separators alone
        width = len(peeked[0][1])
        names = header([row for _, row in peeked], notes)

        def fitting() -> Iterator[list[str]]:
            nonlocal swallowed
            for number, row in chain(peeked[1:] if names else peeked, numbered):
                swallowed += 0 if quoting else _swallowed(row, separator)
                if len(row) > width and not any(row[width:]):
                    row = row[:width]  # separators at the end of the line, as spreadsheets write them
                if len(row) != width:
                    (short if len(row) < width else long).append(number)
                if len(row) <= width:
                    yield row + [""] * (width - len(row))

        frame = table(islice(fitting(), limit), names or [""] * width, sample)
    if short:
        notes.append(f"{counted(len(short), 'row')} with too few fields, filled up (first: line {short[0]})")
    if long:
        notes.append(f"{counted(len(long), 'row')} with too many fields, left out (first: line {long[0]})")
    return frame, len(short) + len(long) + swallowed


def _swallowed(row: Sequence[str], separator: str) -> int:
    """How many rows a field has taken in that begins with a quotation mark and never ends."""
    lines = [line for cell in row for line in cell.split("\n")[1:] if line.strip()]
    fit = sum(line.count(separator) == len(row) - 1 for line in lines)
    return fit if fit >= 0.8 * len(lines) else 0


def _numbered(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold something, with the line on which each starts."""
    before = 0
    for row in reader:
        if any(row):
            yield before + 1, row
        before = reader.line_num
