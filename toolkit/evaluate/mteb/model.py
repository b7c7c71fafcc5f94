"""A model of ours as one of mteb's: vectors by `toolkit.vectors.encode`, an identity of its weights, its prompts."""

from __future__ import annotations

import copy
import json
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolkit import vectors
from toolkit.evaluate.mteb.tasks import require_mteb
from toolkit.storage import digest_texts


@dataclass(frozen=True)
class Identity:
    """What tells a model's results from those of any other.

    Attributes
    ----------
    name : str
        As mteb knows the model, or ``local/<folder>``.
    weights : str
        Digest of all parameters as they are now, in memory: the same for equal weights in another folder.
    revision : str
        Digest of the weights, then of the settings that change a score: the folder of the results has this name.
    prompts : mapping of name to text
        Put before texts, by mteb's names: ``query``, ``document``, a type of task, or a task.
    prompts_from : str
    guessed : bool
        Whether `name` was taken from the name of the model's folder.
    """

    name: str
    weights: str
    revision: str
    prompts: Mapping[str, str]
    prompts_from: str
    guessed: bool


def identify(
    model: Any, *, name: str | None = None, prompts: Mapping[str, str] | None = None, dtype: str = "float32"
) -> tuple[Identity, Any]:
    """Identity of a model, and its entry in mteb's register (or one made for it).

    Raises
    ------
    ValueError
        When `model` is no sentence-transformers model.
    """
    from sentence_transformers import SentenceTransformer

    from toolkit.vectors.forward import configuration, tokenizer_digest, weights_digest

    if not isinstance(model, SentenceTransformer):
        raise ValueError(
            f"expected a sentence-transformers model, as toolkit.vectors.load gives it, got {type(model).__name__}: "
            f"only of such a model can the weights be told from those of another"
        )
    known, guessed = _entry(model, name)
    taken, source = _prompts(model, known, prompts)
    modules = list(model)
    weights = weights_digest(modules)
    settings = {
        "modules": configuration(modules), "tokenizer": tokenizer_digest(model.tokenizer), "dtype": dtype,
        "max_seq_length": str(model.max_seq_length), "truncate_dim": model.truncate_dim, "prompts": taken,
    }  # fmt: skip
    revision = f"{weights[:16]}-{digest_texts([json.dumps(settings, sort_keys=True, default=str)])[:8]}"
    called = known.name if known is not None else name or f"local/{Path(_origin(model)).name or 'model'}"
    identity = Identity(called, weights, revision, taken, source, guessed)
    require_mteb()
    from mteb.models.model_meta import ModelMeta, ScoringFunction

    if known is not None:
        return identity, known.model_copy(update={"revision": revision})
    similar = {"cosine": ScoringFunction.COSINE, "dot": ScoringFunction.DOT_PRODUCT}.get(str(model.similarity_fn_name))
    safe = called if called.count("/") == 1 else "local/" + called.replace("/", "_")
    meta = ModelMeta.create_empty(overwrites={"name": safe, "revision": revision, "similarity_fn_name": similar})
    return Identity(safe, weights, revision, taken, source, guessed), meta


def _origin(model: Any) -> str:
    return str(getattr(model, "toolkit_origin", {}).get("name") or "model")


def _entry(model: Any, name: str | None) -> tuple[Any, bool]:
    """The model's entry in mteb's register or None, and whether it was found by the name of a folder alone."""
    mteb = require_mteb()
    register = {meta.name: meta for meta in mteb.get_model_metas()}
    if name is not None:
        return register.get(name), False
    origin = _origin(model)
    if origin in register:
        return register[origin], False
    same = [other for other in register if other and other.rpartition("/")[2] == Path(origin).name]
    return (register[same[0]], True) if len(same) == 1 else (None, False)


def _prompts(model: Any, known: Any, given: Mapping[str, str] | None) -> tuple[dict[str, str], str]:
    """Prompts and where they are from: the caller, mteb's register (the model's card), or the model's own settings."""
    if given is not None:
        return dict(given), "given"
    listed = (known.loader_kwargs or {}).get("model_prompts") if known is not None else None
    if listed:
        return dict(listed), "mteb's register of models"
    own = {key: text for key, text in model.prompts.items() if text}
    return own, "the model's own settings" if own else "none"


class Encoder:
    """What mteb calls instead of the model: ``EncoderProtocol`` of mteb 2.

    A model that ends in a layer of unit length is encoded by `toolkit.vectors.encode`: sorted by length, each text
    once, from the cache. Any other keeps its lengths, which a classifier sees, and encodes by its own ``encode``.
    """

    def __init__(self, model: Any, identity: Identity, meta: Any, *, dtype: str, cache: bool) -> None:
        from sentence_transformers.base.modules import Module  # noqa: F401  (fails early where the layout is another)

        self.model, self.identity, self._meta, self.dtype, self.cache = model, identity, meta, dtype, cache
        self.unit = type(model[len(model) - 1]).__name__ == "Normalize"
        self.done: Callable[[int], object] = lambda characters: None
        self.used: dict[str, set[str]] = {}
        self.cut: dict[str, set[str]] = {}
        self.seconds = 0.0

    @property
    def mteb_model_meta(self) -> Any:
        """The model's entry, with the digest of the weights as its revision."""
        return self._meta

    def encode(
        self, inputs: Any, *, task_metadata: Any, hf_split: str, hf_subset: str, prompt_type: Any = None, **kwargs: Any
    ) -> NDArray[np.float32]:
        """Vectors of the texts in mteb's loader, with the prompt that mteb would choose."""
        from mteb.models.abs_encoder import get_prompt_name

        data = inputs.dataset
        texts = list(data["text"][:]) if "text" in data.column_names else [t for batch in inputs for t in batch["text"]]
        named = get_prompt_name(dict(self.identity.prompts), task_metadata, prompt_type)
        prompt = self.identity.prompts.get(named) if named else None
        self.used.setdefault(task_metadata.name, set()).add(prompt or "")
        started = time.perf_counter()
        side = getattr(prompt_type, "value", None)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            found = self._vectors(texts, side if side in ("query", "document") else None, prompt)
        for warning in said:  # of texts that are cut: the model's limit is part of what is scored, hence a note
            if "longer than the" in str(warning.message):
                self.cut.setdefault(task_metadata.name, set()).add(str(warning.message).split(". ")[0] + ".")
            else:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        self.seconds += time.perf_counter() - started
        self.done(sum(map(len, texts)))
        return found

    def _vectors(self, texts: Sequence[str], side: Any, prompt: str | None) -> NDArray[np.float32]:
        model = self.model if prompt is None else _with_prompt(self.model, prompt)
        if self.unit:
            return vectors.encode(model, list(texts), side=side, dtype=self.dtype, cache=self.cache)
        encode = {"query": model.encode_query, "document": model.encode_document}.get(side, model.encode)
        distinct = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        rows = np.asarray(encode(list(distinct), show_progress_bar=False), dtype=np.float32)
        return rows[[distinct[text] for text in texts]]

    def similarity(self, embeddings1: Any, embeddings2: Any) -> NDArray[np.float32]:
        """All similarities, by the function that the model declares."""
        return np.asarray(self.model.similarity(embeddings1, embeddings2))

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> NDArray[np.float32]:
        """Similarities of rows, by the function that the model declares."""
        return np.asarray(self.model.similarity_pairwise(embeddings1, embeddings2))


def _with_prompt(model: Any, prompt: str) -> Any:
    """The same model, weights shared, with one prompt for all texts."""
    view = copy.copy(model)
    view.prompts = dict.fromkeys(("query", "document", "all"), prompt)
    view.default_prompt_name = "all"
    return view
