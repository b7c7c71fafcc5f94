"""Cache vectors in folders of immutable files, keyed by everything that changes a vector and a hash of the text.

A *set* is a folder named by the digest of its key (weights, tokenizer, prompt, ...; stored next to it as ``key.json``).
It holds *segments*: files that are written under a temporary name, renamed, and never changed. So a kill at any moment
loses at most what was not yet written, and any number of processes may share a set. No text is stored.

Layout of a segment, little-endian: magic (8 bytes), dim, rows (8 bytes each), then 16-byte keys in ascending order,
rows x dim float32, and rows of (checksum, flags) as uint32.
"""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from toolkit.storage import cache_folder, replacing, write_json

MAGIC = b"toolkit1"
HEADER = 24
MERGE_ABOVE = 24  # segments in a set, beyond which small ones are merged: a lookup reads each of them
MERGE_BYTES = 1_000_000_000  # segments larger than this are left as they are
BLOCK = 8192  # rows that a merge holds in memory at a time


def text_keys(texts: Iterable[str]) -> NDArray[np.bytes_]:
    """Return 128-bit keys of texts (BLAKE2b) as an array of 16-byte strings."""
    blake2b = hashlib.blake2b
    digests = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
    return np.frombuffer(b"".join(digests), dtype="S16")


class Store:
    """One set of cached vectors.

    Parameters
    ----------
    key : mapping
        Everything that changes a vector. Equal keys share a set.
    dim : int
        Length of a vector.
    name : str
        The model's name, for `toolkit.vectors.cache.info`; not part of the key, since one model may be in two folders.
    """

    def __init__(self, key: Mapping[str, Any], dim: int, *, name: str = "") -> None:
        text = json.dumps({**key, "dim": dim}, sort_keys=True, default=str)
        self.dim = dim
        self.folder = cache_folder() / "vectors" / hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
        self.label = {"name": name, **json.loads(text)}

    def get(
        self,
        keys: NDArray[np.bytes_],
        rows: NDArray[np.float32],
        flags: NDArray[np.uint32],
        found: NDArray[np.bool_],
    ) -> None:
        """Look up `keys`; write results into the other arguments: (n, dim) vectors, n flags, and which were found."""
        for path in self._segments():
            if found.all():
                break
            segment = self._open(path)
            if segment is None:
                continue
            have, vectors, notes = segment
            todo = np.flatnonzero(~found)
            at = np.minimum(np.searchsorted(have, keys[todo]), len(have) - 1)
            hit = have[at] == keys[todo]
            todo, at = todo[hit], at[hit]
            taken = vectors[at]
            good = _checksums(taken) == notes[at, 0]
            if not good.all():
                self._quarantine(path, f"{int((~good).sum())} of its vectors do not match their checksums")
                todo, at, taken = todo[good], at[good], taken[good]
            rows[todo], flags[todo], found[todo] = taken, notes[at, 1], True

    def put(self, keys: NDArray[np.bytes_], rows: NDArray[np.float32], flags: NDArray[np.uint32]) -> None:
        """Store vectors; if that fails (full or read-only disk), only warn."""
        if not len(keys):
            return
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not (self.folder / "key.json").exists():
                write_json(self.folder / "key.json", self.label)
            order = np.argsort(keys, kind="stable")
            rows = np.ascontiguousarray(rows[order], dtype=np.float32)
            self._write(keys[order], [rows], np.stack([_checksums(rows), flags[order]], axis=1))
            if len(self._segments()) > MERGE_ABOVE:
                self._merge()
        except OSError as error:
            warnings.warn(
                f"the vectors could not be stored in {self.folder} ({error.strerror or error}): this run goes on; the "
                f"next one encodes again. Free some space there, or set TOOLKIT_CACHE to a folder that can be written.",
                RuntimeWarning,
                stacklevel=2,
            )

    def _segments(self) -> list[Path]:
        try:
            return sorted(self.folder.glob("*.segment"), key=lambda path: path.name, reverse=True)
        except OSError:
            return []

    def _write(
        self, keys: NDArray[np.bytes_], blocks: Iterable[NDArray[np.float32]], notes: NDArray[np.uint32]
    ) -> None:
        """Write one segment; `keys` ascend, `blocks` hold the rows in that order."""
        name = f"{len(keys):012d}-{hashlib.blake2b(keys.tobytes(), digest_size=8).hexdigest()}.segment"
        with replacing(self.folder / name) as temporary, temporary.open("wb") as file:
            file.write(MAGIC + np.array([self.dim, len(keys)], dtype="<u8").tobytes() + keys.tobytes())
            for block in blocks:
                file.write(block.astype("<f4", copy=False).tobytes())
            file.write(notes.astype("<u4").tobytes())
            file.flush()
            os.fsync(file.fileno())

    def _open(self, path: Path) -> tuple[NDArray[np.bytes_], NDArray[np.float32], NDArray[np.uint32]] | None:
        """Map a segment; None when another process has just merged it away, or it is damaged."""
        try:
            with path.open("rb") as file:
                head = file.read(HEADER)
            size = path.stat().st_size
            dim, n = (int(x) for x in np.frombuffer(head[8:], dtype="<u8")) if len(head) == HEADER else (0, 0)
            if head[:8] != MAGIC or dim != self.dim or n < 1 or size != HEADER + n * (16 + 4 * dim + 8):
                self._quarantine(path, f"its size of {size} bytes does not match its header")
                return None
            data = np.memmap(path, dtype=np.uint8, mode="r")
        except FileNotFoundError:
            return None
        except OSError as error:
            self._quarantine(path, f"it could not be read: {error.strerror or error}")
            return None
        ends = np.cumsum([HEADER, 16 * n, 4 * dim * n, 8 * n])
        keys, rows, notes = (data[a:b] for a, b in pairwise(ends))
        return keys.view("S16"), rows.view("<f4").reshape(n, dim), notes.view("<u4").reshape(n, 2)

    def _merge(self) -> None:
        """Merge the small segments into one. Readers of the old files keep what they have open."""
        try:
            with FileLock(self.folder / "merge.lock", timeout=0):
                small = [path for path in self._segments() if path.stat().st_size < MERGE_BYTES]
                parts = [part for part in map(self._open, small) if part is not None]
                if len(parts) < 2:
                    return
                keys, first = np.unique(np.concatenate([part[0] for part in parts]), return_index=True)
                notes = np.concatenate([part[2] for part in parts])[first]
                starts = np.cumsum([0] + [len(part[0]) for part in parts])

                def blocks() -> Iterator[NDArray[np.float32]]:
                    for at in range(0, len(first), BLOCK):
                        rows = first[at : at + BLOCK]
                        block = np.empty((len(rows), self.dim), dtype=np.float32)
                        source = np.searchsorted(starts, rows, side="right") - 1
                        for number in np.unique(source):
                            mine = source == number
                            block[mine] = parts[number][1][rows[mine] - starts[number]]
                        yield block

                self._write(keys, blocks(), notes)
                for path in small:
                    if not path.name.startswith(f"{len(keys):012d}-"):
                        path.unlink(missing_ok=True)
        except Timeout:
            return  # another process is merging

    def _quarantine(self, path: Path, why: str) -> None:
        """Rename a damaged file, so that it is neither lost nor read, and warn."""
        try:
            path.rename(path.with_suffix(".damaged"))
            done = f"set aside as {path.with_suffix('.damaged').name}"
        except OSError:
            done = "left where it is"
        warnings.warn(
            f"the cache file {path} is damaged: {why}. It was {done}; its texts will be encoded again.",
            RuntimeWarning,
            stacklevel=3,
        )


def _checksums(rows: NDArray[np.float32]) -> NDArray[np.uint32]:
    """Sum the bits of each row, which reveals any one changed value, a zeroed page or a shifted file."""
    bits = np.ascontiguousarray(rows).view(np.uint32)
    checksums: NDArray[np.uint32] = bits.sum(axis=1, dtype=np.uint32) + np.uint32(1)
    return checksums
