"""Cleaning is done once and for all, counts what it does, and harms no script."""

from __future__ import annotations

import pytest
from datasets import ClassLabel, Dataset, Features, Value
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.prepare import clean
from toolkit.prepare.text.cleaning import STEPS, suggest_steps
from toolkit.prepare.text.unicode import tidy

# Few letters, so that rows repeat, with what is hard: controls between a letter and its accent, spaces, surrogates.
TEXT = st.text(alphabet="aAe\u0301\x00\x1f\x85 \n\u2028\ufeff\u200d", max_size=6)
ROW = st.tuples(TEXT | st.none(), TEXT | st.none())


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=8))
def test_clean_is_idempotent_and_counts_every_row(rows: list[tuple[str | None, str | None]]) -> None:
    """Cleaning twice changes nothing more; each step starts with the rows of the last and the drops add up."""
    rows = [*rows, ("search", "document")]  # so that something is left
    first = clean(Dataset.from_dict({"anchor": [row[0] for row in rows], "positive": [row[1] for row in rows]}))
    table = first.table
    assert table["rows_in"].iloc[0] == len(rows) and table["rows_out"].iloc[-1] == len(first.data)
    assert (table["rows_in"] - table["dropped"] == table["rows_out"]).all()
    assert table["rows_in"].tolist()[1:] == table["rows_out"].tolist()[:-1]
    again = clean(first.data)
    assert again.data.to_dict() == first.data.to_dict()
    assert again.table["dropped"].sum() == again.table["changed"].sum() == 0
    kept = list(zip(first.data["anchor"][:], first.data["positive"][:], strict=True))
    tidied = [(tidy(a or ""), tidy(p or "")) for a, p in rows]
    assert kept == list(dict.fromkeys((a, p) for a, p in tidied if a and p and a.casefold() != p.casefold()))


def test_other_columns_keep_their_types() -> None:
    """Names of classes and whole numbers with gaps come back as they were."""
    features = Features({"text": Value("string"), "label": ClassLabel(names=["a", "b"]), "source": Value("int64")})
    rows = {"text": [" one", "two", ""], "label": [1, 0, 1], "source": [7, None, 8]}
    cleaned = clean(Dataset.from_dict(rows, features=features)).data
    assert cleaned.features == features
    assert cleaned.to_dict() == {"text": ["one", "two"], "label": [1, 0], "source": [7, None]}


def test_counts_of_each_step() -> None:
    """Planted defects of each kind are counted where they belong, with an example."""
    data = Dataset.from_dict({
        "anchor": ["good", "  b\x00ad  ", None, "", "good", "Same", "\x00"],
        "positive": ["one", "two", "x", "y", "one", "same", "z"],
        "group": list("abcdefg"),
    })  # fmt: skip
    cleaned = clean(data)
    assert dict(zip(cleaned.table["step"], cleaned.table["dropped"], strict=True)) == {
        "tidy": 0, "empty": 3, "repeated": 1, "same text": 1,
    }  # fmt: skip
    assert cleaned.table["changed"].tolist() == [3, 0, 0, 0]  # the spaces, the None, the NUL
    assert cleaned.table["example"].tolist() == ["", " -> x", "good -> one", "Same -> same"]
    assert cleaned.data.to_dict() == {"anchor": ["good", "bad"], "positive": ["one", "two"], "group": ["a", "b"]}


def test_numbers_are_named() -> None:
    """A column of numbers, or one number among texts, is refused by column and row."""
    with pytest.raises(ValueError, match=r"column 'positive' holds no text in 2 of 2 rows .*row 0, 1"):
        clean(Dataset.from_dict({"anchor": ["a", "b"], "positive": [1, 2]}))
    with pytest.raises(ValueError, match=r"column 'anchor' holds no text .*row 1, 3\.5"):
        clean(Dataset.from_dict({"anchor": [None, 3.5], "positive": ["x", "y"]}))


