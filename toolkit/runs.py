"""Run folders, safe writing, digests, and what this machine is."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import secrets
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import platformdirs

PACKAGES = (
    "embedding-recipes", "torch", "sentence-transformers", "transformers", "tokenizers", "numpy", "scipy", "pandas",
    "faiss-cpu", "bm25s", "pytrec_eval-terrier", "datasets",
)  # fmt: skip


_OTHER_PLACE = "expected a folder that can be written to: pass another place as root (--out in the recipes)"


def cache_folder() -> Path:
    """Folder for what can be made again: vectors, the collected `pydocs`, speed probes. Readable by its owner alone.

    ``TOOLKIT_CACHE`` names it; without that it is the user's cache folder of the operating system. It is made when it
    does not exist; where that is not allowed the path is returned all the same, and writers say what they could not
    keep.
    """
    named = os.environ.get("TOOLKIT_CACHE")
    folder = Path(named).expanduser() if named else platformdirs.user_cache_path("embedding-recipes", appauthor=False)
    with suppress(OSError):  # whoever writes there says what could not be kept
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Write to a temporary name beside `path` and rename at the end: readers see the old file or the new, never half.

    Yields
    ------
    Path
        Where to write. When the block raises, it is removed and `path` stays as it was.

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
        raise FileNotFoundError(f"there is no folder {path.parent} to write {path.name} into; make it first")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    temporary.touch(exist_ok=False)  # with the permissions that any new file gets
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(path: str | Path, value: Mapping[str, Any]) -> None:
    """Write `value` as indented JSON, whole or not at all. NaN becomes null."""
    text = json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False)
    with replacing(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    """`value` in JSON's own types: numpy unwrapped, paths and dates as text, NaN as None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    return value if isinstance(value, (str, int, bool, type(None))) else str(value)


def digest_file(path: str | Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest_texts(*columns: Iterable[str]) -> str:
    """SHA-256 over columns of texts, as 64 hexadecimal digits; order and boundaries count.

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


def times_scored(root: str | Path, test_digest: str) -> int:
    """How many finished runs under `root` scored the test data of this digest: the best of many flatters itself."""
    count = 0
    for file in Path(root).glob("*/run.json"):
        try:
            count += json.loads(file.read_text(encoding="utf-8"))["data"]["test_digest"] == test_digest
        except (OSError, ValueError, KeyError, TypeError):
            continue  # not a record of ours
    return count


class Laps:
    """Seconds by step: each call ends a step and names it.

    Examples
    --------
    >>> laps = Laps()
    >>> laps("load"); laps("train"); list(laps.seconds)
    ['load', 'train']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def __call__(self, step: str) -> None:
        """End the step `step`; time under the same name adds up."""
        now = time.perf_counter()
        self.seconds[step] = self.seconds.get(step, 0.0) + now - self._last
        self._last = now


def quoted(text: str) -> str:
    """A text as one word of the shell's: nothing in it is run when the line is pasted."""
    if os.name == "nt":
        return '"' + "".join(" " if character in '"%!' else character for character in text) + '"'
    return shlex.quote(text)


def this_python() -> str:
    """How this Python is called from a shell that stands here, quoted where need be; ``.venv/bin/python`` mostly."""
    path = Path(sys.executable)
    short = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    return f'"{short}"' if " " in str(short) else str(short)


def machine() -> dict[str, Any]:
    """What a reader needs to judge a timing or to repeat a result: processor, cores, memory, versions."""
    import psutil

    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = "not installed"
    return {
        "platform": platform.platform(),
        "python": platform.python_version(),
        "processor": processor(),
        "cores": len(psutil.Process().cpu_affinity()) if hasattr(psutil.Process, "cpu_affinity") else os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "versions": versions,
    }


def processor() -> str:
    """Name of the processor, with family and model where Linux tells them (one name covers several generations)."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    fields: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    name = fields.get("model name") or platform.processor() or platform.machine()
    family, model = fields.get("cpu family"), fields.get("model")
    return f"{name} (family {family}, model {model})" if family and model else name


def command_line(commands: Mapping[str, Callable[..., None]], prog: str) -> None:
    """Run one of some functions as a command; errors of the user are one sentence and exit status 1."""
    import tyro

    try:
        tyro.extras.subcommand_cli_from_dict(dict(commands), prog=prog)
    except (ValueError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


def check_writable(root: str | Path) -> None:
    """Make the folder that receives runs, and see that it can be written to, before any long work.

    Raises
    ------
    OSError
        When it cannot; the message names it.
    """
    root = Path(root)
    try:
        root.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=root):
            pass
    except OSError as error:
        raise OSError(f"{root} cannot be written to ({error.strerror}): {_OTHER_PLACE}") from error


def start(name: str, root: str | Path = "runs") -> Path:
    """Make the folder of a new run, ``<root>/<date>_<time>_<name>.partial``; `finish` gives it its final name.

    Raises
    ------
    OSError
        When the folder cannot be made; the message names it.
    ValueError
        For a name that is empty or holds a slash.
    """
    if not name or Path(name).name != name:
        raise ValueError(f"expected a name for the run that can name a folder, got {name!r}")
    root = Path(root)
    stamp = time.strftime("%Y-%m-%d_%H%M%S")
    for attempt in range(1, 1000):
        path = root / (f"{stamp}_{name}" + (f"_{attempt}" if attempt > 1 else ""))
        partial = path.with_name(path.name + ".partial")
        if path.exists():
            continue
        try:
            partial.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise OSError(f"cannot make the run folder {partial}: {error.strerror}. {_OTHER_PLACE}") from error
        return partial
    raise OSError(f"{root} already holds 999 runs named {stamp}_{name}; remove some or choose another folder")


def save_tables(folder: str | Path, tables: Mapping[str, Any]) -> None:
    """Write each DataFrame as ``<name>.csv``, without its index."""
    for name, table in tables.items():
        with replacing(Path(folder) / f"{name}.csv") as temporary:
            table.to_csv(temporary, index=False)


def finish(partial: str | Path, record: Mapping[str, Any]) -> Path:
    """Write ``run.json`` (with `machine` added) and give the folder of `start` its final name, which is returned."""
    partial = Path(partial)
    write_json(partial / "run.json", {**record, "machine": machine()})
    path = partial.with_name(partial.name.removesuffix(".partial"))
    return partial.rename(path)


def like_new(folder: str | Path) -> None:
    """Give a folder and all in it the permissions that anything new gets here (by the umask).

    ``tempfile.mkdtemp`` and ``safetensors`` make what only its owner can read, whatever the umask says.
    """
    folder = Path(folder)
    probe = folder / f".{secrets.token_hex(4)}"
    probe.mkdir()
    mode = probe.stat().st_mode & 0o777
    probe.rmdir()
    for path in (folder, *folder.rglob("*")):
        path.chmod(mode if path.is_dir() else mode & 0o666)


def link_tree(source: str | Path, target: str | Path) -> None:
    """Copy a folder, by hard links where the file system allows: a second name costs no second 90 MB."""

    def link(old: str, new: str) -> str:
        try:
            os.link(Path(old).resolve(), new)  # what a symbolic link points to: relative ones would break
        except OSError:
            shutil.copy2(old, new)
        return new

    shutil.copytree(source, target, copy_function=link)
