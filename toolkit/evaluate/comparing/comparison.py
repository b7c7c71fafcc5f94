"""Compare systems on the same items: paired differences, intervals over groups, tests, and who is tied with whom."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit import stats, vectors
from toolkit.evaluate.comparing.differences import ALPHA, check_alike, letters, paired
from toolkit.evaluate.scoring.scores import Scores, score
from toolkit.prepare import Task
from toolkit.prepare.tasks import check_task


@dataclass(frozen=True)
class Comparison:
    """Systems beside a baseline.

    Attributes
    ----------
    baseline : str
    table : DataFrame
        One row a system and metric: ``model metric score difference low high p p_holm visible better worse same n
        n_groups``. ``low`` and ``high`` enclose the paired difference (95 %), ``visible`` is the smallest true
        difference that this test would have shown with 80 % probability, ``better``, ``worse`` and ``same`` count
        items (missing for a metric of the whole, such as a correlation).
    scores : mapping of name to Scores
    """

    baseline: str
    table: pd.DataFrame
    scores: Mapping[str, Scores]

    @property
    def results(self) -> pd.DataFrame:
        """The tables of all systems, one below the other: ``model task metric score low high n n_groups``."""
        return pd.concat([scores.table.assign(model=name) for name, scores in self.scores.items()], ignore_index=True)

    @property
    def per_query(self) -> pd.DataFrame:
        """One row an item: its id, its text (of a table: its columns), then every metric per item of every system."""
        parts = [scores.per_query.add_prefix(f"{name} ") for name, scores in self.scores.items()]
        task = self.scores[self.baseline].task
        if task.kind in ("retrieval", "reranking"):
            table = pd.concat(parts, axis=1).reset_index()
            table.insert(1, "query", [task.data.queries[query] for query in table["query_id"]])
            return table
        table = pd.concat([task.rows.loc[parts[0].index], *parts], axis=1)
        return table.rename_axis("id").reset_index()

    @cached_property
    def pairwise(self) -> pd.DataFrame:
        """Every system against every other: ``one other metric difference low high p p_holm visible``.

        Holm over the pairs of one metric.
        """
        order = self.table.drop_duplicates("model")["model"]
        table = paired(self.scores, list(combinations([self.baseline, *order], 2)))
        table.insert(list(table.columns).index("p") + 1, "p_holm", _holm_by(table, "metric"))
        return table.drop(columns=["score", "better", "worse", "same", "n", "n_groups"])

    @cached_property
    def ties(self) -> pd.DataFrame:
        """Who can be told from whom: ``metric model score letters tied_with_best``, by metric, best first.

        Two systems share a letter exactly where their difference is not shown (``p_holm`` of `pairwise` is 0.05 or
        more); chains are not joined. Tied with the best is who shares a letter with the system of the highest score.
        """
        rows = []
        for metric, pairs in self.pairwise.groupby("metric", sort=False):
            names = dict.fromkeys([*pairs["one"], *pairs["other"]])
            found = {name: self.scores[name].value(str(metric)) for name in names}
            order = sorted(names, key=lambda name: -found[name])
            shown = pairs[pairs["p_holm"] < ALPHA]
            differ = list(zip(shown["one"], shown["other"], strict=True))
            named = letters(order, differ)
            tied = {name: not {(name, order[0]), (order[0], name)} & set(differ) for name in order}
            rows += [(metric, name, found[name], named[name], tied[name]) for name in order]
        return pd.DataFrame(rows, columns=["metric", "model", "score", "letters", "tied_with_best"])

    @property
    def notes(self) -> list[str]:
        """What a reader of the table should know: too few groups, metrics that tell nothing apart."""
        notes = list(dict.fromkeys(note for scores in self.scores.values() for note in scores.notes))
        groups, rows = int(self.table["n_groups"].iloc[0]), len(self.table)
        least = 2.0 ** (1 - groups) * rows
        means = set(self.table["metric"]) & set(self.scores[self.baseline].per_query)
        if means and groups > 1 and least >= ALPHA:
            notes.append(
                f"With {groups} groups and {rows} comparisons no difference of means can be shown, however large: the "
                f"smallest p after Holm would be {min(1.0, least):.2f}."
            )
        for metric, part in self.table.groupby("metric", sort=False):
            if (part["difference"] == 0).all() and part["visible"].eq(0).all():
                notes.append(f"All systems are equal on every item by {metric}: it tells nothing apart here.")
        for name, scores in self.scores.items():
            values = scores.per_query
            if len(values.columns) and (values == 0).all(axis=None):
                notes.append(f"{name} scores 0 on every item: look at its ids and at what it returned.")
        return notes

    def only(self, items: Iterable[str], name: str) -> Comparison:
        """The same systems compared on some of the items, under another name of the task, without a new search."""
        wanted = set(items)
        parts = {system: scores.only(wanted, name) for system, scores in self.scores.items()}
        return compare(parts, baseline=self.baseline)

    def row(self, system: str, metric: str) -> pd.Series:
        """The row of one system and metric."""
        found = self.table[(self.table["model"] == system) & (self.table["metric"] == metric)]
        if found.empty:
            raise ValueError(f"no comparison of {system!r} with {self.baseline!r} by {metric!r}")
        return found.iloc[0]

    def to_paper(self, folder: str | Path, *, data: str = "", split: str = "", seeds: str = "") -> Path:
        """Write what a paper, and whoever checks it, needs; see `toolkit.evaluate.comparing.paper`."""
        from toolkit.evaluate.comparing.paper import write

        return write(self, folder, data=data, split=split, seeds=seeds)

    def _repr_html_(self) -> str:
        notes = "".join(f"<p>{note}</p>" for note in self.notes)
        return self.table.to_html(index=False, float_format=lambda x: f"{x:.3f}") + notes


def contest(models: Mapping[str, Any], task: Task, *, dtype: str = "auto", language: str = "english") -> Comparison:
    """Score models on a task beside keyword search, and each also fused with keyword search.

    Parameters
    ----------
    models : mapping of name to model
        The first is the baseline.
    task : Task
    dtype : str
        As in `toolkit.vectors.encode`.
    language : str
        Of the keyword search, as in `toolkit.vectors.bm25`.

    Raises
    ------
    ValueError
        For a task that is no search, or names that are taken.

    Returns
    -------
    Comparison
        Of ``"BM25"``, the models, and for each ``"<model>+BM25"`` (reciprocal rank fusion).
    """
    if not isinstance(models, Mapping):
        raise ValueError(f"expected models as {{name: model}}, got {type(models).__name__}")
    check_task(task, "retrieval", "reranking")
    base = next(iter(models), None)
    if base is None or {"BM25", *(f"{name}+BM25" for name in models)} & set(models):
        raise ValueError(f"expected models with names other than 'BM25' and '<model>+BM25', got {list(models)}")
    scores = {"BM25": score(vectors.bm25(task.data.corpus, language=language), task, name="BM25")}
    for name, model in models.items():
        scores[name] = score(model, task, name=name, dtype=dtype)
    for name in models:
        fused = vectors.fuse(scores[name].ranking, scores["BM25"].ranking)
        scores[f"{name}+BM25"] = score(fused, task, name=f"{name}+BM25")
    return compare(scores, baseline=base)


def compare(scores: Mapping[str, Scores], *, baseline: str) -> Comparison:
    """Compare each system with the baseline, item by item.

    Read the interval of the difference, not the overlap of two intervals: the items are the same. A difference that is
    not shown is not shown to be zero: ``visible`` says what could have been seen. p-values are of sign flips of whole
    groups (of metrics of the whole: of resamples; see `differences.paired`), adjusted by Holm over all rows of the
    table.

    Parameters
    ----------
    scores : mapping of name to Scores
        All of the same task.
    baseline : str
        One of the names.

    Raises
    ------
    ValueError
        When the baseline is missing, there is nothing to compare, the systems saw different items or groups, or a
        score is nan.
    """
    given = [type(one).__name__ for one in scores.values()] if isinstance(scores, Mapping) else [type(scores).__name__]
    if set(given) - {"Scores"}:
        raise ValueError(f"expected {{name: evaluate.score(model, task)}}, got {', '.join(given)}")
    if baseline not in scores or len(scores) < 2:
        raise ValueError(f"expected at least two systems, {baseline!r} among them; got {', '.join(scores) or 'none'}")
    check_alike(scores, baseline)
    table = paired(scores, [(name, baseline) for name in scores if name != baseline])
    table = table.drop(columns="other").rename(columns={"one": "model"})
    table.insert(list(table.columns).index("p") + 1, "p_holm", stats.holm(list(table["p"])))
    return Comparison(baseline, table, dict(scores))


def _holm_by(table: pd.DataFrame, column: str) -> pd.Series:
    return table.groupby(column)["p"].transform(lambda p: stats.holm(list(p)))
