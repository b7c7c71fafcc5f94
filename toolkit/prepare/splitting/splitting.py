"""Split so that nothing of the test was seen in training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit.prepare.frames import documents_of, to_dataset
from toolkit.prepare.schema import SHAPES, TABLE_KINDS, is_negative, task_shape
from toolkit.prepare.splitting.dividing import Members, Parts, drawn, newest, stratified
from toolkit.prepare.splitting.near_copies import CLOSE
from toolkit.prepare.splitting.tasks import columns_of, table_groups, task
from toolkit.prepare.tasks import Split, Task
from toolkit.prepare.values import normal, times

if TYPE_CHECKING:
    from datasets import Dataset

    from toolkit.prepare.frames import Rows

LARGEST = 0.1  # a group that would fill more than this share of dev or test goes to train ...
CAPS = (LARGEST, 0.2, 0.4, 1.0)  # ... unless so little would be left that larger ones must be let in
FEWEST = 10  # groups


class TooFewGroupsError(ValueError):
    """There are too few independent groups of searches or rows to train on some and test on others."""


def split(
    dataset: Rows | str | Path,
    *,
    sizes: tuple[float, float, float] = (0.8, 0.1, 0.1),
    groups: str | Sequence[object] | None = "auto",
    documents: Sequence[str] = (),
    model: Any = None,
    cosine: float = CLOSE,
    seed: int = 0,
) -> Split:
    """Divide data of any shape into train, dev and test without cutting a group.

    Groups are those of `task`. They are drawn in random order into test, then dev, then train; one that would fill
    more than a tenth of dev or test goes to train, so that no single group decides a result (where all groups are
    large, larger ones are let in, and a note says so). Dev and test of pairs and triplets search the whole corpus,
    documents of the training part included. Where rows have labels, each part gets its share of every label, as nearly
    as whole groups allow.

    Where the data have a column ``time``, the newest items are the test, those before them dev, and the rest train.
    Of a group that spans two parts the older items are left out, so that nothing is cut in silence.

    Parameters
    ----------
    dataset : Dataset, result of `load`, `clean` or `pairs`, DataFrame, mapping, list, or name or path
        Columns of a shape (see `toolkit.prepare.shape_of`) and, optionally, ``id``, ``positive_id``, ``group`` and
        ``time`` (dates or numbers); see `toolkit.prepare.clean`.
    sizes : three floats
        Shares of the searches, or of the rows, for train, dev and test; they sum to 1.
    groups : "auto", sequence of labels, or None
        As in `task`. None makes the split by rows that leaks.
    documents : sequence of str
        As in `task`.
    model, cosine
        As in `task`: near-copies by vectors too.
    seed : int
        Seed of the order in which groups are drawn.

    Returns
    -------
    Split
        Dev and test of labelled texts are tasks of kind classification that learn from the training part.

    Raises
    ------
    TooFewGroupsError
        A ValueError: the data have too few groups to give every part one.
    ValueError
        For sizes that do not sum to 1, or times that cannot be read.
    """
    if len(sizes) != 3 or min(sizes) <= 0 or abs(sum(sizes) - 1) > 1e-9:
        raise ValueError(f"expected three positive sizes that sum to 1, got {sizes}")
    if isinstance(dataset, (str, Path)):
        from toolkit.prepare.sources.loading import load

        dataset = load(dataset)
    documents, dataset = documents_of(dataset, documents), to_dataset(dataset)
    shape = task_shape(dataset.column_names).name
    if "retrieval" in SHAPES[shape].kinds:
        whole = task(dataset, kind="retrieval", groups=groups, documents=documents, model=model, cosine=cosine)
        age = _age(dataset, whole) if "time" in dataset.column_names else None
        parts, members = _divided(whole.groups, sizes, seed, age, None, "queries")
        table, notes = _account(parts, members, sizes, "queries", whole.data.queries)
        if table.set_index("part")["groups"]["test"] < 20:
            notes.append(_few(table, whole))
        dev, test = whole.only(parts["dev"], "dev"), whole.only(parts["test"], "test")
        return Split(_rows(dataset, whole, parts["train"]), dev, test, table, notes)
    if len(documents):
        raise ValueError(f"documents= are searched by pairs and triplets; got {len(documents)} with {shape}")
    found = table_groups(dataset, shape, groups, model=model, cosine=cosine)
    group_of = {str(row): group for row, group in enumerate(found.tolist())}
    labels = dict(zip(group_of, dataset["label"][:], strict=True)) if "label" in dataset.column_names else None
    if labels and pd.isna(list(labels.values())).any():
        raise ValueError(f"column 'label' is empty in {int(pd.isna(list(labels.values())).sum())} rows: leave them out")
    age = _places(times(dataset["time"][:])) if "time" in dataset.column_names else None
    parts, members = _divided(group_of, sizes, seed, age, labels, "rows")
    column = "text" if shape == "labelled texts" else "sentence1"
    texts = dict(zip(group_of, dataset[column][:], strict=True))
    table, notes = _account(parts, members, sizes, "rows", texts)
    return Split(*_tables(dataset, shape, parts, group_of), table, [*notes, *_labels(parts, labels)])


def _divided(
    group_of: Mapping[str, Any], sizes: tuple[float, float, float], seed: int, age: Mapping[str, int] | None,
    labels: Mapping[str, Any] | None, noun: str,
) -> tuple[Parts, Members]:  # fmt: skip
    """Items to parts, and the items of each group."""
    members: dict[Any, list[str]] = {}
    for item, group in group_of.items():
        members.setdefault(group, []).append(item)
    n = len(group_of)
    if len(members) < FEWEST:
        raise TooFewGroupsError(
            f"the {n} {noun} form {len(members)} groups, at least {FEWEST} are needed: most of the texts are "
            f"near-copies of each other or share documents. Give more varied data, or groups of your own."
        )
    wanted = {"test": sizes[2] * n, "dev": sizes[1] * n}
    order = list(members)
    np.random.default_rng(seed).shuffle(order)
    how: Callable[[float], Parts] = lambda cap: drawn(members, order, wanted, cap)  # noqa: E731
    if age is not None:
        how = lambda cap: newest(members, age, wanted, cap)  # noqa: E731
    elif labels is not None:
        how = lambda cap: stratified(members, order, wanted, cap, labels)  # noqa: E731
    for cap in CAPS:
        parts = how(cap)
        if all(len(parts[name]) >= 0.5 * wanted[name] for name in wanted) and parts["train"]:
            break
    if not (parts["train"] and parts["dev"] and parts["test"]):
        counts = ", ".join(f"{name} {len(items)}" for name, items in parts.items())
        raise TooFewGroupsError(f"{n} {noun} are too few for sizes {sizes}: {counts}. Give more data or other sizes.")
    return parts, members


def _places(moments: np.ndarray) -> dict[str, int]:
    """The place of each row among all, the newest first."""
    return {str(row): place for place, row in enumerate(np.argsort(-moments, kind="stable").tolist())}


def _age(dataset: Dataset, whole: Task) -> dict[str, int]:
    """The place of each query among all, the newest first; a query that came several times is as new as its last."""
    last: dict[str, float] = {}
    for anchor, when in zip(dataset["anchor"][:], times(dataset["time"][:]), strict=True):
        key = normal(anchor)
        last[key] = max(when, last.get(key, when))
    order = sorted(whole.data.queries, key=lambda query: -last[normal(whole.data.queries[query])])
    return {query: place for place, query in enumerate(order)}


def _rows(dataset: Dataset, whole: Task, queries: Sequence[str]) -> Dataset:
    """The rows whose search is one of `queries`, with the columns and the order that trainers expect."""
    wanted = {normal(whole.data.queries[query]) for query in queries}
    rows = [i for i, anchor in enumerate(dataset["anchor"][:]) if normal(anchor) in wanted]
    more = [name for name in dataset.column_names if is_negative(name)]
    more += ["score"] if more and "score" in dataset.column_names else []
    return dataset.select(rows).select_columns(["anchor", "positive", *more])


def _tables(
    dataset: Dataset, shape: str, parts: Parts, group_of: Mapping[str, Any]
) -> tuple[Dataset, Task, Task]:  # fmt: skip
    """Rows of a table as the training part and two tasks; rows keep their names, else their numbers in the whole."""
    kind = "classification" if shape == "labelled texts" else SHAPES[shape].kinds[0]
    data = columns_of(dataset, kind)
    if "id" not in data.column_names:
        data = data.add_column("id", list(group_of))
    rows = {name: sorted(map(int, items)) for name, items in parts.items()}
    train = dataset.select(rows["train"]).select_columns(list(TABLE_KINDS[kind]))
    made = []
    for name in ("dev", "test"):
        part = data.select(rows[name])
        groups = {str(item): group_of[str(row)] for item, row in zip(part["id"][:], rows[name], strict=True)}
        made.append(Task(name, kind, part, groups, train if kind == "classification" else None))
    return train, made[0], made[1]


def _account(
    parts: Parts, members: Members, sizes: tuple[float, float, float], noun: str, texts: Mapping[str, str]
) -> tuple[pd.DataFrame, list[str]]:
    n = len(texts)
    group_of = {item: group for group, items in members.items() for item in items}
    rows = []
    for name, wanted in (*zip(("train", "dev", "test"), sizes, strict=True), ("left out", 0.0)):
        items = parts.get(name, [])
        if items or name != "left out":
            rows.append({"part": name, noun: len(items), "groups": len({group_of[item] for item in items}),
                         "share": round(len(items) / n, 3), "wanted": wanted})  # fmt: skip
    notes = []
    largest = max(members.values(), key=len)
    if len(largest) > 0.2 * n:
        text, count = Counter(normal(texts[item]) for item in largest).most_common(1)[0]
        often = f" (it holds {text!r:.80} {count:,} times)" if count > 1 else ""
        notes.append(
            f"One group holds {len(largest):,} of {n:,} {noun}: they are linked by shared documents or near-copies, "
            f"one to the next{often}. It went to train, so dev and test may not look like it. If the link is a text "
            f"that says nothing (a greeting, a template), clean it away first; or give groups of your own."
        )
    if parts.get("left out"):
        notes.append(
            f"{len(parts['left out']):,} older {noun} are left out: they share a document, or nearly the words, with "
            f"newer ones that are tested on."
        )
    return pd.DataFrame(rows), notes


def _few(table: pd.DataFrame, whole: Task) -> str:
    judged = {document for row in whole.data.qrels.values() for document in row}
    return (
        f"The test holds only {table.set_index('part')['groups']['test']} independent groups of searches "
        f"({len(whole.data.queries):,} searches share {len(judged):,} documents): read its intervals as rough. No "
        f"answer of the test was seen in training, so this says how new answers are found."
    )


def _labels(parts: Parts, labels: Mapping[str, Any] | None) -> list[str]:
    """What is missing of the labels, in a sentence for each part."""
    if labels is None:
        return []
    every = set(labels.values())
    notes = []
    for name in ("train", "dev", "test"):
        missing = sorted(map(str, every - {labels[item] for item in parts[name]}))
        if missing:
            notes.append(
                f"{len(missing)} of {len(every)} labels are not in {name}, such as {missing[0]!r}: their texts form "
                f"too few groups, or the column time decides."
            )
    return notes
