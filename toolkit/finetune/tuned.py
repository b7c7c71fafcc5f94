"""Hold and save a tuned model, with what was trained and how it was chosen."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from toolkit import storage
from toolkit.finetune.adapter import TrainSettings
from toolkit.finetune.cards import write_card
from toolkit.vectors import Encoder
from toolkit.vectors.loading import quiet
from toolkit.vectors.origin import origin_of, set_origin, weight_digests

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer


@dataclass(frozen=True)
class Tuned:
    """A tuned model and how it was trained.

    Attributes
    ----------
    model : SentenceTransformer
        ``encode_query`` and ``encode_document`` take their own side; a bare ``encode`` takes the document side.
    method : str
        What was trained.
    settings : TrainSettings
    history : DataFrame
        One row per epoch and candidate: ``candidate epoch loss dev``. Epoch 0 is the base model.
    candidates : DataFrame
        One row per candidate: ``candidate epochs seconds dev chosen``.
    metric : str
        Metric on the validation data (dev).
    dev_base, dev_tuned : float
        The score on dev before and after.
    reencode_documents : bool
        Whether the vectors of documents changed, so that an index of the base model's vectors is no longer valid.
    record : dict
        What was trained on what, for ``run.json`` and the model card.
    """

    model: SentenceTransformer
    method: str
    settings: TrainSettings
    history: pd.DataFrame
    candidates: pd.DataFrame
    metric: str
    dev_base: float
    dev_tuned: float
    reencode_documents: bool
    record: dict[str, Any]

    @property
    def better(self) -> bool:
        """Whether dev was better after training than before."""
        return self.dev_tuned > self.dev_base

    def save(self, folder: str | Path, *, example: tuple[str, str] | None = None) -> Path:
        """Write a standard model folder with a model card, atomically.

        The origin of `model` then names the folder, so that a system with this model can be restored.

        Parameters
        ----------
        folder : path
            One that does not exist yet.
        example : (str, str), optional
            A search and a text that answers it, for the code example in the card. The card is shared with the
            model: without an example it holds none of your texts.

        Raises
        ------
        FileExistsError
            When `folder` exists; nothing is overwritten.
        """
        with storage.new_folder(folder) as temporary:
            with quiet():
                self.model.save_pretrained(str(temporary), create_model_card=False)
            storage.write_json(temporary / "training.json", self.record)
            write_card(temporary / "README.md", self.record, example=example)
            storage.apply_umask(temporary)
        saved = replace(origin_of(self.model), folder=str(Path(folder).resolve()), sha256=weight_digests(folder))
        set_origin(self.model, saved)
        return Path(folder)

    def _repr_html_(self) -> str:
        return self.candidates.to_html(index=False, float_format=lambda x: f"{x:.3f}")


def training_data_warning(model: Encoder, name: str, digest: str) -> str:
    """Return a warning if a tuned model is used on its own training data or on other data.

    Parameters
    ----------
    model : Encoder
        From `toolkit.vectors.load`.
    name, digest : str
        Of the data at hand, as in `toolkit.prepare.Loaded`.

    Returns
    -------
    str
        Empty for a model that was not tuned by this toolkit.
    """
    record = origin_of(model).training
    if not record:
        return ""
    data = record.get("data", {})
    known = data.get("name") or "data that its record does not name"
    base = Path(record["base"]["name"]).name
    if data.get("digest") == digest or data.get("name") == name:
        return (
            f"This model was tuned on {known} already: texts that it was trained on may be in this test, so its scores "
            f"would be too high. To measure, start from its base model, {base}."
        )
    return (
        f"This model was tuned on {known}, not on {name}; on other texts such a layer gained nothing in our test "
        f"(benchmarks/own_file.md): tune it on yours, or use its base model, {base}."
    )
