"""Read real searches, from pasted lines or a file."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

MAX_QUERIES, MAX_CHARACTERS = 500, 500  # searches at a time, and characters per search
_NAMES = ("query", "search", "question", "text")  # accepted column headings


def queries_from(source: str | Path) -> dict[str, str]:
    r"""Read searches as ``{"s1": ..., "s2": ...}``, from pasted lines or a file.

    Parameters
    ----------
    source : str or Path
        One search per line, or the path of a ``.txt`` file with one search per line, or of a ``.csv`` or ``.tsv`` file
        with a column ``query``, ``search``, ``question`` or ``text``, or with a single column.

    Warns
    -----
    UserWarning
        When a search occurs more than once; it is taken once.

    Raises
    ------
    ValueError
        For no search, more than 500, or one of more than 500 characters (the message names its line).

    Examples
    --------
    >>> queries_from("rolling median\n\n  drop duplicates ")
    {'s1': 'rolling median', 's2': 'drop duplicates'}
    """
    found: Counter[str] = Counter()
    for line, text in _numbered(source):
        text = text.strip()
        if len(text) > MAX_CHARACTERS:
            got = f"line {line} has {len(text):,} characters ({text[:40]!r} ...)"
            raise ValueError(f"{got}: expected one per line, of at most {MAX_CHARACTERS}")
        if text:
            found[text] += 1
    if not 1 <= len(found) <= MAX_QUERIES:
        raise ValueError(f"expected 1 to {MAX_QUERIES} searches, one per line, got {len(found):,}")
    if repeated := found.total() - len(found):
        warnings.warn(f"{repeated} repeated searches were left out: each is judged once", UserWarning, stacklevel=2)
    return {f"s{number}": text for number, text in enumerate(found, 1)}


def _numbered(source: str | Path) -> Iterable[tuple[int, str]]:
    """Number the lines or rows that `queries_from` takes."""
    if isinstance(source, str) and not re.fullmatch(r"\s*\S.*\.(txt|csv|tsv)\s*", source, re.IGNORECASE):
        return enumerate(source.splitlines(), 1)
    path = Path(str(source).strip()).expanduser()
    if not path.is_file():
        raise FileNotFoundError(f"there is no file {str(path)!r}: expected a .txt or .csv file, or one search per line")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 text ({error}): save it as UTF-8") from error
    suffix = path.suffix.lower()
    if suffix not in (".csv", ".tsv"):
        return enumerate(text.splitlines(), 1)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t" if suffix == ".tsv" else ",")
    rows = [(reader.line_num, row) for row in reader if row]
    head = [name.strip().casefold() for name in rows[0][1]] if rows else []
    column = next((head.index(name) for name in _NAMES if name in head), None)
    if column is not None:
        return [(line, row[column]) for line, row in rows[1:] if len(row) > column]
    if any(len(row) > 1 for _, row in rows):
        raise ValueError(f"{path} has the columns {', '.join(rows[0][1])}: rename the one with the searches to 'query'")
    return [(line, row[0]) for line, row in rows]
