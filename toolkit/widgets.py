"""Controls in a notebook, each over a function that works without it."""

from __future__ import annotations

from html import escape
from importlib import import_module
from typing import Any

from toolkit.evaluate.judging import Session, plain

_KEYS: dict[str, bool | None] = {"y": True, "n": False, "s": None}


def judge(session: Session) -> Any:
    """Buttons and keys to judge documents for real searches; ``print(session)`` shows the same without any.

    Click, or type y, n, s (unsure) or b (back) into the field: one letter answers, and is saved before the next
    document shows.

    Parameters
    ----------
    session : Session
        From `toolkit.evaluate.judging.judge` or ``resume``.

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
        ipywidgets: Any = import_module("ipywidgets")  # which brings no types
    except ImportError as error:
        raise ImportError("the buttons need ipywidgets: pip install 'embedding-recipes[notebooks]'") from error
    page = ipywidgets.HTML()
    keys = ipywidgets.Text(placeholder="y, n, s or b", continuous_update=True, layout={"width": "9em"})
    buttons = {
        key: ipywidgets.Button(description=f"{words} ({key})", button_style=style, layout={"height": "3em"})
        for key, words, style in (
            ("y", "Yes", "success"),
            ("n", "No", "danger"),
            ("s", "Unsure", ""),
            ("b", "Back", ""),
        )
    }

    def press(key: str) -> None:
        show(_act(session, key))

    def show(problem: str = "") -> None:
        page.value = _page(session, problem)
        for key, button in buttons.items():
            button.disabled = key != "b" and session.next() is None
        keys.focus()

    def typed(change: Any) -> None:
        letters = change["new"].strip().lower()
        if change["new"]:
            keys.value = ""
        if letters in buttons:  # one letter: of two typed at once the second was meant for a document not yet seen
            press(letters)

    for key, button in buttons.items():
        button.on_click(lambda _, key=key: press(key))
    keys.observe(typed, names="value")
    show()
    return ipywidgets.VBox([page, ipywidgets.HBox([*buttons.values(), keys])])


def _act(session: Session, key: str) -> str:
    """Do what a key says; returns what went wrong, since a notebook hides what a button raises."""
    try:
        if key == "b":
            session.back()
        elif session.next() is not None:
            session.answer(_KEYS[key])
    except OSError as error:
        return f"Not saved: {error}"
    return ""


def _page(session: Session, problem: str = "") -> str:
    """What is to be judged now as HTML, with all that comes from texts escaped."""
    item = session.next()
    notes = "".join(f"<p><small>{escape(plain(note))}</small></p>" for note in session.notes)
    warning = f"<p><b>{escape(plain(problem))}</b></p>" if problem else ""
    if item is None:
        return f"<p>{escape(session.progress)}: all is judged. See results({escape(repr(str(session.folder)))}).</p>"
    style = "white-space: pre-wrap; max-height: 24em; overflow-y: auto; border: 1px solid #999; padding: .6em"
    return (
        f"{warning}{notes}<p>Does the document answer the search <b>{escape(plain(item.query))}</b>?</p>"
        f'<div style="{style}">{escape(plain(item.text))}</div>'
        f"<p><small>Document {item.place}; {escape(session.progress)}</small></p>"
    )
