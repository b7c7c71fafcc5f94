"""Semantic search: from docstrings to a tuned, measured and verified search index.

    python recipes/semantic_search.py                # minutes on two cores; seconds once its vectors are cached
    python recipes/semantic_search.py --tiny         # a small sample: what the tests run
    python recipes/semantic_search.py --pairs 0      # all of the docstrings
    python recipes/semantic_search.py --model BAAI/bge-small-en-v1.5

Writes runs/<id>/ with run.json, tables, figures, report.html, the model, and a bundle that can be searched.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pandas as pd
import tyro

from toolkit import deploy, evaluate, finetune, plots, prepare, report, runs, vectors

QUERY = "rolling median of a series"


def main(
    model: str = "sentence-transformers/all-MiniLM-L6-v2",
    revision: str | None = None,
    pairs: int = 4500,
    dtype: str = "auto",
    seed: int = 0,
    out: Path = Path("runs"),
    tiny: bool = False,
) -> Path:
    """Tune a search model on docstrings, and say whether it helped.

    Args:
        model: The embedded model, a folder, or a name on the Hugging Face Hub.
        revision: Commit, tag or branch of a Hub model.
        pairs: About how many pairs to take; 0 takes all.
        dtype: Arithmetic of the model: auto, float32, bfloat16 or float16.
        seed: Seed of the split and the training.
        out: Folder that receives the run.
        tiny: A small sample, for a first look.
    """
    started = time.perf_counter()
    run = runs.start("semantic-search", out)  # first, so that a folder that cannot be written is known at once
    say("Loading the model and its libraries, some seconds ...")
    base = vectors.load(model, revision=revision)
    dtype = vectors.resolve_dtype(base, dtype)

    # 1. prepare: load, clean, and split by groups that must stay together
    say("Reading the docstrings of the installed packages, half a minute the first time ...")
    loaded = prepare.load("pydocs", limit=600 if tiny else pairs or None)
    cleaned = prepare.clean(loaded.data)
    dropped = pd.concat([loaded.table, cleaned.table]).query("dropped > 0")[["step", "dropped", "why", "example"]]
    split = prepare.split(cleaned.data, sizes=(0.7, 0.1, 0.2), seed=seed)
    naive = prepare.split(cleaned.data, sizes=(0.7, 0.1, 0.2), seed=seed, groups=None)
    corpus = split.test.data.corpus
    lengths = vectors.truncation(base, list(corpus.values()))
    say(f"{len(cleaned.data):,} pairs, {len(corpus):,} documents; left out were", dropped.drop(columns="example"))
    say("Searches, and the groups that stay together:", split.table, *split.notes)
    leak = f"A split by rows would have leaked {prepare.audit(naive.train, naive.test)}."
    say(leak, f"This split: {prepare.audit(split.train, split.test)}.")
    say(f"The model would cut {(lengths['lost'] > 0).sum():,} of the documents.")

    # 2. finetune: vectors once, then a small layer on top of the fixed model
    advice = finetune.suggest_loss(split.train).iloc[0]
    say(f"Loss: {advice['loss']}, since {advice['why']}.")
    say(f"Encoding about {lengths['tokens'].sum():,} tokens in {dtype}; a bar shows the time left ...")
    tuned = finetune.train(base, split, seed=seed, dtype=dtype)
    folder = tuned.save(run / "model")
    say("Trained; the side with the best nDCG@10 on dev is taken:", tuned.candidates)

    # 3. evaluate, once, on test: the whole searches, and the same cut to three keywords
    say("Evaluating on test ...")
    models = {"base": base, "tuned": tuned.model}
    full = evaluate.contest(models, split.test, dtype=dtype)
    keywords = split.test.with_queries(vectors.keyword_query(corpus), "three keywords")
    cut = evaluate.contest(models, keywords, dtype=dtype)
    verdict, verdict_cut = (evaluate.verdict(comparison, "tuned", keywords="BM25") for comparison in (full, cut))
    results = pd.concat([full.results, cut.results], ignore_index=True)

    # 4. deploy what dev showed to be better: an index over all documents, measured on the test searches
    name, chosen = ("tuned", tuned.model) if tuned.better else ("base", base)
    documents = vectors.encode(chosen, list(corpus.values()), side="document", dtype=dtype)
    dev, test = (vectors.encode(chosen, list(task.data.queries.values()), side="query", dtype=dtype)
                 for task in (split.dev, split.test))  # fmt: skip
    index = deploy.build_index(documents, queries=dev)
    measured = deploy.measure(index.faiss, documents, test)
    measured_words = (f"Index {index.kind}, {measured['megabytes']} MB: recall@10 {measured['recall']:.3f} against "
                      f"exact search, {measured['median_ms']} ms a search.")  # fmt: skip
    deploy.bundle(folder if tuned.better else base, corpus, index, run / "bundle")
    hits = deploy.load(run).find(QUERY, 5)  # loads what was written, and checks it

    # 5. write it down
    picture = report.Picture(plots.systems(results), plots.describe(results))
    curve = report.Picture(plots.learning(tuned.history), f"nDCG@10 on dev by epoch, best with sides = {tuned.sides}.")
    plots.save(picture.figure, run / "systems.png")
    plots.save(curve.figure, run / "learning.png")
    tables = {"results": results, "comparison": full.table, "comparison_three_keywords": cut.table, "dropped": dropped,
              "per_query": full.per_query, "split": split.table, "history": tuned.history}  # fmt: skip
    runs.save_tables(run, tables)
    record = {
        "recipe": "semantic_search", "settings": {"pairs": pairs, "dtype": dtype, "seed": seed, "tiny": tiny},
        "data": {"name": "pydocs", "digest": loaded.digest, "test_digest": split.test.digest,
                 "test_scored": 1 + runs.times_scored(out, split.test.digest)},
        "training": tuned.record, "verdict": verdict, "verdict_three_keywords": verdict_cut,
        "deployed": name, "index": {"kind": index.kind, **index.settings, **measured},
        "seconds": round(time.perf_counter() - started, 1),
    }  # fmt: skip
    final = run.with_name(run.name.removesuffix(".partial"))
    snippet = deploy.snippet((final / "bundle").resolve())
    command = f'{runs.this_python()} -m toolkit.deploy search "{final}" "{QUERY}"'
    found = pd.DataFrame([{"cosine": hit.score, "document": hit.text} for hit in hits])
    limits = ("A docstring's first sentence stands in for a search: people type otherwise, and usually less (see the "
              "three keywords). Your texts will differ: measure on them.")  # fmt: skip
    report.write(run / "report.html", "Did tuning help? Semantic search over docstrings", {
        "Verdict": [*verdict, picture],
        "The same searches cut to three keywords": verdict_cut,
        "What this does not tell you": [limits],
        "Results": [report.wide(results), "Paired differences to the base model, whole searches:", full.table],
        "Data": [split.table, leak, "Dropped:", dropped],
        "Training": [tuned.candidates, curve],
        f"One search: {QUERY}": [found],
        "Use it": [measured_words, report.Code(snippet), report.Code(command)],
        "For the referee": [report.Details("Settings, digests, versions", {**record, "machine": runs.machine()})],
    })  # fmt: skip
    runs.finish(run, record)

    say("", *verdict, "With three keywords instead: " + " ".join(verdict_cut), "")
    say(report.wide(results))
    say(f"\nDeployed is the {name} model. {measured_words}", "\nSix lines for another program:\n", snippet)
    say(f"\nSearch it:   {command}\nReport:      {final / 'report.html'}\nSeconds:     {record['seconds']}")
    return final


def say(*parts: str | pd.DataFrame) -> None:
    """Print sentences and tables as they come, also where the output is a file."""
    for part in parts:
        text = part if isinstance(part, str) else part.to_string(index=False, float_format=report.number)
        print(text, flush=True)


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("\nStopped. What was encoded is kept; the next run goes on from there.", file=sys.stderr)
        sys.exit(130)
