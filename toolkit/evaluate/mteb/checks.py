"""What is looked at before a benchmark starts: data, modalities, languages, and what the model was trained on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from toolkit.evaluate.mteb import data as localdata
from toolkit.evaluate.mteb.model import Identity
from toolkit.evaluate.mteb.tasks import nearest, require_mteb


def checks(tasks: list[Any], identity: Identity, meta: Any) -> tuple[list[Path | None], list[str]]:
    """Where the data of each task lie (None: the Hub, or with the task), and notes for the reader of the scores.

    Raises
    ------
    ValueError
        For a task of images, sounds or films.
    FileNotFoundError
        When data are missing and the Hub cannot be reached.
    """
    for task in tasks:
        other = [modality for modality in task.metadata.modalities if modality != "text"]
        if other:
            raise ValueError(
                f"the task {task.metadata.name} is of {' and '.join(other)}, and {identity.name} reads text: leave it "
                f"out, or run it with mteb.evaluate and a model for {other[0]}"
            )
    sources = [_source(task) for task in tasks]
    notes = []
    if identity.guessed:
        notes.append(
            f"The model was taken for {identity.name}, since its folder is called so: its prompts and its training "
            f"data are those of mteb's register. Pass name= to say otherwise."
        )
    for task in tasks:
        notes += [note for note in (_superseded(task), _languages(task, identity, meta)) if note]
    return sources, notes + _seen(tasks, identity, meta)


def _source(task: Any) -> Path | None:
    if hasattr(task, "toolkit_task") or task.data_loaded:
        return None
    folder = localdata.local_folder(task)
    if folder is None and not _cached(task):
        _require_hub(task)
    return folder


def _cached(task: Any) -> bool:
    """Whether the library `datasets` has the task's data from an earlier download."""
    from datasets import config

    folder = str(task.metadata.dataset["path"]).replace("/", "___")
    return Path(config.HF_DATASETS_CACHE, folder).is_dir()


def _require_hub(task: Any) -> None:
    from toolkit.prepare.sources.hub import _require

    try:
        _require(task.metadata.dataset["path"], None)
    except (ConnectionError, FileNotFoundError) as error:
        raise FileNotFoundError(
            f"{localdata.expected(task)}, or the set {task.metadata.dataset['path']} on the Hub, which cannot be had "
            f"now"
        ) from error


def _superseded(task: Any) -> str:
    newer = task.metadata.superseded_by
    return f"mteb has a newer version of {task.metadata.name}: {newer}." if newer else ""


def _languages(task: Any, identity: Identity, meta: Any) -> str:
    """A note where a task has languages for which the model was not made."""
    declared = {language.split("-")[0] for language in meta.languages or []}
    by_subset = task.metadata.hf_subsets_to_langscripts
    strange = [
        subset
        for subset in task.hf_subsets
        if any(language.split("-")[0] not in declared for language in by_subset.get(subset, []))
    ]
    if not declared or not strange:
        return ""
    names = f"{', '.join(strange[:5])}{', ...' if len(strange) > 5 else ''}"
    which = f"{len(strange)} of {len(task.hf_subsets)} subsets of {task.metadata.name}"
    return f"{identity.name} declares the languages {', '.join(sorted(declared)[:5])}: {which} have others ({names})."


def _seen(tasks: list[Any], identity: Identity, meta: Any) -> list[str]:
    table = _trained_on(identity.name, meta, [task.metadata.name for task in tasks if _registered(task)])
    return [note for note in table["note"] if note]


def _registered(task: Any) -> bool:
    return not hasattr(task, "toolkit_task")


def trained_on(model: str, names: str | list[str]) -> pd.DataFrame:
    """Whether a model declares that it was trained on tasks, or on others with the same data.

    Parameters
    ----------
    model : str
        A name in mteb's register of models.
    names : str or list of str
        Tasks or benchmarks, as in `benchmark`.

    Returns
    -------
    DataFrame
        Columns ``model task seen declared note``. ``seen`` is True, False, or None where the model declares nothing;
        ``declared`` are the sets that it names itself. Sets that mteb derives from them (another language, a smaller
        sample) count, and those of the model from which it was made.

    Raises
    ------
    ValueError
        For a name that mteb does not know; the nearest are named.
    """
    from toolkit.evaluate.mteb.names import resolve

    mteb = require_mteb()
    register = {meta.name: meta for meta in mteb.get_model_metas()}
    if model not in register:
        raise ValueError(
            f"mteb's register has no model {model!r}: {nearest(model, [name for name in register if name])}"
        )
    return _trained_on(model, register[model], [task.metadata.name for task in resolve(names)])


def _trained_on(model: str, meta: Any, tasks: list[str]) -> pd.DataFrame:
    declared = sorted(meta.training_datasets or ())
    reached = meta.get_training_datasets() if meta.training_datasets is not None else None
    short = ", ".join(declared[:6]) + (", ..." if len(declared) > 6 else "")
    rows = []
    for task in tasks:
        seen = None if reached is None else task in reached
        note = ""
        if seen and task in declared:
            note = f"{model} declares {task} as training data: this task is not unseen."
        elif seen:
            note = f"{model} declares training data ({short}) to which mteb counts {task}: this task is not unseen."
        rows.append({"model": model, "task": task, "seen": seen, "declared": ", ".join(declared), "note": note})
    return pd.DataFrame(rows, columns=["model", "task", "seen", "declared", "note"])
