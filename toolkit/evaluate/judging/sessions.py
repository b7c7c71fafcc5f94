"""Judge what systems find for real searches, without seeing which system found it; every answer is saved at once."""

from __future__ import annotations

import re
import statistics
import time
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.evaluate.judging.pooling import make_or_extend
from toolkit.evaluate.judging.pools import append_answer, pooled_pairs, read_answers, read_pool
from toolkit.evaluate.scoring.ranking import search
from toolkit.storage import digest_texts

ASSUMED = 4  # seconds an answer, until a judge's own are known


def judge(
    systems: Mapping[str, Any],
    queries: Mapping[str, str],
    corpus: Mapping[str, str],
    *,
    folder: str | Path,
    judge: str = "me",
    depth: int = 5,
    seed: int = 0,
) -> Session:
    """Pool the first documents of all systems for each search, to be judged blind; or go on where a judge stopped.

    Call it again with further searches to add them: those that are there keep their documents and answers. A search is
    known by its text; one whose id is taken by another gets the next free, which a note of the session tells.

    The documents are pooled (as TREC does since 1992), without repeats, in an order that depends on seed, judge and
    search alone: nothing tells which system found one. ``folder`` then holds ``pool.json`` and one file of answers a
    judge.

    Parameters
    ----------
    systems : mapping of name to model or ranking
        Anything with ``search(queries, k)`` or ``encode``, or a finished ranking ``{query_id: {doc_id: score}}``. The
        first is the one that `results` compares with the others. To add searches give the same systems; they search
        for those that are there too, and must find what they found (95 of 100 documents, since rounding turns
        near-ties). A finished ranking holds all searches then, those that are there and the new ones.
    queries : mapping of query id to text
        Real searches, see `queries_from`.
    corpus : mapping of document id to text
    folder : path
        Where pool and answers are kept. Made if need be; no answer in it is ever overwritten.
    judge : str
        Who judges: letters, digits, ``-`` and ``_``.
    depth : int
        Documents that are judged of each system and search.
    seed : int

    Raises
    ------
    ValueError
        When the folder was pooled from other systems or documents, with another depth or seed, or no system finds
        anything.
    """
    folder = Path(folder).expanduser()
    notes = make_or_extend(folder, systems, queries, corpus, depth=depth, seed=seed)
    session = Session(folder, judge)
    session.notes[:0] = notes
    return session


def resume(folder: str | Path, *, judge: str = "me") -> Session:
    """Go on judging what was pooled in `folder`, or judge it too: needs neither models nor corpus."""
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
    """One judge's way through a pool. Made by `judge` and `resume`; works in any cell, `toolkit.widgets` has buttons.

    Attributes
    ----------
    folder : Path
    judge : str
    notes : list of str
        What the judge should know, such as half an answer that was lost when a computer went down.
    """

    def __init__(self, folder: str | Path, judge: str) -> None:
        if not re.fullmatch(r"[\w-]{1,40}", judge):
            raise ValueError(f"expected a judge's name of letters, digits, '-' and '_', got {judge!r}")
        self.folder, self.judge = Path(folder).expanduser(), judge
        self._file = self.folder / f"judgements-{judge}.csv"
        self._pool = read_pool(self.folder)
        pairs = pooled_pairs(self._pool)
        self._pairs = [(query, doc) for query, found in pairs.items() for doc in self._order(query, found)]
        self._answers, self.notes = read_answers(self._file, pairs) if self._file.exists() else ({}, [])
        if empty := [query for query, found in pairs.items() if not found]:
            texts = ", ".join(repr(self._pool["queries"][query]) for query in empty)
            self.notes.append(f"no system finds anything for {texts}: it counts as 0 for all of them")
        self._back: int | None = None
        self._since = (-1, 0.0)

    def _order(self, query: str, docs: Iterable[str]) -> list[str]:
        return sorted(docs, key=lambda doc: digest_texts([str(self._pool["seed"]), self.judge, query, doc]))

    def _now(self) -> int | None:
        if self._back is not None:
            return self._back
        return next((number for number, pair in enumerate(self._pairs) if pair not in self._answers), None)

    @property
    def done(self) -> bool:
        """Whether every document has an answer."""
        return len(self._answers) == len(self._pairs)

    @property
    def searches(self) -> int:
        """How many searches are in the pool."""
        return len(self._pool["queries"])

    @property
    def progress(self) -> str:
        """How far the judge is, and the time left: by the median of the judge's answers, or by 4 seconds before 3."""
        told = f"{len(self._answers)} of {len(self._pairs)} documents"
        if self.done:
            return told
        times = [seconds for _, seconds in self._answers.values()]
        pace, how = float(ASSUMED), f" if each takes {ASSUMED} seconds (assumed)"
        if len(times) >= 3:
            pace, how = statistics.median(times), ""
        minutes = pace * (len(self._pairs) - len(times)) / 60
        return f"{told}, {f'about {minutes:.0f} minutes' if minutes >= 1.5 else 'a minute or less'} left{how}"

    def next(self) -> Item | None:
        """The document to be judged now, the same until it is answered; None when all are."""
        now = self._now()
        if now is None:
            return None
        if self._since[0] != now:
            self._since = (now, time.monotonic())
        query, doc = self._pairs[now]
        place = f"{now + 1} of {len(self._pairs)}"
        return Item(query, doc, self._pool["queries"][query], self._pool["documents"][doc], place)

    def answer(self, yes: bool | None) -> None:
        """Say whether the document answers the search, or None when unsure. Saved when this returns."""
        item = self.next()
        if item is None:
            raise ValueError(f"all {len(self._pairs)} documents are judged: nothing waits for an answer; see back()")
        if yes not in (True, False, None):
            raise ValueError(f"expected True, False or None, got {yes!r}")
        seconds = round(time.monotonic() - self._since[1], 1)
        pair = item.query_id, item.doc_id
        append_answer(self._file, self.judge, pair, yes, seconds)
        self._answers[pair] = (yes, seconds)
        self._back, self._since = None, (-1, 0.0)

    def back(self) -> None:
        """Return to the document before this one, to answer it anew; the later answer counts."""
        now = self._now()
        self._back = max(0, (len(self._pairs) if now is None else now) - 1)

    def __str__(self) -> str:
        keys = "session.answer(True), .answer(False), .answer(None) when unsure, .back()"
        item = self.next()
        return f"{self.progress}: all is judged" if item is None else f"{item}\n\n{keys}\n{self.progress}"


def plain(text: str) -> str:
    r"""A text without characters that steer a terminal or turn the order of its letters.

    Examples
    --------
    >>> plain("red \x1b[31m text")
    'red �[31m text'
    """
    text = text.replace("\r\n", "\n").replace("\t", "    ")
    turning = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    return "".join("�" if c in turning or (c != "\n" and unicodedata.category(c) in ("Cc", "Cs")) else c for c in text)


def ranked(system: Any, queries: Mapping[str, str], corpus: Mapping[str, str], k: int) -> dict[str, dict[str, float]]:
    """As `search`, for searches of which no relevant document is known, so that no `Task` can hold them."""
    return search(system, queries, corpus, k)
