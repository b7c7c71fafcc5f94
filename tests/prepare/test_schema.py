"""Shapes are named as the trainer reads the columns: by order, and labels by name."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from toolkit.finetune import suggest_loss
from toolkit.prepare import make_pairs
from toolkit.prepare.frames import shape_of

A, N, LIST = ["a"], [0.5], [[0.1, 0.2]]


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        ({"anchor": A, "positive": A, "negative_1": A, "negative_2": A}, "n-tuples"),
        ({"anchor": A, "positive": A, "negative": A, "score": N}, "scored triplets"),
        ({"anchor": A, "positive": A, "negative_1": A, "negative_2": A, "label": LIST}, "scored triplets"),
        ({"score": N, "sentence1": A, "sentence2": A}, "scored pairs"),
        ({"sentence1": A, "sentence2": A, "label": N}, "scored pairs"),
        ({"sentence1": A, "sentence2": A, "label": [1]}, "labelled pairs"),
        ({"anchor": A, "positive": A, "label": [1]}, "labelled pairs"),
        ({"anchor": A, "positive": [["a", "b"]], "labels": [[1, 0]]}, "ranked lists"),
        ({"label": [1], "text": A}, "labelled texts"),
        ({"text": A, "label": LIST}, "texts with vectors"),
        ({"text": A}, "texts"),
        ({"noisy": A, "text": A}, "damaged texts"),
    ],
)
def test_shapes_of_losses(columns: dict[str, Any], name: str) -> None:
    """Each shape of the losses of sentence-transformers has its name, and a loss."""
    data = Dataset.from_dict(columns)
    assert shape_of(data) == name and len(suggest_loss(data))


def empty(*columns: str) -> Dataset:
    return Dataset.from_dict({column: [] for column in columns})


@pytest.mark.parametrize(
    ("columns", "name"),
    [
        (["anchor", "positive"], "pairs"),
        (["anchor", "positive", "group"], "pairs"),
        (["anchor", "positive", "negative"], "triplets"),
        (["sentence1", "sentence2", "score"], "scored pairs"),
        (["sentence1", "sentence2", "label"], "labelled pairs"),
        (["text", "label", "extra"], "labelled texts"),
    ],
)
def test_known_shapes(columns: list[str], name: str) -> None:
    """Columns in the trainer's order have a name, whatever follows them."""
    assert shape_of(empty(*columns)) == name


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (["positive", "anchor"], "columns of pairs must come first and in this order: anchor, positive; got positive"),
        (["group", "anchor", "positive"], "columns of pairs must come first"),
        (["anchor", "negative", "positive"], "columns of triplets must come first"),
        (["anchor", "answer"], "nearest is pairs, which lacks positive"),
        (["sentence1", "score"], "nearest is scored pairs, which lacks sentence2"),
        ([], "no known shape has the columns \\(none\\)"),
    ],
)
def test_unknown_shapes(columns: list[str], message: str) -> None:
    """A wrong order and missing columns are named with the way out."""
    with pytest.raises(ValueError, match=message):
        shape_of(empty(*columns))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            ["anchor", "positive", "id", "negative"],
            "must come first and in this order: anchor, positive, negative; got",
        ),
        (["text", "noisy"], "columns of damaged texts must come first and in this order: noisy, text"),
        (["sentence1", "sentence2"], "nearest is scored pairs, which lacks score"),
        (["id", "text"], "columns of texts must come first"),
    ],
)
def test_wrong_places(columns: list[str], message: str) -> None:
    """What is in the wrong place is named with the order that is right."""
    with pytest.raises(ValueError, match=message):
        shape_of(Dataset.from_dict({column: A for column in columns}))


@pytest.mark.parametrize("extra", [{"note": A}, {"score": N, "label": [1]}, {"tags": [["a"]]}])
def test_further_inputs_are_warned_of(extra: dict[str, Any]) -> None:
    """A further text, a list or a second label becomes an input: warned of, with the columns to select."""
    wrong = [name for name in extra if name != "label"]
    with pytest.warns(UserWarning, match=f"further columns become inputs of the loss: {', '.join(wrong)}") as caught:
        shape_of(Dataset.from_dict({"anchor": A, "positive": A, **extra}))
    assert caught[0].filename == __file__ and "select_columns(['anchor', 'positive'" in str(caught[0].message)


def test_shapes_train_with_their_losses(model: Any, tmp_path: Path) -> None:
    """What `pairs` makes is what the losses of the trainer take: two steps each, and the weights move."""
    from sentence_transformers import SentenceTransformerTrainer, SentenceTransformerTrainingArguments
    from sentence_transformers.sentence_transformer import losses

    words = "cats dogs birds fish trees cars".split()
    nli = [(f"a premise on {w}", f"{kind} of {w}", kind) for w in words for kind in ("entailment", "contradiction")]
    texts = [(f"{word} number {n}", word) for word in words for n in range(2)]
    rated = [(f"one of {word}", f"two of {word}", n) for n, word in enumerate(words)]
    cases = [
        (make_pairs(nli, by="nli"), "MultipleNegativesRankingLoss"),
        (make_pairs(texts, by="labels"), "BatchHardTripletLoss"),
        (make_pairs(rated, by="ratings"), "CoSENTLoss"),
    ]
    for made, name in cases:
        assert suggest_loss(made.data)["loss"].iloc[0] == name
        student = copy.deepcopy(model)
        before = next(student.parameters()).detach().clone()
        arguments = SentenceTransformerTrainingArguments(
            output_dir=str(tmp_path), max_steps=2, per_device_train_batch_size=6, learning_rate=1e-3, use_cpu=True,
            report_to="none", disable_tqdm=True, save_strategy="no", dataloader_pin_memory=False,
            batch_sampler="group_by_label" if name.startswith("Batch") else "batch_sampler",
        )  # fmt: skip
        trainer = SentenceTransformerTrainer(
            model=student, args=arguments, train_dataset=made.data, loss=getattr(losses, name)(student)
        )
        assert trainer.train().global_step == 2
        assert not before.equal(next(student.parameters()))
