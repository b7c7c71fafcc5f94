"""Samples of long files: every row is equally likely, and memory holds no more than the sample."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from scipy.stats import chisquare

from toolkit.prepare import load, read
from toolkit.prepare.files.rows import Sample

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
        sample.add(pd.DataFrame({"n": sample.staying(range(start, start + size))}))
    places = pd.concat(sample.taken())["n"]
    assert len(places) == 3_000 and places.is_monotonic_increasing
    assert chisquare(np.histogram(places, bins=20, range=(0, 200_000))[0]).pvalue > 0.001


def test_memory_is_bounded() -> None:
    """However many rows come, no more are held than twice the sample and one batch."""
    sample = Sample(15_000)
    for _ in range(100):
        sample.add(pd.DataFrame({"n": sample.staying(range(20_000))}))
        assert sum(map(len, sample.parts)) <= 30_000
    assert sample.seen == 2_000_000 and sum(map(len, sample.taken())) == 15_000
