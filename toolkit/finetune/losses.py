"""Choose a loss that fits the data, and build it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from toolkit.finetune.adapter import BatchLoss, TrainSettings
from toolkit.prepare.frames import shape_of

if TYPE_CHECKING:
    import torch
    from datasets import Dataset


@dataclass(frozen=True)
class LossSpec:
    """A loss of sentence-transformers.

    Attributes
    ----------
    why : mapping of shape to reason
        The shapes of data that it fits (`toolkit.prepare.frames.shape_of`), each with the reason to take it.
    build : function, optional
        Builds the loss of a batch for `toolkit.finetune.train`; None where `train` does not offer it.
    """

    why: Mapping[str, str]
    build: Callable[[TrainSettings], BatchLoss] | None = None


def _in_batch_negatives(settings: TrainSettings) -> BatchLoss:
    """Build the cross-entropy over the cosines of a query with all documents of its batch.

    Near-copies of the positive, other answers to the same query, and the query itself are not used as negatives.
    Sources: A. van den Oord et al., arXiv:1807.03748; M. Henderson et al., arXiv:1705.00652.
    """
    import torch
    from torch.nn.functional import cross_entropy

    def loss(q: torch.Tensor, d: torch.Tensor, queries: torch.Tensor, documents: torch.Tensor) -> torch.Tensor:
        cosines = settings.scale * queries @ documents.T
        excluded = (d @ d.T > settings.near_copy) | (q @ q.T > settings.same_text) | (q @ d.T > settings.same_text)
        cosines = cosines.masked_fill(excluded.fill_diagonal_(False), -torch.inf)
        return cross_entropy(cosines, torch.arange(len(q)))

    return loss


LOSSES: dict[str, LossSpec] = {
    "MultipleNegativesRankingLoss": LossSpec(
        {
            "pairs": "pairs of a search and its answer have no negatives: the answers of the other searches in a "
            "batch serve as such, so larger batches teach more",
            "triplets": "uses the given negatives as well as those of the batch",
            "n-tuples": "uses all given negatives as well as those of the batch",
        },
        _in_batch_negatives,
    ),
    "CachedMultipleNegativesRankingLoss": LossSpec(
        dict.fromkeys(("pairs", "n-tuples"), "the same with large batches in little memory, about twice as slow")
    ),
    "TripletLoss": LossSpec({"triplets": "uses the given negatives alone, so it learns less from each row"}),
    "MarginMSELoss": LossSpec(
        {"scored triplets": "learns the teacher's margins between the right and the wrong texts"}
    ),
    "DistillKLDivLoss": LossSpec(
        {"scored triplets": "only for lists of scores: learns the teacher's distribution over the texts"}
    ),
    "CoSENTLoss": LossSpec({"scored pairs": "learns the order of the scores, not their exact values"}),
    "CosineSimilarityLoss": LossSpec(
        {"scored pairs": "forces the cosine to equal the score, which only fits scores made that way"}
    ),
    "OnlineContrastiveLoss": LossSpec(
        {"labelled pairs": "labels 0 and 1: pulls pairs with label 1 together and pushes hard negatives apart"}
    ),
    "SoftmaxLoss": LossSpec({"labelled pairs": "three or more classes, as in natural language inference"}),
    "BatchHardTripletLoss": LossSpec(
        {"labelled texts": "texts with the same label are positives, those with other labels negatives"}
    ),
    "LambdaLoss": LossSpec(
        {"ranked lists": "a loss of CrossEncoder: puts the texts of each list in the order of their labels"}
    ),
    "DenoisingAutoEncoderLoss": LossSpec(
        {"damaged texts": "TSDAE: a decoder has to write the text from the vector of its damaged copy"}
    ),
    "MSELoss": LossSpec(
        {"texts with vectors": "learns the teacher's vectors, for another language or a smaller model"}
    ),
    "EmbedDistillLoss": LossSpec(
        {"texts with vectors": "the same, optionally by cosine where vector lengths do not matter"}
    ),
    "ContrastiveTensionLossInBatchNegatives": LossSpec(
        {
            "texts": "learns from texts alone; pairs made of the documents (toolkit.prepare.make_pairs) or damaged "
            "copies of them usually teach more"
        }
    ),
}
"""The best loss of each shape comes first. Source: https://sbert.net/docs/sentence_transformer/loss_overview.html"""


def suggest_loss(data: Dataset) -> pd.DataFrame:
    """List the losses that fit the shape of the data, best first, each with the reason: ``loss fits why``.

    Raises
    ------
    ValueError
        When the columns fit no loss; see `toolkit.prepare.frames.shape_of`.

    Examples
    --------
    >>> from datasets import Dataset
    >>> suggest_loss(Dataset.from_dict({"anchor": ["a"], "positive": ["b"]}))["loss"].iloc[0]
    'MultipleNegativesRankingLoss'
    """
    shape = shape_of(data)
    rows = [{"loss": name, "fits": shape, "why": spec.why[shape]} for name, spec in LOSSES.items() if shape in spec.why]
    return pd.DataFrame(rows)
