"""Define and validate evaluation tasks and splits."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit.prepare.schema import COLUMNS, SEARCH_KINDS, TABLE_KINDS
from toolkit.prepare.values import normal, require
from toolkit.storage import digest_texts

if TYPE_CHECKING:
    from datasets import Dataset

LARGEST_GRADE = 1_000  # grades are usually 0 to 4; a timestamp or id by mistake makes trec_eval run for minutes


@dataclass(frozen=True)
class RetrievalData:
    """Queries, documents and relevance judgements, in the shapes of trec_eval and BEIR.

    Attributes
    ----------
    corpus : mapping of document id to text
    queries : mapping of query id to text
    qrels : mapping of query id to mapping of document id to grade
        Grades of 1 and above are relevant.
    candidates : mapping of query id to document ids, optional
        For reranking: the documents to rank for each query; None means the whole corpus.
    """

    corpus: Mapping[str, str]
    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    candidates: Mapping[str, Sequence[str]] | None = None


@dataclass(frozen=True)
class Task:
    """An evaluation task.

    Attributes
    ----------
    name : str
    kind : str
        ``"retrieval"``, ``"reranking"``, or a key of `toolkit.prepare.schema.TABLE_KINDS`.
    data : RetrievalData or Dataset
        A Dataset has the columns of its kind and, optionally, ``id``, the names of the rows; by default their
        numbers.
    groups : mapping of item to label
        Items (queries, or rows of a table) with equal labels are not independent: statistics resample them together.
    train : Dataset, optional
        For classification: the labelled texts that a classifier learns from, columns ``text label``.
    """

    name: str
    kind: str
    data: RetrievalData | Dataset
    groups: Mapping[str, Any]
    train: Dataset | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.groups, Mapping):
            raise ValueError(f"expected groups as {{item: label}}, {{}} for none; got {type(self.groups).__name__}")
        if self.kind in SEARCH_KINDS:
            _check_retrieval(self)
        elif self.kind in TABLE_KINDS:
            _check_table(self)
        else:
            kinds = ", ".join(map(repr, (*SEARCH_KINDS, *TABLE_KINDS)))
            raise ValueError(f"expected kind {kinds}, got {self.kind!r}")

    @cached_property
    def items(self) -> list[str]:
        """Names of the items that are scored: query ids, or names of rows."""
        if isinstance(self.data, RetrievalData):
            return list(self.data.queries)
        names = self.data["id"][:] if "id" in self.data.column_names else range(len(self.data))
        return [str(name) for name in names]

    def group_of(self, item: str) -> Hashable:
        """Return the label of an item's group; an item without one gets a label of its own."""
        label: Hashable = self.groups[item] if item in self.groups else ("alone", item)
        return label

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The rows of a table, with the columns of its kind, indexed by name."""
        if isinstance(self.data, RetrievalData):
            raise ValueError(f"task {self.name!r} is of kind {self.kind!r}: it has queries and documents, no rows")
        table: pd.DataFrame = self.data.select_columns(list(TABLE_KINDS[self.kind])).to_pandas()
        return table.set_axis(self.items)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over queries, corpus and qrels, or over the rows; identifies the data in a record."""
        data = self.data
        if not isinstance(data, RetrievalData):
            tables = [self.rows, *([self.train.select_columns(["text", "label"]).to_pandas()] if self.train else [])]
            return digest_texts(*(table[column].map(str) for table in tables for column in table))
        qrels = [f"{q}\t{d}\t{g}" for q, row in sorted(data.qrels.items()) for d, g in sorted(row.items())]
        sides = [[f"{k}\t{v}" for k, v in sorted(side.items())] for side in (data.queries, data.corpus)]
        offered = [f"{q}\t{d}" for q, row in sorted((data.candidates or {}).items()) for d in row]
        return digest_texts(*sides, qrels, *([offered] if offered else []))

    @cached_property
    def self_matches(self) -> dict[str, set[str]]:
        """Documents equal to each query (ignoring case and punctuation) that are not judged relevant.

        When searching for duplicates, the query itself is in the collection. Rankings leave it out, as BEIR
        leaves out documents with the id of the query.
        """
        if self.kind != "retrieval":
            return {}
        queries: dict[str, list[str]] = {}
        for query, text in self.data.queries.items():
            queries.setdefault(normal(text), []).append(query)
        found: dict[str, set[str]] = {}
        for document, text in self.data.corpus.items():
            for query in queries.get(normal(text), []):
                if self.data.qrels[query].get(document, 0) <= 0:
                    found.setdefault(query, set()).add(document)
        return found

    def without_self_matches(self, ranking: Mapping[str, Mapping[str, float]]) -> Mapping[str, Mapping[str, float]]:
        """Return a ranking without `self_matches`."""
        if not self.self_matches:
            return ranking
        left_out = self.self_matches
        return {q: {d: s for d, s in row.items() if d not in left_out.get(q, ())} for q, row in ranking.items()}

    def only(self, items: Iterable[str], name: str) -> Task:
        """Return the task with only some of its queries or rows; retrieval keeps the whole corpus."""
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
        """Return the task with every query rewritten by a function."""
        if not isinstance(self.data, RetrievalData):
            raise ValueError(f"task {self.name!r} is of kind {self.kind!r}: it has no queries to rewrite")
        queries = {q: rewrite(text) for q, text in self.data.queries.items()}
        return replace(self, name=name, data=replace(self.data, queries=queries))


