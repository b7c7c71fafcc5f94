"""Run transformers with torch on texts that are tokenised, sorted and padded here."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers.base.modules import Dense, Router, Transformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
from torch.nn.functional import normalize

from toolkit.vectors.engines.base import Window
from toolkit.vectors.engines.identity import weights_digest
from toolkit.vectors.engines.stock import SentenceTransformersBackbone

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
BATCH_TOKENS = {"cpu": 2_048, "mps": 16_384, "cuda": 65_536}  # padded tokens in a batch
MAX_CHARACTERS_PER_TOKEN = 50  # characters per token, far more than real text has; the rest is tokenised only if needed


@dataclass(frozen=True)
class TorchBody(SentenceTransformersBackbone):
    """The body of a transformer: its modules up to the first unit vector; a `toolkit.vectors.engines.base.Body`.

    Attributes
    ----------
    model, prompt, side, dtype, modules
        As in `SentenceTransformersBackbone`; `modules` are those of the body.
    head : list
        The modules after it: small layers, such as those that `toolkit.finetune` trains on top of fixed vectors.
    """

    head: list[Any]

    @property
    def batch_tokens(self) -> int | None:
        """Maximum number of tokens in a batch, padding included, on the model's device."""
        return BATCH_TOKENS.get(torch.device(self.model.device).type, BATCH_TOKENS["cpu"])

    def key(self) -> dict[str, Any]:
        """Return everything that changes a vector of the body; sides differ in prompt and head alone."""
        return {**super().key(), "side": None}

    def tokenise(self, texts: list[str]) -> Window:
        """Tokenise texts to the ids that the model reads."""
        texts = [self.prompt + text for text in texts] if self.prompt else texts
        clipped = [_clip(text, self.limit) for text in texts]
        ids, cut = self._ids(clipped)
        # A clipped text that still fills the limit is fine; one that does not is tokenised again in full.
        again = [i for i, text in enumerate(texts) if len(clipped[i]) < len(text) and not cut[i]]
        if again:
            whole, whole_cut = self._ids([texts[i] for i in again])
            for i, row, flag in zip(again, whole, whole_cut, strict=True):
                ids[i], cut[i] = row, flag
        return Window(ids, np.array([len(row) for row in ids], dtype=np.int64), cut)

    def _ids(self, texts: list[str]) -> tuple[list[list[int]], NDArray[np.bool_]]:
        encoded = self.model.tokenizer(
            texts, truncation=self.limit is not None, max_length=self.limit, padding=False,
            return_attention_mask=False, return_token_type_ids=False, verbose=False,
        )  # fmt: skip
        cut = np.array([bool(encoding.overflowing) for encoding in encoded.encodings], dtype=bool)
        return encoded["input_ids"], cut

    @cached_property
    def _runnable(self) -> tuple[Transformer, list[Any]]:
        """The transformer in `dtype`, and the modules after it in float32."""
        transformer, kind = self.modules[0], DTYPES[self.dtype]
        if own_dtype(transformer) != kind:
            transformer = in_dtype(transformer, kind, weights_digest(self.modules))
        return transformer, in_float(self.modules[1:])

    def run(self, ids: list[Any]) -> NDArray[np.float32]:
        """Run one batch of token ids."""
        self.model.eval()
        return run_ids(*self._runnable, ids)

    def finish(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Apply the head of this side, then cut to the model's ``truncate_dim``."""
        return super().finish(run_head(self.head, vectors, self.side) if self.head else vectors)


def divide(model: SentenceTransformer, prompt: str) -> tuple[list[Any], list[Any]] | None:
    """Divide a model into the modules of its body and its head; None where only its own ``encode`` can run it."""
    modules: list[Any] = list(model)
    if not _takes_ids(modules, prompt):
        return None
    first_unit = next((i for i, module in enumerate(modules) if isinstance(module, Normalize)), len(modules) - 1)
    if not all(isinstance(module, (Router, Dense, Normalize)) for module in modules[first_unit + 1 :]):
        first_unit = len(modules) - 1
    body = modules[: first_unit + 1]
    return None if any(isinstance(module, Router) for module in body) else (body, modules[first_unit + 1 :])


def _takes_ids(modules: Sequence[Any], prompt: str) -> bool:
    """Return whether tokenising here and padding on the right gives what the model's own ``encode`` gives."""
    if len(modules) < 2 or type(modules[0]) is not Transformer or type(modules[1]) is not Pooling:
        return False
    transformer, pooling = modules[0], modules[1]
    special = ("query_length", "document_length", "query_expansion")
    return bool(
        getattr(transformer.tokenizer, "is_fast", False)
        and getattr(transformer, "backend", "torch") == "torch"
        and transformer.module_output_name == "token_embeddings"
        and transformer.modality_config.get("text", {}).get("method") == "forward"
        and not any(getattr(transformer, name, None) for name in special)
        and not any((getattr(transformer, "processing_kwargs", None) or {}).values())
        and transformer.tokenizer.pad_token_id is not None
        and transformer.tokenizer.truncation_side == "right"
        and (pooling.include_prompt or not prompt)
    )


def _clip(text: str, limit: int | None) -> str:
    """Return the beginning of a text far longer than the model reads, up to a space, so 50 MB take as long as 50 kB."""
    if limit is None or len(text) <= MAX_CHARACTERS_PER_TOKEN * limit:
        return text
    end = text.rfind(" ", 0, MAX_CHARACTERS_PER_TOKEN * limit)
    return text[:end] if end > MAX_CHARACTERS_PER_TOKEN * limit // 2 else text


def own_dtype(module: Any) -> torch.dtype:
    """Return the number format of a model's or module's weights; float32 for one without."""
    return next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)


