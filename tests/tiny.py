"""Models small enough to be made in a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def cross_encoder(folder: Path, tokenizer: Any, *, seed: int = 0, num_labels: int = 1) -> Any:
    """A CrossEncoder with random weights, saved in `folder`, whose scores differ well between pairs."""
    import torch
    from sentence_transformers import CrossEncoder
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        num_labels=num_labels, initializer_range=0.5,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return CrossEncoder(str(folder), device="cpu", local_files_only=True)