@dataclass(frozen=True)
class Split:
    """Data divided into train, dev (validation) and test.

    Attributes
    ----------
    train : Dataset
        The columns of its shape, in the trainer's order, such as ``anchor`` and ``positive``.
    dev, test : Task
        For pairs and triplets, both search the whole corpus. Make every choice on dev; score test once.
    table : DataFrame
        One row per part: ``part queries groups share wanted`` (``rows`` instead of ``queries`` for tables).
    notes : list of str
        Sizes that could not be met, a very large group, labels that are missing in a part.
    rows : mapping of part to list of int
        Numbers of the rows of the data in each part, ascending: ``train``, ``dev``, ``test``.
    """

    train: Dataset
    dev: Task
    test: Task
    table: pd.DataFrame
    notes: list[str]
    rows: Mapping[str, list[int]] = field(default_factory=dict)

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False) + "".join(f"<p>{note}</p>" for note in self.notes)


def check_task(given: Any, *kinds: str) -> None:
    """Check that an argument is a task of one of these kinds.

    Raises
    ------
    ValueError
        The message says how to make a task from the argument.
    """
    if not isinstance(given, Task):
        hint = "make one with prepare.task(rows), or with prepare.split(rows), which has .dev and .test"
        hint = "use split.dev or split.test" if isinstance(given, Split) else hint
        raise ValueError(f"expected a Task, got {type(given).__name__}: {hint}")
    if kinds and given.kind not in kinds:
        raise ValueError(f"expected a task of kind {' or '.join(kinds)}, got {given.name!r} of kind {given.kind}")


_USABLE: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "score": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value),
    "label": lambda value: bool(pd.api.types.is_scalar(value)) and not pd.isna(value),
    "0/1": lambda value: value in (0, 1),
}


