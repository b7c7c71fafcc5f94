"""What can be said of the notebooks without running them: they were run in order, are small, and read well."""

from __future__ import annotations

import json
import re
import statistics
from pathlib import Path
from typing import Any

import pytest

from toolkit import exercises

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
WORKED = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
STUDENT = sorted((FOLDER / "exercises").glob("*.ipynb"))
TAGS = {"parameters", "nbval-check-output", "nbval-ignore-output", "exercise", "optional", "raises-exception"}


def load(path: Path) -> dict[str, Any]:
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def code(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in load(path)["cells"] if cell["cell_type"] == "code"]


def prose(path: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in load(path)["cells"] if cell["cell_type"] == "markdown"]


def test_there_are_six_and_the_students_copies_are_theirs() -> None:
    """Six worked notebooks; each copy is what the generator makes of the worked one, and holds no solution."""
    assert [path.stem[:2] for path in WORKED] == ["00", "01", "02", "03", "04", "05"]
    assert [path.name for path in STUDENT] == [path.name for path in WORKED]
    for worked, student in zip(WORKED, STUDENT, strict=True):
        assert load(student) == exercises.unsolved(load(worked)), f"{student}: run python -m toolkit.course exercises"
        assert exercises.BEGIN not in student.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", WORKED, ids=lambda path: path.stem)
def test_it_was_run_in_order_without_noise(path: Path) -> None:
    """Counts from 1 on, no error but where one is meant, nothing on stderr, no dead box, no path, small."""
    cells = code(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    text = json.dumps([cell["outputs"] for cell in cells])
    assert "widget-view" not in text and "widgets" not in load(path)["metadata"]
    assert not re.search(r"(?<![\w.])/(home|Users|root|tmp|work|opt)/\w", text.replace("\\u001b", ""))
    for cell in cells:
        for output in cell["outputs"]:
            assert output.get("name") != "stderr", "".join(cell["source"])
            meant = "raises-exception" in cell["metadata"].get("tags", [])
            assert output["output_type"] != "error" or meant
    assert path.stat().st_size < 400_000
    assert load(path)["metadata"]["kernelspec"]["name"] == "python3"


@pytest.mark.parametrize("path", WORKED, ids=lambda path: path.stem)
def test_it_reads_well(path: Path) -> None:
    """One title, a header with what it takes, short cells, known tags, three questions, alternative texts, links."""
    cells, words = code(path), prose(path)
    lengths = [len("".join(cell["source"]).splitlines()) for cell in cells]
    assert statistics.median(lengths) <= 6 and max(lengths) <= 14
    assert sum(len(re.findall("^# ", text, re.MULTILINE)) for text in words) == 1 and words[0].startswith("# ")
    assert re.search(r"\| Minutes \| Needs \| Runs on \| Makes \|", words[0])
    assert max(len(text.split()) for text in words if "|" not in text and "**" not in text) <= 120
    assert "### Three questions" in words[-1] and "Predict first" in "".join(words)
    assert {tag for cell in load(path)["cells"] for tag in cell["metadata"].get("tags", [])} <= TAGS
    assert sum("parameters" in cell["metadata"].get("tags", []) for cell in cells) == 1
    assert not any(re.search(r"^\s*(class|def) ", "".join(cell["source"]), re.MULTILINE) for cell in cells)
    ids = [cell["id"] for cell in load(path)["cells"]]
    assert len(set(ids)) == len(ids)
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", "".join(words)):
        assert (FOLDER / target).exists(), target
    pictures = [output["data"] for cell in cells for output in cell["outputs"] if "image/png" in output.get("data", {})]
    assert all(re.search(r'<img alt="[^"]{20,}"', "".join(data["text/html"])) for data in pictures)
    assert pictures or path.stem.startswith(("00", "02"))


def measured(stem: str) -> dict[str, float]:
    """The row of a notebook in the table that ``python benchmarks/notebooks.py`` wrote into notebooks/README.md."""
    page = (FOLDER / "README.md").read_text(encoding="utf-8")
    lines = [line for line in page.partition("<!-- notebooks: generated")[2].splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    [row] = [row for row in rows if row[0] == stem]
    return dict(zip(rows[0][1:], map(float, row[1:]), strict=True))


def promised(path: Path) -> dict[str, str]:
    """The header table of a notebook: ``Minutes Needs "Runs on" Makes``."""
    lines = [line for line in prose(path)[0].splitlines() if line.startswith("|")]
    names, _, row = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    return dict(zip(names, row, strict=True))


@pytest.mark.parametrize("path", WORKED, ids=lambda path: path.stem)
def test_the_header_promises_what_was_measured(path: Path) -> None:
    """Memory and machine time stay below what is promised and below the limits of a lesson; minutes agree."""
    header, row = promised(path), measured(path.stem)
    minutes = sum(map(int, header["Minutes"].split(" + ")))
    [memory] = re.findall(r"([\d.]+) GB of memory", header["Runs on"])
    assert row["GB"] <= float(memory) <= 1.5
    assert row["seconds, first"] < 60 * minutes and row["seconds, again"] <= 30
    assert row["code cells"] == len(code(path))
    assert re.search(rf"\]\({path.name}\) \| {minutes} \|", (FOLDER / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", WORKED, ids=lambda path: path.stem)
def test_the_header_names_what_is_taken_and_made(path: Path) -> None:
    """Lesson 3 is needed where its model is taken up, and what is made is what some cell writes."""
    header, text = promised(path), "\n".join("".join(cell["source"]) for cell in code(path))
    assert ("lesson 3" in header["Needs"]) == ("lesson.tuned" in text)
    assert ("tuned model" in header["Makes"]) == ("lesson.keep(" in text)
    assert ("bundle" in header["Makes"]) == ("deploy.bundle(" in text)


@pytest.mark.parametrize("path", WORKED, ids=lambda path: path.stem)
def test_only_the_cell_of_parameters_names_the_data(path: Path) -> None:
    """Who changes that one cell to a file has a lesson about the file: no other cell speaks of the docstrings."""
    for cell in load(path)["cells"]:
        said = re.findall("pydocs|docstring|technical", "".join(cell["source"]))
        allowed = "parameters" in cell["metadata"].get("tags", []) or "Unless you named a file" in "".join(
            cell["source"]
        )
        assert not said or allowed


@pytest.mark.parametrize("path", [*WORKED, *STUDENT], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_a_change_shows_as_a_change_of_lines(path: Path) -> None:
    """Sources are stored line by line, as Jupyter stores them, so that a diff can be read."""
    for cell in load(path)["cells"]:
        assert cell["source"] == "".join(cell["source"]).splitlines(keepends=True)


def test_unsolved_takes_out_what_is_between_the_marks() -> None:
    """The last name that a solution assigns becomes None; everything else stays; the original is not touched."""
    lines = ["start = 1", "### BEGIN SOLUTION", "x = 2", "answer = x", "### END SOLUTION", "end = 4"]
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "execution_count": 3, "outputs": [{"x": 1}],
            "source": [line + "\n" for line in lines]}  # fmt: skip
    words = {"cell_type": "markdown", "id": "b", "metadata": {}, "source": ["text"]}
    made = exercises.unsolved({"cells": [cell, words], "nbformat": 4})
    assert "".join(made["cells"][0]["source"]) == "start = 1\nanswer = None  # your turn\nend = 4\n"
    assert made["cells"][0]["outputs"] == [] and made["cells"][0]["execution_count"] is None
    assert made["cells"][1] == words and cell["execution_count"] == 3
