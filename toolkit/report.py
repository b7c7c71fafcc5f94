"""One self-contained HTML page: headed sections of sentences, tables, figures and code."""

from __future__ import annotations

import base64
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
from toolkit.storage import replacing

_INTERVAL = re.compile(r"[-+]?[\d.]+ \[[^\]<]*\]")  # is not to be broken into lines
_CODE = re.compile(r"`([^`]+)`|(?<![\w-])(--[a-z][\w-]*)")  # between backticks, or an option


@dataclass(frozen=True)
class Picture:
    """A figure and the sentence that says what it shows; `narrow` is drawn anew for a telephone."""

    figure: Figure
    alt: str
    narrow: Figure | None = None


@dataclass(frozen=True)
class Terms:
    """Words and what they mean."""

    meaning: Mapping[str, str]


@dataclass(frozen=True)
class Code:
    """Lines to copy."""

    text: str


@dataclass(frozen=True)
class Details:
    """A mapping that is shown folded, as JSON; in print only its label is there."""

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


Block = str | pd.DataFrame | Picture | Code | Details | Folded | SideBySide | Terms


def write(path: str | Path, title: str, sections: Mapping[str, Sequence[Block]]) -> Path:
    """Write a page that needs no network, reads on a phone and in print, in light and dark.

    Parameters
    ----------
    path : path
        The ``.html`` file.
    title : str
    sections : mapping of heading to blocks
        A block is a sentence, a DataFrame, a `Picture`, a `Code`, a `Details`, a `Folded`, a `SideBySide` or `Terms`.
        Texts are escaped; names between backticks and options (``--chunk``) are set as code. Columns named ``share``
        and ``seconds`` are shown as such.
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


def share(value: float) -> str:
    """A share in percent, with a decimal where it would look like none or all and is not.

    Examples
    --------
    >>> share(1.0), share(0.704), share(0.004), share(float("nan"))
    ('100%', '70%', '0.4%', '')
    """
    return "" if pd.isna(value) else f"{value:.{1 if 0 < value < 0.01 or 0.99 < value < 1 else 0}%}"


def seconds(value: float) -> str:
    """Seconds, whole ones from ten on.

    Examples
    --------
    >>> seconds(586.5), seconds(0.34)
    ('586', '0.3')
    """
    return f"{value:,.{0 if value >= 10 else 1}f}"


_FORMATS: dict[Any, Any] = {"share": share, "wanted": share, "unjudged@10": share, "seconds": seconds}


def _block(block: Block) -> Markup:
    if isinstance(block, pd.DataFrame):
        formats = {name: _FORMATS[name] for name in block.columns if name in _FORMATS}
        table = block.to_html(index=False, border=0, float_format=number, formatters=formats, na_rep="")
        table = _INTERVAL.sub(lambda found: found[0].replace(" ", "&nbsp;"), table)
        return Markup('<div class="wide">{}</div>').format(Markup(table))
    if isinstance(block, Picture):
        return _figure(block)
    if isinstance(block, Terms):
        rows = Markup("\n").join(
            Markup("<dt>{}</dt><dd>{}</dd>").format(word, _said(text)) for word, text in block.meaning.items()
        )
        return Markup("<dl>{}</dl>").format(rows)
    if isinstance(block, Code):
        return Markup("<pre>{}</pre>").format(block.text)
    if isinstance(block, Details):
        text = json.dumps(block.value, indent=2, ensure_ascii=False, default=str)
        return Markup('<details class="raw"><summary>{}</summary><pre>{}</pre></details>').format(block.label, text)
    if isinstance(block, Folded):
        inside = Markup("\n").join(map(_block, block.blocks))
        return Markup("<details><summary>{}</summary>{}</details>").format(block.label, inside)
    if isinstance(block, SideBySide):
        return _side_by_side(block)
    return Markup("<p>{}</p>").format(_said(block))


def _said(sentence: str) -> Markup:
    return Markup(_CODE.sub(lambda found: f"<code>{found[1] or found[2]}</code>", str(escape(sentence))))


def _figure(block: Picture) -> Markup:
    image = Markup(plots.img(block.figure, block.alt))
    if block.narrow is None:
        return Markup("<figure>{}</figure>").format(image)
    data = base64.b64encode(plots.png(block.narrow, dpi=200)).decode()  # telephones have small pixels
    return Markup(
        '<figure><picture><source media="(max-width: 36rem)" srcset="data:image/png;base64,{}">{}</picture></figure>'
    ).format(data, image)


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
