"""Run mteb tasks and your own tasks with mteb's own code, with intervals, resumable and offline."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from toolkit import report, stats
from toolkit.evaluate.mteb import data as localdata
from toolkit.evaluate.mteb.model import Encoder, Identity, declared_training, identify
from toolkit.evaluate.mteb.tasks import require_mteb, resolve
from toolkit.evaluate.scoring import set_metrics
from toolkit.evaluate.scoring.scores import COLUMNS, RESAMPLES
from toolkit.prepare import Task
from toolkit.prepare.splitting import query_groups
from toolkit.runs import check_writable
from toolkit.storage import write_json

_PREDICTION_TYPES = (
    "STS",
    "PairClassification",
    "Classification",
    "BitextMining",
)  # types whose predictions give intervals


@dataclass(frozen=True)
class Benchmarked:
    """The scores of a model on tasks of MTEB.

    Attributes
    ----------
    model : str
        The name in mteb's registry, or ``local/<folder>``.
    table : DataFrame
        Columns ``model task metric score low high n n_groups``, scores from 0 to 1. A task with several splits or
        subsets has a row for each, ``Task/split/subset``, and one for their mean if all of them were scored.
    notes : list of str
        Caveats on the scores: training data that the model declares, languages it was not trained for,
        newer versions of a task, results that were set aside.
    record : dict
        Identity of the weights, prompts, versions; for each task the digest of its data, where they were read, and how
        their size compares with mteb's copy; and the seconds that this call spent on vectors.
    folder : Path
        mteb's own files are in its subfolder ``results``, for ``mteb.ResultCache(folder)``.
    """

    model: str
    table: pd.DataFrame
    notes: list[str]
    record: dict[str, Any] = field(repr=False)
    folder: Path

    def _repr_html_(self) -> str:
        return report.cell(self.table, self.notes, digits=4)


def benchmark(
    model: Any,
    names: str | Task | Sequence[Any],
    *,
    out: str | Path = "runs/mteb",
    name: str | None = None,
    prompts: Mapping[str, str] | None = None,
    dtype: str = "float32",
    cache: bool = True,
    progress: bool = True,
) -> Benchmarked:
    """Score a model on MTEB tasks, using mteb's own code.

    Data come from the folder that ``TOOLKIT_DATA`` names (see `toolkit.evaluate.mteb.data.find_source`), else from the
    Hub. Vectors come from `toolkit.vectors.encode` and its cache. Scores are stored and reused as long as weights,
    prompts, data and the version of mteb stay the same; an interrupted run continues where it stopped. Results are
    stored under a digest of the weights, so that two local models never share one.

    Parameters
    ----------
    model : SentenceTransformer
        From `toolkit.vectors.load`.
    names : str, Task, mteb task, or a list of them
        A task (``"STSBenchmark"``), a part of one as in result tables (``"Tatoeba/test/deu-eng"``), a whole benchmark
        (``"MTEB(eng, v2)"``), or a task of your own.
    out : path
        Folder for results.
    name : str, optional
        The model's name in mteb's registry, such as ``"BAAI/bge-small-en-v1.5"``, which determines the prompts that its
        card specifies and its declared training data. By default its name on the Hub, or that of its folder, is looked
        up.
    prompts : mapping of str to str, optional
        Other prompts, by mteb's names: ``query``, ``document``, a type of task, a task. ``{}`` means no prompts.
    dtype : str
        As in `toolkit.vectors.encode`; published scores are float32 or close to it.
    cache : bool
        Whether vectors are cached.
    progress : bool
        Whether to show a progress bar, in characters to encode, with the time left.

    Raises
    ------
    ValueError
        For an unknown name (with suggestions), a task with images, data that cannot be read, or a model whose
        weights cannot be identified.
    FileNotFoundError
        If data are missing and the Hub cannot be reached; the message says which folder is expected.
    ModuleNotFoundError
        If mteb is not installed.
    """
    mteb = require_mteb()
    tasks = resolve(names)
    check_writable(out)
    folder = Path(out)
    identity, meta = identify(model, name=name, prompts=prompts, dtype=dtype)
    for task in tasks:
        if other := [modality for modality in task.metadata.modalities if modality != "text"]:
            what = f"the task {task.metadata.name} is of {' and '.join(other)}"
            raise ValueError(f"{what}, and {identity.name} reads only text: leave it out, or run it with mteb.evaluate")
    sources = [localdata.find_source(task) for task in tasks]
    notes = _notes(tasks, identity, meta)
    encoder = Encoder(model, identity, meta, dtype=dtype, cache=cache)
    records: dict[str, Any] = {}
    with tqdm(total=sum(map(_characters, tasks)), unit="char", unit_scale=True, disable=not progress, delay=2,
              leave=False) as bar:  # fmt: skip
        encoder.done = bar.update
        for task, source in zip(tasks, sources, strict=True):
            bar.set_description(task.metadata.name)
            records[task.metadata.name] = _score_task(task, source, encoder, folder, notes)
    table = pd.DataFrame([row for task in tasks for row in _rows(task, identity.name, records)], columns=COLUMNS)
    record = {
        "model": identity.name, "weights": identity.weights, "revision": identity.revision, "dtype": dtype,
        "prompts": dict(identity.prompts), "prompts_from": identity.prompts_from, "mteb": mteb.__version__,
        "max_seq_length": str(model.max_seq_length), "unit_length": encoder.unit,
        "encoding_seconds": encoder.seconds, "tasks": records,
    }  # fmt: skip
    return Benchmarked(identity.name, table, notes, record, folder)


def _notes(tasks: list[Any], identity: Identity, meta: Any) -> list[str]:
    notes = []
    if identity.guessed:
        notes.append(
            f"From its folder name, the model was identified as {identity.name}, with the prompts and training data of "
            f"mteb's registry. Pass name= if that is wrong."
        )
    declared = {language.split("-")[0] for language in meta.languages or []}
    for task in tasks:
        if newer := task.metadata.superseded_by:
            notes.append(f"mteb has a newer version of {task.metadata.name}: {newer}.")
        languages = task.metadata.hf_subsets_to_langscripts
        strange = [s for s in task.hf_subsets if any(one.split("-")[0] not in declared for one in languages.get(s, []))]
        if declared and strange:
            named = f"{', '.join(strange[:5])}{', ...' if len(strange) > 5 else ''}"
            notes.append(
                f"{identity.name} declares the languages {', '.join(sorted(declared)[:5])}: {len(strange)} of "
                f"{len(task.hf_subsets)} subsets of {task.metadata.name} have others ({named})."
            )
    registered = [task.metadata.name for task in tasks if not hasattr(task, "toolkit_task")]
    return notes + [note for note in declared_training(identity.name, meta, registered)["note"] if note]


def _parts(task: Any) -> dict[str, tuple[str, str]]:
    """Name the splits and subsets to score: ``split/subset``."""
    return {f"{split}/{subset}": (split, subset) for split in task.eval_splits for subset in task.hf_subsets}


def _characters(task: Any) -> int:
    """Count the characters to encode, from mteb's statistics or the data; return 0 if there are neither."""
    if hasattr(task, "toolkit_task"):
        task.load_data()
        return sum(localdata.size(task, *part)[1] for part in _parts(task).values())
    return sum((localdata.published_size(task, *part) or (0, 0))[1] for part in _parts(task).values())


