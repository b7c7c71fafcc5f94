"""`benchmark`: a model on registered tasks of MTEB and on tasks of one's own, with intervals, resumable, offline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from toolkit.evaluate.mteb import data as localdata
from toolkit.evaluate.mteb import items
from toolkit.evaluate.mteb.checks import checks
from toolkit.evaluate.mteb.model import Encoder, identify
from toolkit.evaluate.mteb.names import resolve
from toolkit.evaluate.mteb.tasks import require_mteb
from toolkit.prepare import Task
from toolkit.runs import check_writable
from toolkit.storage import write_json

COLUMNS = ["model", "task", "metric", "score", "low", "high", "n", "n_groups"]


@dataclass(frozen=True)
class Benchmarked:
    """What a model reached on tasks of MTEB.

    Attributes
    ----------
    model : str
        As mteb knows it, or ``local/<folder>``.
    table : DataFrame
        Columns ``model task metric score low high n n_groups``, scores from 0 to 1. A task with several splits or
        subsets has a row for each, ``Task/split/subset``, and one for their mean when all of them were scored.
    notes : list of str
        What a reader of the scores should know: training data that the model declares, languages it was not made for,
        newer versions of a task, results that were set aside.
    record : dict
        Identity of the weights, prompts, versions; for each task the digest of its data, where they were read, how
        they compare with mteb's copy in size; and the seconds that this call spent on vectors.
    folder : Path
        mteb's own files lie in ``results`` of it, for ``mteb.ResultCache(folder)``.
    """

    model: str
    table: pd.DataFrame
    notes: list[str]
    record: dict[str, Any] = field(repr=False)
    folder: Path

    def _repr_html_(self) -> str:
        table = self.table.to_html(index=False, float_format=lambda x: f"{x:.4f}")
        return table + "".join(f"<p>{note}</p>" for note in self.notes)


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
    """Score a model on tasks of MTEB, by mteb's own code.

    Data come from the folder that ``TOOLKIT_DATA`` names (`toolkit.evaluate.mteb.data.LAYOUTS`, and copies of
    repositories of the Hub as ``<owner>/<name>``), else from the Hub. Vectors come from `toolkit.vectors.encode` and
    its cache. What was scored before is not scored again, as long as weights, prompts, data and version of mteb are the
    same; an interrupted run goes on where it was. Results lie below a digest of the weights, so that two local models
    never share one.

    Parameters
    ----------
    model : SentenceTransformer
        From `toolkit.vectors.load`.
    names : str, Task, mteb task, or a list of them
        A task (``"STSBenchmark"``), a part of one as tables name it (``"Tatoeba/test/deu-eng"``), a whole benchmark
        (``"MTEB(eng, v2)"``), or a task of your own.
    out : path
        Folder for results.
    name : str, optional
        The model's name in mteb's register, such as ``"BAAI/bge-small-en-v1.5"``: from it come the prompts that its
        card demands, and what it was trained on. Without it the name on the Hub, or of the folder, is looked up.
    prompts : mapping of str to str, optional
        Other prompts, by mteb's names: ``query``, ``document``, a type of task, a task. ``{}`` is none.
    dtype : str
        As in `toolkit.vectors.encode`; published scores are float32 or near it.
    cache : bool
        Whether vectors are kept.
    progress : bool
        Whether to show a bar over the characters to encode, with the time left.

    Raises
    ------
    ValueError
        An unknown name (the nearest are named), a task of images, data that cannot be read, or a model whose weights
        cannot be identified.
    FileNotFoundError
        Data are missing, and the Hub cannot be reached; the message says which folder is expected.
    ModuleNotFoundError
        When mteb is not installed.
    """
    mteb = require_mteb()
    tasks = resolve(names)
    check_writable(out)
    folder = Path(out)
    identity, meta = identify(model, name=name, prompts=prompts, dtype=dtype)
    sources, notes = checks(tasks, identity, meta)
    encoder = Encoder(model, identity, meta, dtype=dtype, cache=cache)
    records: dict[str, Any] = {}
    total = sum(_characters(task) for task in tasks)
    with tqdm(total=total, unit="char", unit_scale=True, disable=not progress, delay=2, leave=False) as bar:
        encoder.done = bar.update
        for task, source in zip(tasks, sources, strict=True):
            bar.set_description(task.metadata.name)
            records[task.metadata.name] = _scored(task, source, encoder, folder, notes)
    table = pd.DataFrame([row for task in tasks for row in _rows(task, identity.name, records)], columns=COLUMNS)
    record = {
        "model": identity.name, "weights": identity.weights, "revision": identity.revision, "dtype": dtype,
        "prompts": dict(identity.prompts), "prompts_from": identity.prompts_from, "mteb": mteb.__version__,
        "max_seq_length": str(model.max_seq_length), "unit_length": encoder.unit,
        "encoding_seconds": encoder.seconds, "tasks": records,
    }  # fmt: skip
    return Benchmarked(identity.name, table, notes, record, folder)


def _parts(task: Any) -> list[tuple[str, str]]:
    return [(split, subset) for split in task.eval_splits for subset in task.hf_subsets]


def _characters(task: Any) -> int:
    """Characters that a task has to encode, by mteb's statistics or the data; 0 where nothing says it."""
    if hasattr(task, "toolkit_task"):
        task.load_data()
        return sum(localdata.size(task, *part)[1] for part in _parts(task))
    return sum((localdata.published_size(task, *part) or (0, 0))[1] for part in _parts(task))


