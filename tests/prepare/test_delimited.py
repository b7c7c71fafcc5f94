"""Fields come back as they were written, ragged rows are repaired, columns get names, samples are even."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from handmade import rows_of, save, write
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from scipy.stats import chisquare

from toolkit.prepare import load
from toolkit.prepare.files.delimited import Sample
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
    short, long = table.notes
    assert "1 row" in short and "line 4" in short and "1 row" in long and "line 5" in long
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


def test_a_given_separator(tmp_path: Path) -> None:
    """The separator that is given is used where another would be found, in any text file; quoting still is found."""
    path = save(tmp_path / "a.csv", 'id~one, two\n1~a, b\n2~"c~d, e"\n')
    assert read(path).separator == ","
    table = read(path, separator="~")
    assert table.separator == "~" and table.data.to_dict("list") == {"id": ["1", "2"], "one, two": ["a, b", "c~d, e"]}
    tabs = save(tmp_path / "a.txt", "id\ttext, more\n1\ta, b\n")
    for name in ("tab", "\\t", "\t"):
        table = read(tabs, separator=name)
        assert (table.format, table.separator, table.data["text, more"].tolist()) == ("csv", "\t", ["a, b"])
    with pytest.raises(ValueError, match=r"a.csv: ';' is not in the first row"):
        read(path, separator=";")


# Names of columns


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


# Samples


N = 30_000


def written(path: Path, kind: str) -> Path:
    """A file of numbered rows."""
    file = path / f"many.{kind}"
    rows = [(f"what is number {n}?", f"the answer to number {n} in some words") for n in range(N)]
    frame = pd.DataFrame(rows, columns=["question", "answer"])
    if kind == "csv":
        frame.to_csv(file, index=False)
    elif kind == "parquet":
        parquet.write_table(pa.table(dict(frame.items())), file, row_group_size=5_000)
    elif kind == "txt":
        file.write_text("\n".join(frame["answer"]), encoding="utf-8")
    else:
        records = [{"question": q, "answer": a} for q, a in rows]
        text = json.dumps(records) if kind == "json" else "".join(json.dumps(r) + "\n" for r in records)
        file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "parquet", "txt"])
def test_a_sample_of_every_format(tmp_path: Path, kind: str) -> None:
    """The same rows, whatever the format: in order, from all over the file, without one twice."""
    table = read(written(tmp_path, kind), sample=1000)
    texts = table.data["text" if kind == "txt" else "answer"]
    numbers = texts.str.extract(r"(\d+)")[0].astype(int).tolist()
    assert table.rows == N and len(numbers) == 1000
    assert numbers == sorted(set(numbers)) and numbers[0] < N / 100 and numbers[-1] > N * 0.99
    # The k rows with the smallest of these draws: what the streaming must come to.
    assert numbers == np.sort(np.argsort(np.random.default_rng(0).random(N))[:1000]).tolist()


def test_the_account_of_a_sample(tmp_path: Path) -> None:
    """The account counts all rows of the file; a sample larger than the file is the file."""
    loaded = load(written(tmp_path, "csv"), limit=500)
    assert loaded.table.iloc[0][["step", "rows_in", "rows_out", "dropped"]].tolist() == ["sample", N, 500, N - 500]
    whole = read(tmp_path / "many.csv", sample=2 * N)
    assert len(whole.data) == N == whole.rows
    pd.testing.assert_frame_equal(whole.data, read(tmp_path / "many.csv").data)
    with pytest.raises(ValueError, match="a sample of at least 1, got 0"):
        read(tmp_path / "many.csv", sample=0)


def test_every_row_is_equally_likely() -> None:
    """Over batches of several sizes the places of the rows that stay are spread evenly."""
    sample = Sample(3_000)
    for size in [1, 50_000, 7, 100_000, 49_992]:
        start = sample.seen
        sample.add(pd.DataFrame({"n": sample.select(range(start, start + size))}))
    places = pd.concat(sample.result())["n"]
    assert len(places) == 3_000 and places.is_monotonic_increasing
    assert chisquare(np.histogram(places, bins=20, range=(0, 200_000))[0]).pvalue > 0.001


def test_memory_is_bounded() -> None:
    """However many rows come, no more are held than twice the sample and one batch."""
    sample = Sample(15_000)
    for _ in range(100):
        sample.add(pd.DataFrame({"n": sample.select(range(20_000))}))
        assert sum(map(len, sample.parts)) <= 30_000
    assert sample.seen == 2_000_000 and sum(map(len, sample.result())) == 15_000
