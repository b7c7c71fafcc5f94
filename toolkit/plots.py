"""Figures that everybody can read: colours of Okabe and Ito, labelled axes, a sentence for who cannot see them.

Functions take tables, never models, and return a matplotlib `Figure` that belongs to no window.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from toolkit.runs import replacing

# M. Okabe and K. Ito, "Color Universal Design", 2008: told apart by readers with any colour vision.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
MARKERS = ("o", "s", "D", "^", "v", "P", "X")


def systems(table: pd.DataFrame, *, metric: str = "nDCG@10") -> Figure:
    """Systems and their 95 % intervals, one line each, by a table of `toolkit.evaluate.Scores`.

    Parameters
    ----------
    table : DataFrame
        Columns ``model task metric score low high``; one colour and marker a task where there are several.
    metric : str
    """
    rows = table[table["metric"] == metric]
    if rows.empty:
        raise _no_metric(table, metric)
    if rows.duplicated(["model", "task"]).any():
        twice = rows[rows.duplicated(["model", "task"])].iloc[0]
        raise ValueError(f"expected one row a model and task, got several of {twice['model']!r} on {twice['task']!r}")
    names, tasks = list(dict.fromkeys(rows["model"])), list(dict.fromkeys(rows["task"]))
    figure = Figure(figsize=(7, 1.1 + 0.38 * len(names) * max(1, len(tasks) * 0.7)), layout="constrained")
    axes = figure.add_subplot()
    for number, name in enumerate(tasks):
        part = rows[rows["task"] == name].set_index("model").reindex(names)
        shift = (number - (len(tasks) - 1) / 2) * min(0.28, 0.8 / len(tasks))
        places = [place + shift for place in range(len(names))]
        below, above = part["score"] - part["low"], part["high"] - part["score"]
        axes.errorbar(
            part["score"], places, xerr=[below.clip(lower=0), above.clip(lower=0)],  # rounding can make -1e-17
            fmt=MARKERS[number % len(MARKERS)], color=COLOURS[number % len(COLOURS)], capsize=3, markersize=6,
            label=name,
        )  # fmt: skip
        for place, value, high in zip(places, part["score"], part["high"].fillna(part["score"]), strict=True):
            axes.annotate(f"{value:.3f}", (high, place), xytext=(6, 0), textcoords="offset points",
                          va="center", fontsize=9)  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_xlabel(f"{metric} (0 to 1, larger is better), with 95 % interval")
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3)
    if len(tasks) > 1:
        figure.legend(loc="outside upper center", ncols=len(tasks), frameon=False)
    return figure


def learning(history: pd.DataFrame, *, metric: str = "nDCG@10") -> Figure:
    """Score on the validation data after each epoch, one line a candidate; the best epoch of each is marked.

    Parameters
    ----------
    history : DataFrame
        Columns ``sides epoch loss dev``, as in `toolkit.finetune.Tuned.history`.
    """
    figure = Figure(figsize=(7, 3.2), layout="constrained")
    axes = figure.add_subplot()
    for number, (sides, part) in enumerate(history.groupby("sides", sort=False)):
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        axes.plot(part["epoch"], part["dev"], color=colour, marker=marker, markersize=3, label=str(sides))
        best = part.iloc[int(part["dev"].to_numpy().argmax())]
        axes.plot([best["epoch"]], [best["dev"]], marker="*", markersize=14, color=colour)
    axes.margins(y=0.12)  # room for the stars
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("epoch (0 is the base model)")
    axes.set_ylabel(f"{metric} on validation data")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    axes.legend(title="trained side", frameon=False)
    return figure


def tradeoff(table: pd.DataFrame, *, metric: str = "nDCG@10", cost: str = "texts_per_second") -> Figure:
    """Quality against speed: up is better, right is faster. Each point bears its name and its 95 % interval.

    Parameters
    ----------
    table : DataFrame
        Columns ``model low high``, the metric and the cost, as in `toolkit.choose.Measurements`.
    metric, cost : str
    """
    for name in (metric, cost):
        if name not in table:
            raise ValueError(f"the table has no column {name!r}; it has {', '.join(table.columns)}")
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot()
    for number, row in enumerate(table.to_dict("records")):
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        ends = [[max(0.0, row[metric] - row["low"])], [max(0.0, row["high"] - row[metric])]]
        axes.errorbar([row[cost]], [row[metric]], yerr=ends, fmt=marker, color=colour, capsize=3, markersize=8)
    axes.set_xscale("log")
    axes.margins(x=0.25, y=0.1)
    _names(axes, table, cost, metric)
    axes.set_xlabel(f"{cost.replace('_', ' ')} (logarithmic, right is faster)")
    axes.set_ylabel(f"{metric}, with 95 % interval")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.3)
    return figure


def _names(axes: Axes, table: pd.DataFrame, cost: str, metric: str) -> None:
    """The name beside each point; below the point where it would lie on the name of another."""
    taken: list[tuple[float, float]] = []
    scale, place = axes.transData.transform, axes.transAxes.inverted().transform
    for name, *point in zip(table["model"], table[cost], table[metric], strict=True):
        x, y = place(scale(point))
        crowded = any(abs(x - other_x) < 0.25 and abs(y - other_y) < 0.08 for other_x, other_y in taken)
        axes.annotate(
            str(name), (point[0], point[1]), xytext=(8, -13 if crowded else 4), textcoords="offset points", fontsize=9
        )
        taken.append((x, y))


def overfitting(history: pd.DataFrame, *, metric: str = "nDCG@10") -> Figure:
    """The training loss and the validation score of one candidate by epoch, one above the other.

    Parameters
    ----------
    history : DataFrame
        Columns ``epoch loss dev`` of one candidate, as in `toolkit.finetune.Tuned.history`.
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    above.plot(history["epoch"], history["loss"], color=COLOURS[1], marker="s", markersize=4)
    above.set_ylabel("loss on training pairs")
    below.plot(history["epoch"], history["dev"], color=COLOURS[0], marker="o", markersize=4)
    below.set_ylabel(f"{metric} on\nvalidation data")
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    below.set_xlabel("epoch (0 is the base model)")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
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
    axes.spines[["top", "right"]].set_visible(False)
    return figure


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
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
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
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def describe_leaks(table: pd.DataFrame) -> str:
    """The sentence that stands in for `leaks`."""
    parts = [f"{row.reason} {row.share:.1%} ({row.n:,})" for row in table.itertuples()]
    return f"What is tested and was seen in training: {'; '.join(parts)}."


