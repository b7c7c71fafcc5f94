"""Strangers' files: what is regular comes back as it was written, what is not comes with a note or an error."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
import lzma
import os
import pickle
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.prepare.files import read

ROWS = [["id", "subject", "body"], ["007", "Kein Ton", "Größe, Straße; a|b"], ["008", "", 'He said "no"\nand left']]
TEXT = "id,text\n1,first text here\n2,second text here\n"


def write(path: Path, rows: list, encoding: str = "utf-8", **options) -> Path:
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, **options).writerows(rows)
    return path


def save(path: Path, data: bytes | str) -> Path:
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def rows_of(path: Path) -> list:
    frame = read(path).data.fillna("")
    return [list(frame.columns), *frame.to_numpy().tolist()]


# What people write; a lone \\r is not put in quotation marks by the csv module of Python 3.11.
letters = st.characters(exclude_categories=["Cs", "Cc", "Cn"], include_characters="\n\t")
cells = st.text(letters, max_size=30)
tables = st.integers(2, 5).flatmap(lambda n: st.lists(st.lists(cells, min_size=n, max_size=n), min_size=3, max_size=12))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tables,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_round_trip(tmp_path: Path, rows: list, separator: str, encoding: str, quoting: int, end: str) -> None:
    """Any texts, with every separator, encoding and quoting, are read back as they were written."""
    header = [f"name {'abcde'[n]}" for n in range(len(rows[0]))]
    # Rows without any text are left out; where other separators abound a sample of a few rows tells nothing.
    rows = [["1", *row[1:]] for row in rows]
    rows = [[cell.translate(dict.fromkeys(map(ord, ",;\t|\\"), separator)) for cell in row] for row in rows]
    path = write(
        tmp_path / "any.csv", [header, *rows], encoding, delimiter=separator, quoting=quoting, lineterminator=end
    )
    assert rows_of(path) == [header, *rows]
    assert read(path).separator == separator


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_ALL, csv.QUOTE_MINIMAL])
def test_separators_and_encodings(tmp_path: Path, separator: str, encoding: str, quoting: int) -> None:
    """The separator is found although texts hold the others; ids stay, lines in quotation marks stay one field."""
    path = write(tmp_path / "tickets.csv", ROWS, encoding, delimiter=separator, quoting=quoting)
    assert rows_of(path) == ROWS
    table = read(path)
    assert table.separator == separator and table.format == "csv" and pd.isna(table.data["subject"][1])
    assert bool(table.notes) == (encoding == "cp1252")


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
    """Encodings of old spreadsheets are guessed from their letters, and the note shows what they read."""
    path = write(tmp_path / "old.csv", [["id", "text"], *([str(n), text] for n in range(5))], encoding)
    table = read(path)
    assert table.data["text"].tolist() == [text] * 5
    assert "the encoding was guessed as" in table.notes[0] and text.split()[0][:4] in table.notes[0]


def test_mixed_encodings(tmp_path: Path) -> None:
    """Two lines of another program in a file of UTF-8 are read too, counted, and located."""
    lines = [f"{n},Größe {n}".encode() for n in range(20)]
    lines[5] = lines[9] = "x,Müller".encode("cp1252")
    table = read(save(tmp_path / "mixed.csv", b"\n".join([b"id,text", *lines])))
    assert table.data["text"][5] == "Müller" and table.data["text"][4] == "Größe 4" and table.encoding == "utf-8"
    assert table.notes == ["2 lines not UTF-8 as the rest, read as cp1252 (first: line 7, 'x,Müller')"]


def test_ragged_rows(tmp_path: Path) -> None:
    """Short rows are filled up, long ones left out, separators at the end forgiven; lines are counted in the file."""
    text = 'a b,c d\nx,"two\nlines"\ny\nz,1 w,2\nv,w,\n' + "u,t\n" * 5
    table = read(save(tmp_path / "ragged.csv", text))
    assert table.data["a b"].tolist() == ["x", "y", "v", *"uuuuu"] and pd.isna(table.data["c d"][1])
    assert table.notes == ["1 row with too few fields, filled up (first: line 4)",
                           "1 row with too many fields, left out (first: line 5)"]  # fmt: skip
    with pytest.raises(ValueError, match="rows do not have the 2 fields of the first row"):
        read(save(tmp_path / "wrong.csv", "a;b\n" + "c;d\n" * 600 + "e;f;g;h\n" * 700))


def test_open_quotation_mark(tmp_path: Path) -> None:
    """A mark that is never closed does not swallow the rows after it."""
    text = (
        "id\ttext\n" + "".join(f"{n}\tsome text\n" for n in range(3000)) + '3000\t"open\n' + "3001\tmore\n3002\tlast\n"
    )
    table = read(save(tmp_path / "open.tsv", text))
    assert len(table.data) == 3003 and table.data["text"][3000] == '"open'


@pytest.mark.parametrize(
    ("text", "columns", "notes"),
    [
        ("007,Where is my card that I ordered last week from you?\n008,x\n", ["column_1", "column_2"], 1),
        ("spam,first text\nham,second\nspam,third\n", ["column_1", "column_2"], 1),
        ("id,When will it come to me?\n1,a\n2,b\n", ["id", "When will it come to me?"], 0),
        (" text ,,text,text_2\na,b,c,d\n", ["text", "column_2", "text_2", "text_2_2"], 0),
        (",0,1\n0,a,b\n1,c,d\n", ["column_1", "0", "1"], 0),
        ("text\na, b and c\nd\ne, f\n", ["text"], 0),
        ("id,text\r1,a\r2,b\r", ["id", "text"], 0),
        ('text\n"a, b\nand c"\n"d ""e"""\n', ["text"], 0),
    ],
)
def test_headers(tmp_path: Path, text: str, columns: list, notes: int) -> None:
    """Missing, empty and repeated names get one; a note says where a first row was taken for data."""
    table = read(save(tmp_path / "names.csv", text))
    assert list(table.data.columns) == columns and len(table.notes) == notes
    assert len(table.data) == text.replace("\r", "\n").count("\n") - (not notes) - text.count("b\nand")