def _score_task(task: Any, source: Path | None, encoder: Encoder, folder: Path, notes: list[str]) -> dict[str, Any]:
    """Score the parts of a task without a valid score; return its record, which is stored next to mteb's file."""
    import datasets
    import mteb

    localdata.load(task, source)
    metadata, meta = task.metadata, encoder.mteb_model_meta
    digests = {name: localdata.digest(task, *part) for name, part in _parts(task).items()}
    result = mteb.ResultCache(folder).get_task_result_path(metadata.name, meta)
    path = folder / "intervals" / result.relative_to(folder / "results")
    path.parent.mkdir(parents=True, exist_ok=True)
    record = _read_earlier_record(path, result, digests, notes)
    where = "own data" if hasattr(task, "toolkit_task") else f"Hub, {metadata.dataset['path']}"
    record |= {"mteb": mteb.__version__, "source": source.name if source else where}
    queries: dict[tuple[str, str], tuple[Any, Any]] = {}

    def keep_queries(scores: Any, qrels: Any, results: Any, hf_split: str, hf_subset: str) -> Any:
        """Store the per-query values of a search, using mteb's hook for further metrics."""
        queries[hf_split, hf_subset] = scores, qrels
        return type(task).task_specific_scores(task, scores, qrels, results, hf_split, hf_subset)

    class Store(mteb.ResultCache):  # type: ignore[misc, name-defined, unused-ignore]
        """mteb's result cache, which also writes the intervals of each part, so that no work is lost."""

        def save_to_cache(self, task_result: Any, *args: Any, **kwargs: Any) -> None:
            """Write the intervals of new parts, then mteb's own file."""
            file = Path(predictions, task.prediction_file_name)
            found = json.loads(file.read_bytes()) if file.is_file() else {}
            file.unlink(missing_ok=True)
            for split, rows in task_result.scores.items():
                for scores in rows:
                    subset = scores["hf_subset"]
                    if (part := f"{split}/{subset}") not in record["rows"]:
                        kept = queries.pop((split, subset), found.get(subset, {}).get(split))
                        row = _row(task, split, subset, scores, kept)
                        record["rows"][part] = row | {"data": digests[part]}
            write_json(path, record)
            super().save_to_cache(task_result, *args, **kwargs)

    if set(digests) - set(record["rows"]):
        task.task_specific_scores = keep_queries
        task.check_if_dataset_is_superseded = lambda: None  # reported in a note instead
        bars = datasets.is_progress_bar_enabled()
        datasets.disable_progress_bars()
        try:
            with tempfile.TemporaryDirectory() as predictions:
                # Predictions of a search would take many times the size of its corpus.
                mteb.evaluate(
                    encoder, task, cache=Store(folder), overwrite_strategy="only-missing", co2_tracker=False,
                    show_progress_bar=False,
                    prediction_folder=predictions if metadata.type in _PREDICTION_TYPES else None,
                )  # fmt: skip
        finally:
            if bars:
                datasets.enable_progress_bars()
        record["prompts"] = sorted(encoder.used.get(metadata.name, set()))
        record["cut"] = sorted({*record.get("cut", []), *encoder.cut.get(metadata.name, set())})
        write_json(path, record)
    task.unload_data()
    notes += [f"{metadata.name}: {cut}" for cut in record.get("cut", [])]
    return record


