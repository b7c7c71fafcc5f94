"""Notebooks in a real JupyterLab, in a real browser, with their controls driven by mouse and keyboard.

Needs ``python3 run.py install browser`` and a Chromium; run with ``-m slow``.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import browsing
import nbformat
import pytest

from toolkit import evaluate

ROOT = Path(__file__).resolve().parent.parent
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

JUDGING = """
from toolkit import evaluate, widgets
texts = {f"d{i}": f"text number {i}" for i in range(3)}
ranking = {"s": {"d0": 3.0, "d1": 2.0, "d2": 1.0}}
widgets.judge(evaluate.judge({"one": ranking}, {"s": "number"}, texts, folder="judged"))
"""


LONG = 120_000  # milliseconds for a page to follow: a busy machine takes its time


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the notebooks are run: copies, in a folder with a name as people have them."""
    folder = tmp_path_factory.mktemp("browser") / "my notebooks"
    folder.mkdir()
    for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"):
        shutil.copy(path, folder)
    return folder


@pytest.fixture(scope="module")
def tools(folder: Path) -> Iterator[tuple[Any, str]]:
    """The browser and the address of the server, in the mode that tests use."""
    playwright = pytest.importorskip("playwright.sync_api", reason="python3 run.py install browser")
    pytest.importorskip("jupyterlab", reason="python3 run.py install notebooks")
    playwright.expect.set_options(timeout=LONG)
    with pytest.MonkeyPatch.context() as environment, playwright.sync_playwright() as started:
        program = browsing.chromium(started)
        if program is None:
            pytest.skip("no Chromium: install one (apt install chromium), or name yours in CHROMIUM")
        environment.delenv("TOOLKIT_STATIC", raising=False)
        environment.setenv("TOOLKIT_MODE", "fast")
        cache = os.environ.get("TOOLKIT_NOTEBOOK_CACHE", str(folder.parent / "cache"))  # as in notebooks/conftest.py
        environment.setenv("TOOLKIT_CACHE", cache)
        environment.setenv("HF_HUB_OFFLINE", "1")
        environment.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
        with browsing.lab(folder, folder.parent) as address:
            browser = started.chromium.launch(executable_path=program, headless=True, args=browsing.ARGUMENTS)
            yield browser, address
            browser.close()


@pytest.fixture
def open_notebook(tools: tuple[Any, str]) -> Iterator[Any]:
    """Opens a notebook, and closes it and its kernel after the test."""
    pages: list[browsing.Opened] = []

    def opened(name: str) -> browsing.Opened:
        pages.append(browsing.opened(*tools, name))
        return pages[-1]

    yield opened
    for page in pages:
        page.close()


def ran_well(notebook: browsing.Opened) -> None:
    """All cells ran in order; none failed; the page had no error and asked no other machine for anything."""
    cells = notebook.run_all()
    wrong = [output for cell in cells for output in cell["outputs"] if output["output_type"] == "error"]
    assert wrong == []
    assert [cell["count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert notebook.problems == [] and notebook.outside == []


def table_fits(shown: Any, minutes: int) -> bool:
    """Whether the page says of each model that it fits exactly where its minutes are no more, or that nothing fits."""
    if not shown.locator("tbody").count():
        return minutes == 1 and "no candidate fits" in shown.locator("p").inner_text()
    rows = [line.split("\t") for line in shown.locator("tbody").inner_text().splitlines()]
    return len(rows) > 1 and all((fits == "True") == (float(needed) <= minutes) for _, _, needed, fits, _ in rows)


def test_the_budget_of_lesson_1(open_notebook: Any) -> None:
    """What fits follows the slider, and the model that is named is one that fits."""
    from playwright.sync_api import expect

    notebook = open_notebook("01_choose_model.ipynb")
    ran_well(notebook)
    slider = notebook.panel.locator(".widget-slider")
    slider.scroll_into_view_if_needed()
    handle, shown = slider.locator(".noUi-handle"), notebook.panel.locator(".widget-html-content")
    for key, minutes in (("End", 240), ("Home", 1)):
        handle.press(key)
        expect(slider.locator(".widget-readout")).to_have_text(str(minutes))
        follows = partial(table_fits, shown, minutes)
        browsing.wait(follows, LONG / 1000, f"the table does not show what fits in {minutes} minutes")
        taken = re.match(r"Take (\S+): ", shown.locator("p").inner_text())
        if taken:
            assert shown.locator("tr", has_text=taken[1]).locator("td").nth(3).inner_text() == "True"
    assert notebook.problems == [] and notebook.outside == []


def test_the_search_box_of_lesson_5(open_notebook: Any) -> None:
    """Who searches with the words of the third text finds it first."""
    from playwright.sync_api import expect

    notebook = open_notebook("05_deploy_to_faiss.ipynb")
    ran_well(notebook)
    box, hits = notebook.panel.locator(".widget-text input"), notebook.panel.locator(".widget-html-content li")
    box.scroll_into_view_if_needed()
    expect(hits).to_have_count(5)
    words = hits.nth(2).inner_text().split(maxsplit=1)[1]
    assert words not in hits.first.inner_text()
    box.fill(words)
    box.press("Enter")
    expect(hits.first).to_contain_text(words)
    box.fill("")
    box.press("Enter")
    expect(hits).to_have_count(0)
    assert notebook.problems == [] and notebook.outside == []


def test_judging_by_mouse_and_keyboard(open_notebook: Any, folder: Path) -> None:
    """A click and a key each answer one document, on the page and on disk; Back opens it again."""
    from playwright.sync_api import expect

    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}  # or Lab asks which
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(JUDGING.strip())], metadata=kernel)
    nbformat.write(made, folder / "j.ipynb")
    notebook = open_notebook("j.ipynb")
    ran_well(notebook)
    shown, keys = notebook.panel.locator(".widget-html-content"), notebook.panel.locator(".widget-text input")
    expect(shown).to_contain_text("Document 1 of 3")
    notebook.panel.get_by_role("button", name="Yes (y)").click()
    expect(shown).to_contain_text("Document 2 of 3")
    keys.press_sequentially("n")
    expect(shown).to_contain_text("Document 3 of 3")
    expect(keys).to_have_value("")
    notebook.panel.get_by_role("button", name="Back (b)").click()
    expect(shown).to_contain_text("Document 2 of 3")
    keys.press_sequentially("y")
    notebook.panel.get_by_role("button", name="Unsure (s)").click()
    expect(shown).to_contain_text("all is judged")
    expect(notebook.panel.get_by_role("button", name="Yes (y)")).to_be_disabled()
    assert evaluate.judging.resume(folder / "judged").done
    answers = [value for value, _ in evaluate.judging.resume(folder / "judged").answers.values()]
    assert answers == [True, True, None]
