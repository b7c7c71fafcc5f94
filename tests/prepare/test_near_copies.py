"""Near-copies by bands, marks and sets against brute force and datasketch; links connect what all pairs connect."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.prepare.splitting import near_copies, near_pairs
from toolkit.prepare.splitting.near_copies import close_pairs, connected_components, overlapping
from toolkit.prepare.values import normal, shingles


def variants(seed: int, bases: int = 40, copies: int = 6, words: int = 300) -> list[str]:
    """Distinct sentences and copies of them with some words replaced."""
    rng = np.random.default_rng(seed)
    texts = []
    for _ in range(bases):
        base = rng.integers(0, words, size=rng.integers(1, 40))
        for changes in rng.integers(0, 6, size=copies):
            copy = base.copy()
            copy[rng.integers(0, len(copy), size=changes)] = rng.integers(0, words, size=changes)
            texts.append(" ".join(f"w{word}" for word in copy))
    return list(dict.fromkeys(texts))


def exact(texts: list[str], threshold: float) -> dict[tuple[int, int], float]:
    """All pairs of at least this similarity, compared one by one."""
    sets = [shingles(text) for text in texts]
    found = {(i, j): len(sets[i] & sets[j]) / max(1, len(sets[i] | sets[j])) for i, j in
             itertools.combinations(range(len(texts)), 2)}  # fmt: skip
    return {pair: value for pair, value in found.items() if value >= threshold}


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.7, 0.8, 0.9, 1.0]), st.booleans())
def test_pairs_equal_brute_force(seed: int, threshold: float, long: bool) -> None:
    """Each pair is right, and of those well above 0.7 none is missed; between, hardly any."""
    texts = variants(seed, bases=10 if long else 30, words=40 if long else 300)
    expected = exact(texts, threshold)
    found = set(map(tuple, overlapping(texts, threshold).tolist()))
    assert found <= set(expected)
    missed = [expected[pair] for pair in set(expected) - found]
    assert max(missed, default=0) < 0.78 and len(missed) <= max(1, 0.01 * len(expected))


def test_nothing_is_lost_by_the_marks_and_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small chunks, few held pairs and marks that let all pass give the same pairs."""
    texts = variants(1)
    whole = overlapping(texts, 0.7)
    monkeypatch.setattr(near_copies, "CHUNK", 7)
    monkeypatch.setattr(near_copies, "MAX_IN_MEMORY", 50)
    assert np.array_equal(overlapping(texts, 0.7), whole) and len(whole) > 50
    bands_and_bitmaps = near_copies._bands_and_bitmaps
    monkeypatch.setattr(near_copies, "_bands_and_bitmaps", lambda *given: (bands_and_bitmaps(*given)[0], np.uint64(0)))
    assert np.array_equal(overlapping(texts, 0.7), whole)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(0, 5), max_size=12), min_size=1, max_size=20))
def test_shingles_are_sorted_alike_for_few_and_many_words(texts: list[list[int]]) -> None:
    """Numbers too large for the short way give the same shingles, and both are the sets of the texts."""
    flat, sizes = np.array([w for text in texts for w in text], dtype=np.int64), np.array([len(text) for text in texts])
    codes, counts = near_copies._shingles(flat, sizes)
    large, same = near_copies._shingles(flat + 2**30 - 10, sizes)
    pair, mask = codes >> near_copies.BITS > 0, 2**near_copies.BITS - 1
    moved = (codes + (2**30 - 10)) + (np.where(pair, 2**30 - 10, 0) << near_copies.BITS)
    assert np.array_equal(moved, large) and np.array_equal(counts, same)
    for text, part in zip(texts, np.split(codes, counts.cumsum()[:-1]), strict=True):
        expected = {*text, *((a + 1 << near_copies.BITS) + b for a, b in itertools.pairwise(text))}
        assert part.tolist() == sorted(expected)
    assert (codes & mask <= 5).all()


@pytest.mark.parametrize("seed", range(3))
def test_pairs_equal_those_of_rensas_own_index(seed: int) -> None:
    """Asking rensa's index text by text, and checking each answer, gives the same pairs of a similarity from 0.8 up."""
    from rensa import RMinHash, RMinHashLSH

    texts = [normal(text) for text in variants(seed)]
    sets = [shingles(text) for text in texts]
    index = RMinHashLSH(threshold=0.7, num_perm=128, num_bands=32)
    expected = set()
    for number, signature in enumerate(RMinHash.from_token_sets([sorted(s) for s in sets], 128, 42)):
        for other in index.query(signature):
            if len(sets[number] & sets[other]) >= 0.8 * len(sets[number] | sets[other]):
                expected.add((other, number))
        index.insert(number, signature)
    assert set(map(tuple, overlapping(texts, 0.8).tolist())) == expected and expected


def test_pairs_equal_those_of_datasketch() -> None:
    """A second implementation of MinHash, its candidates checked in the same way, finds the same pairs from 0.8 up."""
    datasketch = pytest.importorskip("datasketch")
    texts = variants(5)
    index = datasketch.MinHashLSH(params=(32, 4), num_perm=128)
    found = set()
    for number, text in enumerate(texts):
        signature = datasketch.MinHash(num_perm=128)
        signature.update_batch([shingle.encode() for shingle in shingles(text)])
        found |= {(int(other), number) for other in index.query(signature)}
        index.insert(str(number), signature)
    similar = exact(texts, 0.8)
    assert similar and found & set(similar) == set(map(tuple, overlapping(texts, 0.8).tolist()))


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_links_connect_what_all_pairs_connect(seed: int) -> None:
    """Components are the same; where one sentence has hundreds of copies, far fewer pairs are looked at."""
    rng = np.random.default_rng(seed)
    copies = [f"your order {i} has been sent to the address that you gave us on the first of may" for i in range(200)]
    texts = [normal(text) for text in rng.permutation(variants(seed, bases=15) + copies)]
    every, some = overlapping(texts, 0.7), overlapping(texts, 0.7, links=True)
    assert set(map(tuple, some.tolist())) <= set(map(tuple, every.tolist()))
    assert np.array_equal(connected_components(len(texts), [every]), connected_components(len(texts), [some]))
    assert len(some) < 0.8 * len(every)


