"""Imports point one way: a room may use the rooms on the lines above its own, never one on its own line."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOORS = [
    {"stats", "storage", "hardware", "runs", "plots", "report"},
    {"vectors"},
    {"prepare"},
    {"evaluate"},
    {"choose", "finetune", "deploy"},
    {"widgets", "course", "exercises", "searchrun"},
]
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}
# On the ground and the top floor: what a room there may use of its neighbours.
NEIGHBOURS = {
    "course": {"exercises"},
    "plots": {"storage"},
    "report": {"plots", "storage"},
    "runs": {"storage", "hardware", "report"},
}
FILES = sorted((ROOT / "toolkit").rglob("*.py"))


def imported_rooms(source: str) -> set[str]:
    """Rooms of toolkit that a module imports, anywhere in it."""
    rooms = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            names = [f"toolkit.{alias.name}" for alias in node.names] if module == "toolkit" else [module]
        else:
            continue
        rooms |= {name.split(".")[1] for name in names if name.startswith("toolkit.")}
    return rooms


def forbidden(room: str, source: str) -> set[str]:
    """What `room` imports although it may not."""
    allowed = {other for other, level in LEVEL.items() if level < LEVEL[room]} | {room} | NEIGHBOURS.get(room, set())
    return imported_rooms(source) - allowed


@pytest.mark.parametrize("file", [f for f in FILES if f.parent != ROOT / "toolkit" or f.stem != "__init__"], ids=str)
def test_imports_point_down(file: Path) -> None:
    """No module imports a room of its own floor or above."""
    room = file.relative_to(ROOT / "toolkit").parts[0].removesuffix(".py")
    assert room in LEVEL, f"{file} is in no known room: add it to FLOORS and to the map in README"
    assert forbidden(room, file.read_text(encoding="utf-8")) == set()


def test_the_check_itself_refuses() -> None:
    """A lower room that imports a higher one is found, wherever in the module it does so."""
    assert forbidden("stats", "def f():\n    from toolkit.vectors import load") == {"vectors"}
    assert forbidden("finetune", "from toolkit import deploy, stats") == {"deploy"}
    assert forbidden("evaluate", "import toolkit.prepare, toolkit.choose") == {"choose"}
    assert len(FILES) > 20
