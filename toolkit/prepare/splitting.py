"""Split so that nothing of the test was seen in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit.prepare.duplicates import normal
from toolkit.prepare.moments import times
from toolkit.prepare.shapes import Split, Task
from toolkit.prepare.tasks import task

if TYPE_CHECKING:
    from datasets import Dataset

LARGEST = 0.1  # a group that would fill more than this share of dev or test goes to train ...
CAPS = (LARGEST, 0.2, 0.4, 1.0)  # ... unless so little would be left that larger ones must be let in
FEWEST = 10  # groups

Parts = dict[str, list[str]]


class TooFewGroupsError(ValueError):
    """There are too few independent groups of searches to train on some and test on others."""


def split(
    dataset: Dataset,
    *,
    sizes: tuple[float, float, float] = (0.8, 0.1, 0.1),
    groups: str | Sequence[object] | None = "auto",
    documents: Sequence[str] = (),
    seed: int = 0,
) -> Split:
    """Divide pairs into train, dev and test without cutting a group.

    Groups are those of `task`. They are drawn in random order into test, then dev, then train; one that would fill
    more than a tenth of dev or test goes to train, so that no single group decides a result (where all groups are
    large, larger ones are let in, and a note says so). Dev and test search the whole corpus, documents of the training
    part included.

    Where the data have a column ``time``, the newest searches are the test, those before them dev, and the rest train.
    Of a group that spans two parts the older searches are left out, so that nothing is cut in silence.

    Parameters
    ----------
    dataset : Dataset
        Columns ``anchor``, ``positive`` and, optionally, ``positive_id``, ``group`` and ``time`` (dates or numbers);
        see `toolkit.prepare.clean`.
    sizes : three floats
        Shares of the queries for train, dev and test; they sum to 1.
    groups : "auto", sequence of labels, or None
        As in `task`. None makes the split by rows that leaks.
    documents : sequence of str
        Texts that are searched too although no pair names them.
    seed : int
        Seed of the order in which groups are drawn.

    Raises
    ------
    TooFewGroupsError
        A ValueError: the data have too few groups to give every part one.
    ValueError
        For sizes that do not sum to 1, or times that cannot be read.
    """
    if len(sizes) != 3 or min(sizes) <= 0 or abs(sum(sizes) - 1) > 1e-9:
        raise ValueError(f"expected three positive sizes that sum to 1, got {sizes}")
    whole = task(dataset, groups=groups, documents=documents)
    members: dict[Any, list[str]] = {}
    for query in whole.data.queries:
        members.setdefault(whole.groups[query], []).append(query)
    n = len(whole.data.queries)
    if len(members) < FEWEST:
        raise TooFewGroupsError(
            f"the {n} queries form {len(members)} groups, at least {FEWEST} are needed: most of the texts are "
            f"near-copies of each other or share documents. Give more varied data, or groups of your own."
        )
    wanted = {"test": sizes[2] * n, "dev": sizes[1] * n}
    order = list(members)
    np.random.default_rng(seed).shuffle(order)
    age = _age(dataset, whole) if "time" in dataset.column_names else None
    for cap in CAPS:
        parts = _drawn(members, order, wanted, cap) if age is None else _newest(members, age, wanted, cap)
        if all(len(parts[name]) >= 0.5 * wanted[name] for name in wanted) and parts["train"]:
            break
    if not (parts["train"] and parts["dev"] and parts["test"]):
        counts = ", ".join(f"{name} {len(queries)}" for name, queries in parts.items())
        raise TooFewGroupsError(f"{n} queries are too few for sizes {sizes}: {counts}. Give more data or other sizes.")
    dev, test = whole.only(parts["dev"], "dev"), whole.only(parts["test"], "test")
    return Split(_rows(dataset, whole, parts["train"]), dev, test, *_account(parts, whole, members, sizes))


def _drawn(members: dict[Any, list[str]], order: Sequence[Any], wanted: dict[str, float], cap: float) -> Parts:
    """Whole groups, in this order, to the first part that has room for them."""
    parts: Parts = {"test": [], "dev": [], "train": []}
    for group in order:
        size = len(members[group])
        part = next(
            (
                name
                for name, target in wanted.items()
                if size <= max(1, cap * target) and len(parts[name]) + size <= max(1, target)
            ),
            "train",
        )
        parts[part] += members[group]
    return parts


def _newest(members: dict[Any, list[str]], age: dict[str, int], wanted: dict[str, float], cap: float) -> Parts:
    """The newest queries to test, the next to dev; of a group that spans parts only those of one part are kept.

    That part is the newest, or train for a group that would fill more than `cap` of the newest.
    """
    newest, next_newest = round(wanted["test"]), round(wanted["test"] + wanted["dev"])
    parts: Parts = {"test": [], "dev": [], "train": [], "left out": []}
    for queries in members.values():
        of = {q: "test" if age[q] < newest else "dev" if age[q] < next_newest else "train" for q in queries}
        reached = set(of.values())
        part = next(
            (name for name, target in wanted.items()
             if name in reached and sum(of[q] == name for q in queries) <= max(1, cap * target)), "train"
        )  # fmt: skip
        for query in queries:
            parts[part if of[query] == part else "left out"].append(query)
    return parts


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
    return dataset.select(rows).select_columns(["anchor", "positive"])


def _account(
    parts: Parts, whole: Task, members: dict[Any, list[str]], sizes: tuple[float, float, float]
) -> tuple[pd.DataFrame, list[str]]:
    n = len(whole.data.queries)
    rows = []
    for name, wanted in (*zip(("train", "dev", "test"), sizes, strict=True), ("left out", 0.0)):
        queries = parts.get(name, [])
        groups = {whole.groups[query] for query in queries}
        if queries or name != "left out":
            rows.append({"part": name, "queries": len(queries), "groups": len(groups),
                         "share": round(len(queries) / n, 3), "wanted": wanted})  # fmt: skip
    table = pd.DataFrame(rows)
    notes = []
    largest = max(map(len, members.values()))
    if largest > 0.2 * n:
        notes.append(
            f"One group holds {largest:,} of {n:,} queries: they are linked by shared documents or near-copies, one "
            f"to the next. It went to train, so dev and test may not look like it. If the link is a text that says "
            f"nothing (a greeting, a template), clean it away first; or give groups of your own."
        )
    tested = table.set_index("part")["groups"]["test"]
    if tested < 20:
        notes.append(
            f"The test holds only {tested} independent groups of searches ({n:,} searches "
            f"share {len({d for row in whole.data.qrels.values() for d in row}):,} documents): read its intervals as "
            f"rough. No answer of the test was seen in training, so this says how new answers are found."
        )
    if parts.get("left out"):
        notes.append(
            f"{len(parts['left out']):,} older queries are left out: they share a document, or nearly the words, with "
            f"newer ones that are tested on."
        )
    return table, notes
