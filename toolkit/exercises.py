"""Exercises of the lessons: checks of answers that never raise, and the students' copies without the solutions."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

NOTEBOOKS = Path(__file__).resolve().parent.parent / "notebooks"
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


def _hint_model(answer: Any, measured: Any) -> str:
    from toolkit.choose import recommend

    if not isinstance(answer, str):
        return "give the name of a model as it stands in the table, in quotes"
    right = recommend(measured, documents=1_000_000, minutes=30).model
    return "" if answer == right else "ask choose.recommend with documents=1_000_000 and minutes=30"


def _hint_leak(answer: Any, audit: Any) -> str:
    if isinstance(answer, bool) or not isinstance(answer, int | float):
        return "give the share as a number: audit.share is one"
    return "" if abs(answer - audit.share) < 0.005 else "it stands in audit.share, between 0 and 1"


def _hint_loss(answer: Any) -> str:
    return "" if answer == "TripletLoss" else "read the column why: which loss uses the given negatives alone?"


def _hint_tied(answer: Any, row: Any) -> str:
    if not isinstance(answer, bool):
        return "answer True or False: does the interval of the difference hold zero?"
    return "" if answer == bool(row["low"] <= 0 <= row["high"]) else "look once more at row['low'] and row['high']"


def _hint_recall(answer: Any) -> str:
    if not isinstance(answer, int | float):
        return 'give a number: measure(...)["recall"] is one'
    return "" if 0.9 <= answer <= 1 else "raise the search effort until recall is at least 0.9"


# The name of an exercise -> a function of the answer, and of what it is checked against, that returns a hint or "".
CHECKS: dict[str, Callable[..., str]] = {
    "model": _hint_model,
    "leak": _hint_leak,
    "loss": _hint_loss,
    "tied": _hint_tied,
    "recall": _hint_recall,
}


def check(name: str, answer: Any, *against: Any) -> None:
    """Print a tick, or a hint; never raises, so that an unsolved notebook runs to its end."""
    try:
        hint = "your turn: replace None" if answer is None else CHECKS[name](answer, *against)
    except Exception as error:  # whatever the answer is, the lesson goes on
        hint = f"that could not be checked ({type(error).__name__}: {error})"
    print(f"✓ {name}: right." if not hint else f"→ {name}: {hint}.")


def unsolved(notebook: dict[str, Any]) -> dict[str, Any]:
    """A student's copy of a worked notebook: solutions and outputs out, everything else as it was.

    Parameters
    ----------
    notebook : dict
        The JSON of an ``.ipynb`` file. What stands between ``### BEGIN SOLUTION`` and ``### END SOLUTION`` becomes
        ``<name> = None  # your turn``, with the name that the solution's last line assigns.
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
    """Write ``exercises/`` beside the worked notebooks, whole or not at all; returns what was written."""
    from toolkit.storage import replacing

    target = folder / "exercises"
    target.mkdir(exist_ok=True)
    written = []
    for file in sorted(folder.glob("[0-9][0-9]_*.ipynb")):
        made = unsolved(json.loads(file.read_text(encoding="utf-8")))
        with replacing(target / file.name) as temporary:
            temporary.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        written.append(target / file.name)
    return written
