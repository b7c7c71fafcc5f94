"""Pieces that the model reads whole, at exact places, that together are the text."""

from __future__ import annotations

import builtins
import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.prepare.texts.chunking import PART, chunk
from toolkit.vectors import truncation

SENTENCES = ["A fox runs over the hill.", "Größe ist é wichtig!", "日本語の文です。", "नमस्ते दुनिया", "👩‍👩‍👧", 
             "unbelievable" * 9, "\n\n", "\r\n", "\u2028", "x", "1,2;3", " "]  # fmt: skip
TEXTS = st.lists(st.lists(st.sampled_from(SENTENCES), max_size=40).map(" ".join) | st.text(max_size=60), max_size=3)
LONG = "The printer does not print. It blinks and it beeps. " * 40


@settings(max_examples=40, deadline=None)
@given(TEXTS, st.integers(14, 40), st.sampled_from(["", "search for this: "]))
def test_pieces_are_whole_exact_and_complete(model: Any, texts: list[str], tokens: int, prompt: str) -> None:
    """No piece is over the limit by the model's own count, offsets are exact, each character is in one piece."""
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    changed = copy.copy(model)
    changed.prompts = {"query": prompt}
    pieces = chunk(texts, changed, max_tokens=tokens)
    assert (truncation(changed, pieces["text"][:])["tokens"] <= tokens).all()
    places: list[set[int]] = [set() for _ in texts]
    for row in pieces:
        assert texts[row["source"]][row["start"] : row["end"]] == row["text"]
        here = set(range(row["start"], row["end"]))
        assert not here & places[row["source"]]
        places[row["source"]] |= here
    for text, covered in zip(texts, places, strict=True):
        assert {at for at, letter in enumerate(text) if not letter.isspace()} <= covered


def test_short_texts_are_whole(model: Any) -> None:
    """A text that fits is one piece, with its white space; one of white space has none; columns are there without."""
    pieces = chunk(["  a fox \n\n runs ", " \n", LONG], model)
    assert pieces[0] == {"text": "  a fox \n\n runs ", "source": 0, "start": 0, "end": 16}
    assert set(pieces["source"][:]) == {0, 2} and (truncation(model, pieces["text"][:])["lost"] == 0).all()
    assert chunk([], model).column_names == ["text", "source", "start", "end"]


def test_sentences_are_kept(model: Any) -> None:
    """Pieces end with a sentence where one fits, and hold as many as fit."""
    pieces = chunk([LONG], model, max_tokens=32)["text"][:]
    assert all(piece.endswith(".") for piece in pieces) and truncation(model, pieces)["tokens"].min() > 16


def test_overlap(model: Any) -> None:
    """Pieces share what they may, stay within the limit, and are in order."""
    pieces = chunk([LONG], model, max_tokens=32, overlap=12)
    starts, ends = pieces["start"][:], pieces["end"][:]
    assert any(start < end for start, end in zip(starts[1:], ends, strict=False)) and starts == sorted(starts)
    assert (truncation(model, pieces["text"][:])["tokens"] <= 32).all()


def test_long_texts_are_split_in_parts(model: Any) -> None:
    """A text of several parts without any line break loses nothing."""
    text = LONG * (3 * PART // len(LONG))
    pieces = chunk([text], model)
    assert "".join("".join(pieces["text"][:]).split()) == "".join(text.split())
    assert (truncation(model, pieces["text"][:])["lost"] == 0).all()


def test_the_model_is_left_as_it_was(model: Any) -> None:
    """The tokenizer keeps its truncation."""
    backend = model.tokenizer.backend_tokenizer
    before = backend.to_str()
    chunk([LONG], model, max_tokens=20)
    assert backend.to_str() == before


def test_refusals(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that the model does not have, an overlap that leaves nothing, a foreign tokenizer, a missing package."""
    with pytest.raises(ValueError, match="text 1 is NoneType"):
        chunk(["a", None], model)  # type: ignore[list-item]
    with pytest.raises(ValueError, match="put it in a list"):
        chunk("a", model)
    for tokens in (0, 257):
        with pytest.raises(ValueError, match=f"from 1 to the model's limit, 256, got {tokens}"):
            chunk([LONG], model, max_tokens=tokens)
    with pytest.raises(ValueError, match="2 tokens leave no room"):
        chunk([LONG], model, max_tokens=2)
    with pytest.raises(ValueError, match="overlap from 0 to 17 tokens, got 18"):
        chunk([LONG], model, max_tokens=20, overlap=18)
    endless = copy.copy(model)

    class Endless:
        tokenizer, prompts, max_seq_length = model.tokenizer, {}, float("inf")

    with pytest.raises(ValueError, match="any length: give max_tokens"):
        chunk([LONG], Endless())
    assert len(chunk([LONG], Endless(), max_tokens=50)) > 5

    class Foreign:
        tokenizer, prompts, max_seq_length = object(), {}, 256

    with pytest.raises(ValueError, match="tokenizer of the library tokenizers"):
        chunk([LONG], Foreign())
    real = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name == "sentencex":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ModuleNotFoundError, match="python3 run.py install text"):
        chunk([LONG], endless, max_tokens=20)


def test_an_overlap_without_sentences_begins_at_a_word(model: Any) -> None:
    """Where no sentence ends in the overlap, the next piece begins inside of the last one, at a word."""
    text = " ".join(f"reading{number}" for number in range(300))
    pieces = chunk([text], model, max_tokens=40, overlap=12)
    starts, ends = pieces["start"][:], pieces["end"][:]
    assert len(starts) > 5 and all(text[start - 1] == " " for start in starts[1:])
    assert all(start < end for start, end in zip(starts[1:], ends[:-1], strict=True))
