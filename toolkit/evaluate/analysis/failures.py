"""List single items where one system gains or loses against another, all or a random sample."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from toolkit.evaluate.comparing.comparison import Comparison
from toolkit.evaluate.comparing.differences import MAIN
from toolkit.evaluate.scoring.scores import Scores
from toolkit.vectors.rankings import top

DEPTH = 100  # ranks that are searched for a relevant document


def errors(comparison: Comparison, system: str | None = None, *, metric: str | None = None) -> pd.DataFrame:
    """List all items, from the largest gain of `system` over the baseline to its largest loss.

    `examples` draws a random sample of them; this is the full table, e.g. for a csv. Its ends are extremes: read the
    middle too before you conclude anything.

    Parameters
    ----------
    comparison : Comparison
        For any kind of task.
    system : str, optional
        By default the last one that is not the baseline.
    metric : str, optional
        A metric that has a value for each item. By default nDCG@10 for a search, else the first such metric. If the
        task kind has none, the values are those of `item_values`.

    Returns
    -------
    DataFrame
        One row per item: its id, its texts, the right answer, then for each of the two systems its prediction (for a
        search: the top-ranked text, and the rank of the first relevant text, counted from 1 and missing if it is not
        among the first 100), its value, and last ``change``, the value of `system` minus that of the baseline.

    Raises
    ------
    ValueError
        For a system or metric that the comparison does not have.
    """
    if not hasattr(comparison, "baseline"):
        raise ValueError(f"expected a Comparison, as returned by evaluate.compare; got {type(comparison).__name__}")
    others = [name for name in comparison.scores if name != comparison.baseline]
    system = others[-1] if system is None else system
    if system not in others:
        raise ValueError(f"expected a system other than the baseline ({', '.join(others)}), got {system!r}")
    systems = {name: comparison.scores[name] for name in (comparison.baseline, system)}
    values = {name: item_values(scores, metric) for name, scores in systems.items()}
    ranked = systems[system].task.kind in ("retrieval", "reranking")
    table = _searches(systems) if ranked else _rows(systems)
    for name, column in values.items():
        table[f"{name} {column.name}"] = column
    table["change"] = (values[system] - values[comparison.baseline]).round(12)
    table = table.sort_values("change", ascending=False, kind="stable")
    return table.rename_axis("query_id" if ranked else "id").reset_index()


def _searches(systems: dict[str, Scores]) -> pd.DataFrame:
    first = next(iter(systems.values()))
    data, rows = first.task.data, []
    for query in first.per_query.index:
        qrels = data.qrels[query]
        right = [document for document, grade in qrels.items() if grade > 0]
        row = {"query": data.queries[query], "right": data.corpus[max(right, key=qrels.__getitem__)]}
        row["relevant"] = len(right)
        for name, scores in systems.items():
            ranked = list(top(scores.ranking.get(query, {}), DEPTH))
            row[f"{name} first"] = data.corpus[ranked[0]] if ranked else None
            row[f"{name} place"] = first_rank(right, ranked)
        rows.append(row)
    return pd.DataFrame(rows, index=first.per_query.index).astype({f"{name} place": "Int64" for name in systems})


def _rows(systems: dict[str, Scores]) -> pd.DataFrame:
    task = next(iter(systems.values())).task
    table = task.rows.copy()
    if task.kind != "bitext":
        table = table.rename(columns={table.columns[-1]: f"true {table.columns[-1]}"})
    for name, scores in systems.items():
        predictions = scores.predictions
        assert predictions is not None  # a table has predictions
        if task.kind == "bitext":
            table[f"{name} first"] = task.rows["sentence2"].loc[predictions["target"]].to_numpy()
        else:
            for column in [c for c in predictions if not str(c).startswith("cluster")]:
                table[f"{name} {column}"] = predictions[column]
    return table


def first_rank(right: Iterable[str], ranked: Iterable[str]) -> int | None:
    """Find the rank of the first relevant document, from 1; None if there is none.

    Examples
    --------
    >>> first_rank({"b"}, ["a", "b"]), first_rank({"c"}, ["a"])
    (2, None)
    """
    wanted = set(right)
    return next((rank for rank, document in enumerate(ranked, 1) if document in wanted), None)


def item_values(scores: Scores, metric: str | None = None) -> pd.Series:
    """Return a value for each item (larger is better), named after its metric.

    Set metrics have no value per item. If a task kind has no other metric, the values are: for similarity,
    ``rank_agreement``, 1 minus the distance between the item's rank by the system and its true rank, over the number of
    items; for pairs, ``ordered``, the share of pairs of the other label on the correct side of this one (its mean
    over one label is the area under the ROC curve); for clusterings, ``b_cubed``, the F1 of B-cubed (Bagga and Baldwin,
    1998), averaged over the clusterings.

    Raises
    ------
    ValueError
        For a metric without a value for each item.
    """
    columns = list(scores.per_query)
    if metric is not None and metric not in columns:
        known = ", ".join(map(str, columns)) or "none"
        raise ValueError(f"expected a metric that each item has ({known}), got {metric!r}")
    if columns:
        return scores.per_query[metric or (MAIN if MAIN in columns else columns[0])]
    predictions, kind = scores.predictions, scores.task.kind
    assert predictions is not None  # a table has predictions
    rows = scores.task.rows.loc[predictions.index]
    if kind == "similarity":
        distance = (predictions["score"].rank() - rows["score"].rank()).abs()
        return (1 - distance / max(1, len(rows) - 1)).rename("rank_agreement")
    if kind == "pairs":
        return _ordered(predictions["score"], rows["label"])
    if kind == "clustering":
        found = np.mean([_b_cubed(predictions[column], rows["label"]) for column in predictions], axis=0)
        return pd.Series(found, predictions.index, name="b_cubed")
    raise ValueError(f"items have no {', '.join(scores.metrics)}: score {scores.name!r} by the default metrics")


def _ordered(score: pd.Series, label: pd.Series) -> pd.Series:
    values = score.to_numpy(dtype=float)
    found = np.empty(len(values))
    for one in (0, 1):
        mine = (label == one).to_numpy()
        other = np.sort(values[~mine])
        below, upto = (np.searchsorted(other, values[mine], side=side) for side in ("left", "right"))
        share = (below + upto) / 2 / len(other)  # ties count half
        found[mine] = share if one == 1 else 1 - share
    return pd.Series(found, score.index, name="ordered")


def _b_cubed(cluster: pd.Series, label: pd.Series) -> Any:
    frame = pd.DataFrame({"cluster": cluster.to_numpy(), "label": label.to_numpy()})
    both = frame.groupby(["cluster", "label"])["label"].transform("size")
    sizes = frame.groupby("cluster")["label"].transform("size") + frame.groupby("label")["label"].transform("size")
    return (2 * both / sizes).to_numpy()


@dataclass(frozen=True)
class Example:
    """A query and what each system found for it.

    Attributes
    ----------
    kind : str
        ``"helped"``, ``"hurt"`` or ``"unchanged"``: the metric is higher, lower, or the same and the first relevant
        document keeps its rank.
    query_id : str
    query : str
    right : list of str
        The texts of up to three relevant documents.
    found : dict of system to list of (text, bool)
        The first documents, best first, each with whether it is relevant.
    place : dict of system to int or None
        The rank of the first relevant document, from 1; None where it is not among the first 100.
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
    """Draw queries at random that `system` helped, hurt and left unchanged, compared with the baseline.

    A query is unchanged if its value is the same and its first relevant document has the same rank, or is in the
    first 100 of neither. A document that moves below rank 10 does not change nDCG@10: such queries are not drawn.

    Parameters
    ----------
    comparison : Comparison
        For a retrieval or reranking task.
    system : str
    counts : three ints
        How many of each kind to draw; fewer are returned if there are not enough.
    depth : int
        Documents shown for each system.
    metric : str
        The metric by which a query is helped or hurt.
    seed : int
        Seed of the draws.
    also : sequence of str
        Further systems whose documents and ranks are shown. They do not change which queries are drawn.

    Raises
    ------
    ValueError
        For another kind of task, or a system or metric that the comparison does not have.
    """
    baseline = comparison.scores[comparison.baseline]
    if baseline.task.kind not in ("retrieval", "reranking"):
        raise ValueError(f"expected a comparison of searches, got {baseline.task.kind!r}: use evaluate.errors")
    for name in (system, *also):
        comparison.row(name, metric)  # raises for unknown names
    change = (comparison.scores[system].per_query[metric] - baseline.per_query[metric]).round(12)
    rng, names = np.random.default_rng(seed), (comparison.baseline, system, *also)
    drawn: list[Example] = []
    for kind, sign, count in zip(("helped", "hurt", "unchanged"), (1, -1, 0), counts, strict=True):
        queries = change.index[np.sign(change.to_numpy()) == sign]
        found = (_example(comparison, names, kind, queries[n], depth) for n in rng.permutation(len(queries)))
        drawn += islice((one for one in found if sign or one.place[names[0]] == one.place[system]), count)
    return drawn


def _example(comparison: Comparison, systems: Sequence[str], kind: str, query: str, depth: int) -> Example:
    data = comparison.scores[systems[0]].task.data
    right = [document for document, grade in data.qrels[query].items() if grade > 0]
    found, place = {}, {}
    for name in systems:
        ranked = list(top(comparison.scores[name].ranking.get(query, {}), DEPTH))
        found[name] = [(data.corpus[document], document in right) for document in ranked[:depth]]
        place[name] = first_rank(right, ranked)
    return Example(kind, query, data.queries[query], [data.corpus[document] for document in right[:3]], found, place)
