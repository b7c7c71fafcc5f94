"""Build a task from data of any shape: distinct queries and documents, judgements, and groups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.prepare.frames import Rows, documents_of, from_frame, to_dataset, to_frame
from toolkit.prepare.schema import PAIR, SEARCH_KINDS, TABLE_KINDS, Shape, negatives_in, task_shape
from toolkit.prepare.splitting.groups import check_groups, labels_of, row_groups, sharing, text_links, texts_in
from toolkit.prepare.splitting.near_copies import NEAR, close_pairs, connected_components, overlapping
from toolkit.prepare.tasks import RetrievalData, Task
from toolkit.prepare.values import distinct, labels_in, shingles
from toolkit.vectors import encode

if TYPE_CHECKING:
    from datasets import Dataset

SAME_ANSWER = 0.9  # Jaccard similarity above which two documents answer the same query; lower within a group
SAME_ANSWER_IN_GROUP = 0.8


def build_task(
    source: Rows,
    *,
    kind: str | None = None,
    groups: str | Sequence[object] | None = "auto",
    documents: Sequence[str] = (),
    train: Rows | None = None,
    model: Any = None,
    name: str = "all",
) -> Task:
    """Build a task from a table, as `toolkit.prepare.task` describes it."""
    documents, data = documents_of(source, documents), to_dataset(source)
    train = None if train is None else to_dataset(train)
    shape = task_shape(data.column_names)
    kind = kind or ("classification" if shape.name == "labelled texts" and train is not None else shape.kinds[0])
    if kind not in shape.kinds:
        hint = ": add a column negative" if (kind, shape.name) == ("reranking", "pairs") else ""
        raise ValueError(f"{shape.name} can be a task of kind {' or '.join(shape.kinds)}, got {kind!r}{hint}")
    if kind in SEARCH_KINDS:
        return build_search(data, kind, groups, documents, model=model, name=name)[0]
    check_no_documents(documents, shape)
    if kind == "bitext" and shape.texts == PAIR:
        data = data.rename_columns({"anchor": "sentence1", "positive": "sentence2"})
        shape = task_shape(TABLE_KINDS[kind])
    found = table_groups(data, shape, groups, model)
    if kind != "classification":
        train = None
    elif train is not None:
        data, train = _same_label_names(data, train)
    table = table_of_kind(data, kind)
    items = table["id"][:] if "id" in table.column_names else range(len(table))
    return Task(name, kind, table, dict(zip(map(str, items), found.tolist(), strict=True)), train)


def table_of_kind(data: Dataset, kind: str) -> Dataset:
    """Select the columns of a kind of table, and its row names if it has them."""
    return data.select_columns([*TABLE_KINDS[kind], *(["id"] if "id" in data.column_names else [])])


def check_no_documents(documents: Sequence[str], shape: Shape) -> None:
    """Check that no extra documents are given for a table, which has nothing to search."""
    if len(documents):
        raise ValueError(f"documents= are searched with pairs and triplets; got {len(documents)} with {shape.name}")


def table_groups(data: Dataset, shape: Shape, groups: str | Sequence[object] | None, model: Any) -> NDArray[np.int64]:
    """Number the groups of a table's rows, checking for missing texts and for pair labels other than 0 and 1."""
    sides = texts_in(data, shape.texts)
    if shape.name == "labelled pairs":
        labels = list(dict.fromkeys(data["label"][:]))
        if not set(labels) <= {0, 1}:
            todo = "map yours, for example with data.map(lambda row: {'label': int(row['label'] == 0)})"
            raise ValueError(f"expected labels 1 (the same) and 0 (not) of pairs, got {labels[:5]}: {todo}")
    return row_groups(sides, groups, labels_of(data), model=model)


def _same_label_names(tested: Dataset, train: Dataset) -> tuple[Dataset, Dataset]:
    """Convert labels to names if the tables number them differently, or if one has names and the other numbers."""
    names = [getattr(data.features.get("label"), "names", None) for data in (tested, train)]
    bare = next((data for data, known in zip((tested, train), names, strict=True) if known is None), None)
    if names[0] == names[1] or (bare is not None and not isinstance(bare["label"][0], str)):
        return tested, train
    return from_frame(to_frame(tested)), from_frame(to_frame(train))


