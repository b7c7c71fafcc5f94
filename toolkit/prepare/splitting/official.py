"""Official tasks: what a benchmark is scored on, with its own judgements, to compare with published scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.prepare.dropped import Dropped
from toolkit.prepare.sources import catalogue
from toolkit.prepare.sources.beir import Collection, is_beir, read_beir
from toolkit.prepare.sources.catalogue import Known
from toolkit.prepare.splitting.groups import same_value
from toolkit.prepare.splitting.near_copies import connected_components, near_pairs
from toolkit.prepare.tasks import RetrievalData, Task
from toolkit.prepare.values import normal

if TYPE_CHECKING:
    from datasets import Dataset

MOST = 100_000  # texts among which near-copies are looked for; with more, only equal texts join groups


def task_from(
    source: str | Path,
    *,
    kind: str | None = None,
    split: str = "test",
    name: str | None = None,
    revision: str | None = None,
) -> Task:
    """The task of a benchmark or a file, by name.

    Judgements stay as they were published: grades are kept, and no near-copy counts as relevant that was not judged so
    (`toolkit.prepare.task` makes own tasks from pairs, where it does). Of questions with the same words, as XQuAD and
    SQuAD have some, one stays, with the documents of all. Groups, which the statistics resample, join items that share
    or nearly share a text.

    Parameters
    ----------
    source : str or Path
        A short name (``"scifact"``, ``"xquad:de"``; see `toolkit.prepare.known`), a BEIR folder, or whatever
        `toolkit.prepare.load` takes by name: it is then a task of its shape.
    kind : str, optional
        Kind of the task where there are several, as ``"classification"`` or ``"clustering"`` of labelled texts. SNLI
        as ``"pairs"``: entailment is 1, contradiction 0, and neutral pairs are left out, as MTEB does it for XNLI.
    split : str
        ``"test"``, ``"dev"`` or ``"train"``. Of SQuAD the test is its validation split, of MS MARCO its dev queries.
    name : str, optional
        Name of the task; None is that of the source.
    revision : str, optional
        Commit, tag or branch on the Hub.

    Raises
    ------
    ValueError
        The data make no task of this kind, or there is no such split.
    FileNotFoundError, ConnectionError
        As `toolkit.prepare.load`.
    """
    from toolkit.prepare.sources.loading import load

    path = Path(source).expanduser()
    if is_beir(path):
        _only("retrieval", kind, path.name)
        return _retrieval(read_beir(path, split), name)
    known = catalogue.find(str(source)) if not path.exists() else None
    if known is None:
        loaded = load(source, split=split if _has_splits(source) else None, revision=revision)
        return _own(loaded.data, kind, loaded.documents, name or loaded.name)
    if known.kind == "":
        raise ValueError(
            f"{known.name} is data to train on and has no task of its own: take another (prepare.known() has the "
            f"column kind), or prepare.task(prepare.load({known.name!r}, split={split!r}).data)"
        )
    return _of_known(known, kind, split, name or known.full_name, revision)


def _of_known(known: Known, kind: str | None, split: str, name: str, revision: str | None) -> Task:
    from toolkit.prepare.sources.named import benchmark, rows_of

    kinds = ("classification", "clustering") if known.shape == "labelled texts" else (known.kind,)
    if kind is not None and kind not in kinds:
        raise ValueError(f"{known.name} is a task of kind {' or '.join(kinds)}, got {kind!r}")
    kind = kind or known.kind
    if known.collection:
        return _retrieval(benchmark(known, known.benchmark_split(split), revision), name)
    rows, _ = rows_of(known, split, revision, Dropped())
    if kind == "retrieval":
        return _questions(rows, name)
    train = rows_of(known, "train", revision, Dropped())[0] if kind == "classification" else None
    return _of_rows(known, rows, kind, train, name)


def _of_rows(known: Known, rows: Dataset, kind: str, train: Dataset | None, name: str) -> Task:
    if known.task_labels:
        numbers = {int(theirs): int(ours) for theirs, ours in (part.split("=") for part in known.task_labels.split())}
        frame = rows.to_pandas()
        frame = frame[frame["label"].isin(list(numbers))]
        rows = _dataset(frame.assign(label=frame["label"].map(numbers)))
    if kind == "bitext":
        rows = rows.rename_columns({"anchor": "sentence1", "positive": "sentence2"})
    columns = [column for column in ("sentence1", "sentence2", "text") if column in rows.column_names]
    labels = _groups([rows[column][:] for column in columns])
    return Task(name, kind, rows, {str(row): int(label) for row, label in enumerate(labels)}, train)


def _dataset(frame: Any) -> Dataset:
    from toolkit.prepare.frames import from_frame

    return from_frame(frame.reset_index(drop=True))


def _only(expected: str, kind: str | None, name: str) -> None:
    if kind not in (None, expected):
        raise ValueError(f"{name} is a task of kind {expected!r}, got {kind!r}")


def _has_splits(source: str | Path) -> bool:
    return isinstance(source, str) and not Path(source).exists() and catalogue.is_hub_name(source)


def _own(data: Dataset, kind: str | None, documents: list[str], name: str) -> Task:
    """A task of a table's shape, by `toolkit.prepare.task`."""
    from toolkit.prepare.splitting.tasks import task

    options: dict[str, Any] = {} if kind is None else {"kind": kind}
    return task(data, documents=documents, name=name, **options)


