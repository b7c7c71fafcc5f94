"""Convert tables of any form to a Dataset or a DataFrame; the only module that interprets rows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from toolkit.prepare.schema import (
    EXTRA,
    ROLES,
    SHAPES,
    Shape,
    is_role,
    layout,
    loaded_shape,
    negatives_in,
)
from toolkit.prepare.values import numbers
from toolkit.storage import digest_texts
from toolkit.vectors.inputs import no_lone_surrogates

if TYPE_CHECKING:
    from datasets import Dataset


class HasDataset(Protocol):
    """The result of `load`, `clean` or `make_pairs`."""

    @property
    def data(self) -> Dataset:
        """Its rows."""


Rows: TypeAlias = "Dataset | HasDataset | pd.DataFrame | Mapping[str, Sequence[Any]] | Sequence[Any]"

_EXPECTED = (
    "expected a Dataset, the result of prepare.load, clean or make_pairs, a DataFrame, a mapping of columns, or a list "
    "of dictionaries, of texts, or of (query, document) pairs"
)
_TRIPLET = SHAPES["triplets"].columns  # names for the columns of a list of tuples


def to_dataset(source: Rows, *, groups: bool = True) -> Dataset:
    """Convert any supported table to a Dataset.

    Parameters
    ----------
    source : Dataset, result of `load`, `clean` or `make_pairs`, DataFrame, mapping of columns, or list
        A list holds dictionaries, texts (column ``text``), pairs (``anchor positive``) or triplets (and ``negative``).
    groups : bool
        Add the groups of a result of `make_pairs` as the column ``group``.

    Raises
    ------
    ValueError
        For anything else, an empty list, columns that cannot be converted, or a DatasetDict, which has several tables.

    Examples
    --------
    >>> to_dataset([("a query", "its document")]).column_names
    ['anchor', 'positive']
    >>> to_dataset(["a text"]).column_names
    ['text']
    """
    from datasets import Dataset

    made = _unwrap(source)
    if not isinstance(made, Dataset):
        if isinstance(made, Sequence) and not isinstance(made, str) and not len(made):
            raise ValueError(f"{_EXPECTED}; got an empty list")
        return from_frame(made if isinstance(made, pd.DataFrame) else to_frame(made))
    origin: Any = getattr(source, "origin", ())
    if groups and "group" in origin and "group" not in made.column_names:
        return made.add_column("group", origin["group"].astype(str).tolist())
    return made


def from_frame(frame: pd.DataFrame) -> Dataset:
    """Convert a DataFrame to a Dataset, without its index.

    Raises
    ------
    ValueError
        For duplicate column names, several header rows, a column with values of several types, or a text
        with a lone surrogate.
    """
    from datasets import Dataset

    _check_headings(frame)
    if frame.columns.has_duplicates:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise ValueError(f"the table has several columns {twice!r}: drop or rename the duplicates")
    try:
        with no_lone_surrogates():
            return Dataset.from_pandas(frame.rename(columns=str), preserve_index=False)
    except Exception as error:  # Arrow raises many exception types for columns of mixed types
        raise ValueError(f"the table has values of several types in one column ({str(error)[:150]})") from error


def to_frame(source: Any, names: Sequence[str] = ()) -> pd.DataFrame:
    """Convert any supported table to a new DataFrame; class numbers of a Dataset become class names.

    Parameters
    ----------
    source : as in `to_dataset`
        A list may be empty here, and hold any values.
    names : sequence of str
        Names for the columns of a list of texts or tuples; by default ``text``, or ``anchor positive negative``.

    Raises
    ------
    ValueError
        For anything else, or a list with items of several types or lengths.

    Examples
    --------
    >>> to_frame([("a query", "its document")]).to_dict("records")
    [{'anchor': 'a query', 'positive': 'its document'}]
    """
    from datasets import ClassLabel, Dataset

    source = _unwrap(source)
    if isinstance(source, pd.DataFrame):
        _check_headings(source)
        return source.copy()
    if isinstance(source, Dataset):
        frame: pd.DataFrame = source.to_pandas()
        for name, feature in source.features.items():
            if isinstance(feature, ClassLabel) and feature.names:
                frame[name] = frame[name].map(dict(enumerate(feature.names))).astype(object)
        return frame
    with no_lone_surrogates():
        if isinstance(source, Mapping):
            lengths = {name: len(values) for name, values in source.items()}
            if len(set(lengths.values())) > 1:
                counts = ", ".join(f"{name} {length:,}" for name, length in lengths.items())
                raise ValueError(f"expected columns of equal length, got {counts}")
            return pd.DataFrame(dict(source))
        if is_texts(source):
            return pd.DataFrame({(*names, "text")[0]: pd.Series(list(source), dtype=object)})
        if isinstance(source, (list, tuple)):
            return _from_list(source, names)
    hint = "; prepare.load reads files; put a single text in a list, [text]" if isinstance(source, (str, Path)) else ""
    raise ValueError(f"{_EXPECTED}; got {type(source).__name__}{hint}")


def is_texts(source: Any) -> bool:
    """Return whether `source` is a flat list, Series or column of texts, some possibly missing."""
    if isinstance(source, (list, tuple)):
        return bool(source) and (source[0] is None or isinstance(source[0], str))
    one_by_one = isinstance(source, (pd.Series, pd.Index)) or type(source).__name__ in ("ndarray", "Column")
    return one_by_one and getattr(source, "ndim", 1) == 1


def _unwrap(source: Any) -> Any:
    """Return the Dataset of a result; anything else unchanged."""
    from datasets import Dataset, DatasetDict

    if isinstance(source, DatasetDict):
        raise ValueError(f"{_EXPECTED}; got a DatasetDict: name one of its splits, {', '.join(source)}")
    made = getattr(source, "data", None)
    return made if isinstance(made, Dataset) else source


def _from_list(rows: Sequence[Any], names: Sequence[str]) -> pd.DataFrame:
    """Convert a list of dictionaries or tuples to a table, which may be empty."""
    if not rows:
        return pd.DataFrame(columns=list(names or ("text",)))
    kind: Any = Mapping if isinstance(rows[0], Mapping) else (list, tuple)
    width = len(rows[0]) if isinstance(rows[0], (list, tuple)) else None
    for number, row in enumerate(rows):
        if not isinstance(row, kind) or width not in (None, len(row)):
            expected = "dictionaries, texts, or tuples of texts, all as long as the first"
            raise ValueError(f"item {number} of the list is {row!r:.60}: expected {expected}")
    if width is None:
        return pd.DataFrame(list(rows))
    least, names = (1, names) if names else (2, _TRIPLET)
    if not least <= width <= len(names):
        expected = f"{least} to {len(names)} values ({', '.join(names)})"
        raise ValueError(f"expected rows of {expected}, got {width}: {rows[0]!r:.60}")
    return pd.DataFrame(list(rows), columns=list(names[:width]))


def _check_headings(frame: pd.DataFrame) -> None:
    if frame.columns.nlevels > 1:
        raise ValueError(f"the table has {frame.columns.nlevels} header rows: expected one name per column")


def documents_of(source: Rows, documents: Sequence[str]) -> Sequence[str]:
    """Return `documents`, or if empty, those of `source`, a result of `load` or `clean`."""
    return documents if len(documents) else getattr(source, "documents", ())


def shape_of(dataset: Rows) -> str:
    """Name the shape of a data set by its columns, such as ``"pairs"``.

    The trainer of sentence-transformers takes ``label``, ``labels``, ``score`` or ``scores`` as the label and every
    other column as an input, in the order of the columns, whatever their names.

    Parameters
    ----------
    dataset : Dataset, result of `load`, `clean` or `make_pairs`, DataFrame, mapping or list

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
    kinds = {}
    for name, feature in to_dataset(dataset, groups=False).features.items():
        dtype = str(getattr(feature, "dtype", ""))
        several = isinstance(feature, (list, dict)) or type(feature).__name__ in ("List", "LargeList", "Sequence")
        number = "number" if dtype.startswith("float") else "text" if "string" in dtype else "other"
        kinds[name] = "list" if several else number
    found = layout(kinds)
    if found.wrong:
        warnings.warn(found.warning, UserWarning, stacklevel=2)
    return found.shape


