"""Show the measurements of a run in a report: the systems, their differences, and single searches."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from toolkit import evaluate, plots, report, vectors
from toolkit.evaluate import Comparison
from toolkit.report import Block, Folded, Section, SideBySide
from toolkit.vectors.systems import Dense

METRIC = "nDCG@10"
SLICED_BY = ("length", "overlap", "language")
MAX_CHARACTERS = 160  # characters of a text
KINDS = {"helped": "better with {}", "hurt": "worse with {}", "unchanged": "the same with {}"}


def comparison(test: Comparison, *others: Comparison) -> Section:
    """Show the systems with their intervals.

    Parameters
    ----------
    test : Comparison
    *others : Comparison
        Of the same systems on further tasks, such as the same searches cut to keywords.

    Returns
    -------
    Section
        With the tables ``results``, ``comparison``, ``per_query`` and ``comparison_<task>`` of the others.
    """
    results = pd.concat([part.results for part in (test, *others)], ignore_index=True)
    tables = {"results": results, "comparison": test.table, "per_query": test.per_query}
    for other in others:
        task = other.scores[other.baseline].task.name
        tables[f"comparison_{task.replace(' ', '_')}"] = other.table
    picture = plots.systems(results)
    return Section("The systems, with 95 % intervals", [picture], tables, {"systems": picture},
                   text_columns=("query", "text", "sentence1", "sentence2"))  # fmt: skip


def numbers(*comparisons: Comparison) -> Section:
    """Show every metric of every system with the paired difference to the baseline, and which systems are tied.

    Returns
    -------
    Section
        With the table ``ties``, of the first comparison.
    """
    tables = []
    for found in comparisons:
        paired = found.table[["model", "metric", "difference", "low", "high", "p_holm", "mdd"]]
        table = found.results.merge(paired, on=["model", "metric"], how="left", suffixes=("", " of pairs"))
        scores, pairs = (table[[*names]].to_numpy() for names in (
            ("score", "low", "high"), ("difference", "low of pairs", "high of pairs")))  # fmt: skip
        columns: dict[str, Any] = {
            "score [95 %]": [report.interval(*row) for row in scores],
            f"minus {found.baseline} [95 %]": ["" if np.isnan(row[0]) else report.interval(*row, sign="+")
                                               for row in pairs],
            "p": table["p_holm"], "mdd": table["mdd"], "n": table["n"], "n_groups": table["n_groups"],
            "unjudged@10": [found.scores[name].unjudged(10) for name in table["model"]],
        }  # fmt: skip
        tables.append(table[["task", "model", "metric"]].assign(**columns))
    ties = comparisons[0].ties
    ties = ties[ties["metric"] == METRIC].reset_index(drop=True)
    blocks: list[Block] = [
        f"Read the paired difference to {comparisons[0].baseline} with its interval, not the overlap of two intervals. "
        f"p is Holm-corrected over the systems and metrics of a task. mdd, the minimum detectable difference, is the "
        f"smallest true difference that this test shows with 80 % probability. unjudged@10 is the share of the first "
        f"ten texts that nobody judged.",
        pd.concat(tables, ignore_index=True),
        f"Which systems differ by {METRIC} (Holm over all pairs): those that share a letter are not shown to differ.",
        ties[["model", "score", "letters"]],
    ]
    return Section("All results", blocks, {"ties": ties})


def diagnostics(test: Comparison, system: str) -> Section:
    """Show where the difference of a system and the baseline comes from: slices of the searches, and the vectors.

    Parameters
    ----------
    test : Comparison
        Of searches. The space of vectors is shown where both systems search by vectors.
    system : str

    Returns
    -------
    Section
        With the tables ``slices`` and ``space``.
    """
    base, task = test.baseline, test.scores[system].task
    tables: dict[str, pd.DataFrame] = {}
    blocks: list[Block] = []
    sliced = []
    for by in SLICED_BY:
        labels = evaluate.analysis.slice_labels(task, by)
        if by == "language" and len(set(labels.values())) < 2:
            continue
        found = evaluate.analysis.by_slice(test, labels, system=system)
        if by == "language":
            if len(found.table) < 2:
                continue
            scores = found.scores.rename(columns={"slice": "task"})
            blocks += ["Each language separately:", report.wide(scores).rename(columns={"task": "language"})]
        table = found.table[["slice", "baseline", "score", "difference", "low", "high", "p_holm", "n"]]
        blocks.append(Folded(f"{system} minus {base} by {by} of the searches", [found.note, table]))
        sliced += [found.table.assign(by=by)] if len(found.table) else []
    if sliced:
        tables["slices"] = pd.concat(sliced, ignore_index=True)
    searched = {name: one for name, one in test.systems.items() if name in (base, system) and isinstance(one, Dense)}
    if {base, system} <= set(searched):
        data, spaces = task.data, {}
        right = [data.corpus[max(data.qrels[query], key=data.qrels[query].__getitem__)] for query in data.queries]
        pairs = [(row, len(right) + row) for row in range(len(right))]
        for name, one in searched.items():
            searches = vectors.encode(one.encoder, list(data.queries.values()), side="query", dtype=one.dtype)
            answers = vectors.encode(one.encoder, right, side="document", dtype=one.dtype)
            spaces[name] = evaluate.analysis.space(np.vstack([searches, answers]), pairs)
        space = spaces[system].rename(columns={"value": system})
        space.insert(1, base, spaces[base]["value"])
        tables["space"] = space[["measure", base, system, "reads"]]
        blocks.append(Folded(f"The vectors of searches and right texts, {base} and {system}", [
            "These are diagnostics, not scores: they show whether training crowded texts together.", tables["space"],
        ]))  # fmt: skip
    return Section("Where the difference comes from", blocks, tables)


def examples(
    test: Comparison, system: str, *, also: Sequence[str] = (), seed: int = 0, searches: str = "searches"
) -> Section:
    """Show searches that a system helped, hurt and left alone, drawn at random.

    Parameters
    ----------
    test : Comparison
    system : str
        Beside the baseline.
    also : sequence of str
        Further systems to show.
    seed : int
    searches : str
        What they are called, such as ``"stand-in searches"``.

    Returns
    -------
    Section
        With the tables ``examples`` and ``errors``, the latter for all searches.
    """
    drawn = evaluate.analysis.examples(test, system, seed=seed, also=list(also))
    third = f" ({', '.join(also)} is shown too)" if also else ""
    blocks: list[Block] = [
        f"{test.baseline} next to {system}{third}: up to three {searches} that do better with {system} by {METRIC}, "
        f"three that do worse, and two whose right text keeps its place, drawn at random. Texts are cut at "
        f"{MAX_CHARACTERS} characters."
    ]

    def cut(text: str) -> str:
        return textwrap.shorten(text, MAX_CHARACTERS, placeholder=" ...")

    for example in drawn:
        places = ", ".join(f"{name}: {place or 'not in the first 100'}" for name, place in example.place.items())
        columns = {name: [(cut(text), right) for text, right in items] for name, items in example.found.items()}
        if not any(right for items in columns.values() for _, right in items):
            columns["the right text"] = [(cut(example.right[0]), True)]
        note = f"{KINDS[example.kind].format(system)}; rank of the right text: {places}"
        blocks.append(SideBySide(cut(example.query), note, columns))
    table = pd.DataFrame(
        {"kind": example.kind, "query": example.query, "model": name, "rank": rank, "right": right, "text": text}
        for example in drawn
        for name, items in example.found.items()
        for rank, (text, right) in enumerate(items, 1)
    )
    tables = {"examples": table, "errors": evaluate.errors(test, (*also, system)[0])}
    return Section("Searches side by side", blocks, tables, all_texts=True)
