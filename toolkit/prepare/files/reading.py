"""Read a file of unknown format as a table of texts, with a note on each guess and repair."""

from __future__ import annotations

import difflib
import json
import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from toolkit.prepare.files.decoding import Text, decode, plural
from toolkit.prepare.files.delimited import Sample, dialect, read_delimited, table_of_rows
from toolkit.prepare.files.formats import read_json, read_jsonl, read_lines, read_parquet, read_sheet
from toolkit.prepare.files.kinds import BINARY, BLANK, SHEETS, kind_of
from toolkit.storage import digest_file, digest_texts

_TEXTS = (".txt", ".md")  # files of a folder that are read
_TABS = ("tab", "\\t")  # ways to type a tab in a shell
# Which formats an option is for, and their name in a message.
_OPTIONS = {
    "sheet": (SHEETS, "spreadsheets"),
    "encoding": (("csv", "tsv", "jsonl", "json", "txt"), "text files"),
    "separator": (("csv", "tsv"), "csv and other delimited files"),
}


@dataclass(frozen=True)
class FileTable:
    """A file read as a table.

    Attributes
    ----------
    name : str
        Name of the file or folder, without its path.
    data : DataFrame
        All columns are texts; missing values are NaN.
    format : str
        ``csv tsv jsonl json parquet xlsx xls ods txt`` or ``folder``.
    encoding : str or None
        None for formats that have only one, and for folders.
    separator : str or None
        Field separator of a csv or tsv file; None if there is a single column.
    notes : list of str
        What was guessed, repaired or left out.
    digest : str
        SHA-256 of the bytes; for a folder, of the names and digests of its files.
    rows : int
        Rows that were read; `data` has fewer where a sample of them was requested.
    """

    name: str
    data: pd.DataFrame
    format: str
    encoding: str | None
    separator: str | None
    notes: list[str]
    digest: str
    rows: int

    def _repr_html_(self) -> str:
        from markupsafe import escape

        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return f"<p>{escape(self.name)}: {len(self.data):,} rows</p>{notes}" + self.data.head().to_html(index=False)


def read(
    path: str | Path,
    *,
    sample: int | None = None,
    sheet: str | None = None,
    encoding: str | None = None,
    separator: str | None = None,
) -> FileTable:
    r"""Read a file, or a folder of .txt and .md files, as a table of texts.

    The format is detected from the first bytes and the suffix; encoding, separator and header from the content, unless
    they are given. Rows of the wrong length are left out or padded, and a note names each guess and each repair.
    Everything is read as text, so that ids keep their leading zeros, and only empty cells count as missing: NA, None
    and null are words.

    Parameters
    ----------
    path : str or Path
        csv, tsv, jsonl, json, txt (these also as .gz, .bz2, .xz, or as the only file in a .zip), parquet, xlsx, xls,
        ods, or a folder.
    sample : int, optional
        Number of rows to keep, drawn at random from all (seed 0), in their order. For csv, tsv, jsonl, txt and parquet,
        memory then holds little more than these; json and spreadsheets are held as a whole.
    sheet : str, optional
        Name of the sheet of a spreadsheet; by default the first one with rows.
    encoding : str, optional
        For text files, such as ``"cp1252"``; detected if None. Characters that it lacks are replaced and counted.
    separator : str, optional
        The character between the fields of a delimited file; ``"tab"`` is a tab; detected by default.

    Raises
    ------
    FileNotFoundError
        There is no such file; the message suggests similar names.
    PermissionError
        The file cannot be opened.
    ValueError
        The file is empty, damaged, not a text file, or changed while it was read, or an option does not apply; the
        message says what to do.
    ImportError
        The reader of spreadsheets is missing.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "tickets.csv"
    >>> _ = file.write_text("id;subject\n007;No sound\n008;Blue screen, again\n")
    >>> table = read(file)
    >>> table.separator, table.data["id"].tolist()
    (';', ['007', '008'])
    """
    if not isinstance(path, (str, Path)):
        raise ValueError(f"expected the path of a file or folder, got {type(path).__name__}: prepare.load takes tables")
    path = Path(path).expanduser()
    if sample is not None and sample < 1:
        raise ValueError(f"expected a sample of at least 1, got {sample}")
    separator = "\t" if separator in _TABS else separator
    if separator is not None and (len(separator) != 1 or separator in '"\r\n'):
        raise ValueError(f"expected a separator of one character, such as ';' or 'tab', got {separator!r}")
    try:
        if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises for a text in place of a path, too long for a name
            raise FileNotFoundError(_not_there(path))
        if path.is_dir():
            _reject_options(path.name, "folder", sheet=sheet, separator=separator)
            return _read_folder(path, Sample(sample), encoding)
        return _read_file(path, Sample(sample), sheet, encoding, separator)
    except PermissionError as error:
        raise PermissionError(
            f"you do not have permission to read {error.filename or path}: change its permissions"
        ) from error


