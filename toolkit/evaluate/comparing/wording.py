"""Say a comparison in plain words."""

from __future__ import annotations

import pandas as pd

from toolkit import stats
from toolkit.evaluate.comparing import differences
from toolkit.evaluate.comparing.comparison import Comparison
from toolkit.evaluate.comparing.differences import ALPHA, MAIN, main_metric

ITEMS = {
    "retrieval": "searches", "reranking": "searches", "similarity": "pairs", "pairs": "pairs", "bitext": "sentences",
    "classification": "texts", "clustering": "texts",
}  # fmt: skip
"""What the items of a kind of task are called."""


def verdict(
    comparison: Comparison,
    system: str,
    *,
    keywords: str | None = None,
    metric: str | None = None,
    searches: str | None = None,
    deployed: str | None = None,
) -> list[str]:
    """Sentences that say whether `system` beats the baseline, for how many searches or other items, and by how much.

    Parameters
    ----------
    comparison : Comparison
    system : str
        The system in question, such as ``"tuned"``.
    keywords : str, optional
        Name of the keyword search, when `comparison` holds one; then its standing against `deployed` is said too.
    metric : str, optional
        The metric that decides; without it nDCG@10 of a search, else the first.
    searches : str, optional
        What the items are called, such as ``"stand-in searches"``.
    deployed : str, optional
        The system that will be used, without it `system`. Where it is the keyword search, that one is compared with
        the baseline.

    Returns
    -------
    list of str
        By the interval of the one difference that was asked for; of many systems compared at once, trust the
        comparison's ``p_holm``. The first sentence is the shortest answer; every number comes from the comparison.
    """
    base = comparison.baseline
    task, metrics = comparison.scores[base].task, comparison.scores[base].metrics
    metric, searches = metric or main_metric(metrics), searches or ITEMS[task.kind]
    row = comparison.row(system, metric)
    (first, ten), (first_after, ten_after) = (_plain(comparison, name) for name in (base, system))
    sentences = []
    if first is not None:
        within = "" if ten is None else f", among the first ten: {ten} → {ten_after}"
        sentences.append(f"Right answer first: {first} → {first_after} of 100 {searches}{within} ({base} → {system}).")
    if metric in comparison.scores[base].per_query:
        sentences.append(
            f"Helped {row['better']:,} {searches}, hurt {row['worse']:,}, same {row['same']:,} (by {metric} of each)."
        )
    sentences.append(_difference(comparison, system, metric))
    if keywords is not None:
        other = deployed or system
        sentences.append(_keywords(comparison, base if other == keywords else other, keywords, metric))
    return sentences


def conclusions(comparison: Comparison, *, metric: str | None = None) -> list[str]:
    """What the whole comparison shows by one metric, and what it does not: one sentence a system, then the ties.

    By p-values after Holm over all comparisons: what holds for one difference that was asked for (`verdict`) may not
    hold for the best of many.

    Parameters
    ----------
    comparison : Comparison
    metric : str, optional
        Without it nDCG@10 of a search, else the first.
    """
    base = comparison.scores[comparison.baseline]
    metric = metric or main_metric(base.metrics)
    rows = comparison.table[comparison.table["metric"] == metric]
    if rows.empty:
        raise ValueError(f"the systems were not compared by {metric!r}; there is {', '.join(base.metrics)}")
    sentences = [_concluded(row, comparison, metric) for _, row in rows.iterrows()]
    ties = comparison.ties[comparison.ties["metric"] == metric]
    first, *level = ties[ties["tied_with_best"]]["model"]
    if level:
        sentences.append(
            f"The highest {metric} is that of {first}; not shown to differ from it (Holm over all pairs): "
            f"{', '.join(level)}. Not shown is not equal."
        )
    else:
        sentences.append(f"{first} is shown to be better by {metric} than every other system (Holm over all pairs).")
    sentences.append(
        f"These are paired differences on the same {ITEMS[base.task.kind]}: read them, and not whether the intervals "
        f"of two scores overlap."
    )
    return sentences + comparison.notes


