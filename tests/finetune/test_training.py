"""Training chooses on dev alone, saves standard folders, and writes nothing over what is there."""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset

from toolkit import finetune, prepare, vectors
from toolkit.finetune import TrainSettings
from toolkit.vectors.loading import load_again
from toolkit.vectors.origin import origin_of, set_origin

ANIMALS = (
    "cat",
    "dog",
    "horse",
    "cow",
    "sheep",
    "goat",
    "duck",
    "hen",
    "pig",
    "bee",
    "fox",
    "wolf",
    "bear",
    "owl",
    "mouse",
)
ACTS = ("feeding", "washing", "teaching", "selling", "drawing", "carrying", "healing", "naming", "finding")
# A jargon that the base model cannot know: training has to teach it that these words mean the acts.
JARGON = dict(zip(ACTS, ("zorp", "quib", "flim", "drax", "vunt", "plok", "snib", "wagg", "tresk"), strict=True))


@pytest.fixture(scope="module")
def split() -> prepare.Split:
    rows = [
        (f"{JARGON[act]} {animal}", f"a guide to {act} your {animal} at home, with pictures")
        for animal in ANIMALS
        for act in ACTS
    ]
    frame = pd.DataFrame(rows, columns=["anchor", "positive"])
    return prepare.split(Dataset.from_pandas(frame), sizes=(0.6, 0.2, 0.2), groups=list(range(len(frame))))


@pytest.fixture(scope="module")
def tuned(model: Any, split: prepare.Split) -> finetune.Tuned:
    return finetune.train(model, split, dtype="float32")


def test_learns_a_jargon(model: Any, split: prepare.Split, tuned: finetune.Tuned) -> None:
    """Words that the base model does not know are learnt: held-out searches with them get better."""
    from toolkit import evaluate

    assert tuned.better and tuned.dev_tuned == tuned.candidates["dev"].max() > tuned.dev_base
    before, after = (
        evaluate.score(m, split.test, dtype="float32").per_query["nDCG@10"].mean() for m in (model, tuned.model)
    )
    assert after > before


def test_test_part_is_not_looked_at(model: Any, split: prepare.Split, tuned: finetune.Tuned) -> None:
    """With its test queries' answers swapped, training gives the very same weights."""
    data = split.test.data
    qrels = dict(zip(data.queries, reversed([data.qrels[query] for query in data.queries]), strict=True))
    other = dataclasses.replace(
        split, test=prepare.Task("test", "retrieval", prepare.RetrievalData(data.corpus, data.queries, qrels), {})
    )
    again = finetune.train(model, other, dtype="float32")
    assert again.record["candidate"] == tuned.record["candidate"]
    for mine, theirs in zip(again.model.parameters(), tuned.model.parameters(), strict=True):
        assert (mine == theirs).all()


def test_base_model_does_not_change(model: Any, split: prepare.Split, tuned: finetune.Tuned) -> None:
    """The base model keeps its modules and its vectors."""
    assert [type(module).__name__ for module in model] == ["Transformer", "Pooling", "Normalize"]
    texts = ["zorp cat"]
    np.testing.assert_allclose(vectors.encode(model, texts, dtype="float32"), model.encode(texts), atol=1e-5)


@pytest.mark.parametrize("candidate", ["query layer", "one layer for both", "separate layers"])
def test_saved_folder_gives_the_tuned_vectors(model: Any, split: prepare.Split, candidate: str, tmp_path: Path) -> None:
    """The saved folder, loaded by sentence-transformers alone, gives base vectors times the layers, exactly."""
    from sentence_transformers import SentenceTransformer

    tuned = finetune.train(model, split, candidates=(candidate,), dtype="float32")
    plain = SentenceTransformer(str(tuned.save(tmp_path / "tuned")), device="cpu", local_files_only=True)
    texts = split.train["anchor"][:8]
    base = model.encode(texts)
    layers = {
        "query": lambda: list(plain)[-2].sub_modules["query"][0],
        "document": lambda: list(plain)[-2].sub_modules["document"][0],
    }
    for side, encode in (("query", plain.encode_query), ("document", plain.encode_document)):
        dense = list(plain)[-2] if candidate == "one layer for both" else layers[side]()
        expected = base @ dense.linear.weight.detach().numpy().T
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(encode(texts), expected, atol=1e-6)
        np.testing.assert_allclose(vectors.encode(tuned.model, texts, side=side, dtype="float32"), expected, atol=1e-6)
    assert tuned.reencode_documents == (candidate != "query layer")
    if candidate == "query layer":
        np.testing.assert_allclose(plain.encode_document(texts), base, atol=1e-6)


