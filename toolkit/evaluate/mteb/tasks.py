"""Find mteb tasks by name, or build them from your own tasks."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from typing import Any, cast

from toolkit.prepare import Task
from toolkit.prepare.tasks import check_task

# Kind of Task -> mteb's class, its type of task, the main metric there, and settings of the class.
_MTEB_CLASSES: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "retrieval": ("AbsTaskRetrieval", "Retrieval", "ndcg_at_10", {}),
    "reranking": ("AbsTaskRetrieval", "Reranking", "map_at_1000", {}),
    "similarity": ("AbsTaskSTS", "STS", "cosine_spearman", {}),
    "pairs": ("AbsTaskPairClassification", "PairClassification", "max_ap", {}),
    "classification": ("AbsTaskClassification", "Classification", "accuracy", {}),
    # By default mteb embeds 4 % of the documents, which suits large public sets but not small ones.
    "clustering": ("AbsTaskClustering", "Clustering", "v_measure", {"max_fraction_of_documents_to_embed": None}),
    "bitext": ("AbsTaskBitextMining", "BitextMining", "f1", {}),
}


def require_mteb() -> Any:
    """Import mteb.

    Raises
    ------
    ModuleNotFoundError
        If it is missing; the message gives the command to install it.
    """
    try:
        import mteb
    except ModuleNotFoundError as error:
        way = "python3 run.py install mteb (or pip install mteb)"
        raise ModuleNotFoundError(f"MTEB needs a package that is missing: {way}", name="mteb") from error
    return mteb


def nearest(name: str, known: Iterable[str]) -> str:
    """Suggest the most similar names, for an error message.

    Examples
    --------
    >>> nearest("STSBenchmrk", ["STSBenchmark", "SciFact"])
    "did you mean 'STSBenchmark'?"
    """
    if not isinstance(name, str):
        raise ValueError(f"expected a name as text, got {name!r:.60}")
    by_lower = {other.lower(): other for other in known}
    found = [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, n=3)]
    return f"did you mean {' or '.join(map(repr, found))}?" if found else "there is no similar name"


def registered() -> dict[str, Any]:
    """Return all tasks of mteb: name -> class."""
    require_mteb()
    from mteb.get_tasks import _TASKS_REGISTRY  # mteb.get_tasks() makes an object of each task, which takes seconds

    return dict(_TASKS_REGISTRY)


def resolve(names: str | Task | Sequence[Any]) -> list[Any]:
    """Find mteb tasks by name, each once, with the requested splits and subsets.

    Parameters
    ----------
    names : str, Task, mteb task, or a list of them
        As in `toolkit.evaluate.benchmark`.

    Raises
    ------
    ValueError
        For an unknown task or benchmark, a split or subset that a task does not have, or no names.
    """
    mteb = require_mteb()
    wanted = list(names) if isinstance(names, (list, tuple)) else [names] if names is not None else []
    if not wanted:
        raise ValueError("expected names of tasks or benchmarks, got none: mteb.get_tasks() lists tasks")
    known, benchmarks = registered(), {}
    if any(one.partition("/")[0] not in known for one in wanted if isinstance(one, str)):  # takes a second or two
        benchmarks = {one.name: one.tasks for one in mteb.get_benchmarks()}
    found: dict[str, Any] = {}
    parts: dict[str, list[tuple[str, str]]] = {}
    for one in wanted:
        if isinstance(one, str) and one not in benchmarks and "/" in one and one.partition("/")[0] in known:
            name, _, part = one.partition("/")
            parts.setdefault(name, []).extend(_parts(known[name].metadata, part))
            continue
        for task in _named(one, known, benchmarks):
            name = task.metadata.name
            if name in found and hasattr(task, "toolkit_task"):
                raise ValueError(f"two tasks are named {name!r}: rename one with dataclasses.replace(task, name=...)")
            found.setdefault(name, task)
    return list(found.values()) + [_part_of(known[name](), pairs) for name, pairs in parts.items() if name not in found]


def _named(one: Any, known: dict[str, Any], benchmarks: dict[str, Any]) -> list[Any]:
    """Return the tasks with a name; expand a task that is a mean of others (such as CQADupstack)."""
    if not isinstance(one, str):
        tasks = [one if hasattr(one, "metadata") else as_mteb(cast(Task, one))]
    elif one in benchmarks:
        tasks = benchmarks[one]
    elif one in known:
        tasks = [known[one]()]
    else:
        raise ValueError(f"mteb has no task or benchmark named {one!r}: {nearest(one, [*known, *benchmarks])}")
    found = []
    for task in tasks:
        inner = getattr(task.metadata, "tasks", None)
        found += [simple for part in inner for simple in _named(part, known, benchmarks)] if inner else [_copy(task)]
    return found


def _copy(task: Any) -> Any:
    """Copy a task, with a fresh random state, so that the caller's object is never changed."""
    made = type(task)(seed=task.seed)
    kept = ("hf_subsets", "_eval_splits", "dataset", "data_loaded", "metadata", "toolkit_task")
    made.__dict__ |= {key: task.__dict__[key] for key in kept if key in task.__dict__}
    return made


def _parts(metadata: Any, part: str) -> list[tuple[str, str]]:
    """Return the splits and subsets named by ``split`` or ``split/subset``."""
    split, _, subset = part.partition("/")
    if split not in metadata.eval_splits or (subset and subset not in metadata.hf_subsets):
        subsets = ", ".join([*metadata.hf_subsets[:12], *["..."] * (len(metadata.hf_subsets) > 12)])
        has = f"the splits {', '.join(metadata.eval_splits)} and the subsets {subsets}"
        raise ValueError(f"{metadata.name} has {has}; expected {metadata.name}/<split>/<subset>, got {part!r}")
    return [(split, one) for one in ([subset] if subset else metadata.hf_subsets)]


