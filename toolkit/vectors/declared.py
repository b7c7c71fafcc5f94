"""What a model's card declares: its licence, its languages, what it was trained on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Declared:
    """The head of a model card; what the card does not say is empty.

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


def declared(model: Any) -> Declared:
    """Read the head of the card that lies in the folder of `model`, or beside it in the Hub's local cache.

    Parameters
    ----------
    model : SentenceTransformer
        From `toolkit.vectors.load`. Nothing is downloaded.
    """
    from huggingface_hub import ModelCard, try_to_load_from_cache
    from yaml import YAMLError

    origin = getattr(model, "toolkit_origin", {})
    if "folder" in origin:
        card: Any = Path(origin["folder"]) / "README.md"
    else:
        card = try_to_load_from_cache(str(origin.get("name", "none")), "README.md", revision=origin.get("commit"))
    if not isinstance(card, (str, Path)) or not Path(card).is_file():
        return Declared("", [], [])
    try:
        data = ModelCard.load(card, ignore_metadata_errors=True).data.to_dict()
    except (ValueError, YAMLError):  # a head that is none
        return Declared("", [], [])
    return Declared(str(data.get("license") or ""), _list(data.get("language")), _list(data.get("datasets")))


def _list(value: Any) -> list[str]:
    return [] if value is None else [str(item) for item in (value if isinstance(value, list) else [value])]
