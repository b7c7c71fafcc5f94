"""Guess which column holds the searches and which the texts to find, from names first and then from content."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pandas as pd

SAMPLE = 5_000  # rows that are looked at
LONG_WORDS = 20  # from here on a first sentence leaves enough to be found
LONGEST_SEARCH = 300  # characters of a first sentence that may stand in for a search


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


# Names of columns, in the order of preference.
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
GENERIC = {"col", "column", "field", "spalte", "columna", "colonne", "unnamed", "f", "c", "v", "x", "var", ""}

# First words of questions; a sign of interrogation says more, and searches often lack it.
ASKING = set(
    """who what when where why how which whose can could does do is are did should would will was were wer was wann wo
    warum wieso wie welche welcher welches kann ist sind qui quoi quand ou pourquoi comment quel quelle est-ce combien
    quien que cuando donde por como cual cuales cuanto chi cosa quando dove perche quale quem onde qual wat wie waarom
    hoe кто что когда где почему как какой""".split()
)
GREEK = set("αβγδεζηθικλμνξοπρσςτυφχψωάέήίόύώ")  # there a semicolon asks
NUMBER = re.compile(r"[-+]?[$€£]?\s?\d[\d.,' ]*\s?(%|[$€£]|[eE][-+]?\d+)?")
CLOCK = r"([T ,]+\d\d?:\d\d.*)?"
DATE = re.compile(
    rf"\d{{4}}[-/.]\d\d?[-/.]\d\d?{CLOCK}|\d\d?[-/.]\d\d?[-/.](\d{{4}}|\d\d){CLOCK}|"
    rf"(\w{{3,9}}\.? \d\d?,? \d{{4}}|\d\d?\.? \w{{3,9}}\.? \d{{4}}){CLOCK}"
)
MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
URL = re.compile(r"(https?://|ftp://|www\.)\S+", re.IGNORECASE)
WORD = re.compile(r"[^\W_]+")
# Scripts without spaces between words: about two signs a word.
UNSPACED = re.compile(r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")
END = re.compile(r"[.!?…]+[\"'”»)]*(?=\s)|[。！？]+[」』”]*|\n+")
ABBREVIATION = re.compile(
    r"(^|\W)([^\W\d]|\d+|dr|mr|mrs|ms|prof|st|no|nr|vs|etc|fig|cf|inc|ca|bzw|usw|ggf|evtl|tel|str|abs|art|sr|sra|ej|av|"
    r"approx|e\.g|i\.e|z\.b|d\.h|p\.ex)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Guess:
    """Which columns are what, and why.

    Attributes
    ----------
    query : str or None
        Column of the searches, or of what stands in for them.
    document : str
        Column of the texts to find.
    kind : str
        ``"search"``: real searches or questions. ``"duplicate"``: two columns of the same nature. ``"label"``: the text
        is the search, and its label is to be found. ``"stand-in"``: a title or subject takes the place of a search.
        ``"first sentence"``: one column of texts, whose first sentence takes that place. ``"none"``: short texts only,
        which can be searched but not measured.
    keep : str or None
        Column of 0/1, true/false or yes/no that says which pairs belong together.
    reason : str
    columns : DataFrame
        One row a column: ``column holds filled words distinct example``. ``filled`` is a share; ``words`` the median;
        ``distinct`` counts in the rows looked at (at most `SAMPLE`).
    """

    query: str | None
    document: str
    kind: str
    keep: str | None
    reason: str
    columns: pd.DataFrame

    def _repr_html_(self) -> str:
        from markupsafe import escape

        return f"<p>{escape(self.reason)}</p>" + self.columns.to_html(index=False)


def guess(frame: pd.DataFrame, *, query: str | None = None, document: str | None = None) -> Guess:
    """Guess the columns of searches and of texts to find.

    Names count first (English, German, French, Spanish, some others), then what the columns hold. A title or subject is
    never taken for a real search.

    Parameters
    ----------
    frame : DataFrame
        Texts, as `toolkit.prepare.files.read` gives them. Up to 5,000 rows, spread over all, are looked at.
    query, document : str, optional
        Columns that are known; they are checked.

    Raises
    ------
    ValueError
        No column holds texts, or one that was named is missing, empty, or holds no texts.

    Examples
    --------
    >>> frame = pd.DataFrame({"Betreff": ["Kein Ton mehr", "Blauer Bildschirm"],
    ...     "Beschreibung": ["Seit dem Update kommt kein Ton aus dem Lautsprecher.", "Der Rechner startet nicht."]})
    >>> found = guess(frame)
    >>> found.query, found.document, found.kind
    ('Betreff', 'Beschreibung', 'stand-in')
    """
    if frame.columns.has_duplicates:
        raise ValueError(f"the table has several columns {frame.columns[frame.columns.duplicated()][0]!r}: rename them")
    if len(frame) > SAMPLE:
        rows = np.sort(np.random.default_rng(0).choice(len(frame), SAMPLE, replace=False))
        frame = frame.iloc[rows]
    looked = _Looked(frame)
    for column in filter(None, (query, document)):
        looked.check(column)
    if query is not None and query == document:
        raise ValueError(
            f"column {query!r} cannot be both the search and the text to find: name another for one of them"
        )
    pair = looked.pair(query, document)
    if pair is None:
        document = document or query or looked.longest(looked.texts)
        return looked.alone(document)
    query, document, kind, reason = pair
    keep = looked.keep(query, document) if kind in ("duplicate", "search") else None
    if keep:
        reason += f"; `{keep}` says which pairs belong together"
    elif kind == "duplicate" and (graded := [c for c in looked.values if plain(c) in GRADES]):
        reason += f"; `{graded[0]}` is not 0 or 1 and was not used: all pairs are taken to belong together"
    return Guess(query, document, kind, keep, reason, looked.table)


def rank(name: str, names: Sequence[str]) -> int | None:
    """Place in `names` of a column's name, or of one of its words; None without one."""
    words = [plain(word) for word in re.findall(r"[^\W\d_]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", str(name)))]
    whole = plain(name)
    # "name" as one word of several is that of a customer or a file, and "a" an article.
    places = [names.index(word) for word in (whole, *words) if word in names
              and (word == whole or (len(word) > 2 and word != "name"))]  # fmt: skip
    return min(places, default=None)


