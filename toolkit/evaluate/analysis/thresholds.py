"""Choose a score threshold on validation data, with its interval, and measure its effect on test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit import report, stats
from toolkit.evaluate.scoring import set_metrics
from toolkit.evaluate.scoring.scores import RESAMPLES, Scores
from toolkit.vectors.rankings import top

if TYPE_CHECKING:
    from toolkit.plots import Picture

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Threshold:
    """The score above which a pair counts as the same, or a result is returned.

    Attributes
    ----------
    value, low, high : float
        The threshold, and its 95 % bootstrap interval: how much it might differ on other validation data of this size.
    precision : float or None
        The precision requested on validation data; None if F1 was maximised.
    kind : str
        ``"pairs"``; or ``"retrieval"`` or ``"reranking"``, where it decides whether the first result is returned.
    table : DataFrame
        ``part metric score low high n n_groups`` at the threshold, on dev, where it was chosen, and on test. The
        metrics are ``precision``, ``recall`` and ``answered``, the share of items at or above the threshold.
    curve : DataFrame
        ``threshold precision recall`` on dev, the highest threshold first.
    scores : DataFrame
        ``part score right``, one row per item.
    unreached : float
        Share of the resamples of dev on which no threshold reaches the precision; the interval excludes them.
    """

    value: float
    low: float
    high: float
    precision: float | None
    kind: str
    table: pd.DataFrame
    curve: pd.DataFrame
    scores: pd.DataFrame
    unreached: float

    @property
    def sentence(self) -> str:
        """The threshold and its effect on test, in plain words."""
        rows: Mapping[Any, Any] = self.table[self.table["part"] == "test"].set_index("metric").to_dict("index")
        found = (rows["precision"], rows["recall"])
        precision, recall = (report.interval(row["score"], row["low"], row["high"]) for row in found)
        do, given, possible = "Answer", "searches are answered", "the searches with a right first result"
        if self.kind == "pairs":
            do, given, possible = "Call a pair the same", "pairs are called the same", "the pairs that are the same"
        goal = "the largest F1" if self.precision is None else f"a precision of {self.precision:.2f}"
        text = (
            f"{do} at a score of {self.value:.4g} or more [{self.low:.4g}, {self.high:.4g}], chosen on validation data "
            f"for {goal}. On test {rows['answered']['score']:.0%} of the {given}, {precision} of them correctly; "
            f"that is {recall} of {possible}."
        )
        if self.precision is not None and rows["precision"]["high"] < self.precision:
            text += " On test, precision is significantly below your request: request more than you need."
        if self.unreached > 0.05:
            text += f" On {self.unreached:.0%} of the resamples of the validation data, no threshold reached it."
        return text

    @property
    def picture(self) -> Picture:
        """Precision and recall on dev with the scores of right and wrong items on both parts, and a sentence."""
        from toolkit import plots

        dev = self.table[self.table["part"] == "dev"].set_index("metric")["score"]
        chosen = {"value": self.value, "low": self.low, "high": self.high, "precision": float(dev["precision"]),
                  "recall": float(dev["recall"])}  # fmt: skip
        return plots.threshold(self.curve, self.scores, chosen)

    def _repr_html_(self) -> str:
        return self.picture.html() + report.cell(self.table, [self.sentence])


def threshold(dev: Scores, test: Scores, *, precision: float | None = None, seed: int = 0) -> Threshold:
    """Choose a threshold on validation data with its interval, and measure its effect on test.

    A pair counts as the same at or above the threshold. A search returns its first result at or above it, and
    nothing below it; the result is right if it is relevant.

    Parameters
    ----------
    dev, test : Scores
        Of one system on two parts, of kind pairs, retrieval or reranking.
    precision : float, optional
        Above 0 and at most 1: take the threshold with the best recall at this precision on dev. The precision
        on test may be lower, since few items decide the choice; the table shows it. By default, F1 is maximised.
    seed : int
        Seed of the resamples of groups, on each of which the threshold is chosen again.

    Raises
    ------
    ValueError
        For other kinds, one part given twice, a part where everything is right or wrong, or a precision that no
        threshold reaches on dev.
    """
    if dev.task.kind != test.task.kind or dev.task.kind not in ("pairs", "retrieval", "reranking"):
        kinds = f"{dev.task.kind} and {test.task.kind}"
        raise ValueError(f"expected scores of two parts of kind pairs, retrieval or reranking; got {kinds}")
    if dev.task.digest == test.task.digest:
        raise ValueError("dev and test are the same data: choose the threshold on one part, and test it on another")
    if precision is not None and not 0 < precision <= 1:
        raise ValueError(f"expected a precision above 0 and at most 1, got {precision}")
    parts = {"dev": answers(dev), "test": answers(test)}
    value = parts["dev"]["score"].to_numpy()
    curve, levels = set_metrics.Curve(value, parts["dev"]["right"]), np.unique(value)[::-1]
    _, right, above = curve.counts(np.ones((1, len(value))))
    if precision is not None and not (right / above >= precision).any():
        most = f"{(right / above).max():.3f}"
        raise ValueError(f"no threshold gives a precision of {precision} on validation data: ask for at most {most}")
    chosen = float(levels[_pick(right, above, precision)[0]])

    def choose(weights: Values) -> Values:
        """Choose the threshold on resamples; nan if none reaches the precision."""
        _, right, above = curve.counts(weights)
        place = _pick(right, np.maximum(above, 1e-300), precision)
        return np.where((right[:, -1] > 0) & (place >= 0), levels[place], np.nan)

    drawn = set_metrics.resampled(choose, dev.groups, resamples=RESAMPLES, seed=seed)
    low, high = stats.percentile_interval(drawn)
    rows = []
    for name, scores in (("dev", dev), ("test", test)):
        given, good = (parts[name]["score"] >= chosen).to_numpy(float), parts[name]["right"].to_numpy(float)
        shares = {"precision": (given * good, given), "recall": (given * good, good),
                  "answered": (given, np.ones(len(given)))}  # fmt: skip
        for metric, (count, of) in shares.items():
            share = set_metrics.ratio(count, of)
            resampled = set_metrics.resampled(share, scores.groups, resamples=RESAMPLES, seed=seed)
            found = float(share(np.ones((1, len(given))))[0]), *stats.percentile_interval(resampled)
            rows.append((name, metric, *found, len(given), len(set(scores.groups))))
    return Threshold(
        value=chosen, low=low, high=high, precision=precision, kind=dev.task.kind,
        table=pd.DataFrame(rows, columns=["part", "metric", "score", "low", "high", "n", "n_groups"]),
        curve=pd.DataFrame({"threshold": levels, "precision": (right / above)[0], "recall": right[0] / right[0, -1]}),
        scores=pd.concat([part.assign(part=name) for name, part in parts.items()], ignore_index=True),
        unreached=float(np.isnan(drawn).mean()) if len(set(dev.groups)) > 1 else 0.0,
    )  # fmt: skip


def answers(scores: Scores) -> pd.DataFrame:
    """List ``score right`` for each pair or first search result; searches without results get the lowest score.

    Raises
    ------
    ValueError
        If all are right or all are wrong.
    """
    task, items = scores.task, list(scores.per_query.index)
    if task.kind == "pairs":
        assert scores.predictions is not None
        found = pd.DataFrame({
            "score": scores.predictions["score"].to_numpy(dtype=float), "right": (task.rows["label"] == 1).to_numpy(),
        })  # fmt: skip
    else:
        first = [next(iter(top(scores.ranking.get(q, {}), 1)), None) for q in items]
        value = [np.nan if d is None else scores.ranking[q][d] for q, d in zip(items, first, strict=True)]
        right = [d is not None and task.data.qrels[q].get(d, 0) > 0 for q, d in zip(items, first, strict=True)]
        found = pd.DataFrame({"score": np.array(value, dtype=float), "right": right})
        if found["score"].isna().any():
            found["score"] = found["score"].fillna(np.nextafter(found["score"].min(), -np.inf))
    if found["right"].nunique() < 2 or found["score"].isna().any():
        what = "pairs of both labels" if task.kind == "pairs" else "searches with a right and with a wrong first result"
        raise ValueError(f"expected {what} in {task.name!r}; all {len(found)} are alike")
    return found


def _pick(right: Values, above: Values, precision: float | None) -> NDArray[np.intp]:
    """Return the position of the threshold with the largest F1, or best recall at the precision; -1 if there is none.

    `right` and `above` count the right items and all items above each threshold, shape (b, levels).
    """
    if precision is None:
        return np.asarray(np.argmax(right / (above + right[:, -1:]), axis=1))
    # 9 of 10 must count as 0.9 despite rounding.
    found = np.where((above > 0) & (right >= precision * above - 1e-9), right, -1.0)
    return np.where(found.max(axis=1) > 0, np.argmax(found, axis=1), -1)
