"""Characters are tidied without harm to any script; sentences end where a reader ends them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.prepare.text.unicode import count_words, first_sentence, has_rest, tidy

# Few letters, and what is hard: controls between a letter and its accent, spaces, surrogates.
TEXT = st.text(alphabet="aAe\u0301\x00\x1f\x85 \n\u2028\ufeff\u200d", max_size=6)


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("It does not start. Why?", "It does not start."),
        ("Hello! My printer is broken. Help.", "Hello! My printer is broken."),
        ("Bitte z. B. Dr. Meier fragen. Danke.", "Bitte z. B. Dr. Meier fragen."),
        ("Version 3.5 of v. 2 fails here. Bye.", "Version 3.5 of v. 2 fails here."),
        ("Mein Drucker geht nicht\nSeit gestern", "Mein Drucker geht nicht"),
        ("プリンターが動きません。どうすればいい?", "プリンターが動きません。"),
        ("It stopped... and then went on. End now.", "It stopped... and then went on."),
        ("only one sentence.", "only one sentence."),
    ],
)
def test_first_sentence(text: str, first: str) -> None:
    """Sentences end where a reader ends them, mostly."""
    assert first_sentence(text)[0] == first


@given(st.text())
def test_first_sentence_loses_nothing(text: str) -> None:
    """Both parts together hold all that the text holds, and only real ones count."""
    head, rest = first_sentence(text)
    assert "".join((head + rest).split()) == "".join(text.split())
    assert count_words(text) >= 0 and (not has_rest(text) or (head and rest))


@settings(deadline=None)
@given(st.text() | TEXT)
def test_tidy_is_idempotent(text: str) -> None:
    """What is tidy stays as it is: composed, without control characters, in single spaces."""
    once = tidy(text)
    assert tidy(once) == once == " ".join(once.split()) and unicodedata.is_normalized("NFC", once)
    assert not any(unicodedata.category(letter) in ("Cc", "Cs") for letter in once)


def test_accents_are_composed_across_what_is_dropped() -> None:
    """A letter and its accent with a control character between them become one letter."""
    assert tidy("caf" + "e\x00\u0301") == "café"


@pytest.mark.parametrize("text", ["👩‍👩‍👧 ❤️", "שלום עולם", "مرحبا \u200fبك", "हिन्दी क्‍ष", "日本語", "x² + √2 ≠ ½"])
def test_scripts_survive(text: str) -> None:
    """Joined emoji, right-to-left marks, zero-width joiners and symbols are left alone."""
    assert tidy(text) == text