def _concluded(row: pd.Series, comparison: Comparison, metric: str) -> str:
    """One system against the baseline, after Holm."""
    name, base, over = row["model"], comparison.baseline, len(comparison.table)
    if row["n_groups"] < 2:
        return f"{name} and {base}: nothing can be shown, since all items are one group."
    size = f"{row['difference'] + 0:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}] {metric}"
    if row["p_holm"] < ALPHA:
        stands = "better" if row["difference"] > 0 else "worse"
        return f"{name} is {stands} than {base}: {size}, p {row['p_holm']:.4f} after Holm over {over} comparisons."
    alone = " (it would be, had this been the only comparison)" if row["p"] < ALPHA else ""
    return (
        f"{name} and {base}: no difference shown{alone}, {size}, p {row['p_holm']:.4f} after Holm over {over} "
        f"comparisons. Not shown is not equal: a true difference of {row['mdd']:.3f} would be seen four times of "
        f"five, a smaller one less often."
    )


def best(comparison: Comparison, *, metric: str = MAIN) -> str:
    """The system to use. For choices, and so for dev alone.

    Of the single systems that are shown to be better than the baseline the one with the highest mean, else the
    baseline; and a fusion with keyword search (``"<model>+BM25"``) only where it is shown to be better than that one.
    Shown means that the interval of the paired difference lies above zero.
    """
    order = comparison.table[comparison.table["metric"] == metric].sort_values("score", ascending=False)["model"]
    single = next((name for name in order if "+BM25" not in name and _shown(comparison, name, metric=metric)), None)
    taken = single or comparison.baseline
    fusions = (name for name in order if "+BM25" in name and _shown(comparison, name, taken, metric=metric))
    return next(fusions, taken)


def _shown(comparison: Comparison, system: str, other: str | None = None, *, metric: str) -> bool:
    """Whether `system` is shown to be better than `other` (without it: than the baseline)."""
    gap, _ = _gap(comparison, system, other or comparison.baseline, metric)
    return gap.n_groups > 1 and gap.low > 0


def headline(
    comparison: Comparison, system: str, *, keywords: str = "BM25", metric: str = MAIN, searches: str = "searches"
) -> str:
    """The one sentence that a report opens with: what to use, how good it is, and what it is measured against.

    Parameters
    ----------
    comparison : Comparison
        On test, by the default metrics.
    system : str
        What dev chose; see `best`. Where the test does not confirm that it beats the baseline, the headline says so
        and does not recommend it: the base model is simpler. Keyword search, which needs no model, stays recommended
        unless the test shows it to be worse.
    keywords : str
        Name of the keyword search in `comparison`. Where it may be as good, a sentence says so, and what the test could
        have seen.
    metric, searches : str
        As in `verdict`.

    Raises
    ------
    ValueError
        When one of the two systems is not in the comparison.
    """
    _require(comparison, system, keywords)
    base = comparison.baseline
    names = {base: "the base model", keywords: "keyword search (BM25)", f"{base}+BM25": "the base model with keywords"}
    called = names.get(
        system, f"the {system.removesuffix('+BM25')} model" + (" with keywords" if "+" in system else "")
    )
    said = [(names[name], *_plain(comparison, name)) for name in (base, keywords) if name != system]
    first, ten = _plain(comparison, system)
    doubts = [_doubt(comparison, system, other, keywords, metric) for other in (keywords, base) if other != system]
    taken = system == base or _shown(comparison, system, metric=metric)
    if system == keywords:  # which is simpler than any model, and so need not be better
        taken = not _shown(comparison, base, keywords, metric=metric)
    text = f"Use {called}" if taken else f"Validation data preferred {called}"
    text += f": a right text comes first in {first} of 100 {searches}, and among the first ten in {ten} ("
    text += "; ".join(f"{name}: {ones} and {tens}" for name, ones, tens in said) + ")."
    return " ".join([text, *filter(None, doubts)])


