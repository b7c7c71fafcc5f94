"""A threshold for scores, chosen on validation data with an interval, and what it does on test."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.evaluate.scoring import resampling
from toolkit.evaluate.scoring.metrics import top
from toolkit.evaluate.scoring.scores import RESAMPLES, Scores
from toolkit.evaluate.scoring.wholes import Curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Threshold:
    """From which score on the answer is yes, or an answer is given at all.

    Attributes
    ----------
    value, low, high : float
        The threshold, and its 95 % bootstrap interval: how far other validation data of this size might move it.
    precision : float or None
        What was asked for on validation data; None means that F1 was made as large as it gets.
    kind : str
        ``"pairs"``, or ``"retrieval"`` or ``"reranking"``: then it says whether the first result is given.
    table : DataFrame
        ``part metric score low high n n_groups`` at the threshold, on dev, which it was chosen on, and on test. The
        metrics are ``precision``, ``recall`` and ``answered``, the share of items from the threshold on.
    curve : DataFrame
        ``threshold precision recall`` on dev, the highest threshold first.
    scores : DataFrame
        ``part score right``, one row an item.
    unreached : float
        Share of the resamples of dev on which no threshold gives the precision; the interval leaves them out.
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
        """What to do, and what it does on test."""
        rows = self.table[self.table["part"] == "test"].set_index("metric")
        found = rows.to_dict("index")
        precision, recall, answered = (found[name] for name in ("precision", "recall", "answered"))
        pairs = self.kind == "pairs"
        goal = "the largest F1" if self.precision is None else f"a precision of {self.precision:.2f}"
        text = f"{'Call a pair the same' if pairs else 'Answer'} from a score of {self.value:.4g} on "
        text += f"[{self.low:.4g}, {self.high:.4g}], chosen on validation data for {goal}. On test "
        text += f"{answered['score']:.0%} of the {'pairs are called the same' if pairs else 'searches are answered'}, "
        text += f"and {_with_ends(precision)} of those are right"
        text += f"; that is {_with_ends(recall)} of {'the same ones' if pairs else 'the searches that could be'}."
        if self.precision is not None and precision["high"] < self.precision:
            text += " The precision that was asked for is shown to be missed on test: ask for more than you need."
        if self.unreached > 0.05:
            text += f" On {self.unreached:.0%} of the resamples of the validation data no threshold reached it."
        return text

    @property
    def figure(self) -> Figure:
        """Precision and recall on dev, and the scores of right and wrong on both parts."""
        from toolkit import plots

        return plots.threshold(self.curve, self.scores, self._chosen)

    @property
    def alt(self) -> str:
        """The sentence that stands in for the figure."""
        from toolkit import plots

        return plots.describe_threshold(self.scores, self._chosen)

    @property
    def _chosen(self) -> dict[str, float]:
        rows = self.table[self.table["part"] == "dev"].set_index("metric")["score"]
        return {"value": self.value, "low": self.low, "high": self.high, "precision": float(rows["precision"]),
                "recall": float(rows["recall"])}  # fmt: skip

    def _repr_html_(self) -> str:
        from toolkit import plots

        table = self.table.to_html(index=False, float_format=lambda x: f"{x:.3f}")
        return f"<p>{escape(self.sentence)}</p>{plots.img(self.figure, self.alt)}{table}"


def threshold(dev: Scores, test: Scores, *, precision: float | None = None, seed: int = 0) -> Threshold:
    """Choose a threshold on validation data, say how sure it is, and see on test what it does.

    Of pairs, a pair counts as the same from the threshold on. Of searches, the first result is given from it on, and
    nothing is said below it: right is a first result that is relevant.

    Parameters
    ----------
    dev, test : Scores
        Of one system on two parts, of kind pairs, retrieval or reranking.
    precision : float, optional
        Above 0 and at most 1: take the threshold that answers most with at least this precision on dev. Its precision
        on test may be lower, since the choice was made on few items; the table says. Without it the largest F1.
    seed : int
        Of the resamples of groups, on each of which the threshold is chosen anew.

    Raises
    ------
    ValueError
        For other kinds, one part given twice, a part where everything is right or wrong, or a precision that no
        threshold reaches on dev.
    """
    if dev.task.kind != test.task.kind or dev.task.kind not in ("pairs", "retrieval", "reranking"):
        raise ValueError(
            f"expected scores of two parts of kind pairs, retrieval or reranking; got {dev.task.kind} and "
            f"{test.task.kind}"
        )
    if dev.task.digest == test.task.digest:
        raise ValueError("dev and test are the same data: a threshold that is chosen on test says nothing of test")
    if precision is not None and not 0 < precision <= 1:
        raise ValueError(f"expected a precision above 0 and at most 1, got {precision}")
    parts = {name: answers(scores) for name, scores in (("dev", dev), ("test", test))}
    value, high_score = parts["dev"]["score"].to_numpy(), parts["dev"]["right"].to_numpy()
    curve, pick = Curve(value, high_score), _by_f1 if precision is None else _by_precision(precision)
    levels = np.unique(value)[::-1]
    _, right, above = curve.counts(np.ones((1, len(value))))
    if precision is not None and not (right / above >= precision).any():
        raise ValueError(
            f"no threshold gives a precision of {precision} on validation data: ask for at most "
            f"{(right / above).max():.3f}, or score a better model"
        )
    chosen = float(levels[pick(right, above)[0]])
    blocks = []
    if len(set(dev.groups)) > 1:
        for weights in resampling.draws(dev.groups, resamples=RESAMPLES, seed=seed):
            blocks.append(_levels(pick, curve, weights, levels))
    drawn = np.concatenate(blocks) if blocks else np.array([np.nan])
    defined = drawn[~np.isnan(drawn)]
    low, high = np.percentile(defined, [2.5, 97.5]) if len(defined) else (np.nan, np.nan)
    groups = {"dev": dev.groups, "test": test.groups}
    table = pd.concat([_reached(name, part, groups[name], chosen, seed) for name, part in parts.items()])
    return Threshold(
        value=chosen, low=float(low), high=float(high), precision=precision, kind=dev.task.kind,
        table=table.reset_index(drop=True),
        curve=pd.DataFrame({"threshold": levels, "precision": (right / above)[0], "recall": right[0] / right[0, -1]}),
        scores=pd.concat([part.assign(part=name) for name, part in parts.items()], ignore_index=True),
        unreached=float(np.isnan(drawn).mean()) if blocks else 0.0,
    )  # fmt: skip


