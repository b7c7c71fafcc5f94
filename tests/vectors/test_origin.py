"""Where a model comes from, and what its card states."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.vectors import DEFAULT, Origin
from toolkit.vectors.loading import DEFAULT_SHA256
from toolkit.vectors.origin import declared, describe, megabytes, origin_of, read_training, set_origin, weight_digests


class Stub:
    """A model that only has an origin."""


def with_origin(**fields: Any) -> Stub:
    stub = Stub()
    set_origin(stub, Origin(**fields))
    return stub


def test_describe(model: Any) -> None:
    """The record names model, weights, dimension, limit, prompts and device, and can be written as JSON."""
    record = describe(model)
    assert record["name"] == DEFAULT and record["sha256"] == {"model.safetensors": DEFAULT_SHA256}
    assert (record["dimension"], record["max_seq_length"], record["device"]) == (384, 256, "cpu")
    changed = copy.deepcopy(model)
    changed.prompts = {"query": "q: "}
    assert json.loads(json.dumps(describe(changed)))["prompts"] == {"query": "q: "}
    assert describe(object()) == {"name": "object"}  # type: ignore[arg-type]


def test_record_leaves_empty_fields_out(model: Any) -> None:
    """An origin's record holds what is known; copies of a model keep its origin; others have their class."""
    assert Origin("a", commit="c", layers=3).record == {"name": "a", "commit": "c", "layers": 3}
    assert origin_of(copy.deepcopy(model)) == origin_of(model) and Path(origin_of(model).folder).is_absolute()
    assert origin_of(Stub()) == Origin("Stub")


def test_weights_and_training_of_a_folder(tmp_path: Path) -> None:
    """Every file with weights is digested, by its path in the folder; a missing or damaged training record is empty."""
    (tmp_path / "1_Dense").mkdir()
    (tmp_path / "1_Dense" / "model.safetensors").write_bytes(b"abc")
    assert weight_digests(tmp_path) == {
        "1_Dense/model.safetensors": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    }
    assert read_training(tmp_path) == {}
    (tmp_path / "training.json").write_text('{"base": {"name": "x"}}')
    assert read_training(tmp_path) == {"base": {"name": "x"}}
    (tmp_path / "training.json").write_text("{")
    assert read_training(tmp_path) == {}


def test_megabytes(model: Any) -> None:
    """The weights of the default model take 91 MB in float32; a model that shows none has no size."""
    assert megabytes(model) == pytest.approx(90.9, abs=0.5)
    assert np.isnan(megabytes(object()))  # type: ignore[arg-type]


def test_default_model_declares_its_training(model: Any) -> None:
    """The card that comes with the default model: Apache-2.0, English, MS MARCO among its training sets."""
    found = declared(model)
    assert found.license == "apache-2.0" and found.languages == ["en"]
    assert {"ms_marco", "natural_questions", "code_search_net"} < set(found.datasets)


@pytest.mark.parametrize(
    ("card", "expected"),
    [
        (None, ("", [], [])),
        ("no head at all", ("", [], [])),
        ("---\nlanguage: de\ndatasets: one\n---\ntext", ("", ["de"], ["one"])),
        ("---\nlicense: mit\nlanguage: [de, fr]\n---\n", ("mit", ["de", "fr"], [])),
        ("---\n: [broken\n---\n", ("", [], [])),
    ],
)
def test_cards_as_they_come(card: str | None, expected: tuple[str, list[str], list[str]], tmp_path: Path) -> None:
    """A missing, plain or broken card gives empty fields, and one value counts as a list of one."""
    if card is not None:
        (tmp_path / "README.md").write_text(card, encoding="utf-8")
    found = declared(with_origin(name="x", folder=str(tmp_path)))  # type: ignore[arg-type]
    assert (found.license, found.languages, found.datasets) == expected


def test_a_model_from_elsewhere_declares_nothing() -> None:
    """A model without an origin, or one of the Hub that is not here, is no error."""
    assert declared(Stub()) == declared(with_origin(name="not/here"))  # type: ignore[arg-type]
