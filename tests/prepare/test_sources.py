"""Tables in memory become pairs, or an error that names the column."""

from __future__ import annotations

import pandas as pd
import pytest
from datasets import Dataset

from toolkit.prepare import clean, load

ROWS = {"title": ["a", "b", "c"], "body": ["x", "y", "z"], "url": [7, 8, 9], "rest": [1, 1, 1]}
NAMES = {"title": "anchor", "body": "positive", "url": "positive_id"}


@pytest.mark.parametrize("make", [pd.DataFrame, Dataset.from_dict])
def test_tables(make: type) -> None:
    """A Dataset and a DataFrame give the same pairs; columns that mean nothing here are left out."""
    loaded = load(make(ROWS), columns=NAMES)
    assert loaded.data.to_dict() == {"anchor": ["a", "b", "c"], "positive": ["x", "y", "z"], "positive_id": [7, 8, 9]}
    assert loaded.digest == load(Dataset.from_dict(ROWS), columns=NAMES).digest
    assert len(load(make(ROWS), columns=NAMES, limit=2).data) == 2


def test_digest_follows_the_texts() -> None:
    """A changed text changes the digest; the order of the index does not."""
    frame = pd.DataFrame({"anchor": ["a", "b"], "positive": ["x", "y"]})
    assert load(frame).digest == load(frame.set_index(pd.Index([5, 3]))).digest
    assert load(frame).digest != load(frame.replace("y", "w")).digest


def test_missing_texts_are_left_to_clean() -> None:
    """None and nan are loaded as missing, and cleaning drops them."""
    loaded = load(pd.DataFrame({"anchor": ["a", None, "c"], "positive": ["x", "y", float("nan")]}))
    assert len(loaded.data) == 3 and clean(loaded.data).data["anchor"][:] == ["a"]


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("wikipedia", {}, "expected 'pydocs', .* got 'wikipedia'"),
        ([("a", "b")], {}, "got list"),
        (pd.DataFrame(ROWS), {}, "expected columns anchor and positive, got title, body"),
        (pd.DataFrame(ROWS), {"columns": {"title": "anchor"}}, "name yours with .*'positive'"),
        (pd.DataFrame(ROWS), {"columns": {"Title": "anchor"}}, "there is no column 'Title'; the table has title"),
        (pd.DataFrame(ROWS), {"columns": NAMES, "limit": -1}, "limit of at least 1, got -1"),
        (pd.DataFrame(ROWS).assign(anchor="q"), {"columns": NAMES}, "several columns 'anchor'"),
    ],
)
def test_bad_sources(source: object, options: dict, message: str) -> None:
    """Unknown names and columns are refused with those there are."""
    with pytest.raises(ValueError, match=message):
        load(source, **options)
