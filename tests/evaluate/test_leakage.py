"""Scores on leaked and clean items are those of the items, and a planted leak is told from easier items."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from handmade_rankings import TASK, N, at

from toolkit import prepare
from toolkit.evaluate import score
from toolkit.evaluate.analysis import copies_above, leak_effect
from toolkit.prepare import Audit, Task


def audited(leaked: range) -> Audit:
    ids = [f"q{i}" for i in range(N)]
    return Audit(pd.DataFrame({"query_id": ids, "query": ids, "same_query": False,
                               "same_document": [i in leaked for i in range(N)]}))  # fmt: skip


def test_scores_are_those_of_the_two_parts() -> None:
    """Means by hand: 10 leaked at the first place, 30 clean of which 10 are at the second; intervals hold them."""
    found = leak_effect(score(at([1] * 20 + [2] * 20), TASK, name="x"), audited(range(10)), metric="MRR@10")
    rows = found.table.set_index("items")
    assert rows["score"].to_dict() == pytest.approx(
        {"leaked": 1, "clean": 20 / 30, "all": 0.75, "leaked minus clean": 1 / 3}
    )
    assert rows["n"].to_dict() == {"leaked": 10, "clean": 30, "all": 40, "leaked minus clean": 40}
    clean = np.array([1.0] * 10 + [0.5] * 20)
    assert rows.loc["clean", "high"] - rows.loc["clean", "low"] == pytest.approx(3.92 * clean.std() / 30**0.5, rel=0.15)
    gap = rows.loc["leaked minus clean"]
    assert gap["high"] - gap["low"] == pytest.approx(3.92 * clean.std() / 30**0.5, rel=0.15)
    assert "0.667" in found.sentence and found.sentence in found._repr_html_()


def test_the_untuned_model_tells_easier_items_from_a_leak() -> None:
    """Leaked items that are easy for any model are no effect; items that only the tuned model has learned are one."""
    easy = [1] * 10 + [3] * 30
    tuned, learned = [1] * 10 + [2] * 30, [1] * 10 + [3] * 30
    nothing = leak_effect(score(at(tuned), TASK, name="t"), audited(range(10)), metric="MRR@10",
                          untuned=score(at(easy), TASK, name="b"))  # fmt: skip
    assert nothing.table["score"].iloc[-1] == pytest.approx(-1 / 6)
    real = leak_effect(score(at(learned), TASK, name="t"), audited(range(10)), metric="MRR@10",
                       untuned=score(at([3] * 40), TASK, name="b"))  # fmt: skip
    last = real.table.iloc[-1]
    assert last["score"] == pytest.approx(2 / 3) and last["low"] > 0 and "+0.667" in real.sentence


def test_groups_that_lie_on_both_sides_are_resampled_whole() -> None:
    """Where each leaked item has a clean one like it in its group, the difference is more certain than by items."""
    rng = np.random.default_rng(0)
    places = rng.integers(1, 5, N // 2).repeat(2).tolist()
    audit = audited(range(0))
    audit.table["same_document"] = [i % 2 == 0 for i in range(N)]
    widths = []
    for groups in ({f"q{i}": i // 2 for i in range(N)}, {}):
        task = Task(TASK.name, TASK.kind, TASK.data, groups)
        row = leak_effect(score(at(places), task), audit, metric="MRR@10").table.set_index("items").iloc[-1]
        widths.append(row["high"] - row["low"])
    assert widths[0] == pytest.approx(0, abs=1e-9) and widths[1] > 0.1


def test_set_metrics_and_a_real_audit() -> None:
    """A correlation on leaked and clean rows is scipy's on each; the audit is that of prepare.audit."""
    from datasets import Dataset
    from scipy.stats import spearmanr

    rng = np.random.default_rng(2)
    left, right = ([f"{side} number {i} of many words {i * 7}" for i in range(60)] for side in "ab")
    true = rng.random(60)
    task = prepare.task(Dataset.from_dict({"sentence1": left, "sentence2": right, "score": true}), groups=None)
    train = Dataset.from_dict({"sentence1": left[:20], "sentence2": right[:20], "score": true[:20]})
    vectors = {text: rng.normal(size=6) for text in (*left, *right)}
    scores = score(vectors, task)
    audit = prepare.audit(train, task)
    seen = audit.leaked.to_numpy()
    assert 20 <= seen.sum() < 60
    rows = leak_effect(scores, audit).table.set_index("items")["score"]
    said = scores.predictions["score"].to_numpy()
    assert rows["leaked"] == pytest.approx(spearmanr(said[seen], true[seen]).statistic)
    assert rows["clean"] == pytest.approx(spearmanr(said[~seen], true[~seen]).statistic)


def test_other_items_and_one_sided_audits_are_refused() -> None:
    """An audit of other items, nothing or everything leaked, an untuned model scored elsewhere."""
    scores = score(at([1, 2] * 20), TASK)
    short = Audit(audited(range(10)).table.head(30))
    with pytest.raises(ValueError, match="10 of 40 items"):
        leak_effect(scores, short)
    for leaked in (range(0), range(N)):
        with pytest.raises(ValueError, match="of 40 items are leaked"):
            leak_effect(scores, audited(leaked))
    with pytest.raises(ValueError, match="another task"):
        leak_effect(scores, audited(range(10)), untuned=scores.only(["q1", "q2"], "two"))


def test_near_copies_above_the_right_document_are_counted() -> None:
    """Only near-copies of the right document that stand above it count."""
    base, tuned = score(at([2] * N), TASK), score(at([1] * 10 + [3] * 10 + [6] * 1 + [2] * 19), TASK)
    vectors = np.eye(N, dtype=np.float32)
    assert copies_above(base, vectors) == 0
    vectors[1] = vectors[0]  # in base, d1 stands above d0 for q0; d2 above d1 for q1
    assert copies_above(base, vectors) == pytest.approx(1 / N)
    vectors[6] = vectors[5]  # in tuned, q5 has its own document first
    assert copies_above(base, vectors) == pytest.approx(2 / N)
    assert copies_above(tuned, vectors) == 0
    with pytest.raises(ValueError, match="40 documents, got 3"):
        copies_above(base, vectors[:3])
