"""Texts are equal but for case, spaces and punctuation; numbers, times and labels are read as they are written."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.prepare.splitting import near_pairs
from toolkit.prepare.values import _WORDS, labels_in, normal, numbers, require_texts, times


@settings(deadline=None)
@given(st.text())
def test_normal_is_idempotent(text: str) -> None:
    """The words of the words are the words."""
    assert normal(normal(text)) == normal(text)


def test_equal_but_for_case_and_punctuation() -> None:
    """Case, spaces, punctuation and the way accents are coded do not count."""
    assert normal("  The_CAFE\u0301, (again)! ") == normal("the café again") == "the café again"


@pytest.mark.parametrize(("a", "b"), [("दिन", "दीन"), ("กำ", "กา"), ("சிறு", "சேறு"), ("e\u0301t", "et"), ("+", "-")])
def test_vowel_signs_and_accents_count(a: str, b: str) -> None:
    """Words that differ only in a vowel sign or an accent are different words."""
    assert normal(a) != normal(b)


@settings(deadline=None)
@given(st.text(st.characters(max_codepoint=127)))
def test_plain_letters_take_a_short_way(text: str) -> None:
    """ASCII text is made normal as any other is."""
    assert normal(text) == (" ".join(_WORDS.findall(text.casefold())) or text.strip())
    assert near_pairs([text, text.upper()]).tolist() == [[0, 1]]


def test_numbers() -> None:
    """Texts of numbers are numbers; anything else is refused with its row, missing values only where they may be."""
    assert numbers(pd.Series(["1", 2.5, True], name="score")).tolist() == [1.0, 2.5, 1.0]
    missing = numbers(pd.Series([None, " ", pd.NA, 3], name="score"), missing=True)
    assert np.isnan(missing).tolist() == [True, True, True, False]
    for wrong in ([1, None], [1, "x"], [1, float("inf")]):
        with pytest.raises(ValueError, match=r"'score' holds no number in 1 of 2 rows \(first: row 1"):
            numbers(pd.Series(wrong, name="score"))
    with pytest.raises(ValueError, match="'x'"):
        numbers(pd.Series([None, "x"], name="score"), missing=True)


def test_texts_are_required() -> None:
    """Missing values pass only where they may."""
    require_texts(pd.Series(["a", None, float("nan")], name="text"), missing=True)
    for values, row in ((["a", None], 1), ([3, "a"], 0)):
        with pytest.raises(ValueError, match=f"'text' holds no text in 1 of 2 rows .*row {row}"):
            require_texts(pd.Series(values, dtype=object, name="text"))


@pytest.mark.parametrize(
    ("values", "order"),
    [
        ([3, 1, 2], [1, 2, 0]),
        (["2026-03-01", "2025-12-24", "2026-04-01"], [1, 0, 2]),
        (["13/02/2026", "01/03/2026", "28/02/2026"], [0, 2, 1]),  # the day first, since there is no month 13
    ],
)
def test_times(values: list, order: list[int]) -> None:
    """Numbers and dates of one form grow with time."""
    assert times(values).argsort(kind="stable").tolist() == order


def test_labels_in() -> None:
    """Everything that stands for a missing label is None; lists are no labels."""
    assert labels_in(["a", 2, None, float("nan"), pd.NaT]) == ["a", 2, None, None, None]
    with pytest.raises(ValueError, match="row 1 has the group"):
        labels_in(["a", ["b"]])
