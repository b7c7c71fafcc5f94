"""Compare systems on the same items: paired differences, intervals over groups, tests, and ties."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from toolkit import report, stats
from toolkit.evaluate.comparing import paper
from toolkit.evaluate.comparing.differences import ALPHA, letters, paired
from toolkit.evaluate.scoring.inference import Precomputed
from toolkit.evaluate.scoring.metrics import depth
from toolkit.evaluate.scoring.predictions import metric_names
from toolkit.evaluate.scoring.ranking import DEPTH, kind_of, rank_all, system_of
from toolkit.evaluate.scoring.scores import Scores, score_ranking
from toolkit.prepare import Task
from toolkit.prepare.tasks import check_task
from toolkit.vectors import Encoder, Ranking, System, bm25, fuse
from toolkit.vectors.systems import as_system


@dataclass(frozen=True)
class Comparison:
    """Systems compared with a baseline. Made by `compare` and `compare_systems`.

    Attributes
    ----------
    baseline : str
    table : DataFrame
        One row per system and metric: ``model metric score difference low high p p_holm mdd better worse same n
        n_groups``. ``low`` and ``high`` enclose the paired difference (95 %), ``mdd`` is the minimum detectable
        difference (at 80 % power), ``better``, ``worse`` and ``same`` count items (missing for a set metric, such as a
        correlation).
    scores : mapping of name to Scores
    """

    baseline: str
    table: pd.DataFrame
    scores: Mapping[str, Scores]

    @cached_property
    def systems(self) -> Mapping[str, System]:
        """The systems by name, for search tasks; empty for other kinds of task."""
        return {
            name: as_system(scores.system, scores.task.data.corpus, name=name)
            for name, scores in self.scores.items()
            if scores.system is not None
        }

    @property
    def results(self) -> pd.DataFrame:
        """The tables of all systems, one below the other: ``model task metric score low high n n_groups``."""
        return pd.concat([scores.table.assign(model=name) for name, scores in self.scores.items()], ignore_index=True)

    @property
    def per_query(self) -> pd.DataFrame:
        """One row per item: its id, its text (for a table, its columns), then every metric of every system."""
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
        """Every system against every other: ``one other metric difference low high p p_holm mdd``.

        p-values are Holm-adjusted over the pairs of one metric.
        """
        order = self.table.drop_duplicates("model")["model"]
        table = paired(self.scores, list(combinations([self.baseline, *order], 2)))
        adjusted = table.groupby("metric")["p"].transform(lambda p: stats.holm(list(p)))
        table.insert(list(table.columns).index("p") + 1, "p_holm", adjusted)
        return table.drop(columns=["score", "better", "worse", "same", "n", "n_groups"])

    @cached_property
    def ties(self) -> pd.DataFrame:
        """Which systems differ: ``metric model score letters tied_with_best``, by metric, best first.

        Two systems share a letter if their difference is not significant (``p_holm`` of `pairwise` is 0.05 or
        more), and only then; chains are not joined. Tied with the best means sharing a letter with the highest
        score.
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
        """Notes on the table: too few groups, or metrics on which all systems are equal."""
        notes = list(dict.fromkeys(note for scores in self.scores.values() for note in scores.notes))
        groups, rows = int(self.table["n_groups"].iloc[0]), len(self.table)
        least = 2.0 ** (1 - groups) * rows
        means = set(self.table["metric"]) & set(self.scores[self.baseline].per_query)
        if means and groups > 1 and least >= ALPHA:
            notes.append(
                f"With {groups} groups and {rows} comparisons no difference of means can be shown: the smallest p "
                f"after Holm would be {min(1.0, least):.2f}."
            )
        for metric, part in self.table.groupby("metric", sort=False):
            if (part["difference"] == 0).all() and part["mdd"].eq(0).all():
                notes.append(f"All systems have the same {metric} on every item.")
        for name, scores in self.scores.items():
            values = scores.per_query
            if len(values.columns) and (values == 0).all(axis=None):
                notes.append(f"{name} scores 0 on every item: check its ids and what it returned.")
        return notes

    def only(self, items: Iterable[str], name: str) -> Comparison:
        """Compare the systems on some of the items, under a new task name, without searching again."""
        wanted = set(items)
        return compare({key: scores.only(wanted, name) for key, scores in self.scores.items()}, baseline=self.baseline)

    def row(self, system: str, metric: str) -> pd.Series:
        """Return the row of one system and metric."""
        found = self.table[(self.table["model"] == system) & (self.table["metric"] == metric)]
        if found.empty:
            raise ValueError(f"no comparison of {system!r} with {self.baseline!r} by {metric!r}")
        return found.iloc[0]

    def to_paper(self, folder: str | Path, *, data: str = "", split: str = "", seeds: str = "") -> Path:
        """Write what a paper and its reviewers need into a new folder; see `toolkit.evaluate.paper.write`."""
        return paper.write(
            folder, self.scores, baseline=self.baseline, table=self.table, ties=self.ties, notes=self.notes,
            data=data, split=split, seeds=seeds,
        )  # fmt: skip

    def _repr_html_(self) -> str:
        return report.cell(self.table, self.notes)


