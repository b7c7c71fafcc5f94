"""Pairs of a search and a long text as pairs of a search and each passage of that text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.prepare.texts.chunking import chunk
from toolkit.prepare.texts.cleaning import Cleaned

if TYPE_CHECKING:
    from datasets import Dataset


def chunk_pairs(cleaned: Cleaned, model: Any, *, max_tokens: int | None = None) -> tuple[Dataset, list[str]]:
    """Cut the documents of clean data into passages that the model reads whole.

    Each passage of a document that is right for a search counts as right for it, since nobody said which one is. So
    accuracy@1 asks whether the first passage found is one of the right text.

    Parameters
    ----------
    cleaned : Cleaned
    model : SentenceTransformer
    max_tokens : int, optional
        As in `chunk`.

    Returns
    -------
    Dataset
        A row for each passage: ``anchor positive`` and, where they were there, ``positive_id`` (with the number of the
        passage), ``group`` and ``time``.
    list of str
        Passages of the other documents.
    """
    from datasets import Dataset

    frame = cleaned.data.to_pandas()
    distinct = list(dict.fromkeys(frame["positive"]))
    pieces = chunk(distinct, model, max_tokens=max_tokens).to_pandas()
    pieces["number"] = pieces.groupby("source").cumcount() + 1
    pieces["positive"] = [distinct[source] for source in pieces["source"]]
    rows = frame.merge(pieces[["positive", "text", "number"]], on="positive", how="inner", sort=False)
    if "positive_id" in rows:
        rows["positive_id"] = [
            f"{name}#{number}" for name, number in zip(rows["positive_id"], rows["number"], strict=True)
        ]
    rows["positive"] = rows["text"]
    others = chunk(cleaned.documents, model, max_tokens=max_tokens)["text"][:] if cleaned.documents else []
    kept = Dataset.from_pandas(rows[list(frame.columns)], preserve_index=False)
    return kept, list(dict.fromkeys(others))
