"""Turn a docstring into its first sentence and a readable rest."""

from __future__ import annotations

import inspect
import re
from itertools import accumulate, pairwise, takewhile

_REMOVED = "\x00"  # marks dropped code or formulas, so that a preceding "For example:" can be dropped too
_ENTRIES = (
    "Parameters", "Other Parameters", "Attributes", "Args", "Arguments", "Additional args", "Inputs", "Input",
    "Keyword args", "Keyword Args", "Keyword arguments", "Keyword Arguments", "Properties", "Members",
)  # fmt: skip
_RESULTS = ("Returns", "Return", "Yields", "Raise", "Raises", "Warns")
_UNNAMED = ("Returns", "Return", "Yields")  # in these sections, a line without a name is a type
_PROSE = ("Note", "Notes", "Warning", "Warnings", "Shape")
# Code, references, and related names with their summaries, which serve as queries in other records.
_DROPPED = (
    "Call signature", "Call signatures", "Example", "Example usage", "Examples", "Methods", "References", "See Also",
    "See also", "Usage",
)  # fmt: skip
_TITLE = re.compile(rf"({'|'.join(_ENTRIES + _RESULTS + _PROSE + _DROPPED)}):{{0,2}}\s*")
_UNDERLINE = re.compile(r"\s*([-=~])\1{2,}\s*")
_CODE = re.compile(r"^ *>>>?.*\n?(?:^ *\S.*\n?)*|^ *```[^`]*```.*\n?", re.M)
_DIRECTIVE = re.compile(r"^( *)\.\. *(\w[\w:-]*):: *(.*)\n?((?:\1 +\S.*\n?| *\n)*)", re.M)
_COMMENT = re.compile(r"^( *)\.\. .*\n?(?:\1 +\S.*\n?)*", re.M)
_LITERAL = re.compile(r"^( *)(.*)::[ ]*\n(?: *\n)+(?:\1 +\S.*\n?| *\n)+", re.M)
_KEPT = {"note", "warning", "hint", "tip", "attention", "important", "caution", "danger"}
_IGNORED = {"versionadded", "versionchanged", "versionremoved", "legacy", "seealso", "include"}
_BULLET = re.compile(r"^\s*(?:[-*+•]|\d+[.)]|\(\w\))\s+(?=\S)")
_HEAD = re.compile(r"( *)[*\w][\w*]*(?:, *[*\w]+)*")
_TYPED = re.compile(r"([*\w][\w.*,\\/ -]*?)\s*:(?:\s+(.*))?")
_TABLE = re.compile(r"^ *(?:\+[-=+]+|[-=]{2,}(?: +[-=]{2,})+|[-=]{4,}) *$", re.M)
_GOOGLE = re.compile(r"([*\w][\w.*,/` ]{0,60}?) ?(?:\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\))? ?:\s+(?=\S)")
# Paragraphs repeated throughout a package: they would make unrelated documents near-copies.
_BOILERPLATE = re.compile(
    r"Array API Standard Support|.* Python Array API Standard compatible|.*\bdev-arrayapi|As an instance of the rv_"
    r"|The documentation is written assuming array arguments|The probability (?:density|mass function) above is defined"
    r"|(?:Note: )?Backwards-compatibility for this API is|(?:Warning: )?This API is experimental|NumPy compatibility"
    r"|A location into which the result is stored|This condition is broadcast over the input|For other keyword-only arg"
    r"|The following combinations of backend|.*\bUser Guide on how the routing mechanism works"
)
_CITED = re.compile(
    r"(?:\b(also|and|by|from|in|of|see|See|to|with))?\s*\[[\w.# *-]+\]_(?:(?:,? and|,)?\s*\[[\w.# *-]+\]_)*"
)
_SHORT = re.compile(r"(?:\b(?:e\.g|i\.e|etc|cf|vs|al|approx|resp|Eqs?|Figs?|Refs?|Sec|Vol|pp?|w\.r\.t)|\.\.)\.$")
_END = re.compile(r"[.!?][\"')\]]*(?=\s+(?:[^a-z\s]|\*{0,2}[a-z][\w.*, ]{0,40}: )|\s*$)")
_TEX = {"frac": "", "times": "x", "cdot": "*", "leq": "<=", "le": "<=", "geq": ">=", "ge": ">=", "neq": "!=",
        "infty": "infinity", "ldots": "...", "dots": "...", "cdots": "...", "left": "", "right": "", "quad": " ",
        "to": "->", "rightarrow": "->"}  # fmt: skip
