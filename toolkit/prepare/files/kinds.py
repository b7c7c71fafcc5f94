"""Detect the kind of a file from its first bytes and its suffix."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

FORMATS = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json",
           ".parquet": "parquet", ".pq": "parquet", ".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xls", ".ods": "ods",
           ".txt": "txt", ".text": "txt", ".md": "txt"}  # fmt: skip
OPENERS: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
SHEETS = ("xlsx", "xls", "ods")
BINARY = ("parquet", *SHEETS)
READABLE = "csv, tsv, jsonl, json, parquet, xlsx, xls, ods, txt, one of the text files as .gz, or a folder of .txt"
BLANK = b"\xef\xbb\xbf\xff\xfe\r\n\t "  # byte order marks and white space
# First bytes of files that are not read, and what to do with them.
_PICTURE = "a picture: give the texts themselves, as .csv or .txt"
_PICKLE = "a Python pickle, which can run code when it is opened: save the table as .parquet or .csv"
_UNSUPPORTED = {
    b"%PDF": "a PDF document: export its text to .txt, or its tables to .csv",
    b"\x89PNG": _PICTURE,
    b"\xff\xd8\xff": _PICTURE,
    b"GIF8": _PICTURE,
    b"SQLite format 3": "an SQLite database: export one table to .csv",
    b"ARROW1": "an Arrow file: save it as .parquet",
    b"\x89HDF": "an HDF5 file: save its table as .csv or .parquet",
    b"\x93NUMPY": "a NumPy array: give the texts themselves, as .csv or .txt",
    **{bytes([0x80, protocol]): _PICKLE for protocol in range(2, 6)},
}


def suffixes(path: Path) -> tuple[str, str]:
    """Return the suffix of a file and its compression suffix (or ""), in lower case.

    Examples
    --------
    >>> suffixes(Path("Tickets.CSV.gz")), suffixes(Path("v1.2.txt"))
    (('.csv', '.gz'), ('.txt', ''))
    """
    inner, outer = ["", "", *map(str.lower, path.suffixes)][-2:]
    return (inner, outer) if outer in (*OPENERS, ".zip") else (outer, "")


def kind_of(path: Path, notes: list[str]) -> str | None:
    """Find the format of a file by its first bytes, then by its suffix.

    Returns
    -------
    str or None
        None for a text file whose suffix is unknown.

    Raises
    ------
    ValueError
        The file is empty, broken, protected by a password, or of an unsupported kind.
    """
    suffix, packed = suffixes(path)
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.strip(BLANK):
        raise ValueError(f"{path.name} is empty ({path.stat().st_size} bytes): expected {READABLE}")
    refused = next((what for start, what in _UNSUPPORTED.items() if head.startswith(start)), None)
    if refused or suffix in (".pkl", ".pickle", ".joblib"):
        raise ValueError(f"{path.name} is {refused or _PICKLE}")
    kind = FORMATS.get(suffix)
    if packed:
        if kind in BINARY:
            raise ValueError(f"{path.name}: a compressed {kind} file cannot be read, decompress it first")
        return kind
    found = "parquet" if head.startswith(b"PAR1") else _office(path, head)
    if found:
        if kind != found:
            notes.append(f"{path.name} is a {found} file despite its suffix: read as {found}")
        return found
    if kind in BINARY:
        page = re.match(rb"\s*<(!doctype )?(html|table|\?xml)", head, re.IGNORECASE)
        what = f"a web page with the suffix of a {kind} file" if page else f"not a {kind} file, or it is broken"
        raise ValueError(f"{path.name} is {what}: save it again, preferably as .csv")
    if is_binary(head):
        raise ValueError(f"{path.name} is not a text file: expected {READABLE}")
    return kind


def is_binary(head: bytes) -> bool:
    """Return whether the first bytes of a file are not text in any encoding."""
    mostly_nul = head.count(b"\x00") > 0.7 * len(head)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return mostly_nul  # any byte may occur in UTF-16
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b\x00" for byte in head)
    return control > 0.05 * len(head) or mostly_nul


def _office(path: Path, head: bytes) -> str | None:
    """Return the kind of a spreadsheet; None if it is no Office document. Raise for other documents."""
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
            raise ValueError(f"{path.name} is protected by a password: save it without one, or as .csv")
        if path.suffix.lower() not in (".xls", ".xlsx"):
            raise ValueError(f"{path.name} is an old Office document: save it as .csv, .xlsx or .txt")
        return "xls"
    if not head.startswith(b"PK\x03\x04"):
        return None
    try:
        names = zipfile.ZipFile(path).namelist()
    except zipfile.BadZipFile as error:
        raise ValueError(f"{path.name} is broken ({error}): save or download it again") from error
    if any(name.startswith("xl/") for name in names):
        return "xlsx"
    if path.suffix.lower() == ".ods":
        return "ods"
    what = "a Word document" if "word/document.xml" in names else "a zip archive or an Office document"
    raise ValueError(f"{path.name} is {what}: save its text as .txt, or its table as .csv or .xlsx")