def answers(scores: Scores) -> pd.DataFrame:
    """``score right`` of each pair, or of the first result of each search; a search without a result scores lowest."""
    task, items = scores.task, list(scores.per_query.index)
    if task.kind == "pairs":
        assert scores.predictions is not None
        said = scores.predictions["score"].to_numpy(dtype=float)
        found = pd.DataFrame({"score": said, "right": (task.rows["label"] == 1).to_numpy()})
    else:
        first = [next(iter(top(scores.ranking.get(q, {}), 1)), None) for q in items]
        value = [np.nan if d is None else scores.ranking[q][d] for q, d in zip(items, first, strict=True)]
        right = [d is not None and task.data.qrels[q].get(d, 0) > 0 for q, d in zip(items, first, strict=True)]
        found = pd.DataFrame({"score": np.array(value, dtype=float), "right": right})
        if found["score"].isna().any():
            found["score"] = found["score"].fillna(np.nextafter(found["score"].min(), -np.inf))
    if found["right"].nunique() < 2 or found["score"].isna().any():
        what = "pairs of both labels" if task.kind == "pairs" else "searches with a right and with a wrong first result"
        raise ValueError(
            f"expected {what} in {task.name!r}, to choose and judge a threshold; all {len(found)} are alike"
        )
    return found


def _by_f1(right: Values, above: Values) -> NDArray[np.intp]:
    return np.asarray(np.argmax(right / (above + right[:, -1:]), axis=1))


def _by_precision(wanted: float) -> Callable[[Values, Values], NDArray[np.intp]]:
    """The place of the threshold that finds most at this precision; -1 where none has it."""

    def pick(right: Values, above: Values) -> NDArray[np.intp]:
        # Rounding must not refuse 9 of 10 for 0.9.
        found = np.where((above > 0) & (right >= wanted * above - 1e-9), right, -1.0)
        return np.where(found.max(axis=1) > 0, np.argmax(found, axis=1), -1)

    return pick


def _levels(pick: Any, curve: Curve, weights: Values, levels: Values) -> Values:
    _, right, above = curve.counts(weights)
    there = right[:, -1] > 0
    place = pick(right, np.maximum(above, 1e-300))
    return np.where(there & (place >= 0), levels[place], np.nan)


def _reached(name: str, part: pd.DataFrame, groups: list[Any], chosen: float, seed: int) -> pd.DataFrame:
    """Precision, recall and share at the threshold, with intervals over groups."""
    given, right = (part["score"] >= chosen).to_numpy(float), part["right"].to_numpy(float)
    over = {
        "precision": (given * right, given),
        "recall": (given * right, right),
        "answered": (given, np.ones(len(part))),
    }
    rows = []
    for metric, (count, of) in over.items():
        measure = _share(count, of)
        drawn = resampling.resampled(measure, groups, resamples=RESAMPLES, seed=seed)
        drawn = drawn[~np.isnan(drawn)]
        low, high = np.percentile(drawn, [2.5, 97.5]) if len(drawn) else (np.nan, np.nan)
        score = float(measure(np.ones((1, len(part))))[0])
        rows.append({"part": name, "metric": metric, "score": score, "low": low, "high": high, "n": len(part),
                     "n_groups": len(set(groups))})  # fmt: skip
    return pd.DataFrame(rows)


def _share(count: Values, of: Values) -> resampling.Metric:
    def metric(weights: Values) -> Values:
        below = weights @ of
        return np.asarray(np.divide(weights @ count, below, out=np.full(below.shape, np.nan), where=below > 0))

    return metric


def _with_ends(row: Mapping[Any, Any]) -> str:
    return f"{row['score']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
