"""List and delete cached vectors and scores."""

from __future__ import annotations

import json
import shutil

import pandas as pd

from toolkit.storage import cache_folder

COLUMNS = ["model", "weights", "prompt", "dtype", "device", "vectors", "megabytes", "folder"]


def info() -> pd.DataFrame:
    """List the cached sets, one row each: ``model weights prompt dtype device vectors megabytes folder``.

    ``weights`` is the beginning of their digest. Scores of a cross-encoder count as vectors of one number.
    """
    rows = []
    for file in sorted((cache_folder() / "vectors").glob("*/key.json")):
        try:
            key = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            key = {}
        segments = list(file.parent.glob("*.segment"))
        rows.append((
            key.get("name", "unknown"), str(key.get("weights", ""))[:12], key.get("prompt", ""), key.get("dtype", ""),
            key.get("device", ""), sum(int(path.name.split("-")[0]) for path in segments),
            round(sum(path.stat().st_size for path in segments) / 1e6, 2), str(file.parent),
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS)


def clear(model: str | None = None) -> int:
    """Delete cached vectors, of all models or of those whose name or weights digest begins with `model`.

    Returns
    -------
    int
        Number of vectors that were deleted.

    Raises
    ------
    ValueError
        When the cache has no vectors of that model; the message lists the models it has.
    """
    table = info()
    if model is not None:
        chosen = table[table["model"].str.startswith(model) | table["weights"].str.startswith(model[:12])]
        if chosen.empty:
            known = ", ".join(sorted(set(table["model"]))) or "none"
            raise ValueError(f"no cached vectors of {model!r}; the cache holds vectors of: {known}")
        table = chosen
    for folder in table["folder"]:
        shutil.rmtree(folder, ignore_errors=True)
    return int(table["vectors"].sum())
