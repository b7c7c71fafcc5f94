"""Say a comparison in plain words."""

from __future__ import annotations

from toolkit import stats
from toolkit.evaluate.comparing import Comparison

MAIN = "nDCG@10"


def verdict(
    comparison: Comparison, system: str, *, keywords: str | None = None, metric: str = MAIN, searches: str = "searches"
) -> list[str]:
    """Sentences that say whether `system` beats the baseline, for how many searches, and by how much.

    Parameters
    ----------
    comparison : Comparison
    system : str
        The system in question, such as ``"tuned"``.
    keywords : str, optional
        Name of the keyword search, when `comparison` holds one; then its standing against `system` is said too.
    metric : str
        The metric that decides.
    searches : str
        What the queries are called, such as ``"stand-in searches"``.

    Returns
    -------
    list of str
        By the interval of the one difference that was asked for; of many systems compared at once, trust the
        comparison's ``p_holm``. The first sentence is the shortest answer; every number comes from the comparison.
    """
    base = comparison.baseline
    row = comparison.row(system, metric)
    (first, ten), (first_after, ten_after) = (_plain(comparison, name) for name in (base, system))
    sentences = []
    if first is not None:
        within = "" if ten is None else f", among the first ten: {ten} → {ten_after}"
        sentences.append(f"Right answer first: {first} → {first_after} of 100 {searches}{within} ({base} → {system}).")
    sentences.append(
        f"Helped {row['better']:,} {searches}, hurt {row['worse']:,}, same {row['same']:,} (by {metric} of each)."
    )
    sentences.append(_difference(comparison, system, metric))
    if keywords is not None:
        sentences.append(_keywords(comparison, system, keywords, metric))
    return sentences


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
        What dev chose; see `best`.
    keywords : str
        Name of the keyword search in `comparison`. Where it, or the base model, may be as good, a second sentence says
        so, and what the test could have seen.
    metric, searches : str
        As in `verdict`.
    """
    base = comparison.baseline
    names = {base: "the base model", keywords: "keyword search (BM25)", f"{base}+BM25": "the base model with keywords"}
    called = names.get(
        system, f"the {system.removesuffix('+BM25')} model" + (" with keywords" if "+" in system else "")
    )
    said = [(names[name], *_plain(comparison, name)) for name in (base, keywords) if name != system]
    first, ten = _plain(comparison, system)
    text = f"Use {called}: a right text comes first in {first} of 100 {searches}, and among the first ten in {ten} ("
    text += "; ".join(f"{name}: {ones} and {tens}" for name, ones, tens in said) + ")."
    for other in (keywords, base):
        if other == system:
            continue
        gap, visible = _gap(comparison, system, other, metric)
        if gap.n_groups < 2 or gap.low > 0:
            continue
        called = "Keyword search, which needs no model," if other == keywords else "The base model, without tuning,"
        stands = "is better here" if gap.high < 0 else "may be as good"
        text += (
            f" {called} {stands}: the difference is {gap.mean + 0:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}] {metric}, "
            f"and this test would have shown {visible:.3f}."
        )
    return text


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
        f"[{row['low']:+.3f}, {row['high']:+.3f}] {metric}, {over}; this test could have seen {row['visible']:.3f}."
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


def _gap(comparison: Comparison, system: str, other: str, metric: str) -> tuple[stats.Interval, float]:
    """The paired difference system minus other, and the smallest that would have been seen."""
    if other not in comparison.scores:
        raise ValueError(f"no system {other!r} in the comparison; it has {', '.join(comparison.scores)}")
    ours, theirs = (comparison.scores[name].per_query[metric].to_numpy() for name in (system, other))
    [gap] = stats.intervals(ours - theirs, comparison.scores[system].groups)
    return gap, stats.smallest_visible(gap.error)


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
