"""Lines, JSON, parquet and spreadsheets as tables of texts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit.prepare.files.decoding import Text
from toolkit.prepare.files.rows import Rows, Sample, counted, header, quoted, table


def read_lines(text: Text, limit: int | None, notes: list[str], sample: Sample) -> pd.DataFrame:
    """One text a line; a text a paragraph where blank lines stand between."""
    lines = paragraphs = 0
    within = False
    for line in text.lines():  # once through to count, so that a long file is not held
        filled = bool(line.strip())
        lines += filled
        paragraphs += filled and not within
        within = filled
    # A few blank lines in a long list of texts do not make it paragraphs.
    as_paragraphs = paragraphs > 1 and lines <= 50 * paragraphs
    how = "a paragraph is a text, since there are blank lines" if as_paragraphs else "a line is a text"
    notes.append(f"{how}: {paragraphs if as_paragraphs else lines:,} texts")
    texts = _paragraphs(text) if as_paragraphs else filter(None, map(str.strip, text.lines()))
    return table(((text,) for text in islice(texts, limit)), ["text"], sample)


def _paragraphs(text: Text) -> Iterator[str]:
    block: list[str] = []
    for line in map(str.strip, text.lines()):
        if line:
            block.append(line)
        elif block:
            yield "\n".join(block)
            block = []
    if block:
        yield "\n".join(block)


def read_jsonl(text: Text, limit: int | None, notes: list[str], sample: Sample) -> pd.DataFrame:
    """One object a line."""

    def records() -> Iterator[dict[str, Any]]:
        for number, line in enumerate(text.lines(), 1):
            if not line.strip():
                continue
            try:
                record = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise ValueError(
                    f"{text.path.name}: line {number} is not JSON ({error}), got {line.strip()[:60]!r}: expected one "
                    f"object {{...}} a line"
                ) from None
            yield _record(record, f"{text.path.name}: line {number}")

    return _records(islice(records(), limit), notes, sample)


def read_json(text: Text, limit: int | None, notes: list[str], sample: Sample) -> pd.DataFrame:
    """An array of objects, what else is a table, or one object a line after all."""
    content, name = "".join(text.lines()), text.path.name
    try:
        value = _rows_in(json.loads(content), notes)
    except json.JSONDecodeError as error:
        if error.msg == "Extra data" and error.lineno > 1:
            notes.append(f"{name} holds one object a line: read as jsonl")
            return read_jsonl(text, limit, notes, sample)
        raise ValueError(f"{name} is broken JSON: {error.msg} in line {error.lineno}, column {error.colno}. "
                         f"Expected an array of objects [{{...}}, ...]") from None  # fmt: skip
    except RecursionError:
        raise ValueError(f"{name} is nested too deep: expected an array of objects [{{...}}, ...]") from None
    if not isinstance(value, list) or not value:
        raise ValueError(f"{name} holds {content.strip()[:40]!r}, expected an array of objects [{{...}}, ...]")
    return _records((_record(row, f"{name}: entry {n}") for n, row in enumerate(value[:limit], 1)), notes, sample)


def _rows_in(value: Any, notes: list[str]) -> Any:
    """The rows that an object holds: a list of objects, lists of equal length as columns, or objects under names."""
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


def _record(value: Any, where: str) -> dict[str, Any]:
    if isinstance(value, str):
        return {"text": value}
    if not isinstance(value, dict):
        raise ValueError(f"{where} holds {json.dumps(value)[:40]}, expected an object {{...}} with named values")
    return value


def _records(records: Iterable[dict[str, Any]], notes: list[str], sample: Sample) -> pd.DataFrame:
    rows = Rows(sample=sample)
    rows.add_records(records)
    return rows.frame(notes)


def read_parquet(path: Path, limit: int | None, notes: list[str], sample: Sample) -> pd.DataFrame:
    """The columns of a parquet file, batch by batch, each as Arrow or else Python writes it."""
    import pyarrow as pa
    from pyarrow import parquet

    rows = Rows(sample=sample)

    def texts(column: str, values: Any) -> Any:
        if not (pa.types.is_nested(values.type) or pa.types.is_boolean(values.type)):
            with suppress(pa.ArrowInvalid, pa.ArrowNotImplementedError):  # a type that Arrow does not write as text
                return values.cast(pa.large_string()).to_pandas()
        return [rows.cell(column, value) for value in values.to_pylist()]

    try:
        with parquet.ParquetFile(path) as file:
            left, rows.columns = limit, file.schema_arrow.names
            for batch in file.iter_batches(min(20_000, limit or 20_000)):
                batch = batch.slice(0, left)
                left = None if left is None else left - len(batch)
                batch = batch.take(pa.array(rows.sample.staying(range(len(batch))), pa.int64()))
                columns = zip(batch.schema.names, batch.columns, strict=True)
                rows.sample.add(pd.DataFrame({name: texts(name, values) for name, values in columns}, dtype="str"))
                if left == 0:
                    break
    except PermissionError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise ValueError(f"{path.name} is broken ({str(error)[:100]}): write or download it again") from error
    return rows.frame(notes)


def read_sheet(path: Path, limit: int | None, notes: list[str], sample: Sample) -> pd.DataFrame:
    """The first sheet with rows, without what stands above its table."""
    sheets = _sheets(path)
    filled = [name for name, sheet in sheets.items() if len(sheet) and (sheet != "").any(axis=None)]
    if not filled:
        raise ValueError(f"{path.name} is empty: none of its {len(sheets)} sheets has a row")
    if len(sheets) > 1:
        notes.append(f"read the sheet `{filled[0]}`; there are also {quoted(set(sheets) - {filled[0]})}")
    cells = Rows()
    rows = [[cells.cell("", value) or "" for value in row] for row in sheets[filled[0]].itertuples(index=False)]
    rows = [row for row in rows if any(row)]
    used = [column for column in range(len(rows[0])) if any(row[column] for row in rows)]
    rows = [[row[column] for column in used] for row in rows]
    above = next((n for n, row in enumerate(rows) if sum(map(bool, row)) > 1), 0) if len(used) > 1 else 0
    if above:
        first = " ".join(filter(None, rows[0]))[:60]
        notes.append(f"{counted(above, 'row')} above the table left out (first: {first!r})")
        rows = rows[above:]
    names = header(rows[:200], notes)
    return table(rows[bool(names) :][:limit], names or [""] * len(used), sample)


def _sheets(path: Path) -> dict[str, pd.DataFrame]:
    try:
        import python_calamine  # noqa: F401
    except ImportError:
        raise ImportError(f"to read {path.name}, install: pip install python-calamine (or save it as .csv)") from None
    try:
        with pd.ExcelFile(path, engine="calamine") as book:
            return {
                str(name): pd.read_excel(book, sheet_name=name, header=None, dtype=object, keep_default_na=False)
                for name in book.sheet_names
            }
    except PermissionError:
        raise
    except Exception as error:  # whatever the reader in Rust says
        raise ValueError(
            f"{path.name} cannot be read ({str(error)[:100]}): it is broken or has a password. Save it as .csv"
        ) from error
