"""Batch texts of similar length within a token budget."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from toolkit.vectors.engines.base import Body, Window, unit

MAX_PADDING = 0.02  # largest share of padding in a batch
SMALL_BATCH = 0.25  # of the budget: a batch up to this size may hold more padding
STOCK_BATCH = 1024  # texts per call to an engine that makes its own batches


def batches(body: Body, window: Window) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
    """Yield (positions in the window, their unit vectors), longest texts first, until all are done."""
    for at in divide_window(window.lengths, body.batch_tokens):
        yield at, unit(body.run([window.ids[i] for i in at]))


def divide_window(lengths: NDArray[np.int64], budget: int | None) -> Iterator[NDArray[np.intp]]:
    """Yield the positions of each batch of texts of these lengths.

    Texts are sorted by length. A batch ends before it is full where padding would take more than a fiftieth of it, but
    not while it is so small that the fixed cost of a call matters. Without a budget texts keep their order.
    """
    if budget is None:
        for start in range(0, len(lengths), STOCK_BATCH):
            yield np.arange(start, min(start + STOCK_BATCH, len(lengths)))
        return
    order = np.argsort(-lengths, kind="stable")
    start = 0
    while start < len(order):
        ahead = lengths[order[start : start + budget]]
        padded = ahead[0] * np.arange(1, len(ahead) + 1)
        little_padding = padded <= (1 + MAX_PADDING) * np.cumsum(ahead)
        good = np.flatnonzero((padded <= budget) & (little_padding | (padded <= budget * SMALL_BATCH)))
        stop = start + (int(good[-1]) + 1 if len(good) else 1)
        yield order[start:stop]
        start = stop