def _part_of(task: Any, pairs: list[tuple[str, str]]) -> Any:
    """Restrict a task to some of its splits and subsets; in mteb all splits have the same subsets."""
    metadata = task.metadata
    splits = [split for split in metadata.eval_splits if split in {split for split, _ in pairs}]
    subsets = [subset for subset in metadata.hf_subsets if subset in {subset for _, subset in pairs}]
    if len(splits) * len(subsets) != len(set(pairs)):
        got = ", ".join(map("/".join, pairs))
        raise ValueError(f"expected the same subsets of {metadata.name} for each split, got {got}: use two calls")
    task.hf_subsets = subsets
    return task.filter_eval_splits(splits)


class _Own:
    """Mixin for tasks made by `as_mteb`."""

    toolkit_task: Task

    def load_data(self, num_proc: int | None = None, **kwargs: Any) -> None:
        """Convert the data to mteb's format; nothing is downloaded."""
        if not self.__dict__.get("data_loaded"):
            self.dataset = _dataset(self.toolkit_task)
            self.data_loaded = True

    def calculate_descriptive_statistics(
        self, overwrite_results: bool = False, num_proc: int | None = None
    ) -> dict[str, Any]:
        """Compute mteb's statistics and return them; mteb would write them into its own folder in site-packages."""
        self.load_data()
        splits = self.metadata.eval_splits  # type: ignore[attr-defined]
        return {split: self._calculate_descriptive_statistics_from_split(split) for split in splits}  # type: ignore[attr-defined]


def as_mteb(task: Task, *, languages: Sequence[str] = ("eng-Latn",)) -> Any:
    """Convert a task to an mteb task, on which any mteb model can be scored.

    The revision of its data set is the digest of the data, so that results on changed data differ. A clustering
    uses all its documents. mteb lacks `Task.self_matches`: documents whose text equals the query are not left out.

    Parameters
    ----------
    task : Task
        Of any kind.
    languages : sequence of str
        In mteb's notation: ISO 639-3, a hyphen, and the script.

    Returns
    -------
    mteb.AbsTask
        For ``mteb.evaluate(model, task)``, or for `benchmark`.

    Raises
    ------
    ValueError
        If mteb has a task of that name, or a language is in another notation.
    ModuleNotFoundError
        If mteb is not installed.
    """
    check_task(task)
    mteb = require_mteb()
    import mteb.abstasks as abstasks

    name = re.sub(r"[^\w.-]+", "_", task.name).strip("._") or "task"
    if len(name) > 100:
        raise ValueError(f"expected a name of at most 100 characters, got {len(name)}: it names a results file")
    if name in registered():
        raise ValueError(f"mteb has a task called {name!r}: rename yours with dataclasses.replace(task, name=...)")
    strange = [language for language in languages if not re.fullmatch("[a-z]{3}-[A-Z][a-z]{3}", language)]
    if strange or isinstance(languages, str) or not languages:
        raise ValueError(f"expected languages in mteb's notation, such as ['eng-Latn', 'deu-Latn'], got {languages!r}")
    base, kind, main, settings = _MTEB_CLASSES[task.kind]
    metadata = mteb.TaskMetadata(
        name=name, description=f"A task of kind {task.kind} on the user's own data.", type=kind, category="t2t",
        main_score=main, eval_langs=list(languages), eval_splits=["test"], modalities=["text"],
        dataset={"path": "local/" + name, "revision": task.digest},
    )  # fmt: skip
    if task.kind == "similarity":
        scores = task.rows["score"]
        settings = {"min_score": float(scores.min()), "max_score": float(max(scores.max(), scores.min() + 1e-9))}
    cls = type(re.sub(r"\W", "_", name), (_Own, getattr(abstasks, base)), {"metadata": metadata, **settings})
    made = cls()
    made.toolkit_task = task
    return made


def _dataset(task: Task) -> Any:
    """Convert the data of a task to mteb's format."""
    from datasets import Dataset, DatasetDict

    if task.kind in ("retrieval", "reranking"):
        from mteb.abstasks.retrieval_dataset_loaders import RetrievalSplitData

        data = task.data
        split = RetrievalSplitData(
            corpus=Dataset.from_list([{"id": d, "title": "", "text": text} for d, text in data.corpus.items()]),
            queries=Dataset.from_list([{"id": q, "text": text} for q, text in data.queries.items()]),
            relevant_docs={q: {d: int(g) for d, g in data.qrels[q].items()} for q in data.queries},
            top_ranked={q: list(dict.fromkeys(data.candidates[q])) for q in data.queries} if data.candidates else None,
        )
        return {"default": {"test": split}}
    rows = task.rows
    if task.kind == "classification":
        train = task.train.select_columns(["text", "label"]).to_pandas()  # type: ignore[union-attr]
        numbers = {label: n for n, label in enumerate(sorted({*map(str, train["label"]), *map(str, rows["label"])}))}
        parts = {}
        for part, table in (("train", train), ("test", rows)):
            labels = [numbers[str(label)] for label in table["label"]]
            parts[part] = Dataset.from_dict({"text": list(table["text"]), "label": labels})
        return DatasetDict(parts)
    columns: dict[str, list[Any]] = {str(column): list(rows[column]) for column in rows}
    if task.kind == "pairs":
        columns["labels"] = [int(label) for label in columns.pop("label")]
    if task.kind == "clustering":
        columns = {"sentences": columns["text"], "labels": [str(label) for label in columns["label"]]}
    return DatasetDict(test=Dataset.from_dict(columns))
