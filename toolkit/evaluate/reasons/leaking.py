"""The score on test items that were seen in training, beside the score on those that were not."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.evaluate.comparing.differences import main_metric
from toolkit.evaluate.comparing.wording import ITEMS
from toolkit.evaluate.scoring import kinds, resampling
from toolkit.evaluate.scoring.scores import RESAMPLES, Scores
from toolkit.prepare import Audit


@dataclass(frozen=True)
class LeakEffect:
    """Scores on leaked and on clean items.

    Attributes
    ----------
    table : DataFrame
        ``items model metric score low high n n_groups``: rows ``"leaked"``, ``"clean"``, ``"all"`` and ``"leaked minus
        clean"`` with 95 % intervals; with an untuned system the same of it, and the last row is by how much more the
        system gains on leaked items than on clean ones.
    sentence : str
    """

    table: pd.DataFrame
    sentence: str

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False, float_format=lambda x: f"{x:.3f}") + f"<p>{escape(self.sentence)}</p>"


def leak_effect(
    scores: Scores, audit: Audit, *, untuned: Scores | None = None, metric: str | None = None
) -> LeakEffect:
    """Split a score by whether the item was seen in training.

    Leaked and clean items are different items, so the difference is not paired: leaked ones may be easier for any
    model. Give the untuned model's scores too, which saw neither: what the tuned model gains on leaked items beyond
    what it gains on clean ones is paired by item, and nearer to what the leak is worth.

    Parameters
    ----------
    scores : Scores
    audit : Audit
        Of the same test part (`toolkit.prepare.audit`).
    untuned : Scores, optional
        Of a model that was not trained on these data, on the same items.
    metric : str, optional
        Without it nDCG@10 of a search, else the first.

    Raises
    ------
    ValueError
        When the audit is of other items, or all are leaked or none is; or the untuned scores are of another task.
    """
    metric = metric or main_metric(scores.metrics)
    items = list(scores.per_query.index)
    named = audit.table["query_id" if "query_id" in audit.table else "row"].map(str)
    flags = dict(zip(named, audit.leaked, strict=True))
    missing = [item for item in items if item not in flags]
    if missing:
        raise ValueError(
            f"{len(missing)} of {len(items)} items of {scores.task.name!r} are not in the audit (first: "
            f"{missing[0]!r}): expected prepare.audit(train, test) of this test part"
        )
    leaked = np.array([bool(flags[item]) for item in items])
    if leaked.all() or not leaked.any():
        raise ValueError(f"{int(leaked.sum())} of {len(items)} items are leaked: there is nothing to set beside them")
    if untuned is not None and (untuned.task.digest != scores.task.digest or list(untuned.per_query.index) != items):
        raise ValueError("the untuned model was scored on another task: score both on one")
    systems = {scores.system: scores}
    if untuned is not None:
        systems[untuned.system if untuned.system != scores.system else "untuned"] = untuned
    table, gaps = _tabled(systems, leaked, metric)
    if untuned is not None:
        one, other = gaps
        extra = _row("gain on leaked minus gain on clean", " minus ".join(systems), metric, one - other, leaked, scores)
        table = pd.concat([table, pd.DataFrame([extra])], ignore_index=True)
    return LeakEffect(table, _sentence(table, ITEMS[scores.task.kind], untuned is not None))


def _tabled(
    systems: dict[str, Scores], leaked: NDArray[np.bool_], metric: str
) -> tuple[pd.DataFrame, list[NDArray[np.float64]]]:
    """The rows of each system, and its differences: first the value, then those on resamples."""
    rows, gaps = [], []
    for name, scores in systems.items():
        measure = _measure(scores, metric)
        blocks = [np.ones((1, len(leaked)))]  # the first row is no resample: the value itself
        if len(set(scores.groups)) > 1:
            blocks += resampling.draws(scores.groups, resamples=RESAMPLES, seed=0)
        masks = {"leaked": leaked, "clean": ~leaked, "all": np.ones(len(leaked), dtype=bool)}
        with np.errstate(invalid="ignore", divide="ignore"):  # a resample without any leaked item: nan
            found = {word: np.concatenate([measure(w * mask) for w in blocks]) for word, mask in masks.items()}
        rows += [_row(word, name, metric, values, masks[word], scores) for word, values in found.items()]
        gaps.append(found["leaked"] - found["clean"])
        rows.append(_row("leaked minus clean", name, metric, gaps[-1], masks["all"], scores))
    return pd.DataFrame(rows), gaps


def _measure(scores: Scores, metric: str) -> resampling.Metric:
    scores.value(metric)  # refuses unknown names
    if metric in scores.per_query:
        return resampling.mean(scores.per_query[metric].to_numpy(dtype=float))
    said = scores.predictions
    assert said is not None  # metrics of the whole are of tables
    return kinds.of_whole(scores.task.kind, metric, scores.task.rows, said, scores.thresholds)


def _row(
    word: str, name: str, metric: str, values: NDArray[np.float64], mask: NDArray[np.bool_], scores: Scores
) -> dict[str, object]:
    drawn = values[1:][np.isfinite(values[1:])]
    low, high = np.percentile(drawn, [2.5, 97.5]) if len(drawn) else (np.nan, np.nan)
    groups = [group for group, kept in zip(scores.groups, mask, strict=True) if kept]
    return {"items": word, "model": name, "metric": metric, "score": float(values[0]), "low": float(low),
            "high": float(high), "n": len(groups), "n_groups": len(set(groups))}  # fmt: skip


def _sentence(table: pd.DataFrame, noun: str, paired: bool) -> str:
    found = {row["items"]: row for row in table.head(4).to_dict("records")}  # of the system itself
    leaked, clean, every, gap = (found[word] for word in ("leaked", "clean", "all", "leaked minus clean"))
    text = (
        f"{leaked['n']:,} of {every['n']:,} {noun} were seen in training: {gap['metric']} {leaked['score']:.3f} on "
        f"them and {clean['score']:.3f} on the others, a difference of {gap['score']:+.3f} [{gap['low']:+.3f}, "
        f"{gap['high']:+.3f}]. They are different {noun}, so this is not paired: leaked ones may be easier for any "
        f"model. The score on all, {every['score']:.3f}, differs from that on the clean ones by "
        f"{every['score'] - clean['score']:+.3f}."
    )
    if paired:
        extra = table.iloc[-1]
        stands = "no such effect is shown" if extra["low"] <= 0 <= extra["high"] else "that is what the leak is worth"
        text += (
            f" Against the untuned model, on the same {noun}, the gain on leaked ones is {extra['score']:+.3f} "
            f"[{extra['low']:+.3f}, {extra['high']:+.3f}] larger than on clean ones: {stands}."
        )
    return text
