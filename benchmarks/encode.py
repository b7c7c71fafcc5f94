"""`toolkit.vectors.encode` beside `SentenceTransformer.encode`: speed, and whether the vectors are as good.

    python benchmarks/encode.py                  # about 10 minutes on two cores
    python benchmarks/encode.py --memory         # peak memory, on Linux
    python benchmarks/encode.py --write          # and writes the tables into benchmarks/README.md

The peer runs at its default, at its best batch size, and in the number format that `encode` chose on this machine.
Rounds are in ABBA order; times are medians with the smallest and largest beside them. Natural English comes from the
folder TOOLKIT_DATA (XQuAD and SQuAD) and is left out where that is not set.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ["TOOLKIT_CACHE"] = tempfile.mkdtemp(prefix="encode-benchmark-")  # no warm cache of ours

import numpy as np
import pandas as pd
from blocks import ROOT, markdown, update

from toolkit import evaluate, prepare, vectors
from toolkit.hardware import machine
from toolkit.vectors.origin import origin_of

ROUNDS = 5
BATCHES = (8, 16, 32, 64, 128)


def texts() -> dict[str, list[str]]:
    """The kinds of texts that are timed; each is about 20,000 tokens."""
    from toolkit.prepare.sources.pydocs import collect

    records = collect()
    rng = np.random.default_rng(0)
    pick = [records[i] for i in rng.permutation(len(records))]
    kinds = {
        "long documents (docstrings)": [f"{r['name']}: {r['body']}" for r in pick if len(r["body"]) > 800][:100],
        "short technical strings (names)": [r["name"] for r in pick][:1600],
    }
    if os.environ.get("TOOLKIT_DATA"):
        kinds["natural English (SQuAD questions)"] = squad_questions()[:1500]
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
    return pd.concat([cold_rows(base, kind, batch) for kind, batch in sets.items()], ignore_index=True)


def cold_rows(base: Any, kind: str, batch: list[str]) -> pd.DataFrame:
    chosen = vectors.precision.resolve_dtype(base)
    engines = {f"toolkit, {chosen}": partial(vectors.encode, base, batch, cache=False)}
    for dtype in dict.fromkeys(["float32", chosen]):
        peer = stock(base, dtype)
        best = min(BATCHES, key=lambda size: seconds(lambda: peer.encode(batch, batch_size=size)))  # noqa: B023
        for size in dict.fromkeys([32, best]):
            engines[f"peer, {dtype}, batch {size}"] = partial(
                peer.encode, batch, batch_size=size, normalize_embeddings=True
            )
    times: dict[str, list[float]] = {name: [] for name in engines}
    for number in range(ROUNDS):
        for name in list(engines) if number % 2 == 0 else reversed(list(engines)):
            times[name].append(seconds(engines[name]))
    [ours, *peers] = engines
    cosines = (engines[ours]() * engines[peers[0]]()).sum(axis=1)
    real, padded = padding(base, batch)
    rows = [{"texts": kind, "engine": ours, "seconds": spread(times[ours]), "ours is faster by": "",
             "smallest cosine": f"{cosines.min():.6f}", "padded/real": f"{padded / real:.3f}"}]  # fmt: skip
    for name in peers:
        ratio = statistics.median(times[name]) / statistics.median(times[ours])
        rows.append({"texts": kind, "engine": name, "seconds": spread(times[name]),
                     "ours is faster by": f"{ratio:.2f}x", "smallest cosine": "", "padded/real": ""})  # fmt: skip
    table = pd.DataFrame(rows)
    table.insert(2, "tokens", f"{real:,}")
    print(table.to_string(), file=sys.stderr, flush=True)
    return table


def stock(base: Any, dtype: str) -> Any:
    """The model as the peer loads it in a number format."""
    from sentence_transformers import SentenceTransformer

    folder = origin_of(base).folder
    return SentenceTransformer(folder, device="cpu", local_files_only=True, model_kwargs={"dtype": dtype})


def padding(base: Any, batch: list[str]) -> tuple[int, int]:
    """Real and padded tokens of one call, counted where they enter the model."""
    from toolkit.vectors.engines import torch as engine

    counts = [0, 0]
    original = engine.run_ids

    def counting(transformer: Any, rest: Any, ids: Any) -> Any:
        counts[0] += sum(map(len, ids))
        counts[1] += len(ids) * max(map(len, ids))
        return original(transformer, rest, ids)

    engine.run_ids = counting
    try:
        vectors.encode(base, batch, cache=False)
    finally:
        engine.run_ids = original
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
    """The second call, from the cache, against the peer's time, which has none."""
    rows = []
    for kind, batch in sets.items():
        many = list(dict.fromkeys(batch))
        ours = partial(vectors.encode, base, many)
        first, peer = seconds(ours), seconds(partial(base.encode, many))
        again = [seconds(ours) for _ in range(15)]
        rows.append({"texts": kind, "distinct": f"{len(many):,}", "peer, seconds": f"{peer:.1f}",
                     "ours cold, seconds": f"{first:.1f}", "ours warm, ms": spread([1e3 * x for x in again]),
                     "warm against peer": f"{peer / statistics.median(again):,.0f}x"})  # fmt: skip
    return pd.DataFrame(rows)


def memory() -> pd.DataFrame:
    """Peak memory of a process that encodes 20,000 short strings, beside one that encodes ten."""
    rows = []
    for name in ("toolkit", "peer"):
        few, many = (peak(name, n) for n in (10, 20_000))
        rows.append({"engine": name, "MB with 10 strings": f"{few:.0f}", "MB with 20,000": f"{many:.0f}",
                     "of which result": f"{20_000 * 384 * 4 / 1e6:.0f}"})  # fmt: skip
    return pd.DataFrame(rows)


def peak(name: str, n: int) -> float:
    command = [sys.executable, __file__, "--child", name, str(n)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


def child(name: str, n: int) -> None:
    base = vectors.load(device="cpu")
    batch = [f"module_{i % 97}.function_{i}" for i in range(n)]
    vectors.encode(base, batch, cache=False, progress=False) if name == "toolkit" else base.encode(batch)
    # Not getrusage: its peak also counts the process that this one was forked from.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    print(int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1e3)


def main() -> None:
    base = vectors.load(device="cpu")
    sets = texts()
    here = machine()
    larger = texts_for_cache()
    versions = {name: here["versions"][name] for name in ("torch", "sentence-transformers", "transformers")}
    page = "\n\n".join([
        f"{here['processor']}, {here['cores']} cores; the probe chose {vectors.precision.resolve_dtype(base)}; "
        + ", ".join(f"{name} {version}" for name, version in versions.items()) + ".",
        "### Cold", markdown(cold(base, sets)),
        "### The same results", markdown(quality(base)),
        "### From the cache", markdown(warm(base, larger)),
        
    ])  # fmt: skip
    show("encode", page)


def show(block: str, text: str) -> None:
    print(text)
    if "--write" in sys.argv:
        update(ROOT / "benchmarks" / "README.md", block, text)


def texts_for_cache() -> dict[str, list[str]]:
    """More of the same kinds, since what a call costs at all is felt with few texts."""
    from toolkit.prepare.sources.pydocs import collect

    records = collect()
    return {
        "long documents (docstrings)": [f"{r['name']}: {r['body']}" for r in records if len(r["body"]) > 800][:1000],
        "short technical strings (names)": [r["name"] for r in records][:20_000],
    }


if __name__ == "__main__":
    if "--child" in sys.argv:
        child(sys.argv[2], int(sys.argv[3]))
    elif "--memory" in sys.argv:
        show("encode_memory", markdown(memory()))
    else:
        main()
