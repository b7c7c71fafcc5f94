"""A bundle: one folder with model, index and texts that belong together, and refuse to be mixed."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit import vectors
from toolkit.runs import digest_file, link_tree, write_json

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from toolkit.deploy.indexing import Index

RECORD = "bundle.json"
_README = """# A search bundle

`model/` (a sentence-transformers model), `index.faiss` (FAISS, inner product over unit vectors), `documents.jsonl` (one
document a line, `id` and `text`, in the order of the index) and `bundle.json` (what belongs together, by SHA-256).

{snippet}

The texts lie here in plain form, and vectors can be partly turned back into text: treat this folder like the texts.
"""


@dataclass(frozen=True)
class Hit:
    """One document that was found: its cosine with the query (-1 to 1), its id, its text."""

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

    def search(self, queries: Mapping[str, str], k: int = 10) -> dict[str, dict[str, float]]:
        """Rank the `k` best documents for each query: ``{query_id: {doc_id: cosine}}``."""
        scores, rows = self._nearest(list(queries.values()), k)
        return {
            query: {self.ids[i]: float(s) for s, i in zip(*pair, strict=True) if i >= 0}
            for query, *pair in zip(queries, scores.tolist(), rows.tolist(), strict=True)
        }

    def find(self, text: str, k: int = 10) -> list[Hit]:
        """The `k` best documents for one search, best first."""
        if not isinstance(text, str) or not text.strip():
            raise ValueError(f"expected a search text, got {text!r}")
        scores, rows = self._nearest([text], k)
        return [
            Hit(float(s), self.ids[i], self.texts[i])
            for s, i in zip(scores[0], rows[0].tolist(), strict=True)
            if i >= 0
        ]

    def _nearest(self, texts: list[str], k: int) -> tuple[np.ndarray, np.ndarray]:
        if k < 1:
            raise ValueError(f"expected k of at least 1, got {k}")
        queries = vectors.encode(self.model, texts, side="query", cache=False, progress=False)
        found: tuple[np.ndarray, np.ndarray] = self.index.search(queries, min(k, len(self.ids)))
        return found


def bundle(model: SentenceTransformer | str | Path, corpus: Mapping[str, str], index: Index, out: str | Path) -> Path:
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

    Raises
    ------
    FileExistsError
        When `out` exists.
    ValueError
        When the index does not hold as many vectors as there are documents.
    """
    import faiss

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
        (temporary / "README.md").write_text(
            _README.format(snippet=f"```python\n{snippet('.')}\n```"), encoding="utf-8"
        )
        record = {
            "format": 1,
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


def snippet(path: str | Path, query: str = "rolling median of a series") -> str:
    """Six lines of Python that search a bundle without this toolkit, by sentence-transformers and FAISS alone."""
    return f"""import faiss, json
from sentence_transformers import SentenceTransformer
folder, search = {str(path)!r}, {query!r}
model, index = SentenceTransformer(f"{{folder}}/model"), faiss.read_index(f"{{folder}}/index.faiss")
texts = [json.loads(line)["text"] for line in open(f"{{folder}}/documents.jsonl", encoding="utf-8")]
print(*(texts[i] for i in index.search(model.encode_query([search], normalize_embeddings=True), 5)[1][0]), sep="\\n")"""


def _parts(folder: Path) -> list[str]:
    """Every file of a bundle but its record and its readme, by its path inside the folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [
        name for name in (path.relative_to(folder).as_posix() for path in files) if name not in (RECORD, "README.md")
    ]
