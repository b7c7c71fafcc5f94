"""Published scores of MTEB reached again, and mteb's time beyond encoding.

    python benchmarks/mteb_reproduction.py             # prints; an hour on two cores, what is done is kept
    python benchmarks/mteb_reproduction.py --write     # and writes the tables into benchmarks/mteb_reproduction.md
    python benchmarks/mteb_reproduction.py --models potion-base-8M --tasks STSBenchmark
    python benchmarks/mteb_reproduction.py --part overhead  # only the last table; about 5 minutes

Data come from the folder TOOLKIT_DATA, models from TOOLKIT_MODELS; the first model is the embedded one. Scores are by
100, as on the leaderboard. The third model is saved here without the layer that gives vectors unit length, which
its release has: it is scored as saved, and with that layer.
"""

from __future__ import annotations

import os
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any, Literal

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # nothing is asked of the Hub

import pandas as pd
import tyro
from blocks import ROOT, markdown, update

from toolkit import evaluate, vectors
from toolkit.evaluate.mteb import data as mtebdata
from toolkit.evaluate.mteb.publishing import SOURCE
from toolkit.evaluate.mteb.tasks import registered, resolve
from toolkit.hardware import processor

NAMES = {
    "all-MiniLM-L6-v2": "sentence-transformers/all-MiniLM-L6-v2",
    "bge-small-en-v1.5": "BAAI/bge-small-en-v1.5",
    "bge-small-en-v1.5, any length": "BAAI/bge-small-en-v1.5",
    "potion-base-8M": "minishlab/potion-base-8M",
    "potion-base-8M, unit length": "minishlab/potion-base-8M",
}
TASKS = [
    "STSBenchmark",
    "Banking77Classification",
    *(f"XQuADRetrieval/validation/{language}" for language in ("en", "de", "es", "zh")),
    *(f"STSBenchmarkMultilingualSTS/test/{language}" for language in ("en", "de", "fr")),
    *(f"Tatoeba/test/{pair}" for pair in ("deu-eng", "fra-eng", "spa-eng")),
]
PAGE = ROOT / "benchmarks" / "mteb_reproduction.md"


def load(key: str) -> Any:
    if key == "all-MiniLM-L6-v2":
        return vectors.load(device="cpu")
    model = vectors.load(Path(os.environ["TOOLKIT_MODELS"]) / key.split(",")[0], device="cpu")
    if key.endswith("unit length"):
        from sentence_transformers.sentence_transformer.modules import Normalize

        model.append(Normalize())
    if key.endswith("any length"):
        del model[-1]
    return model


