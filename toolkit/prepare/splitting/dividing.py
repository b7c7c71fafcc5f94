"""Divide groups of items into train, dev and test: whole groups, requested sizes, every label in every part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

LARGEST = 0.1  # a group that would fill more than this share of dev or test goes to train ...
GROUP_CAPS = (LARGEST, 0.2, 0.4, 1.0)  # ... unless dev or test would be too small without larger groups
MIN_GROUPS = 10  # with fewer, nothing is split

Parts = dict[str, list[str]]
Members = Mapping[Any, Sequence[str]]


class TooFewGroupsError(ValueError):
    """Too few independent groups of queries or rows to split into train, dev and test."""


def divide(
    members: Members,
    sizes: tuple[float, float, float],
    seed: int,
    *,
    age: Mapping[str, int] | None = None,
    labels: Mapping[str, Any] | None = None,
    noun: str = "rows",
) -> Parts:
    """Divide the items of groups into train, dev and test without splitting a group.

    Parameters
    ----------
    members : mapping of group to list of items
    sizes : three floats
        Shares of the items for train, dev and test.
    seed : int
        Seed of the order in which groups are drawn.
    age : mapping of item to int, optional
        Rank of each item by time, newest first; the newest go to test.
    labels : mapping of item to label, optional
        Used without `age`: each part gets its share of every label.
    noun : str
        Name of the items in messages.

    Returns
    -------
    dict
        Items of ``train``, ``dev``, ``test`` and, with `age`, ``left out``.

    Raises
    ------
    TooFewGroupsError
    """
    n = sum(map(len, members.values()))
    if len(members) < MIN_GROUPS:
        few = f"the {n} {noun} form {len(members)} groups, but at least {MIN_GROUPS} are needed"
        raise TooFewGroupsError(
            f"{few}: most share texts or near-copies. Add more varied data, or pass your own groups."
        )
    wanted = {"test": sizes[2] * n, "dev": sizes[1] * n}
    order = list(members)
    np.random.default_rng(seed).shuffle(order)
    for cap in GROUP_CAPS:
        if age is not None:
            parts = newest(members, age, wanted, cap)
        elif labels is not None:
            parts = stratified(members, order, wanted, cap, labels)
        else:
            parts = drawn(members, order, wanted, cap)
        if all(len(parts[name]) >= 0.5 * wanted[name] for name in wanted) and parts["train"]:
            break
    if not (parts["train"] and parts["dev"] and parts["test"]):
        counts = ", ".join(f"{name} {len(items)}" for name, items in parts.items())
        raise TooFewGroupsError(f"{n} {noun} are too few for sizes {sizes}: {counts}. Add data or change sizes.")
    return parts


def drawn(members: Members, order: Sequence[Any], wanted: Mapping[str, float], cap: float) -> Parts:
    """Assign each group, in order, to the first part with room; then move groups that improve a size.

    A group that would fill more than `cap` of a part does not go there.

    Examples
    --------
    >>> drawn({0: "ab", 1: "cd", 2: "ef"}, [0, 1, 2], {"test": 2, "dev": 2}, cap=1)
    {'test': ['a', 'b'], 'dev': ['c', 'd'], 'train': ['e', 'f']}
    """
    parts: Parts = {"test": [], "dev": [], "train": []}
    left = []
    for group in order:
        size = len(members[group])
        for name, target in wanted.items():
            if size <= max(1, cap * target) and len(parts[name]) + size <= max(1, target):
                parts[name] += members[group]
                break
        else:
            left.append(group)
    for name, target in wanted.items():
        short = target - len(parts[name]) >= 1
        kept: list[Any] = []
        for place, group in enumerate(left):
            have, size = len(parts[name]), len(members[group])
            nearer = abs(have + size - target) < abs(have - target) and size <= max(1, cap * target)
            if short and nearer and len(kept) + len(left) - place > 1:  # train keeps at least one group
                parts[name] += members[group]
            else:
                kept.append(group)
        left = kept
    parts["train"] = [item for group in left for item in members[group]]
    return parts


def stratified(
    members: Members, order: Sequence[Any], wanted: Mapping[str, float], cap: float, label_of: Mapping[str, Any]
) -> Parts:
    """Assign each group, in order, to the first part with room for its labels.

    The largest group of each label stays in train, so that every label can be learned. A part has room for its share
    of each label, rounded so that the shares add up; a part without a label gets the smallest group that has it, where
    that fits under the cap.
    """
    total = Counter(label_of.values())
    counts = {group: Counter(label_of[item] for item in members[group]) for group in order}
    holders: dict[Any, list[Any]] = {}
    for group in order:
        for label in counts[group]:
            holders.setdefault(label, []).append(group)
    staying = _largest_of_each(members, holders)
    room = {name: _shares(total, target / len(label_of), holders) for name, target in wanted.items()}
    small = {group: [name for name in wanted if len(members[group]) <= max(1, cap * wanted[name])] for group in order}
    where = dict.fromkeys(order, "train")
    for group in (group for group in order if group not in staying):
        fits = (name for name in small[group] if all(room[name][label] >= n for label, n in counts[group].items()))
        where[group] = next(fits, "train")
        if where[group] != "train":
            room[where[group]].subtract(counts[group])
    for name in wanted:
        for groups in holders.values():
            if not any(where[group] == name for group in groups):
                movable = [group for group in groups if where[group] == "train" and group not in staying]
                smallest = min(movable, key=lambda group: len(members[group]), default=None)
                if smallest is not None and name in small[smallest]:
                    where[smallest] = name
    parts: Parts = {"test": [], "dev": [], "train": []}
    for group in order:
        parts[where[group]] += members[group]
    return parts


def _largest_of_each(members: Members, holders: Mapping[Any, Sequence[Any]]) -> set[Any]:
    """Choose groups that cover every label: the largest of each, unless one is already chosen."""
    chosen: set[Any] = set()
    for groups in holders.values():
        if not chosen.intersection(groups):
            chosen.add(max(groups, key=lambda group: len(members[group])))
    return chosen


def _shares(total: Counter[Any], share: float, holders: Mapping[Any, Sequence[Any]]) -> Counter[Any]:
    """Compute the room in a part for each label, with cumulative rounding so that totals add up."""
    shares: Counter[Any] = Counter()
    before, running = 0, 0.0
    for label, count in total.items():
        running += count * share
        least = 1 if len(holders[label]) > 2 else 0  # three groups or more: one for each part
        shares[label] = max(round(running) - before, least)
        before = round(running)
    return shares


def newest(members: Members, age: Mapping[str, int], wanted: Mapping[str, float], cap: float) -> Parts:
    """Put the newest items into test, the next into dev; for a group that spans parts, keep only the items of one.

    That part is the newest, or train for a group that would fill more than `cap` of the newest.
    """
    last_test, last_dev = round(wanted["test"]), round(wanted["test"] + wanted["dev"])
    parts: Parts = {"test": [], "dev": [], "train": [], "left out": []}
    for items in members.values():
        of = {item: "test" if age[item] < last_test else "dev" if age[item] < last_dev else "train" for item in items}
        counts = Counter(of.values())
        part = next((name for name, target in wanted.items() if 0 < counts[name] <= max(1, cap * target)), "train")
        for item in items:
            parts[part if of[item] == part else "left out"].append(item)
    return parts
