"""Pairs become distinct documents and queries, with the right judgements and groups."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset

from toolkit.prepare import Task, task
from toolkit.prepare.splitting.building import SAME_ANSWER
from toolkit.prepare.values import shingles


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
        (pairs(QUERIES, DOCUMENTS, positive_id=list("xyx")), {}, "names 2 different documents .x."),
        (pairs(QUERIES, DOCUMENTS, positive_id=["x", None, "z"]), {}, "positive_id .*in 1 rows"),
        (pairs([], []), {}, "at least one row"),
        (
            pairs(["a", None, None], DOCUMENTS),
            {},
            r"'anchor' holds no text in 2 of 3 rows \(first: row 1, .*prepare.clean",
        ),
        (pairs(QUERIES, [1, 2, 3]), {}, "'positive' holds no text in 3 of 3 rows"),
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
    return len(shingles(a) & shingles(b)) / len(shingles(a) | shingles(b)) >= SAME_ANSWER


SIDES = {"sentence1": [*unlike(3), unlike(1)[0].upper()], "sentence2": unlike(4, seed=2)}


@pytest.mark.parametrize(
    ("data", "options", "kind"),
    [
        (SIDES | {"score": [0.1, 0.2, 0.3, 1]}, {}, "similarity"),
        (SIDES | {"label": [0, 1, 1, 0]}, {}, "pairs"),
        (SIDES, {}, "bitext"),
        ({"anchor": SIDES["sentence1"], "positive": SIDES["sentence2"]}, {"kind": "bitext"}, "bitext"),
        ({"text": SIDES["sentence1"], "label": list("abab")}, {}, "clustering"),
        ({"text": SIDES["sentence1"], "label": list("abab")}, {"train": True}, "classification"),
    ],
)
def test_a_task_of_each_kind(data: dict, options: dict, kind: str) -> None:
    """Rows become a task of the kind that their columns say, with rows of one text in one group."""
    dataset = Dataset.from_dict(data)
    if "train" in options:
        options = {"train": dataset}
    for rows, names in ((dataset, ["0", "1", "2", "3"]), (dataset.add_column("id", list("wxyz")), list("wxyz"))):
        made = task(rows, name="n", **options)
        assert (made.kind, made.name, made.items) == (kind, "n", names)
        assert joined(made) == {frozenset({names[0], names[3]})}
        assert set(map(tuple, made.rows.to_numpy().tolist())) == set(map(tuple, zip(*data.values(), strict=True)))


def test_reranking_of_triplets() -> None:
    """Each search has its positives and negatives to put in order; what one row names right stays right."""
    data = Dataset.from_dict({
        "anchor": ["ask a b", "ask a b", "other thing"], "positive": DOCUMENTS, "negative": [DOCUMENTS[1], "bad", ""],
        "negative_2": ["worse", "bad", DOCUMENTS[0]],
    })  # fmt: skip
    made = task(data, kind="reranking")
    texts = {
        q: {made.data.corpus[d]: made.data.qrels[q].get(d) for d in row} for q, row in made.data.candidates.items()
    }
    assert texts == {
        "q0": {DOCUMENTS[0]: 1, DOCUMENTS[1]: 1, "worse": 0, "bad": 0}, "q1": {DOCUMENTS[2]: 1, DOCUMENTS[0]: 0}
    }  # fmt: skip
    assert not joined(made)  # a negative joins nothing
    assert task(data).kind == "retrieval" and set(task(data).data.corpus) == set(made.data.corpus)


def test_texts_alone_are_no_task() -> None:
    """Texts without labels, as some losses learn from, cannot be scored."""
    with pytest.raises(ValueError, match="texts have no .* answers.*expected triplets"):
        task(Dataset.from_dict({"text": ["a"]}))


def test_kinds_that_a_shape_cannot_be() -> None:
    """The message names the kinds that it can be."""
    with pytest.raises(ValueError, match=r"retrieval or bitext, got 'reranking'.*negative"):
        task(pairs(QUERIES, DOCUMENTS), kind="reranking")
    with pytest.raises(ValueError, match="kind similarity, got 'retrieval'"):
        task(Dataset.from_dict(SIDES | {"score": [1] * 4}), kind="retrieval")


def test_texts_on_both_sides_join_both_sides() -> None:
    """Where a text is a search here and a document there, near-copies join across; where none is, they do not."""
    anchors, positives = unlike(3), unlike(3, seed=1)
    assert not joined(task(pairs(anchors, [*positives[:2], anchors[0] + " more"])))
    shared = pairs([*anchors, "q r s"], [positives[0], anchors[0], changed(anchors[2], 1), positives[1]])
    assert joined(task(shared)) == {frozenset({"q0", "q1"})}
    across = pairs([*anchors, "q r s"], [positives[0], anchors[0], positives[2], changed(anchors[2], 1)])
    assert joined(task(across)) == {frozenset({"q0", "q1"}), frozenset({"q2", "q3"})}


def test_a_task_by_path(tmp_path: Path) -> None:
    """A BEIR folder is a task with its own judgements."""
    folder = tmp_path / "mine"
    (folder / "qrels").mkdir(parents=True)
    (folder / "corpus.jsonl").write_text(
        '{"_id": "d1", "title": "", "text": "one"}\n{"_id": "d2", "title": "", "text": "two"}\n'
    )
    (folder / "queries.jsonl").write_text('{"_id": "q1", "text": "which"}\n')
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td2\t1\n")
    for source in (folder, str(folder)):
        made = task(source)
        assert (made.kind, made.data.qrels) == ("retrieval", {"q1": {"d2": 1}})


def test_a_named_data_set_takes_no_groups_of_the_caller() -> None:
    """What a named data set would ignore is refused, and not ignored."""
    for option in ({"groups": None}, {"documents": ["a text"]}, {"train": [("a", "b")]}):
        with pytest.raises(ValueError, match=next(iter(option))):
            task("stsb", **option)
