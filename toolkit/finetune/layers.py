"""Train small layers on top of fixed vectors.

The vectors of the base model are computed once; what is trained is a square matrix for each side, which starts as the
identity. So a step costs a product of small matrices, and training takes seconds on a processor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy, normalize

SIDES = ("query", "symmetric", "both")
# Chosen once, on the dev parts of three splits of an earlier collection of `pydocs`, never on a test part. They overlap
# with what other splits of the same docstrings test on, so the demo's gain may be flattered a little.
BATCH = 512
EPOCHS = 60
PATIENCE = 5  # epochs without a better dev score before training stops
RATE = 3e-4
DECAY = 1.0  # pulls the layers back to the identity
SCALE = 20.0  # of the cosine in the loss, as in sentence-transformers
TWIN = 0.95  # cosine from which another document of the batch is no wrong answer but a twin of the right one
SAME = (
    0.999  # cosine from which two texts are the same: the answer of the same search is no wrong answer, nor is itself
)


@dataclass(frozen=True)
class Layers:
    """Square matrices for the two sides; a vector v becomes ``v @ matrix.T``, scaled to unit length.

    Attributes
    ----------
    sides : str
        ``"query"``: documents keep their vectors. ``"symmetric"``: one matrix for both. ``"both"``: one for each.
    query, document : arrays of shape (dim, dim), float32
    """

    sides: str
    query: NDArray[np.float32]
    document: NDArray[np.float32]

    def apply(self, vectors: NDArray[np.float32], side: str) -> NDArray[np.float32]:
        """The tuned unit vectors of one side."""
        moved = vectors @ (self.query if side == "query" else self.document).T
        return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), dtype=np.float32)


@dataclass(frozen=True)
class Epoch:
    """One pass over the training pairs: mean loss, and the score on dev after it (epoch 0 is the base model)."""

    epoch: int
    loss: float
    dev: float


def fit(
    queries: NDArray[np.float32],
    documents: NDArray[np.float32],
    dev: Callable[[Layers], float],
    *,
    sides: str,
    seed: int = 0,
) -> tuple[Layers, list[Epoch]]:
    """Train with in-batch negatives and keep the layers of the best epoch on dev.

    The loss is that of `MultipleNegativesRankingLoss`: cross-entropy over the cosines of a query with all documents of
    its batch (A. van den Oord et al., arXiv:1807.03748; M. Henderson et al., arXiv:1705.00652). Left out of
    the wrong documents are twins of the right one, answers of the same search, and the search itself.

    Parameters
    ----------
    queries, documents : arrays of shape (n, dim), float32
        Unit vectors; row i of each is a pair.
    dev : function of Layers to float
        Score on the validation data, larger is better.
    sides : {"query", "symmetric", "both"}
    seed : int
        Seed of the order of the pairs. With one seed and one machine the result is the same.

    Returns
    -------
    Layers
        Of the best epoch; the identity where no epoch was better than the base model.
    list of Epoch
    """
    if sides not in SIDES:
        raise ValueError(f"expected sides {', '.join(map(repr, SIDES))}; got {sides!r}")
    generator = torch.Generator().manual_seed(seed)
    q, d = torch.from_numpy(queries), torch.from_numpy(documents)
    n, dim = q.shape
    eye = torch.eye(dim)
    moves = [torch.zeros(dim, dim, requires_grad=True) for _ in range(2 if sides == "both" else 1)]
    optimizer = torch.optim.AdamW(moves, lr=RATE, weight_decay=DECAY)  # decays the move, that is, to the identity
    best = _layers(moves, sides)
    history = [Epoch(0, float("nan"), dev(best))]
    best_dev, waited = history[0].dev, 0
    for epoch in range(1, EPOCHS + 1):
        losses = []
        for batch in torch.split(torch.randperm(n, generator=generator), BATCH):
            if len(batch) < 2:
                continue
            optimizer.zero_grad()
            left = normalize(q[batch] @ (eye + moves[0]).T, dim=1)
            right = d[batch] if sides == "query" else normalize(d[batch] @ (eye + moves[-1]).T, dim=1)
            cosines = SCALE * left @ right.T
            asked = q[batch]
            spared = (d[batch] @ d[batch].T > TWIN) | (asked @ asked.T > SAME) | (asked @ d[batch].T > SAME)
            cosines = cosines.masked_fill(spared.fill_diagonal_(False), -torch.inf)
            loss = cross_entropy(cosines, torch.arange(len(batch)))
            torch.autograd.backward(loss)
            optimizer.step()
            losses.append(loss.item())
        layers = _layers(moves, sides)
        history.append(Epoch(epoch, float(np.mean(losses)), dev(layers)))
        if history[-1].dev > best_dev:
            best, best_dev, waited = layers, history[-1].dev, 0
        else:
            waited += 1
            if waited >= PATIENCE:
                break
    return best, history


def _layers(moves: list[torch.Tensor], sides: str) -> Layers:
    matrices = [np.eye(move.shape[0], dtype=np.float32) + move.detach().numpy() for move in moves]
    document = np.eye(matrices[0].shape[0], dtype=np.float32) if sides == "query" else matrices[-1]
    return Layers(sides, matrices[0], document)
