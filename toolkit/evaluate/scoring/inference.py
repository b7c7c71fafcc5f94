"""Get vectors of texts, from a model or precomputed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from toolkit import vectors
from toolkit.prepare import RetrievalData, Task
from toolkit.vectors import Encoder, Ranking, Reranker, System

Model = Encoder | Reranker | System | Ranking | Mapping[str, Any]
"""What `score` accepts: a model, a system, a ranking, or precomputed vectors."""

PARTS = ("queries", "documents", "sentence1", "sentence2", "text", "train")
"""Names of precomputed vectors: one row per query, document, row of the table, or row of `Task.train`."""


@dataclass(frozen=True)
class Precomputed:
    """Precomputed vectors that act as an encoder and, with a corpus, as a system. Made by `wrap_vectors`.

    Attributes
    ----------
    given : mapping
        From text to vector, or from the names in `PARTS` to arrays with one row per text. No vector may be zero.
    corpus : mapping of document id to text
    name : str
    """

    given: Mapping[str, Any]
    corpus: Mapping[str, str] = field(default_factory=dict)
    name: str = "vectors"

    @property
    def by_row(self) -> bool:
        """Whether the vectors are arrays under the names of `PARTS`, not one vector for each text."""
        return set(self.given) <= set(PARTS)

    @property
    def record(self) -> dict[str, Any]:
        """The name: the model that made the vectors is unknown."""
        return {"kind": "other", "name": self.name, "model": "precomputed vectors"}

    def encode(self, inputs: Sequence[str], part: str = "text") -> NDArray[np.float32]:
        """Look up the unit vectors of the texts of a part, shape (n, dim).

        Raises
        ------
        ValueError
            When vectors are missing, too many, not finite, or zero.
        """
        if self.by_row:
            if part not in self.given:
                raise ValueError(f"this task needs vectors of {part!r}; got those of {str([*self.given])[1:-1]}")
            rows = self.given[part]
        else:
            if missing := [text for text in dict.fromkeys(inputs) if text not in self.given]:
                got = f"no vectors were given for {len(missing)} of the texts of {part!r} (first: {missing[0]!r:.60})"
                raise ValueError(f"{got}: expected {{text: vector}}, or arrays named {', '.join(PARTS)}")
            rows = [self.given[text] for text in inputs]
        try:
            table = np.asarray(rows, dtype=float)
        except (TypeError, ValueError):
            raise ValueError(f"the vectors of {part!r} are not a table of numbers with rows of equal length") from None
        if table.ndim != 2 or len(table) != len(inputs):
            raise ValueError(f"the vectors of {part!r} have shape {table.shape}, expected ({len(inputs)}, dim)")
        for usable, problem in (
            (np.isfinite(table).all(axis=1), "hold nan or infinity"),
            (table.any(axis=1), "are zero and have no direction"),
        ):
            if not usable.all():
                bad, row = (~usable).sum(), np.argmin(usable)
                raise ValueError(f"{bad} of the {len(table)} vectors of {part!r} {problem} (first: row {row})")
        table = table / np.maximum(np.abs(table).max(axis=1, keepdims=True, initial=0), 1e-300)  # avoids overflow
        return np.asarray(table / np.linalg.norm(table, axis=1, keepdims=True), dtype=np.float32)

    def search(self, queries: Mapping[str, str], k: int = 10) -> dict[str, dict[str, float]]:
        """Rank the `k` best documents for each query by cosine, exactly."""
        documents = self.encode(list(self.corpus.values()), "documents")
        asked = self.encode(list(queries.values()), "queries")
        same_dimension(asked, documents, ("queries", "documents"))
        scores, ids = vectors.nearest(asked, documents, k)
        names = list(self.corpus)
        return {
            query: {names[i]: score for i, score in zip(*found, strict=True)}
            for query, *found in zip(queries, ids.tolist(), scores.tolist(), strict=True)
        }


def wrap_vectors(model: Model, task: Task) -> Encoder | Reranker | System | Ranking:
    """Wrap precomputed vectors as `Precomputed`; return everything else unchanged."""
    if not isinstance(model, Mapping) or all(isinstance(row, Mapping) for row in model.values()):
        return model
    return Precomputed(model, task.data.corpus if isinstance(task.data, RetrievalData) else {})


def vectors_of(
    model: Encoder,
    texts: Sequence[str],
    part: str,
    *,
    side: Literal["query", "document"] | None = None,
    dtype: str = "auto",
) -> NDArray[np.float32]:
    """Encode the texts of one part of a task to unit vectors, shape (n, dim).

    Parameters
    ----------
    model : Encoder
        For `toolkit.vectors.encode`, or `Precomputed`.
    texts : sequence of str
    part : str
        Which of `PARTS` the texts are.
    side, dtype
        As in `toolkit.vectors.encode`.

    Examples
    --------
    >>> made = Precomputed({"a fox": [3, 4], "a dog": [0, 2]})
    >>> vectors_of(made, ["a dog", "a fox"], "text").round(3).tolist()
    [[0.0, 1.0], [0.6, 0.8]]
    """
    if isinstance(model, Precomputed):
        return model.encode(texts, part)
    return vectors.encode(model, list(texts), side=side, dtype=dtype)


def same_dimension(one: NDArray[np.float32], two: NDArray[np.float32], names: tuple[str, str]) -> None:
    """Check that the vectors of two parts have the same dimension."""
    if one.shape[1] != two.shape[1]:
        got = f"{names[0]!r} have {one.shape[1]} dimensions and those of {names[1]!r} {two.shape[1]}"
        raise ValueError(f"the vectors of {got}: expected both from the same model")
