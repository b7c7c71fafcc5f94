"""Train, choose on dev, and save a model that plain sentence-transformers loads."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from toolkit import runs, vectors
from toolkit.evaluate import per_query
from toolkit.prepare import Split, Task
from toolkit.prepare.frames import shape_of

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

    from toolkit.finetune.layers import Layers

DEV_METRIC = "nDCG@10"


@dataclass(frozen=True)
class Tuned:
    """A tuned model and how it came about.

    Attributes
    ----------
    model : SentenceTransformer
        The base model with the trained layers on top. ``encode_query`` and ``encode_document`` take their own side; a
        bare ``encode`` takes the document side.
    sides : str
        ``"query"``, ``"symmetric"`` or ``"both"``: which side has a trained layer; chosen on dev.
    history : DataFrame
        One row an epoch and candidate: ``sides epoch loss dev``. Epoch 0 is the base model.
    candidates : DataFrame
        One row a candidate: ``sides epochs seconds dev chosen``.
    dev_base, dev_tuned : float
        nDCG@10 on dev before and after.
    record : dict
        What was trained on what, for ``run.json`` and the model card.
    """

    model: SentenceTransformer
    sides: str
    history: pd.DataFrame
    candidates: pd.DataFrame
    dev_base: float
    dev_tuned: float
    record: dict[str, Any]

    @property
    def better(self) -> bool:
        """Whether dev was better after training than before."""
        return self.dev_tuned > self.dev_base

    def save(self, folder: str | Path, *, example: tuple[str, str] | None = None) -> Path:
        """Write a standard model folder with a model card, whole or not at all.

        Parameters
        ----------
        folder : path
            One that does not exist yet.
        example : (str, str), optional
            A search and a text that is right for it, for the lines to paste in the card. A card goes where the model
            goes: without it the card holds no text of the data.

        Raises
        ------
        FileExistsError
            When `folder` exists; nothing is overwritten.
        """
        from toolkit.finetune.cards import write_card
        from toolkit.vectors.loading import quiet

        folder = Path(folder)
        if folder.exists():
            raise FileExistsError(f"{folder} exists already; nothing is overwritten, give another folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        try:
            with quiet():
                self.model.save_pretrained(str(temporary), create_model_card=False)
            runs.write_json(temporary / "training.json", self.record)
            write_card(temporary / "README.md", self.record, example=example)
            runs.like_new(temporary)
            temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return folder

    def _repr_html_(self) -> str:
        return self.candidates.to_html(index=False, float_format=lambda x: f"{x:.3f}")


def train(
    model: SentenceTransformer,
    split: Split,
    *,
    sides: Sequence[str] = ("query", "symmetric", "both"),
    seed: int = 0,
    dtype: str = "auto",
    data: Mapping[str, str] | None = None,
) -> Tuned:
    """Train a small layer on top of the fixed model, for each of `sides`, and keep the best on dev.

    The model itself does not change, so its vectors are computed once, from the cache where they are known, and a
    candidate trains in seconds. Early stopping and the choice among the candidates look at dev only.

    Parameters
    ----------
    model : SentenceTransformer
        From `toolkit.vectors.load`.
    split : Split
        From `toolkit.prepare.split`; its test part is not looked at.
    sides : sequence of str
        Candidates: ``"query"`` trains the side of the searches alone, so that documents keep their vectors and an
        index stays valid; ``"symmetric"`` one layer for both sides; ``"both"`` one for each. Of equal dev scores the
        first wins.
    seed : int
    dtype : str
        As in `toolkit.vectors.encode`.
    data : mapping, optional
        ``{"name": ..., "digest": ...}`` of the whole data, for the record: see `other_data`.

    Raises
    ------
    ValueError
        When the training part has fewer than 20 pairs.
    """
    from toolkit.finetune.layers import fit

    if not isinstance(split, Split):
        raise ValueError(f"expected a Split, got {type(split).__name__}: prepare.split(rows) makes one")
    if not {"anchor", "positive"} <= set(split.train.column_names):
        shape = shape_of(split.train)
        raise ValueError(f"expected pairs to train on (columns anchor, positive), got {shape}: see suggest_loss")
    if len(split.train) < 20:
        raise ValueError(f"expected at least 20 training pairs, got {len(split.train)}: more data, or the base model")
    started = time.perf_counter()
    anchors = vectors.encode(model, split.train["anchor"][:], side="query", dtype=dtype)
    positives = vectors.encode(model, split.train["positive"][:], side="document", dtype=dtype)
    dev_score = _dev_scorer(model, split.dev, dtype)
    encoded = time.perf_counter() - started

    found: dict[str, tuple[Layers, list[Any]]] = {}
    rows = []
    for side in sides:
        began = time.perf_counter()
        found[side] = fit(anchors, positives, dev_score, sides=side, seed=seed)
        epochs = found[side][1]
        rows.append({"sides": side, "epochs": len(epochs) - 1, "seconds": round(time.perf_counter() - began, 1),
                     "dev": max(epoch.dev for epoch in epochs)})  # fmt: skip
    candidates = pd.DataFrame(rows)
    chosen = str(candidates["sides"].iloc[int(candidates["dev"].to_numpy().argmax())])
    candidates["chosen"] = candidates["sides"] == chosen
    layers, _ = found[chosen]
    base, best = found[chosen][1][0].dev, float(candidates["dev"].max())
    record = {
        "base": vectors.describe(model),
        "method": "a linear layer on top of the fixed model, in-batch negatives",
        "loss": "MultipleNegativesRankingLoss",
        "sides": chosen,
        "chosen_on": f"dev, {DEV_METRIC}",
        "dev_before": base,
        "dev_after": best,
        "pairs": len(split.train),
        "data": dict(data or {}),
        "data_digest": runs.digest_texts(split.train["anchor"][:], split.train["positive"][:]),
        "seed": seed,
        "dtype": vectors.resolve_dtype(model, dtype),
        "seconds_training": round(float(candidates["seconds"].sum()), 1),
        "seconds_encoding": round(encoded, 1),
        "settings": _settings(),
    }
    history = pd.DataFrame([{"sides": side, **vars(epoch)} for side, (_, epochs) in found.items() for epoch in epochs])
    return Tuned(assemble(model, layers, record), chosen, history, candidates, base, best, record)


def assemble(model: SentenceTransformer, layers: Layers, record: dict[str, Any] | None = None) -> SentenceTransformer:
    """A standard model: all modules of `model`, then the layers, then `Normalize`.

    The layers come after the model's own `Normalize`, since that is where the vectors were taken that they were
    trained on; where the model has none, one is added before them.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Router
    from sentence_transformers.sentence_transformer.modules import Normalize

    def dense(matrix: np.ndarray) -> Dense:
        layer = Dense(len(matrix), len(matrix), bias=False, activation_function=torch.nn.Identity())
        with torch.no_grad():
            layer.linear.weight.copy_(torch.from_numpy(matrix))
        return layer

    modules: list[Any] = list(model)
    if not any(isinstance(module, Normalize) for module in modules):
        modules.append(Normalize())
    if layers.sides == "symmetric":
        modules.append(dense(layers.query))
    else:
        routes: dict[str, list[Any]] = {"query": [dense(layers.query)], "document": [dense(layers.document)]}
        modules.append(Router(routes, default_route="document"))
    tuned = SentenceTransformer(
        modules=[*modules, Normalize()], device=str(model.device), prompts=cast(Any, dict(model.prompts)),
        default_prompt_name=model.default_prompt_name, similarity_fn_name="cosine",
    )  # fmt: skip
    if tuned.max_seq_length != model.max_seq_length:  # which some modules do not let be set
        tuned.max_seq_length = model.max_seq_length
    cast(Any, tuned).toolkit_origin = {**getattr(model, "toolkit_origin", {}), "tuned": record or {}}
    return tuned


