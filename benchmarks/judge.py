"""Thirty judged searches: how often their 95 % intervals hold the truth, and what a careless judge does to them.

    TOOLKIT_DATA=... python benchmarks/judge.py        # about 6 minutes on two cores, of which 2 encode

1,500 questions of SQuAD search its 2,067 paragraphs by BM25 and by the embedded model. The truth is known for all of
them. Then 30 questions are drawn, pooled, judged by a script and scored by `toolkit.evaluate.judging.results`, 200
times over. Prints the table and writes it into benchmarks/own_file.md.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from blocks import ROOT, markdown, update
from scipy.stats import binomtest

from toolkit import evaluate, stats, vectors
from toolkit.evaluate.judging.agreement import Judged, results
from toolkit.evaluate.judging.session import judge

QUESTIONS, SEARCHES, DRAWS, WRONG = 1500, 30, 200, 0.1
SYSTEMS = ("MiniLM", "BM25")
METRICS = ("accuracy@1", "precision@5", "nDCG@10")


def load(folder: Path) -> tuple[dict[str, str], dict[str, str], dict[str, dict[str, int]]]:
    """Questions, paragraphs, and the paragraph that each question was written for."""
    passages = pd.read_json(folder / "dev.passages.jsonl.gz", lines=True)
    table = pd.read_json(folder / "dev.questions.jsonl.gz", lines=True, dtype={"id": str})
    table = table.drop_duplicates("question").sample(QUESTIONS, random_state=0)
    queries = dict(zip(table["id"], table["question"].str.strip(), strict=True))
    qrels = {query: {doc: 1} for query, doc in zip(table["id"], table["pid"], strict=True)}
    return queries, dict(zip(passages["pid"], passages["text"], strict=True)), qrels


def draw(number: int, wrong: float, data: Any, rankings: dict[str, Any]) -> Judged:
    """Draw searches, judge all that is pooled by the qrels, with a share of wrong answers, and score."""
    queries, corpus, qrels = data
    rng = np.random.default_rng([number, round(wrong * 100)])
    chosen = np.random.default_rng(number).choice(list(queries), SEARCHES, replace=False).tolist()
    with tempfile.TemporaryDirectory() as folder:
        session = judge(rankings, {query: queries[query] for query in chosen}, corpus, folder=folder, seed=number)
        while (item := session.next()) is not None:
            session.answer((item.doc_id in qrels[item.query_id]) != (rng.random() < wrong))
        return results(folder)


def figures(found: Judged, rankings: dict[str, Any]) -> list[dict[str, Any]]:
    """Each figure of one draw with its interval, and with the bootstrap's where `results` takes another."""
    rows = []
    per_query = evaluate.scoring.per_query
    right = {name: per_query(rankings[name], found.qrels, ["accuracy@1"])["accuracy@1"] for name in SYSTEMS}
    for row in found.table.dropna().to_dict("records"):
        [boot] = stats.intervals(right[row["model"]]) if row["metric"] == "accuracy@1" else [None]
        rows.append({"figure": f"{row['metric']}, {row['model']}", "seen": row["score"], "low": row["low"],
                     "high": row["high"], "boot": boot})  # fmt: skip
    pair = found.comparison.iloc[0]
    [boot] = stats.intervals(right[SYSTEMS[0]] - right[SYSTEMS[1]])
    rows.append({"figure": f"accuracy@1, {SYSTEMS[0]} minus {SYSTEMS[1]}", "seen": pair["difference"],
                 "low": pair["low"], "high": pair["high"], "boot": boot, "shown": pair["p_holm"] < 0.05})  # fmt: skip
    return rows


def share(hits: pd.Series) -> str:
    """A share of draws with its own 95 % margin."""
    low, high = binomtest(int(hits.sum()), len(hits)).proportion_ci(method="wilson")
    return f"{hits.mean():.3f} ({low:.3f} to {high:.3f})"


def main() -> None:
    if not os.environ.get("TOOLKIT_DATA"):
        sys.exit("TOOLKIT_DATA is not set: it names a folder of real data sets")
    data = queries, corpus, qrels = load(Path(os.environ["TOOLKIT_DATA"]) / "squad_v1")
    systems = {"MiniLM": vectors.dense(vectors.load(device="cpu"), corpus), "BM25": vectors.bm25(corpus)}
    rankings = {name: systems[name].search(queries, 10) for name in SYSTEMS}
    # The truth, counted here and not by the toolkit where that is simple.
    truth = {f"{m}, {name}": evaluate.scoring.per_query(rankings[name], qrels, [m])[m].mean() for name in SYSTEMS
             for m in METRICS}  # fmt: skip
    for name in SYSTEMS:
        first = [max(rankings[name][query], key=rankings[name][query].get, default=None) for query in queries]
        truth[f"accuracy@1, {name}"] = np.mean([doc in qrels[q] for doc, q in zip(first, queries, strict=True)])
    gap = f"accuracy@1, {SYSTEMS[0]} minus {SYSTEMS[1]}"
    truth[gap] = truth["accuracy@1, MiniLM"] - truth["accuracy@1, BM25"]
    page = []
    for words, wrong in (("A judge without errors", 0.0), (f"A judge with {WRONG:.0%} wrong answers", WRONG)):
        rows = [row for number in range(DRAWS) for row in figures(draw(number, wrong, data, rankings), rankings)]
        page += [f"### {words}", markdown(summary(pd.DataFrame(rows), truth)), told(pd.DataFrame(rows), gap)]
    text = "\n\n".join([
        f"{DRAWS} draws of {SEARCHES} of {QUESTIONS:,} SQuAD questions over {len(corpus):,} paragraphs, pooled from "
        f"the first 5 of {' and '.join(SYSTEMS)}; in brackets the 95 % margin of the share itself.", *page,
    ])  # fmt: skip
    print(text)
    update(ROOT / "benchmarks" / "own_file.md", "judge", text)


def summary(rows: pd.DataFrame, truth: dict[str, float]) -> pd.DataFrame:
    table = []
    for figure, part in rows.groupby("figure", sort=False):
        true = truth[figure]
        boot = [b.low <= true <= b.high for b in part["boot"] if b is not None]
        table.append({
            "figure": figure, "truth": f"{true:.3f}", "mean of draws": f"{part['seen'].mean():.3f}",
            "interval holds the truth": share((part["low"] <= true) & (true <= part["high"])),
            "mean width": f"{(part['high'] - part['low']).mean():.2f}",
            "a bootstrap interval would": share(pd.Series(boot)) if boot else "(is one)",
        })  # fmt: skip
    return pd.DataFrame(table)


def told(rows: pd.DataFrame, gap: str) -> str:
    part = rows[rows["figure"] == gap]
    better, worse = (int((part["shown"].astype(bool) & (side * part["seen"] > 0)).sum()) for side in (1, -1))
    return (
        f"Said to be better of {len(part)} draws: {SYSTEMS[0]} in {better}, {SYSTEMS[1]} in {worse}; the rest too few."
    )


if __name__ == "__main__":
    main()
