"""A bundle gives back what was put in, with and without this toolkit, and refuses parts that do not match."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toolkit.finetune.layers import Layers

from toolkit import deploy, evaluate, vectors
from toolkit.finetune.training import assemble
from toolkit.prepare import RetrievalData, Task

CORPUS = {
    "rolling": "rolling: provide moving window calculations over a series, such as the median",
    "csv": "read_csv: read a file of comma separated values into a table",
    "fft": "fft: compute the discrete Fourier transform of a signal",
    "svd": "svd: factor a matrix by singular value decomposition",
    "emoji": "naïve café ☕ שלום: text of several scripts\nand two lines",
}


@pytest.fixture(scope="module")
def two_sided(model: Any) -> Any:
    """The embedded model with a different random layer on each side."""
    rng = np.random.default_rng(0)
    query, document = (np.eye(384, dtype=np.float32) + 0.02 * rng.normal(size=(384, 384)).astype("f") for _ in range(2))
    return assemble(model, Layers("both", query, document))


@pytest.fixture(scope="module")
def made(two_sided: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    documents = vectors.encode(two_sided, list(CORPUS.values()), side="document", dtype="float32")
    index = deploy.build_index(documents, queries=documents)
    return deploy.bundle(two_sided, CORPUS, index, tmp_path_factory.mktemp("bundles") / "a bundle ü")


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
    assert evaluate.score(deploy.load(made), task).per_query["accuracy@1"].tolist() == [1, 1]


def test_find_gives_texts_back(made: Path) -> None:
    """The best hit comes first, with its id and its text to the letter."""
    hits = deploy.load(made).find("moving median", 3)
    assert hits[0].id == "rolling" and hits[0].text == CORPUS["rolling"]
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True) and len(hits) == 3
    assert {hit.text for hit in deploy.load(made).find("x", 99)} == set(CORPUS.values())


def test_snippet_needs_no_toolkit(made: Path, tmp_path: Path) -> None:
    """The six lines print the same documents in a program that cannot import this toolkit."""
    lines = deploy.snippet(made, "median of a moving window")
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
    from toolkit.storage import digest_file

    record["sha256"]["documents.jsonl"] = digest_file(copy / "documents.jsonl")
    (copy / "bundle.json").write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(ValueError, match="differ in their number of documents"):
        deploy.load(copy)


def test_nothing_is_overwritten(two_sided: Any, made: Path, tmp_path: Path) -> None:
    """An existing folder stays as it is, and a failed bundle leaves nothing behind."""
    index = deploy.build_index(np.eye(384, dtype=np.float32)[:5], queries=np.eye(384, dtype=np.float32)[:1])
    with pytest.raises(FileExistsError, match="exists already"):
        deploy.bundle(two_sided, CORPUS, index, made)
    with pytest.raises(ValueError, match="holds 5 vectors and the corpus 4 documents"):
        deploy.bundle(two_sided, dict(list(CORPUS.items())[:4]), index, tmp_path / "new")
    with pytest.raises(FileNotFoundError):
        deploy.bundle(tmp_path / "no model", CORPUS, index, tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("text", "k"), [("", 1), ("  ", 1), (None, 1), ("x", 0)])
def test_bad_search(made: Path, text: Any, k: int) -> None:
    """An empty search, something that is no text, and k below 1 are refused."""
    with pytest.raises(ValueError, match="expected"):
        deploy.load(made).find(text, k)


def test_command_line(made: Path, tmp_path: Path) -> None:
    """The command searches, verifies, and ends with one sentence and status 1 where there is no bundle."""

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-X", "utf8", "-m", "toolkit.deploy", *words],
            capture_output=True,
            text=True,
            encoding="utf-8",
        )

    found = command("search", str(made), "moving median", "--k", "2")
    assert found.returncode == 0 and found.stdout.splitlines()[0].endswith(CORPUS["rolling"])
    assert len(found.stdout.splitlines()) == 2
    missing = command("verify", str(tmp_path))
    assert missing.returncode == 1 and missing.stderr.startswith("error: there is no bundle in")


def test_by_keywords_and_by_both(made: Path) -> None:
    """Keywords rank as BM25 does, both as the fusion of the two lists, and other words are refused."""
    loaded = deploy.load(made)
    queries = {"a": "median of a window", "b": "decomposition of a matrix"}
    lists = [loaded.search(queries, 5, by="vectors"), vectors.bm25(CORPUS).search(queries, 5)]
    assert loaded.search(queries, 5, by="keywords") == lists[1]
    fused, both = vectors.fuse(*lists), loaded.search(queries, 3, by="both")
    for query in queries:
        best = sorted(fused[query], key=lambda d: (-fused[query][d], d))[:3]
        assert list(both[query]) == best and both[query] == {d: fused[query][d] for d in best}
    with pytest.raises(ValueError, match="expected by to be one of 'vectors', 'keywords', 'both'; got 'magic'"):
        loaded.search(queries, 5, by="magic")


def test_bundle_remembers_how_it_is_searched(two_sided: Any, tmp_path: Path) -> None:
    """What dev preferred is what a search does, and the readme says so."""
    documents = vectors.encode(two_sided, list(CORPUS.values()), side="document", dtype="float32")
    index = deploy.build_index(documents, queries=documents)
    out = deploy.bundle(two_sided, CORPUS, index, tmp_path / "b", by="keywords")
    assert deploy.load(out).find("Fourier transform of a median", 5) == deploy.load(out).find(
        "Fourier transform of a median", 5, by="keywords"
    )
    assert "preferred keyword search" in (out / "README.md").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="expected by to be"):
        deploy.bundle(two_sided, CORPUS, index, tmp_path / "c", by="magic")


def test_readme_says_how_it_is_searched_and_pastes_a_search_of_its_own(two_sided: Any, tmp_path: Path) -> None:
    """The lines hold the caller's search, cut to a line; where keywords are preferred, that they do without is said."""
    documents = vectors.encode(two_sided, list(CORPUS.values()), side="document", dtype="float32")
    index = deploy.build_index(documents, queries=documents)
    long = "moving\nmedian " * 50
    folders = {by: deploy.bundle(two_sided, CORPUS, index, tmp_path / by, by=by, query=long)
               for by in ("vectors", "keywords", "both")}  # fmt: skip
    pages = {by: (folder / "README.md").read_text(encoding="utf-8") for by, folder in folders.items()}
    for by, page in pages.items():
        [line] = [line for line in page.splitlines() if line.startswith("folder, search =")]
        assert "'moving median moving" in line and len(line) < 140
        assert ("by vectors alone" in page) == (by != "vectors")
    changed = deploy.load(folders["both"]).remove(["csv"])
    page = (changed.path / "README.md").read_text(encoding="utf-8")
    assert "moving" not in page and "rolling" not in page and "what you look for" in page


