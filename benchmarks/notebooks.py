"""How long each notebook takes, and how much memory: run in fast mode, without a display, in a folder of its own.

    python benchmarks/notebooks.py            # runs all six, writes their outputs and the table of notebooks/README.md

The first run of all fills an empty cache of vectors; each notebook then runs once more, and that one is kept.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import psutil
from blocks import markdown, update
from nbclient import NotebookClient

from toolkit import exercises, storage
from toolkit.hardware import machine

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"


def execute(path: Path, folder: Path) -> tuple[Any, float, float]:
    """The notebook with its outputs, the seconds, and the most memory of its kernel in GB."""
    notebook = nbformat.read(path, 4)
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    peak, done = [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            for child in psutil.Process().children():
                try:
                    peak[0] = max(peak[0], child.memory_info().rss / 1e9)
                except psutil.Error:
                    continue

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    started = time.perf_counter()
    client.execute()
    seconds = time.perf_counter() - started
    done.set()
    thread.join()
    return notebook, seconds, peak[0]


def keep(notebook: Any, path: Path) -> None:
    """Store the outputs, without the times of cells and without what came on stderr."""
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    notebook.metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
    with storage.replacing(path) as temporary:
        temporary.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="notebooks-"))
    os.environ |= {"TOOLKIT_CACHE": str(folder / "cache"), "TOOLKIT_MODE": "fast", "TOOLKIT_STATIC": "1",
                   "HF_HUB_OFFLINE": "1", "PYTHONPATH": str(ROOT)}  # fmt: skip
    rows = []
    for path in sorted(FOLDER.glob("[0-9][0-9]_*.ipynb")):
        _, cold, _ = execute(path, folder)
        notebook, warm, peak = execute(path, folder)
        keep(notebook, path)
        code = sum(cell.cell_type == "code" for cell in notebook.cells)
        rows.append({"notebook": path.stem, "code cells": code, "seconds, first": f"{cold:.0f}",
                     "seconds, again": f"{warm:.0f}", "GB": f"{peak:.1f}",
                     "kB": f"{path.stat().st_size / 1e3:.0f}"})  # fmt: skip
        print(rows[-1], flush=True)
    print(*exercises.make(), sep="\n")
    here = machine()
    where = f"{here['processor']}, {here['cores']} cores; fast mode, `python benchmarks/notebooks.py`."
    update(FOLDER / "README.md", "notebooks", markdown(pd.DataFrame(rows)) + "\n\n" + where)


if __name__ == "__main__":
    sys.exit(main())
