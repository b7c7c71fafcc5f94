"""`toolkit.evaluate.score` beside sentence-transformers' InformationRetrievalEvaluator: values, speed, second looks.

    python benchmarks/evaluate.py                  # a few minutes on two cores
    python benchmarks/evaluate.py --queries 300    # smaller
    python benchmarks/evaluate.py --write          # and writes the tables into benchmarks/README.md

The corpus is SQuAD's (dev), from the folder TOOLKIT_DATA; without it the docstrings of the packages installed here. The
peer runs at its default (float32), and in the number format that `encode` chose on this machine. Rounds are in ABBA
order; times are medians with the smallest and largest beside them.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["TOOLKIT_CACHE"] = tempfile.mkdtemp(prefix="evaluate-benchmark-")  # no warm cache of ours

import pandas as pd
from blocks import ROOT, markdown, update

from toolkit import evaluate, prepare, stats, vectors
from toolkit.hardware import machine
from toolkit.prepare import RetrievalData, Task
from toolkit.vectors.origin import origin_of

ROUNDS = 3
NAMES = {"accuracy@1": "accuracy@1", "nDCG@10": "ndcg@10", "MRR@10": "mrr@10", "recall@10": "recall@10"}
SECOND = ["nDCG@5", "MRR@100", "recall@50", "precision@5", "MAP@100"]


def squad(n: int) -> Task:
    """`n` questions and all paragraphs; questions of one paragraph are one group."""
    folder = Path(os.environ["TOOLKIT_DATA"]) / "squad_v1"
    passages = pd.read_json(folder / "dev.passages.jsonl.gz", lines=True).astype({"pid": str})
    asked = pd.read_json(folder / "dev.questions.jsonl.gz", lines=True).drop_duplicates("question").astype({"pid": str})
    asked = asked.sample(n=min(n, len(asked)), random_state=0).reset_index(drop=True)
    right = {f"q{i}": pid for i, pid in enumerate(asked["pid"])}
    queries = {f"q{i}": text for i, text in enumerate(asked["question"])}
    corpus = dict(zip(passages["pid"], passages["text"], strict=True))
    return Task("SQuAD", "retrieval", RetrievalData(corpus, queries, {q: {d: 1} for q, d in right.items()}), right)


def task_of(n: int) -> Task:
    return squad(n) if os.environ.get("TOOLKIT_DATA") else prepare.task(prepare.load("pydocs", limit=n).data)


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.3g} ({min(values):.3g} to {max(values):.3g})"


def peer(base: Any, dtype: str, task: Task) -> Callable[[], dict[str, float]]:
    """The evaluator with the same measures, on the model as the peer loads it."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.evaluation import InformationRetrievalEvaluator

    folder = origin_of(base).folder
    model = SentenceTransformer(folder, device="cpu", local_files_only=True, model_kwargs={"dtype": dtype})
    relevant = {query: {d for d, grade in row.items() if grade > 0} for query, row in task.data.qrels.items()}
    evaluator = InformationRetrievalEvaluator(
        task.data.queries, task.data.corpus, relevant, accuracy_at_k=[1], precision_recall_at_k=[10],
        score_functions={"cosine": model.similarity}, write_csv=False,
    )  # fmt: skip
    return lambda: evaluator(model)


def cold_score(base: Any, task: Task) -> evaluate.Scores:
    """Scores and their intervals, with nothing in the cache."""
    vectors.cache.clear()
    scores = evaluate.score(base, task, name="toolkit")
    _ = scores.table
    return scores


def tests(scores: evaluate.Scores, other: evaluate.Scores) -> Any:
    """What a report prints beside the means: intervals of two systems, and the comparison; 10,000 resamples each."""
    scores.__dict__.pop("table", None)  # it was kept since it was worked out
    other.__dict__.pop("table", None)
    return scores.table, other.table, evaluate.compare({"one": scores, "two": other}, baseline="one")


def measure(base: Any, task: Task) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Values, cold times, and second looks."""
    chosen = vectors.precision.resolve_dtype(base)
    peers = {dtype: peer(base, dtype, task) for dtype in dict.fromkeys(["float32", chosen])}
    engines: dict[str, Callable[[], Any]] = {f"toolkit, {chosen}": lambda: cold_score(base, task)}
    engines |= {f"InformationRetrievalEvaluator, {dtype}": run for dtype, run in peers.items()}
    times: dict[str, list[float]] = {name: [] for name in engines}
    for number in range(ROUNDS):
        for name in list(engines) if number % 2 == 0 else reversed(list(engines)):
            times[name].append(seconds(engines[name]))
    [ours, *others] = engines
    middle = {name: statistics.median(found) for name, found in times.items()}
    cold = pd.DataFrame({"evaluation": name, "seconds": spread(times[name]),
                         "ours is faster by": f"{middle[name] / middle[ours]:.2f}x" if name in others else ""}
                        for name in engines)  # fmt: skip
    scores, found = cold_score(base, task), peers["float32"]()
    values = pd.DataFrame({"metric": ours_name, "toolkit": f"{scores.value(ours_name):.4f}",
                           "InformationRetrievalEvaluator": f"{found[f'cosine_{name}']:.4f}"}
                          for ours_name, name in NAMES.items())  # fmt: skip
    again = [seconds(lambda: evaluate.score(base, task, metrics=SECOND)) for _ in range(5)]
    ranking = [seconds(lambda: evaluate.score(scores.ranking, task, metrics=SECOND)) for _ in range(5)]
    words = evaluate.score(vectors.bm25(task.data.corpus), task, name="BM25")
    shown = [seconds(lambda: tests(scores, words)) for _ in range(5)]
    rows = [
        ("other metrics, same model", again, f"{middle[others[0]] / statistics.median(again):,.0f}x the peer's speed"),
        ("other metrics, finished ranking", ranking, f"{middle[others[0]] / statistics.median(ranking):,.0f}x"),
        (f"intervals and tests, {stats.RESAMPLES:,} resamples", shown,
         f"{statistics.median(shown) / middle[ours]:.2%} of a cold evaluation"),
    ]  # fmt: skip
    later = pd.DataFrame({"work": name, "seconds": spread(found), "": said} for name, found, said in rows)
    return values, cold, later


def main() -> None:
    n = int(sys.argv[sys.argv.index("--queries") + 1]) if "--queries" in sys.argv else 2_000
    task, base = task_of(n), vectors.load(device="cpu")
    values, cold, later = measure(base, task)
    here = machine()
    text = "\n\n".join([
        f"{here['processor']}, {here['cores']} cores; {task.name}: {len(task.data.queries):,} queries, "
        f"{len(task.data.corpus):,} documents; the probe chose {vectors.precision.resolve_dtype(base)}.",
        "### The same values", markdown(values), "### Cold", markdown(cold), "### From the cache", markdown(later),
    ])  # fmt: skip
    print(text)
    if "--write" in sys.argv:
        update(ROOT / "benchmarks" / "README.md", "evaluate", text)


if __name__ == "__main__":
    main()
