"""Read text files as lines: unpack them and detect the encoding, even if a few lines have another."""

from __future__ import annotations

import codecs
import gzip
import io
import lzma
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain, dropwhile, islice
from pathlib import Path
from typing import IO

from toolkit.prepare.files.kinds import BLANK, OPENERS, READABLE, is_binary, suffixes

# Letters and signs of Western European texts: if cp1252 gives only these, it is right; a detector is often wrong.
_WESTERN = set("àâäáãåæçèéêëìíîïñòóôöõøœùúûüýÿßÀÂÄÁÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖÕØŒÙÚÛÜÝ„“”‘’–—…€«»¿¡°§©®™•·´£ºª½¼²\u00a0")
_ENCODINGS = ["cp1252", "cp1251", "cp932", "gb18030", "cp1250", "cp949", "big5", "euc_jp", "cp1253", "cp1254",
              "cp1255", "cp1256", "koi8_r"]  # fmt: skip
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_SEPARATOR_LINE = re.compile(r'"?sep=.?"?\s*')  # Excel writes and reads it above the header


def plural(n: int, singular: str) -> str:
    """Format a number with its noun.

    Examples
    --------
    >>> plural(1, "row"), plural(2000, "row")
    ('1 row', '2,000 rows')
    """
    return f"{n:,} {singular}{'s' * (n != 1)}"


@dataclass
class Text:
    """A text file that can be read several times, line by line. Made by `decode`.

    `encoding` applies to all lines; if `other` is given, `other` applies to lines that are not UTF-8.
    """

    path: Path
    encoding: str
    other: str | None = None
    nul: bool = False
    wrong: int = 0  # lines in the other encoding, or with characters that could not be read
    first_wrong: int = 0

    def lines(self) -> Iterator[str]:
        """Yield lines with their line endings, without NUL."""
        self.wrong, self.first_wrong, self.nul = 0, 0, False
        with opened(self.path) as file:
            # Codecs that detect a byte order mark do so once per file, so only UTF-8 is decoded line by line.
            lines = self._mixed(file, self.other) if self.other else io.TextIOWrapper(
                file, encoding=self.encoding, errors="replace", newline="")  # fmt: skip
            for number, line in enumerate(lines, 1):
                if number == 1 and _SEPARATOR_LINE.fullmatch(line):
                    line = "\n"
                if not self.other and not self.encoding.startswith("utf-8") and "\ufffd" in line:
                    self._count_wrong(number)
                if "\x00" in line:
                    self.nul, line = True, line.replace("\x00", "")
                yield line

    def _mixed(self, file: IO[bytes], other: str) -> Iterator[str]:
        for number, line in enumerate(file, 1):
            try:
                decoded = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                decoded = line.decode(other, errors="replace")
                self._count_wrong(number)
            yield from io.StringIO(decoded, newline="")  # old Macs end lines with \r

    def _count_wrong(self, number: int) -> None:
        self.wrong += 1
        self.first_wrong = self.first_wrong or number

    def sample(self) -> str:
        """Return the first lines, from the first non-blank one, up to a million characters."""
        lines = islice(dropwhile(lambda line: not line.strip("\r\n"), self.lines()), 2000)
        taken = ""
        while len(taken) < 1_000_000 and (line := next(lines, "")):
            taken += line
        return taken[:1_000_000]

    def repairs(self) -> list[str]:
        """Return notes on what was repaired when the lines were last read."""
        notes = ["NUL bytes were removed"] if self.nul else []
        if self.wrong:
            mixed = self.other not in (None, self.encoding)
            how = f"not UTF-8 like the rest, read as {self.other}" if mixed else "with characters that cannot be read"
            notes.append(f"{plural(self.wrong, 'line')} {how} (first: line {self.first_wrong})")
        return notes


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading its decompressed bytes."""
    packed = suffixes(path)[1]
    try:
        if packed == ".zip":
            with zipfile.ZipFile(path) as archive:
                members = [m for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX")]
                if len(members) != 1:
                    raise ValueError(f"{path.name} holds {len(members)} files, expected one: unpack it and choose one")
                with archive.open(members[0]) as file:
                    yield file
        else:
            with OPENERS.get(packed, open)(path, "rb") as file:
                yield file
    except (gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path.name} is damaged ({error}): compress or download it again") from error
    except RuntimeError as error:  # what zipfile raises for a password
        raise ValueError(f"{path.name} cannot be unpacked ({error}): unpack it first") from error


def decode(path: Path, notes: list[str], encoding: str | None = None) -> Text:
    """Open a text file in its encoding, detected from the whole file unless given.

    The first lines are not enough: a file of a million lines often ends with one in another encoding.

    Raises
    ------
    ValueError
        The file is empty or not a text file, or there is no such encoding.
    """
    if encoding is not None:
        try:
            "".encode(encoding)
        except LookupError:
            raise ValueError(f"expected an encoding such as 'utf-8' or 'cp1252', got {encoding!r}") from None
        is_utf8 = codecs.lookup(encoding).name in ("utf-8", "utf-8-sig")
        return Text(path, "utf-8", other="utf-8") if is_utf8 else Text(path, encoding)
    with opened(path) as file:
        head = file.read(1 << 16)
        if not head.strip(BLANK + b"\x00"):
            raise ValueError(f"{path.name} is empty after decompression: expected rows of text")
        if is_binary(head):
            raise ValueError(f"{path.name} is not a text file: expected {READABLE}")
        encoding = next((name for mark, name in _MARKS.items() if head.startswith(mark)), "utf-8")
        evens, odds = head[::2].count(b"\x00"), head[1::2].count(b"\x00")
        if encoding.startswith("utf-8") and max(evens, odds) > 0.3 * len(head):
            encoding = "utf-16-le" if odds > evens else "utf-16-be"
        if not encoding.startswith("utf-8"):
            return Text(path, encoding)
        decoder = codecs.getincrementaldecoder("utf-8")()
        with suppress(UnicodeDecodeError):  # then it is not UTF-8
            for piece in chain([head], iter(lambda: file.read(1 << 20), b"")):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
            return Text(path, encoding)
    return _decode_mixed(path, notes)


def _decode_mixed(path: Path, notes: list[str]) -> Text:
    """Open a file that is not UTF-8, or only partly."""
    good, bad, strange = 0, 0, bytearray()
    with opened(path) as file:
        for line in file:
            if line.isascii():
                continue
            try:
                line.decode("utf-8-sig")
                good += 1
            except UnicodeDecodeError:
                bad += 1
                strange += line[: 100_000 - len(strange)]
    guessed = _guess_encoding(bytes(strange))
    if 2 * good >= bad:  # lines in another encoding are rarely valid UTF-8, so this many valid lines are no coincidence
        return Text(path, "utf-8", other=guessed)
    notes.append(f"the encoding was guessed as {guessed}: if letters look wrong below, save the file as UTF-8")
    return Text(path, guessed)


def _guess_encoding(data: bytes) -> str:
    western = data.decode("cp1252", errors="replace")
    signs = [letter for letter in western if not letter.isascii()]
    if set(signs) <= _WESTERN and len(signs) < 0.5 * sum(map(str.isalpha, western)):
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(data, cp_isolation=_ENCODINGS).best()
    if best:
        return best.encoding
    for encoding in ("euc_jp", "cp932"):
        with suppress(UnicodeDecodeError):
            data.decode(encoding)
            return encoding
    return "cp1252"
