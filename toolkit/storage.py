"""Write files safely, digest them, and find the cache folder."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import platformdirs


def cache_folder() -> Path:
    """Return the folder for data that can be recomputed (vectors, `pydocs`, speed tests), readable only by its owner.

    Set by ``TOOLKIT_CACHE``; by default the operating system's user cache folder. It is created if it
    does not exist; if that is not allowed, the path is still returned, and writers report what they could not
    store.
    """
    named = os.environ.get("TOOLKIT_CACHE")
    folder = Path(named).expanduser() if named else platformdirs.user_cache_path("embedding-recipes", appauthor=False)
    with suppress(OSError):  # writers report what they could not store
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Write to a temporary file next to `path` and rename it at the end, so that readers never see a partial file.

    Yields
    ------
    Path
        The temporary file. If the block raises, it is removed and `path` is unchanged.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with replacing(folder / "a.txt") as temporary:
    ...     _ = temporary.write_text("hello")
    >>> (folder / "a.txt").read_text()
    'hello'
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} into; create it first")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    temporary.touch(exist_ok=False)  # with default permissions
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def new_folder(path: str | Path) -> Iterator[Path]:
    """Write a folder under a temporary name beside `path` and rename it at the end: it appears complete or not at all.

    Yields
    ------
    Path
        Where to write. When the block raises, it is removed.

    Raises
    ------
    FileExistsError
        When `path` exists; nothing is overwritten.
    """
    path = Path(path)
    if path.exists():
        raise FileExistsError(f"{path} exists already; nothing is overwritten, give another folder")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.mkdir()  # with the permissions that any new folder gets
    try:
        yield temporary
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_json(path: str | Path, value: Mapping[str, Any]) -> None:
    """Write `value` as indented JSON, atomically. NaN becomes null."""
    text = json.dumps(_to_json_types(value), indent=2, ensure_ascii=False, allow_nan=False)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _to_json_types(value: Any) -> Any:
    """Convert `value` to JSON types: numpy unwrapped, paths and dates as text, NaN as None."""
    if isinstance(value, Mapping):
        return {str(key): _to_json_types(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_to_json_types(item) for item in value]
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    return value if isinstance(value, (str, int, bool, type(None))) else str(value)


def digest_file(path: str | Path) -> str:
    """Return the SHA-256 of a file, as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_texts(*columns: Iterable[str]) -> str:
    """Return the SHA-256 of columns of texts, as 64 hexadecimal digits; order and boundaries matter.

    Examples
    --------
    >>> digest_texts(["ab", "c"]) == digest_texts(["a", "bc"])
    False
    """
    digest = hashlib.sha256()
    for column in columns:
        for text in column:
            data = text.encode("utf-8", "surrogatepass")
            digest.update(len(data).to_bytes(8, "little") + data)
        digest.update(b"\xff" * 8)
    return digest.hexdigest()


def apply_umask(folder: str | Path) -> None:
    """Give a folder and its contents the default permissions set by the umask.

    ``tempfile.mkdtemp`` and ``safetensors`` create files that only the owner can read, regardless of the umask.
    """
    folder = Path(folder)
    probe = folder / f".{secrets.token_hex(4)}"
    probe.mkdir()
    mode = probe.stat().st_mode & 0o777
    probe.rmdir()
    for path in (folder, *folder.rglob("*")):
        path.chmod(mode if path.is_dir() else mode & 0o666)


def link_tree(source: str | Path, target: str | Path) -> None:
    """Copy a folder, with hard links if the file system allows them, so that 90 MB are not stored twice."""

    def link(old: str, new: str) -> str:
        try:
            os.link(Path(old).resolve(), new)  # resolve symbolic links, since relative ones would break
        except OSError:
            shutil.copy2(old, new)
        return new

    shutil.copytree(source, target, copy_function=link)
