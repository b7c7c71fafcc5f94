"""Summarise a data set: what it contains, and what to do about it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import compress, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from toolkit import plots
from toolkit.prepare.describing.advice import MANY_PIECES, advise
from toolkit.prepare.frames import sample, to_frame
from toolkit.prepare.schema import Layout, layout
from toolkit.prepare.splitting.near_copies import near_pairs
from toolkit.prepare.text.language import language_shares
from toolkit.prepare.text.unicode import UNSPACED_LETTER
from toolkit.prepare.values import normal

if TYPE_CHECKING:
    from toolkit.prepare.frames import Rows

SAMPLE_SIZE = 5_000  # texts of a column that are examined for near-copies, tokens and words ...
LANGUAGE_SAMPLE_SIZE = 500  # ... and texts of all columns together for languages
MAX_CHARACTERS = 20_000  # characters of a text that are examined; the tokens of the rest are extrapolated
BINS = 30
PAIRED = ("pairs", "triplets", "n-tuples", "scored triplets")  # shapes whose first two texts form a pair


@dataclass(frozen=True)
class Description:
    """What is in a data set. Made by `describe`.

    Attributes
    ----------
    rows : int
    shape : str
        As named by `toolkit.prepare.frames.shape_of`; empty if no shape fits (then `advice` says what is missing).
    texts : DataFrame
        One row per column of texts: ``column filled empty repeated near_copies shortest median longest`` (lengths in
        characters, near-copies as a share of the distinct texts), with a model also ``tokens`` (median), ``limit``,
        ``cut`` (share of the texts that are longer) and ``lost`` (share of all tokens that are not read), 0 to 1.
    lengths : DataFrame
        ``column low high texts``, in tokens with a model, else in characters.
    languages : DataFrame
        `toolkit.prepare.text.language_shares` of a sample: ``language texts share``.
    labels : DataFrame
        ``label rows share``, most frequent first; empty if there are no classes.
    scores : DataFrame
        ``low high rows``; empty if there are no scores.
    words : DataFrame
        Words that the model's tokenizer breaks into many pieces: ``word texts share pieces split``.
    links : DataFrame
        ``column texts several most example``: texts of a side, and how many have several partners.
    advice : tuple of str
        One sentence for each finding that calls for action.
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
        """Unit of `lengths`: ``"tokens"`` or ``"characters"``."""
        return "tokens" if "tokens" in self.texts else "characters"

    @property
    def limit(self) -> float | None:
        """Maximum number of tokens that the model reads, if there is a model with a limit."""
        if "limit" not in self.texts or not self.texts["limit"].notna().any():
            return None
        return float(self.texts["limit"].max())

    @cached_property
    def picture(self) -> plots.Picture:
        """Lengths of the texts, next to labels or scores where there are any."""
        return plots.contents(self.lengths, self.labels, self.scores, unit=self.unit, limit=self.limit)

    def _tables(self) -> list[tuple[str, pd.DataFrame]]:
        """Return the other tables with headings, each cut to its first 10 rows."""
        names = ("Languages", "Labels", "Scores", "Words in many pieces", "Texts with several partners")
        tables = zip(names, (self.languages, self.labels, self.scores, self.words, self.links), strict=True)
        return [(f"{name} ({len(table):,}, the first 10)" if len(table) > 10 else name, table.head(10))
                for name, table in tables if len(table)]  # fmt: skip

    def _head(self) -> str:
        return f"{self.rows:,} rows, shape: {self.shape or 'unknown'}"

    def __str__(self) -> str:
        blocks = [self._head(), *([self.texts.to_string(index=False)] if len(self.texts) else [])]
        blocks += [f"{name}\n{table.to_string(index=False)}" for name, table in self._tables()]
        blocks += ["\n".join(f"- {sentence}" for sentence in self.advice)] if self.advice else []
        return "\n\n".join([*blocks, *self.notes])

    def _repr_html_(self) -> str:
        from markupsafe import escape

        items = "".join(f"<li>{escape(sentence)}</li>" for sentence in self.advice)
        html = f"<p><b>{escape(self._head())}</b></p>" + (f"<ul>{items}</ul>" if items else "")
        if len(self.texts):
            html += self.texts.to_html(index=False, float_format="{:.3g}".format) + self.picture.html()
        tables = (f"<p>{escape(name)}</p>{table.to_html(index=False)}" for name, table in self._tables())
        return html + "".join(tables) + "".join(f"<p>{escape(note)}</p>" for note in self.notes)


