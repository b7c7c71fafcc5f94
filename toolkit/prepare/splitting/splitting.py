"""Make tasks, and split data so that nothing in test was seen in training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from toolkit.prepare.frames import documents_of, to_dataset
from toolkit.prepare.schema import PAIR, TABLE_KINDS, Shape, negatives_in, task_shape
from toolkit.prepare.sources.loading import load
from toolkit.prepare.splitting.building import (
    build_search,
    build_task,
    check_no_documents,
    table_groups,
    table_of_kind,
)
from toolkit.prepare.splitting.dividing import Members, Parts, divide
from toolkit.prepare.splitting.official import official_task
from toolkit.prepare.tasks import Split, Task
from toolkit.prepare.values import normal, times

if TYPE_CHECKING:
    from datasets import Dataset

    from toolkit.prepare.frames import Rows

PARTS = ("train", "dev", "test")


def task(
    source: Rows | str | Path,
    *,
    kind: str | None = None,
    groups: str | Sequence[object] | None = "auto",
    documents: Sequence[str] = (),
    train: Rows | None = None,
    model: Any = None,
    name: str = "all",
) -> Task:
    """Make a task from data of any shape, with the groups of texts that statistics and splits keep together.

    For pairs and triplets, documents with the same words are one document, and documents that are nearly equal (Jaccard
    similarity 0.9, or 0.8 where they share a group) share their relevance judgements, since a search that finds one of
    two such documents has found the answer.

    Parameters
    ----------
    source : Dataset, result of `load`, `clean` or `make_pairs`, DataFrame, mapping, list, or name or path
        Columns of a shape (see `toolkit.prepare.frames.shape_of`; any order) or ``sentence1 sentence2`` alone;
        optionally ``id`` (names of rows), ``group`` and, of pairs, ``positive_id``. A name or path: a data set with its
        official judgements, such as a BEIR folder, or a file.
    kind : str, optional
        Pairs are ``"retrieval"`` or ``"bitext"``; triplets ``"retrieval"``, where negatives are further documents, or
        ``"reranking"``, where each query ranks its positives and negatives; scored pairs ``"similarity"``; labelled
        pairs ``"pairs"``; labelled texts ``"clustering"`` or, with `train`, ``"classification"``; sentence pairs
        ``"bitext"``.
    groups : "auto", sequence of labels, or None
        Which rows must stay together. ``"auto"``: rows that share a text, a value of ``group``, or a near-copy of a
        text (see `toolkit.prepare.splitting.near_pairs`). Queries are compared with queries and documents with
        documents, or all with all if some text is both. Negatives are ignored. A sequence has one label per row, None
        or nan where there is none; shared texts still join. None: every row by itself, as a naive split does.
    documents : sequence of str
        For pairs and triplets: further texts to search that are in no row; by default the documents that
        come with a result of `load` or `clean`.
    train : as `source`
        For classification: labelled texts that a classifier learns from.
    model : model, optional
        With it, texts whose vectors have a cosine of 0.95 or more count as near-copies too (see
        `toolkit.prepare.splitting.close_pairs`). Every text is compared with every other: minutes for 100,000 texts.
    name : str
        Name of the task.

    Returns
    -------
    Task
        Query ids are ``q0``, ``q1``, ... in the order of the rows; document ids are those of ``positive_id``, else
        ``d0``, ``d1``, ...; further documents are ``x0``, ``x1``, ... Items of a table are its rows.

    Raises
    ------
    ValueError
        For columns of no known shape, a kind that the shape cannot become, or missing texts or labels.

    Examples
    --------
    >>> from datasets import Dataset
    >>> made = task(Dataset.from_dict({"sentence1": ["a b", "c d", "A b!"], "sentence2": ["e", "f", "g"],
    ...                                "score": [0.1, 0.9, 0.5]}))
    >>> made.kind, dict(made.groups)
    ('similarity', {'0': 0, '1': 1, '2': 0})
    """
    if isinstance(source, (str, Path)):
        auto = isinstance(groups, str) and groups == "auto"
        given = {"groups": not auto, "documents": len(documents) > 0, "train": train is not None}
        unused = ", ".join(name for name, is_given in {**given, "model": model is not None}.items() if is_given)
        if unused:
            raise ValueError(
                f"a data set given by name or path has judgements and groups of its own: leave out {unused}, or "
                f"pass its rows, task(prepare.load({str(source)!r}), ...)"
            )
        return official_task(source, kind=kind, name=None if name == "all" else name)
    return build_task(source, kind=kind, groups=groups, documents=documents, train=train, model=model, name=name)


def split(
    dataset: Rows | str | Path,
    *,
    sizes: tuple[float, float, float] = (0.8, 0.1, 0.1),
    groups: str | Sequence[object] | None = "auto",
    documents: Sequence[str] = (),
    model: Any = None,
    seed: int = 0,
) -> Split:
    """Divide data of any shape into train, dev and test without splitting a group.

    Groups are those of `task`. They are assigned in random order to test, then dev, then train; one that would fill
    more than a tenth of dev or test goes to train, so that no single group decides a result (larger ones are allowed
    where too little would be left). Dev and test of pairs and triplets search the whole corpus, documents of the
    training part included. Where rows have labels, each part gets its share of every label, as nearly as whole groups
    allow.

    Where the data have a column ``time``, the newest items are the test, those before them dev, and the rest train.
    If a group spans two parts, its older items are left out and counted in the table.

    Parameters
    ----------
    dataset : Dataset, result of `load`, `clean` or `make_pairs`, DataFrame, mapping, list, or name or path
        Columns of a shape (see `toolkit.prepare.frames.shape_of`; any order) and, optionally, ``id``, ``positive_id``,
        ``group`` and ``time`` (dates or numbers).
    sizes : three floats
        Shares of the queries, or of the rows, for train, dev and test; they sum to 1.
    groups : "auto", sequence of labels, or None
        As in `task`. None gives a naive split by rows, which leaks.
    documents : sequence of str
        As in `task`.
    model : model, optional
        As in `task`, to find near-copies by vectors too.
    seed : int
        Seed of the order in which groups are drawn.

    Returns
    -------
    Split
        Dev and test of labelled texts are tasks of kind classification that learn from the training part.

    Raises
    ------
    TooFewGroupsError
        A ValueError: the data have too few groups for every part to get one.
    ValueError
        For sizes that do not sum to 1, or times that cannot be read.
    """
    if len(sizes) != 3 or min(sizes) <= 0 or abs(sum(sizes) - 1) > 1e-9:
        raise ValueError(f"expected three positive sizes that sum to 1, got {sizes}")
    if isinstance(dataset, (str, Path)):
        dataset = load(dataset)
    documents, data = documents_of(dataset, documents), to_dataset(dataset)
    shape = task_shape(data.column_names)
    search = "retrieval" in shape.kinds
    labels = None
    if search:
        whole, rows_of = build_search(data, "retrieval", groups, documents, model=model)
        noun, group_of, texts = "queries", whole.groups, whole.data.queries
    else:
        check_no_documents(documents, shape)
        found = table_groups(data, shape, groups, model)
        group_of = {str(row): group for row, group in enumerate(found.tolist())}
        noun, rows_of = "rows", {item: [row] for row, item in enumerate(group_of)}
        texts = dict(zip(group_of, data[shape.texts[0]][:], strict=True))
        if "label" in data.column_names:
            labels = dict(zip(group_of, data["label"][:], strict=True))
            missing = int(pd.isna(pd.Series(labels, dtype=object)).sum())
            if missing:
                raise ValueError(f"column 'label' is empty in {missing} rows: leave them out")
    age = None
    if "time" in data.column_names:  # a query with several rows is as new as its newest row
        moments = times(data["time"][:])
        newest_first = sorted(group_of, key=lambda item: -max(moments[rows_of[item]]))
        age = {item: place for place, item in enumerate(newest_first)}
    members: dict[Any, list[str]] = {}
    for item, group in group_of.items():
        members.setdefault(group, []).append(item)
    parts = divide(members, sizes, seed, age=age, labels=labels, noun=noun)
    wanted = dict(zip(PARTS, sizes, strict=True)) | ({"left out": 0.0} if parts.get("left out") else {})
    table = pd.DataFrame([
        {"part": name, noun: len(parts[name]), "groups": len({group_of[item] for item in parts[name]}),
         "share": round(len(parts[name]) / len(group_of), 3), "wanted": share} for name, share in wanted.items()
    ])  # fmt: skip
    notes = _notes(parts, members, texts, labels, noun)
    rows = {name: sorted(row for item in parts[name] for row in rows_of[item]) for name in PARTS}
    if not search:
        return Split(*_tables(data, shape, rows, group_of), table, notes, rows)
    n_groups = int(table.set_index("part")["groups"]["test"])
    if n_groups < 20:
        judged = {document for row in whole.data.qrels.values() for document in row}
        notes.append(
            f"The test holds only {n_groups} independent groups of queries ({len(texts):,} queries share "
            f"{len(judged):,} documents): its intervals are rough. No answer in test was seen in training, so the "
            f"score measures how well new answers are found."
        )
    negatives = negatives_in(data.column_names)
    score = ["score"] if negatives and "score" in data.column_names else []
    train = data.select(rows["train"]).select_columns([*PAIR, *negatives, *score])
    return Split(train, whole.only(parts["dev"], "dev"), whole.only(parts["test"], "test"), table, notes, rows)


def _tables(
    data: Dataset, shape: Shape, rows: Mapping[str, list[int]], group_of: Mapping[str, Any]
) -> tuple[Dataset, Task, Task]:
    """Select the rows of a table for training and for two tasks; rows are named by their ids, else by their numbers."""
    kind = "classification" if shape.name == "labelled texts" else shape.kinds[0]
    table = table_of_kind(data, kind)
    if "id" not in data.column_names:
        table = table.add_column("id", list(group_of))
    train = data.select(rows["train"]).select_columns(list(TABLE_KINDS[kind]))
    tasks = []
    for name in ("dev", "test"):
        part = table.select(rows[name])
        groups = {str(item): group_of[str(row)] for item, row in zip(part["id"][:], rows[name], strict=True)}
        tasks.append(Task(name, kind, part, groups, train if kind == "classification" else None))
    return train, tasks[0], tasks[1]


def _notes(
    parts: Parts, members: Members, texts: Mapping[str, str], labels: Mapping[str, Any] | None, noun: str
) -> list[str]:
    """Write the notes that accompany a split."""
    notes = []
    largest = max(members.values(), key=len)
    if len(largest) > 0.2 * len(texts):
        text, count = Counter(normal(texts[item]) for item in largest).most_common(1)[0]
        often = f" ({text!r:.80} occurs {count:,} times)" if count > 1 else ""
        notes.append(
            f"One group holds {len(largest):,} of {len(texts):,} {noun}: they are linked by shared documents or "
            f"near-copies, directly or through others{often}. It went to train, so dev and test may look different. "
            f"If the link is a greeting or a template, remove it first; or pass groups of your own."
        )
    if parts.get("left out"):
        left_out = f"{len(parts['left out']):,} older {noun} are left out"
        notes.append(f"{left_out}: they share a document or near-copies with newer ones that are tested.")
    every = set(labels.values()) if labels else set()
    for name in PARTS if labels else ():
        missing = sorted(map(str, every - {(labels or {})[item] for item in parts[name]}))
        if missing:
            some = f"{len(missing)} of {len(every)} labels are not in {name}, such as {missing[0]!r}"
            notes.append(f"{some}: their texts form too few groups, or the column time decides.")
    return notes
