"""Run folders, their record, and how a run is started from a shell."""

from __future__ import annotations

import json
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from toolkit.hardware import machine
from toolkit.storage import replacing, write_json

_OTHER_PLACE = "expected a folder that can be written to: pass another place as root (--out in the recipes)"


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
