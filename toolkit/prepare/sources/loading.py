"""Load data by name, from a file or folder, from the Hub, or from a table in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from toolkit.prepare.dropped import Dropped
from toolkit.prepare.files.kinds import suffixes
from toolkit.prepare.files.reading import read
from toolkit.prepare.frames import check_role, digest_of, from_frame, sample_rows, shaped, to_dataset
from toolkit.prepare.guess.guessing import Guess
from toolkit.prepare.schema import EXTRA, PAIR
from toolkit.prepare.sources import catalogue
from toolkit.prepare.sources.beir import Collection, is_beir, read_beir
from toolkit.prepare.sources.guessed import pairs_of
from toolkit.prepare.sources.hub import fetch, one_split
from toolkit.prepare.sources.named import benchmark, provenance, rows_of
from toolkit.prepare.sources.pydocs import load_pydocs

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

_EXPECTED = "expected 'pydocs', a short name (prepare.sources.known() lists them), a file, a folder, a Hub name " \
            "as owner/name, a Dataset, a DatasetDict, a DataFrame or a list"  # fmt: skip
_SHOWN, _CUT = 3, 120  # rows, and characters of a text


@dataclass(frozen=True)
class ReadOptions:
    """Options for reading a file or data set; by default everything is detected.

    Attributes
    ----------
    query_column : str, optional
        Column of the queries; guessed from the file by default.
    document_column : str, optional
        Column of the documents; guessed by default.
    group_column : str, optional
        Rows with the same value here stay together in a split, such as all rows of one customer.
    time_column : str, optional
        Dates or numbers: train on the past and test on the newest.
    columns : mapping of str to str
        Other columns, each with what it holds: text, label, sentence1, sentence2, score, negative, positive_id, ...
    sheet : str, optional
        Name of the sheet of a spreadsheet; by default the first one with rows.
    encoding : str, optional
        Encoding of a text file, such as cp1252; detected by default.
    separator : str, optional
        Character between the fields of a csv file, or tab; detected by default.
    limit : int, optional
        Maximum number of rows, drawn at random; all by default.

    Examples
    --------
    >>> ReadOptions(query_column="subject", columns={"body": "positive"}).roles
    {'anchor': 'subject', 'positive': 'body'}
    """

    query_column: str | None = None
    document_column: str | None = None
    group_column: str | None = None
    time_column: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    sheet: str | None = None
    encoding: str | None = None
    separator: str | None = None
    limit: int | None = None

    @property
    def of_files(self) -> dict[str, Any]:
        """The options of `toolkit.prepare.files.read`."""
        return {"sheet": self.sheet, "encoding": self.encoding, "separator": self.separator}

    @property
    def roles(self) -> dict[str, str]:
        """The columns, by their roles: the names that the schema has for them.

        Raises
        ------
        ValueError
            Two columns have the same role, or a role is not in the schema.
        """
        named = (self.query_column, self.document_column, self.group_column, self.time_column)
        found = {role: column for role, column in zip((*PAIR, *EXTRA[1:]), named, strict=True) if column is not None}
        for column, role in self.columns.items():
            check_role(role)
            if found.setdefault(role, column) != column:
                raise ValueError(f"both {found[role]!r} and {column!r} have the role {role!r}: choose one of them")
        return found


@dataclass(frozen=True)
class Loaded:
    """Loaded data.

    Attributes
    ----------
    name : str
    data : Dataset
        Of the shape "pairs": columns ``anchor`` (the search), ``positive`` (the text to find) and, where
        known, ``positive_id`` (the document's name), ``group`` (rows that must stay together in a split) and ``time``.
        Empty if nothing could stand in for a search. For other shapes: the columns that
        `toolkit.prepare.frames.shape_of` names, in the order in which trainers read them, then the three optional ones.
    table : DataFrame
        What was left out along the way: ``step rows_in rows_out dropped why example``.
    guess : Guess or None
        For a file: the guessed column roles, and why.
    notes : list of str
        Guesses and repairs made while reading, the source, and its licence.
    documents : list of str
        Documents without a query in `data`; pass them to `toolkit.prepare.split`.
    shape : str
        Name of the data's shape, as `toolkit.prepare.frames.shape_of` gives it.
    """

    name: str
    data: Dataset
    table: pd.DataFrame
    guess: Guess | None = None
    notes: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    shape: str = "pairs"

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the columns, and over `documents` where there are any."""
        return digest_of(self.data, self.documents)

    @property
    def summary(self) -> str:
        """One line: name, number of rows and shape."""
        more = f"; texts without a search: {len(self.documents):,}" if self.documents else ""
        return f"{self.name}: {len(self.data):,} {self.shape}{more}"

    def _lines(self) -> list[str]:
        return [self.summary, *self.notes, *([self.guess.reason] if self.guess else [])]

    def _head(self) -> pd.DataFrame:
        """Return the first rows, or documents if there are no rows, shortened for display."""
        head = pd.DataFrame(self.data[:_SHOWN] if len(self.data) else {"documents": self.documents[:_SHOWN]})
        return head.map(lambda value: f"{value[:_CUT]}…" if isinstance(value, str) and len(value) > _CUT else value)

    def __str__(self) -> str:
        parts, head = self._lines(), self._head()
        width = max((len(str(name)) for name in head), default=0)
        for row in head.to_dict("records"):
            parts += ["", *(f"  {name!s:<{width}}  {' '.join(str(value).split())}" for name, value in row.items())]
        parts += [""] if len(head) else []
        parts += ["Left out:"] if len(self.table) else []
        for row in self.table.to_dict("records"):
            parts.append(f"  {row['step']}: {row['dropped']:,} of {row['rows_in']:,} ({row['why']})")
        return "\n".join(parts)

    def _repr_html_(self) -> str:
        from markupsafe import escape

        first, *rest = (escape(line) for line in self._lines())
        lines = f"<p><b>{first}</b></p>" + "".join(f"<p>{line}</p>" for line in rest)
        left_out = "<p>Left out:</p>" + self.table.to_html(index=False) if len(self.table) else ""
        return lines + self._head().to_html(index=False) + left_out


def load(
    source: str | Path | Dataset | DatasetDict | pd.DataFrame | Sequence[Any],
    options: ReadOptions | None = None,
    *,
    columns: Mapping[str, str] | None = None,
    limit: int | None = None,
    split: str | None = None,
    revision: str | None = None,
) -> Loaded:
    """Load pairs of a search and the text to find, or data of another shape that trainers read.

    Parameters
    ----------
    source : str, Path, Dataset, DatasetDict, DataFrame or list
        - ``"pydocs"``: docstrings of the installed packages (see
          `toolkit.prepare.sources.pydocs`); the first sentence stands in for a search, the name and the rest are the
          document.
        - A file or folder (see `toolkit.prepare.files.read`). Columns are guessed, and the result is pairs.
        - A BEIR folder: ``corpus.jsonl``, ``queries.jsonl``, ``qrels/<split>.tsv``.
        - A short name, such as ``"squad"`` or ``"xquad:de"`` (see `toolkit.prepare.sources.known`). Where
          ``TOOLKIT_DATA`` names a folder that has it, it is read from there, else fetched from the Hugging Face Hub.
        - ``"owner/name"`` or ``"owner/name:subset"`` of the Hugging Face Hub, or of a copy in
          ``TOOLKIT_DATA/owner/name``.
        - A table in memory, of any shape of `toolkit.prepare.frames.shape_of`, in any order of its columns. One with
          only a column ``text`` is read as documents.
        - A list of dictionaries; of (query, document) pairs; of (query, document, negative); of texts, which are
          documents without a search.
    options : ReadOptions, optional
        Columns, sheet, encoding, separator and limit; `columns` and `limit` may be given as keywords instead.
    columns : mapping, optional
        From the table's column names to those of a shape (``anchor``, ``positive``, ``negative``; ``sentence1``,
        ``sentence2``, ``score``; ``sentence1``, ``sentence2``, ``label``; ``text``, ``label``) and to ``positive_id``,
        ``group`` and ``time``. For a file, ``anchor`` and ``positive`` are guessed where they are not named; where
        columns of another shape are named, nothing is guessed and the data keep that shape.
    limit : int, optional
        Maximum number of rows; None takes all (about 13,000 for ``"pydocs"``, which keeps symbols whole, so more rows
        may be returned). For a file or named data set it is a random sample (seed 0, in file order), since files are
        often sorted; for a table in memory, the first rows.
    split : str, optional
        ``"train"``, ``"dev"`` or ``"test"`` (or the publisher's name for it) of data sets with splits; default train.
    revision : str, optional
        Commit, tag or branch on the Hub; local copies are then ignored.

    Raises
    ------
    FileNotFoundError
        There is no such file, or no such data set.
    ConnectionError
        The Hub cannot be reached, and there is no local copy; the message says where one is expected.
    ValueError
        For an unknown name, columns of no known shape, a file that cannot be used, options that do not apply to
        the source, or `options` and keywords that contradict each other.

    Examples
    --------
    >>> rows = [{"one": "a man sings", "two": "someone sings", "rating": 0.9}]
    >>> loaded = load(rows, columns={"rating": "score", "one": "sentence1", "two": "sentence2"})
    >>> print(loaded.summary, loaded.data.column_names)
    list: 1 scored pairs ['sentence1', 'sentence2', 'score']
    """
    from datasets import DatasetDict

    options = ReadOptions() if options is None else options
    if not isinstance(options, ReadOptions):
        raise ValueError(f"expected options as prepare.ReadOptions, got {type(options).__name__}")
    keywords: dict[str, Any] = {"columns": columns, "limit": limit}
    for name, value in keywords.items():
        if value is None:
            continue
        if (given := getattr(options, name)) and given != value:
            raise ValueError(f"options.{name} is {given!r}, but {name}= is {value!r}: give only one of them")
        options = replace(options, **{name: value})
    if options.limit is not None and options.limit < 1:
        raise ValueError(f"expected a limit of at least 1, got {options.limit}")
    if isinstance(source, (str, Path)):
        return _load_by_name(source, options, split, revision)
    unused = {"split": None if isinstance(source, DatasetDict) else split, "revision": revision}
    _reject_options(**unused, **options.of_files)
    return _load_table(source, options, split)


def _load_by_name(source: str | Path, options: ReadOptions, split: str | None, revision: str | None) -> Loaded:
    path, limit, roles = Path(source).expanduser(), options.limit, options.roles
    dropped, of_files = Dropped(), options.of_files
    if source == "pydocs":
        _reject_options(split=split, revision=revision, columns=roles, **of_files)
        records, steps = load_pydocs(limit)
        data, shape = shaped(from_frame(records), {"name": "positive_id", "symbol": "group"})
        return Loaded("pydocs", data, steps, shape=shape)
    if is_beir(path):
        _reject_options(columns=roles, revision=revision, **of_files)
        return _load_collection(read_beir(path, split), path.resolve().name, limit, [])
    if isinstance(source, str) and not path.exists():
        known = catalogue.find(source)
        if known is not None:
            _reject_options(columns=roles, **of_files)
            split = known.split(split)
            notes = provenance(known, split)
            if known.hub and known.hub == known.collection:
                return _load_collection(benchmark(known, split, revision), known.full_name, limit, notes)
            data, shape = rows_of(known, split, revision, dropped)
            data, notes = _sample(data, limit, dropped), [*notes, *dropped.notes]
            return Loaded(known.full_name, data, dropped.table, notes=notes, shape=shape)
        if catalogue.is_hub_name(source) and not suffixes(path)[0]:
            _reject_options(**of_files)
            hub, _, subset = source.partition(":")
            data, shape = shaped(fetch(hub, subset or None, split, revision), _by_column(roles))
            at = f", revision {revision}" if revision else ""
            notes = [f"{source} of the Hugging Face Hub{at}: see its page for the licence"]
            data = _sample(data, limit, dropped)
            return Loaded(source, data, dropped.table, notes=notes, shape=shape)
        if not path.suffix and path.name == source:
            raise ValueError(f"{_EXPECTED}, got {source!r}: there is no such file; {catalogue.similar_names(source)}")
    _reject_options(split=split, revision=revision)
    table = read(path, sample=limit, **of_files)
    if table.rows > len(table.data):
        dropped.count("sample", table.rows, table.rows - len(table.data), f"{limit:,} random rows were requested")
    if set(roles) - {*PAIR, *EXTRA}:
        data, shape = shaped(from_frame(table.data), _by_column(roles))
        return Loaded(table.name, data, dropped.table, notes=table.notes, shape=shape)
    frame, documents, guess = pairs_of(table.data, roles, dropped)
    return Loaded(table.name, from_frame(frame), dropped.table, guess, table.notes, documents)


def _reject_options(**options: Any) -> None:
    """Raise if options are given that do not apply to this source."""
    for name, value in options.items():
        if value:
            what = "has its columns already" if name == "columns" else f"has no {name}"
            raise ValueError(f"this source {what}: leave out {name}={value!r}")


def _by_column(roles: Mapping[str, str]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for role, column in roles.items():
        if columns.setdefault(column, role) != role:
            raise ValueError(f"column {column!r} cannot be both {columns[column]!r} and {role!r} here: copy it first")
    return columns


def _sample(data: Dataset, limit: int | None, dropped: Dropped) -> Dataset:
    if limit is None or len(data) <= limit:
        return data
    dropped.count("sample", len(data), len(data) - limit, f"{limit:,} random rows were requested")
    return data.select(sample_rows(len(data), limit))


def _load_collection(found: Collection, name: str, limit: int | None, notes: list[str]) -> Loaded:
    """Convert a collection to pairs of queries and relevant documents, and all other documents."""
    frame, documents = found.pairs()
    data = _sample(from_frame(frame), limit, found.dropped)
    if len(data) < len(frame):
        kept = set(data["positive"][:])
        documents += [text for text in dict.fromkeys(frame["positive"]) if text not in kept]
    notes = [*notes, f"judgements of the split {found.split}; grades above 0 count as relevant", *found.dropped.notes]
    return Loaded(name, data, found.dropped.losses, notes=notes, documents=documents)


def _load_table(source: Any, options: ReadOptions, split: str | None) -> Loaded:
    from datasets import Dataset, DatasetDict

    name, limit = type(source).__name__, options.limit
    if isinstance(source, DatasetDict):
        source = one_split(source, split, "the DatasetDict")
    elif isinstance(source, (list, tuple, pd.DataFrame)):
        source = to_dataset(source[:limit])
    elif not isinstance(source, Dataset):
        raise ValueError(f"{_EXPECTED}, got {name}")
    if limit is not None:
        source = source.select(range(min(limit, len(source))))
    data, shape = shaped(source, _by_column(options.roles))
    dropped = Dropped()
    if shape != "documents":
        return Loaded(name, data, dropped.table, shape=shape)
    texts = [text for text in data["text"][:] if text is not None and text.strip()]
    documents = list(dict.fromkeys(texts))
    dropped.count("empty", len(data), len(data) - len(texts), "nothing to find: the text is missing")
    dropped.count("same text twice", len(texts), len(texts) - len(documents), "duplicates are searched once")
    nothing = from_frame(pd.DataFrame({"anchor": [], "positive": []}, dtype="str"))
    return Loaded(name, nothing, dropped.losses, documents=documents)
