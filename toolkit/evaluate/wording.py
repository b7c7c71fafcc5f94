"""Say a comparison in plain words."""

from __future__ import annotations

from toolkit.evaluate.comparing import Comparison

MAIN = "nDCG@10"


def verdict(comparison: Comparison, system: str, *, keywords: str | None = None, metric: str = MAIN) -> list[str]:
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

    Returns
    -------
    list of str
        By the interval of the one difference that was asked for; of many systems compared at once, trust the
        comparison's ``p_holm``. The first sentence is the shortest answer; every number comes from the comparison.
    """
    base = comparison.baseline
    row = comparison.row(system, metric)
    sentences = []
    if "accuracy@1" in comparison.scores[base].per_query:
        before, after = (comparison.scores[name].per_query["accuracy@1"].mean() * 100 for name in (base, system))
        sentences.append(f"Right answer first: {before:.0f} → {after:.0f} of 100 searches ({base} → {system}).")
    sentences.append(
        f"Helped {row['better']:,} searches, hurt {row['worse']:,}, same {row['same']:,} (by {metric} of each search)."
    )
    sentences.append(_difference(comparison, system, metric))
    if keywords is not None:
        sentences.append(_keywords(comparison, system, keywords, metric))
    return sentences


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


def _keywords(comparison: Comparison, system: str, keywords: str, metric: str) -> str:
    from toolkit import stats

    if keywords not in comparison.scores:
        raise ValueError(f"no system {keywords!r} in the comparison; it has {', '.join(comparison.scores)}")
    ours, theirs = (comparison.scores[name].per_query[metric].to_numpy() for name in (system, keywords))
    [gap] = stats.intervals(ours - theirs, comparison.scores[system].groups)
    ends = f"{abs(gap.mean):.3f} [{abs_ends(gap.low, gap.high)}] {metric}"
    if gap.n_groups < 2:
        return f"Keyword search ({keywords}) cannot be compared with {system}: all searches are one group."
    if gap.low > 0:
        return f"Keyword search ({keywords}) is behind {system} by {ends}."
    if gap.high < 0:
        return f"Keyword search ({keywords}) is better here than {system}, by {ends}: take it."
    return (
        f"Keyword search ({keywords}) is as good here as {system}, as far as this test can see, and it needs no model: "
        f"{system} minus {keywords} is {gap.mean + 0:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}] {metric}."
    )