def _scored(task: Any, source: Path | None, encoder: Encoder, folder: Path, notes: list[str]) -> dict[str, Any]:
    """Score what is not yet scored of a task; the record of it, which is kept beside mteb's file."""
    import mteb

    _load(task, source)
    digests = {f"{split}/{subset}": localdata.digest(task, split, subset) for split, subset in _parts(task)}
    store = mteb.ResultCache(folder)
    result = store.get_task_result_path(task.metadata.name, encoder.mteb_model_meta)
    path = folder / "intervals" / result.relative_to(folder / "results")
    path.parent.mkdir(parents=True, exist_ok=True)
    record = _earlier(path, result, digests, notes)
    record |= {"mteb": mteb.__version__, "source": str(source.name) if source else _where(task)}

    def on_scored(split: str, subset: str, scores: Mapping[str, Any]) -> None:
        record["rows"][f"{split}/{subset}"] = _row(task, split, subset, scores, digests)
        write_json(path, record)

    if set(digests) - set(record["rows"]):
        _run(task, encoder, store, on_scored)
        record["prompts"] = sorted(encoder.used.get(task.metadata.name, set()))
        record["cut"] = sorted({*record.get("cut", []), *encoder.cut.get(task.metadata.name, set())})
        write_json(path, record)
    task.unload_data()
    notes += [f"{task.metadata.name}: {said}" for said in record.get("cut", [])]
    return record


def _where(task: Any) -> str:
    return "own data" if hasattr(task, "toolkit_task") else f"Hub, {task.metadata.dataset['path']}"


def _load(task: Any, source: Path | None) -> None:
    from datasets.exceptions import DatasetNotFoundError

    if source is not None:
        localdata.load_local(task, source)
        return
    try:
        task.load_data()
        if hasattr(task, "convert_v1_dataset_format_to_v2"):
            task.convert_v1_dataset_format_to_v2(None)
    except DatasetNotFoundError as error:  # gated ones too
        raise ValueError(
            f"the data of {task.metadata.name} are not to be had ({error}): where they are gated, accept their terms "
            f"on the Hub and run 'hf auth login', or leave the task out"
        ) from error


def _run(task: Any, encoder: Encoder, store: Any, on_scored: Any) -> None:
    """Let mteb score a task, quietly."""
    import datasets
    import mteb

    bars = datasets.is_progress_bar_enabled()
    datasets.disable_progress_bars()
    task.on_scored = on_scored
    try:
        # Predictions are kept by `Watched`, nothing is written to the folder that is named here.
        mteb.evaluate(
            encoder, task, cache=store, overwrite_strategy="only-missing", co2_tracker=False, show_progress_bar=False,
            prediction_folder=store.cache_path,
        )  # fmt: skip
    finally:
        task.on_scored = None
        if bars:
            datasets.enable_progress_bars()


def _row(task: Any, split: str, subset: str, scores: Mapping[str, Any], digests: Mapping[str, str]) -> dict[str, Any]:
    found = items.interval(task, split, subset)
    task.kept.pop((split, subset), None)
    main = float(scores[task.metadata.main_score])
    known = found.pop("score")
    if known == known and abs(known - main) > 1e-4:  # no interval around another score
        found |= {"low": float("nan"), "high": float("nan")}
    rows, characters = localdata.size(task, split, subset)
    return {
        "score": main, **found, "data": digests[f"{split}/{subset}"], "rows": rows, "characters": characters,
        "published_size": localdata.published_size(task, split, subset),
    }  # fmt: skip


def _earlier(path: Path, result: Path, digests: Mapping[str, str], notes: list[str]) -> dict[str, Any]:
    """The record of an earlier run as far as it holds; what does not hold is set aside, and a note says why."""
    import mteb

    empty: dict[str, Any] = {"rows": {}}
    try:
        record, theirs = (json.loads(file.read_bytes()) if file.is_file() else None for file in (path, result))
        rows = {} if record is None else record["rows"]
        version = None if theirs is None else theirs["mteb_version"]
        stale = [part for part, digest in digests.items() if part in rows and rows[part]["data"] != digest]
    except (ValueError, KeyError, TypeError):
        why = "only half of it is there"
    else:
        if record is None and theirs is None:
            return empty
        if record is None or theirs is None:
            why = "the record that belongs to it is missing" if record is None else "mteb's file to it is missing"
        elif version != mteb.__version__ or record["mteb"] != mteb.__version__:
            why = f"it was made by mteb {version}, this is {mteb.__version__}"
        elif stale:
            why = f"it was made on other data ({stale[0]})"
        else:
            return dict(record)
    for file in (path, result):
        if file.is_file():
            aside = next(other for n in range(1, 10_000) if not (other := file.with_suffix(f".json.aside{n}")).exists())
            file.rename(aside)
    notes.append(f"The earlier result {result.name} was set aside, since {why}; the task was scored again.")
    return empty


def _rows(task: Any, model: str, records: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table: each part, and the mean of all when all were scored."""
    name, parts = task.metadata.name, _parts(task)
    found = [records[name]["rows"][f"{split}/{subset}"] for split, subset in parts]
    complete = {(split, subset) for split in task.metadata.eval_splits for subset in task.metadata.hf_subsets}
    shared = {"model": model, "metric": task.metadata.main_score}
    numbers = ["score", "low", "high", "n", "n_groups"]
    if len(complete) == 1 and len(parts) == 1:
        return [{**shared, "task": name, **{key: _number(found[0][key]) for key in numbers}}]
    rows = [
        {**shared, "task": f"{name}/{split}/{subset}", **{key: _number(row[key]) for key in numbers}}
        for (split, subset), row in zip(parts, found, strict=True)
    ]
    if complete <= set(parts):
        sums = {key: sum(row[key] for row in found) for key in ("n", "n_groups")}
        mean = sum(row["score"] for row in found) / len(found)
        rows.append({**shared, "task": name, "score": mean, "low": float("nan"), "high": float("nan"), **sums})
    return rows


def _number(value: Any) -> Any:
    return float("nan") if value is None else value