def test_missing_column_and_nothing_left() -> None:
    """A missing column is named; data of which nothing is left is refused; equal rows become one."""
    with pytest.raises(ValueError, match="expected columns anchor and positive, .* got anchor, answer"):
        clean(Dataset.from_dict({"anchor": ["a"], "answer": ["b"]}))
    for anchors in ([], [None, None], ["x", "X"]):
        with pytest.raises(ValueError, match=f"none of the {len(anchors)} rows is left"):
            clean(Dataset.from_dict({"anchor": anchors, "positive": ["x"] * len(anchors)}))
    assert len(clean(Dataset.from_dict({"anchor": ["a"] * 9, "positive": ["b"] * 9})).data) == 1


MAIL_LINES = ["text", "> quoted", "On Monday, Ann wrote:", "Kind regards", "Tom", "-- ", "", "  x\x00 y"]
MAIL = st.lists(st.sampled_from(MAIL_LINES), max_size=6).map("\n".join)
PAIR = st.tuples(MAIL | st.none(), MAIL | st.none())


@settings(max_examples=60, deadline=None)
@given(st.lists(PAIR, max_size=25), st.lists(MAIL, max_size=5))
def test_all_steps_are_idempotent(rows: list[tuple[str | None, str | None]], documents: list[str]) -> None:
    """With all steps too, cleaning twice changes nothing more; the account adds up; documents are distinct texts."""
    rows = [*rows, ("search", "document")]
    rows = [(f"{a}\nn {n}" if n % 2 and a else a, b) for n, (a, b) in enumerate(rows)]
    data = Dataset.from_dict({"anchor": [row[0] for row in rows], "positive": [row[1] for row in rows]})
    first = clean(data, steps=STEPS, documents=documents)
    assert first.table["rows_in"].iloc[0] == len(rows) and first.table["rows_out"].iloc[-1] == len(first.data)
    assert (first.table["rows_in"] - first.table["dropped"] == first.table["rows_out"]).all()
    again = clean(first.data, steps=STEPS, documents=first.documents)
    assert again.data.to_dict() == first.data.to_dict() and again.documents == first.documents
    assert again.table["dropped"].sum() == again.table["changed"].sum() == len(again.lines) == 0
    assert all(first.documents) and len(set(first.documents)) == len(first.documents)


FOOTER = "This message is confidential."


