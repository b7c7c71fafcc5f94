"""Bytes to text: unpacking, and the encoding of a text file, also where a few lines have another or hold NUL."""

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

from toolkit.prepare.files.kinds import BLANK, PACKED, READABLE, is_binary, suffixes
from toolkit.prepare.files.rows import counted

# Letters and signs of Western European texts: where cp1252 gives only these it is right, and a guess is often wrong.
_WESTERN = set("àâäáãåæçèéêëìíîïñòóôöõøœùúûüýÿßÀÂÄÁÃÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÖÕØŒÙÚÛÜÝ„“”‘’–—…€«»¿¡°§©®™•·´£ºª½¼²\u00a0")
_ENCODINGS = ["cp1252", "cp1251", "cp932", "gb18030", "cp1250", "cp949", "big5", "euc_jp", "cp1253", "cp1254",
              "cp1255", "cp1256", "koi8_r"]  # fmt: skip
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_SEPARATOR_LINE = re.compile(r'"?sep=.?"?\s*')  # which Excel writes and reads above the header


@dataclass
class Text:
    """A text file that can be read several times, line by line. Made by `decode`.

    `encoding` holds for all lines, or where `other` is given for those that are not UTF-8.
    """

    path: Path
    encoding: str
    other: str | None = None
    nul: bool = False
    wrong: int = 0  # lines of the other encoding, or with characters that could not be read
    first_wrong: int = 0

    def lines(self) -> Iterator[str]:
        """Lines with their ends, without NUL."""
        self.wrong = self.first_wrong = 0
        with opened(self.path) as file:
            # A codec that guesses byte order or a mark does so once a file, so only UTF-8 is read line by line.
            lines = self._mixed(file, self.other) if self.other else io.TextIOWrapper(
                file, encoding=self.encoding, errors="replace", newline="")  # fmt: skip
            for number, line in enumerate(lines, 1):
                if number == 1 and _SEPARATOR_LINE.fullmatch(line):
                    line = "\n"
                if not self.other and not self.encoding.startswith("utf-8") and "\ufffd" in line:
                    self._is_wrong(number)
                yield line.replace("\x00", "") if self.nul else line

    def _mixed(self, file: IO[bytes], other: str) -> Iterator[str]:
        for number, line in enumerate(file, 1):
            try:
                decoded = line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                decoded = line.decode(other, errors="replace")
                self._is_wrong(number)
            yield from io.StringIO(decoded, newline="")  # old Macs end lines otherwise

    def _is_wrong(self, number: int) -> None:
        self.wrong += 1
        if self.wrong == 1:
            self.first_wrong = number

    def sample(self) -> str:
        """The first lines from the first that is not blank, at most a million characters."""
        taken, size = [], 0
        for line in islice(dropwhile(lambda line: not line.strip("\r\n"), self.lines()), 2000):
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
            notes.append(f"{counted(self.wrong, 'line')} {how} (first: line {self.first_wrong})")
        return notes


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """The unpacked bytes of a file."""
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
            with PACKED.get(packed, open)(path, "rb") as file:
                yield file
    except (gzip.BadGzipFile, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path.name} is broken ({error}): pack or download it again") from error
    except RuntimeError as error:  # what zipfile raises for a password
        raise ValueError(f"{path.name} cannot be unpacked ({error}): unpack it first") from error


def decode(path: Path, notes: list[str]) -> Text:
    """Find out the encoding, from all bytes: one wrong line at the end of a million is common."""
    with opened(path) as file:
        head = file.read(1 << 16)
        if not head.strip(BLANK + b"\x00"):
            raise ValueError(f"{path.name} is empty once unpacked: expected rows of text")
        if is_binary(head):
            raise ValueError(f"{path.name} holds something that is not made of text: expected {READABLE}")
        encoding = next((name for mark, name in _MARKS.items() if head.startswith(mark)), "utf-8")
        evens, odds = head[::2].count(b"\x00"), head[1::2].count(b"\x00")
        if encoding.startswith("utf-8") and max(evens, odds) > 0.3 * len(head):
            encoding = "utf-16-le" if odds > evens else "utf-16-be"
        if not encoding.startswith("utf-8"):
            return Text(path, encoding)
        decoder, nul = codecs.getincrementaldecoder("utf-8")(), False
        with suppress(UnicodeDecodeError):  # then it is something else, which `_not_utf8` finds out
            for piece in chain([head], iter(lambda: file.read(1 << 20), b"")):
                nul = nul or b"\x00" in piece
                decoder.decode(piece)
            decoder.decode(b"", final=True)
            return Text(path, encoding, nul=nul)
    return _not_utf8(path, notes)


def _not_utf8(path: Path, notes: list[str]) -> Text:
    """Encoding of a file that is not, or not everywhere, UTF-8."""
    good, bad, nul, strange = 0, 0, False, bytearray()
    with opened(path) as file:
        for line in file:
            nul = nul or b"\x00" in line
            if line.isascii():
                continue
            try:
                line.decode("utf-8-sig")
                good += 1
            except UnicodeDecodeError:
                bad += 1
                strange += line[: 100_000 - len(strange)]
    encoding = _guessed(bytes(strange))
    # By chance, a line of another encoding is seldom valid UTF-8 too; so many are not by chance.
    if 2 * good >= bad:
        return Text(path, "utf-8", other=encoding, nul=nul)
    notes.append(f"the encoding was guessed as {encoding}: if letters look wrong below, save the file as UTF-8")
    return Text(path, encoding, nul=nul)


def _guessed(data: bytes) -> str:
    """An encoding for `data`."""
    western = data.decode("cp1252", errors="replace")
    strange = [letter for letter in western if not letter.isascii()]
    letters = sum(letter.isalpha() for letter in western)
    if set(strange) <= _WESTERN and len(strange) < 0.5 * letters:
        return "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(data, cp_isolation=_ENCODINGS).best()
    return best.encoding if best else next((e for e in ("euc_jp", "cp932") if _decodes(data, e)), "cp1252")


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
