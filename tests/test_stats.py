"""Intervals and tests against scipy, brute force, and simulations in which the truth is known."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap, norm, permutation_test

from toolkit import stats


@pytest.fixture(scope="module")
def clustered() -> tuple[np.ndarray, np.ndarray]:
    """Three measurements of 120 items in 30 groups of uneven size; items of a group resemble each other."""
    rng = np.random.default_rng(0)
    groups = rng.integers(0, 30, size=120)
    return rng.normal(size=(30, 3))[groups] + 0.3 * rng.normal(size=(120, 3)), groups


def test_independent_items_are_near_the_normal_interval() -> None:
    """With many independent items the bootstrap agrees with mean +- 1.96 standard errors."""
    values = np.random.default_rng(0).normal(3, 2, size=800)
    [found] = stats.intervals(values)
    error = values.std() / np.sqrt(800)
    assert found.mean == pytest.approx(values.mean())
    assert found.error == pytest.approx(error, rel=0.03)
    assert [found.low, found.high] == pytest.approx(values.mean() + error * norm.ppf([0.025, 0.975]), abs=0.05 * error)


def test_equals_a_bootstrap_by_hand(clustered: tuple[np.ndarray, np.ndarray]) -> None:
    """Whole groups are drawn: a plain loop that does so finds the same ends and error."""
    values, groups = clustered
    members = [values[groups == group] for group in np.unique(groups)]
    rng = np.random.default_rng(1)
    means = np.array([
        np.concatenate([members[i] for i in rng.integers(0, len(members), len(members))]).mean(axis=0)
        for _ in range(6000)
    ])  # fmt: skip
    for column, found in enumerate(stats.intervals(values, groups)):
        low, high = np.percentile(means[:, column], [2.5, 97.5])
        assert found.error == pytest.approx(means[:, column].std(), rel=0.04)
        assert [found.low, found.high] == pytest.approx([low, high], abs=0.12 * found.error)
        assert (found.n, found.n_groups) == (120, len(members))


def test_draws_are_scipys(clustered: tuple[np.ndarray, np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    """Ends and error equal `scipy.stats.bootstrap` with the same seed, in whatever blocks the work is done."""
    values, groups = clustered
    sums = np.array([values[groups == group].sum(axis=0) for group in dict.fromkeys(groups)])
    sizes = np.array([np.sum(groups == group) for group in dict.fromkeys(groups)])
    theirs = [
        bootstrap((column, sizes), lambda s, n, axis: s.sum(axis=axis) / n.sum(axis=axis), paired=True, axis=-1,
                  n_resamples=999, method="percentile", rng=np.random.default_rng(5))
        for column in sums.T
    ]  # fmt: skip
    expected = [(*found.confidence_interval, found.standard_error) for found in theirs]
    for block, kept in ((stats.BLOCK, stats.MAX_CACHED), (700, stats.MAX_CACHED), (1, 0)):
        monkeypatch.setattr(stats, "BLOCK", block)
        monkeypatch.setattr(stats, "MAX_CACHED", kept)
        stats._cached_draws.cache_clear()
        found = stats.intervals(values, groups, resamples=999, seed=5)
        assert np.array([(x.low, x.high, x.error) for x in found]) == pytest.approx(np.array(expected), abs=1e-12)
    stats._cached_draws.cache_clear()


def test_percentile_interval_leaves_out_what_is_undefined() -> None:
    """The ends are numpy's percentiles of the finite values; without any both are nan."""
    values = np.random.default_rng(0).normal(size=500)
    with_gaps = np.concatenate([[np.nan], values, [np.inf, np.nan]])
    assert stats.percentile_interval(with_gaps) == tuple(np.percentile(values, [2.5, 97.5]))
    assert np.isnan(stats.percentile_interval([np.nan, np.nan])).all() and np.isnan(stats.percentile_interval([])).all()


def test_kept_draws_are_not_changed_by_their_users() -> None:
    """Two calls share an array, so that it must not be written to."""
    [block] = stats.draws(5, resamples=20, seed=1)
    with pytest.raises(ValueError, match="read-only"):
        block[0, 0] = 9


