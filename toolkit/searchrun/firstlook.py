"""A first look at a file: what is in it, what is taken for the search, and how long the work will take."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from toolkit import prepare, vectors
from toolkit.prepare import Loaded

LOOK = 2_000  # texts that are looked at for languages and lengths
OVERHEAD = 30.0  # seconds for everything that is not encoding, on a small file
PER_PAIR = 0.004  # and for each pair: near-copies, training, statistics


@dataclass(frozen=True)
class Forecast:
    """How long it will take, and what the model will not read.

    Attributes
    ----------
    texts, tokens : int
        To be encoded; tokens are estimated from a sample.
    seconds : float
        For the whole run, with nothing in the cache.
    cut, lost : float
        Share of the documents that the model's limit cuts, and of their tokens that are lost, 0 to 1.
    limit : int or None
        Tokens that the model reads.
    languages : DataFrame
        `toolkit.prepare.spoken` of a sample.
    """

    texts: int
    tokens: int
    seconds: float
    cut: float
    lost: float
    limit: int | None
    languages: pd.DataFrame

    def sentences(self) -> list[str]:
        """What a user should know before the long work."""
        spoken = ", ".join(f"{row.language} {row.share:.0%}" for row in self.languages.itertuples())
        cut = (
            f"The model reads {self.limit} tokens: {self.cut:.0%} of the texts are longer, {self.lost:.0%} of all "
            f"tokens would not be read" + ("; --chunk cuts such texts into passages." if self.cut > 0.05 else ".")
        )
        return [f"Languages: {spoken}.", *([cut] if self.limit else [])]

    @property
    def duration(self) -> str:
        """The time in words, such as ``"about 7 minutes"``."""
        return in_words(self.seconds)


def opening(loaded: Loaded, *, private: bool = False) -> list[str | pd.DataFrame]:
    """Columns, three rows, and the guess: what to print before anything slow is started.

    Parameters
    ----------
    loaded : Loaded
        From a file.
    private : bool
        Leave the texts out.
    """
    guess = loaded.guess
    rows = len(loaded.data)
    parts: list[str | pd.DataFrame] = [*loaded.notes]
    if guess is not None:
        table = guess.columns
        parts += ["Columns:", _shown(table.drop(columns="example", errors="ignore") if private else table)]
    if not private and rows:
        three = loaded.data.select(range(min(3, rows))).to_pandas()[["anchor", "positive"]]
        three.columns = pd.Index(["search", "text to find"])
        parts += ["Three rows:", three.map(lambda text: textwrap.shorten(str(text), 70, placeholder=" ..."))]
    if guess is not None:
        more = f" and {len(loaded.documents):,} texts without a search" if loaded.documents else ""
        parts.append(f"{rows:,} rows{more}. {_taken(loaded)}")
        dates = guess.columns.query("holds == 'date'")["column"].tolist()
        if dates and "time" not in loaded.data.column_names:
            parts.append(
                f'`{dates[0]}` holds dates: --time-column "{dates[0]}" trains on the past and tests on the newest.'
            )
    return parts


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    """The columns as people read them: shares in per cent, and words only where there are texts."""
    texts = table["holds"].isin(["text", "label"])
    words = [f"{words:.0f}" if is_text else "" for words, is_text in zip(table["words"], texts, strict=True)]
    return table.assign(filled=[f"{share:.0%}" for share in table["filled"]], words=words)


def _taken(loaded: Loaded) -> str:
    guess = loaded.guess
    assert guess is not None
    if guess.kind == "none":
        return f"I take `{guess.document}` as the text to find; there is no column of searches: {guess.reason}."
    if guess.kind == "first sentence":
        return f"I take `{guess.document}` as the text to find and its first sentence as a stand-in for a search."
    if guess.kind == "label":
        return (
            f"I take `{guess.query}` as the search and `{guess.document}` as the text to find: {guess.reason}. So a "
            f"search finds the name of its label."
        )
    standing = ", which stands in for real searches" if guess.kind == "stand-in" else ""
    return f"I take `{guess.query}` as the search{standing} and `{guess.document}` as the text to find: {guess.reason}."


def forecast(model: Any, loaded: Loaded, *, dtype: str = "auto", seed: int = 0) -> Forecast:
    """Encode for two seconds and say how long the whole will take.

    Parameters
    ----------
    model : SentenceTransformer
    loaded : Loaded
    dtype : str
        As in `toolkit.vectors.encode`.
    seed : int
        Seed of the samples.
    """
    documents = [*dict.fromkeys([*loaded.data["positive"], *loaded.documents])]
    texts = [*dict.fromkeys(loaded.data["anchor"]), *documents]
    row = vectors.probe(model, texts, dtype=dtype, seed=seed).iloc[0]
    lengths = vectors.truncation(model, sample(documents, LOOK, seed))
    limit = lengths["limit"].iloc[0]
    return Forecast(
        texts=int(row["texts"]),
        tokens=int(row["tokens"]),
        seconds=float(row["estimate"]) + OVERHEAD + PER_PAIR * len(loaded.data),
        cut=float((lengths["lost"] > 0).mean()),
        lost=float(lengths["lost"].sum() / lengths["tokens"].sum()),
        limit=None if pd.isna(limit) else int(limit),
        languages=prepare.spoken(sample(texts, LOOK, seed)),
    )


def sample(texts: Sequence[str], n: int, seed: int = 0) -> list[str]:
    """At most `n` of the texts, drawn by seed, in their order."""
    if len(texts) <= n:
        return list(texts)
    return [texts[int(i)] for i in np.sort(np.random.default_rng(seed).choice(len(texts), n, replace=False))]


def in_words(seconds: float) -> str:
    """A duration as people say it.

    Examples
    --------
    >>> in_words(42), in_words(400), in_words(9000)
    ('about 40 seconds', 'about 7 minutes', 'about 2.5 hours')
    """
    if seconds < 90:
        return f"about {max(10, round(seconds, -1)):.0f} seconds"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} minutes"
    return f"about {seconds / 3600:.1f} hours"
