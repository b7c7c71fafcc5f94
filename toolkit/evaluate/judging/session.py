"""Judge what systems find for real searches, without seeing which system found it; every answer is saved at once."""

from __future__ import annotations

import re
import statistics
import time
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from toolkit.evaluate.judging.pool import append_answer, make_pool, pooled_pairs, read_answers, read_pool
from toolkit.storage import digest_texts
from toolkit.vectors import Encoder, Ranking, System

DEFAULT_SECONDS = 4  # seconds per answer, until the judge's own pace is known


def judge(
    systems: Mapping[str, System | Encoder | Ranking],
    queries: Mapping[str, str],
    corpus: Mapping[str, str],
    *,
    folder: str | Path,
    judge: str = "me",
    depth: int = 5,
    seed: int = 0,
) -> Session:
    """Pool the first documents of all systems for each search, to be judged blind; or continue where a judge stopped.

    Call it again with further searches to add them: those in the pool keep documents and answers. Equal texts count as
    one search; a new search whose id is taken gets the next free id.

    The documents are pooled (as TREC does since 1992), without repeats, in an order that depends only on seed, judge
    and search: nothing shows which system found one. ``folder`` then holds ``pool.json`` and one file of answers for
    each judge.

    Parameters
    ----------
    systems : mapping of name to System, Encoder or ranking
        A ranking is ``{query_id: {doc_id: score}}`` and must cover all searches. `results` compares the first with the
        others. To add searches, give the same systems: they rerun the searches in the pool too, and must find what they
        found before (95 of 100 documents, since rounding swaps near-ties).
    queries : mapping of query id to text
        Real searches, see `queries_from`.
    corpus : mapping of document id to text
    folder : path
        Where pool and answers are kept. Created if it does not exist; no answer in it is ever overwritten.
    judge : str
        Who judges: letters, digits, ``-`` and ``_``.
    depth : int
        Documents to judge per system and search.
    seed : int

    Raises
    ------
    ValueError
        When the folder holds a pool made from other systems, documents, depth or seed, when a ranking lacks
        searches, or when no system finds anything.
    """
    folder = Path(folder).expanduser()
    notes = make_pool(folder, systems, queries, corpus, depth=depth, seed=seed)
    session = Session(folder, judge)
    session.notes[:0] = notes
    return session


def resume(folder: str | Path, *, judge: str = "me") -> Session:
    """Continue judging the pool in `folder`, or start as another judge; needs neither models nor corpus."""
    return Session(folder, judge)


@dataclass(frozen=True)
class Item:
    """A document to be judged for a search: ids, texts, and its place, such as ``7 of 143``. It names no system."""

    query_id: str
    doc_id: str
    query: str
    text: str
    place: str

    def __str__(self) -> str:
        return f"{self.place}\n\n{plain(self.text)}\n\nSearch: {plain(self.query)}"


class Session:
    """One judge's session on a pool. Made by `judge` and `resume`; works in any cell; `toolkit.widgets` adds buttons.

    Attributes
    ----------
    folder : Path
    judge : str
    pairs : list of (query id, document id)
        In the order in which they are judged.
    answers : mapping of (query id, document id) to (True, False or None, seconds)
    notes : list of str
        What the judge should know, such as half an answer that was lost in a crash.
    """

    def __init__(self, folder: str | Path, judge: str) -> None:
        if not re.fullmatch(r"[\w-]{1,40}", judge):
            raise ValueError(f"expected a judge's name of letters, digits, '-' and '_', got {judge!r}")
        self.folder, self.judge = Path(folder).expanduser(), judge
        self._file = self.folder / f"judgements-{judge}.csv"
        self._pool = pool = read_pool(self.folder)
        documents = pooled_pairs(pool)
        self.pairs = [
            (query, doc)
            for query, found in documents.items()
            for doc in sorted(found, key=lambda doc: digest_texts([str(pool["seed"]), judge, query, doc]))
        ]
        self.answers, self.notes = read_answers(self._file, documents) if self._file.exists() else ({}, [])
        if empty := [query for query, found in documents.items() if not found]:
            texts = ", ".join(repr(pool["queries"][query]) for query in empty)
            self.notes.append(f"no system finds anything for {texts}: this counts as 0 for every system")
        self._back: int | None = None
        self._since = (-1, 0.0)

    def _now(self) -> int | None:
        if self._back is not None:
            return self._back
        return next((number for number, pair in enumerate(self.pairs) if pair not in self.answers), None)

    @property
    def done(self) -> bool:
        """Whether every document has an answer."""
        return len(self.answers) == len(self.pairs)

    @property
    def searches(self) -> int:
        """Number of searches in the pool."""
        return len(self._pool["queries"])

    @property
    def progress(self) -> str:
        """Documents judged so far, and the time left, from the judge's median (4 seconds until three answers)."""
        judged = f"{len(self.answers)} of {len(self.pairs)} documents"
        if self.done:
            return judged
        times = [seconds for _, seconds in self.answers.values()]
        known = len(times) >= 3
        minutes = (statistics.median(times) if known else DEFAULT_SECONDS) * (len(self.pairs) - len(times)) / 60
        left = f"about {minutes:.0f} minutes left" if minutes >= 1.5 else "a minute or less left"
        return f"{judged}, {left}" + ("" if known else f" if each takes {DEFAULT_SECONDS} seconds (assumed)")

    def next(self) -> Item | None:
        """Return the document to be judged now, the same until it is answered; None when all are."""
        now = self._now()
        if now is None:
            return None
        if self._since[0] != now:
            self._since = (now, time.monotonic())
        query, doc = self.pairs[now]
        place = f"{now + 1} of {len(self.pairs)}"
        return Item(query, doc, self._pool["queries"][query], self._pool["documents"][doc], place)

    def answer(self, yes: bool | None) -> None:
        """Record whether the document answers the search, None when unsure. It is saved when this returns."""
        item = self.next()
        if item is None:
            raise ValueError(f"all {len(self.pairs)} documents are judged: to change an answer, call back() first")
        if yes not in (True, False, None):
            raise ValueError(f"expected True, False or None, got {yes!r}")
        seconds = round(time.monotonic() - self._since[1], 1)
        pair = item.query_id, item.doc_id
        append_answer(self._file, self.judge, pair, yes, seconds)
        self.answers[pair] = (yes, seconds)
        self._back, self._since = None, (-1, 0.0)

    def back(self) -> None:
        """Go back to the document before this one, to answer it again; the later answer counts."""
        now = self._now()
        self._back = max(0, (len(self.pairs) if now is None else now) - 1)

    def __str__(self) -> str:
        keys = "session.answer(True), .answer(False), .answer(None) when unsure, .back()"
        item = self.next()
        return f"{self.progress}: everything is judged" if item is None else f"{item}\n\n{keys}\n{self.progress}"


def plain(text: str) -> str:
    r"""Replace characters that control a terminal or the direction of text.

    Examples
    --------
    >>> plain("red \x1b[31m text")
    'red �[31m text'
    """
    text = text.replace("\r\n", "\n").replace("\t", "    ")
    turning = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    return "".join("�" if c in turning or (c != "\n" and unicodedata.category(c) in ("Cc", "Cs")) else c for c in text)
