"""Thresholds are those that scikit-learn's curve gives, and what they promise is what test shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset
from handmade_rankings import TASK, N, at
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, precision_recall_curve, precision_score, recall_score

from toolkit.evaluate import Scores, score
from toolkit.evaluate.analysis import threshold
from toolkit.prepare import Task


def pairs(value: Any, label: Any, name: str, groups: Any = None) -> Scores:
    n = len(value)
    data = Dataset.from_dict({"sentence1": [f"{name} {i}" for i in range(n)], "sentence2": ["b"] * n, "label": label})
    task = Task(name, "pairs", data, {} if groups is None else {str(i): g for i, g in enumerate(groups)})
    said = pd.DataFrame({"score": value}, index=task.items)
    return Scores("x", task, {}, pd.DataFrame(index=task.items), said, ["average_precision"])


def drawn(seed: int, n: int = 300, name: str = "dev", **options: Any) -> Scores:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, n)
    return pairs(np.round(label + rng.normal(0, 0.8, n), 2), label, name, **options)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(8, 60), st.sampled_from([None, 0.5, 0.7, 0.9]))
def test_the_threshold_is_that_of_scikit_learns_curve(seed: int, n: int, wanted: float | None) -> None:
    """Largest F1, or most found at the precision, over all of scikit-learn's thresholds; the table is its figures."""
    rng = np.random.default_rng(seed)
    label = np.r_[0, 1, rng.integers(0, 2, n - 2)]
    value = np.round(label * 0.5 + rng.normal(0, 0.6, n), 1)  # many ties
    precision, recall, levels = precision_recall_curve(label, value)
    test = drawn(seed + 1, name="test")
    if wanted is not None and precision[:-1].max() < wanted:
        with pytest.raises(ValueError, match="no threshold gives a precision"):
            threshold(pairs(value, label, "dev"), test, precision=wanted)
        return
    found = threshold(pairs(value, label, "dev"), test, precision=wanted)
    called = value >= found.value
    if wanted is None:
        assert f1_score(label, called) == pytest.approx(max(f1_score(label, value >= level) for level in levels))
    else:
        assert recall_score(label, called) == pytest.approx(recall[:-1][precision[:-1] >= wanted].max())
        assert precision_score(label, called) >= wanted - 1e-9
    assert len(found.curve) == len(np.unique(value))
    lookup = dict(zip(levels, zip(precision, recall, strict=False), strict=False))
    for row in found.curve.itertuples():
        assert (row.precision, row.recall) == pytest.approx(lookup[row.threshold])
    rows = found.table.set_index(["part", "metric"])["score"]
    said, true = test.predictions["score"] >= found.value, test.task.rows["label"]
    if said.any():
        assert rows["test", "precision"] == pytest.approx(precision_score(true, said))
    assert rows["test", "recall"] == pytest.approx(recall_score(true, said))
    assert rows["test", "answered"] == said.mean()


def test_the_interval_holds_the_true_threshold() -> None:
    """The threshold of a million pairs lies within most intervals; rows that belong together count once."""
    rng = np.random.default_rng(5)
    label = rng.integers(0, 2, 1_000_000)
    value = np.sort(label + rng.normal(0, 0.8, len(label)) + 1j * label)[::-1]  # by score, with the label beside it
    precise = value.imag.cumsum() / np.arange(1, len(value) + 1)
    true = value.real[np.flatnonzero(precise >= 0.9)[-1]]
    test = drawn(1, 50, name="test")
    found = [threshold(drawn(seed, 200), test, precision=0.9) for seed in range(20)]
    assert np.mean([each.low <= true <= each.high for each in found]) >= 0.75
    assert any(not each.low <= true <= each.low + (each.high - each.low) / 2 for each in found)  # not all too wide
    # Each pair ten times: the same curve, and as many independent pairs as before.
    base = drawn(0, 200)
    value, label = base.predictions["score"].to_numpy(), base.task.rows["label"].to_numpy()
    ten = [np.repeat(x, 10) for x in (value, label, np.arange(200))]
    grouped, alone = (threshold(pairs(ten[0], ten[1], "dev", groups=g), test) for g in (ten[2], None))
    assert grouped.high - grouped.low == pytest.approx(threshold(base, test).high - threshold(base, test).low, rel=0.2)
    assert alone.high - alone.low < grouped.high - grouped.low


def test_searches_are_answered_or_not() -> None:
    """Of searches the score is that of the first document; without any document nothing is answered."""
    places = [1] * 20 + [2] * 20
    ranking = {q: {d: s / (1 + int(q[1:])) + 2 for d, s in row.items()} for q, row in at(places).items()}
    ranking["q0"] = {}
    dev = score(ranking, TASK)
    test = score(at([1, 2] * 20), TASK.only([f"q{i}" for i in range(4)], "four"))
    first = [max(ranking[f"q{i}"].values(), default=-np.inf) for i in range(N)]
    found = threshold(dev, test)
    shown = found.scores[found.scores["part"] == "dev"]
    assert shown["right"].tolist() == [False] + [True] * 19 + [False] * 20
    np.testing.assert_allclose(shown["score"][1:], first[1:])
    assert shown["score"][0] < min(first[1:])
    assert f"{found.value:.4g}" in found.sentence and found.kind == "retrieval"


def test_figure_sentence_and_table_agree() -> None:
    """The page shows the sentence, the figure's words and the table; a precision that test misses is said."""
    rng = np.random.default_rng(3)
    label = rng.integers(0, 2, 400)
    noise = pairs(rng.normal(size=400), label, "test")  # scores that say nothing: precision is one half
    found = threshold(drawn(0), noise, precision=0.8)
    assert "below your request" in found.sentence
    for seed in range(1, 5):
        other = threshold(drawn(0, 1000), drawn(seed, 1000, "test"), precision=0.8)
        ends = other.table.set_index(["part", "metric"])["high"]
        assert ("below your request" in other.sentence) == (ends["test", "precision"] < 0.8)
    fine = threshold(drawn(0, 1000), drawn(1, 1000, "test"))
    assert "below your request" not in fine.sentence and f"{fine.value:.4g}" in fine.picture.alt
    page = fine._repr_html_()
    assert f"{fine.value:.4g}" in fine.sentence and fine.sentence.split(";")[0] in page
    assert "<img alt=" in page and page.count("<tr") == 7


def test_parts_without_a_threshold_are_refused() -> None:
    """The same data twice, other kinds, precisions out of range, one label only."""
    dev, test = drawn(0), drawn(1, name="test")
    searches = score(at([1, 2] * 20), TASK)
    ones = pairs([0.1, 0.2], [1, 1], "ones")
    for arguments, options, message in (
        ((dev, dev), {}, "the same data"), ((dev, searches), {}, "of kind pairs"), ((dev, test), {"precision": 1.5},
        "above 0"), ((ones, test), {}, "both labels"), ((test, ones), {}, "both labels"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            threshold(*arguments, **options)