def _questions(rows: Dataset, name: str) -> Task:
    """Questions and the paragraphs that answer them, by their words: equal ones are one."""
    named = rows["positive_id"][:] if "positive_id" in rows.column_names else None
    corpus: dict[str, str] = {}
    ids: dict[str, str] = {}
    queries: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    topic_of: list[tuple[str, Any]] = []
    topics = rows["group"][:] if "group" in rows.column_names else None
    for row, (question, paragraph) in enumerate(zip(rows["anchor"][:], rows["positive"][:], strict=True)):
        document = ids.setdefault(paragraph, str(named[row]) if named is not None else f"d{len(ids)}")
        corpus[document] = paragraph
        query = queries.setdefault(question.strip(), f"q{len(queries)}")
        qrels.setdefault(query, {})[document] = 1
        if topics is not None:
            topic_of.append((query, topics[row]))
    data = RetrievalData(corpus, {query: text for text, query in queries.items()}, qrels)
    return Task(name, "retrieval", data, _query_groups(data, topic_of))


def _retrieval(found: Collection, name: str | None) -> Task:
    return Task(name or found.name, "retrieval", found.data, _query_groups(found.data, []))


def _query_groups(data: RetrievalData, topic_of: list[tuple[str, Any]]) -> dict[str, int]:
    """Queries are not independent that share a relevant document or a topic, or nearly the same words."""
    number = {query: row for row, query in enumerate(data.queries)}
    found = [(query, d) for query in number for d, grade in data.qrels[query].items() if grade > 0]
    first: dict[str, int] = {}
    edges = [_links([(number[query], d) for query, d in found], first)]
    edges.append(_links([(number[query], topic) for query, topic in topic_of], {}))
    edges.append(_near(list(data.queries.values())))
    rows = np.array(list(first.values()), dtype=np.int64)
    edges.append(rows[_near([data.corpus[d] for d in first])])
    return {query: int(label) for query, label in zip(number, connected_components(len(number), edges), strict=True)}


def _links(named: list[tuple[int, Any]], first: dict[Any, int]) -> np.ndarray:
    """Each row beside the first row of the same name; `first` is filled with those."""
    return np.array([(first.setdefault(name, row), row) for row, name in named], dtype=np.int64).reshape(-1, 2)


def _groups(columns: list[list[str]]) -> np.ndarray:
    """Rows that share a text on either side, or nearly."""
    texts = [text for column in columns for text in column]
    n = len(columns[0])
    return connected_components(n, [_near(texts) % n])


def _near(texts: list[str]) -> np.ndarray:
    """Pairs of texts that are nearly the same; of very many, only of those with the same words."""
    if len(texts) <= MOST:
        return near_pairs(texts)
    return same_value([normal(text) for text in texts])
