"""Files are written whole or not at all, and digests differ where texts differ."""

from __future__ import annotations

import datetime
import hashlib
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit import storage


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


def test_a_new_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """What was written appears at the end; after an error nothing is left, and nothing is overwritten."""
    with storage.new_folder(tmp_path / "a" / "b") as temporary:
        (temporary / "x").write_text("1")
        assert not (tmp_path / "a" / "b").exists()
    assert (tmp_path / "a" / "b" / "x").read_text() == "1"
    with pytest.raises(ZeroDivisionError), storage.new_folder(tmp_path / "c") as temporary:
        (temporary / "x").write_text("1")
        1 / 0  # noqa: B018
    with pytest.raises(FileExistsError, match="exists already"), storage.new_folder(tmp_path / "a"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
