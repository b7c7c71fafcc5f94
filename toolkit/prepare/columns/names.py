"""Names that people give to columns of searches, texts, titles and labels, in many languages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence


def plain(name: str) -> str:
    """A column's name without case, accents, spaces and signs.

    Examples
    --------
    >>> plain("Réponse_1"), plain("Überschrift")
    ('reponse1', 'uberschrift')
    """
    letters = unicodedata.normalize("NFKD", str(name)).casefold()
    return "".join(letter for letter in letters if letter.isalnum())


def _list(names: str) -> list[str]:
    return list(dict.fromkeys(map(plain, names.split())))


# In the order of preference.
QUERIES = _list("""
    query question search anchor utterance sentence1 premise question1 text1 q queries questions searches prompt
    instruction userquery searchterm searchquery frage suchanfrage suche anfrage pregunta consulta busqueda
    requete recherche demande domanda ricerca pergunta vraag zapytanie pytanie fraga sporgsmal вопрос запрос 问题 問題
    質問 查询 질문 سوال سؤال प्रश्न""")  # fmt: skip
DOCUMENTS = _list("""
    document passage answer positive response reply solution resolution body context content paragraph description
    text abstract article chunk details message doc a sentence2 hypothesis antwort losung beschreibung inhalt
    absatz respuesta contenido descripcion texto parrafo articulo cuerpo reponse texte contenu corps paragraphe
    risposta testo descrizione resposta descricao antwoord tekst beschrijving ответ текст описание 答案
    回答 本文 文本 内容 답변 نص جواب""")  # fmt: skip
STAND_INS = _list("""
    title subject headline heading summary header name betreff titel uberschrift zusammenfassung thema
    kurzbeschreibung bezeichnung titre sujet objet resume titulo asunto resumen titular titolo oggetto assunto
    onderwerp заголовок тема название 标题 標題 タイトル 件名 제목 عنوان""")  # fmt: skip
LABELS = _list("""
    label intent class category topic tag intention kategorie klasse absicht rubrik schlagwort categoria etiqueta
    clase intencion categorie etiquette classe rubrique kategoria categorie метка категория 标签 类别""")  # fmt: skip
NO_LABELS = _list("""
    status state priority language lang locale country gender sex user author agent owner assignee customer team
    channel source type version currency sentiment rating active open closed prioritat sprache land estado idioma
    pais etat langue pays priorite prioridad""")  # fmt: skip
KEEPS = "isduplicate duplicate isduplicated relevant isrelevant relevance match ismatch matched label duplikat".split()
GRADES = ("score", "similarity", "goldlabel", *KEEPS)
_GENERIC = {"col", "column", "field", "spalte", "columna", "colonne", "unnamed", "f", "c", "v", "x", "var", ""}


def place(name: str, names: Sequence[str]) -> int | None:
    """Place in `names` of a column's name, or of one of its words; None without one.

    Examples
    --------
    >>> place("userQuery", QUERIES), place("Suche", QUERIES), place("customer name", STAND_INS)
    (0, 20, None)
    """
    words = [plain(word) for word in re.findall(r"[^\W\d_]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", str(name)))]
    whole = plain(name)
    # "name" as one word of several is that of a customer or a file, and "a" an article.
    places = [names.index(word) for word in (whole, *words) if word in names
              and (word == whole or (len(word) > 2 and word != "name"))]  # fmt: skip
    return min(places, default=None)


def by_place(columns: Sequence[str], names: Sequence[str]) -> list[str]:
    """Those of the columns that have a place in `names`, in its order."""
    places = {column: place(column, names) for column in columns}
    return sorted((c for c in columns if places[c] is not None), key=lambda c: places[c] or 0)


def is_generic(column: str) -> bool:
    """Whether a name says nothing, as ``col_1`` does."""
    return re.sub(r"\W|\d|_", "", column).casefold() in _GENERIC


def are_twins(a: str, b: str) -> bool:
    """Names that differ by a number or a letter at their end: question1 and question2, text_a and text_b."""
    left, right = str(a).casefold(), str(b).casefold()
    if left[:-1] != right[:-1] or left == right or len(left) < 2:
        return False
    return f"{left[-1]}{right[-1]}" in ("12", "01", "ab", "lr", "xy")
