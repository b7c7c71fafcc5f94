"""Load data sets of the catalogue from local files or the Hub, with the columns of their shape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from toolkit.prepare.dropped import Dropped
from toolkit.prepare.files.reading import read
from toolkit.prepare.frames import from_frame, shaped
from toolkit.prepare.sources.beir import Collection, collection, document_of, is_beir, read_beir, read_judgements
from toolkit.prepare.sources.catalogue import Known, data_folder
from toolkit.prepare.sources.hub import fetch

if TYPE_CHECKING:
    from datasets import Dataset


def rows_of(known: Known, split: str, revision: str | None, dropped: Dropped) -> tuple[Dataset, str]:
    """Load a split of a data set of the catalogue.

    Returns
    -------
    Dataset
        The columns of its shape, in the trainer's order.
    str
        Name of the shape.

    Raises
    ------
    FileNotFoundError, ConnectionError
        It is neither local nor on the Hub; the message names the expected local files.
    """
    split, files = known.split(split), known.files(split) if revision is None else []
    expected = " and ".join(known.paths(split))
    if files:
        data = from_frame(known.read(files))
        dropped.notes.append(f"read from TOOLKIT_DATA ({', '.join(file.name for file in files)})")
    elif not known.hub:
        raise FileNotFoundError(f"{known.name} is not on the Hugging Face Hub: expected {expected} below TOOLKIT_DATA")
    else:
        try:
            config = (known.config or "{subset}").format(subset=known.subset)
            data = fetch(known.hub, config or None, known.splits[split], revision)
        except ConnectionError as error:
            local = f" Or put your own files into that folder as {expected}." if expected else ""
            raise ConnectionError(f"{error}{local}") from error
    columns = columns_of(known, data.column_names)
    data, shape = shaped(data.select_columns(list(columns)), columns)
    frame: pd.DataFrame = data.to_pandas() if known.scale or known.drop else pd.DataFrame()
    if known.scale and shape == "scored pairs" and frame["score"].max() > 1:
        data = from_frame(frame.assign(score=frame["score"] / float(known.scale)))
        dropped.notes.append(f"scores of 0 to {known.scale} were divided by {known.scale}: trainers expect 0 to 1")
    if known.drop and shape.startswith("labelled"):
        if known.labels:
            numbers = dict(part.split("=") for part in known.labels.split())
            labels = pd.to_numeric(frame["label"].map(lambda value: numbers.get(value, value)))
            frame["label"] = labels.fillna(int(known.drop)).astype("int64")
            dropped.notes.append("label " + ", ".join(f"{number} is {name}" for name, number in numbers.items()))
        frame = dropped.keep(frame, frame["label"].astype(str) != known.drop, f"label {known.drop}", known.drop_why)
        data = from_frame(frame)
    return data, shape


def columns_of(known: Known, names: Sequence[str]) -> dict[str, str]:
    """Map the columns of a table that are read to their names in the schema.

    Local copies may have the names of the schema already. If two columns fit one name, such as ``label`` (a number) and
    ``label_text``, the one that is renamed is used.

    Examples
    --------
    >>> from toolkit.prepare.sources.catalogue import find
    >>> columns_of(find("banking77"), ["text", "label", "label_text"])
    {'text': 'text', 'label_text': 'label'}
    """
    renamed = {old: new for old, new in known.mapping.items() if old != new and old in names}
    ours = {*known.mapping.values()} - {*renamed.values()}
    return {name: renamed.get(name, name) for name in names if name in renamed or name in ours}


def benchmark(known: Known, split: str, revision: str | None) -> Collection:
    """Load the queries, documents and judgements of a benchmark, from a local copy or the Hub.

    Raises
    ------
    FileNotFoundError, ConnectionError
        As `toolkit.prepare.sources.hub.fetch`.
    ValueError
        The local copy has no judgements for this split.
    """
    folder = data_folder() if revision is None else None
    if folder and is_beir(folder / known.name):
        return read_beir(folder / known.name, split)
    files = [folder / part for part in known.local_benchmark.split()] if folder else []
    if files and all(file.is_file() for file in files):
        if split != "test":
            raise ValueError(f"the local copy of {known.name} has judgements for the split test, got {split!r}")
        judged = list(read_judgements(files[1]))
        searched = {query for query, _, _ in judged}
        texts = read(files[0]).data
        # BEIR also leaves out the queries of its dev part, whose ids do not come with Quora: 1 % of the corpus.
        sides: tuple[list[tuple[str, str]], list[tuple[str, str]]] = ([], [])
        for row in zip(texts[known.join.split()[0]], texts["text"].fillna(""), strict=True):
            sides[row[0] in searched].append(row)
        return collection(known.name, "test", *sides, judged)
    name = known.splits.get(split, split)
    qrels = fetch(known.collection, "default", name, revision)
    judged = [(str(row["query-id"]), str(row["corpus-id"]), int(row["score"])) for row in qrels]
    corpus, queries = (
        map(document_of, fetch(known.collection, part, part, revision)) for part in ("corpus", "queries")
    )
    return collection(known.full_name, name, corpus, queries, judged)


def provenance(known: Known, split: str) -> list[str]:
    """Return notes on the source and licence of a data set."""
    use = {"yes": "", "no": "; NOT for commercial use", "ask": "; ask before commercial use"}[known.commercial]
    notes = [f"{known.title}; licence: {known.licence}{use}"]
    if known.splits[split] not in (split, "validation" if split == "dev" else split):
        notes.append(f"the {split} part is the publishers' {known.splits[split]} split")
    return notes