def _read_earlier_record(path: Path, result: Path, digests: Mapping[str, str], notes: list[str]) -> dict[str, Any]:
    """Read the record of an earlier run; rename an invalid one and mteb's file, and note why."""
    import mteb

    there = [file for file in (path, result) if file.is_file()]
    if not there:
        return {"rows": {}}
    try:
        record, theirs = (json.loads(file.read_bytes()) for file in (path, result))
        stale = [part for part, row in record["rows"].items() if digests.get(part, row["data"]) != row["data"]]
        scored = {f"{split}/{row['hf_subset']}" for split, rows in theirs["scores"].items() for row in rows}
        if (theirs["mteb_version"], record["mteb"]) != (mteb.__version__, mteb.__version__):
            why = f"it was made with mteb {theirs['mteb_version']}, but this is {mteb.__version__}"
        elif stale:
            why = f"it was made on different data ({stale[0]})"
        elif unrecorded := scored - set(record["rows"]):
            why = f"the record of {min(unrecorded)} is missing"
        else:
            return dict(record)
    except FileNotFoundError:
        why = f"{'its record' if there == [result] else 'the file of mteb'} is missing"
    except (ValueError, KeyError, TypeError):
        why = "it is incomplete"
    for file in there:
        aside = next(other for n in range(1, 10_000) if not (other := file.with_suffix(f".json.aside{n}")).exists())
        file.rename(aside)
    notes.append(f"The earlier result {result.name} was set aside, since {why}; the task was scored again.")
    return {"rows": {}}


def _row(task: Any, split: str, subset: str, scores: Mapping[str, Any], kept: Any) -> dict[str, Any]:
    """Make the record of one part: its score, its interval, and the size of its data."""
    main = float(scores[task.metadata.main_score])
    found = interval(task, split, subset, kept)
    # If the means differ, the interval belongs to another score.
    low, high = (np.nan, np.nan) if abs(found.mean - main) > 1e-4 else (found.low, found.high)
    rows, characters = localdata.size(task, split, subset)
    return {
        "score": main, "low": low, "high": high, "n": found.n, "n_groups": found.n_groups, "rows": rows,
        "characters": characters, "published_size": localdata.published_size(task, split, subset),
    }  # fmt: skip


