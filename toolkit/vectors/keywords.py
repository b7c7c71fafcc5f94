"""Keyword search, the baseline that every embedding model has to beat."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

# ISO 639-1 codes of the languages that Snowball has a stemmer for.
STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish",
    "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "st": "sesotho", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
# Scripts that write no spaces: Thai, Lao, Khmer, Burmese, kana, Chinese characters. Korean has spaces.
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_RUN = re.compile(f"[{UNSPACED}]+")


def words(text: str) -> list[str]:
    """Lower-cased words of a text; names such as ``read_csv`` or ``DataFrame`` also as their parts.

    Scripts without spaces are cut into pairs of neighbouring characters, as Lucene's CJK analyzer does.

    Examples
    --------
    >>> words("DataFrame.read_csv, 2 rows")
    ['dataframe', 'data', 'frame', 'read_csv', 'read', 'csv', 'rows']
    >>> words("東京都 Tower")
    ['東京', '京都', 'tower']
    """
    found: list[str] = []
    for run in _RUN.findall(text):
        found += [run[at : at + 2] for at in range(max(1, len(run) - 1))]
    for token in re.findall(r"\w\w+", _RUN.sub(" ", text)):
        found.append(token.lower())
        pieces = re.findall(r"[A-Z]?[^\W\dA-Z_]+|[A-Z]+(?![^\W\dA-Z_])|\d+", token)
        if len(pieces) > 1:
            found += [piece.lower() for piece in pieces if len(piece) > 1]
    return found


@dataclass(frozen=True)
class Retriever:
    """A BM25 index over a corpus. Made by `bm25`.

    Attributes
    ----------
    index : bm25s.BM25
    ids : list of str
        Document ids, in the order of the index.
    stemmer : Stemmer.Stemmer or None
    english : bool
        Whether English stop words are dropped.
    """

    index: Any
    ids: list[str]
    stemmer: Any
    english: bool

    def search(self, queries: Mapping[str, str], k: int = 10) -> dict[str, dict[str, float]]:
        """Rank the `k` best documents for each query: ``{query_id: {doc_id: score}}``.

        Documents that share no word with the query are left out; equal scores are ordered by place in the corpus.
        """
        _check(queries, "queries {query_id: text}")
        ranking: dict[str, dict[str, float]] = {}
        for name, text in queries.items():
            terms = _terms([text], self.stemmer, english=self.english)[0]
            if not terms:
                ranking[name] = {}
                continue
            scores = self.index.get_scores(terms)
            best = np.argsort(-scores, kind="stable")[:k]
            ranking[name] = {self.ids[i]: float(scores[i]) for i in best if scores[i] > 0}
        return ranking


def bm25(corpus: Mapping[str, str], *, language: str = "english") -> Retriever:
    """Index a corpus for keyword search by BM25, with stemming and without stop words, by the library bm25s.

    Parameters
    ----------
    corpus : mapping of document id to text
    language : str
        Language of the Snowball stemmer, as ``"german"`` or ``"de"``; stop words are dropped for English. The two
        letters of a language without a stemmer (``"zh"``) leave the words as they are.

    Raises
    ------
    ValueError
        For an empty corpus, one without any word, or a language that Snowball does not know.
    """
    import bm25s
    import Stemmer

    language = STEMMERS.get(language, language)
    if language not in Stemmer.algorithms() and not re.fullmatch("[a-z]{2}", language):
        raise ValueError(f"no stemmer for {language!r}; expected one of {', '.join(Stemmer.algorithms())}")
    _check(corpus, "a corpus {doc_id: text}")
    if not corpus:
        raise ValueError("expected a corpus with at least one document, got an empty one")
    stemmer = Stemmer.Stemmer(language) if language in Stemmer.algorithms() else None
    terms = _terms(list(corpus.values()), stemmer, english=language == "english")
    if not any(terms):
        raise ValueError(f"none of the {len(corpus)} documents has a word to search for")
    index = bm25s.BM25()
    index.index(terms, show_progress=False)
    return Retriever(index, list(corpus), stemmer, language == "english")


def _check(texts: Any, expected: str) -> None:
    if not isinstance(texts, Mapping):
        raise ValueError(f"expected {expected}, got {type(texts).__name__}")
    wrong = next((name for name, text in texts.items() if not isinstance(text, str)), None)
    if wrong is not None:
        raise ValueError(f"expected {expected}; the text of {wrong!r} is {type(texts[wrong]).__name__}, not str")


def _terms(texts: Sequence[str], stemmer: Any, *, english: bool) -> list[list[str]]:
    from bm25s.tokenization import STOPWORDS_EN

    dropped = set(STOPWORDS_EN) if english else set()
    kept = [[word for word in words(text) if word not in dropped] for text in texts]
    return kept if stemmer is None else [stemmer.stemWords(terms) for terms in kept]


def keyword_query(corpus: Mapping[str, str], *, n: int = 3) -> Callable[[str], str]:
    """A function that cuts a search to its `n` rarest words, in their order: how many people really type.

    Parameters
    ----------
    corpus : mapping of document id to text
        Where rarity is counted; words that no document has are taken last.
    n : int

    Examples
    --------
    >>> cut = keyword_query({"a": "the median of a series", "b": "the mean of a series"}, n=2)
    >>> cut("Return the rolling median of the series.")
    'median series'
    """
    from bm25s.tokenization import STOPWORDS_EN

    _check(corpus, "a corpus {doc_id: text}")
    stop = {*STOPWORDS_EN, "return", "returns"}
    count = Counter(word for text in corpus.values() for word in set(re.findall(r"\w+", text.casefold())))

    def cut(text: str) -> str:
        found = list(dict.fromkeys(re.findall(r"\w+", text)))
        useful = [word for word in found if word.casefold() not in stop] or found
        rarest = sorted(useful, key=lambda word: count[word.casefold()] or len(corpus) + 1)[:n]
        return " ".join(word for word in useful if word in rarest) or text

    return cut
