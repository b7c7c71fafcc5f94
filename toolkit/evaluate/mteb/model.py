"""Adapt a model to mteb: identity by digest, prompts, declared training data, and vectors."""

from __future__ import annotations

import copy
import json
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit import vectors
from toolkit.evaluate.mteb.tasks import nearest, require_mteb, resolve
from toolkit.storage import digest_texts
from toolkit.vectors.origin import origin_of


@dataclass(frozen=True)
class Identity:
    """What distinguishes a model's results from those of any other.

    Attributes
    ----------
    name : str
        The name in mteb's registry, or ``local/<folder>``.
    weights : str
        Digest of all parameters in memory: the same for equal weights in another folder.
    revision : str
        Digests of the weights and of the settings that change a score: the name of the folder of results.
    prompts : mapping of name to text
        Prefixes of texts, by mteb's names: ``query``, ``document``, a type of task, or a task.
    prompts_from : str
        Where the prompts come from.
    guessed : bool
        Whether `name` was inferred from the name of the model's folder.
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
    """Identify a model by its weights and settings, and find or create its entry in mteb's registry.

    Parameters
    ----------
    model : SentenceTransformer
    name, prompts, dtype
        As in `toolkit.evaluate.benchmark`.

    Returns
    -------
    (Identity, mteb.ModelMeta)

    Raises
    ------
    ValueError
        If `model` is not a sentence-transformers model.
    """
    from sentence_transformers import SentenceTransformer

    from toolkit.vectors.engines.identity import configuration, tokenizer_digest, weights_digest

    if not isinstance(model, SentenceTransformer):
        got = type(model).__name__
        raise ValueError(f"expected a sentence-transformers model, as returned by toolkit.vectors.load, got {got}")
    register = _registry()
    origin = origin_of(model).name
    known, guessed = register.get(origin if name is None else name), False
    if known is None and name is None:
        same = [other for other in register if other and other.rpartition("/")[2] == Path(origin).name]
        known, guessed = (register[same[0]], True) if len(same) == 1 else (None, False)
    listed = (known.loader_kwargs or {}).get("model_prompts") if known is not None else None
    if prompts is not None:
        taken, source = dict(prompts), "given"
    elif listed:
        taken, source = dict(listed), "mteb's model registry"
    else:
        taken = {key: text for key, text in model.prompts.items() if text}
        source = "the model's own settings" if taken else "none"
    modules = list(model)
    weights = weights_digest(modules)
    settings = {
        "modules": configuration(modules), "tokenizer": tokenizer_digest(model.tokenizer), "dtype": dtype,
        "max_seq_length": str(model.max_seq_length), "truncate_dim": model.truncate_dim, "prompts": taken,
    }  # fmt: skip
    revision = f"{weights[:16]}-{digest_texts([json.dumps(settings, sort_keys=True, default=str)])[:8]}"
    identity = Identity("", weights, revision, taken, source, guessed)
    if known is not None:
        return replace(identity, name=known.name), known.model_copy(update={"revision": revision})
    from mteb.models.model_meta import ModelMeta, ScoringFunction

    called = name or f"local/{Path(origin).name or 'model'}"
    called = called if called.count("/") == 1 else "local/" + called.replace("/", "_")
    similar = {"cosine": ScoringFunction.COSINE, "dot": ScoringFunction.DOT_PRODUCT}.get(str(model.similarity_fn_name))
    made = ModelMeta.create_empty(overwrites={"name": called, "revision": revision, "similarity_fn_name": similar})
    return replace(identity, name=called), made


def _registry() -> dict[str, Any]:
    return {meta.name: meta for meta in require_mteb().get_model_metas()}


def trained_on(model: str, names: str | list[str]) -> pd.DataFrame:
    """Look up whether a model declares tasks, or other tasks with the same data, as training data.

    Parameters
    ----------
    model : str
        A name in mteb's model registry.
    names : str or list of str
        Tasks or benchmarks, as in `benchmark`.

    Returns
    -------
    DataFrame
        Columns ``model task seen declared note``. ``seen`` is True, False, or None if the model declares nothing;
        ``declared`` lists the data sets that it names itself. Sets that mteb derives from them (another language, a
        smaller sample) count, and so do those of the model from which it was made.

    Raises
    ------
    ValueError
        For a name that mteb does not know; similar names are suggested.
    """
    register = _registry()
    if model not in register:
        raise ValueError(f"mteb's registry has no model {model!r}: {nearest(model, filter(None, register))}")
    return declared_training(model, register[model], [task.metadata.name for task in resolve(names)])


def declared_training(model: str, meta: Any, tasks: list[str]) -> pd.DataFrame:
    """Look up tasks among the training data that a ``ModelMeta`` declares; see `trained_on`."""
    declared = sorted(meta.training_datasets or ())
    reached = meta.get_training_datasets() if meta.training_datasets is not None else None
    short = ", ".join(declared[:6]) + (", ..." if len(declared) > 6 else "")
    rows = []
    for task in tasks:
        seen = None if reached is None else task in reached
        note = ""
        if seen and task in declared:
            note = f"{model} declares {task} as training data: this task is not unseen."
        elif seen:
            note = f"{model} declares training data ({short}) that include {task}: this task is not unseen."
        rows.append({"model": model, "task": task, "seen": seen, "declared": ", ".join(declared), "note": note})
    return pd.DataFrame(rows, columns=["model", "task", "seen", "declared", "note"])


class Encoder:
    """The encoder that mteb calls instead of the model: ``EncoderProtocol`` of mteb 2.

    A model that ends in a normalisation layer is encoded by `toolkit.vectors.encode`, with its cache. Any other keeps
    the lengths of its vectors, which a classifier sees, and is encoded by its own ``encode``.
    """

    def __init__(self, model: Any, identity: Identity, meta: Any, *, dtype: str, cache: bool) -> None:
        self.model, self.identity, self.dtype, self.cache = model, identity, dtype, cache
        self.mteb_model_meta = meta  # its revision is the digest of the weights
        self.unit = type(model[len(model) - 1]).__name__ == "Normalize"
        self.done: Callable[[int], object] = lambda characters: None
        self.used: dict[str, set[str]] = {}
        self.cut: dict[str, set[str]] = {}
        self.seconds = 0.0

    def encode(
        self, inputs: Any, *, task_metadata: Any, hf_split: str, hf_subset: str, prompt_type: Any = None, **kwargs: Any
    ) -> NDArray[np.float32]:
        """Encode the texts in mteb's loader, with the prompt that mteb would choose."""
        from mteb.models.abs_encoder import get_prompt_name

        data = inputs.dataset
        texts = list(data["text"][:]) if "text" in data.column_names else [t for batch in inputs for t in batch["text"]]
        named = get_prompt_name(dict(self.identity.prompts), task_metadata, prompt_type)
        prompt = self.identity.prompts.get(named) if named else None
        self.used.setdefault(task_metadata.name, set()).add(prompt or "")
        started = time.perf_counter()
        side = getattr(prompt_type, "value", None)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            found = self._vectors(texts, side if side in ("query", "document") else None, prompt)
        for warning in caught:  # truncation becomes a note, since the model's limit is part of what is scored
            if "longer than the" in str(warning.message):
                self.cut.setdefault(task_metadata.name, set()).add(str(warning.message).split(". ")[0] + ".")
            else:
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        self.seconds += time.perf_counter() - started
        self.done(sum(map(len, texts)))
        return found

    def _vectors(self, texts: Sequence[str], side: Any, prompt: str | None) -> NDArray[np.float32]:
        model = self.model
        if prompt is not None:  # the same model, weights shared, with one prompt for all texts
            model = copy.copy(model)
            model.prompts = dict.fromkeys(("query", "document", "all"), prompt)
            model.default_prompt_name = "all"
        if self.unit:
            return vectors.encode(model, list(texts), side=side, dtype=self.dtype, cache=self.cache)
        encode = {"query": model.encode_query, "document": model.encode_document}.get(side, model.encode)
        distinct = {text: row for row, text in enumerate(dict.fromkeys(texts))}
        rows = np.asarray(encode(list(distinct), show_progress_bar=False), dtype=np.float32)
        return rows[[distinct[text] for text in texts]]

    def similarity(self, embeddings1: Any, embeddings2: Any) -> NDArray[np.float32]:
        """Compute all pairwise similarities, with the function that the model declares."""
        return np.asarray(self.model.similarity(embeddings1, embeddings2))

    def similarity_pairwise(self, embeddings1: Any, embeddings2: Any) -> NDArray[np.float32]:
        """Compute similarities row by row, with the function that the model declares."""
        return np.asarray(self.model.similarity_pairwise(embeddings1, embeddings2))
