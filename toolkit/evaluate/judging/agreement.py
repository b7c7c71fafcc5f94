"""Score systems from the judges' answers, with intervals, and measure how much the judges agree."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit import report, stats
from toolkit.evaluate.judging.pool import POOL, SHOWN, Answers, pooled_pairs, read_answers, read_pool
from toolkit.evaluate.scoring.metrics import per_query
from toolkit.evaluate.scoring.scores import COLUMNS
from toolkit.prepare import RetrievalData, Task
from toolkit.storage import digest_texts, replacing

NAME = "real searches"  # of the task, in tables
FEW = 10  # searches below which the number of further ones needed is not estimated
_COMPARED = ["model", "other", "difference", "low", "high", "p", "p_holm", "mdd", "better", "worse", "n"]


@dataclass(frozen=True)
class Judged:
    """Real searches, judged. Made by `results`.

    Attributes
    ----------
    sentence : str
        The verdict.
    table : DataFrame
        One row per system and metric, ``model task metric score low high n n_groups``, with 95 % intervals: accuracy@1,
        precision and nDCG@10 over the searches that were judged completely, where a document that nobody judged counts
        as not relevant; and unjudged@10, the share of a system's first 10 documents that nobody judged.
    comparison : DataFrame
        The system in question against each of the others, by accuracy@1: ``model other difference low high p p_holm mdd
        better worse n``, as in `toolkit.evaluate.Comparison`.
    agreement : DataFrame
        One row per pair of judges, ``judge other n agreement kappa``: documents that both answered with yes or no, the
        share of equal answers, and Cohen's kappa (0 is chance, 1 is full agreement).
    qrels : mapping of query id to mapping of document id to 1 or 0
        By the majority of the judges; a tie is 0.
    without : list of str
        Searches for which nothing relevant was found: a `Task` cannot contain them, and all systems score 0.
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
        words = report.cell(pd.DataFrame(), [self.sentence, *self.notes])
        return words + "".join(map(report.cell, (self.table, self.comparison, self.agreement)))


