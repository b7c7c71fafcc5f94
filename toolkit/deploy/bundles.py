"""A bundle: one folder with model, index and texts that belong together, and refuse to be mixed."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import vectors
from toolkit.runs import digest_file, link_tree, write_json

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from toolkit.deploy.indexing import Index

RECORD = "bundle.json"
BY = ("vectors", "keywords", "both")
DEPTH = 100  # documents of each side that are fused
_README = """# A search bundle

`model/` (a sentence-transformers model), `index.faiss` (FAISS, inner product over unit vectors), `documents.jsonl` (one
document a line, `id` and `text`, in the order of the index) and `bundle.json` (what belongs together, by SHA-256).
{by}

```python
{snippet}
```

## Privacy

The texts lie here in plain form. Vectors are no protection: they can be partly turned back into text (J. X. Morris et
al., arXiv:2310.06816), so treat `index.faiss` like the texts, also without `documents.jsonl`.

To delete a document for good: `deploy.load("this folder").remove(["its id"])` writes text and index anew without it.
Then also delete it in your source, in other runs of the same data (`runs/`), in backups, and in the cache of vectors
(`vectors.cache_clear()`). A model that was tuned on the text keeps a trace of it: tune anew without it.
"""
_BY_TEXT = {
    "vectors": "It is searched by the model's vectors.",
    "keywords": "Validation data preferred keyword search (BM25) here, so `deploy.load(...)` searches by keywords; the "
    "lines below search by vectors.",
    "both": "Validation data preferred vectors and keywords (BM25) fused here, so `deploy.load(...)` searches by both; "
    "the lines below search by vectors alone.",
}


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
        new, old_path = (self.path.with_name(f".{self.path.name}.{kind}") for kind in ("new", "old"))
        for leftover in (new, old_path):  # of a call that was killed; the bundle itself is whole, it was loaded
            shutil.rmtree(leftover, ignore_errors=True)
        kept = {name: self.record[name] for name in ("by", "language") if name in self.record}
        bundle(self.path / "model", corpus, index, new, **kept)
        self.path.rename(old_path)
        new.rename(self.path)
        shutil.rmtree(old_path)
        return load(self.path)


def bundle(
    model: SentenceTransformer | str | Path,
    corpus: Mapping[str, str],
    index: Index,
    out: str | Path,
    *,
    by: str = "vectors",
    language: str = "english",
) -> Path:
    """Write model, index and texts into one folder, whole or not at all.

    Parameters
    ----------
    model : SentenceTransformer or path
        A model, or the folder that it was saved to (whose files are then linked and not copied, where possible).
    corpus : mapping of document id to text
        In the order in which the vectors were indexed.
    index : Index
        From `build_index`.
    out : path
        A folder that does not exist yet.
    by : {"vectors", "keywords", "both"}
        How it is searched unless a search says otherwise: what validation data showed to be best.
    language : str
        Of the keyword search, as in `toolkit.vectors.bm25`.

    Raises
    ------
    FileExistsError
        When `out` exists.
    ValueError
        When the index does not hold as many vectors as there are documents.
    """
    import faiss

    if by not in BY:
        raise ValueError(f"expected by to be one of {', '.join(map(repr, BY))}; got {by!r}")
    out = Path(out)
    if out.exists():
        raise FileExistsError(f"{out} exists already; nothing is overwritten, give another folder")
    if index.faiss.ntotal != len(corpus):
        raise ValueError(f"the index holds {index.faiss.ntotal} vectors and the corpus {len(corpus)} documents")
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        if isinstance(model, (str, Path)):
            link_tree(model, temporary / "model")
        else:
            from toolkit.vectors.loading import quiet

            with quiet():
                model.save_pretrained(str(temporary / "model"), create_model_card=False)
        faiss.write_index(index.faiss, str(temporary / "index.faiss"))
        lines = [json.dumps({"id": name, "text": text}, ensure_ascii=False) for name, text in corpus.items()]
        (temporary / "documents.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        page = _README.format(snippet=snippet(".", toolkit=needs_toolkit(temporary / "model")), by=_BY_TEXT[by])
        (temporary / "README.md").write_text(page, encoding="utf-8")
        record = {
            "format": 1,
            "by": by,
            "language": language,
            "documents": len(corpus),
            "dimension": index.faiss.d,
            "index": {"kind": index.kind, **index.settings, "measured": index.measured},
            "sha256": {part: digest_file(temporary / part) for part in _parts(temporary)},
        }
        write_json(temporary / RECORD, record)
        temporary.chmod(0o755)
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return out


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


def snippet(path: str | Path, query: str = "rolling median of a series", *, toolkit: bool = False) -> str:
    """Six lines of Python that search a bundle without this toolkit, by sentence-transformers and FAISS alone.

    With `toolkit` three lines that use it: for models that it brings itself, see `needs_toolkit`.
    """
    if toolkit:
        return f"""from toolkit import deploy
bundle = deploy.load({str(path)!r})
print(*(hit.text for hit in bundle.find({query!r}, 5, by="vectors")), sep="\\n")"""
    return f"""import faiss, json
from sentence_transformers import SentenceTransformer
folder, search = {str(path)!r}, {query!r}
model, index = SentenceTransformer(f"{{folder}}/model"), faiss.read_index(f"{{folder}}/index.faiss")
texts = [json.loads(line)["text"] for line in open(f"{{folder}}/documents.jsonl", encoding="utf-8")]
print(*(texts[i] for i in index.search(model.encode_query([search], normalize_embeddings=True), 5)[1][0]), sep="\\n")"""


def needs_toolkit(model: str | Path) -> bool:
    """Whether a model folder holds modules of this toolkit, which plain sentence-transformers does not load."""
    file = Path(model) / "modules.json"
    return file.is_file() and '"toolkit.' in file.read_text(encoding="utf-8")


def _parts(folder: Path) -> list[str]:
    """Every file of a bundle but its record and its readme, by its path inside the folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [
        name for name in (path.relative_to(folder).as_posix() for path in files) if name not in (RECORD, "README.md")
    ]
