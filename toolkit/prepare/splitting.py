"""Split so that nothing of the test was seen in training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit.prepare.duplicates import normal
from toolkit.prepare.shapes import Split, Task
from toolkit.prepare.tasks import task

if TYPE_CHECKING:
    from datasets import Dataset

LARGEST = 0.1  # a group that would fill more than this share of dev or test goes to train


def split(
    dataset: Dataset,
    *,
    sizes: tuple[float, float, float] = (0.8, 0.1, 0.1),
    groups: str | Sequence[object] | None = "auto",
    seed: int = 0,
) -> Split:
    """Divide pairs into train, dev and test without cutting a group.

    Groups are those of `task`. They are drawn in random order into test, then dev, then train; one that would fill
    more than a tenth of dev or test goes to train, so that no single group decides a result. Dev and test search the
    whole corpus, documents of the training part included.

    Parameters
    ----------
    dataset : Dataset
        Columns ``anchor``, ``positive`` and, optionally, ``positive_id`` and ``group``; see `toolkit.prepare.clean`.
    sizes : three floats
        Shares of the queries for train, dev and test; they sum to 1.
    groups : "auto", sequence of labels, or None
        As in `task`. None makes the split by rows that leaks.
    seed : int
        Seed of the order in which groups are drawn.

    Raises
    ------
    ValueError
        For sizes that do not sum to 1, or data with too few groups to give every part one.
    """
    if len(sizes) != 3 or min(sizes) <= 0 or abs(sum(sizes) - 1) > 1e-9:
        raise ValueError(f"expected three positive sizes that sum to 1, got {sizes}")
    whole = task(dataset, groups=groups)
    members: dict[Any, list[str]] = {}
    for query in whole.data.queries:
        members.setdefault(whole.groups[query], []).append(query)
    n = len(whole.data.queries)
    if len(members) < 10:
        raise ValueError(
            f"the {n} queries form {len(members)} groups, at least 10 are needed: most of the texts are near-copies "
            f"of each other or share documents. Give more varied data, or groups of your own."
        )
    order = list(members)
    np.random.default_rng(seed).shuffle(order)
    parts: dict[str, list[str]] = {"test": [], "dev": [], "train": []}
    wanted = {"test": sizes[2] * n, "dev": sizes[1] * n}
    for group in order:
        size = len(members[group])
        part = next(
            (
                name
                for name, target in wanted.items()
                if size <= max(1, LARGEST * target) and len(parts[name]) + size <= max(1, target)
            ),
            "train",
        )
        parts[part] += members[group]
    if not (parts["train"] and parts["dev"] and parts["test"]):
        counts = ", ".join(f"{name} {len(queries)}" for name, queries in parts.items())
        raise ValueError(f"{n} queries are too few for sizes {sizes}: {counts}. Give more data or other sizes.")
    dev, test = whole.only(parts["dev"], "dev"), whole.only(parts["test"], "test")
    return Split(_rows(dataset, whole, parts["train"]), dev, test, *_account(parts, whole, members, sizes))


def _rows(dataset: Dataset, whole: Task, queries: Sequence[str]) -> Dataset:
    """The rows whose search is one of `queries`, with the columns and the order that trainers expect."""
    wanted = {normal(whole.data.queries[query]) for query in queries}
    rows = [i for i, anchor in enumerate(dataset["anchor"][:]) if normal(anchor) in wanted]
    return dataset.select(rows).select_columns(["anchor", "positive"])


def _account(
    parts: dict[str, list[str]], whole: Task, members: dict[Any, list[str]], sizes: tuple[float, float, float]
) -> tuple[pd.DataFrame, list[str]]:
    n = len(whole.data.queries)
    rows = []
    for name, wanted in zip(("train", "dev", "test"), sizes, strict=True):
        queries = parts[name]
        groups = {whole.groups[query] for query in queries}
        rows.append({"part": name, "queries": len(queries), "groups": len(groups),
                     "share": round(len(queries) / n, 3), "wanted": wanted})  # fmt: skip
    notes = []
    largest = max(map(len, members.values()))
    if largest > 0.2 * n:
        notes.append(
            f"One group holds {largest:,} of {n:,} queries: they are linked by shared documents or near-copies, one "
            f"to the next. It went to train, so dev and test may not look like it. If the link is a text that says "
            f"nothing (a greeting, a template), clean it away first; or give groups of your own."
        )
    return pd.DataFrame(rows), notes
