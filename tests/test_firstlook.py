"""The first look shows what is there, what is taken for what, and a time that follows from the probe."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from toolkit import firstlook, prepare, runs, vectors
from toolkit.report import Section

ROWS = [
    (f"Printer {i} blinks", f"The printer number {i} blinks twice and then stops. Please send somebody to look at it.")
    for i in range(80)
]


LONG = "The pump number {} stopped again last night. Its motor hums, and the belt turns for a while before it slips."


@pytest.fixture
def tickets(tmp_path: Path) -> Path:
    table = pd.DataFrame(ROWS, columns=["subject", "description"]).assign(price=[f"{i}.50" for i in range(80)])
    table.to_csv(tmp_path / "tickets.csv", index=False)
    return tmp_path / "tickets.csv"


def printed(loaded: prepare.Loaded, folder: Path, capsys: pytest.CaptureFixture[str], *, private: bool = False) -> str:
    with runs.start("look", folder, private=private) as run:
        run.say(*firstlook.opening(loaded))
        return capsys.readouterr().out


def test_opening_shows_columns_rows_and_the_guess(
    tickets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every column with what it holds, three rows, and which columns are the search, a stand-in, and the text."""
    said = printed(prepare.load(tickets), tmp_path, capsys)
    assert "price number" in " ".join(said.split())
    assert "`subject` as the search (a stand-in" in said and "`description` is taken as the text to find" in said
    assert all(f"Printer {i} blinks" in said for i in range(3)) and "80 rows." in said


def test_an_opening_is_for_people(tmp_path: Path) -> None:
    """Headings that a reader of the command line knows, shares in per cent, and the option that fits a date."""
    rows = {"asked on": [f"2025-01-{day:02d}" for day in range(1, 21)],
            "question": [f"where is parcel {n}?" for n in range(20)],
            "answer": [f"parcel {n} is at the door of number {n}, look there" for n in range(20)]}  # fmt: skip
    path = tmp_path / "mine.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    parts = firstlook.opening(prepare.load(path))
    [columns], [three] = (part.blocks for part in parts if isinstance(part, Section))
    assert three.columns.tolist() == ["search", "text to find"]
    assert columns.set_index("column")["filled"].tolist() == ["100%"] * 3
    assert columns.set_index("column")["words"].tolist() == ["", "4", "11"]
    assert '--time-column "asked on"' in parts[-1] and not firstlook.stand_in(prepare.load(path))
    timed = firstlook.opening(prepare.load(path, columns={"asked on": "time"}))
    assert not any("--time-column" in part for part in timed if isinstance(part, str))


def test_a_private_opening_holds_no_text(tickets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Neither rows nor examples."""
    said = printed(prepare.load(tickets), tmp_path, capsys, private=True)
    assert "blinks" not in said and "0.50" not in said and "subject" in said


def test_stand_ins_are_called_so(tickets: Path, tmp_path: Path) -> None:
    """Subjects and first sentences are no searches that people typed."""
    assert "`subject`" in firstlook.stand_in(prepare.load(tickets))
    (tmp_path / "texts.csv").write_text("text\n" + "\n".join(LONG.format(i) for i in range(60)))
    assert "first sentence" in firstlook.stand_in(prepare.load(tmp_path / "texts.csv"))


def test_forecast_counts_what_it_says(tickets: Path, model: Any) -> None:
    """Texts are counted once each; shares are those of a full count; the time grows with the texts."""
    loaded = prepare.load(tickets)
    found = firstlook.forecast(model, loaded, dtype="float32")
    assert found.texts == 160 and found.languages["language"].tolist() == ["en"]
    assert found.cut == 0 and found.limit == 256 and found.seconds > firstlook.OVERHEAD
    long = prepare.Loaded("x", loaded.data, loaded.table, documents=["word " * 600] * 20)
    more = firstlook.forecast(model, long, dtype="float32")
    assert more.cut == pytest.approx(1 / 81) and more.texts == 161
    lengths = vectors.truncation(model, [*dict.fromkeys([*loaded.data["positive"], *long.documents])])
    assert more.lost == pytest.approx(lengths["lost"].sum() / lengths["tokens"].sum())
    assert "1% of the texts are longer" in more.sentences[1]


LOOKED = firstlook.Forecast(10, 60.0, 0.0, 0.0, 256, pd.DataFrame({"language": ["en"], "texts": [10], "share": [1.0]}))


def agreed(folder: Path, loaded: prepare.Loaded, **options: Any) -> prepare.Loaded:
    with runs.start("look", folder) as run:
        return firstlook.agree(run, **{"expected": LOOKED, "loaded": loaded, **options})


@pytest.mark.parametrize(("answer", "goes_on"), [("", True), ("y", True), (" Yes ", True), ("n", False),
                                                 ("--query-column x", False), (None, False)])  # fmt: skip
def test_answers_to_the_question(
    answer: str | None, goes_on: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Enter and yes go on; all else stops before the long work and leaves nothing, and so does the end of the input."""

    def reply(_: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    loaded = prepare.load([("a search", "its text")])
    monkeypatch.setattr("builtins.input", reply)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    if goes_on:
        assert agreed(tmp_path, loaded) is loaded
    else:
        with pytest.raises(KeyboardInterrupt):
            agreed(tmp_path, loaded)
        assert list(tmp_path.iterdir()) == []


def test_nothing_is_asked_without_a_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """In a notebook or a pipe, and where the user said yes beforehand."""
    monkeypatch.setattr("builtins.input", lambda _: pytest.fail("it asked"))
    loaded = prepare.load([("a search", "its text")])
    assert agreed(tmp_path, loaded) is loaded
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert agreed(tmp_path, loaded, ask=False) is loaded


def test_a_long_run_takes_a_sample(tickets: Path, tmp_path: Path) -> None:
    """Rows and further documents in their order, the same every time, with an account and a digest of its own."""
    pairs = [(f"search {i}", f"text number {i}") for i in range(3000)]
    whole = replace(prepare.load(pairs), documents=[f"text number {i}" for i in range(3000, 4000)])
    long = replace(LOOKED, seconds=firstlook.LONG * 2)
    found = agreed(tmp_path, whole, expected=long)
    assert len(found.data) + len(found.documents) == 1000 and 650 < len(found.data) < 850
    numbers = [int(text.rpartition(" ")[2]) for text in [*found.data["positive"], *found.documents]]
    assert numbers == sorted(set(numbers)) and len({*numbers}) == 1000
    assert found.digest == agreed(tmp_path, whole, expected=long).digest != whole.digest
    row = found.table.iloc[-1]
    assert row["rows_in"] == 3000 and row["rows_out"] == len(found.data) == 3000 - row["dropped"]
    assert agreed(tmp_path, whole, expected=long, may_sample=False) is whole
