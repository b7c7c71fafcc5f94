"""Plot measurements: scores, costs, differences by slice, thresholds, and the recall of indexes."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from toolkit.plots.style import COLOURS, MARKERS, PHONE, Picture, tidy


def systems(table: pd.DataFrame, *, metric: str = "nDCG@10") -> Picture:
    """Plot the score of each system with its 95 % interval, one line per system.

    Parameters
    ----------
    table : DataFrame
        Columns ``model task metric score low high``, as in `toolkit.evaluate.Scores.table`; each task gets a colour and
        a marker.
    metric : str

    Raises
    ------
    ValueError
        When the table lacks the metric, or has several rows of one model and task.
    """
    rows = table[table["metric"] == metric]
    if rows.empty:
        raise ValueError(f"the table has no metric {metric!r}; it has {', '.join(sorted(set(table['metric'])))}")
    if rows.duplicated(["model", "task"]).any():
        twice = rows[rows.duplicated(["model", "task"])].iloc[0]
        raise ValueError(f"expected one row per model and task, got several of {twice['model']!r} on {twice['task']!r}")
    values = [
        f"{row.model} on {row.task} {row.score:.3f} ({row.low:.3f} to {row.high:.3f})" for row in rows.itertuples()
    ]
    return Picture(_systems(rows, metric, 7), f"{metric} with 95 % intervals: {'; '.join(values)}.",
                   _systems(rows, metric, PHONE))  # fmt: skip


def _systems(rows: pd.DataFrame, metric: str, width: float) -> Figure:
    """Draw `systems` at a width in inches; the font size stays the same."""
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
    wide = width > PHONE
    axes.set_xlabel(f"{metric} (0 to 1, larger is better),{' ' if wide else chr(10)}with 95 % interval")
    axes.margins(x=0.12 if wide else 0.3)  # room for the number after the longest interval
    tidy(axes, grid="x")
    if len(tasks) > 1:
        figure.legend(loc="outside upper center", ncols=len(tasks), frameon=False)
    return figure


def tradeoff(table: pd.DataFrame, *, metric: str = "nDCG@10", cost: str = "texts_per_second") -> Picture:
    """Plot quality against speed, one point per model, with its name and 95 % interval.

    Parameters
    ----------
    table : DataFrame
        Columns ``model low high``, the metric and the cost, as in `toolkit.choose.Measurements`.
    metric, cost : str

    Raises
    ------
    ValueError
        When the table lacks one of the two.
    """
    for name in (metric, cost):
        if name not in table:
            raise ValueError(f"the table has no column {name!r}; it has {', '.join(table.columns)}")
    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.add_subplot()
    rows = table.to_dict("records")
    for number, row in enumerate(rows):
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
        ends = [[max(0.0, row[metric] - row["low"])], [max(0.0, row["high"] - row[metric])]]
        axes.errorbar([row[cost]], [row[metric]], yerr=ends, fmt=marker, color=colour, capsize=3, markersize=8)
    axes.set_xscale("log")
    axes.margins(x=0.25, y=0.1)
    labelled: list[tuple[float, float]] = []
    to_screen, to_axes = axes.transData.transform, axes.transAxes.inverted().transform
    for row in rows:  # a name that would cover another goes below its point
        x, y = to_axes(to_screen((row[cost], row[metric])))
        crowded = any(abs(x - other_x) < 0.25 and abs(y - other_y) < 0.08 for other_x, other_y in labelled)
        axes.annotate(str(row["model"]), (row[cost], row[metric]), xytext=(8, -13 if crowded else 4),
                      textcoords="offset points", fontsize=9)  # fmt: skip
        labelled.append((x, y))
    unit = cost.replace("_", " ")
    axes.set_xlabel(f"{unit} (logarithmic, right is faster)")
    axes.set_ylabel(f"{metric}, with 95 % interval")
    tidy(axes)
    points = [f"{r['model']} {r[metric]:.3f} ({r['low']:.3f} to {r['high']:.3f}) at {r[cost]:,.0f}" for r in rows]
    return Picture(figure, f"{metric} with 95 % intervals against {unit}: {'; '.join(points)}.")


def slices(table: pd.DataFrame, baseline: str) -> Picture:
    """Plot the paired difference on each slice with its 95 % interval, one line per slice.

    Parameters
    ----------
    table : DataFrame
        Columns ``slice model metric difference low high p_holm n``, as in `toolkit.evaluate.analysis.Sliced.table`.
    baseline : str
    """
    figure = Figure(figsize=(7, 1.2 + 0.4 * len(table)), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0, color="black", linewidth=1)
    for place, row in enumerate(table.to_dict("records")):
        ends = [[max(0.0, row["difference"] - row["low"])], [max(0.0, row["high"] - row["difference"])]]
        significant = row["p_holm"] < 0.05
        axes.errorbar([row["difference"]], [place], xerr=ends, fmt="o", capsize=3, markersize=6,
                      color=COLOURS[0] if significant else "#595959",
                      markerfacecolor=None if significant else "white")  # fmt: skip
    axes.set_yticks(range(len(table)), [f"{s} (n = {n:,})" for s, n in zip(table["slice"], table["n"], strict=True)])
    axes.set_ylim(len(table) - 0.4, -0.6)
    model, metric = table[["model", "metric"]].iloc[0]
    axes.set_xlabel(
        f"{metric}, {model} minus {baseline}, with 95 % interval\n(filled: significant after Holm over the slices)"
    )
    tidy(axes, grid="x")
    values = [f"{r.slice} {r.difference:+.3f} ({r.low:+.3f} to {r.high:+.3f})" for r in table.itertuples()]
    return Picture(figure, f"{metric}, {model} minus {baseline}, with 95 % intervals, by slice: {'; '.join(values)}.")


def threshold(curve: pd.DataFrame, scores: pd.DataFrame, chosen: Mapping[str, float]) -> Picture:
    """Plot precision and recall by threshold on validation data, and the scores of right and wrong items.

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
    medians = []
    for axes, part in zip(rest, ("dev", "test"), strict=True):
        for number, (right, word) in enumerate(((True, "right"), (False, "wrong"))):
            values = scores.loc[(scores["part"] == part) & (scores["right"] == right), "score"]
            axes.hist(values, bins=30, range=ends, histtype="step", linewidth=1.5, color=COLOURS[number],
                      linestyle=("-", "--")[number], label=word)  # fmt: skip
            medians.append(f"{part} {word} {values.median():.3f}")
        axes.axvline(chosen["value"], color="black", linewidth=1)
        axes.axvspan(chosen["low"], chosen["high"], color="black", alpha=0.12, linewidth=0)
        axes.set_ylabel({"dev": "validation", "test": "test"}[part])
        axes.legend(frameon=False, fontsize=8)
    rest[-1].set_xlabel("score; line: the threshold, with its 95 % interval")
    for axes in (left, *rest):
        tidy(axes)
    return Picture(
        figure,
        f"Precision {chosen['precision']:.3f} at recall {chosen['recall']:.3f} on validation data, at the threshold "
        f"{chosen['value']:.4g} ({chosen['low']:.4g} to {chosen['high']:.4g}). Median scores: {', '.join(medians)}.",
    )


def recall(measured: Mapping[str, Mapping[str, float]]) -> Picture:
    """Plot the recall of indexes as bars from 0 to 1, each with its value.

    Parameters
    ----------
    measured : mapping of index name to its measurement
        As `toolkit.deploy.indexes.measure` returns it.
    """
    figure = Figure(figsize=(7, 0.8 + 0.5 * len(measured)), layout="constrained")
    axes = figure.add_subplot()
    values = {name: float(row["recall"]) for name, row in measured.items()}
    axes.barh(list(values), list(values.values()), color=COLOURS[: len(values)],
              hatch=["//", ""] if len(values) == 2 else None)  # fmt: skip
    for place, value in enumerate(values.values()):
        axes.annotate(f"{value:.2f}", (value, place), xytext=(5, 0), textcoords="offset points", va="center")
    axes.set_xlim(0, 1.1)
    axes.invert_yaxis()
    axes.set_xlabel("recall@10 against exact search (1 misses nothing)")
    tidy(axes, grid=None)
    return Picture(figure, f"recall@10: {', '.join(f'{name} {value:.2f}' for name, value in values.items())}.")
