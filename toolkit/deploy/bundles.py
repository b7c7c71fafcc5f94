"""A bundle: one folder with model, index and texts that belong together, and refuse to be mixed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import vectors
from toolkit.deploy.packing import BY, RECORD, bundle
from toolkit.storage import digest_file

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEPTH = 100  # documents of each side that are fused


@dataclass(frozen=True)
class Hit:
    """One document that was found: its score (with vectors the cosine, -1 to 1), its id, its text."""

    score: float
    id: str
    text: str


@dataclass(frozen=True)
class Bundle:
    """A loaded bundle. Made by `load`."""

    path: Path
    model: SentenceTransformer
    index: Any
    ids: Sequence[str]
    texts: Sequence[str]
    record: Mapping[str, Any]

    @cached_property
    def keywords(self) -> vectors.Retriever:
        """Keyword search over the same documents."""
        return vectors.bm25(self._text_of, language=self.record.get("language", "english"))

    def search(self, queries: Mapping[str, str], k: int = 10, *, by: str | None = None) -> dict[str, dict[str, float]]:
        """Rank the `k` best documents for each query: ``{query_id: {doc_id: score}}``.

        Parameters
        ----------
        queries : mapping of query id to text
        k : int
        by : {"vectors", "keywords", "both"}, optional
            By the model, by BM25, or both fused by rank; without it as the bundle was made.
        """
        by = self.record.get("by", "vectors") if by is None else by
        if by not in BY:
            raise ValueError(f"expected by to be one of {', '.join(map(repr, BY))}; got {by!r}")
        if k < 1:
            raise ValueError(f"expected k of at least 1, got {k}")
        if by == "vectors":
            return self._nearest(queries, k)
        if by == "keywords":
            return self.keywords.search(queries, k)
        fused = vectors.fuse(self._nearest(queries, DEPTH), self.keywords.search(queries, DEPTH))
        return {
            query: dict(sorted(row.items(), key=lambda item: (-item[1], item[0]))[:k]) for query, row in fused.items()
        }

    def find(self, text: str, k: int = 10, *, by: str | None = None) -> list[Hit]:
        """The `k` best documents for one search, best first; see `search`."""
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"expected a search text, got {text!r}")
        found = self.search({"": text}, k, by=by)[""]
        return [Hit(score, name, self._text_of[name]) for name, score in found.items()]

    def add(self, documents: Mapping[str, str]) -> Bundle:
        """Add documents, and write the bundle anew in place of the old one.

        Parameters
        ----------
        documents : mapping of new document id to text

        Raises
        ------
        ValueError
            For an id that is there already, or a text that is none.
        """
        twice = next((name for name in documents if name in self._text_of), None)
        if twice is not None:
            raise ValueError(f"document {twice!r} is in the bundle already: remove it first, or give another id")
        wrong = next((n for n, text in documents.items() if not isinstance(text, str) or not text.strip()), None)
        if wrong is not None:
            raise ValueError(f"document {wrong!r} is {documents[wrong]!r:.40}: expected a text")
        added = vectors.encode(self.model, list(documents.values()), side="document", cache=False)
        return self._rewritten(list(range(len(self.ids))), documents, added)

    def remove(self, ids: Sequence[str]) -> Bundle:
        """Remove documents, and write the bundle anew in place of the old one: text and vector are gone for good.

        Raises
        ------
        ValueError
            For an id that is not there, or when nothing would be left.
        """
        if isinstance(ids, str):
            raise ValueError(f"expected a list of ids, got {ids!r}: put it in a list, [id]")
        unknown = next((name for name in ids if name not in self._text_of), None)
        if unknown is not None:
            raise ValueError(f"there is no document {unknown!r} in the bundle")
        gone = set(ids)
        kept = [row for row, name in enumerate(self.ids) if name not in gone]
        if not kept:
            raise ValueError("this would remove every document: delete the folder instead")
        return self._rewritten(kept, {}, np.empty((0, self.index.d), dtype=np.float32))

    @cached_property
    def _text_of(self) -> dict[str, str]:
        return dict(zip(self.ids, self.texts, strict=True))

    def _nearest(self, queries: Mapping[str, str], k: int) -> dict[str, dict[str, float]]:
        encoded = vectors.encode(self.model, list(queries.values()), side="query", cache=False, progress=False)
        scores, rows = self.index.search(encoded, min(k, len(self.ids)))
        return {
            query: {self.ids[i]: float(s) for s, i in zip(*pair, strict=True) if i >= 0}
            for query, *pair in zip(queries, scores.tolist(), rows.tolist(), strict=True)
        }

    def _rewritten(self, rows: list[int], documents: Mapping[str, str], added: np.ndarray) -> Bundle:
        from toolkit.deploy.indexing import build_index

        old = self.index.reconstruct_n(0, self.index.ntotal)[rows]
        everything = np.concatenate([old, added])
        index = build_index(everything, queries=everything[:: max(1, len(everything) // 500)])
        corpus = {**{self.ids[row]: self.texts[row] for row in rows}, **documents}
        new, old_path = _beside(self.path)
        for leftover in (new, old_path):  # of a call that was killed; the bundle itself is whole, it was loaded
            shutil.rmtree(leftover, ignore_errors=True)
        kept = {name: self.record[name] for name in ("by", "language") if name in self.record}
        bundle(self.path / "model", corpus, index, new, **kept)
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
    for name in (path, path / "bundle"):
        _recover(name)
    folder = path / "bundle" if (path / "bundle" / RECORD).is_file() else path
    if not (folder / RECORD).is_file():
        raise FileNotFoundError(
            f"there is no bundle in {path}: expected {RECORD} there or in {path / 'bundle'}. "
            f"A run that was finished has one; folders that end in .partial were interrupted."
        )
    try:
        record = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        expected = dict(record["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{folder / RECORD} is damaged ({error}): build the bundle again") from error
    for part, digest in expected.items():
        if not (folder / part).is_file():
            raise FileNotFoundError(f"the bundle {folder} lacks {part}: copy the whole folder, or build it again")
        came = digest_file(folder / part)
        if came != digest:
            raise ValueError(
                f"{part} in the bundle {folder} is not the one that belongs there: expected SHA-256 {digest}, "
                f"got {came}. It was changed, damaged, or taken from another bundle; build the bundle again."
            )
    import faiss

    index = faiss.read_index(str(folder / "index.faiss"))
    with (folder / "documents.jsonl").open(encoding="utf-8") as file:
        documents = [json.loads(line) for line in file]
    model = vectors.load(folder / "model")
    sizes = {"documents.jsonl": len(documents), "index.faiss": index.ntotal, RECORD: record["documents"]}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"the parts of {folder} differ in their number of documents: {sizes}; build the bundle again")
    if model.get_embedding_dimension() != index.d:
        raise ValueError(f"the model gives {model.get_embedding_dimension()} numbers a text, the index holds {index.d}")
    ids, texts = [document["id"] for document in documents], [document["text"] for document in documents]
    return Bundle(folder, model, index, ids, texts, record)


def _beside(folder: Path) -> tuple[Path, Path]:
    """Where a changed bundle is written before it takes the place of the old one, and where that one steps aside."""
    return folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")


def _recover(folder: Path) -> None:
    """Put a bundle back that a kill left aside, between the two renames of a change."""
    new, old = _beside(folder)
    if not folder.exists() and (old / RECORD).is_file():
        (new if (new / RECORD).is_file() else old).rename(folder)