def scores(models: list[str], tasks: list[str], out: Path) -> pd.DataFrame:
    """Ours beside the published, one row a model and task."""
    tables = []
    for key in models:
        # Only a classifier sees the lengths of vectors.
        asked = [task for task in tasks if "any length" not in key or task.endswith("Classification")]
        if not asked:
            continue
        done = evaluate.benchmark(load(key), asked, name=NAMES[key], out=out)
        table = evaluate.mteb.compare_with_published(done)
        prompts = {name: " ".join(filter(None, task["prompts"])) for name, task in done.record["tasks"].items()}
        tables.append(
            pd.DataFrame(
                {
                    "model": key,
                    "task": table["task"],
                    "score": (100 * table["score"]).map("{:.2f}".format),
                    "95 % interval": [
                        f"{100 * a:.1f} to {100 * b:.1f}" for a, b in zip(table.low, table.high, strict=True)
                    ],
                    "published": (100 * table["published"]).map("{:.2f}".format),
                    "difference": (100 * table["difference"]).map("{:+.2f}".format),
                    "prompt": table["task"].str.split("/").str[0].map(prompts),
                    "what differs": table["differs"],
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def overhead(tasks: list[str]) -> pd.DataFrame:
    """Seconds beside encoding, on the static model: mteb alone, and through `benchmark` with its intervals.

    Both on the same rows from local files; reading them counts for `benchmark` and not for mteb.
    """
    import mteb

    model = load("potion-base-8M, unit length")
    rows = []
    for name in tasks:
        [wanted] = resolve(name)
        plain = registered()[wanted.metadata.name]()
        plain.hf_subsets, plain._eval_splits = wanted.hf_subsets, wanted._eval_splits
        folder = mtebdata.find_source(plain)
        assert folder is not None
        mtebdata.load(plain, folder)
        with warnings.catch_warnings(), tempfile.TemporaryDirectory() as out:
            warnings.simplefilter("ignore")
            wrapper, spent = mteb.SentenceTransformerEncoderWrapper(model), [0.0]
            encode = wrapper.encode

            def timed(*args: Any, _encode: Any = encode, _spent: list[float] = spent, **kwargs: Any) -> Any:
                started = time.perf_counter()
                found = _encode(*args, **kwargs)
                _spent[0] += time.perf_counter() - started
                return found

            wrapper.encode = timed
            started = time.perf_counter()
            theirs = mteb.evaluate(wrapper, plain, cache=None, show_progress_bar=False, co2_tracker=False)
            alone = time.perf_counter() - started - spent[0]
            started = time.perf_counter()
            ours = evaluate.benchmark(model, name, name=NAMES["potion-base-8M"], out=out, cache=False, progress=False)
            beside = time.perf_counter() - started - ours.record["encoding_seconds"]
        score = theirs.task_results[0].get_score()
        rows.append(
            {
                "task": name,
                "mteb, s": f"{alone:.1f}",
                "benchmark, s": f"{beside:.1f}",
                "ratio": f"{alone / beside:.1f}",
                "score, mteb": f"{100 * score:.4f}",
                "score, benchmark": f"{100 * ours.table['score'].mean():.4f}",
            }
        )
        print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def as_model2vec(tasks: list[str]) -> pd.DataFrame:
    """The static model's searches with the tokens that model2vec, by which it was published, would use.

    model2vec cuts a text at 512 tokens and drops those that the vocabulary lacks; sentence-transformers does neither.
    """
    import numpy as np

    model = load("potion-base-8M, unit length")
    table, tokenizer = model[0].embedding.weight.detach().numpy(), model.tokenizer
    unknown = tokenizer.token_to_id("[UNK]")

    def encoded(texts: list[str], limit: int | None, drop: bool) -> Any:
        rows = [row.ids for row in tokenizer.encode_batch(texts, add_special_tokens=False)]
        kept = [[i for i in ids if not drop or i != unknown][:limit] for ids in rows]
        return np.array([table[ids].mean(axis=0) if ids else np.zeros(table.shape[1], np.float32) for ids in kept])

    rows = []
    for name in tasks:
        [task] = resolve(name)
        folder = mtebdata.find_source(task)
        assert folder is not None
        mtebdata.load(task, folder)
        _, split, subset = name.split("/")
        data = task.dataset[subset][split]
        row = {"task": name}
        for title, (limit, drop) in {
            "all tokens": (None, False),
            "512 tokens": (512, False),
            "known tokens": (None, True),
            "512 known tokens": (512, True),
        }.items():
            queries, documents = (encoded(data[side]["text"][:], limit, drop) for side in ("queries", "corpus"))
            unit = [v / np.maximum(np.linalg.norm(v, axis=1, keepdims=True), 1e-9) for v in (queries, documents)]
            found, ids = vectors.nearest(*unit, 10)
            names = data["corpus"]["id"][:]
            ranking = {
                query: {names[i]: float(s) for i, s in zip(at, scores, strict=True)}
                for query, at, scores in zip(data["queries"]["id"][:], ids.tolist(), found.tolist(), strict=True)
            }
            value = evaluate.scoring.per_query(ranking, data["relevant_docs"], ["nDCG@10"])["nDCG@10"].mean()
            row[title] = f"{100 * value:.2f}"
        shown = evaluate.mteb.published(NAMES["potion-base-8M"], name)["score"][0]
        rows.append({**row, "published": f"{100 * shown:.2f}"})
    return pd.DataFrame(rows)


def main(
    models: tuple[str, ...] = tuple(NAMES),
    tasks: tuple[str, ...] = tuple(TASKS),
    out: Path = Path("runs/mteb_reproduction"),
    write: bool = False,
    part: Literal["all", "scores", "overhead"] = "all",
) -> None:
    """Score `models` on `tasks`, beside the published scores; then measure mteb's time beside encoding."""
    import mteb

    where = f"{processor()}; mteb {mteb.__version__}; float32. Published: {SOURCE}."
    if part != "overhead":
        table = markdown(scores(list(models), list(tasks), out))
        print(table, where, sep="\n\n")
        if write:
            update(PAGE, "mteb_scores", f"{table}\n\n{where}")
        tokens = markdown(as_model2vec([task for task in TASKS if task.startswith("XQuAD")]))
        print(tokens)
        if write:
            update(PAGE, "mteb_tokens", tokens)
    if part == "scores":
        return
    timed = markdown(
        overhead(["STSBenchmark", "Banking77Classification", "XQuADRetrieval/validation/en", "Tatoeba/test/deu-eng"])
    )
    print(timed)
    if write:
        update(PAGE, "mteb_overhead", f"{timed}\n\n{where}")


if __name__ == "__main__":
    tyro.cli(main)