def describe(dataset: Rows, model: Any = None) -> Description:
    """Describe a data set before you train on it, split it or index it.

    Rows, empty and repeated texts, labels and scores are counted over all rows; near-copies, tokens, words and
    languages over samples, which `Description.notes` names.

    Parameters
    ----------
    dataset : Dataset, result of `load`, `clean` or `make_pairs`, DataFrame, mapping of columns, or list
    model : SentenceTransformer, optional
        Its tokenizer counts tokens, those beyond its limit, and words that it breaks into many pieces.

    Raises
    ------
    ValueError
        When `dataset` is not a table, or the model has no tokenizer from the tokenizers library.

    Examples
    --------
    >>> found = describe({"anchor": ["reset password", ""], "positive": ["Go to settings.", "Call us."]})
    >>> found.shape, found.texts["empty"].tolist()
    ('pairs', [1, 0])
    >>> print(found.advice[0])
    1 text of anchor is missing or empty: prepare.clean and prepare.make_pairs drop such rows.
    """
    frame = to_frame(dataset).rename(columns=str)
    kinds, read, trouble = _kinds(frame), None, ""
    try:
        read = layout(kinds)
    except ValueError as error:
        trouble = str(error)
    columns = list(read.inputs) if read else [name for name, kind in kinds.items() if kind == "text"]
    for column in columns:
        stripped = frame[column].map(lambda value: value.strip() if isinstance(value, str) else "")
        frame[column] = stripped.astype(object)
    filled = {column: [text for text in frame[column] if text] for column in columns}
    every = [text for column in columns for text in filled[column]]
    counted = {column: _count_tokens(model, filled[column]) for column in columns} if model is not None else {}
    texts = _text_table(filled, len(frame), counted)
    lengths = {c: counted[c]["tokens"].tolist() if counted else list(map(len, filled[c])) for c in columns}
    labels, scores = _label_tables(frame, read)
    tables = {
        "lengths": length_table(lengths),
        "languages": language_shares(sample(every, LANGUAGE_SAMPLE_SIZE)),
        "labels": labels,
        "scores": scores,
        "words": broken_words(model, every),
        "links": _link_table(frame, columns[:2] if read and read.shape in PAIRED else []),
    }
    advice = advise(frame, read, trouble, texts, tables, model)
    notes = []
    if max(map(len, filled.values()), default=0) > SAMPLE_SIZE:
        of = "near-copies, tokens and words" if counted else "near-copies"
        notes.append(f"Measured on samples of {SAMPLE_SIZE:,} texts: {of}. The full data has more near-copies.")
    if len(every) > LANGUAGE_SAMPLE_SIZE:
        notes.append(f"Languages were measured on a sample of {LANGUAGE_SAMPLE_SIZE:,} texts.")
    if max(map(len, every), default=0) > MAX_CHARACTERS:
        tokens = "; their tokens are extrapolated" if counted else ""
        notes.append(f"Only the beginning of texts over {MAX_CHARACTERS:,} characters was examined{tokens}.")
    return Description(len(frame), read.shape if read else "", texts, advice=advice, notes=tuple(notes), **tables)


def _kinds(frame: pd.DataFrame) -> dict[str, str]:
    """Return the kind of each column, for `toolkit.prepare.schema.layout`."""
    kinds = {}
    for name in frame.columns:
        first = next(iter(frame[name].dropna()), "")
        kind = "text" if isinstance(first, str) else "number" if isinstance(first, float) else "other"
        kinds[str(name)] = "list" if hasattr(first, "__len__") and not isinstance(first, str) else kind
    return kinds


def _count_tokens(model: Any, texts: Sequence[str]) -> pd.DataFrame:
    """Count tokens as `toolkit.vectors.truncation` does, on a sample; extrapolate very long texts."""
    from toolkit.vectors import truncation

    looked = sample(texts, SAMPLE_SIZE)
    table = truncation(model, [text[:MAX_CHARACTERS] for text in looked])
    stretch = np.array([max(1.0, len(text) / MAX_CHARACTERS) for text in looked])
    tokens = (table["tokens"] * stretch).round().astype("int64")
    return table.assign(tokens=tokens, lost=(tokens - table["limit"]).clip(lower=0).fillna(0).astype("int64"))


