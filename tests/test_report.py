"""A report is one page that needs nothing else and trusts no text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from toolkit import report

EVIL = "<script>alert('1')</script> \"quoted\" & {{ 7 * 7 }} {0} </pre></section>"


class Page(HTMLParser):
    """Tags with their attributes, and the text of each."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.open: list[str] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list) -> None:
        """Remember the tag."""
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Tags close in the order in which they were opened."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Remember the text with its tag."""
        if data.strip():
            self.texts.append((self.open[-1], data.strip()))

    def of(self, tag: str) -> list[str]:
        """The texts of one kind of tag."""
        return [text for name, text in self.texts if name == tag]


def written(folder: Path, sections: dict, title: str = "Title") -> tuple[str, Page]:
    source = report.write(folder / "r.html", title, sections).read_text(encoding="utf-8")
    return source, Page(source)


def every_block(text: str) -> dict:
    """Sections that hold every kind of block, all with the same text."""
    figure = Figure()
    figure.add_subplot()
    return {
        "First " + text: [text, pd.DataFrame({text: [text], "number": [0.12345]})],
        "Second": [report.Picture(figure, text), report.Code(text)],
        "Third": [report.Details(text, {text: text, "path": Path("a")})],
        "Fourth": [report.Folded(text, [text, pd.DataFrame({text: [text]})])],
    }


def test_texts_are_escaped_everywhere(tmp_path: Path) -> None:
    """Texts that look like HTML or a template come back to the reader letter by letter, in every kind of block."""
    source, page = written(tmp_path, every_block(EVIL), title=EVIL)
    assert "<script" not in source and not page.open
    for tag in ("title", "h1", "p", "th", "td", "pre", "summary"):
        assert EVIL in page.of(tag) or any(EVIL in text for text in page.of(tag)), tag
    assert [attributes["alt"] for tag, attributes in page.tags if tag == "img"] == [EVIL]


def test_nothing_is_fetched(tmp_path: Path) -> None:
    """No address, no script, no style sheet, no picture beside the page: all is inside."""
    source, page = written(tmp_path, every_block("text"))
    assert not re.search(r"https?://|@import|url\(", source)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    sources = [attributes[name] for _, attributes in page.tags for name in ("src", "href") if name in attributes]
    assert len(sources) == 1 and sources[0].startswith("data:image/png;base64,")


def test_sections_are_in_order(tmp_path: Path) -> None:
    """Headings and blocks come in the order in which they were given, one title on top."""
    headings = ["zeta", "alpha", "2", "1"]
    _, page = written(tmp_path, {heading: [f"{heading} a", f"{heading} b"] for heading in headings})
    assert page.of("h2") == headings and page.of("h1") == page.of("title") == ["Title"]
    assert page.of("p") == [f"{heading} {letter}" for heading in headings for letter in "ab"]


def test_reads_in_the_dark_on_a_phone_and_in_print(tmp_path: Path) -> None:
    """Colours follow the reader's scheme, the width is the device's, wide tables scroll; the language is set."""
    source, page = written(tmp_path, {"日本語": ["שלום 🙂", pd.DataFrame({"a": [1]})]})
    assert re.search(r"color-scheme:\s*light dark|prefers-color-scheme:\s*dark", source)
    assert "@media print" in source and ("div", {"class": "wide"}) in page.tags
    metas = [attributes for tag, attributes in page.tags if tag == "meta"]
    assert {"charset": "utf-8"} in metas and any("width=device-width" in str(meta.get("content")) for meta in metas)
    assert ("html", {"lang": "en"}) in page.tags and page.of("h2") == ["日本語"] and page.of("p") == ["שלום 🙂"]


def test_tables_are_shown_whole(tmp_path: Path) -> None:
    """Long texts and many rows are not cut, numbers have three decimals, missing ones are empty."""
    long = "word " * 60
    table = pd.DataFrame({"text": [long.strip()] * 100, "score": [0.12345] * 99 + [float("nan")]})
    _, page = written(tmp_path, {"s": [table]})
    cells = page.of("td")
    assert cells.count(long.strip()) == 100 and cells.count("0.123") == 99 and len(cells) == 199


