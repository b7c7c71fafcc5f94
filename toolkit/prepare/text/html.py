"""Turn HTML into the text that a reader would see."""

from __future__ import annotations

import html
import re
from typing import Any

import numpy as np

from toolkit.prepare.text.unicode import optional_import

MAX_OPEN_ELEMENTS = 5_000_000
"""Maximum of open elements, summed over all tags, for a page to be parsed: parsing time grows with that sum."""

_VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_ENDED_BY_NEXT = frozenset("dd dt li option p tbody td tfoot th thead tr colgroup optgroup".split())
_PARAGRAPHS = frozenset(
    "address article aside blockquote details dl fieldset figure footer form h1 h2 h3 h4 h5 h6 header hr main nav ol p "
    "pre section table title ul".split()
)
_LINES = frozenset("body br caption center dd div dt figcaption head html legend li option summary tr".split())
_CELLS = frozenset("td th".split())
_DROPPED = frozenset("noscript script style template".split())
_INLINE = frozenset(
    "a abbr acronym b bdi bdo big button cite code data del dfn em font i iframe ins kbd label map mark meter noframes "
    "object picture progress q rp rt ruby s samp select small span strike strong sub sup svg textarea time tt u var "
    "audio canvas video circle defs ellipse g line path polygon polyline rect use math mi mn mo mrow".split()
)
NAMES = _VOID | _ENDED_BY_NEXT | _PARAGRAPHS | _LINES | _CELLS | _DROPPED | _INLINE
_NAME = "|".join(sorted(NAMES, key=len, reverse=True))

_ANY_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)", re.I)  # alternatives for all names would be many times slower
_CLOSED_SHAPE = re.compile(r"<(?:circle|ellipse|line|path|polygon|polyline|rect|use)\b[^<>]*/>", re.I)  # self-closing
_TAG = re.compile(rf"<(/?)({_NAME})(?=[\s/>])(?:\s[^<>]*|/)?>", re.I)
_DOCTYPE = re.compile(r"\s*(?:<\?xml[^<>]*>\s*)?<!doctype html\b", re.I)
_PAGE = re.compile(r"<(?:html|body)[\s>]", re.I)
_BREAK = re.compile(r"[\w.,;:!?)]<br\s*/?>|<br\s*/?>\w", re.I)
_CODE = re.compile(r"`+[^`]*`+")
_NO_TAG = re.compile(rf"<(?!/?(?:{_NAME})[\s/>]|!--|!doctype)", re.I)
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8}[0-9]?);", re.I)
# Unicode noncharacters mark breaks and the white space of <pre> until white space is collapsed.
_PARAGRAPH, _LINE, _NEWLINE, _SPACE = "\ufdd0\ufdd1\ufdd2\ufdd3"
_SIGNS = {_PARAGRAPH: "\n\n", _LINE: "\n", _NEWLINE: "\n", _SPACE: " "}
_BREAKS = re.compile(f" ?[{_PARAGRAPH}{_LINE}][ {_PARAGRAPH}{_LINE}]*")


def looks_like_html(text: str) -> bool:
    r"""Return whether a text contains markup: a doctype, an element with both tags, or a ``<br>`` next to a word.

    Code in backticks and names that are not HTML elements do not count.

    Examples
    --------
    >>> [looks_like_html(text) for text in ("one<br>two", "<p>Hi</p>", "What does `<b>x</b>` do?", "a <b and c> d")]
    [True, True, False, False]
    """
    if "<" not in text:
        return False
    if _DOCTYPE.match(text):
        return True
    if "`" in text:
        text = _CODE.sub(" ", text)
    if "<br" in text.lower() and _BREAK.search(text):
        return True
    opened: set[str] = set()
    for tag in _TAG.finditer(text):
        name = tag[2].lower()
        if tag[1] and name in opened:
            return True
        opened.add("" if tag[1] else name)
    return False


def html_to_text(text: str) -> str:
    r"""Extract the text of a page or fragment of HTML (parser: lexbor); text without markup is returned unchanged.

    Paragraphs, headings, lists and tables are set off by an empty line; other blocks, items (after a hyphen) and rows
    of tables (cells between bars) by a line break. Scripts, styles and content for browsers without scripts are left
    out. Entities become characters, also in a text without tags, unless that would create markup: an element
    that is displayed as code is put in backticks, so a second pass changes nothing.

    If nesting or size would make parsing take minutes, tags are removed by regular expressions instead.

    Raises
    ------
    ModuleNotFoundError
        The package selectolax is missing.

    Examples
    --------
    >>> print(html_to_text("<h1>Fees</h1><ul><li>Card:&nbsp;2 &euro;<li>Cash: <b>none</b></ul><script>x()</script>"))
    Fees
    <BLANKLINE>
    - Card: 2 €
    - Cash: none
    >>> html_to_text("if a < b: List<String> x = <unk> or <ann@example.org> &amp; co")
    'if a < b: List<String> x = <unk> or <ann@example.org> & co'
    """
    if not looks_like_html(text):
        return _unescape(text)
    source = text
    for sign in _SIGNS:
        source = source.replace(sign, "")
    if not (_DOCTYPE.match(source) or _PAGE.search(source)):  # in a whole page, any other name is an element too
        source = _NO_TAG.sub("&lt;", source)
    # A parser may visit all open elements at every tag; self-closing SVG shapes are not open.
    heavy = _open_elements(source) > MAX_OPEN_ELEMENTS and (
        "<svg" not in source or _open_elements(_CLOSED_SHAPE.sub("", source)) > MAX_OPEN_ELEMENTS
    )
    found = _without_tags(source) if heavy else _parse(source)
    for sign, shown in _SIGNS.items():
        found = found.replace(sign, shown)
    found = found.strip("\n")
    if looks_like_html(found):
        found = _TAG.sub(lambda tag: "&lt;" + tag[0][1:], found)
        found = _DOCTYPE.sub(lambda tag: tag[0].replace("<", "&lt;"), found)
    return _unescape(found)


