"""Imports point one way, between packages, between the parts of a package, and between files: there is no circle."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

ROOT = Path(__file__).resolve().parent.parent
FILES = {path: path.read_text(encoding="utf-8") for path in sorted((ROOT / "toolkit").rglob("*.py"))}
FLOORS = [
    {"storage", "hardware", "stats"},
    {"plots"},
    {"report"},
    {"runs"},
    {"vectors"},
    {"prepare"},
    {"evaluate"},
    {"choose", "finetune", "deploy"},
    {"firstlook", "exercises"},
    {"sections", "widgets", "course"},
]
PARTS = {  # of a divided package, in the same way
    "prepare": [
        {"schema", "dropped", "values"}, {"frames"}, {"tasks"}, {"files", "text"}, {"guess"}, {"sources"},
        {"pairing", "splitting"}, {"describing", "negatives"},
    ],
    "evaluate": [{"scoring"}, {"comparing"}, {"analysis", "judging", "mteb"}, {"__main__"}],
}  # fmt: skip
Sources = dict[Path, str]


def module_of(path: Path) -> str:
    """``toolkit.a.b`` of ``toolkit/a/b.py``, and of ``toolkit/a/b/__init__.py``."""
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def front_doors(stubs: Sources) -> dict[str, dict[str, str]]:
    """Of each package, the module that its stub (``__init__.pyi``) takes each public name from."""
    doors: dict[str, dict[str, str]] = {}
    for path, stub in stubs.items():
        froms = [node for node in ast.walk(ast.parse(stub)) if isinstance(node, ast.ImportFrom) and node.module]
        package = module_of(path.with_suffix(".py"))
        doors[package] = {alias.asname or alias.name: f"{package}.{node.module}" for node in froms
                          for alias in node.names}  # fmt: skip
    return doors


def imports(sources: Sources, stubs: Sources) -> dict[str, set[str]]:
    """The modules of toolkit that each module imports, also in a function, and also by the front door of a package.

    ``prepare.load`` after ``from toolkit import prepare`` counts as an import of the module that holds ``load``.
    """
    modules, doors = {module_of(path) for path in sources}, front_doors(stubs)
    packages = {module.rpartition(".")[0] for module in modules}

    def resolve(package: str, name: str) -> str:
        found = f"{package}.{name}"
        return found if found in modules | packages else doors.get(package, {}).get(name, package)

    graph: dict[str, set[str]] = {}
    for path, source in sources.items():
        nodes = list(ast.walk(ast.parse(source)))
        found = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        froms = [
            (str(node.module), alias) for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names
        ]
        names = {alias.asname or alias.name: resolve(module, alias.name) for module, alias in froms}
        used = {(names[node.value.id], node.attr) for node in nodes if isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name) and names.get(node.value.id) in packages}  # fmt: skip
        found |= {*names.values(), *(resolve(*pair) for pair in used)}
        graph[module_of(path)] = {name for name in found if name.startswith("toolkit.")} - {module_of(path)}
    return graph


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Modules that import each other, directly or by others: strongly connected components of two or more."""
    nodes = sorted({*graph, *(target for targets in graph.values() for target in targets)})
    place = {node: number for number, node in enumerate(nodes)}
    edges = np.array([(place[a], place[b]) for a, targets in graph.items() for b in targets], dtype=int).reshape(-1, 2)
    matrix = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(len(nodes), len(nodes)))
    _, labels = connected_components(matrix, directed=True, connection="strong")
    groups: dict[int, list[str]] = {}
    for node, label in zip(nodes, labels.tolist(), strict=True):
        groups.setdefault(label, []).append(node)
    return [group for group in groups.values() if len(group) > 1]


