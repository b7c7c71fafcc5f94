"""A bundle gives back what was put in, with and without this toolkit, and refuses parts that do not match."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import cross_encoder

from toolkit import deploy, evaluate, vectors
from toolkit.deploy.indexes import Index
from toolkit.deploy.packing import QUERY, snippet
from toolkit.finetune.adapter import Adapter, assemble
from toolkit.prepare import RetrievalData, Task
from toolkit.storage import digest_file
from toolkit.vectors import System, bm25, dense, fuse, rerank
from toolkit.vectors.loading import first_layers
from toolkit.vectors.origin import Origin, origin_of, set_origin

CORPUS = {
    "rolling": "rolling: provide moving window calculations over a series, such as the median",
    "csv": "read_csv: read a file of comma separated values into a table",
    "fft": "fft: compute the discrete Fourier transform of a signal",
    "svd": "svd: factor a matrix by singular value decomposition",
    "emoji": "naïve café ☕ שלום: text of several scripts\nand two lines",
}


QUERIES = {"m": "median of a window", "d": "decomposition of a matrix", "t": "table of values"}


@pytest.fixture(scope="module")
def two_sided(model: Any) -> Any:
    """A small model with a different random layer on top of it for each side."""
    rng = np.random.default_rng(0)
    query, document = (np.eye(384, dtype=np.float32) + 0.02 * rng.normal(size=(384, 384)).astype("f") for _ in range(2))
    return assemble(first_layers(model, 1), Adapter("separate layers", query, document))


def index_of(system: Any) -> Index:
    rows = vectors.encode(system.encoder, list(QUERIES.values()), side="query", dtype="float32")
    return deploy.build_index(system.vectors, queries=rows)


@pytest.fixture(scope="module")
def by_vectors(two_sided: Any) -> Any:
    return dense(two_sided, CORPUS, name="tuned", dtype="float32")


@pytest.fixture(scope="module")
def index(by_vectors: Any) -> Index:
    return index_of(by_vectors)


@pytest.fixture(scope="module")
def made(by_vectors: Any, index: Index, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deploy.bundle(by_vectors, index, tmp_path_factory.mktemp("bundles") / "a bundle ü")


@pytest.fixture(scope="module")
def both(by_vectors: Any, index: Index, tmp_path_factory: pytest.TempPathFactory) -> Path:
    system = fuse(by_vectors, bm25(CORPUS), k=9, name="tuned+BM25")
    return deploy.bundle(system, index, tmp_path_factory.mktemp("bundles") / "both", query="moving\nmedian " * 50)


@pytest.fixture
def copy(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copy"))


def test_two_sides_go_through_encode_evaluate_and_bundle(two_sided: Any, made: Path) -> None:
    """Each side takes its own layer everywhere, and a bare encode takes the document side."""
    texts = ["median of a moving window", "factor a matrix"]
    query, document = (vectors.encode(two_sided, texts, side=side, dtype="float32") for side in ("query", "document"))
    assert np.abs(query - document).max() > 0.01
    stock = (
        two_sided.encode_query(texts, normalize_embeddings=True),
        two_sided.encode_document(texts, normalize_embeddings=True),
    )
    np.testing.assert_allclose(query, stock[0], atol=1e-5)
    np.testing.assert_allclose(document, stock[1], atol=1e-5)
    np.testing.assert_allclose(two_sided.encode(texts, normalize_embeddings=True), document, atol=1e-5)

    queries = dict(zip(("m", "f"), texts, strict=True))
    task = Task("t", "retrieval", RetrievalData(CORPUS, queries, {"m": {"rolling": 1}, "f": {"svd": 1}}), {})
    ranking = evaluate.scoring.rank(two_sided, task, dtype="float32")
    expected = query @ vectors.encode(two_sided, list(CORPUS.values()), side="document", dtype="float32").T
    for row, name in enumerate(queries):
        for column, doc in enumerate(CORPUS):
            assert ranking[name][doc] == pytest.approx(expected[row, column], abs=1e-5)
    found = deploy.load(made).search(queries, 5)
    for name in queries:
        assert found[name] == pytest.approx(ranking[name], abs=1e-3)  # the bundle may compute in bfloat16
    assert isinstance(deploy.load(made), System)
    assert evaluate.score(deploy.load(made), task).per_query["accuracy@1"].tolist() == [1, 1]


def test_find_gives_texts_back(made: Path) -> None:
    """The best hit comes first, with its id and its text to the letter."""
    hits = deploy.load(made).find("moving median", 3)
    assert hits[0].id == "rolling" and hits[0].text == CORPUS["rolling"]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True) and len(hits) == 3
    assert {hit.text for hit in deploy.load(made).find("x", 99)} == set(CORPUS.values())


def test_snippet_needs_no_toolkit(made: Path, tmp_path: Path) -> None:
    """The six lines print the same documents in a program that cannot import this toolkit."""
    lines = snippet(deploy.load(made).system, made, "median of a moving window")
    assert len(lines.splitlines()) == 6
    script = tmp_path / "other.py"
    script.write_text("import sys; sys.modules['toolkit'] = None\n" + lines, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-X", "utf8", str(script)], capture_output=True, text=True, encoding="utf-8", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    expected = "\n".join(hit.text for hit in deploy.load(made).find("median of a moving window", 5))
    assert done.stdout.strip() == expected


def test_moved_bundle_loads(copy: Path) -> None:
    """A bundle holds no path: moved, it searches as before, also by the run folder that holds it."""
    run = copy.parent / "run"
    run.mkdir()
    copy.rename(run / "bundle")
    assert deploy.load(run).find("singular values", 1)[0].id == "svd"


@pytest.mark.parametrize("part", ["index.faiss", "documents.jsonl", "model/model.safetensors", "model/modules.json"])
def test_changed_part_is_refused(copy: Path, part: str) -> None:
    """One changed byte anywhere is noticed, and the part is named."""
    data = bytearray((copy / part).read_bytes())
    data[len(data) // 2] ^= 1
    (copy / part).write_bytes(data)
    with pytest.raises(
        ValueError, match=rf"{part} in the bundle .* is not the one that belongs there: expected SHA-256"
    ):
        deploy.load(copy)


def test_missing_part_and_no_bundle(copy: Path, tmp_path: Path) -> None:
    """A missing part is named; a folder without a bundle says what was expected."""
    (copy / "index.faiss").unlink()
    with pytest.raises(FileNotFoundError, match=r"lacks index\.faiss"):
        deploy.load(copy)
    with pytest.raises(FileNotFoundError, match=r"no bundle in .*expected bundle\.json"):
        deploy.load(tmp_path / "nowhere")
    (copy / "bundle.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="is damaged"):
        deploy.load(copy)


def test_parts_of_another_bundle_are_refused(copy: Path) -> None:
    """Also when the digests were made to fit, counts that differ are refused."""
    lines = (copy / "documents.jsonl").read_text(encoding="utf-8").splitlines()[:-1]
    (copy / "documents.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    record = json.loads((copy / "bundle.json").read_text(encoding="utf-8"))
    record["sha256"]["documents.jsonl"] = digest_file(copy / "documents.jsonl")
    (copy / "bundle.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(ValueError, match="differ in their number of documents"):
        deploy.load(copy)


def test_nothing_is_overwritten(by_vectors: Any, made: Path, index: Index, tmp_path: Path) -> None:
    """An existing folder stays as it is, and a failed bundle leaves nothing behind."""
    with pytest.raises(FileExistsError, match="exists already"):
        deploy.bundle(by_vectors, index, made)
    few = dense(by_vectors.encoder, dict(list(CORPUS.items())[:4]))
    with pytest.raises(ValueError, match="holds 5 vectors and the corpus 4 documents"):
        deploy.bundle(few, index, tmp_path / "new")

    class Failing(type(by_vectors.encoder)):  # type: ignore[misc]
        def save_pretrained(self, *args: Any, **kwargs: Any) -> None:
            raise OSError("no space left")

    failing = Failing(modules=list(by_vectors.encoder), device="cpu")
    with pytest.raises(OSError, match="no space left"):
        deploy.bundle(dense(failing, CORPUS), index, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


class Foreign:
    """An encoder that cannot be saved."""

    def encode(self, texts: list[str]) -> Any:
        return [[1.0, 0.0]] * len(texts)


class Reader:
    """A cross-encoder that cannot be saved."""

    def predict(self, pairs: Any) -> Any:
        return [0.0] * len(pairs)


def test_systems_that_cannot_be_bundled(by_vectors: Any, index: Index, tmp_path: Path, model: Any) -> None:
    """What answers no new searches, cannot be saved, or lacks its index, is refused by what it is."""
    words = bm25(CORPUS)
    ranking = vectors.from_ranking({"q": {"csv": 1.0}}, CORPUS, name="shop")
    for system, given, message in (
        (ranking, None, "'shop' is of kind 'ranking'"),
        (fuse(words, ranking), None, "'shop' is of kind 'ranking'"),
        (by_vectors, None, "index.*'tuned'.*got NoneType"),
        (words, index, "no index.*'BM25'.*got Index"),
        (dense(Foreign(), CORPUS), index, "Foreign cannot be saved"),
        (rerank(words, Reader()), None, "Reader cannot be saved"),
        (fuse(by_vectors, dense(model, CORPUS)), index, "one model, got 2"),
    ):
        with pytest.raises(ValueError, match=message):
            deploy.bundle(system, given, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("text", "k"), [("", 1), ("  ", 1), (None, 1), ("x", 0)])
def test_bad_search(made: Path, text: Any, k: int) -> None:
    """An empty search, something that is no text, and k below 1 are refused."""
    with pytest.raises(ValueError, match="expected"):
        deploy.load(made).find(text, k)


def test_command_line(both: Path, tmp_path: Path) -> None:
    """The command searches, by the whole or a part, and ends with one sentence and status 1 where it cannot."""

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-X", "utf8", "-m", "toolkit.deploy", *words],
            capture_output=True,
            text=True,
            encoding="utf-8",
        )

    found = command("search", str(both), "moving median", "--k", "2")
    assert found.returncode == 0 and found.stdout.splitlines()[0].endswith(CORPUS["rolling"])
    assert len(found.stdout.splitlines()) == 2
    words = command("search", str(both), "separated series", "--system", "BM25")
    expected = bm25(CORPUS).search({"q": "separated series"})["q"]
    assert [float(line.split()[1]) for line in words.stdout.splitlines()] == pytest.approx(
        list(expected.values()), abs=1e-3
    )
    unknown = command("search", str(both), "x", "--system", "magic")
    assert unknown.returncode == 1 and "'tuned+BM25', 'tuned', 'BM25'" in unknown.stderr
    missing = command("verify", str(tmp_path))
    assert missing.returncode == 1 and missing.stderr.startswith("error: there is no bundle in")


# ---- what is searched, and how


def test_fusion_and_its_parts(both: Path, by_vectors: Any) -> None:
    """The bundle ranks as the system does that was bundled; its parts can be searched alone."""
    loaded = deploy.load(both)
    expected = fuse(by_vectors, bm25(CORPUS), k=9).search(QUERIES, 3)
    assert list(loaded.systems) == ["tuned+BM25", "tuned", "BM25"] and loaded.name == "tuned+BM25"
    found = loaded.search(QUERIES, 3)
    assert {query: list(row) for query, row in found.items()} == {query: list(row) for query, row in expected.items()}
    assert loaded.systems["BM25"].search(QUERIES) == bm25(CORPUS).search(QUERIES)
    hits = loaded.find("moving median", 2, system="BM25")
    assert [hit.id for hit in hits] == list(bm25(CORPUS).search({"q": "moving median"}, 2)["q"])
    with pytest.raises(ValueError, match="no system 'magic'"):
        loaded.find("x", system="magic")
    assert loaded.record["k"] == 9 and [part["kind"] for part in loaded.record["parts"]] == ["dense", "bm25"]


def test_manifest_names_the_system(both: Path, model: Any) -> None:
    """bundle.json holds the record, with the model's folder in the bundle."""
    record = json.loads((both / "bundle.json").read_text())
    part = record["system"]["parts"][0]
    assert (
        part["model"]["folder"] == "model" and part["dtype"] == "float32" and part["model"]["name"] == vectors.DEFAULT
    )
    assert part["model"]["sha256"]["model.safetensors"] == digest_file(both / "model" / "model.safetensors")
    assert record["index"]["kind"] == "Flat" and record["index"]["source"] == "validation searches"
    assert {"index.faiss", "queries.npy", "documents.jsonl", "model/modules.json"} < set(record["sha256"])
    assert str(Path.home()) not in (both / "bundle.json").read_text()


