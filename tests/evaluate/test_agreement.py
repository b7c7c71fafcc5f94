"""Intervals of shares and differences hold the truth as often as they promise."""

from __future__ import annotations

import numpy as np

from toolkit.evaluate.judging.agreement import difference


def test_intervals_hold_the_truth() -> None:
    """Of 1,000 draws of 30 searches about 95 in 100 intervals hold the true share and difference; near 1 no fewer."""
    from scipy.stats import binomtest

    rng = np.random.default_rng(0)
    for p, q in ((0.75, 0.6), (0.95, 0.9)):
        hits = np.zeros(2)
        for _ in range(1000):
            hard = rng.random(30)  # the same searches: what one fails the other often fails too
            a, b = (hard < p).astype(float), (0.7 * hard + 0.3 * rng.random(30) < q).astype(float)
            low, high = binomtest(int(a.sum()), 30).proportion_ci(method="wilson")
            found = difference(a, b)
            hits += low <= p <= high, found.low <= p - B_TRUE[q] <= found.high
        assert (hits >= 930).all(), (p, q, hits)
        if p < 0.9:
            assert (hits <= 980).all(), (p, q, hits)  # near 1 the one of the difference is wider than it need be


def _share_below(q: float) -> float:
    """P(0.7 u + 0.3 v < q) for uniform u, v, by a fine grid."""
    u = (np.arange(20_000) + 0.5) / 20_000
    return float(np.clip((q - 0.7 * u) / 0.3, 0, 1).mean())


B_TRUE = {q: _share_below(q) for q in (0.6, 0.9)}
