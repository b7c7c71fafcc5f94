"""Labels that put the items of a task into slices: by length, overlap with the answer, language, group."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from toolkit import prepare
from toolkit.evaluate.comparing.wording import ITEMS
from toolkit.prepare import Task
from toolkit.prepare.tasks import check_task
from toolkit.vectors.keywords import words

LARGEST = 5  # groups that get a slice of their own


def slice_by(task: Task, by: str, *, bins: int = 4) -> dict[str, str]:
    """A label for each item of a task, for `slices` and `by_slice`.

    Parameters
    ----------
    task : Task
        Of any kind.
    by : {"length", "overlap", "relevant", "language", "group"}
        ``"length"``: words of the search, or of all texts of the row. ``"overlap"``: the share of the different words
        of a search that stand in a right document, in the one that has most of them; of pairs of sentences, the share
        of the words of either that both have (Jaccard). ``"relevant"``: the number of relevant documents of a search.
        ``"language"``: the code of the language of the search or the first text (`toolkit.prepare.told`).
        ``"group"``: the five largest of `Task.groups`, and all others together.
    bins : int
        Numbers are cut at quantiles into at most so many ranges.

    Returns
    -------
    dict of item to label
        In words, such as ``"1 to 5 words"``; the slices in their order, so that their first items come in it too.

    Raises
    ------
    ValueError
        For another name, a labelling that the kind of task does not have, or fewer than two bins.

    Examples
    --------
    >>> from toolkit.prepare import RetrievalData, Task
    >>> data = RetrievalData({"d": "the red fox"}, {"p": "red fox", "q": "one long search for foxes"},
    ...                      {"p": {"d": 1}, "q": {"d": 1}})
    >>> slice_by(Task("t", "retrieval", data, {}), "length", bins=2)
    {'p': '2 words', 'q': '5 words'}
    """
    check_task(task)
    if by not in LABELLINGS:
        raise ValueError(f"expected a labelling {', '.join(map(repr, LABELLINGS))}, got {by!r}")
    if bins < 2:
        raise ValueError(f"expected at least two bins, got {bins}")
    labels, order = LABELLINGS[by](task, bins)
    place = {label: number for number, label in enumerate(order)}
    pairs = sorted(zip(task.items, labels, strict=True), key=lambda pair: place[pair[1]])
    return dict(pairs)


Labels = tuple[list[str], list[str]]  # of each item, and all in order


def in_bins(values: Sequence[int], bins: int, one: str, many: str) -> Labels:
    """Whole numbers in ranges of about equally many items, named in words; equal numbers stay together.

    Examples
    --------
    >>> in_bins([1, 1, 2, 3, 9, 9], 3, "word", "words")[1]
    ['1 word', '2 to 3 words', '9 words']
    """
    found = np.asarray(values)
    ends = np.unique(np.quantile(found, np.arange(1, bins + 1) / bins, method="inverted_cdf"))
    at = np.searchsorted(ends, found)
    names = []
    for number in range(len(ends)):
        part = found[at == number]
        low, high = int(part.min()), int(part.max())
        names.append(f"{low} {one if low == 1 else many}" if low == high else f"{low} to {high} {many}")
    return [names[number] for number in at], names


def _ranked(task: Task, by: str) -> bool:
    ranked = task.kind in ("retrieval", "reranking")
    if by == "relevant" and not ranked:
        raise ValueError(f"a task of kind {task.kind!r} has no relevant documents to count; take another labelling")
    if by == "overlap" and task.kind in ("classification", "clustering"):
        raise ValueError(f"a task of kind {task.kind!r} has no answer to share words with; take another labelling")
    return ranked


def _texts(task: Task) -> list[list[str]]:
    """The texts of each item: the search alone, or all of the row."""
    if task.kind in ("retrieval", "reranking"):
        return [[text] for text in task.data.queries.values()]
    columns = [c for c in ("text", "sentence1", "sentence2") if c in task.rows]
    found: list[list[str]] = task.rows[columns].to_numpy().tolist()
    return found


def _length(task: Task, bins: int) -> Labels:
    return in_bins([sum(len(text.split()) for text in row) for row in _texts(task)], bins, "word", "words")


def _overlap(task: Task, bins: int) -> Labels:
    shares = []
    if _ranked(task, "overlap"):
        data = task.data
        known: dict[str, set[str]] = {}
        for query, text in data.queries.items():
            asked = set(words(text))
            right = [d for d, grade in data.qrels[query].items() if grade > 0]
            for document in right:
                if document not in known:
                    known[document] = set(words(data.corpus[document]))
            shares.append(max(len(asked & known[d]) for d in right) / len(asked) if asked else 0.0)
    else:
        for one, two in task.rows[["sentence1", "sentence2"]].to_numpy():
            left, right_words = set(words(one)), set(words(two))
            both = len(left | right_words)
            shares.append(len(left & right_words) / both if both else 0.0)
    return in_bins([round(100 * share) for share in shares], bins, "% of the words shared", "% of the words shared")


def _relevant(task: Task, bins: int) -> Labels:
    _ranked(task, "relevant")
    counts = [sum(grade > 0 for grade in task.data.qrels[query].values()) for query in task.data.queries]
    return in_bins(counts, bins, "relevant document", "relevant documents")


def _language(task: Task, bins: int) -> Labels:
    codes = prepare.told([row[0] for row in _texts(task)])
    return codes, [code for code, _ in Counter(codes).most_common()]


def _group(task: Task, bins: int) -> Labels:
    of = [task.group_of(item) for item in task.items]
    noun = ITEMS[task.kind]
    sizes = Counter(of)
    named = {g: f"group {g} ({n} {noun})" for g, n in sizes.most_common(LARGEST) if n > 1}
    rest = f"the other {len(sizes) - len(named)} groups"
    return [named.get(group, rest) for group in of], [*named.values(), rest]


LABELLINGS: dict[str, Callable[[Task, int], Labels]] = {
    "length": _length, "overlap": _overlap, "relevant": _relevant, "language": _language, "group": _group,
}  # fmt: skip