def test_excel_separator_line(tmp_path: Path) -> None:
    """The line that Excel writes above the header is no row."""
    assert rows_of(save(tmp_path / "a.csv", "sep=;\r\nid;text\r\n1;a, b\r\n")) == [["id", "text"], ["1", "a, b"]]


def test_words_that_look_like_nothing(tmp_path: Path) -> None:
    """NA, None, nan and null are words of a text file; only what is empty is missing."""
    words = ["NA", "None", "nan", "null", "N/A", ""]
    table = read(write(tmp_path / "na.csv", [["country", "n"], *([word, "1"] for word in words)]))
    assert table.data["country"].fillna("missing").tolist() == [*words[:-1], "missing"]


def test_nul_emoji_and_right_to_left(tmp_path: Path) -> None:
    """NUL bytes go, with a note; signs of all scripts stay."""
    table = read(save(tmp_path / "odd.csv", "id,text\n1,a\x00b 🙂‍↔️\n2,שלום مرحبا\u200f\n"))
    assert table.data["text"].tolist() == ["ab 🙂‍↔️", "שלום مرحبا\u200f"] and table.notes == ["NUL bytes were removed"]


def test_one_long_text(tmp_path: Path) -> None:
    """A text of 20 MB is read, and the csv module's limit is as it was before."""
    limit = csv.field_size_limit()
    path = write(tmp_path / "long.csv", [["id", "text"], ["1", "word, " * 3_500_000], ["2", "x"]])
    assert read(path).data["text"].str.len().tolist() == [21_000_000, 1]
    assert csv.field_size_limit() == limit


@pytest.mark.parametrize("opening", [gzip.open, bz2.open, lzma.open])
def test_packed(tmp_path: Path, opening) -> None:
    """Packed text files are read as they are, whatever the case of the suffix."""
    path = tmp_path / f"a.CSV.{opening.__module__.strip('_').replace('gzip', 'gz').replace('lzma', 'xz')}"
    with opening(path, "wt") as file:
        file.write(TEXT)
    assert rows_of(path)[1] == ["1", "first text here"]
    save(path, path.read_bytes()[:-12])
    with pytest.raises(ValueError, match="is broken .*pack or download it again"):
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


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('[{"a": "x", "b": 1}, {"b": null, "c": true}]', [["a", "b", "c"], ["x", "1", ""], ["", "", "true"]]),
        ('{"n": 2, "rows": [{"a": ["x", "y"]}, {"a": {"k": [1]}}]}', [["a"], ["x\ny"], ['{"k": [1]}']]),
        ('{"a": ["x", "y"], "b": [1.5, NaN]}', [["a", "b"], ["x", "1.5"], ["y", ""]]),
        ('{"u1": {"a": "x"}, "u2": {"a": "y"}}', [["key", "a"], ["u1", "x"], ["u2", "y"]]),
        ('["x", "y"]', [["text"], ["x"], ["y"]]),
        ('{"a": "x"}\n\n{"a": "y"}\n', [["a"], ["x"], ["y"]]),
    ],
)
def test_json(tmp_path: Path, content: str, expected: list) -> None:
    """Arrays of objects, and what else is a table; real nulls are missing, nested values stay readable."""
    assert rows_of(save(tmp_path / "a.json", content)) == expected


