"""Load data by name, from a file or folder, from the Hub, or from what is in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from toolkit.prepare.dropped import STEPS
from toolkit.prepare.files.kinds import suffixes
from toolkit.prepare.frames import digest_of, from_frame, shaped, to_dataset
from toolkit.prepare.sources import knownsets
from toolkit.prepare.sources.beir import is_beir
from toolkit.prepare.sources.filepairs import from_file
from toolkit.prepare.sources.loaded import Loaded

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

__all__ = ["Loaded", "load"]

_EXPECTED = "expected 'pydocs', a short name (prepare.known() shows them), a file, a folder, a name on the Hub as " \
            "owner/name, a Dataset, a DatasetDict, a DataFrame or a list"  # fmt: skip


def load(
    source: str | Path | Dataset | DatasetDict | pd.DataFrame | Sequence[Any],
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
        - ``"pydocs"``: docstrings of the packages that are installed here anyway (see
          `toolkit.prepare.sources.pydocs`); the first sentence stands in for a search, the name and the rest are the
          document.
        - A file or folder (see `toolkit.prepare.files.reading.read`). Columns are guessed, and the result is pairs.
        - A BEIR folder: ``corpus.jsonl``, ``queries.jsonl``, ``qrels/<split>.tsv``.
        - A short name, such as ``"squad"`` or ``"xquad:de"`` (see `toolkit.prepare.known`). Where ``TOOLKIT_DATA``
          names a folder that has it, it is read from there, else fetched from the Hugging Face Hub.
        - ``"owner/name"`` or ``"owner/name:subset"`` of the Hugging Face Hub, or of a copy in
          ``TOOLKIT_DATA/owner/name``.
        - A table in memory, of any shape of `toolkit.prepare.shape_of`, in any order of its columns. One with nothing
          but a column ``text`` is documents.
        - A list of dictionaries; of (query, document) pairs; of (query, document, wrong document); of texts, which are
          documents without a search.
    columns : mapping, optional
        From the table's column names to those of a shape (``anchor``, ``positive``, ``negative``; ``sentence1``,
        ``sentence2``, ``score``; ``sentence1``, ``sentence2``, ``label``; ``text``, ``label``) and to ``positive_id``,
        ``group`` and ``time``. Of a file, `toolkit.prepare.guess` finds what is not named of ``anchor`` and
        ``positive``; where columns of another shape are named, nothing is guessed and the data keep that shape.
    limit : int, optional
        Most rows to take; None takes all, of ``"pydocs"`` about 13,000. There symbols stay whole, so a few more rows
        may come. Of a file and of what is named it is a random sample (seed 0, in their order), since files are often
        sorted; of a table in memory the first rows.
    split : str, optional
        ``"train"``, ``"dev"`` or ``"test"`` (or the publisher's name for it) of what has splits; None is train.
    revision : str, optional
        Commit, tag or branch on the Hub; local copies are then left aside.

    Raises
    ------
    FileNotFoundError
        There is no such file, or no such data set.
    ConnectionError
        The Hub cannot be reached, and there is no local copy; the message names where one would be looked for.
    ValueError
        For an unknown name, a table whose columns make no shape, or a file that cannot be used.

    Examples
    --------
    >>> rows = [{"one": "a man sings", "two": "someone sings", "rating": 0.9}]
    >>> loaded = load(rows, columns={"rating": "score", "one": "sentence1", "two": "sentence2"})
    >>> print(loaded.summary, loaded.data.column_names)
    list: 1 scored pairs ['sentence1', 'sentence2', 'score']
    """
    from datasets import DatasetDict

    if limit is not None and limit < 1:
        raise ValueError(f"expected a limit of at least 1, got {limit}")
    if isinstance(source, (str, Path)):
        return _named(source, dict(columns or {}), limit, split, revision)
    _without(split=None if isinstance(source, DatasetDict) else split, revision=revision)
    return _in_memory(source, dict(columns or {}), limit, split)


def _named(
    source: str | Path, columns: dict[str, str], limit: int | None, split: str | None, revision: str | None
) -> Loaded:
    from toolkit.prepare.sources.named import load_beir, load_hub, load_known

    path = Path(source).expanduser()
    if source == "pydocs":
        _without(split=split, revision=revision)
        return _pydocs(limit)
    if is_beir(path):
        _without(columns=columns, revision=revision)
        return load_beir(path, split, limit)
    if isinstance(source, str) and not path.exists():
        found = knownsets.find(source)
        if found is not None:
            _without(columns=columns)
            return load_known(found, split, limit, revision)
        if knownsets.is_hub_name(source) and not suffixes(path)[0]:
            return load_hub(source, columns, split, limit, revision)
        if not path.suffix and path.name == source:
            raise ValueError(f"{_EXPECTED}, got {source!r}: there is no such file; {knownsets.near(source)}")
    _without(split=split, revision=revision)
    return from_file(path, columns, limit)


def _without(**given: Any) -> None:
    """Refuse what this source has no use for."""
    for name, value in given.items():
        if value:
            what = "has its columns already" if name == "columns" else f"has no {name}s"
            raise ValueError(f"this source {what}: leave out {name}={value!r}")


def _pydocs(limit: int | None) -> Loaded:
    from toolkit.prepare.sources.pydocs import load_pydocs

    records, steps = load_pydocs(limit)
    data, shape = shaped(from_frame(records), {"name": "positive_id", "symbol": "group"})
    return Loaded("pydocs", data, steps, digest_of(data), shape=shape)


def _in_memory(source: Any, columns: dict[str, str], limit: int | None, split: str | None) -> Loaded:
    from datasets import Dataset, DatasetDict

    from toolkit.prepare.sources.hub import one_split

    name = type(source).__name__
    if isinstance(source, DatasetDict):
        source = one_split(source, split, "the DatasetDict")
    elif isinstance(source, (list, tuple)):
        source = to_dataset(source[:limit])
    elif not isinstance(source, (Dataset, pd.DataFrame)):
        raise ValueError(f"{_EXPECTED}, got {name}")
    if isinstance(source, pd.DataFrame):
        source = from_frame(source.head(limit) if limit is not None else source)
    elif limit is not None:
        source = source.select(range(min(limit, len(source))))
    data, shape = shaped(source, columns)
    if shape != "documents":
        return Loaded(name, data, pd.DataFrame(columns=STEPS), digest_of(data), shape=shape)
    return _documents(name, data)


def _documents(name: str, data: Dataset) -> Loaded:
    """Texts alone: there is nothing to search with, they are searched."""
    from toolkit.prepare.dropped import Dropped

    texts = [text for text in data["text"][:] if text is not None and text.strip()]
    documents = list(dict.fromkeys(texts))
    account = Dropped()
    account.count("empty", len(data), len(data) - len(texts), "nothing to find: the text is missing")
    account.count("same text twice", len(texts), len(texts) - len(documents), "it is searched once")
    table = account.table
    table = table[table["dropped"] > 0].reset_index(drop=True)
    empty = from_frame(pd.DataFrame({"anchor": [], "positive": []}, dtype="str"))
    return Loaded(name, empty, table, digest_of(empty, documents), documents=documents)
