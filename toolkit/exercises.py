"""Check the answers to the exercises of the lessons, and make the students' copies without the solutions."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from toolkit import choose
from toolkit.storage import replacing

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


def hint(name: str, answer: Any, *against: Any) -> str:
    """Return a hint for an answer that is not right yet, or an empty string.

    Parameters
    ----------
    name : {"model", "leak", "loss", "tied", "recall"}
        Of the exercise.
    answer : object
        What the student found.
    *against : object
        What it is checked against: measurements, an audit, or a row of a comparison.
    """
    number = isinstance(answer, int | float) and not isinstance(answer, bool)
    if name == "model":
        if not isinstance(answer, str):
            return "give the name of a model as it appears in the table, in quotes"
        right = answer == choose.recommend(against[0], documents=1_000_000, minutes=30).model
        return "" if right else "call choose.recommend with documents=1_000_000 and minutes=30"
    if name == "leak":
        if not number:
            return "answer with a number, such as audit.share"
        return "" if abs(answer - against[0].share) < 0.005 else "the answer is audit.share, between 0 and 1"
    if name == "loss":
        return "" if answer == "TripletLoss" else "read the column 'why': which loss uses only the given negatives?"
    if name == "tied":
        if not isinstance(answer, bool):
            return "answer True or False: does the interval of the difference contain zero?"
        right = answer == bool(against[0]["low"] <= 0 <= against[0]["high"])
        return "" if right else "look once more at row['low'] and row['high']"
    if name == "recall":
        if not number:
            return 'answer with a number, such as measure(...)["recall"]'
        return "" if 0.9 <= answer <= 1 else "raise efSearch until recall is at least 0.9"
    raise ValueError(f"there is no exercise {name!r}")


def check(name: str, answer: Any, *against: Any) -> None:
    """Print a tick, or a hint; never raises, so that an unsolved notebook runs to its end. See `hint`."""
    try:
        text = "your turn: replace None" if answer is None else hint(name, answer, *against)
    except Exception as error:  # whatever the answer is, the lesson goes on
        text = f"that could not be checked ({type(error).__name__}: {error})"
    print(f"✓ {name}: right." if not text else f"→ {name}: {text}.")


def unsolved(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a student's copy of a worked notebook, without solutions and outputs.

    Parameters
    ----------
    notebook : dict
        The JSON of an ``.ipynb`` file. The code between ``### BEGIN SOLUTION`` and ``### END SOLUTION`` becomes
        ``<name> = None  # your turn``, with the name that the last line of the solution assigns.
    """
    made = copy.deepcopy(notebook)
    for cell in made["cells"]:
        if cell["cell_type"] != "code":
            continue
        cell["outputs"], cell["execution_count"] = [], None
        source = "".join(cell["source"])
        if BEGIN in source:
            before, _, rest = source.partition(BEGIN)
            solution, _, after = rest.partition(END)
            name = solution.strip().splitlines()[-1].partition("=")[0].strip()
            cell["source"] = (before + f"{name} = None  # your turn" + after).splitlines(keepends=True)
    return made


def make(folder: Path = NOTEBOOKS) -> list[Path]:
    """Write ``exercises/`` beside the worked notebooks, each file atomically; return the paths."""
    target = folder / "exercises"
    target.mkdir(exist_ok=True)
    written = []
    for file in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        made = unsolved(json.loads(file.read_text(encoding="utf-8")))
        with replacing(target / file.name) as temporary:
            temporary.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(target / file.name)
    return written
