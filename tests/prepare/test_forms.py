"""Every step takes what the step before made, tables and lists; what is none of them is refused in words."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from datasets import Dataset, DatasetDict

from toolkit import evaluate, finetune, prepare
from toolkit.prepare import text

TEXTS = "rolling median|plot of bars|read a file|sort the rows|join two tables|drop a column|fill what is missing|" \
        "group by day|parse a date|write to disk|count the words|draw a sample".split("|")  # fmt: skip
FRAME = pd.DataFrame({"anchor": TEXTS, "positive": [f"{text}, as number {i} explains" for i, text in enumerate(TEXTS)]})
FORMS: dict[str, Callable[[Path], Any]] = {
    "Dataset": lambda _: Dataset.from_pandas(FRAME),
    "DataFrame": lambda _: FRAME,
    "mapping": lambda _: FRAME.to_dict("list"),
    "records": lambda _: FRAME.to_dict("records"),
    "tuples": lambda _: list(FRAME.itertuples(index=False, name=None)),
    "load": lambda _: prepare.load(FRAME),
    "clean": lambda _: prepare.clean(FRAME),
    "pairs": lambda _: prepare.make_pairs(FRAME.rename(columns={"anchor": "title", "positive": "body"}), by="titles"),
    "file": lambda folder: _file(folder / "mine.csv"),
}


def _file(path: Path) -> str:
    FRAME.to_csv(path, index=False)
    return str(path)


@pytest.fixture(params=FORMS)
def rows(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """The same twelve pairs in each of the forms."""
    return FORMS[request.param](tmp_path)


def test_a_split_is_the_same_of_every_form(rows: Any) -> None:
    """What is divided are the rows, whatever holds them."""
    expected = prepare.split(Dataset.from_pandas(FRAME), sizes=(0.5, 0.25, 0.25))
    found = prepare.split(rows, sizes=(0.5, 0.25, 0.25))
    assert found.train.to_dict() == expected.train.to_dict()
    assert found.test.data.queries == expected.test.data.queries and found.test.digest == expected.test.digest


def test_other_steps_take_every_form(rows: Any, request: pytest.FixtureRequest) -> None:
    """Shape, task, audit and a look at the data say the same of every form."""
    assert prepare.task(rows, kind="bitext").rows["sentence1"].tolist() == TEXTS
    if isinstance(rows, str):  # a path is no table yet
        with pytest.raises(ValueError, match="got str; .*prepare.load"):
            prepare.audit(rows, FRAME)
    else:
        assert prepare.frames.shape_of(rows) == "pairs"
        assert prepare.audit(rows, FRAME).share == 1.0
        assert prepare.clean(rows).data["anchor"][:] == TEXTS
        assert prepare.describe(rows).texts["filled"].tolist() == [12, 12]


@pytest.mark.parametrize("texts", [TEXTS, tuple(TEXTS), FRAME["anchor"], Dataset.from_pandas(FRAME)["anchor"],
                                   FRAME["anchor"].to_numpy()], ids=lambda texts: type(texts).__name__)  # fmt: skip
def test_clean_takes_columns_of_texts(texts: Any) -> None:
    """A column of any table is a list of texts."""
    assert prepare.clean(texts).data.to_dict() == {"text": TEXTS, "source": list(range(12))}


def test_a_table_is_not_taken_for_its_headings() -> None:
    """A loop over a DataFrame or a dict gives names of columns, which are no texts."""
    assert prepare.clean(FRAME).data["positive"][:] == FRAME["positive"].tolist()
    for table in (FRAME, FRAME.to_dict("list"), Dataset.from_pandas(FRAME)):
        for function in (prepare.splitting.near_pairs, text.detect_languages, text.language_shares):
            with pytest.raises(ValueError, match=r"expected a list of texts, got (DataFrame|dict|Dataset): .*column"):
                function(table)


def test_groups_and_documents_come_along() -> None:
    """Pairs of duplicate groups stay in their groups, and documents without a search are searched too."""
    texts = [(f"{text} {letter}", text) for text in TEXTS for letter in "abcd"]
    groups = pd.DataFrame(texts, columns=["text", "group"])
    made = prepare.make_pairs(groups, by="groups", most=2)  # of each group two pairs that share no text
    groups_of = prepare.task(made, groups="auto").groups
    assert len(set(groups_of.values())) == 12 and len(groups_of) == 24
    documents = ["nobody searches for this"]
    loaded = prepare.load([*FRAME.to_dict("records")])
    loaded = type(loaded)(**{**vars(loaded), "documents": documents})
    cleaned = prepare.clean(loaded)
    assert cleaned.documents == documents
    for given in (loaded, cleaned):
        assert documents[0] in prepare.task(given).data.corpus.values()
        assert documents[0] in prepare.split(given, sizes=(0.5, 0.25, 0.25)).test.data.corpus.values()
    assert "another" in prepare.task(loaded, documents=["another"]).data.corpus.values()


SPLIT = prepare.split(FRAME, sizes=(0.5, 0.25, 0.25))
WRONG: list[tuple[Callable[[], object], str]] = [
    (lambda: prepare.split(7), "expected a Dataset, .*; got int"),
    (lambda: prepare.split(SPLIT.test), "got Task"),
    (lambda: prepare.split(DatasetDict(train=Dataset.from_pandas(FRAME))), "name one of its splits, train"),
    (lambda: prepare.split({"anchor": ["a", "b"], "positive": ["c"]}), "of equal length, got anchor 2, positive 1"),
    (lambda: prepare.task([1, 2]), "item 0 of the list is 1"),
    (lambda: prepare.guess.guess(SPLIT.train), "expected a DataFrame, .*got Dataset"),
    (lambda: prepare.files.read(FRAME), "expected the path of a file or folder, got DataFrame"),
    (lambda: evaluate.score(object(), FRAME), r"expected a Task, got DataFrame: .*prepare.task\(rows\)"),
    (lambda: evaluate.score(object(), SPLIT), "got Split: .*split.dev or split.test"),
    (lambda: evaluate.compare_systems([object()], SPLIT.test), r"expected a mapping \{name: .*\}, got list"),
    (lambda: evaluate.compare_systems({"a": object()}, prepare.task(FRAME, kind="bitext")),
     "expected a task of kind retrieval or reranking, got 'all' of kind bitext"),
    (lambda: evaluate.compare({"a": 0.5, "b": 0.6}, baseline="a"), r"\{name: evaluate.score.*got float, float"),
    (lambda: evaluate.compare([], baseline="a"), "got list"),
    (lambda: evaluate.analysis.slice_labels(FRAME, "length"), "expected a Task, got DataFrame"),
    (lambda: evaluate.analysis.space({"a": [1.0]}), r"expected vectors of shape \(n, dim\), got dict"),
    (lambda: finetune.train(object(), FRAME), r"expected a Split, got DataFrame: prepare.split\(rows\) makes one"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "said"), WRONG, ids=[said[:60] for _, said in WRONG])
def test_what_came_and_what_to_give(call: Callable[[], object], said: str) -> None:
    """The message names the type that came and the way to the one that is needed."""
    with pytest.raises(ValueError, match=said):
        call()
