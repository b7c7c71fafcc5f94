"""Files are written whole or not at all, digests tell apart what differs, run folders never collide."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit import runs, storage
from toolkit.hardware import PACKAGES, machine


def test_replacing_is_all_or_nothing(tmp_path: Path) -> None:
    """Readers see the old file until the end, an exception leaves it, and no temporary name stays."""
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(RuntimeError, match="halfway"), storage.replacing(file) as temporary:
        temporary.write_text("half")
        raise RuntimeError("halfway")
    assert file.read_text() == "old" and [file.name for file in tmp_path.iterdir()] == ["a.txt"]
    with storage.replacing(file) as temporary:
        temporary.write_text("new")
        assert file.read_text() == "old" and temporary.parent == tmp_path
    assert file.read_text() == "new" and [file.name for file in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no such permissions")
def test_replacing_gives_usual_permissions(tmp_path: Path) -> None:
    """A file written so can be read by whom any other new file can."""
    (tmp_path / "plain").touch()
    with storage.replacing(tmp_path / "careful") as temporary:
        temporary.write_text("x")
    assert (tmp_path / "careful").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_write_json_takes_what_a_record_holds(tmp_path: Path) -> None:
    """numpy, paths, dates, nan and other scripts come back as JSON's own types."""
    record = {
        "float": np.float32(1.5), "int": np.int64(3), "bool": np.bool_(True), "array": np.array([[1.0, np.nan]]),
        "nan": float("nan"), "inf": -np.inf, "path": Path("a") / "b", "day": datetime.date(2024, 5, 1),
        "none": None, 7: ("x", {"deep": np.float64("nan")}), "script": "日本語 🙂", "series": pd.Series([1, 2]),
    }  # fmt: skip
    storage.write_json(tmp_path / "a.json", record)
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert json.loads(text) == {
        "float": 1.5, "int": 3, "bool": True, "array": [[1.0, None]], "nan": None, "inf": None,
        "path": str(Path("a") / "b"), "day": "2024-05-01", "none": None, "7": ["x", {"deep": None}],
        "script": "日本語 🙂", "series": [1, 2],
    }  # fmt: skip
    assert "日本語" in text and "NaN" not in text


def test_digest_file(tmp_path: Path) -> None:
    """The digest of a file is hashlib's."""
    data = np.random.default_rng(0).bytes(300_000)
    (tmp_path / "a").write_bytes(data)
    assert storage.digest_file(tmp_path / "a") == hashlib.sha256(data).hexdigest()


COLUMNS = st.lists(st.lists(st.text(max_size=3), max_size=3), max_size=3)


@settings(deadline=None)
@given(COLUMNS, COLUMNS)
def test_digest_texts_tells_apart(left: list[list[str]], right: list[list[str]]) -> None:
    """Two sets of columns have one digest only if they are equal."""
    assert (storage.digest_texts(*left) == storage.digest_texts(*right)) == (left == right)


def test_digest_texts_boundaries() -> None:
    """Order, borders between texts and columns, empty texts and lone surrogates all count."""
    cases = [(["ab"],), (["a", "b"],), (["b", "a"],), (["a"], ["b"]), (["ab", ""],), (["ab"], []), (["\ud800"],), ()]
    assert len({storage.digest_texts(*case) for case in cases}) == len(cases)
    assert storage.digest_texts(["a"]) == storage.digest_texts(iter(["a"])) and len(storage.digest_texts()) == 64


def test_runs_of_one_second_do_not_collide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that start within a second get numbers, also after the first has its final name."""
    monkeypatch.setattr(time, "strftime", lambda _: "2024-05-01_101112")
    first, second = runs.start("name", tmp_path), runs.start("name", tmp_path)
    done = runs.finish(first, {"seed": 3})
    third = runs.start("name", tmp_path)
    assert done.name == "2024-05-01_101112_name" and not first.exists()
    assert [second.name, third.name] == ["2024-05-01_101112_name_2.partial", "2024-05-01_101112_name_3.partial"]
    record = json.loads((done / "run.json").read_text(encoding="utf-8"))
    assert record["seed"] == 3 and record["machine"] == json.loads(json.dumps(machine()))


def test_start_makes_missing_folders(tmp_path: Path) -> None:
    """The root need not exist."""
    assert runs.start("x", tmp_path / "deep" / "runs").is_dir()


@pytest.mark.parametrize("name", ["", "a/b", "/tmp"])
def test_start_refuses_names_that_are_paths(tmp_path: Path, name: str) -> None:
    """A run is one folder below its root."""
    with pytest.raises(ValueError, match="expected a name for the run"):
        runs.start(name, tmp_path)


def test_start_where_nothing_can_be_written(tmp_path: Path) -> None:
    """A root that is a file is refused by name, with the way out."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"cannot make the run folder .*file.*--out"):
        runs.start("x", tmp_path / "file")


