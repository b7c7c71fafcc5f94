"""Tables of every shape, in memory and from files: columns under the right names and in the order of trainers."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from toolkit.prepare import load
from toolkit.prepare.frames import shape_of

ROWS = {
    "triplets": {"negative": ["n"], "anchor": ["a"], "positive": ["p"]},
    "scored pairs": {"score": [0.5], "sentence2": ["b"], "sentence1": ["a"]},
    "labelled pairs": {"label": [1], "sentence2": ["b"], "sentence1": ["a"]},
    "labelled texts": {"label": ["x"], "text": ["a"]},
    "pairs": {"positive": ["p"], "anchor": ["a"]},
}


@pytest.mark.parametrize("shape", ROWS)
@pytest.mark.parametrize("make", [pd.DataFrame, Dataset.from_dict, lambda rows: pd.DataFrame(rows).to_dict("records")])
def test_every_shape(make: object, shape: str) -> None:
    """Whatever the order and the names of the columns, the result is what a trainer reads."""
    rows = ROWS[shape]
    loaded = load(make({f"my {name}": values for name, values in rows.items()}),
                  columns={f"my {name}": name for name in rows})  # fmt: skip
    assert loaded.shape == shape == shape_of(loaded.data)
    assert loaded.data.to_dict() == rows
    assert loaded.digest == load(make(rows)).digest


def test_several_negatives_and_others() -> None:
    """Negatives follow the pair in their order; group and time come last; the rest is left out."""
    rows = {
        "time": ["2026"],
        "negative_2": ["m"],
        "junk": ["j"],
        "negative_1": ["n"],
        "anchor": ["a"],
        "positive": ["p"],
    }
    assert load(pd.DataFrame(rows)).data.column_names == ["anchor", "positive", "negative_2", "negative_1", "time"]


def test_files_keep_the_shape_that_is_named(tmp_path: Path) -> None:
    """Columns of another shape end the guessing; scores become numbers, and one that is none is named with its row."""
    frame = pd.DataFrame({"a": ["one", "two"], "b": ["three", "four"], "how near": ["0.5", "1"]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    columns = {"a": "sentence1", "b": "sentence2", "how near": "score"}
    loaded = load(tmp_path / "a.csv", columns=columns)
    assert loaded.shape == "scored pairs" and loaded.data["score"][:] == [0.5, 1.0] and loaded.guess is None
    frame.assign(**{"how near": ["0.5", "very"]}).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(ValueError, match=r"'score' holds no number in 1 of 2 rows \(first: row 1, 'very'\)"):
        load(tmp_path / "a.csv", columns=columns)
    labels = pd.DataFrame({"q": ["a", "b"], "r": ["c", "d"], "same": [1, 0]})
    labels.to_csv(tmp_path / "b.csv", index=False)
    named = load(tmp_path / "b.csv", columns={"q": "sentence1", "r": "sentence2", "same": "label"})
    assert named.data["label"][:] == [1, 0]


def test_labels_of_texts_are_names() -> None:
    """Numbers of labels differ from file to file, so the names are kept."""
    features = Features({"text": Value("string"), "label": ClassLabel(names=["late", "lost"])})
    data = Dataset.from_dict({"text": ["a", "b"], "label": [1, 0]}, features=features)
    assert load(data).data["label"][:] == ["lost", "late"]


def test_lists() -> None:
    """Lists of texts, of pairs, of triplets, of dictionaries."""
    texts = load(["one text", "another", "one text", " "])
    assert texts.documents == ["one text", "another"] and len(texts.data) == 0
    assert texts.table.set_index("step")["dropped"].to_dict() == {"empty": 1, "same text twice": 1}
    assert load([("q", "d"), ["r", "e"]]).data.to_dict() == {"anchor": ["q", "r"], "positive": ["d", "e"]}
    assert load([("q", "d", "n")]).shape == "triplets"
    assert load(["a", "b", "c"], limit=2).documents == ["a", "b"]
    assert load(pd.DataFrame({"text": ["a"]})).documents == ["a"]


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ([("a", "b"), "c"], {}, "item 1 of the list is 'c'"),
        ([("a", "b"), ("c", "d", "e")], {}, "item 1 of the list"),
        ([("a", 1)], {}, "'positive' holds int64"),
        ([1, 2], {}, "item 0 of the list is 1: expected dictionaries, texts"),
        ([{"anchor": "a", "positive": ["b"]}], {}, "'positive' holds nested values, expected one text"),
        ([{"anchor": "a", "positive": 5}], {}, "'positive' holds int64, expected one text"),
        ([{"sentence1": "a", "sentence2": "b"}], {}, "scored pairs, which lacks score"),
        ([{"anchor": "a"}], {"columns": {"anchor": "query"}}, "maps to 'query', expected one of anchor"),
        ([{"anchor": "a", "positive": "b"}], {"split": "test"}, "split='test'"),
        (DatasetDict({"x": Dataset.from_dict({"text": ["a"]}), "y": Dataset.from_dict({"text": ["b"]})}), {},
         "has the splits x, y: name one"),
        (DatasetDict({"x": Dataset.from_dict({"text": ["a"]})}), {"split": "z"}, "no split 'z': expected x"),
    ],
)  # fmt: skip
def test_refused(source: object, options: dict, message: str) -> None:
    """What makes no shape is refused, with what came."""
    with pytest.raises(ValueError, match=message):
        load(source, **options)


def test_dataset_dict_and_nested_columns() -> None:
    """Splits by any of their names; a part of a nested column by its name with a dot."""
    parts = DatasetDict({name: Dataset.from_dict({"text": [name], "label": ["l"]}) for name in ("train", "validation")})
    assert load(parts).data["text"][0] == "train" and load(parts, split="dev").data["text"][0] == "validation"
    nested = Dataset.from_list([{"question": "q", "meta": {"body": "b"}}])
    assert load(nested, columns={"question": "anchor", "meta.body": "positive"}).data["positive"][0] == "b"


def test_shown() -> None:
    """Text and HTML show what it is, the first rows and what was left out; markup in texts stays text."""
    loaded = load([{"anchor": "<b>bold</b> " + "word " * 60, "positive": "p"}])
    assert loaded._repr_html_().startswith("<p><b>list: 1 pairs</b></p>")
    assert "<b>bold" not in loaded._repr_html_() and "&lt;b&gt;bold" in loaded._repr_html_()
    assert max(map(len, str(loaded).splitlines())) < 140 and "positive  p" in str(loaded)
    texts = load(["a", "a"])
    assert "texts without a search: 1" in str(texts) and "same text twice: 1 of 2" in str(texts)
