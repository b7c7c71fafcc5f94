"""Searches whose right documents are known, systems that find some of them, and judges."""

from __future__ import annotations

import random
import zlib
from pathlib import Path
from typing import Any

from toolkit import vectors
from toolkit.evaluate.judging import Session, judge

CORPUS = {f"d{i}": f"word{i} common thing{i % 7}" for i in range(60)}
QUERIES = {f"s{i}": f"word{i} thing{i % 5}" for i in range(10)}
RIGHT = {query: {f"d{query[1:]}", f"d{int(query[1:]) + 7}"} for query in QUERIES}


def ranking(seed: int, bonus: float) -> dict[str, dict[str, float]]:
    """Twelve documents a search, right ones `bonus` higher."""
    rng = random.Random(seed)
    return {
        query: {doc: rng.random() + bonus * (doc in RIGHT[query]) for doc in {*rng.sample(list(CORPUS), 10), *right}}
        for query, right in ((query, sorted(RIGHT[query])) for query in QUERIES)
    }


def systems() -> dict[str, Any]:
    """Two finished rankings, a good and a bad one, and keyword search."""
    return {"tuned": ranking(1, 1.0), "BM25": vectors.bm25(CORPUS), "weak": ranking(2, 0.0)}


class Letters:
    """A system that ranks all documents for any search."""

    name, corpus, record = "letters", CORPUS, {"kind": "other", "name": "letters"}

    def search(self, queries: dict[str, str], k: int) -> dict[str, dict[str, float]]:
        """An order by chance, the same for the same text."""
        return {q: {d: -float(zlib.crc32((text + d).encode())) for d in CORPUS} for q, text in queries.items()}


def searchers() -> dict[str, Any]:
    """Systems that can rank any search."""
    return {"letters": Letters(), "BM25": vectors.bm25(CORPUS)}


def begin(folder: Path, **options: Any) -> Session:
    """A pool of the three systems."""
    return judge(systems(), QUERIES, CORPUS, folder=folder / "judging", **options)


def finish(session: Session, wrong: float = 0.0) -> None:
    """Answer what is open, with a share of wrong answers."""
    rng = random.Random(session.judge)
    while (item := session.next()) is not None:
        session.answer((item.doc_id in RIGHT[item.query_id]) != (rng.random() < wrong))


def finish_by_text(session: Session) -> None:
    """Answer yes where the document holds the first word of the search."""
    while (item := session.next()) is not None:
        session.answer(item.query.split()[0] in item.text.split())