@pytest.mark.parametrize("boundary", [1, 30, 100])
def test_pairs_across_a_boundary(boundary: int) -> None:
    """Only pairs with one text on either side, and all of those."""
    texts = variants(2)
    whole = overlapping(texts, 0.7)
    expected = whole[(whole[:, 0] < boundary) & (whole[:, 1] >= boundary)]
    assert np.array_equal(overlapping(texts, 0.7, boundary=boundary), expected)


def test_too_little_memory_is_said_before_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """What would not fit is refused with the numbers and the way out."""
    monkeypatch.setattr(near_copies, "CHUNK", 10)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=10**6))
    with pytest.raises(MemoryError, match=r"231 texts .*\d+ GB of memory; 0 GB are free"):
        overlapping(variants(0), 0.7)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.5, 0.9, 0.999]), st.integers(1, 120))
def test_close_pairs_equal_a_matrix_of_all(seed: int, threshold: float, n: int) -> None:
    """Exact search finds the pairs of the whole matrix, also where hundreds of vectors are close to each other."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(n, 6)) * [5, 1, 1, 1, 1, 1]
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    matrix = vectors.astype(np.float64) @ vectors.T.astype(np.float64)
    wide = {(i, j) for i, j in np.argwhere(matrix >= threshold - 1e-5).tolist() if i < j}
    narrow = {(i, j) for i, j in np.argwhere(matrix >= threshold + 1e-5).tolist() if i < j}
    found = close_pairs(vectors, threshold)
    assert narrow <= set(map(tuple, found.tolist())) <= wide and (np.diff(found[:, 0]) >= 0).all()


def test_bad_cosine() -> None:
    """A cosine of 0 would call everything a copy."""
    with pytest.raises(ValueError, match="above 0 and up to 1, got 0"):
        close_pairs(np.eye(2, dtype=np.float32), 0)


def sentences(seed: int) -> list[str]:
    """Random sentences and copies of them with some words replaced: similarities of every size."""
    rng = np.random.default_rng(seed)
    texts = []
    for _ in range(60):
        words = rng.choice([f"w{i}" for i in range(300)], size=rng.integers(4, 40))
        for changes in rng.integers(0, 6, size=5):
            copy = words.copy()
            copy[rng.integers(0, len(copy), size=changes)] = rng.choice(words, size=changes)
            texts.append(" ".join(copy))
    return [texts[i] for i in rng.permutation(len(texts))]


def jaccard(a: str, b: str) -> float:
    """Overlap of words and word pairs, spelt out."""
    left, right = a.split(), b.split()
    one, two = ({*words, *itertools.pairwise(words)} for words in (left, right))
    return len(one & two) / len(one | two)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9, 1.0])
def test_near_pairs_equal_brute_force(threshold: float) -> None:
    """None below the threshold is reported; of those from 0.75 up none is missed, and hardly any in between."""
    texts = sentences(seed=0)
    firsts = {text: number for number, text in reversed(list(enumerate(texts)))}  # equal texts: the first
    similar = {
        (i, j): jaccard(texts[i], texts[j])
        for i, j in itertools.combinations(sorted(firsts.values()), 2)
        if jaccard(texts[i], texts[j]) >= threshold
    }
    equal = {(firsts[text], number) for number, text in enumerate(texts) if firsts[text] != number}
    found = set(map(tuple, near_pairs(texts, threshold).tolist()))
    assert equal and equal <= found and found - equal <= set(similar)
    missed = [similar[pair] for pair in set(similar) - found]
    assert max(missed, default=0) < 0.75 and len(missed) <= 0.15 * len(similar)


def test_near_pairs_of_few_texts() -> None:
    """No text, one text, texts without words."""
    assert near_pairs([]).shape == near_pairs(["one"]).shape == near_pairs(["", "?!", "+"]).shape == (0, 2)
    assert near_pairs(["", " ", "+", "+"]).tolist() == [[0, 1], [2, 3]]
    for threshold in (0.3, 1.5):
        with pytest.raises(ValueError, match=r"between 0\.5 and 1"):
            near_pairs(["a"], threshold)


@pytest.mark.parametrize(
    ("text", "copy", "other"),
    [
        ("今天天气很好我们去公园散步吧", "今天天气很好，我们去公园散步！", "这本书讲的是中国古代的历史"),
        ("วันนี้อากาศดีมากเราไปเดินเล่นกันเถอะ", "วันนี้อากาศดีมากเราไปเดินเล่นกัน", "หนังสือเล่มนี้เกี่ยวกับประวัติศาสตร์"),
    ],
)
def test_scripts_without_spaces(text: str, copy: str, other: str) -> None:
    """Near-copies are found where words are not set apart."""
    assert near_pairs([text, other, copy]).tolist() == [[0, 2]]
    assert len(shingles(text)) > 20
