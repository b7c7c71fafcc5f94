"""Write one self-contained HTML page: sections of sentences, tables, figures and code."""

from __future__ import annotations

import base64
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape

from toolkit.plots.style import Picture
from toolkit.storage import replacing

_INTERVAL = re.compile(r"[-+]?[\d.]+ \[[^\]<]*\]")  # must not wrap
_CODE = re.compile(r"`([^`]+)`|(?<![\w-])(--[a-z][\w-]*)")  # between backticks, or an option


@dataclass(frozen=True)
class Terms:
    """Words and what they mean."""

    meaning: Mapping[str, str]


@dataclass(frozen=True)
class Code:
    """Lines to copy."""

    text: str


@dataclass(frozen=True)
class Folded:
    """Sentences, tables and code, folded under a label; with `printed` false, a printout shows only the label."""

    label: str
    blocks: Sequence[str | pd.DataFrame | Code]
    printed: bool = True


@dataclass(frozen=True)
class SideBySide:
    """Lists next to each other under a heading; a tick, a word and a border mark the items that are right.

    Attributes
    ----------
    heading, note : str
    columns : mapping of column heading to list of (text, bool)
    """

    heading: str
    note: str
    columns: Mapping[str, Sequence[tuple[str, bool]]]


Block = str | pd.DataFrame | Picture | Code | Folded | SideBySide | Terms


@dataclass(frozen=True)
class Section:
    """A part of a report, with the tables and pictures that are kept beside it.

    Attributes
    ----------
    heading : str
    blocks : sequence of blocks
        A block is a sentence, a DataFrame, a `Picture`, a `Code`, a `Folded`, a `SideBySide` or `Terms`.
    tables : mapping of name to DataFrame
        Kept as ``<name>.csv``.
    pictures : mapping of name to Picture
        Kept as ``<name>.png``.
    text_columns : collection of str
        Columns of the tables that hold the user's texts.
    texts : sequence of str
        The user's texts that sentences and code quote.
    all_texts : bool
        Whether the whole section shows the user's texts, as examples do.
    """

    heading: str
    blocks: Sequence[Block] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    text_columns: Collection[str] = ()
    texts: Sequence[str] = ()
    all_texts: bool = False

    def without_texts(self) -> Section:
        """Return the section without the user's texts; where it shows nothing else, a sentence says so."""
        if self.all_texts:
            return Section(self.heading, ["Left out: the run was private."])

        def cut(block: Any) -> Any:
            if isinstance(block, Folded):
                return replace(block, blocks=[cut(inner) for inner in block.blocks])
            if isinstance(block, pd.DataFrame):
                return block.drop(columns=[name for name in self.text_columns if name in block])
            return block

        blocks = [cut(block) for block in self.blocks if not isinstance(block, SideBySide)]
        tables = {name: cut(table) for name, table in self.tables.items()}
        return replace(self, blocks=blocks, tables=tables, texts=())

    def shown_texts(self) -> list[str]:
        """Return the user's texts that the section shows: those declared, and those in examples and text columns."""
        found = dict.fromkeys(self.texts)
        for block in (inner for b in self.blocks for inner in (b.blocks if isinstance(b, Folded) else [b])):
            if isinstance(block, SideBySide):
                found |= dict.fromkeys(
                    [block.heading, *(text for items in block.columns.values() for text, _ in items)]
                )
            elif isinstance(block, pd.DataFrame):
                cells = [cell for name in self.text_columns if name in block for cell in block[name].dropna()]
                found |= dict.fromkeys(str(cell) for cell in cells if str(cell).strip())
        return list(found)


def write(path: str | Path, title: str, sections: Iterable[Section]) -> Path:
    """Write a page that needs no network and is readable on a phone, in print, in light and dark.

    Texts are escaped; names between backticks and options (``--chunk``) are set as code. Columns named ``share`` and
    ``seconds`` are formatted as such.

    Parameters
    ----------
    path : path
        The ``.html`` file.
    title : str
    sections : iterable of Section
    """
    environment = Environment(loader=PackageLoader("toolkit", "."), autoescape=True, trim_blocks=True)
    page = environment.get_template("report.html.jinja").render(title=title, sections=map(_section, sections))
    path = Path(path)
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def insert(path: str | Path, section: Section) -> None:
    """Insert a section after the first one of a page made by `write`, or replace the one with its heading.

    Raises
    ------
    ValueError
        When `write` did not write the page.
    """
    path = Path(path)
    page = path.read_text(encoding="utf-8")
    text = str(_section(section))
    start = text.partition("\n")[0]  # the opening line contains its id
    if start in page:
        page = re.sub(re.escape(start) + ".*?</section>", lambda _: text.strip(), page, count=1, flags=re.DOTALL)
    elif "</section>" in page:
        page = page.replace("</section>", "</section>\n" + text, 1)
    else:
        raise ValueError(f"{path} is not a report of this toolkit: it has no section")
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _section(section: Section) -> Markup:
    name = "-".join(re.findall(r"\w+", section.heading.lower()))
    body = Markup("\n").join(map(_block, section.blocks))
    return Markup('<section id="{}">\n<h2>{}</h2>\n{}\n</section>').format(name, section.heading, body)


