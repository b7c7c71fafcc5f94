"""The first look says what is there, what is taken for what, and a time that follows from the probe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from toolkit import prepare, vectors
from toolkit.searchrun import firstlook

ROWS = [
    (f"Printer {i} blinks", f"The printer number {i} blinks twice and then stops. Please send somebody to look at it.")
    for i in range(80)
]


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    table = pd.DataFrame(ROWS, columns=["subject", "description"]).assign(price=[f"{i}.50" for i in range(80)])
    table.to_csv(tmp_path / "tickets.csv", index=False)
    return tmp_path / "tickets.csv"


def words(parts: list[Any]) -> str:
    return "\n".join(part if isinstance(part, str) else part.to_string() for part in parts)


def test_opening_shows_columns_rows_and_the_guess(tickets: Path) -> None:
    """Every column with what it holds, three rows, and a sentence that calls a stand-in a stand-in."""
    said = words(firstlook.opening(prepare.load(tickets)))
    assert "price number" in " ".join(said.split())
    assert "I take `subject` as the search, which stands in for real searches and `description` as the text" in said
    assert all(f"Printer {i} blinks" in said for i in range(3)) and "80 rows." in said


def test_an_opening_is_for_people(tmp_path: Path) -> None:
    """Headings that a reader of the command line knows, shares in per cent, and the option that fits a date."""
    rows = {"asked on": [f"2025-01-{day:02d}" for day in range(1, 21)],
            "question": [f"where is parcel {n}?" for n in range(20)],
            "answer": [f"parcel {n} is at the door of number {n}, look there" for n in range(20)]}  # fmt: skip
    path = tmp_path / "mine.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    parts = firstlook.opening(prepare.load(path))
    columns, three = (part for part in parts if isinstance(part, pd.DataFrame))
    assert three.columns.tolist() == ["search", "text to find"]
    assert columns.set_index("column")["filled"].tolist() == ["100%"] * 3
    assert columns.set_index("column")["words"].tolist() == ["", "4", "11"]
    assert '`asked on` holds dates: --time-column "asked on" trains on the past' in parts[-1]
    timed = firstlook.opening(prepare.load(path, columns={"asked on": "time"}))
    assert not any("holds dates" in part for part in timed if isinstance(part, str))


def test_a_private_opening_holds_no_text(tickets: Path) -> None:
    """Neither rows nor examples."""
    said = words(firstlook.opening(prepare.load(tickets), private=True))
    assert "blinks" not in said and "0.50" not in said and "subject" in said


def test_forecast_counts_what_it_says(tickets: Path, model: Any) -> None:
    """Texts are counted once each; shares are those of a full count; the time grows with the texts."""
    loaded = prepare.load(tickets)
    found = firstlook.forecast(model, loaded, dtype="float32")
    assert found.texts == 160 and found.languages["language"].tolist() == ["en"]
    assert found.cut == 0 and found.limit == 256 and found.seconds > firstlook.OVERHEAD
    long = prepare.Loaded("x", loaded.data, loaded.table, "", documents=["word " * 600] * 20)
    more = firstlook.forecast(model, long, dtype="float32")
    assert more.cut == pytest.approx(1 / 81) and more.texts == 161
    lengths = vectors.truncation(model, [*dict.fromkeys([*loaded.data["positive"], *long.documents])])
    assert more.lost == pytest.approx(lengths["lost"].sum() / lengths["tokens"].sum())
    assert "1% of the texts are longer" in more.sentences()[1]


def test_sample_is_drawn_in_order() -> None:
    """A sample keeps the order, is drawn by seed, and takes everything where that is little."""
    texts = [str(i) for i in range(100)]
    drawn = firstlook.sample(texts, 10, 1)
    assert [int(t) for t in drawn] == sorted(int(t) for t in drawn) and len(set(drawn)) == 10
    assert drawn == firstlook.sample(texts, 10, 1) != firstlook.sample(texts, 10, 2)
    assert firstlook.sample(texts, 100) == texts