def compare_systems(
    systems: Mapping[str, System | Encoder | Ranking],
    task: Task,
    *,
    keywords: bool = True,
    dtype: str = "auto",
    language: str = "english",
) -> Comparison:
    """Score search systems on a task, alongside keyword search.

    Every system is searched once: a fusion or reranked system reuses the results of its parts. Documents that are
    the query itself (`Task.self_matches`) are left out at the end.

    Parameters
    ----------
    systems : mapping of name to System, Encoder or ranking
        The first is the baseline. An encoder searches the corpus of the task by its vectors; a ranking
        ``{query_id: {doc_id: score}}``, or `toolkit.vectors.from_ranking` of a file, may come from the search engine
        that you use today.
    task : Task
        A task of kind retrieval or reranking.
    keywords : bool
        Whether to add keyword search, ``"BM25"``, and for each system that searches by vectors ``"<name>+BM25"``, both
        fused by rank.
    dtype : str
        As in `toolkit.vectors.encode`.
    language : str
        Language of the keyword search, as in `toolkit.vectors.bm25`.

    Returns
    -------
    Comparison
        Of ``"BM25"``, the given systems, and the fused ones, in this order.

    Raises
    ------
    ValueError
        For a task of another kind, something that does not search, or a name that is already used.
    """
    if not isinstance(systems, Mapping) or not systems:
        got = "an empty one" if isinstance(systems, Mapping) else type(systems).__name__
        raise ValueError(f"expected a mapping {{name: system or model}}, got {got}")
    check_task(task, "retrieval", "reranking")
    found = {name: system_of(given, task, name=name, dtype=dtype) for name, given in systems.items()}
    if keywords:
        by_vectors = [name for name, one in found.items() if kind_of(one) == "dense" or isinstance(one, Precomputed)]
        added = {f"{name}+BM25": found[name] for name in by_vectors}
        if taken := {"BM25", *added} & set(found):
            raise ValueError(f"{min(taken)!r} is a name that keywords adds: choose another name, or keywords=False")
        words = bm25(task.data.corpus, language=language, name="BM25")
        fused = {name: fuse(one, words, name=name) for name, one in added.items()}
        found = {"BM25": words, **found, **fused}
    metrics = metric_names(task.kind, None, {})
    rankings = rank_all(list(found.values()), task, depth=max(DEPTH, depth(metrics)))
    scores = {
        name: score_ranking(ranking, task, metrics, name=name, system=system)
        for (name, system), ranking in zip(found.items(), rankings, strict=True)
    }
    return compare(scores, baseline=next(iter(systems)))


def compare(scores: Mapping[str, Scores], *, baseline: str) -> Comparison:
    """Compare each system with the baseline, item by item.

    Read the interval of the difference, not the overlap of two intervals: the items are the same. A difference that is
    not significant need not be zero: ``mdd`` is the smallest detectable difference. p-values come from sign flips
    of whole groups (for set metrics, from resamples; see `differences.paired`), adjusted by Holm over all rows of the
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
        When the baseline is missing, there is nothing to compare, the systems were scored on different items or
        groups, or a score is nan.
    """
    given = [type(one).__name__ for one in scores.values()] if isinstance(scores, Mapping) else [type(scores).__name__]
    if set(given) - {"Scores"}:
        raise ValueError(f"expected {{name: evaluate.score(model, task)}}, got {', '.join(given)}")
    if baseline not in scores or len(scores) < 2:
        raise ValueError(f"expected at least two systems, {baseline!r} among them; got {', '.join(scores) or 'none'}")
    base = scores[baseline]
    for name, other in scores.items():
        if other.task.digest != base.task.digest or list(other.per_query.index) != list(base.per_query.index):
            tasks = f"{name!r} was scored on task {other.task.name!r} and {baseline!r} on {base.task.name!r}"
            raise ValueError(f"{tasks}, which differ: score both on one task")
        if not np.array_equal(stats.group_numbers(other.groups), stats.group_numbers(base.groups)):
            raise ValueError(f"{name!r} and {baseline!r} were scored with different groups: score both on one task")
        if not set(other.metrics) & set(base.metrics):
            both = " and ".join(", ".join(one.metrics) for one in (other, base))
            raise ValueError(f"{name!r} and {baseline!r} have no metric in common: {both}")
        if unusable := [metric for metric in other.metrics if not np.isfinite(other.value(metric))]:
            raise ValueError(f"{name!r} has no {unusable[0]} (nan): check its predictions, or leave it out")
    table = paired(scores, [(name, baseline) for name in scores if name != baseline])
    table = table.drop(columns="other").rename(columns={"one": "model"})
    table.insert(list(table.columns).index("p") + 1, "p_holm", stats.holm(list(table["p"])))
    return Comparison(baseline, table, dict(scores))
