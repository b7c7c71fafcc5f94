"""Vectors as points, and what an index finds of their neighbours."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from toolkit.plots.style import COLOURS, MARKERS, tidy


def scatter(table: pd.DataFrame, *, note: str) -> Figure:
    """A map of vectors, one point each, by label where there are any; the note stands under it.

    Parameters
    ----------
    table : DataFrame
        Columns ``x y`` and, optionally, ``label``; the six most frequent labels get a colour and marker of their own.
    note : str
        What the map keeps, such as the share of true neighbours.
    """
    figure = Figure(figsize=(7, 5.2), layout="constrained")
    axes = figure.add_subplot()
    size = 18 if len(table) < 1000 else 7
    labels = table["label"].astype(str) if "label" in table else pd.Series("", table.index)
    most = list(labels.value_counts().index[:6])
    rest = table[~labels.isin(most)]
    axes.scatter(rest["x"], rest["y"], s=size, color="#999999", label=f"{labels.nunique() - len(most)} others")
    for number, name in enumerate(most):
        part = table[labels == name]
        axes.scatter(part["x"], part["y"], s=size, color=COLOURS[number], marker=MARKERS[number], alpha=0.7, label=name)
    if "label" in table:
        handles, names = axes.get_legend_handles_labels()
        kept = [i for i, name in enumerate(names) if len(rest) or i]
        axes.legend([handles[i] for i in kept], [names[i][:40] for i in kept], fontsize=8, frameon=False,
                    loc="center left", bbox_to_anchor=(1, 0.5))  # fmt: skip
    axes.set_xticks([])
    axes.set_yticks([])
    figure.supxlabel(note, fontsize=9, wrap=True)
    return figure


def recall(measured: Mapping[str, Mapping[str, float]]) -> Figure:
    """Recall of indexes as bars from 0 to 1, each with its value.

    Parameters
    ----------
    measured : mapping of name to what `toolkit.deploy.measure` gives
    """
    figure = Figure(figsize=(7, 0.8 + 0.5 * len(measured)), layout="constrained")
    axes = figure.add_subplot()
    values = [float(row["recall"]) for row in measured.values()]
    axes.barh(list(measured), values, color=COLOURS[: len(values)], hatch=["//", ""] if len(values) == 2 else None)
    for place, value in enumerate(values):
        axes.annotate(f"{value:.2f}", (value, place), xytext=(5, 0), textcoords="offset points", va="center")
    axes.set_xlim(0, 1.1)
    axes.invert_yaxis()
    axes.set_xlabel("recall@10 against exact search (1 misses nothing)")
    tidy(axes, grid=None)
    return figure
