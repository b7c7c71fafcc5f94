"""How often each test set was scored: the best of many results flatters itself."""

from __future__ import annotations

import json
import time
import warnings
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
COLUMNS = ["digest", "task", "metric", "times", "systems", "best", "score", "noise", "paired", "first", "last"]


def record(result: Scores | Comparison, *, metric: str | None = None, folder: str | Path | None = None) -> str:
    """Write down that a test set was scored, once for each system, and say how often that has been by now.

    A line a system is added to ``ledger.jsonl``: time, digest and name of the task, system, value, a digest of its
    results, the noise that systems do not share; no text of the task. Two processes may write at once.

    Parameters
    ----------
    result : Scores or Comparison
        Of a test part: the validation part is there to be scored often.
    metric : str, optional
        By which the best would be chosen; without it nDCG@10, or the first.
    folder : path, optional
        Where the ledger is kept; without it `toolkit.storage.cache_folder`.

    Returns
    -------
    str
        See `sentence`.

    Warns
    -----
    UserWarning
        Where the ledger cannot be written to: the score is worth more than its count.
    """
    systems = result.scores if isinstance(result, Comparison) else {result.system: result}
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
        warnings.warn(f"{path} could not be written to ({error}): this score is not counted", stacklevel=2)
    return sentence(one.task.digest, metric, folder=folder)


def ledger(*, folder: str | Path | None = None) -> pd.DataFrame:
    """What was scored how often, one row a test set and metric, the most often scored first.

    Parameters
    ----------
    folder : path, optional
        As in `record`.

    Returns
    -------
    DataFrame
        ``digest task metric times systems best score noise paired first last``: ``times`` counts scores, ``systems``
        those with results of their own (the same again is no new try), ``best`` and ``score`` are the best of them,
        ``noise`` is the error that systems do not share (see `toolkit.stats.selection_bias`), an upper bound where
        it is not ``paired``, that is, not from a comparison.
    """
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for line in _read(_path(folder)):
        found.setdefault((line["digest"], line["metric"]), []).append(line)
    rows = []
    for (digest, metric), lines in found.items():
        best = max(lines, key=lambda line: line["value"])
        paired = [line["noise"] for line in lines if line["paired"] and line["noise"] is not None]
        noise = paired or [line["noise"] for line in lines if line["noise"] is not None]
        rows.append((
            digest, lines[-1]["task"], metric, len(lines), len({line["results"] for line in lines}), best["system"],
            best["value"], float(np.median(noise)) if noise else np.nan, bool(paired), lines[0]["time"],
            lines[-1]["time"],
        ))  # fmt: skip
    return pd.DataFrame(rows, columns=COLUMNS).sort_values("times", ascending=False, kind="stable", ignore_index=True)


def sentence(digest: str, metric: str, *, folder: str | Path | None = None) -> str:
    """How often the test set of this digest was scored, and by how much the best of so many is expected to flatter."""
    table = ledger(folder=folder)
    found = table[(table["digest"] == digest) & (table["metric"] == metric)]
    if found.empty:
        return "How often this test set was scored is not known."
    row = found.iloc[0]
    if row["systems"] == 1:
        return "This test set has now been scored once." if row["times"] == 1 else (
            f"This test set has now been scored {row['times']} times, always with the same result."
        )  # fmt: skip
    text = f"This test set has now been scored {row['times']} times, with {row['systems']} different results; the best "
    text += f"of {row['systems']} flatters itself"
    if np.isnan(row["noise"]):
        return text + "."
    bound = "about" if row["paired"] else "up to"
    size = stats.selection_bias(row["noise"], int(row["systems"]))
    return text + f": were all equally good, it would stand {bound} {size:.3f} {metric} above their mean by chance."


def _noise(result: Scores | Comparison, metric: str) -> tuple[float | None, bool]:
    """The error of a score that systems do not share, and whether it comes from paired differences."""
    if isinstance(result, Comparison):
        visible = result.pairwise.loc[result.pairwise["metric"] == metric, "mdd"]
        noise = float(visible.median()) / stats.minimum_detectable_difference(1.0) / np.sqrt(2)
        return (float(noise) if np.isfinite(noise) else None), True
    row = result.table[result.table["metric"] == metric].iloc[0]
    noise = (row["high"] - row["low"]) / (2 * 1.959964)
    return (float(noise) if np.isfinite(noise) else None), False


def _fingerprint(scores: Scores) -> str:
    """Equal for the same results on the same items, whatever the system is called."""
    values = [f"{metric}={scores.value(metric):.9f}" for metric in sorted(scores.metrics)]
    columns = [metric for metric in sorted(scores.metrics) if metric in scores.per_query]
    items = (f"{value:.9f}" for metric in columns for value in scores.per_query[metric])
    return storage.digest_texts(values, items)[:16]


def _path(folder: str | Path | None) -> Path:
    return (storage.cache_folder() if folder is None else Path(folder)) / FILE


def _append(path: Path, lines: list[dict[str, Any]]) -> None:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    with FileLock(path.with_suffix(".lock"), timeout=10), path.open("ab+") as file:
        if file.tell() and _last_byte(file) != b"\n":
            text = "\n" + text  # a write that was cut short stays a line of its own
        file.write(text.encode())


def _last_byte(file: Any) -> bytes:
    file.seek(-1, 2)
    return bytes(file.read(1))


def _read(path: Path) -> list[dict[str, Any]]:
    """All whole lines; nothing where there is no ledger yet."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found = []
    for line in lines:
        try:
            entry = json.loads(line)
            found.append({key: entry[key] for key in ("time", "digest", "task", "system", "metric", "value", "results",
                                                      "noise", "paired")})  # fmt: skip
        except (ValueError, KeyError, TypeError):
            continue  # cut short, or not a line of ours
    return found
