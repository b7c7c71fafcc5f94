"""Slices are what their labels say, and their differences are those of their items."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pytest
from handmade_rankings import TASK, N, at
from hypothesis import given
from hypothesis import strategies as st

from toolkit import stats
from toolkit.evaluate import compare, score
from toolkit.evaluate.analysis.slices import by_slice, in_bins, slice_labels
from toolkit.prepare import RetrievalData, Task


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60), st.integers(2, 6))
def test_bins_hold_what_their_names_say(values: list[int], bins: int) -> None:
    """Every number lies in the range of its name, ranges do not overlap and rise, equal numbers stay together."""
    labels, order = in_bins(values, bins, "word", "words")
    ends = []
    for name in order:
        numbers = [int(x) for x in re.findall(r"\d+", name)]
        ends.append((numbers[0], numbers[-1]))
    assert all(low <= high for low, high in ends) and len(order) <= bins
    assert all(one[1] < other[0] for one, other in pairwise(ends))
    for value, label in zip(values, labels, strict=True):
        low, high = ends[order.index(label)]
        assert low <= value <= high


def test_bins_are_of_about_one_size() -> None:
    """Distinct numbers are cut into bins of equal size."""
    labels, order = in_bins(list(range(100)), 4, "word", "words")
    assert [labels.count(name) for name in order] == [25] * 4 and order[0] == "0 to 24 words"


DATA = RetrievalData(
    {"d0": "alpha beta gamma", "d1": "delta", "d2": "epsilon zeta"},
    {"a": "alpha beta", "b": "delta omega psi chi", "c": "something else altogether now then", "e": "epsilon"},
    {"a": {"d0": 1}, "b": {"d1": 1, "d2": 2}, "c": {"d0": 0, "d1": 1}, "e": {"d2": 1, "d1": 1, "d0": 1}},
)
SMALL = Task("small", "retrieval", DATA, {"a": 7, "b": 7, "c": 1, "e": 2})


def test_labels_are_counted_right() -> None:
    """Lengths, shares of words in the best right document, relevant documents, groups: by hand; slices in order."""
    assert slice_labels(SMALL, "length", bins=4) == {"e": "1 word", "a": "2 words", "b": "4 words", "c": "5 words"}
    assert list(slice_labels(SMALL, "length")) == ["e", "a", "b", "c"]
    shared = slice_labels(SMALL, "overlap", bins=4)
    assert {item: int(re.findall(r"\d+", label)[0]) for item, label in shared.items()} == {
        "a": 100, "b": 25, "c": 0, "e": 100,
    }  # fmt: skip
    assert slice_labels(SMALL, "relevant")["c"] == "1 relevant document"
    assert slice_labels(SMALL, "relevant")["e"] == "3 relevant documents"
    assert slice_labels(SMALL, "group") == {
        "a": "group 7 (2 searches)", "b": "group 7 (2 searches)", "c": "the other 2 groups", "e": "the other 2 groups",
    }  # fmt: skip
    german = {f"g{i}": "Wo finde ich meine Rechnung?" for i in range(30)}
    english = {f"e{i}": "How do I change my password?" for i in range(30)}
    data = RetrievalData({"d": "x"}, english | german, {q: {"d": 1} for q in english | german})
    told = slice_labels(Task("t", "retrieval", data, {}), "language")
    assert {told[q] for q in german} == {"de"} and {told[q] for q in english} == {"en"}


def test_labels_of_rows() -> None:
    """Pairs of sentences are labelled by both texts; a kind without an answer refuses overlap."""
    from datasets import Dataset

    sentences = {"sentence1": ["red fox", "blue sky"], "sentence2": ["red fox", "green tree now"], "score": [1.0, 0.0]}
    pairs = Task("p", "similarity", Dataset.from_dict(sentences), {})
    assert slice_labels(pairs, "length") == {"0": "4 words", "1": "5 words"}
    assert [label.split()[0] for label in slice_labels(pairs, "overlap").values()] == ["0", "100"]
    assert list(slice_labels(pairs, "overlap")) == ["1", "0"]
    texts = Task("c", "clustering", Dataset.from_dict({"text": ["a", "b"], "label": ["x", "y"]}), {})
    for task, by in ((texts, "overlap"), (pairs, "relevant"), (pairs, "colour")):
        with pytest.raises(ValueError, match=f"got {by!r}"):
            slice_labels(task, by)


GROUPED = Task(TASK.name, TASK.kind, TASK.data, {f"q{i}": i // 2 for i in range(N)})


def test_differences_by_slice_are_those_of_the_items() -> None:
    """Each slice is the paired difference with its interval over groups; Holm is over slices; small ones are named."""
    places = [1] * 20 + [2] * 18 + [6] * 2
    both = compare({"base": score(at([2] * N), GROUPED), "tuned": score(at(places), GROUPED)}, baseline="base")
    labels = {f"q{i}": "helped" if i < 20 else "rest" if i < 38 else "tiny" for i in range(N)}
    found = by_slice(both, labels, metric="MRR@10", min_items=10)
    assert found.table["slice"].tolist() == ["helped", "rest"] and "1 slices with fewer than 10" in found.note
    rows = found.table.set_index("slice")
    assert rows.loc["helped", "difference"] == pytest.approx(0.5) and rows.loc["rest", "difference"] == 0
    assert rows.loc["helped", "n_groups"] == 10 and rows.loc["helped", "baseline"] == 0.5
    assert rows["p_holm"].tolist() == stats.holm(rows["p"].tolist()) and rows.loc["helped", "p_holm"] < 0.05
    assert "1 (helped)" in found.note
    figure, alt = found.picture.figure, found.picture.alt
    assert "helped +0.500" in alt and len(figure.axes[0].get_yticklabels()) == 2
    assert "<img alt=" in found._repr_html_()
    nothing = by_slice(both, labels, min_items=99)
    assert nothing.table.empty and nothing.note in nothing._repr_html_()
    with pytest.raises(ValueError, match="none of the 1"):
        by_slice(both, {"zz": "a"})
    with pytest.raises(ValueError, match="'other'"):
        by_slice(both, labels, system="other")
    with pytest.raises(ValueError, match="list"):
        by_slice(both, ["a"])


def test_many_slices_of_nothing_are_not_shown() -> None:
    """With no true difference, slices are shown by Holm in about 5 of 100 trials, and without it in many more."""
    rng = np.random.default_rng(0)
    shown, alone = 0, 0
    for _ in range(40):
        a, b = (score(at(rng.integers(1, 4, N).tolist()), TASK) for _ in range(2))
        labels = {f"q{i}": str(i % 5) for i in range(N)}
        table = by_slice(compare({"a": a, "b": b}, baseline="a"), labels, metric="MRR@10", min_items=5).table
        shown += bool((table["p_holm"] < 0.05).any())
        alone += bool((table["p"] < 0.05).any())
    assert shown <= 6 and shown <= alone


def test_scores_by_slice_are_means_of_their_items() -> None:
    """Every system has its mean over each slice, the largest slice first; small ones are left out."""
    places = [1] * 10 + [3] * 10 + [6] * 1 + [2] * 19
    both = compare({"base": score(at([2] * N), TASK), "tuned": score(at(places), TASK)}, baseline="base")
    labels = {f"q{i}": "de" if i < 21 else "en" if i < 39 else "fr" for i in reversed(range(N))}
    found = by_slice(both, labels, metric="MRR@10", min_items=10)
    assert found.table["slice"].tolist() == ["en", "de"]  # in the order of the labels
    assert list(found.scores["slice"].unique()) == ["de", "en"]
    value = found.scores.set_index(["slice", "model"])["score"]
    assert value["de", "tuned"] == pytest.approx((10 + 10 / 3) / 21)
    assert value["en", "tuned"] == value["en", "base"] == 0.5
    assert found.scores["n"].tolist() == [21, 21, 18, 18]
    assert by_slice(both, labels, min_items=99).scores.empty


def test_the_main_metric_is_the_default() -> None:
    """Without a metric, slices show nDCG@10 of a search."""
    both = compare({"a": score(at([2] * N), TASK), "b": score(at([1] * N), TASK)}, baseline="a")
    found = by_slice(both, slice_labels(TASK, "length"))
    assert set(found.scores["metric"]) == set(found.table["metric"]) == {found.metric} == {"nDCG@10"}
