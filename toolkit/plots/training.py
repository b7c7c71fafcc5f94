"""Plot training by epoch."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from toolkit.plots.style import COLOURS, MARKERS, PHONE, Picture, tidy


def learning(history: pd.DataFrame, *, metric: str = "nDCG@10") -> Picture:
    """Plot the validation score by epoch, one line per candidate, with a star at the best epoch of each.

    Parameters
    ----------
    history : DataFrame
        Columns ``candidate epoch loss dev``, as in `toolkit.finetune.Tuned.history`.
    metric : str
        What ``dev`` is.
    """
    parts = [
        f"{name} {part['dev'].iloc[0]:.3f} to {part['dev'].max():.3f} at epoch "
        f"{part['epoch'].iloc[part['dev'].to_numpy().argmax()]}"
        for name, part in history.groupby("candidate", sort=False)
    ]
    figures = []
    for size in ((7, 3.2), (PHONE, 3)):
        figure = Figure(figsize=size, layout="constrained")
        axes = figure.add_subplot()
        for number, (name, part) in enumerate(history.groupby("candidate", sort=False)):
            colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number % len(MARKERS)]
            axes.plot(part["epoch"], part["dev"], color=colour, marker=marker, markersize=3, label=str(name))
            best = part.iloc[int(part["dev"].to_numpy().argmax())]
            axes.plot([best["epoch"]], [best["dev"]], marker="*", markersize=14, color=colour)
        axes.margins(y=0.12)  # room for the stars
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_xlabel("epoch (0 is the base model)")
        axes.set_ylabel(f"{metric} on validation data")
        tidy(axes)
        axes.legend(title="candidate", frameon=False)
        figures.append(figure)
    return Picture(figures[0], f"{metric} on validation data by epoch: {'; '.join(parts)}.", figures[1])


def overfitting(history: pd.DataFrame, *, metric: str = "nDCG@10") -> Picture:
    """Plot training loss and validation score of one candidate by epoch, one above the other.

    Parameters
    ----------
    history : DataFrame
        Columns ``epoch loss dev`` of one candidate, as in `toolkit.finetune.Tuned.history`.
    metric : str
        What ``dev`` is.
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
        tidy(axes)
    loss, dev = history["loss"].dropna(), history["dev"]
    return Picture(
        figure,
        f"The loss on training pairs goes from {loss.iloc[0]:.2g} to {loss.iloc[-1]:.2g} in {len(loss)} epochs; "
        f"{metric} on validation data goes from {dev.iloc[0]:.3f} to {dev.iloc[-1]:.3f}, with a maximum of "
        f"{dev.max():.3f}.",
    )
