"""Read and write a judging folder: the pool of documents, the answers of each judge, and the systems of a run."""

from __future__ import annotations

import csv
import io
import itertools
import json
import os
import unicodedata
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from toolkit.evaluate.scoring.ranking import search_all
from toolkit.storage import digest_texts, write_json
from toolkit.vectors import Encoder, Ranking, System, fuse
from toolkit.vectors.inputs import check_corpus
from toolkit.vectors.rankings import top
from toolkit.vectors.systems import as_system, restore

POOL = "pool.json"
SHOWN = 10  # documents kept per system, for unjudged@10
MIN_OVERLAP = 0.95  # share of previously found documents that a system must find again: rounding may swap near-ties
_COLUMNS = ["judge", "query_id", "doc_id", "relevant", "seconds"]
_ANSWERS: dict[str, bool | None] = {"1": True, "0": False, "": None}
_CODES = {answer: code for code, answer in _ANSWERS.items()}

Pair = tuple[str, str]
Answers = dict[Pair, tuple[bool | None, float]]


def make_pool(
    folder: Path,
    systems: Mapping[str, System | Encoder | Ranking],
    queries: Mapping[str, str],
    corpus: Mapping[str, str],
    *,
    depth: int,
    seed: int,
) -> list[str]:
    """Write the pool of a folder, or add the searches that it lacks; return notes. See `judge`."""
    _check(systems, queries, corpus, depth)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        locked = FileLock(folder / ".pool.lock").acquire()  # two judges may start at once
    except OSError as error:
        raise OSError(f"cannot write to {folder} ({error.strerror or error}): use another folder") from error
    with locked:
        old = read_pool(folder) if (folder / POOL).exists() else None
        if old is None and any(folder.glob("judgements-*.csv")):
            raise ValueError(f"{folder} holds answers but no {POOL}: restore it, or judge in another folder")
        new = {"format": 1, "seed": seed, "depth": depth, "corpus": digest_texts(corpus, corpus.values())}
        before: dict[str, str] = old["queries"] if old else {}
        judged: dict[str, dict[str, list[str]]] = old["systems"] if old else {}
        if old is not None:
            _check_same(folder, old, {**new, "systems": systems})
        ids = {text: query for query, text in before.items()}  # equal texts count as one search
        free = (name for n in itertools.count(len(before) + 1) if (name := f"s{n}") not in {*before, *queries})
        for query, text in queries.items():
            if text not in ids:
                ids[text] = query if query not in before else next(free)
        new["queries"] = {query: text for text, query in ids.items()}
        lists = _first_documents(systems, {query: ids[text] for query, text in queries.items()}, new, corpus)
        for name, found in judged.items():
            same = sum(len({*docs} & {*lists[name][query]}) for query, docs in found.items())
            if same < MIN_OVERLAP * sum(max(len(docs), len(lists[name][query])) for query, docs in found.items()):
                raise _other_pool(folder, f"from other systems: {name!r} found different documents")
            lists[name] |= found  # what was judged stays as it is
        new["systems"] = {name: lists[name] for name in judged or lists}
        new["documents"] = {doc: corpus[doc] for docs in pooled_pairs(new).values() for doc in sorted(docs)}
        if not new["documents"]:
            raise ValueError(f"no system finds anything for any of the {len(ids)} searches: nothing can be judged")
        if new != old:
            write_json(folder / POOL, {**new, "digest": _digest(new)})
    added = len(ids) - len(before)
    return [f"{len(before)} searches were in the pool, {added} were added"] if before and added else []


def _check(systems: Any, queries: Mapping[str, str], corpus: Mapping[str, str], depth: int) -> None:
    if not isinstance(systems, Mapping) or not systems:
        raise ValueError(f"expected systems as {{name: system, model or ranking}}, got {type(systems).__name__}")
    if depth < 1:
        raise ValueError(f"expected a depth of at least 1, got {depth}")
    for name in (*systems, *queries, *corpus):
        if not isinstance(name, str) or not name or any(unicodedata.category(c) == "Cc" for c in name):
            raise ValueError(f"expected names and ids as str without control characters, got {name!r}")
    check_corpus(queries, "searches {query_id: text}")
    check_corpus(corpus)