def _check_retrieval(task: Task) -> None:
    """Check that all queries can be scored."""
    data = task.data
    if not isinstance(data, RetrievalData):
        raise ValueError(f"expected RetrievalData for kind {task.kind!r}, got {type(data).__name__}")
    if not data.queries or not data.corpus:
        raise ValueError(f"task {task.name!r} has {len(data.queries)} queries and {len(data.corpus)} documents")
    for name, text in (*data.queries.items(), *data.corpus.items()):
        if not isinstance(name, str):
            raise ValueError(f"task {task.name!r} has the id {name!r}: expected ids of queries and documents as str")
        if not isinstance(text, str):
            raise ValueError(f"task {task.name!r} has no text under the id {name!r}: expected texts as str")
    check_grades(data.qrels)
    named = data.candidates or {}
    without = [query for query in data.queries if not any(g > 0 for g in data.qrels.get(query, {}).values())]
    bare = [query for query in data.queries if not named.get(query) and task.kind == "reranking"]
    for queries, what in ((without, "relevant document"), (bare, "candidates to rank")):
        if queries:
            n, first = f"{len(queries)} of {len(data.queries)}", f"first: {queries[0]!r}"
            raise ValueError(f"{n} queries of task {task.name!r} have no {what} ({first}): leave them out")
    unknown = [(q, d) for q in data.queries for d in (*data.qrels[q], *named.get(q, ())) if d not in data.corpus]
    if unknown:
        first, what = "first: {1!r} for query {0!r}".format(*unknown[0]), "documents that the corpus lacks"
        raise ValueError(f"qrels or candidates of task {task.name!r} name {len(unknown)} {what} ({first})")


def _check_table(task: Task) -> None:
    """Check that a table can be scored."""
    if isinstance(task.data, RetrievalData):
        raise ValueError(f"expected a Dataset for kind {task.kind!r}, got RetrievalData")
    if task.kind == "classification" and task.train is None:
        raise ValueError(f"task {task.name!r} needs train=: the labelled texts that a classifier learns from")
    sides = {f"task {task.name!r}": task.data} | ({f"train of task {task.name!r}": task.train} if task.train else {})
    columns = TABLE_KINDS[task.kind]
    for called, data in sides.items():
        missing = [column for column in columns if column not in data.column_names]
        if missing or not len(data):
            needs, got = ", ".join(columns), f"{len(data)} rows with {', '.join(data.column_names)}"
            raise ValueError(f"a task of kind {task.kind!r} needs rows with the columns {needs}; got {got}")
        for column in columns:
            values = data.select_columns([column]).to_pandas()[column]
            rule = "0/1" if (task.kind, column) == ("pairs", "label") else COLUMNS[column].holds
            require(values, values.map(_USABLE[rule]), f"usable {rule}", of=f" of {called}")
    if task.train is not None:
        _check_labels(task.name, task.data, task.train)
    if len(set(task.items)) < len(task.items):
        raise ValueError(f"column id of task {task.name!r} repeats a name: expected one name per row")


def _check_labels(name: str, tested: Dataset, train: Dataset) -> None:
    """Check that labels mean the same in training and test."""
    names: list[Any] = [getattr(data.features["label"], "names", None) for data in (tested, train)]
    if names[0] and names[1] and names[0] != names[1]:
        tested_as, trained_as = (", ".join(some[:3]) for some in names)
        differ = f"stand for {tested_as}, ... in the test data and for {trained_as}, ... in train="
        raise ValueError(f"labels of task {name!r} {differ}: give both the same names, as prepare.task does")
    kinds = [{isinstance(label, str) for label in data["label"][:]} for data in (tested, train)]
    if kinds[0] != kinds[1] or len(kinds[0]) > 1:
        came = f"tested: {tested['label'][0]!r}, train: {train['label'][0]!r}"
        raise ValueError(f"some labels of task {name!r} are texts and some are numbers ({came}): give all as texts")


def check_grades(qrels: Mapping[str, Mapping[str, int]]) -> None:
    """Check that grades are whole numbers, none so large that it must be an error.

    Raises
    ------
    ValueError
        Naming query and document.
    """
    for query, row in qrels.items():
        if not isinstance(row, Mapping):
            raise ValueError(f"expected qrels as {{query: {{document: grade}}}}, got {row!r:.60} for query {query!r}")
        for document, grade in row.items():
            if not isinstance(grade, (int, float, np.number)) or not abs(grade) <= LARGEST_GRADE or grade != int(grade):
                came = f"document {document!r} has the grade {grade!r:.40} for query {query!r}"
                raise ValueError(f"{came}: expected a whole number from -{LARGEST_GRADE} to {LARGEST_GRADE}")
