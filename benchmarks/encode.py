"""`toolkit.vectors.encode` beside `SentenceTransformer.encode`: speed, and whether the vectors are as good.

    python benchmarks/encode.py                  # about 15 minutes on two cores; prints the tables of benchmarks/README.md
    python benchmarks/encode.py --write          # and writes them there

The peer runs at its default, at its best batch size, and in the number format that `encode` chose on this machine.
Rounds are in ABBA order; times are medians with the smallest and largest beside them. Natural English comes from the
folder TOOLKIT_DATA (XQuAD and SQuAD) and is left out where that is not set.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["TOOLKIT_CACHE"] = tempfile.mkdtemp(prefix="encode-benchmark-")  # no warm cache of ours

import numpy as np
import pandas as pd
from blocks import ROOT, markdown, update

from toolkit import evaluate, prepare, runs, vectors

ROUNDS = 5
BATCHES = (8, 16, 32, 64, 128)


def texts() -> dict[str, list[str]]:
    """The kinds of texts that are timed; each is about 30,000 tokens."""
    from toolkit.prepare.pydocs import collect

    records = collect()
    rng = np.random.default_rng(0)
    pick = [records[i] for i in rng.permutation(len(records))]
    kinds = {
        "long documents (docstrings)": [f"{r['name']}: {r['body']}" for r in pick if len(r["body"]) > 800][:140],
        "short technical strings (names)": [r["name"] for r in pick][:2200],
    }
    if os.environ.get("TOOLKIT_DATA"):
        kinds["natural English (SQuAD questions)"] = squad_questions()[:2000]
    return kinds


def squad_questions() -> list[str]:
    file = Path(os.environ["TOOLKIT_DATA"]) / "squad_v1" / "dev.questions.jsonl.gz"
    questions = pd.read_json(file, lines=True)["question"].drop_duplicates()
    return list(questions.sample(frac=1, random_state=0))


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def cold(base: Any, sets: dict[str, list[str]]) -> pd.DataFrame:
    """Ours and the peer, cold, in ABBA order."""
    chosen = vectors.resolve_dtype(base)
    rows = []
    for kind, batch in sets.items():
        best = min(BATCHES, key=lambda size: seconds(lambda: base.encode(batch, batch_size=size)))
        peers = {"peer, default": base, f"peer, batch {best}": base}
        if chosen != "float32":
            from sentence_transformers import SentenceTransformer

            half = SentenceTransformer(base.toolkit_origin["folder"], device=str(base.device), local_files_only=True,
                                       model_kwargs={"dtype": chosen})  # fmt: skip
            peers[f"peer, {chosen}"] = half
        calls: dict[str, Callable[[], Any]] = {f"toolkit, {chosen}": lambda: vectors.encode(base, batch, cache=False)}
        for name, peer in peers.items():
            size = best if "batch" in name else 32
            calls[name] = lambda peer=peer, size=size: peer.encode(batch, batch_size=size, normalize_embeddings=True)
        times: dict[str, list[float]] = {name: [] for name in calls}
        for number in range(ROUNDS):
            for name in list(calls) if number % 2 == 0 else reversed(list(calls)):
                times[name].append(seconds(calls[name]))
        ours = vectors.encode(base, batch, cache=False)
        theirs = base.encode(batch, normalize_embeddings=True)
        real, padded = padding(base, batch)
        for name, found in times.items():
            ratio = statistics.median(found) / statistics.median(times[f"toolkit, {chosen}"])
            mine = name.startswith("toolkit")
            rows.append({
                "texts": kind, "engine": name, "seconds, median (range)": spread(found),
                "tokens/s": f"{real / statistics.median(found):,.0f}", "toolkit is faster by": "" if mine else f"{ratio:.2f}x",
                "smallest cosine to float32 default": f"{(ours * theirs).sum(axis=1).min():.6f}" if mine else "",
                "padded/real tokens": f"{padded / real:.3f}" if mine else "",
            })  # fmt: skip
            print(rows[-1], file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def padding(base: Any, batch: list[str]) -> tuple[int, int]:
    """Real and padded tokens of one call, counted where they enter the model."""
    from toolkit.vectors import batching

    counts = [0, 0]
    original = batching.run_ids

    def counting(transformer: Any, rest: Any, ids: Any) -> Any:
        counts[0] += sum(map(len, ids))
        counts[1] += len(ids) * max(map(len, ids))
        return original(transformer, rest, ids)

    batching.run_ids = counting
    try:
        vectors.encode(base, batch, cache=False)
    finally:
        batching.run_ids = original
    return counts[0], counts[1]


def quality(base: Any) -> pd.DataFrame:
    """nDCG@10 on the docstrings by either's vectors."""
    data = prepare.load("pydocs", limit=600).data
    task = prepare.task(data)
    rows = []
    for name, model in (("toolkit", base), ("peer, float32 default", Stock(base))):
        rows.append({"vectors of": name, "queries": len(task.data.queries),
                     "nDCG@10": f"{evaluate.score(model, task).per_query['nDCG@10'].mean():.6f}"})  # fmt: skip
    return pd.DataFrame(rows)


