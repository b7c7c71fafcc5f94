"""Handle characters, words and sentences in any script."""

from __future__ import annotations

import re
import unicodedata
from importlib import import_module
from typing import Any

from toolkit.vectors.keywords import UNSPACED

LONGEST_SEARCH = 300  # maximum characters of a first sentence that stands in for a search
WORD = re.compile(r"[^\W_]+")
UNSPACED_LETTER = re.compile(f"[{UNSPACED}]")  # of a script that puts no spaces between words
_SPACES = re.compile(r"\s+")
# Control characters and similar ones, except those that scripts need, such as the zero-width joiner.
# Form feeds and other separators are left to `_SPACES`, since they separate words.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff\ud800-\udfff]")
_END = re.compile(r"[.!?…]+[\"'”»)]*(?=\s)|[。！？]+[」』”]*|\n+")
_ABBREVIATION = re.compile(
    r"(^|\W)([^\W\d]|\d+|dr|mr|mrs|ms|prof|st|no|nr|vs|etc|fig|cf|inc|ca|bzw|usw|ggf|evtl|tel|str|abs|art|sr|sra|ej|av|"
    r"approx|e\.g|i\.e|z\.b|d\.h|p\.ex)$",
    re.IGNORECASE,
)


def optional_import(module: str, purpose: str, package: str) -> Any:
    """Import a module of a package that may be missing.

    Raises
    ------
    ModuleNotFoundError
        The package is missing; the message says how to install it.
    """
    try:
        return import_module(module)
    except ImportError:
        extra = "python3 run.py install text, or " if package in ("selectolax", "ftfy", "sentencex") else ""
        message = f"{purpose} needs {package}: {extra}pip install {package}"
        raise ModuleNotFoundError(message, name=module.partition(".")[0]) from None


def tidy(text: str) -> str:
    r"""Compose the Unicode of a text (NFC), drop control characters, and fold white space to single spaces.

    Examples
    --------
    >>> tidy("  rolling\tmedian\x00 of a\nseries ")
    'rolling median of a series'
    """
    return _SPACES.sub(" ", unicodedata.normalize("NFC", _CONTROL.sub("", text))).strip()


def repair_mojibake(text: str) -> str:
    """Repair a text that was decoded with the wrong encoding (library ftfy); return any other unchanged.

    Raises
    ------
    ModuleNotFoundError
        The package ftfy is missing.

    Examples
    --------
    >>> repair_mojibake("GrÃ¶ÃŸe schÃ¶n â€“ naïve café")
    'Größe schön – naïve café'
    """
    if text.isascii():
        return text
    fix_encoding = optional_import("ftfy", "repairing mojibake", "ftfy").fix_encoding
    while (repaired := fix_encoding(text)) != text and len(repaired) <= len(text):
        text = repaired
    return text


def count_words(text: str) -> int:
    """Count the words of a text, at about two characters per word in scripts without spaces.

    Examples
    --------
    >>> count_words("card_arrival is late"), count_words("打印机无法工作")
    (4, 4)
    """
    unspaced = len(UNSPACED_LETTER.findall(text))
    return len(WORD.findall(UNSPACED_LETTER.sub(" ", text))) + (unspaced + 1) // 2


def first_sentence(text: str) -> tuple[str, str]:
    """Split off the first sentence of at least three words; the rest is empty if there is only one.

    A sentence ends with ``. ! ? …`` before a space, with ``。！？`` or at the end of a line, but not at a full stop
    after a single letter, a number or a common abbreviation, or before a lower-case letter.

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
    """Return whether the first sentence can stand in as a search for the rest of a text."""
    head, rest = first_sentence(text)
    return bool(rest) and len(head) <= LONGEST_SEARCH and count_words(rest) >= 3