def words(text: str) -> int:
    """How many words a text has, also in scripts that put no spaces between them.

    Examples
    --------
    >>> words("card_arrival is late"), words("打印机无法工作")
    (4, 4)
    """
    unspaced = len(UNSPACED.findall(text))
    return len(WORD.findall(UNSPACED.sub(" ", text))) + (unspaced + 1) // 2


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
    for end in END.finditer(text):
        head, rest = text[: end.end()].strip(), text[end.end() :].strip()
        if not rest:
            break
        if end.group() == "." and (ABBREVIATION.search(text[: end.start()]) or rest[0].islower()):
            continue
        if words(head) >= 3:
            return head, rest
    return text, ""


def has_rest(text: str) -> bool:
    """Whether the first sentence can stand in as a search for the rest of a text."""
    head, rest = first_sentence(text)
    return bool(rest) and len(head) <= LONGEST_SEARCH and words(rest) >= 3


class _Looked:
    """Columns and what they hold."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.values = {str(c): _filled(frame[c]) for c in frame.columns}
        self.filled = {c: len(values) / max(1, len(frame)) for c, values in self.values.items()}
        self.words = {c: float(v.map(words).median()) if len(v) else 0.0 for c, v in self.values.items()}
        self.distinct = {c: values.nunique() for c, values in self.values.items()}
        self.holds = {c: _holds(values, self.words[c]) for c, values in self.values.items()}
        for column, holds in self.holds.items():
            if holds == "label" and plain(column) not in LABELS and _named(column, QUERIES, DOCUMENTS, STAND_INS):
                self.holds[column] = "text"  # searches and titles that come again and again
            if holds == "text" and plain(column) in LABELS and self.distinct[column] > 1 and self.words[column] <= 5:
                self.holds[column] = "label"
        self.texts = self.of("text")
        if not self.texts:
            self.texts = [c for c in self.of("label") if self.words[c] > 1]
            self.holds.update(dict.fromkeys(self.texts, "text"))
        if not self.texts:
            seen = ", ".join(f"`{column}` {holds}" for column, holds in self.holds.items()) or "no columns"
            raise ValueError(
                f"no column holds texts; there are: {seen}. See that the file is the right one and its separator was "
                f"found"
            )

    @property
    def table(self) -> pd.DataFrame:
        examples = [" ".join(v.iloc[0][:200].split()) if len(v) else "" for v in self.values.values()]
        return pd.DataFrame({
            "column": list(self.values), "holds": list(self.holds.values()),
            "filled": [round(share, 3) for share in self.filled.values()], "words": list(self.words.values()),
            "distinct": list(self.distinct.values()),
            "example": [text if len(text) <= 60 else text[:59] + "…" for text in examples],
        })  # fmt: skip

    def of(self, kind: str) -> list[str]:
        return [column for column, holds in self.holds.items() if holds == kind]

    def longest(self, columns: Sequence[str]) -> str:
        """The column with most words, over all rows: one that is nearly empty is no collection."""
        return max(columns, key=lambda column: self.words[column] * self.filled[column])

    def check(self, column: str) -> None:
        if column not in self.values:
            near = difflib.get_close_matches(column, list(self.values), n=2, cutoff=0.4)
            hint = f"did you mean {' or '.join(map(repr, near))}? " if near else ""
            raise ValueError(f"there is no column {column!r}: {hint}The columns are {', '.join(self.values)}")
        holds = self.holds[column]
        if holds == "empty":
            raise ValueError(f"column {column!r} is empty: text columns are {', '.join(self.texts)}")
        if holds in ("number", "date", "id", "e-mail", "url"):
            some = ", ".join(dict.fromkeys(self.values[column].head(20)[:3]))[:60]
            raise ValueError(
                f"column {column!r} holds {holds}s ({some}): expected texts; text columns are {', '.join(self.texts)}"
            )

    def pair(self, query: str | None, document: str | None) -> tuple[str, str, str, str] | None:
        """Query, document, kind and reason; None where there is only one column to work with."""
        if query and document:
            return self.named(query, document)
        queries = [query] if query else [c for c in self.texts if c != document]
        documents = [document] if document else self.texts
        for rule in (self._same, self._search, self._label, self._stand_in, self._by_content):
            found = rule(queries, documents)
            if found:
                return found
        return None

    def named(self, query: str, document: str) -> tuple[str, str, str, str]:
        reason = f"you named `{query}` as the search and `{document}` as the text to find"
        if _same_name(query, document) or _same_name(document, query):
            return query, document, "duplicate", reason
        if self.holds[document] == "label":
            return query, document, "label", reason
        if rank(query, STAND_INS) is not None and rank(query, QUERIES) is None:
            return query, document, "stand-in", reason + f"; `{query}` is no real search, only a stand-in for one"
        return query, document, "search", reason

    def _same(self, queries: Sequence[str], documents: Sequence[str]) -> tuple[str, str, str, str] | None:
        known = len(queries) == 1 or len(documents) == 1  # one was named: the order is the user's
        for query, document in product(queries, documents):
            if not (_same_name(query, document) or (known and _same_name(document, query))):
                continue
            alike = max(self.words[query], self.words[document]) <= 2 * min(self.words[query], self.words[document])
            if alike and (not _generic(query) or self.keep(query, document)):
                return query, document, "duplicate", f"`{query}` and `{document}` are of the same nature"
        return None

    def _search(self, queries: Sequence[str], documents: Sequence[str]) -> tuple[str, str, str, str] | None:
        named = [c for c in queries if rank(c, QUERIES) is not None]
        named.sort(key=lambda column: rank(column, QUERIES) or 0)
        asking = [c for c in queries if self.asking(c) >= 0.5 and rank(c, STAND_INS) is None]
        asking.sort(key=lambda column: -self.asking(column))
        for query in (*named, *asking):
            rest = [c for c in documents if c != query]
            rest = [c for c in rest if rank(c, DOCUMENTS) is not None] or [c for c in rest if c not in named] or rest
            if rest:
                document = self.longest(rest)
                share = f"{self.asking(query):.0%} of the texts in `{query}` are questions"
                why = f"`{query}` is named as searches are" if query in named else share
                return query, document, "search", f"{why}; `{document}` {self._long(document)}"
        return None

    def _label(self, queries: Sequence[str], documents: Sequence[str]) -> tuple[str, str, str, str] | None:
        given = [c for c in documents if self.holds[c] == "label"]
        labels = given or [c for c in self.of("label") if plain(c) in LABELS]
        if not given and (len(self.texts) > 1 or len(documents) != len(self.texts) or not labels):
            return None
        label = min(labels, key=lambda column: rank(column, LABELS) or 0)
        texts = [c for c in queries if c != label]
        if not texts:
            return None
        query = self.longest(texts)
        n = self.distinct[label]
        return query, label, "label", f"`{query}` holds texts and `{label}` one of {n} short labels for each"

    def _stand_in(self, queries: Sequence[str], documents: Sequence[str]) -> tuple[str, str, str, str] | None:
        titles = [c for c in queries if rank(c, STAND_INS) is not None and self.filled[c] >= 0.3]
        for query in sorted(titles, key=lambda column: rank(column, STAND_INS) or 0):
            longer = [c for c in documents if c != query and self.words[c] > self.words[query]]
            if longer:
                document = self.longest(longer)
                reason = f"`{query}` {self._short(query)}; `{document}` {self._long(document)}"
                return query, document, "stand-in", reason
        return None

    def _by_content(self, queries: Sequence[str], documents: Sequence[str]) -> tuple[str, str, str, str] | None:
        document = self.longest(documents)
        if document in queries and len(queries) == 1:
            return None
        rest = [c for c in queries if c != document]
        # What comes again in most rows, or stands in few, says little about its row.
        telling = [c for c in rest if self.filled[c] >= 0.3 and self.words[c] >= 2
                   and self.distinct[c] >= 0.5 * len(self.values[c])]  # fmt: skip
        query = next(iter(telling or (rest if len(queries) == 1 else [])), None)
        if query is None:
            return None
        reason = f"`{query}` {self._short(query)}; `{document}` {self._long(document)}"
        return query, document, "stand-in", reason

    def alone(self, document: str) -> Guess:
        """One column of texts."""
        texts = self.values[document]
        split = sum(map(has_rest, texts)) / max(1, len(texts))
        labels = [c for c in self.of("label") if rank(c, NO_LABELS) is None and self.distinct[c] >= 4]
        if self.words[document] >= LONG_WORDS and split >= 0.5:
            reason = f"`{document}` is the only column of texts; their first sentences stand in for searches"
            return Guess(None, document, "first sentence", None, reason, self.table)
        if labels and self.holds[document] == "text":
            label = labels[0]
            reason = f"`{document}` holds texts and `{label}` one of {self.distinct[label]} short labels for each"
            return Guess(document, label, "label", None, reason, self.table)
        reason = (
            f"`{document}` is the only column of texts, and they are short ({self.words[document]:.0f} words in the "
            f"middle): they can be searched, but there is nothing to measure with"
        )
        return Guess(None, document, "none", None, reason, self.table)

    def keep(self, query: str, document: str) -> str | None:
        """A column that says yes or no, and has a name for it (or no name at all)."""
        found = []
        for column, values in self.values.items():
            kinds = set(values.str.casefold().unique()[:9])
            binary = any(kinds <= set(pair) for pair in (("0", "1"), ("0.0", "1.0"), ("true", "false"), ("yes", "no")))
            generic = _generic(column)
            if column not in (query, document) and kinds and binary and (generic or plain(column) in KEEPS):
                found.append(column)
        return min(found, key=lambda c: KEEPS.index(plain(c)) if plain(c) in KEEPS else 99, default=None)

    def asking(self, column: str) -> float:
        """Share of the texts that are short and ask."""
        texts = self.values[column]
        return float(texts.map(_asks).mean()) if len(texts) else 0.0

    def _short(self, column: str) -> str:
        distinct = self.distinct[column] / max(1, len(self.values[column]))
        varied = "every row has another" if distinct > 0.95 else f"{distinct:.0%} of the rows have another"
        return f"is short ({self.words[column]:.0f} words in the middle) and {varied}"

    def _long(self, column: str) -> str:
        if column == self.longest(self.texts):
            return f"is the longest ({self.words[column]:.0f} words in the middle)"
        return "is named as texts to find are"


def _filled(values: pd.Series) -> pd.Series:
    texts = values.dropna().astype(str).str.strip()
    return texts[texts != ""]


def _named(column: str, *lists: Sequence[str]) -> bool:
    return any(rank(column, names) is not None for names in lists)


def _generic(column: str) -> bool:
    return re.sub(r"\W|\d|_", "", column).casefold() in GENERIC


def _asks(text: str) -> bool:
    if len(text) > LONGEST_SEARCH:
        return False
    first = WORD.search(text)
    if text[-1] in "?？؟;" and (text[-1] != ";" or text[-2:-1].casefold() in GREEK):
        return True
    return first is not None and first.group().casefold() in ASKING and words(text) > 2


def _same_name(a: str, b: str) -> bool:
    """Names that differ by a number or a letter at their end: question1 and question2, text_a and text_b."""
    left, right = str(a).casefold(), str(b).casefold()
    if left[:-1] != right[:-1] or left == right or len(left) < 2:
        return False
    return f"{left[-1]}{right[-1]}" in ("12", "01", "ab", "lr", "xy")


def _holds(values: pd.Series, median: float) -> str:
    """What a column holds, in a word."""
    n = len(values)
    if not n:
        return "empty"
    for kind, pattern, share in (
        ("number", NUMBER, 0.95),
        ("date", DATE, 0.95),
        ("e-mail", MAIL, 0.9),
        ("url", URL, 0.9),
    ):
        if values.map(lambda value, pattern=pattern: pattern.fullmatch(value) is not None).mean() >= share:
            return kind
    distinct = values.nunique()
    single = ~values.str.contains(r"\s")
    if single.mean() > 0.95 and distinct > 0.5 * n and (values.str.contains(r"\d")).mean() > 0.8 and median <= 5:
        return "id"
    if values.str.lower().isin(["true", "false", "yes", "no"]).all():
        return "label"
    if 2 * distinct <= n and median <= 5 and values.str.len().max() <= 60 and distinct <= 1000:
        return "label"
    return "text" if values.str.contains(r"[^\W\d_]").mean() > 0.5 else "number"
