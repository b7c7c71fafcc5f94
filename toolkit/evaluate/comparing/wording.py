"""Summarise a comparison in sentences, and choose a system by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit import report, stats
from toolkit.evaluate.comparing import differences
from toolkit.evaluate.comparing.comparison import Comparison
from toolkit.evaluate.comparing.differences import ALPHA, MAIN, main_metric
from toolkit.evaluate.scoring.ranking import kind_of
from toolkit.vectors import System

ITEMS = {
    "retrieval": "searches", "reranking": "searches", "similarity": "pairs", "pairs": "pairs", "bitext": "sentences",
    "classification": "texts", "clustering": "texts",
}  # fmt: skip
"""Name of the items of each kind of task."""


def verdict(
    comparison: Comparison,
    system: str | System,
    *,
    keywords: str | None = None,
    metric: str | None = None,
    searches: str | None = None,
    deployed: str | System | None = None,
) -> list[str]:
    """Report whether `system` beats the baseline, on how many searches or other items, and by how much.

    Parameters
    ----------
    comparison : Comparison
    system : str or System
        The system in question, such as ``"tuned"``.
    keywords : str, optional
        Name of the keyword search in `comparison`: if given, a sentence compares it with `deployed`.
    metric : str, optional
        The metric that decides; by default nDCG@10 for searches, else the first.
    searches : str, optional
        Name of the items, such as ``"stand-in searches"``.
    deployed : str or System, optional
        The system that will be used; by default `system`. Where it is the keyword search, that one is compared with
        the baseline.

    Returns
    -------
    list of str
        Based on the interval of this one difference; if many systems are compared, read the comparison's
        ``p_holm``. The first sentence is the short answer; every number comes from the comparison.
    """
    base, system = comparison.baseline, _name(system)
    task, metrics = comparison.scores[base].task, comparison.scores[base].metrics
    metric, searches = metric or main_metric(metrics), searches or ITEMS[task.kind]
    row = comparison.row(system, metric)
    (first, ten), (first_after, ten_after) = (_right_answers(comparison, name) for name in (base, system))
    sentences = []
    if first is not None:
        within = "" if ten is None else f", among the first ten: {ten} → {ten_after}"
        sentences.append(f"Right answer first: {first} → {first_after} of 100 {searches}{within} ({base} → {system}).")
    if metric in comparison.scores[base].per_query:
        better, worse, same = (f"{row[count]:,}" for count in ("better", "worse", "same"))
        sentences.append(f"Helped {better} {searches}, hurt {worse}, left {same} unchanged (by the {metric} of each).")
    gap, mdd = _gap(comparison, system, base, metric)
    if gap.n_groups < 2:
        sentences.append(f"{system} and {base} cannot be compared: all {searches} are in one group.")
    elif gap.low > 0 or gap.high < 0:
        stands = f"{_capital(system)} {'beats' if gap.low > 0 else 'is worse than'} {base}"
        sentences.append(f"{stands} by {_magnitude(gap)} {metric} ({gap.n_groups:,} resampled groups).")
    else:
        shown = f"{_signed(gap)} {metric} ({gap.n_groups:,} resampled groups); minimum detectable difference {mdd:.3f}"
        sentences.append(f"No difference shown between {system} and {base}: {shown}.")
    if keywords is None:
        return sentences
    other = _name(deployed or system)
    other = base if other == keywords else other
    search = f"keyword search ({keywords})"
    gap, mdd = _gap(comparison, other, keywords, metric)
    if gap.n_groups < 2:
        sentence = f"{search} cannot be compared with {other}: all {searches} are in one group."
    elif gap.low > 0:
        sentence = f"{search} is behind {other} by {_magnitude(gap)} {metric}."
    elif gap.high < 0:
        sentence = f"{search} is better here than {other}, by {_magnitude(gap)} {metric}: use it."
    else:
        shown = f"{_signed(gap)} {metric}; minimum detectable difference {mdd:.3f}"
        sentence = f"no difference shown between {other} and {search}, which needs no model: {shown}."
    return [*sentences, _capital(sentence)]


def conclusions(comparison: Comparison, *, metric: str | None = None) -> list[str]:
    """Summarise what a comparison shows by one metric, and what it does not: a sentence for each system, then the ties.

    P is Holm-corrected over all comparisons: what holds for one difference (`verdict`) may not hold for the best of
    many.

    Parameters
    ----------
    comparison : Comparison
    metric : str, optional
        By default nDCG@10 for searches, else the first.
    """
    base, over = comparison.scores[comparison.baseline], len(comparison.table)
    metric = metric or main_metric(base.metrics)
    rows = comparison.table[comparison.table["metric"] == metric]
    if rows.empty:
        raise ValueError(f"the systems were not compared by {metric!r}; expected one of {', '.join(base.metrics)}")
    sentences = []
    for row in rows.to_dict("records"):
        pair = f"{row['model']} and {comparison.baseline}"
        size = f"{report.interval(row['difference'] + 0, row['low'], row['high'], sign='+')} {metric}"
        p = f"p = {row['p_holm']:.4f}, Holm-corrected over {over} comparisons"
        if row["n_groups"] < 2:
            sentences.append(f"{pair}: no test is possible, since all items are in one group.")
        elif row["p_holm"] < ALPHA:
            stands = "better" if row["difference"] > 0 else "worse"
            sentences.append(f"{row['model']} is {stands} than {comparison.baseline}: {size}, {p}.")
        else:
            alone = " (it would be if this were the only comparison)" if row["p"] < ALPHA else ""
            mdd = f"the test detects a true difference of {row['mdd']:.3f} four times out of five"
            sentences.append(f"{pair}: no difference shown{alone}, {size}, {p}. They may still differ: {mdd}.")
    ties = comparison.ties[comparison.ties["metric"] == metric]
    first, *level = ties[ties["tied_with_best"]]["model"]
    if level:
        tied = f"not shown to differ from it (Holm over all pairs): {', '.join(level)}"
        sentences.append(f"{first} has the highest {metric}; {tied}. They may still differ.")
    else:
        sentences.append(f"{first} has significantly higher {metric} than every other system (Holm over all pairs).")
    items = ITEMS[base.task.kind]
    last = f"These are paired differences on the same {items}: read them, not whether the intervals of scores overlap."
    return [*sentences, last, *comparison.notes]


def best(comparison: Comparison, *, metric: str = MAIN) -> System:
    """Choose the system to use, from a comparison on validation data (dev) only.

    Choose the single system with the highest mean among those shown to be better than the baseline, else the
    baseline; choose a combined system, such as a fusion with keyword search, only where it is shown to be better than
    that one. Shown means that the interval of the paired difference lies above zero.

    Returns
    -------
    System
        Its ``name`` is the one in the comparison.

    Raises
    ------
    ValueError
        When the comparison is not of search systems.
    """
    systems = comparison.systems
    if comparison.baseline not in systems:
        kind = comparison.scores[comparison.baseline].task.kind
        raise ValueError(f"expected a comparison of systems that search, got one of kind {kind!r}: see its `ties`")
    order = comparison.table[comparison.table["metric"] == metric].sort_values("score", ascending=False)["model"]
    taken = comparison.baseline
    for composite in (False, True):
        wanted = [name for name in order if name in systems and bool(systems[name].record.get("parts")) == composite]
        taken = next((name for name in wanted if _significantly_better(comparison, name, taken, metric)), taken)
    return systems[taken]


def headline(
    comparison: Comparison,
    system: str | System,
    *,
    keywords: str | None = None,
    metric: str = MAIN,
    searches: str = "searches",
) -> str:
    """Summarise in one sentence what to use, how good it is, and compared with what.

    Parameters
    ----------
    comparison : Comparison
        On test, by the default metrics.
    system : str or System
        The choice on dev; see `best`. If the test does not confirm that it beats the baseline, the headline says so
        and does not recommend it: the baseline is simpler. Keyword search, which needs no model, stays recommended
        unless the test shows it to be worse.
    keywords : str, optional
        Name of the keyword search in `comparison`; by default the system whose record is of kind ``"bm25"``, if there
        is one. If it may be as good, a sentence says so, with the minimum detectable difference.
    metric, searches : str
        As in `verdict`.

    Raises
    ------
    ValueError
        When one of the systems is not in the comparison.
    """
    chosen, base = _name(system), comparison.baseline
    if keywords is None:
        keywords = next((name for name, one in comparison.systems.items() if kind_of(one) == "bm25"), None)
    taken = chosen == base or _significantly_better(comparison, chosen, base, metric)
    if chosen == keywords:  # it is simpler than any model, and so need not be better
        taken = not _significantly_better(comparison, base, keywords, metric)
    others = [name for name in dict.fromkeys((base, keywords)) if name is not None and name != chosen]
    doubts = [_caveat(comparison, chosen, name, keywords, metric) for name in reversed(others)]
    numbers = {name: " and ".join(map(str, _right_answers(comparison, name))) for name in others}
    first, ten = _right_answers(comparison, chosen)
    called = _display_name(comparison, chosen)
    text = f"Use {called}" if taken else f"Validation data preferred {called}"
    text += f": a correct text ranks first in {first} of 100 {searches}, and in the top ten in {ten}"
    beside = "; ".join(f"{_display_name(comparison, name)}: {numbers[name]}" for name in others)
    return " ".join([f"{text} ({beside})." if beside else f"{text}.", *filter(None, doubts)])


def _caveat(comparison: Comparison, chosen: str, other: str, keywords: str | None, metric: str) -> str:
    """Explain why `chosen` is not shown to beat `other` on test, and which is simpler; else return ""."""
    gap, mdd = _gap(comparison, chosen, other, metric)
    if gap.n_groups > 1 and gap.low > 0:
        return ""
    called = _display_name(comparison, other)
    size = f"{_signed(gap)} {metric}"
    shown = f"the difference is {size}, with a minimum detectable difference of {mdd:.3f}."
    if other == keywords and other != comparison.baseline:
        stands = "is better here" if gap.high < 0 else "may be as good"
        return f"Keyword search, which needs no model, {stands}: {shown}" if gap.n_groups > 1 else ""
    if gap.n_groups < 2:
        return "This test cannot confirm that: all its items are in one group."
    if gap.high < 0:
        return f"This test contradicts that: {called} is better here, the difference is {size}. Use {called}."
    simpler = f"So {called} stays the simpler choice."
    if chosen == keywords:
        simpler = "Keyword search needs no model and stays the simpler choice."
    elif kind_of(comparison.systems.get(other)) == "dense":
        simpler = f"So {called}, without tuning, is the simpler choice."
    return f"This test does not confirm that it beats {called}: {shown} {simpler}"


def _display_name(comparison: Comparison, name: str) -> str:
    """Name a system in a sentence, by its record."""

    def described(record: Mapping[str, Any]) -> str:
        kind, called, parts = record.get("kind"), str(record.get("name")), record.get("parts", ())
        if kind == "bm25":
            return f"keyword search ({called})"
        if kind == "dense":
            return "the base model" if called == comparison.baseline else f"the {called} model"
        if kind == "fusion" and sorted(part["kind"] for part in parts) == ["bm25", "dense"]:
            return f"{described(next(part for part in parts if part['kind'] == 'dense'))} fused with keyword search"
        return f"{described(parts[0])}, reranked" if kind == "reranked" else called

    return described(getattr(comparison.systems.get(name), "record", {"name": name}))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]  # the rest stays as it is: MiniLM, not Minilm


def _name(system: str | System) -> str:
    return system if isinstance(system, str) else system.name


def _right_answers(comparison: Comparison, system: str) -> tuple[str | None, str | None]:
    """Count in how many of 100 searches a right document comes first, and among the first ten."""
    table = comparison.scores[system].per_query
    first, ten = (f"{(table[m] > 0).mean() * 100:.0f}" if m in table else None for m in ("accuracy@1", "recall@10"))
    return first, ten


def _signed(gap: stats.Interval) -> str:
    return report.interval(gap.mean + 0, gap.low, gap.high, sign="+")


def _magnitude(gap: stats.Interval) -> str:
    """Format a difference whose interval excludes zero as a magnitude, with its ends in ascending order."""
    return report.interval(abs(gap.mean), *sorted((abs(gap.low), abs(gap.high))))


def _gap(comparison: Comparison, system: str, other: str, metric: str) -> tuple[stats.Interval, float]:
    """Return the paired difference system minus other, and the minimum detectable difference."""
    for name in (system, other):
        if name not in comparison.scores:
            raise ValueError(f"no system {name!r} in the comparison; it has {', '.join(comparison.scores)}")
    return differences.gap(comparison.scores[system], comparison.scores[other], metric)


def _significantly_better(comparison: Comparison, system: str, other: str, metric: str) -> bool:
    """Return whether `system` is significantly better than `other`."""
    gap, _ = _gap(comparison, system, other, metric)
    return gap.n_groups > 1 and gap.low > 0
