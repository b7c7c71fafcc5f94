"""The first look says what is there, what is taken for what, and a time that follows from the probe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from toolkit import firstlook, prepare, vectors

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
