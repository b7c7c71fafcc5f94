"""The shapes that everything agrees on: a task to be scored on, a split, and the names of dataset shapes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from toolkit.runs import digest_texts

if TYPE_CHECKING:
    from datasets import Dataset

# Columns that sentence-transformers uses, in the order in which its trainer reads them, and the name of that shape.
SHAPES = {
    ("anchor", "positive", "negative"): "triplets",
    ("anchor", "positive"): "pairs",
    ("sentence1", "sentence2", "score"): "scored pairs",
    ("sentence1", "sentence2", "label"): "labelled pairs",
    ("text", "label"): "labelled texts",
}


@dataclass(frozen=True)
class RetrievalData:
    """What a search is scored on, in the shapes of trec_eval and BEIR.

    Attributes
    ----------
    corpus : mapping of document id to text
    queries : mapping of query id to text
    qrels : mapping of query id to mapping of document id to grade
        Grade 1 and above is relevant.
    """

    corpus: Mapping[str, str]
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class Task:
    """Something to be scored on.

    Attributes
    ----------
    name : str
    kind : str
        ``"retrieval"`` so far.
    data : RetrievalData
    groups : mapping of query id to label
        Queries with equal labels are not independent: statistics resample them together.
    """

    name: str
    kind: str
    data: RetrievalData
    groups: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.kind != "retrieval":
            raise ValueError(f"expected kind 'retrieval', got {self.kind!r}")
        data = self.data
        if not data.queries or not data.corpus:
            raise ValueError(f"task {self.name!r} has {len(data.queries)} queries and {len(data.corpus)} documents")
        strange = [name for side in (data.queries, data.corpus) for name in side if not isinstance(name, str)]
        if strange:
            raise ValueError(
                f"task {self.name!r} has the id {strange[0]!r}: expected ids of queries and documents as str"
            )
        without = [query for query in data.queries if not any(g > 0 for g in data.qrels.get(query, {}).values())]
        if without:
            raise ValueError(
                f"{len(without)} of {len(data.queries)} queries of task {self.name!r} have no relevant document "
                f"(first: {without[0]!r}): they cannot be scored, leave them out"
            )
        unknown = [(q, d) for q in data.queries for d in data.qrels[q] if d not in data.corpus]
        if unknown:
            raise ValueError(
                f"the qrels of task {self.name!r} name {len(unknown)} documents that the corpus lacks "
                f"(first: document {unknown[0][1]!r} for query {unknown[0][0]!r})"
            )

    @cached_property
    def digest(self) -> str:
        """SHA-256 over queries, corpus and qrels: names the data in a record."""
        data = self.data
        qrels = [f"{q}\t{d}\t{g}" for q, row in sorted(data.qrels.items()) for d, g in sorted(row.items())]
        sides = [[f"{k}\t{v}" for k, v in sorted(side.items())] for side in (data.queries, data.corpus)]
        return digest_texts(*sides, qrels)

    @cached_property
    def echoes(self) -> dict[str, set[str]]:
        """Documents with the very words of a query that are not judged right for it: the query itself.

        Where duplicates of texts are searched for, a text is in the collection that it is searched in. As BEIR leaves
        out identical ids, a ranking leaves these out.
        """
        from toolkit.prepare.duplicates import normal

        wanted: dict[str, list[str]] = {}
        for query, text in self.data.queries.items():
            wanted.setdefault(normal(text), []).append(query)
        found: dict[str, set[str]] = {}
        for document, text in self.data.corpus.items():
            for query in wanted.get(normal(text), []):
                if self.data.qrels[query].get(document, 0) <= 0:
                    found.setdefault(query, set()).add(document)
        return found

    def without_echoes(self, ranking: Mapping[str, Mapping[str, float]]) -> Mapping[str, Mapping[str, float]]:
        """A ranking without `echoes`."""
        if not self.echoes:
            return ranking
        return {
            query: {d: score for d, score in row.items() if d not in self.echoes.get(query, ())}
            for query, row in ranking.items()
        }

    def only(self, queries: Any, name: str) -> Task:
        """The same corpus with some of the queries, under another name."""
        wanted = set(queries)
        chosen = {q: text for q, text in self.data.queries.items() if q in wanted}
        qrels = {q: self.data.qrels[q] for q in chosen}
        data = RetrievalData(self.data.corpus, chosen, qrels)
        return Task(name, self.kind, data, {q: self.groups[q] for q in chosen if q in self.groups})

    def with_queries(self, rewrite: Any, name: str) -> Task:
        """The same task with every query text passed through the function `rewrite`."""
        queries = {q: rewrite(text) for q, text in self.data.queries.items()}
        return Task(name, self.kind, RetrievalData(self.data.corpus, queries, self.data.qrels), self.groups)


@dataclass(frozen=True)
class Split:
    """Data divided for training, for choices, and for the one final score.

    Attributes
    ----------
    train : Dataset
        Columns ``anchor`` and ``positive``.
    dev, test : Task
        Both search the whole corpus. Every choice is made on dev.
    table : DataFrame
        One row a part: queries, groups, share.
    notes : list of str
        What a reader should know: sizes that could not be met, a group that is too large, ...
    """

    train: Dataset
    dev: Task
    test: Task
    table: pd.DataFrame
    notes: list[str]

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False) + "".join(f"<p>{note}</p>" for note in self.notes)


def shape_of(dataset: Dataset) -> str:
    """Name of a dataset's shape, such as ``"pairs"``, judged by its column names.

    Raises
    ------
    ValueError
        When no shape fits; the message says which columns are missing or in the wrong place. Trainers of
        sentence-transformers read columns in their order, whatever their names.

    Examples
    --------
    >>> from datasets import Dataset
    >>> shape_of(Dataset.from_dict({"anchor": ["a"], "positive": ["b"]}))
    'pairs'
    """
    columns = list(dataset.column_names)
    if columns[:2] == ["anchor", "positive"] and any(column.startswith("negative") for column in columns[2:]):
        return "triplets"  # also with several negatives, negative_1, negative_2, ...
    for wanted, name in SHAPES.items():
        if columns[: len(wanted)] == list(wanted):
            return name
    for wanted, name in SHAPES.items():
        if set(wanted) <= set(columns):
            raise ValueError(
                f"the columns of {name} must come first and in this order: {', '.join(wanted)}; got "
                f"{', '.join(columns)}. Use dataset.select_columns({list(wanted)})"
            )
    wanted, name = max(SHAPES.items(), key=lambda item: len(set(item[0]) & set(columns)) / len(item[0]))
    missing = [column for column in wanted if column not in columns]
    raise ValueError(
        f"no known shape has the columns {', '.join(columns) or '(none)'}; nearest is {name}, which lacks "
        f"{', '.join(missing)}. Rename your columns: dataset.rename_columns({{'yours': {missing[0]!r}}})"
    )
