"""An audit counts what was planted in tables and in other shapes, and shows both texts."""

from __future__ import annotations

import numpy as np
import pytest
from datasets import Dataset

from toolkit.prepare import Task, audit, task
from toolkit.prepare.splitting.auditing import REASONS


def sentence(*key: object, words: int = 9) -> str:
    return " ".join("x".join(map(str, (*key, word))) for word in range(words))


LEFT, RIGHT = [sentence("l", row) for row in range(40)], [sentence("r", row) for row in range(40)]


def scored(rows: list[tuple[str, str]]) -> Dataset:
    return Dataset.from_dict({
        "sentence1": [row[0] for row in rows], "sentence2": [row[1] for row in rows], "score": [0.5] * len(rows),
    })  # fmt: skip


def test_planted_leaks_in_rows_of_two_texts() -> None:
    """Each way is found in its rows, on whichever side the text stands, with the text of training beside it."""
    test = scored(list(zip(LEFT, RIGHT, strict=True)))
    train = scored([
        (RIGHT[0].upper(), LEFT[0] + "!"),  # the same row, turned round
        (LEFT[1], sentence("new", 1)), (sentence("new", 2), LEFT[2]),  # one text of it, on either side
        (RIGHT[3] + " more", sentence("new", 3)),  # a near-copy
        (LEFT[4], RIGHT[5]),  # texts of two rows
    ])  # fmt: skip
    found = audit(train, test)
    flags = {name: np.flatnonzero(found.table[name]).tolist() for name in found.reasons}
    assert flags == {"same_text": [0, 1, 2, 4, 5], "near_text": [3], "same_pair": [0]}
    assert found.share == 6 / 40 and found.table["text"].tolist() == LEFT
    beside = {(row.item, row.reason): (row.test_text, row.train_text) for row in found.examples.itertuples()}
    assert beside[("3", REASONS["near_text"])] == (RIGHT[3], RIGHT[3] + " more")
    assert beside[("0", REASONS["same_text"])] == (LEFT[0], LEFT[0] + "!") and len(beside) == 6
    assert str(found) == (
        "6 of 40 test rows (15%): same text 5, near-copy of a text 1, both texts in one row of training 1"
    )


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 1.0])
def test_a_known_rate_is_found(rate: float) -> None:
    """As many labelled texts as were copied, by whatever kind of object they come in."""
    test = Dataset.from_dict({"text": LEFT, "label": [0, 1] * 20})
    copied = round(rate * 40)
    train = Dataset.from_dict(
        {"text": [*(text + " more" for text in LEFT[:copied]), *RIGHT], "label": [0] * (40 + copied)}
    )
    found = audit(train, test)
    assert found.share == found.table["near_text"].mean() == rate and not found.table["same_text"].any()
    as_task = Task("test", "classification", test, {}, train)
    assert audit(train, as_task).table["near_text"].tolist() == found.table["near_text"].tolist()
    assert "same_pair" not in found.table and len(found.examples) == copied


def test_pairs_as_datasets_and_as_a_task() -> None:
    """Rows of pairs are looked up as the queries of their task are."""
    test = Dataset.from_dict({"anchor": LEFT, "positive": RIGHT})
    train = Dataset.from_dict(
        {"positive": [RIGHT[7], sentence("n", 1)], "anchor": [sentence("n", 0), LEFT[8] + " more"]}
    )
    rows, queries = audit(train, test), audit(task(train), task(test))
    assert np.flatnonzero(rows.table["same_document"]).tolist() == [7]
    assert np.flatnonzero(rows.table["near_query"]).tolist() == [8] and rows.leaked.sum() == 2
    assert rows.table[rows.reasons].equals(queries.table[queries.reasons])


def test_a_search_that_training_has_as_a_document() -> None:
    """Of duplicates of questions either may be the search; of searches and documents that share nothing, no."""
    train = Dataset.from_dict({"anchor": [LEFT[0], RIGHT[9]], "positive": [LEFT[1], LEFT[0]]})
    test = Dataset.from_dict({"anchor": [LEFT[1], LEFT[2]], "positive": [RIGHT[1], RIGHT[9]]})
    assert audit(train, test).table["same_query"].tolist() == [True, False]
    assert audit(train, test).table["same_document"].tolist() == [False, True]


def test_other_shapes_are_looked_up_as_texts() -> None:
    """Scored pairs in training, searches in the test: any text on any side."""
    test = task(Dataset.from_dict({"anchor": LEFT[:10], "positive": RIGHT[:10]}))
    found = audit(scored([(RIGHT[2], sentence("n")), (LEFT[3], LEFT[30])]), test)
    assert np.flatnonzero(found.leaked).tolist() == [2, 3] and found.reasons[0] == "same_text"


def test_the_figure_and_its_sentence() -> None:
    """A bar a reason with its share and number, and the same in words; no markup of a text survives."""
    test = scored([("<b>bold</b> move of the day", RIGHT[0]), (LEFT[1], RIGHT[1])])
    found = audit(scored([("<b>bold</b> move of the day", sentence("n"))]), test)
    [axes] = found.picture.figure.axes
    assert [bar.get_width() for bar in axes.patches] == (100 * found.counts["share"]).tolist() == [50, 0, 0, 50]
    assert [label.get_text() for label in axes.get_yticklabels()] == found.counts["reason"].tolist()
    assert "same text 50.0% (1); " in found.picture.alt
    page = found._repr_html_()
    assert "<img" in page and "<b>" not in page and "&lt;b&gt;bold" in page
