"""One look at a data set: what is in it, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from toolkit import plots
from toolkit.prepare.describing import measures
from toolkit.prepare.describing.advising import advise
from toolkit.prepare.frames import to_frame
from toolkit.prepare.schema import Layout, layout
from toolkit.prepare.texts.languages import spoken

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from toolkit.prepare.frames import Rows

LOOK_LANGUAGES = 500  # texts from which the languages are told
PAIRED = ("pairs", "triplets", "n-tuples", "scored triplets")  # shapes whose first two texts belong together


@dataclass(frozen=True)
class Description:
    """What is in a data set. Made by `describe`.

    Attributes
    ----------
    rows : int
    shape : str
        As `toolkit.prepare.shape_of` names it; empty where no shape fits (then `advice` says what is missing).
    texts : DataFrame
        One row a column of texts: ``column filled empty repeated near_copies shortest median longest`` (lengths in
        characters, near-copies as a share of the different texts), with a model also ``tokens`` (median), ``limit``,
        ``cut`` (share of the texts that are longer) and ``lost`` (share of all tokens that are not read), 0 to 1.
    lengths : DataFrame
        ``column low high texts``, in tokens with a model, else in characters.
    languages : DataFrame
        `toolkit.prepare.spoken` of a sample: ``language texts share``.
    labels : DataFrame
        ``label rows share``, the most frequent first; without rows where there are no classes.
    scores : DataFrame
        ``low high rows``; without rows where there are no scores.
    words : DataFrame
        Words that the model's tokenizer breaks to pieces: ``word texts share pieces split``.
    links : DataFrame
        ``column texts several most example``: how many texts of a side stand with several of the other side.
    advice : tuple of str
        A sentence for each finding, none where there is none.
    notes : tuple of str
        What was measured on a sample.
    """

    rows: int
    shape: str
    texts: pd.DataFrame
    lengths: pd.DataFrame
    languages: pd.DataFrame
    labels: pd.DataFrame
    scores: pd.DataFrame
    words: pd.DataFrame
    links: pd.DataFrame
    advice: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def unit(self) -> str:
        """Of `lengths`: ``"tokens"`` or ``"characters"``."""
        return "tokens" if "tokens" in self.texts else "characters"

    @property
    def limit(self) -> float | None:
        """Tokens that the model reads, if there is a model with a limit."""
        if "limit" not in self.texts or not self.texts["limit"].notna().any():
            return None
        return float(self.texts["limit"].max())

    @cached_property
    def figure(self) -> Figure:
        """Lengths of the texts, and beside them labels or scores where there are any."""
        return plots.contents(self.lengths, self.labels, self.scores, unit=self.unit, limit=self.limit)

    @property
    def alt(self) -> str:
        """The figure in a sentence, for who cannot see it."""
        return plots.describe_contents(self.lengths, self.labels, self.scores, unit=self.unit)

    def _parts(self) -> list[tuple[str, pd.DataFrame]]:
        """What is shown below the texts, with a heading each; long tables by their beginning."""
        parts = [
            ("Languages", self.languages), ("Labels", self.labels), ("Scores", self.scores),
            ("Words in many pieces", self.words), ("Texts with several partners", self.links),
        ]  # fmt: skip
        return [(f"{name} ({len(part):,}, the first 10)" if len(part) > 10 else name, part.head(10))
                for name, part in parts if len(part)]  # fmt: skip

    def _head(self) -> str:
        return f"{self.rows:,} rows of {self.shape or 'no known shape'}"

    def __str__(self) -> str:
        blocks = [self._head(), self.texts.to_string(index=False)] if len(self.texts) else [self._head()]
        blocks += [f"{name}\n{part.to_string(index=False)}" for name, part in self._parts()]
        blocks += ["\n".join(f"- {sentence}" for sentence in self.advice)] if self.advice else []
        return "\n\n".join([*blocks, *self.notes])

    def _repr_html_(self) -> str:
        from markupsafe import escape

        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.advice)
        html = f"<p><b>{escape(self._head())}</b></p>" + (f"<ul>{items}</ul>" if items else "")
        if len(self.texts):
            html += self.texts.to_html(index=False, float_format="{:.3g}".format) + plots.img(self.figure, self.alt)
        tables = (f"<p>{escape(name)}</p>{part.to_html(index=False)}" for name, part in self._parts())
        return html + "".join(tables) + "".join(f"<p>{escape(note)}</p>" for note in self.notes)


def describe(dataset: Rows, model: Any = None) -> Description:
    """Look at a data set before you train, split or index with it.

    Rows, empty and repeated texts, labels and scores are counted over all rows; near-copies, tokens, words and
    languages over samples, which `Description.notes` names.

    Parameters
    ----------
    dataset : Dataset, result of `load`, `clean` or `pairs`, DataFrame, mapping of columns, or list
    model : SentenceTransformer, optional
        Whose tokenizer counts: tokens, what its limit cuts, and words that it breaks to pieces.

    Raises
    ------
    ValueError
        When `dataset` holds no table, or the model has no tokenizer of the library tokenizers.

    Examples
    --------
    >>> found = describe({"anchor": ["reset password", ""], "positive": ["Go to settings.", "Call us."]})
    >>> found.shape, found.texts["empty"].tolist()
    ('pairs', [1, 0])
    >>> print(found.advice[0])
    1 text of anchor is missing or empty: prepare.clean and prepare.pairs leave such rows out.
    """
    frame = to_frame(dataset, _names(dataset)).rename(columns=str)
    read, trouble = _layout(frame)
    columns = list(read.inputs) if read else [name for name, kind in _kinds(frame).items() if kind == "text"]
    frame = frame.assign(**{column: measures.texts_of(frame, column) for column in columns})
    filled = {column: [text for text in frame[column] if text] for column in columns}
    every = [text for column in columns for text in filled[column]]
    counted = {column: measures.count_tokens(model, filled[column]) for column in columns} if model is not None else {}
    texts = measures.column_table(frame, columns, counted)
    lengths = {
        column: counted[column]["tokens"].tolist() if counted else list(map(len, filled[column])) for column in columns
    }
    paired = read is not None and read.shape in PAIRED
    label = frame[read.label] if read and read.label else None
    numbered = read is not None and read.shape.startswith("scored") and label is not None and _numeric(label)
    parts = {
        "lengths": measures.length_table(lengths),
        "languages": spoken(measures.sample(every, LOOK_LANGUAGES)) if every else _none("language texts share"),
        "labels": _labels(label) if label is not None and read and read.shape.startswith("labelled") else _labels(None),
        "scores": measures.score_table(pd.to_numeric(label, errors="coerce").astype(float))
        if numbered and label is not None else _none("low high rows"),
        "words": measures.broken_words(model, every) if model is not None else _none("word texts share pieces split"),
        "links": measures.link_table(frame, columns[0], columns[1]) if paired
        else _none("column texts several most example"),
    }  # fmt: skip
    advice = advise(frame, read, trouble, texts, parts, model)
    notes = _notes(texts, every, counted)
    return Description(len(frame), read.shape if read else "", texts, advice=advice, notes=notes, **parts)


def _names(dataset: Any) -> list[str]:
    """Names for the columns of a list: of texts, or of (query, document[, wrong document])."""
    first = dataset[0] if isinstance(dataset, (list, tuple)) and dataset else None
    return ["anchor", "positive", "negative"][: len(first)] if isinstance(first, (list, tuple)) else ["text"]


def _none(columns: str) -> pd.DataFrame:
    return pd.DataFrame(columns=columns.split())


def _kinds(frame: pd.DataFrame) -> dict[str, str]:
    """What each column holds, in the words of `toolkit.prepare.schema.layout`."""
    kinds = {}
    for name in frame.columns:
        values = frame[name].dropna()
        first = values.iloc[0] if len(values) else ""
        kind = "text" if isinstance(first, str) else "number" if isinstance(first, float) else "other"
        kinds[str(name)] = "list" if hasattr(first, "__len__") and not isinstance(first, str) else kind
    return kinds


def _layout(frame: pd.DataFrame) -> tuple[Layout | None, str]:
    """How the trainer reads the columns, or None and why no shape fits."""
    try:
        return layout(_kinds(frame)), ""
    except ValueError as error:
        return None, str(error)


def _numeric(label: pd.Series) -> bool:
    return bool(pd.to_numeric(label.dropna(), errors="coerce").notna().all()) if _plain(label) else False


def _plain(label: pd.Series) -> bool:
    """Whether a column of labels holds single values, no lists."""
    return not label.map(lambda value: hasattr(value, "__len__") and not isinstance(value, str)).any()


def _labels(label: pd.Series | None) -> pd.DataFrame:
    if label is None or not _plain(label):
        return _none("label rows share")
    counts = label.dropna().value_counts()
    shares = counts.to_numpy() / max(1, counts.sum())
    return pd.DataFrame({"label": list(counts.index), "rows": counts.to_numpy(), "share": shares})


def _notes(texts: pd.DataFrame, every: list[str], counted: Mapping[str, Any]) -> tuple[str, ...]:
    """Which figures come from a sample."""
    notes = []
    most = int(texts["filled"].max()) if len(texts) else 0
    if most > measures.LOOK:
        of = "near-copies, tokens and words" if counted else "near-copies"
        notes.append(f"On samples of {measures.LOOK:,} texts: {of}. Near-copies in all of them are more.")
    if len(every) > LOOK_LANGUAGES:
        notes.append(f"On a sample of {LOOK_LANGUAGES:,} texts: languages.")
    if len(texts) and int(texts["longest"].max()) > measures.LONGEST:
        tokens = "; their tokens are reckoned from it" if counted else ""
        notes.append(f"Of texts over {measures.LONGEST:,} characters only the beginning was looked at{tokens}.")
    return tuple(notes)
