"""Read search collections in BEIR's format: documents, queries and relevance judgements."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit.prepare.dropped import Dropped
from toolkit.prepare.files.decoding import opened
from toolkit.prepare.sources.catalogue import ALIASES
from toolkit.prepare.tasks import RetrievalData

_ENDINGS = ("", ".gz", ".bz2", ".xz")


@dataclass(frozen=True)
class Collection:
    """A collection, with a log of what was left out.

    Attributes
    ----------
    name, split : str
    data : RetrievalData
        Only the queries of this split that have a relevant document; all documents; grades as published.
    dropped : Dropped
    """

    name: str
    split: str
    data: RetrievalData
    dropped: Dropped

    def pairs(self) -> tuple[pd.DataFrame, list[str]]:
        """Make pairs of queries and their relevant documents, one row each, and the texts of all others."""
        corpus, queries, qrels = self.data.corpus, self.data.queries, self.data.qrels
        rows = [(queries[q], corpus[d], d) for q in queries for d, grade in qrels[q].items() if grade > 0]
        frame = pd.DataFrame(rows, columns=["anchor", "positive", "positive_id"], dtype="str")
        named, taken = set(frame["positive_id"]), set(frame["positive"])
        others = (text for d, text in corpus.items() if d not in named and text and text not in taken)
        return frame, list(dict.fromkeys(others))


def is_beir(path: Path) -> bool:
    """Return whether a folder holds ``corpus.jsonl`` and ``queries.jsonl`` (possibly compressed)."""
    return path.is_dir() and all(_existing_file(path / f"{side}.jsonl") for side in ("corpus", "queries"))


def read_beir(path: Path, split: str | None) -> Collection:
    """Read a BEIR folder: ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/<split>.tsv``, all possibly compressed (.gz).

    A document's text is its title, a space and its text, as BEIR and MTEB join them. Judgements are
    ``query-id corpus-id score`` with a header, or the four columns of TREC (``query 0 document grade``).

    Raises
    ------
    FileNotFoundError
        There are no judgements for this split.
    ValueError
        A line is broken, an id names several texts, or a pair has two grades.
    """
    files = (file.name.split(".")[0] for file in (path / "qrels").glob("*") if ".tsv" in file.suffixes)
    names = sorted(set(files), key=lambda name: (["train", "dev", "test"].index(ALIASES.get(name, "test")), name))
    if not names:
        raise FileNotFoundError(f"{path.name} has no judgements: expected {path.name}/qrels/test.tsv or another split")
    wanted = split or names[0]
    name = {ALIASES.get(name, name): name for name in names}.get(ALIASES.get(wanted, wanted))
    if name is None:
        raise FileNotFoundError(f"{path.name} has no split {split!r}: expected {', '.join(names)} (in qrels/)")
    documents, queries = (_documents(path / f"{side}.jsonl") for side in ("corpus", "queries"))
    return collection(path.resolve().name, name, documents, queries, read_judgements(path / "qrels" / f"{name}.tsv"))


def collection(
    name: str,
    split: str,
    documents: Iterable[tuple[str, str]],
    queries: Iterable[tuple[str, str]],
    judgements: Iterable[tuple[str, str, int]],
) -> Collection:
    """Build a collection from (id, text) and (query id, document id, grade), and count inconsistent rows.

    Raises
    ------
    ValueError
        An id names several texts, a pair has two grades, or no query has a relevant document.
    """
    dropped = Dropped()
    corpus = _distinct(f"{name}: corpus", documents, dropped)
    texts = _distinct(f"{name}: queries", queries, dropped)
    qrels: dict[str, dict[str, int]] = {}
    lost: dict[str, dict[tuple[str, str], None]] = {"query": {}, "document": {}}
    rows = repeated = 0
    for query, document, grade in judgements:
        rows += 1
        row = qrels.setdefault(query, {})
        if row.get(document, grade) != grade:
            pair, grades = f"document {document!r} for query {query!r}", f"{row[document]} and {grade}"
            raise ValueError(f"{name}: qrels of {split} grade {pair} both {grades}: expected one grade per pair")
        repeated += document in row
        row[document] = grade
        if query not in texts or document not in corpus:
            lost["query" if query not in texts else "document"][query, document] = None
    dropped.count("same judgement twice", rows, repeated, "the qrels repeat it")
    left = rows - repeated
    for what, pairs in lost.items():
        why = f"the qrels name a {what} that does not exist"
        dropped.count(f"unknown {what}", left, len(pairs), why, next(iter(pairs), ()))
        left -= len(pairs)
        for query, document in pairs:
            del qrels[query][document]
    judged = {query: row for query, row in qrels.items() if query in texts}
    kept = {query: row for query, row in judged.items() if any(grade > 0 for grade in row.values())}
    bare = [texts[query] for query in judged if query not in kept]
    dropped.count("no relevant document", len(judged), len(bare), "there is nothing to find", bare[:1])
    if not kept:
        raise ValueError(f"{name}: no query of {split} has a relevant document in the corpus: are these its qrels?")
    if empty := sum(not text for text in corpus.values()):
        dropped.notes.append(f"{empty:,} of {len(corpus):,} documents are empty; they stay, as the qrels assume them")
    return Collection(name, split, RetrievalData(corpus, {query: texts[query] for query in kept}, kept), dropped)


def _distinct(where: str, texts: Iterable[tuple[str, str]], dropped: Dropped) -> dict[str, str]:
    found: dict[str, str] = {}
    rows = 0
    for name, text in texts:
        rows += 1
        if found.setdefault(name, text) != text:
            raise ValueError(f"{where}: the id {name!r} names two texts, {found[name]!r:.50} and {text!r:.50}")
    dropped.count("same text twice", rows, rows - len(found), f"{where} has the id more than once, with the same text")
    return found


def _existing_file(path: Path) -> Path | None:
    return next((file for end in _ENDINGS if (file := path.with_name(path.name + end)).is_file()), None)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Read the lines that are not empty, each with its place."""
    file = _existing_file(path)
    if file is None:
        raise FileNotFoundError(f"there is no {path.name} in {path.parent}")
    with opened(file) as lines:
        for number, line in enumerate(lines, 1):
            where = f"{file.name}: line {number}"
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").replace("\x00", "").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise ValueError(f"{where} is not UTF-8 ({error.reason})") from None
            if text.strip():
                yield where, text


