"""How a sentence-transformers model is run: its parts, its identity, and one batch through it.

A model is seen as *body* and *head*. The body is the expensive part: tokens to a pooled vector of unit length. The head
is what may follow: the small layers that `toolkit.finetune` trains on top of fixed vectors. Only the body's output is
cached, so a tuned model reuses the vectors of the model it was tuned from.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

import numpy as np
import torch
import xxhash
from numpy.typing import NDArray
from sentence_transformers.base.modules import Dense, Router, Transformer
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling
from torch.nn.functional import normalize

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


NO_SETTING = ("_name_or_path", "_commit_hash", "architectures", "dtype", "transformers_version")  # change no vector


@dataclass(frozen=True)
class Parts:
    """The modules of a model.

    Attributes
    ----------
    transformer : Transformer or None
        First module, where token ids may be handed to it directly; None where only the stock `encode` knows how.
    body, head : list of modules
        Up to the first unit vector, and the rest.
    """

    transformer: Transformer | None
    body: list[Any]
    head: list[Any]


def parts(model: SentenceTransformer, prompt: str) -> Parts:
    """Divide a model into body and head; see the module's text."""
    modules: list[Any] = list(model)
    if not _takes_ids(modules, prompt):
        return Parts(None, modules, [])
    first_unit = next((i for i, module in enumerate(modules) if isinstance(module, Normalize)), len(modules) - 1)
    head = modules[first_unit + 1 :]
    if not all(isinstance(module, (Router, Dense, Normalize)) for module in head):
        first_unit, head = len(modules) - 1, []
    if any(isinstance(module, Router) for module in modules[: first_unit + 1]):
        return Parts(None, modules, [])  # a side of its own before pooling: leave it to the stock encode
    return Parts(modules[0], modules[: first_unit + 1], head)


def _takes_ids(modules: Sequence[Any], prompt: str) -> bool:
    """Whether tokenising ourselves and padding on the right gives what the stock `encode` gives."""
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


def weights_digest(modules: Iterable[Any]) -> str:
    """XXH3 digest over names, shapes, types and values of all parameters: changes when any weight does."""
    digest = xxhash.xxh3_128()
    for number, module in enumerate(modules):
        for name, tensor in module.state_dict().items():
            digest.update(f"{number}.{name}:{tuple(tensor.shape)}:{tensor.dtype}".encode())
            flat = tensor.detach().to("cpu").contiguous().reshape(-1)
            digest.update(memoryview(flat.view(torch.uint8).numpy()))
    return digest.hexdigest()


_tokenizers: WeakKeyDictionary[Any, tuple[str, str]] = WeakKeyDictionary()


def tokenizer_digest(tokenizer: Any) -> str:
    """Digest of a tokenizer's rules and vocabulary, without the padding and truncation it was last used with."""
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)  # of tokenizers, whoever wraps it
    if not hasattr(backend, "to_str"):
        return xxhash.xxh3_128_hexdigest(repr(tokenizer).encode())
    added = sorted(backend.get_added_tokens_decoder())
    state = repr((backend.get_vocab_size(), added, backend.normalizer, backend.pre_tokenizer, backend.post_processor))
    known = _tokenizers.get(tokenizer)
    if known is None or known[0] != state:
        rules = json.loads(backend.to_str())
        rules.pop("truncation", None), rules.pop("padding", None)
        known = state, xxhash.xxh3_128_hexdigest(json.dumps(rules, sort_keys=True).encode())
        _tokenizers[tokenizer] = known
    return known[1]


def configuration(modules: Iterable[Any]) -> list[str]:
    """Settings of the modules that change a vector beside the weights: pooling mode, number of heads, ..."""
    found = []
    for module in modules:
        settings = dict(module.get_config_dict()) if hasattr(module, "get_config_dict") else {"repr": repr(module)}
        if isinstance(module, Transformer) and hasattr(module.model.config, "to_dict"):
            settings["config"] = {k: v for k, v in module.model.config.to_dict().items() if k not in NO_SETTING}
        found.append(f"{type(module).__name__}:{json.dumps(settings, sort_keys=True, default=str)}")
    return found


_twins: WeakKeyDictionary[Any, tuple[str, torch.dtype, Any]] = WeakKeyDictionary()


def in_dtype(transformer: Transformer, dtype: torch.dtype, digest: str) -> Transformer:
    """The transformer itself, or a copy of it in `dtype` that is kept and made anew when the weights change."""
    if next(transformer.parameters()).dtype == dtype:
        return transformer
    known = _twins.get(transformer)
    if known is None or known[:2] != (digest, dtype):
        known = (digest, dtype, copy.deepcopy(transformer).to(dtype).eval())
        _twins[transformer] = known
    return known[2]


def in_float(modules: Iterable[Any]) -> list[Any]:
    """The modules with float32 weights, copies of those that have others."""
    return [
        copy.deepcopy(module).float() if any(p.dtype != torch.float32 for p in module.parameters()) else module
        for module in modules
    ]


@torch.inference_mode()
def run_ids(transformer: Transformer, rest: Sequence[Any], ids: Sequence[Sequence[int]]) -> NDArray[np.float32]:
    """One batch of token ids through the body: (n, dim) float32. Pooling and what follows run in float32."""
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
