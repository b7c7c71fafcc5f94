"""Dates, in whatever form a column writes them, as numbers that grow with time."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


def times(values: Sequence[Any], *, name: str = "time") -> NDArray[np.float64]:
    """Dates or numbers as numbers that grow with time.

    Parameters
    ----------
    values : sequence
    name : str
        Of the column, for messages.

    Examples
    --------
    >>> times(["2026-03-01", "2025-12-24"]).argsort().tolist()
    [1, 0]

    Raises
    ------
    ValueError
        Where a value is neither; the message names it and its row. Days come first where months cannot.
    """
    series = pd.Series(list(values), dtype="object")
    numbers = pd.to_numeric(series, errors="coerce")
    if numbers.notna().all():
        return numbers.to_numpy(dtype=np.float64)
    best: tuple[int, pd.Series] | None = None
    for day_first in (False, True):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas says that it parses each value by itself: it may
            dates = pd.to_datetime(series, errors="coerce", utc=True, dayfirst=day_first)
        unread = int(dates.isna().sum())
        if best is None or unread < best[0]:
            best = unread, dates
    assert best is not None
    unread, dates = best
    if unread:
        row = int(dates.isna().to_numpy().argmax())
        raise ValueError(
            f"column {name!r} holds no date that can be read in {unread:,} of {len(series):,} rows (first: row {row}, "
            f"{series[row]!r}): expected one form throughout, best 2026-03-31, or numbers"
        )
    seconds = (dates - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    return np.asarray(seconds, dtype=np.float64)
