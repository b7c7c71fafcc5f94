"""Comparisons of every kind of task, who is tied with whom, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap, spearmanr

from toolkit import stats
from toolkit.evaluate import Scores, compare, verdict
from toolkit.evaluate.comparing import conclusions
from toolkit.evaluate.comparing.differences import gap, letters, resampled_test
from toolkit.prepare import RetrievalData, Task

N = 80
SIMULATED = 100


def search(n: int = N, groups: dict[str, Any] | None = None) -> Task:
    """A search with a right document for each of n queries."""
    names = range(n)
    data = RetrievalData(
        {f"d{i}": f"text {i}" for i in names},
        {f"q{i}": f"query {i}" for i in names},
        {f"q{i}": {f"d{i}": 1} for i in names},
    )
    return Task("test", "retrieval", data, groups or {})


def scored(task: Task, **metrics: Any) -> Scores:
    """Scores with given values per query."""
    return Scores("x", task, {}, pd.DataFrame(metrics, index=pd.Index(task.items, name="query_id")))


def similarity(n: int = N, groups: int = 40, seed: int = 0) -> tuple[Task, np.ndarray]:
    """A similarity task, and its true scores."""
    true = np.random.default_rng(seed).integers(0, 6, size=n)
    data = Dataset.from_dict({
        "sentence1": [f"a {i}" for i in range(n)], "sentence2": [f"b {i}" for i in range(n)],
        "score": true.astype(float),
    })  # fmt: skip
    return Task("sts", "similarity", data, {str(i): i % groups for i in range(n)}), true


def said(task: Task, values: np.ndarray, metrics: tuple[str, ...] = ("spearman",)) -> Scores:
    """Scores of a system that gave these similarities."""
    index = pd.Index(task.items)
    return Scores("x", task, {}, pd.DataFrame(index=index), pd.DataFrame({"score": values}, index=index), list(metrics))


def test_a_correlation_is_compared_on_paired_resamples() -> None:
    """Difference, interval and error of two Spearman correlations are those of scipy's paired bootstrap."""
    task, true = similarity(groups=N)
    rng = np.random.default_rng(1)
    one, two = (true + spread * rng.normal(size=N) for spread in (0.8, 2.0))
    found = compare({"two": said(task, two), "one": said(task, one)}, baseline="two").row("one", "spearman")

    def difference(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
        return float(spearmanr(a, c)[0] - spearmanr(b, c)[0])

    theirs = bootstrap((one, two, true), difference, paired=True, vectorized=False, n_resamples=2000,
                       method="percentile", rng=np.random.default_rng(7))  # fmt: skip
    error = theirs.standard_error
    assert found["difference"] == pytest.approx(difference(one, two, true))
    assert [found["low"], found["high"]] == pytest.approx(theirs.confidence_interval, abs=0.25 * error)
    assert found["mdd"] == pytest.approx(stats.minimum_detectable_difference(error), rel=0.08)
    assert found["p"] < 0.05 and found["low"] > 0
    assert found[["better", "worse", "same"]].isna().all()
    assert "Helped" not in " ".join(verdict(compare({"a": said(task, two), "b": said(task, one)}, baseline="a"), "b"))


def test_correlations_raise_few_false_alarms_and_only_over_groups() -> None:
    """Two equal systems on pairs that come in groups: about 5 alarms of 100 over groups, far more over pairs."""
    rng = np.random.default_rng(0)
    alarms = {40: 0, 240: 0}
    parts = np.arange(240) % 40
    tasks = {groups: similarity(240, groups)[0] for groups in alarms}
    for _ in range(SIMULATED):
        true = rng.normal(size=40)[parts]  # pairs of a group are alike
        noise = [rng.normal(size=40)[parts] + 0.3 * rng.normal(size=240) for _ in range(2)]
        for groups, task in tasks.items():
            here = replace(task, data=task.data.remove_columns("score").add_column("score", true))
            one, two = (said(here, true + 2 * part) for part in noise)
            drawn = one.resampled("spearman", resamples=200) - two.resampled("spearman", resamples=200)
            alarms[groups] += resampled_test(0.0, drawn, here.groups.values())[1] < 0.05
    assert 0 < alarms[40] <= 0.12 * SIMULATED  # 5 of 100 are expected
    assert alarms[240] > 0.25 * SIMULATED


@pytest.mark.parametrize("seed", range(3))
def test_p_and_interval_of_a_correlation_agree(seed: int) -> None:
    """p is below 0.05 where the interval excludes zero, also close to it."""
    task, true = similarity(seed=seed)
    rng = np.random.default_rng(seed)
    base = true + 1.5 * rng.normal(size=N)
    better = {str(share): said(task, base + share * (true - base)) for share in (0.02, 0.1, 0.3)}
    table = compare({"base": said(task, base + 0.5 * rng.normal(size=N)), **better}, baseline="base").table
    assert ((table["p"] < 0.05) == ((table["low"] > 0) | (table["high"] < 0))).all()


@settings(max_examples=100, deadline=None)
@given(
    st.integers(1, 7).flatmap(
        lambda n: st.tuples(st.just(n), st.sets(st.sampled_from(list(combinations(range(n), 2)) or [(0, 0)])))
    )
)
def test_letters_are_shared_exactly_by_those_that_do_not_differ(drawn: tuple[int, set[tuple[int, int]]]) -> None:
    """For any pattern of differences, chains included; no letter is spare, and the best bears the first."""
    n, pairs = drawn
    names = [f"s{i}" for i in range(n)]
    differ = [(names[b], names[a]) for a, b in pairs if a != b]
    found = letters(names, differ)
    for one, other in combinations(names, 2):
        assert bool(set(found[one]) & set(found[other])) == ((other, one) not in differ)
    members = [{name for name in names if letter in found[name]} for letter in set("".join(found.values()))]
    assert not any(a < b for a, b in combinations(members, 2)) and "a" in found[names[0]]


def test_ties_are_not_chained() -> None:
    """Level with the next, and the next with the last, while the first is shown to be better than the last."""
    rng = np.random.default_rng(0)
    base, noise = rng.random(200), rng.normal(size=(3, 200))
    noise -= noise.mean(axis=1, keepdims=True)  # so that the differences are the planted ones
    systems = {name: scored(search(200), m=base + shift + 0.2 * part)
               for name, shift, part in zip(("low", "mid", "high"), (0, 0.03, 0.06), noise, strict=True)}  # fmt: skip
    found = compare(systems, baseline="low")
    ties = found.ties.set_index("model")
    assert ties["letters"].to_dict() == {"high": "a", "mid": "ab", "low": "b"}
    assert ties["tied_with_best"].to_dict() == {"high": True, "mid": True, "low": False}
    pairs = found.pairwise
    assert pairs["p_holm"].tolist() == stats.holm(pairs["p"].tolist()) and len(pairs) == 3
    row = pairs[(pairs["one"] == "low") & (pairs["other"] == "high")].iloc[0]
    assert row["difference"] == pytest.approx(-found.row("high", "m")["difference"])
    assert row["p"] == found.row("high", "m")["p"]  # signs do not mind which is taken from which
    text = " ".join(conclusions(found))
    assert "high is better than low: +" in text and "mid and low: no difference shown" in text
    assert "not shown to differ from it (Holm over all pairs): mid." in text


def test_holm_decides_what_is_concluded() -> None:
    """Of many equal systems one with p below 0.05 is not called better, and it is said why."""
    rng = np.random.default_rng(3)
    base = rng.random(100)
    systems = {"base": scored(search(100), m=base)}
    noise = 0.2 * rng.normal(size=(30, 100))
    noise -= noise.mean(axis=1, keepdims=True) - 0.02 * np.linspace(-2, 2.4, 30)[:, None]  # up to 2.4 standard errors
    systems |= {f"s{i}": scored(search(100), m=base + part) for i, part in enumerate(noise)}
    found = compare(systems, baseline="base")
    lucky = found.table[(found.table["p"] < 0.05) & (found.table["p_holm"] >= 0.05)]
    assert len(lucky) and (found.table["p_holm"] >= 0.05).all()
    text = conclusions(found)
    assert sum("only comparison" in line for line in text) == len(lucky)
    assert not any("is better than" in line or "is worse than" in line for line in text)


def test_other_groups_and_nan_are_refused() -> None:
    """One test set with other groups, and a value that is nan, name the system and what to do."""
    values = np.linspace(0, 1, N)
    base = scored(search(), m=values)
    pairs = {f"q{i}": i // 2 for i in range(N)}
    renamed = scored(search(groups={query: f"g{i}" for query, i in pairs.items()}), m=values)
    with pytest.raises(ValueError, match="'b' and 'a' were scored with different groups"):
        compare({"a": base, "b": scored(search(groups=pairs), m=values)}, baseline="a")
    [note] = compare({"a": scored(search(groups=pairs), m=values), "b": renamed}, baseline="a").notes
    assert "same m on every item" in note
    with pytest.raises(ValueError, match=r"'b' has no m \(nan\)"):
        compare({"a": base, "b": scored(search(), m=np.where(values > 0.5, values, np.nan))}, baseline="a")
    with pytest.raises(ValueError, match="a metric that both systems have"):
        gap(base, base, "other")


def test_a_set_of_five_says_what_it_cannot_show() -> None:
    """With five queries even five wins of five are not shown, and the notes say so."""
    small = search(5)
    found = compare({"a": scored(small, m=[0.0] * 5), "b": scored(small, m=[1.0] * 5)}, baseline="a")
    assert found.row("b", "m")["p"] == 0.0625
    text = " ".join(found.notes)
    assert "With 5 groups and 1 comparisons no difference of means can be shown" in text and "0.06" in text
    assert "a scores 0 on every item" in text and "b scores 0" not in text
    assert "no difference shown" in conclusions(found)[0]


def test_an_undefined_correlation_is_refused() -> None:
    """Where most resamples leave a correlation undefined there is no interval: refused, with a way out."""
    task, _ = similarity(3, 3)
    lonely = np.array([0.0, 0.0, 1.0])
    true = task.rows["score"].to_numpy()
    assert len(set(true)) > 1
    with pytest.raises(ValueError, match=r"spearman of b and a is undefined on [\d,]+ of [\d,]+ resamples"):
        compare({"a": said(task, lonely), "b": said(task, lonely + 1)}, baseline="a")


def test_rows_of_a_table_are_shown_and_cut() -> None:
    """A comparison on a table shows its columns, and a part of it is compared like a task of its own."""
    task, true = similarity()
    rng = np.random.default_rng(0)
    one, two = true + rng.normal(size=N), true + 3 * rng.normal(size=N)
    found = compare({"a": said(task, two), "b": said(task, one)}, baseline="a")
    assert list(found.per_query["id"]) == task.items and "sentence1" in found.per_query
    part = found.only([str(i) for i in range(30)], "part").row("b", "spearman")
    assert part["difference"] == pytest.approx(spearmanr(one[:30], true[:30])[0] - spearmanr(two[:30], true[:30])[0])
    assert part["n"] == 30
