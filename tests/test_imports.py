"""Importing is instant and does nothing; public names are what they seem."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys

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


def test_no_module_shadows_a_public_name() -> None:
    """After every submodule was imported, each public name is still the function or class, not a module."""
    for found in pkgutil.walk_packages(toolkit.__path__, "toolkit."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
    checked = 0
    for room in ROOMS:
        package = importlib.import_module(f"toolkit.{room}")
        for name in package.__all__:
            value = getattr(package, name)
            if isinstance(value, type(sys)):  # a part, such as evaluate.analysis: then it holds no function of its name
                assert not callable(getattr(value, name, None)), f"toolkit.{room}.{name} is a module"
            checked += 1
    assert checked > 30


def test_public_names_have_docstrings_with_sections() -> None:
    """Every public function and class has a docstring."""
    for room in ROOMS:
        package = importlib.import_module(f"toolkit.{room}")
        for name in package.__all__:
            value = getattr(package, name)
            if callable(value):
                assert value.__doc__, f"toolkit.{room}.{name} has no docstring"