def build_search(
    data: Dataset,
    kind: str,
    groups: str | Sequence[object] | None,
    documents: Sequence[str],
    *,
    model: Any = None,
    name: str = "all",
) -> tuple[Task, dict[str, list[int]]]:
    """Build a retrieval or reranking task from pairs or triplets; also return the data rows of each query."""
    anchors, positives = texts_in(data, PAIR)
    check_groups(groups, len(data))
    wrong = [text for text in documents if not isinstance(text, str)]
    if isinstance(documents, str) or wrong:
        came = f"a list with {wrong[0]!r:.40}" if wrong else "a single text"
        raise ValueError(f"expected documents as a list of texts, got {came}")
    columns = [data[column][:] for column in negatives_in(data.column_names)]
    negatives = [(row, text) for row, texts in enumerate(zip(*columns, strict=True)) for text in texts
                 if isinstance(text, str) and text.strip()]  # fmt: skip
    pool = [*positives, *(text for _, text in negatives), *documents]
    query_keys, query_of, query_rows = distinct(anchors)
    keys, number_of, first = distinct(pool)
    document_of = number_of[: len(data)]
    queries = {f"q{number}": anchors[row] for number, row in enumerate(query_rows.tolist())}
    rows: dict[str, list[int]] = {query: [] for query in queries}
    for row, number in enumerate(query_of.tolist()):
        rows[f"q{number}"].append(row)
    ids = _document_ids(data, document_of.tolist(), len(keys))
    corpus = {name: pool[place] for name, place in zip(ids, first.tolist(), strict=True)}

    labels = labels_of(data)
    near = overlapping(keys, NEAR)
    qrels: dict[str, dict[str, int]] = {query: {} for query in queries}
    twins = _interchangeable(near, keys, document_of, labels)
    for query, document in zip(query_of.tolist(), document_of.tolist(), strict=True):
        qrels[f"q{query}"] |= {ids[twin]: 1 for twin in sorted(twins.get(document, {document}))}
    # A negative has grade 0 even if it is a twin of a positive, but not if another row names it as a positive.
    right = set(zip(query_of.tolist(), document_of.tolist(), strict=True))
    for (row, _), document in zip(negatives, number_of[len(data) :].tolist(), strict=False):
        if (int(query_of[row]), document) not in right:
            qrels[f"q{query_of[row]}"][ids[document]] = 0
    candidates = {query: list(judged) for query, judged in qrels.items()}

    component = query_rows
    if groups is not None:
        edges = [sharing(zip(query_of.tolist(), document_of.tolist(), strict=True))]
        if isinstance(groups, str):
            paired = int(np.searchsorted(first, len(data)))  # negatives and other documents come later and link nothing
            owners, near = query_of[first[:paired]], near[(near < paired).all(axis=1)]
            texts, answers = list(queries.values()), list(corpus.values())[:paired]
            if set(query_keys).isdisjoint(keys[:paired]):
                edges += [text_links(texts, model=model), owners[near]]
                edges += [] if model is None else [owners[close_pairs(encode(model, answers))]]
            else:  # some text is both, as with duplicate questions, so compare all with all
                links = text_links([*texts, *answers], model=model)
                edges.append(np.concatenate([np.arange(len(texts)), owners])[links])
        given = labels if isinstance(groups, str) else labels_in(groups)
        edges.append(sharing((q, g) for q, g in zip(query_of.tolist(), given, strict=True) if g is not None))
        component = connected_components(len(queries), edges)
    found = RetrievalData(corpus, queries, qrels, candidates if kind == "reranking" else None)
    return Task(name, kind, found, dict(zip(queries, component.tolist(), strict=True))), rows


def _interchangeable(
    near: NDArray[np.int64], keys: Sequence[str], document_of: NDArray[np.int64], labels: Sequence[object]
) -> dict[int, set[int]]:
    """Find documents so similar that they answer the same queries; each set includes the document itself."""
    group_of = {document: label for document, label in reversed(list(zip(document_of.tolist(), labels, strict=True)))}
    same: dict[int, set[int]] = {}
    for a, b in near.tolist():
        close = (
            SAME_ANSWER_IN_GROUP if group_of.get(a) is not None and group_of.get(a) == group_of.get(b) else SAME_ANSWER
        )
        left, right = shingles(keys[a]), shingles(keys[b])
        if len(left & right) / len(left | right) >= close:
            same.setdefault(a, {a}).add(b)
            same.setdefault(b, {b}).add(a)
    return same


def _document_ids(data: Dataset, document_of: Sequence[int], n: int) -> list[str]:
    """Name all `n` documents; those of the pairs come first, named by ``positive_id`` if there is one."""
    paired = max(document_of) + 1
    ids = {number: f"d{number}" for number in range(paired)}
    if "positive_id" in data.column_names:
        names = pd.Series(data["positive_id"][:], dtype=object)
        if names.isna().any():
            raise ValueError(f"column positive_id is empty in {names.isna().sum()} rows")
        for number, name in reversed(list(zip(document_of, names, strict=True))):
            ids[number] = str(name)
        name, copies = Counter(ids.values()).most_common(1)[0]
        if copies > 1:
            raise ValueError(f"column positive_id names {copies} different documents {name!r}: expected one name each")
    taken = set(ids.values())
    free = (name for name in map("x{}".format, count()) if name not in taken)
    return [ids[number] if number < paired else next(free) for number in range(n)]