def shaped(data: Dataset, columns: Mapping[str, str]) -> tuple[Dataset, str]:
    """Rename, select and convert the columns of a shape, and name the shape.

    Scores become numbers, and labels of texts become names, since label numbers differ between files
    (``dataset.class_encode_column("label")`` makes the numbers that trainers read).

    Parameters
    ----------
    data : Dataset
        With columns of these names, or with others that `columns` gives such names. Other columns are left out.
    columns : mapping of the table's names to those of the schema
        A part of a nested column is named with a dot, as in ``"answers.text"``.

    Raises
    ------
    ValueError
        A column is missing, occurs twice, or holds values other than texts, numbers or labels.

    Examples
    --------
    >>> from datasets import Dataset
    >>> rows = Dataset.from_dict({"stars": ["4.5"], "one": ["a b"], "two": ["a c"]})
    >>> data, shape = shaped(rows, {"stars": "score", "one": "sentence1", "two": "sentence2"})
    >>> shape, data.column_names, data["score"][0]
    ('scored pairs', ['sentence1', 'sentence2', 'score'], 4.5)
    """
    if any("." in old and old not in data.column_names for old in columns):
        data = data.flatten()
    for old, new in columns.items():
        if old not in data.column_names:
            raise ValueError(f"there is no column {old!r}; the table has {', '.join(map(str, data.column_names))}")
        check_role(new)
    names = [columns.get(name, name) for name in data.column_names]
    twice = next((name for name in names if is_role(name) and names.count(name) > 1), None)
    if twice:
        raise ValueError(f"with these columns= the table has several columns {twice!r}: drop or rename one")
    shape = loaded_shape([name for name in names if is_role(name)] or names)
    data = data.select_columns([old for old, new in zip(data.column_names, names, strict=True) if is_role(new)])
    data = data.rename_columns({old: new for old, new in columns.items() if old != new})
    negatives = negatives_in(data.column_names) if shape.name == "pairs" else []
    inputs = [*shape.texts, *negatives]
    label = [shape.label] if shape.label else []
    data = data.select_columns([*inputs, *label, *(name for name in EXTRA if name in data.column_names)])
    for column in inputs:
        dtype = getattr(data.features[column], "dtype", None)
        if dtype not in ("string", "large_string", "string_view", "null"):
            nested = not isinstance(dtype, str) or dtype in ("list", "dict")
            hint = "name the part you want with a dot, as in 'answers.text'" if nested else "see columns="
            held = "nested values" if nested else dtype
            raise ValueError(f"column {column!r} holds {held}, expected one text per row: {hint}")
    data = _with_typed_label(data, shape)
    # The extra columns are not inputs of a loss: `split` reads them and leaves them out of training.
    return data, "documents" if shape.name == "texts" else shape_of(data.select_columns([*inputs, *label]))


