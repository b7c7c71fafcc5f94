"""Load the data of mteb's tasks, from local files if available, and digest what a model is scored on."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from toolkit.prepare.sources.catalogue import data_folder, find_mteb
from toolkit.prepare.sources.hub import require
from toolkit.storage import digest_texts

COLUMNS = {
    "STS": ("sentence1", "sentence2", "score"),
    "Classification": ("text", "label"),
    "BitextMining": ("sentence1", "sentence2"),
}
"""Columns of a local file that are read, by mteb's type of task."""


def find_source(task: Any) -> Path | None:
    """Find the folder with the data of a task; None if they come with the task or from the Hub.

    Data sets of the catalogue are read as released by their authors. Any other task is read from a copy of its
    repository on the Hub, in ``TOOLKIT_DATA/<owner>/<name>``: ``hf download <owner>/<name> --repo-type dataset
    --local-dir ...`` makes one.

    Raises
    ------
    FileNotFoundError
        If the folder lacks files that the splits and subsets of the task need, or if there is no folder and the Hub
        cannot be reached.
    """
    from datasets import config

    if hasattr(task, "toolkit_task") or task.data_loaded:
        return None
    name, hub, root = task.metadata.name, str(task.metadata.dataset["path"]), data_folder()
    known = find_mteb(name)
    place = known.folder if known else hub
    if root is not None and (root / place).is_dir():
        lacking = {
            subset: path
            for subset in (task.hf_subsets if known else [])
            for split in _splits_read(task)
            for path in known.paths(split, subset)  # type: ignore[union-attr]
            if not (root / path).is_file()
        }
        if lacking:
            there = [f"{name}/{task.eval_splits[0]}/{subset}" for subset in task.hf_subsets if subset not in lacking]
            raise FileNotFoundError(
                f"{root} lacks files of {len(lacking)} of {len(task.hf_subsets)} subsets of {name}, such as "
                f"{next(iter(lacking.values()))}" + (f"; name subsets that exist, like {there[0]!r}" if there else "")
            )
        return root / place
    if not Path(config.HF_DATASETS_CACHE, hub.replace("/", "___")).is_dir():  # not downloaded before
        try:
            require(hub, None)
        except (ConnectionError, FileNotFoundError) as error:
            where = root / place if root else f"{place} below one that TOOLKIT_DATA names"
            expected = f"expected the folder {where}, or {hub} on the Hub, which is not available now"
            raise FileNotFoundError(f"{name} needs its data: {expected}") from error
    return None


def load(task: Any, folder: Path | None) -> None:
    """Load the data of a task from the folder that `find_source` found, or as mteb does.

    Raises
    ------
    ValueError
        If files cannot be read or lack a column, or if the Hub denies access to the data.
    """
    from datasets import DatasetDict
    from datasets.exceptions import DatasetNotFoundError

    published = task.metadata
    known = find_mteb(published.name) if folder is not None else None
    if folder is not None and known is not None:
        read = _table if published.type in COLUMNS else _search
        subsets: dict[str, Any] = {
            subset: {s: read(task, [folder.parent / p for p in known.paths(s, subset)]) for s in _splits_read(task)}
            for subset in task.hf_subsets
        }
        if published.type in COLUMNS:
            subsets = {subset: DatasetDict(splits) for subset, splits in subsets.items()}
            task.dataset = subsets if published.is_multilingual else subsets["default"]
        else:
            task.dataset = subsets
        task.data_loaded = True
        return
    try:  # mteb loads the data, with all of its preprocessing
        if folder is not None:
            task.metadata = published.model_copy(update={"dataset": {**published.dataset, "path": str(folder)}})
        task.load_data()
        if hasattr(task, "convert_v1_dataset_format_to_v2"):
            task.convert_v1_dataset_format_to_v2(None)
    except Exception as error:  # datasets, pyarrow and json each raise their own
        if folder is not None:
            raise ValueError(f"{published.name} could not be loaded from {folder} ({error}): copy it again") from error
        if isinstance(error, DatasetNotFoundError):  # also raised for gated data sets
            way = "if they are gated, accept their terms on the Hub and run 'hf auth login'"
            raise ValueError(f"the data of {published.name} are not available ({error}): {way}") from error
        raise
    finally:
        if folder is not None:
            task.metadata = published


def digest(task: Any, split: str, subset: str) -> str:
    """Digest the data on which a split and subset of a loaded task are scored, including the rows for a classifier."""
    splits = task.dataset if subset not in task.dataset else task.dataset[subset]
    return digest_texts(*(column for name in (*_splits_read(task)[:-1], split) for column in _columns(splits[name])))


def size(task: Any, split: str, subset: str) -> tuple[int, int]:
    """Count rows (for a search, queries and documents) and characters of a split and subset of a loaded task."""
    data = (task.dataset if subset not in task.dataset else task.dataset[subset])[split]
    parts = [data["corpus"], data["queries"]] if "relevant_docs" in data else [data]
    no_text = ("id", "label", "labels", "label_text")
    texts = [text for part in parts for c in part.column_names if c not in no_text for text in part[c][:]]
    return sum(map(len, parts)), sum(len(text) for text in texts if isinstance(text, str))


def published_size(task: Any, split: str, subset: str) -> tuple[int, int] | None:
    """Look up the `size` of a split and subset in mteb's statistics; return None if there are none."""
    found = (task.metadata.descriptive_stats or {}).get(split) or {}
    parts = found.get("hf_subset_descriptive_stats")
    found = (parts.get(subset) if parts else found) or {}
    characters = found.get("number_of_characters")
    if characters is None:
        characters = (found.get("text_statistics") or {}).get("total_text_length")
    return (found["num_samples"], characters) if characters is not None else None


def _splits_read(task: Any) -> list[str]:
    """List the splits that are scored, after the one from which a classifier learns."""
    train = [task.train_split] if hasattr(task, "samples_per_label") else []
    return list(dict.fromkeys([*train, *task.eval_splits]))


def _columns(data: Any, path: str = "") -> Iterator[list[str]]:
    """Yield the contents of a data set, column by column, in a fixed order."""
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


def _table(task: Any, paths: list[Path]) -> Any:
    from datasets import Dataset

    rows, columns = _rows(paths[0]), COLUMNS[task.metadata.type]
    lacking = [column for column in columns if not all(column in row for row in rows)]
    if lacking or not rows:
        got = f"{len(rows)} rows, not all with a column {(lacking or columns)[0]!r}"
        raise ValueError(f"{paths[0]} has {got}: expected {', '.join(columns)}")
    end = "\n" if task.metadata.name == "Tatoeba" else ""  # mteb's copy has a newline after each text
    values = {c: [row[c] + end if isinstance(row[c], str) else row[c] for row in rows] for c in columns}
    return Dataset.from_dict(values)


def _search(task: Any, paths: list[Path]) -> Any:
    """Read questions and paragraphs, stripped and with distinct questions, as in mteb's copy."""
    from datasets import Dataset
    from mteb.abstasks.retrieval_dataset_loaders import RetrievalSplitData

    questions, passages = map(_rows, paths)
    asked: dict[str, dict[str, str]] = {}
    for row in questions:
        asked.setdefault(row["question"].strip(), row)
    return RetrievalSplitData(
        corpus=Dataset.from_list([{"id": row["pid"], "title": "", "text": row["text"].strip()} for row in passages]),
        queries=Dataset.from_list([{"id": row["id"], "text": text} for text, row in asked.items()]),
        relevant_docs={row["id"]: {row["pid"]: 1} for row in asked.values()},
        top_ranked=None,
    )
