"""Identify a model by digests of its weights and tokenizer and by the settings of its modules."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import torch
import xxhash
from sentence_transformers.base.modules import Transformer

IGNORED_SETTINGS = (
    "_name_or_path",
    "_commit_hash",
    "architectures",
    "dtype",
    "transformers_version",
)  # no effect on vectors
SAMPLE = 64  # values of each tensor that are compared before a known digest is used again
MAX_DIGESTS = 4  # digests remembered for the lists of modules that begin with the same module

_digests: WeakKeyDictionary[Any, dict[Any, str]] = WeakKeyDictionary()
_tokenizers: WeakKeyDictionary[Any, tuple[str, str]] = WeakKeyDictionary()


def weights_digest(modules: Iterable[Any]) -> str:
    """Digest names, shapes, types and values of all parameters and buffers by XXH3: it changes when any of them does.

    The digest is remembered until a tensor is replaced or changed in place. Changes through ``tensor.data``, which
    torch does not count, are looked for in a sample of 64 values of each tensor.
    """
    modules = list(modules)
    tensors = [
        (f"{number}.{name}", tensor.detach())
        for number, module in enumerate(modules)
        for name, tensor in module.state_dict().items()
    ]
    state = _fingerprint(tensors)
    known = _digests.setdefault(modules[0], {}) if modules and state is not None else {}
    if state not in known:
        if len(known) >= MAX_DIGESTS:
            known.clear()
        known[state] = _digest(tensors)
    return known[state]


def _fingerprint(tensors: Sequence[tuple[str, torch.Tensor]]) -> Any:
    """Return a cheap fingerprint of tensors; None where torch keeps no count of changes."""
    if any(tensor.is_inference() for _, tensor in tensors):
        return None
    sample = b""
    if tensors:
        flat = [tensor.reshape(-1) for _, tensor in tensors]
        values = [row[:: max(1, len(row) // SAMPLE)].to(torch.float32) for row in flat]
        for device in dict.fromkeys(row.device for row in values):
            sample += torch.cat([row for row in values if row.device == device]).cpu().numpy().tobytes()
    layout = [(name, t.data_ptr(), t._version, tuple(t.shape), t.dtype, str(t.device)) for name, t in tensors]
    return tuple(layout), sample


def _digest(tensors: Sequence[tuple[str, torch.Tensor]]) -> str:
    digest = xxhash.xxh3_128()
    for name, tensor in tensors:
        digest.update(f"{name}:{tuple(tensor.shape)}:{tensor.dtype}".encode())
        flat = tensor.to("cpu").contiguous().reshape(-1)
        data: Any = flat.view(torch.uint8).numpy()
        digest.update(memoryview(data))
    return digest.hexdigest()


def tokenizer_digest(tokenizer: Any) -> str:
    """Digest a tokenizer's rules and vocabulary, without the padding and truncation that it was last used with."""
    backend = getattr(tokenizer, "backend_tokenizer", tokenizer)  # of the library tokenizers, in any wrapper
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
    """Return the module settings, besides the weights, that change a vector: pooling mode, number of heads, ..."""
    found = []
    for module in modules:
        settings = dict(module.get_config_dict()) if hasattr(module, "get_config_dict") else {"repr": repr(module)}
        if isinstance(module, Transformer) and hasattr(module.model.config, "to_dict"):
            settings["config"] = {k: v for k, v in module.model.config.to_dict().items() if k not in IGNORED_SETTINGS}
        found.append(f"{type(module).__name__}:{json.dumps(settings, sort_keys=True, default=str)}")
    return found
