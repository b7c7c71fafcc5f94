"""Read a stranger's file as a table of texts, and say what had to be guessed or repaired."""

from __future__ import annotations

import bz2
import codecs
import csv
import difflib
import gzip
import io
import json
import lzma
import re
import sys
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import pandas as pd

from toolkit.runs import digest_file, digest_texts

SEPARATORS = (",", ";", "\t", "|")
NO_SEPARATOR = "\x1f"  # a control character that separates units: in no file that people write
FORMATS = {".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".json": "json",
           ".parquet": "parquet", ".pq": "parquet", ".xlsx": "xlsx", ".xlsm": "xlsx", ".xls": "xls", ".ods": "ods",
           ".txt": "txt", ".text": "txt", ".md": "txt"}  # fmt: skip
PACKED: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
READABLE = "csv, tsv, jsonl, json, parquet, xlsx, xls, ods, txt, one of the text files as .gz, or a folder of .txt"
BINARY = ("parquet", "xlsx", "xls", "ods")
BLANK = b"\xef\xbb\xbf\xff\xfe\r\n\t "  # marks of encodings and white space
# First bytes of files that are no text, and what to do with them.
REFUSED = (
    (b"%PDF", "a PDF document: export its text to .txt, or its tables to .csv"),
    (b"\x89PNG", "a picture: give the texts themselves, as .csv or .txt"),
    (b"\xff\xd8\xff", "a picture: give the texts themselves, as .csv or .txt"),
    (b"GIF8", "a picture: give the texts themselves, as .csv or .txt"),
    (b"SQLite format 3", "an SQLite database: export one table to .csv"),
    (b"ARROW1", "an Arrow file: save it as .parquet"),
    (b"\x89HDF", "an HDF5 file: save its table as .csv or .parquet"),
    (b"\x93NUMPY", "a NumPy array: give the texts themselves, as .csv or .txt"),
    *((bytes([0x80, n]), "a Python pickle, which can run code when it is opened: save the table as .parquet or .csv")
      for n in range(2, 6)),
)  # fmt: skip
# Letters and signs of Western European texts: where cp1252 gives only these it is right, and a guess is often wrong.
WESTERN = set("àâäáãåæçèéêëìíîïñòóôöõøœùúûüýÿßÀÂÄÁÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖÕØŒÙÚÛÜÝ„“”‘’–—…€«»¿¡°§©®™•·´£ºª½¼²\u00a0")
ENCODINGS = ["cp1252", "cp1251", "cp932", "gb18030", "cp1250", "cp949", "big5", "euc_jp", "cp1253", "cp1254",
             "cp1255", "cp1256", "koi8_r"]  # fmt: skip
SEPARATOR_LINE = re.compile(r'"?sep=.?"?\s*')  # which Excel writes and reads above the header
NUMBER = re.compile(r"[-+]?[$€£]?\s?\d[\d.,' ]*\s?[%$€£]?")
DATE = re.compile(r"\d{4}-\d\d?-\d\d?([T ].*)?|\d\d?[./-]\d\d?[./-](\d{4}|\d\d)([ ,].*)?")
URL = re.compile(r"(https?://|www\.)\S+", re.IGNORECASE)


@dataclass(frozen=True)
class FileTable:
    """A file as it was read.

    Attributes
    ----------
    name : str
        Name of the file or folder, without what leads to it.
    data : DataFrame
        All columns are texts; what is missing is NaN.
    format : str
        ``csv tsv jsonl json parquet xlsx xls ods txt`` or ``folder``.
    encoding : str or None
        None for formats that have but one.
    separator : str or None
        What separates the fields of a csv or tsv file; None also for one of a single column.
    notes : list of str
        What was guessed, repaired or left out.
    digest : str
        SHA-256 of the bytes; of a folder over the names and digests of its files.
    """

    name: str
    data: pd.DataFrame
    format: str
    encoding: str | None
    separator: str | None
    notes: list[str]
    digest: str

    def _repr_html_(self) -> str:
        from markupsafe import escape

        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        return f"<p>{escape(self.name)}: {len(self.data):,} rows</p>{notes}" + self.data.head().to_html(index=False)


