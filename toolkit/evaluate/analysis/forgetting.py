"""Measure forgetting: what tuning for one purpose costs on general tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pandas as pd

from toolkit import prepare, report, stats
from toolkit.evaluate.comparing.comparison import Comparison, compare
from toolkit.evaluate.comparing.differences import ALPHA
from toolkit.evaluate.scoring.inference import vectors_of
from toolkit.evaluate.scoring.scores import score
from toolkit.prepare import Task

GENERAL: dict[str, tuple[str, str]] = {"stsb": ("similarity", "spearman"), "banking77": ("classification", "accuracy")}
"""Short names of the general tasks, each with its kind and main metric."""

COLUMNS = ["task", "metric", "base", "tuned", "difference", "low", "high", "p", "p_holm", "mdd", "n", "n_groups"]
Side = Literal["query", "document"]


@dataclass(frozen=True)
class Forgetting:
    """General tasks before and after tuning.

    Attributes
    ----------
    table : DataFrame
        One row per task: ``task metric base tuned difference low high p p_holm mdd n n_groups``, with the paired
        difference tuned minus base, its 95 % interval, p adjusted by Holm over the tasks, and the minimum detectable
        difference.
    comparisons : mapping of task to Comparison
    skipped : mapping of task to str
        Why a task could not be loaded.
    """

    table: pd.DataFrame
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def sentences(self) -> list[str]:
        """The result on each task, and which tasks were skipped."""
        sentences = []
        for row in self.table.to_dict("records"):
            size = report.interval(row["difference"] + 0, row["low"], row["high"], sign="+")
            change = f"{row['base']:.3f} → {row['tuned']:.3f} {row['metric']}, {size} (base → tuned)"
            if row["p_holm"] < ALPHA:
                result = f"tuning made it {'worse' if row['difference'] < 0 else 'better'}, {change}."
            else:
                result = f"no loss was detected, {change}; a change of {row['mdd']:.3f} would have been detected."
            sentences.append(f"General task {row['task']}: {result}")
        if self.skipped:
            sentences.append(
                f"General tasks skipped, since their data are not on this machine: {', '.join(self.skipped)}. What "
                f"tuning costs there is unknown; put the data into the folder that TOOLKIT_DATA names "
                f"(prepare.sources.known() lists the files)."
            )
        return sentences

    def _repr_html_(self) -> str:
        return report.cell(self.table, self.sentences)


def measure_forgetting(
    base: Any,
    tuned: Any,
    tasks: Sequence[str | Task] | None = None,
    *,
    side: Side | None = None,
    dtype: str = "auto",
    download: bool = False,
) -> Forgetting:
    """Compare the base and the tuned model on tasks that they were not tuned for.

    Parameters
    ----------
    base, tuned : model
        As accepted by `score`.
    tasks : sequence of tasks or short names, optional
        By default sentence similarity (STS Benchmark) and banking intents (Banking77).
    side : {"query", "document"}, optional
        The side on which texts are encoded. A small layer for queries alone leaves everything else unchanged; then
        ``"query"`` shows its effect on texts.
    dtype : str
        As in `toolkit.vectors.encode`.
    download : bool
        Whether data sets given by name may be downloaded from the Hub. Otherwise only those are used that are in the
        folder that ``TOOLKIT_DATA`` names or were downloaded before; the others are listed in ``skipped``.

    Raises
    ------
    ValueError
        If the models cannot be scored on a task, or two tasks have the same name.
    FileNotFoundError
        For a name that is neither a file nor a known data set.
    """
    comparisons: dict[str, Comparison] = {}
    skipped: dict[str, str] = {}
    rows = []
    for wanted in GENERAL if tasks is None else tasks:
        if isinstance(wanted, str):
            kind, metric = GENERAL.get(wanted, (None, None))
            try:
                task = _load(wanted, kind, download=download)
            except (OSError, ValueError) as error:  # a ConnectionError is an OSError
                named = "/" in wanted or wanted.partition(":")[0] in set(prepare.sources.known()["name"])
                if tasks is not None and (isinstance(error, ValueError) or not named):
                    raise
                skipped[wanted] = str(error)
                continue
        else:
            task, metric = wanted, None
        if task.name in comparisons:
            raise ValueError(f"expected tasks with different names, got two named {task.name!r}")
        scores = {
            name: score(_on_side(model, task, side, dtype), task, metrics=metric and [metric], name=name, dtype=dtype)
            for name, model in (("base", base), ("tuned", tuned))
        }
        comparisons[task.name] = compare(scores, baseline="base")
        row = comparisons[task.name].table.iloc[0]
        rows.append({**row, "task": task.name, "tuned": row["score"], "base": row["score"] - row["difference"]})
    table = pd.DataFrame(rows)
    if rows:
        table["p_holm"] = stats.holm(list(table["p"]))
    return Forgetting(table.reindex(columns=COLUMNS), comparisons, skipped)


def _load(name: str, kind: str | None, *, download: bool) -> Task:
    """Load a task by name, without a network unless downloads are allowed."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or not download  # the Hub's libraries read it at every request
    try:
        return prepare.task(name, kind=kind)
    finally:
        constants.HF_HUB_OFFLINE = before


def _on_side(model: Any, task: Task, side: Side | None, dtype: str) -> Any:
    """Return the model, or for tables its vectors of the texts encoded on one side."""
    if side is None or task.kind in ("retrieval", "reranking") or isinstance(model, Mapping):
        return model
    parts = {column: list(task.rows[column]) for column in ("text", "sentence1", "sentence2") if column in task.rows}
    if task.train is not None:
        parts["train"] = list(task.train["text"][:])
    return {part: vectors_of(model, texts, part, side=side, dtype=dtype) for part, texts in parts.items()}