def test_save_tables(tmp_path: Path) -> None:
    """Tables come back from CSV as they were."""
    table = pd.DataFrame({"a": [1, 2], "b": ["x,y", 'z"\n']})
    runs.save_tables(tmp_path, {"t": table})
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "t.csv"), table)


def test_times_scored_counts_finished_runs_of_one_test(tmp_path: Path) -> None:
    """Other tests, foreign and broken records are not counted."""
    texts = ['{"data": {"test_digest": "x"}}'] * 2 + ['{"data": {"test_digest": "y"}}', "{", "[]", '{"data": 3}']
    for number, text in enumerate(texts):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "run.json").write_text(text)
    assert [runs.times_scored(tmp_path, digest) for digest in "xyz"] == [2, 1, 0]
    assert runs.times_scored(tmp_path / "missing", "x") == 0


def test_link_tree_links_files(tmp_path: Path) -> None:
    """A copy shares its files' bytes where it can, and outlives the source."""
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "a" / "deep" / "w.bin").write_bytes(b"weights")
    storage.link_tree(tmp_path / "a", tmp_path / "b")
    old, new = tmp_path / "a" / "deep" / "w.bin", tmp_path / "b" / "deep" / "w.bin"
    assert old.samefile(new)
    old.unlink()
    assert new.read_bytes() == b"weights"


def test_link_tree_follows_symbolic_links(tmp_path: Path) -> None:
    """A folder of relative links, as the Hugging Face cache has them, is copied as files."""
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "1f").write_text("weights")
    (tmp_path / "snapshot").mkdir()
    (tmp_path / "snapshot" / "model").symlink_to("../blobs/1f")
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    storage.link_tree(tmp_path / "snapshot", tmp_path / "elsewhere" / "deep" / "copy")
    copy = tmp_path / "elsewhere" / "deep" / "copy" / "model"
    assert copy.read_text() == "weights" and not copy.is_symlink()


def test_link_tree_copies_where_links_are_not_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system without hard links the files are copied."""

    def refuse(*_: object) -> None:
        raise OSError("no links here")

    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "w").write_text("weights")
    monkeypatch.setattr(os, "link", refuse)
    storage.link_tree(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b" / "w").read_text() == "weights"
    assert not (tmp_path / "a" / "w").samefile(tmp_path / "b" / "w")


def test_cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TOOLKIT_CACHE names it, the owner alone reads it, and a place that cannot be made is no error."""
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path / "deep" / "cache"))
    assert storage.cache_folder() == tmp_path / "deep" / "cache"
    if os.name != "nt":
        assert storage.cache_folder().stat().st_mode & 0o777 == 0o700
    (tmp_path / "file").touch()
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path / "file" / "cache"))
    assert storage.cache_folder() == tmp_path / "file" / "cache" and not storage.cache_folder().exists()
    monkeypatch.setenv("TOOLKIT_CACHE", "~/x")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert storage.cache_folder() == tmp_path / "x"


def test_machine() -> None:
    """The record names this processor, its cores and memory, and the versions that are installed."""
    found = machine()
    assert set(found) == {"platform", "python", "processor", "cores", "memory_gb", "versions"}
    assert found["versions"]["numpy"] == np.__version__ and set(found["versions"]) == set(PACKAGES)
    assert 1 <= found["cores"] <= os.cpu_count() and found["processor"]
    assert found["memory_gb"] * 1e9 == pytest.approx(psutil.virtual_memory().total, rel=0.1)


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell is asked")
@pytest.mark.parametrize("text", ["it's", "$(echo no) `echo no` $HOME", 'a "b" \\ c', "two\nlines", "ü ☕", ""])
def test_quoted_is_one_word_of_the_shell(text: str) -> None:
    """A shell gives the text back as it was; nothing in it is run."""
    done = subprocess.run(["sh", "-c", f"printf %s {runs.quoted(text)}"], capture_output=True, text=True, check=True)
    assert done.stdout == text


def test_laps_add_up() -> None:
    """Each step has its time, a step that comes twice the sum, and all together the whole."""
    started = time.perf_counter()
    laps = runs.Laps()
    for step, pause in (("a", 0.03), ("b", 0.01), ("a", 0.03)):
        time.sleep(pause)
        laps(step)
    assert list(laps.seconds) == ["a", "b"] and laps.seconds["a"] >= 0.06 > laps.seconds["b"] >= 0.01
    assert sum(laps.seconds.values()) <= time.perf_counter() - started


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    """A file in the way is refused by name; a new folder is made, and nothing is left in it."""
    runs.check_writable(tmp_path / "new" / "runs")
    assert list((tmp_path / "new" / "runs").iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match=r"file cannot be written to .*--out in the recipes"):
        runs.check_writable(tmp_path / "file")
