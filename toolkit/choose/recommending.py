"""Recommend one model from measurements and a budget, with the reason."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from markupsafe import escape

from toolkit.choose.measuring import METRIC, Measurements
from toolkit.evaluate import compare


@dataclass(frozen=True)
class Recommendation:
    """The recommended model.

    Attributes
    ----------
    model : str
    sentence : str
        The recommendation and its reason.
    table : DataFrame
        The measurements with ``minutes`` for all documents, whether each ``fits``, and whether it is ``tied`` with the
        best that fits: no difference was detected.
    """

    model: str
    sentence: str
    table: pd.DataFrame

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.sentence)}</p>" + self.table.to_html(index=False, float_format=lambda x: f"{x:.3f}")


def recommend(
    measurements: Measurements,
    *,
    documents: int,
    minutes: float = float("inf"),
    ms: float = float("inf"),
    megabytes: float = float("inf"),
) -> Recommendation:
    """Recommend the fastest of the models that tie with the best within the budget.

    Parameters
    ----------
    measurements : Measurements
    documents : int
        Number of texts to encode.
    minutes, ms, megabytes : float
        Limits: minutes to encode all texts, milliseconds per search, and size of the model.

    Raises
    ------
    ValueError
        When no model fits; the message gives the lowest value of each cost.
    """
    table = measurements.table.copy()
    table["minutes"] = documents / table["texts_per_second"] / 60
    limits = {"minutes": minutes, "ms_per_search": ms, "megabytes": megabytes}
    table["fits"] = [all(row[name] <= limit for name, limit in limits.items()) for _, row in table.iterrows()]
    if not table["fits"].any():
        least = ", ".join(f"{name} {table[name].min():.3g}" for name in limits)
        raise ValueError(f"no candidate fits {limits}; the lowest values are {least}")
    best = str(table.loc[table["fits"], "model"].iloc[0])
    scores = measurements.comparison.scores

    def tied(name: str) -> bool:
        if name == best:
            return True
        row = compare({best: scores[best], name: scores[name]}, baseline=best).row(name, METRIC)
        return bool(row["low"] <= 0 <= row["high"])

    table["tied"] = [bool(fits) and tied(str(name)) for name, fits in zip(table["model"], table["fits"], strict=True)]
    row = table[table["tied"]].sort_values("texts_per_second", ascending=False, kind="stable").iloc[0]
    chosen = str(row["model"])
    why = "the best that fits" if chosen == best else f"no difference from {best} is shown, and it is the fastest"
    sentence = (
        f"Take {chosen}: {why} ({METRIC} {row[METRIC]:.3f} [{row['low']:.3f}, {row['high']:.3f}], "
        f"{row['minutes']:.1f} minutes for {documents:,} documents, {row['ms_per_search']:.1f} ms per search, "
        f"{row['megabytes']:.0f} MB)."
    )
    return Recommendation(chosen, sentence, table)
