"""Look up published MTEB scores, which ship with the toolkit, and compare your own with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from toolkit.evaluate.mteb.tasks import nearest

if TYPE_CHECKING:
    from toolkit.evaluate.mteb.benchmarking import Benchmarked

TABLE = Path(__file__).with_name("published_mteb_scores.csv.gz")
SOURCE = "embeddings-benchmark/results at commit f4cc6c8 (2026-08-20)"
"""The public repository of MTEB's results from which ``benchmarks/published_scores.py`` extracted `TABLE`."""

COLUMNS = ["model", "task", "metric", "score", "revision", "parts"]
TOLERANCE = 0.001  # 0.1 points on the scale of the leaderboard: smaller differences count as equal
_LENGTH_SENSITIVE = {"accuracy", "v_measure", "max_ap"}  # metrics that depend on vector lengths


def published(models: str | Sequence[str] | None = None, tasks: str | Sequence[str] | None = None) -> pd.DataFrame:
    """Look up published scores: those in MTEB's results repository as of `SOURCE`.

    Parameters
    ----------
    models : str or sequence of str, optional
        Names on the Hub; by default all.
    tasks : str or sequence of str, optional
        Names of tasks; the parts of a task come with it. By default all.

    Returns
    -------
    DataFrame
        Columns ``model task metric score revision parts``. ``score`` is between 0 and 1, while the leaderboard shows a
        hundred times that. ``task`` is ``Task/split/subset`` for a part; else a mean of ``parts`` splits and
        subsets. ``revision`` is the commit of the model, or ``external``: reported by the model's authors on its card.

    Raises
    ------
    ValueError
        For a model or task without a score in the table; similar names are suggested.

    Examples
    --------
    >>> table = published("sentence-transformers/all-MiniLM-L6-v2", "STSBenchmark")
    >>> table[["task", "metric", "score"]].values.tolist()
    [['STSBenchmark', 'cosine_spearman', 0.8203]]
    """
    models = [models] if isinstance(models, str) else models
    tasks = [tasks] if isinstance(tasks, str) else tasks
    table = pd.read_csv(TABLE)
    table["score"] = (table["score"] / 100).round(6)
    base = table["task"].str.split("/").str[0]
    for wanted, known in ((models, set(table["model"])), (tasks, {*base, *table["task"]})):
        unknown = [name for name in wanted or [] if name not in known]
        if unknown:
            raise ValueError(f"no published score for {unknown[0]!r}: {nearest(unknown[0], sorted(known))}")
    if models is not None:
        table = table[table["model"].isin(models)]
    if tasks is not None:
        table = table[base.loc[table.index].isin(tasks) | table["task"].isin(tasks)]
    return table[COLUMNS].reset_index(drop=True)


def compare_with_published(results: Benchmarked) -> pd.DataFrame:
    """Compare your own scores with those published for the model.

    Parameters
    ----------
    results : Benchmarked
        From `toolkit.evaluate.benchmark`.

    Returns
    -------
    DataFrame
        Columns ``model task metric score low high published difference differs``; scores from 0 to 1, and
        ``difference`` is your score minus the published one. ``differs`` lists known differences, whether or not
        they matter: data size, source of the score, settings. It is empty if there are none, unless
        the scores differ anyway. Whether the weights are the same is unknown: the published revision
        is a commit on the Hub.

    Examples
    --------
    A row reads: score 0.761, published 0.726, difference 0.035, differs "the vectors are not of unit length, ...".
    """
    known: dict[Any, Any] = {(row.model, row.task): row for row in published().itertuples(index=False)}
    rows: list[dict[Any, Any]] = results.table.drop(columns=["n", "n_groups"]).to_dict("records")
    for row in rows:
        other = known.get((row["model"], row["task"]))
        row["published"] = other.score if other is not None else float("nan")
        row["difference"] = row["score"] - row["published"]
        row["differs"] = _differs(row, other, results.record)
    columns = ["model", "task", "metric", "score", "low", "high", "published", "difference", "differs"]
    return pd.DataFrame(rows, columns=columns)


def _differs(row: dict[Any, Any], other: Any, record: dict[str, Any]) -> str:
    if other is None:
        return f"no published score for {row['model']} on {row['task']}"
    found = []
    name, _, part = row["task"].partition("/")
    for key, data in record["tasks"][name]["rows"].items():
        theirs, ours = data["published_size"], [data["rows"], data["characters"]]
        if theirs is not None and list(theirs) != ours and part in ("", key):
            copy = f"{theirs[0]:,} and {theirs[1]:,} in mteb's copy"
            found.append(f"the data: {ours[0]:,} rows and {ours[1]:,} characters here, {copy}")
            break
    if other.metric != row["metric"]:
        found.append(f"the metric: {row['metric']} here, {other.metric} published")
    if other.revision == "external":
        found.append("the published score is from the model's card, not from an MTEB run")
    if record["dtype"] != "float32":
        found.append(f"the number format: {record['dtype']} here")
    if record["prompts_from"] == "given":
        found.append(f"custom prompts were used: {record['prompts'] or 'none'}")
    if not record["unit_length"] and row["metric"] in _LENGTH_SENSITIVE:
        found.append("the model as loaded gives vectors that are not of unit length, which affects this metric")
    if not found and abs(row["difference"]) > TOLERANCE:
        return "no known cause"
    return "; ".join(found)
