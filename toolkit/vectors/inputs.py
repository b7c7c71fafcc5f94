"""Texts as they come: a list, or a column of any table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

BLOCK = 65_536  # texts that are read at a time


def check_texts(texts: Sequence[str], *, halves: bool = False) -> None:
    """Refuse what is no list of texts, before the long work starts; with `halves` let halves of characters pass.

    Raises
    ------
    ValueError
        For a single text, a table or a dict, which would give their headings, and an item that is no text.

    Examples
    --------
    >>> check_texts({"q1": "reset my password"})
    Traceback (most recent call last):
    ...
    ValueError: expected a list of texts, got dict: of a table give one column, table['text']; of a dict its values, ...
    """
    if isinstance(texts, (str, bytes)):
        raise ValueError(f"expected a list of texts, got a single {type(texts).__name__}: put it in a list, [text]")
    listlike = hasattr(texts, "__len__") and hasattr(texts, "__getitem__") and not isinstance(texts, Mapping)
    if not listlike or getattr(texts, "ndim", 1) != 1 or hasattr(texts, "column_names"):  # a table gives its headings
        raise ValueError(
            f"expected a list of texts, got {type(texts).__name__}: of a table give one column, table['text']; of a "
            f"dict its values, list(texts.values()); of anything else list(texts)"
        )
    for number, text in enumerate(each(texts)):
        if not isinstance(text, str):
            raise ValueError(
                f"text {number} is {type(text).__name__} ({text!r:.60}), expected str: drop or fill missing ones first"
            )
        if not halves and not text.isascii():
            with whole_characters(f"text {number}"):
                text.encode()


def each(texts: Sequence[str]) -> Iterator[str]:
    """The texts one by one, read in blocks: single items of a `datasets` column are slow."""
    for start in range(0, len(texts), BLOCK):
        yield from between(texts, start, start + BLOCK)


def between(texts: Sequence[str], start: int, stop: int) -> list[str]:
    """Texts `start` to `stop` as a list, whatever kind of column it is."""
    return list(texts.iloc[start:stop] if hasattr(texts, "iloc") else texts[start:stop])


@contextmanager
def whole_characters(what: str = "a text") -> Iterator[None]:
    """Say in words that a text holds half a character, where one is written or sent on."""
    try:
        yield
    except UnicodeEncodeError as error:
        part = error.object[max(0, error.start - 20) : error.end + 20]
        raise ValueError(
            f"{what} ({part!r}) holds half a character (a lone surrogate), which no model can read: give "
            f"text.encode('utf-8', 'replace').decode()"
        ) from None
