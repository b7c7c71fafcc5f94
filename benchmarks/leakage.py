"""What the usual splits of well-known data sets leak, what a cosine finds, and a million texts split.

    TOOLKIT_DATA=... python benchmarks/leakage.py audits    # official splits, and Quora's pairs split by rows
    TOOLKIT_DATA=... python benchmarks/leakage.py cosine    # duplicate questions by the vectors of the embedded model
    TOOLKIT_DATA=... python benchmarks/leakage.py scale     # time and memory of a split of 1,000,000 questions

Each prints its table and writes it into benchmarks/leakage.md.
"""

from __future__ import annotations

import os
import resource
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from blocks import ROOT, markdown, update
from datasets import Dataset

from toolkit import prepare, vectors
from toolkit.prepare import RetrievalData, Task

PAGE = ROOT / "benchmarks" / "leakage.md"
SHOWN = "\n\nThe first near-copy of each, or the first text that was seen:\n\n"
ROWS, PAIRS, TEXTS = 100_000, 10_000, 1_000_000


def lines(path: Path) -> pd.DataFrame:
    return pd.read_json(path, lines=True, dtype=False)


def dataset(frame: pd.DataFrame) -> Dataset:
    return Dataset.from_pandas(frame, preserve_index=False)


def squad(data: Path, part: str) -> Dataset:
    passages = lines(data / f"squad_v1/{part}.passages.jsonl.gz").set_index("pid")
    found = lines(data / f"squad_v1/{part}.questions.jsonl.gz")
    positive, title = found["pid"].map(passages["text"]), found["pid"].map(passages["title"])
    return dataset(pd.DataFrame({"anchor": found["question"], "positive": positive, "group": title}))


def table(path: Path, **names: str) -> Dataset:
    found = lines(path).rename(columns={old: new for new, old in names.items()})
    wanted = [name for name in ("sentence1", "sentence2", "score", "text", "label") if name in found]
    if "sentence1" in found and "label" in found:
        found["label"] = (found["label"] == "entailment").astype(int)
    return dataset(found[wanted])


def quora(data: Path) -> pd.DataFrame:
    texts = pd.read_parquet(data / "quora/questions.parquet").set_index("qid")["text"]
    found = pd.read_parquet(data / "quora/pairs.parquet")
    found = found.assign(sentence1=found["qid1"].map(texts), sentence2=found["qid2"].map(texts))
    found = found[(found["sentence1"].str.strip() != "") & (found["sentence2"].str.strip() != "")]
    return found.dropna().assign(label=found["is_duplicate"].astype(int))


def beir(data: Path) -> Task:
    """The test searches of BEIR's Quora with their relevant documents."""
    texts = pd.read_parquet(data / "quora/questions.parquet").astype({"qid": str}).set_index("qid")["text"]
    judged = pd.read_csv(data / "quora/beir_test/qrels.tsv", sep=None, engine="python", dtype=str)
    query, document, grade = judged.columns[0], judged.columns[-2], judged.columns[-1]
    judged = judged[judged[grade].astype(int) > 0]
    qrels = {q: dict.fromkeys(rows[document], 1) for q, rows in judged.groupby(query)}
    corpus = {d: texts[d] for d in judged[document].unique()}
    return Task("test", "retrieval", RetrievalData(corpus, {q: texts[q] for q in qrels}, qrels), {})


def splits(data: Path) -> Iterator[tuple[str, Any, Any]]:
    """Name, training part, tested part."""
    yield "STS Benchmark: train, test", *(table(data / f"stsb_en/{part}.jsonl.gz") for part in ("train", "test"))
    yield "STS Benchmark: train, dev", *(table(data / f"stsb_en/{part}.jsonl.gz") for part in ("train", "dev"))
    yield "Banking77: train, test", *(table(data / f"banking77/{part}.jsonl.gz") for part in ("train", "test"))
    found = [table(data / f"clinc150/{part}.jsonl.gz", label="intent") for part in ("train", "test")]
    yield "CLINC150: train, test", *found
    names = {"sentence1": "premise", "sentence2": "hypothesis"}
    yield "SNLI: dev, test", *(table(data / f"snli/{part}.jsonl.gz", **names) for part in ("dev", "test"))
    yield "SQuAD 1.1: train, dev (by article)", squad(data, "train"), squad(data, "dev")
    rows = squad(data, "dev").train_test_split(0.1, seed=0)
    yield "SQuAD 1.1 dev, one row in ten drawn", rows["train"], rows["test"]
    whole = squad(data, "dev").remove_columns("group")
    ours = prepare.split(whole)
    yield "SQuAD 1.1 dev, by prepare.split", ours.train, ours.test
    pairs = quora(data)
    part = dataset(pairs.sample(ROWS, random_state=0)[["sentence1", "sentence2", "label"]])
    rows = part.train_test_split(0.1, seed=0)
    yield f"Quora pairs ({ROWS:,} drawn), one row in ten drawn", rows["train"], rows["test"]
    ours = prepare.split(part)
    print(ours.table, *ours.notes, sep="\n")
    yield f"Quora pairs ({ROWS:,} drawn), by prepare.split", ours.train, ours.test
    same = pairs[pairs["label"] == 1].rename(columns={"sentence1": "anchor", "sentence2": "positive"})
    yield (
        "All of Quora's duplicate pairs, which models train on; BEIR's test searches",
        dataset(same[["anchor", "positive"]]),
        beir(data),
    )


