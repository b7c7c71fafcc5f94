"""Convert and check column values: texts and their normal form, numbers, times, group labels."""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections.abc import Hashable, Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.vectors.keywords import UNSPACED

# Accents and vowel signs belong to the letter before them. In scripts without spaces (Thai, Lao, Burmese, Khmer, kana,
# Chinese) each character counts as a word; otherwise a sentence would be one word, and no two would be near-copies.
_MARKS = "".join(chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code))[0] == "M")
_WORDS = re.compile(rf"(?=[^\W_])(?:[{UNSPACED}][{_MARKS}]*|[^\W_{UNSPACED}](?:[^\W_{UNSPACED}]|[{_MARKS}])*)")
HINT = "convert them, or choose another column"
_ASCII = {code: " " for code in range(128) if not chr(code).isalnum()}


def normal(text: str) -> str:
    """Reduce a text to its lower-case words: texts that differ only in case, spaces and punctuation become equal.

    Examples
    --------
    >>> normal("Rolling  median, of a Series.")
    'rolling median of a series'
    """
    if text.isascii():  # the same result, ten times as fast
        return " ".join(text.lower().translate(_ASCII).split()) or text.strip()
    return " ".join(_WORDS.findall(unicodedata.normalize("NFC", text.casefold()))) or text.strip()


def shingles(text: str) -> set[str]:
    """Return the words of a text and its pairs of neighbouring words."""
    words = normal(text).split()
    return {*words, *(f"{a} {b}" for a, b in pairwise(words))}


def distinct(texts: Iterable[str]) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Number texts by their normal form.

    Returns
    -------
    list of str
        The distinct normal forms, in order of first appearance.
    array of shape (texts,), int64
        For each text, the number of its normal form.
    array of shape (distinct,), int64
        For each normal form, the position of the first text that has it.

    Examples
    --------
    >>> keys, number_of, first = distinct(["A file", "b", "a file!"])
    >>> keys, number_of.tolist(), first.tolist()
    (['a file', 'b'], [0, 1, 0], [0, 1])
    """
    numbers: dict[str, int] = {}
    number_of = np.array([numbers.setdefault(normal(text), len(numbers)) for text in texts], dtype=np.int64)
    first = np.unique(number_of, return_index=True)[1]  # numbers follow the order of first appearance
    return list(numbers), number_of, first.astype(np.int64)


def require(values: pd.Series, usable: pd.Series, what: str, hint: str = HINT, *, of: str = "") -> None:
    """Raise if some values of a column are not usable; the message counts them and names the first row.

    Parameters
    ----------
    values : Series
        With the column's name.
    usable : Series of bool
    what : str
        What the column should hold, such as ``"number"``.
    hint : str
        What to do.
    of : str
        Where the column is, such as ``" of the training data"``.

    Raises
    ------
    ValueError
    """
    wrong = values[~usable.astype(bool)].astype(object)
    if len(wrong):
        some = f"{len(wrong):,} of {len(values):,} rows (first: row {wrong.index[0]}, {wrong.iloc[0]!r:.40})"
        raise ValueError(f"column {values.name!r}{of} holds no {what} in {some}: {hint}")


def require_texts(values: pd.Series, hint: str = HINT, *, missing: bool = False) -> None:
    """Raise if a column holds anything but texts; with `missing`, missing values are allowed."""
    texts = values.map(lambda value: isinstance(value, str)).astype(bool)
    require(values, texts | values.isna() if missing else texts, "text", hint)


def numbers(values: pd.Series, *, missing: bool = False) -> pd.Series:
    """Convert a column to finite floating-point numbers.

    Parameters
    ----------
    values : Series
        With the column's name.
    missing : bool
        Allow missing values, as NaN.

    Raises
    ------
    ValueError
        When a value is not a finite number; the message names the first row.

    Examples
    --------
    >>> numbers(pd.Series(["4.5", 1], name="score")).tolist()
    [4.5, 1.0]
    """
    values = values.astype(object)
    found = pd.to_numeric(values, errors="coerce").astype(float)
    empty = values.isna() | values.map(lambda value: isinstance(value, str) and not value.strip())
    require(values, (found.abs() < float("inf")) | (empty & missing), "number")
    return found


def times(values: Sequence[Any], *, name: str = "time") -> NDArray[np.float64]:
    """Convert dates or numbers to numbers that increase with time.

    Parameters
    ----------
    values : sequence
        Dates in any common format; day first if the values do not parse month first.
    name : str
        Of the column, for messages.

    Returns
    -------
    array of shape (values,), float64
        Numbers unchanged; for dates, seconds since 1970 (UTC).

    Raises
    ------
    ValueError
        If a value is neither; the message names it and its row.

    Examples
    --------
    >>> times(["2026-03-01", "2025-12-24"]).argsort().tolist()
    [1, 0]
    """
    series = pd.Series(list(values), dtype=object, name=name)
    found = pd.to_numeric(series, errors="coerce")
    if found.notna().all():
        return found.to_numpy(dtype=np.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pandas warns that it parses each value separately, which is intended
        parsed = [pd.to_datetime(series, errors="coerce", utc=True, dayfirst=first) for first in (False, True)]
    dates = min(parsed, key=lambda dates: int(dates.isna().sum()))
    require(series, dates.notna(), "date or number", "use one format throughout, preferably 2026-03-31")
    seconds = (dates - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    return np.asarray(seconds, dtype=np.float64)


def labels_in(values: Iterable[object]) -> list[object]:
    """Return group labels, with None for every kind of missing value.

    Examples
    --------
    >>> labels_in(["a", 2, None, float("nan"), pd.NA])
    ['a', 2, None, None, None]
    """
    labels: list[Any] = [*values]
    labels = [None if pd.api.types.is_scalar(value) and pd.isna(value) else value for value in labels]
    for row, label in enumerate(labels):
        if not isinstance(label, Hashable):
            raise ValueError(f"row {row} has the group {label!r:.60}: expected a text or a number, not a list")
    return labels
