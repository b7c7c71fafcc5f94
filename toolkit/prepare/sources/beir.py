"""Collections for search: documents, queries and judgements of who is relevant to whom, as BEIR publishes them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit.prepare.dropped import Dropped
from toolkit.prepare.files.decoding import opened
from toolkit.prepare.tasks import RetrievalData

ALIASES = {"validation": "dev", "val": "dev", "dev": "dev", "train": "train", "test": "test"}
_ENDINGS = ("", ".gz", ".bz2", ".xz")


@dataclass(frozen=True)
class Collection:
    """A collection, and what was left out of it.

    Attributes
    ----------
    name, split : str
    data : RetrievalData
        Only the queries of this split that have a relevant document; all documents; grades as they were given.
    table : DataFrame
        As `toolkit.prepare.Loaded.table`.
    notes : list of str
    """

    name: str
    split: str
    data: RetrievalData
    table: pd.DataFrame
    notes: list[str]

    def pairs(self) -> tuple[pd.DataFrame, list[str]]:
        """Queries and their relevant documents as pairs, a row each, and the texts of all other documents."""
        data = self.data
        rows = [(q, d) for q in data.queries for d, grade in data.qrels[q].items() if grade > 0]
        frame = pd.DataFrame({
            "anchor": [data.queries[q] for q, _ in rows],
            "positive": [data.corpus[d] for _, d in rows],
            "positive_id": [d for _, d in rows],
        }, dtype="str")  # fmt: skip
        named = {d for _, d in rows}
        taken = {data.corpus[d] for d in named}
        others = (text for d, text in data.corpus.items() if d not in named and text and text not in taken)
        return frame, list(dict.fromkeys(others))


def is_beir(path: Path) -> bool:
    """Whether a folder holds ``corpus.jsonl`` and ``queries.jsonl`` (or packed)."""
    return path.is_dir() and all(_there(path / f"{side}.jsonl") for side in ("corpus", "queries"))


def splits_of(path: Path) -> list[str]:
    """Names of the splits that a BEIR folder has judgements for."""
    names = {file.name.split(".")[0] for file in (path / "qrels").glob("*") if ".tsv" in file.suffixes}
    return sorted(names, key=lambda name: (["train", "dev", "test"].index(ALIASES.get(name, "test")), name))


def read_beir(path: Path, split: str | None) -> Collection:
    """Read a BEIR folder: ``corpus.jsonl``, ``queries.jsonl`` and ``qrels/<split>.tsv``, all possibly packed (.gz).

    A document's text is its title, a blank and its text, as BEIR and MTEB join them. Judgements are
    ``query-id corpus-id score`` with a header, or the four columns of TREC (``query 0 document grade``).

    Raises
    ------
    FileNotFoundError
        There are no judgements for this split.
    ValueError
        A line is broken, one id names several texts, or one pair has two grades.
    """
    names = splits_of(path)
    if not names:
        raise FileNotFoundError(f"{path.name} has no judgements: expected {path.name}/qrels/test.tsv or another split")
    if split is None:
        split = names[0]
    known = {ALIASES.get(name, name): name for name in names}
    if ALIASES.get(split, split) not in known:
        raise FileNotFoundError(f"{path.name} has no split {split!r}: expected {', '.join(names)} (in qrels/)")
    split = known[ALIASES.get(split, split)]
    return collection(
        path.resolve().name,
        split,
        _documents(path / "corpus.jsonl"),
        _documents(path / "queries.jsonl"),
        read_judgements(path / "qrels" / f"{split}.tsv"),
    )


def collection(
    name: str,
    split: str,
    documents: Iterable[tuple[str, str]],
    queries: Iterable[tuple[str, str]],
    judgements: Iterable[tuple[str, str, int]],
) -> Collection:
    """A collection of (id, text) and (query id, document id, grade), checked; what does not fit is accounted for."""
    account = Dropped()
    corpus = _distinct(f"{name}: corpus", documents, account)
    asked = _distinct(f"{name}: queries", queries, account)
    qrels: dict[str, dict[str, int]] = {}
    lost: dict[str, list[tuple[str, str]]] = {"query": [], "document": []}
    rows = repeated = 0
    for query, document, grade in judgements:
        rows += 1
        row = qrels.setdefault(query, {})
        if row.get(document, grade) != grade:
            raise ValueError(
                f"{name}: qrels of {split} grade document {document!r} for query {query!r} both {row[document]} and "
                f"{grade}: expected one grade a pair"
            )
        repeated += document in row
        row[document] = grade
        if query not in asked or document not in corpus:
            lost["query" if query not in asked else "document"].append((query, document))
    account.count("same judgement twice", rows, repeated, "the qrels say it more than once")
    left = rows - repeated
    for what, pairs in lost.items():
        pairs = list(dict.fromkeys(pairs))
        why = f"the qrels name a {what} that is not there"
        account.count(f"unknown {what}", left, len(pairs), why, pairs[0] if pairs else ())
        left -= len(pairs)
        for query, document in pairs:
            del qrels[query][document]
    judged = {query: row for query, row in qrels.items() if query in asked}
    kept = [query for query, row in judged.items() if any(grade > 0 for grade in row.values())]
    bare = [query for query in judged if query not in set(kept)]
    why = "no document is relevant to it: nothing could be found"
    account.count("no relevant document", len(judged), len(bare), why, [asked[bare[0]]] if bare else ())
    if not kept:
        raise ValueError(f"{name}: no query of {split} has a relevant document in the corpus: are these its qrels?")
    data = RetrievalData(corpus, {query: asked[query] for query in kept}, {query: judged[query] for query in kept})
    table = account.table
    empty = sum(not text for text in corpus.values())
    notes = (
        [f"{empty:,} of {len(corpus):,} documents are empty, and stay since the qrels count on them"] if empty else []
    )
    return Collection(name, split, data, table[table["dropped"] > 0].reset_index(drop=True), notes)


def _distinct(where: str, texts: Iterable[tuple[str, str]], account: Dropped) -> dict[str, str]:
    found: dict[str, str] = {}
    rows = 0
    for name, text in texts:
        rows += 1
        if found.setdefault(name, text) != text:
            raise ValueError(
                f"{where}: the id {name!r} names two texts, {found[name]!r:.50} and {text!r:.50}: expected one an id"
            )
    account.count("same text twice", rows, rows - len(found), f"{where} has the id more than once, with the same text")
    return found


def _there(path: Path) -> Path | None:
    return next((file for end in _ENDINGS if (file := path.with_name(path.name + end)).is_file()), None)


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """Lines that hold something, and where each stands."""
    file = _there(path)
    if file is None:
        raise FileNotFoundError(f"there is no {path.name} in {path.parent}")
    with opened(file) as lines:
        for number, line in enumerate(lines, 1):
            try:
                text = line.decode("utf-8-sig" if number == 1 else "utf-8").replace("\x00", "").rstrip("\r\n")
            except UnicodeDecodeError as error:
                raise ValueError(f"{file.name}: line {number} is not UTF-8 ({error.reason})") from None
            if text.strip():
                yield f"{file.name}: line {number}", text


def _documents(path: Path) -> Iterator[tuple[str, str]]:
    for where, line in _lines(path):
        try:
            record = json.loads(line)
            yield document_of(record)
        except (ValueError, TypeError, KeyError, RecursionError):
            raise ValueError(
                f'{where} holds {line[:60]!r}, expected an object {{"_id": ..., "text": ...}}, for documents perhaps '
                f"with a title"
            ) from None


def document_of(record: dict[str, Any]) -> tuple[str, str]:
    """Id and text of a record of BEIR, title first."""
    title, text = record.get("title") or "", record["text"] or ""
    return str(record["_id"]), f"{title} {text}".strip()


def read_judgements(path: Path) -> Iterator[tuple[str, str, int]]:
    """Query id, document id and grade of each line."""
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
            if number == 0 and not _is_number(fields[-1]):
                continue  # the header
            raise ValueError(
                f"{where} holds {line[:60]!r}, expected query-id, corpus-id and a whole number as the grade, with tabs "
                f"between, or the four columns of TREC"
            ) from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
