"""A tuned model knows its data, and says when it meets others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from toolkit import vectors
from toolkit.finetune import other_data, trained_on
from toolkit.finetune.layers import Layers
from toolkit.finetune.training import assemble


@pytest.fixture
def tuned(model: Any) -> Any:
    import numpy as np

    record = {"base": vectors.describe(model), "data": {"name": "tickets.csv", "digest": "a" * 64}}
    eye = np.eye(384, dtype=np.float32)
    return assemble(model, Layers("symmetric", eye, eye), record)


def test_other_data_is_said(tuned: Any, model: Any) -> None:
    """Other data, the same data, and a model that was never tuned: three answers."""
    other = other_data(tuned, "faq.csv", "b" * 64)
    assert other.startswith("This model was tuned on tickets.csv, not on faq.csv") and "all-MiniLM-L6-v2" in other
    for name, digest in (("tickets.csv", "b" * 64), ("renamed.csv", "a" * 64)):
        assert "already" in other_data(tuned, name, digest) and "flatters" in other_data(tuned, name, digest)
    assert other_data(model, "faq.csv", "b" * 64) == "" and trained_on(model) == {}


def test_the_record_is_read_from_the_folder(tuned: Any, tmp_path: Path) -> None:
    """After saving and loading, the same is known; a damaged record counts as none."""
    from toolkit import storage

    tuned.save_pretrained(str(tmp_path / "m"), create_model_card=False)
    storage.write_json(tmp_path / "m" / "training.json", tuned.toolkit_origin["tuned"])
    loaded = vectors.load(tmp_path / "m", device="cpu")
    assert trained_on(loaded)["data"] == {"name": "tickets.csv", "digest": "a" * 64}
    assert other_data(loaded, "x", "y") == other_data(tuned, "x", "y")
    (tmp_path / "m" / "training.json").write_text("{", encoding="utf-8")
    assert other_data(loaded, "x", "y") == ""
