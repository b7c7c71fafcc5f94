"""The cache of vectors: kills, damage, crowds and full disks cost time, never a wrong vector."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from toolkit.vectors import encode, store
from toolkit.vectors import encoding as encoding_module
from toolkit.vectors.cache import clear, info
from toolkit.vectors.engines import torch as engine
from toolkit.vectors.store import HEADER, Store, text_keys

ROOT = Path(__file__).resolve().parents[2]


def fill(target: Store, names: list[str]) -> None:
    """Keep the vectors that belong to `names`."""
    target.put(text_keys(names), vectors_of(names, target.dim), np.array([len(n) % 2 for n in names], dtype=np.uint32))


def vectors_of(names: list[str], dim: int) -> np.ndarray:
    """A vector that each name determines."""
    digests = np.frombuffer(text_keys(names).tobytes(), dtype=np.uint8).reshape(len(names), 16)
    return np.tile(digests, (1, 1 + dim // 16))[:, :dim].astype(np.float32)


def found_in(target: Store, names: list[str]) -> np.ndarray:
    """Which of `names` are found; asserts that what is found is right."""
    rows, flags = np.full((len(names), target.dim), -1, np.float32), np.full(len(names), 9, np.uint32)
    found = np.zeros(len(names), bool)
    target.get(text_keys(names), rows, flags, found)
    assert np.array_equal(rows[found], vectors_of(names, target.dim)[found]) and (rows[~found] == -1).all()
    assert flags[found].tolist() == [len(n) % 2 for n, f in zip(names, found, strict=True) if f]
    return found


NAMES = [f"name {i}" for i in range(300)]


# ---- without a model


def test_round_trip(cache: Path) -> None:
    """What was put is found by the same key alone, with its flag, and nothing else is."""
    target = Store({"weights": "a"}, 20)
    fill(target, NAMES)
    fill(target, [])
    assert found_in(target, NAMES[::-1]).all() and not found_in(target, ["other", ""]).any()
    assert found_in(Store({"weights": "a"}, 20, name="other name"), NAMES).all()
    for other in (Store({"weights": "b"}, 20), Store({"weights": "a"}, 21)):
        assert not found_in(other, NAMES).any()


def test_merging_keeps_everything(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many small segments become few, overlapping or not, and everything stays findable."""
    monkeypatch.setattr(store, "MERGE_ABOVE", 3)
    monkeypatch.setattr(store, "BLOCK", 16)
    target = Store({}, 8)
    for start in range(0, 300, 10):
        fill(target, NAMES[start : start + 15])
        assert len(target._segments()) <= 4
    assert found_in(target, NAMES).all()
    assert not [path for path in target.folder.iterdir() if path.suffix == ".tmp"]
    fill(target, NAMES)
    for _ in range(6):  # a merge that only repeats a segment that is there
        fill(target, NAMES[:7])
        target._merge()
    assert found_in(target, NAMES).all()


