"""BM25 against its formula, and searches cut to their rarest words."""

from __future__ import annotations

import math
from typing import Any

import pytest
import Stemmer

from toolkit.vectors import bm25, keyword_query
from toolkit.vectors.keywords import words

CORPUS = {
    "d1": "The cat sat on the mat; cats like mats.",
    "d2": "Dogs chase cats, and a dog barks at every cat.",
    "d3": "read_csv reads a comma separated file into a DataFrame",
    "d4": "running runners run in the long long long race of the year",
    "d5": "the of and",
}


def by_formula(query: str, k1: float = 1.5, b: float = 0.75) -> dict[str, float]:
    """BM25 as in Lucene: idf ln(1 + (N - n + 1/2) / (n + 1/2)), tf / (tf + k1 (1 - b + b len / mean len))."""
    from bm25s.tokenization import STOPWORDS_EN

    stem = Stemmer.Stemmer("english").stemWords
    terms = {name: stem([w for w in words(text) if w not in STOPWORDS_EN]) for name, text in CORPUS.items()}
    mean = sum(map(len, terms.values())) / len(terms)
    scores = dict.fromkeys(CORPUS, 0.0)
    for term in stem([w for w in words(query) if w not in STOPWORDS_EN]):
        n = sum(term in found for found in terms.values())
        for name, found in terms.items():
            tf = found.count(term)
            idf = math.log(1 + (len(terms) - n + 0.5) / (n + 0.5))
            scores[name] += idf * tf / (tf + k1 * (1 - b + b * len(found) / mean)) if tf else 0.0
    return {name: score for name, score in scores.items() if score > 0}


@pytest.mark.parametrize(
    "query", ["cat", "the cats and dogs", "long run", "cat cat dog", "DataFrame from csv", "frame unknownword"]
)
def test_scores_are_those_of_the_formula(query: str) -> None:
    """Every score equals a plain computation, best first, and documents without a word of the query are absent."""
    found = bm25(CORPUS).search({"q": query})["q"]
    assert found == pytest.approx(by_formula(query), rel=1e-5)
    assert list(found.values()) == sorted(found.values(), reverse=True) and found


def test_k_and_ties() -> None:
    """At most k documents; equal scores are ordered by place in the corpus."""
    same = {f"d{i}": "red fox" for i in range(20)} | {"last": "blue whale"}
    assert list(bm25(same).search({"q": "fox"}, k=3)["q"]) == ["d0", "d1", "d2"]
    assert len(bm25(same).search({"q": "fox"}, k=100)["q"]) == 20


def test_queries_without_a_known_word() -> None:
    """Unknown words, stop words, signs and the empty query find nothing, and no query is dropped."""
    queries = {"a": "zebra", "b": "the of", "c": "?! ...", "d": "", "e": "\ud800"}
    assert bm25(CORPUS).search(queries) == {name: {} for name in queries}


def test_language() -> None:
    """The stemmer is that of the language, and stop words are dropped for English alone."""
    german = bm25({"a": "die Katzen schlafen", "b": "the dog"}, language="german")
    assert list(german.search({"q": "Katze", "r": "the"})["q"]) == ["a"]
    assert list(german.search({"r": "the"})["r"]) == ["b"]
    with pytest.raises(ValueError, match="no stemmer for 'klingon'; expected one of .*german"):
        bm25(CORPUS, language="klingon")


@pytest.mark.parametrize(
    ("corpus", "message"),
    [
        ({}, "got an empty one"),
        ({"a": "?", "b": "the"}, "none of the 2 documents"),
        (["a"], "got list"),
        ({"a": None}, "the text of 'a' is NoneType"),
        (None, "got NoneType"),
    ],
)
def test_bad_corpus(corpus: Any, message: str) -> None:
    """What is no corpus, or one without words, is refused; so are bad queries."""
    with pytest.raises(ValueError, match=message):
        bm25(corpus)
    for wrong in ("fox", ["fox"], {"q": None}):
        with pytest.raises(ValueError, match="expected queries"):
            bm25(CORPUS).search(wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("DataFrame.read_csv", ["dataframe", "data", "frame", "read_csv", "read", "csv"]),
        ("HTTPServer x2 snake_case_9", ["httpserver", "http", "server", "x2", "snake_case_9", "snake", "case"]),
        ("Größe Äpfel 東京", ["東京", "größe", "äpfel"]),
        ("a b c", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    """Names are kept whole and in parts, in any script."""
    assert words(text) == expected


def test_keyword_query() -> None:
    """The rarest words are kept, in their order; a text of stop words alone stays as it is."""
    corpus = {str(i): "series of values" for i in range(9)} | {"m": "rolling median of values"}
    cut = keyword_query(corpus, n=2)
    assert cut("Return the values of the rolling median of a Series") == "rolling median"
    assert cut("unheard values of the median") == "values median"  # a word that no document has comes last
    assert cut("?!") == "?!" and cut("") == ""
    assert len(keyword_query(corpus, n=1)("rolling median values").split()) == 1
    with pytest.raises(ValueError, match="got list"):
        keyword_query(["a"])  # type: ignore[arg-type]


def test_languages_by_code_and_without_a_stemmer() -> None:
    """A code names its stemmer; a language that has none keeps its words; every name of ours exists."""
    from toolkit.vectors.keywords import STEMMERS

    assert set(STEMMERS.values()) <= set(Stemmer.algorithms())
    corpus = {"a": "Die Häuser der Stadt", "b": "Ein Baum"}
    assert list(bm25(corpus, language="de").search({"q": "haus"})["q"]) == ["a"]
    assert bm25(corpus, language="de").search({"q": "haus"}) == bm25(corpus, language="german").search({"q": "haus"})
    assert bm25(corpus, language="zz").search({"q": "haus"})["q"] == {}
    assert list(bm25(corpus, language="zz").search({"q": "häuser"})["q"]) == ["a"]


def test_scripts_without_spaces_are_found() -> None:
    """Chinese, Japanese and Thai texts are found by a part of their sentence."""
    corpus = {
        "zh": "我想取消我的订单",
        "ja": "荷物はどこにありますか",
        "th": "ฉันต้องการยกเลิกคำสั่งซื้อ",
        "en": "Where is it",
    }
    for name, query in (("zh", "取消订单"), ("ja", "荷物はどこ"), ("th", "ยกเลิกคำสั่ง")):
        assert next(iter(bm25(corpus, language="zh").search({"q": query})["q"])) == name
