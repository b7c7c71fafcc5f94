"""The user's own tasks as real tasks of mteb, and what is kept of any task item by item while mteb runs it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from toolkit.prepare import Task
from toolkit.prepare.tasks import check_task

# Kind of Task -> mteb's class, its type of task, the metric that counts there, and settings of the class.
_AS: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "retrieval": ("AbsTaskRetrieval", "Retrieval", "ndcg_at_10", {}),
    "reranking": ("AbsTaskRetrieval", "Reranking", "map_at_1000", {}),
    "similarity": ("AbsTaskSTS", "STS", "cosine_spearman", {}),
    "pairs": ("AbsTaskPairClassification", "PairClassification", "max_ap", {}),
    "classification": ("AbsTaskClassification", "Classification", "accuracy", {}),
    # As mteb sets it, 4 % of the documents would be embedded: meant for large public sets, wrong for small ones.
    "clustering": ("AbsTaskClustering", "Clustering", "v_measure", {"max_fraction_of_documents_to_embed": None}),
    "bitext": ("AbsTaskBitextMining", "BitextMining", "f1", {}),
}


def require_mteb() -> Any:
    """Import mteb, or say how to get it."""
    try:
        import mteb
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "MTEB comes with a package that is missing: python3 run.py install mteb (or pip install mteb)", name="mteb"
        ) from error
    return mteb


def nearest(name: str, known: Iterable[str]) -> str:
    """The names most like `name`, for an error message.

    Examples
    --------
    >>> nearest("STSBenchmrk", ["STSBenchmark", "SciFact"])
    "did you mean 'STSBenchmark'?"
    """
    if not isinstance(name, str):
        raise ValueError(f"expected a name as text, got {name!r:.60}")
    by_lower = {other.lower(): other for other in known}
    found = [by_lower[match] for match in difflib.get_close_matches(name.lower(), by_lower, n=3)]
    return f"did you mean {' or '.join(map(repr, found))}?" if found else "nothing is called like it"


class Watched:
    """Mixed into a task of mteb: keeps what was found item by item, and is quicker where mteb is slow.

    mteb gives scores of whole sets. The per-query values of a search, the predicted labels, ... pass through the two
    methods that are overridden here; from them `toolkit.evaluate.mteb.items` makes intervals.
    """

    kept: dict[tuple[str, str], Any]
    on_scored: Callable[[str, str, Mapping[str, Any]], None] | None = None

    def _evaluate_subset(self, model: Any, data_split: Any, *, hf_split: str, hf_subset: str, **kwargs: Any) -> Any:
        """Score one subset, then tell whoever listens, before mteb writes its file."""
        call: Any = super()._evaluate_subset  # type: ignore[misc]
        scores = call(model, data_split, hf_split=hf_split, hf_subset=hf_subset, **kwargs)
        if self.on_scored is not None:
            self.on_scored(hf_split, hf_subset, scores)
        return scores

    def task_specific_scores(
        self,
        scores: Mapping[str, Mapping[str, float]],
        qrels: Mapping[str, Mapping[str, int]],
        results: Mapping[str, Mapping[str, float]],
        hf_split: str,
        hf_subset: str,
    ) -> dict[str, float]:
        """Of a search: keep the values of each query (mteb's hook for further metrics)."""
        self._keep(hf_split, hf_subset, {"per_query": scores, "qrels": qrels})
        further: dict[str, float] = super().task_specific_scores(scores, qrels, results, hf_split, hf_subset)  # type: ignore[misc]
        return further

    def _save_task_predictions(
        self, predictions: Any, model: Any, prediction_folder: Any, hf_split: str, hf_subset: str
    ) -> None:
        """Keep predictions in memory: as JSON those of a search are many times the size of the corpus."""
        if not hasattr(self, "k_values"):
            self._keep(hf_split, hf_subset, {"predictions": predictions})

    def _kept_of(self, split: str, subset: str) -> dict[str, Any]:
        self.__dict__.setdefault("kept", {})
        found: dict[str, Any] = self.kept.setdefault((split, subset), {})
        return found

    def _keep(self, split: str, subset: str, found: Mapping[str, Any]) -> None:
        self._kept_of(split, subset).update(found)

    def _undersample_data(
        self, dataset: Any, experiment_num: int, idxs: list[int] | None = None
    ) -> tuple[Any, list[int], list[int]]:
        """Choose the training examples of an experiment: mteb's own code, on a list of labels.

        mteb looks labels up one by one in the file: for 10,000 examples that takes longer than all the rest.
        """
        column: str = self.label_column_name  # type: ignore[attr-defined]
        _, idxs, chosen = super()._undersample_data(_Labels(dataset[column][:], column), experiment_num, idxs)  # type: ignore[misc]
        return dataset.select(chosen), idxs, chosen

    def _run_experiment(self, train_split: Any, eval_split: Any, *rest: Any, **kwargs: Any) -> Any:
        """Train and test one classifier: mteb's own code, on lists of labels for the same reason."""
        column: str = self.label_column_name  # type: ignore[attr-defined]
        sides = [_Labels(split[column][:], column) for split in (train_split, eval_split)]
        return super()._run_experiment(*sides, *rest, **kwargs)  # type: ignore[misc]

    def check_if_dataset_is_superseded(self) -> None:
        """Where mteb warns; `toolkit.evaluate.benchmark` says it in its notes."""


class _Labels:
    """What mteb asks a data set for where it needs labels alone: length, labels, a selection that is not used."""

    def __init__(self, labels: Sequence[Any], column: str) -> None:
        self.labels, self.column = labels, column

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, column: str) -> Sequence[Any]:
        if column != self.column:
            raise KeyError(column)
        return self.labels

    def select(self, rows: Sequence[int]) -> None:
        return None


