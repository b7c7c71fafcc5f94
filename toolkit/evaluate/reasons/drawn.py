"""Single searches side by side: helped, hurt, unchanged, drawn by a seed and not by taste."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from toolkit.evaluate.comparing.comparison import Comparison
from toolkit.evaluate.comparing.differences import main_metric
from toolkit.evaluate.reasons.failures import place_of
from toolkit.evaluate.scoring.metrics import top
from toolkit.evaluate.scoring.scores import Scores


@dataclass(frozen=True)
class Example:
    """One search and what each system found for it.

    Attributes
    ----------
    kind : str
        ``"helped"``, ``"hurt"`` or ``"unchanged"``: by the metric, and what is unchanged has its place, too.
    query_id : str
    query : str
    right : list of str
        Texts of the relevant documents, the first few.
    found : dict of system to list of (text, bool)
        The first documents, best first, each with whether it is right.
    place : dict of system to int or None
        Where the first right document stands, from 1; None where it is not among those kept.
    """

    kind: str
    query_id: str
    query: str
    right: list[str]
    found: dict[str, list[tuple[str, bool]]]
    place: dict[str, int | None]


def examples(
    comparison: Comparison,
    system: str,
    *,
    counts: tuple[int, int, int] = (3, 3, 2),
    depth: int = 3,
    metric: str = "nDCG@10",
    seed: int = 0,
    also: Sequence[str] = (),
) -> list[Example]:
    """Draw searches that `system` helped, hurt and left as they were, against the baseline.

    Left as it was is a search whose value is the same and whose first right document stands at the same place, or
    among the first 100 in neither. A document that moves beyond place 10 changes no nDCG@10: such searches are drawn
    as none of the three.

    Parameters
    ----------
    comparison : Comparison
    system : str
    counts : three ints
        How many of each; fewer come where there are fewer.
    depth : int
        Documents of each system.
    metric : str
        What helped and hurt is judged by.
    seed : int
    also : sequence of str
        Further systems whose documents and places are shown. They do not change which searches are drawn.
    """
    systems = (comparison.baseline, system)
    kind = comparison.scores[comparison.baseline].task.kind
    if kind not in ("retrieval", "reranking"):
        raise ValueError(
            f"expected a comparison of searches, got one of kind {kind!r}: evaluate.errors lists its items"
        )
    for name in (system, *also):
        comparison.row(name, metric)  # refuses unknown names
    before, after = (comparison.scores[name].per_query[metric] for name in systems)
    change = (after - before).round(12)
    rng = np.random.default_rng(seed)
    drawn = []
    for kind, sign, count in zip(("helped", "hurt", "unchanged"), (1, -1, 0), counts, strict=True):
        queries = list(change.index[np.sign(change.to_numpy()) == sign])
        taken = 0
        for number in rng.permutation(len(queries)):
            if taken == count:
                break
            example = _example(comparison, (*systems, *also), kind, queries[number], depth)
            if sign or example.place[systems[0]] == example.place[system]:
                drawn.append(example)
                taken += 1
    return drawn


def _example(comparison: Comparison, systems: Sequence[str], kind: str, query: str, depth: int) -> Example:
    data = comparison.scores[systems[0]].task.data
    right = [document for document, grade in data.qrels[query].items() if grade > 0]
    found, place = {}, {}
    for name in systems:
        ranked = top(comparison.scores[name].ranking.get(query, {}), 100)
        found[name] = [(data.corpus[document], document in right) for document in ranked[:depth]]
        place[name] = place_of(right, ranked)
    return Example(kind, query, data.queries[query], [data.corpus[document] for document in right[:3]], found, place)


def slices(comparison: Comparison, labels: Any, *, metric: str | None = None, least: int = 20) -> pd.DataFrame:
    """The score of each system on each slice of the queries, or of other items.

    How much one system differs from another on each slice is said by `by_slice`.

    Parameters
    ----------
    comparison : Comparison
    labels : mapping of item to label
        Such as from `slice_by`. Items without a label are left out.
    metric : str, optional
        Without it nDCG@10 of a search, else the first.
    least : int
        Slices with fewer queries are left out: their intervals say nothing.

    Returns
    -------
    DataFrame
        ``slice model metric score low high n n_groups``, the largest slice first.
    """
    metric = metric or main_metric(comparison.scores[comparison.baseline].metrics)
    of: dict[Any, list[str]] = {}
    for query in comparison.scores[comparison.baseline].per_query.index:
        if query in labels:
            of.setdefault(labels[query], []).append(query)
    parts = []
    for label in sorted(of, key=lambda label: -len(of[label])):
        if len(of[label]) >= least:
            results = comparison.only(of[label], str(label)).results
            parts.append(results[results["metric"] == metric].rename(columns={"task": "slice"}))
    columns = ["slice", "model", "metric", "score", "low", "high", "n", "n_groups"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def copies_above(scores: Scores, documents: Any, *, cosine: float = 0.95) -> float:
    """Share of queries where a near-copy of a right document stands above every right one and counts as wrong.

    Parameters
    ----------
    scores : Scores
    documents : array of shape (n_documents, dim)
        Unit vectors of the corpus, in its order.
    cosine : float
        From which similarity on two documents are called near-copies.
    """
    data = scores.task.data
    row = {name: number for number, name in enumerate(data.corpus)}
    if len(documents) != len(row):
        raise ValueError(f"expected one vector for each of the {len(row)} documents, got {len(documents)}")
    hit = 0
    for query in scores.per_query.index:
        right = {document for document, grade in data.qrels[query].items() if grade > 0}
        above = []
        for document in top(scores.ranking.get(query, {}), 10):
            if document in right:
                break
            above.append(row[document])
        if above:
            near = np.asarray(documents[above]) @ np.asarray(documents[[row[name] for name in sorted(right)]]).T
            hit += bool((near >= cosine).any())
    return hit / len(scores.per_query)
