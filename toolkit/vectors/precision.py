"""Which number format encodes fastest here: measured once for each machine and model, then remembered."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from toolkit.hardware import processor
from toolkit.storage import cache_folder, write_json
from toolkit.vectors.forward import in_dtype, parts, run_ids, weights_digest

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
WORTH_IT = 1.15  # below this ratio the exact format is kept
CLOSE = 0.9995  # smallest cosine between the two formats that is accepted


def resolve_dtype(model: SentenceTransformer, dtype: str = "auto") -> str:
    """Name of the format that `encode` uses: ``"float32"``, ``"bfloat16"`` or ``"float16"``.

    ``"auto"`` keeps a model that is loaded in half precision as it is. For a float32 model it measures bfloat16
    against float32 once for this processor, model and version of torch, and keeps the answer beside the cache, so that
    results never depend on how busy the machine was. Processors without bfloat16 instructions are not measured:
    there it is many times slower.

    Parameters
    ----------
    model : SentenceTransformer
    dtype : str
        ``"auto"`` or one of the three names.

    Raises
    ------
    ValueError
        For another name.
    """
    if dtype in DTYPES:
        return dtype
    if dtype != "auto":
        raise ValueError(f"expected dtype 'auto', {', '.join(map(repr, DTYPES))}; got {dtype!r}")
    own = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.float32)
    if own != torch.float32:
        return next((name for name, kind in DTYPES.items() if kind == own), "float32")
    part = parts(model, "")
    device = torch.device(model.device)
    if part.transformer is None or not _has_bfloat16(device):
        return "float32"
    digest = weights_digest(part.body)
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    key = f"{where}, {torch.get_num_threads()} threads, torch {torch.__version__}, {digest}"
    file = cache_folder() / "probes.json"
    known = _read(file)
    if key not in known:
        known = {**known, key: _probe(part.transformer, part.body[1:], digest, device)}
        with suppress(OSError):  # a cache that cannot be written is reported where vectors are kept
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_json(file, known)
    return "bfloat16" if known[key]["ratio"] >= WORTH_IT and known[key]["cosine"] >= CLOSE else "float32"


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and bool(
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )


def _probe(transformer: Any, rest: list[Any], digest: str, device: torch.device) -> dict[str, float]:
    """Seconds of float32 over seconds of bfloat16 (fastest of five, in turns), and the smallest cosine between them."""
    rng = np.random.default_rng(0)
    vocabulary = len(transformer.tokenizer)
    rows = 16 if device.type == "cpu" else 256
    ids = rng.integers(min(1000, vocabulary // 2), vocabulary, size=(rows, 64)).tolist()
    twins = {name: in_dtype(transformer, DTYPES[name], digest) for name in ("float32", "bfloat16")}
    vectors = {name: run_ids(twin, rest, ids) for name, twin in twins.items()}
    seconds = dict.fromkeys(twins, np.inf)
    for _ in range(5):
        for name, twin in twins.items():
            start = time.perf_counter()
            run_ids(twin, rest, ids)
            seconds[name] = min(seconds[name], time.perf_counter() - start)
    unit = {name: v / np.linalg.norm(v, axis=1, keepdims=True) for name, v in vectors.items()}
    cosine = float((unit["float32"] * unit["bfloat16"]).sum(axis=1).min())
    return {"ratio": seconds["float32"] / seconds["bfloat16"], "cosine": cosine}


def _read(file: Any) -> dict[str, Any]:
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {
        key: value
        for key, value in (known.items() if isinstance(known, dict) else ())
        if isinstance(value, dict) and all(isinstance(value.get(name), float) for name in ("ratio", "cosine"))
    }