def _dev_scorer(model: SentenceTransformer, dev: Task, dtype: str) -> Any:
    """A function that scores layers on dev: the whole corpus, searched exactly."""
    data = dev.data
    names = list(data.corpus)
    spare = max(map(len, dev.echoes.values()), default=0)  # so that ten are left when these are taken out
    documents = vectors.encode(model, list(data.corpus.values()), side="document", dtype=dtype)
    queries = vectors.encode(model, list(data.queries.values()), side="query", dtype=dtype)

    def dev_score(layers: Layers) -> float:
        moved = documents if layers.sides == "query" else layers.apply(documents, "document")
        scores, ids = vectors.nearest(layers.apply(queries, "query"), moved, 10 + spare)
        ranking = {
            query: {names[i]: float(s) for i, s in zip(row_ids, row, strict=True)}
            for query, row_ids, row in zip(data.queries, ids.tolist(), scores.tolist(), strict=True)
        }
        return float(per_query(dev.without_echoes(ranking), data.qrels, [DEV_METRIC])[DEV_METRIC].mean())

    return dev_score


def _settings() -> dict[str, Any]:
    from toolkit.finetune import layers

    names = ("BATCH", "EPOCHS", "PATIENCE", "RATE", "DECAY", "SCALE", "TWIN", "SAME")
    return {name.lower(): getattr(layers, name) for name in names}
