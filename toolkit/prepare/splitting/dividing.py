"""Groups of items to parts: whole, at random, in the sizes that were asked for, with every label in every part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

FEWEST = 3  # groups of a label that can be in train, dev and test

Parts = dict[str, list[str]]
Members = Mapping[Any, Sequence[str]]


def drawn(members: Members, order: Sequence[Any], wanted: Mapping[str, float], cap: float) -> Parts:
    """Whole groups, in this order, to the first part that has room for them; then those that bring a part nearer.

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
        part = next(
            (
                name
                for name, target in wanted.items()
                if size <= max(1, cap * target) and len(parts[name]) + size <= max(1, target)
            ),
            "train",
        )
        if part == "train":
            left.append(group)
        parts[part] += members[group]
    for name, target in wanted.items():
        if target - len(parts[name]) >= 1:
            left = _topped_up(parts, name, target, members, left, cap)
    parts["train"] = [item for group in left for item in members[group]]
    return parts


def _topped_up(
    parts: Parts, name: str, target: float, members: Members, left: list[Any], cap: float
) -> list[Any]:  # fmt: skip
    """Move groups out of `left` into a part while they bring it nearer to its size; never the last one."""
    kept: list[Any] = []
    for place, group in enumerate(left):
        have, size = len(parts[name]), len(members[group])
        nearer = abs(have + size - target) < abs(have - target) and size <= max(1, cap * target)
        if nearer and len(kept) + len(left) - place > 1:
            parts[name] += members[group]
        else:
            kept.append(group)
    return kept


def stratified(
    members: Members, order: Sequence[Any], wanted: Mapping[str, float], cap: float, label_of: Mapping[str, Any]
) -> Parts:
    """Whole groups, in this order, to the first part that has room for their labels.

    The largest group of each label stays in train, so that every label is learnt from. A part has room for its share of
    each label, rounded so that the shares add up; a part that got nothing of a label gets the smallest group that has
    it, where that fits under the cap.
    """
    n = len(label_of)
    total = Counter(label_of.values())
    holders: dict[Any, list[Any]] = {}
    for group in order:
        for label in dict.fromkeys(label_of[item] for item in members[group]):
            holders.setdefault(label, []).append(group)
    kept = _staying(members, holders)
    room = {name: _shares(total, target / n, holders) for name, target in wanted.items()}
    where: dict[Any, str] = {}
    for group in order:
        counts = Counter(label_of[item] for item in members[group])
        fits = [
            name
            for name, target in wanted.items()
            if group not in kept
            and len(members[group]) <= max(1, cap * target)
            and all(room[name][label] >= count for label, count in counts.items())
        ]
        where[group] = fits[0] if fits else "train"
        if fits:
            room[fits[0]].subtract(counts)
    for name, target in wanted.items():
        for groups in holders.values():
            if not any(where[group] == name for group in groups):
                free = [group for group in groups if where[group] == "train" and group not in kept]
                small = min(free, key=lambda group: len(members[group]), default=None)
                if small is not None and len(members[small]) <= max(1, cap * target):
                    where[small] = name
    parts: Parts = {"test": [], "dev": [], "train": []}
    for group in order:
        parts[where[group]] += members[group]
    return parts


def _staying(members: Members, holders: Mapping[Any, Sequence[Any]]) -> set[Any]:
    """Groups that give train at least one of every label: the largest of each."""
    kept: set[Any] = set()
    for groups in holders.values():
        if not kept.intersection(groups):
            kept.add(max(groups, key=lambda group: len(members[group])))
    return kept


def _shares(total: Counter[Any], share: float, holders: Mapping[Any, Sequence[Any]]) -> Counter[Any]:
    """How many of each label a part has room for: rounded one after the other, so that no half is lost in the sum."""
    shares: Counter[Any] = Counter()
    before, running = 0, 0.0
    for label, count in total.items():
        running += count * share
        shares[label] = max(
            round(running) - before, 1 if len(holders[label]) > len(("train", "dev", "test")) - 1 else 0
        )
        before = round(running)
    return shares


def newest(members: Members, age: Mapping[str, int], wanted: Mapping[str, float], cap: float) -> Parts:
    """The newest items to test, the next to dev; of a group that spans parts only those of one part are kept.

    That part is the newest, or train for a group that would fill more than `cap` of the newest.
    """
    last_test, last_dev = round(wanted["test"]), round(wanted["test"] + wanted["dev"])
    parts: Parts = {"test": [], "dev": [], "train": [], "left out": []}
    for items in members.values():
        of = {item: "test" if age[item] < last_test else "dev" if age[item] < last_dev else "train" for item in items}
        reached = set(of.values())
        part = next(
            (name for name, target in wanted.items()
             if name in reached and sum(of[item] == name for item in items) <= max(1, cap * target)), "train"
        )  # fmt: skip
        for item in items:
            parts[part if of[item] == part else "left out"].append(item)
    return parts
