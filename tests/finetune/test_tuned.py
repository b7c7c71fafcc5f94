"""A tuned model knows its data, and warns when it meets others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit import storage, vectors
from toolkit.finetune.adapter import Adapter, assemble
from toolkit.finetune.tuned import training_data_warning
from toolkit.vectors.origin import describe, origin_of


@pytest.fixture
def tuned(model: Any) -> Any:
    record = {"base": describe(model), "data": {"name": "tickets.csv", "digest": "a" * 64}}
    eye = np.eye(384, dtype=np.float32)
    return assemble(model, Adapter("one layer for both", eye, eye), record)


def test_warnings(tuned: Any, model: Any) -> None:
    """Other data, the same data, and a model that was never tuned: three answers, with the names that matter."""
    other = training_data_warning(tuned, "faq.csv", "b" * 64)
    assert "tickets.csv, not on faq.csv" in other and "all-MiniLM-L6-v2" in other
    for name, digest in (("tickets.csv", "b" * 64), ("renamed.csv", "a" * 64)):
        same = training_data_warning(tuned, name, digest)
        assert "tickets.csv already" in same and "all-MiniLM-L6-v2" in same
    assert training_data_warning(model, "faq.csv", "b" * 64) == ""


def test_the_record_is_read_from_the_folder(tuned: Any, tmp_path: Path) -> None:
    """After saving and loading, the same is known; a damaged record counts as none."""
    tuned.save_pretrained(str(tmp_path / "m"), create_model_card=False)
    storage.write_json(tmp_path / "m" / "training.json", dict(origin_of(tuned).training))
    loaded = vectors.load(tmp_path / "m", device="cpu")
    assert origin_of(loaded).training["data"] == {"name": "tickets.csv", "digest": "a" * 64}
    assert training_data_warning(loaded, "x", "y") == training_data_warning(tuned, "x", "y")
    (tmp_path / "m" / "training.json").write_text("{", encoding="utf-8")
    assert training_data_warning(vectors.load(tmp_path / "m", device="cpu"), "x", "y") == ""