def _text_table(filled: Mapping[str, Sequence[str]], rows: int, counted: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Build `Description.texts` from the texts of each column and their token counts."""
    table = []
    for column, texts in filled.items():
        lengths = [len(text) for text in texts] or [0]
        row: dict[str, Any] = {
            "column": column, "filled": len(texts), "empty": rows - len(texts),
            "repeated": len(texts) - len(set(texts)), "near_copies": near_share(texts),
            "shortest": min(lengths), "median": int(np.median(lengths)), "longest": max(lengths),
        }  # fmt: skip
        if column in counted:
            tokens, limit, lost = (counted[column][name] for name in ("tokens", "limit", "lost"))
            some = len(tokens) > 0
            row |= {
                "tokens": int(tokens.median()) if some else 0,
                "limit": limit.iloc[0] if some else float("nan"),
                "cut": float(lost.gt(0).mean()) if some else 0.0,
                "lost": float(lost.sum() / max(1, tokens.sum())),
            }
        table.append(row)
    return pd.DataFrame(table)


def near_share(texts: Sequence[str]) -> float:
    """Return the share (0 to 1) of the distinct texts of a sample that are near-copies of another.

    Examples
    --------
    >>> near_share(["compute the rolling median of a series", "the rolling median of a series", "read it", "x y"])
    0.5
    """
    different = list(
        {normal(text[:MAX_CHARACTERS]): text[:MAX_CHARACTERS] for text in sample(texts, SAMPLE_SIZE)}.values()
    )
    return len(set(near_pairs(different).ravel().tolist())) / max(1, len(different))


def length_table(values: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    """Bin the lengths of each column by equal ratios: ``column low high texts``, lengths from low up to below high.

    Examples
    --------
    >>> int(length_table({"text": [1, 2, 2, 1000]})["texts"].sum())
    4
    """
    longest = max((max(lengths, default=1) for lengths in values.values()), default=1)
    edges = np.unique(np.round(np.geomspace(1, longest + 1, BINS + 1)))
    rows = []
    for column, lengths in values.items():
        counts, _ = np.histogram(np.clip(lengths, 1, None), bins=edges)
        rows += [(column, int(a), int(b), int(n)) for (a, b), n in zip(pairwise(edges), counts, strict=True)]
    return pd.DataFrame(rows, columns=["column", "low", "high", "texts"])


def _label_tables(frame: pd.DataFrame, read: Layout | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Build `Description.labels` and `Description.scores`; empty if there are none, or if they are lists."""
    counts, numbers = pd.Series(dtype=int), pd.Series(dtype=float)
    label = pd.Series(dtype=object) if read is None or read.label is None else frame[read.label].dropna()
    lists = label.map(lambda value: hasattr(value, "__len__") and not isinstance(value, str)).any()
    if read is not None and not lists and read.shape.startswith("labelled"):
        counts = label.value_counts()
    if read is not None and not lists and read.shape.startswith("scored"):
        numbers = pd.to_numeric(label, errors="coerce").astype(float)
    labels = {"label": list(counts.index), "rows": counts.to_numpy(), "share": counts.to_numpy() / max(1, counts.sum())}
    return pd.DataFrame(labels), score_table(numbers if numbers.notna().all() else numbers[:0])


def score_table(scores: pd.Series) -> pd.DataFrame:
    """Bin scores in ten bins of equal width: ``low high rows``; the last includes its upper end."""
    finite = scores[np.isfinite(scores)]
    if finite.empty:
        return pd.DataFrame(columns=["low", "high", "rows"])
    counts, edges = np.histogram(finite, bins=10)
    return pd.DataFrame({"low": edges[:-1], "high": edges[1:], "rows": counts})


def broken_words(model: Any, texts: Sequence[str]) -> pd.DataFrame:
    """Find words that the model's tokenizer breaks into `MANY_PIECES` or more, the most frequent first.

    Parameters
    ----------
    model : SentenceTransformer or None
        With None, no words are found.
    texts : sequence of str
        Not empty; a sample of them is examined.

    Returns
    -------
    DataFrame
        ``word texts share pieces split``: in how many texts of the sample, what share of them, into how many pieces,
        and which; hyphens and the like are not counted. Words end at white space; web addresses and scripts without
        spaces are left out.
    """
    rows = []
    if model is not None:
        counts: Counter[str] = Counter()
        looked = sample(texts, SAMPLE_SIZE)
        for text in looked:
            found = {re.sub(r"^\W+|\W+$", "", word) for word in text[:MAX_CHARACTERS].split()}
            counts.update(w for w in found if 1 < len(w) <= 40 and "://" not in w and not UNSPACED_LETTER.search(w))
        words = [word for word, n in counts.most_common(SAMPLE_SIZE) if any(map(str.isalpha, word))]
        tokenizer = getattr(model.tokenizer, "backend_tokenizer", model.tokenizer)
        for word, one in zip(words, tokenizer.encode_batch(words, add_special_tokens=False), strict=True):
            pieces = list(compress(one.tokens, one.attention_mask))
            spelled = sum(any(map(str.isalnum, piece)) for piece in pieces)
            if spelled >= MANY_PIECES:
                rows.append((word, counts[word], counts[word] / len(looked), spelled, " ".join(pieces)))
    return pd.DataFrame(rows, columns=["word", "texts", "share", "pieces", "split"])


def _link_table(frame: pd.DataFrame, sides: Sequence[str]) -> pd.DataFrame:
    """Build `Description.links` from the columns of two sides; empty without them."""
    both = frame[list(sides)]
    both = both[(both != "").all(axis=1)].drop_duplicates()
    rows = []
    for column in sides:
        partners = both[column].value_counts()
        example, most = next(iter(partners.items()), ("", 0))
        rows.append((column, len(partners), int((partners > 1).sum()), int(most), str(example)[:120]))
    return pd.DataFrame(rows, columns=["column", "texts", "several", "most", "example"])
