"""Drop lines that many different texts share: greetings, footers, disclaimers, form fields."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import pandas as pd

MIN_SHARE = 0.01
"""A line in more than this share of the distinct texts is boilerplate ..."""
MIN_TEXTS = 10
"""... if at least this many texts have it."""
COLUMNS = ["line", "rows", "share", "example"]


def drop_repeated(texts: Sequence[str], *, least_words: int = 1) -> tuple[list[str], pd.DataFrame]:
    r"""Drop lines that repeat across distinct texts.

    Distinct texts are counted, so a document that answers many searches counts once; a single-line text keeps its line.

    Parameters
    ----------
    texts : sequence of str
    least_words : int
        A text that would keep fewer words is left unchanged.

    Returns
    -------
    list of str
        The texts in their order.
    DataFrame
        One row per dropped line, most frequent first: ``line rows share example``; rows counts distinct texts, and
        example is the beginning of one of them.

    Examples
    --------
    >>> mails = [f"Printer {n} is broken.\nThis message is confidential." for n in range(20)]
    >>> kept, table = drop_repeated(mails)
    >>> kept[3], table[["line", "rows"]].values.tolist()
    ('Printer 3 is broken.', [['This message is confidential.', 20]])
    """
    kept = list(texts)
    tables = [_repeated(kept)]
    while len(tables[-1]):  # texts may become equal, so that further lines pass the threshold
        repeated = frozenset(tables[-1]["line"])
        shorter = [_without(text, repeated, least_words) for text in kept]
        if shorter == kept:
            break
        kept = shorter
        tables.append(_repeated(kept))
    before, after = (Counter(line for text in side if "\n" in text for line in _fold(text)) for side in (texts, kept))
    table = pd.concat([found for found in tables if len(found)] or tables).drop_duplicates("line")
    return kept, table[table["line"].isin(list(before - after))].reset_index(drop=True)


def repeats(texts: Sequence[str]) -> bool:
    """Return whether any line repeats across distinct texts."""
    return len(_repeated(texts)) > 0


def _repeated(texts: Sequence[str]) -> pd.DataFrame:
    distinct = {folded: text for text in texts if (folded := tuple(_fold(text)))}
    several = [folded for folded in distinct if len(folded) > 1]
    counts = Counter(line for folded in several for line in set(folded))
    found = {line: n for line, n in counts.most_common() if n >= MIN_TEXTS and n > MIN_SHARE * len(distinct)}
    first = {line: folded for folded in reversed(several) for line in folded if line in found}
    rows = [(line, n, n / len(distinct), " ".join(distinct[first[line]].split())[:120]) for line, n in found.items()]
    return pd.DataFrame(rows, columns=COLUMNS)


def _fold(text: str) -> list[str]:
    """Return the non-empty lines, with white space collapsed."""
    return [folded for line in text.splitlines() if (folded := " ".join(line.split()))]


def _without(text: str, repeated: frozenset[str], least_words: int) -> str:
    lines = text.splitlines()
    kept = [line for line in lines if " ".join(line.split()) not in repeated]
    left = "\n".join(kept).strip("\n")
    enough = left.strip() and len(re.findall(r"\w+", left)) >= least_words
    return left if enough and 1 < len(lines) > len(kept) else text
