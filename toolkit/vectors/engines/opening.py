"""Choose the engine that runs a model."""

from __future__ import annotations

from typing import Any

from sentence_transformers import SentenceTransformer

from toolkit.vectors.engines.base import Body
from toolkit.vectors.engines.stock import SentenceTransformersBackbone
from toolkit.vectors.engines.torch import TorchBody, divide
from toolkit.vectors.precision import resolve_dtype
from toolkit.vectors.protocols import Encoder

PROMPTS = {"query": ("query",), "document": ("document", "passage", "corpus")}


def open_body(model: Encoder, side: str | None = None, dtype: str = "auto") -> Body:
    """Prepare the body of a model to encode one side, with its prompt, number format and engine.

    Parameters
    ----------
    model : Encoder
        One of sentence-transformers, or of another engine, with a method ``open_body(side, dtype)``.
    side : {"query", "document"}, optional
    dtype : str
        As in `toolkit.vectors.encode`.
    """
    if not isinstance(model, SentenceTransformer):
        other: Any = model
        body: Body = other.open_body(side, dtype)
        return body
    # The prompt that sentence-transformers itself puts before a text of that side.
    name = next((name for name in PROMPTS.get(side or "", ()) if name in model.prompts), model.default_prompt_name)
    prompt = str(model.prompts.get(name) or "") if name else ""
    dtype = resolve_dtype(model, dtype)
    divided = divide(model, prompt)
    if divided is None:
        return SentenceTransformersBackbone(model, prompt, side, dtype, list(model))
    return TorchBody(model, prompt, side, dtype, *divided)
