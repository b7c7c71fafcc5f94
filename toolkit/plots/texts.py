"""What is in a data set, and what its split gives away."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from toolkit.plots.style import COLOURS, tidy


def contents(
    lengths: pd.DataFrame, labels: pd.DataFrame, scores: pd.DataFrame, *, unit: str, limit: float | None = None
) -> Figure:
    """Lengths of texts, one line a column, and beside them the labels or scores where there are any.

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
    for number, (column, part) in enumerate(lengths.groupby("column", sort=False)):
        edges = [*part["low"], part["high"].iloc[-1]]
        left.stairs(part["texts"], edges, color=COLOURS[number % len(COLOURS)], linewidth=1.6, label=str(column),
                    linestyle=("-", "--", ":", "-.")[number % 4])  # fmt: skip
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
    elif len(scores):
        rest[0].bar(scores["low"], scores["rows"], width=scores["high"] - scores["low"], align="edge",
                    color=COLOURS[0], edgecolor="white")  # fmt: skip
        rest[0].set_xlabel("score")
        rest[0].set_ylabel("rows")
    for axes in (left, *rest):
        tidy(axes)
    return figure


def describe_contents(lengths: pd.DataFrame, labels: pd.DataFrame, scores: pd.DataFrame, *, unit: str) -> str:
    """The sentence that stands in for `contents`: where most lengths, labels and scores lie."""
    parts = []
    for column, part in lengths.groupby("column", sort=False):
        there = part[part["texts"] > 0]
        if len(there):
            most = there.iloc[int(there["texts"].to_numpy().argmax())]
            parts.append(f"{column} {there['low'].iloc[0]:,} to {there['high'].iloc[-1] - 1:,} {unit}, most often "
                         f"{most['low']:,} to {most['high'] - 1:,}")  # fmt: skip
    sentence = f"Lengths of the texts: {'; '.join(parts) or 'there are none'}."
    if len(labels):
        largest, smallest = labels.iloc[0], labels.iloc[-1]
        sentence += (f" {len(labels)} labels, from {largest['label']} with {largest['rows']:,} rows to "
                     f"{smallest['label']} with {smallest['rows']:,}.")  # fmt: skip
    elif len(scores):
        most = scores.iloc[int(scores["rows"].to_numpy().argmax())]
        sentence += (f" Scores from {scores['low'].min():.3g} to {scores['high'].max():.3g}, most often from "
                     f"{most['low']:.3g} to {most['high']:.3g}.")  # fmt: skip
    return sentence


def leaks(table: pd.DataFrame) -> Figure:
    """How many of the tested items were seen in training, one bar a way, each with its number.

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
    axes.set_xlabel("per cent of what is tested that training has seen (0 is clean)")
    tidy(axes, grid=None)
    return figure


def describe_leaks(table: pd.DataFrame) -> str:
    """The sentence that stands in for `leaks`."""
    parts = [f"{row.reason} {row.share:.1%} ({row.n:,})" for row in table.itertuples()]
    return f"What is tested and was seen in training: {'; '.join(parts)}."
