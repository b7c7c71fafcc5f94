"""How to use what a run deployed: what it is, what its index costs, and the lines to paste."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from toolkit import deploy, runs, vectors
from toolkit.deploy import Index

SHOWN = 100  # characters of a search in lines to paste


@dataclass(frozen=True)
class Use:
    """What is deployed, in words and in lines.

    Attributes
    ----------
    run : Path
        Folder of the run, from `toolkit.runs.start`.
    by : str
        The system that is deployed, such as ``"tuned+BM25"``.
    index : Index
    measured : mapping
        `toolkit.deploy.measure` on the test searches.
    query : str
        For the lines to paste.
    """

    run: Path
    by: str
    index: Index
    measured: Mapping[str, float]
    query: str

    @property
    def final(self) -> Path:
        """Folder that the run will have when it is finished."""
        return self.run.with_name(self.run.name.removesuffix(".partial"))

    @property
    def bundle(self) -> Path:
        """Folder of the bundle, from the root."""
        return (self.final / "bundle").resolve()

    @property
    def deployed(self) -> str:
        """What the bundle does, in words."""
        if self.by == "BM25":
            return "BM25, keyword search"
        if self.by.endswith("+BM25"):
            return f"{self.by}, vectors and keywords fused"
        return f"{self.by}, by its vectors"

    @property
    def by_vectors(self) -> bool:
        """Whether the bundle searches by vectors alone, as the lines to paste do."""
        return "BM25" not in self.by

    @property
    def about_index(self) -> str:
        """What the index costs and misses, and whether it is used at all."""
        text = (
            f"Index {self.index.kind}, {self.measured['megabytes']} MB: recall@10 {self.measured['recall']:.3f} "
            f"against exact search, {self.measured['median_ms']} ms a search; encoding the search comes on top."
        )
        if self.by == "BM25":
            return f"{text} That is the index of the vectors: BM25, which is deployed, does not use it."
        return text if self.by_vectors else f"{text} That is the half of the vectors; BM25 comes on top."

    @property
    def about_snippet(self) -> str:
        """What stands above the lines to paste."""
        if self.by_vectors:
            return "Lines for another program:"
        return (
            f"Lines for another program. They search by vectors alone; what validation data preferred, and what the "
            f"bundle does, is {self.by}: use `Search it`."
        )

    @property
    def snippet(self) -> str:
        """Six lines that search the bundle without this toolkit, where its model allows that."""
        folder = self.bundle if self.bundle.exists() else self.run / "bundle"
        return deploy.snippet(self.bundle, self.search, toolkit=vectors.needs_toolkit(folder / "model"))

    @property
    def search(self) -> str:
        """`query` as one line that can be pasted."""
        return " ".join(self.query.split())[:SHOWN]

    @property
    def commands(self) -> dict[str, str]:
        """Lines for the shell."""
        python, folder = runs.this_python(), runs.quoted(str(self.final))
        return {
            "Search it": f"{python} -m toolkit.deploy search {folder} {runs.quoted(self.search)}",
            "Judge it": f"{python} -m toolkit.evaluate judge {folder}",
        }
