"""Input that is odd but likely: it is taken as it is meant, or refused with what came and what to do."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, Features, Value

from toolkit import evaluate, prepare, vectors
from toolkit.prepare import RetrievalData, Task

N = 60
PAIRS = {"anchor": [f"search {i} about x{i * 17}" for i in range(N)],
         "positive": [f"doc {i} with y{i * 31}" for i in range(N)]}  # fmt: skip


def test_labels_are_compared_by_their_names() -> None:
    """Numbers of labels count the names that are there: the same number may stand for another name in another table."""
    train = prepare.make_pairs({"text": ["a1", "a2", "b1", "b2", "c1", "c2"], "label": list("aabbcc")}, by="labels")
    test = prepare.make_pairs({"text": ["b3", "b4", "c3", "c4"], "label": list("bbcc")}, by="labels")
    assert train.data["label"][:] == [0, 0, 1, 1, 2, 2] and test.data["label"][:] == [0, 0, 1, 1]
    task = prepare.task(test, train=train)
    given = {"train": np.eye(3)[[0, 0, 1, 1, 2, 2]], "text": np.eye(3)[[1, 1, 2, 2]]}
    assert set(evaluate.score(given, task).per_query["accuracy"]) == {1.0}
    with pytest.raises(ValueError, match=r"'t' stand for b, c, .* test data and for a, b, c, .* in train="):
        Task("t", "classification", test.data, {}, train.data)
    same = Features(text=Value("string"), label=ClassLabel(names=["a", "b"]))
    rows = Dataset.from_dict({"text": ["x", "y"], "label": [0, 1]}, features=same)
    assert prepare.task(rows, train=rows).rows["label"].tolist() == [0, 1]
    assert prepare.task({"text": ["x"], "label": [1]}, train=rows).rows["label"].tolist() == [1]
    assert prepare.task({"text": ["x"], "label": ["b"]}, train=rows).train["label"][:] == ["a", "b"]


def test_an_id_of_a_negative_is_no_text() -> None:
    """``negative_id`` and ``negative_score`` are companions of ``negative``, as ``positive_id`` is of ``positive``."""
    rows = Dataset.from_dict({
        **PAIRS, "positive_id": [f"P{i}" for i in range(N)], "negative": [f"bad answer {i * 3}" for i in range(N)],
        "negative_id": [None, *(f"N{i}" for i in range(1, N))], "negative_score": [0.5] * N,
    })  # fmt: skip
    task = prepare.task(rows, kind="reranking")
    texts = [task.data.corpus[d] for d in task.data.candidates["q1"]]
    assert texts == [PAIRS["positive"][1], "bad answer 3"] and not {"N1"} & {*task.data.corpus.values()}
    assert prepare.split(rows).train.column_names == ["anchor", "positive", "negative"]
    assert len(prepare.clean(rows).data) == N
    assert prepare.load(rows).shape == "triplets"


@pytest.mark.parametrize("none", [None, float("nan"), pd.NA], ids=str)
def test_a_missing_label_joins_nothing(none: Any) -> None:
    """Rows without a group are by themselves, however the label is missing, and also in ``groups=``."""
    labels = [i // 2 if i < 20 else none for i in range(N)]
    named = prepare.task({**PAIRS, "group": pd.array([i // 2 if i < 20 else None for i in range(N)], dtype="Int64")})
    assert prepare.task(PAIRS, groups=labels).groups == named.groups
    assert len({*named.groups.values()}) == 10 + 40
    with pytest.raises(ValueError, match=r"row 0 has the group \[1\]: expected a text or a number, not a list"):
        prepare.split(PAIRS, groups=[[1]] * N)


def test_a_group_may_be_called_as_an_item_is() -> None:
    """The label of a group and the id of an item without one are two things."""
    data = RetrievalData({"d": "a"}, dict.fromkeys("0123", "q"), {q: {"d": 1} for q in "0123"})
    for label in (1, "2", "x"):
        task = Task("t", "retrieval", data, {"0": label, "1": label})
        assert evaluate.score({q: {"d": 1.0} for q in "0123"}, task).table["n_groups"].iloc[0] == 3


def test_words_on_both_sides_of_a_page_break_stay_two() -> None:
    """Form feeds of PDFs, vertical tabs of spreadsheets and separators of ASCII are white space."""
    texts = [f"page one.{sign}Page two" for sign in "\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028"]
    assert {prepare.text.tidy(text) for text in texts} == {"page one. Page two"}
    assert prepare.text.tidy("a\x00b\x08c\x1bd") == "abcd"


def test_lengths_of_given_vectors_do_not_matter() -> None:
    """Vectors so long that their squares overflow have the directions that they have."""
    data = Dataset.from_dict({"sentence1": list("abc"), "sentence2": list("def"), "score": [0.1, 0.5, 0.9]})
    task = prepare.task(data, groups=None)
    rng = np.random.default_rng(0)
    rows = {"sentence1": rng.normal(size=(3, 4)), "sentence2": rng.normal(size=(3, 4))}
    expected = evaluate.score(rows, task).value("pearson")
    for size in (1e200, 1e-200):
        large = {name: table * size for name, table in rows.items()}
        assert evaluate.score(large, task).value("pearson") == pytest.approx(expected, abs=1e-6)


def test_half_characters(tmp_path: Path) -> None:
    """An escaped half of a character, as JSON may have it: repaired where a file is read or cleaned, else told."""
    file = tmp_path / "mine.jsonl"
    rows = [{"question": f"what is {i} \ud800?", "answer": f"it is number {i}, and no other"} for i in range(30)]
    file.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    found = prepare.files.read(file)
    assert found.data["question"][3] == "what is 3 \ufffd?" and any("`question`" in note for note in found.notes)
    assert prepare.clean(["a\ud800b", "hello"]).data["text"][:] == ["ab", "hello"]
    for call in (lambda: prepare.load([("a\ud800b", "c")]), lambda: prepare.load(pd.DataFrame(
            {"anchor": pd.Series(["a\ud800b"], dtype=object), "positive": ["c"]})),
            lambda: vectors.encode(object(), ["a\ud800b"])):  # fmt: skip
        with pytest.raises(ValueError, match=r"holds half a character \(a lone surrogate\)"):
            call()


def test_a_wide_file_is_guessed(tmp_path: Path) -> None:
    """Hundreds of columns of texts: each is looked at once, not once for each pair of columns."""
    wide = pd.DataFrame({f"column{i}": ["some words stand here", "others stand there"] for i in range(400)})
    wide["question"], wide["answer"] = ["how is it?", "where is it?"], ["it is as it is said", "it is where it was put"]
    guessed = prepare.guess.guess(wide)
    assert (guessed.query, guessed.document) == ("question", "answer")


WORDS = ["w1", "w2"]
BAD: list[tuple[Callable[[], object], str]] = [
    (lambda: prepare.task({"text": WORDS, "label": [1, 2]}, train={"text": WORDS, "label": ["1", "2"]}),
     "some labels of task 'all' are texts and some are numbers"),
    (lambda: prepare.task({"text": WORDS, "label": ["a", "b"]}, train={"text": WORDS, "label": ["a", None]}),
     "column 'label' of train of task 'all' holds no usable label in 1 of 2 rows"),
    (lambda: prepare.task({"text": WORDS, "label": ["a", "b"]}, train={"text": ["w", None], "label": ["a", "b"]}),
     "column 'text' of train of task 'all' holds no usable text in 1 of 2 rows"),
    (lambda: Task("t", "classification", Dataset.from_dict({"text": WORDS, "label": [["a"], ["b"]]}), {},
                  Dataset.from_dict({"text": WORDS, "label": ["a", "b"]})), "holds no usable label in 2 of 2 rows"),
    (lambda: prepare.task({"sentence1": ["a"], "sentence2": ["b"], "score": [True]}), "'score' .* no usable score"),
    (lambda: prepare.task(PAIRS, documents="abc"), "expected documents as a list of texts, got a single text"),
    (lambda: prepare.task(PAIRS, documents=["a", None]), "expected documents as a list of texts, got a list with None"),
    (lambda: Task("t", "retrieval", RetrievalData({"d": "a"}, {"q": 7}, {"q": {"d": 1}}), {}), "no text under .* 'q'"),
    (lambda: Task("t", "retrieval", RetrievalData({"d": "a"}, {"q": "b"}, {"q": ["d"]}), {}), "expected qrels as"),
    (lambda: Task("t", "retrieval", RetrievalData({"d": "a"}, {"q": "b"}, {"q": {"d": 1700000000}}), {}),
     "document 'd' has the grade 1700000000 for query 'q'"),
    (lambda: Task("t", "retrieval", RetrievalData({"d": "a"}, {"q": "b"}, {"q": {"d": 1}}), None), "groups as"),
    (lambda: prepare.make_pairs([1, 2], by="damaged"), "item 0 of the list is 1"),
    (lambda: prepare.make_pairs([{"text": "a b c"}, None], by="damaged"), "item 1 of the list is None"),
    (lambda: prepare.make_pairs({"text": ["a", "b"], "group": [[1], [1]]}, by="groups"), "row 0 has the group"),
    (lambda: prepare.make_pairs({"text": list("abcd"), "label": [1, "1", 1, "1"]}, by="labels"),
     "label '1' .* as a text and as a number"),
    (lambda: prepare.make_pairs([("a", "b", 1)], by="ratings", scale=(0, float("inf"))),
     "as two numbers with low < high"),
    (lambda: prepare.make_pairs([("a", "b", 1)], by="ratings", scale=("0", "5")), "as two numbers with low < high"),
    (lambda: prepare.files.read("a" * 5000), "there is no file aaaa"),
    (lambda: prepare.describe(pd.DataFrame([["a"]], columns=pd.MultiIndex.from_tuples([("x", "y")]))),
     "2 header rows"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "said"), BAD, ids=[said[:50] for _, said in BAD])
def test_refused_in_words(call: Callable[[], object], said: str) -> None:
    """The message names what came, where, and what was expected."""
    with pytest.raises((ValueError, FileNotFoundError), match=said):
        call()
