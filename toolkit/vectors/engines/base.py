"""Define the interface of an engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Window:
    """Tokenised texts.

    Attributes
    ----------
    ids : list
        What `Body.run` takes for each text: its token ids, or the text itself.
    lengths : array of int64
        Tokens of each text, as the model reads them; an estimate where `ids` are texts.
    cut : array of bool
        Which texts are longer than the model's limit.
    """

    ids: list[Any]
    lengths: NDArray[np.int64]
    cut: NDArray[np.bool_]


class Body(Protocol):
    """The expensive part of a model, from a text to a pooled vector, ready to run for one side.

    A model is a body and a head: the small layers that may follow. Only the body's vectors are cached, so that a model
    tuned by layers on top reuses the vectors of its base.
    """

    @property
    def dim(self) -> int:
        """Length of the body's vectors."""

    @property
    def limit(self) -> int | None:
        """Maximum number of tokens that the model reads, special ones included; None where there is no limit."""

    @property
    def digest(self) -> str | None:
        """Digest of the weights; None if the weights cannot be identified, so that vectors are not cached."""

    @property
    def engine(self) -> str:
        """Names and versions of the libraries that run it."""

    @property
    def dtype(self) -> str:
        """Number format of its arithmetic."""

    @property
    def batch_tokens(self) -> int | None:
        """Maximum number of tokens in a batch, padding included; None for an engine that makes its own batches."""

    def key(self) -> dict[str, Any]:
        """Return everything that changes a vector, for the cache."""

    def tokenise(self, texts: list[str]) -> Window:
        """Tokenise texts, the prompt of the side included."""

    def run(self, ids: list[Any]) -> NDArray[np.float32]:
        """Run one batch; return (n, dim) float32 vectors, none of them zero."""

    def finish(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the model's unit vectors for the body's unit vectors."""


def unit(vectors: Any) -> NDArray[np.float32]:
    """Scale rows to length 1, as float32.

    Raises
    ------
    ValueError
        For rows that are zero or not finite.
    """
    rows = np.asarray(vectors, dtype=np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    if not (np.isfinite(lengths).all() and lengths.all()):
        raise ValueError(
            f"the model gave {int((~(np.isfinite(lengths) & (lengths > 0))).sum())} vectors that are zero or not "
            f"finite: its weights are damaged, or the number format is too narrow for it (try dtype='float32'), or a "
            f"word-vector model got a text without any word it knows (drop such texts)"
        )
    return np.asarray(rows / lengths, dtype=np.float32)
