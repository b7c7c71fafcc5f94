"""A split cuts no group and loses no query; an audit finds planted leaks, all of them and no others."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.prepare import RetrievalData, Split, Task, audit, split, task
from toolkit.prepare.values import normal, shingles


def tangled(seed: int, n: int) -> Dataset:
    """Random pairs: some share a search, some a document, some are near-copies, some share a label."""
    rng = np.random.default_rng(seed)
    anchors = [" ".join(f"a{seed}b{row}c{word}" for word in range(9)) for row in range(n)]
    positives = [" ".join(f"d{row}e{word}" for word in range(12)) for row in range(n)]
    labels = [f"g{row}" for row in range(n)]
    for texts, kind in itertools.product((anchors, positives, labels), ("equal", "near")):
        for row, other in rng.integers(0, n, size=(max(1, n // 15), 2)):
            copy = texts[other] + " more" if kind == "near" else texts[other].upper()
            texts[row] = texts[other] if texts is labels else copy
    return Dataset.from_dict({"extra": [0] * n, "positive": positives, "anchor": anchors, "group": labels})


@pytest.fixture(scope="module")
def plain() -> Dataset:
    """200 pairs that share nothing."""
    return Dataset.from_dict({
        "anchor": [" ".join(f"a{row}x{word}" for word in range(9)) for row in range(200)],
        "positive": [" ".join(f"d{row}x{word}" for word in range(12)) for row in range(200)],
    })  # fmt: skip


def near(a: str, b: str) -> bool:
    one, two = shingles(a), shingles(b)
    return len(one & two) / len(one | two) >= 0.75


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.integers(60, 120))
def test_no_group_is_cut(seed: int, n: int) -> None:
    """Parts share no search, document, label or near-copy, and hold every query once and every row of theirs."""
    data = tangled(seed, n)
    parts = split(data, seed=seed)
    tests = {name: {normal(text) for text in part.data.queries.values()} for name, part in
             (("dev", parts.dev), ("test", parts.test))}  # fmt: skip
    train = {normal(text) for text in parts.train["anchor"]}
    everything = {normal(text) for text in data["anchor"]}
    assert train | tests["dev"] | tests["test"] == everything
    assert len(train) + len(tests["dev"]) + len(tests["test"]) == len(everything)
    rows: dict[str, list[dict]] = {"train": [], "dev": [], "test": []}
    for row in data:
        key = normal(row["anchor"])
        rows["dev" if key in tests["dev"] else "test" if key in tests["test"] else "train"].append(row)
    wanted = [(row["anchor"], row["positive"]) for row in rows["train"]]
    assert list(zip(parts.train["anchor"], parts.train["positive"], strict=True)) == wanted
    for left, right in itertools.combinations(rows.values(), 2):
        for a, b in itertools.product(left, right):
            assert a["group"] != b["group"]
            assert not near(a["anchor"], b["anchor"]) and not near(a["positive"], b["positive"])
    whole = {query: group for part in (parts.dev, parts.test) for query, group in part.groups.items()}
    assert whole == {query: group for query, group in task(data).groups.items() if query in whole}


@pytest.mark.parametrize("shape", ["pairs", "table"])
def test_row_numbers_travel_with_the_split(shape: str) -> None:
    """Each row is in one part, also rows that repeat a query in other spelling; train is these rows of the data."""
    data = tangled(5, 150)
    if shape == "table":
        data = data.rename_columns({"anchor": "sentence1", "positive": "sentence2", "extra": "score"})
    parts = split(data)
    assert sorted(row for rows in parts.rows.values() for row in rows) == list(range(150))
    first = parts.train.column_names[0]
    assert parts.train[first][:] == data.select(parts.rows["train"])[first][:]
    for name, part in (("dev", parts.dev), ("test", parts.test)):
        texts = part.data.queries.values() if shape == "pairs" else part.data["sentence1"][:]
        assert set(map(normal, texts)) == set(map(normal, data.select(parts.rows[name])[first][:]))


def test_columns_and_corpus(plain: Dataset) -> None:
    """Train has what trainers read, in their order; dev and test search every document."""
    shuffled = plain.add_column("group", list(range(200))).select_columns(["positive", "group", "anchor"])
    parts = split(shuffled)
    assert parts.train.column_names == ["anchor", "positive"]
    assert parts.dev.data.corpus == parts.test.data.corpus == task(plain).data.corpus
    assert (parts.dev.name, parts.test.name) == ("dev", "test")


@pytest.mark.parametrize("sizes", [(0.8, 0.1, 0.1), (0.5, 0.2, 0.3), (0.05, 0.15, 0.8)])
def test_sizes(plain: Dataset, sizes: tuple[float, float, float]) -> None:
    """Where nothing ties texts together the shares are those that were asked for, and the table says so."""
    parts = split(plain, sizes=sizes)
    counts = [len(parts.train), len(parts.dev.data.queries), len(parts.test.data.queries)]
    assert counts == pytest.approx([200 * size for size in sizes], abs=1)
    assert parts.table["queries"].tolist() == parts.table["groups"].tolist() == counts
    assert parts.table["wanted"].tolist() == list(sizes) and parts.notes == []


def queries(parts: Split) -> tuple[list[str], list[str]]:
    return list(parts.dev.data.queries), list(parts.test.data.queries)


def test_seeds(plain: Dataset) -> None:
    """One seed gives one split, another seed another."""
    assert queries(split(plain, seed=1)) == queries(split(plain, seed=1)) != queries(split(plain, seed=2))


def test_a_giant_goes_to_train(plain: Dataset) -> None:
    """A group of a quarter of the data is in train, whole, and a note says so; one of 15 % is too, without a note."""
    for size, noted in ((60, True), (30, False)):
        labels = ["giant" if row < size else str(row) for row in range(200)]
        for seed in range(5):
            parts = split(plain.add_column("group", labels), seed=seed)
            held = {text for part in (parts.dev, parts.test) for text in part.data.queries.values()}
            assert not held & set(plain["anchor"][:size])
            assert bool(parts.notes) is noted and all(f"{size} of 200" in note for note in parts.notes)


def test_no_group_decides_a_result(plain: Dataset) -> None:
    """Groups that would fill more than a tenth of dev or test go to train, though they would fit."""
    parts = split(plain, groups=[row // 5 if row < 100 else row for row in range(200)])
    held = {text for part in (parts.dev, parts.test) for text in part.data.queries.values()}
    assert len(held) == 40 and not held & set(plain["anchor"][:100])


@pytest.mark.parametrize("sizes", [(0.8, 0.2), (0.8, 0.1, 0.2), (1.0, 0.0, 0.0), (1.1, -0.05, -0.05), (80, 10, 10)])
def test_bad_sizes(plain: Dataset, sizes: tuple) -> None:
    """Sizes are three positive shares of one."""
    with pytest.raises(ValueError, match="three positive sizes that sum to 1"):
        split(plain, sizes=sizes)


def test_too_few_groups(plain: Dataset) -> None:
    """Data that hang together cannot be split, and the number of groups is told."""
    with pytest.raises(ValueError, match="the 200 queries form 4 groups, but at least 10"):
        split(plain, groups=[row % 4 for row in range(200)])
    with pytest.raises(ValueError, match="the 9 queries form 9 groups"):
        split(plain.select(range(9)))


def test_a_safe_split_has_no_leak_and_a_naive_one_has() -> None:
    """The audit of a split by groups finds nothing; of a split by rows of the same data, what the rows share."""
    data = tangled(3, 300)
    safe = split(data)
    assert audit(safe.train, safe.dev).share == audit(safe.train, safe.test).share == 0
    naive = split(data, groups=None)
    assert audit(naive.train, naive.test).share > 0.1


def test_planted_leaks_are_counted(plain: Dataset) -> None:
    """Of 20 test searches 3 + 4 + 5 + 2 were seen in four ways, two of them twice: exactly those are found."""
    test = task(plain.select(range(20)))
    anchors, positives = plain["anchor"][:20], plain["positive"][:20]
    rows = [(anchors[i].upper() + "!", f"new{i}") for i in range(3)]  # same search
    rows += [(anchors[i] + " more", f"new{i}") for i in range(3, 7)]  # near search
    rows += [(f"new{i}", positives[i].upper()) for i in range(7, 12)]  # same document
    rows += [(f"new{i}", positives[i] + " more") for i in (0, 12)]  # near document, one of them of a search seen above
    rows += [(plain["anchor"][i], plain["positive"][i]) for i in range(100, 150)]
    found = audit(Dataset.from_dict({"anchor": [row[0] for row in rows], "positive": [row[1] for row in rows]}), test)
    flags = {name: np.flatnonzero(found.table[name]).tolist() for name in found.table.columns[2:]}
    assert flags == {"same_query": [0, 1, 2], "near_query": [3, 4, 5, 6], "same_document": [7, 8, 9, 10, 11],
                     "near_document": [0, 12]}  # fmt: skip
    assert found.share == 13 / 20 and np.flatnonzero(found.leaked).tolist() == list(range(13))
    assert str(found).startswith(
        "13 of 20 test searches (65%): same search 3, near-copy of the search 4, same document"
    )


def test_only_relevant_documents_leak(plain: Dataset) -> None:
    """A document that no test search asks for may be in training."""
    data = task(plain.select(range(20))).data
    queries = {f"q{i}": data.queries[f"q{i}"] for i in range(10)}
    judged = {f"q{i}": {f"d{i}": 1, f"d{i + 10}": 0} for i in range(10)}
    test = Task("test", "retrieval", RetrievalData(data.corpus, queries, judged), {})
    assert audit(plain.select(range(10, 20)), test).share == 0
