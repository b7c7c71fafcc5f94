"""Texts that are nearly the same, and the groups that relations between rows make."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from toolkit.vectors.keywords import UNSPACED

NEAR = 0.7  # Jaccard similarity of word sets and word pairs from which two texts count as near-copies
# Accents and vowel signs belong to the letter before them. Scripts that set no spaces (Thai, Lao, Burmese, Khmer, kana,
# Chinese) give one word a letter, or a whole sentence would be one word and no sentence a near-copy of another.
_MARKS = "".join(chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code))[0] == "M")
_WORDS = re.compile(rf"(?=[^\W_])(?:[{UNSPACED}][{_MARKS}]*|[^\W_{UNSPACED}](?:[^\W_{UNSPACED}]|[{_MARKS}])*)")


def normal(text: str) -> str:
    """A text as its lower-case words: equal results mean equal texts but for case, spaces and punctuation.

    Examples
    --------
    >>> normal("Rolling  median, of a Series.")
    'rolling median of a series'
    """
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
    from rensa import RMinHash, RMinHashLSH

    if not 0.5 <= threshold <= 1:
        raise ValueError(f"expected a threshold between 0.5 and 1, got {threshold}")
    first: dict[str, int] = {}
    pairs: list[tuple[int, int]] = []
    for number, text in enumerate(texts):
        known = first.setdefault(normal(text), number)
        if known != number:
            pairs.append((known, number))
    distinct = np.fromiter(first.values(), dtype=np.int64, count=len(first))
    sets = [shingles(text) for text in first]
    index = RMinHashLSH(threshold=threshold, num_perm=128, num_bands=32)
    signatures = RMinHash.from_token_sets([sorted(words) for words in sets], 128, 42)
    for number, signature in enumerate(signatures):
        for other in index.query(signature):
            common = len(sets[number] & sets[other])
            if common and common >= threshold * (len(sets[number]) + len(sets[other]) - common):
                pairs.append((int(distinct[other]), int(distinct[number])))
        index.insert(number, signature)
    return np.array(sorted(pairs), dtype=np.int64).reshape(-1, 2)


def components(n: int, edges: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Label of the connected component of each of `n` rows; `edges` are arrays of row pairs.

    Examples
    --------
    >>> components(4, [np.array([[0, 2]])]).tolist()
    [0, 1, 0, 2]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    pairs = np.concatenate([np.empty((0, 2), dtype=np.int64), *edges])
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    labels = connected_components(graph, directed=False)[1]
    return np.asarray(labels, dtype=np.int64)


def same_value(values: Sequence[object]) -> NDArray[np.int64]:
    """Row pairs that join all rows of equal value: each with the first row that has it."""
    first: dict[object, int] = {}
    pairs = [(first.setdefault(value, row), row) for row, value in enumerate(values)]
    return np.array([pair for pair in pairs if pair[0] != pair[1]], dtype=np.int64).reshape(-1, 2)
