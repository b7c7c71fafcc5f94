"""Registered tasks of mteb from local folders: nothing is downloaded, and the data's own digest is their revision."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.prepare.sources.localcopies import data_folder
from toolkit.storage import digest_texts


@dataclass(frozen=True)
class Layout:
    """Where the files of a task lie below the folder that TOOLKIT_DATA names.

    Attributes
    ----------
    folder : str
    files : tuple of str
        Names of the files of a subset and split, ``{subset}`` and ``{split}`` filled in.
    columns : tuple of str
        Columns of a table that are read; empty for a search.
    ending : str
        What mteb's copy has after each text and the local one has not.
    """

    folder: str
    files: tuple[str, ...]
    columns: tuple[str, ...] = ()
    ending: str = ""


_PAIR = ("sentence1", "sentence2")
LAYOUTS = {
    "STSBenchmark": Layout("stsb_en", ("{split}.jsonl.gz",), (*_PAIR, "score")),
    "Banking77Classification": Layout("banking77", ("{split}.jsonl.gz",), ("text", "label")),
    "STSBenchmarkMultilingualSTS": Layout("stsb_multi_mt", ("{subset}.{split}.jsonl.gz",), (*_PAIR, "score")),
    "Tatoeba": Layout("tatoeba", ("{subset}.{split}.jsonl.gz",), _PAIR, ending="\n"),
    "XQuADRetrieval": Layout("xquad", ("{subset}.passages.jsonl.gz", "{subset}.questions.jsonl.gz")),
}
"""Public sets as their authors gave them out. Any other task is read from a copy of its repository on the Hub, in
``TOOLKIT_DATA/<owner>/<name>``: ``hf download <owner>/<name> --repo-type dataset --local-dir ...`` makes one."""


def splits_read(task: Any) -> list[str]:
    """Splits that are scored, after the one that a classifier learns from."""
    train = [task.train_split] if hasattr(task, "samples_per_label") else []
    return list(dict.fromkeys([*train, *task.eval_splits]))


def _files(task: Any, subset: str, split: str) -> list[str]:
    return [name.format(subset=subset, split=split) for name in LAYOUTS[task.metadata.name].files]


def local_folder(task: Any) -> Path | None:
    """The folder that holds the data of a registered task, or None where there is none.

    Raises
    ------
    FileNotFoundError
        When the folder is there and lacks files that the splits and subsets of the task need.
    """
    root = data_folder()
    if root is None:
        return None
    known = LAYOUTS.get(task.metadata.name)
    folder = root / (known.folder if known else task.metadata.dataset["path"])
    if not folder.is_dir():
        return None
    if known:
        needed = [(s, name) for s in task.hf_subsets for split in splits_read(task) for name in _files(task, s, split)]
        gone = {subset: name for subset, name in needed if not (folder / name).is_file()}
        if gone:
            there = [subset for subset in task.hf_subsets if subset not in gone]
            name, split = task.metadata.name, task.eval_splits[0]
            raise FileNotFoundError(
                f"{name} needs files that {folder} has not, {len(gone)} of {len(task.hf_subsets)} subsets, first "
                f"{next(iter(gone.values()))}"
                + (f": put them there, or name subsets that are there, as '{name}/{split}/{there[0]}'" if there else "")
            )
    return folder


def expected(task: Any) -> str:
    """What to say where the data of a task are missing."""
    root = data_folder()
    known = LAYOUTS.get(task.metadata.name)
    folder = known.folder if known else task.metadata.dataset["path"]
    where = f"the folder {root / folder}" if root else f"the folder {folder} below one that TOOLKIT_DATA names"
    return f"{task.metadata.name} needs its data: expected {where}"


def load_local(task: Any, folder: Path) -> None:
    """Fill a registered task with local rows.

    Raises
    ------
    ValueError
        When a file cannot be read, or lacks a column.
    """
    known = LAYOUTS.get(task.metadata.name)
    if known is None:
        _from_copy(task, folder)
    else:
        read = _table if known.columns else _xquad
        subsets = {s: {split: read(task, folder, s, split) for split in splits_read(task)} for s in task.hf_subsets}
        if known.columns:
            from datasets import DatasetDict

            tables = {subset: DatasetDict(splits) for subset, splits in subsets.items()}
            task.dataset = tables if task.metadata.is_multilingual else tables["default"]
        else:
            task.dataset = subsets
    task.data_loaded = True


def digest(task: Any, split: str, subset: str) -> str:
    """Digest of what a split and subset of a loaded task are scored on, the rows for a classifier included."""
    splits = task.dataset if subset not in task.dataset else task.dataset[subset]
    return digest_texts(*(column for name in (*splits_read(task)[:-1], split) for column in _columns(splits[name])))


_NO_TEXT = ("id", "label", "labels", "label_text")


def size(task: Any, split: str, subset: str) -> tuple[int, int]:
    """Rows (a search: queries and documents) and characters of a split and subset of a loaded task."""
    data = (task.dataset if subset not in task.dataset else task.dataset[subset])[split]
    parts = [data["corpus"], data["queries"]] if "relevant_docs" in data else [data]
    texts = [
        text for part in parts for column in part.column_names if column not in _NO_TEXT for text in part[column][:]
    ]
    return sum(map(len, parts)), sum(len(text) for text in texts if isinstance(text, str))


def published_size(task: Any, split: str, subset: str) -> tuple[int, int] | None:
    """The same of mteb's own copy, by the statistics that come with mteb; None where there are none."""
    found = (task.metadata.descriptive_stats or {}).get(split)
    parts = (found or {}).get("hf_subset_descriptive_stats")
    found = parts.get(subset) if parts else found
    if not found:
        return None
    characters = found.get("number_of_characters")
    if characters is None:
        characters = (found.get("text_statistics") or {}).get("total_text_length")
    return (found["num_samples"], characters) if characters is not None else None