def _not_there(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"there is no file {path}: there is no folder {folder} (relative names start from {Path.cwd()})"
    names = {name.name.lower(): name.name for name in folder.iterdir()}
    near = difflib.get_close_matches(path.name.lower(), list(names), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(names[name] for name in near)}?" if near else "check the spelling"
    return f"there is no file {path.name} in {folder.resolve()}: {hint}"


def _reject_options(name: str, kind: str, **options: str | None) -> None:
    """Raise if options are given that do not apply to this kind of file."""
    for option, value in options.items():
        kinds, files = _OPTIONS[option]
        if value is not None and kind not in kinds:
            raise ValueError(f"{option}={value!r} is for {files}, and {name} is read as {kind}: leave it out")


def _read_file(path: Path, sample: Sample, sheet: str | None, encoding: str | None, separator: str | None) -> FileTable:
    notes: list[str] = []
    before = path.stat()
    kind = kind_of(path, notes)
    if separator is not None and kind in (None, "txt"):
        kind = "csv"
    if kind in BINARY:
        _reject_options(path.name, kind, sheet=sheet, encoding=encoding, separator=separator)
        frame = read_parquet(path, notes, sample) if kind == "parquet" else read_sheet(path, notes, sample, sheet)
    else:
        text = decode(path, notes, encoding)
        encoding = text.encoding
        if kind is None:
            kind = _sniff(text)
            notes.append(f"the suffix of {path.name} is unknown: read as {kind}")
        _reject_options(path.name, kind, sheet=sheet, separator=separator)
        if kind in ("csv", "tsv"):
            frame, separator = read_delimited(text, notes, sample, separator)
        else:
            frame = {"txt": read_lines, "jsonl": read_jsonl, "json": read_json}[kind](text, notes, sample)
        notes += text.repairs()
    digest = digest_file(path)
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ValueError(f"{path.name} changed while it was read: wait until writing has finished, then start again")
    if frame.empty:
        held = f"only a header ({', '.join(map(str, frame.columns))})" if len(frame.columns) else "nothing"
        raise ValueError(f"{path.name} holds {held} and no rows of data")
    return FileTable(path.name, frame, kind, encoding, separator, notes, digest, sample.seen)


def _sniff(text: Text) -> str:
    """Detect the format of a text file with an unknown suffix."""
    lines = [line for line in text.sample().splitlines() if line.strip()]
    if lines[0].lstrip()[0] in "{[":
        with suppress(ValueError, RecursionError):
            return "jsonl" if isinstance(json.loads(lines[0]), dict) and len(lines) > 1 else "json"
        return "json"
    return "csv" if dialect(text.sample())[0] else "txt"


def _read_folder(path: Path, sample: Sample, encoding: str | None) -> FileTable:
    files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    wanted = [file for file in files if file.suffix.lower() in _TEXTS]
    if not wanted:
        held = ", ".join(file.name for file in files[:5]) or "nothing"
        raise ValueError(f"the folder {path.name} has no .txt or .md files (it holds {held}): name a single file")
    rows, digests, notes = [], [], []
    for file in wanted:
        if file.read_bytes().strip(BLANK):
            name, its_notes = file.relative_to(path).as_posix(), list[str]()
            text = decode(file, its_notes, encoding)
            rows.append((name, "".join(text.lines()).replace("\r\n", "\n").strip()))
            digests.append(f"{name}\t{digest_file(file)}")
            notes += [f"{name}: {note}" for note in (*its_notes, *text.repairs())]
    if not rows:
        raise ValueError(f"the {len(wanted)} text files in the folder {path.name} are all empty")
    if left_out := Counter(file.suffix.lower() or file.name for file in files if file.suffix.lower() not in _TEXTS):
        kinds = ", ".join(f"{suffix} {n}" for suffix, n in left_out.most_common(5))
        notes.append(f"{plural(sum(left_out.values()), 'other file')} in the folder left out ({kinds})")
    if empty := len(wanted) - len(rows):
        notes.append(f"{plural(empty, 'empty file')} left out")
    frame = table_of_rows(rows, ["name", "text"], sample)
    return FileTable(path.resolve().name, frame, "folder", None, None, notes, digest_texts(digests), sample.seen)
