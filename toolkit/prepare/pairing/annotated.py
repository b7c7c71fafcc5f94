"""Make pairs from human annotations of two sentences: natural language inference, and ratings of similarity."""

from __future__ import annotations

import numpy as np
import pandas as pd

from toolkit.prepare.dropped import Dropped
from toolkit.prepare.pairing.relations import MOST
from toolkit.prepare.values import numbers, require

CLASSES = ("entailment", "neutral", "contradiction")
"""In the order of the numbers 0, 1, 2 of SNLI, MultiNLI and AllNLI on the Hub."""
UNLABELLED = ("-", "", "-1")  # SNLI, where its annotators did not agree

# Endpoints of common scales: cosines or probabilities; STS (SemEval); SICK; grades of TREC; other rating scales.
SCALES = ((0, 1), (-1, 1), (0, 2), (0, 3), (0, 4), (0, 5), (1, 3), (1, 4), (1, 5), (1, 7), (0, 10), (1, 10), (0, 100))


def _with_classes(frame: pd.DataFrame, dropped: Dropped) -> pd.DataFrame:
    """Keep the rows with a label, as one of `CLASSES`."""
    number = {text: name for n, name in enumerate(CLASSES) for text in (str(n), f"{n}.0")}
    texts = frame["label"].astype(object).fillna("").map(lambda value: str(value).strip().casefold())
    label = texts.map(lambda text: None if text in UNLABELLED else number.get(text, text)).astype(object)
    require(
        frame["label"], label.isna() | label.isin(CLASSES), "class", f"use {', '.join(CLASSES)}, or 0, 1, 2 for them"
    )
    if frame["label"].map(lambda value: not isinstance(value, str)).any():
        dropped.notes.append(f"Numeric labels were read as 0 {CLASSES[0]}, 1 {CLASSES[1]}, 2 {CLASSES[2]}.")
    return dropped.keep(frame.assign(label=label), label.notna(), "no label", "missing, or annotators disagreed")


def nli(frame: pd.DataFrame, dropped: Dropped, *, most: int = MOST, seed: int = 0) -> pd.DataFrame:
    """Combine each premise with a sentence that it entails and one that it contradicts (``premise hypothesis label``).

    Follows the ``triplet`` subset of sentence-transformers/all-nli (see its data set card): for each premise all
    combinations of its entailed and its contradictory hypotheses, not reversed, none twice, and none with a hypothesis
    that is labelled as both. If a premise has more than `most` combinations, `most` are drawn at random.
    """
    frame = _with_classes(frame, dropped)
    frame = dropped.keep(frame, frame["label"] != "neutral", "neutral", "neither entailed nor contradictory")
    frame = dropped.keep(frame, ~frame.duplicated(["premise", "hypothesis", "label"]), "repeated row", "a duplicate")
    kinds = frame.groupby("premise", sort=False)["label"].transform("nunique")
    frame = dropped.keep(frame, kinds == 2, "one side", "the premise has no entailed, or no contradictory, hypothesis")
    rng = np.random.default_rng(seed)
    rows: list[tuple[str, str, str, int]] = []
    possible = 0
    sides: dict[str, tuple[list[tuple[str, int]], list[str]]] = {}
    columns = (frame[name] for name in ("premise", "hypothesis", "label", "row"))
    for premise, hypothesis, label, row in zip(*columns, strict=True):
        right, wrong = sides.setdefault(premise, ([], []))
        right.append((hypothesis, row)) if label == "entailment" else wrong.append(hypothesis)
    for premise, (right, wrong) in sides.items():
        made = [(premise, a, b, row) for a, row in right for b in wrong if a.casefold() != b.casefold()]
        possible += len(made)
        chosen = range(len(made)) if len(made) <= most else sorted(rng.choice(len(made), most, replace=False))
        rows += [made[place] for place in chosen]
    why = f"{len(rows):,} of {possible:,} triplets: at most {most} per premise"
    dropped.count("combine", len(frame), 0, why, rows_out=len(rows))
    return pd.DataFrame(rows, columns=["anchor", "positive", "negative", "row"])


def nli_labels(frame: pd.DataFrame, dropped: Dropped) -> pd.DataFrame:
    """Label premise and hypothesis with the number of their class in `CLASSES`, as SoftmaxLoss needs them."""
    frame = _with_classes(frame, dropped)
    return pd.DataFrame({
        "sentence1": frame["premise"].to_numpy(), "sentence2": frame["hypothesis"].to_numpy(),
        "label": pd.Categorical(frame["label"], categories=CLASSES), "row": frame["row"].to_numpy(),
    })  # fmt: skip


def ratings(frame: pd.DataFrame, dropped: Dropped, *, scale: tuple[float, float] | None = None) -> pd.DataFrame:
    """Map the scores of rated pairs (``sentence1 sentence2 score``) linearly to 0 to 1.

    Without `scale`, values that all lie in 0 to 1 stay as they are, values with ``%`` are percentages, and others must
    reach both ends of one of `SCALES`; otherwise an error is raised instead of a guess: 1 to 4 may be part of 0 to 5.
    """
    filled = frame["score"].notna()
    texts = frame["score"].astype(str).str.strip()
    percent = texts.str.endswith("%")
    if (percent & filled).any():
        require(frame["score"], percent | ~filled, "percentage", "write all scores with %, or none")
        frame, scale = frame.assign(score=texts.str.removesuffix("%").where(filled)), scale or (0, 100)
    frame = frame.assign(score=numbers(frame["score"], missing=True))
    frame = dropped.keep(frame, frame["score"].notna(), "no score", "the score is missing")
    if frame.empty:
        return frame[["sentence1", "sentence2", "score", "row"]]
    low, high = scale if scale is not None else _scale(frame["score"])
    if not all(isinstance(end, (int, float)) and np.isfinite(end) for end in (low, high)) or not low < high:
        raise ValueError(f"expected scale=(low, high) as two numbers with low < high, got {scale}")
    inside = frame["score"].between(low, high)
    require(frame["score"], inside, f"number from {low:g} to {high:g}", "check the scale and these rows")
    if (low, high) != (0, 1):
        if scale is None:
            dropped.notes.append(f"Scores were read as ratings from {low:g} to {high:g}; if that is wrong, set scale=.")
        dropped.count("rescale", len(frame), 0, f"from {low:g} to {high:g} to 0 to 1", rows_out=len(frame))
    return frame.assign(score=(frame["score"] - low) / (high - low))[["sentence1", "sentence2", "score", "row"]]


def _scale(scores: pd.Series) -> tuple[float, float]:
    """Find the scale that the scores were given on."""
    smallest, largest = float(scores.min()), float(scores.max())
    if smallest >= 0 and largest <= 1:
        return 0, 1
    if (smallest, largest) in SCALES:
        return smallest, largest
    if smallest >= -1 and largest <= 1:
        return -1, 1
    raise ValueError(
        f"scores go from {smallest:g} (row {scores.idxmin()}) to {largest:g} (row {scores.idxmax()}), not the "
        f"ends of a common scale: name the ends with scale=(low, high), for instance scale=(0, 5)"
    )
