"""Groups go to parts whole, in the sizes asked for, with every label, beside scikit-learn's group splitters."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupShuffleSplit, StratifiedGroupKFold

from toolkit.prepare import Split, Task, audit, split
from toolkit.prepare.frames import shape_of
from toolkit.prepare.splitting.dividing import drawn, stratified


def sentence(*key: object, words: int = 9) -> str:
    """A text that shares no word with another."""
    return " ".join("x".join(map(str, (*key, word))) for word in range(words))


def labelled(seed: int, n: int, labels: int = 4, chained: float = 0.3) -> Dataset:
    """Texts with labels of unequal size; some are near-copies of another with any label."""
    rng = np.random.default_rng(seed)
    texts = [sentence("t", seed, row) for row in range(n)]
    for row in rng.choice(n, size=int(chained * n), replace=False):
        texts[row] = texts[rng.integers(n)] + " more"
    return Dataset.from_dict({"text": texts, "label": (rng.integers(0, labels, n) * rng.integers(0, 2, n)).tolist()})


def two_sided(seed: int, n: int, column: str) -> Dataset:
    """Rows of two texts, some of which stand in other rows, on the other side too."""
    rng = np.random.default_rng(seed)
    left, right = ([sentence(side, seed, row) for row in range(n)] for side in "lr")
    for row, other in rng.integers(0, n, size=(n // 5, 2)).tolist():
        left[row] = right[other].upper() if row % 2 else right[other] + " more"
    values = rng.integers(0, 2, n) if column == "label" else rng.random(n)
    names = ("anchor", "positive") if column == "" else ("sentence1", "sentence2")
    return Dataset.from_dict(dict(zip(names, (left, right), strict=True)) | ({column: values} if column else {}))


def rows_of(parts: Split) -> list[pd.DataFrame]:
    """The rows of train, dev and test, with the columns of train."""
    return [part.rows[parts.train.column_names] if isinstance(part, Task) else part.to_pandas()
            for part in (parts.train, parts.dev, parts.test)]  # fmt: skip


@pytest.mark.parametrize("column", ["label", "score", "", "text"])
@settings(max_examples=6, deadline=None)
@given(st.integers(0, 10**6))
def test_no_component_is_cut_in_any_shape(column: str, seed: int) -> None:
    """No two parts share a text or a near-copy on any side; every row is in one part; the audit agrees."""
    data = labelled(seed, 90) if column == "text" else two_sided(seed, 90, column)
    parts = split(data, seed=seed, sizes=(0.6, 0.2, 0.2))
    assert audit(parts.train, parts.test).share == audit(parts.train, parts.dev).share == 0
    assert audit(parts.dev, parts.test).share == 0
    if column:
        rows = rows_of(parts)
        assert sorted(map(tuple, pd.concat(rows).to_numpy().tolist())) == sorted(
            map(tuple, data.to_pandas()[parts.train.column_names].to_numpy().tolist())
        )
        assert shape_of(parts.train) == shape_of(data)
    naive = data.train_test_split(0.3, seed=seed)
    assert audit(naive["train"], naive["test"]).share > 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 30), min_size=10, max_size=80), st.integers(0, 99))
def test_sizes_are_missed_by_no_more_than_a_group(sizes: list[int], seed: int) -> None:
    """A part is short of its size only where no group left in train would bring it nearer."""
    members = {group: [f"{group}-{i}" for i in range(size)] for group, size in enumerate(sizes)}
    n = sum(sizes)
    wanted = {"test": 0.2 * n, "dev": 0.2 * n}
    order = np.random.default_rng(seed).permutation(len(sizes)).tolist()
    parts = drawn(members, order, wanted, 1.0)
    where = {item: part for part, items in parts.items() for item in items}
    assert sorted(where) == sorted(item for items in members.values() for item in items) and parts["train"]
    assert all(len({where[item] for item in items}) == 1 for items in members.values())
    left = [size for group, size in enumerate(sizes) if where[f"{group}-0"] == "train"]
    for part, target in wanted.items():
        off = abs(len(parts[part]) - target)
        if target - len(parts[part]) >= 1 and len(left) > 1:
            assert all(abs(len(parts[part]) + size - target) >= off for size in left)
    shuffled = GroupShuffleSplit(1, test_size=0.2, random_state=seed)  # it draws groups, whatever their size
    [(_, theirs)] = shuffled.split(np.zeros(n), groups=np.repeat(np.arange(len(sizes)), sizes))
    assert abs(len(parts["test"]) - 0.2 * n) <= max(max(sizes), abs(len(theirs) - 0.2 * n))


@pytest.mark.parametrize("seed", range(4))
def test_labels_are_as_even_as_with_scikit_learn(seed: int) -> None:
    """The share of each label in test is at most two points further from the whole than StratifiedGroupKFold's."""
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(400), rng.integers(1, 4, 400))
    labels = rng.choice(5, len(groups), p=[0.5, 0.2, 0.15, 0.1, 0.05])
    texts = [sentence("s", row) for row in range(len(groups))]
    parts = split(Dataset.from_dict({"text": texts, "label": labels}), groups=groups.tolist(), seed=seed)
    held = np.array([int(item) for item in parts.test.items])
    folds = StratifiedGroupKFold(10, shuffle=True, random_state=seed).split(texts, labels, groups)
    theirs = np.array(next(folds)[1])

    def off(rows: np.ndarray) -> float:
        counts = [np.bincount(labels[part], minlength=5) / len(part) for part in (rows, np.arange(len(labels)))]
        return float(np.abs(counts[0] - counts[1]).max())

    assert off(held) <= off(theirs) + 0.02
    assert len(held) == pytest.approx(0.1 * len(labels), abs=5)
    assert not set(groups[held]) & {groups[texts.index(text)] for text in parts.train["text"]}


