"""Preview a file: its columns, the role of each, and how long the work will take."""

from __future__ import annotations

import sys
import textwrap
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from toolkit import prepare, vectors
from toolkit.prepare import Loaded
from toolkit.prepare.frames import sample
from toolkit.report import Section
from toolkit.runs import Run

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

SAMPLE_SIZE = 2_000  # texts sampled to measure languages and lengths
OVERHEAD = 30.0  # seconds for everything that is not encoding, on a small file
PER_PAIR = 0.004  # and for each pair: near-copies, training, statistics
LONG, SAMPLE_SECONDS = 30 * 60, 15 * 60  # seconds: longer runs use a sample, sized to take the second number
COLUMN_HINT = "--query-column and --document-column name other columns"


@dataclass(frozen=True)
class Forecast:
    """How long the work will take, and what the model will not read. Made by `forecast`.

    Attributes
    ----------
    texts : int
        To encode.
    seconds : float
        For the whole run, with an empty cache.
    cut, lost : float
        Share of the documents that are longer than the model reads, and of their tokens that are lost, 0 to 1.
    limit : int or None
        Tokens that the model reads.
    languages : DataFrame
        `toolkit.prepare.text.language_shares` of a sample.
    """

    texts: int
    seconds: float
    cut: float
    lost: float
    limit: int | None
    languages: pd.DataFrame

    @property
    def sentences(self) -> list[str]:
        """What a user should know before the long run."""
        shares = ", ".join(f"{row.language} {row.share:.0%}" for row in self.languages.itertuples())
        sentences = [f"Languages: {shares}."]
        if self.limit:
            way = "; --chunk cuts such texts into passages." if self.cut > 0.05 else "."
            sentences.append(
                f"The model reads {self.limit} tokens: {self.cut:.0%} of the texts are longer, and {self.lost:.0%} of "
                f"all tokens would be cut off{way}"
            )
        return sentences


def forecast(model: SentenceTransformer, loaded: Loaded, *, dtype: str = "auto", seed: int = 0) -> Forecast:
    """Encode for two seconds, and estimate from that how long the whole run will take.

    Parameters
    ----------
    model : SentenceTransformer
    loaded : Loaded
    dtype : str
        As in `toolkit.vectors.encode`.
    seed : int
        Of the samples.
    """
    documents = [*dict.fromkeys([*loaded.data["positive"], *loaded.documents])]
    texts = [*dict.fromkeys(loaded.data["anchor"]), *documents]
    probed = vectors.probe(model, texts, dtype=dtype, seed=seed).iloc[0]
    lengths = vectors.truncation(model, sample(documents, SAMPLE_SIZE, seed))
    limit = lengths["limit"].iloc[0]
    return Forecast(
        texts=int(probed["texts"]),
        seconds=float(probed["estimate"]) + OVERHEAD + PER_PAIR * len(loaded.data),
        cut=float((lengths["lost"] > 0).mean()),
        lost=float(lengths["lost"].sum() / lengths["tokens"].sum()),
        limit=None if pd.isna(limit) else int(limit),
        languages=prepare.text.language_shares(sample(texts, SAMPLE_SIZE, seed)),
    )


def preview(loaded: Loaded) -> list[str | Section]:
    """Describe a file before anything slow starts: its columns, three rows, and the role of each column."""
    parts: list[str | Section] = [*loaded.notes]
    guess, rows = loaded.guess, len(loaded.data)
    if guess is not None:
        of_texts = guess.columns["holds"].isin(["text", "label"])
        words = [f"{n:.0f}" if is_text else "" for n, is_text in zip(guess.columns["words"], of_texts, strict=True)]
        table = guess.columns.assign(filled=[f"{share:.0%}" for share in guess.columns["filled"]], words=words)
        parts.append(Section("Columns", [table], text_columns=("example",)))
    if rows:
        three = loaded.data.select(range(min(3, rows))).to_pandas()[["anchor", "positive"]]
        three.columns = pd.Index(["search", "text to find"])
        three = three.map(lambda text: textwrap.shorten(str(text), 70, placeholder=" ..."))
        parts.append(Section("Three rows", [three], all_texts=True))
    if guess is not None:
        document, more = f"`{guess.document}` is taken as the text to find", ""
        if loaded.documents:
            more = f" and {len(loaded.documents):,} texts without a search"
        if guess.kind == "none":
            taken = f"{document}; there is no column of searches: {guess.reason}."
        elif guess.kind == "first sentence":
            taken = f"{document}, and its first sentence as a stand-in for a search."
        elif guess.kind == "label":
            taken = f"{document}, and `{guess.query}` as the search: {guess.reason}. So a search finds its label."
        else:
            stand_in = " (a stand-in for real searches)" if guess.kind == "stand-in" else ""
            taken = f"{document}, and `{guess.query}` as the search{stand_in}: {guess.reason}."
        parts.append(f"{rows:,} rows{more}. {taken}")
        dates = guess.columns.query("holds == 'date'")["column"].tolist()
        if dates and "time" not in loaded.data.column_names:
            parts.append(
                f'`{dates[0]}` holds dates: --time-column "{dates[0]}" trains on the past and tests on the newest rows.'
            )
    return parts


