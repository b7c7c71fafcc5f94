"""Run any sentence-transformers model by its own ``encode``: static, bag of words, two towers, other back ends."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import sentence_transformers
import torch
import transformers
from numpy.typing import NDArray
from sentence_transformers.base.modules import Transformer

from toolkit.vectors.engines.base import Window, unit
from toolkit.vectors.engines.identity import configuration, tokenizer_digest, weights_digest

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


@dataclass(frozen=True)
class SentenceTransformersBackbone:
    """A body whose ids are the texts themselves; a `toolkit.vectors.engines.base.Body`.

    Attributes
    ----------
    model : SentenceTransformer
    prompt : str
    side : {"query", "document"} or None
    dtype : str
    modules : list
        Of the body; here all modules of the model.
    """

    model: SentenceTransformer
    prompt: str
    side: str | None
    dtype: str
    modules: list[Any]

    @property
    def dim(self) -> int:
        """Length of the body's vectors."""
        for module in reversed(self.modules):
            for get in ("get_embedding_dimension", "get_sentence_embedding_dimension"):
                if hasattr(module, get):
                    return int(getattr(module, get)())
        return int(self.model.get_embedding_dimension() or 0)

    @property
    def limit(self) -> int | None:
        """Maximum number of tokens that the model reads, special ones included."""
        limit: Any = self.model.max_seq_length
        return limit if isinstance(limit, int) and limit < 1_000_000 else None

    @cached_property
    def digest(self) -> str | None:
        """Digest of the weights; None where another engine, such as ONNX, holds them."""
        others = (m for m in self.model.modules() if isinstance(m, Transformer) and m.backend != "torch")
        return weights_digest(self.modules) if next(others, None) is None else None

    @property
    def engine(self) -> str:
        """Versions of the libraries."""
        return (
            f"torch {torch.__version__}, transformers {transformers.__version__}, "
            f"sentence-transformers {sentence_transformers.__version__}"
        )

    @property
    def batch_tokens(self) -> int | None:
        """None: ``SentenceTransformer.encode`` makes its own batches."""
        return None

    def key(self) -> dict[str, Any]:
        """Return everything that changes a vector."""
        return {
            "weights": self.digest,
            "tokenizer": tokenizer_digest(self.model.tokenizer),
            "modules": configuration(self.modules),
            "prompt": self.prompt,
            "side": self.side,
            "max_seq_length": self.limit,
            "normalized": True,
            "dtype": self.dtype,
            "device": torch.device(self.model.device).type,
            "engine": self.engine,
        }

    def tokenise(self, texts: list[str]) -> Window:
        """Return the texts as they are, with their lengths estimated at four characters a token."""
        about = np.array([1 + len(text) // 4 for text in texts], dtype=np.int64)
        return Window(texts, np.minimum(about, self.limit or about), np.zeros(len(texts), dtype=bool))

    def run(self, ids: list[Any]) -> NDArray[np.float32]:
        """Encode texts, without the model's own cut to fewer dimensions."""
        task: Any = {} if self.side is None else {"task": self.side}
        vectors: Any = self.model.encode(
            ids, prompt=self.prompt, truncate_dim=self.dim, show_progress_bar=False, **task
        )
        return np.asarray(vectors, dtype=np.float32)

    def finish(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Cut vectors to the model's ``truncate_dim``, and scale them to unit length again."""
        cut = self.model.truncate_dim
        return unit(vectors[:, :cut]) if cut else vectors
