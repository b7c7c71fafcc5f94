"""Agreement of judges is what scikit-learn finds."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from toolkit.evaluate.judging.votes import kappa


def test_kappa_is_scikit_learns() -> None:
    """On random answers of uneven frequency; nan where chance agreement is full."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        a, b = rng.random((2, 40)) < rng.random((2, 1))
        if len(set(a) | set(b)) > 1:
            assert kappa(a, b) == pytest.approx(cohen_kappa_score(a, b), abs=1e-12)
    assert np.isnan(kappa([True, True], [True, True]))