class _Own(Watched):
    """Mixed into the task that `as_mteb` makes."""

    toolkit_task: Task

    def load_data(self, num_proc: int | None = None, **kwargs: Any) -> None:
        """Bring the task's data into mteb's shape; nothing is downloaded."""
        if not self.__dict__.get("data_loaded"):
            self.dataset = _dataset(self.toolkit_task)
            self.data_loaded = True

    def calculate_descriptive_statistics(
        self, overwrite_results: bool = False, num_proc: int | None = None
    ) -> dict[str, Any]:
        """As in mteb, but returned only: mteb would write them into its own folder in site-packages."""
        self.load_data()
        splits = self.metadata.eval_splits  # type: ignore[attr-defined]
        return {split: self._calculate_descriptive_statistics_from_split(split) for split in splits}  # type: ignore[attr-defined]


def as_mteb(task: Task, *, languages: Sequence[str] = ("eng-Latn",)) -> Any:
    """Turn a task into one of mteb's, on which any of its models can be run.

    Its data set's revision is the digest of the data, so that results of changed data are told apart. A clustering
    uses all its documents. mteb knows no `Task.echoes`: where documents hold the very words of a query, its scores are
    those without leaving them out.

    Parameters
    ----------
    task : Task
        Of any kind.
    languages : sequence of str
        As mteb writes them: ISO 639-3, a hyphen, and the script.

    Returns
    -------
    mteb.AbsTask
        For ``mteb.evaluate(model, task)``, or for `benchmark`.

    Raises
    ------
    ValueError
        When mteb has a task of that name, or a language is not written so.
    ModuleNotFoundError
        When mteb is not installed.
    """
    check_task(task)
    mteb = require_mteb()
    import mteb.abstasks as abstasks

    name = re.sub(r"[^\w.-]+", "_", task.name).strip("._") or "task"
    if len(name) > 100:
        raise ValueError(f"expected a name of at most 100 characters, got {len(name)}: it names a file of results")
    if name in registered():
        raise ValueError(
            f"mteb has a task called {name!r}, and results would be taken for its: give yours another name, "
            f"dataclasses.replace(task, name=...)"
        )
    strange = [language for language in languages if not re.fullmatch("[a-z]{3}-[A-Z][a-z]{3}", language)]
    if strange or isinstance(languages, str) or not languages:
        raise ValueError(f"expected languages as mteb writes them, such as ['eng-Latn', 'deu-Latn'], got {languages!r}")
    base, kind, main, settings = _AS[task.kind]
    metadata = mteb.TaskMetadata(
        name=name, description=f"A task of kind {task.kind} on data of the user's own.", type=kind, category="t2t",
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


def registered() -> dict[str, Any]:
    """Name -> class of all tasks that mteb has."""
    require_mteb()
    from mteb.get_tasks import _TASKS_REGISTRY

    return dict(_TASKS_REGISTRY)


def watched(task: Any) -> Any:
    """The same task of mteb, which also keeps what is found item by item; splits and subsets as in `task`."""
    if isinstance(task, Watched):
        return task
    base = type(task)
    made = type(base.__name__, (Watched, base), {"__module__": __name__})(seed=task.seed)
    made.hf_subsets, made._eval_splits = list(task.hf_subsets), task._eval_splits
    # Of a task of the user's own making, whose data lie in the object.
    made.__dict__ |= {key: task.__dict__[key] for key in ("dataset", "data_loaded", "metadata") if key in task.__dict__}
    return made


def _dataset(task: Task) -> Any:
    """Data of a task in the shape in which mteb holds them."""
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
        sides = {"train": train, "test": rows}
        return DatasetDict(
            {
                side: Dataset.from_dict(
                    {"text": list(table["text"]), "label": [numbers[str(label)] for label in table["label"]]}
                )
                for side, table in sides.items()
            }
        )
    columns: dict[str, list[Any]] = {str(column): list(rows[column]) for column in rows}
    if task.kind == "pairs":
        columns["labels"] = [int(label) for label in columns.pop("label")]
    if task.kind == "clustering":
        columns = {"sentences": columns["text"], "labels": [str(label) for label in columns["label"]]}
    return DatasetDict(test=Dataset.from_dict(columns))
