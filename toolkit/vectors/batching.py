"""One model made ready to encode: its prompt, its format, its key in the cache, and batches by token length."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sentence_transformers.base.modules import Transformer

from toolkit.vectors.forward import (
    Parts,
    configuration,
    in_dtype,
    in_float,
    parts,
    run_head,
    run_ids,
    tokenizer_digest,
    weights_digest,
)  # fmt: skip
from toolkit.vectors.origin import origin_of
from toolkit.vectors.precision import DTYPES, resolve_dtype

BATCH_TOKENS = {"cpu": 2_048, "mps": 16_384, "cuda": 65_536}  # padded tokens in a batch
PADDING = 0.02  # of the tokens of a batch
SMALL = 0.25  # of the budget: a batch up to this size may hold more padding
CLIP = 50  # characters a token, far more than any text has: what lies beyond is looked at only when it may matter


@dataclass(frozen=True)
class Window:
    """Tokenised texts: token ids (the texts themselves, for a model that takes no ids), lengths, and which were cut."""

    rows: list[Any]
    lengths: NDArray[np.int64]
    cut: NDArray[np.bool_]


@dataclass(frozen=True)
class Plan:
    """How one model encodes one side. Made by `plan`."""

    model: Any
    part: Parts
    prompt: str
    side: str | None
    dtype: str

    @cached_property
    def digest(self) -> str:
        """Digest of the body's weights."""
        return weights_digest(self.part.body)

    @property
    def name(self) -> str:
        """The model's name as the user knows it."""
        return origin_of(self.model).name

    @property
    def identified(self) -> bool:
        """Whether the weights can be told from others: those of another engine (ONNX, OpenVINO) are not seen here."""
        return all(m.backend == "torch" for m in self.model.modules() if isinstance(m, Transformer))

    @property
    def limit(self) -> int | None:
        """Most tokens that the model reads, special tokens included; None where there is no limit."""
        limit = self.model.max_seq_length
        return limit if isinstance(limit, int) and limit < 1_000_000 else None

    @property
    def dim(self) -> int:
        """Length of the body's vector."""
        for module in reversed(self.part.body):
            for get in ("get_embedding_dimension", "get_sentence_embedding_dimension"):
                if hasattr(module, get):
                    return int(getattr(module, get)())
        return int(self.model.get_embedding_dimension())

    def key(self) -> dict[str, Any]:
        """Everything that changes a vector of the body, for the cache."""
        import sentence_transformers
        import transformers

        return {
            "weights": self.digest,
            "tokenizer": tokenizer_digest(self.model.tokenizer),
            "modules": configuration(self.part.body),
            "prompt": self.prompt,
            "side": self.side if self.part.transformer is None else None,  # else sides differ in the head alone
            "max_seq_length": self.limit,
            "normalized": True,
            "dtype": self.dtype,
            "device": torch.device(self.model.device).type,
            "engine": f"torch {torch.__version__}, transformers {transformers.__version__}, "
            f"sentence-transformers {sentence_transformers.__version__}",
        }

    def tokenise(self, texts: list[str]) -> Window:
        """Tokenise once; the ids are what the model is given."""
        if self.part.transformer is None:
            about = np.array([1 + len(text) // 4 for text in texts], dtype=np.int64)  # for the bar, and when to keep
            return Window(texts, np.minimum(about, self.limit or about), np.zeros(len(texts), dtype=bool))
        texts = [self.prompt + text for text in texts] if self.prompt else texts
        clipped = [_clip(text, self.limit) for text in texts]
        rows, cut = self._ids(clipped)
        # A clipped text that still fills the limit lost nothing by it; one that does not is read whole.
        again = [i for i, text in enumerate(texts) if len(clipped[i]) < len(text) and not cut[i]]
        if again:
            whole, whole_cut = self._ids([texts[i] for i in again])
            for i, row, flag in zip(again, whole, whole_cut, strict=True):
                rows[i], cut[i] = row, flag
        return Window(rows, np.array([len(row) for row in rows], dtype=np.int64), cut)

    def _ids(self, texts: list[str]) -> tuple[list[list[int]], NDArray[np.bool_]]:
        encoded = self.model.tokenizer(
            texts, truncation=self.limit is not None, max_length=self.limit, padding=False,
            return_attention_mask=False, return_token_type_ids=False, verbose=False,
        )  # fmt: skip
        cut = np.array([bool(encoding.overflowing) for encoding in encoded.encodings], dtype=bool)
        return encoded["input_ids"], cut

    def batches(self, window: Window) -> Iterator[tuple[NDArray[np.intp], NDArray[np.float32]]]:
        """Yield (positions in the window, their unit vectors), longest texts first, until all are done."""
        self.model.eval()
        if self.part.transformer is None:
            kwargs = {} if self.side is None else {"task": self.side}
            for start in range(0, len(window.rows), 1024):
                texts = window.rows[start : start + 1024]
                vectors = self.model.encode(
                    texts, prompt=self.prompt, truncate_dim=self.dim, show_progress_bar=False, **kwargs
                )
                yield np.arange(start, start + len(texts)), unit(vectors)
            return
        transformer, kind, rest = self.part.transformer, DTYPES[self.dtype], in_float(self.part.body[1:])
        if next(transformer.parameters()).dtype != kind:
            transformer = in_dtype(transformer, kind, self.digest)
        budget = BATCH_TOKENS.get(torch.device(self.model.device).type, BATCH_TOKENS["cpu"])
        order = np.argsort(-window.lengths, kind="stable")
        start = 0
        while start < len(order):
            at = order[start : start + _rows_in_batch(window.lengths[order[start : start + budget]], budget)]
            yield at, unit(run_ids(transformer, rest, [window.rows[i] for i in at]))
            start += len(at)

    def finish(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """The model's vectors from the body's: small layers of this side, then the cut to its truncate_dim."""
        if self.part.head:
            vectors = run_head(self.part.head, vectors, self.side)
        return unit(vectors[:, : self.model.truncate_dim]) if self.model.truncate_dim else vectors


def _rows_in_batch(lengths: NDArray[np.int64], budget: int) -> int:
    """How many of texts of descending length make the next batch: within the budget, and with little padding.

    A batch ends before it is full where padding would take more than a fiftieth of it, but not while it is so small
    that what a call costs at all would count.
    """
    padded = lengths[0] * np.arange(1, len(lengths) + 1)
    lean = padded <= (1 + PADDING) * np.cumsum(lengths)
    good = np.flatnonzero((padded <= budget) & (lean | (padded <= budget * SMALL)))
    return int(good[-1]) + 1 if len(good) else 1


def plan(model: Any, side: str | None, dtype: str = "auto") -> Plan:
    """Make a `Plan`: look up the prompt, divide the model, settle the number format."""
    prompt = _prompt(model, side)
    return Plan(model, parts(model, prompt), prompt, side, resolve_dtype(model, dtype))


def _prompt(model: Any, side: str | None) -> str:
    """The prompt that sentence-transformers itself puts before a text of that side."""
    names = {"query": ["query"], "document": ["document", "passage", "corpus"]}.get(side or "", [])
    found = next((name for name in names if name in model.prompts), model.default_prompt_name)
    return str(model.prompts.get(found) or "") if found else ""


def _clip(text: str, limit: int | None) -> str:
    """The beginning of a text far longer than the model reads, up to a space; so 50 MB cost no more than 50 kB."""
    if limit is None or len(text) <= CLIP * limit:
        return text
    end = text.rfind(" ", 0, CLIP * limit)
    return text[:end] if end > CLIP * limit // 2 else text


def unit(vectors: Any) -> NDArray[np.float32]:
    """Rows scaled to length 1, float32. ValueError for a row that is zero or not finite."""
    rows = np.asarray(vectors, dtype=np.float32)
    lengths = np.sqrt(np.einsum("ij,ij->i", rows, rows))[:, None]
    if not (np.isfinite(lengths).all() and lengths.all()):
        raise ValueError(
            f"the model gave {int((~(np.isfinite(lengths) & (lengths > 0))).sum())} vectors that are zero or not "
            f"finite: its weights are damaged, or the number format is too narrow for it (try dtype='float32'), or a "
            f"model of single words met a text without any word it knows (drop such texts)"
        )
    return np.asarray(rows / lengths, dtype=np.float32)
