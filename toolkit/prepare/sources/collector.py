"""Collect the docstrings of all public names of packages, by importing all of their modules.

A script that needs only the standard library and runs in its own process: importing every module of a package has
side effects that no caller should have. ``python collector.py OUT PACKAGE...`` writes one line of JSON per name.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import MethodType, ModuleType
from typing import Any

STANDARD = "python"  # the name under which the standard library is collected

# Folders of tests, vendored packages, developer tools or display code.
_INTERNAL = {
    "backends", "compat", "conftest", "distutils", "experimental", "externals", "f2py", "setup", "sphinxext", "test",
    "testing", "tests",
}  # fmt: skip
_INTERNAL_MODULES = {
    "numpy.core", "pandas.core", "torch.ao.ns", "torch.distributed.flight_recorder", "torch.fx.passes",
    "torch.utils.hipify", "torch.utils.tensorboard",
}  # fmt: skip
# Modules that open a window or a browser, print, install something, or exist on one system only.
_NOT_WALKED = {
    "antigravity", "encodings", "ensurepip", "idlelib", "lib2to3", "msilib", "nt", "posix", "pydoc_data", "test",
    "this", "tkinter", "turtle", "turtledemo", "venv", "xxlimited", "xxlimited_35", "xxsubtype",
}  # fmt: skip


def _public(name: str) -> bool:
    return not any(part.startswith("_") or part in _INTERNAL for part in name.split("."))


def _modules(name: str) -> Iterator[tuple[str, ModuleType]]:
    """Yield a module and all its public submodules, except those that cannot be imported here."""
    if name in _INTERNAL_MODULES:
        return
    try:
        module = importlib.import_module(name)
    except (Exception, SystemExit):
        return
    yield name, module
    for found in pkgutil.iter_modules(getattr(module, "__path__", [])):
        if _public(found.name):
            yield from _modules(f"{name}.{found.name}")


def _defining_module(thing: Any) -> str:
    """Return the name of the module that defines an object, or an empty string."""
    for holder in (thing, getattr(thing, "__objclass__", None)):
        name = getattr(holder, "__module__", None)
        if isinstance(name, str):
            return name
    return ""


def _belongs(home: str, name: str) -> bool:
    """Return whether module `name` may export what module `home` defines: the same module, or a parent.

    What private compiled code defines (``torch._C``, ``_ssl``) may also be exported below.
    """
    outer = home
    while not _public(outer):
        outer = outer.rpartition(".")[0]
    compiled = not str(getattr(sys.modules.get(home), "__file__", "")).endswith(".py")
    above, below = f"{outer}.".startswith(f"{name}."), not outer or f"{name}.".startswith(f"{outer}.")
    return above or (below and compiled and outer != home)


def _exports(name: str, module: ModuleType, own: set[str]) -> Iterator[tuple[str, Any]]:
    """Yield what a module exports: the names in its ``__all__``, else what it or its submodules define.

    Without the second rule ``ast.IntEnum``, a mere import, would be taken for the shortest name of ``enum.IntEnum``.
    """
    listed = getattr(module, "__all__", None)
    for attribute in sorted(set(dir(module)) if listed is None else set(listed)):
        try:
            thing = getattr(module, attribute)
        except Exception:  # listed in __all__ or created lazily, but missing
            continue
        if not _public(attribute) or isinstance(thing, ModuleType) or not callable(thing):
            continue
        home = _defining_module(thing)
        if home and home.split(".")[0] not in own:
            continue
        if listed is None and not (home and _belongs(home, name)):
            continue
        yield attribute if name == "builtins" else f"{name}.{attribute}", thing


def _documented(thing: Any) -> tuple[Any, str]:
    """Return the function inside a method, and its own docstring (not that of its type)."""
    if isinstance(thing, (staticmethod, classmethod, MethodType)):
        thing = thing.__func__
    try:
        doc = thing.__doc__
    except Exception:
        doc = None
    return thing, doc if isinstance(doc, str) and doc != type(thing).__doc__ else ""


def _members(names: dict[int, str], classes: list[type], own: set[str]) -> Iterator[tuple[str, Any]]:
    """Yield public methods and properties, named after the class that defines them if it is public."""
    for cls in classes:
        seen: set[str] = set()
        for base in cls.__mro__:
            if base is object or _defining_module(base).split(".")[0] not in own:
                continue
            for attribute, raw in list(vars(base).items()):
                thing, doc = _documented(raw)
                if not _public(attribute) or attribute in seen or isinstance(thing, type):
                    continue
                seen.add(attribute)
                if doc and (callable(thing) or hasattr(thing, "__get__")):
                    yield f"{names.get(id(base), names[id(cls)])}.{attribute}", thing


def walk(package: str) -> list[tuple[str, str]]:
    """Find the public names of a package and their docstrings, sorted by name, using the shortest of several.

    Functions, classes, methods, properties, and callable objects with a docstring of their own (ufuncs,
    ``scipy.stats.norm``).
    """
    own = set(sys.stdlib_module_names) if package == STANDARD else {package}
    roots = sorted(name for name in own - _NOT_WALKED if _public(name)) if package == STANDARD else [package]
    names: dict[int, str] = {}
    things: dict[int, Any] = {}  # also keeps them alive, since ids are reused

    def offer(name: str, thing: Any) -> None:
        thing = _documented(thing)[0]
        things[id(thing)] = thing
        names[id(thing)] = min(names.get(id(thing), name), name, key=lambda known: (len(known), known))

    for root in roots:
        for name, module in _modules(root):
            for exported in _exports(name, module, own):
                offer(*exported)
    classes = [thing for thing in things.values() if isinstance(thing, type)]
    for member in list(_members(names, classes, own)):
        offer(*member)
    docs = {names[key]: _documented(thing)[1] for key, thing in things.items()}
    return sorted((name, doc) for name, doc in docs.items() if doc.strip())


def _refuse(event: str, _: tuple[Any, ...]) -> None:
    """Stop imported modules from using the network or opening a browser (an audit hook)."""
    if event in {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "webbrowser.open"}:
        raise OSError(f"{event} is not allowed while docstrings are collected")


if __name__ == "__main__":
    sys.addaudithook(_refuse)
    warnings.simplefilter("ignore")
    with Path(sys.argv[1]).open("w", encoding="utf-8") as out:
        for package in sys.argv[2:]:
            for found, doc in walk(package):
                out.write(json.dumps({"name": found, "package": package, "doc": doc}) + "\n")
