"""A data set's description counts what is there, advises only where there is something, and copes with anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit import plots
from toolkit.prepare import Description, describe
from toolkit.prepare.describing.description import SAMPLE_SIZE, length_table, score_table

NOUNS = "parcel invoice refund password account voucher courier discount receipt warranty".split()
VERBS = "lost changed returned opened blocked printed ordered cancelled".split()
CLEAN = [f"my {noun} was {verb} on the {day}th of may" for noun in NOUNS for verb in VERBS for day in (5, 17)]


def said(found: Description, *facts: str) -> bool:
    """Whether a sentence of the advice holds all of these facts."""
    return any(all(fact in sentence for fact in facts) for sentence in found.advice)


def test_clean_data_gets_no_advice() -> None:
    """Different texts of one language in the right columns: nothing to say."""
    data = Dataset.from_dict({"anchor": NOUNS, "positive": [*VERBS, "sent", "paid"]})
    found = describe(data)
    assert (found.rows, found.shape, found.advice, found.notes) == (10, "pairs", (), ())
    assert found.texts["filled"].tolist() == [10, 10] and found.lengths["texts"].sum() == 20


def test_planted_defects_are_counted_and_advised_on() -> None:
    """Empty, missing, repeated, equal, linked and further columns: each by its number."""
    frame = pd.DataFrame({
        "anchor": ["a one", "a one", "b two", None, " ", "Same", "c three", "a one"],
        "positive": ["p", "q", "r", "s", "t", "same", np.nan, "p"],
        "note": "x",
    })  # fmt: skip
    found = describe(frame)
    assert found.texts.set_index("column")[["filled", "empty", "repeated"]].to_numpy().tolist() == [
        [6, 2, 2],
        [7, 1, 1],
    ]
    assert said(found, "2 texts of anchor", "empty") and said(found, "1 text of positive", "empty")
    assert said(found, "1 row repeat") and said(found, "1 row", "anchor and positive", "same text")
    assert said(found, "inputs of the loss", "note")
    links = found.links.set_index("column")
    assert links.loc["anchor", ["texts", "several", "most", "example"]].tolist() == [3, 1, 2, "a one"]
    assert links.loc["positive", "several"] == 0
    assert said(found, "1 different text of anchor", "positives", "2")
    for sentence in found.advice:
        assert sentence in str(found)


def test_near_copies_and_languages() -> None:
    """A fifth of near-copies is seen; a second language is named with its share."""
    german = [f"Mein Paket ist am {day}. Mai nicht angekommen, {noun}" for day in range(1, 11) for noun in NOUNS]
    base = ["compute the rolling median of a long series", "read a table from a file on the disk", *NOUNS, *VERBS]
    found = describe([*base, "compute the rolling median of a very long series", "read a table from a file on disk"])
    assert found.texts["near_copies"].iloc[0] == pytest.approx(4 / 22) and said(found, "18 %", "near-copies")
    both = describe([*CLEAN, *german])
    assert both.languages["language"].tolist() == ["en", "de"] and said(both, "English 62 %", "German 38 %")


def test_labels() -> None:
    """Balance, single texts, two labels of one text, missing labels."""
    texts = [f"text {i}" for i in range(50)]
    table = pd.DataFrame({"text": texts, "label": ["big"] * 44 + ["small"] * 4 + ["one", None]})
    found = describe(pd.concat([table, pd.DataFrame({"text": ["text 0"], "label": ["small"]})]))
    assert found.shape == "labelled texts" and found.labels["rows"].tolist() == [44, 5, 1]
    assert found.labels["share"].sum() == pytest.approx(1)
    assert said(found, "1 label", "single text") and said(found, "1 text", "more than one label")
    assert said(found, "1 row", "without a label")
    assert said(describe(table.head(48)), "'big'", "44 rows", "'small'", "4")
    assert said(describe(table.head(9)), "All rows", "'big'")
    even = describe(pd.DataFrame({"text": NOUNS, "label": [0, 1] * 5}))
    assert not any("abel" in sentence for sentence in even.advice)


def test_scores() -> None:
    """A scale that is not 0 to 1, one value alone, and scores that crowd together."""
    data = {"sentence1": CLEAN[:40], "sentence2": CLEAN[40:80]}
    wide = describe({**data, "score": np.linspace(0, 5, 40).tolist()})
    assert wide.scores["rows"].sum() == 40 and said(wide, "from 0 to 5") and not said(wide, "90 %")
    assert not any(
        "cores" in sentence for sentence in describe({**data, "score": np.linspace(0, 1, 40).tolist()}).advice
    )
    assert said(describe({**data, "score": [0.5] * 40}), "All scores", "0.5")
    crowded = describe({**data, "score": [0.0, *[0.95] * 39]})
    assert said(crowded, "90 %", "between 0.76 and 0.95")
    assert said(describe({**data, "score": [None, *[0.1, 0.5, 0.9] * 13]}), "1 row", "without a score")


def test_unknown_columns_are_described_all_the_same() -> None:
    """Without a shape the texts are still measured, and the first sentence says what is missing."""
    found = describe({"question": ["why", "how"], "answer": ["so", "thus"], "n": [1, 2]})
    assert found.shape == "" and found.texts["column"].tolist() == ["question", "answer"]
    assert "question, answer, n" in found.advice[0]


@pytest.mark.parametrize(
    "data",
    [pd.DataFrame(), pd.DataFrame({"anchor": [], "positive": []}), [], {"text": [None, np.nan, ""]},
     {"text": ["👩", "שלום עולם", "مرحبا \u200fبك", "a\x00b", "東京", "<script>"], "label": [1, 1, 2, 2, None, 3]},
     {"anchor": ["q"], "positive": [["a", "b"]], "labels": [[1, 0]]}, {1: ["a"], 2: [3]},
     {"text": ["a"], "label": [[0.1, 0.2]]}, {"sentence1": ["a"], "sentence2": ["b"], "score": ["high"]}],
    ids=str,
)  # fmt: skip
def test_anything_is_described(data: Any) -> None:
    """No rows, no columns, no texts, every script, lists, names that are numbers: text and page are made."""
    found = describe(data)
    assert str(found) and "<script>" not in found._repr_html_()
    assert found.rows or len(found.advice) == 1
    with pytest.raises(AttributeError):
        found.rows = 3  # type: ignore[misc]


def test_samples_are_named() -> None:
    """Counts are over all rows where it says so, and the notes say what is not; a long text is looked at in part."""
    found = describe([f"{noun} {i}" for i in range(SAMPLE_SIZE // 10 + 1) for noun in NOUNS] + ["z " * 500_000])
    assert found.texts["filled"].iloc[0] == SAMPLE_SIZE + 11 and found.texts["longest"].iloc[0] == 999_999
    assert any("5,000 texts" in note and "near-copies" in note for note in found.notes)
    assert any("20,000 characters" in note for note in found.notes)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=60))
def test_every_length_is_in_one_bin(lengths: list[int]) -> None:
    """Bins do not overlap, leave no gap, and hold what lies between their ends."""
    table = length_table({"text": lengths})
    assert table["low"].tolist()[1:] == table["high"].tolist()[:-1]
    assert table["texts"].tolist() == [
        sum(a <= n < b for n in lengths) if b <= max(lengths) else sum(a <= n for n in lengths)
        for a, b in zip(table["low"], table["high"], strict=True)
    ]


@settings(max_examples=50)
@given(st.lists(st.floats(-10, 10), max_size=40))
def test_every_score_is_in_one_bin(scores: list[float]) -> None:
    """Nothing is lost, whatever the values."""
    assert score_table(pd.Series([*scores, np.nan], dtype=float))["rows"].sum() == len(scores)


def test_the_figure_draws_the_table() -> None:
    """Lines are the counts of the columns, the limit is a line, bars are labels, and the sentence names the ends."""
    labels = pd.DataFrame({"label": [f"l{i}" for i in range(12)], "rows": range(24, 0, -2)})
    lengths = length_table({"anchor": [2, 3, 3], "positive": [50, 70, 900]})
    picture = plots.contents(lengths, labels, pd.DataFrame(), unit="tokens", limit=256)
    left, right = picture.figure.axes
    drawn = [patch.get_data().values.sum() for patch in left.patches]
    assert drawn == [3, 3] and left.get_lines()[0].get_xdata()[0] == 256 and "tokens" in left.get_xlabel()
    assert [bar.get_width() for bar in right.patches] == [*range(24, 6, -2), 2] and "of 12" in right.get_xlabel()
    assert "12 labels, from l0 with 24 rows to l11 with 2." in picture.alt and "positive" in picture.alt
    scores = score_table(pd.Series([0.0, 0.1, 1.0]))
    picture = plots.contents(lengths, labels.head(0), scores, unit="characters")
    assert len(picture.figure.axes[1].patches) == 10 and "Scores from 0 to 1" in picture.alt


def test_with_a_model(model: Any) -> None:
    """Tokens are the model's, what its limit cuts is told, and words that it does not know are found."""
    from toolkit.vectors import truncation

    texts = [*CLEAN, *[f"my zyxqwvut-77kk number {i} is broken" for i in range(20)], "word " * 400, "wort " * 30_000]
    found = describe(texts, model)
    row = found.texts.iloc[0]
    table = truncation(model, texts)
    assert row["limit"] == 256 == found.limit and row["cut"] == pytest.approx(2 / len(texts))
    assert row["tokens"] == table["tokens"].median()
    assert row["lost"] == pytest.approx(
        table["lost"].sum() / table["tokens"].sum(), abs=0.001
    )  # reckoned for the longest
    assert found.unit == "tokens" and found.lengths["texts"].sum() == len(texts)
    words = found.words.set_index("word")
    assert words.loc["zyxqwvut-77kk", "texts"] == 20 and words.loc["zyxqwvut-77kk", "pieces"] >= 4
    assert "parcel" not in words.index and said(found, "1 frequent word", "4 pieces", "zyxqwvut-77kk")
    assert found._repr_html_().count("<img") == 1


def test_languages_that_the_model_does_not_declare(model: Any) -> None:
    """The card of the model says English: German texts are named with their share, English ones are not."""
    german = [f"Mein Paket ist am {day}. Mai nicht angekommen, {noun}" for day in range(1, 11) for noun in NOUNS]
    found = describe(german, model)
    assert said(found, "all-MiniLM-L6-v2", "English", "100 %", "German") and not said(describe(CLEAN, model), "English")
