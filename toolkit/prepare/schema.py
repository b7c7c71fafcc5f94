"""Define the data schema: columns, their synonyms, their shapes, and the tasks that each shape can become.

`COLUMNS` and `SHAPES` are the single source that all other modules read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

LABELS = ("label", "labels", "score", "scores")
"""Columns that the trainer of sentence-transformers reads as a row's label, in its order of preference."""


@dataclass(frozen=True)
class Column:
    """A column with a meaning.

    Attributes
    ----------
    name : str
    holds : {"text", "score", "label", "name", "time"}
    synonyms : str
        Common names of such a column, separated by spaces, preferred ones first.
    """

    name: str
    holds: str
    synonyms: str = ""


COLUMNS = {
    column.name: column
    for column in (
        Column("anchor", "text", """
            query question search anchor utterance sentence1 premise question1 text1 q queries questions searches prompt
            instruction userquery searchterm searchquery frage suchanfrage suche anfrage pregunta consulta busqueda
            requete recherche demande domanda ricerca pergunta vraag zapytanie pytanie fraga sporgsmal вопрос запрос
            问题 問題 質問 查询 질문 سوال سؤال प्रश्न"""),
        Column("positive", "text", """
            document passage answer positive response reply solution resolution body context content paragraph
            description text abstract article chunk details message doc a sentence2 hypothesis antwort losung
            beschreibung inhalt absatz respuesta contenido descripcion texto parrafo articulo cuerpo reponse texte
            contenu corps paragraphe risposta testo descrizione resposta descricao antwoord tekst beschrijving ответ
            текст описание 答案 回答 本文 文本 内容 답변 نص جواب"""),
        Column("positive_id", "name"),
        Column("group", "name"),
        Column("time", "time"),
        Column("id", "name"),
        Column("negative", "text"),  # also negative_1, negative_2, ...
        Column("sentence1", "text"),
        Column("sentence2", "text"),
        Column("score", "score", "score similarity goldlabel"),
        Column("noisy", "text"),
        Column("text", "text"),
        Column("label", "label", """
            label intent class category topic tag intention kategorie klasse absicht rubrik schlagwort categoria
            etiqueta clase intencion categorie etiquette classe rubrique kategoria categorie метка категория 标签
            类别"""),
    )
}  # fmt: skip

STAND_INS = """
    title subject headline heading summary header name betreff titel uberschrift zusammenfassung thema
    kurzbeschreibung bezeichnung titre sujet objet resume titulo asunto resumen titular titolo oggetto assunto
    onderwerp заголовок тема название 标题 標題 タイトル 件名 제목 عنوان"""
"""Names of short texts that can stand in for a search where there is no ``anchor``."""
NON_LABELS = """
    status state priority language lang locale country gender sex user author agent owner assignee customer team
    channel source type version currency sentiment rating active open closed prioritat sprache land estado idioma
    pais etat langue pays priorite prioridad"""
"""Names of columns with few distinct values that do not label the meaning of a text."""
PAIR_FLAGS = "isduplicate duplicate isduplicated relevant isrelevant relevance match ismatch matched label duplikat"
"""Names of yes/no columns that mark which pairs belong together."""

PAIR, SENTENCES, TEXT = ("anchor", "positive"), ("sentence1", "sentence2"), ("text",)
EXTRA = ("positive_id", "group", "time")
"""Optional extra columns: `toolkit.prepare.split` reads them; training does not."""
SEARCH_KINDS = ("retrieval", "reranking")
_MANY = 10**6


@dataclass(frozen=True)
class Shape:
    """A recognised combination of columns.

    Attributes
    ----------
    name : str
    texts : tuple of str
        The columns of texts, in the trainer's order, negatives not included.
    label : str
        The usual name of its label column; empty without one.
    negatives : tuple of two ints
        Minimum and maximum number of negative columns.
    label_holds : tuple of str
        Allowed contents of the label column: ``"score"``, ``"class"``, ``"list"``, or ``""`` if it is optional.
    kinds : tuple of str
        Kinds of task that such data can become, the default first.
    loads : bool
        Whether `toolkit.prepare.load` recognises these columns (with or without negatives).
    trains : bool
        Whether a loss of sentence-transformers can train on it.
    """

    name: str
    texts: tuple[str, ...]
    label: str = ""
    negatives: tuple[int, int] = (0, 0)
    label_holds: tuple[str, ...] = ("",)
    kinds: tuple[str, ...] = ()
    loads: bool = False
    trains: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its columns, in the trainer's order, with only the first of several negatives."""
        negatives = ("negative",) if self.negatives[0] else ()
        return (*self.texts, *negatives, *((self.label,) if self.label else ()))


