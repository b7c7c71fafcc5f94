"""The ledger counts every score, also of two processes at once, and states the selection bias of the best."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from toolkit import stats, storage
from toolkit.evaluate import Scores, compare
from toolkit.evaluate.comparing import ledger, record
from toolkit.evaluate.comparing.ledgers import FILE, _append
from toolkit.prepare import RetrievalData, Task

N = 50


def scored(name: str = "x", seed: int = 0, task: str = "test", groups: bool = False) -> Scores:
    """Scores by chance."""
    data = RetrievalData({"d": task}, {f"q{i}": f"secret {i}" for i in range(N)}, {f"q{i}": {"d": 1} for i in range(N)})
    values = np.random.default_rng(seed).random(N)
    kept = Task(task, "retrieval", data, dict.fromkeys(data.queries, "all") if groups else {})
    return Scores(
        name, kept, {}, pd.DataFrame({"accuracy@1": values > 0.5, "nDCG@10": values}, index=list(data.queries))
    )


def test_scores_are_counted_by_digest(tmp_path: Path) -> None:
    """Each score counts; the same results again are no new try; another test set has a count of its own."""
    assert "once" in record(scored(), folder=tmp_path)
    assert "2 times, always with the same result" in record(scored("renamed"), folder=tmp_path)
    record(scored("other test", task="other"), folder=tmp_path)
    for seed in range(1, 5):
        text = record(scored(f"s{seed}", seed), folder=tmp_path)
    table = ledger(folder=tmp_path)
    assert table["task"].tolist() == ["test", "other"] and table["times"].tolist() == [6, 1]
    row = table.iloc[0]
    means = {f"s{seed}": scored(seed=seed).value("nDCG@10") for seed in range(1, 5)} | {"x": scored().value("nDCG@10")}
    assert row["systems"] == 5 and row["digest"] == scored().task.digest and row["metric"] == "nDCG@10"
    assert row["score"] == pytest.approx(max(means.values())) and means[row["best"]] == max(means.values())
    error = np.sqrt(1 / 12 / N)  # of the mean of uniform values
    assert row["noise"] == pytest.approx(error, rel=0.15) and not row["paired"]
    size = stats.selection_bias(row["noise"], 5)
    for told in ("6 times", "5 different results", "best of 5", f"up to {size:.3f} nDCG@10"):
        assert told in text
    assert "secret" not in (tmp_path / FILE).read_text()


def test_a_comparison_counts_each_system_and_knows_the_noise_they_do_not_share(tmp_path: Path) -> None:
    """Queries that are hard for all help nobody: the noise is that of the paired differences, over root two."""
    rng = np.random.default_rng(0)
    task = scored().task
    hard = rng.random(N)
    systems = {
        name: Scores(name, task, {}, pd.DataFrame({"m": hard + 0.1 * rng.normal(size=N)}, index=task.items))
        for name in "abc"
    }
    text = record(compare(systems, baseline="a"), folder=tmp_path)
    row = ledger(folder=tmp_path).iloc[0]
    assert (row["times"], row["systems"], row["metric"]) == (3, 3, "m") and row["paired"]
    assert row["noise"] == pytest.approx(0.1 / np.sqrt(N), rel=0.25)
    assert "about 0.01" in text
    record(systems["a"], folder=tmp_path)  # a single score's error, which they share, is no better known
    assert ledger(folder=tmp_path).iloc[0]["noise"] == row["noise"]


def test_two_processes_lose_nothing(tmp_path: Path) -> None:
    """Processes that write at once leave every line whole."""
    code = (
        "import sys; from pathlib import Path; from toolkit.evaluate.comparing.ledgers import _append\n"
        "for i in range(50): _append(Path(sys.argv[1]), [{'who': sys.argv[2], 'i': i, 'long': 'x' * 5000}] * 2)"
    )
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path / FILE), str(who)]) for who in range(2)]
    assert [process.wait(timeout=120) for process in running] == [0] * 2
    lines = [json.loads(line) for line in (tmp_path / FILE).read_text().splitlines()]
    assert sorted((line["who"], line["i"]) for line in lines) == sorted(
        (str(w), i) for w in range(2) for i in range(50) for _ in "ab"
    )


def test_a_damaged_ledger_loses_only_the_damaged_lines(tmp_path: Path) -> None:
    """A line cut short, a line of another program, and bytes that are no text are passed over."""
    record(scored(), folder=tmp_path)
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(b'{"other": 1}\n[1]\n\xff\xfe\n' + whole + whole[: len(whole) // 2])
    record(scored("again"), folder=tmp_path)
    assert ledger(folder=tmp_path)["times"].tolist() == [2]


def test_without_a_ledger(tmp_path: Path) -> None:
    """None yet: an empty table with its columns; a place that takes no file: a warning, and no count."""
    assert list(ledger(folder=tmp_path).columns)[:4] == ["digest", "task", "metric", "times"]
    (tmp_path / "file").write_text("")
    with pytest.warns(UserWarning, match="not counted"):
        text = record(scored(), folder=tmp_path / "file")
    assert "no record" in text


def test_one_group_has_no_noise(tmp_path: Path) -> None:
    """Where nothing can be said of the error, the size of the selection bias is left out."""
    record(scored(groups=True), folder=tmp_path)
    text = record(scored(seed=1, groups=True), folder=tmp_path)
    assert "2 different results" in text and not re.search(r"\d\.\d", text) and "nan" not in text


def test_the_ledger_lies_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a folder it is where `TOOLKIT_CACHE` points."""
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path / "cache"))
    record(scored())
    assert (storage.cache_folder() / FILE).exists() and (tmp_path / "cache" / FILE).exists() and len(ledger()) == 1
    _append(tmp_path / "cache" / FILE, [])
    assert len(ledger()) == 1
