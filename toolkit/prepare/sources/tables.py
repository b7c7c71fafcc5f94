"""Tables of every shape that trainers read: columns under the right names, in the right order, of the right type."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from toolkit.prepare.columns.order import is_negative
from toolkit.storage import digest_texts

if TYPE_CHECKING:
    from datasets import Dataset

OTHERS = ("positive_id", "group", "time")  # that a table may have beside its shape
COLUMNS = ("anchor", "positive", *OTHERS)
# Columns of each shape, in the order in which trainers read them; the first that a table has is its shape.
LAYOUTS = (
    ("anchor", "positive"),
    ("sentence1", "sentence2", "score"),
    ("sentence1", "sentence2", "label"),
    ("text", "label"),
    ("text",),
)
ROLES = (*COLUMNS, "negative", "sentence1", "sentence2", "score", "text", "label")
TEXTS = ("anchor", "positive", "sentence1", "sentence2", "text")


def is_role(name: str) -> bool:
    """Whether a column has a name that means something here; negatives may be ``negative_1``, ``negative_2``, ..."""
    return name in ROLES or is_negative(name)


def shaped(data: Dataset, columns: Mapping[str, str]) -> tuple[Dataset, str]:
    """A table of the shape that its columns make, and that shape's name.

    Parameters
    ----------
    data : Dataset
        With columns of these names, or with others that `columns` gives such names. What has no such name is left out.
    columns : mapping of the table's names to these
        A part of a nested column is named with a dot, as in ``"answers.text"``.

    Raises
    ------
    ValueError
        A column is missing, comes twice, or holds something else than texts, numbers or labels.

    Examples
    --------
    >>> from datasets import Dataset
    >>> rows = Dataset.from_dict({"stars": ["4.5"], "one": ["a b"], "two": ["a c"]})
    >>> data, shape = shaped(rows, {"stars": "score", "one": "sentence1", "two": "sentence2"})
    >>> shape, data.column_names, data["score"][0]
    ('scored pairs', ['sentence1', 'sentence2', 'score'], 4.5)
    """
    from toolkit.prepare.shapes import shape_of

    data = _renamed(data, columns)
    names = data.column_names
    layout = next((layout for layout in LAYOUTS if set(layout) <= set(names)), None)
    if layout is None:
        raise ValueError(_unknown(names))
    negatives = [name for name in names if is_negative(name)] if layout[0] == "anchor" else []
    data = data.select_columns([*layout, *negatives, *(name for name in OTHERS if name in names)])
    for column in (*layout, *negatives):
        if column in TEXTS or column in negatives:
            _require_texts(data, column)
    data = _typed(data, layout)
    # Named without the others, which are no inputs of a loss: `split` takes them and leaves them out of training.
    return data, "documents" if layout == ("text",) else shape_of(data.select_columns([*layout, *negatives]))


def _renamed(data: Dataset, columns: Mapping[str, str]) -> Dataset:
    if any("." in old and old not in data.column_names for old in columns):
        data = data.flatten()
    for old in columns:
        if old not in data.column_names:
            raise ValueError(f"there is no column {old!r}; the table has {', '.join(map(str, data.column_names))}")
    for new in columns.values():
        if not is_role(new):
            raise ValueError(f"columns= maps to {new!r}, expected one of {', '.join(ROLES)}, negative_1, ...")
    after = [columns.get(name, name) for name in data.column_names]
    twice = next((name for name in after if is_role(name) and after.count(name) > 1), None)
    if twice:
        raise ValueError(f"with these columns= the table has several columns {twice!r}: drop or rename the others")
    kept = [name for name in data.column_names if is_role(columns.get(name, name))]
    rename = {old: new for old, new in columns.items() if old != new}
    return data.select_columns(kept).rename_columns(rename) if kept else data


def _unknown(names: Sequence[str]) -> str:
    some = ", ".join(map(str, names))
    for layout in LAYOUTS[:-1]:
        missing = [column for column in layout if column not in names]
        if len(missing) < len(layout):
            return (
                f"expected columns {' and '.join(layout) if len(layout) == 2 else ', '.join(layout)}, got {some}: name "
                f"yours with columns={{'your column': {missing[0]!r}}}"
            )
    return (
        f"expected columns anchor and positive, got {some}: name yours with columns={{'your column': 'anchor'}}, or "
        f"those of another shape: {'; '.join(', '.join(layout) for layout in LAYOUTS[1:])}"
    )


def _require_texts(data: Dataset, column: str) -> None:
    kind = getattr(data.features[column], "dtype", None)
    if kind not in ("string", "large_string", "string_view", "null"):
        held = kind if isinstance(kind, str) and kind not in ("list", "dict") else "nested values"
        hint = "name the part you want with a dot, as in 'answers.text'" if held == "nested values" else "see columns="
        raise ValueError(f"column {column!r} holds {held}, expected one text a row: {hint}")


def _typed(data: Dataset, layout: Sequence[str]) -> Dataset:
    """Scores as numbers; labels of texts as names, since numbers differ from file to file; labels of pairs as they are.

    A trainer's labels of texts are numbers: ``dataset.class_encode_column("label")`` makes them.
    """
    from datasets import ClassLabel, Value

    if "score" in layout:
        return _replaced(data, "score", _numbers(data, "score"), Value("float64"))
    feature = data.features.get("label")
    if layout == ("text", "label") and isinstance(feature, ClassLabel):
        names = [None if value is None or value < 0 else feature.names[value] for value in data["label"][:]]
        return _replaced(data, "label", names, Value("string"))
    if (
        layout[-1] == "label"
        and layout[0] == "sentence1"
        and getattr(feature, "dtype", "") in ("string", "large_string")
    ):
        wanted = {str(value).strip() for value in data["label"][:]}
        if all(value.lstrip("-").isdecimal() for value in wanted):
            return _replaced(data, "label", [int(value) for value in data["label"][:]], Value("int64"))
    return data


def _numbers(data: Dataset, column: str) -> list[float]:
    values = pd.to_numeric(pd.Series(data[column][:]), errors="coerce")
    wrong = values[~(values.abs() < float("inf"))]
    if len(wrong):
        row = int(wrong.index[0])
        raise ValueError(
            f"column {column!r} holds no number in {len(wrong):,} of {len(data):,} rows (first: row {row}, "
            f"{data[column][row]!r:.40})"
        )
    return [float(value) for value in values]


def _replaced(data: Dataset, column: str, values: Sequence[Any], feature: Any) -> Dataset:
    names = data.column_names
    return data.remove_columns(column).add_column(column, list(values), feature=feature).select_columns(names)


def digest_of(data: Dataset, documents: Sequence[str] = ()) -> str:
    """SHA-256 over the columns of a table, and over documents where there are such."""

    def column(name: str) -> Iterator[str]:
        for batch in data.select_columns([name]).iter(10_000):
            yield from ("nan" if value is None else str(value) for value in batch[name])

    return digest_texts(*map(column, data.column_names), *([documents] if documents else []))
