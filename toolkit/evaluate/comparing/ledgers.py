"""Count how often each test set was scored: the best of many results is biased upwards."""

from __future__ import annotations

import json
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from toolkit import stats, storage
from toolkit.evaluate.comparing.comparison import Comparison
from toolkit.evaluate.comparing.differences import main_metric
from toolkit.evaluate.scoring.scores import Scores

FILE = "ledger.jsonl"
FIELDS = ["time", "digest", "task", "system", "metric", "value", "results", "noise", "paired"]
COLUMNS = ["digest", "task", "metric", "times", "systems", "best", "score", "noise", "paired", "first", "last"]


def record(result: Scores | Comparison, *, metric: str | None = None, folder: str | Path | None = None) -> str:
    """Record that a test set was scored, once for each system, and report how often it has been scored so far.

    One line per system goes to ``ledger.jsonl``: time, digest and name of the task, system, value, a digest of its
    results, and the error that systems do not share; no text of the task. Several processes may write at once.

    Parameters
    ----------
    result : Scores or Comparison
        Results on a test set; a validation set may be scored as often as you like.
    metric : str, optional
        The metric used to choose the best; by default nDCG@10, or the first.
    folder : path, optional
        Where the ledger is stored; by default `toolkit.storage.cache_folder`.

    Returns
    -------
    str
        See `sentence`.

    Warns
    -----
    UserWarning
        When the ledger cannot be written: the score is then not counted.
    """
    systems = result.scores if isinstance(result, Comparison) else {result.name: result}
    one = next(iter(systems.values()))
    metric = metric or main_metric(one.metrics)
    noise, paired = _noise(result, metric)
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S")
    lines = [
        {"time": stamp, "digest": scores.task.digest, "task": scores.task.name, "system": name, "metric": metric,
         "value": scores.value(metric), "results": _fingerprint(scores), "noise": noise, "paired": paired}
        for name, scores in systems.items()
    ]  # fmt: skip
    path = _path(folder)
    try:
        _append(path, lines)
    except (OSError, Timeout) as error:
        warnings.warn(f"cannot write {path} ({error}): this score is not counted", stacklevel=2)
    return sentence(one.task.digest, metric, folder=folder)


def ledger(*, folder: str | Path | None = None) -> pd.DataFrame:
    """List how often each test set was scored, one row per test set and metric, most often scored first.

    Parameters
    ----------
    folder : path, optional
        As in `record`.

    Returns
    -------
    DataFrame
        ``digest task metric times systems best score noise paired first last``: ``times`` counts scores, ``systems``
        distinct results (repeats are not new attempts), ``best`` and ``score`` are the best of them,
        ``noise`` is the error that systems do not share (see `toolkit.stats.selection_bias`), an upper bound unless
        ``paired``, that is, from a comparison.
    """
    lines = pd.DataFrame(_read(_path(folder)), columns=FIELDS)
    rows = []
    for (digest, metric), part in lines.groupby(["digest", "metric"], sort=False):
        best, noise = part.iloc[int(part["value"].argmax())], part["noise"].dropna()
        paired = noise[part["paired"].astype(bool)]
        rows.append((
            digest, part["task"].iloc[-1], metric, len(part), part["results"].nunique(), best["system"], best["value"],
            float((paired if len(paired) else noise).median()), len(paired) > 0, *part["time"].iloc[[0, -1]],
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS).sort_values("times", ascending=False, kind="stable", ignore_index=True)


def sentence(digest: str, metric: str, *, folder: str | Path | None = None) -> str:
    """Report how often the test set with this digest was scored, and the expected selection bias of the best result."""
    table = ledger(folder=folder)
    found = table[(table["digest"] == digest) & (table["metric"] == metric)]
    if found.empty:
        return "There is no record of how often this test set was scored."
    row = found.iloc[0]
    text = f"This test set has now been scored {'once' if row['times'] == 1 else str(row['times']) + ' times'}"
    if row["systems"] == 1:
        return text + (", always with the same result." if row["times"] > 1 else ".")
    text += f", with {row['systems']} different results. The best of {row['systems']} is biased upwards by chance"
    if np.isnan(row["noise"]):
        return text + "."
    bias = stats.selection_bias(row["noise"], int(row["systems"]))
    size = f"{'about' if row['paired'] else 'up to'} {bias:.3f} {metric}"
    return f"{text}: if all were equally good, it would be {size} above their mean by chance."


def _noise(result: Scores | Comparison, metric: str) -> tuple[float | None, bool]:
    """Return the error of a score that systems do not share, and whether it comes from paired differences."""
    if paired := isinstance(result, Comparison):
        mdd = result.pairwise.loc[result.pairwise["metric"] == metric, "mdd"]
        noise = float(mdd.median()) / stats.minimum_detectable_difference(1.0) / np.sqrt(2)
    else:
        row = result.table[result.table["metric"] == metric].iloc[0]
        noise = (row["high"] - row["low"]) / (2 * 1.959964)
    return (float(noise) if np.isfinite(noise) else None), paired


def _fingerprint(scores: Scores) -> str:
    """Return a digest that is equal for the same results on the same items, whatever the name of the system."""
    values = [f"{metric}={scores.value(metric):.9f}" for metric in sorted(scores.metrics)]
    columns = [metric for metric in sorted(scores.metrics) if metric in scores.per_query]
    items = (f"{value:.9f}" for metric in columns for value in scores.per_query[metric])
    return storage.digest_texts(values, items)[:16]


def _path(folder: str | Path | None) -> Path:
    return (storage.cache_folder() if folder is None else Path(folder)) / FILE


def _append(path: Path, lines: list[dict[str, Any]]) -> None:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    with FileLock(path.with_suffix(".lock"), timeout=10), path.open("ab+") as file:
        if file.tell():
            file.seek(-1, 2)
            text = text if file.read(1) == b"\n" else "\n" + text  # an interrupted write stays on its own line
        file.write(text.encode())


def _read(path: Path) -> list[dict[str, Any]]:
    """Read all complete lines; none if there is no ledger yet."""
    found = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []:
        with suppress(ValueError, KeyError, TypeError):  # truncated, or written by something else
            entry = json.loads(line)
            found.append({key: entry[key] for key in FIELDS})
    return found
