"""Look up data sets by short name: licence, columns, and location on the Hub and in the local folder.

`catalogue.csv` is the only source; its columns describe each data set:

=====================  ================================================================================================
``config``             name of the subset on the Hub, if it differs
``columns``            columns that are read, ``theirs>ours``
``train dev test``     publisher's names for the splits, empty where there is none
``local``              files below ``TOOLKIT_DATA``; a second one holds what the rows of the first refer to:
``join``               its id, then ``reference>new=column``: ``new`` is its ``column`` at the id in ``reference``
``local_subsets``      subsets in the local files; ``name?column=value`` selects those rows, as pairs
``collection``         a benchmark with its own judgements, in BEIR's form, on the Hub
``benchmark_splits``   ``ours>theirs`` of that benchmark
``local_benchmark``    texts and judgements of its test part: judged texts are the queries, all others the corpus
``mteb``               the task of mteb that has the same data
``scale``              scores are divided by it where they exceed 1
``labels``             ``name=number`` of labels of pairs
``drop drop_why``      a label whose rows are left out
``task_labels``        labels of its task as ``theirs=ours``; rows with other labels are left out
=====================  ================================================================================================
"""

from __future__ import annotations

import csv
import difflib
import functools
import os
import re
from pathlib import Path

import pandas as pd

from toolkit.prepare.files.reading import read

ALIASES = {"validation": "dev", "val": "dev", "dev": "dev", "train": "train", "test": "test"}
# Names of splits in local files; where the test part is what its publisher calls validation, the file may have either.
_SPELLINGS = {"train": ["train"], "dev": ["dev", "validation", "val"], "test": ["test", "validation", "dev", "val"]}
_LISTED_COLUMNS = "name title kind shape subsets splits licence commercial hub local".split()


class Known:
    """A row of the catalogue, its columns as attributes; `subset` is the requested one."""

    def __init__(self, row: dict[str, str], subset: str = "") -> None:
        vars(self).update(row | {"subset": subset or row["subset"]})

    def __getattr__(self, column: str) -> str:  # all columns hold texts
        raise AttributeError(f"catalogue.csv has no column {column!r}")

    @property
    def mapping(self) -> dict[str, str]:
        """Mapping from the columns of the data set to the names in the schema."""
        return {old: new or old for old, _, new in (column.partition(">") for column in self.columns.split())}

    @property
    def splits(self) -> dict[str, str]:
        """The available splits, with their publisher's names."""
        named = {"train": self.train, "dev": self.dev, "test": self.test}
        return {split: name for split, name in named.items() if name}

    @property
    def full_name(self) -> str:
        """Name with the subset, as passed to `toolkit.prepare.load`."""
        return f"{self.name}:{self.subset}" if self.subsets else self.name

    @property
    def folder(self) -> str:
        """Folder of the local files, below the one that ``TOOLKIT_DATA`` names."""
        return self.local.partition("/")[0]

    def split(self, wanted: str | None) -> str:
        """Return the canonical name of a split: train, dev or test. None means train, or the first available."""
        wanted = wanted or next(iter(self.splits))
        named = {theirs: ours for ours, theirs in self.splits.items()}
        for split in (ALIASES.get(wanted, wanted), wanted, named.get(wanted, "")):
            if split in self.splits:
                return split
        raise ValueError(f"{self.name} has no split {wanted!r}: expected {', '.join(self.splits)}")

    def benchmark_split(self, split: str) -> str:
        """Return the benchmark's name for a split; see `collection`."""
        return dict(part.split(">") for part in self.benchmark_splits.split()).get(split, split)

    def paths(self, split: str, subset: str | None = None) -> list[str]:
        """Return the local files of a split and subset, below the folder that ``TOOLKIT_DATA`` names."""
        subset = self.subset if subset is None else subset
        return [part.format(split=split, subset=subset) for part in self.local.split()]

    def files(self, split: str) -> list[Path]:
        """Return the local files of a split, in the order of `local`; empty unless all exist."""
        folder = data_folder()
        if folder is None or not self.local:
            return []
        for spelling in ["test"] if self.splits[split] == "test" else _SPELLINGS[split]:
            found = [folder / path for path in self.paths(spelling)]
            if all(file.is_file() for file in found):
                return found
        return []

    def read(self, files: list[Path]) -> pd.DataFrame:
        """Read local files as one table of texts, with the columns of the data set on the Hub.

        Raises
        ------
        ValueError
            Rows refer to missing texts, or the files lack the subset.
        """
        frame = read(files[0]).data
        if self.join:
            key, *links = self.join.split()
            others = read(files[1]).data.set_index(key)
            if not others.index.is_unique:
                twice = others.index[others.index.duplicated()][0]
                raise ValueError(f"{files[1].name} has several rows with the {key} {twice!r}: expected one")
            for reference, new, column in (re.split("[>=]", link) for link in links):
                places = others.index.get_indexer(pd.Index(frame[reference]))
                lost = frame.loc[places < 0, reference]
                if len(lost):
                    what = f"{len(lost):,} rows of {files[0].name} refer to a {reference}"
                    raise ValueError(f"{what} that {files[1].name} does not have (first: {lost.iloc[0]!r})")
                frame[new] = others[column].take(places).to_numpy()
        subsets = dict(part.partition("?")[::2] for part in self.local_subsets.split())
        if subsets and self.subset not in subsets:
            raise ValueError(f"the local copy of {self.name} has the subsets {', '.join(subsets)}, not {self.subset}")
        if condition := subsets.get(self.subset):
            label, value = condition.split("=")
            column = next(old for old, new in self.mapping.items() if new == label and old in frame)
            rows = frame.loc[frame[column] == value, ["sentence1", "sentence2"]]
            frame = rows.set_axis(["anchor", "positive"], axis=1).reset_index(drop=True)
        return frame


