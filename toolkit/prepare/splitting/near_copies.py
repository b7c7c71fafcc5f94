"""Find near-copies among many texts, by words (MinHash bands and an exact check) or by vectors."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csgraph, csr_array

from toolkit.prepare.values import distinct
from toolkit.vectors import nearest
from toolkit.vectors.inputs import check_texts, each

NEAR = 0.7  # Jaccard similarity of words and word pairs above which two texts are near-copies
CLOSE = 0.95  # cosine above which two texts are near-copies by their vectors; see benchmarks/leakage.md
BANDS, WIDTH, SEED = 32, 4, 42
CHUNK = 32_768  # texts whose signatures are made at a time
BITS = 31  # bits per word number: a pair of words is a 62-bit number
MAX_IN_MEMORY = 16_000_000  # candidate pairs, or set elements, in memory at a time
# Odd numbers of 64 random bits, which make one 64-bit key of a band of four 32-bit values. Equal bands have equal keys;
# a collision only costs one more check, since every candidate is checked.
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F], dtype=np.uint64)

Pairs = NDArray[np.int64]


def near_pairs(texts: Sequence[str], threshold: float = NEAR) -> NDArray[np.int64]:
    """Find pairs of near-copies: texts whose words and pairs of neighbouring words overlap (Jaccard similarity).

    Candidates come from MinHash signatures in a locality-sensitive index (A. Broder, 1997; library rensa), so the time
    grows with the number of texts and not with its square; each candidate is then checked exactly. With 32 bands of
    4 values a pair of similarity 0.7 is missed once in 5,000, one of 0.5 once in 8.

    Parameters
    ----------
    texts : sequence of str
    threshold : float
        Minimum similarity, from 0.5 to 1.

    Returns
    -------
    array of shape (pairs, 2), int64
        Row numbers i < j, sorted. Of equal texts each is paired with the first only.

    Raises
    ------
    ValueError
        For a threshold out of range, or texts that are not a list of str.
    MemoryError
        When the search would need more memory than the machine has free.

    Examples
    --------
    >>> near_pairs(["the rolling median of a series", "the rolling median of a Series!", "read a file"]).tolist()
    [[0, 1]]
    """
    if not 0.5 <= threshold <= 1:
        raise ValueError(f"expected a threshold between 0.5 and 1, got {threshold}")
    check_texts(texts, allow_surrogates=True)
    keys, number_of, first = distinct(each(texts))
    rows = np.arange(len(number_of), dtype=np.int64)
    equal = np.stack([first[number_of], rows], axis=1)[first[number_of] != rows]
    pairs = np.concatenate([equal, first[overlapping(keys, threshold)].reshape(-1, 2)])
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def close_pairs(vectors: NDArray[np.float32], threshold: float = CLOSE) -> NDArray[np.int64]:
    """Find pairs of vectors with a cosine of at least `threshold`, by exact search.

    Every vector is compared with every other, so the time grows with the square of their number. What a threshold finds
    and misses differs by model; `benchmarks/leakage.md` has the figures for duplicate questions.

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