def test_keywords_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A bundle of BM25 holds no model and no index, and its lines use the toolkit."""
    out = deploy.bundle(bm25(CORPUS, language="german"), None, tmp_path / "b")
    assert sorted(path.name for path in out.iterdir()) == ["README.md", "bundle.json", "documents.jsonl"]
    loaded = deploy.load(out)
    assert loaded.search(QUERIES) == bm25(CORPUS, language="german").search(QUERIES) and loaded.index is None
    page = (out / "README.md").read_text(encoding="utf-8")
    assert "from toolkit import deploy" in page and "faiss" not in page.partition("## Privacy")[0]
    exec(snippet(loaded, out, "separated values"), {})
    assert capsys.readouterr().out.splitlines()[0] == CORPUS["csv"]
    changed = loaded.add({"new": "quokka: a marsupial"}).remove(["svd"])
    assert changed.find("quokka", 1)[0].id == "new" and "svd" not in changed.corpus
    assert changed.systems["BM25"].record["language"] == "german"


def test_reranked(by_vectors: Any, index: Index, model: Any, tmp_path: Path) -> None:
    """The cross-encoder is saved with the bundle, and the bundle ranks as before, also after a change."""
    reader = cross_encoder(tmp_path / "reader", model.tokenizer)
    system = rerank(fuse(by_vectors, bm25(CORPUS)), reader, depth=3, name="read")
    out = deploy.bundle(system, index, tmp_path / "b")
    shutil.rmtree(tmp_path / "reader")
    found, expected = deploy.load(out).search(QUERIES, 3), system.search(QUERIES, 3)
    for query in QUERIES:
        assert list(found[query]) == list(expected[query])
        assert found[query] == pytest.approx(expected[query], abs=1e-5)
    changed = deploy.load(out).remove(["fft"])
    assert changed.record["kind"] == "reranked" and changed.record["depth"] == 3
    smaller = {doc: text for doc, text in CORPUS.items() if doc != "fft"}
    again = rerank(fuse(dense(by_vectors.encoder, smaller, dtype="float32"), bm25(smaller)), reader, depth=3)
    assert list(changed.search(QUERIES, 3)["m"]) == list(again.search(QUERIES, 3)["m"])


def test_readme_pastes_the_callers_search(made: Path, both: Path) -> None:
    """The lines hold the caller's search, cut to a line, and say where they search by less than the bundle does."""
    pages = {path: (path / "README.md").read_text(encoding="utf-8") for path in (made, both)}
    [line] = [line for line in pages[both].splitlines() if line.startswith("folder, search =")]
    assert "'moving median moving" in line and len(line) < 140 and QUERY in pages[made]
    assert ("by vectors alone" in pages[made], "by vectors alone" in pages[both]) == (False, True)


