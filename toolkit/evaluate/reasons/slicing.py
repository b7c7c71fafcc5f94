"""The difference of two systems on each slice of the items, and how many of them might look special by chance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import pandas as pd

from toolkit import stats
from toolkit.evaluate.comparing.comparison import Comparison
from toolkit.evaluate.comparing.differences import ALPHA, main_metric, paired
from toolkit.evaluate.comparing.wording import ITEMS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = ["slice", "model", "metric", "score", "baseline", "difference", "low", "high", "p", "p_holm", "mdd", "n",
           "n_groups"]  # fmt: skip


@dataclass(frozen=True)
class Sliced:
    """Paired differences by slice.

    Attributes
    ----------
    table : DataFrame
        One row a slice, in the order of the labels: ``slice model metric score baseline difference low high p p_holm
        mdd n n_groups``. ``score`` and ``baseline`` are those of the two systems, ``low`` and ``high`` enclose the
        paired difference (95 %, by slice, not widened for their number), ``p_holm`` is adjusted over the slices.
    baseline : str
    note : str
        How many slices there are, how many of them show a difference after Holm, and what was left out.
    """

    table: pd.DataFrame
    baseline: str
    note: str

    @property
    def figure(self) -> Figure:
        """The differences with their intervals, a line a slice."""
        from toolkit import plots

        return plots.slices(self.table, self.baseline)

    @property
    def alt(self) -> str:
        """The sentence that stands in for the figure."""
        from toolkit import plots

        return plots.describe_slices(self.table, self.baseline)

    def _repr_html_(self) -> str:
        from toolkit import plots

        if self.table.empty:
            return f"<p>{escape(self.note)}</p>"
        table = self.table.to_html(index=False, float_format=lambda x: f"{x:.3f}")
        return plots.img(self.figure, self.alt) + f"<p>{escape(self.note)}</p>" + table


def by_slice(
    comparison: Comparison,
    labels: Mapping[str, Any],
    *,
    system: str | None = None,
    metric: str | None = None,
    least: int = 20,
) -> Sliced:
    """The paired difference of a system and the baseline on each slice of the items.

    A slicing that is made up after looking at the scores finds something in any data. So p-values are adjusted by Holm
    over the slices, and the note says how many there are.

    Parameters
    ----------
    comparison : Comparison
        Of any kind of task.
    labels : mapping of item to label
        Such as from `slice_by`; the slices come in the order in which labels come first. Items without one are left
        out.
    system : str, optional
        Without it the last that is not the baseline.
    metric : str, optional
        Without it nDCG@10 of a search, else the first.
    least : int
        Slices with fewer items are left out: their intervals say nothing.

    Raises
    ------
    ValueError
        For a system or metric that the comparison does not have, or labels of none of its items.
    """
    baseline = comparison.scores[comparison.baseline]
    others = [name for name in comparison.scores if name != comparison.baseline]
    system = others[-1] if system is None else system
    metric = metric or main_metric(baseline.metrics)
    comparison.row(system, metric)  # refuses unknown names
    if not isinstance(labels, Mapping):
        raise ValueError(f"expected labels as {{item: label}}, as slice_by makes them; got {type(labels).__name__}")
    known = set(baseline.per_query.index)
    of: dict[Any, list[str]] = {}
    for item, label in labels.items():
        if item in known:
            of.setdefault(str(label), []).append(item)
    if not of:
        raise ValueError(f"none of the {len(labels)} labelled items is in the comparison ({list(known)[:1]}, ...)")
    rows = []
    for label, items in of.items():
        if len(items) < least:
            continue
        both = {name: comparison.scores[name].only(items, str(label)) for name in (system, comparison.baseline)}
        row = paired(both, [(system, comparison.baseline)], [metric]).iloc[0].to_dict()
        rows.append({**row, "slice": str(label), "model": system, "baseline": row["score"] - row["difference"]})
    table = pd.DataFrame(rows).assign(p_holm=stats.holm([row["p"] for row in rows])) if rows else pd.DataFrame()
    table = table.reindex(columns=COLUMNS)
    dropped = sum(len(items) < least for items in of.values())
    return Sliced(table, comparison.baseline, _note(table, dropped, least, ITEMS[baseline.task.kind]))


def _note(table: pd.DataFrame, dropped: int, least: int, noun: str) -> str:
    left = f" {dropped} slices with fewer than {least} {noun} were left out." if dropped else ""
    if table.empty:
        return "No slice is large enough." + left
    shown = table[table["p_holm"] < ALPHA]
    alone = int((table["p"] < ALPHA).sum())
    named = f"{len(shown)} ({', '.join(shown['slice'])})" if len(shown) else "none"
    text = f"{len(table)} slices; a difference is shown, after Holm over them, on {named}"
    text += f"; without that adjustment it would be {alone}." if alone > len(shown) else "."
    return (
        f"{text} Of many slices one will look special by chance: a slice that was not asked about beforehand is a "
        f"question to new data, not an answer. Whether two slices differ is not told by one being shown and the other "
        f"not.{left}"
    )