_ANY = ("score", "class", "list")
SHAPES = {
    shape.name: shape
    for shape in (
        Shape("triplets", PAIR, "", (1, 1), kinds=SEARCH_KINDS),
        Shape("scored triplets", PAIR, "score", (1, _MANY), _ANY, kinds=SEARCH_KINDS),
        Shape("pairs", PAIR, kinds=("retrieval", "bitext"), loads=True),
        Shape("scored pairs", SENTENCES, "score", label_holds=("score",), kinds=("similarity",), loads=True),
        Shape("labelled pairs", SENTENCES, "label", label_holds=("class",), kinds=("pairs",), loads=True),
        Shape("damaged texts", ("noisy", "text"), label_holds=("", *_ANY)),
        Shape("labelled texts", TEXT, "label", label_holds=("score", "class"), kinds=("clustering", "classification"),
              loads=True),
        Shape("texts", TEXT, loads=True),
        Shape("n-tuples", PAIR, "", (2, _MANY), kinds=SEARCH_KINDS),
        Shape("ranked lists", PAIR, "labels", label_holds=("list",)),
        Shape("texts with vectors", TEXT, "label", label_holds=("list",)),
        Shape("sentence pairs", SENTENCES, kinds=("bitext",), trains=False),
    )
}  # fmt: skip
"""All shapes by name. If data fit several, the first applies."""

TABLE_KINDS = {
    kind: shape.columns for shape in SHAPES.values() if shape.texts != PAIR for kind in shape.kinds
}  # fmt: skip
"""Kinds of task whose data are a table, and its columns; the others are `SEARCH_KINDS`."""
ROLES = (*PAIR, *EXTRA, "negative", *SENTENCES, "score", "text", "label")
"""Names that ``columns=`` of `toolkit.prepare.load` may map to."""

_NEGATIVE = re.compile(r"negative(_\d+)?$")


def is_negative(name: object) -> bool:
    """Return whether a column holds negatives: ``negative``, ``negative_1``, ..., but not ``negative_id``."""
    return bool(_NEGATIVE.match(str(name)))


def is_role(name: str) -> bool:
    """Return whether a column has one of the names in `ROLES`, or is one of several negatives."""
    return name in ROLES or is_negative(name)


def is_training_column(name: object) -> bool:
    """Return whether the trainer should read a column: a text of a shape, a negative, or a label."""
    column = COLUMNS.get(str(name))
    return (column is not None and column.holds == "text") or name in LABELS or is_negative(name)


def negatives_in(names: Iterable[object]) -> list[str]:
    """Select the columns of negatives, in their order."""
    return [str(name) for name in names if is_negative(name)]


def text_columns(names: Sequence[str]) -> list[str]:
    """Select the columns of texts of a table of any shape.

    Raises
    ------
    ValueError
        When there are none.

    Examples
    --------
    >>> text_columns(["label", "text"]), text_columns(["negative_1", "positive", "anchor", "score"])
    (['text'], ['anchor', 'positive', 'negative_1'])
    """
    for texts in (PAIR,) if "anchor" in names else (SENTENCES, TEXT):
        if set(texts) <= set(names):
            return [*texts, *(negatives_in(names) if texts == PAIR else ())]
    got = ", ".join(map(str, names))
    raise ValueError(f"expected columns anchor and positive, sentence1 and sentence2, or text; got {got}")


def loaded_shape(names: Sequence[str]) -> Shape:
    """Find the shape that `toolkit.prepare.load` makes of columns in any order; triplets count as pairs with negatives.

    Raises
    ------
    ValueError
        When they match no shape; the message says how to rename them.
    """
    loads = [shape for shape in SHAPES.values() if shape.loads]
    shape = _first_within(names, loads)
    if shape is None:
        raise _no_shape(names, loads)
    return shape


