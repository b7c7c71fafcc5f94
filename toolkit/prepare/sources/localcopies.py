"""Local copies of data sets, in the folder that TOOLKIT_DATA names; its layout is that of `toolkit.prepare.known`."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd

from toolkit.prepare.files.reading import read
from toolkit.prepare.sources.beir import Collection, collection, is_beir, read_beir, read_judgements
from toolkit.prepare.sources.knownsets import Known

_SPELLINGS = {"train": ["train"], "dev": ["dev", "validation", "val"], "test": ["test", "validation", "dev", "val"]}


def data_folder() -> Path | None:
    """Folder of local copies, or None where ``TOOLKIT_DATA`` is not set.

    Raises
    ------
    FileNotFoundError
        It names no folder.
    """
    named = os.environ.get("TOOLKIT_DATA")
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_dir():
        raise FileNotFoundError(f"TOOLKIT_DATA names {named}, and there is no such folder")
    return folder


def repository(hub: str) -> Path | None:
    """A copy of a repository of the Hub: ``TOOLKIT_DATA/<owner>/<name>``."""
    folder = data_folder()
    copy = folder / hub if folder and hub else None
    return copy if copy and copy.is_dir() else None


def official_copy(known: Known, split: str) -> Collection | None:
    """The benchmark of a short name from a local copy: a BEIR folder under that name, or Quora's files."""
    folder = data_folder()
    if folder and is_beir(folder / known.name):
        return read_beir(folder / known.name, split)
    if folder and known.name == "quora-duplicates" and (folder / "quora" / "beir_test" / "qrels.tsv").is_file():
        return _quora_test(folder / "quora", split)
    return None


def _quora_test(folder: Path, split: str) -> Collection:
    """The Quora task of BEIR: the duplicates of a question are searched in all questions but those that search.

    BEIR leaves out its 5,000 dev queries too, whose ids do not come with the data: here the corpus has them, 1 % more.
    """
    if split != "test":
        raise ValueError(f"the local copy of Quora has judgements for the split test, got {split!r}")
    judged = list(read_judgements(folder / "beir_test" / "qrels.tsv"))
    asked = {query for query, _, _ in judged}
    questions = read(folder / "questions.parquet").data
    texts = list(zip(questions["qid"], questions["text"].fillna(""), strict=True))
    corpus = (row for row in texts if row[0] not in asked)
    return collection("quora", "test", corpus, (row for row in texts if row[0] in asked), judged)


def files(known: Known, split: str) -> list[Path]:
    """The files of a split, in the order in which `known` names them; empty where not all are there."""
    folder = data_folder()
    if folder is None or not known.local:
        return []
    spellings = _SPELLINGS[split] if known.splits[split] != "test" else ["test"]
    for spelling in spellings:
        found = [folder / part.format(split=spelling, subset=known.subset) for part in known.local.split()]
        if all(file.is_file() for file in found):
            return found
    return []


def table(known: Known, found: list[Path]) -> pd.DataFrame:
    """A local copy as one table, with the columns of the data set on the Hub, all as texts."""
    frames = [read(file).data for file in found]
    if len(frames) == 1:
        return frames[0]
    first, second = frames
    return _quora(known, first, second) if known.name == "quora-duplicates" else _passages(first, second)


def _passages(questions: pd.DataFrame, passages: pd.DataFrame) -> pd.DataFrame:
    joined = questions.merge(passages.rename(columns={"text": "context"}), on="pid", how="left", validate="m:1")
    if joined["context"].isna().any():
        missing = joined.loc[joined["context"].isna(), "pid"]
        raise ValueError(f"{len(missing):,} questions name paragraphs that are not there (first: {missing.iloc[0]!r})")
    return joined


def _quora(known: Known, pairs: pd.DataFrame, questions: pd.DataFrame) -> pd.DataFrame:
    text = questions.set_index("qid")["text"]
    frame = pd.DataFrame(
        {
            "sentence1": text.reindex(pairs["qid1"]).to_numpy(),
            "sentence2": text.reindex(pairs["qid2"]).to_numpy(),
            "label": pairs["is_duplicate"].to_numpy(),
        }
    )
    if known.subset == "pair-class":
        return frame
    if known.subset == "pair":
        same = frame[frame["label"] == "1"]
        return same[["sentence1", "sentence2"]].set_axis(["anchor", "positive"], axis=1).reset_index(drop=True)
    raise ValueError(f"the local copy of {known.name} has the subsets pair-class and pair, not {known.subset}")
