"""Clean texts, and say what was changed or dropped and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from toolkit.prepare.frames import documents_of, text_frame
from toolkit.prepare.schema import sides_of
from toolkit.prepare.texts.boilerplate import COLUMNS, drop_repeated, repeats
from toolkit.prepare.texts.characters import repair_mojibake, tidy
from toolkit.prepare.texts.languages import UNKNOWN
from toolkit.prepare.texts.languages import languages as guess_languages
from toolkit.prepare.texts.mail import reply_only, shows_mail
from toolkit.prepare.texts.markup import html_to_text

if TYPE_CHECKING:
    from datasets import Dataset

    from toolkit.prepare.frames import Rows

STEPS = ("html", "mojibake", "replies", "boilerplate", "tidy")
"""What `clean` can do to a text, in the order in which it is done."""
SAMPLE = 2_000  # texts that are looked at for signs of markup, mojibake and mail ...
WORTH = 0.01  # ... and the share of them from which a step is worth it
LEAST_WORDS = 4  # in a document: what stands beside an answer that many mails repeat may be no more than a greeting
SHOWN, AROUND = 3, 60  # examples a step, and characters around what it changed
EXAMPLES = ["step", "column", "row", "before", "after"]

_CHANGES: dict[str, tuple[Callable[[str], str], str]] = {
    "html": (html_to_text, "markup and entities as text"),
    "mojibake": (repair_mojibake, "characters of a wrong encoding repaired"),
    "replies": (reply_only, "quoted mails and signatures out"),
    "tidy": (tidy, "Unicode composed, control characters out, single spaces"),
}


@dataclass(frozen=True)
class Cleaned:
    """Clean data, and the account of it.

    Attributes
    ----------
    data : Dataset
        The columns that were given; of a list of texts ``text`` and ``source``, the number of the text in the list.
    table : DataFrame
        One row a step: ``step rows_in rows_out dropped changed why example``.
    documents : list of str
        The extra documents, cleaned the same way: distinct, and none empty.
    lines : DataFrame
        The lines that the step ``"boilerplate"`` dropped: ``line rows share example``; rows are distinct texts of the
        searches or of the documents, whichever repeat the line.
    examples : DataFrame
        Up to three texts that each step changed: ``step column row before after``, cut to where they begin to differ;
        row is the number in the data that were given.
    """

    data: Dataset
    table: pd.DataFrame
    documents: list[str] = field(default_factory=list)
    lines: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=COLUMNS))
    examples: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=EXAMPLES))

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False) + (self.examples.to_html(index=False) if len(self.examples) else "")


def suggest_steps(texts: Sequence[str]) -> tuple[str, ...]:
    r"""Optional steps of `clean` that have something to do.

    Parameters
    ----------
    texts : sequence of str
        Of one side: searches, or documents.

    Returns
    -------
    tuple of str
        ``"html"``, ``"mojibake"`` and ``"replies"`` where they would change more than 1 % of up to 2,000 texts, evenly
        taken; ``"boilerplate"`` where a line repeats. The first two only where the extra [text] is installed.

    Examples
    --------
    >>> suggest_steps([f"Where is parcel {n}?\n\nKind regards\nAnn" for n in range(100)])
    ('replies', 'boilerplate')
    """
    present = [text for text in texts if isinstance(text, str)]
    sample = present[:: max(1, -(-len(present) // SAMPLE))]
    found = {
        "html": _worth(html_to_text, sample),
        "mojibake": _worth(repair_mojibake, sample),
        "replies": _worth(lambda text: reply_only(text) if shows_mail(text) else text, sample),
        "boilerplate": repeats(present),
    }
    return tuple(step for step in STEPS if found.get(step))


def _worth(change: Callable[[str], str], sample: Sequence[str]) -> bool:
    try:
        return sum(change(text) != text for text in sample) > WORTH * len(sample)
    except ModuleNotFoundError as error:
        if error.name not in ("selectolax", "ftfy"):
            raise
        return False  # what is not installed can be asked for by name, and then says what to install


def clean(
    dataset: Rows | Sequence[str | None],
    *,
    steps: Sequence[str] = ("tidy",),
    documents: Sequence[str] = (),
    languages: Sequence[str] = (),
) -> Cleaned:
    """Tidy the texts of each row and drop rows that teach and test nothing.

    Dropped are rows with a missing or empty text, rows that repeat another, and of pairs and triplets those whose
    search is the document itself. Rows are kept or dropped as a whole, so their texts stay beside each other and beside
    scores and labels. Cleaning what is clean changes nothing.

    Parameters
    ----------
    dataset : Dataset, result of `load` or `pairs`, DataFrame, mapping of columns, or list
        Any of the shapes of `shape_of`: the columns ``anchor positive negative...``, ``sentence1 sentence2`` or
        ``text`` are cleaned, all others stay beside them. A plain list of texts comes back with the columns ``text``
        and ``source``, the number of the text in the list.
    steps : sequence of {"html", "mojibake", "replies", "boilerplate", "tidy"}
        In whatever order they are named, they are done in this one, since all but the last need the line breaks:
        ``"html"`` makes text of markup (see `html_to_text`), ``"mojibake"`` repairs what was decoded with the wrong
        encoding (see `repair_mojibake`), ``"replies"`` drops quoted mails and signatures (see
        `reply_only`), ``"boilerplate"`` lines that repeat in more than 1 % of the different texts
        of a side, and in 10 at least (see `drop_repeated`), ``"tidy"`` composes Unicode
        and folds white space, and is always done. Replies and boilerplate never empty a text. `suggest_steps` says
        which of them have something to do. A canned answer in many different mails looks like a disclaimer: see the
        result's ``lines``.
    documents : sequence of str
        Documents beside those of the pairs, which a search has to tell from them; if not given, those that a result of
        `load` brings along.
    languages : sequence of str
        ISO 639-1 codes: rows and documents with a text that is surely in another language are dropped, those with one
        too short to tell are kept (see `toolkit.prepare.texts.languages`). Empty keeps all.

    Raises
    ------
    ValueError
        When a column is missing or holds no text, or when no row is left; the message names the column and the rows.
        When a step is unknown.
    ModuleNotFoundError
        When a step needs a package of the extra [text] that is missing.
    """
    from datasets import Dataset

    _check_options(steps, languages)
    documents = documents_of(dataset, documents)
    frame, texts = text_frame(dataset)
    account = _Account(frame, texts)
    extra = [text or "" for text in documents]
    lines = [pd.DataFrame(columns=COLUMNS)]
    for name in (known for known in STEPS if known in steps or known == "tidy"):
        before = {column: account.frame[column].fillna("").astype(object) for column in texts}
        if name == "boilerplate":
            after, extra, lines = _without_boilerplate(before, extra)
            why = f"{sum(map(len, lines))} lines that repeat in more than 1 % of the different texts out"
        else:
            change, why = _settled(steps) if name == "tidy" else _CHANGES[name]
            after = {column: list(map(change, side)) for column, side in before.items()}
            extra = list(map(change, extra))
        account.change(name, after, why)
    if languages:
        foreign = account.frame[texts].apply(_foreign, wanted=languages)
        account.keep("language", ~foreign.any(axis=1), "in another language")
        extra = [text for text, drop in zip(extra, _foreign(extra, languages), strict=True) if not drop]
    account.keep("empty", (account.frame[texts] != "").all(axis=1), "a missing or empty text")
    same = [*texts, *(column for column in ("score", "label") if column in frame and texts[0] != "anchor")]
    row = "text" if texts == ["text"] else "pair" if len(texts) == 2 else "row"
    account.keep("repeated", ~account.frame.duplicated(same), f"the same {row} again")
    if "anchor" in texts:
        folded = account.frame[texts].map(str.casefold)
        account.keep("same text", folded["anchor"] != folded["positive"], "the search is the document itself")
    kept = list(dict.fromkeys(filter(None, extra)))
    if account.frame.empty and (len(frame) or not kept):
        raise ValueError(f"none of the {len(frame)} rows is left: see that {' and '.join(texts)} are the right columns")
    data = Dataset.from_pandas(account.frame.reset_index(drop=True), preserve_index=False)
    examples = pd.DataFrame(account.examples, columns=EXAMPLES, dtype=object).astype({"row": int})
    return Cleaned(data, pd.DataFrame(account.rows), kept, pd.concat(lines, ignore_index=True), examples)


class _Account:
    """The rows that are left, and what became of the others."""

    def __init__(self, frame: pd.DataFrame, texts: list[str]) -> None:
        self.frame, self.texts = frame, texts
        self.rows: list[dict[str, object]] = []
        self.examples: list[tuple[object, ...]] = []

    def change(self, name: str, after: dict[str, list[str]], why: str) -> None:
        """Put the texts that a step made in the place of the old ones."""
        # A missing text becomes an empty one where it is tidied, and is counted as changed there.
        before = self.frame if name == "tidy" else self.frame.fillna(dict.fromkeys(self.texts, ""))
        index = self.frame.index
        new = self.frame.assign(
            **{column: pd.Series(side, index=index, dtype=object) for column, side in after.items()}
        )
        if name != "tidy":
            new = new.mask(self.frame.isna() & (new == ""))
        differs = new[self.texts].ne(before[self.texts]) & ~new[self.texts].isna()
        for column in self.texts:
            for row in index[differs[column]][: SHOWN - sum(shown[0] == name for shown in self.examples)]:
                pair = _around(before.at[row, column], str(new.at[row, column]))
                self.examples.append((name, column, int(row), *pair))
        self._note(name, new, why, changed=int(differs.any(axis=1).sum()))

    def keep(self, name: str, which: pd.Series, why: str) -> None:
        """Drop the other rows."""
        self._note(name, self.frame[which], why)

    def _note(self, name: str, after: pd.DataFrame, why: str, *, changed: int = 0) -> None:
        dropped = self.frame.loc[self.frame.index.difference(after.index), self.texts]
        example = " -> ".join(str(text) for text in dropped.iloc[0])[:120] if len(dropped) else ""
        self.rows.append({"step": name, "rows_in": len(self.frame), "rows_out": len(after), "dropped": len(dropped),
                          "changed": changed, "why": why, "example": example})  # fmt: skip
        self.frame = after


def _settled(steps: Sequence[str]) -> tuple[Callable[[str], str], str]:
    """Tidying, and once more the steps that may find something when control characters are out."""
    again = [_CHANGES[name][0] for name in STEPS if name in steps and name in ("html", "mojibake")]

    def settle(text: str) -> str:
        text = tidy(text)
        for _ in range(len(text)):
            before = text
            for change in (*again, tidy):
                text = change(text)
            if text == before:
                break
        return text

    return (settle if again else tidy), _CHANGES["tidy"][1]


def _without_boilerplate(
    sides: dict[str, pd.Series], extra: list[str]
) -> tuple[dict[str, list[str]], list[str], list[pd.DataFrame]]:
    """The columns and extra documents without lines that repeat, searches and documents each for themselves."""
    after: dict[str, list[str]] = {}
    lines = []
    searches, documents = sides_of(list(sides))
    for columns, others, least in ((searches, [], 1), (documents, extra, LEAST_WORDS)):
        kept, found = drop_repeated(
            [*(text for column in columns for text in sides[column]), *others], least_words=least
        )
        for column in columns:
            after[column], kept = kept[: len(sides[column])], kept[len(sides[column]) :]
        lines.append(found)
    return after, kept, [found for found in lines if len(found)] or [pd.DataFrame(columns=COLUMNS)]


def _foreign(texts: Sequence[str], wanted: Sequence[str]) -> list[bool]:
    """Whether each text is surely in another language."""
    return [code not in (*wanted, UNKNOWN) for code in guess_languages(texts)["language"]]


def _around(before: object, after: str) -> tuple[str, str]:
    """Two texts from shortly before where they begin to differ."""
    old = before if isinstance(before, str) else ""
    same = next((at for at, (a, b) in enumerate(zip(old, after, strict=False)) if a != b), min(len(old), len(after)))
    start = max(0, same - AROUND // 3)
    return old[start : start + AROUND], after[start : start + AROUND]


def _check_options(steps: Sequence[str], languages: Sequence[str]) -> None:
    unknown = [name for name in steps if name not in STEPS]
    if unknown or isinstance(steps, str):
        raise ValueError(f"expected steps out of {', '.join(STEPS)}, got {steps!r}")
    wrong = isinstance(languages, str) or [code for code in languages if not (len(code) == 2 and code.islower())]
    if wrong:
        raise ValueError(f"expected languages as a list of ISO 639-1 codes such as ['en', 'de'], got {languages!r}")
