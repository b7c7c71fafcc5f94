"""Seeds and splits: the variance that each adds, by simulations in which the truth is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from toolkit.evaluate import Comparison, Scores, compare
from toolkit.evaluate.comparing import combine
from toolkit.prepare import RetrievalData, Task


def search(name: str = "test", n: int = 40, groups: dict[str, int] | None = None) -> Task:
    """A search whose content depends on its name."""
    data = RetrievalData(
        {"d": f"of {name}"}, {f"q{i}": f"{name} {i}" for i in range(n)}, {f"q{i}": {"d": 1} for i in range(n)}
    )
    return Task(name, "retrieval", data, groups or {})


def compared(gaps: np.ndarray, task: Task, **others: np.ndarray) -> Comparison:
    """A comparison in which ``tuned`` stands above ``base`` by these gaps, query by query."""
    index = pd.Index(task.items, name="query_id")
    systems = {"base": np.zeros(len(gaps)), "tuned": gaps, **others}
    scores = {name: Scores(name, task, {}, pd.DataFrame({"m": x}, index=index)) for name, x in systems.items()}
    return compare(scores, baseline="base")


def test_splits_follow_the_published_formula() -> None:
    """The corrected resampled t-test of Nadeau and Bengio, from its formula; the plain one would be narrower."""
    rng = np.random.default_rng(0)
    parts = [compared(0.1 + 0.3 * rng.normal(size=40), search(f"s{i}")) for i in range(6)]
    gaps = np.array([part.row("tuned", "m")["difference"] for part in parts])
    row = combine(parts, test_over_train=0.25).table.iloc[0]
    error = np.sqrt((1 / 6 + 0.25) * gaps.var(ddof=1))
    assert row["difference"] == pytest.approx(gaps.mean())
    assert [row["low"], row["high"]] == pytest.approx(gaps.mean() + error * t.ppf([0.025, 0.975], 5))
    assert row["p"] == pytest.approx(2 * t.sf(abs(gaps.mean()) / error, 5))
    assert (row["runs"], row["n"]) == (6, 40)


def test_splits_that_share_data_raise_few_false_alarms() -> None:
    """Repeated splits of one sample, no true difference: the corrected test alarms seldom, the plain t-test often."""
    rng = np.random.default_rng(1)
    alarms = np.zeros(2)
    for _ in range(400):
        sample = rng.normal(size=100)  # each item's gap, with a mean of 0 in all such data
        gaps = [sample[rng.permutation(100)[:20]].mean() for _ in range(10)]
        values = np.array(gaps)
        for way, factor in enumerate((1 / 10 + 20 / 80, 1 / 10)):
            alarms[way] += 2 * t.sf(abs(values.mean()) / np.sqrt(factor * values.var(ddof=1)), 9) < 0.05
    assert alarms[0] / 400 < 0.11 and alarms[1] / 400 > 0.17


def test_seeds_cover_the_truth_where_one_source_alone_does_not() -> None:
    """Over seeds and queries in groups the interval holds the true gap 95 times of 100; one seed's holds it less."""
    rng = np.random.default_rng(0)
    groups = {f"q{i}": i // 2 for i in range(40)}
    task = search(groups=groups)
    hits = np.zeros(2)
    for _ in range(SIMULATED := 40):
        shared = np.repeat(rng.normal(0, 0.3, size=20), 2) + rng.normal(0, 0.1, size=40)
        parts = [compared(0.2 + rng.normal(0, 0.1) + shared + rng.normal(0, 0.1, size=40), task) for _ in range(4)]
        row = combine(parts).table.iloc[0]
        first = parts[0].table.iloc[0]
        hits += [row["low"] <= 0.2 <= row["high"], first["low"] <= 0.2 <= first["high"]]
    both, one = hits / SIMULATED
    assert both >= 0.85
    assert one < 0.8


def test_seeds_add_their_variances() -> None:
    """The squared error is that of the seeds plus that of the items, and an equal system differs by nothing."""
    rng = np.random.default_rng(0)
    shared = rng.normal(0, 1, size=40)
    gaps = [shared + shift for shift in (0.5, 0.7, 0.9)]
    task = search()
    found = combine([compared(gap, task, same=np.zeros(40)) for gap in gaps])
    row = found.table.set_index("model").loc["tuned"]
    seeds, items = 0.2**2 / 3, shared.var() / 40
    df = (seeds + items) ** 2 / (seeds**2 / 2 + items**2 / 39)
    half = t.ppf(0.975, df) * np.sqrt(seeds + items)
    assert row["high"] - row["low"] == pytest.approx(2 * half, rel=0.04)
    same = found.table.set_index("model").loc["same"]
    assert same[["difference", "low", "high", "p", "mdd"]].tolist() == [0, 0, 0, 1, 0]
    assert len(found.each) == 6 and found.over == "seeds" and found.sentences[-1] == found.assumes
    assert "3 training seeds on one test set" in found.assumes
    assert "no difference shown" in found.sentences[1]


def test_what_cannot_be_combined() -> None:
    """One comparison, other systems, seeds and splits mixed, and a missing or needless ratio are refused."""
    gaps = np.linspace(-1, 2, 40)
    one, two, other = compared(gaps, search()), compared(gaps, search()), compared(gaps, search("other"))
    with pytest.raises(ValueError, match="at least two comparisons to combine, got 1"):
        combine([one])
    with pytest.raises(ValueError, match="comparison 2 has base, tuned, more"):
        combine([one, compared(gaps, search(), more=gaps)])
    with pytest.raises(ValueError, match="3 comparisons were made on 2 test sets"):
        combine([one, two, other])
    with pytest.raises(ValueError, match="need a test_over_train"):
        combine([one, other])
    with pytest.raises(ValueError, match="above 0.; got -1"):
        combine([one, other], test_over_train=-1)
    with pytest.raises(ValueError, match="need no test_over_train"):
        combine([one, two], test_over_train=0.2)


def test_differences_without_variance_say_nothing() -> None:
    """Splits whose differences are equal to the digit have no variance to test by, and are not called certain."""
    parts = [compared(np.full(40, 0.5), search(f"s{i}")) for i in range(3)]
    row = combine(parts, test_over_train=0.25).table.iloc[0]
    assert row["p"] == 1 and np.isnan(row["low"])