def known() -> pd.DataFrame:
    """List the data sets that have a short name, one row each.

    Returns
    -------
    DataFrame
        ``name title kind shape subsets splits licence commercial hub local``. ``commercial``: yes, no, or ask if
        parts have different licences or none is stated. ``hub`` is the name on the Hugging Face Hub (empty where
        there is none), ``local`` the files below the folder that ``TOOLKIT_DATA`` names, which are read first; a copy
        of the Hub's repository in ``TOOLKIT_DATA/<owner>/<name>`` works too. ``{split}`` is train, dev (or validation,
        val) or test, ``{subset}`` one of the subsets. Collections (NFCorpus, SciFact) may be BEIR folders
        ``TOOLKIT_DATA/<name>``. A subset is named as in ``load("xquad:de")``.

    Examples
    --------
    >>> table = known().set_index("name")
    >>> table.loc["squad", "hub"], table.loc["msmarco", "commercial"]
    ('rajpurkar/squad', 'no')
    """
    splits = [" ".join(Known(row).splits) for row in _rows()]
    return pd.DataFrame(_rows()).assign(splits=splits)[_LISTED_COLUMNS]


@functools.cache
def _rows() -> list[dict[str, str]]:
    with Path(__file__).with_name("catalogue.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def find(source: str) -> Known | None:
    """Find a data set by short name, optionally with ``:subset``; return None if there is none.

    Raises
    ------
    ValueError
        It has no such subset.
    """
    name, _, subset = source.partition(":")
    row = next((row for row in _rows() if row["name"] == name), None)
    if row is None:
        return None
    if subset and subset not in row["subsets"].split():
        raise ValueError(f"{name} has no subset {subset!r}: expected {', '.join(row['subsets'].split()) or 'none'}")
    return Known(row, subset)


def find_mteb(task: str) -> Known | None:
    """Find the data set behind an mteb task; return None if it is not in the catalogue.

    Examples
    --------
    >>> found = find_mteb("STSBenchmarkMultilingualSTS")
    >>> found.folder, found.paths("test", "de")
    ('stsb_multi_mt', ['stsb_multi_mt/de.test.jsonl.gz'])
    """
    return next((Known(row) for row in _rows() if row["mteb"] == task), None)


def is_hub_name(source: str) -> bool:
    """Return whether `source` may be a name on the Hub, ``owner/name``, optionally with ``:subset``."""
    return bool(re.fullmatch(r"[\w-][\w.-]*/[\w.-]+(:[\w.-]+)?", source))


def similar_names(source: str) -> str:
    """Suggest similar short names, for an error message."""
    names = [row["name"] for row in _rows()]
    found = difflib.get_close_matches(source.lower(), names, n=3, cutoff=0.5)
    return f"did you mean {' or '.join(found)}?" if found else f"short names are {', '.join(names)}"


def data_folder() -> Path | None:
    """Return the folder of local copies, or None if ``TOOLKIT_DATA`` is not set.

    Raises
    ------
    FileNotFoundError
        There is no such folder.
    """
    named = os.environ.get("TOOLKIT_DATA")
    folder = Path(named).expanduser() if named else None
    if folder is not None and not folder.is_dir():
        raise FileNotFoundError(f"TOOLKIT_DATA is set to {named}, but there is no such folder")
    return folder


def repository(hub: str) -> Path | None:
    """Return the local copy of a Hub repository, if any: ``TOOLKIT_DATA/<owner>/<name>``."""
    folder = data_folder()
    copy = folder / hub if folder and hub else None
    return copy if copy and copy.is_dir() else None
