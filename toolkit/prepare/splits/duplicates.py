"""Texts that are nearly the same, and the groups that relations between rows make."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from toolkit.prepare.splits.overlaps import overlapping
from toolkit.vectors.inputs import check_texts, each
from toolkit.vectors.keywords import UNSPACED

NEAR = 0.7  # Jaccard similarity of word sets and word pairs from which two texts count as near-copies
CLOSE = 0.95  # cosine from which two texts count as near-copies by their vectors; see benchmarks/leakage.md
# Accents and vowel signs belong to the letter before them. Scripts that set no spaces (Thai, Lao, Burmese, Khmer, kana,
# Chinese) give one word a letter, or a whole sentence would be one word and no sentence a near-copy of another.
_MARKS = "".join(chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code))[0] == "M")
_WORDS = re.compile(rf"(?=[^\W_])(?:[{UNSPACED}][{_MARKS}]*|[^\W_{UNSPACED}](?:[^\W_{UNSPACED}]|[{_MARKS}])*)")

_ASCII = {code: " " for code in range(128) if not chr(code).isalnum()}


def normal(text: str) -> str:
    """A text as its lower-case words: equal results mean equal texts but for case, spaces and punctuation.

    Examples
    --------
    >>> normal("Rolling  median, of a Series.")
    'rolling median of a series'
    """
    if text.isascii():  # the same, ten times as fast
        return " ".join(text.lower().translate(_ASCII).split()) or text.strip()
    return " ".join(_WORDS.findall(unicodedata.normalize("NFC", text.casefold()))) or text.strip()


def shingles(text: str) -> set[str]:
    """The words of a text and its pairs of neighbouring words."""
    words = normal(text).split()
    return {*words, *(f"{a} {b}" for a, b in pairwise(words))}


def near_pairs(texts: Sequence[str], threshold: float = NEAR) -> NDArray[np.int64]:
    """Pairs of texts whose shingles overlap by at least `threshold` (Jaccard similarity).

    Candidates come from MinHash signatures in a locality-sensitive index (A. Broder, 1997; library rensa), so the time
    grows with the number of texts and not with its square; each candidate is then checked exactly. With 32 bands of
    4 values a pair of similarity 0.7 is missed once in 5,000, one of 0.5 once in 8.

    Parameters
    ----------
    texts : sequence of str
    threshold : float
        Between 0.5 and 1.

    Returns
    -------
    array of shape (pairs, 2), int64
        Row numbers i < j. Of a set of equal texts each is paired with the first only.

    Examples
    --------
    >>> near_pairs(["the rolling median of a series", "the rolling median of a Series!", "read a file"]).tolist()
    [[0, 1]]
    """
    if not 0.5 <= threshold <= 1:
        raise ValueError(f"expected a threshold between 0.5 and 1, got {threshold}")
    check_texts(texts, halves=True)
    keys, number_of, first = distinct(each(texts))
    rows = np.arange(len(number_of), dtype=np.int64)
    equal = np.stack([first[number_of], rows], axis=1)[first[number_of] != rows]
    pairs = np.concatenate([equal, first[overlapping(keys, threshold)].reshape(-1, 2)])
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def distinct(texts: Iterable[str]) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """The distinct `normal` texts in order, the number of its like for each text, and the first row of each.

    Examples
    --------
    >>> keys, number_of, first = distinct(["A file", "b", "a file!"])
    >>> keys, number_of.tolist(), first.tolist()
    (['a file', 'b'], [0, 1, 0], [0, 1])
    """
    numbers: dict[str, int] = {}
    number_of = np.array([numbers.setdefault(normal(text), len(numbers)) for text in texts], dtype=np.int64)
    first = np.unique(number_of, return_index=True)[1]  # numbers are given in the order of their first rows
    return list(numbers), number_of, first.astype(np.int64)


def close_pairs(vectors: NDArray[np.float32], threshold: float = CLOSE) -> NDArray[np.int64]:
    """Pairs of vectors with a cosine of at least `threshold`, by exact search.

    Every vector is compared with every other, block by block: the time grows with the square of their number. What a
    threshold finds and what it misses differs by model; `benchmarks/leakage.md` has it for duplicate questions.

    Parameters
    ----------
    vectors : array of shape (n, dim), float32
        Rows of unit length.
    threshold : float
        Above 0, up to 1.

    Returns
    -------
    array of shape (pairs, 2), int64
        Row numbers i < j, sorted.

    Examples
    --------
    >>> close_pairs(np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32), threshold=0.7).tolist()
    [[1, 2]]
    """
    from toolkit.vectors import nearest

    if not 0 < threshold <= 1:
        raise ValueError(f"expected a threshold above 0 and up to 1, got {threshold}")
    n, k = len(vectors), 8
    pending = np.arange(n)
    found = [np.empty((0, 2), dtype=np.int64)]
    while len(pending):
        full = []
        for start in range(0, len(pending), 8192):
            rows = pending[start : start + 8192]
            scores, ids = nearest(vectors[rows], vectors, k)
            places = np.nonzero(scores >= threshold)
            found.append(np.sort(np.stack([rows[places[0]], ids[places]], axis=1), axis=1))
            full.append(rows[(scores[:, -1] >= threshold) & (k < n)])
        pending, k = np.concatenate(full), 8 * k  # rows whose list was full of near-copies may have more
    pairs = np.unique(np.concatenate(found), axis=0)
    return pairs[pairs[:, 0] < pairs[:, 1]]