def _doubt(comparison: Comparison, system: str, other: str, keywords: str, metric: str) -> str:
    """Where `system` is not shown to beat `other` on test: so much, by which numbers, and what is simpler."""
    gap, visible = _gap(comparison, system, other, metric)
    if gap.n_groups > 1 and gap.low > 0:
        return ""
    size = f"{gap.mean + 0:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}] {metric}"
    shown = f"{size}, and this test would have shown {visible:.3f}"
    if other == keywords:
        if gap.n_groups < 2:
            return ""
        stands = "is better here" if gap.high < 0 else "may be as good"
        return f"Keyword search, which needs no model, {stands}: the difference is {shown}."
    if gap.n_groups < 2:
        return "This test can neither confirm it nor refute it: all it holds is one group."
    if gap.high < 0:
        return f"This test refutes it: the base model is better here, the difference is {size}. Take the base model."
    simpler = (
        "Keyword search needs no model and stays the simpler choice."
        if system == keywords
        else "So the base model, without tuning, is the simpler choice."
    )
    return f"This test does not confirm that it beats the base model: the difference is {shown}. {simpler}"


def _plain(comparison: Comparison, system: str) -> tuple[str | None, str | None]:
    """Of 100 searches, how many have a right document first, and how many among the first ten."""
    table = comparison.scores[system].per_query
    first = f"{table['accuracy@1'].mean() * 100:.0f}" if "accuracy@1" in table else None
    ten = f"{(table['recall@10'] > 0).mean() * 100:.0f}" if "recall@10" in table else None
    return first, ten


def _difference(comparison: Comparison, system: str, metric: str) -> str:
    row = comparison.row(system, metric)
    size = f"{abs(row['difference']):.3f} [{abs_ends(row['low'], row['high'])}] {metric}"
    over = f"resampled {row['n_groups']:,} groups"
    name = system[:1].upper() + system[1:]  # and the rest as it is: MiniLM, not Minilm
    if row["n_groups"] < 2:
        return f"No difference can be shown between {system} and {comparison.baseline}: all searches are one group."
    if row["low"] > 0:
        return f"{name} beats {comparison.baseline} by {size}, {over}."
    if row["high"] < 0:
        return f"{name} is worse than {comparison.baseline} by {size}, {over}."
    return (
        f"No difference shown between {system} and {comparison.baseline}: {row['difference']:+.3f} "
        f"[{row['low']:+.3f}, {row['high']:+.3f}] {metric}, {over}; this test could have seen {row['mdd']:.3f}."
    )


def abs_ends(low: float, high: float) -> str:
    """The ends of an interval that lies on one side of zero, as sizes in ascending order.

    Examples
    --------
    >>> abs_ends(-0.03, -0.01)
    '0.010, 0.030'
    """
    ends = sorted((abs(low), abs(high)))
    return f"{ends[0]:.3f}, {ends[1]:.3f}"


def _require(comparison: Comparison, *systems: str) -> None:
    for name in systems:
        if name not in comparison.scores:
            raise ValueError(f"no system {name!r} in the comparison; it has {', '.join(comparison.scores)}")


def _gap(comparison: Comparison, system: str, other: str, metric: str) -> tuple[stats.Interval, float]:
    """The paired difference system minus other, and the smallest that would have been seen."""
    _require(comparison, other)
    return differences.gap(comparison.scores[system], comparison.scores[other], metric)


def _keywords(comparison: Comparison, system: str, keywords: str, metric: str) -> str:
    gap, visible = _gap(comparison, system, keywords, metric)
    ends = f"{abs(gap.mean):.3f} [{abs_ends(gap.low, gap.high)}] {metric}"
    if gap.n_groups < 2:
        return f"Keyword search ({keywords}) cannot be compared with {system}: all searches are one group."
    if gap.low > 0:
        return f"Keyword search ({keywords}) is behind {system} by {ends}."
    if gap.high < 0:
        return f"Keyword search ({keywords}) is better here than {system}, by {ends}: take it."
    return (
        f"No difference shown between {system} and keyword search ({keywords}), which needs no model: "
        f"{gap.mean + 0:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}] {metric}; this test could have seen {visible:.3f}."
    )
