"""Any data to a task: what is scored, what is right, and what must stay together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.prepare.frames import documents_of, to_dataset
from toolkit.prepare.schema import SHAPES, TABLE_KINDS, task_shape
from toolkit.prepare.splitting.building import search_task
from toolkit.prepare.splitting.groups import check_texts, labels_of, row_groups
from toolkit.prepare.splitting.near_copies import CLOSE
from toolkit.prepare.tasks import Task

if TYPE_CHECKING:
    from datasets import Dataset

    from toolkit.prepare.frames import Rows


def task(
    source: Rows | str | Path,
    *,
    kind: str | None = None,
    groups: str | Sequence[object] | None = "auto",
    documents: Sequence[str] = (),
    train: Rows | None = None,
    model: Any = None,
    cosine: float = CLOSE,
    name: str = "all",
) -> Task:
    """Make a task from data of any shape, with the groups that statistics and splits keep together.

    Of pairs and triplets: documents with the same words are one document. Near-equal documents (Jaccard similarity 0.9,
    or 0.8 where they share a group) share the relevance judgement, since a search that finds one of two twins has found
    the answer.

    Parameters
    ----------
    source : Dataset, result of `load`, `clean` or `pairs`, DataFrame, mapping, list, or name or path
        Columns of a shape (see `toolkit.prepare.shape_of`, though their order does not matter here) or ``sentence1
        sentence2`` alone; optionally ``id`` (names of rows), ``group`` and, of pairs, ``positive_id``. A name or path:
        a set with its official judgements, such as a BEIR folder, or a file.
    kind : str, optional
        Pairs are ``"retrieval"`` or ``"bitext"``; triplets ``"retrieval"``, where negatives are further documents, or
        ``"reranking"``, where each search has its positives and negatives to put in order; scored pairs
        ``"similarity"``; labelled pairs ``"pairs"``; labelled texts ``"clustering"`` or, with `train`,
        ``"classification"``; sentence pairs ``"bitext"``.
    groups : "auto", sequence of labels, or None
        Which rows must stay together. ``"auto"``: rows that share a text, a value of ``group``, or a near-copy of a
        text (see `toolkit.prepare.near_pairs`). Searches are compared with searches and documents with documents,
        and all with all where some text stands on both sides. Negatives join nothing. A sequence gives one label a
        row, None or nan where there is none, and shared texts still join. None: every row by itself, as a naive split
        does.
    documents : sequence of str
        Of pairs and triplets: texts that are searched too although no row names them; if not given, the documents
        that a result of `load` or `clean` brings along.
    train : as `source`
        Of a classification: labelled texts that a classifier learns from.
    model : model, optional
        With it, texts whose vectors reach `cosine` count as near-copies too. Every text is compared with every other:
        minutes for 100,000 texts.
    cosine : float
        See `toolkit.prepare.splits.duplicates.close_pairs`.
    name : str
        Name of the task.

    Returns
    -------
    Task
        Query ids are ``q0``, ``q1``, ... in the order of the rows; document ids are those of ``positive_id``, else
        ``d0``, ``d1``, ...; those of other documents follow as ``x0``, ``x1``, ... Items of a table are its rows.

    Raises
    ------
    ValueError
        For columns of no shape, a kind that the shape cannot be, and texts or labels that are missing.

    Examples
    --------
    >>> from datasets import Dataset
    >>> made = task(Dataset.from_dict({"sentence1": ["a b", "c d", "A b!"], "sentence2": ["e", "f", "g"],
    ...                                "score": [0.1, 0.9, 0.5]}))
    >>> made.kind, dict(made.groups)
    ('similarity', {'0': 0, '1': 1, '2': 0})
    """
    if isinstance(source, (str, Path)):
        from toolkit.prepare.splitting.official import task_from

        found: Task = task_from(source, kind=kind, name=None if name == "all" else name)
        return found
    documents, source = documents_of(source, documents), to_dataset(source)
    train = None if train is None else to_dataset(train)
    shape = task_shape(source.column_names).name
    kind = kind or ("classification" if shape == "labelled texts" and train is not None else SHAPES[shape].kinds[0])
    if kind not in SHAPES[shape].kinds:
        hint = ": give negatives (columns anchor positive negative)" if (kind, shape) == ("reranking", "pairs") else ""
        raise ValueError(f"{shape} can be a task of kind {' or '.join(SHAPES[shape].kinds)}, got {kind!r}{hint}")
    if kind in ("retrieval", "reranking"):
        return search_task(source, kind, groups, documents, model=model, cosine=cosine, name=name)
    if len(documents):
        raise ValueError(f"documents= are searched by pairs and triplets; got {len(documents)} with {shape}")
    if kind == "bitext" and shape == "pairs":
        source = source.rename_columns({"anchor": "sentence1", "positive": "sentence2"})
    found_groups = table_groups(source, shape, groups, model=model, cosine=cosine)
    if kind == "classification" and train is not None:
        source, train = same_names(source, train)
    made = Task(name, kind, columns_of(source, kind), {}, train if kind == "classification" else None)
    return Task(name, kind, made.data, dict(zip(made.items, found_groups.tolist(), strict=True)), made.train)


def same_names(tested: Dataset, train: Dataset) -> tuple[Dataset, Dataset]:
    """Both tables with names as labels, where the other has names, or other names for the same numbers."""
    names = [getattr(data.features.get("label"), "names", None) for data in (tested, train)]
    bare = next((data for data, known in zip((tested, train), names, strict=True) if known is None), None)
    if names[0] == names[1] or (bare is not None and not isinstance(bare["label"][0], str)):
        return tested, train
    return _by_name(tested), _by_name(train)


def _by_name(data: Dataset) -> Dataset:
    names = getattr(data.features.get("label"), "names", None)
    if names is None:
        return data
    told = [names[label] if label is not None and label >= 0 else None for label in data["label"][:]]
    return data.remove_columns("label").add_column("label", told)


def table_groups(
    dataset: Dataset, shape: str, groups: str | Sequence[object] | None, *, model: Any, cosine: float
) -> Any:
    """Group of each row of a table; refuses texts that are missing."""
    frame = dataset.to_pandas()
    columns = ["text"] if shape == "labelled texts" else ["sentence1", "sentence2"]
    check_texts(frame, columns)
    if shape == "labelled pairs" and not frame["label"].isin([0, 1]).all():
        known = ", ".join(map(repr, frame["label"].drop_duplicates().tolist()[:5]))
        raise ValueError(
            f"labelled pairs are scored by 1 (the same) and 0 (not), got labels {known}: say which of them is 1, such "
            f"as data.map(lambda row: {{'label': int(row['label'] == 0)}})"
        )
    return row_groups([frame[c].tolist() for c in columns], groups, labels_of(frame), model=model, cosine=cosine)


def columns_of(dataset: Dataset, kind: str) -> Dataset:
    """The columns of a kind of table, and the names of its rows where it has them."""
    return dataset.select_columns([*TABLE_KINDS[kind], *(["id"] if "id" in dataset.column_names else [])])
