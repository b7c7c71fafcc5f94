"""Find test items that were seen in training."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit import plots
from toolkit.prepare.frames import to_dataset
from toolkit.prepare.schema import PAIR, task_shape
from toolkit.prepare.splitting.groups import texts_in
from toolkit.prepare.splitting.near_copies import CLOSE, NEAR, overlapping
from toolkit.prepare.tasks import RetrievalData, Task
from toolkit.prepare.values import distinct, normal
from toolkit.vectors import encode, nearest

if TYPE_CHECKING:
    from toolkit.prepare.frames import Rows

REASONS = {
    "same_query": "same search",
    "near_query": "near-copy of the search",
    "same_document": "same document",
    "near_document": "near-copy of the document",
    "same_text": "same text",
    "near_text": "near-copy of a text",
    "same_pair": "both texts in one row of training",
}
EXAMPLES = ("item", "reason", "test_text", "train_text")

Sides = dict[str, list[list[str]]]  # name of the side: the texts of each item


@dataclass(frozen=True)
class Audit:
    """Which test items were seen in training, and how.

    Attributes
    ----------
    table : DataFrame
        One row per test item. For retrieval: ``query_id``, ``query`` and, as booleans, ``same_query near_query
        same_document near_document``; for a table: ``row``, ``text``, ``same_text near_text`` and, where rows hold two
        texts, ``same_pair``. A text that was seen verbatim does not count as a near-copy.
    examples : DataFrame
        One row for each way in which an item was seen: ``item reason test_text train_text``.
    share : float
        Share of test items with at least one reason, 0 to 1.
    """

    table: pd.DataFrame
    examples: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(EXAMPLES)))

    @property
    def reasons(self) -> list[str]:
        """Names of the columns of the table that are reasons."""
        return [name for name in REASONS if name in self.table]

    @property
    def leaked(self) -> pd.Series:
        """Whether each row of the table has a reason."""
        return self.table[self.reasons].any(axis=1)

    @property
    def share(self) -> float:
        """Share of test items with at least one reason, 0 to 1."""
        return float(self.leaked.mean())

    @property
    def counts(self) -> pd.DataFrame:
        """One row per reason, and one for any of them: ``reason n share``."""
        flags = self.table[self.reasons].rename(columns=REASONS).assign(**{"any of these": self.leaked})
        counts = pd.DataFrame({"n": flags.sum().astype(int), "share": flags.mean().astype(float)})
        return counts.rename_axis("reason").reset_index()

    @property
    def picture(self) -> plots.Picture:
        """The counts as bars."""
        return plots.leaks(self.counts)

    def __str__(self) -> str:
        noun = "searches" if "query_id" in self.table else "rows"
        counts = ", ".join(f"{REASONS[name]} {int(self.table[name].sum())}" for name in self.reasons)
        return f"{int(self.leaked.sum()):,} of {len(self.table):,} test {noun} ({self.share:.0%}): {counts}"

    def _repr_html_(self) -> str:
        shown = self.examples.drop_duplicates("item").head(10)
        return f"<p>{html.escape(str(self))}</p>{self.picture.html()}{shown.to_html(index=False)}"


def audit(train: Rows | Task, test: Rows | Task, *, model: Any = None) -> Audit:
    """Find the test items that were seen in training, verbatim or as near-copies.

    A query is looked up among the training queries, and its relevant documents among the training documents, or both
    among all texts if some text is both a query and a document, as with duplicate questions. Texts of tables are looked
    up among all texts. Negatives in training are not answers, so they do not count.

    Parameters
    ----------
    train, test : Task, Dataset, result of `load`, `clean` or `make_pairs`, DataFrame, mapping or list
        Of any shape (see `toolkit.prepare.frames.shape_of`; columns in any order). If the two differ in shape, all
        texts of one are looked up among all of the other.
    model : model, optional
        With it, texts whose vectors have a cosine of 0.95 or more count as near-copies too (see
        `toolkit.prepare.splitting.close_pairs`).

    Returns
    -------
    Audit
        Near-copies are those of `toolkit.prepare.splitting.near_pairs`.

    Raises
    ------
    ValueError
        For data of no known shape, or with missing texts.

    Examples
    --------
    >>> from datasets import Dataset
    >>> seen = Dataset.from_dict({"text": ["How do I open an account?"], "label": [0]})
    >>> test = Dataset.from_dict({"text": ["how do I open an account", "Where is my card?"], "label": [0, 1]})
    >>> print(audit(seen, test))
    1 of 2 test rows (50%): same text 1, near-copy of a text 0
    """
    names, tested = _sides(test)
    _, trained = _sides(train)
    if set(tested) != set(trained):
        tested, trained = ({"text": [[*chain(*texts)] for texts in zip(*sides.values(), strict=True)]}
                           for sides in (tested, trained))  # fmt: skip
    search = "query" in tested
    heads = tested["query" if search else "text"]
    training = {side: [*chain(*items)] for side, items in trained.items()}
    if search:
        pools = [{normal(text) for text in chain(*tested[side], *trained[side])} for side in ("query", "document")]
        if pools[0] & pools[1]:
            every = [*chain(*training.values())]
            training = {"query": every, "document": every}
    flags: dict[str, list[bool]] = {}
    examples: list[tuple[int, str, str, str]] = []
    for side, items in tested.items():
        texts = [*chain(*items)]
        owner = np.repeat(np.arange(len(items)), [len(item) for item in items])
        same, near = _seen(texts, training[side], model)
        for reason, seen in ((f"same_{side}", same), (f"near_{side}", near)):
            hits = np.flatnonzero(seen >= 0)
            flags[reason] = np.isin(np.arange(len(items)), owner[hits]).tolist()
            hits = hits[np.unique(owner[hits], return_index=True)[1]]
            examples += [(int(owner[i]), reason, texts[i], training[side][seen[i]]) for i in hits]
    if not search and max(map(len, heads)) == 2:
        seen_pairs = {tuple(sorted(map(normal, texts))) for texts in trained["text"]}
        flags["same_pair"] = [tuple(sorted(map(normal, texts))) in seen_pairs for texts in heads]
    order = sorted(examples, key=lambda example: (example[0], list(REASONS).index(example[1])))
    shown = [(names[item], REASONS[reason], here, there) for item, reason, here, there in order]
    rows = {"query_id" if search else "row": names, "query" if search else "text": [texts[0] for texts in heads]}
    return Audit(pd.DataFrame(rows | flags), pd.DataFrame(shown, columns=list(EXAMPLES)))


def _sides(data: Rows | Task) -> tuple[list[str], Sides]:
    """Return names of the items, and the texts of each by side: query and relevant documents, or texts of a row."""
    if isinstance(data, Task) and isinstance(data.data, RetrievalData):
        found, items = data.data, data.items
        relevant = [[found.corpus[d] for d, grade in found.qrels[q].items() if grade > 0] for q in items]
        return items, {"query": [[found.queries[q]] for q in items], "document": relevant}
    rows: Any = data.data if isinstance(data, Task) else to_dataset(data)
    shape = task_shape(rows.column_names)
    columns = texts_in(rows, shape.texts)
    names = [str(name) for name in (rows["id"][:] if "id" in rows.column_names else range(len(rows)))]
    if shape.texts == PAIR:
        return names, {"query": [[text] for text in columns[0]], "document": [[text] for text in columns[1]]}
    return names, {"text": [list(texts) for texts in zip(*columns, strict=True)]}


def _seen(texts: list[str], training: list[str], model: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return for each text the position in `training` of an equal text, else of a near-copy, else -1."""
    every = [*training, *texts]
    keys, number_of, first = distinct(every)
    boundary = int(np.searchsorted(first, len(training)))  # distinct texts of training come first
    numbers = number_of[len(training) :]
    same = np.where(numbers < boundary, first[np.minimum(numbers, max(boundary - 1, 0))], -1)
    near_of = np.full(len(keys), -1, dtype=np.int64)
    new = np.unique(numbers[numbers >= boundary])
    if boundary and len(new):
        pairs = overlapping(keys, NEAR, boundary=boundary)
        near_of[pairs[:, 1]] = first[pairs[:, 0]]
        if model is not None:
            known = encode(model, [every[place] for place in first[:boundary]])
            scores, ids = nearest(encode(model, [every[place] for place in first[new]]), known, 1)
            close = scores[:, 0] >= CLOSE
            near_of[new[close]] = first[ids[close, 0]]
    return same, np.where(same >= 0, -1, near_of[numbers])
