"""Match column names with common names for queries, documents, titles and labels."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from toolkit.prepare import schema
from toolkit.prepare.schema import COLUMNS


def plain(name: str) -> str:
    """Reduce a name to its letters and digits, without case and accents.

    Examples
    --------
    >>> plain("Réponse_1"), plain("Überschrift")
    ('reponse1', 'uberschrift')
    """
    letters = unicodedata.normalize("NFKD", str(name)).casefold()
    return "".join(letter for letter in letters if letter.isalnum())


def _list(names: str) -> list[str]:
    return list(dict.fromkeys(map(plain, names.split())))


QUERIES, DOCUMENTS, LABELS = (_list(COLUMNS[name].synonyms) for name in ("anchor", "positive", "label"))
STAND_INS, NO_LABELS, KEEPS = map(_list, (schema.STAND_INS, schema.NON_LABELS, schema.PAIR_FLAGS))
GRADES = (*_list(COLUMNS["score"].synonyms), *KEEPS)
_GENERIC = {"col", "column", "field", "spalte", "columna", "colonne", "unnamed", "f", "c", "v", "x", "var", ""}


def place(name: str, names: Sequence[str]) -> int | None:
    """Return the position in `names` of a column's name or of one of its words, or None.

    Examples
    --------
    >>> place("userQuery", QUERIES), place("Suche", QUERIES), place("customer name", STAND_INS)
    (0, 20, None)
    """
    words = [plain(word) for word in re.findall(r"[^\W\d_]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", str(name)))]
    whole = plain(name)
    # As part of a longer name, "name" is that of a customer or a file, and "a" is an article.
    places = [names.index(word) for word in (whole, *words) if word in names
              and (word == whole or (len(word) > 2 and word != "name"))]  # fmt: skip
    return min(places, default=None)


def sort_by_rank(columns: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the columns that match `names`, in its order."""
    places = {column: place(column, names) for column in columns}
    return sorted((c for c in columns if places[c] is not None), key=lambda c: places[c] or 0)


def is_generic(column: str) -> bool:
    """Return whether a name has no meaning, such as ``col_1``."""
    return re.sub(r"\W|\d|_", "", column).casefold() in _GENERIC


def differ_in_last_character(a: str, b: str) -> bool:
    """Return whether names differ only in their last letter or digit: question1 and question2, text_a and text_b."""
    left, right = str(a).casefold(), str(b).casefold()
    if left[:-1] != right[:-1] or left == right or len(left) < 2:
        return False
    return f"{left[-1]}{right[-1]}" in ("12", "01", "ab", "lr", "xy")