_cast_copies: WeakKeyDictionary[Any, tuple[str, torch.dtype, Any]] = WeakKeyDictionary()


def in_dtype(transformer: Transformer, dtype: torch.dtype, digest: str) -> Transformer:
    """Return the transformer, or a cached copy of it in `dtype`, rebuilt when its `digest` changes."""
    if own_dtype(transformer) == dtype:
        return transformer
    known = _cast_copies.get(transformer)
    if known is None or known[:2] != (digest, dtype):
        known = (digest, dtype, copy.deepcopy(transformer).to(dtype).eval())
        _cast_copies[transformer] = known
    return known[2]


def in_float(modules: Iterable[Any]) -> list[Any]:
    """Return modules with float32 weights: copies of those in other formats."""
    return [
        copy.deepcopy(module).float() if any(p.dtype != torch.float32 for p in module.parameters()) else module
        for module in modules
    ]


@torch.inference_mode()
def run_ids(transformer: Transformer, rest: Sequence[Any], ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """Run one batch of token ids: (n, dim) float32. Pooling and what follows are float32."""
    longest = max(len(row) for row in ids)
    padding = cast(Any, transformer.tokenizer).pad_token_id
    padded = np.full((len(ids), longest), padding, dtype=np.int64)
    mask = np.zeros((len(ids), longest), dtype=np.int64)
    for row, tokens in enumerate(ids):
        padded[row, : len(tokens)] = tokens
        mask[row, : len(tokens)] = 1
    device = next(transformer.parameters()).device
    features = {
        "input_ids": torch.from_numpy(padded).to(device),
        "attention_mask": torch.from_numpy(mask).to(device),
        "modality": "text",
    }
    features = transformer(features)
    features["token_embeddings"] = features["token_embeddings"].float()
    for module in rest:
        features = module(features)
    vectors: NDArray[np.float32] = features["sentence_embedding"].float().cpu().numpy()
    return vectors


@torch.inference_mode()
def run_head(head: Sequence[Any], vectors: NDArray[np.float32], side: str | None) -> NDArray[np.float32]:
    """Apply the small layers to unit vectors, (n, dim) float32; `side` chooses the route of a Router."""
    if not len(vectors):  # no rows, but as many columns as the layers give
        return run_head(head, np.ones((1, vectors.shape[1]), dtype=np.float32), side)[:0]
    parameter = next((p for module in head for p in module.parameters()), None)
    embedding = torch.from_numpy(vectors)
    features = {"sentence_embedding": embedding if parameter is None else embedding.to(parameter.device)}
    for module in in_float(head):
        features = module(features, task=side) if isinstance(module, Router) else module(features)
    moved: NDArray[np.float32] = normalize(features["sentence_embedding"].float(), dim=1).cpu().numpy()
    return moved
