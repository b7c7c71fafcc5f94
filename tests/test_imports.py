"""Importing is instant and does nothing; public names are what they seem."""

from __future__ import annotations

import ast
import importlib
import json
import pkgutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import toolkit

HEAVY = ("torch", "transformers", "sentence_transformers", "faiss", "datasets", "mteb", "scipy", "pandas", "matplotlib")
ROOMS = [module.name for module in pkgutil.iter_modules(toolkit.__path__) if module.ispkg]


def test_import_toolkit_loads_nothing_heavy() -> None:
    """`import toolkit` and its rooms load none of the slow libraries and add no logging handler."""
    rooms = "; ".join(f"import toolkit.{room}" for room in ROOMS)
    show = "print(json.dumps([list(sys.modules), len(logging.root.handlers)]))"
    code = f"import sys, json, logging, toolkit; {rooms}; {show}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded, handlers = json.loads(done.stdout)
    assert "toolkit.vectors" in loaded
    assert set(HEAVY) & set(loaded) == set()
    assert handlers == 0


def parts(folder: Path) -> set[str]:
    """Modules that the front door of a package names as such: ``from . import analysis`` in its stub."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((folder / "__init__.pyi").read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            below = folder / (node.module or "")
            found |= names if node.module is None else names & parts(below) if below.is_dir() else set()
    return found


def test_no_module_shadows_a_public_name() -> None:
    """After every submodule was imported, each public name is still the function or class, not a module."""
    for found in pkgutil.walk_packages(toolkit.__path__, "toolkit."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    checked = 0
    for room in ROOMS:
        package = importlib.import_module(f"toolkit.{room}")
        modules = parts(Path(toolkit.__file__).parent / room)
        for name in package.__all__:
            is_module = isinstance(getattr(package, name), ModuleType)
            assert is_module == (name in modules), f"toolkit.{room}.{name}"
            checked += 1
    assert checked > 30


def test_public_names_have_docstrings() -> None:
    """Every public function, class and part says what it is for."""
    for room in ROOMS:
        package = importlib.import_module(f"toolkit.{room}")
        for name in package.__all__:
            value = getattr(package, name)
            if callable(value) or isinstance(value, ModuleType):
                assert value.__doc__, f"toolkit.{room}.{name} has no docstring"