def results(folder: str | Path, *, about: str | None = None, corpus: Mapping[str, str] | None = None) -> Judged:
    """Score all systems of a pool by the answers of all judges.

    A search counts when each document pooled for it has an answer, and one of them is yes or no. One for which nothing
    relevant was found counts as 0 for every system. The interval of accuracy@1 is Wilson's [1]_ and that of a
    difference is Agresti and Min's [2]_, since the bootstrap is too narrow for few searches and has no width where all
    are equal; the others are bootstrap intervals.

    Parameters
    ----------
    folder : path
        From `judge`.
    about : str, optional
        The system that is compared with the others; by default the first.
    corpus : mapping of document id to text, optional
        The corpus that was searched, for the task. Without it the task has only the pooled documents, in which the
        right one is easier to find.

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
    qrels, partly_judged = majority(pool, judges)
    relevant = {query: row for query, row in qrels.items() if any(row.values())}
    without = [query for query in qrels if query not in relevant]
    if partly_judged:
        notes.append(f"{_searches(partly_judged)} only partly judged: not counted.")
    if without:
        notes.append(f"{_searches(len(without))} without any relevant document: 0 for every system.")
    agreement = agreement_of(judges)
    if len(agreement):
        mean = agreement["kappa"].mean()  # with more than two judges Light's kappa, the mean over the pairs
        notes.append(f"{len(judges)} judges; kappa {'is undefined' if math.isnan(mean) else f'{mean:.2f}'}.")
    if not qrels:
        sentence = f"None of the {_searches(len(pool['queries']))} in {POOL} is fully judged yet: no result."
        return Judged(sentence, pd.DataFrame(columns=COLUMNS), pd.DataFrame(), agreement, {}, [], None, notes)
    table, right = _scored(pool, qrels)
    comparison = _compared(right, about)
    queries = {query: pool["queries"][query] for query in relevant}
    data = RetrievalData(pool["documents"] if corpus is None else corpus, queries, relevant)
    return Judged(
        summarise({name: int(values.sum()) for name, values in right.items()}, comparison, len(qrels)),
        table, comparison, agreement, qrels, without,
        Task(NAME, "retrieval", data, {}) if relevant else None, notes,
    )  # fmt: skip


def _scored(
    pool: Mapping[str, Any], qrels: Mapping[str, Mapping[str, int]]
) -> tuple[pd.DataFrame, dict[str, NDArray[Any]]]:
    """Make `Judged.table`, and collect accuracy@1 of each system by search."""
    from scipy.stats import binomtest

    rows: list[list[Any]] = []
    right, n = {}, len(qrels)
    for name, found in pool["systems"].items():
        ranking = {query: {doc: -float(place) for place, doc in enumerate(docs)} for query, docs in found.items()}
        scores = per_query(ranking, qrels, ["accuracy@1", f"precision@{pool['depth']}", "nDCG@10"])
        right[name] = scores["accuracy@1"].to_numpy()
        for metric, one in zip(scores, stats.intervals(scores.to_numpy()), strict=True):
            low, high = one.low, one.high
            if metric == "accuracy@1":
                low, high = binomtest(round(right[name].sum()), n).proportion_ci(method="wilson")
            rows.append([name, NAME, metric, one.mean, low, high, n, n])
        rows.append([name, NAME, f"unjudged@{SHOWN}", unjudged(found, qrels), math.nan, math.nan, n, n])
    return pd.DataFrame(rows, columns=COLUMNS), right


def _compared(right: Mapping[str, NDArray[Any]], about: str) -> pd.DataFrame:
    """Make `Judged.comparison` from accuracy@1 by search."""
    rows, a = [], right[about]
    for other, b in right.items():
        if other != about:
            gap = difference(a, b)
            p, mdd = stats.sign_flip_test(a - b), stats.minimum_detectable_difference(gap.error)
            better, worse = int((a > b).sum()), int((a < b).sum())
            rows.append((about, other, gap.mean, gap.low, gap.high, p, p, mdd, better, worse, gap.n))
    table = pd.DataFrame(rows, columns=_COMPARED)
    return table.assign(p_holm=stats.holm(list(table["p"])))


def write_qrels(folder: str | Path) -> list[Path]:
    """Write the judgements as ``qrels.tsv`` (BEIR) and ``qrels.txt`` (TREC), zeros too; return the paths.

    TREC's format separates columns by spaces, so it is left out where an id contains one.
    """
    folder = Path(folder).expanduser()
    pool = read_pool(folder)
    qrels, _ = majority(pool, read_judges(folder, pool)[0])
    rows = [(query, doc, grade) for query, row in qrels.items() for doc, grade in row.items()]
    files = [folder / "qrels.tsv"]
    with replacing(files[0]) as temporary:
        table = pd.DataFrame(rows, columns=["query-id", "corpus-id", "score"])
        table.to_csv(temporary, sep="\t", index=False, lineterminator="\n")
    if not any(re.search(r"\s", name) for query, doc, _ in rows for name in (query, doc)):
        files.append(folder / "qrels.txt")
        with replacing(files[1]) as temporary:
            lines = "".join(f"{query} 0 {doc} {grade}\n" for query, doc, grade in rows)
            temporary.write_text(lines, encoding="utf-8", newline="")
    return files


def unjudged(found: Mapping[str, Sequence[str]], qrels: Mapping[str, Mapping[str, int]]) -> float:
    """Compute the share of a system's first 10 documents that nobody judged, as the mean over searches.

    Examples
    --------
    >>> unjudged({"s1": ["a", "b"], "s2": ["c"]}, {"s1": {"a": 1}, "s2": {"c": 0}})
    0.25
    """
    shares = [np.mean([doc not in row for doc in found[query][:SHOWN]]) for query, row in qrels.items() if found[query]]
    return float(np.mean(shares)) if shares else 0.0


def difference(a: NDArray[Any], b: NDArray[Any]) -> stats.Interval:
    """Compute the difference of two shares over the same searches, ``a - b``, with the interval of Agresti and Min.

    Half a search is added to each of the four cells (both right, only a, only b, neither); unlike a bootstrap interval,
    it keeps its width where the two differ on few searches.

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


