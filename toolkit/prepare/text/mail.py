"""Reduce an email to what its author wrote, without quoted emails and signature."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

from toolkit.prepare.text.unicode import optional_import

# The library's patterns take quadratic time, so texts longer than any email are left unchanged.
LONGEST, LONGEST_LINE, BLANK = 100_000, 5_000, 3  # characters per text, characters per line, consecutive empty lines
SIGNATURE_LINES = 12
CLOSING = 50  # maximum characters of a closing line: "Thanks, " may begin a signature or a sentence

# Signs of an email in each language, in lower case: a header above a quote, header fields, a closing, a phone's
# signature. Only languages with a sign are parsed: a closing in one is a word in another (Danish "Tak").
SIGNS = {
    "en": ("wrote:", "from:", "sent:", "subject:", "original message", "regards", "\nthanks,", "\nthank you,",
           "\nbest,", "all the best", "sent from my", "get outlook", "\n--\n", "\n-- ", "\n--\r", "\n__\n", "\n__\r"),
    "de": ("schrieb", "von:", "gesendet", "betreff:", "mit freundlichen", "grüße", "gruß", "gruss", "gruesse"),
    "fr": ("a écrit", "envoyé ", "objet :", "cordialement", "salutations", "bonne réception", "bonne journée"),
    "es": ("escribió:", "enviado", "asunto:", "saludo", "atentamente,", "cordialmente,", "gracias,"),
    "it": ("ha scritto:", "inviato", "oggetto:", "cordiali saluti"),
    "nl": ("schreef:", "verzonden", "onderwerp:", "vriendelijke groet", "hartelijke groet", "bedankt,", "dank u,"),
    "pl": ("napisał", "nadesłał", "wysłano", "temat:", "poważaniem", "powazaniem", "pozdrawiam"),
    "cs": ("napsal", "odesláno", "předmět:", "s pozdravem,", "s úctou,"),
    "da": ("skrev ", "sendt fra", "emne:", "venlig hilsen"),
    "sv": ("skrev ", "skickat", "ämne:", "vänliga hälsningar"),
    "ja": ("年",),
    "zh": ("写道：", "发件人", "主题:", "此致", "祝好"),
    "ko": ("작성하였습니다:", "보낸", "제목:", "감사합니다", "안부 전합니다"),
}  # fmt: skip
# A line such as "2024-05-01 10:15 GMT+01:00 Ann <ann@example.org>:" above quoted lines, in any language.
_ATTRIBUTION = re.compile(r"^(?!\s*>).*(?:@|\d:\d\d|\d{4}).*:\s*$(?=\n+\s*>(?!>>))", re.M)
_RULE = re.compile(r"[_-]{32,}")


def looks_like_email(text: str) -> bool:
    r"""Return whether a text shows any sign of an email: a fast check; `reply_only` changes no other texts.

    Examples
    --------
    >>> [looks_like_email(text) for text in ("Where is it?\n-- \nAnn", "Where is it? Best wishes", "a\n- b\n- c")]
    [True, False, False]
    """
    if "\n" not in text or len(text) > LONGEST:
        return False
    return bool(_languages(text) or ("\n>" in text and _ATTRIBUTION.search(text)))


def reply_only(text: str) -> str:
    r"""Drop quoted emails, the headers above them, and the signature from an email.

    The library mail-parser-reply finds where these begin, in 13 languages. Answers between quoted lines are kept. A
    text without signs of an email is returned unchanged, and so is one of which nothing would be left.

    Parameters
    ----------
    text : str
        With its line breaks; a text without any is returned unchanged.

    Raises
    ------
    ModuleNotFoundError
        The package mail-parser-reply is missing.

    Examples
    --------
    >>> reply_only("It is broken.\n\nKind regards\nAnn\n\nOn Monday, Bob wrote:\n> What is it?")
    'It is broken.'
    """
    while looks_like_email(text):  # a reply inside a quote shows signs of its own
        shorter = _strip_once(text)
        if shorter == text or not shorter.strip():
            break
        text = shorter
    return text


def _strip_once(text: str) -> str:
    lines = text.replace("\r\n", "\n").split("\n")
    if max(map(len, lines)) > LONGEST_LINE:
        return text
    runs = (list(run) for _, run in groupby(lines, key=lambda line: bool(line.strip())))
    lines = [line for run in runs for line in (run if run[0].strip() else run[-BLANK:])]
    kept = _without_signature(_without_quotes(lines))
    return "\n".join(kept).strip("\n") if len(kept) < len(lines) else text


def _without_quotes(lines: list[str]) -> list[str]:
    """Drop the first header and the quoted lines below it, or everything below it if no line has a ``>``."""
    flat = _flat(lines)
    header = next((reply.headers for reply in _parse(flat).replies if reply.headers), "")
    attribution = _ATTRIBUTION.search(flat)
    at = flat.find(header) if header else -1
    if attribution and not 0 <= at <= attribution.start():
        at, header = attribution.start(), attribution.group()
    if at < 0:
        return lines
    start = flat.count("\n", 0, at)
    own, below = lines[:start], lines[start + header.count("\n") + 1 :]
    while own and (not own[-1].strip() or _RULE.fullmatch(own[-1].strip())):  # Outlook draws a line above its header
        own.pop()
    answers = [line for line in below if not line.lstrip().startswith(">")]
    if len(answers) == len(below) and any(line.strip() for line in own):
        return own
    return own + answers


def _without_signature(lines: list[str]) -> list[str]:
    """Drop a short final block that begins like a signature."""
    flat = _flat(lines).rstrip()
    signature = _parse(flat).replies[0].signatures if flat else ""
    if not signature or not flat.endswith(signature):
        return lines
    block = signature.split("\n")
    start = flat.count("\n") + 1 - len(block)
    short = len(block) <= SIGNATURE_LINES and len(block[0]) <= CLOSING
    return lines[:start] if short and any(line.strip() for line in lines[:start]) else lines


def _flat(lines: list[str]) -> str:
    """Return the text as the library reads it: with stripped lines and shortened rules."""
    return "\n".join(_RULE.sub("___", line.strip()) for line in lines)


def _languages(text: str) -> tuple[str, ...]:
    lower = text.lower()
    return tuple(language for language, signs in SIGNS.items() if any(sign in lower for sign in signs))


def _parse(text: str) -> Any:
    library = optional_import("mailparser_reply", "dropping quoted mails", "mail-parser-reply")
    # Without keep_hyphen_lists a line "- first point" would begin a signature.
    return library.EmailMessage(text=text, languages=["en", *_languages(text)], keep_hyphen_lists=True).read()