def test_wide_has_a_column_a_metric() -> None:
    """Long results become a row a system, in the order they came, with the interval beside the score."""
    rows = [("b", "nDCG@10", 0.5), ("b", "MRR@10", 0.4), ("a", "nDCG@10", 0.3), ("a", "MRR@10", 0.2)]
    results = pd.DataFrame([{"model": model, "task": "t", "metric": metric, "score": score, "low": score - 0.1,
                             "high": score + 0.1} for model, metric, score in rows])  # fmt: skip
    assert report.wide(results).to_dict("list") == {
        "task": ["t", "t"], "model": ["b", "a"],
        "nDCG@10": ["0.500 [0.400, 0.600]", "0.300 [0.200, 0.400]"],
        "MRR@10": ["0.400 [0.300, 0.500]", "0.200 [0.100, 0.300]"],
    }  # fmt: skip


def test_a_page_that_fails_leaves_the_old_one(tmp_path: Path) -> None:
    """An error while writing changes nothing on disk."""
    written(tmp_path, {"s": ["old"]})
    with pytest.raises(ValueError, match="alternative text"):
        report.write(tmp_path / "r.html", "t", {"s": [report.Picture(Figure(), "")]})
    assert "old" in (tmp_path / "r.html").read_text(encoding="utf-8") and [
        file.name for file in tmp_path.iterdir()
    ] == ["r.html"]


def test_side_by_side_marks_what_is_right_by_more_than_colour(tmp_path: Path) -> None:
    """The right item carries a word and a tick, texts are escaped, and both columns are there."""
    block = report.SideBySide("a <b> search", "helped", {"base": [("wrong & <i>", False)], "tuned": [("good", True)]})
    page = report.write(tmp_path / "r.html", "T", {"S": [block]}).read_text(encoding="utf-8")
    assert page.count("✓ right") == 1 and "a &lt;b&gt; search" in page and "wrong &amp; &lt;i&gt;" in page
    assert page.index("<h4>base</h4>") < page.index("wrong") < page.index("<h4>tuned</h4>") < page.index("✓ right")


def test_insert_adds_and_replaces_one_section(tmp_path: Path) -> None:
    """A section comes behind the first; the same heading again takes its place; the rest of the page stays."""
    path = report.write(tmp_path / "r.html", "T", {"One": ["first"], "Two": ["second"]})
    before = path.read_text(encoding="utf-8")
    report.insert(path, "Judged", ["ten searches"])
    report.insert(path, "Judged", [r"twelve \\1 searches"])
    page = path.read_text(encoding="utf-8")
    assert [page.index(t) for t in ("first", "twelve", "second")] == sorted(
        page.index(t) for t in ("first", "twelve", "second")
    )
    assert "ten searches" not in page and page.count("<section") == 3
    report.insert(path, "Two", ["other"])
    assert "second" not in path.read_text(encoding="utf-8") and before.partition("<section")[0] in page
    (tmp_path / "x.html").write_text("<p>hello</p>", encoding="utf-8")
    with pytest.raises(ValueError, match="is no report of this toolkit"):
        report.insert(tmp_path / "x.html", "A", [])


def test_intervals_stay_on_one_line_and_names_are_set_as_code(tmp_path: Path) -> None:
    """Spaces within an interval do not break; a name between backticks is code, and still escaped."""
    blocks = [pd.DataFrame({"a": ["0.7 [0.6, 0.8]"], "b": ["some [text here] stays"]}), "column `x<y` and `z`"]
    page = report.write(tmp_path / "r.html", "T", {"S": blocks}).read_text(encoding="utf-8")
    assert "0.7&nbsp;[0.6,&nbsp;0.8]" in page and "some [text here] stays" in page
    assert "column <code>x&lt;y</code> and <code>z</code>" in page
