"""What README and the other pages say is true: blocks, files, code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "benchmarks" / "README.md",
    ROOT / "benchmarks" / "own_file.md",
    ROOT / "notebooks" / "README.md",
]
README = PAGES[0].read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_generated_blocks_equal_their_source(page: Path) -> None:
    """Every block between markers is what its command wrote to benchmarks/results/."""
    content = page.read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- (\w+): generated, do not edit -->(.*?)<!-- \1: end -->", content, re.DOTALL)
    assert blocks
    for name, text in blocks:
        assert text.strip() == (ROOT / "benchmarks" / "results" / f"{name}.md").read_text(encoding="utf-8").strip()
        assert text.strip()


def test_rooms_are_described_by_their_own_docstrings() -> None:
    """The map of README names every module and package of toolkit, in the words of its docstring."""
    described = dict(re.findall(r"^\| `toolkit/([\w./]+)` \| (.+) \|$", README, re.MULTILINE))
    places = {path.name for path in (ROOT / "toolkit").glob("*.py") if path.stem != "__init__"}
    places |= {f"{path.parent.name}/" for path in (ROOT / "toolkit").glob("*/__init__.py")}
    assert set(described) == places
    for place, words in described.items():
        file = ROOT / "toolkit" / place / "__init__.py" if place.endswith("/") else ROOT / "toolkit" / place
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        assert docstring.splitlines()[0] == words


def test_files_that_readme_names_exist() -> None:
    """Every path in backticks that looks like one of ours is there."""
    named = set(
        re.findall(
            r"`((?:recipes|toolkit|benchmarks|tests|notebooks)/[\w./]*|[\w.]+\.(?:py|cff|yml|txt|toml))`", README
        )
    )
    named -= {"run.json", "report.html"}
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_python_block_of_readme_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lines under "In Python" run as they stand and print a verdict."""
    monkeypatch.chdir(tmp_path)
    [block] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(block, "README.md", "exec"), {})
    assert re.search(r"Right answer first: \d+ → \d+ of 100 stand-in searches", capsys.readouterr().out)


def test_no_path_of_a_machine() -> None:
    """No page and no module names a place on somebody's computer."""
    files = [
        *ROOT.glob("*.md"),
        *ROOT.glob("*.py"),
        *ROOT.glob("toolkit/**/*.py"),
        *ROOT.glob("recipes/*.py"),
        *ROOT.glob("benchmarks/**/*.*"),
    ]
    texts = {str(file): file.read_text(encoding="utf-8", errors="ignore") for file in files if file.is_file()}
    assert [name for name, text in texts.items() if re.search(r"(?<![\w.])/(home|Users|root|tmp|opt)/\w", text)] == []
