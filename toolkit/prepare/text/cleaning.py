"""Clean texts, and log what was changed or dropped and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from toolkit.prepare.dropped import Dropped
from toolkit.prepare.frames import documents_of, is_texts, to_dataset
from toolkit.prepare.schema import is_negative, text_columns
from toolkit.prepare.text.boilerplate import COLUMNS, drop_repeated, repeats
from toolkit.prepare.text.html import html_to_text
from toolkit.prepare.text.language import UNKNOWN, detect_languages
from toolkit.prepare.text.mail import looks_like_email, reply_only
from toolkit.prepare.text.unicode import repair_mojibake, tidy
from toolkit.prepare.values import require_texts

if TYPE_CHECKING:
    from datasets import Dataset

    from toolkit.prepare.frames import Rows

STEPS = ("html", "mojibake", "replies", "boilerplate", "tidy")
"""Steps of `clean`, in the order in which they run."""
SAMPLE = 2_000  # texts that are searched for markup, mojibake and mail ...
MIN_CHANGED = 0.01  # ... and the share of them above which a step is suggested
MIN_WORDS = 4  # minimum left in a document: without a canned answer, only a greeting may remain
MAX_EXAMPLES, CONTEXT = 3, 60  # examples of each step, and characters around a change
EXAMPLES = ["step", "column", "row", "before", "after"]

_CHANGES: dict[str, tuple[Callable[[str], str], str]] = {
    "html": (html_to_text, "markup and entities turned into text"),
    "mojibake": (repair_mojibake, "characters of a wrong encoding repaired"),
    "replies": (reply_only, "quoted mails and signatures dropped"),
    "tidy": (tidy, "Unicode composed, control characters dropped, single spaces"),
}


@dataclass(frozen=True)
class Cleaned:
    """Clean data, with a log of the changes.

    Attributes
    ----------
    data : Dataset
        The given columns; for a list of texts, ``text`` and ``source``, the number of the text in the list.
    table : DataFrame
        One row per step: ``step rows_in rows_out dropped changed why example``.
    documents : list of str
        The extra documents, cleaned the same way: distinct, and none empty.
    lines : DataFrame
        The lines that the step ``"boilerplate"`` dropped: ``line rows share example``; rows counts distinct texts of
        the queries or of the documents.
    examples : DataFrame
        Up to three texts that each step changed: ``step column row before after``, starting where they differ;
        row is the row number in the input.
    """

    data: Dataset
    table: pd.DataFrame
    documents: list[str] = field(default_factory=list)
    lines: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=COLUMNS))
    examples: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=EXAMPLES))

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False) + (self.examples.to_html(index=False) if len(self.examples) else "")


def suggest_steps(texts: Sequence[str]) -> tuple[str, ...]:
    r"""Suggest the optional steps of `clean` that have something to do.

    Parameters
    ----------
    texts : sequence of str
        Texts of one side: queries or documents.

    Returns
    -------
    tuple of str
        ``"html"``, ``"mojibake"`` and ``"replies"`` if they would change more than 1 % of up to 2,000 evenly spaced
        texts; ``"boilerplate"`` if a line repeats. The first two only if the extra [text] is installed.

    Examples
    --------
    >>> suggest_steps([f"Where is parcel {n}?\n\nKind regards\nAnn" for n in range(100)])
    ('replies', 'boilerplate')
    """
    present = [text for text in texts if isinstance(text, str)]
    sample = present[:: max(1, -(-len(present) // SAMPLE))]

    def worth(step: str) -> bool:
        if step == "boilerplate":
            return repeats(present)
        change = _CHANGES[step][0]
        looked = [text for text in sample if looks_like_email(text)] if step == "replies" else sample
        try:
            return sum(change(text) != text for text in looked) > MIN_CHANGED * len(sample)
        except ModuleNotFoundError as error:
            if error.name not in ("selectolax", "ftfy"):
                raise
            return False  # a step that is not installed can still be requested by name, and then says what to install

    return tuple(step for step in STEPS if step != "tidy" and worth(step))


def clean(
    dataset: Rows | Sequence[str | None],
    *,
    steps: Sequence[str] = ("tidy",),
    documents: Sequence[str] = (),
    languages: Sequence[str] = (),
) -> Cleaned:
    """Tidy the texts of each row, and drop rows that are useless for training or testing.

    It drops rows with a missing or empty text, rows that repeat another and, for pairs and triplets, those with a
    query identical to the document. Rows are kept or dropped as a whole, so texts, scores and labels stay aligned.
    Cleaning clean data changes nothing.

    Parameters
    ----------
    dataset : Dataset, result of `load` or `make_pairs`, DataFrame, mapping of columns, or list
        Any of the shapes of `shape_of`: the columns ``anchor positive negative...``, ``sentence1 sentence2`` or
        ``text`` are cleaned, all others stay as they are. A plain list of texts comes back with the columns ``text``
        and ``source``, the number of the text in the list.
    steps : sequence of {"html", "mojibake", "replies", "boilerplate", "tidy"}
        Run in this order, whatever the order given, since all but the last need the line breaks: ``"html"`` turns
        markup into text (see `html_to_text`), ``"mojibake"`` repairs texts decoded with the wrong encoding (see
        `repair_mojibake`), ``"replies"`` drops quoted mails and signatures (see `reply_only`), ``"boilerplate"`` lines
        that repeat in more than 1 % of the distinct texts of a side, and in at least 10 (see `drop_repeated`),
        ``"tidy"`` composes Unicode and folds white space, and is always done. Replies and boilerplate never empty a
        text. `suggest_steps` finds the steps that are needed. A canned answer in many different mails looks like
        a disclaimer: check the result's ``lines``.
    documents : sequence of str
        Documents that are in no pair; if not given, those of a result of `load`.
    languages : sequence of str
        ISO 639-1 codes: rows and documents with a text clearly in another language are dropped, those with a
        text too short for a guess are kept (see `toolkit.prepare.text.detect_languages`). By default, all are kept.

    Raises
    ------
    ValueError
        A column is missing or does not hold texts, or no row is left (the message names the column and the rows), or
        a step is unknown.
    ModuleNotFoundError
        A step needs a package of the extra [text] that is missing.
    """
    import pyarrow as pa
    from datasets import Dataset

    unknown = [name for name in steps if name not in STEPS]
    if unknown or isinstance(steps, str):
        raise ValueError(f"expected steps among {', '.join(STEPS)}, got {steps!r}")
    if isinstance(languages, str) or not all(len(code) == 2 and code.islower() for code in languages):
        raise ValueError(f"expected languages as a list of ISO 639-1 codes such as ['en', 'de'], got {languages!r}")
    documents = [text or "" for text in documents_of(dataset, documents)]
    data, frame = _read(dataset)
    given, texts = len(frame), text_columns(data.column_names)
    dropped, lines, examples = Dropped(), pd.DataFrame(columns=COLUMNS), []
    for step in (known for known in STEPS if known in steps or known == "tidy"):
        missing = frame[texts].isna()
        before = frame[texts].fillna("").astype(object)
        if step == "boilerplate":
            after, documents, lines = _without_boilerplate(before, documents)
            why = f"{len(lines)} lines that repeat in more than 1 % of the different texts dropped"
        else:
            change, why = (_tidy_until_stable(steps), _CHANGES["tidy"][1]) if step == "tidy" else _CHANGES[step]
            after, documents = before.map(change).astype(object), list(map(change, documents))
        if step == "tidy":  # a missing text becomes an empty one here, and counts as changed
            before = before.mask(missing)
        else:
            after = after.mask(missing & (after == ""))
        differs = after.ne(before) & ~after.isna()
        places = [(row, column) for column in texts for row in frame.index[differs[column]][:MAX_EXAMPLES]]
        examples += [(step, column, row, *_context(before.at[row, column], str(after.at[row, column])))
                     for row, column in places[:MAX_EXAMPLES]]  # fmt: skip
        frame[texts] = after
        dropped.count(step, len(frame), 0, why, changed=int(differs.any(axis=1).sum()))

    def keep(kept: pd.Series, step: str, why: str) -> None:
        nonlocal frame
        frame = dropped.keep(frame, kept, step, why, columns=texts, changed=0)

    if languages:
        keep(~frame[texts].apply(_in_other_language, wanted=languages).any(axis=1), "language", "in another language")
        documents = [
            text for text, drop in zip(documents, _in_other_language(documents, languages), strict=True) if not drop
        ]
    keep((frame[texts] != "").all(axis=1), "empty", "a missing or empty text")
    what = "text" if texts == ["text"] else "pair" if len(texts) == 2 else "row"
    keep(~frame.duplicated(), "repeated", f"repeats an earlier {what}")
    if "anchor" in texts:
        equal = frame["anchor"].str.casefold() == frame["positive"].str.casefold()
        keep(~equal, "same text", "the query is identical to the document")
    documents = list(dict.fromkeys(filter(None, documents)))
    if frame.empty and (given or not documents):
        raise ValueError(f"none of the {given} rows is left: check that {' and '.join(texts)} are the right columns")
    table = data[frame.index.tolist()]
    columns = {name: table[name] for name in table.column_names}
    columns |= {name: pa.array(frame[name], pa.string()) for name in texts}
    found = Dataset(pa.table(columns, metadata=table.schema.metadata))
    shown = pd.DataFrame(examples, columns=EXAMPLES, dtype=object).astype({"row": int})
    return Cleaned(found, dropped.table, documents, lines, shown)


def _read(dataset: Any) -> tuple[Dataset, pd.DataFrame]:
    """Return the data, and the columns that tell rows apart: texts and, except for searches, score and label.

    For a list of texts, it has only the row numbers: a Dataset cannot hold the lone surrogates that cleaning drops.
    """
    from datasets import Dataset, Features, Value

    plain = is_texts(dataset) or (isinstance(dataset, (list, tuple)) and not dataset)
    data = None if plain else to_dataset(dataset)
    if data is None:
        features = Features({"text": Value("string"), "source": Value("int64")})
        rows = {"text": [None] * len(dataset), "source": range(len(dataset))}
        data = Dataset.from_dict(rows, features=features)
    data = data.with_format("arrow")
    texts = text_columns(data.column_names)
    others = [name for name in ("score", "label") if name in data.column_names and texts[0] != "anchor"]
    table = data.select_columns([*texts, *others])[:]
    columns = {name: list(dataset) if plain else table[name].to_pylist() for name in table.column_names}
    frame = pd.DataFrame(columns, dtype=object)
    for column in texts:
        require_texts(frame[column], missing=True)
    return data, frame


def _tidy_until_stable(steps: Sequence[str]) -> Callable[[str], str]:
    """Return a function that tidies a text and reruns the steps that removed control characters may affect."""
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

    return settle if again else tidy


def _without_boilerplate(sides: pd.DataFrame, documents: list[str]) -> tuple[pd.DataFrame, list[str], pd.DataFrame]:
    """Drop repeated lines, separately for searches and documents; also return these lines."""
    after, tables = sides.copy(), []
    answers = [column for column in sides if column == "positive" or is_negative(column)]
    searches = [column for column in sides if column not in answers]
    for columns, others, least in ((searches, [], 1), (answers, documents, MIN_WORDS)):
        kept, found = drop_repeated([*sides[columns].to_numpy().ravel("F"), *others], least_words=least)
        for column in columns:
            after[column], kept = kept[: len(sides)], kept[len(sides) :]
        tables.append(found)
    return after, kept, pd.concat([table for table in tables if len(table)] or tables[:1], ignore_index=True)


def _in_other_language(texts: Sequence[str], wanted: Sequence[str]) -> list[bool]:
    """Return whether each text is confidently in another language."""
    return [code not in (*wanted, UNKNOWN) for code in detect_languages(texts)["language"]]


def _context(before: object, after: str) -> tuple[str, str]:
    """Return excerpts of two texts, starting shortly before they differ."""
    old = before if isinstance(before, str) else ""
    same = next((at for at, (a, b) in enumerate(zip(old, after, strict=False)) if a != b), min(len(old), len(after)))
    start = max(0, same - CONTEXT // 3)
    return old[start : start + CONTEXT], after[start : start + CONTEXT]
