"""Where one system gains and loses against another: every item, the largest gain first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from toolkit.evaluate.comparing.comparison import Comparison
from toolkit.evaluate.comparing.differences import MAIN
from toolkit.evaluate.scoring.metrics import top
from toolkit.evaluate.scoring.scores import Scores

KEPT = 100  # places of a ranking that are looked through


def errors(comparison: Comparison, system: str | None = None, *, metric: str | None = None) -> pd.DataFrame:
    """All items, from the one that `system` gains most on to the one that it loses most on, against the baseline.

    `examples` draws some of them by a seed; this is the whole table, and goes to csv as it stands. Its ends are the
    extremes, so read the middle too before you conclude anything.

    Parameters
    ----------
    comparison : Comparison
        Of any kind of task.
    system : str, optional
        Without it the last that is not the baseline.
    metric : str, optional
        A metric that has a value for each item. Without it nDCG@10 of a search, else the first such metric. Where the
        kind has none, an item counts by how well it is put in order: see `item_values`.

    Returns
    -------
    DataFrame
        One row an item: its id, its texts, what is right, then for each of the two systems what it said (of a search:
        the text that it put first, and the place of the first right text from 1, missing where it is not among the
        first 100), its value, and last ``change``, the value of `system` minus that of the baseline.

    Raises
    ------
    ValueError
        For a system or metric that the comparison does not have.
    """
    if not hasattr(comparison, "baseline"):
        raise ValueError(f"expected a Comparison, of evaluate.compare or contest; got {type(comparison).__name__}")
    others = [name for name in comparison.scores if name != comparison.baseline]
    system = others[-1] if system is None else system
    if system not in others:
        raise ValueError(
            f"expected a system other than the baseline ({', '.join(others)}) to look for errors, got {system!r}"
        )
    systems = {name: comparison.scores[name] for name in (comparison.baseline, system)}
    values = {name: item_values(scores, metric) for name, scores in systems.items()}
    task = systems[system].task
    ranked = task.kind in ("retrieval", "reranking")
    table = _searches(systems) if ranked else _rows(systems)
    for name, column in values.items():
        table[f"{name} {column.name}"] = column
    table["change"] = (values[system] - values[comparison.baseline]).round(12)
    table = table.sort_values("change", ascending=False, kind="stable")
    return table.rename_axis("query_id" if ranked else "id").reset_index()


def item_values(scores: Scores, metric: str | None = None) -> pd.Series:
    """A value for each item, larger is better, under the name of what it is.

    Metrics of the whole have no value for an item. Where nothing else is there: of similarity ``rank_agreement``, 1
    minus the distance between the item's rank by the system and its true rank, over the number of items; of pairs
    ``ordered``, the share of pairs of the other label on the right side of this one (their mean over one label is the
    area under the ROC curve); of clusterings ``b_cubed``, the F1 of B-cubed (Bagga and Baldwin, 1998), mean over the
    clusterings.

    Raises
    ------
    ValueError
        For a metric without a value for each item.
    """
    columns = list(scores.per_query)
    if metric is not None:
        if metric not in columns:
            raise ValueError(
                f"expected a metric that each item has ({', '.join(map(str, columns)) or 'none'}), got {metric!r}"
            )
        return scores.per_query[metric]
    if columns:
        return scores.per_query[MAIN if MAIN in columns else columns[0]]
    said, rows = scores.predictions, scores.task.rows
    assert said is not None  # a table has predictions
    rows = rows.loc[said.index]
    if scores.task.kind == "similarity":
        distance = (said["score"].rank() - rows["score"].rank()).abs()
        return (1 - distance / max(1, len(rows) - 1)).rename("rank_agreement")
    if scores.task.kind == "pairs":
        return _ordered(said["score"], rows["label"]).rename("ordered")
    if scores.task.kind == "clustering":
        found = np.mean([_b_cubed(said[column], rows["label"]) for column in said], axis=0)
        return pd.Series(found, said.index, name="b_cubed")
    raise ValueError(
        f"{scores.system!r} was scored by {', '.join(scores.metrics)} alone, which items have no value of: score it by "
        f"the default metrics"
    )


def _ordered(said: pd.Series, label: pd.Series) -> pd.Series:
    values = said.to_numpy(dtype=float)
    found = np.empty(len(values))
    for one in (0, 1):
        mine = (label == one).to_numpy()
        other = np.sort(values[~mine])
        below, upto = (np.searchsorted(other, values[mine], side=side) for side in ("left", "right"))
        share = (below + upto) / 2 / len(other)  # equal scores count half
        found[mine] = share if one == 1 else 1 - share
    return pd.Series(found, said.index)


def _b_cubed(cluster: pd.Series, label: pd.Series) -> Any:
    frame = pd.DataFrame({"cluster": cluster.to_numpy(), "label": label.to_numpy()})
    both = frame.groupby(["cluster", "label"])["label"].transform("size")
    sizes = frame.groupby("cluster")["label"].transform("size") + frame.groupby("label")["label"].transform("size")
    return (2 * both / sizes).to_numpy()


def _searches(systems: dict[str, Scores]) -> pd.DataFrame:
    first = next(iter(systems.values()))
    data, queries = first.task.data, list(first.per_query.index)
    right = {q: [d for d, grade in data.qrels[q].items() if grade > 0] for q in queries}
    table = pd.DataFrame(
        {
            "query": [data.queries[q] for q in queries],
            "right": [data.corpus[max(right[q], key=data.qrels[q].__getitem__)] for q in queries],
            "relevant": [len(right[q]) for q in queries],
        },
        index=queries,
    )
    for name, scores in systems.items():
        ranked = [top(scores.ranking.get(q, {}), KEPT) for q in queries]
        table[f"{name} first"] = [data.corpus[row[0]] if row else None for row in ranked]
        places = [place_of(right[q], row) for q, row in zip(queries, ranked, strict=True)]
        table[f"{name} place"] = pd.array(places, dtype="Int64")
    return table


def place_of(right: Iterable[str], ranked: Iterable[str]) -> int | None:
    """Where the first right document stands, from 1; None where none is there.

    Examples
    --------
    >>> place_of({"b"}, ["a", "b"]), place_of({"c"}, ["a"])
    (2, None)
    """
    wanted = set(right)
    return next((place for place, document in enumerate(ranked, 1) if document in wanted), None)


def _rows(systems: dict[str, Scores]) -> pd.DataFrame:
    first = next(iter(systems.values()))
    task = first.task
    table = task.rows.copy()
    if task.kind != "bitext":
        table = table.rename(columns={table.columns[-1]: f"true {table.columns[-1]}"})
    for name, scores in systems.items():
        said = scores.predictions
        assert said is not None
        if task.kind == "bitext":
            table[f"{name} first"] = task.rows["sentence2"].loc[said["target"]].to_numpy()
        else:
            for column in [c for c in said if not str(c).startswith("cluster")]:
                table[f"{name} {column}"] = said[column]
    return table