def test_every_label_is_in_every_part() -> None:
    """77 labels of 10 texts: each part has all of them; those of two texts or one stay where they can be learnt."""
    labels = [row // 10 for row in range(770)] + ["pair", "pair", "lone"]
    texts = [sentence("u", row) for row in range(len(labels))]
    data = Dataset.from_dict({"text": texts, "label": list(map(str, labels))})
    parts = split(data)
    counts = [Counter(rows["label"]) for rows in rows_of(parts)]
    assert all(len(set(count) - {"pair", "lone"}) == 77 for count in counts) and {"pair", "lone"} <= set(counts[0])
    assert [sum(count.values()) for count in counts] == pytest.approx([618, 77, 77], abs=4)
    assert parts.dev.kind == "classification" and parts.dev.train is parts.train
    assert any("labels are not in test, such as 'lone'" in note for note in parts.notes)
    assert {parts.test.groups[item] for item in parts.test.items} <= set(range(len(labels)))


def test_a_group_of_several_labels_needs_room_for_all() -> None:
    """Groups that mix labels go nowhere where one of the labels has its share already."""
    members = {group: [f"{group}a", f"{group}b"] for group in range(20)}
    label_of = {item: item[-1] if int(item[:-1]) < 18 else "c" for items in members.values() for item in items}
    parts = stratified(members, list(range(20)), {"test": 8.0, "dev": 4.0}, 1.0, label_of)
    for name, target in (("test", 8), ("dev", 4)):
        counts = Counter(label_of[item] for item in parts[name])
        assert counts["a"] == counts["b"] and abs(sum(counts.values()) - target) <= 2


def test_one_seed_one_split_in_every_shape() -> None:
    """Twice the same call gives the same parts, another seed others."""
    for data in (labelled(0, 120), two_sided(0, 120, "label"), two_sided(0, 120, "score")):
        first, again, other = (split(data, seed=seed).test.items for seed in (1, 1, 2))
        assert first == again != other


def test_the_newest_rows_of_a_table_are_tested() -> None:
    """A column time decides: test is newer than dev, dev newer than train; rows linked to newer ones are left out."""
    texts = [sentence("n", row) for row in range(100)]
    texts[3] = texts[95] + " more"
    data = Dataset.from_dict({"text": texts, "label": [row % 2 for row in range(100)], "time": list(range(100))})
    parts = split(data)
    assert parts.test.items == [str(row) for row in range(90, 100)]
    assert parts.dev.items == [str(row) for row in range(80, 90)]
    assert len(parts.train) == 79 and texts[3] not in parts.train["text"]
    assert parts.table["rows"].tolist() == [79, 10, 10, 1] and "1 older rows are left out" in parts.notes[0]


def test_triplets_keep_their_negatives() -> None:
    """Train has all columns of negatives; dev and test search them too, with grade 0."""
    n = 60
    data = Dataset.from_dict({
        "anchor": [sentence("a", i) for i in range(n)], "positive": [sentence("p", i) for i in range(n)],
        "negative_1": [sentence("p", (i + 1) % n) for i in range(n)], "negative_2": [sentence("z")] * n,
    })  # fmt: skip
    parts = split(data)
    assert parts.train.column_names == data.column_names and shape_of(parts.train) == shape_of(data)
    assert len(parts.test.data.corpus) == n + 1 and len(parts.test.data.queries) == 6
    assert all(sorted(row.values()) == [0, 0, 1] for row in parts.test.data.qrels.values())


def test_a_giant_of_a_table_is_named_with_its_text() -> None:
    """The note says what the rows of the giant share most."""
    texts = ["Thank you!" if row < 80 else sentence("g", row) for row in range(200)]
    parts = split(Dataset.from_dict({"sentence1": texts, "sentence2": [sentence("h", i) for i in range(200)],
                                     "score": [0.5] * 200}))  # fmt: skip
    assert "One group holds 80 of 200 rows" in parts.notes[0] and "'thank you' occurs 80 times" in parts.notes[0]


def test_close_texts_by_a_model_stay_together() -> None:
    """With a model, texts of one meaning are in one part though they share no word."""

    class Topics:
        def encode(self, texts: list[str], **_: object) -> np.ndarray:
            return np.array([np.eye(64)[int(text.split("x")[1]) // 2] for text in texts], dtype=np.float32)

    data = Dataset.from_dict({"text": [sentence("m", row) for row in range(128)], "label": ["a", "b"] * 64})
    plain, joined = split(data), split(data, model=Topics())
    halves = [{row // 2 for row in map(int, part.test.items)} for part in (plain, joined)]
    assert len(halves[0]) > len(plain.test.items) / 2 and 2 * len(halves[1]) == len(joined.test.items)
    leaks = audit(plain.train, plain.test, model=Topics())
    assert leaks.table["near_text"].sum() == leaks.leaked.sum() > 0
    assert audit(joined.train, joined.test, model=Topics()).share == 0


def test_bad_tables() -> None:
    """Labels that say nothing, documents beside a table, and labels that are no 0 or 1 are refused with the way out."""
    texts = [sentence("b", i) for i in range(30)]
    with pytest.raises(ValueError, match="column 'label' is empty in 1 rows"):
        split(Dataset.from_dict({"text": texts, "label": [None, *["a"] * 29]}))
    with pytest.raises(ValueError, match="got 1 with labelled texts"):
        split(Dataset.from_dict({"text": texts, "label": ["a"] * 30}), documents=["x"])
    with pytest.raises(ValueError, match=r"got .0, 1, 2."):
        split(Dataset.from_dict({"sentence1": texts, "sentence2": texts, "label": [0, 1, 2] * 10}))
