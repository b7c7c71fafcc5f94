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

from filelock import FileLock

from toolkit.evaluate.judging.pools import POOL, SHOWN, append_answer, pooled_pairs, read_answers, read_pool, write_pool
from toolkit.evaluate.scoring.metrics import top
from toolkit.evaluate.scoring.ranking import search
from toolkit.runs import digest_texts


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

    The documents are pooled (as TREC does since 1992), without repeats, in an order that depends on seed, judge and
    search alone: nothing tells which system found one. ``folder`` then holds ``pool.json`` and one file of answers a
    judge.

    Parameters
    ----------
    systems : mapping of name to model or ranking
        Anything with ``search(queries, k)`` or ``encode``, or a finished ranking ``{query_id: {doc_id: score}}``. The
        first is the one that `results` compares with the others.
    queries : mapping of query id to text
        Real searches, see `queries_from`.
    corpus : mapping of document id to text
    folder : path
        Where pool and answers are kept. Made if need be; nothing in it is ever overwritten.
    judge : str
        Who judges: letters, digits, ``-`` and ``_``.
    depth : int
        Documents that are judged of each system and search.
    seed : int

    Raises
    ------
    ValueError
        When the folder was pooled from other searches, systems or documents, or no system finds anything.
    """
    folder = Path(folder).expanduser()
    _check(systems, queries, corpus, depth)
    digest = digest_texts(corpus, corpus.values())
    if (folder / POOL).exists():  # what differs is said before the slow part
        _same(folder, read_pool(folder), queries=dict(queries), corpus=digest, depth=depth, seed=seed)
    lists = {name: _first(name, system, queries, corpus, max(depth, SHOWN)) for name, system in systems.items()}
    pooled = {doc: corpus[doc] for found in lists.values() for row in found.values() for doc in row[:depth]}
    if not pooled:
        raise ValueError(f"no system finds anything for any of the {len(queries)} searches: there is nothing to judge")
    pool = {"format": 1, "seed": seed, "depth": depth, "corpus": digest, "queries": dict(queries), "systems": lists,
            "documents": pooled}  # fmt: skip
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".pool.lock"):  # two judges may start at once
            if (folder / POOL).exists():
                _same(folder, read_pool(folder), **{part: pool[part] for part in ("queries", "corpus", "systems")})
            elif any(folder.glob("judgements-*.csv")):
                raise ValueError(f"{folder} holds answers but no {POOL}: put it back, or judge in another folder")
            else:
                write_pool(folder, pool)
    except OSError as error:
        raise OSError(f"cannot write to {folder} ({error.strerror or error}): give another folder") from error
    return Session(folder, judge)


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
    def progress(self) -> str:
        """How far the judge is, and the time left by the judge's own pace (the median answer)."""
        told = f"{len(self._answers)} of {len(self._pairs)} documents"
        times = [seconds for _, seconds in self._answers.values()]
        if self.done or len(times) < 3:
            return told
        minutes = statistics.median(times) * (len(self._pairs) - len(times)) / 60
        return f"{told}, {f'about {minutes:.0f} minutes' if minutes >= 1.5 else 'a minute or less'} left"

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


def _check(systems: Any, queries: Mapping[str, str], corpus: Mapping[str, str], depth: int) -> None:
    if not isinstance(systems, Mapping) or not systems:
        raise ValueError(f"expected systems as {{name: model or ranking}}, got {type(systems).__name__}")
    if len({str(name).strip().casefold() for name in systems}) < len(systems):
        raise ValueError(f"two systems have the same name: {', '.join(map(str, systems))}")
    if not queries or not corpus or depth < 1:
        raise ValueError(f"got {len(queries)} searches, {len(corpus)} documents, depth {depth}: expected 1 of each")
    for name in (*systems, *queries, *corpus):
        if not isinstance(name, str) or not name or any(unicodedata.category(c) == "Cc" for c in name):
            raise ValueError(f"expected names and ids as str without control characters, got {name!r}")
    for number, text in {**queries, **corpus}.items():
        if not isinstance(text, str):
            raise ValueError(f"the text of {number!r} is {type(text).__name__}, expected str")


def _first(
    name: str, system: Any, queries: Mapping[str, str], corpus: Mapping[str, str], k: int
) -> dict[str, list[str]]:
    """The first `k` documents of a system for each search, best first."""
    ranking = system if isinstance(system, Mapping) else ranked(system, queries, corpus, k)
    for query in queries:
        for doc, score in ranking.get(query, {}).items():
            if doc not in corpus or score != score:
                why = f"score nan for {doc!r}" if doc in corpus else f"document {doc!r}, which the corpus lacks"
                raise ValueError(f"system {name!r} gives for search {query!r} the {why}")
    return {query: top(ranking.get(query, {}), k) for query in queries}


def _same(folder: Path, old: Mapping[str, Any], **new: Any) -> None:
    """Refuse to mix two pools."""
    words = {"queries": "searches", "corpus": "documents", "systems": "systems, or they find other documents"}
    for part, value in new.items():
        if old[part] != value or (part == "systems" and list(old[part]) != list(value)):
            raise ValueError(
                f"{folder} was pooled from other {words.get(part, part)}. To go on with what is there: "
                f"resume({str(folder)!r}); to judge anew give another folder, what was judged stays"
            )
