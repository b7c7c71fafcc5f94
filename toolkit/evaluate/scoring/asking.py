"""What a model says of texts: vectors, by way of the cache or made elsewhere, and scores of pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from toolkit import vectors

PARTS = ("queries", "documents", "sentence1", "sentence2", "text", "train")
"""Names of vectors from elsewhere: a row a query, document of the corpus, row of the table, row of `Task.train`."""


def is_ranking(system: Any) -> bool:
    """Whether a mapping is ``{query_id: {doc_id: score}}`` and not vectors."""
    return isinstance(system, Mapping) and all(isinstance(row, Mapping) for row in system.values())


def is_aligned(model: Any) -> bool:
    """Whether a mapping holds arrays under the names of `PARTS`."""
    return isinstance(model, Mapping) and set(model) <= set(PARTS)


def vectors_of(
    model: Any,
    texts: Sequence[str],
    part: str,
    *,
    side: Literal["query", "document"] | None = None,
    dtype: str = "auto",
) -> NDArray[np.float32]:
    """Unit vectors of `texts`, shape (n, dim).

    Parameters
    ----------
    model : model or mapping
        For `toolkit.vectors.encode`; or vectors from elsewhere, of any length but zero: a mapping of text to vector, or
        of the names in `PARTS` to arrays with a row a text.
    texts : sequence of str
    part : str
        Which of `PARTS` the texts are.
    side, dtype
        As in `toolkit.vectors.encode`.

    Raises
    ------
    ValueError
        When vectors from elsewhere are missing, too many, not finite, or zero.

    Examples
    --------
    >>> vectors_of({"a fox": [3, 4], "a dog": [0, 2]}, ["a dog", "a fox"], "text").round(3).tolist()
    [[0.0, 1.0], [0.6, 0.8]]
    """
    if not isinstance(model, Mapping):
        return vectors.encode(model, list(texts), side=side, dtype=dtype)
    rows = _aligned(model, texts, part) if is_aligned(model) else _looked_up(model, texts, part)
    if not np.isfinite(rows).all():
        bad = np.flatnonzero(~np.isfinite(rows).all(axis=1))
        raise ValueError(
            f"{len(bad)} of the {len(rows)} vectors given for {part!r} hold nan or infinity (first: row {bad[0]}): "
            f"make them again, or leave their texts out of the task (task.only)"
        )
    rows = rows / np.maximum(np.abs(rows).max(axis=1, keepdims=True, initial=0), 1e-300)  # or squares may overflow
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    if not lengths.all():
        zero = np.flatnonzero(lengths == 0)
        raise ValueError(
            f"{len(zero)} of the {len(rows)} vectors given for {part!r} are zero (first: row {zero[0]}), and have no "
            f"direction to compare: make them again, or leave their texts out of the task (task.only)"
        )
    return np.asarray(rows / lengths, dtype=np.float32)


def same_dimension(one: NDArray[np.float32], two: NDArray[np.float32], names: tuple[str, str]) -> None:
    """Refuse vectors of two sides that come from different models."""
    if one.shape[1] != two.shape[1]:
        raise ValueError(
            f"the vectors of {names[0]!r} have {one.shape[1]} dimensions and those of {names[1]!r} {two.shape[1]}: "
            f"expected both from one model"
        )


def _aligned(given: Mapping[str, Any], texts: Sequence[str], part: str) -> NDArray[np.float64]:
    if part not in given:
        raise ValueError(f"this task needs vectors of {part!r}; given are those of {', '.join(map(repr, given))}")
    return _table(given[part], len(texts), part)


def _looked_up(given: Mapping[str, Any], texts: Sequence[str], part: str) -> NDArray[np.float64]:
    missing = [text for text in dict.fromkeys(texts) if text not in given]
    if missing:
        raise ValueError(
            f"no vector is given for {len(missing)} of the texts of {part!r} (first: {missing[0]!r:.60}): expected "
            f"{{text: vector}} with every text of the task, or arrays under the names {', '.join(PARTS)}"
        )
    return _table([given[text] for text in texts], len(texts), part)


def _table(rows: Any, n: int, part: str) -> NDArray[np.float64]:
    try:
        table = np.asarray(rows, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"the vectors given for {part!r} are no table of numbers with one length a row") from None
    if table.ndim != 2 or len(table) != n:
        raise ValueError(f"the vectors given for {part!r} have shape {table.shape}, expected ({n}, dim): a row a text")
    return table


def is_cross_encoder(model: Any) -> bool:
    """Whether a model reads two texts at once: it has ``predict`` and no ``encode``."""
    return hasattr(model, "predict") and not hasattr(model, "encode")


def pair_scores(model: Any, pairs: Sequence[tuple[str, str]]) -> NDArray[np.float64]:
    """What a cross-encoder says of each pair of texts, shape (n,).

    Raises
    ------
    ValueError
        When it gives anything but one finite number a pair.
    """
    if not pairs:
        return np.empty(0)
    scores = np.asarray(model.predict(list(pairs)), dtype=float)
    scores = scores[:, 0] if scores.ndim == 2 and scores.shape[1] == 1 else scores
    if scores.shape != (len(pairs),):
        raise ValueError(
            f"{type(model).__name__}.predict returned shape {scores.shape} for {len(pairs)} pairs, expected one score "
            f"a pair: a model of several labels (num_labels) needs one of them chosen first"
        )
    if not np.isfinite(scores).all():
        raise ValueError(
            f"{type(model).__name__}.predict returned {int((~np.isfinite(scores)).sum())} scores that are nan or "
            f"infinite: load the model in float32"
        )
    return scores
