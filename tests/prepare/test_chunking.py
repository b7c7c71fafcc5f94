"""Pieces that the model reads whole, at exact places, that together are the text."""

from __future__ import annotations

import copy
import sys
from typing import Any

import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding

from toolkit.prepare import clean, task
from toolkit.prepare.text.chunking import PART_CHARACTERS, chunk, chunk_pairs, truncation_report
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
    pieces = chunk(changed, texts, max_tokens=tokens)
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
    pieces = chunk(model, ["  a fox \n\n runs ", " \n", LONG])
    assert pieces[0] == {"text": "  a fox \n\n runs ", "source": 0, "start": 0, "end": 16}
    assert set(pieces["source"][:]) == {0, 2} and (truncation(model, pieces["text"][:])["lost"] == 0).all()
    assert chunk(model, []).column_names == ["text", "source", "start", "end"]


def test_sentences_are_kept(model: Any) -> None:
    """Pieces end with a sentence where one fits, and hold as many as fit."""
    pieces = chunk(model, [LONG], max_tokens=32)["text"][:]
    assert all(piece.endswith(".") for piece in pieces) and truncation(model, pieces)["tokens"].min() > 16


def test_long_texts_are_split_in_parts(model: Any) -> None:
    """A text of several parts without any line break loses nothing."""
    text = LONG * (3 * PART_CHARACTERS // len(LONG))
    pieces = chunk(model, [text])
    assert "".join("".join(pieces["text"][:]).split()) == "".join(text.split())
    assert (truncation(model, pieces["text"][:])["lost"] == 0).all()


def test_the_model_is_left_as_it_was(model: Any) -> None:
    """The tokenizer keeps its truncation."""
    backend = model.tokenizer.backend_tokenizer
    before = backend.to_str()
    chunk(model, [LONG], max_tokens=20)
    assert backend.to_str() == before


def test_refusals(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that the model does not have, an overlap that leaves nothing, a foreign tokenizer, a missing package."""
    with pytest.raises(ValueError, match="text 1 is NoneType"):
        chunk(model, ["a", None])  # type: ignore[list-item]
    with pytest.raises(ValueError, match="put it in a list"):
        chunk(model, "a")
    for tokens in (0, 257):
        with pytest.raises(ValueError, match=f"from 1 to the model's limit, 256, got {tokens}"):
            chunk(model, [LONG], max_tokens=tokens)
    with pytest.raises(ValueError, match="2 tokens leave no room"):
        chunk(model, [LONG], max_tokens=2)
    endless = copy.copy(model)

    class Endless:
        tokenizer, prompts, max_seq_length = model.tokenizer, {}, float("inf")

    with pytest.raises(ValueError, match="any length: .*max_tokens"):
        chunk(Endless(), [LONG])
    assert len(chunk(Endless(), [LONG], max_tokens=50)) > 5

    class Foreign:
        tokenizer, prompts, max_seq_length = object(), {}, 256

    with pytest.raises(ValueError, match="tokenizer of the library tokenizers"):
        chunk(Foreign(), [LONG])
    monkeypatch.setitem(sys.modules, "sentencex", None)
    with pytest.raises(ModuleNotFoundError, match="python3 run.py install text"):
        chunk(endless, [LONG], max_tokens=20)


def test_every_passage_belongs_to_the_searches_of_its_document(model: Any) -> None:
    """The passages of a row rebuild its document, fit the model, and a task made of them knows them all as right."""
    long = " ".join(f"Sentence number {i} speaks of topic {i * 7}." for i in range(120))
    data = Dataset.from_dict({
        "anchor": ["first", "second", "third"], "positive": [long, "A short text.", long],
        "positive_id": ["a", "b", "a"], "group": ["x", "y", "x"],
    })  # fmt: skip
    cleaned = clean(data, documents=["Other words. " * 200, "tiny"])
    rows, others = chunk_pairs(model, cleaned)
    frame = rows.to_pandas()
    first, third = (frame[frame["anchor"] == name] for name in ("first", "third"))
    assert len(first) > 3 and "".join(first["positive"]).replace(" ", "") == long.replace(" ", "")
    assert first["positive"].tolist() == third["positive"].tolist()
    assert frame.loc[frame["anchor"] == "second", ["positive", "positive_id"]].values.tolist() == [
        ["A short text.", "b#1"]
    ]
    assert first["positive_id"].tolist() == [f"a#{n + 1}" for n in range(len(first))]
    assert set(first["group"]) == {"x"} and others[-1] == "tiny" and len(others) > 1
    assert (truncation(model, [*frame["positive"], *others])["lost"] == 0).all()
    made = task(rows)
    [query] = [q for q, text in made.data.queries.items() if text == "first"]
    assert len(made.data.qrels[query]) == len(first)
    assert len({made.groups[q] for q, text in made.data.queries.items() if text in ("first", "third")}) == 1


MIXED = ["A short text.", "word " * 508, "The printer blinks. It beeps. " * 60, "x"]


def test_counts_are_the_tokenizers(model: Any) -> None:
    """Texts and tokens beyond the limit, counted by the tokenizer alone; pieces lose none, and have more tokens."""
    counts = [len(ids) for ids in model.tokenizer(MIXED, truncation=False, verbose=False)["input_ids"]]
    pieces = chunk(model, MIXED)
    report = truncation_report(model, MIXED, chunks=pieces)
    whole, parts = report.table.to_dict("records")
    assert (whole["texts"], whole["cut"], whole["tokens"]) == (4, 2, sum(counts))
    assert whole["lost"] == sum(max(0, n - 256) for n in counts) > 0
    assert whole["share_cut"] == 0.5 and whole["share_lost"] == pytest.approx(whole["lost"] / sum(counts))
    assert (parts["texts"], parts["cut"], parts["lost"]) == (len(pieces), 0, 0)
    assert parts["tokens"] == sum(counts) + 2 * (len(pieces) - len(MIXED))  # [CLS] and [SEP] of each further piece
    for fact in ("256 tokens", "2 (50.0%)", f"{whole['lost']:,} of {sum(counts):,}", f"{len(pieces)} pieces"):
        assert fact in report.sentence
    assert str(report) in report._repr_html_() and len(truncation_report(model, MIXED).table) == 1


def test_a_model_without_limit_and_no_texts(model: Any) -> None:
    """No limit cuts nothing and says so; no texts are refused, and so is what is no text."""
    static = SentenceTransformer(
        modules=[StaticEmbedding(model.tokenizer.backend_tokenizer, embedding_dim=8)], device="cpu"
    )
    unlimited = truncation_report(static, MIXED)
    assert unlimited.table["cut"].tolist() == [0] and unlimited.table["limit"].isna().all()
    assert "any length" in unlimited.sentence and "4" in unlimited.sentence
    with pytest.raises(ValueError, match="no whole texts"):
        truncation_report(model, [])
    with pytest.raises(ValueError, match="no pieces"):
        truncation_report(model, MIXED, chunks=[])
    with pytest.raises(ValueError, match="text 1 is NoneType"):
        truncation_report(model, ["a", None])  # type: ignore[list-item]
