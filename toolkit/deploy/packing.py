"""Write a bundle: a system, its model, index and texts in one folder, with the SHA-256 of each file."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.deploy.indexes import Index
from toolkit.storage import apply_umask, digest_file, link_tree, new_folder, write_json
from toolkit.vectors import System
from toolkit.vectors.loading import quiet
from toolkit.vectors.origin import origin_of, weight_digests
from toolkit.vectors.reranking import Reranked
from toolkit.vectors.systems import Dense, dense_part, walk

RECORD = "bundle.json"
FORMAT = 2
QUERY = "your search"
SHOWN = 100  # characters of a search in lines to paste
SEARCH_METHODS = {
    "dense": "by the model's vectors",
    "bm25": "by keywords (BM25)",
    "fusion": "in several ways, and fuses the results by rank",
    "reranked": "by another system first, and reranks its first documents with a cross-encoder",
}
_PARTS = {
    "model": "`model/` (a sentence-transformers model)",
    "reranker": "`reranker/` (a cross-encoder)",
    "index.faiss": "`index.faiss` (FAISS, inner product over unit vectors)",
    "queries.npy": "`queries.npy` (vectors of the searches that the index was tuned with)",
    "documents.jsonl": "`documents.jsonl` (one document a line, `id` and `text`, in the order of the index)",
}
_README = """# A search bundle

{parts} and `bundle.json` (how to search it, and the SHA-256 of each file).
`{name}` searches {how}.{alone}

```python
{snippet}
```

## Privacy

The texts are stored here unencrypted. Vectors do not protect them: they can be partly inverted (J. X. Morris et
al., arXiv:2310.06816), so treat `index.faiss` and `queries.npy` like texts, even without `documents.jsonl`.

