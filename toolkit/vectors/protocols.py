"""Define the interfaces of models and systems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

Ranking = Mapping[str, Mapping[str, float]]
"""``{query_id: {doc_id: score}}``, larger scores first."""


@runtime_checkable
class Encoder(Protocol):
    """A model that turns texts into vectors: of sentence-transformers, of another library, or one of your own.

    A SentenceTransformer is run by this toolkit, with prompts, cache and number formats; otherwise ``encode`` is
    called with a list of texts, and its vectors are not cached.
    """

    def encode(self, inputs: list[str], /) -> Any:
        """Return a row of numbers for each text, shape (n, dim)."""


@runtime_checkable
class Reranker(Protocol):
    """A cross-encoder: a model that reads two texts together."""

    def predict(self, inputs: list[tuple[str, str]], /) -> Any:
        """Return a score for each pair of texts, shape (n,)."""


@runtime_checkable
class System(Protocol):
    """A way of searching a corpus."""

    @property
    def name(self) -> str:
        """Name of the system in tables."""

    @property
    def corpus(self) -> Mapping[str, str]:
        """``{doc_id: text}``."""

    @property
    def record(self) -> Mapping[str, Any]:
        """Description of the system, from which `toolkit.vectors.systems.restore` rebuilds it.

        Keys are ``kind``, ``name`` and what the kind needs. A system built from others has their records in
        ``parts``, and an attribute of that name with the systems.
        """

    def search(self, queries: Mapping[str, str], k: int = 10) -> dict[str, dict[str, float]]:
        """Rank the `k` best documents for each query: ``{query_id: {doc_id: score}}``."""
