"""Write a bundle: model, index and texts in one folder, each part named by its SHA-256."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit import vectors
from toolkit.storage import apply_umask, digest_file, link_tree, write_json

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from toolkit.deploy.indexing import Index

RECORD = "bundle.json"
BY = ("vectors", "keywords", "both")
QUERY = "what you look for"
SHOWN = 100  # characters of a search in lines to paste
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
(`vectors.cache.clear()`). A model that was tuned on the text keeps a trace of it: tune anew without it.
"""
_BY_TEXT = {
    "vectors": "It is searched by the model's vectors.",
    "keywords": "Validation data preferred keyword search (BM25) here, so `python -m toolkit.deploy search` and "
    "`deploy.load(...)` search by keywords; the lines below search by vectors alone, so they find other documents.",
    "both": "Validation data preferred vectors and keywords (BM25) fused here, so `python -m toolkit.deploy search` "
    "and `deploy.load(...)` search by both; the lines below search by vectors alone, so they find other documents.",
}


def bundle(
    model: SentenceTransformer | str | Path,
    corpus: Mapping[str, str],
    index: Index,
    out: str | Path,
    *,
    by: str = "vectors",
    language: str = "english",
    query: str = QUERY,
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
    query : str
        The search in the lines to paste of its README. They hold another once documents are added or removed.

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
        apply_umask(temporary)
        if isinstance(model, (str, Path)):
            link_tree(model, temporary / "model")
        else:
            from toolkit.vectors.loading import quiet

            with quiet():
                model.save_pretrained(str(temporary / "model"), create_model_card=False)
            apply_umask(temporary / "model")  # never what is linked: a link has the permissions of its source
        faiss.write_index(index.faiss, str(temporary / "index.faiss"))
        lines = [json.dumps({"id": name, "text": text}, ensure_ascii=False) for name, text in corpus.items()]
        (temporary / "documents.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        lines_to_paste = snippet(".", query, toolkit=vectors.loading.needs_toolkit(temporary / "model"))
        page = _README.format(snippet=lines_to_paste, by=_BY_TEXT[by])
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
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return out


def snippet(path: str | Path, query: str = QUERY, *, toolkit: bool = False) -> str:
    """Six lines of Python that search a bundle without this toolkit, by sentence-transformers and FAISS alone.

    With `toolkit` three lines that use it: for models that it brings itself, see `toolkit.vectors.loading.needs_toolkit`.
    Either way they search by vectors alone, whatever the bundle prefers, and of a long `query` by its beginning.
    """
    query = " ".join(query.split())[:SHOWN]
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


def _parts(folder: Path) -> list[str]:
    """Every file of a bundle but its record and its readme, by its path inside the folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [
        name for name in (path.relative_to(folder).as_posix() for path in files) if name not in (RECORD, "README.md")
    ]