def upward(graph: dict[str, set[str]], floors: list[set[str]], parent: str = "toolkit") -> list[str]:
    """Imports below `parent` that point to the same floor or a higher one, and parts that have no floor."""
    level = {part: number for number, parts in enumerate(floors) for part in parts}

    def part_of(module: str) -> str | None:
        return module.removeprefix(f"{parent}.").split(".")[0] if module.startswith(f"{parent}.") else None

    wrong = []
    for module, targets in sorted(graph.items()):
        part = part_of(module)
        if part is None:
            continue
        if part not in level:
            wrong.append(f"{module} has no floor: add it here and to the map in README")
            continue
        for target in sorted(targets):
            other = part_of(target)
            if other not in (None, part) and level.get(str(other), 99) >= level[part]:
                wrong.append(f"{module} imports {target}")
    return wrong


STUBS = {path: path.read_text(encoding="utf-8") for path in (ROOT / "toolkit").rglob("__init__.pyi")}
GRAPH = imports(FILES, STUBS)


def test_packages_import_only_from_lower_floors() -> None:
    """No module imports a package of its own floor or above."""
    assert upward(GRAPH, FLOORS) == []


@pytest.mark.parametrize("package", PARTS)
def test_parts_import_only_from_lower_floors(package: str) -> None:
    """The same inside a divided package."""
    assert upward(GRAPH, PARTS[package], f"toolkit.{package}") == []


def test_no_circle_of_files() -> None:
    """No two files need each other, not even by way of others or by an import in a function."""
    assert circles(GRAPH) == []


def test_the_checks_refuse() -> None:
    """They find what is wrong wherever it stands: in a function, by a front door, by a third file, in a part."""
    assert len(FILES) > 20 and sum(map(len, GRAPH.values())) > 100
    root = ROOT / "toolkit"
    sources = {
        root / "stats.py": "def f():\n    from toolkit.vectors import load",
        root / "vectors" / "loading.py": "from toolkit import prepare\nx = prepare.clean",
        root / "vectors" / "other.py": "import toolkit.choose.measuring, toolkit.storage",
        root / "prepare" / "text.py": "from toolkit.prepare.sources import loading",
        root / "prepare" / "sources" / "loading.py": "from toolkit.prepare.schema import NAMES",
        root / "prepare" / "schema.py": "def g():\n    from toolkit import stats\n    stats.f()",
        root / "prepare" / "strange.py": "",
        root / "choose" / "measuring.py": "from toolkit import deploy, stats\ndeploy.bundle, stats.f",
        root / "deploy" / "bundles.py": "",
    }
    stubs = {root / "vectors" / "__init__.pyi": "from .loading import load",
             root / "prepare" / "__init__.pyi": "from .text import clean",
             root / "deploy" / "__init__.pyi": "from .bundles import bundle"}  # fmt: skip
    graph = imports(sources, stubs)
    assert graph["toolkit.vectors.loading"] == {"toolkit.prepare", "toolkit.prepare.text"}
    assert graph["toolkit.choose.measuring"] == {"toolkit.deploy", "toolkit.deploy.bundles", "toolkit.stats"}
    assert upward(graph, FLOORS) == [
        "toolkit.choose.measuring imports toolkit.deploy",
        "toolkit.choose.measuring imports toolkit.deploy.bundles",
        "toolkit.stats imports toolkit.vectors.loading",
        "toolkit.vectors.loading imports toolkit.prepare",
        "toolkit.vectors.loading imports toolkit.prepare.text",
        "toolkit.vectors.other imports toolkit.choose.measuring",
    ]
    wrong = upward(graph, PARTS["prepare"], "toolkit.prepare")
    assert wrong[1:] == ["toolkit.prepare.text imports toolkit.prepare.sources.loading"]
    assert wrong[0].startswith("toolkit.prepare.strange has no floor")
    [circle] = circles(graph)
    assert circle == ["toolkit.prepare.schema", "toolkit.prepare.sources.loading", "toolkit.prepare.text",
                      "toolkit.stats", "toolkit.vectors.loading"]  # fmt: skip
    assert circles({"a": {"b"}, "b": {"c"}, "c": set()}) == []
