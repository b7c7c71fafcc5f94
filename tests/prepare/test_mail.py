"""`reply_only` drops what others wrote, and harms no text that is no mail."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.prepare.text.mail import looks_like_email, reply_only

BODY = {
    "en": "It still does not print.\nWhat can I do?",
    "de": "Der Drucker druckt noch immer nicht.\nWas kann ich tun?",
    "fr": "L'imprimante ne marche pas.\nQue faire ?",
    "es": "La impresora no funciona.\n¿Qué hago?",
    "it": "La stampante non funziona.\nCosa posso fare?",
    "nl": "De printer werkt nog steeds niet.\nWat kan ik doen?",
    "pl": "Drukarka nadal nie działa.\nCo mam zrobić?",
}
HEADER = {
    "en": "On Mon, 3 Jun 2024 at 10:15, Ann Lee <ann@example.org> wrote:",
    "de": "Am 03.06.2024 um 10:15 schrieb Anna Meier:",
    "fr": "Le 3 juin 2024 à 10:15, Anne Petit a écrit :",
    "es": "El lun, 3 jun 2024 a las 10:15, Ana escribió:",
    "it": "Il giorno 3 giu 2024 Anna ha scritto:",
    "nl": "Op 3 juni 2024 om 10:15 schreef Anna:",
    "pl": "Dnia 3 czerwca 2024 Anna napisał(a):",
}
CLOSING = {
    "en": "Best regards\nTom", "de": "Mit freundlichen Grüßen\nTom", "fr": "Cordialement\nTom", "es": "Saludos,\nTom",
    "it": "Cordiali saluti\nTom", "nl": "Met vriendelijke groet\nTom", "pl": "Pozdrawiam\nTom",
}  # fmt: skip
QUOTE = "> Hello Tom,\n> have you tried to switch it off and on?\n> Ann"


@pytest.mark.parametrize("language", BODY)
@pytest.mark.parametrize("kind", ["above", "below", "signature", "both"])
def test_replies_in_seven_languages(language: str, kind: str) -> None:
    """The body alone is left, whether it stands above or below the quote, with a signature or without."""
    body, quoted = BODY[language], f"{HEADER[language]}\n{QUOTE}"
    text = {
        "above": f"{body}\n\n{quoted}\n",
        "below": f"{quoted}\n\n{body}",
        "signature": f"{body}\n\n{CLOSING[language]}",
        "both": f"{body}\n\n{CLOSING[language]}\n\n{quoted}",
    }[kind]
    assert reply_only(text) == body
    assert reply_only(text.replace("\n", "\r\n")) == body


def test_forms_of_mails() -> None:
    """Answers between quoted lines, Outlook's fields, forwarded mails, a phone's sign-off, other languages."""
    between = f"{HEADER['en']}\n> Did you restart it?\nYes, twice.\n> Is it plugged in?\nIt is."
    assert reply_only(between) == "Yes, twice.\nIt is."
    fields = "From: Ann\nSent: Monday\nTo: Tom\nSubject: Printer"
    assert reply_only(f"It works now.\n\n{'_' * 32}\n{fields}\n\nTry it.") == "It works now."
    assert reply_only(f"It works now.\n\n-----Original Message-----\n{fields}\n\nTry it.") == "It works now."
    forwarded = "From: Ann\nSubject: Printer\nDate: Monday\n\nIt is broken.\nPlease come."
    assert reply_only(forwarded).endswith("It is broken.\nPlease come.") and "From:" not in reply_only(forwarded)
    assert reply_only("It is broken.\n\nSent from my iPhone") == "It is broken."
    assert reply_only("It is broken.\n-- \nTom\n+49 30 123456") == "It is broken."
    other = "Toimii nyt.\n\n3.6.2024 klo 10:15 Ann Lee <ann@example.org>:\n> Kokeile."
    assert reply_only(other) == "Toimii nyt."


CODE = "def f(x):\n    if x > 3:\n        return x\n    # -- done\n    return -x\n\n>>> f(2)\n-2\n>>> f(4)\n4"
KEPT = [
    CODE,
    "Data: 5 rows\nDo: load it\nTo: be done\n\nand more text",
    "Ways to do it:\n- one\n- two\n- three\n\nWhich is best?",
    "* From here\n* to there\n\n1. first\n2. second",
    "The manual says\n> turn it to the left\nbut that does not help.\nWhat now?",
    "Take the left one.\nKhaki or white?\nTaking both is fine.",  # closings in Danish
    "Hello\nThanks, that works for the first file, but the second one still gives the same error as before.\n"
    + "x\n" * 30,
    "a | b\n--|--\n1 | 2",
    "On the one hand it is slow.\nOn the other hand it is cheap: see below.",
    "Von hier aus sieht man es.\nAn der Wand hängt ein Bild.",
    "SELECT 1;\n" + "--\nSELECT 2;\n" * 20,
    "Kind regards\nTom",  # all of it is a signature: it stays
    "> only\n> a quote",
]


@pytest.mark.parametrize("text", KEPT)
def test_what_is_no_mail_is_left_alone(text: str) -> None:
    """Code, lists, quotes inside of a text, words that are closings elsewhere, and a text of nothing else."""
    assert reply_only(text) == text


def test_closings_of_other_languages_are_words() -> None:
    """ "Tak", thanks in Danish, begins an English "Take": only the languages that a mail shows are looked for."""
    assert reply_only("Hello,\nTake the left one?\n\nKind regards\nTom") == "Hello,\nTake the left one?"


def test_indentation_of_what_stays() -> None:
    """The library strips lines; the text that is kept is the writer's own."""
    assert reply_only(f"{CODE}\n\nKind regards\nTom") == CODE


PIECES = [*HEADER.values(), *CLOSING.values(), "From: a", "Sent: b", "> q", ">> r", "text", "-- ", "", "- item"]
PIECES += ["Best,", "a@b.c 10:15:", "_" * 40, "Thanks, it works", "> On Monday, Bob wrote:", "\r", "\x0b", "Data: x"]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12).map("\n".join) | st.text(max_size=40))
def test_once_is_enough_and_nothing_is_invented(text: str) -> None:
    """A second time changes nothing, no text becomes empty, and every line left is one of the text's."""
    once = reply_only(text)
    assert reply_only(once) == once
    assert bool(once.strip()) == bool(text.strip())
    assert set(once.split("\n")) <= {*text.split("\n"), *text.replace("\r\n", "\n").split("\n")}
    assert looks_like_email(text) or once == text


def test_time_is_bounded() -> None:
    """Long lines, and many lines that may begin a header, take no more than seconds."""
    start = time.perf_counter()
    for text in (
        "On " + "a " * 100_000 + "\n> b",
        "On a b c\n" * 3_000 + "wrote:\n> x",
        "a" + "\n" * 20_000 + "wrote:\n-- \nx",
    ):
        reply_only(text)
    assert time.perf_counter() - start < 20