def connected_components(n: int, edges: Iterable[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Label each of `n` items with its connected component; `edges` are arrays of item pairs.

    Examples
    --------
    >>> connected_components(4, [np.array([[0, 2]])]).tolist()
    [0, 1, 0, 2]
    """
    pairs = np.concatenate([np.empty((0, 2), dtype=np.int64), *edges])
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    labels = csgraph.connected_components(graph, directed=False)[1]
    return np.asarray(labels, dtype=np.int64)


def overlapping(keys: Sequence[str], threshold: float, *, boundary: int = 0, links: bool = False) -> Pairs:
    """Find near-copies among distinct texts, as `near_pairs` does.

    Parameters
    ----------
    keys : sequence of str
        Distinct texts in their normal form.
    threshold : float
    boundary : int
        If above 0, only pairs of a text before this position and one at or after it.
    links : bool
        Return only enough pairs for the same connected components: much faster if many texts are alike.

    Returns
    -------
    array of shape (pairs, 2), int64
        Row numbers i < j, sorted.
    """
    sets, bands, marks = _sets_and_bands(keys)
    found: list[Pairs] = [np.empty((0, 2), dtype=np.int64)]
    for pairs in _candidates(bands, np.diff(sets.indptr), marks, threshold, boundary, found if links else None):
        if links:
            label = connected_components(len(keys), found)
            pairs = pairs[label[pairs[:, 0]] != label[pairs[:, 1]]]
        found.append(_verify(sets, pairs, threshold))
    return _ordered(np.concatenate(found), len(keys))


def _sets_and_bands(keys: Sequence[str]) -> tuple[csr_array, NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the shingles of each text as a sorted row of numbers, its keys by band (bands, texts), and its marks."""
    from rensa import RMinHash

    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    words = np.empty(0, dtype=np.uint64)
    bands, marks = np.empty((BANDS, len(keys)), dtype=np.uint64), np.empty(len(keys), dtype=np.uint64)
    codes, lengths = [], []
    for start in range(0, len(keys), CHUNK):
        flat, sizes = array("I"), []
        for key in keys[start : start + CHUNK]:
            before = len(flat)
            flat.extend(map(numbers.__getitem__, key.split()))
            sizes.append(len(flat) - before)
        fresh = RMinHash.hash_token_sets([list(islice(numbers, len(words), None))])[0]
        words = np.concatenate([words, np.array(fresh, dtype=np.uint64)])
        part, counts = _shingles(np.frombuffer(flat, dtype=np.uint32).astype(np.int64), np.array(sizes))
        block = slice(start, start + len(sizes))
        bands[:, block], marks[block] = _bands_and_bitmaps(part, counts, words)
        codes.append(part)
        lengths.append(counts)
        if start == 0:
            _check_memory(len(keys), len(part) / len(sizes))
    rows = np.concatenate([[0], *lengths]).cumsum()
    elements = np.concatenate(codes) if codes else np.empty(0, dtype=np.int64)
    shape = (len(keys), 2**62)
    return csr_array((np.ones(len(elements), dtype=np.int8), elements, rows), shape=shape), bands, marks


def _shingles(words: NDArray[np.int64], sizes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return a number for each distinct word and pair of neighbours of each text, ascending, and how many there are."""
    row = np.repeat(np.arange(len(sizes)), sizes)
    inside = row[1:] == row[:-1]
    rows = np.concatenate([row, row[1:][inside]])
    first = np.concatenate([np.zeros_like(words), words[:-1][inside] + 1])  # 0: a word without a neighbour
    second = np.concatenate([words, words[1:][inside]])
    bits = int(words.max(initial=0) + 1).bit_length()
    if len(sizes).bit_length() + 2 * bits < 64:  # row and words in one number: sorted many times faster than two keys
        packed = np.sort(rows << 2 * bits | first << bits | second)
        rows, first, second = packed >> 2 * bits, packed >> bits & 2**bits - 1, packed & 2**bits - 1
    else:
        order = np.lexsort((second, first, rows))
        rows, first, second = rows[order], first[order], second[order]
    codes = first << BITS | second
    new = np.ones(len(codes), dtype=bool)
    new[1:] = (rows[1:] != rows[:-1]) | (codes[1:] != codes[:-1])
    return codes[new], np.bincount(rows[new], minlength=len(sizes))


def _bands_and_bitmaps(
    codes: NDArray[np.int64], counts: NDArray[np.int64], words: NDArray[np.uint64]
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the MinHash bands of each text (bands, texts), and its 64-bit mark.

    A bit of a mark is set where an odd number of shingles fall on it. Two sets that differ in d shingles have marks
    that differ in at most d bits (E. Sandes, G. Teodoro and A. Melo, "Bitmap filter: speeding up exact set similarity
    joins with bitwise operations", 2020).
    """
    from rensa import RMinHash

    first, second = codes >> BITS, words[codes & 2**BITS - 1]
    mixed = words[first - 1] * _MIX[0] ^ (second * _MIX[1])
    mixed = (mixed ^ mixed >> np.uint64(33)) * _MIX[0]
    hashes = np.where(first > 0, mixed ^ mixed >> np.uint64(29), second)

    offsets = np.concatenate([[0], counts.cumsum()]).astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(hashes, offsets, BANDS * WIDTH, SEED)
    flat = array("I", chain.from_iterable(matrix.to_rows()))
    values = np.frombuffer(flat, dtype=np.uint32).view(np.uint64).reshape(len(counts), BANDS, 2)

    marks = np.zeros(len(counts), dtype=np.uint64)
    starts = (counts.cumsum() - counts)[counts > 0]
    if len(starts):
        marks[counts > 0] = np.bitwise_xor.reduceat(np.uint64(1) << (hashes >> np.uint64(58)), starts)
    return (values * _MIX).sum(axis=2, dtype=np.uint64).T, marks


def _candidates(
    bands: NDArray[np.uint64],
    size: NDArray[np.int64],
    marks: NDArray[np.uint64],
    threshold: float,
    boundary: int,
    found: list[Pairs] | None,
) -> Iterator[Pairs]:
    """Yield pairs i < j that agree in a band and may be near-copies by their marks; some come more than once.

    With `found`, in which the caller collects links, buckets whose texts are all connected already are left out.
    """
    n = len(size)
    most = (1 - threshold) / (1 + threshold)  # share of the shingles of two texts that may be in one of them only
    held: list[Pairs] = []
    count = 0
    for keys in bands:
        order = keys.argsort(kind="stable")
        keys = keys[order]
        bucket = np.concatenate([[0], np.cumsum(keys[1:] != keys[:-1])])[:n]
        sizes, bits = size[order].astype(np.float64), marks[order]  # neighbours in memory: faster than by pairs
        first, gap = np.arange(n), 0
        while len(first):
            gap += 1
            first = first[first + gap < n]
            first = first[bucket[first] == bucket[first + gap]]
            other = first + gap
            alike = np.bitwise_count(bits[first] ^ bits[other]) <= most * (sizes[first] + sizes[other]) + 1e-9
            pairs = np.sort(np.stack([order[first[alike]], order[other[alike]]], axis=1), axis=1)
            if boundary:
                pairs = pairs[(pairs[:, 0] < boundary) & (pairs[:, 1] >= boundary)]
            held.append(pairs)
            count += len(pairs)
            look = found is not None and gap >= 64 and gap & (gap - 1) == 0  # at gaps of 64, 128, 256, ...
            if count > MAX_IN_MEMORY or (look and count):
                yield _ordered(np.concatenate(held), n)
                held, count = [], 0
            if look and found is not None:
                label = connected_components(n, found)[order]
                mixed = np.zeros(bucket[-1] + 1, dtype=bool)
                mixed[bucket[1:][(bucket[1:] == bucket[:-1]) & (label[1:] != label[:-1])]] = True
                first = first[mixed[bucket[first]]]
    if count:
        yield _ordered(np.concatenate(held), n)


def _ordered(pairs: Pairs, n: int) -> Pairs:
    """Return distinct pairs, sorted; np.unique uses a hash table, which is many times slower here."""
    codes = np.sort(pairs[:, 0] * n + pairs[:, 1])
    codes = codes[np.concatenate([[True], codes[1:] != codes[:-1]])[: len(codes)]]
    return np.stack([codes // max(n, 1), codes % max(n, 1)], axis=1)


def _verify(sets: csr_array, pairs: Pairs, threshold: float) -> Pairs:
    """Keep the pairs whose sets overlap by at least `threshold`, counted exactly."""
    size = np.diff(sets.indptr)
    left, right = size[pairs[:, 0]], size[pairs[:, 1]]
    pairs = pairs[np.minimum(left, right) >= threshold * np.maximum(left, right)]  # others cannot reach it
    work = np.cumsum(size[pairs].sum(axis=1))
    kept = [np.empty((0, 2), dtype=np.int64)]
    for part in np.split(
        pairs, np.searchsorted(work, np.arange(MAX_IN_MEMORY, work[-1] if len(work) else 0, MAX_IN_MEMORY))
    ):
        a, b = part.T
        common = np.diff(sets[a].multiply(sets[b]).tocsr().indptr)
        kept.append(part[(common > 0) & (common >= threshold * (size[a] + size[b] - common))])
    return np.concatenate(kept)


def _check_memory(n: int, shingles: float) -> None:
    """Raise if a search would not fit into memory, estimated from the shingles of the first texts."""
    import psutil

    needed = n * (8 * BANDS + 24 * shingles + 100) + 400 * MAX_IN_MEMORY / 4
    free = psutil.virtual_memory().available
    if n > CHUNK and needed > free:
        raise MemoryError(
            f"finding near-copies among {n:,} texts needs about {needed / 1e9:.0f} GB of memory; {free / 1e9:.0f} GB "
            f"are free: take a sample (limit=), or pass your own groups=, which needs no such search"
        )
