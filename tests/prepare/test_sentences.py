"""Sentences end where a reader ends them, in many languages, and nothing is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.prepare.texts.sentences import count_words, first_sentence, has_rest


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
