"""Data sets by their short name or their name on the Hub, brought to the columns of their shape."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from toolkit.prepare.dropped import Dropped
from toolkit.prepare.frames import digest_of, from_frame, shaped
from toolkit.prepare.sources import localcopies
from toolkit.prepare.sources.beir import Collection, collection, document_of, read_beir
from toolkit.prepare.sources.hub import fetch
from toolkit.prepare.sources.knownsets import Known
from toolkit.prepare.sources.loaded import Loaded

if TYPE_CHECKING:
    from datasets import Dataset

NLI = {"entailment": 0, "neutral": 1, "contradiction": 2}  # numbers as on the Hub
MAX_SCORE = 5  # of the STS Benchmark


def load_known(known: Known, split: str | None, limit: int | None, revision: str | None) -> Loaded:
    """Load a data set that has a short name."""
    split = known.split(split)
    if known.hub and known.hub == known.collection:
        return of_collection(official(known, split, revision), known.full_name, limit, provenance(known, split))
    data, notes = _rows(known, split, revision)
    notes = [*provenance(known, split), *notes]
    account = Dropped()
    columns = columns_of(known, data.column_names)
    data, shape = shaped(data.select_columns(list(columns)), columns)
    data = _repaired(known, data, shape, account, notes)
    data = sampled(data, limit, account)
    return Loaded(known.full_name, data, account.table, digest_of(data), None, notes, shape=shape)


def load_hub(
    source: str, columns: Mapping[str, str], split: str | None, limit: int | None, revision: str | None
) -> Loaded:
    """Load any data set of the Hub, ``owner/name`` or ``owner/name:subset``."""
    hub, _, subset = source.partition(":")
    data, shape = shaped(fetch(hub, subset or None, split, revision), columns)
    account = Dropped()
    data = sampled(data, limit, account)
    notes = [
        f"{source} of the Hugging Face Hub{f', revision {revision}' if revision else ''}: see its page for licence"
    ]
    return Loaded(source, data, account.table, digest_of(data), None, notes, shape=shape)


def load_beir(path: Path, split: str | None, limit: int | None) -> Loaded:
    """Load a BEIR folder: queries with their relevant documents, and all other documents."""
    return of_collection(read_beir(path, split), path.resolve().name, limit, [])


def of_collection(found: Collection, name: str, limit: int | None, notes: list[str]) -> Loaded:
    """A collection as pairs."""
    account = Dropped()
    account.rows += [{str(key): value for key, value in row.items()} for row in found.table.to_dict("records")]
    frame, documents = found.pairs()
    data = sampled(from_frame(frame), limit, account)
    if limit is not None and len(data) < len(frame):
        kept = set(data["positive"][:])
        documents += [text for text in dict.fromkeys(frame["positive"]) if text not in kept]
    notes = [*notes, f"judgements of the split {found.split}; grades above 0 count as relevant", *found.notes]
    return Loaded(name, data, account.table, digest_of(data, documents), None, notes, documents)


def official(known: Known, split: str, revision: str | None) -> Collection:
    """Queries, documents and judgements of a benchmark, from a BEIR folder or the Hub."""
    copy = localcopies.official_copy(known, split) if revision is None else None
    if copy is not None:
        return copy
    hub = known.collection
    name = known.splits.get(split, split)

    def part(subset: str) -> Any:
        return fetch(hub, subset, subset, revision)

    judged = fetch(hub, "default", name, revision)
    judgements = ((str(r["query-id"]), str(r["corpus-id"]), int(r["score"])) for r in judged)
    documents, queries = map(document_of, part("corpus")), map(document_of, part("queries"))
    return collection(known.full_name, name, documents, queries, judgements)


def sampled(data: Dataset, limit: int | None, account: Dropped) -> Dataset:
    """A random sample of rows, in their order, or all."""
    import numpy as np

    if limit is None or len(data) <= limit:
        return data
    rows = np.sort(np.random.default_rng(0).choice(len(data), limit, replace=False))
    account.count("sample", len(data), len(data) - limit, f"a random {limit:,} rows were asked for")
    return data.select(rows)


def provenance(known: Known, split: str) -> list[str]:
    """Where a data set comes from and what one may do with it."""
    use = {"yes": "", "no": "; NOT for commercial use", "ask": "; ask before commercial use"}[known.commercial]
    notes = [f"{known.title}; licence: {known.licence}{use}"]
    if known.splits[split] not in (split, "validation" if split == "dev" else split):
        notes.append(f"the {split} part is what its publishers call {known.splits[split]}")
    return notes


def _rows(known: Known, split: str, revision: str | None) -> tuple[Dataset, list[str]]:
    found = localcopies.files(known, split) if revision is None else []
    if found:
        return from_frame(localcopies.table(known, found)), [
            f"read from TOOLKIT_DATA ({', '.join(f.name for f in found)})"
        ]
    if not known.hub:
        folder = known.local.split()[0].format(split=split, subset=known.subset)
        raise FileNotFoundError(
            f"{known.name} is not on the Hugging Face Hub: expected {folder} below the folder that TOOLKIT_DATA names"
        )
    try:
        return fetch(known.hub, known.config, known.splits[split], revision), []
    except ConnectionError as error:
        if not known.local:
            raise
        wanted = " and ".join(known.local.split()).format(split=split, subset=known.subset)
        raise ConnectionError(f"{error} Files of one's own are looked for as {wanted} in that folder.") from error


def columns_of(known: Known, names: list[str]) -> dict[str, str]:
    """Which columns of a table are taken, under which name.

    Local copies may have the names that are used here; of two for one name, as ``label`` (a number) and ``label_text``,
    the one that is renamed is taken.

    Examples
    --------
    >>> from toolkit.prepare.sources.knownsets import find
    >>> columns_of(find("banking77"), ["text", "label", "label_text"])
    {'text': 'text', 'label_text': 'label'}
    """
    renamed = {old: new for old, new in known.mapping.items() if old != new and old in names}
    ours = {*known.mapping.values()} - {*renamed.values()}
    return {name: renamed.get(name, name) for name in names if name in renamed or name in ours}


def _repaired(known: Known, data: Dataset, shape: str, account: Dropped, notes: list[str]) -> Dataset:
    """What is particular: scores of 0 to 5 become 0 to 1, NLI labels numbers, out-of-scope questions go."""
    frame: pd.DataFrame
    if shape == "scored pairs" and max(data["score"][:]) > 1:
        notes.append(f"scores of 0 to {MAX_SCORE} were divided by {MAX_SCORE}: they are 0 to 1, as trainers want them")
        frame = data.to_pandas()
        return from_frame(frame.assign(score=frame["score"] / MAX_SCORE))
    if known.name in ("snli", "all-nli") and shape == "labelled pairs":
        frame = data.to_pandas()
        labels = frame["label"].map(lambda value: NLI.get(value, value))
        frame = frame.assign(label=pd.to_numeric(labels))
        judged = account.keep(frame, frame["label"] >= 0, "no label", "its annotators did not agree on one")
        notes.append("label 0 is entailment, 1 neutral, 2 contradiction")
        return from_frame(judged.astype({"label": "int64"}))
    if known.name == "clinc150":
        frame = data.to_pandas()
        return from_frame(account.keep(frame, frame["label"] != "oos", "out of scope", "no intent of the 150"))
    return data
