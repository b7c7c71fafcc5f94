"""What the judges' answers say: how good each system is on real searches, and how sure that is."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit import stats
from toolkit.evaluate.judging.pools import POOL, SHOWN, read_pool
from toolkit.evaluate.judging.votes import agreement_of, majority, read_judges
from toolkit.evaluate.scoring.metrics import per_query
from toolkit.prepare import RetrievalData, Task
from toolkit.storage import digest_texts, replacing

NAME = "real searches"  # of the task, in tables
FEW = 10  # searches below which no number of further ones is worked out
_COLUMNS = ["model", "task", "metric", "score", "low", "high", "n", "n_groups"]


@dataclass(frozen=True)
class Judged:
    """Real searches, judged.

    Attributes
    ----------
    sentence : str
        The verdict in plain words.
    table : DataFrame
        One row a system and metric, ``model task metric score low high n n_groups``, with 95 % intervals: accuracy@1,
        precision and nDCG@10 over the searches that were judged whole, where a document that nobody judged counts as
        not relevant; and unjudged@10, the share of a system's first 10 documents that nobody judged.
    comparison : DataFrame
        The system in question against each other, by accuracy@1: ``model other difference low high p p_holm mdd
        better worse n``, as in `toolkit.evaluate.Comparison`.
    agreement : DataFrame
        One row a pair of judges, ``judge other n agreement kappa``: documents that both answered with yes or no, the
        share of equal answers, and Cohen's kappa (0 is chance, 1 is full agreement).
    qrels : mapping of query id to mapping of document id to 1 or 0
        By the majority of the judges; a tie is 0.
    without : list of str
        Searches for which nothing relevant was found: no `Task` can hold them, and all systems score 0.
    task : Task or None
        The other searches, to score further systems on; None when there are none.
    notes : list of str
    """

    sentence: str
    table: pd.DataFrame
    comparison: pd.DataFrame
    agreement: pd.DataFrame
    qrels: Mapping[str, Mapping[str, int]]
    without: list[str]
    task: Task | None
    notes: list[str]

    def __str__(self) -> str:
        return "\n".join([self.sentence, *self.notes])

    def _repr_html_(self) -> str:
        tables = [table for table in (self.table, self.comparison, self.agreement) if len(table)]
        words = "".join(f"<p>{escape(words)}</p>" for words in (self.sentence, *self.notes))
        return words + "".join(table.to_html(index=False, float_format=lambda x: f"{x:.3f}") for table in tables)


def results(folder: str | Path, *, about: str | None = None, corpus: Mapping[str, str] | None = None) -> Judged:
    """Score all systems of a pool by the answers of all judges.

    A search counts when each document pooled for it has an answer, and one of them is yes or no. One for which nothing
    relevant was found counts as 0 for every system. The interval of accuracy@1 is Wilson's [1]_ and that of a
    difference is Agresti and Min's [2]_, since the bootstrap is too narrow for few searches and has no width at all
    where all are alike; the others are bootstrap intervals.

    Parameters
    ----------
    folder : path
        From `judge`.
    about : str, optional
        The system that is compared with the others; without it the first.
    corpus : mapping of document id to text, optional
        For the task: the corpus that was searched. Without it the task holds the pooled documents alone, among which
        to find the right one is easier.

    References
    ----------
    .. [1] E. B. Wilson, Journal of the American Statistical Association 22, 1927.
    .. [2] A. Agresti and Y. Min, "Simple improved confidence intervals for comparing matched proportions",
       Statistics in Medicine 24, 2005.
    """
    folder = Path(folder).expanduser()
    pool = read_pool(folder)
    systems = pool["systems"]
    about = next(iter(systems)) if about is None else about
    if about not in systems:
        raise ValueError(f"no system {about!r} was pooled in {folder}; expected one of {', '.join(systems)}")
    if corpus is not None and digest_texts(corpus, corpus.values()) != pool["corpus"]:
        raise ValueError(f"the corpus is not the one that was searched for {folder}")
    judges, notes = read_judges(folder, pool)
    qrels, begun = majority(pool, judges)
    relevant = {query: row for query, row in qrels.items() if any(row.values())}
    without = [query for query in qrels if query not in relevant]
    if begun:
        notes.append(f"{_searches(begun)} judged in part: not counted.")
    if without:
        notes.append(f"{_searches(len(without))} without any relevant document: 0 for every system.")
    agreement = agreement_of(judges)
    if len(agreement):
        mean = agreement["kappa"].mean()  # of more than two judges Light's kappa, the mean over the pairs
        notes.append(f"{len(judges)} judges; kappa {'cannot be told' if math.isnan(mean) else f'{mean:.2f}'}.")
    if not qrels:
        table, comparison = pd.DataFrame(columns=_COLUMNS), pd.DataFrame()
        return Judged(_nothing(pool), table, comparison, agreement, {}, [], None, notes)
    metrics = ["accuracy@1", f"precision@{pool['depth']}", "nDCG@10"]
    scores = {name: per_query(_ranking(found), qrels, metrics) for name, found in systems.items()}
    parts = [_rows(name, scores[name], unjudged(found, qrels)) for name, found in systems.items()]
    comparison = _compare({name: table["accuracy@1"].to_numpy() for name, table in scores.items()}, about)
    queries = {query: pool["queries"][query] for query in relevant}
    data = RetrievalData(pool["documents"] if corpus is None else corpus, queries, relevant)
    return Judged(
        verdict_of({name: int(table["accuracy@1"].sum()) for name, table in scores.items()}, comparison, len(qrels)),
        pd.concat(parts, ignore_index=True), comparison, agreement, qrels, without,
        Task(NAME, "retrieval", data, {}) if relevant else None, notes,
    )  # fmt: skip


def write_qrels(folder: str | Path) -> list[Path]:
    """Write the judgements as ``qrels.tsv`` (as BEIR does) and ``qrels.txt`` (TREC), zeros too; returns the paths.

    TREC's form parts its columns by spaces, so it is left out where an id holds one.
    """
    folder = Path(folder).expanduser()
    pool = read_pool(folder)
    qrels, _ = majority(pool, read_judges(folder, pool)[0])
    rows = [(query, doc, grade) for query, row in qrels.items() for doc, grade in row.items()]
    files = [folder / "qrels.tsv"]
    with replacing(files[0]) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, delimiter="\t", lineterminator="\n").writerows([("query-id", "corpus-id", "score"), *rows])
    if not any(re.search(r"\s", name) for query, doc, _ in rows for name in (query, doc)):
        files.append(folder / "qrels.txt")
        with replacing(files[1]) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
            out.writelines(f"{query} 0 {doc} {grade}\n" for query, doc, grade in rows)
    return files


def unjudged(found: Mapping[str, Sequence[str]], qrels: Mapping[str, Mapping[str, int]]) -> float:
    """Mean over searches of the share of a system's first 10 documents that nobody judged.

    Examples
    --------
    >>> unjudged({"s1": ["a", "b"], "s2": ["c"]}, {"s1": {"a": 1}, "s2": {"c": 0}})
    0.25
    """
    shares = [np.mean([doc not in row for doc in found[query][:SHOWN]]) for query, row in qrels.items() if found[query]]
    return float(np.mean(shares)) if shares else 0.0


def difference(a: NDArray[Any], b: NDArray[Any]) -> stats.Interval:
    """Difference of two shares over the same searches, ``a - b``, with the interval of Agresti and Min (2005).

    Half a search is added to each of the four cells (both right, only a, only b, neither); unlike a bootstrap the
    interval keeps its width where few searches tell the two apart.

    Examples
    --------
    >>> print(difference(np.array([1, 1, 1, 0]), np.array([1, 0, 0, 0])))
    0.500 [-0.166, 0.832]
    """
    only_a, only_b, n = (a > b).sum() + 0.5, (b > a).sum() + 0.5, len(a) + 2
    middle = (only_a - only_b) / n
    error = math.sqrt(only_a + only_b - (only_a - only_b) ** 2 / n) / n
    low, high = (max(-1.0, min(1.0, middle + side * 1.959964 * error)) for side in (-1, 1))
    return stats.Interval(float(a.mean() - b.mean()), low, high, error, len(a), len(a))


def verdict_of(right: Mapping[str, int], comparison: pd.DataFrame, n: int) -> str:
    """Counts, what is shown and what is not, and what more searches would show."""
    ordered = sorted(right, key=lambda name: -right[name])
    told = [f"{_searches(n)}: right answer first " + ", ".join(f"{name} {right[name]}" for name in ordered) + "."]
    unsure = []
    for row in comparison.to_dict("records"):
        size = f"{abs(row['difference']) * 100:.0f} of 100"
        if row["p_holm"] < 0.05:
            better = "better" if row["difference"] > 0 else "worse"
            told.append(
                f"{row['model']} is {better} than {row['other']}, by {size} searches (p = {row['p_holm']:.2g})."
            )
        else:
            more = math.ceil(n * (row["mdd"] / row["difference"]) ** 2) if row["difference"] else 0
            unsure.append(row["other"] + (f" ({size}, would take about {_round(more)})" if more > n >= FEW else ""))
    if not unsure:
        return " ".join(told)
    doubt = f"{comparison['model'].iloc[0]} against {', '.join(unsure)}: too few to be sure"
    if n < FEW:  # the error of so few is itself a guess, and so would be what is worked out from it
        return " ".join([*told, f"{doubt}, judge {FEW} or more."])
    visible = comparison[comparison["p_holm"] >= 0.05]["mdd"].max()
    if wanted := next((m for m in (30, 100, 300, 1000) if m > n), None):
        doubt += f": {wanted} searches would show a difference of {visible * math.sqrt(n / wanted) * 100:.0f} of 100"
    return " ".join([*told, f"{doubt}, these show one of {min(1, visible) * 100:.0f}."])


def _rows(name: str, scores: pd.DataFrame, unjudged_share: float) -> pd.DataFrame:
    """The rows of one system in `Judged.table`."""
    from scipy.stats import binomtest

    rows: list[list[Any]] = []
    n = len(scores)
    for metric, found in zip(scores, stats.intervals(scores.to_numpy()), strict=True):
        low, high = found.low, found.high
        if metric == "accuracy@1":
            low, high = binomtest(round(scores[metric].sum()), n).proportion_ci(method="wilson")
        rows.append([name, NAME, metric, found.mean, low, high, n, n])
    rows.append([name, NAME, f"unjudged@{SHOWN}", unjudged_share, math.nan, math.nan, n, n])
    return pd.DataFrame(rows, columns=_COLUMNS)


def _compare(right: Mapping[str, NDArray[Any]], about: str) -> pd.DataFrame:
    rows = []
    for other in right:
        if other == about:
            continue
        a, b = right[about], right[other]
        found = difference(a, b)
        rows.append({
            "model": about, "other": other, "difference": found.mean, "low": found.low, "high": found.high,
            "p": stats.sign_flip_test(a - b), "mdd": stats.minimum_detectable_difference(found.error),
            "better": int((a > b).sum()), "worse": int((a < b).sum()), "n": found.n,
        })  # fmt: skip
    table = pd.DataFrame(rows)
    if rows:
        table.insert(6, "p_holm", stats.holm(list(table["p"])))
    return table


def _ranking(found: Mapping[str, Sequence[str]]) -> dict[str, dict[str, float]]:
    return {query: {doc: -float(place) for place, doc in enumerate(row)} for query, row in found.items()}


def _nothing(pool: Mapping[str, Any]) -> str:
    return f"None of the {_searches(len(pool['queries']))} in {POOL} is judged whole yet: nothing can be said."


def _searches(n: int) -> str:
    return f"{n:,} search" + ("es" if n != 1 else "")


def _round(n: int) -> str:
    """A number of searches to two figures: it is an estimate."""
    digits = max(0, len(str(n)) - 2)
    return f"{round(n, -digits):,}"
