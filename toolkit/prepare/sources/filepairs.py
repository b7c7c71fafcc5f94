"""A stranger's file as pairs: which columns are what is guessed, and what does not fit is accounted for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from toolkit.prepare.dropped import Dropped
from toolkit.prepare.files.reading import FileTable, read
from toolkit.prepare.frames import digest_of, from_frame, shaped
from toolkit.prepare.guess.guessing import guess
from toolkit.prepare.schema import EXTRA, PAIR, ROLES, is_role
from toolkit.prepare.sources.loaded import Loaded
from toolkit.prepare.texts.sentences import first_sentence, has_rest
from toolkit.prepare.values import times

MISSING = ("nan", "null", "none", "<na>", "n/a", "#n/a")  # written by other programs where a text is missing
YES = ("1", "1.0", "true", "yes")


def from_file(path: Path, columns: Mapping[str, str], limit: int | None) -> Loaded:
    """Load a file: as pairs that are guessed, or as the shape that `columns` names."""
    for new in columns.values():
        if not is_role(new):
            raise ValueError(f"columns= maps to {new!r}, expected one of {', '.join(ROLES)}, negative_1, ...")
    table = read(path, sample=limit)
    steps = Dropped()
    if table.rows > len(table.data):
        why = f"a random {limit:,} rows were asked for"
        steps.count("sample", table.rows, table.rows - len(table.data), why)
    if set(columns.values()) - {*PAIR, *EXTRA}:
        return _as_named(table, columns, steps)
    return _as_guessed(table, columns, steps)


def _as_named(table: FileTable, columns: Mapping[str, str], steps: Dropped) -> Loaded:
    """Rows of the shape that `columns` makes; nothing is guessed."""
    data, shape = shaped(from_frame(table.data), columns)
    return Loaded(table.name, data, steps.table, digest_of(data), None, table.notes, shape=shape)


def _as_guessed(table: FileTable, columns: Mapping[str, str], steps: Dropped) -> Loaded:
    records = table.data
    roles = {new: old for old, new in columns.items()}
    found = guess(records, query=roles.get("anchor"), document=roles.get("positive"))
    roles |= {role: c for role, c in (("anchor", found.query), ("positive", found.document)) if c is not None}
    others = _others(records, roles)
    # Built column by column: one column may have two roles, as a label that is also the group.
    frame = pd.DataFrame({new: records[old] for new, old in (roles | others).items() if old is not None})
    keep = records[found.keep] if found.keep else None
    frame, documents = _paired(frame, found.kind, keep, steps)
    if "time" in frame:
        times(list(frame["time"]), name=others["time"])  # refuses what cannot be read before the long work
    if documents:
        taken = set(frame["positive"])
        documents = [text for text in dict.fromkeys(documents) if text not in taken]
    data = from_frame(frame[[column for column in (*PAIR, *EXTRA) if column in frame]])
    return Loaded(table.name, data, steps.table, digest_of(data, documents), found, table.notes, documents)


def _others(records: pd.DataFrame, roles: Mapping[str, str]) -> dict[str, str]:
    """Columns beside the pair: those that were named, and in a file of our own form those that are there."""
    others = {name: roles[name] for name in EXTRA if name in roles}
    if {"anchor", "positive"} <= set(records):
        others = {name: name for name in EXTRA if name in records} | others
    for old in others.values():
        if old not in records:
            raise ValueError(f"there is no column {old!r}; the table has {', '.join(records.columns)}")
    return others


def _paired(frame: pd.DataFrame, kind: str, keep: pd.Series | None, steps: Dropped) -> tuple[pd.DataFrame, list[str]]:
    """Pairs, and the texts to be found that have no search."""
    for column in {"anchor", "positive"} & set(frame.columns):  # a cell that says that it is empty holds no text
        frame = frame.assign(**{column: frame[column].mask(frame[column].str.strip().str.casefold().isin(MISSING))})
    filled = frame["positive"].fillna("").str.strip() != ""
    frame = steps.keep(frame, filled, "empty", "nothing to find: the text is missing")
    if kind == "none":
        none = pd.Series(False, index=frame.index)
        empty = steps.keep(frame, none, "no search", "short texts only: they are searched, not measured with")
        return empty.assign(anchor=pd.Series(dtype="str"))[["anchor", "positive"]], list(frame["positive"])
    if kind == "first sentence":
        longer = frame["positive"].map(has_rest)
        documents = list(frame["positive"][~longer])
        frame = steps.keep(frame, longer, "first sentence", "one sentence, or a first one too long for a search")
        halves = [first_sentence(text) for text in frame["positive"]]
        return frame.assign(anchor=[a for a, _ in halves], positive=[b for _, b in halves]), documents
    if kind == "label":
        frame = frame.assign(positive=frame["positive"].str.replace("_", " ").str.strip())
    documents = []
    if keep is not None:
        yes = keep.reindex(frame.index).fillna("").astype(str).str.strip().str.casefold().isin(YES)
        wrong = frame[~yes]
        sides = ["anchor", "positive"] if kind == "duplicate" else ["positive"]
        documents = [text for side in sides for text in wrong[side].dropna()]
        frame = steps.keep(frame, yes, "not a pair", f"`{keep.name}` says that they do not belong together")
    searched = frame["anchor"].fillna("").str.strip() != ""
    documents += list(frame["positive"][~searched])
    frame = steps.keep(frame, searched, "no search", "no search: the text is only searched")
    # A search that is itself among the texts would find itself first.
    searches = set(frame["anchor"]) if kind == "duplicate" else set()
    return frame, [text for text in documents if text not in searches]
