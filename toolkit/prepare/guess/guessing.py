"""Guess which column holds the queries and which the documents, by names first and then by content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import pandas as pd

from toolkit.prepare.frames import sample_rows
from toolkit.prepare.guess import names
from toolkit.prepare.guess.content import Columns
from toolkit.prepare.text.unicode import has_rest

SAMPLE = 5_000  # rows that are examined
_MIN_WORDS_TO_SPLIT = 20  # minimum words of a text that is still worth finding without its first sentence

_Pair = tuple[str, str, str, str]  # query, document, kind and reason


@dataclass(frozen=True)
class Guess:
    """Which columns hold queries and documents, and why. Made by `guess`.

    Attributes
    ----------
    query : str or None
        Column of the queries, or of the texts that stand in for them.
    document : str
        Column of the texts to find.
    kind : str
        ``"search"``: real searches or questions. ``"duplicate"``: two columns of similar texts. ``"label"``: the text
        is the query, and its label is to be found. ``"stand-in"``: a title or subject serves as the query.
        ``"first sentence"``: one column of texts, whose first sentence serves as the query. ``"none"``: short texts
        only, which can be searched but not evaluated.
    keep : str or None
        Column of 0/1, true/false or yes/no that marks which pairs belong together.
    reason : str
    columns : DataFrame
        One row per column: ``column holds filled words distinct example``. ``filled`` is a share; ``words`` the median;
        ``distinct`` counts values in the rows examined (at most `SAMPLE`).
    """

    query: str | None
    document: str
    kind: str
    keep: str | None
    reason: str
    columns: pd.DataFrame

    def _repr_html_(self) -> str:
        from markupsafe import escape

        return f"<p>{escape(self.reason)}</p>" + self.columns.to_html(index=False)


def guess(frame: pd.DataFrame, *, query: str | None = None, document: str | None = None) -> Guess:
    """Guess the columns of queries and of documents.

    Names come first (English, German, French, Spanish and others), then content. A title or subject never counts as
    a real search.

    Parameters
    ----------
    frame : DataFrame
        Texts, as `toolkit.prepare.files.read` gives them. Of more than 5,000 rows, a random sample is used.
    query, document : str, optional
        Columns that you know; they are validated.

    Raises
    ------
    ValueError
        No column holds texts, or a named one is missing, empty, or holds no texts.

    Examples
    --------
    >>> frame = pd.DataFrame({"Betreff": ["Kein Ton mehr", "Blauer Bildschirm"],
    ...     "Beschreibung": ["Seit dem Update kommt kein Ton aus dem Lautsprecher.", "Der Rechner startet nicht."]})
    >>> found = guess(frame)
    >>> found.query, found.document, found.kind
    ('Betreff', 'Beschreibung', 'stand-in')
    """
    if not isinstance(frame, pd.DataFrame):
        raise ValueError(f"expected a DataFrame, such as prepare.files.read(path).data, got {type(frame).__name__}")
    if frame.columns.has_duplicates:
        raise ValueError(f"the table has several columns {frame.columns[frame.columns.duplicated()][0]!r}: rename them")
    table = Columns(frame.iloc[sample_rows(len(frame), SAMPLE)])
    for column in filter(None, (query, document)):
        table.check(column)
    if query is not None and query == document:
        raise ValueError(f"column {query!r} cannot be both the query and the document: choose two columns")
    table.named = {name for name in (query, document) if name is not None}
    pair = _pair(table, query, document)
    if pair is None and query is not None:
        raise ValueError(f"column {query!r} is the only one with texts: there is no column of texts to find")
    searched, found, kind, reason = pair or _single_column(table, document or table.longest(table.texts))
    keep = table.keep(searched, found) if searched and kind in ("duplicate", "search") else None
    if keep:
        reason += f"; `{keep}` marks which pairs belong together"
    elif kind == "duplicate" and (graded := [c for c in table.values if names.plain(c) in names.GRADES]):
        reason += f"; `{graded[0]}` is not a 0/1 column and was not used: all pairs count as belonging together"
    return Guess(searched, found, kind, keep, reason, table.overview)


def _pair(table: Columns, query: str | None, document: str | None) -> _Pair | None:
    """Return what the first rule that applies finds; None if there is only one column of texts."""
    if query and document:
        return _user_named(table, query, document)
    queries = [query] if query else [c for c in table.texts if c != document]
    documents = [document] if document else table.texts
    labelled = document is not None and table.holds[document] == "label"
    rules = (_label,) if labelled else (_duplicates, _search, _label, _stand_in, _by_content)
    return next(filter(None, (rule(table, queries, documents) for rule in rules)), None)


def _user_named(table: Columns, query: str, document: str) -> _Pair:
    reason = f"you named `{query}` as the search and `{document}` as the text to find"
    if names.differ_in_last_character(query, document) or names.differ_in_last_character(document, query):
        return query, document, "duplicate", reason
    if table.holds[document] == "label":
        return query, document, "label", reason
    if names.place(query, names.STAND_INS) is not None and names.place(query, names.QUERIES) is None:
        return query, document, "stand-in", reason + f"; `{query}` is only a stand-in for real searches"
    return query, document, "search", reason


def _duplicates(table: Columns, queries: Sequence[str], documents: Sequence[str]) -> _Pair | None:
    known = len(queries) == 1 or len(documents) == 1  # the user named one, which fixes the order
    for query, document in product(queries, documents):
        if not (
            names.differ_in_last_character(query, document)
            or (known and names.differ_in_last_character(document, query))
        ):
            continue
        fewer, more = sorted((table.words[query], table.words[document]))
        if more <= 2 * fewer and (not names.is_generic(query) or table.keep(query, document)):
            return query, document, "duplicate", f"`{query}` and `{document}` hold similar texts"
    return None


def _search(table: Columns, queries: Sequence[str], documents: Sequence[str]) -> _Pair | None:
    named = names.sort_by_rank(queries, names.QUERIES)
    questions = [c for c in queries if table.questions(c) >= 0.5 and names.place(c, names.STAND_INS) is None]
    for query in (*named, *sorted(questions, key=lambda column: -table.questions(column))):
        rest = [c for c in documents if c != query]
        titled = [c for c in rest if names.place(c, names.DOCUMENTS) is not None]
        rest = titled or [c for c in rest if c not in named] or rest
        if rest:
            document = table.longest(rest)
            share = f"{table.questions(query):.0%} of the texts in `{query}` are questions"
            why = f"`{query}` is a typical name for searches" if query in named else share
            why = f"you named `{query}` as the search" if query in table.named else why
            return query, document, "search", f"{why}; `{document}` {_long(table, document)}"
    return None


def _label(table: Columns, queries: Sequence[str], documents: Sequence[str]) -> _Pair | None:
    given = [c for c in documents if table.holds[c] == "label"]
    labels = given or [c for c in table.of("label") if names.plain(c) in names.LABELS]
    if not given and (len(table.texts) > 1 or len(documents) != len(table.texts) or not labels):
        return None
    label = min(labels, key=lambda column: names.place(column, names.LABELS) or 0)
    texts = [c for c in queries if c != label]
    return _labelled(table, table.longest(texts), label) if texts else None


def _stand_in(table: Columns, queries: Sequence[str], documents: Sequence[str]) -> _Pair | None:
    for query in names.sort_by_rank([c for c in queries if table.filled[c] >= 0.3], names.STAND_INS):
        longer = [c for c in documents if c != query and table.words[c] > table.words[query]]
        if longer:
            return _short_and_long(table, query, table.longest(longer))
    return None


def _by_content(table: Columns, queries: Sequence[str], documents: Sequence[str]) -> _Pair | None:
    document = table.longest(documents)
    rest = [c for c in queries if c != document]
    # A text that repeats or is missing in most rows cannot be the query of its row.
    specific = [c for c in rest if table.filled[c] >= 0.3 and table.words[c] >= 2
               and table.distinct[c] >= 0.5 * len(table.values[c])]  # fmt: skip
    query = next(iter(specific or (rest if len(queries) == 1 else [])), None)
    return _short_and_long(table, query, document) if query is not None else None


def _single_column(table: Columns, document: str) -> tuple[str | None, str, str, str]:
    """Guess from one column of texts."""
    texts, words, only = table.values[document], table.words[document], f"`{document}` is the only column of texts"
    labels = [c for c in table.of("label") if names.place(c, names.NO_LABELS) is None and table.distinct[c] >= 4]
    if words >= _MIN_WORDS_TO_SPLIT and sum(map(has_rest, texts)) >= 0.5 * max(1, len(texts)):
        return None, document, "first sentence", f"{only}; their first sentences stand in for searches"
    if labels and table.holds[document] == "text" and document not in table.named:
        return _labelled(table, document, labels[0])
    short = f"they are short (median {words:.0f} words): they can be searched, but not evaluated"
    return None, document, "none", f"{only}, and {short}"


def _labelled(table: Columns, text: str, label: str) -> _Pair:
    reason = f"`{text}` holds texts, and `{label}` one of {table.distinct[label]} labels for each"
    return text, label, "label", reason


def _short_and_long(table: Columns, query: str, document: str) -> _Pair:
    distinct = table.distinct[query] / max(1, len(table.values[query]))
    varied = "different in every row" if distinct > 0.95 else f"{distinct:.0%} of its values are distinct"
    short = f"is short (median {table.words[query]:.0f} words) and {varied}"
    short = "is what you named as the search" if query in table.named else short
    return query, document, "stand-in", f"`{query}` {short}; `{document}` {_long(table, document)}"


def _long(table: Columns, column: str) -> str:
    if column in table.named:
        return "is what you named as the text to find"
    if column == table.longest(table.texts):
        return f"is the longest (median {table.words[column]:.0f} words)"
    return "is a typical name for texts to find"