def test_card_holds_no_text_of_the_data_unless_given(
    tuned: finetune.Tuned, split: prepare.Split, tmp_path: Path
) -> None:
    """The lines to paste hold a neutral search, or the caller's example, in one line each, and they are Python."""
    pages = []
    for name, example in (("bare", None), ("given", (split.train["anchor"][0], "a 'guide'\nto \"all\" " * 20))):
        page = (tuned.save(tmp_path / name, example=example) / "README.md").read_text(encoding="utf-8")
        compile(page.split("```python")[1].split("```")[0], "card", "exec")
        pages.append(page)
    assert not [text for text in [*split.train["anchor"], *split.train["positive"]] if text in pages[0]]
    assert (
        "rolling" not in pages[0] and repr(split.train["anchor"][0]) in pages[1] and len(pages[1]) < len(pages[0]) + 150
    )


@pytest.mark.skipif(sys.platform == "win32", reason="has no such permissions")
def test_saved_model_has_the_permissions_of_new_files(tuned: finetune.Tuned, tmp_path: Path) -> None:
    """The weights can be read by whom the umask lets read, like every other file of the folder."""
    before = os.umask(0o027)
    try:
        folder = tuned.save(tmp_path / "saved")
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in folder.rglob("*") if path.is_file()}
    assert modes == {0o640} and folder.stat().st_mode & 0o777 == 0o750


def test_a_saved_model_can_be_loaded_again(tuned: finetune.Tuned, tmp_path: Path) -> None:
    """The origin names the folder, the weights there and the training, so that its record gives the same vectors."""
    fresh = dataclasses.replace(tuned, model=copy.deepcopy(tuned.model))
    set_origin(fresh.model, dataclasses.replace(origin_of(tuned.model), folder="", sha256={}))  # as before any save
    with pytest.raises(ValueError, match="saved"):
        load_again(origin_of(fresh.model).record)
    folder = fresh.save(tmp_path / "run" / "model")
    record = origin_of(fresh.model).record
    assert record["folder"] == str(folder) and record["training"] == tuned.record
    again = load_again({**record, "folder": "model"}, tmp_path / "run", device="cpu")
    assert dict(origin_of(again).training) == json.loads(json.dumps(tuned.record))
    texts = ["zorp cat", "a guide to feeding your cat"]
    for side in ("query", "document"):
        np.testing.assert_allclose(*(vectors.encode(m, texts, side=side, dtype="float32")
                                     for m in (again, tuned.model)), atol=1e-6)  # fmt: skip


def test_tables(tuned: finetune.Tuned) -> None:
    """Candidates and their epochs by name; the chosen one has the best score; settings are the defaults."""
    table, history = tuned.candidates, tuned.history
    assert table["candidate"].tolist() == ["query layer", "one layer for both", "separate layers"]
    assert list(history.columns) == ["candidate", "epoch", "loss", "dev"] and tuned.metric == "nDCG@10"
    best = history.groupby("candidate", sort=False)["dev"].max()
    assert best.tolist() == table["dev"].tolist() and best[tuned.record["candidate"]] == tuned.dev_tuned
    assert table.loc[table["chosen"], "candidate"].tolist() == [tuned.record["candidate"]]
    assert tuned.settings == TrainSettings() and tuned.record["settings"]["batch_size"] == 512


def test_settings_are_used(model: Any, split: prepare.Split) -> None:
    """Fewer epochs are fewer rows."""
    short = finetune.train(model, split, candidates=["query layer"], settings=TrainSettings(epochs=2), dtype="float32")
    assert short.history["epoch"].tolist() == [0, 1, 2] and not short.reencode_documents


def test_a_dev_part_of_another_kind(model: Any, split: prepare.Split) -> None:
    """Only a search task can choose."""
    table = Dataset.from_dict({"sentence1": ["a", "c"], "sentence2": ["b", "d"], "score": [0.5, 1.0]})
    other = dataclasses.replace(split, dev=prepare.Task("dev", "similarity", table, {}))
    with pytest.raises(ValueError, match="kind 'similarity'"):
        finetune.train(model, other)


def test_save_overwrites_nothing(tuned: finetune.Tuned, tmp_path: Path) -> None:
    """An existing folder is refused; a save that fails half-way leaves no folder behind."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(FileExistsError, match="exists already"):
        tuned.save(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
    broken = dataclasses.replace(tuned, record={})
    with pytest.raises(KeyError):
        broken.save(tmp_path / "new")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_too_few_pairs(model: Any, split: prepare.Split) -> None:
    """Fewer than 20 pairs are refused before anything is encoded."""
    few = dataclasses.replace(split, train=split.train.select(range(5)))
    with pytest.raises(ValueError, match="at least 20 training pairs, got 5"):
        finetune.train(model, few)