def describe_learning(history: pd.DataFrame, *, metric: str = "nDCG@10") -> str:
    """The sentence that stands in for `learning`: where each candidate began and what it reached."""
    parts = [
        f"{sides} {part['dev'].iloc[0]:.3f} to {part['dev'].max():.3f} at epoch "
        f"{int(part['epoch'].iloc[int(part['dev'].to_numpy().argmax())])}"
        for sides, part in history.groupby("sides", sort=False)
    ]
    return f"{metric} on validation data by epoch: {'; '.join(parts)}."


def describe_overfitting(history: pd.DataFrame, *, metric: str = "nDCG@10") -> str:
    """The sentence that stands in for `overfitting`."""
    loss, dev = history["loss"].dropna(), history["dev"]
    return (
        f"The loss on training pairs goes from {loss.iloc[0]:.2g} to {loss.iloc[-1]:.2g} in {len(loss)} epochs; "
        f"{metric} on validation data goes from {dev.iloc[0]:.3f} to {dev.iloc[-1]:.3f}, and was at most "
        f"{dev.max():.3f}."
    )


def describe(table: pd.DataFrame, *, metric: str = "nDCG@10") -> str:
    """The sentence that stands in for `systems`: every value of the figure, for alternative text."""
    rows = table[table["metric"] == metric]
    if rows.empty:
        raise _no_metric(table, metric)
    parts = [
        f"{row.model} on {row.task} {row.score:.3f} ({row.low:.3f} to {row.high:.3f})" for row in rows.itertuples()
    ]
    return f"{metric} with 95 % intervals: " + "; ".join(parts) + "."


def slices(table: pd.DataFrame, baseline: str) -> Figure:
    """The paired difference on each slice with its 95 % interval, one line a slice, beside the line of no difference.

    Parameters
    ----------
    table : DataFrame
        Columns ``slice model metric difference low high p_holm n``, as in `toolkit.evaluate.Sliced.table`.
    baseline : str
    """
    figure = Figure(figsize=(7, 1.2 + 0.4 * len(table)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0, color="black", linewidth=1)
    for place, row in enumerate(table.to_dict("records")):
        ends = [[max(0.0, row["difference"] - row["low"])], [max(0.0, row["high"] - row["difference"])]]
        shown = row["p_holm"] < 0.05
        axes.errorbar([row["difference"]], [place], xerr=ends, fmt="o", capsize=3, markersize=6,
                      color=COLOURS[0] if shown else "#595959", markerfacecolor=None if shown else "white")  # fmt: skip
    axes.set_yticks(range(len(table)), [f"{s} (n = {n:,})" for s, n in zip(table["slice"], table["n"], strict=True)])
    axes.set_ylim(len(table) - 0.4, -0.6)
    model, metric = table[["model", "metric"]].iloc[0]
    axes.set_xlabel(
        f"{metric}, {model} minus {baseline}, with 95 % interval\n(filled: shown after Holm over the slices)"
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3)
    return figure


def describe_slices(table: pd.DataFrame, baseline: str) -> str:
    """The sentence that stands in for `slices`: every value of the figure."""
    model, metric = table[["model", "metric"]].iloc[0]
    parts = [f"{r.slice} {r.difference:+.3f} ({r.low:+.3f} to {r.high:+.3f})" for r in table.itertuples()]
    return f"{metric}, {model} minus {baseline}, with 95 % intervals, by slice: {'; '.join(parts)}."


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
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
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


def _no_metric(table: pd.DataFrame, metric: str) -> ValueError:
    return ValueError(f"the table has no metric {metric!r}; it has {', '.join(sorted(set(table['metric'])))}")


def png(figure: Figure, *, dpi: int = 110) -> bytes:
    """The figure as a PNG on a white ground."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, facecolor="white")
    return buffer.getvalue()


def save(figure: Figure, path: str | Path) -> None:
    """Write the figure as PNG, whole or not at all."""
    with replacing(path) as temporary:
        temporary.write_bytes(png(figure))


def img(figure: Figure, alt: str, *, dpi: int = 110) -> str:
    """The figure as an HTML ``<img>`` that carries its own data and its alternative text."""
    if not alt.strip():
        raise ValueError("expected a sentence as alternative text, got an empty one")
    data = base64.b64encode(png(figure, dpi=dpi)).decode()
    return f'<img alt="{html.escape(alt, quote=True)}" src="data:image/png;base64,{data}">'
