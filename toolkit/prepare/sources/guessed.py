"""Turn the rows of a file into pairs, based on guessed column roles."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from toolkit.prepare.dropped import Dropped
from toolkit.prepare.guess.guessing import Guess, guess
from toolkit.prepare.schema import EXTRA, PAIR
from toolkit.prepare.text.unicode import first_sentence, has_rest
from toolkit.prepare.values import times

MISSING = ("nan", "null", "none", "<na>", "n/a", "#n/a")  # written by other programs for missing texts
YES = ("1", "1.0", "true", "yes")


def pairs_of(
    records: pd.DataFrame, roles: Mapping[str, str], dropped: Dropped
) -> tuple[pd.DataFrame, list[str], Guess]:
    """Make pairs from a table of texts.

    Parameters
    ----------
    records : DataFrame
    roles : mapping of ``anchor positive positive_id group time`` to the table's columns
        Known roles; anchor and positive are guessed if not given.
    dropped : Dropped
        Logs the rows that do not form pairs.

    Returns
    -------
    DataFrame
        Columns ``anchor positive`` and those of ``positive_id group time`` that are known, or that a table with the
        columns anchor and positive has.
    list of str
        Documents without a query, each once.
    Guess

    Raises
    ------
    ValueError
        No column holds texts, a named column is missing or unsuitable, or a time column holds no times.
    """
    found = guess(records, query=roles.get("anchor"), document=roles.get("positive"))
    extra = {name: roles[name] for name in EXTRA if name in roles}
    if set(PAIR) <= set(records):
        extra = {name: name for name in EXTRA if name in records} | extra
    for old in extra.values():
        if old not in records:
            raise ValueError(f"there is no column {old!r}; the table has {', '.join(records.columns)}")
    named = {"anchor": found.query, "positive": found.document, **extra}
    # Built column by column: one column may have two roles, as a label that is also the group.
    frame = pd.DataFrame({new: records[old] for new, old in named.items() if old is not None})
    for column in {*PAIR} & {*frame}:
        frame[column] = frame[column].mask(frame[column].str.strip().str.casefold().isin(MISSING))
    filled = frame["positive"].fillna("").str.strip() != ""
    frame = dropped.keep(frame, filled, "empty", "nothing to find: the text is missing")
    frame, documents = _paired(frame, found, records, dropped)
    if "time" in frame:
        times(list(frame["time"]), name=extra["time"])  # fails on unreadable dates before the long work
    taken = set(frame["positive"])
    # A search that is itself among the texts would find itself first.
    taken |= set(frame["anchor"]) if found.kind == "duplicate" else set()
    documents = [text for text in dict.fromkeys(documents) if text not in taken]
    return frame[[column for column in (*PAIR, *EXTRA) if column in frame]], documents, found


def _paired(
    frame: pd.DataFrame, found: Guess, records: pd.DataFrame, dropped: Dropped
) -> tuple[pd.DataFrame, list[str]]:
    """Divide rows into those with both texts, and the texts of the others."""
    if found.kind == "none":
        nothing = pd.Series(False, index=frame.index)
        empty = dropped.keep(frame, nothing, "no search", "short texts only: searchable, but not evaluated")
        return empty.assign(anchor=pd.Series(dtype="str"))[[*PAIR]], list(frame["positive"])
    if found.kind == "first sentence":
        longer = frame["positive"].map(has_rest)
        documents = list(frame["positive"][~longer])
        frame = dropped.keep(frame, longer, "first sentence", "one sentence, or a first one too long for a search")
        halves = [first_sentence(text) for text in frame["positive"]]
        return frame.assign(anchor=[a for a, _ in halves], positive=[b for _, b in halves]), documents
    if found.kind == "label":
        frame = frame.assign(positive=frame["positive"].str.replace("_", " ").str.strip())
    documents = []
    if found.keep is not None:
        flags = records[found.keep].reindex(frame.index)
        yes = flags.fillna("").astype(str).str.strip().str.casefold().isin(YES)
        sides = PAIR if found.kind == "duplicate" else PAIR[1:]
        documents = [text for side in sides for text in frame.loc[~yes, side].dropna()]
        frame = dropped.keep(frame, yes, "not a pair", f"`{found.keep}` marks them as not belonging together")
    searched = frame["anchor"].fillna("").str.strip() != ""
    documents += list(frame["positive"][~searched])
    return dropped.keep(frame, searched, "no search", "there is no query: the text is only a document"), documents
