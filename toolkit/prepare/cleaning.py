"""Clean pairs of texts, and say what was changed or dropped and why."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from toolkit.prepare.boilerplate import COLUMNS, drop_repeated, repeats
from toolkit.prepare.mail import reply_only, shows_mail

if TYPE_CHECKING:
    from datasets import Dataset

STEPS = ("replies", "boilerplate", "tidy")
"""What `clean` can do to a text, in the order in which it is done."""
SAMPLE = 2_000  # texts that are looked at for signs of mail ...
MAILS = 0.01  # ... and the share of them from which it is worth it
LEAST_WORDS = 4  # in a document: what stands beside an answer that many mails repeat may be no more than a greeting

_SPACES = re.compile(r"\s+")
# Control characters and the like, but no marks that scripts need, such as the zero-width joiner.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff\ud800-\udfff]")


@dataclass(frozen=True)
class Cleaned:
    """Clean data, and the account of it.

    Attributes
    ----------
    data : Dataset
    table : DataFrame
        One row a step: ``step rows_in rows_out dropped changed why example``.
    documents : list of str
        The extra documents, cleaned the same way: distinct, and none empty.
    lines : DataFrame
        The lines that the step ``"boilerplate"`` dropped: ``line rows share example``; rows are distinct texts of the
        searches or of the documents, whichever repeat the line.
    """

    data: Dataset
    table: pd.DataFrame
    documents: list[str] = field(default_factory=list)
    lines: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=COLUMNS))

    def _repr_html_(self) -> str:
        return self.table.to_html(index=False)


def tidy(text: str) -> str:
    r"""One text in Unicode's composed form (NFC), without control characters, with single spaces.

    Examples
    --------
    >>> tidy("  rolling\tmedian\x00 of a\nseries ")
    'rolling median of a series'
    """
    return _SPACES.sub(" ", unicodedata.normalize("NFC", _CONTROL.sub("", text))).strip()


def suggest_steps(texts: Sequence[str]) -> tuple[str, ...]:
    r"""Optional steps of `clean` that have something to do.

    Parameters
    ----------
    texts : sequence of str
        Of one side: searches, or documents.

    Returns
    -------
    tuple of str
        ``"replies"`` where more than 1 % of up to 2,000 texts, evenly taken, hold a quoted mail or a signature;
        ``"boilerplate"`` where a line repeats.

    Examples
    --------
    >>> suggest_steps([f"Where is parcel {n}?\n\nKind regards\nAnn" for n in range(100)])
    ('replies', 'boilerplate')
    """
    present = [text for text in texts if isinstance(text, str)]
    sample = present[:: max(1, -(-len(present) // SAMPLE))]
    mails = sum(shows_mail(text) and reply_only(text) != text for text in sample)
    found = {"replies": mails > MAILS * len(sample), "boilerplate": repeats(present)}
    return tuple(step for step in STEPS if found.get(step))


def clean(dataset: Dataset, *, steps: Sequence[str] = ("tidy",), documents: Sequence[str] = ()) -> Cleaned:
    """Tidy both texts of each pair and drop rows that teach and test nothing.

    Dropped are pairs with a missing or empty text, repeated pairs, and pairs whose search is the document itself.
    Cleaning what is clean changes nothing.

    Parameters
    ----------
    dataset : Dataset
        Columns ``anchor`` and ``positive``; others (``positive_id``, ``group``, ``time``) stay beside them.
    steps : sequence of {"replies", "boilerplate", "tidy"}
        In whatever order they are named, they are done in this one, since the first two need the line breaks:
        ``"replies"`` drops quoted mails and signatures (see `toolkit.prepare.mail.reply_only`), ``"boilerplate"`` lines
        that repeat in more than 1 % of the different texts of a side, and in 10 at least (see
        `toolkit.prepare.boilerplate.drop_repeated`), ``"tidy"`` composes Unicode and folds white space, and is always
        done. The first two never empty a text. `suggest_steps` says which of them have something to do. A canned answer
        in many different mails looks like a disclaimer: see the result's ``lines``.
    documents : sequence of str
        Documents beside those of the pairs, which a search has to tell from them.

    Raises
    ------
    ValueError
        When a column is missing or holds no text, or when no pair is left; the message names the column and the rows.
        When a step is unknown.
    """
    from datasets import Dataset

    unknown = [name for name in steps if name not in STEPS]
    if unknown or isinstance(steps, str):
        raise ValueError(f"expected steps out of {', '.join(STEPS)}, got {steps!r}")
    frame = dataset.to_pandas()
    _check(frame, list(dataset.column_names))
    given = len(frame)
    extra = [text or "" for text in documents]
    rows: list[dict[str, object]] = []

    def step(name: str, after: pd.DataFrame, why: str, *, changed: int = 0) -> pd.DataFrame:
        dropped = frame.loc[frame.index.difference(after.index)]
        example = f"{dropped['anchor'].iloc[0]} -> {dropped['positive'].iloc[0]}"[:120] if len(dropped) else ""
        rows.append({"step": name, "rows_in": len(frame), "rows_out": len(after), "dropped": len(dropped),
                     "changed": changed, "why": why, "example": example})  # fmt: skip
        return after

    lines = [pd.DataFrame(columns=COLUMNS)]
    for name in (known for known in STEPS if known in steps or known == "tidy"):
        sides = {column: frame[column].fillna("").astype(object) for column in ("anchor", "positive")}
        if name == "boilerplate":
            n = len(frame)
            anchors, in_searches = drop_repeated(list(sides["anchor"]))
            both, in_documents = drop_repeated([*sides["positive"], *extra], least_words=LEAST_WORDS)
            after, extra = {"anchor": anchors, "positive": both[:n]}, both[n:]
            lines = [found for found in (in_searches, in_documents) if len(found)] or lines
            why = f"{sum(map(len, lines))} lines that repeat in more than 1 % of the different texts out"
        else:
            change, why = _CHANGES[name]
            after = {column: list(map(change, side)) for column, side in sides.items()}
            extra = list(map(change, extra))
        # A missing text becomes an empty one where it is tidied, and is counted as changed there.
        before = frame if name == "tidy" else frame.assign(**sides)
        new = frame.assign(
            **{column: pd.Series(side, index=frame.index, dtype=object) for column, side in after.items()}
        )
        changed = int(((new["anchor"] != before["anchor"]) | (new["positive"] != before["positive"])).sum())
        frame = step(name, new, why, changed=changed)
    filled = frame[(frame["anchor"] != "") & (frame["positive"] != "")]
    frame = step("empty", filled, "a missing or empty text")
    frame = step("repeated", frame.drop_duplicates(["anchor", "positive"]), "the same pair again")
    different = frame[frame["anchor"].str.casefold() != frame["positive"].str.casefold()]
    frame = step("same text", different, "the search is the document itself")
    kept = list(dict.fromkeys(filter(None, extra)))
    if frame.empty and (given or not kept):
        raise ValueError(f"none of the {given} rows is left: see that anchor and positive are the right columns")
    data = Dataset.from_pandas(frame.reset_index(drop=True), preserve_index=False)
    return Cleaned(data, pd.DataFrame(rows), kept, pd.concat(lines, ignore_index=True))


_CHANGES: dict[str, tuple[Callable[[str], str], str]] = {
    "replies": (reply_only, "quoted mails and signatures out"),
    "tidy": (tidy, "Unicode composed, control characters out, single spaces"),
}


def _check(frame: pd.DataFrame, names: Sequence[str]) -> None:
    for column in ("anchor", "positive"):
        if column not in frame:
            raise ValueError(f"expected a column {column!r}, got {', '.join(names)}")
        values = frame[column].dropna()
        wrong = values[~values.map(lambda value: isinstance(value, str))]
        if len(wrong):
            raise ValueError(
                f"column {column!r} holds {type(wrong.iloc[0]).__name__} in row {wrong.index[0]} "
                f"({wrong.iloc[0]!r:.40}), expected text: convert it, or choose another column"
            )
