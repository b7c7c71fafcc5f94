"""Which loss fits the data, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from toolkit.prepare.frames import shape_of

if TYPE_CHECKING:
    from datasets import Dataset

# Shape of the data -> losses of sentence-transformers, best first, each with the reason.
# Source: https://sbert.net/docs/sentence_transformer/loss_overview.html
ADVICE = {
    "pairs": [
        ("MultipleNegativesRankingLoss", "pairs of a search and its answer carry no wrong answers: the answers of the "
         "other searches in a batch serve as such, so larger batches teach more"),
        ("CachedMultipleNegativesRankingLoss", "the same with large batches in little memory, about twice as slow"),
    ],
    "triplets": [
        ("MultipleNegativesRankingLoss", "uses the given negatives beside those of the batch"),
        ("TripletLoss", "uses the given negatives alone, so it learns less from each row"),
    ],
    "n-tuples": [
        ("MultipleNegativesRankingLoss", "uses all of the given negatives beside those of the batch"),
        ("CachedMultipleNegativesRankingLoss", "the same with large batches in little memory, about twice as slow"),
    ],
    "scored triplets": [
        ("MarginMSELoss", "learns the teacher's margins between the right and the wrong texts"),
        ("DistillKLDivLoss", "lists of scores alone: learns how the teacher shares its belief among the texts"),
    ],
    "scored pairs": [
        ("CoSENTLoss", "learns the order of the scores, not their exact values"),
        ("CosineSimilarityLoss", "forces the cosine to equal the score, which only fits scores made that way"),
    ],
    "labelled pairs": [
        ("OnlineContrastiveLoss", "labels 0 and 1: pulls equal pairs together and pushes the hardest others apart"),
        ("SoftmaxLoss", "three or more classes, as in natural language inference"),
    ],
    "labelled texts": [
        ("BatchHardTripletLoss", "texts of one label are each other's positives, of other labels the negatives"),
    ],
    "ranked lists": [
        ("LambdaLoss", "a loss of CrossEncoder: puts the texts of each list in the order of their labels"),
    ],
    "damaged texts": [
        ("DenoisingAutoEncoderLoss", "TSDAE: a decoder has to write the text from the vector of its damaged copy"),
    ],
    "texts with vectors": [
        ("MSELoss", "learns the teacher's vectors, also of another language or for a smaller model"),
        ("EmbedDistillLoss", "the same, and where the lengths of the vectors do not matter, by the cosine"),
    ],
    "texts": [
        ("ContrastiveTensionLossInBatchNegatives", "learns from texts alone; pairs made of the documents "
         "(toolkit.prepare.pairs) or damaged copies of them mostly teach more"),
    ],
}  # fmt: skip


def suggest_loss(data: Dataset) -> pd.DataFrame:
    """Losses that fit the shape of the data, best first, each with the reason.

    Raises
    ------
    ValueError
        When the columns fit no loss; see `toolkit.prepare.shape_of`.

    Examples
    --------
    >>> from datasets import Dataset
    >>> suggest_loss(Dataset.from_dict({"anchor": ["a"], "positive": ["b"]}))["loss"].iloc[0]
    'MultipleNegativesRankingLoss'
    """
    shape = shape_of(data)
    rows = [{"loss": loss, "fits": shape, "why": why} for loss, why in ADVICE[shape]]
    return pd.DataFrame(rows)