def tickets(n: int = 100) -> Dataset:
    """Mails with a quote, a signature and a footer, on three answers of two lines."""
    anchors = [f"My parcel {i} is late.\n{FOOTER}\n\nKind regards\nAnn" for i in range(n - 1)]
    anchors += [f"And parcel {n}?\n\nOn Monday, Bob wrote:\n> It is on its way."]
    answers = [f"It is on its way {i}.\nPlease wait for {i} days." for i in range(3)]
    return Dataset.from_dict({
        "anchor": anchors,
        "positive": [answers[i % 3] for i in range(n)], "positive_id": [f"a{i % 3}" for i in range(n)],
        "group": [i // 2 for i in range(n)], "time": [f"2024-01-{1 + i % 28:02}" for i in range(n)],
    })  # fmt: skip


def test_optional_steps() -> None:
    """Replies and boilerplate go, are counted and shown; answers that many rows share stay; so do the other columns."""
    data = tickets()
    cleaned = clean(data, steps=("boilerplate", "replies"), documents=["It is  lost.", "", "It is lost.", None])
    assert cleaned.data["anchor"][:] == [*(f"My parcel {i} is late." for i in range(99)), "And parcel 100?"]
    assert cleaned.data["positive"][1] == "It is on its way 1. Please wait for 1 days."
    for column in ("positive_id", "group", "time"):
        assert cleaned.data[column][:] == data[column][:]
    table = cleaned.table.set_index("step")
    assert table.index.tolist() == ["replies", "boilerplate", "tidy", "empty", "repeated", "same text"]
    assert table["changed"].tolist() == [100, 99, 100, 0, 0, 0]
    assert cleaned.lines[["line", "rows", "share"]].values.tolist() == [[FOOTER, 99, 0.99]]
    assert cleaned.documents == ["It is lost."]


def test_steps_by_default_and_by_name() -> None:
    """Without a word nothing but tidy is done; an unknown step is refused with the known ones."""
    plain = clean(tickets())
    assert plain.table["step"].tolist()[0] == "tidy" and plain.lines.empty and plain.documents == []
    assert plain.data["anchor"][0] == f"My parcel 0 is late. {FOOTER} Kind regards Ann"
    assert clean(tickets(), steps=()).data.to_dict() == plain.data.to_dict()
    for steps in (["xml"], "replies"):
        with pytest.raises(ValueError, match="expected steps among html, mojibake, replies, boilerplate, tidy, got"):
            clean(tickets(), steps=steps)


def test_a_greeting_is_no_document() -> None:
    """A canned answer in many mails keeps its answer, though it repeats as a footer does."""
    canned = "Please restart the printer and wait for a minute."
    positives = [f"Hello A{i},\n{canned}" for i in range(50)]
    data = Dataset.from_dict({"anchor": [f"printer {i}" for i in range(50)], "positive": positives})
    cleaned = clean(data, steps=STEPS)
    assert all(text.endswith(canned) for text in cleaned.data["positive"][:]) and cleaned.lines.empty


def test_suggested_steps() -> None:
    """What is suggested has something to do: mails above one in a hundred, lines that repeat."""
    mails = tickets(300)["anchor"][:]
    plain = [f"How do I return parcel {i}?" for i in range(10_000)]
    assert suggest_steps(mails) == ("replies", "boilerplate")
    assert suggest_steps(plain) == suggest_steps([]) == ()
    assert suggest_steps([*plain, *[f"Late {i}.\n-- \nA{i}" for i in range(50)]]) == ()
    assert suggest_steps([*plain, *[f"Late {i}.\nKind regards, A{i}" for i in range(500)]]) == ("replies",)
    assert suggest_steps([*plain, *[f"Late {i}.\n{FOOTER}" for i in range(200)]]) == ("boilerplate",)


def test_documents_alone_are_cleaned_too() -> None:
    """No pairs but documents: they are tidied, and nothing is missed."""
    empty = Dataset.from_dict({"anchor": [], "positive": []}).cast(
        Features({"anchor": Value("string"), "positive": Value("string")})
    )
    cleaned = clean(empty, documents=[" a  b ", "", "a b", "c"])
    assert cleaned.documents == ["a b", "c"] and len(cleaned.data) == 0
    with pytest.raises(ValueError, match="none of the 0 rows"):
        clean(empty, documents=[" "])


BITS = [
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "&amp;",
    "&lt;",
    "Ã",
    "©",
    "¶",
    "â",
    "\x80",
    "\x99",
    "€",
    "™",
    "\x00",
    "\u0301",
    "e",
    " ",
    "\n",
]
UGLY = st.lists(st.sampled_from(BITS), max_size=8).map("".join)


@settings(max_examples=25, deadline=None)
@given(st.lists(UGLY, min_size=5, max_size=20))
def test_markup_and_mojibake_are_idempotent(texts: list[str]) -> None:
    """Also where one step uncovers what another would change, cleaning twice changes nothing more."""
    first = clean([*texts, "a text"], steps=STEPS)
    again = clean(first.data, steps=STEPS)
    assert again.data.to_dict() == first.data.to_dict()
    assert again.table["dropped"].sum() == again.table["changed"].sum() == len(again.examples) == 0


def test_a_list_of_texts() -> None:
    """A plain list comes back with the number of each text; what was changed is shown before and after."""
    given_texts = ["<p>Fees &amp; rates</p>", None, "GrÃ¶ÃŸe", "plain", " ", "plain", "Fees & rates"]
    cleaned = clean(given_texts, steps=("mojibake", "html"))
    assert cleaned.data.to_dict() == {"text": ["Fees & rates", "Größe", "plain"], "source": [0, 2, 3]}
    assert dict(zip(cleaned.table["step"], cleaned.table["changed"], strict=True)) == {
        "html": 1, "mojibake": 1, "tidy": 2, "empty": 0, "repeated": 0,
    }  # fmt: skip
    assert cleaned.table["dropped"].tolist() == [0, 0, 0, 2, 2]
    assert cleaned.examples.values.tolist()[:2] == [
        ["html", "text", 0, "<p>Fees &amp; rates</p>", "Fees & rates"], ["mojibake", "text", 2, "GrÃ¶ÃŸe", "Größe"],
    ]  # fmt: skip
    assert "GrÃ¶ÃŸe" in cleaned._repr_html_()
    with pytest.raises(ValueError, match="in a list"):
        clean("a text")
    with pytest.raises(ValueError, match=r"column 'text' holds no text .*row 1"):
        clean(["a", 2])  # type: ignore[list-item]


def test_examples_are_cut_to_the_change() -> None:
    """At most three a step, and each shows where the texts begin to differ."""
    cleaned = clean([f"{'long ' * 50}{n} <b>bold</b> end" for n in range(9)], steps=("html",))
    shown = cleaned.examples[cleaned.examples["step"] == "html"]
    assert shown["row"].tolist() == [0, 1, 2] and all("<b>" in text for text in shown["before"])
    assert all("<b>" not in text and "bold" in text and len(text) <= 60 for text in shown["after"])


def test_scored_pairs_triplets_and_labels_stay_aligned() -> None:
    """Rows of any shape are kept or dropped whole; the same texts with another score or label are another row."""
    scored = Dataset.from_dict({
        "sentence1": ["a", "", "a", "a", "same"], "sentence2": [" b", "x", "b", "b", "same"],
        "score": [0.1, 0.2, 0.1, 0.9, 1.0],
    })  # fmt: skip
    assert clean(scored).data.to_dict() == {
        "sentence1": ["a", "a", "same"], "sentence2": ["b", "b", "same"], "score": [0.1, 0.9, 1.0],
    }  # fmt: skip
    labelled = Dataset.from_dict({"text": ["a", "a ", "a", None], "label": [0, 0, 1, 1], "id": list("wxyz")})
    assert clean(labelled).data.to_dict() == {"text": ["a", "a"], "label": [0, 1], "id": ["w", "y"]}
    triplets = Dataset.from_dict({
        "anchor": ["q", "q", "q"], "positive": ["p", "p", "p"], "negative_1": ["n", "", "n"],
        "negative_2": ["m", "m", "<b>k</b>"],
    })  # fmt: skip
    cleaned = clean(triplets, steps=("html",))
    assert cleaned.data["negative_2"][:] == ["m", "k"] and cleaned.data["anchor"][:] == ["q", "q"]


def test_languages_are_kept() -> None:
    """Rows and documents surely in another language go, and what is too short to tell stays."""
    english, german = "How do I change my password?", "Wo finde ich meine letzte Rechnung?"
    cleaned = clean([english, german, "ok"], languages=["en"])
    assert cleaned.data["text"][:] == [english, "ok"]
    assert cleaned.table.set_index("step").loc["language", ["dropped", "example"]].tolist() == [1, german]
    pairs = Dataset.from_dict({"anchor": [english, english], "positive": [german, "This is how you change it."]})
    both = clean(pairs, languages=["en"], documents=[german, english + " Please."])
    assert both.data["positive"][:] == ["This is how you change it."] and both.documents == [english + " Please."]
    assert len(clean(pairs, languages=["en", "de"]).data) == 2
    for wrong in ("en", ["English"]):
        with pytest.raises(ValueError, match="list of ISO 639-1 codes"):
            clean(pairs, languages=wrong)


def test_html_and_mojibake_are_suggested() -> None:
    """Markup, entities and mojibake above one in a hundred texts; comparisons and accents are none."""
    plain = [f"Größe {i} < {i + 1}, <unk>" for i in range(200)]
    assert suggest_steps(plain) == ()
    assert suggest_steps([*plain, *[f"<p>Größe {i}</p>" for i in range(9)]]) == ("html",)
    assert suggest_steps([*plain, *[f"GrÃ¶ÃŸe {i} &amp; more" for i in range(9)]]) == ("html", "mojibake")
    assert suggest_steps([*plain, "<p>one</p>"]) == ()
