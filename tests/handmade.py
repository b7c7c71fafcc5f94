"""Files made by hand, for the tests of reading them."""

from __future__ import annotations

import csv
from pathlib import Path

from toolkit.prepare.files.reading import read


def write(path: Path, rows: list, encoding: str = "utf-8", **options) -> Path:
    """Rows by the csv module."""
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, **options).writerows(rows)
    return path


def save(path: Path, data: bytes | str) -> Path:
    """Bytes, or a text as UTF-8."""
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def rows_of(path: Path) -> list:
    """What is read: the header and the rows, with empty texts where something is missing."""
    frame = read(path).data.fillna("")
    return [list(frame.columns), *frame.to_numpy().tolist()]
