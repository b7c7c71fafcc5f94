"""What the cache holds is listed, and emptied by model."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from toolkit.vectors import encode
from toolkit.vectors.cache import clear, info
from toolkit.vectors.origin import Origin, set_origin

TEXTS = [f"text number {i} about foxes" for i in range(3)]


def test_info_and_clear(model: Any, cache: Path) -> None:
    """The table counts vectors by set; a model, by name or weights, is cleared alone; an unknown one is refused."""
    assert info().empty and clear() == 0
    other = copy.deepcopy(model)
    other[1].pooling_mode = "cls"
    set_origin(other, Origin("another/model"))
    other.prompts = {"query": "find: "}
    encode(model, TEXTS[:3], dtype="float32")
    encode(other, TEXTS[:2], side="query", dtype="float32")
    table = info().set_index("model")
    assert table["vectors"].to_dict() == {"sentence-transformers/all-MiniLM-L6-v2": 3, "another/model": 2}
    assert table.loc["another/model", "prompt"] == "find: " and set(table["dtype"]) == {"float32"}
    with pytest.raises(ValueError, match="'unknown'.*another/model, sentence-transformers"):
        clear("unknown")
    assert clear("another") == 2 and info()["vectors"].tolist() == [3]
    (Path(info()["folder"][0]) / "key.json").write_text("{broken")
    assert info()["model"].tolist() == ["unknown"]
    assert clear() == 3 and info().empty
