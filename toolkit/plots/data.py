"""Plot data: what a data set contains, what its split leaks, and vectors as points."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from toolkit.plots.style import COLOURS, MARKERS, Picture, tidy


def contents(
    lengths: pd.DataFrame, labels: pd.DataFrame, scores: pd.DataFrame, *, unit: str, limit: float | None = None
) -> Picture:
    """Plot the lengths of texts, one line per column, and beside them the labels or scores where there are any.

    Parameters
    ----------
    lengths : DataFrame
        Columns ``column low high texts``, as in `toolkit.prepare.Description.lengths`.
    labels : DataFrame
        Columns ``label rows``, the most frequent first; up to ten are drawn, the smallest last.
    scores : DataFrame
        Columns ``low high rows``.
    unit : str
        Of the lengths.
    limit : float, optional
        Length that the model reads, drawn as a line.
    """
    beside = len(labels) > 0 or len(scores) > 0
    figure = Figure(figsize=(9 if beside else 6, 3.2), layout="constrained")
    left, *rest = figure.subplots(1, 2 if beside else 1, squeeze=False)[0]
    parts = []
    for number, (column, part) in enumerate(lengths.groupby("column", sort=False)):
        edges = [*part["low"], part["high"].iloc[-1]]
        left.stairs(part["texts"], edges, color=COLOURS[number % len(COLOURS)], linewidth=1.6, label=str(column),
                    linestyle=("-", "--", ":", "-.")[number % 4])  # fmt: skip
        filled = part[part["texts"] > 0]
        if len(filled):
            most = filled.iloc[int(filled["texts"].to_numpy().argmax())]
            parts.append(f"{column} {filled['low'].iloc[0]:,} to {filled['high'].iloc[-1] - 1:,} {unit}, most often "
                         f"{most['low']:,} to {most['high'] - 1:,}")  # fmt: skip
    alt = f"Lengths of the texts: {'; '.join(parts) or 'there are none'}."
    if limit is not None:
        left.axvline(limit, color="black", linewidth=1, label=f"limit of the model, {limit:g}")
    left.set_xscale("log")
    left.set_xlabel(f"{unit} (logarithmic)")
    left.set_ylabel("texts")
    if len(lengths):
        left.legend(frameon=False, fontsize=9)
    if len(labels):
        shown = labels if len(labels) <= 10 else pd.concat([labels.head(9), labels.tail(1)])
        rest[0].barh([str(label)[:30] for label in shown["label"]], shown["rows"], color=COLOURS[0])
        rest[0].invert_yaxis()
        rest[0].set_xlabel("rows" if len(shown) == len(labels) else f"rows; 9 largest and smallest of {len(labels)}")
        largest, smallest = labels.iloc[0], labels.iloc[-1]
        alt += (f" {len(labels)} labels, from {largest['label']} with {largest['rows']:,} rows to "
                f"{smallest['label']} with {smallest['rows']:,}.")  # fmt: skip
    elif len(scores):
        rest[0].bar(scores["low"], scores["rows"], width=scores["high"] - scores["low"], align="edge",
                    color=COLOURS[0], edgecolor="white")  # fmt: skip
        rest[0].set_xlabel("score")
        rest[0].set_ylabel("rows")
        most = scores.iloc[int(scores["rows"].to_numpy().argmax())]
        alt += (f" Scores from {scores['low'].min():.3g} to {scores['high'].max():.3g}, most often from "
                f"{most['low']:.3g} to {most['high']:.3g}.")  # fmt: skip
    for axes in (left, *rest):
        tidy(axes)
    return Picture(figure, alt)


def leaks(table: pd.DataFrame) -> Picture:
    """Plot how many of the test items were seen in training, a bar for each kind of leak.

    Parameters
    ----------
    table : DataFrame
        Columns ``reason n share``, as in `toolkit.prepare.Audit.counts`.
    """
    figure = Figure(figsize=(7, 1 + 0.42 * len(table)), layout="constrained")
    axes = figure.add_subplot()
    axes.barh(table["reason"], 100 * table["share"], color=COLOURS[: len(table)])
    for place, (share, n) in enumerate(zip(table["share"], table["n"], strict=True)):
        axes.annotate(f"{share:.1%} ({n:,})", (100 * share, place), xytext=(5, 0), textcoords="offset points",
                      va="center", fontsize=9)  # fmt: skip
    axes.set_xlim(0, max(5.0, 125 * float(table["share"].max())))
    axes.invert_yaxis()
    axes.set_xlabel("per cent of the test items that were seen in training (0 is clean)")
    tidy(axes, grid=None)
    parts = [f"{row.reason} {row.share:.1%} ({row.n:,})" for row in table.itertuples()]
    return Picture(figure, f"Test items that were seen in training: {'; '.join(parts)}.")


def scatter(table: pd.DataFrame, *, note: str) -> Picture:
    """Plot a map of vectors, one point each, by label where there are any.

    Parameters
    ----------
    table : DataFrame
        Columns ``x y`` and, optionally, ``label``; the six most frequent labels get a colour and marker of their own.
    note : str
        What the map preserves, such as the share of true neighbours; printed below it, and its alternative text.
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
    return Picture(figure, note)
