"""The paper pack is read back by trec_eval's own code, and prints what the comparison says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import pytrec_eval
from datasets import Dataset

from toolkit.evaluate import Comparison, Scores, compare, paper, score
from toolkit.prepare import RetrievalData, Task

METRICS = ["accuracy@1", "nDCG@10", "nDCG@3", "MRR@10", "MRR@3", "recall@10", "precision@5", "MAP@10"]


def search(mark: str = "", n: int = 30) -> Task:
    """Queries with one to four graded documents out of 60."""
    rng = np.random.default_rng(0)
    corpus = {f"d{mark}{i}": f"text {i}" for i in range(60)}
    qrels = {
        f"q{i}": {f"d{mark}{d}": int(rng.integers(0, 4)) for d in rng.permutation(60)[: rng.integers(1, 5)]}
        | {f"d{mark}{i}": 2}
        for i in range(n)
    }
    return Task(
        "my test",
        "retrieval",
        RetrievalData(corpus, {q: f"ask {q}" for q in qrels}, qrels),
        {f"q{i}": i // 2 for i in range(n)},
    )


def ranked(task: Task, seed: int, right: float = 0.0) -> Scores:
    """A ranking with many equal scores, queries without a result, and some right documents put ahead."""
    rng = np.random.default_rng(seed)
    documents = list(task.data.corpus)
    ranking = {
        query: {documents[i]: float(rng.integers(0, 4)) / 3 + right * task.data.qrels[query].get(documents[i], 0)
                for i in rng.permutation(60)[: rng.integers(0, 60)]}
        for query in task.items
    }  # fmt: skip
    return score(ranking, task, metrics=METRICS)


def compared(mark: str = "") -> Comparison:
    task = search(mark)
    return compare({"base": ranked(task, 1), "my/tuned model": ranked(task, 2, 1.0), "other": ranked(task, 3)},
                   baseline="base")  # fmt: skip


def read_back(folder: Path, run: str) -> dict[str, float]:
    """Every metric from the two files alone, averaged over all queries of the qrels, as ``trec_eval -c`` does."""
    with (folder / "qrels.txt").open() as file:
        qrels = pytrec_eval.parse_qrel(file)
    with (folder / run).open() as file:
        found = pytrec_eval.parse_run(file)
    names = {"accuracy@1": "success_1", "nDCG@10": "ndcg_cut_10", "nDCG@3": "ndcg_cut_3", "recall@10": "recall_10",
             "precision@5": "P_5",
             "MAP@10": "map_cut_10"}  # fmt: skip
    measures = {"success", "ndcg_cut.3,10", "recall", "P", "map_cut"}
    by_query = pytrec_eval.RelevanceEvaluator(qrels, measures).evaluate(found)
    means = {ours: sum(row[theirs] for row in by_query.values()) / len(qrels) for ours, theirs in names.items()}
    for k in (3, 10):  # -M k keeps the first k
        cut = {q: dict(sorted(row.items(), key=lambda item: -item[1])[:k]) for q, row in found.items()}
        rows = pytrec_eval.RelevanceEvaluator(qrels, {"recip_rank"}).evaluate(cut)
        means[f"MRR@{k}"] = sum(row["recip_rank"] for row in rows.values()) / len(qrels)
    return means


@pytest.mark.parametrize("mark", ["", " with blank % ", "ü\u00a0"])
def test_trec_eval_prints_the_same_digits(tmp_path: Path, mark: str) -> None:
    """From the files alone, also with equal scores, queries without result, and ids that hold blanks."""
    found = compared(mark)
    folder = found.to_paper(tmp_path / "pack")
    for system, name in (("base", "base"), ("my/tuned model", "my-tuned-model"), ("other", "other")):
        means = read_back(folder, f"{name}.run")
        for metric in METRICS:
            assert means[metric] == pytest.approx(found.scores[system].value(metric), abs=1e-12)
    methods = (folder / "methods.md").read_text(encoding="utf-8")
    assert f"MRR@10 {found.scores['other'].value('MRR@10'):.4f}" in methods
    assert "trec_eval -c -M 3 -m recip_rank qrels.txt my-tuned-model.run" in methods
    assert "-m success.1 -m ndcg_cut.3,10 -m recall.10 -m P.5 -m map_cut.10 qrels.txt base.run" in methods
    assert ("percent-encoded" in methods) == bool(mark)


def test_run_files_have_six_columns_and_ranks(tmp_path: Path) -> None:
    """Ranks count from 1 and scores fall strictly within a query, so that no tie is left to trec_eval."""
    folder = compared().to_paper(tmp_path / "pack")
    table = pd.read_csv(folder / "base.run", sep=" ", header=None)
    assert table.shape[1] == 6 and set(table[1]) == {"Q0"} and set(table[5]) == {"base"}
    for _, rows in table.groupby(0):
        assert rows[3].tolist() == list(range(1, len(rows) + 1))
        assert (np.diff(rows[4]) < 0).all()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    """A folder that holds something, a file, and a missing parent are refused; an empty folder is taken."""
    found = compared()
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    for name in ("full", "full/mine.txt"):
        with pytest.raises(ValueError, match="nothing is overwritten"):
            found.to_paper(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        found.to_paper(tmp_path / "a" / "b")
    (tmp_path / "empty").mkdir()
    assert {file.name for file in found.to_paper(tmp_path / "empty").iterdir()} == {
        "qrels.txt", "base.run", "my-tuned-model.run", "other.run", "table.tex", "methods.md",
    }  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "full"]  # nothing half made


def test_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When writing fails there is no folder, and no trace beside it."""
    monkeypatch.setattr("toolkit.evaluate.comparing.paper._methods", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        compared().to_paper(tmp_path / "pack")
    assert list(tmp_path.iterdir()) == []


def values(**systems: np.ndarray) -> Comparison:
    task = search(n=len(next(iter(systems.values()))))
    index = pd.Index(task.items, name="query_id")
    scores = {
        name: Scores(name, task, {}, pd.DataFrame({"nDCG@10": x, "a_b": x}, index=index)) for name, x in systems.items()
    }
    return compare(scores, baseline="base")


def test_bold_and_daggers_only_where_shown(tmp_path: Path) -> None:
    """The best is bold only if it is shown to be better than all others; a dagger stands where Holm allows it."""
    rng = np.random.default_rng(0)
    base = rng.random(30)
    far = values(base=base, best=base + 0.3 + 0.01 * rng.normal(size=30), other=base + 0.01 * rng.normal(size=30))
    near = values(
        base=base, best=base + 0.3 + 0.01 * rng.normal(size=30), other=base + 0.302 + 0.03 * rng.normal(size=30)
    )
    tables = [(found.to_paper(tmp_path / str(i)) / "table.tex").read_text() for i, found in enumerate((far, near))]
    rows = [{line.split(" & ")[0]: line for line in table.splitlines() if " & " in line} for table in tables]
    assert "textbf" in rows[0]["best"] and rows[0]["best"].count("dagger") == 2
    assert not any("textbf" in line or "dagger" in line for name, line in rows[0].items() if name != "best")
    assert "textbf" not in "".join(rows[1].values())
    assert "dagger" in rows[1]["best"] and "dagger" in rows[1]["other"] and "dagger" not in rows[1]["base"]
    interval = far.scores["best"].table.iloc[0]
    assert (
        rf"\textbf{{{interval['score']:.3f}}}$^\dagger$ {{\scriptsize [{interval['low']:.3f}, {interval['high']:.3f}]}}"
        in rows[0]["best"]
    )
    assert r"a\_b" in rows[0]["System"] and not re.search(r"(?<!\\)[_%]", tables[0].split("booktabs}")[1])


def test_the_paragraph_is_filled_and_says_what_is_missing(tmp_path: Path) -> None:
    """Data, digest, unit of resampling, tests and versions are there; what only the author knows is asked for."""
    found = compared()
    bare = (found.to_paper(tmp_path / "bare") / "methods.md").read_text()
    told = found.to_paper(tmp_path / "told", data="Tickets of 2025.", split="By customer.", seeds="0 to 4.")
    mark = paper.PLACEHOLDER.partition(":")[0]
    assert bare.count(mark) == 3 and mark not in (told / "methods.md").read_text()
    digest = found.scores["base"].task.digest
    for words in (digest, "30 queries over 60 documents", "15 groups", "16 comparisons", "Holm", "scipy 1.", "10,000"):
        assert words in bare, words


def test_predictions_where_there_is_no_ranking(tmp_path: Path) -> None:
    """Other kinds have what each system said, from which the score follows again."""
    true = np.arange(40) % 6
    data = Dataset.from_dict({"sentence1": ["secret"] * 40, "sentence2": ["b"] * 40, "score": true.astype(float)})
    task = Task("sts", "similarity", data, {})
    rng = np.random.default_rng(0)
    index = pd.Index(task.items)
    systems = {
        name: Scores(name, task, {}, pd.DataFrame(index=index),
                     pd.DataFrame({"score": true + rng.normal(size=40)}, index=index), ["spearman"])
        for name in ("base", "tuned")
    }  # fmt: skip
    folder = compare(systems, baseline="base").to_paper(tmp_path / "pack")
    items, tuned = (pd.read_csv(folder / name, index_col="id") for name in ("items.csv", "tuned.csv"))
    again = items["score"].corr(tuned["score"], method="spearman")
    assert again == pytest.approx(systems["tuned"].value("spearman"))
    assert {file.name for file in folder.iterdir()} == {"items.csv", "base.csv", "tuned.csv", "table.tex", "methods.md"}
    assert "secret" not in (folder / "items.csv").read_text()
    assert (
        "For spearman both systems were computed on the same bootstrap resamples" in (folder / "methods.md").read_text()
    )
