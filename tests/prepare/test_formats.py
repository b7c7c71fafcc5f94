"""Lines, JSON, parquet and spreadsheets become tables of texts; what is broken is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest
from handmade import rows_of, save

from toolkit.prepare.files.reading import read


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
    assert read(path).data["q"][4] == "é 4"
    with pytest.raises(ValueError, match=r"line 2 is not JSON .* got '\{broken'"):
        read(save(tmp_path / "b.jsonl", '{"a": 1}\n{broken\n'))
    with pytest.raises(ValueError, match="line 1 holds 3, expected an object"):
        read(save(tmp_path / "c.jsonl", "3\n"))


def test_parquet(tmp_path: Path) -> None:
    """Numbers, dates and lists become texts; nulls are missing."""
    frame = pd.DataFrame({"id": pd.array([1, None], "Int64"), "when": pd.to_datetime(["2026-03-01"] * 2),
                          "text": ["NA", None], "tags": [["a", "b"], []]})  # fmt: skip
    frame.to_parquet(tmp_path / "a.parquet")
    assert rows_of(tmp_path / "a.parquet")[1:] == [["1", "2026-03-01 00:00:00.000000", "NA", "a\nb"],
                                                   ["", "2026-03-01 00:00:00.000000", "", ""]]  # fmt: skip
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
    sheets, above = found.notes
    assert all(f"`{name}`" in sheets for name in ("tickets", "cover", "old"))
    assert "1 row" in above and "'Report of March'" in above
    renamed = read(save(tmp_path / "b.csv", path.read_bytes()))
    assert renamed.format == "xlsx" and "xlsx" in renamed.notes[0]


def test_a_sheet_by_its_name(tmp_path: Path) -> None:
    """The named sheet is read, without a note on the others; an unknown or empty one is refused with the names."""
    path = tmp_path / "a.xlsx"
    with pd.ExcelWriter(path) as writer:
        pd.DataFrame({"id": [1], "text": ["first"]}).to_excel(writer, sheet_name="open", index=False)
        pd.DataFrame({"id": [2, 3], "body": ["second", "third"]}).to_excel(writer, sheet_name="closed", index=False)
        pd.DataFrame().to_excel(writer, sheet_name="empty")
    found = read(path, sheet="closed")
    assert found.data.to_dict("list") == {"id": ["2", "3"], "body": ["second", "third"]} and found.notes == []
    with pytest.raises(ValueError, match=r"no sheet 'old': expected one of open, closed, empty"):
        read(path, sheet="old")
    with pytest.raises(ValueError, match=r"sheet 'empty' has no row"):
        read(path, sheet="empty")


def test_missing_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the reader of spreadsheets one sentence says how to get it."""
    pd.DataFrame({"a": ["x"]}).to_excel(tmp_path / "a.xlsx")
    monkeypatch.setitem(__import__("sys").modules, "python_calamine", None)
    with pytest.raises(ImportError, match="pip install python-calamine"):
        read(tmp_path / "a.xlsx")


def test_lines_and_paragraphs(tmp_path: Path) -> None:
    """A text a line; with blank lines between, a text a paragraph. A note says which."""
    lines = read(save(tmp_path / "a.txt", "\ufeffone\ntwo\r\nthree"))
    assert lines.data["text"].tolist() == ["one", "two", "three"] and "line is a text: 3" in lines.notes[0]
    blocks = read(save(tmp_path / "b.TXT", "one\nmore\n\n\ntwo\n"))
    assert blocks.data["text"].tolist() == ["one\nmore", "two"]
    assert "paragraph is a text" in blocks.notes[0] and ": 2 texts" in blocks.notes[0]
    listed = read(save(tmp_path / "c.txt", "word\n" * 200 + "\nlast\n"))
    assert len(listed.data) == 201
