"""Encode texts to unit vectors, each distinct text once, reusing cached vectors."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from toolkit.storage import replacing
from toolkit.vectors.batching import batches
from toolkit.vectors.engines.base import Body, unit
from toolkit.vectors.inputs import BLOCK, between, check_texts, each, take
from toolkit.vectors.origin import origin_of
from toolkit.vectors.protocols import Encoder
from toolkit.vectors.store import Store, text_keys

WINDOW_TEXTS = 8_192  # texts that are tokenised and sorted at a time ...
WINDOW_CHARACTERS = 32_000_000  # ... and the most characters that they may have
SAVE_EVERY = 150_000  # tokens between two writes to the cache: about half a minute on two cores


def encode(
    model: Encoder,
    texts: Sequence[str],
    *,
    side: Literal["query", "document"] | None = None,
    dtype: str = "auto",
    cache: bool = True,
    out: str | Path | None = None,
    progress: bool = True,
    warn: bool = True,
) -> NDArray[np.float32]:
    """Encode texts to vectors of unit length.

    Each distinct text is encoded once. Texts are tokenised once, sorted by their number of tokens and batched to a
    budget of tokens, which leaves almost no padding. Vectors are cached as the work proceeds, so that an
    interrupted call resumes where it stopped. Apart from the result, memory use is bounded for any number of texts.

    Parameters
    ----------
    model : Encoder
        From `load`; or anything with ``encode(list of str)``, whose vectors are then not cached.
    texts : sequence of str
        A list, a column of a `datasets.Dataset`, a pandas Series, ...
    side : {"query", "document"}, optional
        Which prompt and, in a model with two sides, which layers to use, as ``encode_query`` and ``encode_document``
        do. Without it, the default prompt, as in ``encode``.
    dtype : str
        ``"auto"`` (see `toolkit.vectors.precision.resolve_dtype`), ``"float32"``, ``"bfloat16"`` or ``"float16"``: the
        format of the transformer's arithmetic. Pooling, everything after it, and the result are float32.
    cache : bool
        Whether to read and store vectors in `toolkit.storage.cache_folder()`. No text is stored there.
    out : path, optional
        A ``.npy`` file to write; the result is then that file, memory-mapped, and need not fit in memory.
    progress : bool
        Whether to show a progress bar, with the time left, when encoding takes more than two seconds.
    warn : bool
        Whether to warn of texts that were cut; turn it off in a server that encodes one query at a time.

    Returns
    -------
    array of shape (n, dim), float32
        Row i is the unit vector of ``texts[i]``.

    Warns
    -----
    UserWarning
        When texts are longer than the model's limit and were cut; `truncation` shows which.

    Raises
    ------
    ValueError
        A text is not a str, `side` or `dtype` is unknown, or the model gives vectors that are zero or not finite.
    """
    check_texts(texts)
    if side not in (None, "query", "document"):
        raise ValueError(f"expected side 'query', 'document' or None, got {side!r}")
    if not has_body(model):
        return _encode_foreign(model, texts, out)
    from toolkit.vectors.engines.opening import open_body

    body, name = open_body(model, side, dtype), origin_of(model).name
    store = Store(body.key(), body.dim, name=name) if cache and body.digest is not None else None
    if out is None:
        vectors, n_cut = _vectors(body, texts, store, progress)
    else:
        n_cut = _to_file(Path(out), body, texts, store, progress)
        vectors = np.load(out, mmap_mode="r")
    if n_cut and warn:
        warnings.warn(
            f"{n_cut:,} of {len(texts):,} texts are longer than the {body.limit} tokens that {name} reads, and "
            f"were cut there. vectors.truncation(model, texts) shows which; shorter texts are read in full.",
            UserWarning,
            stacklevel=2,
        )
    return vectors


def has_body(model: Encoder) -> bool:
    """Return whether an engine of this toolkit runs the model."""
    if hasattr(model, "open_body"):
        return True
    if "sentence_transformers" not in sys.modules:  # not imported, so not one of its models; importing takes seconds
        return False
    from sentence_transformers import SentenceTransformer

    return isinstance(model, SentenceTransformer)


def _encode_foreign(model: Encoder, texts: Sequence[str], out: str | Path | None) -> NDArray[np.float32]:
    """Encode texts with any other model that has ``encode``."""
    if isinstance(model, str) or not hasattr(model, "encode"):
        raise ValueError(f"expected a model with encode(texts), got {type(model).__name__}")
    rows = np.asarray(model.encode(list(each(texts))), dtype=np.float32)
    if rows.ndim != 2 or len(rows) != len(texts):
        raise ValueError(
            f"{type(model).__name__}.encode returned shape {rows.shape}, expected ({len(texts)}, dim): one row per text"
        )
    rows = unit(rows)
    if out is not None:
        with replacing(out) as temporary, temporary.open("wb") as file:
            np.save(file, rows)
    return rows


def _to_file(out: Path, body: Body, texts: Sequence[str], store: Store | None, progress: bool) -> int:
    """Encode block by block into a ``.npy`` file that gets its final name once it is complete."""
    n_cut = 0
    with replacing(out) as temporary:
        mapped = None
        for start in range(0, max(1, len(texts)), BLOCK):
            rows, cut = _vectors(body, between(texts, start, start + BLOCK), store, progress)
            if mapped is None:
                shape = (len(texts), rows.shape[1])
                mapped = np.lib.format.open_memmap(temporary, mode="w+", dtype=np.float32, shape=shape)
            mapped[start : start + len(rows)] = rows
            n_cut += cut
        del mapped  # closes it: Windows cannot rename an open file
    return n_cut


def _vectors(body: Body, texts: Sequence[str], store: Store | None, progress: bool) -> tuple[NDArray[np.float32], int]:
    """Return the vectors of `texts`, and how many of them the model's limit cut."""
    rows = np.empty((len(texts), body.dim), dtype=np.float32)
    flags = np.zeros(len(texts), dtype=np.uint32)
    keys = np.empty(len(texts), dtype="S16")
    found = np.zeros(len(texts), dtype=bool)
    for start in range(0, len(texts), BLOCK):
        block = slice(start, start + BLOCK)
        keys[block] = text_keys(between(texts, start, start + BLOCK))
        if store is not None:
            store.get(keys[block], rows[block], flags[block], found[block])
    missing = np.flatnonzero(~found)
    if len(missing):
        _, first, inverse = np.unique(keys[missing], return_index=True, return_inverse=True)
        distinct = missing[np.sort(first)]
        _encode_distinct(body, texts, distinct, (keys, rows, flags), store, progress)
        twin = missing[first][inverse]  # for each missing text, the identical one that was encoded
        copies = twin != missing
        for at in np.array_split(np.flatnonzero(copies), 1 + int(copies.sum()) // BLOCK):
            rows[missing[at]], flags[missing[at]] = rows[twin[at]], flags[twin[at]]
    return body.finish(rows), int((flags & 1).sum())


def _encode_distinct(
    body: Body,
    texts: Sequence[str],
    distinct: NDArray[np.intp],
    target: tuple[NDArray[np.bytes_], NDArray[np.float32], NDArray[np.uint32]],
    store: Store | None,
    progress: bool,
) -> None:
    """Encode the texts at the positions `distinct` into the rows and flags of `target`, caching them as it goes."""
    keys, rows, flags = target
    done, tokens_done, tokens_unsaved = 0, 0, 0
    waiting: list[NDArray[np.intp]] = []

    def keep() -> None:
        if store is not None and waiting:
            at = np.concatenate(waiting)
            store.put(keys[at], rows[at], flags[at])
        waiting.clear()

    bar = tqdm(desc=f"Encoding, {body.dtype}", unit="token", unit_scale=True, delay=2, disable=not progress,
               mininterval=0.5 if sys.stderr.isatty() else 20, leave=False)  # fmt: skip
    try:
        for positions in windows(texts, distinct):
            window = body.tokenise(take(texts, positions))
            here = int(window.lengths.sum())
            bar.total = tokens_done + here * (len(distinct) - done) // len(positions)  # exact in the last window
            for at, vectors in batches(body, window):
                rows[positions[at]], flags[positions[at]] = vectors, window.cut[at]
                waiting.append(positions[at])
                tokens = int(window.lengths[at].sum())
                tokens_unsaved += tokens
                bar.update(tokens)
                if tokens_unsaved >= SAVE_EVERY:
                    keep()
                    tokens_unsaved = 0
            done += len(positions)
            tokens_done += here
    finally:  # also on Ctrl-C: finished vectors are cached
        keep()
        bar.close()


def windows(texts: Sequence[str], positions: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Divide `positions` into runs of a bounded number of texts and characters."""
    start, characters = 0, 0
    for block in range(0, len(positions), 1024):
        for number, text in enumerate(take(texts, positions[block : block + 1024]), block):
            if number > start and (number - start >= WINDOW_TEXTS or characters + len(text) > WINDOW_CHARACTERS):
                yield positions[start:number]
                start, characters = number, 0
            characters += len(text)
    yield positions[start:]
