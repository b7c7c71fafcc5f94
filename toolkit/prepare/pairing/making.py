"""Make the rows that a loss needs from common kinds of data."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from toolkit.prepare.dropped import Dropped
from toolkit.prepare.frames import shape_of, to_frame
from toolkit.prepare.pairing import annotated, relations, unsupervised
from toolkit.prepare.schema import PAIR, is_training_column
from toolkit.prepare.tasks import RetrievalData, Task
from toolkit.prepare.values import require_texts

if TYPE_CHECKING:
    from datasets import Dataset

# Name of a transformation -> the columns of texts that it needs, the other columns, and the function.
BY: dict[str, tuple[tuple[str, ...], tuple[str, ...], Callable[..., pd.DataFrame]]] = {
    "titles": (("title", "body"), (), relations.from_columns),
    "answers": (("question", "answer"), (), relations.from_columns),
    "groups": (("text",), ("group",), relations.groups),
    "labels": (("text",), ("label",), relations.labels),
    "qrels": (("query", "document"), ("grade",), relations.qrels),
    "clicks": (("query", "document"), ("clicks",), relations.clicks),
    "nli": (("premise", "hypothesis"), ("label",), annotated.nli),
    "nli labels": (("premise", "hypothesis"), ("label",), annotated.nli_labels),
    "ratings": (("sentence1", "sentence2"), ("score",), annotated.ratings),
    "neighbours": (("text",), (), unsupervised.neighbours),
    "cloze": (("text",), (), unsupervised.cloze),
    "damaged": (("text",), (), unsupervised.damaged),
}
EQUAL_TEXTS = ("nli labels", "ratings")  # two equal sentences are a valid example here: entailed, or rated highest


@dataclass(frozen=True)
class Pairs:
    """Data in the shape that a loss needs, and what was dropped along the way. Made by `make_pairs`.

    Attributes
    ----------
    data : Dataset
        Only the texts and the label, in the trainer's order: the trainer of sentence-transformers takes every
        further column as a text.
    table : DataFrame
        A row per step: ``step rows_in rows_out dropped why example``. Where rows are combined, ``rows_out`` counts the
        new rows, and ``dropped`` the old ones that were not used.
    origin : DataFrame
        For each row of `data`: ``row``, the source row number of the first text, and what else is known, such
        as ``group``, ``clicks`` or ``grade``. A column can serve as ``groups`` of `toolkit.prepare.split`.
    notes : tuple of str
        Guesses that were made.
    """

    data: Dataset
    table: pd.DataFrame
    origin: pd.DataFrame
    notes: tuple[str, ...] = field(default=())

    @property
    def shape(self) -> str:
        """Name of the shape, see `toolkit.prepare.frames.shape_of`."""
        return str(shape_of(self.data))

    def _lines(self) -> list[str]:
        columns = ", ".join(self.data.column_names)
        return [f"{len(self.data):,} rows of {self.shape}, in the trainer's order: {columns}", *self.notes]

    def __str__(self) -> str:
        return "\n".join([*self._lines(), self.table.to_string(index=False)])

    def _repr_html_(self) -> str:
        from markupsafe import escape

        lines = "".join(f"<p>{escape(line)}</p>" for line in self._lines())
        return lines + pd.DataFrame(self.data[:3]).to_html(index=False, max_cols=8) + self.table.to_html(index=False)


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
    r"""Make the rows that a loss needs from the data that you have.

    Repeated rows are dropped, and so are pairs of equal texts and rows with a missing text. Outer white space is
    removed; for more, see `toolkit.prepare.clean`. The same arguments give the same result.

    Parameters
    ----------
    source : DataFrame, Dataset, mapping of columns, list of mappings, list of sequences, or list of str
        A table. For ``"qrels"`` also a `RetrievalData`, a retrieval `Task`, or a mapping with ``queries``, ``corpus``
        and ``qrels``.
    by : str
        ==================  ====================================  ================================================
        ``by``              columns that it needs                 columns that it returns, in trainer order
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

        The functions in `relations`, `annotated` and `unsupervised` document the methods and their sources.
    columns : mapping, optional
        From your column names to those above.
    most : int, optional
        Maximum rows per group, query, premise or document (default 10), so that a large one does not dominate.
    least : float, optional
        Minimum grade (qrels) or number of clicks for a document to count as positive; 1 by default.
    negatives : int, optional
        For qrels: number of documents of grade 0 for each positive; none by default.
    scale : tuple of two floats, optional
        For ratings: the ends of their scale; inferred from the values by default.
    seed : int

    Raises
    ------
    ValueError
        For an unknown `by`, an option that does not apply to it, a missing column, a value of the wrong type, a rating
        outside its scale (with its row), or when no row is left.

    Examples
    --------
    >>> rows = {"text": ["reset password", "forgot password", "pay by card"], "group": [1, 1, 2]}
    >>> made = make_pairs(rows, by="groups")
    >>> made.data.column_names, len(made.data)
    (['anchor', 'positive'], 1)
    >>> made.table.query("dropped > 0")[["step", "dropped", "why"]].to_dict("records")
    [{'step': 'alone', 'dropped': 1, 'why': 'the only text of its group'}]
    """
    if by not in BY:
        raise ValueError(f"expected by= one of {', '.join(map(repr, BY))}; got {by!r}")
    texts, others, function = BY[by]
    options = _options(by, most=most, least=least, negatives=negatives, scale=scale, seed=seed)
    judged = _judgement_table(source) if by == "qrels" else None
    names = {} if judged is not None else dict(columns or {})
    frame = to_frame(source if judged is None else judged, [*texts, *others]).rename(columns=names)
    needed = (*texts, *others)
    missing = [name for name in needed if name not in frame]
    if missing:
        raise ValueError(
            f"by={by!r} needs the columns {', '.join(needed)}; {', '.join(missing)} is missing, got "
            f"{', '.join(map(str, frame.columns)) or 'none'}. Rename yours with columns={{'yours': {missing[0]!r}}}"
        )
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ValueError(f"with columns={names} there are several columns {twice!r}: drop or rename the others")
    dropped = Dropped()
    frame = frame.reset_index(drop=True)
    frame["row"] = frame.index
    for column in texts:
        require_texts(frame[column], missing=True)
        frame[column] = frame[column].astype(object).fillna("").map(str.strip).astype(object)
    frame = dropped.keep(frame, (frame[list(texts)] != "").all(axis=1), "empty", "a missing or empty text")
    if by not in EQUAL_TEXTS and len(texts) == 2:  # before rows are sampled, so that none of the sample is wasted
        frame = drop_identical_pairs(frame, texts, dropped)
    return _result(function(frame, dropped, **options), dropped, by)


def _options(by: str, **given: Any) -> dict[str, Any]:
    """Check that options apply to a transformation, and select those that were given."""
    known = inspect.signature(BY[by][2]).parameters
    for name, value in given.items():
        if name not in known and name != "seed" and value is not None:
            raise ValueError(f"by={by!r} has no option {name}: got {name}={value!r}, leave it out")
    for name, low in (("most", 1), ("negatives", 0)):
        if given[name] is not None and given[name] < low:
            raise ValueError(f"expected {name} of at least {low}, got {given[name]}")
    return {name: value for name, value in given.items() if name in known and value is not None}


def _judgement_table(source: Any) -> pd.DataFrame | None:
    """Convert queries, corpus and qrels to a table of judgements; return None for anything else."""
    data = source.data if isinstance(source, Task) else source
    data = vars(data) if isinstance(data, RetrievalData) else data
    if not (isinstance(data, Mapping) and {"queries", "corpus", "qrels"} <= set(data)):
        return None
    queries, corpus, qrels = data["queries"], data["corpus"], data["qrels"]
    rows = [(queries.get(q), corpus.get(d), grade, q, d) for q, row in qrels.items() for d, grade in row.items()]
    return pd.DataFrame(rows, columns=["query", "document", "grade", "query_id", "document_id"])


def drop_identical_pairs(frame: pd.DataFrame, columns: Sequence[str], dropped: Dropped) -> pd.DataFrame:
    """Drop rows of two texts that are the same but for case: a text that finds itself teaches nothing."""
    first, second = (frame[name].map(str.casefold).astype(object) for name in columns)
    return dropped.keep(frame, first != second, "same text", f"{columns[0]} and {columns[1]} are the same text")


def _result(made: pd.DataFrame, dropped: Dropped, by: str) -> Pairs:
    """Drop uninformative rows, and separate texts and label from the rest."""
    from datasets import ClassLabel, Dataset, Features, Value

    names = [name for name in made if is_training_column(name)]
    if by != "labels":
        made = dropped.keep(made, ~made.duplicated(names), "repeated", "a duplicate row")
    if by in ("groups", "neighbours", "cloze"):
        made = drop_identical_pairs(made, PAIR, dropped)
    if made.empty:
        raise ValueError(f"by={by!r} leaves no rows; dropped:\n{dropped.table.to_string(index=False)}")
    features = {name: Value("float64" if name == "score" else "string") for name in names}
    if "label" in features:
        features["label"] = ClassLabel(names=[str(name) for name in made["label"].cat.categories])
        made = made.assign(label=made["label"].cat.codes.astype("int64"))
    data = Dataset.from_pandas(made[names].reset_index(drop=True), preserve_index=False, features=Features(features))
    return Pairs(data, dropped.table, made.drop(columns=names).reset_index(drop=True), tuple(dropped.notes))
