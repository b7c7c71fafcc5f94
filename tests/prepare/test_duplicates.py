"""Near-copies against all pairs by brute force, connected_components against networkx."""

from __future__ import annotations

import itertools

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.prepare import near_pairs
from toolkit.prepare.splitting.groups import sharing
from toolkit.prepare.splitting.near_copies import connected_components
from toolkit.prepare.values import normal, shingles


def variants(seed: int) -> list[str]:
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
    texts = variants(seed=0)
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


@settings(deadline=None)
@given(st.text())
def test_normal_is_idempotent(text: str) -> None:
    """The words of the words are the words."""
    assert normal(normal(text)) == normal(text)


def test_equal_but_for_case_and_punctuation() -> None:
    """Case, spaces, punctuation and the way accents are coded do not count."""
    assert normal("  The_CAFE\u0301, (again)! ") == normal("the café again") == "the café again"


@pytest.mark.parametrize(("a", "b"), [("दिन", "दीन"), ("กำ", "กา"), ("சிறு", "சேறு"), ("e\u0301t", "et"), ("+", "-")])
def test_vowel_signs_and_accents_count(a: str, b: str) -> None:
    """Words that differ only in a vowel sign or an accent are different words."""
    assert normal(a) != normal(b)


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


@settings(deadline=None)
@given(st.integers(1, 12), st.data())
def test_components_equal_networkx(n: int, data: st.DataObject) -> None:
    """Rows share a label exactly where networkx finds them connected, also when edges repeat."""
    pair = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))
    edges = data.draw(st.lists(pair, max_size=12)) * data.draw(st.sampled_from([1, 128]))
    labels = connected_components(n, [np.array(edges, dtype=np.int64).reshape(-1, 2)])
    graph = networkx.Graph(edges)
    graph.add_nodes_from(range(n))
    ours = {frozenset(np.flatnonzero(labels == label).tolist()) for label in labels}
    assert ours == set(map(frozenset, networkx.connected_components(graph)))


@settings(deadline=None)
@given(st.lists(st.integers(0, 4)))
def test_sharing_joins_equal_values(values: list[int]) -> None:
    """Joined by `sharing`, rows share a component exactly where their values are equal."""
    labels = connected_components(len(values), [sharing(enumerate(values))]) if values else []
    assert all((labels[i] == labels[j]) == (values[i] == values[j])
               for i, j in itertools.combinations(range(len(values)), 2))  # fmt: skip
