"""One self-contained HTML page: headed sections of sentences, tables, figures and code."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from toolkit import plots
from toolkit.runs import replacing

_INTERVAL = re.compile(r"[-+]?[\d.]+ \[[^\]<]*\]")  # is not to be broken into lines
_CODE = re.compile("`([^`]+)`")


@dataclass(frozen=True)
class Picture:
    """A figure and the sentence that says what it shows."""

    figure: Figure
    alt: str


@dataclass(frozen=True)
class Code:
    """Lines to copy."""

    text: str


@dataclass(frozen=True)
class Details:
    """A mapping that is shown folded, as JSON."""

    label: str
    value: Mapping[str, Any]


@dataclass(frozen=True)
class Folded:
    """Sentences and tables that are shown folded, under a label."""

    label: str
    blocks: Sequence[str | pd.DataFrame]


@dataclass(frozen=True)
class SideBySide:
    """Lists next to each other under a heading; items that are right are marked by a tick, a word and a border.

    Attributes
    ----------
    heading, note : str
    columns : mapping of column heading to list of (text, bool)
    """

    heading: str
    note: str
    columns: Mapping[str, Sequence[tuple[str, bool]]]


Block = str | pd.DataFrame | Picture | Code | Details | Folded | SideBySide


def write(path: str | Path, title: str, sections: Mapping[str, Sequence[Block]]) -> Path:
    """Write a page that needs no network, reads on a phone and in print, in light and dark.

    Parameters
    ----------
    path : path
        The ``.html`` file.
    title : str
    sections : mapping of heading to blocks
        A block is a sentence, a DataFrame, a `Picture`, a `Code`, a `Details`, a `Folded` or a `SideBySide`. Texts
        are escaped.
    """
    environment = Environment(loader=PackageLoader("toolkit", "."), autoescape=True, trim_blocks=True)
    rendered = [_section(heading, blocks) for heading, blocks in sections.items()]
    page = environment.get_template("report.html.jinja").render(title=title, sections=rendered)
    path = Path(path)
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return path


def insert(path: str | Path, heading: str, blocks: Sequence[Block]) -> None:
    """Put a section behind the first of a page that `write` wrote, in place of an earlier one of that heading.

    Raises
    ------
    ValueError
        When the page is none of ours.
    """
    path = Path(path)
    page = path.read_text(encoding="utf-8")
    section = str(_section(heading, blocks))
    start = section.partition("\n")[0]  # the line that opens it names it
    if start in page:
        page = re.sub(re.escape(start) + ".*?</section>", lambda _: section.strip(), page, count=1, flags=re.DOTALL)
    elif "</section>" in page:
        page = page.replace("</section>", "</section>\n" + section, 1)
    else:
        raise ValueError(f"{path} is no report of this toolkit: it has no section")
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _section(heading: str, blocks: Sequence[Block]) -> Markup:
    name = "-".join(re.findall(r"\w+", heading.lower()))
    body = Markup("\n").join(map(_block, blocks))
    return Markup('<section id="{}">\n<h2>{}</h2>\n{}\n</section>').format(name, heading, body)


def wide(results: pd.DataFrame) -> pd.DataFrame:
    """A table of results with one row a task and model and one column a metric, as ``score [low, high]``.

    Parameters
    ----------
    results : DataFrame
        Columns ``model task metric score low high``.
    """
    cells = [
        f"{score:.3f} [{low:.3f}, {high:.3f}]" for score, low, high in results[["score", "low", "high"]].to_numpy()
    ]
    table = results.assign(cell=cells).pivot_table(
        index=["task", "model"], columns="metric", values="cell", aggfunc="first", sort=False
    )
    return table[list(dict.fromkeys(results["metric"]))].reset_index().rename_axis(columns=None)


def number(value: float) -> str:
    """Three decimals, or one digit for what would look like zero and is not.

    Examples
    --------
    >>> number(0.0572), number(0.00012), number(0.0)
    ('0.057', '0.0001', '0.000')
    """
    return f"{value:.3f}" if value == 0 or abs(value) >= 0.0005 else f"{value:.1g}"


def _block(block: Block) -> Markup:
    if isinstance(block, pd.DataFrame):
        table = block.to_html(index=False, border=0, float_format=number, na_rep="")
        table = _INTERVAL.sub(lambda found: found[0].replace(" ", "&nbsp;"), table)
        return Markup('<div class="wide">{}</div>').format(Markup(table))
    if isinstance(block, Picture):
        return Markup("<figure>{}</figure>").format(Markup(plots.img(block.figure, block.alt)))
    if isinstance(block, Code):
        return Markup("<pre>{}</pre>").format(block.text)
    if isinstance(block, Details):
        text = json.dumps(block.value, indent=2, ensure_ascii=False, default=str)
        return Markup("<details><summary>{}</summary><pre>{}</pre></details>").format(block.label, text)
    if isinstance(block, Folded):
        inside = Markup("\n").join(map(_block, block.blocks))
        return Markup("<details><summary>{}</summary>{}</details>").format(block.label, inside)
    if isinstance(block, SideBySide):
        return _side_by_side(block)
    return Markup("<p>{}</p>").format(Markup(_CODE.sub(r"<code>\1</code>", str(escape(block)))))


def _side_by_side(block: SideBySide) -> Markup:
    def item(text: str, right: bool) -> Markup:
        mark = Markup('<strong class="tick">✓ right</strong> ') if right else Markup("")
        return Markup('<li class="{}" dir="auto">{}{}</li>').format("right" if right else "", mark, text)

    columns = [
        Markup("<div><h4>{}</h4><ol>{}</ol></div>").format(heading, Markup("").join(item(*pair) for pair in items))
        for heading, items in block.columns.items()
    ]
    return Markup('<article><h3 dir="auto">{}</h3><p class="note">{}</p><div class="pair">{}</div></article>').format(
        block.heading, block.note, Markup("").join(columns)
    )
