"""Write a sentence of advice for each finding of `toolkit.prepare.describe` that calls for action."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from toolkit.prepare.files.decoding import plural
from toolkit.prepare.schema import Layout
from toolkit.prepare.text.language import MIN_TEXTS, UNKNOWN, language_mismatch, language_name

MIN_NEAR_COPIES = 0.01  # advice is given from this share of near-copies ...
MIN_CUT = 0.05  # ... of texts that the model cuts ...
MIN_WORD_SHARE = 0.01  # ... of texts that hold a broken word ...
MIN_MULTIPLE_PARTNERS = 0.01  # ... and of texts with several partners
MANY_PIECES = 4  # word pieces from which a word counts as broken
MAX_IMBALANCE = 10  # times as many rows of the largest label as of the smallest
MAX_SCORE_CONCENTRATION = 0.9  # share of the scores in two neighbouring tenths of their range


def advise(
    frame: pd.DataFrame,
    read: Layout | None,
    layout_error: str,
    texts: pd.DataFrame,
    tables: Mapping[str, pd.DataFrame],
    model: Any,
) -> tuple[str, ...]:
    """Turn the measurements into sentences, most serious first.

    Parameters
    ----------
    frame : DataFrame
        The data, with stripped texts.
    read : Layout or None
        How a trainer reads the columns.
    layout_error : str
        Why it cannot, where `read` is None.
    texts, tables
        The tables of a `Description`.
    model : SentenceTransformer or None
    """
    if frame.empty:
        return ("There are no rows: check that the file and the columns are the right ones.",)
    if read is None:
        found = [f"No loss can be chosen: {layout_error}", *_of_texts(texts)]
    else:
        found = [f"For the trainer, {read.warning}"] if read.wrong else []
        found += [*_of_texts(texts), *_of_rows(frame[list(read.inputs)]), *_of_labels(frame, read, tables["labels"])]
        found += _of_scores(frame, read, tables["scores"])
    found += [*_of_links(tables["links"]), *_of_languages(tables["languages"], model), *_of_words(tables["words"])]
    return tuple(found)


def percent(share: float) -> str:
    """Format a share as a rounded percentage; more than none is never 0 %, less than all never 100 %.

    Examples
    --------
    >>> percent(0.256), percent(0.001), percent(0.9999)
    ('26 %', 'less than 1 %', 'more than 99 %')
    """
    if 0 < share < 0.005:
        return "less than 1 %"
    return "more than 99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


def _of_texts(texts: pd.DataFrame) -> Iterator[str]:
    for row in texts.to_dict("records"):
        column, empty = row["column"], plural(row["empty"], "text")
        if row["empty"]:
            are = "is" if row["empty"] == 1 else "are"
            yield f"{empty} of {column} {are} missing or empty: prepare.clean and prepare.make_pairs drop such rows."
        if row["near_copies"] > MIN_NEAR_COPIES:
            near = f"{percent(row['near_copies'])} of the different texts of {column} are near-copies of another"
            yield f"{near}: a split by rows would put some on both sides; prepare.split keeps them together."
        if row.get("cut", 0) > MIN_CUT:
            cut = f"{percent(row['cut'])} of the texts of {column} are longer than the {row['limit']:.0f} tokens"
            lost = f"{percent(row['lost'])} of all tokens are not read"
            yield f"{cut} that the model reads, so {lost}: prepare.chunk cuts them into passages."


def _of_rows(table: pd.DataFrame) -> Iterator[str]:
    full = table[(table != "").all(axis=1)]
    twice = int(full.duplicated().sum())
    if twice:
        yield f"{plural(twice, 'row')} repeat the texts of another: prepare.clean drops them."
    if len(table.columns) > 1 and table.columns[0] == "anchor":
        same = int((full.iloc[:, 0].str.casefold() == full.iloc[:, 1].str.casefold()).sum())
        if same:
            yield f"In {plural(same, 'row')} anchor and positive are the same text, which teaches nothing."
    if len(table.columns) > 2:
        wrong = int(full.iloc[:, 2:].eq(full.iloc[:, 1], axis=0).any(axis=1).sum())
        if wrong:
            yield f"In {plural(wrong, 'row')} a negative is the positive itself: leave these rows out."


def _of_labels(frame: pd.DataFrame, read: Layout, labels: pd.DataFrame) -> Iterator[str]:
    if read.label is None:
        return
    missing = int(frame[read.label].isna().sum())
    if missing:
        yield f"{plural(missing, 'row')} without a {read.label}: leave them out, or the trainer stops there."
    if labels.empty:
        return
    largest, smallest = labels.iloc[0], labels.iloc[-1]
    alone = int((labels["rows"] == 1).sum())
    if len(labels) == 1:
        yield f"All rows have the label {largest['label']!r}: there is nothing to classify."
    elif alone and read.shape == "labelled texts":
        needs = "a loss that compares the texts of a label needs two; prepare.make_pairs(by='labels') drops them"
        yield f"{plural(alone, 'label')} with a single text: {needs}."
    elif largest["rows"] > MAX_IMBALANCE * smallest["rows"]:
        has = f"{largest['label']!r} has {plural(int(largest['rows']), 'row')}"
        few = f"{smallest['label']!r} has {smallest['rows']:,}"
        yield f"Label {has}, {few}: look at the score of each label, not only at accuracy."
    if read.shape == "labelled texts":
        several = int(frame.groupby("text")[read.label].nunique().gt(1).sum())
        if several:
            yield f"{plural(several, 'text')} with more than one label: no model can get both right; keep one."


def _of_scores(frame: pd.DataFrame, read: Layout, scores: pd.DataFrame) -> Iterator[str]:
    if scores.empty:
        return
    low, high, rows = float(scores["low"].min()), float(scores["high"].max()), scores["rows"]
    values = pd.to_numeric(frame[read.label], errors="coerce").dropna()
    if values.nunique() == 1:
        yield f"All scores are {values.iloc[0]:g}: there is nothing to learn from them."
    elif read.shape == "scored pairs" and (low < 0 or high > 1):
        needs = "CosineSimilarityLoss needs 0 to 1: prepare.make_pairs(by='ratings') rescales them"
        yield f"Scores go from {low:g} to {high:g}, {needs}."
    if values.nunique() > 1 and rows.rolling(2).sum().max() > MAX_SCORE_CONCENTRATION * rows.sum():
        place = int(rows.rolling(2).sum().to_numpy()[1:].argmax())
        low, high = scores["low"].iloc[place], scores["high"].iloc[place + 1]
        rest = "the rest of the scale is hardly learned or tested"
        yield f"Over {percent(MAX_SCORE_CONCENTRATION)} of the scores lie between {low:.3g} and {high:.3g}: {rest}."


def _of_links(links: pd.DataFrame) -> Iterator[str]:
    for row in links.to_dict("records"):
        if row["several"] > MIN_MULTIPLE_PARTNERS * row["texts"]:
            other = "positives" if row["column"] == "anchor" else "anchors"
            some = f"{plural(row['several'], 'different text')} of {row['column']} with several {other}"
            why = "in a batch each would be a wrong answer to the other; train with batch_sampler='no_duplicates'"
            yield f"{some}, up to {row['most']:,}: {why}."


def _of_languages(languages: pd.DataFrame, model: Any) -> Iterator[str]:
    known = languages[(languages["language"] != UNKNOWN) & (languages["texts"] >= MIN_TEXTS)]
    if model is not None and len(known):
        from toolkit.vectors.origin import declared, describe

        sentence = language_mismatch(known, declared(model).languages, str(describe(model).get("name", "")))
        if sentence:
            yield sentence
            return
    if len(known) > 1:
        shares = zip(known["language"], known["share"], strict=True)
        named = ", ".join(f"{language_name(code)} {percent(share)}" for code, share in shares)
        yield f"The texts are in several languages ({named}): choose a model trained on all of them."


def _of_words(words: pd.DataFrame) -> Iterator[str]:
    frequent = words[(words["share"] >= MIN_WORD_SHARE) & (words["texts"] >= 3)]
    if len(frequent):
        shown = ", ".join(f"{row.word} ({row.split})" for row in frequent.head(3).itertuples())
        some = f"{plural(len(frequent), 'frequent word')} in {MANY_PIECES} pieces or more, such as {shown}"
        todo = "fine-tune, or add keyword search (vectors.bm25, vectors.fuse)"
        yield f"{some}: the model may not know these words; {todo}."