def wide(results: pd.DataFrame) -> pd.DataFrame:
    """Pivot results to one row per task and model and one column per metric, as ``score [low, high]``.

    Parameters
    ----------
    results : DataFrame
        Columns ``model task metric score low high``.
    """
    cells = [interval(*row) for row in results[["score", "low", "high"]].to_numpy()]
    table = results.assign(cell=cells).pivot_table(
        index=["task", "model"], columns="metric", values="cell", aggfunc="first", sort=False
    )
    return table[list(dict.fromkeys(results["metric"]))].reset_index().rename_axis(columns=None)


def cell(table: pd.DataFrame, sentences: Iterable[str] = (), *, digits: int = 3) -> str:
    """Format a table, with sentences below it, as HTML for a cell of a notebook."""
    rows = table.to_html(index=False, float_format=f"{{:.{digits}f}}".format) if len(table) else ""
    return rows + "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences)


def interval(value: float, low: float, high: float, *, sign: str = "") -> str:
    """Format a value with its interval.

    Examples
    --------
    >>> interval(0.718, 0.69, 0.746), interval(0.03, -0.01, 0.07, sign="+")
    ('0.718 [0.690, 0.746]', '+0.030 [-0.010, +0.070]')
    """
    return f"{value:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def number(value: float) -> str:
    """Format a number with three decimals, or one significant digit where three would round it to zero.

    Examples
    --------
    >>> number(0.0572), number(0.00012), number(0.0)
    ('0.057', '0.0001', '0.000')
    """
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.0005 else f"{value:.1g}"


def share(value: float) -> str:
    """Format a share as a percentage, with a decimal where rounding would give 0 % or 100 %.

    Examples
    --------
    >>> share(1.0), share(0.704), share(0.004), share(float("nan"))
    ('100%', '70%', '0.4%', '')
    """
    return "" if pd.isna(value) else f"{value:.{1 if 0 < value < 0.01 or 0.99 < value < 1 else 0}%}"


def seconds(value: float) -> str:
    """Format seconds, without decimals from ten on.

    Examples
    --------
    >>> seconds(586.5), seconds(0.34)
    ('586', '0.3')
    """
    return f"{value:,.{0 if value >= 10 else 1}f}"


_FORMATS: dict[Any, Any] = {"share": share, "wanted": share, "unjudged@10": share, "seconds": seconds}


def _block(block: Block) -> Markup:
    if isinstance(block, str):
        return Markup("<p>{}</p>").format(_sentence(block))
    if isinstance(block, pd.DataFrame):
        formats = {name: _FORMATS[name] for name in block.columns if name in _FORMATS}
        table = block.to_html(index=False, border=0, float_format=number, formatters=formats, na_rep="")
        table = _INTERVAL.sub(lambda found: found[0].replace(" ", "&nbsp;"), table)
        return Markup('<div class="wide">{}</div>').format(Markup(table))
    if isinstance(block, Picture):
        image = Markup(block.html())
        if block.narrow is not None:  # phones have small pixels
            data = base64.b64encode(block.png(dpi=200, narrow=True)).decode()
            source = Markup('<source media="(max-width: 36rem)" srcset="data:image/png;base64,{}">').format(data)
            image = Markup("<picture>{}{}</picture>").format(source, image)
        return Markup("<figure>{}</figure>").format(image)
    if isinstance(block, Terms):
        rows = Markup("\n").join(
            Markup("<dt>{}</dt><dd>{}</dd>").format(word, _sentence(text)) for word, text in block.meaning.items()
        )
        return Markup("<dl>{}</dl>").format(rows)
    if isinstance(block, Code):
        return Markup("<pre>{}</pre>").format(block.text)
    if isinstance(block, Folded):
        inside, kind = Markup("\n").join(map(_block, block.blocks)), Markup("" if block.printed else ' class="raw"')
        return Markup("<details{}><summary>{}</summary>{}</details>").format(kind, block.label, inside)
    if isinstance(block, SideBySide):
        return _side_by_side(block)
    raise ValueError(f"expected a report block (a sentence, a table, a Picture ...), got {type(block).__name__}")


def _sentence(sentence: str) -> Markup:
    """Escape a sentence and set names and options as code."""
    return Markup(_CODE.sub(lambda found: f"<code>{found[1] or found[2]}</code>", str(escape(sentence))))


def _side_by_side(block: SideBySide) -> Markup:
    columns = Markup("")
    for heading, items in block.columns.items():
        rows = Markup("").join(
            Markup('<li class="{}" dir="auto">{}{}</li>').format(
                "right" if right else "", Markup('<strong class="tick">✓ right</strong> ') if right else "", text
            )
            for text, right in items
        )
        columns += Markup("<div><h4>{}</h4><ol>{}</ol></div>").format(heading, rows)
    return Markup('<article><h3 dir="auto">{}</h3><p class="note">{}</p><div class="pair">{}</div></article>').format(
        block.heading, block.note, columns
    )
