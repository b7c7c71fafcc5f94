"""A report is one page that needs nothing else and trusts no text."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import browsing
import pandas as pd
import pytest
from matplotlib.figure import Figure

from toolkit import report
from toolkit.plots import Picture
from toolkit.report import Section

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
        if tag not in ("meta", "img", "source"):
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
    parts = [Section(heading, blocks) for heading, blocks in sections.items()]
    source = report.write(folder / "r.html", title, parts).read_text(encoding="utf-8")
    return source, Page(source)


def every_block(text: str) -> dict:
    """Sections that hold every kind of block, all with the same text."""
    figure = Figure()
    figure.add_subplot()
    return {
        "First " + text: [text, pd.DataFrame({text: [text], "number": [0.12345]})],
        "Second": [Picture(figure, text), report.Code(text)],
        "Third": [report.Folded(text, [report.Code(text)], printed=False)],
        "Fourth": [report.Folded(text, [text, pd.DataFrame({text: [text]})]), report.Terms({text: text})],
        "Fifth": [Picture(figure, text, narrow=figure)],
    }


def test_texts_are_escaped_everywhere(tmp_path: Path) -> None:
    """Texts that look like HTML or a template come back to the reader letter by letter, in every kind of block."""
    source, page = written(tmp_path, every_block(EVIL), title=EVIL)
    assert "<script" not in source and not page.open
    for tag in ("title", "h1", "p", "th", "td", "pre", "summary", "dt", "dd"):
        assert EVIL in page.of(tag) or any(EVIL in text for text in page.of(tag)), tag
    assert [attributes["alt"] for tag, attributes in page.tags if tag == "img"] == [EVIL, EVIL]


def test_nothing_is_fetched(tmp_path: Path) -> None:
    """No address, no script, no style sheet, no picture beside the page: all is inside."""
    source, page = written(tmp_path, every_block("text"))
    assert not re.search(r"https?://|@import|url\(", source)
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    names = ("src", "href", "srcset")
    sources = [attributes[name] for _, attributes in page.tags for name in names if name in attributes]
    assert len(sources) == 3 and all(source.startswith("data:image/png;base64,") for source in sources)


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
    with pytest.raises(ValueError, match="got int"):
        report.write(tmp_path / "r.html", "t", [Section("s", ["new", 3])])
    assert "old" in (tmp_path / "r.html").read_text(encoding="utf-8") and [
        file.name for file in tmp_path.iterdir()
    ] == ["r.html"]


def test_side_by_side_marks_what_is_right_by_more_than_colour(tmp_path: Path) -> None:
    """The right item carries a word and a tick, texts are escaped, and both columns are there."""
    block = report.SideBySide("a <b> search", "helped", {"base": [("wrong & <i>", False)], "tuned": [("good", True)]})
    page, _ = written(tmp_path, {"S": [block]})
    assert page.count("✓ right") == 1 and "a &lt;b&gt; search" in page and "wrong &amp; &lt;i&gt;" in page
    assert page.index("<h4>base</h4>") < page.index("wrong") < page.index("<h4>tuned</h4>") < page.index("✓ right")


def test_insert_adds_and_replaces_one_section(tmp_path: Path) -> None:
    """A section comes behind the first; the same heading again takes its place; the rest of the page stays."""
    path = report.write(tmp_path / "r.html", "T", [Section("One", ["first"]), Section("Two", ["second"])])
    before = path.read_text(encoding="utf-8")
    report.insert(path, Section("Judged", ["ten searches"]))
    report.insert(path, Section("Judged", [r"twelve \\1 searches"]))
    page = path.read_text(encoding="utf-8")
    assert [page.index(t) for t in ("first", "twelve", "second")] == sorted(
        page.index(t) for t in ("first", "twelve", "second")
    )
    assert "ten searches" not in page and page.count("<section") == 3
    report.insert(path, Section("Two", ["other"]))
    assert "second" not in path.read_text(encoding="utf-8") and before.partition("<section")[0] in page
    (tmp_path / "x.html").write_text("<p>hello</p>", encoding="utf-8")
    with pytest.raises(ValueError, match=r"x\.html"):
        report.insert(tmp_path / "x.html", Section("A"))


def test_a_section_without_texts() -> None:
    """Text columns and examples go, wherever they stand; the rest stays, and the section itself is not changed."""
    table = pd.DataFrame({"n": [1], "example": ["secret"], "other": ["kept"]})
    example = report.SideBySide("secret search", "", {"base": [("secret text", True)]})
    section = Section("S", ["kept", table, report.Folded("f", [table]), example], {"t": table, "u": table[["n"]]},
                      text_columns=("example", "line"), texts=["secret query"])  # fmt: skip
    assert section.shown_texts() == ["secret query", "secret", "secret search", "secret text"]
    cut = section.without_texts()
    assert "secret" not in str(cut) and str(cut).count("kept") == 4 and cut.shown_texts() == []
    assert list(cut.tables["t"]) == ["n", "other"] and list(cut.tables["u"]) == ["n"]
    assert "secret" in str(section)
    whole = Section("S", [table], {"t": table}, all_texts=True).without_texts()
    assert whole.tables == {} and len(whole.blocks) == 1 and "private" in str(whole.blocks[0])


def test_intervals_stay_on_one_line_and_names_are_set_as_code(tmp_path: Path) -> None:
    """Spaces within an interval do not break; a name between backticks is code, and still escaped."""
    blocks = [pd.DataFrame({"a": ["0.7 [0.6, 0.8]"], "b": ["some [text here] stays"]}), "column `x<y` and `z`"]
    page, _ = written(tmp_path, {"S": blocks})
    assert "0.7&nbsp;[0.6,&nbsp;0.8]" in page and "some [text here] stays" in page
    assert "column <code>x&lt;y</code> and <code>z</code>" in page


def test_options_are_code_and_digits_are_sensible(tmp_path: Path) -> None:
    """An option is one piece of code, text that only looks like one is not; shares are percent, seconds are whole."""
    table = pd.DataFrame({"share": [1.0, 0.7042, 0.004, None], "seconds": [586.5, 9.87, 0.04, 1234.0],
                          "nDCG@10": [1.0, 0.7042, 0.004, None]})  # fmt: skip
    sentences = ["--chunk cuts (--pairs 0), well--known, a -- b", "`--tiny` & <b>"]
    _, page = written(tmp_path, {"s": [*sentences, table]})
    assert page.of("code") == ["--chunk", "--pairs", "--tiny"]
    assert "well--known, a -- b" in " ".join(page.of("p")) and "& <b>" in page.of("p")
    assert page.of("td") == ["100%", "586", "1.000", "70%", "9.9", "0.704", "0.4%", "0.0", "0.004", "1,234"]


WIDTHS = """() => ({
    page: document.documentElement.scrollWidth, images: [...document.images].map(image => image.clientWidth),
    source: document.images[0].currentSrc, tables: [...document.querySelectorAll('.wide')].map(
        e => [e.scrollWidth, e.clientWidth]),
    code: [...document.querySelectorAll('code')].map(e => e.getClientRects().length),
    raw: document.querySelector('details.raw').innerText.length,
    folded: document.querySelectorAll('details')[1].clientHeight })"""


@pytest.mark.slow
def test_fits_a_telephone_a_desk_and_paper(tmp_path: Path) -> None:
    """In a browser: nothing is wider than the page, figures need no scrolling, options are whole, raw JSON is not
    printed, and a wide table takes the room that there is."""
    browser_of = pytest.importorskip("playwright.sync_api", reason="python3 run.py install browser")
    wide, narrow = (Figure(figsize=(width, 2)) for width in (7, 3.6))
    table = pd.DataFrame({f"column_{i}": ["0.123 [0.100, 0.200]"] * 2 for i in range(6)})
    words = " ".join(["word"] * 5)
    blocks = [Picture(wide, "w", narrow), table, *(f"{words[:n]} --group-column" for n in range(25)),
              report.Folded("raw", [report.Code("long " * 5000)], printed=False),
              report.Folded("folded", ["text " * 100])]  # fmt: skip
    path = report.write(tmp_path / "r.html", "T", [Section("S", blocks)])
    with browser_of.sync_playwright() as playwright:
        program = browsing.chromium(playwright)
        if program is None:
            pytest.skip("no Chromium: install one (apt install chromium), or name yours in CHROMIUM")
        browser = playwright.chromium.launch(executable_path=program, args=browsing.ARGUMENTS)
        found = {}
        for width, medium in ((360, "screen"), (1200, "screen"), (720, "print")):
            page = browser.new_page(viewport={"width": width, "height": 800})
            page.emulate_media(media=medium)
            page.goto(path.as_uri())
            found[width] = page.evaluate(WIDTHS)
            page.close()
        browser.close()
    assert [found[width]["page"] for width in found] == list(found)
    assert 300 <= found[360]["images"][0] <= 360 and found[1200]["images"][0] > 600
    assert found[360]["source"] != found[1200]["source"] == found[720]["source"]
    [[inside, seen]] = found[360]["tables"]
    assert inside > seen  # a table for a desk scrolls on a telephone, by itself
    [[inside, seen]] = found[1200]["tables"]
    assert inside == seen > 832  # wider than the text
    assert {lines for width in found for lines in found[width]["code"]} == {1}
    assert found[720]["raw"] < 100 and found[720]["folded"] > 2 * found[1200]["folded"]
