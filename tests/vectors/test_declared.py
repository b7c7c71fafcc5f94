"""The head of a model card is read as it stands."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from toolkit import vectors


def test_embedded_model_declares_its_training(model: Any) -> None:
    """The card that comes with the embedded model: Apache-2.0, English, MS MARCO among its training sets."""
    found = vectors.declared(model)
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
    found = vectors.declared(SimpleNamespace(toolkit_origin={"name": "x", "folder": str(tmp_path)}))
    assert (found.license, found.languages, found.datasets) == expected


def test_a_model_from_elsewhere_declares_nothing() -> None:
    """A model without an origin is no error."""
    assert vectors.declared(object()) == vectors.declared(SimpleNamespace(toolkit_origin={"name": "not/here"}))