def summarise(right: Mapping[str, int], comparison: pd.DataFrame, n: int) -> str:
    """Summarise how often each system was right, which differences are shown, and what more searches would show."""
    ordered = sorted(right, key=lambda name: -right[name])
    sentences = [f"{_searches(n)}: right answer first: " + ", ".join(f"{name} {right[name]}" for name in ordered) + "."]
    unsure = []
    for row in comparison.to_dict("records"):
        size = f"{abs(row['difference']) * 100:.0f} of 100"
        if row["p_holm"] < 0.05:
            stands = f"{row['model']} is {'better' if row['difference'] > 0 else 'worse'} than {row['other']}"
            sentences.append(f"{stands}, by {size} searches (p = {row['p_holm']:.2g}).")
        else:
            more = math.ceil(n * (row["mdd"] / row["difference"]) ** 2) if row["difference"] else 0
            rounded = f"{round(more, -max(0, len(str(more)) - 2)):,}"  # two digits: it is an estimate
            unsure.append(row["other"] + (f" ({size}, needs about {rounded} searches)" if more > n >= FEW else ""))
    if not unsure:
        return " ".join(sentences)
    doubt = f"{comparison['model'].iloc[0]} against {', '.join(unsure)}: too few searches to be sure"
    if n < FEW:  # with so few searches the error is unreliable, and so is any estimate made from it
        return " ".join([*sentences, f"{doubt}; judge {FEW} or more."])
    mdd = comparison[comparison["p_holm"] >= 0.05]["mdd"].max()
    if wanted := next((m for m in (30, 100, 300, 1000) if m > n), None):
        doubt += f": {wanted} searches could detect a difference of {mdd * math.sqrt(n / wanted) * 100:.0f} of 100"
    return " ".join([*sentences, f"{doubt}; these {n} could detect a difference of {min(1, mdd) * 100:.0f} of 100."])


def read_judges(folder: Path, pool: Mapping[str, Any]) -> tuple[dict[str, Answers], list[str]]:
    """Read the answers of all judges in a folder, with notes."""
    pairs, files = pooled_pairs(pool), sorted(folder.glob("judgements-*.csv"))
    found = {file.stem.removeprefix("judgements-"): read_answers(file, pairs) for file in files}
    notes = [note for _, dropped in found.values() for note in dropped]
    return {judge: answers for judge, (answers, _) in found.items() if answers}, notes


def majority(pool: Mapping[str, Any], judges: Mapping[str, Answers]) -> tuple[dict[str, dict[str, int]], int]:
    """Make qrels of the searches that were judged completely, and count those judged in part."""
    qrels, partly_judged = {}, 0
    for query, docs in pooled_pairs(pool).items():
        pairs = [(query, doc) for doc in sorted(docs)]
        votes = {pair[1]: [given[pair][0] for given in judges.values() if pair in given] for pair in pairs}
        row = {doc: int(given.count(True) > given.count(False)) for doc, given in votes.items() if set(given) - {None}}
        if judges and all(votes.values()) and (row or not votes):  # also where no system found a document
            qrels[query] = row
        else:
            partly_judged += any(votes.values())
    return (qrels if any(qrels.values()) else {}), partly_judged


def agreement_of(judges: Mapping[str, Answers]) -> pd.DataFrame:
    """Measure the agreement of each pair of judges, as `Judged.agreement`; kappa is nan where neither judge varies."""
    rows = []
    for (one, a), (two, b) in itertools.combinations(judges.items(), 2):
        both = [pair for pair in a if pair in b and a[pair][0] is not None and b[pair][0] is not None]
        first, second = ([bool(given[pair][0]) for pair in both] for given in (a, b))
        same = kappa = math.nan
        if both:
            same = float(np.mean(np.equal(first, second)))
        if len({*first, *second}) > 1:
            from sklearn.metrics import cohen_kappa_score

            kappa = float(cohen_kappa_score(first, second))
        rows.append([one, two, len(both), same, kappa])
    return pd.DataFrame(rows, columns=["judge", "other", "n", "agreement", "kappa"])


def _searches(n: int) -> str:
    return f"{n:,} search" + ("es" if n != 1 else "")
