"""Write a comparison for a paper and its reviewers: rankings in TREC format, a table, and a paragraph."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from importlib import metadata
from itertools import count
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd

from toolkit import stats, storage
from toolkit.evaluate.comparing.differences import ALPHA
from toolkit.evaluate.scoring.scores import Scores
from toolkit.vectors.rankings import top

# Our metrics and the -m names of trec_eval 9; its reciprocal rank is cut off by -M.
TREC = {"accuracy": "success", "nDCG": "ndcg_cut", "recall": "recall", "precision": "P", "MAP": "map_cut"}
PACKAGES = ("embedding-recipes", "sentence-transformers", "torch", "pytrec_eval-terrier", "scikit-learn", "scipy")
PLACEHOLDER = "[FILL IN: {}]"


def write(
    folder: str | Path,
    scores: Mapping[str, Scores],
    *,
    baseline: str,
    table: pd.DataFrame,
    ties: pd.DataFrame,
    notes: Sequence[str] = (),
    data: str = "",
    split: str = "",
    seeds: str = "",
) -> Path:
    """Write the paper pack of a comparison into a new folder; `Comparison.to_paper` calls it.

    ``table.tex`` (booktabs), ``methods.md`` (how the numbers were obtained and how to check them); for
    rankings ``qrels.txt`` and ``<system>.run`` in TREC format, else ``<system>.csv`` with the predictions of each
    system and ``items.csv`` with the true labels or scores. The files of a ranking hold ids and no text.

    Equal scores are ranked by document id. trec_eval orders ties in reverse, and orders by score rather than by
    rank, so the scores in the run files are whole numbers that decrease with rank.

    Parameters
    ----------
    folder : path
        New or empty; nothing is overwritten.
    scores, baseline, table, ties, notes
        Of a `Comparison`.
    data, split, seeds : str
        Sentences for ``methods.md``: where the data come from, how they were divided, which seeds were used. Where
        one is missing, the paragraph has a placeholder.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ValueError
        When the folder is not empty.
    FileNotFoundError
        When its parent folder does not exist.
    """
    folder = Path(folder)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise ValueError(f"{folder} exists and is not an empty folder: choose a new one, nothing is overwritten")
    if not folder.absolute().parent.is_dir():
        raise FileNotFoundError(f"there is no folder {folder.absolute().parent} to write {folder.name} into: create it")
    temporary = folder.absolute().with_name(f".{folder.name}.{secrets.token_hex(4)}.tmp")
    temporary.mkdir()
    try:
        names, base = file_names(scores), scores[baseline]
        files = _rankings if base.task.kind in ("retrieval", "reranking") else _predictions
        check = files(scores, base, temporary, names)
        _text(temporary / "table.tex", latex(scores, baseline, table, ties))
        methods = _methods(scores, baseline, table, notes, (data, split, seeds))
        _text(temporary / "methods.md", f"{methods}\n{check}")
        if folder.is_dir():
            folder.rmdir()  # it is empty, and Windows cannot rename onto an existing folder
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def file_names(systems: Sequence[str] | Mapping[str, object]) -> dict[str, str]:
    """Choose a file name for each system that any file system and trec_eval accept.

    Examples
    --------
    >>> file_names(["base", "BAAI/bge small", "BAAI bge/small"])
    {'base': 'base', 'BAAI/bge small': 'BAAI-bge-small', 'BAAI bge/small': 'BAAI-bge-small-2'}
    """
    names: dict[str, str] = {}
    for system in systems:
        plain = re.sub(r"[^A-Za-z0-9._+-]+", "-", str(system)).strip("-.") or "system"
        taken = {name.casefold() for name in names.values()}
        free = (name for n in count(2) if (name := f"{plain}-{n}").casefold() not in taken)
        names[system] = plain if plain.casefold() not in taken else next(free)
    return names


def _rankings(scores: Mapping[str, Scores], base: Scores, folder: Path, names: Mapping[str, str]) -> str:
    """Write qrels and runs; return the trec_eval commands that reproduce the values, with the values."""
    queries = list(base.per_query.index)
    qrels = {query: base.task.data.qrels[query] for query in queries}
    documents = {doc for row in qrels.values() for doc in row}
    documents |= {doc for one in scores.values() for query in queries for doc in one.ranking.get(query, {})}
    # If any id contains white space or is empty, all are percent-encoded to avoid collisions.
    encoded = any(re.search(r"\s", name) or not name for name in [*queries, *documents])
    word = {name: (quote(name, safe="") or "%") if encoded else name for name in [*queries, *documents]}
    lines = [f"{word[query]} 0 {word[doc]} {int(grade)}" for query, row in qrels.items() for doc, grade in row.items()]
    _text(folder / "qrels.txt", "\n".join(lines) + "\n")
    split = [metric.partition("@") for metric in base.metrics]
    cuts = {name: [k for other, _, k in split if other == name] for name, _, _ in split if name in TREC}
    # trec_eval reads only the first -m of a measure, so all its cut-offs go into one.
    options = {f"-M {k} -m recip_rank": [f"MRR@{k}"] for name, _, k in split if name == "MRR"}
    if cuts:
        measures = " ".join(f"-m {TREC[name]}.{','.join(sorted(ks, key=int))}" for name, ks in cuts.items())
        options = {measures: [metric for metric in base.metrics if not metric.startswith("MRR@")], **options}
    check = ["## Check with trec_eval 9", "", "```"]
    for system, one in scores.items():
        lines = []
        for query in queries:
            found = one.ranking.get(query, {})
            lines += [
                f"{word[query]} Q0 {word[doc]} {place} {len(found) - place + 1} {names[system]}"
                for place, doc in enumerate(top(found, len(found)), 1)
            ]
        _text(folder / f"{names[system]}.run", "\n".join(lines) + "\n" * bool(lines))
        for option, metrics in options.items():
            check.append(f"trec_eval -c {option} qrels.txt {names[system]}.run")
            check.append("# " + ", ".join(f"{metric} {one.value(metric):.4f}" for metric in metrics))
    check += ["```", "", "-c counts a query without results as 0, as the table does.", ""]
    return "\n".join(check) + ("Ids are percent-encoded, since some contain spaces.\n" if encoded else "")


def _predictions(scores: Mapping[str, Scores], base: Scores, folder: Path, names: Mapping[str, str]) -> str:
    """Write the predictions of each system, and the labels or scores of the rows; return a description of the files."""
    known = [column for column in base.task.rows if column in ("score", "label")]
    tables = {"items": base.task.rows[known]}
    for system, one in scores.items():
        parts = [part for part in (one.predictions, one.per_query) if part is not None]
        tables[names[system]] = pd.concat(parts, axis=1)
    for name, table in tables.items():
        with storage.replacing(folder / f"{name}.csv") as temporary:
            table.to_csv(temporary, index_label="id")
    return "## Check\n\n`items.csv` holds the true label or score of each item, `<system>.csv` the predictions.\n"


def latex(scores: Mapping[str, Scores], baseline: str, table: pd.DataFrame, ties: pd.DataFrame) -> str:
    """Make a booktabs table: one row per system, one column per metric, 95 % intervals of the scores.

    The best of a column is bold if it is significantly better than every other (Holm over all pairs); a dagger
    marks a difference from the baseline with p < 0.05 after Holm over all rows of the comparison.
    """
    metrics = scores[baseline].metrics
    ends = {(name, row["metric"]): row for name, one in scores.items() for row in one.table.to_dict("records")}
    first = ties[ties["tied_with_best"]].groupby("metric", sort=False)["model"].agg(list)
    alone = {metric: models[0] for metric, models in first.items() if len(models) == 1}
    shown = set(map(tuple, table.loc[table["p_holm"] < ALPHA, ["model", "metric"]].to_numpy()))
    rows = []
    for name in scores:
        cells = [_escaped(name)]
        for metric in metrics:
            if (name, metric) not in ends:
                cells.append("--")
                continue
            row = ends[name, metric]
            number = f"{row['score']:.3f}"
            number = rf"\textbf{{{number}}}" if alone.get(metric) == name else number
            number += r"$^\dagger$" if (name, metric) in shown else ""
            interval = "" if np.isnan(row["low"]) else rf" {{\scriptsize [{row['low']:.3f}, {row['high']:.3f}]}}"
            cells.append(number + interval)
        rows.append(" & ".join(cells) + r" \\")
    n, n_groups = table[["n", "n_groups"]].iloc[0]
    caption = (
        f"Scores with 95\\,\\% bootstrap intervals ($n={n}$ items in {n_groups} groups). $\\dagger$: differs from "
        f"{_escaped(baseline)}, paired test, $p<0.05$ after Holm. Bold: significantly better than every other "
        f"system. Intervals of two systems may overlap although their paired difference is significant."
    )
    head = " & ".join(["System", *map(_escaped, metrics)]) + r" \\"
    return "\n".join([
        "% needs \\usepackage{booktabs}", r"\begin{table}", r"\centering",
        rf"\begin{{tabular}}{{l{'r' * len(metrics)}}}", r"\toprule", head, r"\midrule", *rows, r"\bottomrule",
        r"\end{tabular}", rf"\caption{{{caption}}}", r"\end{table}", "",
    ])  # fmt: skip


def _escaped(text: str) -> str:
    """Escape a text for LaTeX."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return re.sub(r"[\\~^#$%&_{}]", lambda found: special.get(found[0], "\\" + found[0]), text)


def _methods(
    scores: Mapping[str, Scores], baseline: str, table: pd.DataFrame, notes: Sequence[str], author: tuple[str, str, str]
) -> str:
    """Write the paragraph on how the numbers were obtained."""
    base = scores[baseline]
    task = base.task
    n, n_groups = (int(table[column].iloc[0]) for column in ("n", "n_groups"))
    size = f"{n:,} items"
    if task.kind in ("retrieval", "reranking"):
        size = f"{n:,} queries over {len(task.data.corpus):,} documents"
    means = [metric for metric in base.metrics if metric in base.per_query]
    set_metrics = [metric for metric in base.metrics if metric not in base.per_query]
    unit = "single items" if n == n_groups else f"whole groups of items that are not independent ({n_groups:,} groups)"
    tests = ""
    if means:
        tests += (
            f" For {', '.join(means)} (means over items) p-values are two-sided and come from sign flips of the paired "
            f"differences of whole groups (exact if there are at most {stats.RESAMPLES:,} flips, else "
            f"{stats.RESAMPLES:,} random ones, p = (count + 1) / (resamples + 1))."
        )
    if set_metrics:
        tests += (
            f" For {', '.join(set_metrics)} both systems were computed on the same bootstrap resamples of groups; p is "
            f"twice the smaller share of resampled differences on either side of zero."
        )
    spread = ", ".join(f"{row['model']} {row['metric']} {row['mdd']:.3f}" for _, row in table.iterrows())
    versions = []
    for package in PACKAGES:
        try:
            versions.append(f"{package} {metadata.version(package)}")
        except metadata.PackageNotFoundError:
            versions.append(f"{package} not installed")
    missing = ("where the data come from", "how the data were divided", "how many, which; one seed is not enough")
    data, split, seeds = (
        re.sub(r"(?<![.!?])$", ".", words.rstrip()) if words else PLACEHOLDER.format(question)
        for words, question in zip(author, missing, strict=True)
    )
    return "\n\n".join([
        "## Methods",
        f"Data: {data} The test set {task.name!r} ({task.kind}) holds {size} (SHA-256 of its content {task.digest}). "
        f"Split: {split} Training seeds: {seeds}",
        f"Systems: {', '.join(scores)}; all are compared with {baseline} on the same items. Intervals are 95 % "
        f"percentile intervals of bootstrap resamples of {unit}, with seed 0.{tests} p-values were adjusted by "
        f"Holm over all {len(table)} comparisons of the table. A non-significant difference is not shown to be "
        f"zero: the minimum detectable differences (80 % power, before that adjustment) are {spread}.",
        *[f"Note: {note}" for note in notes],
        f"Versions: {', '.join(versions)}.",
        "",
    ])  # fmt: skip


def _text(path: Path, text: str) -> None:
    with storage.replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
