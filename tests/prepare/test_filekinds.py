"""What a file is follows from its first bytes; what cannot be used says what it is and what to do."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
from pathlib import Path

import pytest
from handmade import save

from toolkit.prepare.files.reading import read

TEXT = "id,text\n1,first text here\n2,second text here\n"


@pytest.mark.parametrize(
    ("content", "kind"),
    [(TEXT, "csv"), ('{"a": "x"}\n{"a": "y"}\n', "jsonl"), ("a b\nc\n", "txt"), ('[{"a": 1}]', "json")],
)
def test_unknown_suffix(tmp_path: Path, content: str, kind: str) -> None:
    """A file with an unknown suffix is read by its content, with a note."""
    table = read(save(tmp_path / "export.dat", content))
    assert table.format == kind and kind in table.notes[0]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", r"a.csv is empty \(0 bytes\): expected csv"),
        ("a.csv", b"\xef\xbb\xbf\r\n \n", "a.csv is empty"),
        ("a.csv", b"id,text\n", r"a.csv holds only a header \(id, text\) and no rows"),
        ("a.xlsx", b"not a sheet", "not a xlsx file, or it is broken"),
        ("a.xls", b"<html><table>", "a.xls is a web page .* xls file"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        ("a.doc", b"\xd0\xcf\x11\xe0 word", "old Office document: save it as"),
        ("a.parquet", b"PAR1 no", "a.parquet is broken"),
        ("a.json", b'[{"a": 1},\n{"a": }]', "Expecting value in line 2, column 7"),
        ("a.json", b'{"a": 1}', r"expected an array of objects"),
        ("a.csv", b",,\n,,\n", "a.csv holds nothing and no rows"),
        ("a.json", b"[" * 100_000, "broken JSON|nested too deep"),
        ("a.jsonl", b"[" * 100_000, "line 1 is not JSON"),
        ("a.dat", b"[" * 100_000, "broken JSON|nested too deep"),
        ("a.pdf", b"%PDF-1.7\n\xff", "a PDF document: export its text"),
        ("a.csv", b"\x89PNG\r\n", "a picture"),
        ("a.pkl", pickle.dumps([1]), "a Python pickle, which can run code"),
        ("a.csv", pickle.dumps([1]), "a Python pickle"),
        ("a.csv", bytes(range(256)) * 20, "not a text file"),
        ("a.parquet.gz", b"\x1f\x8b", "a compressed parquet file cannot be read"),
        ("a.csv.gz", gzip.compress(b""), "a.csv.gz is empty"),
        ("a.csv.gz", gzip.compress(bytes(range(32)) * 20), "not a text file"),
        ("a.csv.gz", b"id,text\n", "a.csv.gz is damaged .Not a gzipped file"),
    ],
)
def test_refused(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """Each file that cannot be used says what it is and what to do."""
    with pytest.raises(ValueError, match=message):
        read(save(tmp_path / name, content))


def test_word_document(tmp_path: Path) -> None:
    """A Word document is called one, whatever its suffix."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    with pytest.raises(ValueError, match="is a Word document: save its text as .txt"):
        read(save(tmp_path / "a.csv", buffer.getvalue()))
