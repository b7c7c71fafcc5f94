"""What tuning on one thing costs on others: general tasks before and after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

import pandas as pd

from toolkit import prepare, stats
from toolkit.evaluate.comparing.comparison import Comparison, compare
from toolkit.evaluate.comparing.differences import ALPHA
from toolkit.evaluate.scoring.inference import vectors_of
from toolkit.evaluate.scoring.scores import score
from toolkit.prepare import Task

GENERAL: dict[str, tuple[str, str]] = {"stsb": ("similarity", "spearman"), "banking77": ("classification", "accuracy")}
"""Short names of the general tasks, each with its kind and the metric that counts."""

COLUMNS = ["task", "metric", "base", "tuned", "difference", "low", "high", "p", "p_holm", "mdd", "n", "n_groups"]
Side = Literal["query", "document"]


@dataclass(frozen=True)
class Forgetting:
    """General tasks before and after tuning.

    Attributes
    ----------
    table : DataFrame
        One row a task: ``task metric base tuned difference low high p p_holm mdd n n_groups``, the paired
        difference tuned minus base with its 95 % interval, p adjusted by Holm over the tasks.
    comparisons : mapping of task to Comparison
    skipped : mapping of task to str
        Why a task could not be reached.
    """

    table: pd.DataFrame
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def sentences(self) -> list[str]:
        """The verdict on each task, and what was skipped."""
        said = [_verdict(row) for _, row in self.table.iterrows()]
        if self.skipped:
            said.append(
                f"General tasks skipped, since their data are not on this machine: {', '.join(self.skipped)}. So what "
                f"tuning costs elsewhere is not known; the folder that TOOLKIT_DATA names may hold them "
                f"(prepare.known() says how)."
            )
        return said

    def _repr_html_(self) -> str:
        table = self.table.to_html(index=False, float_format=lambda x: f"{x:.3f}") if len(self.table) else ""
        return table + "".join(f"<p>{escape(sentence)}</p>" for sentence in self.sentences)


def forgetting(
    base: Any,
    tuned: Any,
    tasks: Sequence[str | Task] | None = None,
    *,
    side: Side | None = None,
    dtype: str = "auto",
    download: bool = False,
) -> Forgetting:
    """Score the base and the tuned model on tasks that tuning was not about.

    Parameters
    ----------
    base, tuned : model
        As `score` takes them.
    tasks : sequence of tasks or short names, optional
        Without it the similarity of sentences (STS Benchmark) and the intents of bank customers (Banking77).
    side : {"query", "document"}, optional
        With which side texts are encoded. A small layer on top of the searches alone leaves everything else as it was:
        then ``"query"`` shows what it does to texts.
    dtype : str
        As in `toolkit.vectors.encode`.
    download : bool
        Whether sets that are named may be fetched from the Hub. Without it only those are taken that are in the folder
        that ``TOOLKIT_DATA`` names or were downloaded before; the others are named in ``skipped``.

    Raises
    ------
    ValueError
        When the models cannot do a task, or two tasks have one name.
    FileNotFoundError
        When a name that was given is that of no file and no known set.
    """
    comparisons: dict[str, Comparison] = {}
    skipped: dict[str, str] = {}
    rows = []
    for wanted in GENERAL if tasks is None else tasks:
        try:
            task, metric = _task(wanted, download=download)
        except (OSError, ValueError) as error:  # a ConnectionError is an OSError
            if tasks is not None and (isinstance(error, ValueError) or not _named(wanted)):
                raise
            skipped[str(wanted)] = str(error)
            continue
        if task.name in comparisons:
            raise ValueError(f"expected tasks of different names, got two called {task.name!r}")
        systems = {"base": base, "tuned": tuned}
        scores = {
            name: score(_seen(model, task, side, dtype), task, metrics=metric and [metric], name=name, dtype=dtype)
            for name, model in systems.items()
        }
        comparisons[task.name] = compare(scores, baseline="base")
        row = comparisons[task.name].table.iloc[0]
        rows.append({**row, "task": task.name, "tuned": row["score"], "base": row["score"] - row["difference"]})
    table = pd.DataFrame(rows)
    if rows:
        table["p_holm"] = stats.holm(list(table["p"]))
    return Forgetting(table.reindex(columns=COLUMNS), comparisons, skipped)


def _task(wanted: str | Task, *, download: bool) -> tuple[Task, str | None]:
    if not isinstance(wanted, str):
        return wanted, None
    kind, metric = GENERAL.get(wanted, (None, None))
    with _network(allowed=download):
        return prepare.task(wanted, kind=kind), metric


def _named(wanted: str | Task) -> bool:
    """Whether this is the name of a set that exists, and not a slip of the pen."""
    return isinstance(wanted, str) and ("/" in wanted or wanted.partition(":")[0] in set(prepare.known()["name"]))


@contextmanager
def _network(*, allowed: bool) -> Iterator[None]:
    """Without a network, where none was asked for: the Hub's libraries read this constant at every request."""
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    constants.HF_HUB_OFFLINE = before or not allowed
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = before


def _seen(model: Any, task: Task, side: Side | None, dtype: str) -> Any:
    """The model, or its vectors of the texts from one side."""
    if side is None or task.kind in ("retrieval", "reranking") or isinstance(model, Mapping):
        return model
    parts = {column: list(task.rows[column]) for column in ("text", "sentence1", "sentence2") if column in task.rows}
    if task.train is not None:
        parts["train"] = list(task.train["text"][:])
    return {part: vectors_of(model, texts, part, side=side, dtype=dtype) for part, texts in parts.items()}


def _verdict(row: pd.Series) -> str:
    change = f"{row['base']:.3f} → {row['tuned']:.3f} {row['metric']}, {row['difference'] + 0:+.3f} "
    change += f"[{row['low']:+.3f}, {row['high']:+.3f}]"
    if row["p_holm"] < ALPHA:
        stands = "tuning made it worse" if row["difference"] < 0 else "tuning made it better"
        return f"General task {row['task']}: {stands}, {change} (base → tuned)."
    return (
        f"General task {row['task']}: no loss shown, {change} (base → tuned); a change of {row['mdd']:.3f} would "
        f"have been seen."
    )
