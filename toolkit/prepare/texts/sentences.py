"""How many words a text has, and its first sentence, in many languages."""

from __future__ import annotations

import re

from toolkit.vectors.keywords import UNSPACED

LONGEST_SEARCH = 300  # characters of a first sentence that may stand in for a search
SIGN = re.compile(f"[{UNSPACED}]")
WORD = re.compile(r"[^\W_]+")
_END = re.compile(r"[.!?…]+[\"'”»)]*(?=\s)|[。！？]+[」』”]*|\n+")
_ABBREVIATION = re.compile(
    r"(^|\W)([^\W\d]|\d+|dr|mr|mrs|ms|prof|st|no|nr|vs|etc|fig|cf|inc|ca|bzw|usw|ggf|evtl|tel|str|abs|art|sr|sra|ej|av|"
    r"approx|e\.g|i\.e|z\.b|d\.h|p\.ex)$",
    re.IGNORECASE,
)


def count_words(text: str) -> int:
    """How many words a text has, at about two signs a word in scripts that put no spaces between them.

    Examples
    --------
    >>> count_words("card_arrival is late"), count_words("打印机无法工作")
    (4, 4)
    """
    unspaced = len(SIGN.findall(text))
    return len(WORD.findall(SIGN.sub(" ", text))) + (unspaced + 1) // 2


def first_sentence(text: str) -> tuple[str, str]:
    """The first sentence of at least three words, and the rest (empty if there is but one).

    A sentence ends with ``. ! ? …`` before a space, with ``。！？`` or at the end of a line. A stop after a single
    letter, a number or a common abbreviation, or before a small letter, ends none.

    Examples
    --------
    >>> first_sentence("Hi! The printer (cf. Fig. 2) is broken. Please help.")
    ('Hi! The printer (cf. Fig. 2) is broken.', 'Please help.')
    """
    text = text.strip()
    for end in _END.finditer(text):
        head, rest = text[: end.end()].strip(), text[end.end() :].strip()
        if not rest:
            break
        if end.group() == "." and (_ABBREVIATION.search(text[: end.start()]) or rest[0].islower()):
            continue
        if count_words(head) >= 3:
            return head, rest
    return text, ""


def has_rest(text: str) -> bool:
    """Whether the first sentence can stand in as a search for the rest of a text."""
    head, rest = first_sentence(text)
    return bool(rest) and len(head) <= LONGEST_SEARCH and count_words(rest) >= 3
