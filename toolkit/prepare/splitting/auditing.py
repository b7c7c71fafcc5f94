"""Find what of a test was seen in training."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit.prepare.frames import to_dataset
from toolkit.prepare.schema import task_shape
from toolkit.prepare.splitting.groups import check_texts
from toolkit.prepare.splitting.near_copies import CLOSE, NEAR, overlapping
from toolkit.prepare.tasks import RetrievalData, Task
from toolkit.prepare.values import distinct

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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

Sides = dict[str, list[list[str]]]  # by the name of the side: the texts of each item


@dataclass(frozen=True)
class Audit:
    """Which test items were seen in training, and how.

    Attributes
    ----------
    table : DataFrame
        One row a test item. Of searches: ``query_id``, ``query`` and, as booleans, ``same_query near_query
        same_document near_document``; of a table: ``row``, ``text``, ``same_text near_text`` and, where rows hold two
        texts, ``same_pair``. A search or text that was seen in the same words does not count as a near-copy.
    examples : DataFrame
        One row for each way in which an item was seen: ``item reason test_text train_text``.
    share : float
        Share of test items with at least one reason, 0 to 1.
    """

    table: pd.DataFrame
    examples: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=list(EXAMPLES)))

    @property
    def reasons(self) -> list[str]:
        """The columns of the table that are reasons."""
        return [name for name in REASONS if name in self.table]

    @property
    def leaked(self) -> pd.Series:
        """Which rows of the table have a reason."""
        return self.table[self.reasons].any(axis=1)

    @property
    def share(self) -> float:
        """Share of test items with at least one reason, 0 to 1."""
        return float(self.leaked.mean())

    @property
    def counts(self) -> pd.DataFrame:
        """One row a reason, and one for any of them: ``reason n share``."""
        flags = {REASONS[name]: self.table[name] for name in self.reasons} | {"any of these": self.leaked}
        return pd.DataFrame(
            [{"reason": name, "n": int(flag.sum()), "share": float(flag.mean())} for name, flag in flags.items()]
        )

    @property
    def figure(self) -> Figure:
        """The counts as bars."""
        from toolkit import plots

        return plots.leaks(self.counts)

    @property
    def alt(self) -> str:
        """The figure in a sentence, for who cannot see it."""
        from toolkit import plots

        return plots.describe_leaks(self.counts)

    def __str__(self) -> str:
        noun = "searches" if "query_id" in self.table else "rows"
        counts = ", ".join(f"{REASONS[name]} {int(self.table[name].sum())}" for name in self.reasons)
        return f"{int(self.leaked.sum()):,} of {len(self.table):,} test {noun} ({self.share:.0%}): {counts}"

    def _repr_html_(self) -> str:
        from toolkit import plots

        shown = self.examples.drop_duplicates("item").head(10)
        picture = plots.img(self.figure, self.alt)
        return f"<p>{html.escape(str(self))}</p>{picture}{shown.to_html(index=False)}"


def audit(train: Rows | Task, test: Rows | Task, *, model: Any = None, cosine: float = CLOSE) -> Audit:
    """Look up every test item in the training data: what was seen there, in the same words or nearly so.

    Of searches, the search is looked up among the training searches and its relevant documents among the training
    documents; where a text stands on both sides of the data, as in duplicates of questions, each is looked up on both.
    Of tables every text is looked up among all texts, on whichever side it stands. Negatives of training are no
    answers: they do not count.

    Parameters
    ----------
    train, test : Task, Dataset, result of `load`, `clean` or `pairs`, DataFrame, mapping or list
        Of any shape (see `toolkit.prepare.shape_of`; columns may stand in any order), also each of another: then all
        texts of one are looked up among all of the other.
    model : model, optional
        With it, texts whose vectors reach `cosine` count as near-copies too.
    cosine : float
        See `toolkit.prepare.splits.duplicates.close_pairs`.

    Returns
    -------
    Audit
        Near-copies are those of `toolkit.prepare.near_pairs`.

    Examples
    --------
    >>> from datasets import Dataset
    >>> seen = Dataset.from_dict({"text": ["How do I open an account?"], "label": [0]})
    >>> test = Dataset.from_dict({"text": ["how do I open an account", "Where is my card?"], "label": [0, 1]})
    >>> print(audit(seen, test))
    1 of 2 test rows (50%): same text 1, near-copy of a text 0
    """
    names, asked = _sides(test)
    _, known = _sides(train)
    if set(asked) != set(known):
        asked, known = _pooled(asked), _pooled(known)
    heads = asked["query" if "query" in asked else "text"]
    rows = {"query_id" if "query" in asked else "row": names, "query" if "query" in asked else "text":
            [texts[0] for texts in heads]}  # fmt: skip
    training = {side: [text for texts in items for text in texts] for side, items in known.items()}
    if "query" in asked and _two_sided(asked, known):
        both = [text for texts in training.values() for text in texts]
        training = dict.fromkeys(training, both)
    flags: dict[str, list[bool]] = {}
    examples: list[tuple[int, str, str, str]] = []
    for side, items in asked.items():
        texts = [text for item in items for text in item]
        owner = np.repeat(np.arange(len(items)), [len(item) for item in items])
        for reason, seen in zip((f"same_{side}", f"near_{side}"), _seen(texts, training[side], model, cosine),
                                strict=True):  # fmt: skip
            flag = np.zeros(len(items), dtype=bool)
            flag[owner[seen >= 0]] = True
            flags[reason] = flag.tolist()
            hits = np.flatnonzero(seen >= 0)
            hits = hits[np.unique(owner[hits], return_index=True)[1]]
            examples += [(int(owner[i]), reason, texts[i], training[side][seen[i]]) for i in hits]
    if "text" in asked and max(map(len, heads)) == 2:
        whole = {_pair(texts) for texts in known["text"]}
        flags["same_pair"] = [_pair(texts) in whole for texts in heads]
    order = sorted(examples, key=lambda example: (example[0], list(REASONS).index(example[1])))
    shown = [(names[item], REASONS[reason], here, there) for item, reason, here, there in order]
    return Audit(pd.DataFrame(rows | flags), pd.DataFrame(shown, columns=list(EXAMPLES)))


def _sides(data: Rows | Task) -> tuple[list[str], Sides]:
    """Names of the items, and the texts of each by side: searches and their answers, or the texts of a row."""
    if isinstance(data, Task):
        if isinstance(data.data, RetrievalData):
            found, wanted = data.data, data.items
            answers = [[found.corpus[d] for d, grade in found.qrels[q].items() if grade > 0] for q in wanted]
            return wanted, {"query": [[found.queries[q]] for q in wanted], "document": answers}
        frame, names = data.rows, data.items
    else:
        rows = to_dataset(data)
        task_shape(rows.column_names)
        frame = rows.to_pandas()
        names = [str(name) for name in (frame["id"] if "id" in frame else range(len(frame)))]
    if {"anchor", "positive"} <= set(frame):
        check_texts(frame, ["anchor", "positive"])
        return names, {"query": [[text] for text in frame["anchor"]], "document": [[t] for t in frame["positive"]]}
    columns = ["sentence1", "sentence2"] if "sentence1" in frame else ["text"]
    check_texts(frame, columns)
    return names, {"text": frame[columns].to_numpy().tolist()}


def _pooled(sides: Sides) -> Sides:
    return {"text": [[*chain(*texts)] for texts in zip(*sides.values(), strict=True)]}


def _two_sided(*sides: Mapping[str, list[list[str]]]) -> bool:
    """Whether a text is a search here and a document there."""
    pools = [distinct(text for part in sides for texts in part[side] for text in texts)[0] for side in
             ("query", "document")]  # fmt: skip
    return bool(set(pools[0]) & set(pools[1]))


def _pair(texts: Sequence[str]) -> tuple[str, ...]:
    from toolkit.prepare.values import normal

    return tuple(sorted(map(normal, texts)))


def _seen(texts: list[str], training: list[str], model: Any, cosine: float) -> tuple[np.ndarray, np.ndarray]:
    """For each text the place in `training` of the same words, and else of a near-copy; -1 where there is none."""
    keys, number_of, first = distinct([*training, *texts])
    boundary = int(np.searchsorted(first, len(training)))  # distinct texts of training come first
    numbers = number_of[len(training) :]
    same = np.where(numbers < boundary, first[np.minimum(numbers, max(boundary - 1, 0))], -1)
    near_of = np.full(len(keys), -1, dtype=np.int64)
    asked = set(numbers[numbers >= boundary].tolist())
    if boundary and asked:
        pairs = overlapping(keys, NEAR, boundary=boundary)
        near_of[pairs[:, 1]] = first[pairs[:, 0]]
        # A text whose very words are in training counts as the same, whatever else there is nearly the same.
        if model is not None:
            from toolkit.vectors import encode, nearest

            new = np.array(sorted(asked))
            sides = [[*training, *texts][place] for place in first]
            known = encode(model, sides[:boundary])
            scores, ids = nearest(encode(model, [sides[i] for i in new]), known, 1)
            close = scores[:, 0] >= cosine
            near_of[new[close]] = first[ids[close, 0]]
    return same, np.where(same >= 0, -1, near_of[numbers])
