"""Read lines, JSON, parquet and spreadsheets as tables of texts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import groupby, starmap
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit.prepare.files.decoding import Text, plural
from toolkit.prepare.files.delimited import BATCH, Sample, TableBuilder, header, quoted, table_of_rows


def read_lines(text: Text, notes: list[str], sample: Sample) -> pd.DataFrame:
    """Read one text per line, or one per paragraph if blank lines separate them."""
    lines = paragraphs = 0
    for filled, block in groupby(map(str.strip, text.lines()), bool):  # counted first, as a long file may exceed memory
        lines += sum(1 for _ in block) if filled else 0
        paragraphs += filled
    # A few blank lines in a long list of texts are not paragraph breaks.
    as_paragraphs = paragraphs > 1 and lines <= 50 * paragraphs
    how = "each paragraph is a text, since there are blank lines" if as_paragraphs else "each line is a text"
    notes.append(f"{how}: {paragraphs if as_paragraphs else lines:,} texts")
    stripped = map(str.strip, text.lines())
    blocks = ("\n".join(block) for filled, block in groupby(stripped, bool) if filled)
    texts = blocks if as_paragraphs else filter(None, stripped)
    return table_of_rows(((text,) for text in texts), ["text"], sample)


def read_jsonl(text: Text, notes: list[str], sample: Sample) -> pd.DataFrame:
    """Read one JSON object per line."""

    def values() -> Iterator[tuple[str, Any]]:
        for number, line in enumerate(text.lines(), 1):
            where = f"{text.path.name}: line {number}"
            try:
                if line.strip():
                    yield where, json.loads(line)
            except (ValueError, RecursionError) as error:
                got = line.strip()[:60]
                raise ValueError(f"{where} is not JSON ({error}): expected an object {{...}}, got {got!r}") from None

    return _table_of_values(values(), notes, sample)


def read_json(text: Text, notes: list[str], sample: Sample) -> pd.DataFrame:
    """Read an array of objects, another form of table, or one object per line."""
    content, name = "".join(text.lines()), text.path.name
    expected = "expected an array of objects [{...}, ...]"
    try:
        value = _rows_in(json.loads(content), notes)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and error.lineno > 1:
            notes.append(f"{name} holds one object per line: read as jsonl")
            return read_jsonl(text, notes, sample)
        where = f"{error.msg} in line {error.lineno}, column {error.colno}"
        raise ValueError(f"{name} is broken JSON ({where}): {expected}") from None
    except RecursionError:
        raise ValueError(f"{name} is nested too deeply: {expected}") from None
    if not isinstance(value, list) or not value:
        raise ValueError(f"{name} holds {content.strip()[:40]!r}: {expected}")
    return _table_of_values(((f"{name}: entry {n}", row) for n, row in enumerate(value, 1)), notes, sample)


def _rows_in(value: Any, notes: list[str]) -> Any:
    """Return the rows of an object: a list of objects, columns of equal length, or named objects."""
    if not isinstance(value, dict):
        return value
    lists = {key: rows for key, rows in value.items() if isinstance(rows, list) and rows}
    tables = {key: rows for key, rows in lists.items() if all(isinstance(row, dict) for row in rows)}
    if tables:
        key = max(tables, key=lambda key: len(tables[key]))
        others = f", not {quoted(set(value) - {key})}" if len(value) > 1 else ""
        notes.append(f"the rows are those under `{key}`{others}")
        return tables[key]
    if len(lists) == len(value) and len({len(rows) for rows in lists.values()}) == 1:
        return [dict(zip(lists, row, strict=True)) for row in zip(*lists.values(), strict=True)]
    if value and all(isinstance(row, dict) for row in value.values()):
        notes.append("the names of the objects are the column `key`")
        return [{"key": key, **row} for key, row in value.items()]
    return value


def _table_of_values(values: Iterable[tuple[str, Any]], notes: list[str], sample: Sample) -> pd.DataFrame:
    """Build a table from objects and texts, each with its location."""

    def record(where: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, (str, dict)):
            raise ValueError(f"{where} holds {json.dumps(value)[:40]}, expected an object {{...}} with named values")
        return {"text": value} if isinstance(value, str) else value

    builder = TableBuilder(sample)
    builder.add_records(starmap(record, values))
    return builder.table(notes)


def read_parquet(path: Path, notes: list[str], sample: Sample) -> pd.DataFrame:
    """Read the columns of a parquet file batch by batch, converted to text by Arrow, or else by Python."""
    import pyarrow as pa
    from pyarrow import parquet

    builder = TableBuilder(sample)

    def texts(column: str, values: Any) -> Any:
        if not (pa.types.is_nested(values.type) or pa.types.is_boolean(values.type)):
            with suppress(pa.ArrowInvalid, pa.ArrowNotImplementedError):  # a type that Arrow does not write as text
                return values.cast(pa.large_string()).to_pandas()
        return [builder.cell(column, value) for value in values.to_pylist()]

    try:
        with parquet.ParquetFile(path) as file:
            builder.columns = file.schema_arrow.names
            for batch in file.iter_batches(BATCH):
                batch = batch.take(pa.array(sample.select(range(len(batch))), pa.int64()))
                columns = zip(batch.schema.names, batch.columns, strict=True)
                part = {name: texts(name, values) for name, values in columns}
                sample.add(pd.DataFrame(part, index=range(len(batch)), dtype="str"))
    except PermissionError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path.name} is broken ({str(error)[:100]}): write or download it again") from error
    return builder.table(notes)


def read_sheet(path: Path, notes: list[str], sample: Sample, sheet: str | None) -> pd.DataFrame:
    """Read a sheet by its name, or the first with rows, without the rows above its table.

    Raises
    ------
    ValueError
        There is no such sheet, no sheet has a row, or the file is broken or has a password.
    ImportError
        The reader, python-calamine, is missing.
    """
    try:
        import python_calamine  # noqa: F401
    except ImportError:
        raise ImportError(f"to read {path.name}, install: pip install python-calamine (or save it as .csv)") from None
    try:
        with pd.ExcelFile(path, engine="calamine") as book:
            names = [str(name) for name in book.sheet_names]
            wanted = [name for name in names if sheet in (None, name)]
            options: Any = {"header": None, "dtype": object, "keep_default_na": False}
            sheets = pd.read_excel(book, sheet_name=wanted, **options) if wanted else {}
    except PermissionError:
        raise
    except Exception as error:  # calamine raises its own exceptions
        why = str(error)[:100]
        raise ValueError(f"{path.name} is broken or has a password ({why}): save it as .csv") from error
    if not sheets:
        raise ValueError(f"{path.name} has no sheet {sheet!r}: expected one of {', '.join(names)}")
    filled = [name for name, cells in sheets.items() if len(cells) and (cells != "").any(axis=None)]
    if not filled:
        what = f"its sheet {sheet!r} has no row" if sheet else f"none of its {len(sheets)} sheets has a row"
        raise ValueError(f"{path.name} is empty: {what}")
    if len(names) > 1 and sheet is None:
        notes.append(f"read the sheet `{filled[0]}`; there are also {quoted(set(names) - {filled[0]})}")
    cell = TableBuilder(Sample()).cell
    cells = sheets[filled[0]].map(lambda value: cell("", value) or "").astype(object)
    cells = cells.loc[(cells != "").any(axis=1), (cells != "").any()]
    rows = cells.to_numpy().tolist()
    above = next((n for n, row in enumerate(rows) if sum(map(bool, row)) > 1), 0) if len(rows[0]) > 1 else 0
    if above:
        first = " ".join(filter(None, rows[0]))[:60]
        notes.append(f"{plural(above, 'row')} above the table left out (first: {first!r})")
        rows = rows[above:]
    heading = header(rows[:200], notes)
    return table_of_rows(rows[bool(heading) :], heading or [""] * len(rows[0]), sample)