def read(path: str | Path, *, limit: int | None = None) -> FileTable:
    r"""Read a file, or a folder of .txt and .md files, as a table of texts.

    What the file is follows from its first bytes and its suffix. Encoding, separator and header are found out; rows
    that do not fit are left out or filled up; and a note names each guess and each repair. Everything is read as text,
    so that ids keep their leading zeros, and only what is empty counts as missing: NA, None and null are words.

    Parameters
    ----------
    path : str or Path
        csv, tsv, jsonl, json, txt (these also as .gz, .bz2, .xz, or as the only file in a .zip), parquet, xlsx, xls,
        ods, or a folder.
    limit : int, optional
        Read only the first rows.

    Raises
    ------
    FileNotFoundError
        There is no such file; names that are nearly so are offered.
    PermissionError
        The file cannot be opened.
    ValueError
        The file is empty, broken, not made of text, or changed while it was read; the message says what to do.
    ImportError
        A spreadsheet, and its reader is not installed.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "tickets.csv"
    >>> _ = file.write_text("id;subject\n007;No sound\n008;Blue screen, again\n")
    >>> table = read(file)
    >>> table.separator, table.data["id"].tolist()
    (';', ['007', '008'])
    """
    path = Path(path).expanduser()
    if limit is not None and limit < 1:
        raise ValueError(f"expected a limit of at least 1, got {limit}")
    if not path.exists():
        raise FileNotFoundError(_not_there(path))
    try:
        return _folder(path, limit) if path.is_dir() else _file(path, limit)
    except PermissionError as error:
        raise PermissionError(
            f"{error.filename or path} may not be read by this user: change its permissions, or copy it to a folder of "
            f"your own"
        ) from error


def _not_there(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"there is no file {path}: there is no folder {folder} (relative names start from {Path.cwd()})"
    names = {name.name.lower(): name.name for name in folder.iterdir()}
    near = difflib.get_close_matches(path.name.lower(), list(names), n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(names[name] for name in near)}?" if near else "see that the name is right"
    return f"there is no file {path.name} in {folder.resolve()}: {hint}"


def _file(path: Path, limit: int | None) -> FileTable:
    notes: list[str] = []
    before = path.stat()
    kind = _kind(path, notes)
    encoding = separator = None
    if kind == "parquet":
        frame = _parquet(path, limit, notes)
    elif kind in BINARY:
        frame = _sheet(path, limit, notes)
    else:
        text = _text(path, notes)
        encoding = text.encoding
        if kind is None:
            kind = _sniffed(text)
            notes.append(f"the suffix of {path.name} says nothing: read as {kind}")
        if kind in ("csv", "tsv"):
            frame, separator = _delimited(text, limit, notes)
        elif kind == "txt":
            frame = _lines(text, limit, notes)
        else:
            frame = (_jsonl if kind == "jsonl" else _json)(text, limit, notes)
        notes += text.account()
    digest = digest_file(path)
    after = path.stat()
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise ValueError(f"{path.name} changed while it was read: wait until it is written, then start again")
    if frame.empty:
        columns = f" ({', '.join(map(str, frame.columns))})" if len(frame.columns) else ""
        raise ValueError(f"{path.name} holds {'only a header' + columns if columns else 'nothing'} and no rows of data")
    return FileTable(path.name, frame, kind, encoding, separator, notes, digest)


# --- What kind of file it is -----------------------------------------------------------------------------------------


def _suffixes(path: Path) -> tuple[str, str]:
    """Suffix of the file and of what it is packed in (or ""), in lower case."""
    suffixes = [suffix.lower() for suffix in path.suffixes]
    outer = suffixes[-1] if suffixes and suffixes[-1] in (*PACKED, ".zip") else ""
    inner = suffixes[:-1] if outer else suffixes
    return (inner[-1] if inner else ""), outer


def _kind(path: Path, notes: list[str]) -> str | None:
    """Format by first bytes, then by suffix; None for a text file whose suffix says nothing."""
    suffix, packed = _suffixes(path)
    kind = FORMATS.get(suffix)
    with path.open("rb") as file:
        head = file.read(4096)
    _refuse(path, head, suffix)
    if packed:
        if kind in BINARY:
            raise ValueError(f"{path.name}: a packed {kind} file cannot be read, unpack it first")
        return kind
    found = _by_first_bytes(path, head)
    if found and kind != found:
        notes.append(f"{path.name} is a {found} file whatever its suffix: read as such")
    if found is None and kind in BINARY:
        page = re.match(rb"\s*<(!doctype )?(html|table|\?xml)", head, re.IGNORECASE)
        what = f"a web page under the name of a {kind} file" if page else f"not a {kind} file, or it is broken"
        raise ValueError(f"{path.name} is {what}: save it anew, best as .csv")
    if found is None and _is_binary(head):
        raise ValueError(f"{path.name} is not made of text: expected {READABLE}")
    return found or kind


def _refuse(path: Path, head: bytes, suffix: str) -> None:
    if not head.strip(BLANK):
        raise ValueError(f"{path.name} is empty ({path.stat().st_size} bytes): expected {READABLE}")
    if suffix in (".pkl", ".pickle", ".joblib"):
        raise ValueError(f"{path.name} is {REFUSED[-1][1]}")
    for start, what in REFUSED:
        if head.startswith(start):
            raise ValueError(f"{path.name} is {what}")


def _by_first_bytes(path: Path, head: bytes) -> str | None:
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"PK\x03\x04"):
        return _office(path)
    if not head.startswith(b"\xd0\xcf\x11\xe0"):
        return None
    if "EncryptedPackage".encode("utf-16-le") in path.read_bytes():
        raise ValueError(f"{path.name} is protected by a password: save it without one, or as .csv")
    if path.suffix.lower() not in (".xls", ".xlsx"):
        raise ValueError(f"{path.name} is an old Office document: save it as .csv, .xlsx or .txt")
    return "xls"


