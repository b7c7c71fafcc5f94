"""Controls do what the function below them does, and show texts as texts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from toolkit import widgets
from toolkit.evaluate.judging import Session, judge, resume


@pytest.fixture
def session(tmp_path: Path) -> Session:
    corpus = {f"d{i}": f"document number {i}" for i in range(6)}
    ranking = {"s1": {doc: float(-i) for i, doc in enumerate(corpus)}}
    return judge({"secret-system": ranking}, {"s1": "number"}, corpus, folder=tmp_path, depth=6)


def test_without_ipywidgets(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence says what to install; the same can be printed and answered without."""
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(ImportError, match=r"pip install 'embedding-recipes\[notebooks\]'"):
        widgets.judge(session)
    assert "Search: number" in str(session) and "session.answer(True)" in str(session)


def parts(session: Session) -> tuple:
    pytest.importorskip("ipywidgets")
    box = widgets.judge(session)
    page, row = box.children
    *buttons, keys = row.children
    return page, {button.description[-2]: button for button in buttons}, keys


def test_keys_and_buttons_answer(session: Session) -> None:
    """Each is saved at once, the field empties, and the next document shows."""
    page, buttons, keys = parts(session)
    first = session.next()
    assert first.text in page.value and "Document 1 of 6" in page.value
    keys.value = "y"
    assert keys.value == "" and "Document 2 of 6" in page.value and first.text not in page.value
    buttons["n"].click()
    keys.value = " S"
    assert [value for value, _ in resume(session.folder).answers.values()] == [True, False, None]
    buttons["b"].click()
    assert "Document 3 of 6" in page.value
    keys.value = "b"
    assert "Document 2 of 6" in page.value
    keys.value = "y"
    assert [value for value, _ in resume(session.folder).answers.values()] == [True, True, None]
    for nothing in ("x", "yn", "7"):
        keys.value = nothing
    assert keys.value == "" and "Document 4 of 6" in page.value and "secret-system" not in page.value


def test_the_end(session: Session) -> None:
    """All judged: answers are off, and the way back is open."""
    page, buttons, keys = parts(session)
    for _ in range(7):
        keys.value = "n"
    assert session.done and "6 of 6" in page.value
    assert [button.disabled for button in buttons.values()] == [True, True, True, False]
    keys.value = "b"
    assert "Document 6 of 6" in page.value and not buttons["y"].disabled


def test_texts_are_escaped(tmp_path: Path) -> None:
    """Documents, searches and folder names bring no markup into the page."""
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
    folder = tmp_path / "<b>x"
    session = judge({"a": {"s": {"d": 1.0}}}, {"s": evil}, {"d": evil}, folder=folder)
    page, _, keys = parts(session)
    assert page.value.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 2
    assert "<script" not in page.value and "<img" not in page.value
    keys.value = "y"
    assert "1 of 1" in page.value and "<b>x" not in page.value


def test_an_answer_that_cannot_be_saved_is_told(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page says so and the same document waits."""
    page, _, keys = parts(session)
    before = session.next()

    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr("toolkit.evaluate.judging.session.append_answer", full)
    keys.value = "y"
    assert "Not saved: No space left on device" in page.value and session.next() == before
