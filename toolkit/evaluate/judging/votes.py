"""The answers of several judges: how far they agree, and what the majority says."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from toolkit.evaluate.judging.pools import Answers, pooled_pairs, read_answers


def read_judges(folder: Path, pool: Mapping[str, Any]) -> tuple[dict[str, Answers], list[str]]:
    """Answers of all judges in a folder."""
    judges, notes, pairs = {}, [], pooled_pairs(pool)
    for file in sorted(folder.glob("judgements-*.csv")):
        answers, told = read_answers(file, pairs)
        notes += told
        if answers:
            judges[file.stem.removeprefix("judgements-")] = answers
    return judges, notes


def majority(pool: Mapping[str, Any], judges: Mapping[str, Answers]) -> tuple[dict[str, dict[str, int]], int]:
    """Qrels of the searches that were judged whole, and how many were judged in part."""
    qrels, begun = {}, 0
    for query, docs in pooled_pairs(pool).items():
        votes = {
            doc: [answers[query, doc][0] for answers in judges.values() if (query, doc) in answers]
            for doc in sorted(docs)
        }
        row = {doc: int(given.count(True) > given.count(False)) for doc, given in votes.items() if set(given) - {None}}
        if judges and all(votes.values()) and (row or not votes):  # also where nothing was found to be judged
            qrels[query] = row
        else:
            begun += any(votes.values())
    return (qrels if any(qrels.values()) else {}), begun


def agreement_of(judges: Mapping[str, Answers]) -> pd.DataFrame:
    """As `toolkit.evaluate.Judged.agreement`."""
    rows = []
    for (one, a), (two, b) in itertools.combinations(judges.items(), 2):
        both = [pair for pair in a if pair in b and a[pair][0] is not None and b[pair][0] is not None]
        first, second = ([bool(given[pair][0]) for pair in both] for given in (a, b))
        same = float(np.mean(np.equal(first, second))) if both else math.nan
        rows.append([one, two, len(both), same, kappa(first, second) if both else math.nan])
    return pd.DataFrame(rows, columns=["judge", "other", "n", "agreement", "kappa"])


def kappa(first: Sequence[bool], second: Sequence[bool]) -> float:
    """Cohen's kappa of two judges' answers to the same questions; nan where both always say the same one thing.

    Source: J. Cohen, Educational and Psychological Measurement 20, 1960.

    Examples
    --------
    >>> kappa([True, True, False, False], [True, False, False, False])
    0.5
    """
    a, b = np.asarray(first, dtype=bool), np.asarray(second, dtype=bool)
    if a.shape != b.shape or not len(a):
        raise ValueError(f"expected as many answers of both judges, at least one, got {len(a)} and {len(b)}")
    seen = (a == b).mean()
    chance = a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
    return float((seen - chance) / (1 - chance)) if chance < 1 else math.nan
