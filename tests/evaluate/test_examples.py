"""Searches side by side are what their names say, and shares are counted right."""

from __future__ import annotations

import numpy as np
import pytest
from handmade_rankings import TASK, N, at

from toolkit.evaluate import Comparison, Scores, compare, copies_above, examples, score, slices


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    base = [2] * N
    tuned = [1] * 10 + [3] * 10 + [6] * 1 + [2] * 19
    return compare({"base": score(at(base), TASK), "tuned": score(at(tuned), TASK)}, baseline="base")


def test_kinds_are_true(comparison: Comparison) -> None:
    """Three helped, three hurt, two unchanged; each is what it is called, with its places and texts."""
    drawn = examples(comparison, "tuned", seed=3)
    assert [e.kind for e in drawn] == ["helped"] * 3 + ["hurt"] * 3 + ["unchanged"] * 2
    ranges = {"helped": range(10), "hurt": range(10, 21), "unchanged": range(21, N)}
    for example in drawn:
        number = int(example.query_id[1:])
        assert number in ranges[example.kind] and example.query == f"search {number}"
        assert example.right == [f"text {number}"] and example.place["base"] == 2
        assert [right for _, right in example.found["base"]] == [False, True, False]
        assert example.place["tuned"] == (1 if number < 10 else 3 if number < 20 else None if number == 20 else 2)
    assert len({e.query_id for e in drawn}) == 8


def test_the_seed_draws(comparison: Comparison) -> None:
    """The same seed draws the same searches, another one others; all come when there are fewer than asked for."""
    ids = [[e.query_id for e in examples(comparison, "tuned", seed=seed)] for seed in (0, 0, 1)]
    assert ids[0] == ids[1] != ids[2]
    many = examples(comparison, "tuned", counts=(99, 0, 0))
    assert {e.query_id for e in many} == {f"q{i}" for i in range(10)}
    with pytest.raises(ValueError, match="no comparison of 'other'"):
        examples(comparison, "other")


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


def test_slices_are_means_of_their_queries(comparison: Comparison) -> None:
    """Each slice holds the mean over its own queries; small ones are left out."""
    labels = {f"q{i}": "de" if i < 21 else "en" if i < 39 else "fr" for i in range(N)}
    table = slices(comparison, labels, metric="MRR@10", least=10)
    assert list(table["slice"].unique()) == ["de", "en"]
    value = table.set_index(["slice", "model"])["score"]
    assert value["de", "tuned"] == pytest.approx((10 + 10 / 3) / 21)
    assert value["en", "tuned"] == value["en", "base"] == 0.5
    assert slices(comparison, labels, least=99).empty


def test_unjudged_is_counted(comparison: Comparison) -> None:
    """One of five documents is judged where the right one is found."""
    assert comparison.scores["base"].unjudged(10) == pytest.approx(4 / 5)
    assert comparison.scores["base"].unjudged(1) == 1
    assert comparison.scores["tuned"].unjudged(1) == pytest.approx(30 / 40)


def test_copies_above(comparison: Comparison) -> None:
    """Only near-copies of the right document that stand above it count."""
    vectors = np.eye(N, dtype=np.float32)
    assert copies_above(comparison.scores["base"], vectors) == 0
    vectors[1] = vectors[0]  # in base, d1 stands above d0 for q0; d2 above d1 for q1
    assert copies_above(comparison.scores["base"], vectors) == pytest.approx(1 / N)
    vectors[6] = vectors[5]  # in tuned, q5 has its own document first
    assert copies_above(comparison.scores["base"], vectors) == pytest.approx(2 / N)
    assert copies_above(comparison.scores["tuned"], vectors) == 0
    with pytest.raises(ValueError, match="one vector for each of the 40"):
        copies_above(comparison.scores["base"], vectors[:3])
