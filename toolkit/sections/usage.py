"""Show how to use a run in a report: its terms, its limits, and the deployed system."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from toolkit import deploy, runs
from toolkit.deploy import Index
from toolkit.evaluate import Comparison, analysis
from toolkit.evaluate.analysis import Forgetting
from toolkit.prepare import Split, text
from toolkit.report import Block, Code, Section, Terms
from toolkit.vectors import Encoder, System
from toolkit.vectors.origin import declared, describe
from toolkit.vectors.systems import dense_part

# The number of texts per search depends on how much the systems agree; a short text takes four seconds.
JUDGING = (
    "Expect about ten texts per search and four seconds per text: a few minutes for five searches, twenty for thirty."
)
FEW_PAIRS = 300  # with fewer pairs, expect little gain from training


def terms(
    model: Encoder, *, pairs: int | None = None, searches: str = "searches", index: Index | None = None
) -> Section:
    """Explain the terms of a report to readers who are new to search evaluation.

    Parameters
    ----------
    model : Encoder
        The base model.
    pairs : int, optional
        How many the tuned model was trained on; None where nothing was trained and measured.
    searches : str
        What the searches are called.
    index : Index, optional
    """
    name = str(describe(model)["name"])
    name = Path(name).name if Path(name).is_dir() else name
    words = {"base": f"the base model, {name}, as released, without tuning."}
    if pairs is not None:
        words |= {
            "tuned": f"base with a small layer on top, trained on {pairs:,} pairs of these texts.",
            "BM25": "keyword search: it counts the words that search and text share, and needs no model. base+BM25 and "
            "tuned+BM25 fuse the two lists.",
            "validation, test": "parts of the data that training does not see. Validation data (dev) decide what to "
            "use; test data show how good that is.",
            "nDCG@10": "how high the right text ranks among the first ten: 1 when it always comes first, 0 when it is "
            "never among them.",
            "0.8 [0.7, 0.9]": "a value and its 95 % interval: how far chance may have moved it, depending on which "
            f"{searches} happen to be in the test. A difference is shown where its interval excludes zero.",
            "groups": f"{searches} that must stay together, such as those that share a text. Intervals come from "
            "resampling whole groups.",
            "mdd": "minimum detectable difference: the smallest true difference that a test of this size shows four "
            "times out of five; it may miss smaller ones.",
        }
    if index is not None:
        exact = index.kind == "Flat"
        words[f"Index {index.kind}"] = (
            f"how vectors are searched: {'every vector is compared, so nothing is missed' if exact else 'in a graph'}. "
            f"Its recall@10 is the share of the ten nearest texts that it finds."
        )
    return Section("Terms", [Terms(words)])


def limits(
    *,
    stand_in: str = "",
    model: Encoder | None = None,
    languages: pd.DataFrame | None = None,
    split: Split | None = None,
    test: Comparison | None = None,
    system: System | None = None,
    lengths: pd.DataFrame | None = None,
    forgotten: Forgetting | None = None,
    searches: str = "searches",
) -> Section:
    """List the limits of a verdict, the most serious first; arguments that are not given are skipped.

    Parameters
    ----------
    stand_in : str
        Why the searches are stand-ins, in a sentence; see `toolkit.firstlook.stand_in`.
    model : Encoder, optional
        Together with `languages`: whether it was trained on them.
    languages : DataFrame, optional
        `toolkit.prepare.text.language_shares`.
    split : Split, optional
    test : Comparison, optional
        Where only the text of its own row is known to be right for a search.
    system : System, optional
        The one of `test` that is deployed.
    lengths : DataFrame, optional
        `toolkit.vectors.truncation` of the texts.
    forgotten : Forgetting, optional
        General tasks before and after.
    searches : str
        What the searches are called.

    Returns
    -------
    Section
        With the table ``general_tasks``.
    """
    sentences = []
    if stand_in:
        sentences.append(
            f"{stand_in} People phrase searches differently, and usually shorter. Judge real searches to learn "
            f"more: see `Judge it` below. {JUDGING}"
        )
    if model is not None and languages is not None:
        trained, name = declared(model).languages, str(describe(model)["name"])
        sentences.append(text.language_mismatch(languages, trained, name))
    if split is not None and len(split.train) < FEW_PAIRS:
        sentences.append(
            f"There were {len(split.train):,} pairs to train on; with fewer than {FEW_PAIRS}, expect little gain."
        )
    if test is not None and system is not None:
        scores = test.scores[system.name]
        by_vectors = dense_part(system) or dense_part(test.systems[test.baseline])
        copies = analysis.copies_above(scores, by_vectors.vectors) if by_vectors else 0.0
        sentences.append(
            f"For a search, only the text of its own row is known to be right. Nobody judged {scores.unjudged(10):.0%} "
            f"of the first ten texts, which count as wrong; in {copies:.1%} of the {searches} a near-copy of the "
            f"right text (cosine 0.95 and above) ranks above it and counts as wrong. So true scores are higher."
        )
    sentences += split.notes if split is not None else []
    if lengths is not None and (lengths["lost"] > 0).mean() > 0.01:
        sentences.append(
            f"{(lengths['lost'] > 0).mean():.0%} of the texts are longer than the {int(lengths['limit'].iloc[0])} "
            f"tokens that the model reads; {lengths['lost'].sum() / lengths['tokens'].sum():.0%} of all tokens are "
            f"never seen. --chunk cuts such texts into passages."
        )
    tables = {}
    if forgotten is not None:
        sentences += forgotten.sentences
        tables = {"general_tasks": forgotten.table} if len(forgotten.table) else {}
    sentences.append("Results on other texts and searches will differ: this run measured only this file.")
    return Section("What this does not tell you", [sentence for sentence in sentences if sentence], tables)


def deployment(
    system: System,
    folder: str | Path,
    *,
    query: str,
    index: Index | None = None,
    measured: Mapping[str, float] | None = None,
    texts: Sequence[str] = (),
) -> Section:
    """Show how to use the deployed system, as lines to paste.

    Parameters
    ----------
    system : System
    folder : path
        Of the finished run, with its bundle in ``bundle``.
    query : str
        The search in the lines to paste.
    index : Index, optional
        Of its vectors.
    measured : mapping, optional
        `toolkit.deploy.indexes.measure` on the test searches.
    texts : sequence of str
        The user's texts that these lines quote.
    """
    kind = str(system.record["kind"])
    deployed = f"Deployed: {system.name}, which searches {deploy.packing.SEARCH_METHODS[kind]}."
    if index is not None and measured is not None:
        deployed += (
            f" Index {index.kind}, {measured['megabytes']} MB: recall@10 {measured['recall']:.3f} against exact "
            f"search, {measured['median_ms']} ms per search, plus the time to encode it"
            f"{' and to search by keywords' if kind == 'fusion' else ''}."
        )
    bundle, python, final = (Path(folder) / "bundle").resolve(), runs.this_python(), runs.quoted(str(folder))
    lines, alone = deploy.packing.snippet(system, bundle, query), ""
    if "faiss" in lines and kind != "dense":
        alone = f" They search by vectors alone; to search by {system.name}, use `Search it`."
    search = runs.quoted(" ".join(query.split())[: deploy.packing.SHOWN])
    change = (
        "from toolkit import deploy\n"
        f"bundle = deploy.load({str(bundle)!r})\n"
        'bundle = bundle.add({"new-1": "text of a new document"})  # rewrites the folder\n'
        'bundle = bundle.remove(["new-1"])  # deletes text and vector permanently'
    )
    blocks: list[Block] = [
        deployed,
        "Search it:",
        Code(f"{python} -m toolkit.deploy search {final} {search}"),
        f"Judge it with real searches: you mark which results are right. {JUDGING}",
        Code(f"{python} -m toolkit.evaluate judge {final}"),
        f"Lines for another program:{alone}",
        Code(lines),
        "Add and remove documents:",
        Code(change),
    ]
    return Section("Use it", blocks, texts=texts)
