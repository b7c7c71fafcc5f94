"""Search by keywords, the baseline that every embedding model has to beat."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.vectors.inputs import check_corpus, check_queries

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
    """Return the lower-cased words of a text; names such as ``read_csv`` or ``DataFrame`` are also split.

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
class BM25:
    """A corpus searched by keywords. Made by `bm25`.

    Attributes
    ----------
    corpus : mapping of document id to text
    language : str
        As passed to `bm25`.
    name : str
    index : bm25s.BM25
    ids : list of str
        Document ids, in the order of the index.
    stemmer : Stemmer.Stemmer or None
    english : bool
        Whether English stop words are dropped.
    """

    corpus: Mapping[str, str]
    language: str
    name: str
    index: Any
    ids: list[str]
    stemmer: Any
    english: bool

    @property
    def record(self) -> dict[str, Any]:
        """The language of the stemmer."""
        return {"kind": "bm25", "name": self.name, "language": self.language}

    def search(self, queries: Mapping[str, str], k: int = 10) -> dict[str, dict[str, float]]:
        """Rank the `k` best documents for each query: ``{query_id: {doc_id: score}}``.

        Documents that share no word with the query are left out; equal scores are ordered by place in the corpus.
        """
        check_queries(queries, k)
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


def bm25(corpus: Mapping[str, str], *, language: str = "english", name: str = "BM25") -> BM25:
    """Index a corpus for keyword search by BM25, with stemming and without stop words, using the library bm25s.

    Parameters
    ----------
    corpus : mapping of document id to text
    language : str
        Language of the Snowball stemmer: ``"german"`` or ``"de"``; stop words are dropped for English. The
        code of a language without a stemmer (``"zh"``) leaves the words as they are.
    name : str
        Name of the system in tables.

    Raises
    ------
    ValueError
        For an empty corpus, one without any word, or a language that Snowball does not know.
    """
    import bm25s
    import Stemmer

    snowball = STEMMERS.get(language, language)
    if snowball not in Stemmer.algorithms() and not re.fullmatch("[a-z]{2}", snowball):
        raise ValueError(f"no stemmer for {language!r}; expected one of {', '.join(Stemmer.algorithms())}")
    check_corpus(corpus)
    stemmer = Stemmer.Stemmer(snowball) if snowball in Stemmer.algorithms() else None
    terms = _terms(list(corpus.values()), stemmer, english=snowball == "english")
    if not any(terms):
        raise ValueError(f"none of the {len(corpus)} documents has a word to search for")
    index = bm25s.BM25()
    index.index(terms, show_progress=False)
    return BM25(corpus, language, name, index, list(corpus), stemmer, snowball == "english")


def _terms(texts: Sequence[str], stemmer: Any, *, english: bool) -> list[list[str]]:
    from bm25s.tokenization import STOPWORDS_EN

    dropped = set(STOPWORDS_EN) if english else set()
    kept = [[word for word in words(text) if word not in dropped] for text in texts]
    return kept if stemmer is None else [stemmer.stemWords(terms) for terms in kept]


def keyword_query(corpus: Mapping[str, str], *, n: int = 3, drop: Collection[str] = ()) -> Callable[[str], str]:
    """Return a function that shortens a query to its `n` rarest words, in order, as many people search.

    Parameters
    ----------
    corpus : mapping of document id to text
        Where word frequencies are counted; words that no document has come last.
    n : int
    drop : collection of str
        Words to leave out besides English stop words, in lower case, such as one that every search begins with.

    Examples
    --------
    >>> cut = keyword_query({"a": "the median of a series", "b": "the mean of a series"}, n=2)
    >>> cut("Return the rolling median of the series.")
    'median series'
    """
    from bm25s.tokenization import STOPWORDS_EN

    check_corpus(corpus)
    stop = {*STOPWORDS_EN, *drop}
    count = Counter(word for text in corpus.values() for word in set(re.findall(r"\w+", text.casefold())))

    def cut(text: str) -> str:
        found = list(dict.fromkeys(re.findall(r"\w+", text)))
        useful = [word for word in found if word.casefold() not in stop] or found
        rarest = sorted(useful, key=lambda word: count[word.casefold()] or len(corpus) + 1)[:n]
        return " ".join(word for word in useful if word in rarest) or text

    return cut
