"""Lines that repeat over distinct texts go, and nothing else."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.prepare.text.boilerplate import COLUMNS, drop_repeated, repeats

FOOTER = "This message is confidential."


def test_lines_and_counts() -> None:
    """A footer in some of the texts goes with its count; what does not repeat often enough stays."""
    texts = [f"Printer {n} is broken.\n\n  This   message is confidential. " for n in range(30)]
    texts += [f"Door {n} is open.\nSee you" for n in range(9)] + [f"Room {n}" for n in range(61)]
    kept, table = drop_repeated(texts)
    assert kept == [f"Printer {n} is broken." for n in range(30)] + texts[30:]
    assert table.to_dict("records") == [
        {"line": FOOTER, "rows": 30, "share": 0.3, "example": f"Printer 0 is broken. {FOOTER}"}
    ]
    assert list(table.columns) == COLUMNS


def test_one_in_a_hundred() -> None:
    """Ten texts of a thousand are not more than 1 %; eleven are."""
    for n, gone in ((10, False), (11, True)):
        texts = [f"a {i}\n{FOOTER}" for i in range(n)] + [f"b {i}" for i in range(1000 - n)]
        assert repeats(texts) is gone
        assert (drop_repeated(texts)[0] != texts) is gone


def test_repeated_documents_are_one() -> None:
    """43 answers in 10,000 rows keep their lines, however often each is given."""
    answers = [f"Answer {n}:\nDo this {n}.\nThen do that {n}." for n in range(43)] * 250
    kept, table = drop_repeated(answers)
    assert kept == answers and table.empty and list(table.columns) == COLUMNS and not repeats(answers)


def test_texts_that_would_be_empty_stay() -> None:
    """A text of repeating lines alone stays whole, one that is such a line too; least_words says what is too few."""
    texts = [f"Printer {n}\n{FOOTER}" for n in range(30)] + [FOOTER, f"{FOOTER}\n{FOOTER}"]
    kept, table = drop_repeated(texts)
    assert kept[-2:] == texts[-2:] and kept[0] == "Printer 0" and table["rows"].tolist() == [31]
    whole, none = drop_repeated(texts, least_words=4)
    assert whole == texts and none.empty


LINES = st.lists(st.sampled_from(["a", "b", " b ", "c", "", "dd ee", "\r"]), max_size=4).map("\n".join)


@settings(max_examples=100, deadline=None)
@given(st.lists(LINES, max_size=60), st.integers(0, 3))
def test_once_is_enough(texts: list[str], least_words: int) -> None:
    """A second time changes nothing, no text becomes empty, and the rest is in its order."""
    texts = [f"{text}\n{number}" if number % 2 else text for number, text in enumerate(texts)]
    kept, table = drop_repeated(texts, least_words=least_words)
    assert drop_repeated(kept, least_words=least_words)[0] == kept
    assert [bool(text.strip()) for text in kept] == [bool(text.strip()) for text in texts]
    assert table["line"].is_unique and (kept == texts) == table.empty