_FONT = re.compile(r"\\(?:text\w*|math[a-z]+|operatorname|boldsymbol|hat|bar|tilde|vec|overline|mbox)\s*\{([^{}]*)\}")


def words(text: str) -> str:
    """Return the words of a text in lower case, for comparing two texts."""
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def sentence_ends(text: str) -> list[int]:
    """Return the positions in `text` where its sentences end.

    Examples
    --------
    >>> text = "Rolling median, e.g. of a series. axis: The axis to use. See Smith et al. (2004)."
    >>> [text[:end].split()[-1] for end in sentence_ends(text)]
    ['series.', 'use.', '(2004).']
    """
    words = ((match, text[text.rfind(" ", 0, match.start()) + 1 : match.start() + 1]) for match in _END.finditer(text))
    return [match.end() for match, word in words if match.end() == len(text) or not _SHORT.search(word)]


def _formula(text: str) -> str:
    r"""Strip TeX markup from a short formula: ``\frac{N}{2} \times K`` is N/2 x K."""
    text = _FONT.sub(r"\1", _FONT.sub(r"\1", text))
    text = re.sub(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"\1/\2", text)
    text = re.sub(r"\\([a-zA-Z]+)", lambda m: "" if m[1].startswith("math") else _TEX.get(m[1], m[1]), text)
    return re.sub(r"\\[,;!: ]", " ", text).replace("\\", "").replace("{", "").replace("}", "").replace("$", "")


def _reference(text: str) -> str:
    """Return the visible text of a cross-reference: its label, or its target without markup."""
    label = re.match(r"(.+?)\s*<[^>]+>$", text, re.S)
    target = label[1] if label else text.lstrip("~!.")
    return "an example in the gallery" if target.startswith("sphx_glr") else target


def _inline(text: str) -> str:
    """Remove reST marks from a paragraph, and join its lines."""
    if not re.search(r"[`*$\\|\[]", text):
        return " ".join(text.split())
    text = re.sub(r"`\\s\b", "`s", text)  # :class:`Line2D`\s
    text = re.sub(r":math:`([^`]*)`", lambda m: _formula(m[1]), text)
    text = re.sub(r"\$([^$\n]+)\$", lambda m: _formula(m[1]), text)
    text = re.sub(r":[\w:+-]+:`([^`]*)`", lambda m: _reference(m[1]), text)
    text = re.sub(r"(?<!`)`([\w.]+)'", r"'\1'", text)  # the standard library's `old quotes'
    text = re.sub(r"``(.+?)``", r"\1", text, flags=re.S)
    text = re.sub(r"`([^`]+)`_{0,2}", lambda m: _reference(m[1]), text)
    text = _CITED.sub(lambda m: f"{m[1]} the literature" if m[1] else "", text)
    text = re.sub(r"\|(?=\w[\w ]*\|_)|(?<=\w)\|_", "", text)
    text = re.sub(r"\*\*([^\s*](?:[^*]*?[^\s*])?)\*\*(?!\w)", r"\1", text)
    text = re.sub(r"(?<![\w*\\])\*([^\s*,.)](?:[^*]*?[^\s*])?)\*(?![\w*])", r"\1", text)
    text = re.sub(r"\\([*_`|\\<>])", r"\1", re.sub(r"\\ ", "", text))
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r"Read more in the [\w ,]*User Guide\.| \(legacy function\)", "", text)  # in half of a package
    return re.sub(r" +([,;.])(?=\s|$)", r"\1", text).strip()


def _complete_sentences(text: str) -> str:
    """Cut a text after its last sentence."""
    return text[: max(sentence_ends(text), default=0)]


