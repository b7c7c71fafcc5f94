"""Files and tables in memory become pairs, or an error that names the column."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pandas as pd
import pytest
import tyro
from datasets import Dataset

from toolkit.prepare import ReadOptions, clean, load

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
        ({"anchor": "a"}, {}, "got dict"),
        ([], {}, "got an empty list"),
        (pd.DataFrame(ROWS), {}, "columns title, body.*pairs, which lacks anchor, positive"),
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


TICKETS = pd.DataFrame({
    "subject": ["No sound", None, "Blue screen", "Cannot log in"],
    "body": ["There is no sound since the update.", "The fan is loud all day long.", None, "My password is refused."],
    "product": ["phone", "laptop", "laptop", "account"],
    "created": ["2026-03-01", "2026-03-02", "2026-03-03", "2026-03-04"],
})  # fmt: skip


def saved(frame: pd.DataFrame, path: Path) -> Path:
    frame.to_csv(path, index=False)
    return path


def test_file(tmp_path: Path) -> None:
    """A file becomes pairs; texts without a search are kept to be found, rows without a text are accounted for."""
    loaded = load(saved(TICKETS, tmp_path / "tickets.csv"), columns={"created": "time", "product": "group"})
    assert loaded.guess is not None and loaded.guess.kind == "stand-in" and loaded.name == "tickets.csv"
    assert loaded.data.to_dict() == {
        "anchor": ["No sound", "Cannot log in"],
        "positive": ["There is no sound since the update.", "My password is refused."],
        "group": ["phone", "account"],
        "time": ["2026-03-01", "2026-03-04"],
    }
    assert loaded.documents == ["The fan is loud all day long."]
    assert loaded.table[["step", "rows_in", "rows_out", "dropped"]].to_numpy().tolist() == [
        ["empty", 4, 3, 1],
        ["no search", 3, 2, 1],
    ]
    assert loaded.guess.reason in loaded._repr_html_() and "texts without a search: 1" in loaded._repr_html_()
    other = TICKETS.assign(body=TICKETS["body"].str.replace("fan", "vent"))
    again = load(str(saved(other, tmp_path / "tickets.csv")), columns={"created": "time", "product": "group"})
    assert again.digest != loaded.digest  # a text without a search counts


def test_named_columns_of_a_file(tmp_path: Path) -> None:
    """What the user names is taken; wrong names are refused with those there are."""
    path = saved(pd.concat([TICKETS] * 3), tmp_path / "tickets.csv")
    loaded = load(path, columns={"body": "anchor", "product": "positive"})
    assert loaded.data["positive"][0] == "phone" and loaded.guess is not None and loaded.guess.kind == "label"
    for columns, message in (
        ({"boddy": "positive"}, "there is no column 'boddy': did you mean 'body'"),
        ({"created": "positive"}, "'created' holds dates"),
        ({"when": "time"}, "there is no column 'when'; the table has subject"),
        ({"body": "document"}, "columns= maps to 'document', expected one of anchor, positive"),
    ):
        with pytest.raises(ValueError, match=message):
            load(path, columns=columns)
    with pytest.raises(FileNotFoundError, match=r"did you mean tickets.csv"):
        load(tmp_path / "ticket.csv")


def test_our_own_form(tmp_path: Path) -> None:
    """A file with the names that are used here keeps all of them."""
    frame = pd.DataFrame(
        {"anchor": ["a b", "c d"], "positive": ["e f", "g h"], "positive_id": ["007", "008"], "x": "y"}
    )
    loaded = load(saved(frame, tmp_path / "pairs.csv"))
    assert loaded.data.column_names == ["anchor", "positive", "positive_id"] and loaded.data["positive_id"][0] == "007"
    assert loaded.digest == load(frame).digest


def test_pairs_that_are_none(tmp_path: Path) -> None:
    """Pairs marked 0 are no pairs, yet their texts are there to be found, save where they are searches."""
    frame = pd.DataFrame({
        "question1": ["how to a", "how to b", "how to a", "how to d"],
        "question2": ["ways to a", "how to c", "how to e", "ways to a"],
        "is_duplicate": [1, 0, 0, 0],
    })  # fmt: skip
    loaded = load(saved(frame, tmp_path / "quora.csv"))
    assert loaded.data.to_dict() == {"anchor": ["how to a"], "positive": ["ways to a"]}
    assert sorted(loaded.documents) == ["how to b", "how to c", "how to d", "how to e"]
    row = loaded.table.set_index("step").loc["not a pair"]
    assert row["dropped"] == 3 and "`is_duplicate`" in row["why"] and row["example"] == "how to b -> how to c"


def test_labels_sentences_and_short_texts(tmp_path: Path) -> None:
    """Labels become words; a first sentence stands in for a search; short texts are only there to be found."""
    texts = [f"where is card {n}" for n in range(9)]
    labels = pd.DataFrame({"text": texts, "label": ["card_lost", "card_late", "card_new"] * 3})
    loaded = load(saved(labels, tmp_path / "labels.csv"))
    assert loaded.data["positive"][:3] == ["card lost", "card late", "card new"]

    rest = "It began on Monday after the update, and since then I have tried all that your pages say about it."
    long = pd.DataFrame({"notes": [*(f"My device {n} makes a noise. {rest}" for n in range(6)), "One sentence only."]})
    loaded = load(saved(long, tmp_path / "long.csv"))
    assert loaded.guess is not None and loaded.guess.kind == "first sentence"
    assert loaded.data["anchor"][5] == "My device 5 makes a noise." and set(loaded.data["positive"]) == {rest}
    assert loaded.documents == ["One sentence only."]

    loaded = load(saved(pd.DataFrame({"text": [*texts, *texts]}), tmp_path / "short.csv"))
    assert len(loaded.data) == 0 and loaded.data.column_names == ["anchor", "positive"]
    assert loaded.documents == texts and loaded.table["dropped"].tolist() == [0, 18]


def test_sample_of_a_file(tmp_path: Path) -> None:
    """A limit takes rows from all over the file, in its order, and always the same."""
    frame = pd.DataFrame(
        {"question": [f"what is {n}?" for n in range(500)], "answer": [f"it is {n}" for n in range(500)]}
    )
    path = saved(frame, tmp_path / "many.csv")
    loaded = load(path, limit=50)
    numbers = [int(text.split()[-1]) for text in loaded.data["positive"]]
    assert len(numbers) == 50 and numbers == sorted(numbers) and max(numbers) > 400
    assert loaded.table["step"].tolist()[0] == "sample" and loaded.digest == load(path, limit=50).digest


def test_time_of_a_table() -> None:
    """Tables in memory keep their times."""
    loaded = load(TICKETS, columns={"subject": "anchor", "body": "positive", "created": "time"})
    assert loaded.data.column_names == ["anchor", "positive", "time"] and loaded.documents == []


def test_cells_that_say_they_are_empty_are_no_texts(tmp_path: Path) -> None:
    """NaN, null and None as other programs write them are missing, with their account; other short texts stay."""
    answers = ["NaN", "null ", "None", "N/A", *(f"the answer to question number {i} in words" for i in range(20)), "NA"]
    table = pd.DataFrame({"question": [f"what is number {i}?" for i in range(25)], "answer": answers})
    table.to_csv(tmp_path / "q.csv", index=False)
    loaded = load(tmp_path / "q.csv")
    assert loaded.data["positive"][:] == answers[4:]
    assert loaded.table.set_index("step")["dropped"]["empty"] == 4


def test_times_are_read_before_the_long_work(tmp_path: Path) -> None:
    """A column that holds no dates is refused by its own name while the file is loaded."""
    table = pd.DataFrame({"question": [f"what is {i}?" for i in range(20)],
                          "answer": [f"the answer {i} in a few words" for i in range(20)],
                          "when": ["soon"] * 20})  # fmt: skip
    table.to_csv(tmp_path / "q.csv", index=False)
    with pytest.raises(ValueError, match="column 'when' holds no date or number in 20 of 20 rows"):
        load(tmp_path / "q.csv", columns={"when": "time"})


def test_options_of_files(tmp_path: Path) -> None:
    """Columns, sheet, encoding, separator and limit work as options; roles follow the names of the schema."""
    options = ReadOptions("subject", "body", "product", "created", limit=3)
    assert options.roles == {"anchor": "subject", "positive": "body", "group": "product", "time": "created"}
    path = saved(TICKETS, tmp_path / "tickets.csv")
    named = {"subject": "anchor", "body": "positive", "product": "group", "created": "time"}
    loaded = load(path, options)
    assert loaded.data.to_dict() == load(path, columns=named, limit=3).data.to_dict()
    assert loaded.data.column_names == ["anchor", "positive", "group", "time"]
    assert load(path, options, limit=3).digest == load(path, ReadOptions(columns=named, limit=3)).digest
    rows = "name;text;kind\nÖl;wie füllt man Öl nach, und wann;a\nGas;wie prüft man das Gas im Haus;b\n"
    (tmp_path / "old.txt").write_bytes(rows.encode("cp1252"))
    old = load(tmp_path / "old.txt", ReadOptions("name", "text", separator=";", encoding="cp1252"))
    assert old.data["anchor"][:] == ["Öl", "Gas"] and old.notes == []
    with pd.ExcelWriter(tmp_path / "book.xlsx") as writer:
        TICKETS.to_excel(writer, sheet_name="open", index=False)
        TICKETS.iloc[::-1].to_excel(writer, sheet_name="closed", index=False)
    sheet = load(tmp_path / "book.xlsx", ReadOptions("subject", "body", sheet="closed"))
    assert sheet.data["anchor"][:] == ["Cannot log in", "No sound"]
    labels = ReadOptions(columns={"body": "text", "product": "label"}, group_column="created")
    labelled = load(path, labels)
    assert labelled.shape == "labelled texts" and labelled.data.column_names == ["text", "label", "group"]


@pytest.mark.parametrize(
    ("source", "options", "keywords", "message"),
    [
        (TICKETS, ReadOptions(limit=3), {"limit": 4}, "options.limit is 3, but limit= is 4"),
        (
            TICKETS,
            ReadOptions(columns={"a": "anchor"}),
            {"columns": {"b": "anchor"}},
            "options.columns is {'a': 'anchor'}, but columns= is {'b': 'anchor'}",
        ),
        (TICKETS, ReadOptions("subject", columns={"body": "anchor"}), {}, "'subject' and 'body' .*'anchor'"),
        (TICKETS, ReadOptions("subject", "body", "body"), {}, "'body' cannot be both 'positive' and 'group'"),
        (TICKETS, ReadOptions("subject", "body", sheet="one"), {}, "sheet='one'"),
        (TICKETS, ReadOptions("subject", columns={"body": "document"}), {}, "'document'"),
        (TICKETS, {"subject": "anchor"}, {}, "ReadOptions, got dict"),
        ("pydocs", ReadOptions(encoding="utf-8"), {}, "encoding='utf-8'"),
        ("pydocs", ReadOptions("name"), {}, "has its columns already"),
        ("banking77", ReadOptions(separator=";"), {}, "separator=';'"),
        ("owner/name", ReadOptions(sheet="one"), {}, "sheet='one'"),
    ],
)
def test_options_that_contradict_or_do_not_fit(source: object, options: object, keywords: dict, message: str) -> None:
    """Options and keywords that contradict each other are refused, and options that the source has no use for."""
    with pytest.raises(ValueError, match=message):
        load(source, options, **keywords)


def test_options_are_flags(capsys: pytest.CaptureFixture[str]) -> None:
    """Every field is a flag of a command line, with a line of help."""
    found = tyro.cli(ReadOptions, args=["--query-column", "q", "--columns", "a", "text", "--limit", "5"])
    assert found == ReadOptions("q", columns={"a": "text"}, limit=5)
    with pytest.raises(SystemExit):
        tyro.cli(ReadOptions, args=["--help"])
    helptext = capsys.readouterr().out
    for field in fields(ReadOptions):
        assert f"--{field.name.replace('_', '-')}" in helptext
    assert "spreadsheet" in helptext and "cp1252" in helptext