class Stock:
    """A model whose vectors are made by the peer alone."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def encode(self, texts: list[str]) -> np.ndarray:
        found: np.ndarray = self.model.encode(texts, normalize_embeddings=True)
        return found


def warm(base: Any, sets: dict[str, list[str]]) -> pd.DataFrame:
    """The second call, from the cache, against the peer's time (which has none) and our first call."""
    rows = []
    for kind, batch in sets.items():
        many = list(dict.fromkeys(batch))
        first = seconds(lambda: vectors.encode(base, many))
        peer = seconds(lambda: base.encode(many))
        again = [seconds(lambda: vectors.encode(base, many)) for _ in range(15)]
        middle = statistics.median(again)
        rows.append({"texts": kind, "distinct": f"{len(many):,}", "peer, seconds": f"{peer:.1f}",
                     "toolkit cold, seconds": f"{first:.1f}", "warm, ms (range)": spread([1e3 * x for x in again]),
                     "warm against peer": f"{peer / middle:,.0f}x"})  # fmt: skip
    return pd.DataFrame(rows)


def memory() -> pd.DataFrame:
    """Peak memory of a process that encodes 20,000 short strings, beyond that of one that encodes ten."""
    rows = []
    for name in ("toolkit", "peer"):
        peaks = []
        for n in (10, 20_000):
            done = subprocess.run([sys.executable, __file__, "--child", name, str(n)], capture_output=True, text=True, check=True)
            peaks.append(json.loads(done.stdout.splitlines()[-1]))
        rows.append({"engine": name, "peak MB, 10 strings": f"{peaks[0]:.0f}", "peak MB, 20,000 strings": f"{peaks[1]:.0f}",
                     "result itself, MB": f"{20_000 * 384 * 4 / 1e6:.0f}"})  # fmt: skip
    return pd.DataFrame(rows)


def child(name: str, n: int) -> None:
    base = vectors.load(device="cpu")
    batch = [f"module_{i % 97}.function_{i}" for i in range(n)]
    vectors.encode(base, batch, cache=False, progress=False) if name == "toolkit" else base.encode(batch)
    print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3))


def main() -> None:
    base = vectors.load(device="cpu")
    sets = texts()
    machine = runs.machine()
    larger = texts_for_cache()
    versions = {name: machine["versions"][name] for name in ("torch", "sentence-transformers", "transformers")}
    page = "\n\n".join([
        f"{machine['processor']}, {machine['cores']} cores; format chosen by the probe: {vectors.resolve_dtype(base)}; {versions}.",
        "### Cold", markdown(cold(base, sets)),
        "### The same results", markdown(quality(base)),
        "### From the cache", markdown(warm(base, larger)),
        "### Memory", markdown(memory()),
    ])  # fmt: skip
    print(page)
    if "--write" in sys.argv:
        update(ROOT / "benchmarks" / "README.md", "encode", page)


def texts_for_cache() -> dict[str, list[str]]:
    """More of the same kinds, since what a call costs at all is felt with few texts."""
    from toolkit.prepare.pydocs import collect

    records = collect()
    return {
        "long documents (docstrings)": [f"{r['name']}: {r['body']}" for r in records if len(r["body"]) > 800][:3000],
        "short technical strings (names)": [r["name"] for r in records][:20_000],
    }


if __name__ == "__main__":
    if "--child" in sys.argv:
        child(sys.argv[2], int(sys.argv[3]))
    else:
        main()
