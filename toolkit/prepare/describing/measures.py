"""What `toolkit.prepare.describe` counts, each a plain function from texts to a table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from toolkit.prepare.splitting.near_copies import near_pairs
from toolkit.prepare.values import normal
from toolkit.vectors.keywords import UNSPACED

LOOK = 5_000  # texts of a column that are looked at for near-copies, tokens and words
LONGEST = 20_000  # characters of a text that are looked at; the tokens of the rest are reckoned from these
MANY_PIECES = 4  # word pieces from which a word counts as broken
BINS = 30

_SIGN = re.compile(f"[{UNSPACED}]")
_EDGE = re.compile(r"^\W+|\W+$")


def sample(texts: Sequence[str], n: int = LOOK) -> list[str]:
    """At most `n` of the texts, drawn with seed 0, in their order."""
    if len(texts) <= n:
        return list(texts)
    drawn = np.sort(np.random.default_rng(0).choice(len(texts), n, replace=False))
    return [texts[place] for place in drawn.tolist()]


def texts_of(frame: pd.DataFrame, column: str) -> pd.Series:
    """The texts of a column without white space at the ends; a missing one is empty."""
    return frame[column].map(lambda value: value.strip() if isinstance(value, str) else "").astype(object)


def near_share(texts: Sequence[str]) -> float:
    """Share of the different texts of a sample that are near-copies of another of them, 0 to 1.

    Examples
    --------
    >>> near_share(["compute the rolling median of a series", "the rolling median of a series", "read it", "x y"])
    0.5
    """
    looked = sample(texts)
    different = list({normal(text[:LONGEST]): text[:LONGEST] for text in looked if text}.values())
    if len(different) < 2:
        return 0.0
    return len(set(near_pairs(different).ravel().tolist())) / len(different)


def count_tokens(model: Any, texts: Sequence[str]) -> pd.DataFrame:
    """`toolkit.vectors.truncation` of a sample; texts over `LONGEST` characters are reckoned from their beginning."""
    from toolkit.vectors import truncation

    looked = [text for text in sample(texts) if text]
    table = truncation(model, [text[:LONGEST] for text in looked])
    stretch = np.array([max(1.0, len(text) / LONGEST) for text in looked])
    tokens = (table["tokens"] * stretch).round().astype("int64")
    lost = (tokens - table["limit"]).clip(lower=0).fillna(0).astype("int64")
    return table.assign(tokens=tokens, lost=lost, characters=[len(text) for text in looked])


def column_table(frame: pd.DataFrame, columns: Sequence[str], counted: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row a column of texts, as `texts_of` makes them; `counted` gives `count_tokens` of each, or is empty."""
    rows = []
    for column in columns:
        texts = frame[column]
        full = texts[texts != ""]
        lengths = full.str.len().astype(float) if len(full) else pd.Series([0.0])
        row: dict[str, Any] = {
            "column": column,
            "filled": len(full),
            "empty": len(texts) - len(full),
            "repeated": len(full) - full.nunique(),
            "near_copies": near_share(full.tolist()),
            "shortest": int(lengths.min()),
            "median": int(lengths.median()),
            "longest": int(lengths.max()),
        }
        if column in counted:
            tokens = counted[column]
            total = max(1, int(tokens["tokens"].sum()))
            row |= {
                "tokens": int(tokens["tokens"].median()) if len(tokens) else 0,
                "limit": tokens["limit"].iloc[0] if len(tokens) else float("nan"),
                "cut": float(tokens["lost"].gt(0).mean()) if len(tokens) else 0.0,
                "lost": float(tokens["lost"].sum() / total),
            }
        rows.append(row)
    return pd.DataFrame(rows)


def length_table(values: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    """Lengths of each column in bins of equal ratio: ``column low high texts``, lengths from low up to below high.

    Examples
    --------
    >>> int(length_table({"text": [1, 2, 2, 1000]})["texts"].sum())
    4
    """
    longest = max((max(lengths, default=1) for lengths in values.values()), default=1)
    edges = np.unique(np.round(np.geomspace(1, longest + 1, BINS + 1)))
    rows = []
    for column, lengths in values.items():
        counts, _ = np.histogram(np.clip(lengths, 1, None) if len(lengths) else [], bins=edges)
        rows += [(column, int(a), int(b), int(n)) for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)]
    return pd.DataFrame(rows, columns=["column", "low", "high", "texts"])


def broken_words(model: Any, texts: Sequence[str]) -> pd.DataFrame:
    """Words that the model's tokenizer breaks into `MANY_PIECES` or more, the most frequent first.

    Parameters
    ----------
    model : SentenceTransformer
    texts : sequence of str
        A sample of them is looked at.

    Returns
    -------
    DataFrame
        ``word texts share pieces split``: in how many texts of the sample, what share of them, into how many pieces,
        and which; hyphens and the like are no pieces. Words end at white space; addresses of the web and scripts
        without spaces are left out.
    """
    counts: Counter[str] = Counter()
    looked = sample([text for text in texts if text])
    for text in looked:
        found = {_EDGE.sub("", word) for word in text[:LONGEST].split()}
        counts.update(w for w in found if 1 < len(w) <= 40 and "://" not in w and not _SIGN.search(w))
    words = [word for word, n in counts.most_common(LOOK) if any(map(str.isalpha, word))]
    tokenizer = getattr(model.tokenizer, "backend_tokenizer", model.tokenizer)
    encoded = tokenizer.encode_batch(words, add_special_tokens=False) if words else []
    cut = [[token for token, real in zip(one.tokens, one.attention_mask, strict=True) if real] for one in encoded]
    rows = [
        (word, counts[word], counts[word] / len(looked), _spelled(pieces), " ".join(pieces))
        for word, pieces in zip(words, cut, strict=True)
        if _spelled(pieces) >= MANY_PIECES
    ]
    return pd.DataFrame(rows, columns=["word", "texts", "share", "pieces", "split"])


def _spelled(pieces: list[str]) -> int:
    """How many of the pieces hold a letter or a digit."""
    return sum(any(map(str.isalnum, piece)) for piece in pieces)


def link_table(frame: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """How many texts of either side stand with several of the other: ``column texts several most example``."""
    both = frame[[first, second]]
    both = both[(both != "").all(axis=1)].drop_duplicates()
    rows = []
    for column in (first, second):
        partners = both[column].value_counts()
        example = str(partners.index[0])[:120] if len(partners) else ""
        rows.append(
            (column, len(partners), int((partners > 1).sum()), int(partners.max()) if len(partners) else 0, example)
        )
    return pd.DataFrame(rows, columns=["column", "texts", "several", "most", "example"])


def score_table(scores: pd.Series) -> pd.DataFrame:
    """Scores in ten bins of equal width: ``low high rows``; the last holds its end too."""
    finite = scores[np.isfinite(scores)]
    if finite.empty:
        return pd.DataFrame(columns=["low", "high", "rows"])
    counts, edges = np.histogram(finite, bins=10)
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "rows": counts})