def _paragraphs(lines: list[str]) -> list[str]:
    """Split lines into paragraphs, list items and definitions; dropped parts become `_REMOVED`."""
    paragraphs: list[list[str]] = [[]]
    for line, below in zip(lines, [*lines, ""][1:], strict=True):
        head, last = _HEAD.fullmatch(line), paragraphs[-1]
        # Elsewhere, a leading dash is a minus sign that wrapped to the start of the line.
        may_list = not last or _BULLET.match(last[0]) or last[-1].rstrip()[-1] in ".:;,"
        if head and len(below) - len(below.lstrip()) > len(head[1]):  # a name, with its meaning indented below
            paragraphs.append([])
            line += ":"
        elif not line.strip() or (_BULLET.match(line) and may_list):
            paragraphs.append([])
        if line.strip() == _REMOVED:
            paragraphs += [[_REMOVED], []]
        elif line.strip():
            paragraphs[-1].append(line)
    return ["\n".join(paragraph) for paragraph in paragraphs if paragraph]


def _prose(lines: list[str]) -> str:
    """Turn paragraphs and list items into sentences, without tables or sentences that introduce dropped code."""
    texts: list[str] = []
    broken = False  # whether code or a formula stood before this paragraph
    for text in _paragraphs(lines):
        if text.strip() == _REMOVED or _TABLE.search(text):
            if texts and texts[-1][-1:] not in ".!?":
                texts[-1] = _complete_sentences(texts[-1])
            broken = True
            continue
        text = _inline(_BULLET.sub("", text))
        if broken and text[:1].islower():  # "where x is ...", the end of a sentence whose middle was dropped
            text = text[min(sentence_ends(text), default=len(text)) :].strip()
        broken = False
        if re.search(r"[^\W\d_]{2}", text) and not _BOILERPLATE.match(text):
            texts.append(text)
    if texts and texts[-1].endswith(":"):
        texts[-1] = _complete_sentences(texts[-1])
    return " ".join(text if text[-1] in ".!?:" else text.rstrip(" ,;") + "." for text in texts if text)


def _items(lines: list[str]) -> list[tuple[str, list[str]]]:
    """Group each unindented line with the indented lines below it."""
    found: list[list[str]] = []
    for line in inspect.cleandoc("\n".join(["", *lines])).splitlines():
        if line and not line.startswith(" "):
            found.append([line])
        elif found:
            found[-1].append(line)
    return [(head, inspect.cleandoc("\n".join(["", *below])).splitlines()) for head, *below in found]


def _entries(lines: list[str], underlined: bool, named: bool) -> str:
    """Format entries such as parameters as ``name: Description.``, without types, which add little meaning."""
    texts = []
    for head, below in _items(lines):
        if head == _REMOVED or _BOILERPLATE.match(" ".join(below)):
            continue
        if underlined:
            typed = _TYPED.fullmatch(head)
            name, kind = typed.groups() if typed else (head, "")
            described = _prose(below)
            if not described:
                described, name = _prose([kind or name]), name if kind else ""
            label = f"{_inline(name)}: " if name and (named or kind) else ""
            texts.append(label + described if described else "")
        else:
            text = "\n".join([head, *below])
            entry = _GOOGLE.match(text)
            described = _prose(text[entry.end() if entry else 0 :].splitlines())
            texts.append(f"{_inline(entry[1])}: {described}" if entry and described else described)
    return " ".join(filter(None, texts))


def _sections(lines: list[str]) -> list[tuple[str, bool, list[str]]]:
    """Split lines into (title, underlined as in NumPy style, lines); the first part has no title."""
    parts: list[tuple[str, bool, list[str]]] = [("", True, [])]
    pairs = zip(lines, [*lines, ""][1:], strict=True)
    for line, below in pairs:
        if line.strip() and not line.startswith(" ") and _UNDERLINE.fullmatch(below):
            parts.append((line.strip().rstrip(":"), True, []))
            next(pairs)  # the underline
        elif (title := _TITLE.fullmatch(line)) and (below.startswith(" ") or not below):
            parts.append((title[1], False, []))
        else:
            if line.strip() and not line.startswith(" ") and not parts[-1][1]:
                parts.append(("", True, []))  # a Google-style section ends where its indentation does
            parts[-1][2].append(line)
    return parts


