"""Old, mixed and packed encodings are read, and a note says what was guessed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from pathlib import Path

import pytest
from handmade import rows_of, save, write

from toolkit.prepare.files.reading import read

TEXT = "id,text\n1,first text here\n2,second text here\n"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Café à côté, déjà vu – l’été"),
        ("cp1251", "Мой принтер не работает, помогите"),
        ("shift_jis", "プリンターが動きません。どうすればいいですか"),
        ("gb18030", "打印机无法工作,请帮忙检查一下"),
        ("cp1250", "Zażółć gęślą jaźń, drukarka nie działa"),
    ],
)
def test_old_encodings(tmp_path: Path, encoding: str, text: str) -> None:
    """Encodings of old spreadsheets are guessed from their letters, and a note says so."""
    path = write(tmp_path / "old.csv", [["id", "text"], *([str(n), text] for n in range(5))], encoding)
    table = read(path)
    assert table.data["text"].tolist() == [text] * 5
    assert table.encoding in table.notes[0]


def test_mixed_encodings(tmp_path: Path) -> None:
    """Two lines of another program in a file of UTF-8 are read too, counted, and located."""
    lines = [f"{n},Größe {n}".encode() for n in range(20)]
    lines[5] = lines[9] = "x,Müller".encode("cp1252")
    table = read(save(tmp_path / "mixed.csv", b"\n".join([b"id,text", *lines])))
    assert table.data["text"][5] == "Müller" and table.data["text"][4] == "Größe 4" and table.encoding == "utf-8"
    [note] = table.notes
    assert "2 lines" in note and "cp1252" in note and "line 7" in note


def test_nul_emoji_and_right_to_left(tmp_path: Path) -> None:
    """NUL bytes go, with a note; signs of all scripts stay."""
    table = read(save(tmp_path / "odd.csv", "id,text\n1,a\x00b 🙂‍↔️\n2,שלום مرحبا\u200f\n"))
    assert table.data["text"].tolist() == ["ab 🙂‍↔️", "שלום مرحبا\u200f"]
    assert len(table.notes) == 1 and "NUL" in table.notes[0]


def test_excel_separator_line(tmp_path: Path) -> None:
    """The line that Excel writes above the header is no row."""
    assert rows_of(save(tmp_path / "a.csv", "sep=;\r\nid;text\r\n1;a, b\r\n")) == [["id", "text"], ["1", "a, b"]]


@pytest.mark.parametrize("opening", [gzip.open, bz2.open, lzma.open])
def test_packed(tmp_path: Path, opening) -> None:
    """Packed text files are read as they are, whatever the case of the suffix."""
    path = tmp_path / f"a.CSV.{opening.__module__.strip('_').replace('gzip', 'gz').replace('lzma', 'xz')}"
    with opening(path, "wt") as file:
        file.write(TEXT)
    assert rows_of(path)[1] == ["1", "first text here"]
    save(path, path.read_bytes()[:-12])
    with pytest.raises(ValueError, match=r"a\.CSV\.\w+ is damaged .*download it again"):
        read(path)


def test_zip(tmp_path: Path) -> None:
    """A zip of one file is read; of two, one has to be chosen."""
    path = tmp_path / "a.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", TEXT)
    assert len(read(path).data) == 2
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("b.csv", TEXT)
    with pytest.raises(ValueError, match="holds 2 files, expected one"):
        read(path)


def test_many_blank_lines_first(tmp_path: Path) -> None:
    """However many blank lines stand above a table, its separator is found."""
    for name in ("a.csv", "a.dat"):
        assert rows_of(save(tmp_path / name, "\n" * 3000 + TEXT))[1] == ["1", "first text here"]


def test_a_given_encoding(tmp_path: Path) -> None:
    """The encoding that is given is used, nothing is guessed, and what it cannot read is counted."""
    path = save(tmp_path / "a.csv", "id,text\n1,Ősz\n2,nyár\n".encode("cp1250"))
    table = read(path, encoding="cp1250")
    assert table.data["text"].tolist() == ["Ősz", "nyár"] and table.encoding == "cp1250" and table.notes == []
    wrong = read(path, encoding="utf-8")
    assert wrong.encoding == "utf-8" and wrong.data["text"].tolist() == ["\ufffdsz", "ny\ufffdr"]
    assert len(wrong.notes) == 1 and "2 lines" in wrong.notes[0] and "line 2" in wrong.notes[0]
    marked = read(save(tmp_path / "b.csv", "id,text\n1,é\n".encode("utf-8-sig")), encoding="UTF8")
    assert marked.data.to_dict("list") == {"id": ["1"], "text": ["é"]} and marked.notes == []
    (tmp_path / "folder").mkdir()
    save(tmp_path / "folder" / "a.txt", "Ősz".encode("cp1250"))
    assert read(tmp_path / "folder", encoding="cp1250").data["text"].tolist() == ["Ősz"]
    for encoding in ("cp9", "base64"):
        with pytest.raises(ValueError, match=rf"expected an encoding .* got '{encoding}'"):
            read(path, encoding=encoding)