def _rows(task: Any, model: str, records: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Make the rows of the table: each part, and the mean of all if all were scored."""
    metadata, parts = task.metadata, _parts(task)
    found = [records[metadata.name]["rows"][part] for part in parts]
    complete = {f"{split}/{subset}" for split in metadata.eval_splits for subset in metadata.hf_subsets}
    shared = {"model": model, "metric": metadata.main_score}
    rows = [
        {**shared, "task": f"{metadata.name}/{part}"}
        | {key: float("nan") if row[key] is None else row[key] for key in ("score", "low", "high", "n", "n_groups")}
        for part, row in zip(parts, found, strict=True)
    ]
    if len(complete) == len(parts) == 1:
        rows[0]["task"] = metadata.name
    elif complete <= set(parts):
        sums = {key: sum(row[key] for row in found) for key in ("n", "n_groups")}
        mean = sum(row["score"] for row in found) / len(found)
        rows.append({**shared, "task": metadata.name, "score": mean, "low": np.nan, "high": np.nan, **sums})
    return rows


def interval(task: Any, split: str, subset: str, kept: Any) -> stats.Interval:
    """Compute the interval of a task's main score from per-item results.

    Searches resample queries, keeping those that share a relevant document together; tables resample rows; a
    user's own task resamples its groups. The score of a classification is the mean over rows of the share of
    experiments that predict the row correctly; that of bitext is the mean of `bitext_f1`. Both means are exactly mteb's
    score. A correlation or an average precision is recomputed on every resample.

    Parameters
    ----------
    task : AbsTask
        With its data.
    split, subset : str
    kept : tuple of two mappings, list, mapping, or None
        For a search, mteb's per-query values and the judgements; otherwise mteb's predictions.

    Returns
    -------
    Interval
        All but ``n n_groups`` are nan if mteb gives no per-item results (a clustering, or another main
        metric).
    """
    main = task.metadata.main_score
    own: Task | None = getattr(task, "toolkit_task", None)
    values: NDArray[np.float64] | None = None
    metrics: list[set_metrics.Metric] = []
    if isinstance(kept, tuple):  # a search
        by_query, qrels = kept
        group_of = own.group_of if own else query_groups(qrels).__getitem__
        groups = [group_of(query) for query in by_query]
        values = _query_values(by_query, main)
    else:
        data = task.dataset[split] if subset not in task.dataset else task.dataset[subset][split]
        rows = data["queries"] if isinstance(data, dict) and "queries" in data else data
        groups = [own.group_of(item) for item in own.items] if own else list(range(len(rows)))
        main = main if kept is not None else ""
        if main == "cosine_spearman":
            metrics = [set_metrics.spearman(rows["score"][:], kept["cosine_scores"])]
        elif main == "max_ap":
            metrics = _average_precisions(kept, np.asarray(rows[task.label_column_name][:], dtype=int))
        elif main == "accuracy" and hasattr(task, "samples_per_label"):
            values = np.mean(np.asarray(kept) == np.asarray(rows[task.label_column_name][:]), axis=0)
        elif main == "f1" and "sentence1-sentence2" in kept:
            values = bitext_f1([row["corpus_id"] for row in kept["sentence1-sentence2"]])
    if values is not None:
        return stats.intervals(values, groups)[0]
    score, low, high = np.nan, np.nan, np.nan
    if metrics:  # of several, the largest, which mteb reports
        ones = np.ones((1, len(groups)))
        best = max(metrics, key=lambda metric: float(metric(ones)[0]))
        score = float(best(ones)[0])
        low, high = stats.percentile_interval(set_metrics.resampled(best, groups, resamples=RESAMPLES, seed=0))
    return stats.Interval(score, low, high, np.nan, len(groups), len(set(groups)))


def _query_values(by_query: Mapping[str, Mapping[str, float]], main: str) -> NDArray[np.float64] | None:
    """Look up the main metric of each query by its trec_eval name; return None if it is missing."""
    measures = {"ndcg_at_": "ndcg_cut_", "map_at_": "map_cut_", "recall_at_": "recall_", "precision_at_": "P_"}
    name, _, k = main.rpartition("_")
    measure = f"{measures.get(f'{name}_')}{k}"
    if not by_query or measure not in next(iter(by_query.values())):
        return None
    return np.array([row[measure] for row in by_query.values()])


def _average_precisions(kept: Mapping[str, Any], gold: NDArray[Any]) -> list[set_metrics.Metric]:
    """Build the average precision for each similarity function that mteb tried."""
    signs = {"similarity_scores": 1, "cosine_scores": 1, "dot_scores": 1, "manhattan_distances": -1,
             "euclidean_distances": -1}  # fmt: skip
    scores = [sign * np.asarray(kept[key]) for key, sign in signs.items() if kept.get(key) is not None]
    return [set_metrics.Curve(one, gold).average_precision for one in scores]


def bitext_f1(matched: Sequence[int]) -> NDArray[np.float64]:
    """Split the F1 of a bitext, where each sentence is its own class, into row values whose mean is the F1.

    The value is 2 / (1 + n) for a row that is matched to itself, where n rows match it in all, else 0.
    """
    times = Counter(matched)
    return np.array([2 / (1 + times[row]) if other == row else 0.0 for row, other in enumerate(matched)])