def _directive(match: re.Match[str]) -> str:
    indent, name, first, below = match[1], match[2].lower(), match[3], match[4]
    content = "\n".join(inspect.cleandoc(f"{first}\n{below}").splitlines())
    if name in _IGNORED or (name == "deprecated" and indent):
        text = ""
    elif name in _KEPT or name == "deprecated":
        text = f"{name.capitalize()}: {content}"
    else:
        text = content.replace("\n", ":\n", 1) if name == "admonition" else _REMOVED
    return "\n" + "".join(f"{indent}{line}\n" for line in text.splitlines()) + "\n"


def _without_signature(text: str) -> str:
    """Drop the signature at the start of a compiled function's docstring, such as ``abs(x) -> Tensor``."""
    while re.match(r"[\w.]+\(", text):
        depths = accumulate({"(": 1, ")": -1}.get(letter, 0) for letter in text)
        closed = next((i for i, depth in enumerate(depths) if depth == 0 and text[i] == ")"), len(text))
        rest, _, below = text[closed + 1 :].partition("\n")
        result = re.fullmatch(r":?\s*(?:-{1,2}> *[^-]*?)?(?: +--? +(\S.*))?", rest) if closed < len(text) else None
        if not result:
            break
        text = f"{result[1] or ''}\n{below}".strip()
    return text


def _without(body: str, summary: str) -> str:
    """Remove sentences that repeat the summary: a search is too easy when its answer quotes it."""
    wanted = f" {words(summary)} "
    if wanted not in f" {words(body)} ":
        return body
    ends = [0, *sentence_ends(body), len(body)]
    sentences = [body[start:end] for start, end in pairwise(ends)]
    left = "".join(sentence for sentence in sentences if wanted not in f" {words(sentence)} ").strip()
    return left if wanted not in f" {words(left)} " else ""


def parse(doc: str) -> tuple[str, str]:
    r"""Split a docstring into its first sentence and the rest, as readable text on one line.

    The description, parameters with their meaning, results and notes are kept; signatures, types, code,
    displayed formulas, tables, references and related names are left out. Either part may be empty.

    Examples
    --------
    >>> parse("Rolling :func:`median`.\n\nParameters\n----------\nn : int\n    Size of the ``window``.")
    ('Rolling median', 'Parameters: n: Size of the window.')
    """
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", inspect.cleandoc(doc))  # addresses differ between runs
    text = _without_signature(text)
    text = _CODE.sub(f"{_REMOVED}\n", text)
    while (expanded := _DIRECTIVE.sub(_directive, text)) != text:
        text = expanded
    text = _COMMENT.sub("", text)
    text = _LITERAL.sub(
        lambda m: m[0] if _TITLE.fullmatch(f"{m[2]}:") else f"{m[1]}{m[2]}:\n{m[1]}{_REMOVED}\n\n", text
    )
    (_, _, intro), *parts = _sections(text.strip().splitlines())
    opening = list(takewhile(lambda line: line.strip(f" {_REMOVED}") and not _BULLET.match(line), intro))
    first, below = _inline("\n".join(opening)), intro[len(opening) :]
    end = min(sentence_ends(first), default=len(first))
    summary, rest = first[:end].rstrip(".: "), first[end:].strip()
    if rest.endswith(":") and below and below[0].strip() in ("", _REMOVED):
        rest = _complete_sentences(rest)
    texts = [rest, _prose(below)]
    for title, underlined, lines in parts:
        if title in _DROPPED:
            continue
        entries = title in _ENTRIES or (title in _RESULTS and (underlined or title not in _UNNAMED))
        content = _entries(lines, underlined, title not in _UNNAMED) if entries else _prose(lines)
        label = f"{title}: " if title in _ENTRIES + _RESULTS + ("Warning", "Warnings", "Shape") else ""
        texts.append(label + content if content else "")
    return summary, _without(" ".join(filter(None, texts)), summary)