def _documents(path: Path) -> Iterator[tuple[str, str]]:
    for where, line in _lines(path):
        try:
            yield document_of(json.loads(line))
        except (ValueError, TypeError, KeyError, RecursionError):
            raise ValueError(f'{where} holds {line[:60]!r}, expected an object {{"_id": ..., "text": ...}}') from None


def document_of(record: dict[str, Any]) -> tuple[str, str]:
    """Return id and text of a record of BEIR, title first."""
    return str(record["_id"]), f"{record.get('title') or ''} {record['text'] or ''}".strip()


def read_judgements(path: Path) -> Iterator[tuple[str, str, int]]:
    """Read the query id, document id and grade of each line."""
    for number, (where, line) in enumerate(_lines(path)):
        fields = line.split("\t") if "\t" in line else line.split()
        fields = [fields[0], *fields[2:]] if len(fields) == 4 else fields  # TREC: query, iteration, document, grade
        try:
            query, document, grade = fields
            value = float(grade)
            if value != int(value):
                raise ValueError
            yield query.strip(), document.strip(), int(value)
        except (ValueError, OverflowError):
            if number == 0 and not re.fullmatch(r"[-+.\deE]+", fields[-1].strip()):
                continue  # the header
            wanted = "query-id, corpus-id and a whole number as the grade, or the four columns of TREC"
            raise ValueError(f"{where} holds {line[:60]!r}, expected {wanted}") from None