def stand_in(loaded: Loaded) -> str:
    """Return why the searches are stand-ins, or an empty string where they are searches that people typed."""
    kind = loaded.guess.kind if loaded.guess else ""
    if kind == "stand-in" and loaded.guess:
        return f"The column `{loaded.guess.query}` holds stand-ins for searches: authors wrote them, not users."
    if kind == "first sentence":
        return "The first sentence of each text stands in for a search for the rest of it."
    return ""


def confirm(run: Run, expected: Forecast, loaded: Loaded, *, may_sample: bool = True, ask: bool = True) -> Loaded:
    """Print the forecast, take a sample where all rows would take too long, and ask whether to go on.

    It asks only in an interactive terminal.

    Parameters
    ----------
    run : Run
    expected : Forecast
    loaded : Loaded
    may_sample : bool
        Whether rows may be left out; false where the user said how many to take.
    ask : bool

    Returns
    -------
    Loaded
        The same data, or a random sample of its rows (seed 0, in their order).

    Raises
    ------
    KeyboardInterrupt
        When the answer is no.
    """
    run.say(*expected.sentences)
    seconds, rows = expected.seconds, len(loaded.data) + len(loaded.documents)
    if may_sample and seconds > LONG:
        limit = max(1000, round(rows * SAMPLE_SECONDS / seconds))
        run.say(
            f"All {rows:,} rows would take {duration(seconds)}; a random {limit:,} are used instead. --limit 0 uses "
            f"all; --limit {limit} gives about this sample size on any machine."
        )
        loaded, seconds = _sampled(loaded, limit), SAMPLE_SECONDS
    run.say(f"{duration(seconds)[:1].upper()}{duration(seconds)[1:]} on this machine; less if texts are cached.")
    if ask and sys.stdin.isatty():
        try:
            answer = input(f"Press Enter to continue or n to stop ({COLUMN_HINT}): ").strip().casefold()
        except EOFError:
            answer = "n"
        if answer not in ("", "y", "yes"):
            raise KeyboardInterrupt("Stopped before the long run; nothing was changed.")
    else:
        run.say(f"Continuing with these columns; {COLUMN_HINT}.")
    return loaded


def _sampled(loaded: Loaded, limit: int) -> Loaded:
    """Take a random sample of the rows and further documents of what was loaded."""
    pairs = len(loaded.data)
    kept = np.sort(np.random.default_rng(0).random(pairs + len(loaded.documents)).argsort()[:limit])
    data = loaded.data.select(kept[kept < pairs])
    documents = [loaded.documents[row - pairs] for row in kept[kept >= pairs]]
    row = {"step": "sample", "rows_in": pairs, "rows_out": len(data), "dropped": pairs - len(data),
           "why": f"a random {limit:,} rows were used to save time", "example": ""}  # fmt: skip
    table = pd.concat([loaded.table, pd.DataFrame([row])], ignore_index=True)
    return replace(loaded, data=data, documents=documents, table=table)


def duration(seconds: float) -> str:
    """Format a duration as people would say it.

    Examples
    --------
    >>> duration(42), duration(400), duration(9000)
    ('about 40 seconds', 'about 7 minutes', 'about 2.5 hours')
    """
    if seconds < 90:
        return f"about {max(10, round(seconds, -1)):.0f} seconds"
    if seconds < 90 * 60:
        return f"about {seconds / 60:.0f} minutes"
    return f"about {seconds / 3600:.1f} hours"