def _check_same(folder: Path, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    other = {"from other documents": old["corpus"] != new["corpus"]}
    other[f"from other systems, {', '.join(old['systems'])}"] = set(old["systems"]) != set(new["systems"])
    other |= {f"with {key} {old[key]} and not {new[key]}": old[key] != new[key] for key in ("depth", "seed")}
    if what := [what for what, differs in other.items() if differs]:
        raise _other_pool(folder, what[0])


def _other_pool(folder: Path, what: str) -> ValueError:
    return ValueError(
        f"{folder} was pooled {what}: resume what is there (without --queries, --depth and --seed), or use another "
        f"folder (--folder NAME)"
    )


def _first_documents(
    systems: Mapping[str, System | Encoder | Ranking],
    ids: Mapping[str, str],
    pool: Mapping[str, Any],
    corpus: Mapping[str, str],
) -> dict[str, dict[str, list[str]]]:
    """List the first documents that each system finds; `ids` turns the ids of a ranking into those of the pool."""
    queries, k = pool["queries"], max(pool["depth"], SHOWN)
    rankings: dict[str, Ranking] = {}
    for name, given in systems.items():
        if isinstance(given, Mapping):
            rankings[name] = {new: given[query] for query, new in ids.items() if query in given}
            if lacking := [text for query, text in queries.items() if query not in rankings[name]]:
                raise ValueError(
                    f"the ranking {name!r} lacks {len(lacking)} searches (first: {lacking[0]!r:.60}): give every one, "
                    f"even if pooled already, with {{}} where nothing was found"
                )
    searched = {name: as_system(one, corpus, name=name) for name, one in systems.items() if name not in rankings}
    rankings |= dict(zip(searched, search_all(list(searched.values()), queries, k), strict=True))
    found = ((name, query, row) for name, one in rankings.items() for query, row in one.items() if query in queries)
    for name, query, row in found:
        if wrong := [doc for doc, score in row.items() if doc not in corpus or score != score]:
            why = " with score nan" if wrong[0] in corpus else ", which the corpus lacks"
            raise ValueError(f"for search {query!r}, system {name!r} returns document {wrong[0]!r}{why}")
    return {name: {query: list(top(rankings[name].get(query, {}), k)) for query in queries} for name in systems}


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
        raise ValueError(f"{file} is damaged ({error}): restore it from a copy, or judge in another folder") from error
    raise ValueError(f"{file} was changed after it was written: restore it from a copy, or judge in another folder")


def _digest(pool: Mapping[str, Any]) -> str:
    return digest_texts([json.dumps(pool)])


def pooled_pairs(pool: Mapping[str, Any]) -> dict[str, set[str]]:
    """Collect the documents to be judged for each search."""
    depth, systems = pool["depth"], pool["systems"].values()
    return {query: {doc for found in systems for doc in found[query][:depth]} for query in pool["queries"]}


def read_answers(file: Path, pairs: Mapping[str, set[str]]) -> tuple[Answers, list[str]]:
    """Read the answers of one judge, the last one for each document, and notes on what was dropped."""
    whole, half = _lines(file)
    notes = [f"an incomplete last line of {file.name} was dropped: you will judge its document again"] if half else []
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
                raise ValueError(f"it is an answer by {name!r}")
            if doc not in pairs.get(query, ()):
                raise ValueError(f"document {doc!r} for search {query!r} is not in {POOL}; is it from another folder?")
            found[query, doc] = (_ANSWERS[relevant], float(seconds))
        except (ValueError, KeyError) as error:
            raise ValueError(f"line {number} of {file} is damaged ({error}): repair or remove it") from error
    return found, notes


def append_answer(file: Path, judge: str, pair: Pair, relevant: bool | None, seconds: float) -> None:
    """Append a line, replacing an incomplete one left by a crash or a full disk. No complete line is ever removed."""
    whole, half = _lines(file)
    lines = io.StringIO(newline="")
    if whole and not whole.endswith(b"\n"):
        lines.write("\n")
    row = [judge, *pair, _CODES[relevant], seconds]
    csv.writer(lines, lineterminator="\n").writerows([row] if whole else [_COLUMNS, row])
    with file.open("ab") as out:
        if half:
            out.truncate(len(whole))
        out.write(lines.getvalue().encode())
        out.flush()
        os.fsync(out.fileno())


def _lines(file: Path) -> tuple[bytes, bytes]:
    r"""Split a file of answers, with line ends \n or \r\n, into its complete lines and an incomplete last line.

    A last line without a line end, as some editors leave it, counts as complete if it is a valid answer.
    """
    data = file.read_bytes() if file.exists() else b""
    end = data.rfind(b"\n") + 1
    if b"\r" in data[end:-1]:
        raise ValueError(f"{file} has line ends other than \\n or \\r\\n: save it with one of these")
    try:
        [row] = csv.reader([data[end:].decode("utf-8-sig")])
        if row != _COLUMNS:
            _, _, _, relevant, seconds = row
            _ANSWERS[relevant], float(seconds)
        return data, b""
    except (ValueError, KeyError, csv.Error):  # such as an empty remainder, or a truncated character
        return data[:end], data[end:]


def has_documents(run: Path) -> bool:
    """Return whether a folder is a run, or a bundle, with documents to search."""
    return (_bundle(run) / "documents.jsonl").is_file()


def run_documents(run: Path) -> dict[str, str]:
    """Read the texts of a run's bundle, or of a bundle.

    Raises
    ------
    FileNotFoundError
        When there is no bundle.
    """
    if not has_documents(run):
        raise FileNotFoundError(f"{run} has no bundle/documents.jsonl: expected the folder of a finished run")
    with (_bundle(run) / "documents.jsonl").open(encoding="utf-8") as lines:
        return {row["id"]: row["text"] for row in map(json.loads, lines)}


def run_systems(run: Path, corpus: Mapping[str, str]) -> dict[str, System]:
    """Restore the systems that a run compared, the deployed one first.

    For a bundle without a run: its system, the system's parts, and keyword search, alone and fused with it.

    Warns
    -----
    UserWarning
        When some are stored results of another search engine, which cannot run new searches.

    Raises
    ------
    ValueError
        When neither run.json nor bundle.json names a system.
    """
    name, folder, records = deployed(run), run, _read(run / "run.json").get("systems", [])
    if name and not records:
        folder = _bundle(run)
        record = _read(folder / "bundle.json")["system"]
        records = [record, *record.get("parts", ())]
        if "bm25" not in {part["kind"] for part in records}:
            words = {"kind": "bm25", "name": "BM25", "language": "english"}
            records += [words, {"kind": "fusion", "name": f"{name}+BM25", "parts": [record, words], "k": 60}]
    made: dict[str, System] = {}

    def make(record: Mapping[str, Any]) -> System:
        key = json.dumps(record, sort_keys=True)
        if key not in made:  # a model that is part of several systems is loaded once
            if record["kind"] == "fusion":
                made[key] = fuse(*map(make, record["parts"]), k=record["k"], name=record["name"])
            else:
                made[key] = restore(record, corpus, folder)
        return made[key]

    def searches(record: Mapping[str, Any]) -> bool:
        return record["kind"] not in ("ranking", "other") and all(map(searches, record.get("parts", ())))

    if fixed := [record["name"] for record in records if not searches(record)]:
        warnings.warn(f"{', '.join(fixed)} cannot run new searches and is left out", UserWarning, stacklevel=2)
    kept = sorted(filter(searches, records), key=lambda record: record["name"] != name)
    if not kept:
        raise ValueError(f"neither run.json nor bundle.json of {run} names a system: expected a finished run")
    return {record["name"]: make(record) for record in kept}


def deployed(run: Path) -> str | None:
    """Return the name of the system that a run deployed, or that a bundle holds."""
    record = _read(run / "run.json").get("deployed") or _read(_bundle(run) / "bundle.json").get("system") or {}
    return record.get("name") if isinstance(record, dict) else None


def _bundle(run: Path) -> Path:
    return run / "bundle" if (run / "bundle").is_dir() else run


def _read(file: Path) -> dict[str, Any]:
    return dict(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else {}
