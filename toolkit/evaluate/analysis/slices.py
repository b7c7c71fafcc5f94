"""Divide the items of a task into slices, and compute scores and paired differences on each slice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit import prepare, report, stats
from toolkit.evaluate.comparing.comparison import Comparison
from toolkit.evaluate.comparing.differences import ALPHA, main_metric, paired
from toolkit.evaluate.comparing.wording import ITEMS
from toolkit.evaluate.scoring.scores import Scores
from toolkit.prepare import Task
from toolkit.prepare.tasks import check_task
from toolkit.vectors.keywords import words

if TYPE_CHECKING:
    from toolkit.plots import Picture

COLUMNS = ["slice", "model", "metric", "score", "baseline", "difference", "low", "high", "p", "p_holm", "mdd", "n",
           "n_groups"]  # fmt: skip
LABELLINGS = ("length", "overlap", "relevant", "language", "group")
MAX_GROUP_SLICES = 5  # number of groups that get their own slice


@dataclass(frozen=True)
class Sliced:
    """Scores and paired differences by slice.

    Attributes
    ----------
    table : DataFrame
        One row per slice, in the order of the labels: ``slice model metric score baseline difference low high p p_holm
        mdd n n_groups``. ``score`` and ``baseline`` are those of the two systems, ``low`` and ``high`` enclose the
        paired difference (95 %, for each slice alone), ``p_holm`` is adjusted over the slices, and ``mdd`` is the
        minimum detectable difference.
    baseline, metric : str
    parts : mapping of slice to mapping of system to Scores
        The scores of all systems of the comparison on each slice.
    note : str
        How many slices there are, on which of them a difference is significant after Holm, and what was left out.
    """

    table: pd.DataFrame
    baseline: str
    metric: str
    parts: Mapping[str, Mapping[str, Scores]] = field(repr=False)
    note: str

    @cached_property
    def scores(self) -> pd.DataFrame:
        """The score of each system on each slice: ``slice model metric score low high n n_groups``, largest first."""
        rows = [
            row | {"slice": label, "model": name}
            for label, scores in sorted(self.parts.items(), key=lambda part: -len(part[1][self.baseline].per_query))
            for name, one in scores.items()
            for row in one.table[one.table["metric"] == self.metric].to_dict("records")
        ]
        return pd.DataFrame(rows, columns=["slice", "model", "metric", "score", "low", "high", "n", "n_groups"])

    @property
    def picture(self) -> Picture:
        """The differences with their intervals, one line per slice, and the sentence that describes the figure."""
        from toolkit import plots

        return plots.slices(self.table, self.baseline)

    def _repr_html_(self) -> str:
        picture = "" if self.table.empty else self.picture.html()
        return picture + report.cell(self.table, [self.note])


def by_slice(
    comparison: Comparison,
    labels: Mapping[str, Any],
    *,
    system: str | None = None,
    metric: str | None = None,
    min_items: int = 20,
) -> Sliced:
    """Score all systems on each slice of the items, and test the difference between one system and the baseline there.

    Slices chosen after looking at the scores always show something, so p-values are adjusted by Holm
    over the slices, and the note says how many there are.

    Parameters
    ----------
    comparison : Comparison
        For any kind of task.
    labels : mapping of item to label
        As from `slice_labels`; the slices come in the order of their first item. Items without a label are left
        out.
    system : str, optional
        The system whose difference from the baseline is tested; by default the last.
    metric : str, optional
        By default nDCG@10 for a search, else the first metric.
    min_items : int
        Slices with fewer items are left out: their intervals are too wide to be useful.

    Raises
    ------
    ValueError
        For a system or metric that the comparison does not have, or if none of its items has a label.
    """
    baseline = comparison.scores[comparison.baseline]
    system = system or [name for name in comparison.scores if name != comparison.baseline][-1]
    metric = metric or main_metric(baseline.metrics)
    comparison.row(system, metric)  # raises for unknown names
    if not isinstance(labels, Mapping):
        raise ValueError(f"expected labels as {{item: label}}, as from slice_labels; got {type(labels).__name__}")
    known = set(baseline.per_query.index)
    members: dict[str, list[str]] = {}
    for item, label in labels.items():
        if item in known:
            members.setdefault(str(label), []).append(item)
    if not members:
        raise ValueError(f"none of the {len(labels)} labelled items is in the comparison ({list(known)[:1]}, ...)")
    parts = {
        label: {name: scores.only(items, label) for name, scores in comparison.scores.items()}
        for label, items in members.items()
        if len(items) >= min_items
    }
    rows = []
    for label, scores in parts.items():
        row = paired(scores, [(system, comparison.baseline)], [metric]).iloc[0].to_dict()
        rows.append({**row, "slice": label, "model": system, "baseline": row["score"] - row["difference"]})
    table = pd.DataFrame(rows).assign(p_holm=stats.holm([row["p"] for row in rows])).reindex(columns=COLUMNS)
    dropped = len(members) - len(parts)
    note = f" {dropped} slices with fewer than {min_items} {ITEMS[baseline.task.kind]} were left out." * bool(dropped)
    return Sliced(table, comparison.baseline, metric, parts, _findings(table) + note)


def _findings(table: pd.DataFrame) -> str:
    if table.empty:
        return "No slice is large enough."
    shown = table[table["p_holm"] < ALPHA]
    unadjusted = int((table["p"] < ALPHA).sum())
    named = f"{len(shown)} ({', '.join(shown['slice'])})" if len(shown) else "none"
    text = f"{len(table)} slices; after Holm correction, a difference is shown on {named}"
    text += f"; without the adjustment it would be {unadjusted}." if unadjusted > len(shown) else "."
    return (
        f"{text} Among many slices some look special by chance: confirm a slice that you did not ask about beforehand "
        f"on new data. A difference that is significant on one slice only does not show that the slices differ."
    )


def slice_labels(task: Task, by: str, *, bins: int = 4) -> dict[str, str]:
    """Label each item of a task, for `by_slice`.

    Parameters
    ----------
    task : Task
        Of any kind.
    by : {"length", "overlap", "relevant", "language", "group"}
        ``"length"``: words of the query, or of all texts of the row. ``"overlap"``: the share of the distinct words
        of a query that occur in a relevant document, in the one that has most of them; for sentence pairs, the share
        of their words that both contain (Jaccard). ``"relevant"``: the number of relevant documents of a query.
        ``"language"``: the code of the language of the query or of the first text. ``"group"``: the five largest of
        `Task.groups`, and all others together.
    bins : int
        Numbers are cut at quantiles into at most this many ranges.

    Returns
    -------
    dict of item to label
        Labels such as ``"1 to 5 words"``, sorted by slice: the first items of the slices come in the order of the
        slices.

    Raises
    ------
    ValueError
        For an unknown name, a labelling that does not apply to the kind of task, or fewer than two bins.

    Examples
    --------
    >>> from toolkit.prepare import RetrievalData, Task
    >>> data = RetrievalData({"d": "the red fox"}, {"p": "red fox", "q": "one long search for foxes"},
    ...                      {"p": {"d": 1}, "q": {"d": 1}})
    >>> slice_labels(Task("t", "retrieval", data, {}), "length", bins=2)
    {'p': '2 words', 'q': '5 words'}
    """
    check_task(task)
    ranked = task.kind in ("retrieval", "reranking")
    refused = [] if ranked else ["relevant", *["overlap"] * (task.kind in ("classification", "clustering"))]
    if by not in LABELLINGS or by in refused:
        known = ", ".join(repr(name) for name in LABELLINGS if name not in refused)
        raise ValueError(f"expected one of the labellings of kind {task.kind!r}, {known}; got {by!r}")
    if bins < 2:
        raise ValueError(f"expected at least two bins, got {bins}")
    if by == "language":
        labels = prepare.text.assign_languages([row[0] for row in _texts(task)])
        order = [code for code, _ in Counter(labels).most_common()]
    elif by == "group":
        groups = [task.group_of(item) for item in task.items]
        sizes = Counter(groups)
        largest = {g: f"group {g} ({n} {ITEMS[task.kind]})" for g, n in sizes.most_common(MAX_GROUP_SLICES) if n > 1}
        rest = f"the other {len(sizes) - len(largest)} groups"
        labels, order = [largest.get(group, rest) for group in groups], [*largest.values(), rest]
    elif by == "length":
        labels, order = in_bins([sum(len(text.split()) for text in row) for row in _texts(task)], bins, "word", "words")
    elif by == "relevant":
        counts = [sum(grade > 0 for grade in task.data.qrels[query].values()) for query in task.data.queries]
        labels, order = in_bins(counts, bins, "relevant document", "relevant documents")
    else:
        shares = [round(100 * share) for share in _overlaps(task)]
        labels, order = in_bins(shares, bins, "% of the words shared", "% of the words shared")
    place = {label: number for number, label in enumerate(order)}
    return dict(sorted(zip(task.items, labels, strict=True), key=lambda pair: place[pair[1]]))


def in_bins(values: Sequence[int], bins: int, one: str, many: str) -> tuple[list[str], list[str]]:
    """Label whole numbers by ranges with about equally many items; equal numbers stay together.

    Returns the label of each number, and all labels in order.

    Examples
    --------
    >>> in_bins([1, 1, 2, 3, 9, 9], 3, "word", "words")[1]
    ['1 word', '2 to 3 words', '9 words']
    """
    found = np.asarray(values)
    ends = np.unique(np.quantile(found, np.arange(1, bins + 1) / bins, method="inverted_cdf"))
    at = np.searchsorted(ends, found)
    ranges = [(int(part.min()), int(part.max())) for part in (found[at == number] for number in range(len(ends)))]
    names = [f"{a} {one if a == 1 else many}" if a == b else f"{a} to {b} {many}" for a, b in ranges]
    return [names[number] for number in at], names


def _texts(task: Task) -> list[list[str]]:
    """Return the texts of each item: the query alone, or all texts of the row."""
    if task.kind in ("retrieval", "reranking"):
        return [[text] for text in task.data.queries.values()]
    columns = [list(task.rows[column]) for column in ("text", "sentence1", "sentence2") if column in task.rows]
    return [list(row) for row in zip(*columns, strict=True)]


def _overlaps(task: Task) -> list[float]:
    """Compute the share of words that each item shares with its answer, 0 to 1."""
    if task.kind not in ("retrieval", "reranking"):
        sides = [(set(words(one)), set(words(two))) for one, two in task.rows[["sentence1", "sentence2"]].to_numpy()]
        return [len(one & two) / len(one | two) if one | two else 0.0 for one, two in sides]
    data = task.data
    relevant = {query: [d for d, grade in data.qrels[query].items() if grade > 0] for query in data.queries}
    known = {d: set(words(data.corpus[d])) for documents in relevant.values() for d in documents}
    shares = []
    for query, text in data.queries.items():
        asked = set(words(text))
        shares.append(max(len(asked & known[d]) for d in relevant[query]) / len(asked) if asked else 0.0)
    return shares
