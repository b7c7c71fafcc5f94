"""The shape of a data set, told as the trainer of sentence-transformers reads it: by the order of its columns."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.prepare.rows import Rows, rows_of

LABELS = ("label", "labels", "score", "scores")
"""Columns that hold a row's label, wherever they stand. The trainer takes the first of these that is there."""

SHAPES = {
    ("anchor", "positive", "negative"): "triplets",
    ("anchor", "positive", "negative", "score"): "scored triplets",
    ("anchor", "positive"): "pairs",
    ("sentence1", "sentence2", "score"): "scored pairs",
    ("sentence1", "sentence2", "label"): "labelled pairs",
    ("noisy", "text"): "damaged texts",
    ("text", "label"): "labelled texts",
    ("text",): "texts",
}
"""Columns that are known, with the name of their shape. `shape_of` knows variants of them."""

_NEGATIVE = re.compile(r"negative(_\d+)?$")
_INPUTS = (("anchor", "positive"), ("sentence1", "sentence2"), ("noisy", "text"), ("text",))


def is_negative(name: object) -> bool:
    """Whether a column is one of wrong documents: ``negative``, ``negative_1``, ..., and not ``negative_id``."""
    return bool(_NEGATIVE.match(str(name)))


def shape_of(dataset: Rows) -> str:
    """Name of a dataset's shape, such as ``"pairs"``, judged by its columns.

    The trainer of sentence-transformers takes ``label``, ``labels``, ``score`` or ``scores`` for the label and every
    other column for an input, in the order of the columns, whatever their names.

    Parameters
    ----------
    dataset : Dataset, result of `load`, `clean` or `pairs`, DataFrame, mapping or list

    Returns
    -------
    str
        ============================  ==========================================================================
        ``"pairs"``                   ``anchor positive``
        ``"triplets"``                ``anchor positive negative``
        ``"n-tuples"``                the same with several negatives: ``negative_1 negative_2 ...``
        ``"scored triplets"``         either of the two with a score (a margin, or a list with one for each pair)
        ``"scored pairs"``            two texts and a score: ``score(s)``, or a ``label(s)`` of floating point
        ``"labelled pairs"``          two texts and a class
        ``"ranked lists"``            ``anchor positive`` with a list of texts and a list of labels in each row
        ``"damaged texts"``           ``noisy text``
        ``"labelled texts"``          ``text`` and a class
        ``"texts with vectors"``      ``text`` and a list of numbers, the teacher's vector
        ``"texts"``                   ``text``
        ============================  ==========================================================================

        Two texts are ``anchor positive`` or ``sentence1 sentence2``.

    Raises
    ------
    ValueError
        When no shape fits; the message says which columns are missing or in the wrong place.

    Warns
    -----
    UserWarning
        When a further column holds texts, or there is a second label: both become inputs of the loss.

    Examples
    --------
    >>> from datasets import Dataset
    >>> shape_of(Dataset.from_dict({"anchor": ["a"], "positive": ["b"]}))
    'pairs'
    >>> shape_of(Dataset.from_dict({"score": [0.5], "sentence1": ["a"], "sentence2": ["b"]}))
    'scored pairs'
    """
    kinds = {name: _kind(feature) for name, feature in rows_of(dataset, groups=False).features.items()}
    found = layout(kinds)
    if found.wrong:
        warnings.warn(found.warning, UserWarning, stacklevel=2)
    return found.shape


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
        """What is wrong with the further columns, and what to do."""
        right = [*self.inputs, *([self.label] if self.label else [])]
        return (
            f"further columns become inputs of the loss: {', '.join(self.wrong)}. The trainer reads every column but "
            f"one of {', '.join(LABELS)} as a text of the row. Train on dataset.select_columns({right})"
        )


def layout(kinds: Mapping[str, str]) -> Layout:
    """The shape of columns, and which of them are what.

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
    known = next((wanted for wanted in _INPUTS if tuple(inputs[: len(wanted)]) == wanted), None)
    if known is None or (known[0] == "sentence1" and label is None):
        raise _unknown(columns)
    if known == ("text",) and "noisy" in inputs:  # damaged texts the wrong way round
        raise _unknown(columns)
    negatives = 0
    if known[0] == "anchor":
        while len(inputs) > 2 + negatives and is_negative(inputs[2 + negatives]):
            negatives += 1
    end = len(known) + negatives
    if any(is_negative(name) for name in inputs[end:]):
        raise _unknown(columns)
    wrong = tuple(name for name in inputs[end:] if kinds[name] in ("text", "list") or name in LABELS)
    return Layout(_name(kinds, known, negatives, label), tuple(inputs[:end]), label, wrong)


def _name(kinds: Mapping[str, str], known: tuple[str, ...], negatives: int, label: str | None) -> str:
    kind = kinds[label] if label else ""
    if known == ("noisy", "text"):
        return "damaged texts"
    if known == ("text",):
        return {"": "texts", "list": "texts with vectors"}.get(kind, "labelled texts")
    if negatives:
        many = "n-tuples" if negatives > 1 else "triplets"
        return "scored triplets" if label else many
    if not label:
        return "pairs"
    if kind == "list" and kinds[known[1]] == "list":
        return "ranked lists"
    return "scored pairs" if kind == "number" or label.startswith("score") else "labelled pairs"


def _kind(feature: Any) -> str:
    """What a column of a Dataset holds, as in `layout`."""
    if isinstance(feature, (list, dict)) or type(feature).__name__ in ("List", "LargeList", "Sequence"):
        return "list"
    dtype = str(getattr(feature, "dtype", ""))
    return "number" if dtype.startswith("float") else "text" if "string" in dtype else "other"


def _unknown(columns: list[str]) -> ValueError:
    for wanted, name in SHAPES.items():
        if set(wanted) <= set(columns):
            right = [*wanted, *(column for column in columns if is_negative(column) and column not in wanted)]
            return ValueError(
                f"the columns of {name} must come first and in this order: {', '.join(right)}; got "
                f"{', '.join(columns)}. Use dataset.select_columns({right})"
            )
    wanted, name = max(SHAPES.items(), key=lambda item: len(set(item[0]) & set(columns)) / len(item[0]))
    missing = [column for column in wanted if column not in columns]
    return ValueError(
        f"no known shape has the columns {', '.join(columns) or '(none)'}; nearest is {name}, which lacks "
        f"{', '.join(missing)}. Rename your columns: dataset.rename_columns({{'yours': {missing[0]!r}}})"
    )