def _with_typed_label(data: Dataset, shape: Shape) -> Dataset:
    """Convert scores to numbers, text classes to names, and whole-number labels of pairs to integers."""
    from datasets import ClassLabel, Value

    feature = data.features.get("label")
    values: list[Any]
    if shape.label == "score":
        values, kind = numbers(pd.Series(data["score"][:], name="score")).tolist(), "float64"
    elif shape.name == "labelled texts" and isinstance(feature, ClassLabel):
        values, kind = [None if n is None or n < 0 else feature.names[n] for n in data["label"][:]], "string"
    elif (
        shape.name == "labelled pairs"
        and getattr(feature, "dtype", "") in ("string", "large_string")
        and all(str(value).strip().lstrip("-").isdecimal() for value in data.unique("label"))
    ):
        values, kind = [int(value) for value in data["label"][:]], "int64"
    else:
        return data
    typed = data.remove_columns(shape.label).add_column(shape.label, values, feature=Value(kind))
    return typed.select_columns(data.column_names)


def check_role(name: str) -> None:
    """Check that ``columns=`` maps to a known name."""
    if not is_role(name):
        raise ValueError(f"columns= maps to {name!r}, expected one of {', '.join(ROLES)}, negative_1, ...")


def digest_of(data: Dataset, documents: Sequence[str] = ()) -> str:
    """Return the SHA-256 of the columns of a table, and of `documents` if there are any."""

    def column(name: str) -> Iterator[str]:
        for batch in data.select_columns([name]).iter(10_000):
            yield from ("nan" if value is None else str(value) for value in batch[name])

    return digest_texts(*map(column, data.column_names), *([documents] if documents else []))


def sample(texts: Sequence[str], n: int, seed: int = 0) -> list[str]:
    """Draw at most `n` texts at random, in their order.

    Examples
    --------
    >>> sample(["a", "b", "c", "d"], 2)
    ['c', 'd']
    """
    return [texts[row] for row in sample_rows(len(texts), n, seed).tolist()]


def sample_rows(rows: int, n: int, seed: int = 0) -> NDArray[np.int64]:
    """Draw at most `n` of the row numbers 0 to `rows` - 1 at random, ascending."""
    if rows <= n:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, n, replace=False))
