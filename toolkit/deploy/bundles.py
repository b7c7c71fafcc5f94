"""Load, search and change a bundle: one folder with a system, its model, index and texts, checked for mix-ups."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.deploy.indexes import Index
from toolkit.deploy.packing import FORMAT, RECORD, snippet, write_contents
from toolkit.storage import digest_file, link_tree, new_folder
from toolkit.vectors import System, encode
from toolkit.vectors.systems import dense_part, restore, walk


@dataclass(frozen=True)
class Hit:
    """One document that was found.

    Attributes
    ----------
    score : float
        For search by vectors the cosine, -1 to 1; larger is better.
    id, text : str
    """

    score: float
    id: str
    text: str


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle, which is a `toolkit.vectors.System`. Made by `load`.

    Attributes
    ----------
    path : Path
    system : System
        The system that searches.
    index : Index or None
        Over the system's vectors.
    manifest : mapping
        The content of ``bundle.json``.
    """

    path: Path
    system: System
    index: Index | None
    manifest: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name of the system."""
        return self.system.name

    @property
    def corpus(self) -> Mapping[str, str]:
        """The documents by id, in the order of the index."""
        return self.system.corpus

    @property
    def record(self) -> Mapping[str, Any]:
        """The record of the system."""
        return self.system.record

    @property
    def parts(self) -> tuple[System, ...]:
        """The system."""
        return (self.system,)

    @property
    def systems(self) -> dict[str, System]:
        """The system and all its parts, by name."""
        return {part.name: part for part in walk(self.system)}

    def search(self, queries: Mapping[str, str], k: int = 10) -> dict[str, dict[str, float]]:
        """Rank the `k` best documents for each query: ``{query_id: {doc_id: score}}``."""
        return self.system.search(queries, k)

    def find(self, text: str, k: int = 10, *, system: str | None = None) -> list[Hit]:
        """Return the `k` best documents for one search, best first; `system` names one of `systems` to search by."""
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"expected a search text, got {text!r}")
        if system is not None and system not in self.systems:
            known = ", ".join(map(repr, self.systems))
            raise ValueError(f"the bundle has no system {system!r}: expected one of {known}")
        found = (self.system if system is None else self.systems[system]).search({"": text}, k)[""]
        return [Hit(score, name, self.corpus[name]) for name, score in found.items()]

    def add(self, documents: Mapping[str, str]) -> Bundle:
        """Add documents, and replace the bundle on disk.

        Parameters
        ----------
        documents : mapping of new document id to text

        Raises
        ------
        ValueError
            For an id that is there already, or a text that is empty or not a str.
        """
        twice = next((name for name in documents if name in self.corpus), None)
        if twice is not None:
            raise ValueError(f"document {twice!r} is in the bundle already: remove it first, or give another id")
        wrong = next((n for n, text in documents.items() if not isinstance(text, str) or not text.strip()), None)
        if wrong is not None:
            raise ValueError(f"document {wrong!r} is {documents[wrong]!r:.40}: expected a text")
        return self._rewritten(range(len(self.corpus)), documents)

    def remove(self, ids: Sequence[str]) -> Bundle:
        """Remove documents, and replace the bundle on disk: text and vector are deleted permanently.

        Raises
        ------
        ValueError
            For an id that is not there, or when nothing would be left.
        """
        if isinstance(ids, str):
            raise ValueError(f"expected a list of ids, got {ids!r}: put it in a list, [id]")
        unknown = next((name for name in ids if name not in self.corpus), None)
        if unknown is not None:
            raise ValueError(f"there is no document {unknown!r} in the bundle")
        gone = set(ids)
        kept = [row for row, name in enumerate(self.corpus) if name not in gone]
        if not kept:
            raise ValueError("this would remove every document: delete the folder instead")
        return self._rewritten(kept, {})

    def _rewritten(self, rows: Sequence[int], documents: Mapping[str, str]) -> Bundle:
        """Rewrite the bundle with the documents of these rows and new ones; its index keeps kind and settings."""
        old = list(self.corpus.items())
        corpus = {**dict(old[row] for row in rows), **documents}
        index, dense = self.index, dense_part(self.system)
        if index is not None and dense is not None:
            held = index.vectors()
            texts = list(corpus.values() if held is None else documents.values())
            vectors = encode(dense.encoder, texts, side="document", dtype=dense.dtype, cache=False)
            index = index.rebuild(vectors if held is None else np.concatenate([held[list(rows)], vectors]))
        new, old_path = _temporary_paths(self.path)
        for leftover in (new, old_path):  # from a killed call; the bundle itself is intact, since it was loaded
            shutil.rmtree(leftover, ignore_errors=True)
        with new_folder(new) as folder:
            for part in ("model", "reranker"):
                if (self.path / part).is_dir():
                    link_tree(self.path / part, folder / part)
            write_contents(folder, self.manifest["system"], corpus, index, snippet(self.system, "."))
        self.path.rename(old_path)
        new.rename(self.path)
        shutil.rmtree(old_path)
        return load(self.path)


def load(path: str | Path) -> Bundle:
    """Load a bundle, or the bundle of a run folder, after checking that its parts belong together.

    Raises
    ------
    FileNotFoundError
        When there is no bundle, or a part of it is missing.
    ValueError
        When a part was changed, damaged or taken from another bundle; the message names it.
    """
    path = Path(path).expanduser()
    for place in (path, path / "bundle"):  # a process killed between the two renames leaves it at another path
        new, old = _temporary_paths(place)
        if not place.exists() and (old / RECORD).is_file():
            (new if (new / RECORD).is_file() else old).rename(place)
    folder = path / "bundle" if (path / "bundle" / RECORD).is_file() else path
    if not (folder / RECORD).is_file():
        raise FileNotFoundError(
            f"there is no bundle in {path}: expected {RECORD} there or in {path / 'bundle'}. "
            f"Every finished run has one; folders that end in .partial were interrupted."
        )
    manifest = _verified(folder)
    with (folder / "documents.jsonl").open(encoding="utf-8") as file:
        documents = [json.loads(line) for line in file]
    corpus = {document["id"]: document["text"] for document in documents}
    sizes = {"documents.jsonl": len(corpus), RECORD: manifest["documents"]}
    index = None
    if manifest["index"] is not None:
        index = Index.load(folder, manifest["index"])
        sizes["index.faiss"] = len(index)
    if len(set(sizes.values())) > 1:
        raise ValueError(f"the parts of {folder} differ in their number of documents: {sizes}; build the bundle again")
    system = restore(manifest["system"], corpus, folder, index=index)
    dense: Any = dense_part(system)
    if dense is not None and index is not None and (dim := dense.encoder.get_embedding_dimension()) != index.dim:
        raise ValueError(f"the model makes vectors of length {dim}, the index holds vectors of length {index.dim}")
    return Bundle(folder, system, index, manifest)


def _verified(folder: Path) -> dict[str, Any]:
    """Read ``bundle.json``, and check every file that it names."""
    try:
        manifest: dict[str, Any] = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        form, expected = manifest["format"], dict(manifest["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder / RECORD} is damaged ({error}): build the bundle again") from error
    if form != FORMAT:
        raise ValueError(f"{folder} has format {form}, this version reads {FORMAT}: build the bundle again")
    for part, digest in expected.items():
        if not (folder / part).is_file():
            raise FileNotFoundError(f"the bundle {folder} lacks {part}: copy the whole folder, or build it again")
        actual = digest_file(folder / part)
        if actual != digest:
            raise ValueError(
                f"{part} in the bundle {folder} is not the one that belongs there: expected SHA-256 {digest}, "
                f"got {actual}. It was changed, damaged, or taken from another bundle; build the bundle again."
            )
    return manifest


def _temporary_paths(folder: Path) -> tuple[Path, Path]:
    """Return where a changed bundle is written before it replaces the old one, and where the old one is moved."""
    return folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")