def test_jsonl(tmp_path: Path) -> None:
    """One object a line, from gzip too; a line that is none is named."""
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress("\n".join(json.dumps({"q": f"é {n}"}) for n in range(5)).encode()))
    assert len(read(path, limit=3).data) == 3 and read(path).data["q"][4] == "é 4"
    with pytest.raises(ValueError, match=r"line 2 is not JSON .* got '\{broken'"):
        read(save(tmp_path / "b.jsonl", '{"a": 1}\n{broken\n'))
    with pytest.raises(ValueError, match="line 1 holds 3, expected an object"):
        read(save(tmp_path / "c.jsonl", "3\n"))


def test_parquet(tmp_path: Path) -> None:
    """Numbers, dates and lists become texts; nulls are missing; `limit` stops early."""
    frame = pd.DataFrame({"id": pd.array([1, None], "Int64"), "when": pd.to_datetime(["2026-03-01"] * 2),
                          "text": ["NA", None], "tags": [["a", "b"], []]})  # fmt: skip
    frame.to_parquet(tmp_path / "a.parquet")
    assert rows_of(tmp_path / "a.parquet")[1:] == [["1", "2026-03-01 00:00:00.000000", "NA", "a\nb"],
                                                   ["", "2026-03-01 00:00:00.000000", "", ""]]  # fmt: skip
    assert len(read(tmp_path / "a.parquet", limit=1).data) == 1
    data = (tmp_path / "a.parquet").read_bytes()
    with pytest.raises(ValueError, match="is broken"):
        read(save(tmp_path / "b.parquet", data[: len(data) // 2]))


def test_spreadsheet(tmp_path: Path) -> None:
    """The first sheet with rows is read, below its title; the others are named."""
    path = tmp_path / "a.xlsx"
    with pd.ExcelWriter(path) as writer:
        pd.DataFrame().to_excel(writer, sheet_name="cover")
        table = pd.DataFrame({"id": [7, 8], "text": ["NA", None], "more": ["x", "y"]})
        table.to_excel(writer, sheet_name="tickets", index=False, startrow=2)
        writer.sheets["tickets"]["A1"] = "Report of March"
        table.to_excel(writer, sheet_name="old", index=False)
    found = read(path)
    assert rows_of(path) == [["id", "text", "more"], ["7", "NA", "x"], ["8", "", "y"]] and found.format == "xlsx"
    assert found.notes == ["read the sheet `tickets`; there are also `cover`, `old`",
                           "1 row above the table left out (first: 'Report of March')"]  # fmt: skip
    renamed = read(save(tmp_path / "b.csv", path.read_bytes()))
    assert renamed.format == "xlsx" and "whatever its suffix" in renamed.notes[0]


def test_lines_and_paragraphs(tmp_path: Path) -> None:
    """A text a line; with blank lines between, a text a paragraph. A note says which."""
    lines = read(save(tmp_path / "a.txt", "\ufeffone\ntwo\r\nthree"))
    assert lines.data["text"].tolist() == ["one", "two", "three"] and "a line is a text" in lines.notes[0]
    blocks = read(save(tmp_path / "b.TXT", "one\nmore\n\n\ntwo\n"))
    assert blocks.data["text"].tolist() == ["one\nmore", "two"] and "a paragraph is a text" in blocks.notes[0]
    listed = read(save(tmp_path / "c.txt", "word\n" * 200 + "\nlast\n"))
    assert len(listed.data) == 201


@pytest.mark.parametrize(
    ("content", "kind"),
    [(TEXT, "csv"), ('{"a": "x"}\n{"a": "y"}\n', "jsonl"), ("a b\nc\n", "txt"), ('[{"a": 1}]', "json")],
)
def test_unknown_suffix(tmp_path: Path, content: str, kind: str) -> None:
    """A suffix that says nothing is no obstacle."""
    table = read(save(tmp_path / "export.dat", content))
    assert table.format == kind and table.notes[0] == f"the suffix of export.dat says nothing: read as {kind}"


def test_folder(tmp_path: Path) -> None:
    """One row a text file, named by its path; the digest follows names and texts."""
    (tmp_path / "sub").mkdir()
    save(tmp_path / "b.txt", "zwei")
    save(tmp_path / "sub" / "a.md", "Größe".encode("cp1252"))
    save(tmp_path / "c.pdf", "%PDF")
    save(tmp_path / "d.txt", "\n")
    table = read(tmp_path)
    assert table.data.to_numpy().tolist() == [["b.txt", "zwei"], ["sub/a.md", "Größe"]] and table.format == "folder"
    assert any("cp1252" in note for note in table.notes)
    assert table.notes[-2:] == ["1 other file in the folder left out (.pdf 1)", "1 empty file left out"]
    (tmp_path / "b.txt").rename(tmp_path / "e.txt")
    assert read(tmp_path).digest != table.digest


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", r"a.csv is empty \(0 bytes\): expected csv"),
        ("a.csv", b"\xef\xbb\xbf\r\n \n", "a.csv is empty"),
        ("a.csv", b"id,text\n", r"a.csv holds only a header \(id, text\) and no rows"),
        ("a.xlsx", b"not a sheet", "not a xlsx file, or it is broken"),
        ("a.xls", b"<html><table>", "a web page under the name of a xls file"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        ("a.doc", b"\xd0\xcf\x11\xe0 word", "old Office document: save it as"),
        ("a.parquet", b"PAR1 no", "a.parquet is broken"),
        ("a.json", b'[{"a": 1},\n{"a": }]', "broken JSON: Expecting value in line 2, column 7"),
        ("a.json", b'{"a": 1}', r"expected an array of objects"),
        ("a.json", b"[" * 100_000, "broken JSON|nested too deep"),
        ("a.pdf", b"%PDF-1.7\n\xff", "a PDF document: export its text"),
        ("a.csv", b"\x89PNG\r\n", "a picture"),
        ("a.pkl", pickle.dumps([1]), "a Python pickle, which can run code"),
        ("a.csv", pickle.dumps([1]), "a Python pickle"),
        ("a.csv", bytes(range(256)) * 20, "not made of text"),
        ("a.parquet.gz", b"\x1f\x8b", "a packed parquet file cannot be read"),
        ("a.csv.gz", gzip.compress(b""), "empty once unpacked"),
        ("a.csv.gz", gzip.compress(bytes(range(32)) * 20), "not made of text"),
        ("a.csv.gz", b"id,text\n", "is broken .Not a gzipped file"),
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


def test_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Near names are offered; folders without texts, missing folders and closed files are told apart."""
    save(tmp_path / "Tickets.csv", TEXT)
    with pytest.raises(FileNotFoundError, match="did you mean Tickets.csv"):
        read(tmp_path / "ticket.csv")
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        read(tmp_path / "nowhere" / "ticket.csv")
    with pytest.raises(ValueError, match=r"no .txt or .md files \(it holds Tickets.csv\): name one file"):
        read(tmp_path)
    with pytest.raises(ValueError, match="limit of at least 1, got 0"):
        read(tmp_path / "Tickets.csv", limit=0)

    def closed(*args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", "Tickets.csv")

    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(PermissionError, match="may not be read by this user: change its permissions"):
        read(tmp_path / "Tickets.csv")


def test_changed_while_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that another program still writes is not taken half."""
    path = save(tmp_path / "a.csv", TEXT)

    def digest(of: Path) -> str:
        os.utime(of, ns=(1, 1))
        return ""

    monkeypatch.setattr("toolkit.prepare.files.digest_file", digest)
    with pytest.raises(ValueError, match="a.csv changed while it was read"):
        read(path)


def test_missing_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the reader of spreadsheets one sentence says how to get it."""
    pd.DataFrame({"a": ["x"]}).to_excel(tmp_path / "a.xlsx")
    monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
    with pytest.raises(ImportError, match="pip install python-calamine"):
        read(tmp_path / "a.xlsx")


def test_all_rows_equal_and_few(tmp_path: Path) -> None:
    """Three equal rows are three rows, and the digest is that of the bytes."""
    path = save(tmp_path / "same.csv", "question,answer\n" + "why,because\n" * 3)
    table = read(path, limit=2)
    assert len(read(path).data) == 3 and len(table.data) == 2
    assert table.digest == __import__("hashlib").sha256(path.read_bytes()).hexdigest()
