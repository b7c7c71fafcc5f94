"""Tasks keep what they are made of, and one that cannot be scored is refused."""

from __future__ import annotations

import pytest
from datasets import Dataset

from toolkit.prepare import RetrievalData, Task


def make(queries: dict, corpus: dict, qrels: dict, kind: str = "retrieval") -> Task:
    return Task("t", kind, RetrievalData(corpus, queries, qrels), {})


@pytest.mark.parametrize(
    ("queries", "corpus", "qrels", "message"),
    [
        ({}, {"d": "x"}, {}, "has 0 queries and 1 documents"),
        ({"q": "x"}, {}, {"q": {"d": 1}}, "has 1 queries and 0 documents"),
        ({"q": "x", "r": "y"}, {"d": "x"}, {"q": {"d": 1}}, "1 of 2 queries .* no relevant document .*'r'"),
        ({"q": "x"}, {"d": "x"}, {"q": {"d": 0}}, "1 of 1 queries .* no relevant document"),
        ({"q": "x"}, {"d": "x"}, {"q": {"d": 1, "e": 1}}, "name 1 documents that the corpus lacks .*'e' for query 'q'"),
        ({1: "x"}, {"d": "x"}, {1: {"d": 1}}, "has the id 1: expected ids"),
    ],
)
def test_tasks_that_cannot_be_scored(queries: dict, corpus: dict, qrels: dict, message: str) -> None:
    """Queries without an answer, unknown documents and numbers as ids are refused, with the first of them."""
    with pytest.raises(ValueError, match=message):
        make(queries, corpus, qrels)


def test_other_kinds() -> None:
    """A kind that nothing here can score is refused."""
    with pytest.raises(ValueError, match="expected kind 'retrieval', .*, got 'sorting'"):
        make({"q": "x"}, {"d": "x"}, {"q": {"d": 1}}, kind="sorting")


def test_parts_of_a_task() -> None:
    """`only` keeps order, corpus and groups; `with_queries` changes the words alone; the digest tells all apart."""
    judged = {query: {"d": 1} for query in "abc"}
    data = RetrievalData({"d": "x", "e": "y"}, {"a": "One", "b": "Two", "c": "Three"}, judged)
    whole = Task("t", "retrieval", data, {"a": 1, "b": 2})
    part = whole.only(["c", "a"], "part")
    assert (list(part.data.queries), part.groups, part.data.corpus) == (["a", "c"], {"a": 1}, data.corpus)
    lower = whole.with_queries(str.lower, "lower")
    assert lower.data.queries == {"a": "one", "b": "two", "c": "three"} and lower.data.qrels == data.qrels
    graded = make(dict(data.queries), dict(data.corpus), {**data.qrels, "a": {"d": 2}})
    assert len({task.digest for task in (whole, part, lower, graded)}) == 4
    shuffled = make(dict(reversed(data.queries.items())), dict(reversed(data.corpus.items())), dict(data.qrels))
    assert shuffled.digest == whole.digest


def table(kind: str = "similarity", train: Dataset | None = None, **columns: list) -> Task:
    return Task("t", kind, Dataset.from_dict(columns), {}, train)


def test_tasks_of_rows() -> None:
    """Rows keep their names in a part, and the digest tells other texts, scores and training texts apart."""
    whole = table(sentence1=["a", "b", "c"], sentence2=["x", "y", "z"], score=[0.1, 0.2, 0.3])
    part = whole.only(["0", "2"], "part")
    assert (part.items, part.name, part.only(["2"], "last").items) == (["0", "2"], "part", ["2"])
    assert part.rows["sentence2"].to_dict() == {"0": "x", "2": "z"}
    other = table(sentence1=["a", "b", "c"], sentence2=["x", "y", "z"], score=[0.1, 0.2, 0.4])
    taught = [
        table("classification", Dataset.from_dict({"text": [t], "label": [1]}), text=["a"], label=[1]) for t in "ab"
    ]
    assert len({task.digest for task in (whole, part, other, *taught)}) == 5
    with pytest.raises(ValueError, match="it has queries and documents, no rows"):
        _ = make({"q": "x"}, {"d": "x"}, {"q": {"d": 1}}).rows


@pytest.mark.parametrize(
    ("kind", "columns", "message"),
    [
        ("similarity", {"sentence1": ["a"], "sentence2": ["b"]}, "needs rows with the columns .*, score"),
        ("similarity", {"sentence1": ["a"], "sentence2": ["b"], "score": [float("nan")]}, "'score' .* row 0, .*nan"),
        ("similarity", {"sentence1": ["a"], "sentence2": [None], "score": [1]}, "'sentence2' .* 1 of 1 rows"),
        ("pairs", {"sentence1": ["a"], "sentence2": ["b"], "label": [2]}, "'label' .* row 0, .*2"),
        ("classification", {"text": ["a"], "label": [1]}, "needs train="),
        (
            "bitext",
            {"sentence1": ["a", "b"], "sentence2": ["b", "c"], "id": ["x", "x"]},
            "column id of task 't' repeats a name",
        ),
    ],
)
def test_rows_that_cannot_be_scored(kind: str, columns: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        table(kind, **columns)


def test_reranking_needs_candidates_that_exist() -> None:
    """Every query has candidates, all of them in the corpus; a part keeps those of its queries."""
    judged = {"q": {"d": 1}, "r": {"e": 1}}
    offered = RetrievalData({"d": "x", "e": "y"}, {"q": "1", "r": "2"}, judged, {"q": ["d", "e"], "r": ["e"]})
    part = Task("t", "reranking", offered, {}).only(["r"], "part")
    assert part.data.candidates == {"r": ["e"]}
    missing, unknown = {"q": ["d"]}, {"q": ["f"], "r": ["e"]}
    for candidates, message in ((missing, "1 of 2 queries .* no candidates"), (unknown, "corpus lacks")):
        data = RetrievalData(offered.corpus, offered.queries, judged, candidates)
        with pytest.raises(ValueError, match=message):
            Task("t", "reranking", data, {})