To delete a document for good: `deploy.load("this folder").remove(["its id"])` rewrites texts and index without it.
Then also delete it in your source, in other runs of the same data (`runs/`), in backups, and in the cache of vectors
(`vectors.cache.clear()`). A model that was tuned on the text may retain traces of it: tune again without it.
"""


def bundle(system: System, index: Index | None, out: str | Path, *, query: str = QUERY) -> Path:
    """Write a system into one folder, atomically.

    Parameters
    ----------
    system : System
        Dense, bm25, fused or reranked, with at most one model and one cross-encoder. Files of a tuned model that was
        saved are linked and not copied, where possible.
    index : Index or None
        From `build_index`, over the vectors of the corpus in its order; None for a system without vectors.
    out : path
        A folder that does not exist yet.
    query : str
        The example search in its README; adding or removing documents resets it.

    Raises
    ------
    FileExistsError
        When `out` exists.
    ValueError
        For a system that cannot be restored, a model that cannot be saved, or an index that does not hold as many
        vectors as there are documents.
    """
    parts = list(walk(system))
    other = next((part for part in parts if part.record["kind"] not in SEARCH_METHODS), None)
    if other is not None:
        raise ValueError(
            f"{other.name!r} is of kind {other.record['kind']!r}, which cannot run new searches: expected a system of "
            f"vectors.dense, bm25, fuse or rerank"
        )
    models: dict[int, Any] = {id(part.encoder): part.encoder for part in parts if isinstance(part, Dense)}
    rerankers: dict[int, Any] = {id(part.reranker): part.reranker for part in parts if isinstance(part, Reranked)}
    for what, found in (("model", models), ("cross-encoder", rerankers)):
        if len(found) > 1:
            raise ValueError(f"expected a system with one {what}, got {len(found)}")
        wrong = next((one for one in found.values() if not hasattr(one, "save_pretrained")), None)
        if wrong is not None:
            raise ValueError(f"{type(wrong).__name__} cannot be saved: expected a {what} of sentence-transformers")
    if bool(models) != (index is not None):
        expected = "an index of its vectors, deploy.build_index(...)" if models else "no index, since it has no vectors"
        raise ValueError(f"expected {expected} for {system.name!r}; got {type(index).__name__}")
    if index is not None and len(index) != len(system.corpus):
        raise ValueError(f"the index holds {len(index)} vectors and the corpus {len(system.corpus)} documents")
    with new_folder(out) as folder:
        for model in models.values():
            _save_model(model, folder / "model")
        for reranker in rerankers.values():
            with quiet():
                reranker.save_pretrained(str(folder / "reranker"))
            apply_umask(folder / "reranker")
        record = _portable(system.record, weight_digests(folder / "model"))
        write_contents(folder, record, system.corpus, index, snippet(system, ".", query))
    return Path(out)


def write_contents(
    folder: Path, record: Mapping[str, Any], corpus: Mapping[str, str], index: Index | None, lines_to_paste: str
) -> None:
    """Write index, texts, README and ``bundle.json`` beside the models in `folder`."""
    if index is not None:
        index.save(folder)
    lines = [json.dumps({"id": name, "text": text}, ensure_ascii=False) for name, text in corpus.items()]
    (folder / "documents.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    plain = "faiss" in lines_to_paste and record["kind"] != "dense"
    page = _README.format(
        parts=", ".join(text for part, text in _PARTS.items() if (folder / part).exists()), snippet=lines_to_paste,
        name=record["name"], how=SEARCH_METHODS[record["kind"]],
        alone=" The lines below search by vectors alone, so their results differ." if plain else "",
    )  # fmt: skip
    (folder / "README.md").write_text(page, encoding="utf-8")
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / "README.md")
    write_json(folder / RECORD, {
        "format": FORMAT,
        "system": record,
        "documents": len(corpus),
        "dimension": None if index is None else index.dim,
        "index": None if index is None else index.record,
        "sha256": {path.relative_to(folder).as_posix(): digest_file(path) for path in files},
    })  # fmt: skip


def _save_model(model: Any, folder: Path) -> None:
    """Save a model; where its files are those that `Tuned.save` wrote, link to these, with their card and record."""

    def content(path: Path) -> Any:
        if path.name != "tokenizer.json":
            return digest_file(path)
        last_used = ("truncation", "padding")  # any call may change these
        return {key: value for key, value in json.loads(path.read_text("utf-8")).items() if key not in last_used}

    with quiet():
        model.save_pretrained(str(folder), create_model_card=False)
    origin = origin_of(model)
    if origin.training:
        pairs = [(path, Path(origin.folder) / path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
        if all(kept.is_file() and content(kept) == content(path) for path, kept in pairs):
            shutil.rmtree(folder)
            link_tree(origin.folder, folder)
            return  # a link has the permissions of its source
        write_json(folder / "training.json", origin.training)
    apply_umask(folder)


def _portable(record: Mapping[str, Any], weights: Mapping[str, str]) -> dict[str, Any]:
    """Return a system's record for its bundle: models by their folders in it, and bfloat16 only where it is fast."""
    changed = dict(record)
    if "parts" in record:
        changed["parts"] = [_portable(part, weights) for part in record["parts"]]
    if record["kind"] == "dense":
        name = Path(record["model"]["name"])  # do not reveal local paths
        model = {key: value for key, value in record["model"].items() if key not in ("layers", "training")}
        model |= {"name": name.name if name.is_dir() else str(name), "folder": "model", "sha256": dict(weights)}
        changed["model"] = model
        if record["dtype"] == "bfloat16":
            changed["dtype"] = "auto"
    if record["kind"] == "reranked":
        changed["reranker"] = {**record["reranker"], "folder": "reranker"}
    return changed


def snippet(system: System, path: str | Path, query: str = QUERY) -> str:
    """Write six lines of Python that search a bundle with sentence-transformers and FAISS only, without this toolkit.

    They search by the vectors of the bundle's model. For a system without vectors, or a model with a module of this
    toolkit, the snippet is three lines that use the toolkit. A long `query` is truncated.
    """
    query = " ".join(query.split())[:SHOWN]
    dense = dense_part(system)
    modules: Any = () if dense is None else dense.encoder
    if dense is None or any(type(module).__module__.startswith("toolkit.") for module in modules):
        return f"""from toolkit import deploy
bundle = deploy.load({str(path)!r})
print(*(hit.text for hit in bundle.find({query!r}, 5)), sep="\\n")"""
    return f"""import faiss, json
from sentence_transformers import SentenceTransformer
folder, search = {str(path)!r}, {query!r}
model, index = SentenceTransformer(f"{{folder}}/model"), faiss.read_index(f"{{folder}}/index.faiss")
texts = [json.loads(line)["text"] for line in open(f"{{folder}}/documents.jsonl", encoding="utf-8")]
print(*(texts[i] for i in index.search(model.encode_query([search], normalize_embeddings=True), 5)[1][0]), sep="\\n")"""
