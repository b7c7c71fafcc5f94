"""Passages are right for the searches of their document, and for no others."""

from __future__ import annotations

from typing import Any

import pytest
from datasets import Dataset

from toolkit import prepare, vectors

pytest.importorskip("sentencex")


def test_every_passage_belongs_to_the_searches_of_its_document(model: Any) -> None:
    """The passages of a row rebuild its document, fit the model, and a task made of them knows them all as right."""
    long = " ".join(f"Sentence number {i} speaks of topic {i * 7}." for i in range(120))
    data = Dataset.from_dict({
        "anchor": ["first", "second", "third"], "positive": [long, "A short text.", long],
        "positive_id": ["a", "b", "a"], "group": ["x", "y", "x"],
    })  # fmt: skip
    cleaned = prepare.clean(data, documents=["Other words. " * 200, "tiny"])
    rows, others = prepare.chunk_pairs(cleaned, model)
    frame = rows.to_pandas()
    first, third = (frame[frame["anchor"] == name] for name in ("first", "third"))
    assert len(first) > 3 and "".join(first["positive"]).replace(" ", "") == long.replace(" ", "")
    assert first["positive"].tolist() == third["positive"].tolist()
    assert frame.loc[frame["anchor"] == "second", ["positive", "positive_id"]].values.tolist() == [
        ["A short text.", "b#1"]
    ]
    assert first["positive_id"].tolist() == [f"a#{n + 1}" for n in range(len(first))]
    assert set(first["group"]) == {"x"} and others[-1] == "tiny" and len(others) > 1
    assert (vectors.truncation(model, [*frame["positive"], *others])["lost"] == 0).all()
    task = prepare.task(rows)
    [query] = [q for q, text in task.data.queries.items() if text == "first"]
    assert len(task.data.qrels[query]) == len(first)
    assert len({task.groups[q] for q, text in task.data.queries.items() if text in ("first", "third")}) == 1
