"""Reciprocal rank fusion against sums made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from toolkit.vectors import fuse


def test_by_hand() -> None:
    """Each document has the sum of 1 / (60 + rank) over the rankings that have it; scores do not count, only order."""
    dense = {"q": {"a": 0.9, "b": 0.8, "c": 0.1}, "only": {"x": 1.0}}
    words = {"q": {"c": 31.0, "a": 7.0}, "none": {}}
    fused = fuse(dense, words)
    assert fused["q"] == pytest.approx({"a": 1 / 61 + 1 / 62, "b": 1 / 62, "c": 1 / 63 + 1 / 61})
    assert fused["only"] == pytest.approx({"x": 1 / 61}) and fused["none"] == {}
    assert fuse(dense, words, k=1)["q"]["a"] == pytest.approx(1 / 2 + 1 / 3)


def test_order_of_arguments_and_entries() -> None:
    """Neither the order of the rankings nor that of their entries counts; equal scores go by name."""
    one, two = {"q": {"a": 1.0, "b": 1.0, "c": 3.0}}, {"q": {"b": 5.0, "c": 2.0}}
    turned = {"q": dict(reversed(one["q"].items()))}
    assert fuse(one, two)["q"] == pytest.approx(fuse(two, turned)["q"])
    assert fuse(one)["q"] == pytest.approx({"c": 1 / 61, "a": 1 / 62, "b": 1 / 63})
    assert one == {"q": {"a": 1.0, "b": 1.0, "c": 3.0}}


@pytest.mark.parametrize("wrong", [(), ([{"q": {"a": 1.0}}],), (None,)])
def test_bad_input(wrong: Any) -> None:
    """No ranking, a list of rankings and None are refused."""
    with pytest.raises(ValueError, match="expected rankings .* got (none|list|NoneType)"):
        fuse(*wrong)
