"""Tables of errors hold every item in order; examples are drawn by their seed and are what their kinds say."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset
from handmade_rankings import TASK, N, at
from sklearn.metrics import roc_auc_score

from toolkit.evaluate import Comparison, Scores, compare, errors, score
from toolkit.evaluate.analysis import examples, item_values
from toolkit.prepare import Task


@pytest.fixture(scope="module")
def both() -> Comparison:
    """Ten queries helped, eleven hurt (one of them not found), nineteen unchanged."""
    places = [1] * 10 + [3] * 10 + [6] * 1 + [2] * 19
    return compare({"base": score(at([2] * N), TASK), "tuned": score(at(places), TASK)}, baseline="base")


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


def test_searches_from_the_largest_gain_to_the_largest_loss(both: Comparison) -> None:
    """Every query once; changes fall; ranks, first texts and right texts are those of the rankings."""
    places = [1] * 10 + [3] * 10 + [6] * 1 + [2] * 19
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
    assert len(pd.read_csv(io.StringIO(table.to_csv()))) == N


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


def predicted(kind: str, predictions: pd.DataFrame, **columns: Any) -> Scores:
    data = task(kind, **columns)
    return Scores("x", data, {}, pd.DataFrame(index=data.items), predictions.set_axis(data.items), ["m"])


def test_values_of_items_add_up_to_known_measures() -> None:
    """Mean of `ordered` over either label is scikit-learn's area under the curve; the others, by hand."""
    label, value = RNG.integers(0, 2, 50), RNG.integers(0, 6, 50)  # many ties
    found = item_values(predicted("pairs", pd.DataFrame({"score": value}), sentence1=["a"] * 50, sentence2=["b"] * 50,
                             label=label)).to_numpy()  # fmt: skip
    for one in (0, 1):
        assert found[label == one].mean() == pytest.approx(roc_auc_score(label, value))
    ranks = pd.DataFrame({"score": [0.1, 0.9, 0.5]})
    similar = predicted("similarity", ranks, sentence1=["a"] * 3, sentence2=["b"] * 3, score=[1, 2, 3])
    assert item_values(similar).tolist() == [1, 0.5, 0.5]
    clusters = pd.DataFrame({"cluster 0": [0, 0, 1], "cluster 1": [0, 1, 2]})
    grouped = item_values(predicted("clustering", clusters, text=["a", "b", "c"], label=["x", "x", "y"]))
    assert grouped.tolist() == pytest.approx([(1 + 2 / 3) / 2, (1 + 2 / 3) / 2, 1])


def test_impossible_requests_are_refused(both: Comparison) -> None:
    """Unknown systems and metrics, a score in place of a comparison, examples of a task that is no search."""
    for system in ("base", "other"):
        with pytest.raises(ValueError, match=f"{system!r}"):
            errors(both, system)
    with pytest.raises(ValueError, match="'spearman'"):
        errors(both, metric="spearman")
    with pytest.raises(ValueError, match="Scores"):
        errors(both.scores["base"])
    data = task("similarity", sentence1=WORDS[:30], sentence2=WORDS[30:], score=RNG.random(30))
    tables = compare({n: score(cloud(WORDS, n), data, name=str(n)) for n in (1, 2)}, baseline=1)
    with pytest.raises(ValueError, match="'similarity'"):
        examples(tables, 2)


def test_kinds_are_true(both: Comparison) -> None:
    """Three helped, three hurt, two unchanged; each is what it is called, with its places and texts."""
    drawn = examples(both, "tuned", seed=3)
    assert [e.kind for e in drawn] == ["helped"] * 3 + ["hurt"] * 3 + ["unchanged"] * 2
    ranges = {"helped": range(10), "hurt": range(10, 21), "unchanged": range(21, N)}
    for example in drawn:
        number = int(example.query_id[1:])
        assert number in ranges[example.kind] and example.query == f"search {number}"
        assert example.right == [f"text {number}"] and example.place["base"] == 2
        assert [right for _, right in example.found["base"]] == [False, True, False]
        assert example.place["tuned"] == (1 if number < 10 else 3 if number < 20 else None if number == 20 else 2)
    assert len({e.query_id for e in drawn}) == 8


def test_the_seed_draws(both: Comparison) -> None:
    """The same seed draws the same searches, another one others; all come when there are fewer than asked for."""
    ids = [[e.query_id for e in examples(both, "tuned", seed=seed)] for seed in (0, 0, 1)]
    assert ids[0] == ids[1] != ids[2]
    many = examples(both, "tuned", counts=(99, 0, 0))
    assert {e.query_id for e in many} == {f"q{i}" for i in range(10)}
    with pytest.raises(ValueError, match="no comparison of 'other'"):
        examples(both, "other")


def test_unchanged_is_what_keeps_its_place() -> None:
    """A document that moves where nDCG@10 does not see it is in none of the three kinds."""
    from toolkit.prepare import RetrievalData, Task

    names = [f"d{i}" for i in range(30)]
    data = RetrievalData(
        {n: n for n in names}, {f"q{i}": f"s{i}" for i in range(9)}, {f"q{i}": {"d0": 1} for i in range(9)}
    )
    task = Task("deep", "retrieval", data, {})

    def system(places: list[int]) -> Scores:
        """The right document at these places of 20; 0 is nowhere."""
        others = names[1:20]
        order = {f"q{i}": [*others[: p - 1], "d0", *others[p - 1 :]] if p else others for i, p in enumerate(places)}
        return score({q: {d: -float(r) for r, d in enumerate(found)} for q, found in order.items()}, task)

    before, after = [18, 12, 15, 3, 0, 2, 15, 11, 0], [12, 18, 15, 3, 0, 1, 14, 0, 12]
    third = [1] * 9
    found = compare({"a": system(before), "b": system(after), "c": system(third)}, baseline="a")
    drawn = [e for seed in range(5) for e in examples(found, "b", counts=(9, 9, 9), seed=seed)]
    assert {e.query_id for e in drawn if e.kind == "unchanged"} == {"q2", "q3", "q4"}
    assert {e.query_id for e in drawn if e.kind == "helped"} == {"q5"} and not [e for e in drawn if e.kind == "hurt"]
    assert all(len(examples(found, "b", counts=(0, 0, 2), seed=seed)) == 2 for seed in range(5))
    beside = examples(found, "b", counts=(9, 9, 9), seed=0, also=["c"])
    assert [e.query_id for e in beside] == [e.query_id for e in drawn][: len(beside)]
    assert all(list(e.found) == ["a", "b", "c"] and e.place["c"] == 1 and e.found["c"][0][1] for e in beside)
    with pytest.raises(ValueError, match="no comparison of 'd'"):
        examples(found, "b", also=["d"])
