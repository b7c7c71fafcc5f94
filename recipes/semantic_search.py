"""Semantic search: from a file of texts to a tuned, measured and verified search index.

    python recipes/semantic_search.py                        # docstrings: minutes on two cores, seconds once cached
    python recipes/semantic_search.py --data tickets.csv     # your own file: looks first, says how long, then asks
    python recipes/semantic_search.py --tiny                 # a small sample: what the tests run
    python recipes/semantic_search.py --model BAAI/bge-small-en-v1.5

Writes runs/<id>/ with run.json, tables, figures, report.html, the model, and a bundle that can be searched.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import pandas as pd
import tyro

from toolkit import deploy, evaluate, finetune, prepare, report, runs, searchrun, vectors

DEMO_PAIRS, TINY_PAIRS = 4500, 600
LONG, SAMPLE = 30 * 60, 15 * 60  # seconds from which only a sample is taken, and how long that may take
SIZES = (0.7, 0.1, 0.2)


def main(
    data: str = "pydocs",
    query_column: str | None = None,
    document_column: str | None = None,
    group_column: str | None = None,
    time_column: str | None = None,
    chunk: bool = False,
    model: str = vectors.EMBEDDED,
    revision: str | None = None,
    pairs: int | None = None,
    dtype: str = "auto",
    splits: int = 1,
    seed: int = 0,
    out: Path = Path("runs"),
    private: bool = False,
    yes: bool = False,
    tiny: bool = False,
) -> Path:
    """Tune a search model on your texts, and say whether it helped.

    Args:
        data: A csv, tsv, jsonl, parquet or xlsx file, a folder of txt files, or pydocs, the docstrings that are here.
        query_column: Column of the searches; without it the file is looked at and a guess is made.
        document_column: Column of the texts to find.
        group_column: Rows with the same value here stay together in the split, such as one customer's.
        time_column: Dates or numbers: train on the past and test on the newest.
        chunk: Cut texts that are longer than the model reads into passages.
        model: The embedded model, a folder, or a name on the Hugging Face Hub.
        revision: Commit, tag or branch of a Hub model.
        pairs: About how many rows to take, drawn by seed; 0 takes all. Without it, as many as half an hour allows.
        dtype: Arithmetic of the model: auto, float32, bfloat16 or float16.
        splits: Repeat over so many splits, and show the spread.
        seed: Seed of the split and the training.
        out: Folder that receives the run.
        private: Keep texts out of report, tables and log.
        yes: Do not ask before the long work.
        tiny: A small sample, for a first look.
    """
    settings = {name: value for name, value in locals().items() if name not in ("out", "yes")}
    laps = runs.Laps()
    runs.check_writable(out)  # known at once, and not after the long work
    warnings.filterwarnings("ignore", message=".*were cut there")  # the report says it, with the shares
    demo = data == "pydocs"

    # 1. prepare: load, look, clean, and split by groups that must stay together
    say("Reading the docstrings of the installed packages ..." if demo else f"Reading {data} ...")
    roles = {query_column: "anchor", document_column: "positive", group_column: "group", time_column: "time"}
    columns = {name: role for name, role in roles.items() if name is not None}
    limit = TINY_PAIRS if tiny else DEMO_PAIRS if pairs is None and demo else pairs or None
    loaded = prepare.load(data, columns=columns, limit=limit)
    say(*([] if demo else searchrun.opening(loaded, private=private)))
    say("Loading the model and its libraries, some seconds ...")
    base = vectors.load(model, revision=revision)
    dtype = vectors.resolve_dtype(base, dtype)
    if chunk:
        prepare.chunk(["A text."], base)  # what is missing for it is said now, and not after the question
    say(*filter(None, [finetune.other_data(base, loaded.name, loaded.digest)]))
    if not demo:
        limit = agreed(searchrun.forecast(base, loaded, dtype=dtype), loaded, may_sample=limit is None, ask=not yes)
        loaded = prepare.load(data, columns=columns, limit=limit) if limit else loaded
    run = runs.start("semantic-search", out)
    laps("look")
    steps = () if demo else prepare.suggest_steps([*loaded.data["positive"], *loaded.documents])
    cleaned = prepare.clean(loaded.data, steps=(*steps, "tidy"), documents=loaded.documents)
    rows, others = prepare.chunk_pairs(cleaned, base) if chunk else (cleaned.data, cleaned.documents)
    split, why_not = split_or_reason(rows, others, seed)
    corpus = split.test.data.corpus if split else numbered([*rows["positive"], *others])
    texts = [*corpus.values()]
    lengths = vectors.truncation(base, texts)
    languages = prepare.spoken(searchrun.sample([*rows["anchor"], *texts], searchrun.LOOK))
    language = languages["language"].iloc[0]
    found: dict[str, Any] = {"split": split, "why_not": why_not}
    say(f"{len(rows):,} pairs, {len(texts):,} texts; {(lengths['lost'] > 0).sum():,} are longer than the model reads.")
    laps("prepare")

    chosen, by = base, "base"  # what is deployed where there is nothing to tune and measure with
    asked = [searchrun.sample(texts, 200, part) for part in (0, 1)]  # to tune and to measure the index with
    if split:
        asked = [[*part.data.queries.values()] for part in (split.dev, split.test)]
        naive = prepare.split(rows, sizes=SIZES, seed=seed, groups=None, documents=others)
        found["leaks"] = [f"A split by rows would have leaked {prepare.audit(naive.train, naive.test)}.",
                          f"This split: {prepare.audit(split.train, split.test)}."]  # fmt: skip
        say("Searches, and the groups that stay together:", split.table, *split.notes, *found["leaks"])

        # 2. finetune: vectors once, then a small layer on top of the fixed model
        advice = finetune.suggest_loss(split.train).iloc[0]
        say(f"Loss: {advice['loss']}, since {advice['why']}.")
        tokens = vectors.truncation(base, [*dict.fromkeys([*rows["anchor"], *texts])])
        read = (tokens["tokens"] - tokens["lost"]).sum()
        say(f"Encoding up to {read:,} tokens in {dtype}; for each part a bar shows the time left ...")
        tuned = finetune.train(base, split, seed=seed, dtype=dtype, data={"name": loaded.name, "digest": loaded.digest})
        tuned.save(run / "model", example=first_pair(split.test) if demo else None)  # a card travels with the model
        say("Trained; the side with the best nDCG@10 on dev is taken:", tuned.candidates)
        laps("tune")

        # 3. evaluate: dev chooses what to use, test says how good that is
        say("Evaluating ...")
        models = {"base": base, "tuned": tuned.model}
        dev, test = (evaluate.contest(models, part, dtype=dtype, language=language) for part in (split.dev, split.test))
        by = evaluate.best(dev)
        chosen = tuned.model if "tuned" in by or (by == "BM25" and tuned.better) else base
        documents = vectors.encode(chosen, texts, side="document", dtype=dtype)
        told = dict(zip(split.test.data.queries, prepare.told(asked[1]), strict=True))
        found |= {"tuned": tuned, "dev": dev, "test": test, "by_language": evaluate.slices(test, told),
                  "copies": evaluate.copies_above(test.scores[by], documents)}  # fmt: skip
        if searchrun.stands_in(loaded):
            keywords = split.test.with_queries(vectors.keyword_query(corpus), "three keywords")
            found["short"] = evaluate.contest(models, keywords, dtype=dtype, language=language)
        if splits > 1:
            found["repeats"], found["combined"] = repeated(base, rows, others, range(seed, seed + splits), dtype)
        laps("evaluate")
        forgotten = None
        if not tiny:  # only where the sets are on this machine
            say("Looking for what tuning costs elsewhere ...")
            side = None if tuned.sides == "symmetric" else "query"
            forgotten = evaluate.forgetting(base, tuned.model, side=side, dtype=dtype)
            laps("general tasks")
        found["why"] = searchrun.why(test, models, dtype=dtype, forgotten=forgotten)
        laps("see why")

    # 4. deploy what dev showed to be better: an index over all texts, measured on the test searches
    documents = vectors.encode(chosen, texts, side="document", dtype=dtype)
    tuning, testing = (vectors.encode(chosen, searches, side="query", dtype=dtype) for searches in asked)
    index = deploy.build_index(documents, queries=tuning)
    how = "keywords" if by == "BM25" else "both" if by.endswith("+BM25") else "vectors"
    query = "what you look for" if private else asked[1][0]
    model_of = base if chosen is base else run / "model"
    deploy.bundle(model_of, corpus, index, run / "bundle", by=how, language=language, query=query)
    deploy.load(run).find(query, 5)  # loads what was written, and checks it
    laps("deploy")

    # 5. write it down
    say(*searchrun.conclude(searchrun.Findings(
        run=run, settings={**settings, "dtype": dtype}, loaded=loaded, cleaned=cleaned, base=base, lengths=lengths,
        languages=languages, use=searchrun.Use(run, by, index, deploy.measure(index.faiss, documents, testing), query),
        seconds=laps.seconds, **found,
    )))  # fmt: skip
    return run.with_name(run.name.removesuffix(".partial"))


def agreed(forecast: searchrun.Forecast, loaded: prepare.Loaded, *, may_sample: bool, ask: bool) -> int | None:
    """Say how long it will take and ask; returns how many rows to take where all of them would take too long."""
    say(*forecast.sentences())
    rows = max(1, len(loaded.data) + len(loaded.documents))
    limit = max(1000, round(rows * SAMPLE / forecast.seconds)) if may_sample and forecast.seconds > LONG else None
    if limit:
        say(f"All {rows:,} rows would take {forecast.duration} (--pairs 0); I take {limit:,} of them, drawn by seed.")
        say(f"The number goes by the speed that was measured just now: --pairs {limit} takes the same again.")
    say(f"{searchrun.in_words(SAMPLE) if limit else forecast.duration} on this machine, less where texts are cached.")
    way = "--query-column and --document-column name others"
    if ask and sys.stdin.isatty():
        try:
            answer = input(f"Enter to go on; {way}; n stops: ").strip().casefold()
        except EOFError:
            answer = "n"
        if answer not in ("", "y", "yes"):
            sys.exit("Stopped before the long work; nothing was changed.")
    else:
        say(f"Nobody to ask, so I go on with this; {way}.")
    return limit


def first_pair(task: prepare.Task) -> tuple[str, str]:
    """A search and a text that is right for it."""
    query, text = next(iter(task.data.queries.items()))
    return text, task.data.corpus[next(iter(task.data.qrels[query]))]


def numbered(texts: list[str]) -> dict[str, str]:
    """A corpus of the distinct texts."""
    return {f"d{number}": text for number, text in enumerate(dict.fromkeys(texts))}


def split_or_reason(rows: Any, others: list[str], seed: int) -> tuple[prepare.Split | None, str]:
    """The split, or why there is none: then the texts can be searched, but nothing can be tuned or measured."""
    if not len(rows):
        return None, "there are no searches in the file, nor texts long enough to make stand-ins of."
    try:
        return prepare.split(rows, sizes=SIZES, seed=seed, documents=others), ""
    except prepare.TooFewGroupsError as error:
        return None, str(error)


def repeated(
    base: Any, rows: Any, others: list[str], seeds: range, dtype: str
) -> tuple[pd.DataFrame, evaluate.Combined]:
    """Base and tuned on the tests of several splits, and what they say together; all is in the cache by now."""
    table, comparisons = [], []
    for seed in seeds:
        split = prepare.split(rows, sizes=SIZES, seed=seed, documents=others)
        tuned = finetune.train(base, split, seed=seed, dtype=dtype)
        models = {"base": base, "tuned": tuned.model}
        scores = {
            name: evaluate.score(model, split.test, metrics=["nDCG@10"], dtype=dtype) for name, model in models.items()
        }
        comparisons.append(evaluate.compare(scores, baseline="base"))
        row = comparisons[-1].row("tuned", "nDCG@10")
        table.append({"seed": seed, "base": row["score"] - row["difference"], "tuned": row["score"],
                      **row[["difference", "low", "high", "n", "n_groups"]]})  # fmt: skip
    return pd.DataFrame(table), evaluate.combine(comparisons, test_over_train=SIZES[2] / SIZES[0])


def say(*parts: str | pd.DataFrame) -> None:
    """Print sentences and tables as they come, also where the output is a file."""
    for part in parts:
        text = part if isinstance(part, str) else part.to_string(index=False, float_format=report.number)
        print(text, flush=True)


if __name__ == "__main__":
    try:
        tyro.cli(main)
    except (ValueError, OSError, ModuleNotFoundError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("\nStopped. What was encoded is kept; the next run goes on from there.", file=sys.stderr)
        sys.exit(130)