def test_coverage_with_groups() -> None:
    """Intervals over groups hold the true mean about 95 times of 100; intervals over items, far less."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(40), 6)
    hits = np.zeros(2)
    for seed in range(300):
        values = rng.normal(size=40)[groups] + rng.normal(size=240)
        for way, labels in enumerate((groups, None)):
            [found] = stats.intervals(values, labels, resamples=300, seed=seed)
            hits[way] += found.low <= 0 <= found.high
    by_group, by_item = hits / 300
    assert 0.90 <= by_group <= 0.98
    assert by_item < 0.80


def test_columns_share_their_draws(clustered: tuple[np.ndarray, np.ndarray]) -> None:
    """A column twice as large has an interval exactly twice as large, and its place does not matter."""
    values, groups = clustered
    one, two, again = stats.intervals(np.stack([values[:, 0], 2 * values[:, 0], values[:, 0]], axis=1), groups)
    assert [two.low, two.high, two.error] == pytest.approx([2 * one.low, 2 * one.high, 2 * one.error], rel=1e-12)
    [alone] = stats.intervals(values[:, 0], groups)
    for other in (again, alone):
        assert [other.low, other.high, other.error] == pytest.approx([one.low, one.high, one.error], rel=1e-12)


def test_one_group_says_nothing() -> None:
    """One group has a mean and no interval; equal values have an interval of no width."""
    [alone] = stats.intervals([1, 2, 3], ["a"] * 3)
    assert alone.mean == 2 and alone.n_groups == 1 and np.isnan([alone.low, alone.high, alone.error]).all()
    [constant] = stats.intervals([0.1] * 7, list("aabbccd"))
    assert [constant.low, constant.high, constant.error] == pytest.approx([0.1, 0.1, 0], abs=1e-12)


@pytest.mark.parametrize(
    ("values", "groups", "message"),
    [
        ([], None, r"n > 0, got \(0,\)"),
        ([1.0, np.nan], None, "1 that are nan or infinite"),
        ([1.0, np.inf], None, "1 that are nan or infinite"),
        ([1.0, 2.0], ["a"], "each of the 2 values, got 1"),
        (np.zeros((2, 2, 2)), None, "shape"),
    ],
)
def test_bad_values(values: object, groups: list[str] | None, message: str) -> None:
    """Nothing, nan and groups of another length are refused, by intervals and by the test."""
    for function in (stats.intervals, stats.sign_flip_test):
        with pytest.raises(ValueError, match=message if np.ndim(values) == 1 else "shape"):
            function(values, groups)


def enumerated(sums: np.ndarray) -> float:
    """Share of all sign patterns whose sum is at least as far from zero."""
    flips = np.array(list(itertools.product([-1, 1], repeat=len(sums))))
    return float((np.abs(flips @ sums) >= abs(sums.sum()) - 1e-9).mean())


def test_sign_flips_equal_full_enumeration() -> None:
    """With few groups the p-value is the exact share over all sign patterns of the groups' sums."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        differences, groups = rng.normal(0.3, 1, size=30), rng.integers(0, 9, size=30)
        sums = np.array([differences[groups == group].sum() for group in np.unique(groups)])
        assert stats.sign_flip_test(differences, groups) == pytest.approx(enumerated(sums))


def test_sign_flips_of_items_equal_scipy() -> None:
    """Without groups the test is scipy's paired permutation test on the mean."""
    differences = np.random.default_rng(4).normal(0.25, 1, size=60)
    theirs = permutation_test((differences,), np.mean, permutation_type="samples", n_resamples=20_000, rng=9).pvalue
    assert 0.01 < theirs < 0.5
    assert stats.sign_flip_test(differences) == pytest.approx(theirs, abs=0.02)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 40), st.integers(1, 4))
def test_no_column_depends_on_another(seed: int, n: int, others: int) -> None:
    """The p-value of a column is that which it has alone, exact or drawn, beside columns with other zeros."""
    rng = np.random.default_rng(seed)
    table = rng.choice([0, 0, 0.5, -1, 1, 0.1], size=(n, 1 + others))
    together = stats.sign_flip_tests(table, resamples=300, seed=1)
    assert together == [stats.sign_flip_test(column, resamples=300, seed=1) for column in table.T]