def test_a_change_forgets_the_callers_search(both: Path, tmp_path: Path) -> None:
    """After a change the README holds another search, and the record stays."""
    folder = Path(shutil.copytree(both, tmp_path / "copy"))
    before = deploy.load(folder)
    changed = before.remove(["csv"])
    page = (changed.path / "README.md").read_text(encoding="utf-8")
    assert "moving" not in page and "rolling" not in page and QUERY in page
    assert changed.manifest["system"] == before.manifest["system"]
    rest = {doc: text for doc, text in CORPUS.items() if doc != "csv"}
    assert changed.systems["BM25"].search(QUERIES) == bm25(rest).search(QUERIES)


def test_a_cut_model_is_bundled_as_it_is(model: Any, tmp_path: Path) -> None:
    """The layers that were kept lie in the bundle, and are not cut once more."""
    system = dense(first_layers(model, 1), CORPUS, dtype="float32")
    loaded = deploy.load(deploy.bundle(system, index_of(system), tmp_path / "b"))
    assert loaded.find("moving median", 1)[0].id == next(iter(system.search({"q": "moving median"}, 1)["q"]))


def test_files_of_a_saved_tuned_model_are_linked(two_sided: Any, index: Index, tmp_path: Path) -> None:
    """Where the saved files are those of the model, they are linked with card and record; else the model is saved."""
    model = tmp_path / "run" / "model"
    two_sided.save_pretrained(str(model), create_model_card=False)
    training = {"base": {"name": "x"}}
    (model / "training.json").write_text(json.dumps(training))
    (model / "README.md").write_text("card")
    tuned = assemble(two_sided, Adapter("one layer for both", np.eye(384, dtype="f"), np.eye(384, dtype="f")))
    for encoder, linked in ((two_sided, True), (tuned, False)):
        before = origin_of(encoder)
        set_origin(encoder, Origin("x", folder=str(model), training=training))
        system = dense(encoder, CORPUS, dtype="float32")
        out = deploy.bundle(system, index, tmp_path / f"linked {linked}")
        set_origin(encoder, before)
        weights = out / "model" / "model.safetensors"
        assert (weights.stat().st_nlink > 1) == linked or sys.platform == "win32"
        assert (out / "model" / "README.md").exists() == linked
        assert json.loads((out / "model" / "training.json").read_text()) == training
        assert origin_of(deploy.load(out).systems["dense"].encoder).training == training  # type: ignore[attr-defined]


