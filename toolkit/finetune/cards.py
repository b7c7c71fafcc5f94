"""Write the model card of a tuned model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.storage import replacing
from toolkit.vectors.loading import needs_toolkit

_CARD = """---
library_name: sentence-transformers
pipeline_tag: sentence-similarity
tags:
- sentence-transformers
- sentence-similarity
- feature-extraction
base_model: {base}
---

**{warning}**

# {base}, tuned for search in one collection

A layer trained on top of the fixed model {base} with {pairs:,} pairs of a search and the text to find.

```python
{loading}
queries = model.encode_query([{search}])
documents = model.encode_document([{text}])
print(model.similarity(queries, documents))
```

| | |
|---|---|
| base model | {base} |
| trained part | {trained} |
| loss | {loss}: in-batch negatives |
| training pairs | {pairs:,} (SHA-256 of the texts {data_digest}) |
| chosen on | {chosen_on}: {dev_before:.3f} before, {dev_after:.3f} after |
| seed | {seed} |
| arithmetic | {dtype} |

The figures above are of the validation data, on which the layer was chosen; the report of the run holds those of the
test data. On other kinds of text such a layer can hurt: tune it on yours, or use the base model.
"""

_LOADING = """from sentence_transformers import SentenceTransformer

model = SentenceTransformer("path/to/this/folder")"""
_LOADING_HERE = """from toolkit import vectors  # this model has a module of the toolkit

model = vectors.load("path/to/this/folder")"""

EXAMPLE = ("what you are looking for", "a text that answers it")

TRAINED = {
    "query layer": "a linear layer for searches; documents keep the base model's vectors",
    "one layer for both": "one linear layer for searches and documents",
    "separate layers": "a linear layer for searches and one for documents",
}


def write_card(path: str | Path, record: Mapping[str, Any], *, example: tuple[str, str] | None = None) -> None:
    """Write the card of a tuned model from its `record`; its first line says how to call the model.

    `example` is a search and a text that answers it, for the code example; each is cut to one line.
    """
    path = Path(path)
    if record["candidate"] == "one layer for both":
        warning = (
            "One layer for searches and documents: encode, encode_query and encode_document agree, except for base "
            "prompts."
        )
    else:
        warning = (
            "Use encode_query for searches and encode_document for documents: a bare encode takes the document side."
        )
    name = record["base"]["name"]
    base = Path(name).name if Path(name).is_dir() else name  # do not publish a local path
    search, text = (repr(" ".join(part.split())[:80]) for part in example or EXAMPLE)
    fields = {**record, "base": base, "warning": warning, "trained": TRAINED[record["candidate"]],
              "search": search, "text": text,
              "loading": _LOADING_HERE if needs_toolkit(path.parent) else _LOADING}  # fmt: skip
    with replacing(path) as temporary:
        temporary.write_text(_CARD.format(**fields), encoding="utf-8")