def test_drawn_flips_are_near_all_flips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn p-values of values with many equal sums are those of full enumeration, but for the chance of the draw."""
    rng = np.random.default_rng(2)
    table = rng.choice([0.1, 0.2, 0.3, -0.1, -0.2], size=(14, 30))
    exact = np.array([enumerated(column) for column in table.T])
    drawn = np.array(stats.sign_flip_tests(table, resamples=4000, seed=3))  # of 16,384
    assert not np.array_equal(exact, drawn)
    assert np.abs(drawn - exact).max() < 4 * np.sqrt(0.25 / 4000)
    assert abs((drawn - exact).mean()) < 0.004


def test_sign_flips_without_movement() -> None:
    """Where nothing or one group differs, no sign pattern is rarer than another."""
    assert stats.sign_flip_test([0, 0, 0]) == 1
    assert stats.sign_flip_test([0.5]) == stats.sign_flip_test([0, 0.5, 0]) == 1
    assert stats.sign_flip_test([1.0] * 40) == 1 / 10_001  # never 0


def test_sign_flips_raise_few_false_alarms() -> None:
    """Under no difference the p-value of groups is below 0.05 about 5 times of 100; of items, far more often."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(25), 6)
    alarms = np.zeros(2)
    for seed in range(400):
        differences = rng.normal(size=25)[groups] + rng.normal(size=150)
        for way, labels in enumerate((groups, None)):
            alarms[way] += stats.sign_flip_test(differences, labels, resamples=400, seed=seed) < 0.05
    by_group, by_item = alarms / 400
    assert 0.02 <= by_group <= 0.08
    assert by_item > 0.2


def test_seeds(clustered: tuple[np.ndarray, np.ndarray]) -> None:
    """One seed gives one result, another seed another."""
    values, groups = clustered
    assert stats.intervals(values, groups, seed=3) == stats.intervals(values, groups, seed=3)
    assert stats.intervals(values, groups, seed=3) != stats.intervals(values, groups, seed=4)
    first, again, other = (stats.sign_flip_test(values[:, 0], groups, seed=seed) for seed in (3, 3, 4))
    assert first == again != other


def test_holm_rejects_what_the_stepwise_procedure_rejects() -> None:
    """An adjusted value is below alpha exactly where Holm's procedure, stepped by hand, rejects."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        p_values = rng.choice([0.001, 0.004, 0.01, 0.02, 0.03, 0.2, 1.0], size=rng.integers(1, 8))
        for alpha in (0.0149, 0.05, 0.101):
            rejected = np.zeros(len(p_values), dtype=bool)
            for step, place in enumerate(np.argsort(p_values, kind="stable")):
                if p_values[place] > alpha / (len(p_values) - step):
                    break
                rejected[place] = True
            assert [p <= alpha for p in stats.holm(list(p_values))] == rejected.tolist()
    assert stats.holm([]) == []


def test_minimum_detectable_difference_is_seen_four_times_of_five() -> None:
    """A true difference of that size is significant in 80 % of simulated experiments."""
    error = 0.02
    measured = np.random.default_rng(0).normal(stats.minimum_detectable_difference(error), error, size=100_000)
    assert (np.abs(measured) > norm.ppf(0.975) * error).mean() == pytest.approx(0.8, abs=0.01)
    stricter = stats.minimum_detectable_difference(error, alpha=0.01, power=0.9)
    assert stricter > stats.minimum_detectable_difference(error)


def test_power_is_what_was_promised() -> None:
    """A true difference of the minimum detectable size is found by the test itself four times of five.

    Also where items come in groups; from the error over items, which ignores them, far less is found than promised.
    """
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(60), 4)
    noise = [rng.normal(size=60)[groups] + rng.normal(size=240) for _ in range(300)]
    true = np.sqrt((1 + 1 / 4) / 60)  # standard error of the mean: one part a group, one part an item
    found = {}
    for way, error in (("groups", true), ("items", np.sqrt(2 / 240))):
        shift = stats.minimum_detectable_difference(error)
        p_values = [stats.sign_flip_test(x + shift, groups, resamples=400, seed=i) for i, x in enumerate(noise)]
        found[way] = np.mean(np.array(p_values) < 0.05)
    assert 0.73 <= found["groups"] <= 0.87
    assert found["items"] < 0.6
    [measured] = stats.intervals(noise[0], groups)
    assert measured.error == pytest.approx(true, rel=0.25)


def test_selection_bias_is_the_mean_of_the_largest() -> None:
    """The largest of k equal systems' errors, by simulation; and in a test, half the error is half the bias."""
    noise = np.random.default_rng(0).normal(size=(40_000, 14))
    for k in (1, 2, 5, 14):
        assert stats.selection_bias(0.02, k) == pytest.approx(0.02 * noise[:, :k].max(axis=1).mean(), abs=0.0004)
    assert stats.selection_bias(1, 1000) == pytest.approx(3.2414, abs=1e-3)  # H. L. Harter, Biometrika 48, 1961
    for error, systems in ((np.nan, 3), (-1, 3), (1, 0)):
        with pytest.raises(ValueError, match="error of at least 0 and at least one system"):
            stats.selection_bias(error, systems)
