"""Make pairs of texts that belong together, from columns, groups, labels, judgements or clicks.

Each function takes a table with the columns in its docstring and a `Dropped` that records removed rows. It returns the
columns of texts in the trainer's order, then ``row`` and what else is known of each row, such as ``group``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pandas as pd

from toolkit.prepare.dropped import Dropped
from toolkit.prepare.values import labels_in, numbers, require

MOST = 10  # rows from one group, query, premise or document


def from_columns(frame: pd.DataFrame, dropped: Dropped) -> pd.DataFrame:
    """Pair the first column of texts with the second: title and body, or question and answer."""
    first, second = ("title", "body") if "title" in frame and "body" in frame else ("question", "answer")
    return pd.DataFrame({"anchor": frame[first], "positive": frame[second], "row": frame["row"]})


def balanced_pairs(n: int) -> Iterator[tuple[int, int]]:
    """Yield all pairs of `n` items, each once, so that the first pairs use the items as evenly as possible.

    The items form a ring. First come neighbours that share no item, then the other neighbours, then items two places
    apart, and so on.

    Examples
    --------
    >>> list(balanced_pairs(4))
    [(0, 1), (2, 3), (1, 2), (3, 0), (0, 2), (1, 3)]
    """
    for distance in range(1, n // 2 + 1):
        starts = range(n // 2) if 2 * distance == n else [*range(0, n, 2), *range(1, n, 2)]
        for start in starts:
            yield start, (start + distance) % n


def groups(frame: pd.DataFrame, dropped: Dropped, *, most: int = MOST, seed: int = 0) -> pd.DataFrame:
    """Pair texts of the same group (``text group``), at most `most` pairs per group.

    A group of n texts has n (n - 1) / 2 pairs, so without a limit a group of 100 would weigh as much as 4,950 groups
    of two. The texts of a group are put in random order, and pairs are taken by `balanced_pairs`.
    """
    frame = frame.assign(group=pd.Series(labels_in(frame["group"]), index=frame.index, dtype=object))
    frame = dropped.keep(frame, frame["group"].notna(), "no group", "the group is missing")
    repeated = frame.assign(text=frame["text"].map(str.casefold)).duplicated(["group", "text"])
    frame = dropped.keep(frame, ~repeated, "repeated text", "the same text in the same group")
    size = frame.groupby("group", sort=False)["text"].transform("size")
    frame = dropped.keep(frame, size >= 2, "alone", "the only text of its group")
    rng = np.random.default_rng(seed)
    pairs: list[tuple[int, int]] = []
    possible = 0
    for places in frame.groupby("group", sort=False).indices.values():
        order = rng.permutation(places)
        possible += len(order) * (len(order) - 1) // 2
        pairs += [(order[a], order[b]) for a, b in islice(balanced_pairs(len(order)), most)]
    first, second = np.array(pairs, dtype=int).reshape(-1, 2).T
    unused = len(frame) - len(np.union1d(first, second))
    why = f"{len(first):,} of {possible:,} pairs: at most {most} per group"
    dropped.count("pair", len(frame), unused, why, rows_out=len(first))
    if unused > len(frame) / 2:
        dropped.notes.append(
            f"{unused:,} of {len(frame):,} texts are in no pair: the groups are large, a larger most= uses more."
        )
    left, right = (frame.iloc[rows].reset_index(drop=True) for rows in (first, second))
    return pd.DataFrame({
        "anchor": left["text"], "positive": right["text"], "row": left["row"], "group": left["group"],
    })  # fmt: skip


def labels(frame: pd.DataFrame, dropped: Dropped) -> pd.DataFrame:
    """Select labelled texts (``text label``) for Batch*Triplet losses: at least two of each label, labels as numbers.

    Labels are numbered in the order of their names; the column's ClassLabel feature keeps the names. For pairs of texts
    with equal labels, use ``by="groups"`` with ``columns={"label": "group"}``.
    """
    frame = frame.assign(label=pd.Series(labels_in(frame["label"]), index=frame.index, dtype=object))
    frame = dropped.keep(frame, frame["label"].notna(), "no label", "the label is missing")
    frame = dropped.keep(frame, ~frame.duplicated(["text", "label"]), "repeated", "the same text with the same label")
    size = frame.groupby("label", sort=False)["text"].transform("size")
    frame = dropped.keep(frame, size >= 2, "alone", "the only text of its label")
    several = int(frame.groupby("text")["label"].nunique().gt(1).sum())
    if several:
        dropped.notes.append(f"{several:,} texts have more than one label, and are kept with each.")
    values = frame["label"].unique().tolist()
    texts = pd.Series(values, dtype=object).map(str)
    if texts.duplicated().any():
        raise ValueError(
            f"label {texts[texts.duplicated()].iloc[0]!r} occurs as a text and as a number: make all labels texts"
        )
    names = sorted(values, key=str if any(isinstance(value, str) for value in values) else None)
    label = pd.Categorical(frame["label"], categories=names)
    return pd.DataFrame({"text": frame["text"].to_numpy(), "label": label, "row": frame["row"].to_numpy()})


def qrels(
    frame: pd.DataFrame,
    dropped: Dropped,
    *,
    most: int = MOST,
    least: float = 1,
    negatives: int = 0,
    seed: int = 0,
) -> pd.DataFrame:
    """Pair queries with documents that were judged relevant (``query document grade``, grades as in trec_eval).

    A document of grade `least` or more is a positive, at most `most` per query, drawn at random. With `negatives`,
    each row gets that many documents that were judged 0 or less for its query; queries with fewer are left out.
    """
    frame = frame.assign(grade=numbers(frame["grade"], missing=True))
    frame = dropped.keep(frame, frame["grade"].notna(), "no grade", "the grade is missing")
    folded = frame.assign(document=frame["document"].map(str.casefold))
    best = folded.sort_values("grade", ascending=False, kind="stable").drop_duplicates(["query", "document"]).index
    frame = dropped.keep(frame, frame.index.to_series().isin(best), "judged twice", "a higher or equal grade exists")
    wrong: dict[str, list[str]] = {}
    for query, document in frame.loc[frame["grade"] <= 0, ["query", "document"]].itertuples(index=False):
        wrong.setdefault(query, []).append(document)
    why = f"grade below {least:g}" + ("; those of 0 serve as negatives" if negatives else "")
    frame = dropped.keep(frame, (frame["grade"] >= least) & (frame["grade"] > 0), "grade", why)
    if negatives:
        enough = frame["query"].map(lambda query: len(wrong.get(query, ())) >= negatives)
        frame = dropped.keep(frame, enough, "negatives", f"the query has fewer than {negatives} documents judged 0")
    rng = np.random.default_rng(seed)
    drawn = frame.iloc[rng.permutation(len(frame))].groupby("query", sort=False).head(most).index
    frame = dropped.keep(frame, frame.index.to_series().isin(drawn), "most", f"more than {most} for a query")
    made = {"anchor": frame["query"], "positive": frame["document"]}
    chosen = [rng.permutation(len(wrong[query]))[:negatives] for query in frame["query"]] if negatives else []
    for number in range(negatives):
        name = "negative" if negatives == 1 else f"negative_{number + 1}"
        texts = [wrong[query][at[number]] for query, at in zip(frame["query"], chosen, strict=True)]
        made[name] = pd.Series(texts, index=frame.index, dtype=object)
    return pd.DataFrame(made).join(frame.filter(["row", "grade", "query_id", "document_id"]))


def clicks(frame: pd.DataFrame, dropped: Dropped, *, most: int = MOST, least: float = 1) -> pd.DataFrame:
    """Pair queries with documents that were clicked at least `least` times (``query document clicks[ impressions]``).

    Counts of equal pairs are summed. A query keeps at most `most` such documents, those with the most clicks. The
    counts are in the result's ``origin``. Clicks favour what was shown first (T. Joachims et al., 2005, "Accurately
    Interpreting Clickthrough Data as Implicit Feedback"), so a larger `least` makes better pairs.
    """
    counts = ["clicks", *(["impressions"] if "impressions" in frame else [])]
    for name in counts:
        frame = frame.assign(**{name: numbers(frame[name], missing=True)})
        require(frame[name], ~(frame[name] < 0), "count")
    frame = dropped.keep(frame, frame[counts].notna().all(axis=1), "no count", "the count is missing")
    if "impressions" in frame:
        more = frame[frame["clicks"] > frame["impressions"]]
        if len(more):
            got = f"{more['clicks'].iloc[0]:g} clicks in {more['impressions'].iloc[0]:g} impressions"
            raise ValueError(f"row {more.index[0]} has {got}, more clicks than impressions: check the columns")
    together = frame.groupby(["query", "document"], sort=False)
    summed = together[counts].sum().join(together["row"].first()).reset_index()
    why = "equal pairs, with their counts summed"
    dropped.count("together", len(frame), len(frame) - len(summed), why, rows_out=len(summed))
    summed = dropped.keep(summed, summed["clicks"] >= max(least, 1e-9), "clicks", f"fewer than {least:g} clicks")
    top = summed.sort_values("clicks", ascending=False, kind="stable").groupby("query").head(most).index
    summed = dropped.keep(summed, summed.index.to_series().isin(top), "most", f"more than {most} for a query")
    return summed.rename(columns={"query": "anchor", "document": "positive"})[["anchor", "positive", "row", *counts]]
