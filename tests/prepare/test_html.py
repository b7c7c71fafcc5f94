"""HTML becomes the text that a reader sees, and nothing else is taken for HTML."""

from __future__ import annotations

import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.prepare.text import html, html_to_text
from toolkit.prepare.text.html import looks_like_html

PAGE = """<!DOCTYPE html><html><head><title>Fees &amp; rates</title><style>p {color: red}</style>
<script>if (a < b) { alert("<p>no</p>") }</script></head><body><nav><a href="/">Home</a></nav>
<h1>What it
   costs</h1><p>Paying by <b>card</b>is <i>free</i>.<br>Cash: 2&nbsp;&euro;</p><!-- <p>hidden</p> -->
<ul><li>one<li>two</ul><table><tr><th>Country<th>Fee<tr><td>France<td>1</table>
<pre>first
    second</pre><noscript>Enable scripts</noscript><template><p>empty</p></template></body></html>"""


def test_a_page() -> None:
    """Blocks, lists, tables, preformatted lines and entities read as on screen; scripts and styles are out."""
    assert html_to_text(PAGE) == (
        "Fees & rates\n\nHome\n\nWhat it costs\n\nPaying by cardis free.\nCash: 2 €\n\n- one\n- two\n\n"
        "Country | Fee\nFrance | 1\n\nfirst\n    second"
    )


@pytest.mark.parametrize(
    "text",
    [
        "a < b and c > d", "if x<b and c>d", "List<String> x = new Map<String, List<T>>()", "the token <unk> and <s>",
        "Ann Lee <ann@example.org>", "1 <2> 3", "x <- y -> z", "#include <stdio.h>", "How do I use the <div> tag?",
        "What does `<b>bold</b>` do?", "```\n<p>x</p>\n```", "see <https://example.org/a>", "I <3 it </3",
        "<br> or <hr>", "def f(a: int) -> None: ...", "AT&T and R&D", "a &copy b", "",
    ],
)  # fmt: skip
def test_what_is_no_html_stays(text: str) -> None:
    """Comparisons, generics, special tokens, addresses and code are returned as they came."""
    assert html_to_text(text) == text


def test_within_html_too() -> None:
    """Where there is real markup, names that are no elements still stay, and shown code is not read as markup."""
    text = "<p>Use <code>&lt;b&gt;x&lt;/b&gt;</code> with List<String>, <unk> and <ann@example.org></p>"
    assert html_to_text(text) == "Use `<b>x</b>` with List<String>, <unk> and <ann@example.org>"
    assert (
        html_to_text("<p>&lt;b&gt;x&lt;/b&gt;</p>") == "&lt;b>x&lt;/b>"
    )  # and not markup that a second pass would eat
    assert (
        html_to_text("Tom &amp; Jerry&#39;s &quot;show&quot; &lt;3 &amp;lt;") == 'Tom & Jerry\'s "show" &lt;3 &amp;lt;'
    )


def test_other_elements_of_a_page() -> None:
    """Drawings and elements of a page's own making are no text."""
    drawn = '<svg viewBox="0 0 1 1"><path d="M5 7"/></svg>'
    assert html_to_text(f"<!doctype html><body><my-box>{drawn}<p>Text</p></my-box><unk>") == "Text"
    assert html_to_text(f"<p>Text{drawn}</p> <unk>") == "Text\n\n<unk>"


PIECES = [
    "<p>", "</p>", "<b>", "</b>", "<br>", "<br/>", "<li>", "<ul>", "</ul>", "<pre>", "</pre>", "<code>",
    "</code>", "<td>", "<table>", "<script>", "</script>", "<!--", "-->", "<!doctype html>", "&lt;", "&gt;",
    "&amp;", "&quot;", "&#60;", "&num;", "&#96;", "&nbsp;", "lt;", "b", "p", "`", "<", ">", "/", " ", "\n", "x",
    "é", "<unk>", "#38;", "<noscript>", "</noscript>", "<template>", "<style>", "\ufdd0", "<svg>", "<title>",
    "<textarea>",
]  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join) | st.text(max_size=30))
def test_twice_changes_nothing(text: str) -> None:
    """Whatever comes in, what comes out is no markup any more and stays as it is."""
    once = html_to_text(text)
    assert html_to_text(once) == once
    assert once == text or not looks_like_html(once)


@pytest.mark.parametrize(
    "bomb",
    [
        "<div>" * 100_000 + "deep" + "</div>" * 100_000,
        "".join(f"<b id={n}>" for n in range(20_000)) + "<p>deep" * 20_000 + "</b>",
        "<p>deep</p>" + "<table><tr><td>" * 50_000,
        "<p>deep</p>" + "<" * 200_000,
        "<p>deep</p>" + "<a " * 300_000,
        "<p>deep</p>" + "`" * 300_001 + "<b " * 1000,
        "<p>deep</p>" + "&amp;" * 500_000,
        "<p>deep</p>" + "<!--" * 200_000,
        "<p>deep</p>" + "<script>" * 100_000,
        "<!doctype html>" * 50_000 + "<p>deep</p>",
    ],
    ids=["nested", "reopened", "tables", "signs", "half tags", "backticks", "entities", "comments", "scripts",
         "doctypes"],
)  # fmt: skip
@pytest.mark.timeout(60)
def test_bombs_end(bomb: str) -> None:
    """Nesting, elements that each block opens again, and half tags take seconds; a parser alone takes minutes."""
    assert "deep" in html_to_text(bomb)


def test_heavy_pages_read_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page whose tags are removed by patterns has the words that the parser finds."""
    rows = "<tr><td>a</td><td>b &amp; c</td></tr>" * 40
    body = f"<h1>Title</h1><script>no()</script><p>One<br>two</p><ul><li>x</li></ul><table>{rows}</table><!-- no -->"
    parsed = html_to_text(body)
    nested = "<div>" * 5_000 + body + "</div>" * 5_000
    assert re.findall(r"\w+", html_to_text(nested)) == re.findall(r"\w+", parsed)
    with monkeypatch.context() as patch:  # no parser is there: only pages that are not heavy need one
        patch.setitem(sys.modules, "selectolax.lexbor", None)
        assert html_to_text(nested) != "" and html.MAX_OPEN_ELEMENTS > 1_000_000
        with pytest.raises(ModuleNotFoundError):
            html_to_text(body * 50)
    monkeypatch.setattr(html, "MAX_OPEN_ELEMENTS", 0)
    assert re.findall(r"\w+", html_to_text(body)) == re.findall(r"\w+", parsed)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without selectolax markup is refused with what to install, and plain text is still returned."""
    monkeypatch.setitem(sys.modules, "selectolax.lexbor", None)
    assert html_to_text("a < b") == "a < b"
    with pytest.raises(ModuleNotFoundError, match="python3 run.py install text"):
        html_to_text("<p>x</p>")
