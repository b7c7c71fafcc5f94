"""Languages of texts, and of a collection of them."""

from __future__ import annotations

import gzip
import importlib.util
import json
import sys
from pathlib import Path

import pandas as pd
import pytest

from toolkit.prepare.text import language
from toolkit.prepare.text.language import NAMES, detect_languages, language_mismatch, language_shares

GERMAN = "Wo finde ich meine letzte Rechnung?"
ENGLISH = "How do I change my password?"
FRENCH = "Comment puis-je changer mon mot de passe ?"


def test_one_row_a_text() -> None:
    """Codes of two letters in the order of the texts; too short, without letters or unsure is und."""
    texts = [GERMAN, ENGLISH, FRENCH, "密码怎么改？", "パスワードを変更したい", "", "12345 !!", "ok", "😀😀😀"]
    frame = detect_languages(texts)
    assert frame["language"].tolist() == ["de", "en", "fr", "zh", "ja", "und", "und", "und", "und"]
    assert frame["confidence"].between(0, 1).all() and frame["confidence"].iloc[5] == 0
    assert detect_languages([]).empty and list(detect_languages([]).columns) == ["language", "confidence"]


def test_the_library_is_left_as_it_was() -> None:
    """Narrowing our identifier narrows neither the library's own nor the one for all languages."""
    import py3langid

    before = py3langid.classify(FRENCH)
    language_shares([GERMAN] * 30 + [ENGLISH] * 30 + ["ok then"] * 5)
    assert py3langid.classify(FRENCH) == before and before[0] == "fr"
    assert detect_languages([FRENCH])["language"].tolist() == ["fr"]


def test_a_few_are_no_language() -> None:
    """A language needs more than the share and 20 texts; the rest counts to what is present."""
    texts = [ENGLISH] * 400 + [GERMAN] * 30 + [FRENCH] * 19 + ["ok"] * 51
    assert language_shares(texts)[["language", "texts"]].values.tolist() == [["en", 470], ["de", 30]]
    assert language_shares([*texts, *[ENGLISH] * 150])["language"].tolist() == ["en"]  # 30 of 650 are below 5 %
    assert language_shares([ENGLISH] * 60 + [FRENCH] * 19)["language"].tolist() == ["en"]  # 19 are too few
    assert language_shares(texts)["share"].sum() == pytest.approx(1)
    dutch = "Waar is mijn fiets?"
    unsure = language_shares([ENGLISH] * 50 + [GERMAN] * 50 + [dutch] * 5)
    assert unsure["texts"].sum() == 105 and set(unsure["language"]) == {"en", "de"}


def test_small_and_empty_collections() -> None:
    """Of few texts the language of most; of none, or of none with letters, und."""
    assert language_shares([GERMAN, GERMAN, ENGLISH]).values.tolist() == [["de", 3, 1.0]]
    assert language_shares(["1", "2"]).values.tolist() == [["und", 2, 1.0]]
    assert language_shares([]).empty and list(language_shares([]).columns) == ["language", "texts", "share"]


def table(**shares: float) -> pd.DataFrame:
    return pd.DataFrame({"language": list(shares), "texts": 100, "share": list(shares.values())})


def test_mismatch() -> None:
    """Languages that the model does not declare are named with their shares, and the extra with a model for them."""
    name = "sentence-transformers/all-MiniLM-L6-v2"
    text = language_mismatch(table(en=0.5, de=0.31, fr=0.19), ["en"], name)
    for fact in ("all-MiniLM-L6-v2", "English", "31 %", "German", "19 %", "French", "`multilingual`"):
        assert fact in text
    greek = language_mismatch(table(en=0.5, el=0.5), ["en"], name)
    assert "50 %" in greek and "Greek" in greek and "multilingual" not in greek  # nor was that model trained on Greek
    sixteen = sorted(language.MULTILINGUAL)
    greek = language_mismatch(table(en=0.5, el=0.5), sixteen, "universal")
    assert "Greek" in greek and "English" not in greek and "multilingual" not in greek
    assert language_mismatch(table(de=1.0), sixteen, "universal") == ""
    assert language_mismatch(table(en=1.0), ["en-US"], name) == language_mismatch(table(und=1.0), ["en"], name) == ""
    for unknown in ([], ["multilingual"]):
        assert language_mismatch(table(de=1.0), unknown, "model") == ""
    assert len(NAMES) > 30


def test_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with the command."""
    spec = importlib.util.spec_from_file_location("fresh", language.__file__)  # a copy that has not loaded it yet
    fresh = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    monkeypatch.setitem(sys.modules, "py3langid.langid", None)
    with pytest.raises(ModuleNotFoundError, match="pip install py3langid"):
        fresh.detect_languages([GERMAN])


@pytest.mark.realdata
def test_short_english_texts_are_english(data_folder: Path) -> None:
    """Of 10,003 questions to a bank none is surely another language; all twelve languages of XQuAD are told apart."""
    with gzip.open(data_folder / "banking77" / "train.jsonl.gz", "rt") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    assert set(detect_languages(texts)["language"]) == {"en", "und"} and language_shares(texts)[
        "language"
    ].tolist() == ["en"]
    mixed = []
    for file in sorted((data_folder / "xquad").glob("*.questions.jsonl.gz")):
        with gzip.open(file, "rt") as lines:
            mixed += [json.loads(line)["question"] for line in lines]
    found = language_shares(mixed)
    assert found["texts"].between(1170, 1210).all() and len(found) == 12
