"""Load data by name, from a file, or from what is in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit.prepare.columns import Guess, guess
from toolkit.prepare.files import read
from toolkit.prepare.moments import times
from toolkit.prepare.sentences import first_sentence, has_rest
from toolkit.runs import digest_texts

if TYPE_CHECKING:
    from datasets import Dataset


COLUMNS = ("anchor", "positive", "positive_id", "group", "time")
STEPS = ["step", "rows_in", "rows_out", "dropped", "why", "example"]
MISSING = ("nan", "null", "none", "<na>", "n/a", "#n/a")  # written by other programs where a text is missing
YES = ("1", "1.0", "true", "yes")


@dataclass(frozen=True)
class Loaded:
    """Data as it came.

    Attributes
    ----------
    name : str
    data : Dataset
        Columns ``anchor`` (the search), ``positive`` (the text to find) and, where there are such,
        ``positive_id`` (the document's name), ``group`` (rows that must stay together in a split) and ``time``. No rows
        where there is nothing that could stand in for a search.
    table : DataFrame
        What was left out on the way: ``step rows_in rows_out dropped why example``.
    digest : str
        SHA-256 over the texts; of a file also over `documents`.
    guess : Guess or None
        Of a file: what its columns were taken for, and why.
    notes : list of str
        Of a file: what had to be guessed or repaired to read it.
    documents : list of str
        Texts to be found that no row of `data` has a search for; give them to `toolkit.prepare.split`.
    """

    name: str
    data: Dataset
    table: pd.DataFrame
    digest: str
    guess: Guess | None = None
    notes: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)

    def _repr_html_(self) -> str:
        from markupsafe import escape

        said = [*self.notes, *([self.guess.reason] if self.guess else [])]
        more = f"; texts without a search: {len(self.documents):,}" if self.documents else ""
        lines = "".join(f"<p>{escape(line)}</p>" for line in (f"{self.name}: {len(self.data):,} pairs{more}", *said))
        return lines + self.table.to_html(index=False)


def load(
    source: str | Path | Dataset | pd.DataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    limit: int | None = None,
) -> Loaded:
    """Load pairs of a search and the text to find.

    Parameters
    ----------
    source : str, Path, Dataset or DataFrame
        ``"pydocs"``: docstrings of the packages that are installed here anyway (see `toolkit.prepare.pydocs`); the
        first sentence stands in for a search, the name and the rest are the document. Or a file or folder (see
        `toolkit.prepare.files.read`). Or a table in memory.
    columns : mapping, optional
        From the table's column names to ``anchor``, ``positive``, ``positive_id``, ``group`` and ``time``. Of a file,
        `toolkit.prepare.columns.guess` finds what is not named of the first two.
    limit : int, optional
        Most rows to take; None takes all, of ``"pydocs"`` about 13,000. There symbols stay whole, so a few more rows
        may come. Of a file it is a random sample (seed 0, in the file's order), since files are often sorted.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        For an unknown name, a table without ``anchor`` and ``positive``, or a file that cannot be used.
    """
    from datasets import Dataset

    if limit is not None and limit < 1:
        raise ValueError(f"expected a limit of at least 1, got {limit}")
    if isinstance(source, Path) or (isinstance(source, str) and source != "pydocs"):
        return _from_file(source, dict(columns or {}), limit)
    if isinstance(source, str):
        from toolkit.prepare.pydocs import load_pydocs

        records, steps = load_pydocs(limit)
        columns = {"anchor": "anchor", "positive": "positive", "name": "positive_id", "symbol": "group"}
        name = "pydocs"
    elif not isinstance(source, (Dataset, pd.DataFrame)):
        raise ValueError(f"expected 'pydocs', a file, a Dataset or a DataFrame, got {type(source).__name__}")
    else:
        records = source if isinstance(source, pd.DataFrame) else source.to_pandas()
        records = records.head(limit) if limit is not None else records
        steps = pd.DataFrame(columns=STEPS)
        name = type(source).__name__
    frame = _renamed(records, columns or {})
    missing = [column for column in ("anchor", "positive") if column not in frame]
    if missing:
        raise ValueError(
            f"expected columns anchor and positive, got {', '.join(map(str, frame.columns))}: name yours with "
            f"columns={{'your column': {missing[0]!r}}}"
        )
    return Loaded(name, *_data(frame, steps, []))


def _renamed(records: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    for old in columns:
        if old not in records:
            raise ValueError(f"there is no column {old!r}; the table has {', '.join(map(str, records.columns))}")
    frame = records.rename(columns=dict(columns))
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ValueError(f"with these columns= the table has several columns {twice!r}: drop or rename the others")
    return frame


def _data(frame: pd.DataFrame, steps: pd.DataFrame, documents: list[str]) -> tuple[Dataset, pd.DataFrame, str]:
    from datasets import Dataset

    kept = [column for column in COLUMNS if column in frame]
    frame = frame[kept].reset_index(drop=True)
    texts: list[Iterable[str]] = [map(str, frame[column]) for column in kept]
    if documents:
        texts.append(documents)
    return Dataset.from_pandas(frame, preserve_index=False), steps, digest_texts(*texts)


def _path(source: str | Path) -> Path:
    path = Path(source).expanduser()
    if isinstance(source, str) and not path.exists() and not path.suffix and path.name == source:
        raise ValueError(f"expected 'pydocs', a file, a Dataset or a DataFrame, got {source!r}: there is no such file")
    return path


def _from_file(source: str | Path, columns: dict[str, str], limit: int | None) -> Loaded:
    path = _path(source)
    for new in columns.values():
        if new not in COLUMNS:
            raise ValueError(f"columns= maps to {new!r}, expected one of {', '.join(COLUMNS)}")
    table = read(path)
    records, steps = table.data, _Steps()
    if limit is not None and len(records) > limit:
        rows = np.sort(np.random.default_rng(0).choice(len(records), limit, replace=False))
        records = steps.add("sample", records, records.iloc[rows], f"a random {limit:,} rows were asked for")
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
    data, account, digest = _data(frame, pd.DataFrame(steps.rows, columns=STEPS), documents)
    return Loaded(table.name, data, account, digest, found, table.notes, documents)


def _others(records: pd.DataFrame, roles: Mapping[str, str]) -> dict[str, str]:
    """Columns beside the pair: those that were named, and in a file of our own form those that are there."""
    others = {name: roles[name] for name in COLUMNS[2:] if name in roles}
    if {"anchor", "positive"} <= set(records):
        others = {name: name for name in COLUMNS[2:] if name in records} | others
    for old in others.values():
        if old not in records:
            raise ValueError(f"there is no column {old!r}; the table has {', '.join(records.columns)}")
    return others


class _Steps:
    """The account of rows that are left out."""

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []

    def add(self, step: str, before: pd.DataFrame, after: pd.DataFrame, why: str) -> pd.DataFrame:
        dropped = before.loc[before.index.difference(after.index)]
        shown = [str(value) for value in dropped.iloc[0].dropna()][:2] if len(dropped) else []
        row = (step, len(before), len(after), len(dropped), why, " -> ".join(shown)[:120])
        self.rows.append(dict(zip(STEPS, row, strict=True)))
        return after


def _paired(frame: pd.DataFrame, kind: str, keep: pd.Series | None, steps: _Steps) -> tuple[pd.DataFrame, list[str]]:
    """Pairs, and the texts to be found that have no search."""
    for column in {"anchor", "positive"} & set(frame.columns):  # a cell that says that it is empty holds no text
        frame = frame.assign(**{column: frame[column].mask(frame[column].str.strip().str.casefold().isin(MISSING))})
    filled = frame["positive"].fillna("").str.strip() != ""
    frame = steps.add("empty", frame, frame[filled], "nothing to find: the text is missing")
    if kind == "none":
        empty = steps.add("no search", frame, frame[:0], "short texts only: they are searched, not measured with")
        return empty.assign(anchor=pd.Series(dtype="str"))[["anchor", "positive"]], list(frame["positive"])
    if kind == "first sentence":
        longer = frame["positive"].map(has_rest)
        documents = list(frame["positive"][~longer])
        frame = steps.add("first sentence", frame, frame[longer], "one sentence, or a first one too long for a search")
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
        frame = steps.add("not a pair", frame, frame[yes], f"`{keep.name}` says that they do not belong together")
    searched = frame["anchor"].fillna("").str.strip() != ""
    documents += list(frame["positive"][~searched])
    frame = steps.add("no search", frame, frame[searched], "no search: the text is only searched")
    # A search that is itself among the texts would find itself first.
    searches = set(frame["anchor"]) if kind == "duplicate" else set()
    return frame, [text for text in documents if text not in searches]