@pytest.mark.skipif(sys.platform == "win32", reason="has no such permissions")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_files_have_the_permissions_of_new_ones(two_sided: Any, tmp_path: Path, umask: int) -> None:
    """What is saved can be read by whom the umask lets read, the weights too; a linked model keeps its own."""
    documents = vectors.encode(two_sided, list(CORPUS.values()), side="document", dtype="float32")
    index = deploy.build_index(documents, queries=documents)
    before = os.umask(umask)
    try:
        saved = deploy.bundle(two_sided, CORPUS, index, tmp_path / "saved")
        (saved / "model" / "config.json").chmod(0o400)
        linked = deploy.bundle(saved / "model", CORPUS, index, tmp_path / "linked")
    finally:
        os.umask(before)
    own = {path: path.stat().st_mode & 0o777 for path in (saved, *saved.rglob("*")) if path.name != "config.json"}
    assert {mode for path, mode in own.items() if path.is_file()} == {0o666 & ~umask}
    assert {mode for path, mode in own.items() if path.is_dir()} == {0o777 & ~umask}
    assert (saved / "model" / "config.json").stat().st_mode & 0o777 == 0o400
    assert linked.stat().st_mode & 0o777 == 0o777 & ~umask


def test_add_and_remove(copy: Path) -> None:
    """What is added is found, what is removed is in no file any more, and the rest keeps its scores."""
    before = deploy.load(copy).search({"q": "median of a window"}, 5)["q"]
    added = deploy.load(copy).add({"new": "quokka: a small marsupial of Western Australia"})
    assert added.find("small marsupial", 1)[0].id == "new" and len(added.ids) == 6
    assert {**added.search({"q": "median of a window"}, 6)["q"], "new": 0} == {**before, "new": 0}
    removed = deploy.load(copy).remove(["new", "csv"])
    assert sorted(removed.ids) == ["emoji", "fft", "rolling", "svd"] == sorted(deploy.load(copy).ids)
    for file in copy.rglob("*"):
        assert file.is_dir() or file.parent.name == "model" or b"quokka" not in file.read_bytes()
    assert [path.name for path in copy.parent.iterdir()] == ["copy"]
    after = removed.search({"q": "median of a window"}, 5)["q"]
    assert after == {name: before[name] for name in before if name != "csv"}


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
    assert sorted(deploy.load(copy).ids) == sorted(set(CORPUS) - {"csv"})
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
    assert sorted(deploy.load(made).ids) == sorted(CORPUS)
