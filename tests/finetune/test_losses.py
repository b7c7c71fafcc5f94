"""Losses fit the shapes of data that they say, and are those of sentence-transformers."""

from __future__ import annotations

import pytest
import torch
from datasets import Dataset
from sentence_transformers.cross_encoder import losses as cross_encoder_losses
from sentence_transformers.sentence_transformer import losses as model_losses
from torch.nn.functional import normalize

from toolkit import finetune
from toolkit.finetune import TrainSettings
from toolkit.finetune.losses import LOSSES
from toolkit.finetune.training import LOSS

BEST = {
    "pairs": ["MultipleNegativesRankingLoss", "CachedMultipleNegativesRankingLoss"],
    "triplets": ["MultipleNegativesRankingLoss", "TripletLoss"],
    "n-tuples": ["MultipleNegativesRankingLoss", "CachedMultipleNegativesRankingLoss"],
    "scored triplets": ["MarginMSELoss", "DistillKLDivLoss"],
    "scored pairs": ["CoSENTLoss", "CosineSimilarityLoss"],
    "labelled pairs": ["OnlineContrastiveLoss", "SoftmaxLoss"],
    "labelled texts": ["BatchHardTripletLoss"],
    "ranked lists": ["LambdaLoss"],
    "damaged texts": ["DenoisingAutoEncoderLoss"],
    "texts with vectors": ["MSELoss", "EmbedDistillLoss"],
    "texts": ["ContrastiveTensionLossInBatchNegatives"],
}


def test_the_table() -> None:
    """Each shape has its losses, the best first, with a reason each, and each exists in sentence-transformers."""
    shapes = dict.fromkeys(shape for spec in LOSSES.values() for shape in spec.why)
    assert {shape: [name for name, spec in LOSSES.items() if shape in spec.why] for shape in shapes} == BEST
    assert all(why for spec in LOSSES.values() for why in spec.why.values())
    for name in LOSSES:
        assert hasattr(model_losses, name) or hasattr(cross_encoder_losses, name)


@pytest.mark.parametrize(
    ("columns", "shape"),
    [
        ({"anchor": ["a"], "positive": ["b"]}, "pairs"),
        ({"anchor": ["a"], "positive": ["b"], "negative": ["c"]}, "triplets"),
        ({"sentence1": ["a"], "sentence2": ["b"], "score": [0.5]}, "scored pairs"),
        ({"text": ["a"], "label": [1]}, "labelled texts"),
    ],
)
def test_suggest_loss(columns: dict[str, list[object]], shape: str) -> None:
    """The suggestion has the losses of the data's shape in their order."""
    table = finetune.suggest_loss(Dataset.from_dict(columns))
    assert table["loss"].tolist() == BEST[shape] and set(table["fits"]) == {shape}
    assert table["why"].tolist() == [LOSSES[name].why[shape] for name in BEST[shape]]


def test_suggest_loss_refuses_wrong_order() -> None:
    """Columns in the wrong order are no pairs: trainers go by order."""
    data = Dataset.from_dict({"positive": ["b"], "anchor": ["a"]})
    with pytest.raises(ValueError, match=r"in this order: anchor, positive; got positive, anchor"):
        finetune.suggest_loss(data)


def test_in_batch_negatives_are_those_of_sentence_transformers() -> None:
    """Where nothing is left out, the loss of a batch is that of MultipleNegativesRankingLoss."""
    torch.manual_seed(0)
    queries, documents = (normalize(torch.randn(20, 32), dim=1) for _ in range(2))
    build = LOSSES[LOSS].build
    assert build is not None
    ours = build(TrainSettings())(queries, documents, queries, documents)
    theirs = model_losses.MultipleNegativesRankingLoss(model=torch.nn.Identity())  # type: ignore[arg-type]
    expected = theirs.compute_loss_from_embeddings([queries, documents], None)
    assert ours.item() == pytest.approx(float(expected), rel=1e-5)
