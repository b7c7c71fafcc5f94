"""Load benchmark tasks with their official judgements, to compare with published scores."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import TYPE_CHECKING

from toolkit.prepare.dropped import Dropped
from toolkit.prepare.frames import from_frame
from toolkit.prepare.sources import catalogue
from toolkit.prepare.sources.beir import is_beir, read_beir
from toolkit.prepare.sources.loading import load
from toolkit.prepare.sources.named import benchmark, rows_of
from toolkit.prepare.splitting.building import build_task
from toolkit.prepare.splitting.groups import MAX_TEXTS, query_groups, row_groups
from toolkit.prepare.tasks import RetrievalData, Task

if TYPE_CHECKING:
    from datasets import Dataset

    from toolkit.prepare.sources.catalogue import Known


def official_task(source: str | Path, *, kind: str | None = None, name: str | None = None) -> Task:
    """Load the test of a benchmark, or the task of a file, by name.

    Judgements are used as published: grades are kept, and near-copies of relevant documents count as relevant
    only where they were judged so (unlike in tasks that `toolkit.prepare.task` makes from pairs). Questions with the
    same words, which occur in XQuAD and SQuAD, are merged, with the documents of all. Groups, which the statistics
    resample, join items that share a text or a near-copy.

    Parameters
    ----------
    source : str or Path
        A short name (``"scifact"``, ``"xquad:de"``; see `toolkit.prepare.sources.known`), a BEIR folder, or
        anything that `toolkit.prepare.load` takes by name, which becomes a task of its shape.
    kind : str, optional
        Kind of the task if there are several, such as ``"classification"`` or ``"clustering"`` of labelled texts. SNLI
        as ``"pairs"``: entailment is 1, contradiction 0, and neutral pairs are left out, as in MTEB's XNLI.
    name : str, optional
        Name of the task; by default that of the source.

    Raises
    ------
    ValueError
        The data make no task of this kind.
    FileNotFoundError, ConnectionError
        As `toolkit.prepare.load`.
    """
    path = Path(source).expanduser()
    if is_beir(path):
        if kind not in (None, "retrieval"):
            raise ValueError(f"{path.name} is a task of kind 'retrieval', got {kind!r}")
        found = read_beir(path, "test")
        return _retrieval(found.data, name or found.name)
    known = catalogue.find(str(source)) if not path.exists() else None
    if known is None:
        on_hub = isinstance(source, str) and not path.exists() and catalogue.is_hub_name(source)
        loaded = load(source, split="test" if on_hub else None)
        return build_task(loaded, kind=kind, name=name or loaded.name)
    if known.kind == "":
        todo = f"take another of prepare.sources.known(), or prepare.task(prepare.load({known.name!r}))"
        raise ValueError(f"{known.name} is data to train on and has no task of its own: {todo}")
    return _of_known(known, kind, name or known.full_name)


def _of_known(known: Known, kind: str | None, name: str) -> Task:
    kinds = ("classification", "clustering") if known.shape == "labelled texts" else (known.kind,)
    if kind is not None and kind not in kinds:
        raise ValueError(f"{known.name} is a task of kind {' or '.join(kinds)}, got {kind!r}")
    kind = kind or known.kind
    if known.collection:
        return _retrieval(benchmark(known, known.benchmark_split("test"), None).data, name)
    rows, _ = rows_of(known, "test", None, Dropped())
    if kind == "retrieval":
        return _questions(rows, name)
    train = rows_of(known, "train", None, Dropped())[0] if kind == "classification" else None
    if known.task_labels:
        numbers = {int(theirs): int(ours) for theirs, ours in (part.split("=") for part in known.task_labels.split())}
        frame = rows.to_pandas()
        frame = frame[frame["label"].isin(list(numbers))]
        rows = from_frame(frame.assign(label=frame["label"].map(numbers)))
    if kind == "bitext":
        rows = rows.rename_columns({"anchor": "sentence1", "positive": "sentence2"})
    columns = [column for column in ("sentence1", "sentence2", "text") if column in rows.column_names]
    near = "auto" if len(rows) * len(columns) <= MAX_TEXTS else [None] * len(rows)
    labels = row_groups([rows[column][:] for column in columns], near)
    return Task(name, kind, rows, dict(zip(map(str, range(len(rows))), labels.tolist(), strict=True)), train)


def _questions(rows: Dataset, name: str) -> Task:
    """Build a task from questions and the paragraphs that answer them, merging equal ones."""
    ids: dict[str, str] = {}
    queries: dict[str, str] = {}
    qrels: dict[str, dict[str, int]] = {}
    topics: list[tuple[str, Hashable]] = []
    for row in rows:
        document = ids.setdefault(row["positive"], str(row.get("positive_id", f"d{len(ids)}")))
        query = queries.setdefault(row["anchor"].strip(), f"q{len(queries)}")
        qrels.setdefault(query, {})[document] = 1
        topics += [(query, row["group"])] if "group" in row else []
    corpus = {document: paragraph for paragraph, document in ids.items()}
    return _retrieval(RetrievalData(corpus, {query: text for text, query in queries.items()}, qrels), name, topics)


def _retrieval(data: RetrievalData, name: str, topics: list[tuple[str, Hashable]] | None = None) -> Task:
    groups = query_groups(data.qrels, queries=data.queries, corpus=data.corpus, labels=topics or [])
    return Task(name, "retrieval", data, groups)
