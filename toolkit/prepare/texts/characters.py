"""Characters put right: mojibake repaired, Unicode composed, control characters out."""

from __future__ import annotations

import re
import unicodedata

_SPACES = re.compile(r"\s+")
# Control characters and the like, but no marks that scripts need, such as the zero-width joiner.
# Form feeds and other separators stay for `_SPACES`: words stand on both sides of them.
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff\ud800-\udfff]")


def tidy(text: str) -> str:
    r"""One text in Unicode's composed form (NFC), without control characters, with single spaces.

    Examples
    --------
    >>> tidy("  rolling\tmedian\x00 of a\nseries ")
    'rolling median of a series'
    """
    return _SPACES.sub(" ", unicodedata.normalize("NFC", _CONTROL.sub("", text))).strip()


def repair_mojibake(text: str) -> str:
    """A text that was decoded with the wrong encoding, as it was meant (library ftfy); any other is left as it is.

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
    try:
        from ftfy import fix_encoding
    except ImportError:
        raise ModuleNotFoundError(
            "repairing mojibake needs ftfy: python3 run.py install text (or pip install ftfy)", name="ftfy"
        ) from None
    while (repaired := fix_encoding(text)) != text and len(repaired) <= len(text):
        text = repaired
    return text
