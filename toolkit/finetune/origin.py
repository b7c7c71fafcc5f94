"""Whether a tuned model is used on the data that it was tuned on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def trained_on(model: Any) -> dict[str, Any]:
    """The record of the training, ``training.json`` in the model's folder; empty for a model that is not tuned here."""
    origin = getattr(model, "toolkit_origin", {})
    if "tuned" in origin:
        return dict(origin["tuned"])
    try:
        return dict(json.loads((Path(origin["folder"]) / "training.json").read_text(encoding="utf-8")))
    except (KeyError, OSError, ValueError):
        return {}


def other_data(model: Any, name: str, digest: str) -> str:
    """A warning where a tuned model meets data that it was not tuned on, or the very data that it was.

    Parameters
    ----------
    model : SentenceTransformer
        From `toolkit.vectors.load`.
    name, digest : str
        Of the data at hand, as in `toolkit.prepare.Loaded`.

    Returns
    -------
    str
        Empty for a model that was not tuned by this toolkit.
    """
    record = trained_on(model)
    if not record:
        return ""
    data = record.get("data", {})
    known = data.get("name") or "data that its record does not name"
    if data.get("digest") == digest or data.get("name") == name:
        return (
            f"This model was tuned on {known} already: texts that it was trained on may be in this test, which "
            f"flatters it. To measure, start from its base model, {Path(record['base']['name']).name}."
        )
    base = Path(record["base"]["name"]).name
    return (
        f"This model was tuned on {known}, not on {name}; on other texts such a layer gained nothing in our test "
        f"(benchmarks/own_file.md): tune it on yours, or use its base model, {base}."
    )
