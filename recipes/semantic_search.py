"""Semantic search: from a file of texts to a tuned, measured and verified search index.

    python recipes/semantic_search.py                        # docstrings: minutes on two cores, seconds once cached
    python recipes/semantic_search.py --data tickets.csv     # your own file: preview, time estimate, then asks
    python recipes/semantic_search.py --tiny                 # a small sample: what the tests run
    python recipes/semantic_search.py --model BAAI/bge-small-en-v1.5

In a notebook: from recipes import semantic_search; semantic_search.main("tickets.csv")

Writes runs/<id>/ with run.json, tables, figures, report.html, the model, and a bundle that can be searched.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import pandas as pd
import tyro

from toolkit import deploy, evaluate, finetune, firstlook, prepare, report, runs, sections, vectors
from toolkit.deploy import Index
from toolkit.prepare import ReadOptions
from toolkit.prepare.frames import sample
from toolkit.report import Block, Section
from toolkit.vectors.origin import describe
from toolkit.vectors.precision import resolve_dtype
from toolkit.vectors.systems import dense_part

DEMO_ROWS, TINY_ROWS = 4500, 600
SIZES = (0.7, 0.1, 0.2)
DEMO_LICENCE = "The docstrings belong to their projects, under the licence of each."
OWN_LICENCE = "The texts are yours: their licence also decides whether the tuned model may be passed on."


def main(
    data: str = "pydocs",
    read: Annotated[ReadOptions, tyro.conf.OmitArgPrefixes] = ReadOptions(),  # noqa: B008
    model: str = vectors.DEFAULT,
    *,
    revision: str | None = None,
    chunk: bool = False,
    dtype: str = "auto",
    splits: int = 1,
    seed: int = 0,
    out: Path = Path("runs"),
    private: bool = False,
    yes: bool = False,
    tiny: bool = False,
) -> Path:
    """Tune a search model on your texts, measure whether it helped, and deploy the best system.

    Args:
        data: A csv, tsv, jsonl, parquet or xlsx file, a folder of txt files, or pydocs (installed docstrings).
        read: How to read the file.
        model: The built-in model, a folder, or a name on the Hugging Face Hub.
        revision: Commit, tag or branch of a Hub model.
        chunk: Cut texts that are longer than the model's limit into passages.
        dtype: Number format of the model: auto, float32, bfloat16 or float16.
        splits: Repeat over this many splits, and show the spread.
        seed: Seed of the split and the training.
        out: Folder that receives the run.
        private: Keep texts out of report, tables and log.
        yes: Do not ask before the long work.
        tiny: A small sample, for a first look.

    Returns:
        The folder of the run.
    """
    demo = data == "pydocs"
    settings = {"data": data, **asdict(read), "model": model, "revision": revision, "chunk": chunk, "splits": splits,
                "seed": seed, "private": private, "tiny": tiny}  # fmt: skip
    title = "Did tuning help? Semantic search over docstrings" if demo else f"Semantic search in {Path(data).name}"
    with (
        warnings.catch_warnings(),
        runs.start("semantic-search", out, settings=settings, private=private, title=title) as run,
    ):
        warnings.filterwarnings("ignore", message=".*were cut there")  # the report says it, with the shares
        # 1. Load the texts and look at them; --limit 0 takes all rows
        run.say(f"Reading {'the docstrings of the installed packages' if demo else data} ...")
        limit = TINY_ROWS if tiny else DEMO_ROWS if demo and read.limit is None else read.limit
        loaded = prepare.load(data, replace(read, limit=limit or None))
        run.say(*([] if demo else firstlook.preview(loaded)), f"Loading the model {model} (a few seconds) ...")
        base = vectors.load(model, revision=revision)
        run.settings["dtype"] = dtype = resolve_dtype(base, dtype)
        if chunk:
            prepare.chunk(base, ["A text."])  # if a package is missing, fail before the question and not after it
        run.say(*filter(None, [finetune.tuned.training_data_warning(base, loaded.name, loaded.digest)]))
        if not demo:
            expected = firstlook.forecast(base, loaded, dtype=dtype)
            loaded = firstlook.confirm(run, expected, loaded, may_sample=limit is None, ask=not yes)
        run.record |= {"data": {"name": loaded.name, "digest": loaded.digest}, "base": describe(base)}
        run.lap("look")

        # 2. Clean them, and split the pairs by groups that must stay together
        steps = () if demo else prepare.text.suggest_steps([*loaded.data["positive"], *loaded.documents])
        cleaned = prepare.clean(loaded, steps=(*steps, "tidy"))
        pairs, others = prepare.text.chunk_pairs(base, cleaned) if chunk else (cleaned.data, cleaned.documents)
        split, why_not = split_or_reason(pairs, others, seed)
        texts = dict.fromkeys([*pairs["positive"], *others])
        corpus = split.test.data.corpus if split else {f"d{number}": text for number, text in enumerate(texts)}
        lengths = vectors.truncation(base, [*corpus.values()])
        languages = prepare.text.language_shares(sample([*pairs["anchor"], *corpus.values()], firstlook.SAMPLE_SIZE))
        run.record["language"] = language = str(languages["language"].iloc[0])
        too_long = int((lengths["lost"] > 0).sum())
        run.say(f"{len(pairs):,} pairs, {len(corpus):,} texts; {too_long:,} are longer than the model's limit.")
        stand_in = "A docstring's first sentence stands in for a search." if demo else firstlook.stand_in(loaded)
        searches = "stand-in searches" if stand_in else "searches"
        context: dict[str, Any] = {"stand_in": stand_in, "model": base, "languages": languages, "lengths": lengths}
        run.lap("prepare")
        if split is None:
            return index_only(run, base, corpus, why_not, context, sections.data(loaded, cleaned, languages=languages))
        naive = prepare.split(pairs, sizes=SIZES, seed=seed, groups=None, documents=others)
        leaks = [f"A split by rows would have leaked {prepare.audit(naive.train, naive.test)}.",
                 f"This split: {prepare.audit(split.train, split.test)}."]  # fmt: skip
        run.say("Searches, and groups of texts that must stay together:", split.table, *split.notes, *leaks)

        # 3. Train a small layer on top of the fixed model, whose vectors are computed once
        advice = finetune.suggest_loss(split.train).iloc[0]
        run.say(f"Loss: {advice['loss']}, since {advice['why']}.")
        run.say(f"Encoding in {dtype}; for each part a bar shows the time left ...")
        tuned = finetune.train(base, split, seed=seed, dtype=dtype, data=run.record["data"])
        # The card travels with the model, so it quotes no text from the user's file
        example = (split.train["anchor"][0], split.train["positive"][0]) if demo else None
        tuned.save(run.folder / "model", example=example)
        run.say("Trained. The candidate with the best nDCG@10 on validation data is used:", tuned.candidates)
        run.lap("tune")

        # 4. Evaluate: choose the system on validation data (dev), measure it on test data
        run.say("Evaluating ...")
        models = {"base": base, "tuned": tuned.model}
        dev, test = (evaluate.compare_systems(models, part, dtype=dtype, language=language)
                     for part in (split.dev, split.test))  # fmt: skip
        system = evaluate.best(dev)
        words: dict[str, Any] = {"keywords": "BM25", "searches": searches, "deployed": system}
        headline = evaluate.comparing.headline(test, system, searches=searches)
        verdict, comparisons, more = [headline, *evaluate.verdict(test, "tuned", **words)], [test], []
        if stand_in:  # people type shorter searches than authors write
            cut = vectors.keyword_query(corpus, drop=("return", "returns") if demo else ())
            keywords = split.test.with_queries(cut, "three keywords")
            comparisons.append(evaluate.compare_systems(models, keywords, dtype=dtype, language=language))
            run.record["verdict_three_keywords"] = short = evaluate.verdict(comparisons[1], "tuned", **words)
            more = [f"The same searches cut to their three rarest words: {' '.join(short)}"]
        if splits > 1:
            more += compare_across_splits(run, base, pairs, others, range(seed, seed + splits), dtype)
        run.lap("evaluate")
        if not tiny:  # only where the general tasks are on this machine
            run.say("Checking whether tuning hurt general tasks ...")
            context["forgotten"] = evaluate.analysis.measure_forgetting(base, tuned.model, side="query", dtype=dtype)
            run.lap("general tasks")

        # 5. Deploy: an index over all texts, chosen on the dev searches and measured on the test searches
        index, use = write_bundle(run, system, *([*part.data.queries.values()] for part in (split.dev, split.test)))
        run.lap("deploy")

        # 6. Write the report
        if not (loaded.guess and loaded.guess.kind == "label"):  # for a label, many texts are known to be right
            context |= {"test": test, "system": system}
        limits = sections.limits(**context, split=split, searches=searches)
        scores = sections.comparison(*comparisons)
        shown = "tuned" if system.name == "base" else system.name
        chosen = "the candidate and epoch of the training, the system to use, and the settings of the index"
        run.record |= {"baseline": "base", "systems": [dict(one.record) for one in test.systems.values()],
                       "training": tuned.record, "limits": list(limits.blocks)}  # fmt: skip
        scored = evaluate.comparing.record(test)
        run.record["data"] |= {"test_digest": split.test.digest, "test_use": scored}
        run.summary(verdict, *more)
        run.add(
            sections.terms(base, pairs=len(split.train), searches=searches, index=index),
            limits,
            scores,
            sections.examples(test, shown, also=["tuned"] if shown != "tuned" else [], seed=seed, searches=searches),
            sections.data(loaded, cleaned, split, languages=languages, leaks=leaks),
            sections.numbers(*comparisons),
            sections.diagnostics(test, "tuned"),
            use,
            sections.training(tuned),
            sections.reproducibility(test, base, scored=scored, chosen=chosen),
            sections.licences(base, DEMO_LICENCE if demo else OWN_LICENCE),
        )
        run.say("", *limits.blocks, "", report.wide(scores.tables["results"]), "", use)
        run.lap("write")
        run.say("No data left this machine.", *([] if demo else [run.disclosure()]))
    return run.final


def split_or_reason(pairs: Any, others: Sequence[str], seed: int) -> tuple[prepare.Split | None, str]:
    """Split the pairs, or return why not: then the texts can be searched, but nothing can be trained or measured."""
    if not len(pairs):
        return None, "the file has no searches, and no texts long enough to make stand-ins from."
    try:
        return prepare.split(pairs, sizes=SIZES, seed=seed, documents=others), ""
    except prepare.TooFewGroupsError as error:
        return None, str(error)


def index_only(
    run: runs.Run, base: Any, corpus: Mapping[str, str], why: str, context: dict[str, Any], data: Section
) -> Path:
    """Make the texts searchable where there is nothing to train and measure with."""
    system = vectors.dense(base, corpus, name="base", dtype=run.settings["dtype"])
    index, use = write_bundle(run, system, *(sample([*corpus.values()], 200, part) for part in (0, 1)))
    run.lap("deploy")
    limits = sections.limits(**context)
    run.summary([f"The index is ready, but its quality could not be measured: {why}"])
    run.add(sections.terms(base, index=index), limits, data, use, sections.licences(base, OWN_LICENCE))
    run.say("", *limits.blocks, "", use, "No data left this machine.", run.disclosure())
    return run.final


def write_bundle(
    run: runs.Run, system: vectors.System, tuning: list[str], testing: list[str]
) -> tuple[Index | None, Section]:
    """Write a bundle of the system, with an index of its vectors, and check that it can be searched."""
    query, index, measured, dense = run.shown(testing[0]), None, None, dense_part(system)
    if dense is not None:
        encoded = [vectors.encode(dense.encoder, part, side="query", dtype=dense.dtype) for part in (tuning, testing)]
        index = deploy.build_index(dense.vectors, queries=encoded[0])
        measured = deploy.indexes.measure(index.faiss, dense.vectors, encoded[1])
        run.record["index"] = {"kind": index.kind, **index.settings, **measured}
    deploy.bundle(system, index, run.folder / "bundle", query=query)
    deploy.load(run.folder).find(query, 5)  # loads what was written, and checks it
    run.record["deployed"] = dict(system.record)
    texts = [] if run.private else [query]
    return index, sections.deployment(system, run.final, query=query, index=index, measured=measured, texts=texts)


def compare_across_splits(
    run: runs.Run, base: Any, pairs: Any, others: Sequence[str], seeds: range, dtype: str
) -> list[Block]:
    """Compare base and tuned on the tests of several splits; all vectors are in the cache by now."""
    rows, comparisons = [], []
    for seed in seeds:
        split = prepare.split(pairs, sizes=SIZES, seed=seed, documents=others)
        models = {"base": base, "tuned": finetune.train(base, split, seed=seed, dtype=dtype).model}
        scores = {
            name: evaluate.score(one, split.test, metrics=["nDCG@10"], dtype=dtype) for name, one in models.items()
        }
        comparisons.append(evaluate.compare(scores, baseline="base"))
        row = comparisons[-1].row("tuned", "nDCG@10")
        rows.append({"seed": seed, "base": row["score"] - row["difference"], "tuned": row["score"],
                     **row[["difference", "low", "high", "n", "n_groups"]]})  # fmt: skip
    table = pd.DataFrame(rows)
    run.add(Section("Repeated splits", [table], {"repeats": table}))
    return list(evaluate.comparing.combine(comparisons, test_over_train=SIZES[2] / SIZES[0]).sentences)


if __name__ == "__main__":
    runs.command_line(main)
