"""Measure how leaks affect scores: items seen in training, and near-copies of right answers counted as wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit import report, stats
from toolkit.evaluate.comparing.differences import main_metric
from toolkit.evaluate.comparing.wording import ITEMS
from toolkit.evaluate.scoring import set_metrics
from toolkit.evaluate.scoring.scores import RESAMPLES, Scores
from toolkit.prepare import Audit
from toolkit.vectors.rankings import top


@dataclass(frozen=True)
class LeakEffect:
    """Scores on leaked and on clean items.

    Attributes
    ----------
    table : DataFrame
        ``items model metric score low high n n_groups``: rows ``"leaked"``, ``"clean"``, ``"all"`` and ``"leaked minus
        clean"`` with 95 % intervals. With an untuned system, the same rows for it, and a last row: how much more the
        system gains on leaked items than on clean ones.
    sentence : str
        The result in plain words.
    """

    table: pd.DataFrame
    sentence: str

    def _repr_html_(self) -> str:
        return report.cell(self.table, [self.sentence])


def leak_effect(
    scores: Scores, audit: Audit, *, untuned: Scores | None = None, metric: str | None = None
) -> LeakEffect:
    """Score leaked items (seen in training) and clean items (not seen) separately.

    Leaked and clean items are different items, so the difference is not paired: leaked items may be easier for any
    model. Also pass the scores of the untuned model, which saw neither: what the tuned model gains on leaked items
    beyond its gain on clean ones is paired by item, and a better estimate of the effect of the leak.

    Parameters
    ----------
    scores : Scores
    audit : Audit
        Of the same test part (`toolkit.prepare.audit`).
    untuned : Scores, optional
        Of a model that was not trained on these data, on the same items.
    metric : str, optional
        By default nDCG@10 of a search, else the first metric.

    Raises
    ------
    ValueError
        If the audit is of other items, if all items or none are leaked, or if the untuned scores are of another
        task.
    """
    metric = metric or main_metric(scores.metrics)
    items = list(scores.per_query.index)
    named = audit.table["query_id" if "query_id" in audit.table else "row"].map(str)
    flags = dict(zip(named, audit.leaked, strict=True))
    if missing := [item for item in items if item not in flags]:
        got = f"{len(missing)} of {len(items)} items are not in the audit (first: {missing[0]!r})"
        raise ValueError(f"{got}: expected prepare.audit(train, test) of {scores.task.name!r}")
    leaked = np.array([bool(flags[item]) for item in items])
    if leaked.all() or not leaked.any():
        raise ValueError(f"{int(leaked.sum())} of {len(items)} items are leaked: there is nothing to compare them with")
    if untuned is not None and (untuned.task.digest != scores.task.digest or list(untuned.per_query.index) != items):
        raise ValueError("the untuned model was scored on another task: score both on the same one")
    systems = {scores.name: scores}
    if untuned is not None:
        systems[untuned.name if untuned.name != scores.name else "untuned"] = untuned
    masks = {"leaked": leaked, "clean": ~leaked, "all": np.ones(len(leaked), dtype=bool)}
    rows, gaps = [], []
    for name, one in systems.items():
        values = _values(one, metric, masks)
        gaps.append(values["leaked"] - values["clean"])
        rows += [_row(part, name, metric, found, masks[part], one) for part, found in values.items()]
        rows.append(_row("leaked minus clean", name, metric, gaps[-1], masks["all"], one))
    if untuned is not None:
        gain, name = "gain on leaked minus gain on clean", " minus ".join(systems)
        rows.append(_row(gain, name, metric, gaps[0] - gaps[1], leaked, scores))
    table = pd.DataFrame(rows)
    return LeakEffect(table, _sentence(table, ITEMS[scores.task.kind], untuned is not None))


def _values(scores: Scores, metric: str, masks: dict[str, NDArray[np.bool_]]) -> dict[str, NDArray[np.float64]]:
    """Compute the metric on each part of the items: first its value, then those on resamples of the groups."""
    measure = scores.weighted(metric)
    blocks = [np.ones((1, len(masks["all"])))]
    if len(set(scores.groups)) > 1:
        blocks += set_metrics.item_weights(scores.groups, resamples=RESAMPLES, seed=0)
    with np.errstate(invalid="ignore", divide="ignore"):  # a resample without any leaked item: nan
        return {part: np.concatenate([measure(block * mask) for block in blocks]) for part, mask in masks.items()}


def _row(
    part: str, name: str, metric: str, values: NDArray[np.float64], mask: NDArray[np.bool_], scores: Scores
) -> dict[str, object]:
    low, high = stats.percentile_interval(values[1:])
    groups = [group for group, kept in zip(scores.groups, mask, strict=True) if kept]
    return {"items": part, "model": name, "metric": metric, "score": float(values[0]), "low": low, "high": high,
            "n": len(groups), "n_groups": len(set(groups))}  # fmt: skip


def _sentence(table: pd.DataFrame, noun: str, paired: bool) -> str:
    rows = {row["items"]: row for row in table.head(4).to_dict("records")}  # of the system itself
    leaked, clean, every, gap = (rows[part] for part in ("leaked", "clean", "all", "leaked minus clean"))
    text = (
        f"{leaked['n']:,} of {every['n']:,} {noun} were seen in training: {gap['metric']} is {leaked['score']:.3f} on "
        f"them and {clean['score']:.3f} on the others, a difference of {_size(gap)}. This compares different {noun}, "
        f"so it is not paired: leaked ones may be easier for any model. The score on all, {every['score']:.3f}, "
        f"differs from that on the clean ones by {every['score'] - clean['score']:+.3f}."
    )
    if paired:
        extra = table.iloc[-1]
        result = "no effect is shown" if extra["low"] <= 0 <= extra["high"] else "this is the effect of the leak"
        text += (
            f" Against the untuned model, on the same {noun}, the gain on leaked ones is {_size(extra)} larger than on "
            f"clean ones: {result}."
        )
    return text


def _size(row: Mapping[Any, Any] | pd.Series) -> str:
    return report.interval(row["score"], row["low"], row["high"], sign="+")


def copies_above(scores: Scores, documents: Any, *, cosine: float = 0.95) -> float:
    """Compute the share of queries, 0 to 1, where a near-copy of a right document, counted as wrong, ranks above it.

    Parameters
    ----------
    scores : Scores
        Of a retrieval or reranking; the first ten documents are examined.
    documents : array of shape (n_documents, dim)
        Unit vectors of the corpus, in its order.
    cosine : float
        The similarity above which two documents are near-copies.

    Raises
    ------
    ValueError
        If the number of vectors differs from that of documents.
    """
    data = scores.task.data
    row = {name: number for number, name in enumerate(data.corpus)}
    if len(documents) != len(row):
        raise ValueError(f"expected one vector for each of the {len(row)} documents, got {len(documents)}")
    hit = 0
    for query in scores.per_query.index:
        right = {document for document, grade in data.qrels[query].items() if grade > 0}
        ranked = top(scores.ranking.get(query, {}), 10)
        above = [row[document] for document in takewhile(lambda document: document not in right, ranked)]  # noqa: B023
        if above:
            near = np.asarray(documents[above]) @ np.asarray(documents[[row[name] for name in sorted(right)]]).T
            hit += bool((near >= cosine).any())
    return hit / len(scores.per_query)