@pytest.mark.skipif(sys.platform == "win32", reason="has no such permissions")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_files_have_the_permissions_of_new_ones(by_vectors: Any, index: Index, tmp_path: Path, umask: int) -> None:
    """What is saved can be read by whom the umask lets read, the weights too; also after a change."""
    before = os.umask(umask)
    try:
        saved = deploy.bundle(by_vectors, index, tmp_path / "saved")
        deploy.load(saved).remove(["csv"])
    finally:
        os.umask(before)
    modes = {path: path.stat().st_mode & 0o777 for path in (saved, *saved.rglob("*"))}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o666 & ~umask}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o777 & ~umask}


def test_add_and_remove(copy: Path) -> None:
    """What is added is found, what is removed is in no file any more, and the rest keeps its scores."""
    before = deploy.load(copy).search({"q": "median of a window"}, 5)["q"]
    added = deploy.load(copy).add({"new": "quokka: a small marsupial of Western Australia"})
    assert added.find("small marsupial", 1)[0].id == "new" and len(added.corpus) == 6
    assert {**added.search({"q": "median of a window"}, 6)["q"], "new": 0} == {**before, "new": 0}
    removed = deploy.load(copy).remove(["new", "csv"])
    assert list(removed.corpus) == ["rolling", "fft", "svd", "emoji"] == list(deploy.load(copy).corpus)
    for file in copy.rglob("*"):
        assert file.is_dir() or file.parent.name == "model" or b"quokka" not in file.read_bytes()
    assert [path.name for path in copy.parent.iterdir()] == ["copy"]
    after = removed.search({"q": "median of a window"}, 5)["q"]
    assert after == {name: before[name] for name in before if name != "csv"}


