"""Train a small layer on top of the fixed vectors of a model.

The vectors of the base model are computed once; only a square matrix is trained, for the queries, for both sides, or
one for each, which starts as the identity. A step is then a product of small matrices, and training takes seconds on a
CPU.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from toolkit.vectors.origin import Origin, describe, origin_of, set_origin

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

CANDIDATES = ("query layer", "one layer for both", "separate layers")


@dataclass(frozen=True)
class TrainSettings:
    """How an adapter is trained.

    The defaults were compared once on validation parts of the docstrings of `pydocs`, never on a test part; elsewhere
    they are a starting point.

    Attributes
    ----------
    batch_size : int
        Pairs in a batch. The other documents of the batch are the negatives, so larger batches teach more; on
        fixed vectors they cost next to nothing.
    epochs, patience : int
        Maximum passes over the pairs, and passes without a better validation score before training stops.
    learning_rate : float
        Of AdamW. Far above the 2e-5 that is usual for whole transformers: the model below the layer cannot be damaged.
    weight_decay : float
        Pulls the layer back to the identity, that is, to the base model; a matrix has more entries than most data
        have pairs.
    scale : float
        Of the cosine in the loss; the default of sentence-transformers.
    near_copy : float
        Cosine above which another document of the batch is a near-copy of the positive, not a negative.
    same_text : float
        Cosine above which two texts are the same: answers to the same query are not negatives, nor is the query
        itself.
    """

    batch_size: int = 512
    epochs: int = 60
    patience: int = 5
    learning_rate: float = 3e-4
    weight_decay: float = 1.0
    scale: float = 20.0
    near_copy: float = 0.95
    same_text: float = 0.999


@dataclass(frozen=True)
class Adapter:
    """Square matrices for queries and documents: a vector v becomes ``v @ matrix.T``, scaled to unit length.

    Attributes
    ----------
    candidate : str
        One of `CANDIDATES`. With ``"query layer"`` documents keep their vectors.
    query, document : arrays of shape (dim, dim), float32
    """

    candidate: str
    query: NDArray[np.float32]
    document: NDArray[np.float32]

    def apply(self, vectors: NDArray[np.float32], side: str) -> NDArray[np.float32]:
        """Return the tuned unit vectors of one side."""
        moved = vectors @ (self.query if side == "query" else self.document).T
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)


@dataclass(frozen=True)
class Epoch:
    """One pass over the training pairs: mean loss, and the validation score after it; epoch 0 is the base model."""

    epoch: int
    loss: float
    dev: float


BatchLoss = Callable[["torch.Tensor", "torch.Tensor", "torch.Tensor", "torch.Tensor"], "torch.Tensor"]
"""Loss of a batch, from the base vectors of queries and documents and their tuned vectors, (n, dim) each."""


def fit(
    queries: NDArray[np.float32],
    documents: NDArray[np.float32],
    dev: Callable[[Adapter], float],
    loss: BatchLoss,
    *,
    candidate: str,
    settings: TrainSettings | None = None,
    seed: int = 0,
) -> tuple[Adapter, list[Epoch]]:
    """Train an adapter, and keep the epoch that scores best on validation data.

    Parameters
    ----------
    queries, documents : arrays of shape (n, dim), float32
        Unit vectors; row i of each is a pair.
    dev : function of Adapter to float
        Score on the validation data, larger is better.
    loss : function
        See `BatchLoss`; `toolkit.finetune.losses.LOSSES` builds it.
    candidate : str
        One of `CANDIDATES`.
    settings : TrainSettings, optional
    seed : int
        Seed of the order of the pairs. The same seed on the same machine gives the same result.

    Returns
    -------
    Adapter
        Of the best epoch; the identity where no epoch was better than the base model.
    list of Epoch

    Raises
    ------
    ValueError
        For an unknown candidate.
    """
    import torch
    from torch.nn.functional import normalize

    if candidate not in CANDIDATES:
        raise ValueError(f"expected candidate to be one of {', '.join(map(repr, CANDIDATES))}; got {candidate!r}")
    settings = settings or TrainSettings()
    generator = torch.Generator().manual_seed(seed)
    q, d = torch.from_numpy(queries), torch.from_numpy(documents)
    n, dim = q.shape
    eye = torch.eye(dim)
    moves = [torch.zeros(dim, dim, requires_grad=True) for _ in range(2 if candidate == "separate layers" else 1)]
    # Weight decay applies to the delta, so that it pulls the layer back to the identity.
    optimizer = torch.optim.AdamW(moves, lr=settings.learning_rate, weight_decay=settings.weight_decay)

    def adapter() -> Adapter:
        matrices = [np.eye(dim, dtype=np.float32) + move.detach().numpy() for move in moves]
        document = np.eye(dim, dtype=np.float32) if candidate == "query layer" else matrices[-1]
        return Adapter(candidate, matrices[0], document)

    best = adapter()
    history = [Epoch(0, float("nan"), dev(best))]
    best_dev, waited = history[0].dev, 0
    for epoch in range(1, settings.epochs + 1):
        losses = []
        for batch in torch.split(torch.randperm(n, generator=generator), settings.batch_size):
            if len(batch) < 2:
                continue
            optimizer.zero_grad()
            left = normalize(q[batch] @ (eye + moves[0]).T, dim=1)
            right = d[batch] if candidate == "query layer" else normalize(d[batch] @ (eye + moves[-1]).T, dim=1)
            value = loss(q[batch], d[batch], left, right)
            torch.autograd.backward(value)
            optimizer.step()
            losses.append(value.item())
        trained = adapter()
        history.append(Epoch(epoch, float(np.mean(losses)), dev(trained)))
        if history[-1].dev > best_dev:
            best, best_dev, waited = trained, history[-1].dev, 0
        else:
            waited += 1
            if waited >= settings.patience:
                break
    return best, history


def assemble(model: SentenceTransformer, adapter: Adapter, record: dict[str, Any] | None = None) -> SentenceTransformer:
    """Build a standard model: all modules of `model`, then the adapter, then `Normalize`.

    The adapter comes after the model's own `Normalize`, since it was trained on the vectors
    taken there; where the model has none, one is added before it. `record` becomes `toolkit.vectors.Origin.training`.
    """
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.base.modules import Dense, Router
    from sentence_transformers.sentence_transformer.modules import Normalize

    def dense(matrix: NDArray[np.float32]) -> Dense:
        layer = Dense(len(matrix), len(matrix), bias=False, activation_function=torch.nn.Identity())
        with torch.no_grad():
            layer.linear.weight.copy_(torch.from_numpy(matrix))
        return layer

    modules: list[Any] = list(model)
    if not any(isinstance(module, Normalize) for module in modules):
        modules.append(Normalize())
    if adapter.candidate == "one layer for both":
        modules.append(dense(adapter.query))
    else:
        routes: dict[str, list[Any]] = {"query": [dense(adapter.query)], "document": [dense(adapter.document)]}
        modules.append(Router(routes, default_route="document"))
    tuned = SentenceTransformer(
        modules=[*modules, Normalize()], device=str(model.device), prompts=cast(Any, dict(model.prompts)),
        default_prompt_name=model.default_prompt_name, similarity_fn_name="cosine",
    )  # fmt: skip
    if tuned.max_seq_length != model.max_seq_length:  # some modules do not allow it to be set
        tuned.max_seq_length = model.max_seq_length
    set_origin(tuned, Origin(origin_of(model).name, training=record or {"base": describe(model)}))
    return tuned
