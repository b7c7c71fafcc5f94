"""Rows of fields come back as they were written, whatever separates them; ragged ones are repaired, with a note."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest
from handmade import rows_of, save, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.prepare.files.reading import read

ROWS = [["id", "subject", "body"], ["007", "Kein Ton", "Größe, Straße; a|b"], ["008", "", 'He said "no"\nand left']]


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


def test_one_long_text(tmp_path: Path) -> None:
    """A text of 20 MB is read, and the csv module's limit is as it was before."""
    limit = csv.field_size_limit()
    path = write(tmp_path / "long.csv", [["id", "text"], ["1", "word, " * 3_500_000], ["2", "x"]])
    assert read(path).data["text"].str.len().tolist() == [21_000_000, 1]
    assert csv.field_size_limit() == limit
