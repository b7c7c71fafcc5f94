"""Systems beside each other: their scores, their price, and where they differ."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from toolkit.plots.style import COLOURS, MARKERS, tidy


def systems(table: pd.DataFrame, *, metric: str = "nDCG@10", width: float = 7) -> Figure:
    """Systems and their 95 % intervals, one line each, by a table of `toolkit.evaluate.Scores`.

    Parameters
    ----------
    table : DataFrame
        Columns ``model task metric score low high``; one colour and marker a task where there are several.
    metric : str
    width : float
        In inches. Letters keep their size, so 3.6 is for a telephone.
    """
    rows = table[table["metric"] == metric]
    if rows.empty:
        raise _no_metric(table, metric)
    if rows.duplicated(["model", "task"]).any():
        twice = rows[rows.duplicated(["model", "task"])].iloc[0]
        raise ValueError(f"expected one row a model and task, got several of {twice['model']!r} on {twice['task']!r}")
    names, tasks = list(dict.fromkeys(rows["model"])), list(dict.fromkeys(rows["task"]))
    figure = Figure(figsize=(width, 1.1 + 0.38 * len(names) * max(1, len(tasks) * 0.7)), layout="constrained")
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
    between = "\n" if width < 5 else " "
    axes.set_xlabel(f"{metric} (0 to 1, larger is better),{between}with 95 % interval")
    axes.margins(x=0.12 if width >= 5 else 0.3)  # room for the number behind the longest interval
    tidy(axes, grid="x")
    if len(tasks) > 1:
        figure.legend(loc="outside upper center", ncols=len(tasks), frameon=False)
    return figure


def describe(table: pd.DataFrame, *, metric: str = "nDCG@10") -> str:
    """The sentence that stands in for `systems`: every value of the figure, for alternative text."""
    rows = table[table["metric"] == metric]
    if rows.empty:
        raise _no_metric(table, metric)
    parts = [
        f"{row.model} on {row.task} {row.score:.3f} ({row.low:.3f} to {row.high:.3f})" for row in rows.itertuples()
    ]
    return f"{metric} with 95 % intervals: " + "; ".join(parts) + "."


def _no_metric(table: pd.DataFrame, metric: str) -> ValueError:
    return ValueError(f"the table has no metric {metric!r}; it has {', '.join(sorted(set(table['metric'])))}")


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
    tidy(axes)
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
    tidy(axes, grid="x")
    return figure


def describe_slices(table: pd.DataFrame, baseline: str) -> str:
    """The sentence that stands in for `slices`: every value of the figure."""
    model, metric = table[["model", "metric"]].iloc[0]
    parts = [f"{r.slice} {r.difference:+.3f} ({r.low:+.3f} to {r.high:+.3f})" for r in table.itertuples()]
    return f"{metric}, {model} minus {baseline}, with 95 % intervals, by slice: {'; '.join(parts)}."
