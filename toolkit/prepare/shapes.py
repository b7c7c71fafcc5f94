"""The shapes that everything agrees on: a task to be scored on, a split, and the names of dataset shapes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from toolkit.prepare.checking import check_retrieval, check_rows
from toolkit.prepare.columns.order import SHAPES as SHAPES
from toolkit.prepare.columns.order import shape_of as shape_of
from toolkit.prepare.kinds import KINDS as KINDS
from toolkit.prepare.kinds import RetrievalData as RetrievalData
from toolkit.storage import digest_texts

if TYPE_CHECKING:
    from datasets import Dataset


@dataclass(frozen=True)
class Task:
    """Something to be scored on.

    Attributes
    ----------
    name : str
    kind : str
        ``"retrieval"``, ``"reranking"``, or a key of `KINDS`.
    data : RetrievalData or Dataset
        A Dataset has the columns that `KINDS` names and, optionally, ``id``: names of the rows, else their numbers.
    groups : mapping of item to label
        Items (queries, or rows of a table) with equal labels are not independent: statistics resample them together.
    train : Dataset, optional
        Of a classification: the labelled texts that a classifier learns from, columns ``text label``.
    """

    name: str
    kind: str
    data: RetrievalData | Dataset
    groups: Mapping[str, Any]
    train: Dataset | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.groups, Mapping):
            raise ValueError(f"expected groups as {{item: label}}, {{}} for none; got {type(self.groups).__name__}")
        if self.kind in KINDS:
            check_rows(self)
        elif self.kind in ("retrieval", "reranking"):
            check_retrieval(self)
        else:
            raise ValueError(
                f"expected kind {', '.join(map(repr, ('retrieval', 'reranking', *KINDS)))}, got {self.kind!r}"
            )

    @cached_property
    def items(self) -> list[str]:
        """Names of what is scored: query ids, or names of rows."""
        if isinstance(self.data, RetrievalData):
            return list(self.data.queries)
        names = self.data["id"][:] if "id" in self.data.column_names else range(len(self.data))
        return [str(name) for name in names]

    def group_of(self, item: str) -> Hashable:
        """Label of the item's group; an item without one has a label that no group has."""
        label: Hashable = self.groups[item] if item in self.groups else ("alone", item)
        return label

    @cached_property
    def rows(self) -> pd.DataFrame:
        """A table's rows, with the columns of `KINDS`, by name."""
        if isinstance(self.data, RetrievalData):
            raise ValueError(f"task {self.name!r} is of kind {self.kind!r}: it has queries and documents, no rows")
        table: pd.DataFrame = self.data.select_columns(list(KINDS[self.kind])).to_pandas()
        return table.set_axis(self.items)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over queries, corpus and qrels: names the data in a record."""
        data = self.data
        if not isinstance(data, RetrievalData):
            tables = [self.rows, *([self.train.select_columns(["text", "label"]).to_pandas()] if self.train else [])]
            return digest_texts(*(table[column].map(str) for table in tables for column in table))
        qrels = [f"{q}\t{d}\t{g}" for q, row in sorted(data.qrels.items()) for d, g in sorted(row.items())]
        sides = [[f"{k}\t{v}" for k, v in sorted(side.items())] for side in (data.queries, data.corpus)]
        offered = [f"{q}\t{d}" for q, row in sorted((data.candidates or {}).items()) for d in row]
        return digest_texts(*sides, qrels, *([offered] if offered else []))

    @cached_property
    def echoes(self) -> dict[str, set[str]]:
        """Documents with the very words of a query that are not judged right for it: the query itself.

        Where duplicates of texts are searched for, a text is in the collection that it is searched in. As BEIR leaves
        out identical ids, a ranking leaves these out.
        """
        from toolkit.prepare.splits.duplicates import normal

        if self.kind != "retrieval":
            return {}
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

    def only(self, items: Iterable[str], name: str) -> Task:
        """The same task with some of the queries or rows, under another name; a search keeps the whole corpus."""
        wanted = set(items)
        groups = {item: label for item, label in self.groups.items() if item in wanted}
        if not isinstance(self.data, RetrievalData):
            kept = [row for row, item in enumerate(self.items) if item in wanted]
            data = self.data.select(kept)
            if "id" not in data.column_names:
                data = data.add_column("id", [self.items[row] for row in kept])
            return replace(self, name=name, data=data, groups=groups)
        queries = {q: text for q, text in self.data.queries.items() if q in wanted}
        qrels = {q: self.data.qrels[q] for q in queries}
        candidates = self.data.candidates and {q: self.data.candidates[q] for q in queries}
        return replace(self, name=name, data=RetrievalData(self.data.corpus, queries, qrels, candidates), groups=groups)

    def with_queries(self, rewrite: Callable[[str], str], name: str) -> Task:
        """The same task with every query text passed through the function `rewrite`."""
        if not isinstance(self.data, RetrievalData):
            raise ValueError(f"task {self.name!r} is of kind {self.kind!r}: it has no queries to rewrite")
        queries = {q: rewrite(text) for q, text in self.data.queries.items()}
        return replace(self, name=name, data=replace(self.data, queries=queries))


@dataclass(frozen=True)
class Split:
    """Data divided for training, for choices, and for the one final score.

    Attributes
    ----------
    train : Dataset
        The columns of its shape, in the trainer's order, such as ``anchor`` and ``positive``.
    dev, test : Task
        Of pairs and triplets both search the whole corpus. Every choice is made on dev.
    table : DataFrame
        One row a part: queries (of a table: rows), groups, share.
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


def check_task(given: Any, *kinds: str) -> None:
    """Refuse what is no task, or a task of another kind.

    Raises
    ------
    ValueError
        The message says how a task is made of what came.
    """
    if not isinstance(given, Task):
        hint = "name one of its two, split.dev or split.test" if isinstance(given, Split) else (
            "prepare.task(rows) makes one, prepare.split(rows) has two, .dev and .test"
        )  # fmt: skip
        raise ValueError(f"expected a Task, got {type(given).__name__}: {hint}")
    if kinds and given.kind not in kinds:
        raise ValueError(f"expected a task of kind {' or '.join(kinds)}, got {given.name!r} of kind {given.kind}")
