"""On real data: `score` reaches what MTEB's repository of results says of the embedded model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset

from toolkit.evaluate import score
from toolkit.prepare import Task

pytestmark = pytest.mark.realdata

NAME = "sentence-transformers/all-MiniLM-L6-v2"


def published(folder: Path, task: str, metric: str) -> float:
    """A published score, 0 to 100."""
    table = pd.read_csv(folder / "published_mteb_scores.csv.gz").set_index(["model", "task", "metric"])
    return float(table.loc[(NAME, task, metric), "score"])


def test_sts_benchmark(model: Any, data_folder: Path) -> None:
    """Spearman on the STS Benchmark is the published one within 0.1, and its interval holds it."""
    rows = pd.read_json(data_folder / "stsb_en" / "test.jsonl.gz", lines=True)[["sentence1", "sentence2", "score"]]
    scores = score(model, Task("STSBenchmark", "similarity", Dataset.from_pandas(rows), {}), dtype="float32")
    known = published(data_folder, "STSBenchmark", "cosine_spearman")
    assert 100 * scores.value("spearman") == pytest.approx(known, abs=0.1)
    row = scores.table.iloc[0]
    assert 100 * row["low"] < known < 100 * row["high"] < 100 * row["low"] + 5 and row["n"] == 1379


@pytest.mark.slow
def test_banking77(model: Any, data_folder: Path) -> None:
    """The probe on three draws of eight texts a label, as MTEB draws ten: the published accuracy within 1.5."""
    train, test = (
        pd.read_json(data_folder / "banking77" / f"{part}.jsonl.gz", lines=True) for part in ("train", "test")
    )
    found = []
    for seed in range(3):
        few = train.groupby("label").sample(8, random_state=seed)
        made = [Dataset.from_pandas(table[["text", "label"]], preserve_index=False) for table in (test, few)]
        task = Task("Banking77", "classification", made[0], {}, made[1])
        found.append(score(model, task, metrics=["accuracy"], dtype="float32").value("accuracy"))
    assert 100 * np.mean(found) == pytest.approx(published(data_folder, "Banking77Classification", "accuracy"), abs=1.5)