def task_shape(names: Sequence[str]) -> Shape:
    """Find the shape of data for a task, columns in any order.

    Raises
    ------
    ValueError
        When the columns match no shape, or one without correct answers.

    Examples
    --------
    >>> task_shape(["score", "sentence2", "sentence1"]).kinds
    ('similarity',)
    """
    if set(PAIR) <= set(names):
        return SHAPES["triplets" if negatives_in(names) else "pairs"]
    usable = [shape for shape in SHAPES.values() if shape.kinds]
    shape = _first_within(names, usable)
    if shape is None:
        found, expected = layout(dict.fromkeys(names, "text")).shape, ", ".join(shape.name for shape in usable)
        raise ValueError(f"{found} have no correct answers to score: expected {expected}")
    return shape


def _first_within(names: Sequence[str], shapes: Sequence[Shape]) -> Shape | None:
    return next((shape for shape in shapes if set(shape.columns) <= set(names)), None)


@dataclass(frozen=True)
class Layout:
    """How the trainer reads the columns.

    Attributes
    ----------
    shape : str
    inputs : tuple of str
        Columns of the shape that the loss takes as texts, in their order.
    label : str or None
    wrong : tuple of str
        Further columns that become inputs too.
    """

    shape: str
    inputs: tuple[str, ...]
    label: str | None
    wrong: tuple[str, ...]

    @property
    def warning(self) -> str:
        """Why the further columns are a mistake, and how to select the right ones."""
        right = [*self.inputs, *([self.label] if self.label else [])]
        return (
            f"further columns become inputs of the loss: {', '.join(self.wrong)}. The trainer reads all columns except "
            f"one of {', '.join(LABELS)} as a text of the row. Train on dataset.select_columns({right})"
        )


def layout(kinds: Mapping[str, str]) -> Layout:
    """Find the shape of columns, as the trainer of sentence-transformers reads them.

    Parameters
    ----------
    kinds : mapping of column to {"text", "number", "list", "other"}
        In the order of the columns; ``"number"`` is floating point.

    Raises
    ------
    ValueError
        When no shape fits.
    """
    columns = list(kinds)
    label = next((name for name in LABELS if name in columns), None)
    inputs = [name for name in columns if name != label]
    every = dict.fromkeys(shape.texts for shape in SHAPES.values())
    texts = next((texts for texts in every if tuple(inputs[: len(texts)]) == texts), ())
    negatives = 0
    while texts == PAIR and len(inputs) > 2 + negatives and is_negative(inputs[2 + negatives]):
        negatives += 1
    end = len(texts) + negatives
    misplaced = negatives_in(inputs[end:]) or (texts == TEXT and "noisy" in inputs)
    holds = ""
    if label is not None and texts:
        lists = kinds[label] == "list" and (texts == TEXT or negatives or kinds[texts[-1]] == "list")
        score = kinds[label] == "number" or label.startswith("score")
        holds = "list" if lists else "score" if score else "class"
    trained = [shape for shape in SHAPES.values() if shape.trains]
    for shape in trained if texts and not misplaced else ():
        same = shape.texts == texts or (len(texts) == 2 and bool(label) and {texts, shape.texts} == {PAIR, SENTENCES})
        least, most = shape.negatives
        if same and holds in shape.label_holds and least <= negatives <= most:
            wrong = tuple(name for name in inputs[end:] if kinds[name] in ("text", "list") or name in LABELS)
            return Layout(shape.name, tuple(inputs[:end]), label, wrong)
    raise _no_shape(columns, trained)


def _no_shape(columns: Sequence[object], shapes: Sequence[Shape]) -> ValueError:
    names = list(map(str, columns))
    got = ", ".join(names) or "(none)"
    shape = _first_within(names, shapes)
    if shape:
        right = list(dict.fromkeys([*shape.columns, *negatives_in(names)]))
        order = f"the columns of {shape.name} must come first and in this order: {', '.join(right)}"
        return ValueError(f"{order}; got {got}. Use dataset.select_columns({right})")
    nearest = max(shapes, key=lambda shape: len(set(shape.columns) & set(names)) / len(shape.columns))
    missing = [column for column in nearest.columns if column not in names]
    lacks = f"no known shape has the columns {got}; nearest is {nearest.name}, which lacks {', '.join(missing)}"
    todo = "as columns= of prepare.load, or with dataset.rename_columns"
    return ValueError(f"{lacks}. Rename yours with {{'your column': {missing[0]!r}}}: {todo}")
