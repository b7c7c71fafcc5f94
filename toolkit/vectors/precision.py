"""Choose the number format that encodes fastest: measured once for each machine and model, then remembered."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from toolkit.hardware import processor
from toolkit.storage import cache_folder, write_json
from toolkit.vectors.engines.base import Body
from toolkit.vectors.engines.identity import weights_digest
from toolkit.vectors.engines.torch import DTYPES, TorchBody, divide, own_dtype

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

MIN_SPEEDUP = 1.15  # below this ratio the exact format is kept
MIN_COSINE = 0.9995  # smallest cosine between the two formats that is accepted


def resolve_dtype(model: SentenceTransformer, dtype: str = "auto") -> str:
    """Return the number format that `encode` uses: ``"float32"``, ``"bfloat16"`` or ``"float16"``.

    ``"auto"`` keeps a model that is loaded in half precision as it is. For a float32 model it measures bfloat16
    against float32 once for this processor, model and version of torch, and stores the result in the cache, so that
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
    own = own_dtype(model)
    if own != torch.float32:
        return next((name for name, kind in DTYPES.items() if kind == own), "float32")
    divided = divide(model, "")
    device = torch.device(model.device)
    if divided is None or not _has_bfloat16(device):
        return "float32"
    digest = weights_digest(divided[0])
    where = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    key = f"{where}, {torch.get_num_threads()} threads, torch {torch.__version__}, {digest}"
    file = cache_folder() / "probes.json"
    known = _read(file)
    if key not in known:
        bodies = {name: TorchBody(model, "", None, name, *divided) for name in ("float32", "bfloat16")}
        known = {**known, key: _probe(bodies, len(divided[0][0].tokenizer), 16 if device.type == "cpu" else 256)}
        with suppress(OSError):  # an unwritable cache is reported when vectors are stored
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_json(file, known)
    return "bfloat16" if known[key]["ratio"] >= MIN_SPEEDUP and known[key]["cosine"] >= MIN_COSINE else "float32"


def _has_bfloat16(device: torch.device) -> bool:
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type != "cpu":
        return False
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and bool(
        torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    )


def _probe(bodies: Mapping[str, Body], vocabulary: int, rows: int) -> dict[str, float]:
    """Measure the time of float32 over that of bfloat16 (best of five, alternating), and their smallest cosine."""
    ids = np.random.default_rng(0).integers(min(1000, vocabulary // 2), vocabulary, size=(rows, 64)).tolist()
    vectors = {name: body.run(ids) for name, body in bodies.items()}
    seconds = dict.fromkeys(bodies, np.inf)
    for _ in range(5):
        for name, body in bodies.items():
            start = time.perf_counter()
            body.run(ids)
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