def _office(path: Path) -> str:
    """What a zip archive without the suffix .zip is: a spreadsheet, or something that is refused."""
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


def _is_binary(head: bytes) -> bool:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return head.count(b"\x00") > 0.7 * len(head)  # any byte may come in UTF-16
    control = sum(byte < 32 and byte not in b"\t\n\r\f\x1b\x00" for byte in head)
    return control > 0.05 * len(head) or (b"\x00" in head and head.count(b"\x00") > 0.7 * len(head))


def _sniffed(text: _Text) -> str:
    """Format of a text file whose suffix says nothing."""
    lines = [line for line in text.sample().splitlines() if line.strip()][:20]
    if lines[0].lstrip()[0] in "{[":
        try:
            return "jsonl" if isinstance(json.loads(lines[0]), dict) and len(lines) > 1 else "json"
        except ValueError:
            return "json"
    return "csv" if _dialect(text.sample())[0] != NO_SEPARATOR else "txt"


# --- Text: bytes, encodings, lines -----------------------------------------------------------------------------------


@dataclass
class _Text:
    """A text file that can be read several times, line by line.

    `encoding` holds for all lines, or where `other` is given for those that are not UTF-8.
    """

    path: Path
    encoding: str
    other: str | None = None
    nul: bool = False
    wrong: int = 0  # lines of the other encoding, or with characters that could not be read
    first_wrong: int = 0
    shown: str = ""

    def lines(self) -> Iterator[str]:
        """Lines with their ends, without NUL."""
        self.wrong = self.first_wrong = 0
        with _opened(self.path) as file:
            # A codec that guesses byte order or a mark does so once a file, so only UTF-8 is read line by line.
            lines = self._mixed(file) if self.other else io.TextIOWrapper(
                file, encoding=self.encoding, errors="replace", newline="")  # fmt: skip
            for number, line in enumerate(lines, 1):
                if number == 1 and SEPARATOR_LINE.fullmatch(line):
                    line = "\n"
                if not self.other and not self.encoding.startswith("utf-8") and "\ufffd" in line:
                    self._count(number, line)
                yield line.replace("\x00", "") if self.nul else line

    def _mixed(self, file: IO[bytes]) -> Iterator[str]:
        assert self.other is not None
        for number, line in enumerate(file, 1):
            try:
                decoded = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                decoded = line.decode(self.other, errors="replace")
                self._count(number, decoded)
            yield from io.StringIO(decoded, newline="")  # old Macs end lines otherwise

    def _count(self, number: int, line: str) -> None:
        self.wrong += 1
        if self.wrong == 1:
            self.first_wrong, self.shown = number, line.strip()[:60]

    def sample(self) -> str:
        """The first lines, at most a million characters."""
        taken, size = [], 0
        for line in islice(self.lines(), 2000):
            taken.append(line[: 1_000_000 - size])
            size += len(taken[-1])
            if size == 1_000_000:
                break
        return "".join(taken)

    def account(self) -> list[str]:
        """Notes on what was read last."""
        notes = ["NUL bytes were removed"] if self.nul else []
        if self.wrong:
            how = (
                f"not UTF-8 as the rest, read as {self.other}" if self.other else "with characters that cannot be read"
            )
            notes.append(f"{_count(self.wrong, 'line')} {how} (first: line {self.first_wrong}, {self.shown!r})")
        return notes


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The unpacked bytes of a file."""
    packed = _suffixes(path)[1]
    try:
        if packed == ".zip":
            with zipfile.ZipFile(path) as archive:
                members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX")]
                if len(members) != 1:
                    raise ValueError(f"{path.name} holds {len(members)} files, expected one: unpack it and choose one")
                with archive.open(members[0]) as file:
                    yield file
        else:
            with PACKED.get(packed, open)(path, "rb") as file:
                yield file
    except (gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path.name} is broken ({error}): pack or download it again") from error
    except RuntimeError as error:  # what zipfile raises for a password
        raise ValueError(f"{path.name} cannot be unpacked ({error}): unpack it first") from error


def _text(path: Path, notes: list[str]) -> _Text:
    """Find out the encoding, from all bytes: one wrong line at the end of a million is common."""
    marks = [(codecs.BOM_UTF8, "utf-8-sig"),
             (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")]  # fmt: skip
    with _opened(path) as file:
        head = file.read(1 << 16)
        if not head.strip(BLANK + b"\x00"):
            raise ValueError(f"{path.name} is empty once unpacked: expected rows of text")
        if _is_binary(head):
            raise ValueError(f"{path.name} holds something that is not made of text: expected {READABLE}")
        encoding = next((name for mark, name in marks if head.startswith(mark)), "utf-8-sig")
        evens, odds = head[::2].count(b"\x00"), head[1::2].count(b"\x00")
        if encoding == "utf-8-sig" and max(evens, odds) > 0.3 * len(head):
            encoding = "utf-16-le" if odds > evens else "utf-16-be"
        if encoding != "utf-8-sig":
            return _Text(path, encoding)
        decoder, nul = codecs.getincrementaldecoder("utf-8")(), False
        try:
            for piece in chain([head], iter(lambda: file.read(1 << 20), b"")):
                nul = nul or b"\x00" in piece
                decoder.decode(piece)
            decoder.decode(b"", final=True)
            return _Text(path, "utf-8", nul=nul) if head[:3] != codecs.BOM_UTF8 else _Text(path, encoding, nul=nul)
        except UnicodeDecodeError:
            pass
    return _other_encoding(path, notes)


def _other_encoding(path: Path, notes: list[str]) -> _Text:
    """Encoding of a file that is not, or not everywhere, UTF-8."""
    good, bad, nul, size = 0, 0, False, 0
    strange: list[bytes] = []
    with _opened(path) as file:
        for line in file:
            nul = nul or b"\x00" in line
            if line.isascii():
                continue
            try:
                line.decode("utf-8-sig")
                good += 1
            except UnicodeDecodeError:
                bad += 1
                if size < 100_000:
                    strange.append(line[:100_000])
                    size += len(line)
    encoding, shown = _guessed(b"".join(strange))
    # By chance, a line of another encoding is seldom valid UTF-8 too; so many are not by chance.
    if 2 * good >= bad:
        return _Text(path, "utf-8", other=encoding, nul=nul)
    notes.append(f"the encoding was guessed as {encoding}, which reads {shown!r}: if that looks wrong, save as UTF-8")
    return _Text(path, encoding, nul=nul)


def _guessed(data: bytes) -> tuple[str, str]:
    """An encoding for `data`, and a few words as it reads them."""
    data = data[:100_000]
    western = data.decode("cp1252", errors="replace")
    strange = [letter for letter in western if not letter.isascii()]
    letters = sum(letter.isalpha() for letter in western)
    if set(strange) <= WESTERN and len(strange) < 0.5 * letters:
        encoding = "cp1252"
    else:
        from charset_normalizer import from_bytes

        best = from_bytes(data, cp_isolation=ENCODINGS).best()
        encoding = best.encoding if best else next((e for e in ("euc_jp", "cp932") if _decodes(data, e)), "cp1252")
    words = (word for word in data.decode(encoding, errors="replace").split() if not word.isascii())
    return encoding, " ".join(islice(words, 3))[:60]


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


# --- Rows to a table -------------------------------------------------------------------------------------------------


@dataclass
class _Rows:
    """Rows become columns of texts, some at a time, so that memory holds little beside the texts."""

    columns: list[str] = field(default_factory=list)
    parts: list[pd.DataFrame] = field(default_factory=list)
    joined: set[str] = field(default_factory=set)
    nested: set[str] = field(default_factory=set)

    def add_records(self, records: Iterable[dict[str, Any]]) -> None:
        """Take dictionaries; the columns are all keys in the order in which they first came."""
        records = iter(records)
        while batch := list(islice(records, 20_000)):
            self.columns += [key for key in dict.fromkeys(chain.from_iterable(batch)) if key not in self.columns]
            self.parts.append(
                pd.DataFrame({c: [self.cell(c, record.get(c)) for record in batch] for c in self.columns}, dtype="str")
            )

    def add_rows(self, rows: Iterable[Sequence[str]]) -> None:
        """Take rows of texts, as long as `columns`."""
        rows = iter(rows)
        while batch := list(islice(rows, 20_000)):
            self.parts.append(pd.DataFrame(batch, columns=self.columns, dtype="str"))

    def cell(self, column: str, value: Any) -> str | None:
        """One value as text, None for what is missing."""
        if isinstance(value, str):
            return value.replace("\x00", "")
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
        if self.joined:
            notes.append(f"lists in {_named(self.joined)} were joined, a line each")
        if self.nested:
            notes.append(f"nested values in {_named(self.nested)} were kept as JSON")
        if not self.parts:
            return pd.DataFrame(columns=_names(self.columns), dtype="str")
        frame = pd.concat([part.reindex(columns=self.columns) for part in self.parts], ignore_index=True)
        frame.columns = pd.Index(_names(self.columns))
        for column in frame.columns:
            frame[column] = frame[column].astype("str").mask(frame[column] == "")
        return frame


def _named(columns: Iterable[str]) -> str:
    return ", ".join(f"`{column}`" for column in sorted(columns))


def _names(raw: Sequence[Any]) -> list[str]:
    """Distinct, filled column names.

    Examples
    --------
    >>> _names([" text ", "", "text"])
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


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"