def _unescape(text: str) -> str:
    """Replace entities in a text, unless that would turn it into markup."""
    found = _ENTITY.sub(_character, text) if "&" in text else text
    return text if found != text and looks_like_html(found) else found


def _character(entity: re.Match[str]) -> str:
    """Return the character of an entity, unless it could be part of a tag or of another entity."""
    found = html.unescape(entity[0])
    if found == "&":
        follows = entity.string[entity.end() : entity.end() + 1]
        return entity[0] if follows.isalnum() or follows == "#" else found
    unsafe = found in "<>#;" or (found.isascii() and found.isalnum()) or found in _SIGNS
    return entity[0] if unsafe else found


def _open_elements(source: str) -> int:
    """Count open elements, summed over all tags; return 0 if there are too few tags for a large sum."""
    tags = _ANY_TAG.findall(source)
    if len(tags) ** 2 <= 2 * MAX_OPEN_ELEMENTS:  # even if all of them stayed open
        return 0
    stay = _VOID | _ENDED_BY_NEXT
    step = {(closing, name): 0 if name.lower() in stay else -1 if closing else 1 for closing, name in set(tags)}
    opened = np.fromiter(map(step.__getitem__, tags), dtype=np.int64).cumsum()
    opened -= np.minimum.accumulate(np.minimum(opened, 0))  # a closing tag without an opening one
    return int(opened.sum())


def _parse(source: str) -> str:
    parser = optional_import("selectolax.lexbor", "reading HTML", "selectolax").LexborHTMLParser(source)
    for node in _outermost(parser, _DROPPED):
        node.decompose()
    for node in _outermost(parser, frozenset({"pre", "code"})):
        inside = node.text()
        shown = f"`{inside}`" if looks_like_html(inside) else inside
        if node.tag == "pre":
            shown = shown.replace("\n", _NEWLINE).replace(" ", _SPACE).replace("\t", _SPACE)
        if shown != inside:
            for child in list(node.iter(include_text=True)):
                child.decompose()
            node.insert_child(shown)
    for names, sign in ((_PARAGRAPHS, _PARAGRAPH), (_LINES - {"html", "head", "body"}, _LINE)):
        for node in parser.css(",".join(names)):
            node.insert_before(sign), node.insert_after(sign)
    for selector, sign in (("li", "- "), ("td + td, td + th, th + td, th + th", " | ")):
        for node in parser.css(selector):
            node.insert_before(sign)
    return _collapse(parser.root.text() if parser.root is not None else "")


def _outermost(parser: Any, names: frozenset[str]) -> list[Any]:
    """Return the elements with these names that are not nested in one another, since removing a parent breaks them."""
    found = []
    for node in parser.css(",".join(names)):
        above = node.parent
        while above is not None and above.tag not in names:
            above = above.parent
        if above is None:
            found.append(node)
    return found


def _without_tags(source: str) -> str:
    """Extract the text with regular expressions, in one pass for any nesting."""

    def sign(tag: re.Match[str]) -> str:
        name = tag[2].lower()
        if name in _PARAGRAPHS:
            return _PARAGRAPH
        if name in _LINES:
            return _LINE + ("- " if name == "li" and not tag[1] else "")
        return " | " if name in _CELLS and tag[1] else ""

    for name in _DROPPED:
        source = re.sub(rf"<{name}\b[^<>]*>.*?(?:</{name}\s*>|\Z)", " ", source, flags=re.I | re.S)
    source = re.sub(r"<!--.*?(?:-->|\Z)|<!doctype[^<>]*>", "", source, flags=re.I | re.S)
    return _collapse(html.unescape(_TAG.sub(sign, source)))


def _collapse(text: str) -> str:
    """Collapse white space, and each run of breaks to one break."""
    text = _BREAKS.sub(lambda run: _PARAGRAPH if _PARAGRAPH in run[0] else _LINE, " ".join(text.split()))
    return text.strip(f" {_PARAGRAPH}{_LINE}")