def _from_copy(task: Any, folder: Path) -> None:
    """Let mteb load a copy of the repository on the Hub, with all that it does to the rows."""
    published = task.metadata
    task.metadata = published.model_copy(update={"dataset": {**published.dataset, "path": str(folder)}})
    try:
        task.load_data()
        if hasattr(task, "convert_v1_dataset_format_to_v2"):
            task.convert_v1_dataset_format_to_v2(None)
    except Exception as error:  # of datasets, pyarrow, json: each has its own
        raise ValueError(f"{published.name} could not be loaded from {folder} ({error}): copy it again") from error
    finally:
        task.metadata = published


def _columns(data: Any, path: str = "") -> Iterator[list[str]]:
    """All that a data set holds, column by column, in a fixed order."""
    if hasattr(data, "column_names") and not isinstance(data, Mapping):
        for column in sorted(data.column_names):
            yield [f"{path}/{column}", *map(str, data[column][:])]
    elif isinstance(data, Mapping) and "relevant_docs" in data:  # a search
        yield from _columns(data["corpus"], path + "/corpus")
        yield from _columns(data["queries"], path + "/queries")
        qrels, offered = data["relevant_docs"], data.get("top_ranked") or {}
        yield [f"{q}\t{d}\t{g}" for q, row in sorted(qrels.items()) for d, g in sorted(row.items())]
        yield [f"{q}\t{d}" for q, row in sorted(offered.items()) for d in row]
    else:
        for key in sorted(data):
            yield from _columns(data[key], f"{path}/{key}")


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return [json.loads(line) for line in file]
    except (OSError, EOFError, ValueError) as error:
        raise ValueError(f"{path} cannot be read as gzipped JSON lines ({error}): copy it again") from error


def _table(task: Any, folder: Path, subset: str, split: str) -> Any:
    from datasets import Dataset

    known = LAYOUTS[task.metadata.name]
    path = folder / _files(task, subset, split)[0]
    rows = _rows(path)
    lacking = [column for column in known.columns if not all(column in row for row in rows)]
    if lacking or not rows:
        raise ValueError(
            f"{path} has {len(rows)} rows, not all with a column {(lacking or known.columns)[0]!r}: expected "
            f"{', '.join(known.columns)}"
        )
    return Dataset.from_dict(
        {c: [row[c] + known.ending if isinstance(row[c], str) else row[c] for row in rows] for c in known.columns}
    )


def _xquad(task: Any, folder: Path, subset: str, split: str) -> Any:
    """Questions and paragraphs; mteb's copy has no white space at the ends, and each question once."""
    from datasets import Dataset
    from mteb.abstasks.retrieval_dataset_loaders import RetrievalSplitData

    passages, questions = (_rows(folder / name) for name in _files(task, subset, split))
    asked: dict[str, dict[str, str]] = {}
    for row in questions:
        asked.setdefault(row["question"].strip(), row)
    return RetrievalSplitData(
        corpus=Dataset.from_list([{"id": row["pid"], "title": "", "text": row["text"].strip()} for row in passages]),
        queries=Dataset.from_list([{"id": row["id"], "text": text} for text, row in asked.items()]),
        relevant_docs={row["id"]: {row["pid"]: 1} for row in asked.values()},
        top_ranked=None,
    )