def audits(data: Path) -> None:
    rows, examples = [], []
    for name, train, test in splits(data):
        started = time.perf_counter()
        found = prepare.audit(train, test)
        print(f"{name}: {found}  ({time.perf_counter() - started:.0f} s)", flush=True)
        counts = found.counts.set_index("reason")
        said = "; ".join(f"{reason} {n:,}" for reason, n in counts["n"].items() if n and reason[:3] != "any")
        rows.append({"training, tested": name, "tested": f"{len(found.table):,}", "seen": f"{found.share:.1%}",
                     "how": said or "nothing"})  # fmt: skip
        near = found.examples[found.examples["reason"].str.startswith("near")]
        if len(found.examples):
            one = (near if len(near) else found.examples).iloc[0]
            texts = [textwrap.shorten(one[c], 110).replace("|", "/") for c in ("test_text", "train_text")]
            examples.append({"training, tested": name, "tested text": texts[0], "training text": texts[1]})
    update(PAGE, "leakage_audits", markdown(pd.DataFrame(rows)) + SHOWN
           + markdown(pd.DataFrame(examples)))  # fmt: skip


def cosine(data: Path) -> None:
    pairs = quora(data).sample(PAIRS, random_state=0)
    model = vectors.load(device="cpu")
    left, right = (vectors.encode(model, pairs[side].tolist()) for side in ("sentence1", "sentence2"))
    same, value = pairs["label"].to_numpy() == 1, (left * right).sum(axis=1)
    rows = [("words: Jaccard 0.7", np.array([len(prepare.splitting.near_pairs(texts)) > 0 for texts in
                                             pairs[["sentence1", "sentence2"]].to_numpy().tolist()]))]  # fmt: skip
    rows += [(f"cosine {limit:.2f}", value >= limit) for limit in (0.8, 0.85, 0.9, 0.95, 0.98)]
    found = pd.DataFrame(
        {"near-copies by": name, "pairs": f"{hit.sum():,}", "marked as duplicates": f"{same[hit].mean():.1%}",
         "of all duplicates": f"{hit[same].mean():.1%}"} for name, hit in rows
    )  # fmt: skip
    print(found)
    update(PAGE, "leakage_cosine", f"{PAIRS:,} pairs drawn, {same.mean():.1%} of them marked as duplicates.\n\n"
           + markdown(found))  # fmt: skip


def scale(data: Path) -> None:
    texts = pd.read_parquet(data / "quora/questions.parquet")["text"].tolist()
    texts = [text for text in texts if text.strip()]
    rng = np.random.default_rng(0)
    for place in rng.integers(0, len(texts), TEXTS - len(texts)).tolist():
        words = texts[place].split()
        words[rng.integers(len(words))] = texts[rng.integers(len(texts))].split()[-1]  # one word is replaced
        texts.append(" ".join(words))
    half = TEXTS // 2
    order = rng.permutation(TEXTS).tolist()
    anchors, positives = ([texts[i] for i in part] for part in (order[:half], order[half:]))
    shapes = {
        "500,000 pairs of questions": Dataset.from_dict({"anchor": anchors, "positive": positives}),
        "1,000,000 labelled questions": Dataset.from_dict({"text": texts, "label": [i % 20 for i in range(TEXTS)]}),
    }
    rows = []
    for name, rows_of in shapes.items():
        wall, used = time.perf_counter(), time.process_time()
        made = prepare.split(rows_of)
        rows.append({"data": name, "seconds": f"{time.perf_counter() - wall:.0f}",
                     "seconds of processor time": f"{time.process_time() - used:.0f}",
                     "peak memory so far, GB": f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f}",
                     "groups": f"{made.table['groups'].sum():,}",
                     "shares": " / ".join(made.table["share"].astype(str))})  # fmt: skip
        print(rows[-1], *made.notes, flush=True)
    load = f"Load average at the end: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores."
    update(PAGE, "leakage_scale", markdown(pd.DataFrame(rows)) + f"\n\n{load}")


if __name__ == "__main__":
    steps = {"audits": audits, "cosine": cosine, "scale": scale}
    if len(sys.argv) != len(("script", "step")) or sys.argv[1] not in steps or "TOOLKIT_DATA" not in os.environ:
        sys.exit(f"usage: TOOLKIT_DATA=... python {sys.argv[0]} {'|'.join(steps)}")
    steps[sys.argv[1]](Path(os.environ["TOOLKIT_DATA"]))
