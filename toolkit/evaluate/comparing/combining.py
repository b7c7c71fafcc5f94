"""Combine several comparisons of the same systems: over training seeds, or over repeated random splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from toolkit import report, stats
from toolkit.evaluate.comparing.comparison import Comparison
from toolkit.evaluate.comparing.differences import ALPHA

SEEDS = (
    "Over {k} training seeds on one test set. The interval applies to another seed and other test items of the same "
    "kind: it adds the variance over seeds to that over groups of items, and assumes that seeds are independent. It "
    "does not apply to other training data."
)
SPLITS = (
    "Over {k} random splits of the same data. The splits share items, so their differences are not independent: the "
    "variance is corrected for this (Nadeau and Bengio 2003) by the size of the parts, not by groups. The interval "
    "applies to other splits of the same data, not to other data."
)


@dataclass(frozen=True)
class Combined:
    """Several comparisons in one. Made by `combine`.

    Attributes
    ----------
    table : DataFrame
        One row per system and metric: ``model metric score difference low high p p_holm mdd runs n``. ``low`` and
        ``high`` enclose the mean paired difference (95 %), ``mdd`` is the minimum detectable difference (80 % power),
        ``runs`` and ``n`` count comparisons and their test items (the fewest).
    each : DataFrame
        The tables of the comparisons one below the other, with ``run`` from 1.
    over : str
        ``"seeds"`` or ``"splits"``.
    assumes : str
        What the intervals apply to, and what they assume.
    """

    table: pd.DataFrame
    each: pd.DataFrame
    over: str
    assumes: str

    @property
    def sentences(self) -> list[str]:
        """A verdict on each row, then what it assumes."""
        found = []
        for row in self.table.to_dict("records"):
            size = report.interval(row["difference"], row["low"], row["high"], sign="+")
            size += f" {row['metric']}, over {row['runs']} {self.over}, p {row['p_holm']:.3f} after Holm"
            if row["p_holm"] < ALPHA:
                found.append(f"{row['model']} is {'better' if row['difference'] > 0 else 'worse'}: {size}.")
            else:
                found.append(
                    f"{row['model']}: no difference shown, {size}; minimum detectable difference {row['mdd']:.3f}."
                )
        return [*found, self.assumes]

    def _repr_html_(self) -> str:
        return report.cell(self.table, [self.assumes])


def combine(comparisons: Sequence[Comparison], *, test_over_train: float | None = None) -> Combined:
    """Combine comparisons of the same systems by the same metrics.

    Comparisons on one test set are treated as training seeds: the seeds see the same items, so both are sources of
    variance. The squared standard error is the variance of the seeds' mean differences over their number, plus the
    squared error over groups of the difference averaged over seeds; degrees of freedom by Satterthwaite [1]_. The
    interaction of seeds and items is counted in both, so the interval is conservative.

    Comparisons on different test sets are treated as repeated random splits: a t-test with the variance multiplied by
    1/k + test/train instead of 1/k, and k - 1 degrees of freedom [2]_.

    Parameters
    ----------
    comparisons : sequence of Comparison
        At least two, with equal baselines and systems. For seeds only metrics that are means over items count.
    test_over_train : float, optional
        For splits: size of the test part over that of the training part, such as 0.2 / 0.7.

    Raises
    ------
    ValueError
        When there are fewer than two, they hold different systems, or only some share a test set; for
        splits without `test_over_train`, and for seeds with it.

    References
    ----------
    .. [1] F. E. Satterthwaite, "An approximate distribution of estimates of variance components", Biometrics Bulletin
       2(6), 1946.
    .. [2] C. Nadeau and Y. Bengio, "Inference for the generalization error", Machine Learning 52, 2003.
    """
    if len(comparisons) < 2:
        raise ValueError(f"expected at least two comparisons to combine, got {len(comparisons)}")
    first, k = comparisons[0], len(comparisons)
    base = first.scores[first.baseline]
    keys = ["model", "metric"]
    for number, other in enumerate(comparisons[1:], 2):
        if other.baseline != first.baseline or not other.table[keys].equals(first.table[keys]):
            got, expected = (f"{', '.join(c.scores)} with the baseline {c.baseline!r}" for c in (other, first))
            raise ValueError(f"comparison {number} has {got}, or other metrics; expected as in the first: {expected}")
    digests = {c.scores[c.baseline].task.digest for c in comparisons}
    if 1 < len(digests) < k:
        sets = f"{k} comparisons were made on {len(digests)} test sets"
        raise ValueError(f"{sets}: expected seeds on one test set, or splits that all differ")
    over = "seeds" if len(digests) == 1 else "splits"
    if (test_over_train is None) == (over == "splits") or (test_over_train is not None and not test_over_train > 0):
        what = "seeds on one test set need no" if over == "seeds" else "splits need a"
        raise ValueError(f"{what} test_over_train (size of test over size of train, above 0); got {test_over_train}")
    kept = first.table[first.table["metric"].isin(set(base.per_query))] if over == "seeds" else first.table
    if kept.empty:
        raise ValueError("these comparisons have no metric that is a mean over items, which seeds need")
    rows = []
    for model, metric in zip(kept["model"], kept["metric"], strict=True):
        parts = [c.row(model, metric) for c in comparisons]
        gaps = np.array([part["difference"] for part in parts])
        if over == "splits":
            error, df = float(np.sqrt((1 / k + (test_over_train or 0)) * gaps.var(ddof=1))), k - 1.0
        else:
            error, df = _over_seeds(comparisons, model, metric, gaps)
        score = float(np.mean([part["score"] for part in parts]))
        rows.append({"model": model, "metric": metric, "score": score, **_t(float(gaps.mean()), error, df),
                     "runs": k, "n": int(min(part["n"] for part in parts))})  # fmt: skip
    table = pd.DataFrame(rows)
    table.insert(list(table.columns).index("p") + 1, "p_holm", stats.holm(list(table["p"])))
    each = pd.concat([c.table.assign(run=i) for i, c in enumerate(comparisons, 1)], ignore_index=True)
    return Combined(table, each, over, (SEEDS if over == "seeds" else SPLITS).format(k=k))


def _over_seeds(comparisons: Sequence[Comparison], model: str, metric: str, gaps: Any) -> tuple[float, float]:
    """Return the standard error of the mean difference over seeds and groups, and its degrees of freedom."""
    base = comparisons[0].scores[comparisons[0].baseline]
    each = [(c.scores[model].per_query[metric] - c.scores[c.baseline].per_query[metric]) for c in comparisons]
    [mean] = stats.intervals(np.mean([x.loc[base.per_query.index] for x in each], axis=0), base.groups)
    seeds, items = gaps.var(ddof=1) / len(gaps), mean.error**2
    total = seeds + items
    if not np.isfinite(total):
        return float("nan"), 1.0
    below = seeds**2 / (len(gaps) - 1) + items**2 / (mean.n_groups - 1)
    return float(np.sqrt(total)), float(total**2 / below) if below > 0 else 1.0


def _t(gap: float, error: float, df: float) -> dict[str, float]:
    """Return interval, p-value and minimum detectable difference by Student's t."""
    from scipy.stats import t

    if not error > 0:  # equal systems, or differences without variance, which cannot be tested
        end = 0.0 if gap == 0 and error == 0 else float("nan")
        return {"difference": gap, "low": end, "high": end, "p": 1.0, "mdd": end}
    half = float(t.ppf(1 - ALPHA / 2, df)) * error
    return {"difference": gap, "low": gap - half, "high": gap + half, "p": float(2 * t.sf(abs(gap) / error, df)),
            "mdd": half + float(t.ppf(0.8, df)) * error}  # fmt: skip
