"""A threshold on scores, and what lies on its two sides."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from toolkit.plots.style import COLOURS, tidy


def threshold(curve: pd.DataFrame, scores: pd.DataFrame, chosen: Mapping[str, float]) -> Figure:
    """Precision and recall by threshold on validation data, and how the scores of right and wrong lie on both parts.

    Parameters
    ----------
    curve : DataFrame
        Columns ``threshold precision recall``.
    scores : DataFrame
        Columns ``part score right``; parts are ``"dev"`` and ``"test"``.
    chosen : mapping
        ``value low high`` of the threshold, and ``precision recall`` there.
    """
    figure = Figure(figsize=(9, 3.8), layout="constrained")
    left, *rest = figure.subplot_mosaic([["curve", "dev"], ["curve", "test"]]).values()
    left.plot(curve["recall"], curve["precision"], color=COLOURS[0])
    left.plot([chosen["recall"]], [chosen["precision"]], marker="*", markersize=14, color=COLOURS[1])
    left.set_xlabel("recall on validation data")
    left.set_ylabel("precision on validation data")
    left.set_xlim(-0.02, 1.02)
    left.set_ylim(0, 1.04)
    ends = scores["score"].min(), scores["score"].max()
    for axes, name in zip(rest, ("dev", "test"), strict=True):
        part = scores[scores["part"] == name]
        for number, (right, word) in enumerate(((True, "right"), (False, "wrong"))):
            axes.hist(part.loc[part["right"] == right, "score"], bins=30, range=ends, histtype="step", linewidth=1.5,
                      color=COLOURS[number], linestyle=("-", "--")[number], label=word)  # fmt: skip
        axes.axvline(chosen["value"], color="black", linewidth=1)
        axes.axvspan(chosen["low"], chosen["high"], color="black", alpha=0.12, linewidth=0)
        axes.set_ylabel({"dev": "validation", "test": "test"}[name])
        axes.legend(frameon=False, fontsize=8)
    rest[-1].set_xlabel("score; line: the threshold, with its 95 % interval")
    for axes in (left, *rest):
        tidy(axes)
    return figure


def describe_threshold(scores: pd.DataFrame, chosen: Mapping[str, float]) -> str:
    """The sentence that stands in for `threshold`: the chosen point, and the median scores of right and wrong."""
    parts = []
    for part in ("dev", "test"):
        for right, word in ((True, "right"), (False, "wrong")):
            found = scores.loc[(scores["part"] == part) & (scores["right"] == right), "score"]
            parts.append(f"{part} {word} {found.median():.3f}")
    return (
        f"Precision {chosen['precision']:.3f} at recall {chosen['recall']:.3f} on validation data, at the threshold "
        f"{chosen['value']:.4g} ({chosen['low']:.4g} to {chosen['high']:.4g}). Median scores: {', '.join(parts)}."
    )
