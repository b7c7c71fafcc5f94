"""Show notebook controls for functions that also work without them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from html import escape
from importlib import import_module
from typing import TYPE_CHECKING, Any

from toolkit import choose
from toolkit.evaluate.judging.session import Session, plain

if TYPE_CHECKING:
    from toolkit.choose import Measurements
    from toolkit.deploy import Bundle
    from toolkit.evaluate.analysis import Example


def judge(session: Session) -> Any:
    """Judge documents for real searches with buttons and keys; ``print(session)`` works without buttons.

    Click, or type y, n, s (unsure) or b (back) into the field: each letter is an answer, saved before the next
    document appears.

    Parameters
    ----------
    session : Session
        From `toolkit.evaluate.judge` or `toolkit.evaluate.judging.resume`.

    Returns
    -------
    ipywidgets.VBox
        Shown by a notebook cell that ends with it.

    Raises
    ------
    ImportError
        Where ipywidgets is not installed.
    """
    try:
        ipywidgets: Any = import_module("ipywidgets")  # it has no type stubs
    except ImportError as error:
        raise ImportError("the buttons need ipywidgets: pip install 'embedding-recipes[notebooks]'") from error
    page = ipywidgets.HTML()
    keys = ipywidgets.Text(placeholder="y, n, s or b", continuous_update=True, layout={"width": "9em"})
    labels = {"y": ("Yes", "success"), "n": ("No", "danger"), "s": ("Unsure", ""), "b": ("Back", "")}
    buttons = {
        key: ipywidgets.Button(description=f"{words} ({key})", button_style=style, layout={"height": "3em"})
        for key, (words, style) in labels.items()
    }

    def show(problem: str = "") -> None:
        page.value = _page(session, problem)
        for key, button in buttons.items():
            button.disabled = key != "b" and session.next() is None
        keys.focus()

    def type_letter(change: Any) -> None:
        letters = change["new"].strip().lower()
        if change["new"]:
            keys.value = ""
        if letters in buttons:  # one letter only: a second one would answer a document that was not shown yet
            show(_answer(session, letters))

    for key, button in buttons.items():
        button.on_click(lambda _, key=key: show(_answer(session, key)))
    keys.observe(type_letter, names="value")
    show()
    return ipywidgets.VBox([page, ipywidgets.HBox([*buttons.values(), keys])])


def budget(measurements: Measurements, *, documents: int = 100_000, minutes: int = 60) -> None:
    """Recommend a model for a time budget (`toolkit.choose.recommend`), with a slider where there is a live kernel.

    Parameters
    ----------
    measurements : Measurements
    documents : int
        Texts to be encoded.
    minutes : int
        Where the slider starts.
    """

    def page(value: int) -> str:
        try:
            found = choose.recommend(measurements, documents=documents, minutes=value)
        except ValueError as error:
            return f"<p>{escape(str(error))}</p>"
        table = found.table[["model", "nDCG@10", "minutes", "fits", "tied"]]
        return f"<p>{escape(found.sentence)}</p>" + table.to_html(index=False, float_format=lambda x: f"{x:.2f}")

    _show(page, minutes, lambda w: w.IntSlider(minutes, 1, 240, description="minutes", continuous_update=False))


def pairs(dataset: Any, *, n: int = 3) -> None:
    """Page through pairs: the first `n`, with a field to choose the first row where there is a live kernel.

    Parameters
    ----------
    dataset : Dataset
        Columns ``anchor`` and ``positive``.
    n : int
        Pairs on a page.
    """

    def page(first: int) -> str:
        rows = dataset.select(range(min(first, len(dataset)), min(first + n, len(dataset))))
        cells = "".join(
            f"<tr><td>{escape(plain(row['anchor']))}</td><td>{escape(plain(row['positive'][:200]))}</td></tr>"
            for row in rows
        )
        return f"<table><tr><th>search</th><th>text to find</th></tr>{cells}</table>"

    last = max(0, len(dataset) - 1)
    _show(page, 0, lambda w: w.BoundedIntText(0, 0, last, n, description="from row"))


def side_by_side(examples: Sequence[Example]) -> None:
    """Show the rankings of each example with the right texts marked; one by one where there is a live kernel.

    Parameters
    ----------
    examples : sequence of Example
        From `toolkit.evaluate.analysis.examples`.
    """

    def one(example: Example) -> str:
        columns = "".join(
            f'<td style="vertical-align: top; text-align: left; white-space: normal"><b>{escape(name)}</b><ol>'
            + "".join(
                f"<li>{'✓ <b>right:</b> ' if right else ''}{escape(plain(text[:120]))}</li>" for text, right in items
            )
            + "</ol></td>"
            for name, items in example.found.items()
        )
        table = '<table style="width: 100%; table-layout: fixed">'  # or the right column is cut off in a narrow window
        return f"<p>{escape(plain(example.query))} <i>({example.kind})</i></p>{table}<tr>{columns}</tr></table>"

    def page(number: int) -> str:
        return "".join(map(one, examples)) if number == 0 else one(examples[number - 1])

    words = {"description": "search (0: all)", "style": {"description_width": "initial"}}
    _show(page, 0, lambda w: w.IntSlider(0, 0, len(examples), continuous_update=False, **words))


def search(bundle: Bundle, text: str, *, k: int = 5) -> None:
    """Show a search box for a bundle; without a live kernel, only the results for `text`.

    Parameters
    ----------
    bundle : Bundle
    text : str
        The first search.
    k : int
    """

    def page(query: str) -> str:
        hits = bundle.find(query, k) if query.strip() else []
        items = "".join(f"<li>{hit.score:.2f} {escape(plain(hit.text[:160]))}</li>" for hit in hits)
        return f"<p>{escape(plain(query))}</p><ol>{items}</ol>"

    wide = {"width": "40em"}
    _show(page, text, lambda w: w.Text(text, description="search", continuous_update=False, layout=wide))


def _show(page: Callable[[Any], str], value: Any, control: Callable[[Any], Any]) -> None:
    """Show ``page(value)``, with a control for the value where a kernel is live and ipywidgets is installed.

    ``TOOLKIT_STATIC`` leaves the control out: in a saved notebook it would do nothing.
    """
    from IPython.display import HTML, display

    try:
        ipywidgets: Any = None if os.environ.get("TOOLKIT_STATIC") else import_module("ipywidgets")
    except ImportError:
        ipywidgets = None
    if ipywidgets is None:
        display(HTML(page(value)))
        return
    html, handle = ipywidgets.HTML(page(value)), control(ipywidgets)
    handle.observe(lambda change: setattr(html, "value", page(change["new"])), names="value")
    display(ipywidgets.VBox([handle, html]))


def _answer(session: Session, key: str) -> str:
    """Perform the action of a key; return any error message, since a notebook hides what a button raises."""
    try:
        if key == "b":
            session.back()
        elif session.next() is not None:
            session.answer({"y": True, "n": False, "s": None}[key])
    except OSError as error:
        return f"Not saved: {error}"
    return ""


def _page(session: Session, problem: str = "") -> str:
    """Return the document to judge now as HTML, with texts escaped."""
    item = session.next()
    notes = "".join(f"<p><small>{escape(plain(note))}</small></p>" for note in session.notes)
    warning = f"<p><b>{escape(plain(problem))}</b></p>" if problem else ""
    if item is None:
        return f"<p>{escape(session.progress)}: all are judged. Next: results({escape(repr(str(session.folder)))}).</p>"
    style = "white-space: pre-wrap; max-height: 24em; overflow-y: auto; border: 1px solid #999; padding: .6em"
    return (
        f"{warning}{notes}<p>Does the document answer the search <b>{escape(plain(item.query))}</b>?</p>"
        f'<div style="{style}">{escape(plain(item.text))}</div>'
        f"<p><small>Document {item.place}; {escape(session.progress)}</small></p>"
    )
