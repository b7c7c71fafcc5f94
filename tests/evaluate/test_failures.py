"""Tables of errors hold every item, in order, with what each system said."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset
from handmade_rankings import TASK, N, at
from sklearn.metrics import roc_auc_score

from toolkit.evaluate import Scores, compare, errors, examples, score
from toolkit.evaluate.reasons.failures import item_values
from toolkit.prepare import Task

RNG = np.random.default_rng(1)
WORDS = [f"text {i}" for i in range(60)]


def task(kind: str, **columns: Any) -> Task:
    train = None
    if kind == "classification":
        train = Dataset.from_dict({"text": WORDS, "label": [str(i % 3) for i in range(60)]})
    return Task("t", kind, Dataset.from_dict(columns), {}, train)


def cloud(texts: list[str], seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {text: rng.normal(size=8) for text in dict.fromkeys(texts)}


def test_searches_from_the_largest_gain_to_the_largest_loss() -> None:
    """Every query once; changes fall; places, first texts and right texts are those of the rankings."""
    places = [1] * 10 + [3] * 10 + [6] * 1 + [2] * 19
    both = compare({"base": score(at([2] * N), TASK), "tuned": score(at(places), TASK)}, baseline="base")
    table = errors(both, metric="MRR@10").set_index("query_id")
    assert sorted(table.index) == sorted(TASK.items) and table["change"].is_monotonic_decreasing
    assert table["change"].iloc[[0, -1]].tolist() == [0.5, -0.5] and table.index[-1] == "q20"
    for i, place in enumerate(places):
        row = table.loc[f"q{i}"]
        assert row["query"] == f"search {i}" and row["right"] == f"text {i}" and row["base place"] == 2
        assert row["base first"] == f"text {(i + 1) % N}"
        assert row["tuned first"] == (f"text {i}" if place == 1 else f"text {(i + 1) % N}")
        assert (pd.isna(row["tuned place"]) and place == 6) or row["tuned place"] == place
        assert row["change"] == pytest.approx((1 / place if place < 6 else 0) - 0.5)
    assert len(pd.read_csv(__import__("io").StringIO(table.to_csv()))) == N


@pytest.mark.parametrize("kind", ["similarity", "pairs", "classification", "clustering", "bitext"])
def test_every_kind_has_a_table(kind: str) -> None:
    """One row an item, with its texts and what both systems said; the change is the difference of their values."""
    left, right = WORDS[:30], WORDS[30:]
    columns: dict[str, Any] = {"sentence1": left, "sentence2": right}
    if kind in ("classification", "clustering"):
        columns = {"text": WORDS, "label": [str(i % 3) for i in range(60)]}
    columns |= {"similarity": {"score": RNG.random(30)}, "pairs": {"label": RNG.integers(0, 2, 30)}}.get(kind, {})
    data = task(kind, **columns)
    a, b = (score(cloud(WORDS, seed), data) for seed in (1, 2))
    table = errors(compare({"a": a, "b": b}, baseline="a"), "b").set_index("id")
    assert len(table) == len(data.items) and table["change"].is_monotonic_decreasing and table["change"].nunique() > 1
    gap = (item_values(b) - item_values(a)).loc[table.index]
    np.testing.assert_allclose(table["change"], gap, atol=1e-9)
    assert set(columns) - {"score", "label"} <= set(table) and any(str(name).startswith("b ") for name in table)
    if kind == "classification":
        right_b = table["b label"] == table["true label"]
        assert right_b.tolist() == (table["b accuracy"] == 1).tolist()


def said(kind: str, said: pd.DataFrame, **columns: Any) -> Scores:
    data = task(kind, **columns)
    return Scores("x", data, {}, pd.DataFrame(index=data.items), said.set_axis(data.items), ["m"])


def test_values_of_items_add_up_to_known_measures() -> None:
    """Mean of `ordered` over either label is scikit-learn's area under the curve; the others, by hand."""
    label, value = RNG.integers(0, 2, 50), RNG.integers(0, 6, 50)  # many ties
    found = item_values(said("pairs", pd.DataFrame({"score": value}), sentence1=["a"] * 50, sentence2=["b"] * 50,
                             label=label)).to_numpy()  # fmt: skip
    for one in (0, 1):
        assert found[label == one].mean() == pytest.approx(roc_auc_score(label, value))
    similar = said("similarity", pd.DataFrame({"score": [0.1, 0.9, 0.5]}), sentence1=["a"] * 3, sentence2=["b"] * 3,
                   score=[1, 2, 3])  # fmt: skip
    assert item_values(similar).tolist() == [1, 0.5, 0.5]
    clusters = pd.DataFrame({"cluster 0": [0, 0, 1], "cluster 1": [0, 1, 2]})
    grouped = item_values(said("clustering", clusters, text=["a", "b", "c"], label=["x", "x", "y"]))
    assert grouped.tolist() == pytest.approx([(1 + 2 / 3) / 2, (1 + 2 / 3) / 2, 1])


def test_what_cannot_be_is_refused() -> None:
    """Unknown systems and metrics are named; examples of tables are sent to errors."""
    both = compare({"base": score(at([2] * N), TASK), "tuned": score(at([1] * N), TASK)}, baseline="base")
    for call in (lambda: errors(both, "base"), lambda: errors(both, "other")):
        with pytest.raises(ValueError, match=r"other than the baseline \(tuned\)"):
            call()
    with pytest.raises(ValueError, match="a metric that each item has"):
        errors(both, metric="spearman")
    data = task("similarity", sentence1=WORDS[:30], sentence2=WORDS[30:], score=RNG.random(30))
    tables = compare({n: score(cloud(WORDS, n), data, name=str(n)) for n in (1, 2)}, baseline=1)
    with pytest.raises(ValueError, match=r"evaluate\.errors"):
        examples(tables, 2)
