"""Columns have distinct names, a first row that is data is not taken for them, and words stay words."""

from __future__ import annotations

from pathlib import Path

import pytest
from handmade import save, write

from toolkit.prepare.files.reading import read


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


def test_words_that_look_like_nothing(tmp_path: Path) -> None:
    """NA, None, nan and null are words of a text file; only what is empty is missing."""
    words = ["NA", "None", "nan", "null", "N/A", ""]
    table = read(write(tmp_path / "na.csv", [["country", "n"], *([word, "1"] for word in words)]))
    assert table.data["country"].fillna("missing").tolist() == [*words[:-1], "missing"]
