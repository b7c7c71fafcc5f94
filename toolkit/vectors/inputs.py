"""Check and read texts, given as a list or a column of any table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

BLOCK = 65_536  # texts that are read at a time


def check_texts(texts: Sequence[str], *, allow_surrogates: bool = False) -> None:
    """Check that texts are a list or column of str, before long work starts.

    With `allow_surrogates`, texts may hold lone surrogates, halves of characters that no model can read.

    Raises
    ------
    ValueError
        For a single text, a table, a dict (their items are headings and keys), or an item that is not a str.

    Examples
    --------
    >>> check_texts({"q1": "reset my password"})
    Traceback (most recent call last):
    ...
    ValueError: expected a list of texts, got dict: for a table pass a column, table['text']; for a dict its values, ...
    """
    if isinstance(texts, (str, bytes)):
        raise ValueError(f"expected a list of texts, got a single {type(texts).__name__}: put it in a list, [text]")
    listlike = hasattr(texts, "__len__") and hasattr(texts, "__getitem__") and not isinstance(texts, Mapping)
    if not listlike or getattr(texts, "ndim", 1) != 1 or hasattr(texts, "column_names"):  # a table yields its headings
        raise ValueError(
            f"expected a list of texts, got {type(texts).__name__}: for a table pass a column, table['text']; for a "
            f"dict its values, list(texts.values()); otherwise list(texts)"
        )
    for number, text in enumerate(each(texts)):
        if not isinstance(text, str):
            raise ValueError(
                f"text {number} is {type(text).__name__} ({text!r:.60}), expected str: drop or fill missing ones first"
            )
        if not allow_surrogates and not text.isascii():
            with no_lone_surrogates(f"text {number}"):
                text.encode()


def each(texts: Sequence[str]) -> Iterator[str]:
    """Yield texts one by one, read in blocks: single items of a `datasets` column are slow."""
    for start in range(0, len(texts), BLOCK):
        yield from between(texts, start, start + BLOCK)


def between(texts: Sequence[str], start: int, stop: int) -> list[str]:
    """Return texts `start` to `stop` of any kind of column as a list."""
    return list(texts.iloc[start:stop] if hasattr(texts, "iloc") else texts[start:stop])


def take(texts: Sequence[str], positions: NDArray[np.intp]) -> list[str]:
    """Return the texts at `positions` of any kind of column as a list."""
    if isinstance(texts, (list, tuple)):
        return [texts[i] for i in positions]
    return list(texts.iloc[positions] if hasattr(texts, "iloc") else cast(Any, texts)[positions])


@contextmanager
def no_lone_surrogates(what: str = "a text") -> Iterator[None]:
    """Explain the error that is raised when a text with a lone surrogate is encoded."""
    try:
        yield
    except UnicodeEncodeError as error:
        part = error.object[max(0, error.start - 20) : error.end + 20]
        raise ValueError(
            f"{what} ({part!r}) holds half a character (a lone surrogate), which no model can read: use "
            f"text.encode('utf-8', 'replace').decode()"
        ) from None


def check_corpus(corpus: Any, expected: str = "a corpus {doc_id: text}") -> None:
    """Check that a corpus maps ids to texts and has at least one entry.

    Raises
    ------
    ValueError
        For anything else.
    """
    if not isinstance(corpus, Mapping):
        raise ValueError(f"expected {expected}, got {type(corpus).__name__}")
    if not corpus:
        raise ValueError(f"expected {expected} with at least one entry, got an empty one")
    wrong = next((name for name, text in corpus.items() if not isinstance(text, str)), None)
    if wrong is not None:
        raise ValueError(f"expected {expected}; the text of {wrong!r} is {type(corpus[wrong]).__name__}, not str")


def check_queries(queries: Any, k: int) -> None:
    """Check that queries map ids to texts (there may be none) and that `k` is at least 1."""
    if not isinstance(queries, Mapping) or queries:
        check_corpus(queries, "queries {query_id: text}")
    if k < 1:
        raise ValueError(f"expected k of at least 1, got {k}")
