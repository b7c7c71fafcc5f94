"""Command line: ``python -m toolkit.evaluate judge runs/<id> --queries searches.txt``, then ``results runs/<id>``."""

from __future__ import annotations

import json
import os
import shutil
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import tyro

from toolkit import report, vectors
from toolkit.evaluate.judging import pools, searches, sessions
from toolkit.evaluate.judging.agreement import results as judged
from toolkit.evaluate.judging.agreement import write_qrels
from toolkit.runs import command_line

KEYS: dict[str, bool | None] = {"y": True, "n": False, "s": None}
ASK = "Does it answer the search?  y yes  n no  s unsure  b back  q stop"


def judge(
    run: tyro.conf.Positional[Path],
    queries: Path | None = None,
    judge: str = "me",
    folder: Path | None = None,
    depth: int = 5,
    seed: int = 0,
) -> None:
    """Judge what a run's models and keyword search find for real searches, without seeing which found it.

    Args:
        run: Folder of a run.
        queries: Your searches, one a line (.txt) or in a column "query" (.csv); without it they are typed.
        judge: Your name, where several people judge.
        folder: Where answers are kept; RUN/judging without it.
        depth: Documents to judge of each system and search.
        seed: Seed of the order.
    """
    folder = _folder(run) if folder is None else folder
    if queries is None and (folder / pools.POOL).exists():
        session = sessions.resume(folder, judge=judge)
    else:
        corpus = _documents(run)  # first, since a wrong folder should be known before searches are typed
        wanted = _queries(queries)
        _say("Loading the models and searching ...")
        systems = _systems(run, wanted, corpus)
        session = sessions.judge(systems, wanted, corpus, folder=folder, judge=judge, depth=depth, seed=seed)
    for note in session.notes:
        _say(f"Note: {note}.")
    status = 0
    try:
        _ask(session)
    except KeyboardInterrupt:
        status = 130
    _say(f"\nSaved: {session.progress}, in {folder}.")
    if not session.done:
        _say(f'Go on with: python -m toolkit.evaluate judge "{folder}" --judge {judge}')
    _say(f'Results:    python -m toolkit.evaluate results "{folder}"')
    sys.exit(status)


def results(folder: tyro.conf.Positional[Path]) -> None:
    """Say what the answers so far show, and write them as qrels.

    Args:
        folder: Folder of a run, or of its answers.
    """
    folder = _folder(folder)
    found = judged(folder)
    _say(str(found))
    for table in (found.table, found.comparison, found.agreement):
        if len(table):
            _say("\n" + table.to_string(index=False, float_format=lambda x: f"{x:.3f}"))
    if found.qrels:
        _say("\nWritten: " + ", ".join(map(str, write_qrels(folder))))
    page = folder.parent / "report.html"
    if len(found.table) and page.is_file():
        wide = report.wide(found.table[found.table["metric"].ne("unjudged@10")])
        report.insert(page, "Real searches, judged", [str(found), wide, found.comparison, found.agreement])
        _say(f"Added to {page}.")


def _folder(path: Path) -> Path:
    """The folder of answers: the one given where it holds a pool, or its subfolder ``judging``."""
    path = path.expanduser()
    return path if (path / pools.POOL).is_file() else path / "judging"


def _queries(file: Path | None) -> dict[str, str]:
    if file is None:
        _say("Type your searches, one a line, as you would into a search box; an empty line ends.")
        text = "\n".join(_until_empty())
    elif not file.expanduser().is_file():
        raise FileNotFoundError(f"there is no file {file}: expected searches, one a line")
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = searches.queries_from(text if file is None else file)
    for warning in told:
        _say(f"Note: {warning.message}.")
    return found


def _until_empty() -> Iterator[str]:
    for line in islice(iter(sys.stdin.readline, ""), searches.MOST + 1):
        if not line.strip():
            return
        yield line.rstrip("\n")


def _documents(run: Path) -> dict[str, str]:
    """Texts of a run's bundle. Read as plain files, since this package lies below the one that loads bundles."""
    for file in (run / "bundle" / "documents.jsonl", run / "documents.jsonl"):
        if file.is_file():
            with file.open(encoding="utf-8") as lines:
                return {row["id"]: row["text"] for row in map(json.loads, lines)}
    raise FileNotFoundError(f"{run} holds no bundle/documents.jsonl: expected the folder of a finished run")


def _systems(run: Path, queries: dict[str, str], corpus: dict[str, str]) -> dict[str, Any]:
    """Rankings of the tuned model, its base, keyword search, and the first fused with keyword search."""
    models, language = {}, "english"
    if (run / "model").is_dir():
        models["tuned"] = vectors.load(run / "model")
    if (run / "run.json").is_file():
        record = json.loads((run / "run.json").read_text(encoding="utf-8"))
        models["base"] = vectors.load(record["base"]["name"], revision=record["base"].get("commit"))
        language = record["language"]
    if not models:  # a bundle alone
        models["model"] = vectors.load(run / "bundle" / "model" if (run / "bundle").is_dir() else run / "model")
    found: dict[str, Any] = {name: sessions.ranked(model, queries, corpus, 100) for name, model in models.items()}
    first = next(iter(found))
    found["BM25"] = sessions.ranked(vectors.bm25(corpus, language=language), queries, corpus, 100)
    found[f"{first}+BM25"] = vectors.fuse(found[first], found["BM25"])
    return found


def _ask(session: sessions.Session) -> None:
    """Show document after document until all are judged, the keys end, or the judge stops."""
    width = min(110, shutil.get_terminal_size().columns)
    with _single_keys() as key_of:
        while (item := session.next()) is not None:
            lines = [textwrap.fill(line, width, replace_whitespace=False) for line in str(item).split("\n")]
            _say("\n" + "-" * width, *lines, "", f"{ASK}   [{session.progress}]")
            while (key := key_of()) not in (*KEYS, "b", "q", ""):
                _say(f"Expected y, n, s, b or q, got {key!r}.")
            if key in ("q", ""):
                return
            if key == "b":
                session.back()
            else:
                session.answer(KEYS[key])


@contextmanager
def _single_keys() -> Iterator[Callable[[], str]]:
    """Yield a function that waits for a key of a terminal, or reads a line of anything else and gives its first letter.

    It gives nothing at the end of either.
    """
    if not sys.stdin.isatty():
        yield lambda: (line := sys.stdin.readline()).strip()[:1].lower() or (" " if line else "")
    elif sys.platform == "win32":
        yield _windows_key
    else:
        import termios
        import tty

        before = termios.tcgetattr(sys.stdin)
        try:
            tty.setcbreak(sys.stdin)  # keys come without Enter; Ctrl-C still interrupts
            yield lambda: _key(os.read(sys.stdin.fileno(), 1).decode(errors="replace"))
        finally:
            termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


def _windows_key() -> str:
    import msvcrt

    key: str = msvcrt.getwch()  # type: ignore[attr-defined, unused-ignore]  # known on Windows alone
    if key == "\x03":
        raise KeyboardInterrupt
    return _key(key)


def _key(key: str) -> str:
    return "" if key in ("\x04", "\x1a") else key.lower()  # Ctrl-D and Ctrl-Z end input


def _say(*parts: str) -> None:
    """Print, with what the terminal cannot show replaced."""
    coding = sys.stdout.encoding or "utf-8"
    print("\n".join(parts).encode(coding, "replace").decode(coding), flush=True)


if __name__ == "__main__":
    command_line({"judge": judge, "results": results}, prog="python -m toolkit.evaluate")
