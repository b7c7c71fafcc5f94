"""Set metrics equal scipy's and scikit-learn's, and their resamples those of a loop over the libraries."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import pearsonr, spearmanr
from sentence_transformers.sentence_transformer.evaluation import BinaryClassificationEvaluator
from sklearn.metrics import accuracy_score, average_precision_score, f1_score, v_measure_score

from toolkit import stats
from toolkit.evaluate.scoring import set_metrics


def numbers(rng: np.random.Generator, n: int, *, ties: bool) -> np.ndarray:
    return rng.integers(0, 6, n) / 5 if ties else rng.normal(size=n)


def best(measure, scores, labels) -> float:
    """The best of a measure over all thresholds, one above all scores included."""
    return max(measure(labels, scores >= t) for t in (*np.unique(scores), np.inf))


def cases(seed: int, *, ties: bool, n: int = 60) -> dict:
    """Each metric of ours with the columns it is made from, and what a library says of such columns."""
    rng = np.random.default_rng(seed)
    gold, scores = numbers(rng, n, ties=ties), numbers(rng, n, ties=ties)
    scores = scores + 0.5 * gold
    labels = (rng.random(n) < 0.2 + 0.6 * (scores > np.median(scores))).astype(int)
    said, true = rng.integers(0, 5, n), rng.integers(1, 7, n)
    said = np.where(rng.random(n) < 0.6, true, said)
    return {
        "spearman": (set_metrics.spearman, (scores, gold), lambda a, b: spearmanr(a, b).statistic),
        "pearson": (set_metrics.pearson, (scores, gold), lambda a, b: pearsonr(a, b).statistic),
        "average_precision": (
            lambda s, y: set_metrics.Curve(s, y).average_precision, (scores, labels),
            lambda s, y: average_precision_score(y, s),
        ),
        "best_f1": (
            lambda s, y: set_metrics.Curve(s, y).best_f1, (scores, labels),
            lambda s, y: best(lambda *both: f1_score(*both, zero_division=0), s, y),
        ),
        "best_accuracy": (
            lambda s, y: set_metrics.Curve(s, y).best_accuracy, (scores, labels),
            lambda s, y: best(accuracy_score, s, y),
        ),
        "f1": (set_metrics.f1, (scores > 0.3, labels), lambda s, y: f1_score(y, s)),
        "macro_f1": (set_metrics.macro_f1, (said, true), lambda s, y: f1_score(y, s, average="macro", zero_division=0)),
        "weighted_f1": (
            set_metrics.weighted_f1, (said, true), lambda s, y: f1_score(y, s, average="weighted", zero_division=0)
        ),
        "v_measure": (set_metrics.v_measure, (said, true), lambda s, y: v_measure_score(y, s)),
    }  # fmt: skip


@pytest.mark.parametrize("name", cases(0, ties=True))
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_equal_to_the_libraries(name: str, ties: bool, seed: int) -> None:
    """With weights of 1, and with weights as repeated rows: each metric is scipy's or scikit-learn's."""
    ours, columns, theirs = cases(seed, ties=ties)[name]
    n = len(columns[0])
    counts = np.random.default_rng(seed + 10).integers(0, 4, size=(7, n))
    weights = np.vstack([np.ones(n), counts]).astype(float)
    expected = [theirs(*(np.repeat(column, row.astype(int)) for column in columns)) for row in weights]
    assert ours(*columns)(weights) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(8))
def test_thresholds_are_those_of_sentence_transformers(seed: int) -> None:
    """Thresholds lie half way to the next lower score, and give the best F1 and accuracy."""
    rng = np.random.default_rng(seed)
    scores = numbers(rng, 50, ties=seed % 2 == 0)
    labels = (rng.random(50) < (0.1 if seed < 4 else 0.6)).astype(int)
    labels[0] = 1
    found = set_metrics.Curve(scores, labels).thresholds(scores)
    f1, *_, at_f1 = BinaryClassificationEvaluator.find_best_f1_and_threshold(scores, labels, True)
    accuracy, at_accuracy = BinaryClassificationEvaluator.find_best_acc_and_threshold(scores, labels, True)
    assert f1_score(labels, scores >= found["f1"]) == pytest.approx(f1)
    assert accuracy_score(labels, scores >= found["accuracy"]) == pytest.approx(accuracy)
    assert (found["f1"], found["accuracy"]) == pytest.approx((at_f1, at_accuracy))


def test_scores_next_to_each_other_keep_apart() -> None:
    """Half way between two neighbouring numbers is one of them; the threshold must not let the lower in."""
    low = 0.5
    high = float(np.nextafter(low, 1))
    found = set_metrics.Curve([low, high], [0, 1]).thresholds([low, high])
    assert found == {"f1": high, "accuracy": high}


def test_draws_take_groups_whole_and_fairly() -> None:
    """Each resample draws as many groups as there are, items of a group alike, each group equally often on average."""
    groups = ["a", "b", "a", "c", "b", "b"]
    weights = np.concatenate(list(set_metrics.item_weights(groups, resamples=30_000, seed=0)))
    assert (weights[:, 0] == weights[:, 2]).all() and (weights[:, 1] == weights[:, 5]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert weights.mean(axis=0) == pytest.approx(1, abs=0.03)  # standard error 0.005
    assert weights[:, 3].var() == pytest.approx(2 / 3, abs=0.03)  # of a binomial, 3 draws at 1/3


def test_draws_are_the_same_whatever_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory for fewer rows at a time changes nothing; another seed does."""
    groups = [number % 7 for number in range(20)]
    whole = np.concatenate(list(set_metrics.item_weights(groups, resamples=50, seed=3)))
    monkeypatch.setattr(stats, "BLOCK", 60)
    blocks = list(set_metrics.item_weights(groups, resamples=50, seed=3))
    assert len(blocks) == 17 and (np.concatenate(blocks) == whole).all()
    assert (np.concatenate(list(set_metrics.item_weights(groups, resamples=50, seed=4))) != whole).any()


def test_one_group_or_no_resample() -> None:
    """One group says nothing of others; no resamples are no answer."""
    metric = set_metrics.mean(np.array([1.0, 0.0]))
    assert np.isnan(set_metrics.resampled(metric, ["a", "a"], resamples=3, seed=0)).all()
    with pytest.raises(ValueError, match="got 0"):
        set_metrics.resampled(metric, ["a", "b"], resamples=0, seed=0)


def test_undefined_is_nan() -> None:
    """A resample of one item, or of one label, has no correlation and no average precision."""
    alone = np.array([[3.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    x, y = [0.1, 0.7, 0.3], [1.0, 2.0, 0.5]
    curve = set_metrics.Curve(x, [0, 1, 1])
    for metric in (set_metrics.spearman(x, y), set_metrics.pearson(x, y), curve.average_precision, curve.best_f1):
        found = metric(alone)
        if metric.__name__ != "best_f1":
            assert np.isnan(found[0])
        assert np.isfinite(found[1])
    assert set_metrics.v_measure([0, 1, 1], ["a", "b", "b"])(alone).tolist() == [1, 1]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=3, max_size=20))
def test_spearman_of_any_ties(pairs: list) -> None:
    """Whatever the ties, Spearman is scipy's, and undefined where scipy's is."""
    x, y = np.array(pairs, dtype=float).T
    [found] = set_metrics.spearman(x, y)(np.ones((1, len(x))))
    if len(set(x)) < 2 or len(set(y)) < 2:
        assert np.isnan(found)
    else:
        assert found == pytest.approx(spearmanr(x, y).statistic, abs=1e-9)
