"""From what people have to what losses need."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from toolkit.prepare.dropped import Dropped
from toolkit.prepare.frames import shape_of, to_frame
from toolkit.prepare.pairing import annotated, documents, relations
from toolkit.prepare.pairing.columns import apart, filled
from toolkit.prepare.schema import is_training_column
from toolkit.prepare.tasks import RetrievalData, Task

if TYPE_CHECKING:
    from datasets import Dataset

# Name of a transformation -> the columns of texts that it needs, others that it needs, and the function.
BY: dict[str, tuple[tuple[str, ...], tuple[str, ...], Callable[..., pd.DataFrame]]] = {
    "titles": (("title", "body"), (), relations.beside),
    "answers": (("question", "answer"), (), relations.beside),
    "groups": (("text",), ("group",), relations.groups),
    "labels": (("text",), ("label",), relations.labels),
    "qrels": (("query", "document"), ("grade",), relations.qrels),
    "clicks": (("query", "document"), ("clicks",), relations.clicks),
    "nli": (("premise", "hypothesis"), ("label",), annotated.nli),
    "nli labels": (("premise", "hypothesis"), ("label",), annotated.nli_labels),
    "ratings": (("sentence1", "sentence2"), ("score",), annotated.ratings),
    "neighbours": (("text",), (), documents.neighbours),
    "cloze": (("text",), (), documents.cloze),
    "damaged": (("text",), (), documents.damaged),
}
SENTENCES = ("nli labels", "ratings")  # two equal sentences are an example too: entailed, or rated highest


@dataclass(frozen=True)
class Pairs:
    """Data in the shape that a loss needs, and the account of it.

    Attributes
    ----------
    data : Dataset
        The texts and the label, nothing else: the trainer of sentence-transformers takes every further column for a
        text, and the columns by their order. Hand it over as it is.
    table : DataFrame
        One row a step: ``step rows_in rows_out dropped why example``. Where rows are put together, ``rows_out`` counts
        what was made, and ``dropped`` the rows that are in nothing that was made.
    origin : DataFrame
        One row a row of `data`: ``row``, the number of the source's row that the first text is from, and what is no
        text, such as ``group``, ``clicks`` or ``grade``. A column of it serves `toolkit.prepare.split` as ``groups``.
    notes : tuple of str
        What had to be guessed.
    """

    data: Dataset
    table: pd.DataFrame
    origin: pd.DataFrame
    notes: tuple[str, ...] = field(default=())

    @property
    def shape(self) -> str:
        """Name of the shape, see `toolkit.prepare.shape_of`."""
        return str(shape_of(self.data))

    def __str__(self) -> str:
        head = f"{len(self.data):,} rows of {self.shape}: {', '.join(self.data.column_names)}"
        return "\n".join([head, *self.notes, self.table.to_string(index=False)])

    def _repr_html_(self) -> str:
        from markupsafe import escape

        head = f"{len(self.data):,} rows of {self.shape}, in the trainer's order: {', '.join(self.data.column_names)}"
        first: pd.DataFrame = self.data.select(range(min(3, len(self.data)))).to_pandas()
        lines = "".join(f"<p>{escape(line)}</p>" for line in (head, *self.notes))
        return lines + first.to_html(index=False, max_cols=8) + self.table.to_html(index=False)


def make_pairs(
    source: Any,
    *,
    by: str,
    columns: Mapping[str, str] | None = None,
    most: int | None = None,
    least: float | None = None,
    negatives: int | None = None,
    scale: tuple[float, float] | None = None,
    seed: int = 0,
) -> Pairs:
    r"""Make what a loss needs of what you have.

    Equal rows count once, a pair of equal texts is left out, and so is a row without a text. White space at the ends
    is taken off; for more, see `toolkit.prepare.clean`. Equal arguments give equal results.

    Parameters
    ----------
    source : DataFrame, Dataset, mapping of columns, list of mappings, list of sequences, or list of str
        A table. For ``"qrels"`` also a `RetrievalData`, a retrieval `Task`, or a mapping with ``queries``, ``corpus``
        and ``qrels``.
    by : str
        ==================  ====================================  ================================================
        ``by``              columns that it needs                 columns that it makes, in the trainer's order
        ==================  ====================================  ================================================
        ``"titles"``        title, body                           anchor, positive
        ``"answers"``       question, answer                      anchor, positive
        ``"groups"``        text, group                           anchor, positive: texts of one group
        ``"labels"``        text, label                           text, label (a number; at least 2 texts of each)
        ``"qrels"``         query, document, grade                anchor, positive[, negative ...]
        ``"clicks"``        query, document, clicks               anchor, positive
                            [, impressions]
        ``"nli"``           premise, hypothesis, label            anchor, positive, negative
        ``"nli labels"``    premise, hypothesis, label            sentence1, sentence2, label
        ``"ratings"``       sentence1, sentence2, score           sentence1, sentence2, score (0 to 1)
        ``"neighbours"``    text                                  anchor, positive: sentences that follow each other
        ``"cloze"``         text                                  anchor, positive: a sentence, and its document
        ``"damaged"``       text                                  noisy, text
        ==================  ====================================  ================================================

        The functions of these names in `relations`, `annotated` and `documents`, beside this module, say how and by
        whom.
    columns : mapping, optional
        From your names of columns to those above.
    most : int, optional
        Most rows from one group, query, premise or document, 10 if not given, so that a large one does not dominate.
    least : float, optional
        Of qrels the grade, of clicks the number from which a document counts as positive; 1 if not given.
    negatives : int, optional
        Of qrels: how many documents of grade 0 stand beside each positive; none if not given.
    scale : tuple of two floats, optional
        Of ratings: the ends of their scale. If not given it is told from the values.
    seed : int

    Raises
    ------
    ValueError
        For an unknown `by`, an option that it does not know, a missing column, a value that is no text or no number,
        a rating outside of its scale (with its row), or when nothing is left.

    Examples
    --------
    >>> rows = {"text": ["reset password", "forgot password", "pay by card"], "group": [1, 1, 2]}
    >>> made = make_pairs(rows, by="groups")
    >>> made.data.column_names, len(made.data)
    (['anchor', 'positive'], 1)
    >>> made.table.query("dropped > 0")[["step", "dropped", "why"]].to_dict("records")
    [{'step': 'alone', 'dropped': 1, 'why': 'the only text of its group'}]
    """
    texts, others, function, options = _checked(by, most=most, least=least, negatives=negatives, scale=scale, seed=seed)
    if by == "qrels" and (judged := _judged(source)) is not None:
        source, columns = judged, {}
    frame = to_frame(source, [*texts, *others]).rename(columns=dict(columns or {}))
    _check_columns(frame, [*texts, *others], columns or {}, by)
    steps = Dropped()
    frame = frame.reset_index(drop=True)
    frame["row"] = frame.index
    frame = filled(frame, texts, steps)
    if by not in SENTENCES and len(texts) == 2:
        frame = apart(frame, texts, steps)
    made = function(frame, steps, **options)
    return _result(made, steps, by)


def _checked(by: str, **options: Any) -> tuple[Any, ...]:
    if by not in BY:
        raise ValueError(f"expected by= one of {', '.join(map(repr, BY))}; got {by!r}")
    texts, others, function = BY[by]
    known = inspect.signature(function).parameters
    for name, value in options.items():
        if name not in known and name != "seed" and value is not None:
            raise ValueError(f"by={by!r} has no option {name}: got {name}={value!r}, leave it out")
    for name, low in (("most", 1), ("negatives", 0)):
        if options[name] is not None and options[name] < low:
            raise ValueError(f"expected {name} of at least {low}, got {options[name]}")
    given = {name: value for name, value in options.items() if name in known and value is not None}
    return texts, others, function, given


def _judged(source: Any) -> pd.DataFrame | None:
    """Queries, corpus and qrels as one table of judgements; None where the source is a table already."""
    data = source.data if isinstance(source, Task) else source
    if isinstance(data, RetrievalData):
        parts = data.queries, data.corpus, data.qrels
    elif isinstance(data, Mapping) and {"queries", "corpus", "qrels"} <= set(data):
        parts = data["queries"], data["corpus"], data["qrels"]
    else:
        return None
    queries, corpus, judgements = parts
    rows = [(queries.get(q), corpus.get(d), grade, q, d) for q, of in judgements.items() for d, grade in of.items()]
    return pd.DataFrame(rows, columns=["query", "document", "grade", "query_id", "document_id"])


def _check_columns(frame: pd.DataFrame, needed: Sequence[str], columns: Mapping[str, str], by: str) -> None:
    missing = [name for name in needed if name not in frame]
    if missing:
        raise ValueError(
            f"by={by!r} needs the columns {', '.join(needed)}; {', '.join(missing)} is missing, got "
            f"{', '.join(map(str, frame.columns)) or 'none'}. Name yours with columns={{'your column': {missing[0]!r}}}"
        )
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ValueError(f"with columns={dict(columns)} there are several columns {twice!r}: drop or rename the others")


def _result(made: pd.DataFrame, steps: Dropped, by: str) -> Pairs:
    """Drop what teaches nothing, and part the texts and the label from the rest."""
    from datasets import ClassLabel, Dataset, Features, Value

    names = [name for name in made if is_training_column(name)]
    if by != "labels":
        made = steps.keep(made, ~made.duplicated(names), "repeated", "the same row again")
    if by in ("groups", "neighbours", "cloze"):
        made = apart(made, ["anchor", "positive"], steps)
    if made.empty:
        raise ValueError(f"by={by!r} leaves no row; what went where:\n{steps.table.to_string(index=False)}")
    features = {name: Value("string") for name in names}
    if "score" in features:
        features["score"] = Value("float64")
    if "label" in features:
        classes = [str(name) for name in made["label"].cat.categories]
        features["label"] = ClassLabel(names=classes)
        made = made.assign(label=made["label"].cat.codes.astype("int64"))
    data = Dataset.from_pandas(made[names].reset_index(drop=True), preserve_index=False, features=Features(features))
    return Pairs(data, steps.table, made.drop(columns=names).reset_index(drop=True), tuple(steps.notes))
