"""Pairs become distinct documents and queries, with the right judgements and groups."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import Dataset

from toolkit.prepare import Task, task
from toolkit.prepare.duplicates import shingles
from toolkit.prepare.searchtasks import TWIN


def unlike(n: int, words: int = 12, seed: int = 0) -> list[str]:
    """Texts that share no word."""
    return [" ".join(f"v{seed}x{row}y{word}" for word in range(words)) for row in range(n)]


def pairs(anchors: list[str], positives: list[str], **more: list) -> Dataset:
    return Dataset.from_dict({"anchor": anchors, "positive": positives, **more})


def joined(made: Task) -> set[frozenset[str]]:
    """The groups of more than one query."""
    groups: dict[int, set[str]] = {}
    for query, group in made.groups.items():
        groups.setdefault(group, set()).add(query)
    return {frozenset(group) for group in groups.values() if len(group) > 1}


def changed(text: str, n: int) -> str:
    """The text with its last n words replaced."""
    words = text.split()
    return " ".join(words[: len(words) - n] + [f"other{i}" for i in range(n)])


def test_plain_pairs() -> None:
    """Unlike pairs are one query, one document and one group each."""
    made = task(pairs(unlike(3), unlike(3, seed=1)), name="x")
    assert (made.name, made.data.corpus) == ("x", dict(zip(["d0", "d1", "d2"], unlike(3, seed=1), strict=True)))
    assert made.data.queries == dict(zip(["q0", "q1", "q2"], unlike(3), strict=True))
    assert made.data.qrels == {"q0": {"d0": 1}, "q1": {"d1": 1}, "q2": {"d2": 1}} and not joined(made)
    assert set(made.groups) == {"q0", "q1", "q2"}


def test_equal_words_are_one() -> None:
    """Documents and searches that differ in case and punctuation are one, under the first name and spelling."""
    made = task(pairs(["Ask me", "b c", "ask  ME!"], ["Doc one.", "doc ONE", "two three"], positive_id=["x", "y", "z"]))
    assert made.data.corpus == {"x": "Doc one.", "z": "two three"} and made.data.queries == {
        "q0": "Ask me",
        "q1": "b c",
    }
    assert made.data.qrels == {"q0": {"x": 1, "z": 1}, "q1": {"x": 1}} and joined(made) == {frozenset({"q0", "q1"})}


def test_twins_share_the_judgement() -> None:
    """From 0.9 on documents answer for each other, from 0.8 on within a group; from 0.7 on they are only grouped."""
    text = unlike(1, words=60, seed=1)[0]
    for replaced, alone, in_group in [(2, 2, 2), (5, 1, 2), (8, 1, 1)]:  # similarities 0.93, 0.84, 0.76
        texts = [text, changed(text, replaced)]
        for labels, expected in ((["a", "b"], alone), (["a", "a"], in_group), ([None, None], alone)):
            made = task(pairs(unlike(2), texts, group=labels))
            assert [len(made.data.qrels[query]) for query in ("q0", "q1")] == [expected] * 2, (replaced, labels)
            assert joined(made) == {frozenset({"q0", "q1"})}


QUERIES, DOCUMENTS = unlike(3), unlike(3, seed=1)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (pairs([*QUERIES[:2], QUERIES[0]], DOCUMENTS), set()),  # a shared search is one query
        (pairs(QUERIES, [*DOCUMENTS[:2], DOCUMENTS[0]]), {frozenset({"q0", "q2"})}),
        (pairs(QUERIES, DOCUMENTS, group=["a", "b", "a"]), {frozenset({"q0", "q2"})}),
        (pairs([*QUERIES[:2], changed(QUERIES[0], 1)], DOCUMENTS), {frozenset({"q0", "q2"})}),
        (pairs(QUERIES, [*DOCUMENTS[:2], changed(DOCUMENTS[0], 1)]), {frozenset({"q0", "q2"})}),
        (pairs(QUERIES, DOCUMENTS, group=[None, "a", None]), set()),
        (pairs(QUERIES, DOCUMENTS, group=[None, 1, None]), set()),
    ],
    ids=["search", "document", "group", "near search", "near document", "no label", "no number"],
)
def test_each_relation_joins_alone(data: Dataset, expected: set[frozenset[str]]) -> None:
    """A shared document or label, a near search or near document each join rows; missing labels do not."""
    assert joined(task(data)) == expected


def test_one_search_joins_its_documents() -> None:
    """Rows that share a search pull the other searches of their documents together."""
    made = task(pairs(["a b", "c d", "a b", "e f"], [DOCUMENTS[0], DOCUMENTS[0], DOCUMENTS[1], DOCUMENTS[1]]))
    assert joined(made) == {frozenset({"q0", "q1", "q2"})}


def test_groups_of_the_user() -> None:
    """Given labels join, and so do shared documents; near-copies no longer do. None joins nothing at all."""
    data = pairs([*unlike(4), changed(unlike(1)[0], 1)], [*DOCUMENTS, DOCUMENTS[2], "z"], group=["g"] * 5)
    assert joined(task(data, groups=["a", "a", "b", "c", "d"])) == {frozenset({"q0", "q1"}), frozenset({"q2", "q3"})}
    assert joined(task(data, groups=np.array([1, 1, 2, 3, 4]))) == joined(task(data, groups=["a", "a", "b", "c", "d"]))
    assert not joined(task(data, groups=None)) and len(task(data, groups=None).data.corpus) == 4


@pytest.mark.parametrize(
    ("data", "options", "message"),
    [
        (pairs(QUERIES, DOCUMENTS), {"groups": "none"}, "expected groups 'auto', .* got 'none'"),
        (pairs(QUERIES, DOCUMENTS), {"groups": ["a"]}, "each of the 3 rows, got 1"),
        (pairs(QUERIES, DOCUMENTS, positive_id=list("xyx")), {}, "gives 2 different documents the same name 'x'"),
        (pairs(QUERIES, DOCUMENTS, positive_id=["x", None, "z"]), {}, "positive_id names no document in 1 rows"),
        (pairs([], []), {}, "at least one pair"),
        (
            pairs(["a", None, None], DOCUMENTS),
            {},
            r"'anchor' holds no text in 2 rows \(first: row 1\): see prepare.clean",
        ),
        (pairs(QUERIES, [1, 2, 3]), {}, "'positive' holds no text in 3 rows"),
        (Dataset.from_dict({"anchor": ["a"], "answer": ["b"]}), {}, "nearest is pairs, which lacks positive"),
    ],
)
def test_bad_pairs(data: Dataset, options: dict, message: str) -> None:
    """Missing texts, names of two documents and wrong groups are refused with the row or the name."""
    with pytest.raises(ValueError, match=message):
        task(data, **options)


def test_other_documents_are_searched_and_link_no_rows() -> None:
    """Texts without a search join the corpus once each under ids of their own; a twin of an answer is right too."""
    answer = "the moving median of a series of numbers, computed over a window of a fixed size that slides along"
    twin = answer.replace("numbers", "values") + " it"
    data = Dataset.from_dict({"anchor": ["median", "csv"], "positive": [answer, "read a file"], "group": ["a", "a"]})
    plain = task(data)
    found = task(data, documents=[twin, "read a file", "something else", "Something else!"])
    assert list(found.data.corpus.values()) == [answer, "read a file", twin, "something else"]
    assert list(found.data.corpus) == ["d0", "d1", "x0", "x1"]
    assert set(found.data.qrels["q0"]) == ({"d0", "x0"} if near(answer, twin) else {"d0"})
    assert found.data.qrels["q1"] == {"d1": 1} and found.groups == plain.groups
    named = data.add_column("positive_id", ["x0", "b"])
    assert list(task(named, documents=["new"]).data.corpus) == ["x0", "b", "x1"]


def near(a: str, b: str) -> bool:
    return len(shingles(a) & shingles(b)) / len(shingles(a) | shingles(b)) >= TWIN