def test_a_change_keeps_the_index_and_measures_it_with_the_stored_searches(copy: Path) -> None:
    """Kind, settings, wanted recall and queries stay; the measurement is of the stored searches."""
    before = deploy.load(copy)
    changed = before.add({"new": "quokka: a small marsupial"})
    assert before.index is not None and changed.index is not None
    assert np.array_equal(changed.index.queries, before.index.queries) and changed.index.measured["queries"] == 3
    kept = ("kind", "settings", "recall", "k", "source")
    assert all(changed.index.record[name] == before.index.record[name] for name in kept)
    assert len(changed.index) == 6 and changed.index.measured["recall"] == 1


def test_a_change_without_stored_searches(by_vectors: Any, index: Index, tmp_path: Path) -> None:
    """Where no searches were stored, nothing is measured, and the count says so."""
    bare = dataclasses.replace(index, queries=np.empty((0, 384), np.float32))
    out = deploy.bundle(by_vectors, bare, tmp_path / "b")
    changed = deploy.load(out).remove(["csv"])
    measured = json.loads((changed.path / "bundle.json").read_text())["index"]["measured"]
    assert measured["queries"] == 0 and "recall" not in measured


def test_an_index_that_gives_no_vectors_back(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the texts are encoded again, and the search finds the same."""
    before = deploy.load(copy).search(QUERIES, 9)
    monkeypatch.setattr(Index, "vectors", lambda self: None)
    changed = deploy.load(copy).add({"new": "quokka: a small marsupial"})
    assert changed.find("marsupial", 1)[0].id == "new"
    for query, row in changed.search(QUERIES, 9).items():
        assert {doc: score for doc, score in row.items() if doc != "new"} == pytest.approx(before[query], abs=1e-2)


def test_another_format_is_refused(copy: Path) -> None:
    """A bundle of another version is not read by guesses."""
    record = json.loads((copy / "bundle.json").read_text())
    (copy / "bundle.json").write_text(json.dumps({**record, "format": 1}))
    with pytest.raises(ValueError, match="format 1"):
        deploy.load(copy)


def test_a_kill_between_the_renames_loses_nothing(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A change that dies after the old bundle stepped aside is finished by the next load."""
    rename = Path.rename

    def dying(self: Path, target: Path) -> Path:
        if self.name.endswith(".new"):
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", dying)
    with pytest.raises(KeyboardInterrupt):
        deploy.load(copy).remove(["csv"])
    monkeypatch.undo()
    assert not copy.exists()
    assert set(deploy.load(copy).corpus) == set(CORPUS) - {"csv"}
    assert deploy.load(copy).remove(["svd"]) and [path.name for path in copy.parent.iterdir()] == ["copy"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda b: b.add({"svd": "again"}), "'svd' is in the bundle already"),
        (lambda b: b.add({"x": " "}), "document 'x' is ' ': expected a text"),
        (lambda b: b.remove(["nothing"]), "no document 'nothing'"),
        (lambda b: b.remove("svd"), "expected a list of ids"),
        (lambda b: b.remove(list(CORPUS)), "every document"),
    ],
)
def test_bad_changes_leave_the_bundle_as_it_was(made: Path, call: Any, message: str) -> None:
    """Nothing is written when a change is refused."""
    with pytest.raises(ValueError, match=message):
        call(deploy.load(made))
    assert dict(deploy.load(made).corpus) == CORPUS
