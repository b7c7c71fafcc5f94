"""Three models on four kinds of task: what can be told apart, and what cannot.

    TOOLKIT_DATA=... TOOLKIT_MODELS=... python benchmarks/verdicts.py

Writes the tables into benchmarks/verdicts.md. Vectors are kept in the cache; a second run takes seconds.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from blocks import ROOT, markdown, update

from toolkit import evaluate, prepare, vectors
from toolkit.evaluate import Comparison
from toolkit.prepare import Task

PAGE = ROOT / "benchmarks" / "verdicts.md"
BASE = "all-MiniLM-L6-v2"
PROMPT = "Represent this sentence for searching relevant passages: "  # as the card of bge-small asks for


def systems() -> dict[str, Any]:
    """The models by name; the first is the baseline."""
    folder = Path(os.environ["TOOLKIT_MODELS"])
    found = {BASE: vectors.load(device="cpu")}
    found |= {name: vectors.load(folder / name, device="cpu") for name in ("bge-small-en-v1.5", "potion-base-8M")}
    found["bge-small-en-v1.5"].prompts["query"] = PROMPT
    return found


def tasks() -> Iterator[Task]:
    """Official test sets; of SQuAD's and Quora's rows as many as a laptop encodes in minutes, drawn by seed."""
    squad = prepare.task("squad", name="SQuAD: find the paragraph")
    yield squad.only(pd.Series(squad.items).sample(2_000, random_state=0), squad.name)
    yield prepare.task("stsb", name="STS-B: how alike")
    quora = prepare.load("quora-duplicates", limit=5_000)
    yield prepare.task(quora.data, name="Quora: the same question or not")
    yield prepare.task("banking77", name="Banking77: which of 77 intents")


def row_of(comparison: Comparison, name: str, metric: str) -> dict[str, str]:
    """One line of the table: the score, and the paired difference to the baseline."""
    table = comparison.results
    found = table[(table["model"] == name) & (table["metric"] == metric)].iloc[0]
    ties = comparison.ties.query("metric == @metric").set_index("model")
    line = {
        "task": found["task"], "metric": metric, "model": name,
        "score [95 %]": f"{found['score']:.3f} [{found['low']:.3f}, {found['high']:.3f}]",
        "minus MiniLM [95 %]": "", "p after Holm": "", "would be seen": "", "letters": ties.loc[name, "letters"],
        "n": f"{found['n']:,}", "groups": f"{found['n_groups']:,}",
    }  # fmt: skip
    if name != comparison.baseline:
        paired = comparison.row(name, metric)
        line["minus MiniLM [95 %]"] = f"{paired['difference']:+.3f} [{paired['low']:+.3f}, {paired['high']:+.3f}]"
        line["p after Holm"] = f"{paired['p_holm']:.4f}"
        line["would be seen"] = f"{paired['mdd']:.3f}"
    return line


def main() -> None:
    models, rows, words = systems(), [], []
    for task in tasks():
        asked = models | ({"BM25": vectors.bm25(task.data.corpus)} if task.kind == "retrieval" else {})
        comparison = evaluate.compare(
            {name: evaluate.score(model, task, name=name, dtype="float32") for name, model in asked.items()},
            baseline=BASE,
        )
        metric = "nDCG@10" if task.kind == "retrieval" else comparison.scores[BASE].metrics[0]
        rows += [row_of(comparison, name, metric) for name in asked]
        words.append(f"**{task.name}.** " + " ".join(evaluate.comparing.conclusions(comparison)))
        print(words[-1], flush=True)
    update(PAGE, "verdicts", "\n\n".join([markdown(pd.DataFrame(rows)), *words]))


if __name__ == "__main__":
    sys.exit(main())