def test_large_segments_are_not_merged(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A segment above MERGE_BYTES is left as it is."""
    target = Store({}, 8)
    fill(target, NAMES)
    (large,) = target._segments()
    monkeypatch.setattr(store, "MERGE_ABOVE", 2)
    monkeypatch.setattr(store, "MERGE_BYTES", large.stat().st_size)
    before = large.stat().st_ino
    for i in range(5):
        fill(target, [f"more {i}"])
    assert large.stat().st_ino == before and found_in(target, [*NAMES, *(f"more {i}" for i in range(5))]).all()


def test_merging_while_reading(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader beside a writer that merges all the time finds, whatever it finds, right; nothing is called damaged."""
    monkeypatch.setattr(store, "MERGE_ABOVE", 2)
    fill(Store({}, 8), NAMES[:50])
    failed: list[BaseException] = []

    def write() -> None:
        try:
            for start in range(50, 300, 5):
                fill(Store({}, 8), NAMES[start : start + 5])
        except BaseException as error:
            failed.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    while writer.is_alive():
        found_in(Store({}, 8), NAMES)
    writer.join()
    assert not failed and found_in(Store({}, 8), NAMES).all()


def flip(at: int) -> Any:
    def change(data: bytearray) -> bytearray:
        data[at] ^= 0x10
        return data

    return change


DAMAGE = {
    "vector": flip(HEADER + 16 * 300 + 4 * 8 * 17 + 2),
    "checksum": flip(-8 * 5),
    "magic": flip(0),
    "dimension": flip(8),
    "rows": flip(16),
    "truncated": lambda data: data[: len(data) // 2],
    "cut in the header": lambda data: data[:10],
    "empty": lambda data: bytearray(),
    "longer": lambda data: data + b"\0",
    "zeroed page": lambda data: data[: HEADER + 16 * 300] + bytes(4096) + data[HEADER + 16 * 300 + 4096 :],
    "all zero": lambda data: data[: HEADER + 16 * 300] + bytes(len(data) - HEADER - 16 * 300),
    "garbage": lambda data: bytearray(os.urandom(len(data))),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_found_and_set_aside(cache: Path, damage: str) -> None:
    """A damaged segment is named in a warning and set aside; no wrong vector is read, and the next write mends it."""
    target = Store({}, 8)
    fill(target, NAMES)
    (path,) = target._segments()
    path.write_bytes(DAMAGE[damage](bytearray(path.read_bytes())))
    with pytest.warns(RuntimeWarning, match=f"{path.name} is damaged.*set aside as .*damaged"):
        found = found_in(target, NAMES)
    assert not found.all() and path.with_suffix(".damaged").exists() and not target._segments()
    fill(target, NAMES)
    assert found_in(target, NAMES).all()


def test_damaged_keys_find_nothing_wrong(cache: Path) -> None:
    """A changed key is a text that is not found, never another's vector."""
    target = Store({}, 8)
    fill(target, NAMES)
    (path,) = target._segments()
    path.write_bytes(flip(HEADER + 16 * 40)(bytearray(path.read_bytes())))
    assert 0 < (~found_in(target, NAMES)).sum() < 300


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC, errno.EACCES])
def test_a_disk_that_cannot_be_written(cache: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """A full or read-only disk is a warning with its reason, and leaves no half file."""
    target = Store({}, 8)
    fill(target, NAMES[:5])

    def refuse(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(store.os, "fsync", refuse)
    with pytest.warns(RuntimeWarning, match=f"{os.strerror(code)}.*set TOOLKIT_CACHE"):
        fill(target, NAMES)
    assert found_in(target, NAMES).sum() == 5 and not list(cache.rglob("*.tmp"))


# ---- with the embedded model


TEXTS = [f"text number {i} about foxes" for i in range(60)]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows of each forward pass."""
    seen: list[int] = []
    run_ids = engine.run_ids
    monkeypatch.setattr(engine, "run_ids", lambda t, r, ids: (seen.append(len(ids)), run_ids(t, r, ids))[1])
    return seen


@pytest.fixture(scope="module")
def expected(model: Any) -> np.ndarray:
    return model.encode(TEXTS, normalize_embeddings=True, show_progress_bar=False)


def test_cache_that_is_a_file(model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TOOLKIT_CACHE under a regular file: a warning, the right result, and an empty table."""
    (tmp_path / "file").write_text("x")
    for place in (tmp_path / "file", tmp_path / "file" / "below"):
        monkeypatch.setenv("TOOLKIT_CACHE", str(place))
        with pytest.warns(RuntimeWarning, match=r"could not be stored in .*vectors"):
            vectors = encode(model, ["a red fox"], dtype="float32")
        np.testing.assert_allclose(vectors, model.encode(["a red fox"], normalize_embeddings=True), atol=1e-5)
        assert info().empty and clear() == 0


def test_interrupt_keeps_what_was_done(
    model: Any, cache: Path, expected: np.ndarray, counted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C between batches loses nothing that was encoded."""
    monkeypatch.setitem(engine.BATCH_TOKENS, "cpu", 80)
    counting = engine.run_ids

    def stop(transformer: Any, rest: Any, ids: Any) -> Any:
        if len(counted) == 4:
            raise KeyboardInterrupt
        return counting(transformer, rest, ids)

    monkeypatch.setattr(engine, "run_ids", stop)
    with pytest.raises(KeyboardInterrupt):
        encode(model, TEXTS, dtype="float32")
    done = sum(counted)
    assert 0 < done < 60 and info()["vectors"].sum() == done
    counted.clear()
    monkeypatch.setattr(engine, "run_ids", counting)
    np.testing.assert_allclose(encode(model, TEXTS, dtype="float32"), expected, atol=1e-5)
    assert sum(counted) == 60 - done


CHILD = """
import sys, time
from toolkit.vectors import encode, encoding, load
from toolkit.vectors.engines import torch as engine
first, last, pause = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
encoding.SAVE_EVERY, engine.BATCH_TOKENS["cpu"] = 40, 80
run_ids = engine.run_ids
engine.run_ids = lambda *args: (time.sleep(pause), run_ids(*args))[1]
encode(load(device="cpu"), [f"text number {i} about foxes" for i in range(first, last)], dtype="float32")
"""


def child(first: int, last: int, pause: float, cache: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "TOOLKIT_CACHE": str(cache), "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    return subprocess.Popen([sys.executable, "-c", CHILD, str(first), str(last), str(pause)], env=environment)


def test_kill_and_resume(model: Any, cache: Path, expected: np.ndarray, counted: list[int]) -> None:
    """After kill -9 in the middle the next call encodes only what was not yet kept."""
    process = child(0, 60, 0.5, cache)
    try:
        deadline = time.monotonic() + 120
        while not list(cache.rglob("*.segment")):
            assert process.poll() is None and time.monotonic() < deadline, "the child kept nothing"
            time.sleep(0.02)
        os.kill(process.pid, signal.SIGKILL)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == -signal.SIGKILL
    kept = int(info()["vectors"].sum())
    assert 0 < kept < 60
    np.testing.assert_allclose(encode(model, TEXTS, dtype="float32"), expected, atol=1e-5)
    assert sum(counted) == 60 - kept


def test_two_processes_in_one_cache(model: Any, cache: Path, expected: np.ndarray, counted: list[int]) -> None:
    """Two processes that encode overlapping texts at once both succeed, and their cache holds the right vectors."""
    processes = [child(0, 40, 0.02, cache), child(20, 60, 0.02, cache)]
    assert [process.wait(120) for process in processes] == [0, 0]
    np.testing.assert_allclose(encode(model, TEXTS, dtype="float32"), expected, atol=1e-5)
    assert sum(counted) == 0 and not list(cache.rglob("*.damaged")) and not list(cache.rglob("*.tmp"))


def test_damage_is_encoded_again(model: Any, cache: Path, expected: np.ndarray, counted: list[int]) -> None:
    """A flipped byte in one vector: a warning, one text encoded again, the right result, and then silence."""
    encode(model, TEXTS, dtype="float32")
    counted.clear()
    (path,) = cache.rglob("*.segment")
    path.write_bytes(flip(HEADER + 16 * 60 + 4 * 384 * 31 + 3)(bytearray(path.read_bytes())))
    with pytest.warns(RuntimeWarning, match=path.name):
        vectors = encode(model, TEXTS, dtype="float32")
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    assert sum(counted) == 1
    np.testing.assert_allclose(encode(model, TEXTS, dtype="float32"), expected, atol=1e-5)


def test_kept_as_it_goes(model: Any, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Vectors are written every SAVE_EVERY tokens, also for models that go the stock way."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    writes: list[int] = []
    put = Store.put
    monkeypatch.setattr(Store, "put", lambda self, keys, *rest: (writes.append(len(keys)), put(self, keys, *rest))[1])
    monkeypatch.setattr(encoding_module, "SAVE_EVERY", 6_000)
    static = SentenceTransformer(
        modules=[StaticEmbedding(model.tokenizer.backend_tokenizer, embedding_dim=8)], device="cpu"
    )
    encode(static, [f"text number {i} about foxes" for i in range(5_000)])
    assert len(writes) >= 4 and sum(writes) == 5_000
