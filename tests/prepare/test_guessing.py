"""The guess is right for files as strangers have them, and what cannot be used is refused with the way out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from toolkit.prepare.guess.guessing import SAMPLE, guess

N = 40
TOPICS = ["printer", "screen", "mouse", "invoice", "delivery", "password", "account", "laptop"]
ASKED = [f"Why does my {TOPICS[n % 8]} number {n} not work?" for n in range(N)]
SHORT = [f"{TOPICS[n % 8]} {n} is broken" for n in range(N)]
LONG = [
    f"Since Monday the {TOPICS[n % 8]} in room {n} makes a noise. I have tried to start it again. "
    f"Then I asked my colleague {n}, who could not help either, and now I write to you."
    for n in range(N)
]
LABELS = [f"{TOPICS[n % 8]}_problem" for n in range(N)]
BINARY = [str(n % 2) for n in range(N)]
OTHERS = {
    "id": [f"{n:05d}" for n in range(N)],
    "ticket": [f"T-{n * 7:04d}" for n in range(N)],
    "created": [f"2026-03-{n % 28 + 1:02d} 10:00:00" for n in range(N)],
    "email": [f"u{n}@example.org" for n in range(N)],
    "status": ["open", "closed", "waiting for reply", "new"] * (N // 4),
    "price": [f"{n},50 €" for n in range(N)],
    "link": [f"https://example.org/{n}" for n in range(N)],
    "agent": ["Ann Lee", "Bo Diaz"] * (N // 2),
    "remark": [None] * N,
}
QUORA = {"question1": ASKED, "question2": ASKED[::-1], "is_duplicate": BINARY}
CASES = [
    ({"question": ASKED, "answer": LONG}, "question", "answer", "search", None),
    ({"A": LONG, "Q": ASKED}, "Q", "A", "search", None),
    ({"Frage": SHORT, "Antwort": LONG}, "Frage", "Antwort", "search", None),
    ({"user_query": SHORT, "title": SHORT, "description": LONG}, "user_query", "description", "search", None),
    ({"col1": LONG, "col2": ASKED}, "col2", "col1", "search", None),
    ({"query": SHORT, "passage": LONG, "is_relevant": BINARY}, "query", "passage", "search", "is_relevant"),
    (QUORA, "question1", "question2", "duplicate", "is_duplicate"),
    ({"sentence1": SHORT, "sentence2": SHORT[::-1]}, "sentence1", "sentence2", "duplicate", None),
    ({"text_a": SHORT, "text_b": SHORT[::-1], "label": BINARY}, "text_a", "text_b", "duplicate", "label"),
    ({"text": SHORT, "label": LABELS}, "text", "label", "label", None),
    ({"utterance": ASKED, "intent": LABELS}, "utterance", "intent", "label", None),
    ({"col1": SHORT, "col2": LABELS}, "col1", "col2", "label", None),
    ({"subject": SHORT, "description": LONG, "category": LABELS}, "subject", "description", "stand-in", None),
    ({"Betreff": SHORT, "Beschreibung": LONG}, "Betreff", "Beschreibung", "stand-in", None),
    ({"Título": SHORT, "Cuerpo": LONG}, "Título", "Cuerpo", "stand-in", None),
    ({"Résumé": SHORT, "x": LONG}, "Résumé", "x", "stand-in", None),
    ({"column_1": LONG, "column_2": SHORT}, "column_2", "column_1", "stand-in", None),
    ({"text1": SHORT, "text2": LONG}, "text1", "text2", "search", None),
    ({"query": SHORT, "answer": SHORT[::-1], "log": LONG}, "query", "answer", "search", None),
    ({"notes": LONG}, None, "notes", "first sentence", None),
    ({"notes": SHORT}, None, "notes", "none", None),
    ({"text": SHORT, "label": [str(n % 7) for n in range(N)]}, None, "text", "none", None),
    ({"question": ASKED}, None, "question", "none", None),
]


@pytest.mark.parametrize("others", [False, True])
@pytest.mark.parametrize(("columns", "query", "document", "kind", "keep"), CASES)
def test_guess(columns: dict, query: str | None, document: str, kind: str, keep: str | None, others: bool) -> None:
    """Each kind of file, with and without the columns that any export has besides."""
    frame = pd.DataFrame((OTHERS if others else {}) | columns)
    found = guess(frame)
    assert (found.query, found.document, found.kind, found.keep) == (query, document, kind, keep)
    assert f"`{document}`" in found.reason and (keep is None or f"`{keep}`" in found.reason)
    assert list(found.columns["column"]) == list(frame.columns)


def test_what_columns_hold() -> None:
    """The table that is printed says what each column holds."""
    table = guess(pd.DataFrame({"text": LONG, **OTHERS})).columns.set_index("column")
    assert table["holds"].to_dict() == {
        "text": "text", "id": "number", "ticket": "id", "created": "date", "email": "e-mail", "status": "label",
        "price": "number", "link": "url", "agent": "label", "remark": "empty",
    }  # fmt: skip
    assert table["filled"]["remark"] == 0 and table["distinct"]["status"] == 4
    assert table["example"].str.len().max() == 60


def test_reasons() -> None:
    """The reason gives what the guess was made from; a stand-in never passes for a real search."""
    found = guess(pd.DataFrame({"subject": SHORT, "body": LONG}))
    assert all(part in found.reason for part in ("`subject`", "4 words", "`body`", "34 words"))
    graded = guess(pd.DataFrame({"sentence1": SHORT, "sentence2": SHORT[::-1], "score": ["2.5"] * N}))
    assert "`score` is not a 0/1 column and was not used" in graded.reason
    assert "stand-in" in guess(pd.DataFrame({"title": SHORT, "body": LONG}), query="title", document="body").reason


def test_named_columns() -> None:
    """What the user names holds, and the rest is guessed around it."""
    frame = pd.DataFrame({"title": SHORT, "question": ASKED, "answer": LONG, "comment": LONG[::-1], "topic": LABELS})
    assert guess(frame).document == "answer"
    assert guess(frame, document="comment").query == "question"
    found = guess(frame, query="title")
    assert (found.query, found.document, found.kind) == ("title", "answer", "stand-in")
    assert guess(frame, query="question", document="topic").kind == "label"
    assert guess(frame, query="comment", document="answer").kind == "search"
    assert guess(pd.DataFrame({"notes": LONG, "remark": [None] * N}), document="notes").kind == "first sentence"
    pairs = pd.DataFrame({"question1": ASKED, "question2": ASKED[::-1]})
    assert guess(pairs, query="question2").kind == "duplicate"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"query": "subjekt"}, "no column 'subjekt': did you mean 'subject'.*The columns are subject"),
        (
            {"document": "price"},
            "'price' holds numbers .0,50 €, 1,50 €.*: expected texts; text columns are subject, body",
        ),
        ({"query": "created"}, "'created' holds dates"),
        ({"query": "ticket"}, "'ticket' holds ids"),
        ({"document": "remark"}, "'remark' is empty: text columns are"),
        ({"query": "body", "document": "body"}, "'body' cannot be both"),
    ],
)
def test_wrong_columns(options: dict, message: str) -> None:
    """A column that cannot serve is refused, and those that can are named."""
    with pytest.raises(ValueError, match=message):
        guess(pd.DataFrame({"subject": SHORT, "body": LONG, **OTHERS}), **options)


def test_no_texts() -> None:
    """A file without texts is refused with what was seen in it."""
    with pytest.raises(ValueError, match="no column holds texts.* `id` number, `price` number, `remark` empty"):
        guess(pd.DataFrame({name: OTHERS[name] for name in ("id", "price", "remark")}))
    with pytest.raises(ValueError, match="no columns"):
        guess(pd.DataFrame())
    twice = pd.DataFrame([["a", "b"]], columns=["text", "text"])
    with pytest.raises(ValueError, match="several columns 'text'"):
        guess(twice)


def test_small_and_equal() -> None:
    """Three rows, and rows that are all equal, are no reason to fail."""
    frame = pd.DataFrame({"question": ["why"] * 3, "answer": ["because it is so"] * 3})
    assert guess(frame).kind == "search" and guess(frame.head(1)).document == "answer"


def test_values_that_are_no_texts() -> None:
    """Frames in memory hold numbers, too; the frame stays as it was."""
    frame = pd.DataFrame({"n": np.arange(N), "title": SHORT, "body": LONG, "x": [float("nan")] * N})
    before = frame.copy()
    assert guess(frame).kind == "stand-in"
    pd.testing.assert_frame_equal(frame, before)


def test_sample() -> None:
    """A long file is judged by rows from all of it, and twice alike."""
    frame = pd.DataFrame({"title": [None] * SAMPLE + SHORT * 300, "body": LONG * 300 + LONG[0:1] * SAMPLE})
    found = guess(frame)
    assert 0.5 < found.columns["filled"][0] < 0.9 and found.query == "title"
    assert found.columns.equals(guess(frame).columns)


def test_what_the_user_named_is_never_swapped() -> None:
    """A column named as the text to find is that, also beside labels; a search without any text to find is refused."""
    labelled = pd.DataFrame({"text": LONG, "label": [f"topic {i % 5}" for i in range(len(LONG))]})
    assert (guess(labelled).query, guess(labelled).document) == ("text", "label")
    named = guess(labelled, document="text")
    assert (named.query, named.document) == (None, "text")
    with pytest.raises(ValueError, match="column 'text' is the only one with texts"):
        guess(labelled[["text"]], query="text")
    chosen = guess(labelled, document="label")
    assert (chosen.query, chosen.document, chosen.kind) == ("text", "label", "label")
    both = pd.DataFrame({"subject": SHORT, "body": LONG})
    assert "`body` is what you named as the text to find" in guess(both, document="body").reason
    assert "`subject` is what you named as the search" in guess(both, query="subject").reason
