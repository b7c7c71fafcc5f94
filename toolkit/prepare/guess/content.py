"""Detect what the columns of a table hold: texts, questions, labels, numbers, dates, ids, links."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence

import pandas as pd

from toolkit.prepare.guess.names import DOCUMENTS, KEEPS, LABELS, QUERIES, STAND_INS, is_generic, place, plain
from toolkit.prepare.text.unicode import LONGEST_SEARCH, WORD, count_words

# First words of questions. A question mark is a stronger sign, but searches often lack it.
_QUESTION_WORDS = set(
    """who what when where why how which whose can could does do is are did should would will was were wer was wann wo
    warum wieso wie welche welcher welches kann ist sind qui quoi quand ou pourquoi comment quel quelle est-ce combien
    quien que cuando donde por como cual cuales cuanto chi cosa quando dove perche quale quem onde qual wat wie waarom
    hoe кто что когда где почему как какой""".split()
)
_GREEK = set("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώ")  # Greek writes the question mark as a semicolon
_TIME_OF_DAY = r"([T ,]+\d\d?:\d\d.*)?"
# The pattern of each kind of value, and the share of a column that has to match it.
_KINDS = {
    "number": (re.compile(r"[-+]?[$€£]?\s?\d[\d.,' ]*\s?(%|[$€£]|[eE][-+]?\d+)?"), 0.95),
    "date": (re.compile(
        rf"\d{{4}}[-/.]\d\d?[-/.]\d\d?{_TIME_OF_DAY}|\d\d?[-/.]\d\d?[-/.](\d{{4}}|\d\d){_TIME_OF_DAY}|"
        rf"(\w{{3,9}}\.? \d\d?,? \d{{4}}|\d\d?\.? \w{{3,9}}\.? \d{{4}}){_TIME_OF_DAY}"), 0.95),
    "e-mail": (re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"), 0.9),
    "url": (re.compile(r"(https?://|ftp://|www\.)\S+", re.IGNORECASE), 0.9),
}  # fmt: skip
_YES_NO = ({"0", "1"}, {"0.0", "1.0"}, {"true", "false"}, {"yes", "no"})


class Columns:
    """The columns of a table and what they hold.

    Attributes
    ----------
    values : dict of column to Series
        The values that are not empty, as texts.
    filled, words : dict of column to float
        Share of the rows that have a value, and their median number of words.
    distinct : dict of column to int
    holds : dict of column to str
        ``text label number date e-mail url id`` or ``empty``.
    texts : list of str
        Columns that hold texts; there is at least one.
    named : set of str
        Columns that the user named.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        texts = {str(c): frame[c].dropna().astype(str).str.strip() for c in frame.columns}
        self.values = {column: values[values != ""] for column, values in texts.items()}
        self.filled = {c: len(values) / max(1, len(frame)) for c, values in self.values.items()}
        self.words = {c: float(v.map(count_words).median()) if len(v) else 0.0 for c, v in self.values.items()}
        self.distinct = {c: values.nunique() for c, values in self.values.items()}
        self.holds = {c: _holds(values, self.words[c]) for c, values in self.values.items()}
        for column, holds in self.holds.items():
            label = plain(column) in LABELS
            if holds == "label" and not label and place(column, [*QUERIES, *DOCUMENTS, *STAND_INS]) is not None:
                self.holds[column] = "text"  # searches and titles that repeat
            if holds == "text" and label and self.distinct[column] > 1 and self.words[column] <= 5:
                self.holds[column] = "label"
        self.named: set[str] = set()
        self.texts = self.of("text")
        if not self.texts:
            self.texts = [c for c in self.of("label") if self.words[c] > 1]
            self.holds.update(dict.fromkeys(self.texts, "text"))
        if not self.texts:
            seen = ", ".join(f"`{column}` {holds}" for column, holds in self.holds.items()) or "no columns"
            raise ValueError(f"no column holds texts, only {seen}: check that it is the right file, and its separator")

    @property
    def overview(self) -> pd.DataFrame:
        """The columns as in `toolkit.prepare.guess.Guess.columns`."""
        texts = [" ".join(v.iloc[0][:200].split()) if len(v) else "" for v in self.values.values()]
        table = pd.DataFrame(
            {"holds": self.holds, "filled": self.filled, "words": self.words, "distinct": self.distinct}
        )
        table["example"] = [text if len(text) <= 60 else text[:59] + "…" for text in texts]
        return table.round({"filled": 3}).rename_axis("column").reset_index()

    def of(self, kind: str) -> list[str]:
        """Return the columns that hold this kind of value."""
        return [column for column, holds in self.holds.items() if holds == kind]

    def longest(self, columns: Sequence[str]) -> str:
        """Return the column with the most words over all rows, so that nearly empty ones are not chosen."""
        return max(columns, key=lambda column: self.words[column] * self.filled[column])

    def check(self, column: str) -> None:
        """Check that a column exists and holds texts."""
        if column not in self.values:
            near = difflib.get_close_matches(column, list(self.values), n=2, cutoff=0.4)
            hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
            raise ValueError(f"there is no column {column!r}: {hint}The columns are {', '.join(self.values)}")
        holds, choice = self.holds[column], f"text columns are {', '.join(self.texts)}"
        if holds == "empty":
            raise ValueError(f"column {column!r} is empty: {choice}")
        if holds not in ("text", "label"):
            some = ", ".join(dict.fromkeys(self.values[column].head(20)[:3]))[:60]
            raise ValueError(f"column {column!r} holds {holds}s ({some}): expected texts; {choice}")

    def keep(self, query: str, document: str) -> str | None:
        """Return the yes/no column that marks matching pairs, by its name, or a generic yes/no column."""
        found = []
        for column, values in self.values.items():
            kinds = set(values.str.casefold().unique()[:9])
            fits = is_generic(column) or plain(column) in KEEPS
            if fits and column not in (query, document) and kinds and any(kinds <= pair for pair in _YES_NO):
                found.append(column)
        return min(found, key=lambda c: KEEPS.index(plain(c)) if plain(c) in KEEPS else 99, default=None)

    def questions(self, column: str) -> float:
        """Return the share of texts that are short questions."""
        texts = self.values[column]
        return float(texts.map(_is_question).mean()) if len(texts) else 0.0


def _is_question(text: str) -> bool:
    if len(text) > LONGEST_SEARCH:
        return False
    if text[-1] in "?？؟" or (text[-1] == ";" and text[-2:-1].casefold() in _GREEK):
        return True
    first = WORD.search(text)
    return first is not None and first.group().casefold() in _QUESTION_WORDS and count_words(text) > 2


def _holds(values: pd.Series, median: float) -> str:
    """Return the kind of values in a column."""
    n = len(values)
    if not n:
        return "empty"
    for kind, (pattern, share) in _KINDS.items():
        if values.map(lambda value, pattern=pattern: pattern.fullmatch(value) is not None).mean() >= share:
            return kind
    distinct = values.nunique()
    single = ~values.str.contains(r"\s")
    if single.mean() > 0.95 and distinct > 0.5 * n and values.str.contains(r"\d").mean() > 0.8 and median <= 5:
        return "id"
    few = 2 * distinct <= n and median <= 5 and values.str.len().max() <= 60 and distinct <= 1000
    if few or values.str.lower().isin(["true", "false", "yes", "no"]).all():
        return "label"
    return "text" if values.str.contains(r"[^\W\d_]").mean() > 0.5 else "number"
