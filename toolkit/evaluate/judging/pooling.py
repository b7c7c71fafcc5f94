"""Pool the first documents of all systems, or add searches to a pool; what was judged is never touched."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from toolkit.evaluate.judging.pools import POOL, SHOWN, read_pool, write_pool
from toolkit.evaluate.scoring.metrics import top
from toolkit.evaluate.scoring.ranking import search
from toolkit.storage import digest_texts

ALIKE = 0.95  # share of the documents found before that a system must find again: rounding may turn near-ties


class OtherPoolError(ValueError):
    """A folder was pooled from something else. `what` says from what, without the way out: a shell's is another."""

    def __init__(self, folder: Path, what: str) -> None:
        self.what = f"{folder} was pooled {what}"
        super().__init__(
            f"{self.what}. To go on with what is there: resume({str(folder)!r}); to judge anew give another folder, "
            f"what was judged stays"
        )


def make_or_extend(
    folder: Path, systems: Mapping[str, Any], queries: Mapping[str, str], corpus: Mapping[str, str],
    *, depth: int, seed: int,
) -> list[str]:  # fmt: skip
    """Write the pool of a folder, or add to it the searches that it lacks; returns notes. See `judge`."""
    _check(systems, queries, corpus, depth)
    digest = digest_texts(corpus, corpus.values())
    old = read_pool(folder) if (folder / POOL).exists() else None
    notes: list[str] = []
    if old is not None:  # what differs is said before the slow part
        check_same(folder, old, systems=systems, corpus=digest, depth=depth, seed=seed)
        ids = place(old["queries"], queries)
        queries = {ids[query]: text for query, text in queries.items()}
        systems = {name: _renamed(system, ids) for name, system in systems.items()}
        if further := len(queries.keys() - old["queries"].keys()):
            _all_there(systems, old["queries"].keys() - queries.keys())
            queries = {**old["queries"], **queries}
            notes = [_added(len(old["queries"]), further, ids)]
    lists = {name: _first(name, system, queries, corpus, max(depth, SHOWN)) for name, system in systems.items()}
    pooled = {doc: corpus[doc] for found in lists.values() for row in found.values() for doc in row[:depth]}
    if old is None:
        if not pooled:
            raise ValueError(
                f"no system finds anything for any of the {len(queries)} searches: there is nothing to judge"
            )
        new = {"format": 1, "seed": seed, "depth": depth, "corpus": digest, "queries": dict(queries), "systems": lists,
               "documents": pooled}  # fmt: skip
    else:
        _check_lists(folder, old, lists)
        new = {
            **old,
            "queries": {**old["queries"], **queries},
            # What a system found before stays as it was judged, and so does the order of the systems.
            "systems": {name: {**lists[name], **found} for name, found in old["systems"].items()},
            "documents": {**pooled, **old["documents"]},
        }
    if _written(folder, old, new):
        return notes
    return make_or_extend(folder, systems, queries, corpus, depth=depth, seed=seed)  # another judge was faster


def place(there: Mapping[str, str], queries: Mapping[str, str]) -> dict[str, str]:
    """The id in a pool of each search: of one with the same text, its own, or the next free where that is taken.

    Examples
    --------
    >>> place({"s1": "median", "s2": "sum"}, {"s1": "sum", "s2": "join", "x": "sort"})
    {'s1': 's2', 's2': 's3', 'x': 'x'}
    """
    known = {text: query for query, text in reversed([*there.items()])}
    taken = {*there, *(query for query, text in queries.items() if query not in there and text not in known)}
    free = (name for name in (f"s{number}" for number in itertools.count(len(there) + 1)) if name not in taken)
    return {
        query: query if there.get(query) == text or (query not in there and text not in known)
        else known[text] if text in known else next(free)
        for query, text in queries.items()
    }  # fmt: skip


def check_same(
    folder: Path, old: Mapping[str, Any], *, systems: Iterable[str], corpus: str, depth: int, seed: int
) -> None:
    """Refuse to mix two pools: `OtherPoolError` where names of systems, the corpus's digest, depth or seed differ."""
    if old["corpus"] != corpus:
        raise OtherPoolError(folder, "from other documents")
    if set(old["systems"]) != set(systems):
        raise OtherPoolError(folder, f"from other systems, {', '.join(old['systems'])}")
    for part, value in (("depth", depth), ("seed", seed)):
        if old[part] != value:
            raise OtherPoolError(folder, f"with another {part}, {old[part]} and not {value}")


def _check_lists(folder: Path, old: Mapping[str, Any], lists: Mapping[str, Mapping[str, list[str]]]) -> None:
    """Refuse a system that finds other documents than one of its name found before."""
    for name, before in old["systems"].items():
        both = [query for query in before if query in lists[name]]
        found = sum(len({*before[query]} & {*lists[name][query]}) for query in both)
        if found < ALIKE * sum(max(len(before[query]), len(lists[name][query])) for query in both):
            raise OtherPoolError(folder, f"from other systems: {name!r} found other documents then")


def _written(folder: Path, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> bool:
    """Write `new` in place of `old`, whole or not at all; False when something else stands there by now."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".pool.lock"):  # two judges may start at once
            now = read_pool(folder) if (folder / POOL).exists() else None
            if now != old:
                return False
            if old is None and any(folder.glob("judgements-*.csv")):
                raise ValueError(f"{folder} holds answers but no {POOL}: put it back, or judge in another folder")
            if new != old:
                write_pool(folder, new)
    except OSError as error:
        raise OSError(f"cannot write to {folder} ({error.strerror or error}): give another folder") from error
    return True


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


def _renamed(system: Any, ids: Mapping[str, str]) -> Any:
    """A finished ranking under the ids of the pool; anything else as it is."""
    if not isinstance(system, Mapping):
        return system
    return {ids[query]: row for query, row in system.items() if query in ids}


def _all_there(systems: Mapping[str, Any], missing: Iterable[str]) -> None:
    """Refuse a finished ranking of new searches alone: nothing would tell whether it is of the system it was."""
    finished = next((name for name, system in systems.items() if isinstance(system, Mapping)), None)
    if finished is not None and (count := len(list(missing))):
        raise ValueError(
            f"{finished!r} is a finished ranking, and {count} of the searches that are in the pool are not given: give "
            f"all, those there and the new ones, since only so can be seen that the system is the same"
        )


def _added(there: int, further: int, ids: Mapping[str, str]) -> str:
    new = f"{further} new ones are" if further > 1 else "1 new one is"
    told = f"{there} searches are there, {new} added" if there > 1 else f"1 search is there, {new} added"
    other = {given: now for given, now in ids.items() if given != now}
    return told + (f"; ids in the pool: {', '.join(f'{a} is {b}' for a, b in other.items())}" if other else "")


def _first(
    name: str, system: Any, queries: Mapping[str, str], corpus: Mapping[str, str], k: int
) -> dict[str, list[str]]:
    """The first `k` documents of a system for each search, best first."""
    ranking = system if isinstance(system, Mapping) else search(system, queries, corpus, k)
    for query in queries:
        for doc, score in ranking.get(query, {}).items():
            if doc not in corpus or score != score:
                why = f"score nan for {doc!r}" if doc in corpus else f"document {doc!r}, which the corpus lacks"
                raise ValueError(f"system {name!r} gives for search {query!r} the {why}")
    return {query: top(ranking.get(query, {}), k) for query in queries}