def _header(rows: Sequence[Sequence[str]], notes: list[str]) -> Sequence[str]:
    """The first of these rows where it names the columns, else nothing, and a note."""
    if _is_header(rows):
        return rows[0]
    notes.append(f"the first row looks like data, not like names: the columns are column_1 to column_{len(rows[0])}")
    return []


def _is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of these rows names the columns."""
    first, below = [cell.strip() for cell in rows[0]], rows[1:]
    if not below or rows[0] in below or first == [str(n) for n in range(len(first))]:
        return True  # a header that was copied along, or pandas' numbers
    columns = [[row[i].strip() for row in below if i < len(row) and row[i].strip()] for i in range(len(first))]
    for name, values in zip(first, columns, strict=True):
        plain = [bool(NUMBER.fullmatch(value) or DATE.fullmatch(value)) for value in values]
        if values and sum(plain) > 0.8 * len(plain) and not (NUMBER.fullmatch(name) or DATE.fullmatch(name)):
            return True  # a word above numbers
    for name, values in zip(first, columns, strict=True):
        if name and (NUMBER.fullmatch(name) or DATE.fullmatch(name) or URL.fullmatch(name) or name in values):
            return False
        words = len(name.split())
        if len(name) > 80 or words > 8 or (words > 3 and name[-1] in ".?!"):
            return False
    return True


# --- Formats ---------------------------------------------------------------------------------------------------------


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def _dialect(sample: str) -> tuple[str, dict[str, Any]]:
    """Separator and quoting with which most rows of a sample are as long as the first."""
    found: list[tuple[float, int, int, str, dict[str, Any]]] = []
    quotings: list[dict[str, Any]] = [{}]
    if '"' in sample:
        quotings.append({"quoting": csv.QUOTE_NONE})
    if '\\"' in sample:
        quotings.append({"escapechar": "\\"})
    with _long_fields():
        for separator in SEPARATORS:
            for order, quoting in enumerate(quotings):
                lines = io.StringIO(sample, newline="")
                rows = list(islice((r for r in csv.reader(lines, delimiter=separator, **quoting) if r), 500))
                width = len(rows[0])
                rows = rows[:-1] if len(rows) > 2 else rows  # the sample may end within a row
                share = sum(len(row) == width for row in rows) / len(rows)
                # A header that holds the separator is no accident; with few rows that fit it may be.
                if width > 1 and share >= 0.5:
                    found.append((round(share, 2), -order, width, separator, quoting))
    if not found:
        return (NO_SEPARATOR, {}) if '"' not in sample else _one_column(sample)
    best = max(found, key=lambda row: row[:3])
    return best[3], best[4]


def _one_column(sample: str) -> tuple[str, dict[str, Any]]:
    """Texts in quotation marks that span lines are one field; marks within texts are only marks."""
    rows = [line for line in sample.splitlines() if line.strip()]
    opened = sum(line.lstrip().startswith('"') for line in rows)
    closed = sum(line.rstrip().endswith('"') for line in rows)
    quoted = opened and opened == closed
    return NO_SEPARATOR, {} if quoted else {"quoting": csv.QUOTE_NONE}


def _delimited(text: _Text, limit: int | None, notes: list[str]) -> tuple[pd.DataFrame, str | None]:
    sample = text.sample()
    separator, quoting = _dialect(sample)
    options: list[dict[str, Any]] = [quoting] if quoting else [{"strict": True}, {}, {"quoting": csv.QUOTE_NONE}]
    best: tuple[int, pd.DataFrame, list[str]] | None = None
    for option in options:
        its_notes: list[str] = []
        try:
            frame, wrong = _parsed(text, separator, option, limit, its_notes)
        except csv.Error:
            continue  # quotation marks that are not closed, or not where a field ends: choose how to read them
        if best is None or wrong < best[0]:
            best = wrong, frame, its_notes
        if option.get("strict") or not wrong:
            break
    assert best is not None
    wrong, frame, its_notes = best
    if wrong > len(frame):
        raise ValueError(
            f"{text.path.name}: {wrong:,} rows do not have the {len(frame.columns)} fields of the first row "
            f"({', '.join(frame.columns)[:80]}): expected rows of equal length, separated by one of , ; tab |"
        )
    notes += its_notes
    return frame, None if separator == NO_SEPARATOR else separator


def _parsed(
    text: _Text, separator: str, quoting: dict[str, Any], limit: int | None, notes: list[str]
) -> tuple[pd.DataFrame, int]:
    """The table, and how many rows are shorter or longer than the first, or seem to be swallowed by a field."""
    short: list[int] = []
    long: list[int] = []
    swallowed = 0
    with _long_fields():
        numbered = _numbered(csv.reader(text.lines(), delimiter=separator, **quoting))
        peeked = list(islice(numbered, 200))
        first = peeked[0][1]
        width, names = len(first), _header([row for _, row in peeked], notes)

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

        rows = _Rows(columns=[str(number) for number in range(width)])
        rows.add_rows(islice(fitting(), limit))
    frame = rows.frame([])
    frame.columns = pd.Index(_names(names or [""] * width))
    if short:
        notes.append(f"{_count(len(short), 'row')} with too few fields, filled up (first: line {short[0]})")
    if long:
        notes.append(f"{_count(len(long), 'row')} with too many fields, left out (first: line {long[0]})")
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


def _lines(text: _Text, limit: int | None, notes: list[str]) -> pd.DataFrame:
    """One text a line; a text a paragraph where blank lines stand between."""
    blocks, block = [], []
    for line in text.lines():
        if line.strip():
            block.append(line.strip())
        elif block:
            blocks.append(block)
            block = []
    blocks += [block] if block else []
    n = sum(map(len, blocks))
    # A few blank lines in a long list of texts do not make it paragraphs.
    paragraphs = len(blocks) > 1 and n <= 50 * len(blocks)
    texts = ["\n".join(block) for block in blocks] if paragraphs else [line for block in blocks for line in block]
    how = "a paragraph is a text, since there are blank lines" if paragraphs else "a line is a text"
    notes.append(f"{how}: {len(texts):,} texts")
    return pd.DataFrame({"text": texts[:limit]}, dtype="str")


def _jsonl(text: _Text, limit: int | None, notes: list[str]) -> pd.DataFrame:
    def records() -> Iterator[dict[str, Any]]:
        for number, line in enumerate(text.lines(), 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except ValueError as error:
                raise ValueError(
                    f"{text.path.name}: line {number} is not JSON ({error}), got {line.strip()[:60]!r}: expected one "
                    f"object {{...}} a line"
                ) from None
            yield _record(record, f"{text.path.name}: line {number}")

    rows = _Rows()
    rows.add_records(islice(records(), limit))
    return rows.frame(notes)


def _record(value: Any, where: str) -> dict[str, Any]:
    if isinstance(value, str):
        return {"text": value}
    if not isinstance(value, dict):
        raise ValueError(f"{where} holds {json.dumps(value)[:40]}, expected an object {{...}} with named values")
    return value


def _json(text: _Text, limit: int | None, notes: list[str]) -> pd.DataFrame:
    content = "".join(text.lines())
    try:
        value = json.loads(content)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and error.lineno > 1:
            notes.append(f"{text.path.name} holds one object a line: read as jsonl")
            return _jsonl(text, limit, notes)
        raise ValueError(f"{text.path.name} is broken JSON: {error.msg} in line {error.lineno}, column {error.colno}. "
                         f"Expected an array of objects [{{...}}, ...]") from None  # fmt: skip
    except RecursionError:
        raise ValueError(f"{text.path.name} is nested too deep: expected an array of objects [{{...}}, ...]") from None
    if isinstance(value, dict):
        lists = {key: rows for key, rows in value.items() if isinstance(rows, list) and rows}
        tables = {key: rows for key, rows in lists.items() if all(isinstance(row, dict) for row in rows)}
        if tables:
            key = max(tables, key=lambda key: len(tables[key]))
            others = f", not {_named(set(value) - {key})}" if len(value) > 1 else ""
            notes.append(f"the rows are those under `{key}`{others}")
            value = tables[key]
        elif len(lists) == len(value) and len({len(rows) for rows in lists.values()}) == 1:
            value = [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
        elif value and all(isinstance(row, dict) for row in value.values()):
            notes.append("the names of the objects are the column `key`")
            value = [{"key": key, **row} for key, row in value.items()]
    if not isinstance(value, list) or not value:
        raise ValueError(
            f"{text.path.name} holds {content.strip()[:40]!r}, expected an array of objects [{{...}}, ...]"
        )
    rows = _Rows()
    rows.add_records(_record(row, f"{text.path.name}: entry {n}") for n, row in enumerate(value[:limit], 1))
    return rows.frame(notes)


def _parquet(path: Path, limit: int | None, notes: list[str]) -> pd.DataFrame:
    import pyarrow as pa
    from pyarrow import parquet

    rows = _Rows()
    try:
        with parquet.ParquetFile(path) as file:
            left, rows.columns = limit, file.schema_arrow.names
            for batch in file.iter_batches(min(20_000, limit or 20_000)):
                columns = {}
                for number, name in enumerate(batch.schema.names):
                    values = batch.column(number).slice(0, left)
                    try:
                        nested = pa.types.is_nested(values.type) or pa.types.is_boolean(values.type)
                        columns[name] = None if nested else values.cast(pa.large_string()).to_pandas()
                    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                        columns[name] = None  # a type that Arrow does not write as text
                    if columns[name] is None:
                        columns[name] = [rows.cell(name, value) for value in values.to_pylist()]
                rows.parts.append(pd.DataFrame(columns, dtype="str"))
                left = None if left is None else left - len(rows.parts[-1])
                if left == 0:
                    break
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, PermissionError):
            raise
        raise ValueError(f"{path.name} is broken ({str(error)[:100]}): write or download it again") from error
    return rows.frame(notes)


def _sheet(path: Path, limit: int | None, notes: list[str]) -> pd.DataFrame:
    try:
        import python_calamine  # noqa: F401
    except ImportError:
        raise ImportError(f"to read {path.name}, install: pip install python-calamine (or save it as .csv)") from None
    try:
        with pd.ExcelFile(path, engine="calamine") as book:
            sheets = {
                str(name): pd.read_excel(book, sheet_name=name, header=None, dtype=object, keep_default_na=False)
                for name in book.sheet_names
            }
    except PermissionError:
        raise
    except Exception as error:  # whatever the reader in Rust says
        raise ValueError(
            f"{path.name} cannot be read ({str(error)[:100]}): it is broken or has a password. Save it as .csv"
        ) from error
    filled = [name for name, sheet in sheets.items() if len(sheet) and (sheet != "").any(axis=None)]
    if not filled:
        raise ValueError(f"{path.name} is empty: none of its {len(sheets)} sheets has a row")
    if len(sheets) > 1:
        others = _named(set(sheets) - {filled[0]})
        notes.append(f"read the sheet `{filled[0]}`; there are also {others}")
    cells = _Rows()
    rows = [[cells.cell("", value) or "" for value in row] for row in sheets[filled[0]].itertuples(index=False)]
    rows = [row for row in rows if any(row)]
    used = [column for column in range(len(rows[0])) if any(row[column] for row in rows)]
    rows = [[row[column] for column in used] for row in rows]
    above = next((n for n, row in enumerate(rows) if sum(map(bool, row)) > 1), 0) if len(used) > 1 else 0
    if above:
        notes.append(
            f"{_count(above, 'row')} above the table left out (first: {' '.join(filter(None, rows[0]))[:60]!r})"
        )
    rows = rows[above:]
    names = _header(rows[:200], notes)
    table = _Rows(columns=[str(number) for number in range(len(used))])
    table.add_rows(rows[bool(names) :][:limit])
    frame = table.frame([])
    frame.columns = pd.Index(_names(names or [""] * len(used)))
    return frame


def _folder(path: Path, limit: int | None) -> FileTable:
    files = sorted(file for file in path.rglob("*") if file.is_file() and not file.name.startswith("."))
    wanted = [file for file in files if file.suffix.lower() in (".txt", ".md")]
    if not wanted:
        held = ", ".join(file.name for file in files[:5]) or "nothing"
        raise ValueError(f"the folder {path.name} has no .txt or .md files (it holds {held}): name one file, as in "
                         f"{path / 'tickets.csv'}")  # fmt: skip
    names, texts, digests, notes, empty = [], [], [], [], 0
    for file in wanted[:limit]:
        name = file.relative_to(path).as_posix()
        if not file.read_bytes().strip(BLANK):
            empty += 1
            continue
        its_notes: list[str] = []
        one = _text(file, its_notes)
        names.append(name)
        texts.append("".join(one.lines()).replace("\r\n", "\n").strip())
        digests.append(f"{name}\t{digest_file(file)}")
        notes += [f"{name}: {note}" for note in (*its_notes, *one.account())]
    if not names:
        raise ValueError(f"the {len(wanted)} text files in the folder {path.name} are all empty")
    left_out = Counter(file.suffix.lower() or file.name for file in files if file not in set(wanted))
    if left_out:
        kinds = ", ".join(f"{suffix} {n}" for suffix, n in left_out.most_common(5))
        notes.append(f"{_count(sum(left_out.values()), 'other file')} in the folder left out ({kinds})")
    if empty:
        notes.append(f"{_count(empty, 'empty file')} left out")
    frame = pd.DataFrame({"name": names, "text": texts}, dtype="str")
    return FileTable(path.resolve().name, frame, "folder", None, None, notes, digest_texts(digests))
