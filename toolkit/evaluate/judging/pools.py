"""The files of a folder in which is judged: the pool of documents, and the answers of each judge."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.storage import digest_texts, write_json

POOL = "pool.json"
SHOWN = 10  # documents kept of each system, so that unjudged@10 can be told
_COLUMNS = ["judge", "query_id", "doc_id", "relevant", "seconds"]
_ANSWERS: dict[str, bool | None] = {"1": True, "0": False, "": None}
_TEXTS = {answer: text for text, answer in _ANSWERS.items()}

Pair = tuple[str, str]
Answers = dict[Pair, tuple[bool | None, float]]


def write_pool(folder: Path, pool: Mapping[str, Any]) -> None:
    """Write ``pool.json`` with the digest that `read_pool` checks."""
    write_json(folder / POOL, {**pool, "digest": _digest(pool)})


def read_pool(folder: str | Path) -> dict[str, Any]:
    """Read and check ``pool.json``."""
    file = Path(folder).expanduser() / POOL
    if not file.is_file():
        raise FileNotFoundError(f"there is no {POOL} in {file.parent}: expected a folder that judge() made")
    try:
        pool = dict(json.loads(file.read_text(encoding="utf-8")))
        if pool.pop("digest") == _digest(pool):
            return pool
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{file} is damaged ({error}): put its copy back, or judge in another folder") from error
    raise ValueError(f"{file} was changed after it was written: put its copy back, or judge in another folder")


def pooled_pairs(pool: Mapping[str, Any]) -> dict[str, set[str]]:
    """Documents that are to be judged, for each search."""
    depth, systems = pool["depth"], pool["systems"].values()
    return {query: {doc for found in systems for doc in found[query][:depth]} for query in pool["queries"]}


def read_answers(file: Path, pairs: Mapping[str, set[str]]) -> tuple[Answers, list[str]]:
    """Answers of one judge, the last one of each document, and notes on what was dropped."""
    whole, half = _lines(file.read_bytes())
    notes = [f"half a line at the end of {file.name} was dropped: that document is asked again"] if half else []
    found: Answers = {}
    try:
        rows = list(csv.reader(io.StringIO(whole.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{file} is damaged ({error}): repair or remove the line") from error
    for number, row in enumerate(rows, 1):
        if not row or (number == 1 and row == _COLUMNS):
            continue
        try:
            name, query, doc, relevant, seconds = row
            if f"judgements-{name}.csv" != file.name:
                raise ValueError(f"it is an answer of {name!r}")
            if doc not in pairs.get(query, ()):
                raise ValueError(f"document {doc!r} for search {query!r} is not in {POOL}; is it from another folder?")
            found[query, doc] = (_ANSWERS[relevant], float(seconds))
        except (ValueError, KeyError) as error:
            raise ValueError(f"line {number} of {file} is damaged ({error}): repair or remove it") from error
    return found, notes


def append_answer(file: Path, judge: str, pair: Pair, relevant: bool | None, seconds: float) -> None:
    """Add a line; what a crash or a full disk left of another goes first. No whole line is ever removed."""
    row = [judge, *pair, _TEXTS[relevant], seconds]
    whole, half = _lines(file.read_bytes() if file.exists() else b"")
    lines = io.StringIO(newline="")
    if whole and not whole.endswith((b"\n", b"\r")):
        lines.write("\n")
    csv.writer(lines, lineterminator="\n").writerows([row] if whole else [_COLUMNS, row])
    with file.open("ab") as out:
        if half:
            out.truncate(len(whole))
        out.write(lines.getvalue().encode())
        out.flush()
        os.fsync(out.fileno())


def _lines(data: bytes) -> tuple[bytes, bytes]:
    r"""The whole lines of a file of answers, and what is left of a line that was not written to its end.

    Lines end with \n, \r\n, or \r, as spreadsheets write. The last is whole without an end, as editors leave it, when
    it reads as an answer.
    """
    end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
    try:
        [row] = csv.reader([data[end:].decode("utf-8-sig")])
        if row != _COLUMNS:
            _, _, _, relevant, seconds = row
            _ANSWERS[relevant], float(seconds)
        return data, b""
    except (ValueError, KeyError, csv.Error):  # among them: nothing stands there, or a letter that was cut in two
        return data[:end], data[end:]


def _digest(pool: Mapping[str, Any]) -> str:
    return digest_texts([json.dumps(pool, sort_keys=False)])
