"""What a paper, and whoever checks it, needs from a comparison: rankings in TREC form, a table, a paragraph."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import numpy as np
import pandas as pd

from toolkit import stats, storage
from toolkit.evaluate.comparing.differences import ALPHA
from toolkit.evaluate.scoring.metrics import top

if TYPE_CHECKING:
    from toolkit.evaluate.comparing.comparison import Comparison

# Our metrics and the -m of trec_eval 9; its reciprocal rank is cut by -M.
TREC = {"accuracy": "success", "nDCG": "ndcg_cut", "recall": "recall", "precision": "P", "MAP": "map_cut"}
PACKAGES = ("embedding-recipes", "sentence-transformers", "torch", "pytrec_eval-terrier", "scikit-learn", "scipy")
GAP = "[SAY HERE: {}]"


def write(comparison: Comparison, folder: str | Path, *, data: str = "", split: str = "", seeds: str = "") -> Path:
    """Write the paper pack of a comparison into a new folder.

    ``table.tex`` (booktabs), ``methods.md`` (a paragraph that says how the numbers came about, and how to check them);
    for rankings ``qrels.txt`` and ``<system>.run`` in TREC form, else ``<system>.csv`` with what each system said and
    ``items.csv`` with the true labels or scores. The files of a ranking hold ids and no text.

    Equal scores are ranked by document id. trec_eval would order them backwards, and it orders by score and not by
    rank: so the scores in the run files are whole numbers that fall with the rank.

    Parameters
    ----------
    comparison : Comparison
    folder : path
        New or empty; nothing is overwritten.
    data, split, seeds : str
        Sentences for ``methods.md``: where the data come from, how they were divided, which seeds were trained. Where
        one is missing, the paragraph has a gap that says so.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ValueError
        When the folder holds something.
    FileNotFoundError
        When the folder that should hold it does not exist.
    """
    folder = Path(folder)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise ValueError(f"{folder} is there already and not an empty folder: name a new one, nothing is overwritten")
    if not folder.absolute().parent.is_dir():
        raise FileNotFoundError(f"there is no folder {folder.absolute().parent} to write {folder.name} into; make it")
    temporary = folder.absolute().with_name(f".{folder.name}.{secrets.token_hex(4)}.tmp")
    temporary.mkdir()
    try:
        names = file_names(comparison.scores)
        ranked = comparison.scores[comparison.baseline].task.kind in ("retrieval", "reranking")
        check = _rankings(comparison, temporary, names) if ranked else _predictions(comparison, temporary, names)
        _text(temporary / "table.tex", latex(comparison))
        _text(temporary / "methods.md", _methods(comparison, data, split, seeds) + "\n" + check)
        if folder.is_dir():
            folder.rmdir()  # it is empty, and Windows renames onto nothing that exists
        temporary.rename(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return folder


def file_names(systems: Sequence[str] | Mapping[str, object]) -> dict[str, str]:
    """A name for the files of each system that any file system and trec_eval take.

    Examples
    --------
    >>> file_names(["base", "BAAI/bge small", "BAAI bge/small"])
    {'base': 'base', 'BAAI/bge small': 'BAAI-bge-small', 'BAAI bge/small': 'BAAI-bge-small-2'}
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for system in systems:
        plain = re.sub(r"[^A-Za-z0-9._+-]+", "-", str(system)).strip("-.") or "system"
        number, name = 1, plain
        while name.casefold() in taken:
            number += 1
            name = f"{plain}-{number}"
        taken.add(name.casefold())
        names[system] = name
    return names


def trec_id(name: str, *, quoted: bool) -> str:
    """An id as one word. Where one of the ids has blanks or is empty, all are percent-encoded, so that none collide."""
    return (quote(name, safe="") or "%") if quoted else name


def _rankings(comparison: Comparison, folder: Path, names: Mapping[str, str]) -> str:
    """Write qrels and runs; returns how to check them."""
    base = comparison.scores[comparison.baseline]
    task = base.task
    queries = list(base.per_query.index)
    judged = {query: task.data.qrels[query] for query in queries}
    documents = {d for row in judged.values() for d in row}
    documents |= {d for scores in comparison.scores.values() for q in queries for d in scores.ranking.get(q, {})}
    quoted = any(re.search(r"\s", name) or not name for name in [*queries, *documents])
    word = {name: trec_id(name, quoted=quoted) for name in [*queries, *documents]}
    lines = [f"{word[q]} 0 {word[d]} {int(grade)}" for q, row in judged.items() for d, grade in row.items()]
    _text(folder / "qrels.txt", "\n".join(lines) + "\n")
    for system, scores in comparison.scores.items():
        lines = []
        for query in queries:
            found = top(scores.ranking.get(query, {}), len(scores.ranking.get(query, {})))
            lines += [
                f"{word[query]} Q0 {word[document]} {rank} {len(found) - rank + 1} {names[system]}"
                for rank, document in enumerate(found, 1)
            ]
        _text(folder / f"{names[system]}.run", "\n".join(lines) + "\n" * bool(lines))
    return _trec(comparison, names) + ("Ids are percent-encoded, since some held blanks.\n" if quoted else "")


def _trec(comparison: Comparison, names: Mapping[str, str]) -> str:
    """The commands that print the same digits without us, and those digits."""
    metrics = comparison.scores[comparison.baseline].metrics
    split = [metric.partition("@") for metric in metrics]
    asked_at = {name: [k for other, _, k in split if other == name] for name, _, _ in split if name in TREC}
    # trec_eval reads the first -m of a measure only, so all its cuts stand in one.
    plain = " ".join(f"-m {TREC[name]}.{','.join(sorted(ks, key=int))}" for name, ks in asked_at.items())
    cuts = [k for name, _, k in split if name == "MRR"]
    lines = ["## Check with trec_eval 9", "", "```"]
    for system, scores in comparison.scores.items():
        run = f"qrels.txt {names[system]}.run"
        asked = ([(plain, [m for m in metrics if not m.startswith("MRR@")])] if plain else []) + [
            (f"-M {k} -m recip_rank", [f"MRR@{k}"]) for k in cuts
        ]
        for options, printed in asked:
            digits = ", ".join(f"{metric} {scores.value(metric):.4f}" for metric in printed)
            lines += [f"trec_eval -c {options} {run}", f"# {digits}"]
    return "\n".join([*lines, "```", "", "-c counts a query without any result as 0, and so do we.", ""])


def _predictions(comparison: Comparison, folder: Path, names: Mapping[str, str]) -> str:
    """Write what each system said of each row, and the rows' labels or scores; returns how to read them."""
    task = comparison.scores[comparison.baseline].task
    known = [column for column in task.rows if column in ("score", "label")]
    with storage.replacing(folder / "items.csv") as temporary:
        task.rows[known].to_csv(temporary, index_label="id")
    for system, scores in comparison.scores.items():
        said = pd.concat([part for part in (scores.predictions, scores.per_query) if part is not None], axis=1)
        with storage.replacing(folder / f"{names[system]}.csv") as temporary:
            said.to_csv(temporary, index_label="id")
    return "## Check\n\n`items.csv` holds what is true of each item, `<system>.csv` what each system said of it.\n"


def latex(comparison: Comparison) -> str:
    """A booktabs table: one row a system, one column a metric, 95 % intervals of the scores.

    Bold is the best of a column where it is shown to be better than each of the others (Holm over all pairs), a dagger
    marks a difference from the baseline with p < 0.05 after Holm over all rows of the comparison.
    """
    metrics = comparison.scores[comparison.baseline].metrics
    ends = {(row["model"], row["metric"]): row for row in comparison.results.to_dict("records")}
    ties = comparison.ties
    alone = {
        metric: part["model"].iloc[0]
        for metric, part in ties[ties["tied_with_best"]].groupby("metric", sort=False)
        if len(part) == 1
    }
    shown = set(map(tuple, comparison.table.loc[comparison.table["p_holm"] < ALPHA, ["model", "metric"]].to_numpy()))
    rows = []
    for name in comparison.scores:
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
    n, n_groups = comparison.table[["n", "n_groups"]].iloc[0]
    caption = (
        f"Scores with 95\\,\\% bootstrap intervals ($n={n}$ items in {n_groups} groups). $\\dagger$: differs from "
        f"{_escaped(comparison.baseline)}, paired test, $p<0.05$ after Holm. Bold: shown to be better than every other "
        f"system. Intervals of two systems may overlap although their paired difference is shown."
    )
    head = " & ".join(["System", *map(_escaped, metrics)]) + r" \\"
    return "\n".join([
        "% needs \\usepackage{booktabs}", r"\begin{table}", r"\centering",
        rf"\begin{{tabular}}{{l{'r' * len(metrics)}}}", r"\toprule", head, r"\midrule", *rows, r"\bottomrule",
        r"\end{tabular}", rf"\caption{{{caption}}}", r"\end{table}", "",
    ])  # fmt: skip


def _escaped(text: str) -> str:
    """A text as LaTeX prints it."""
    special = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
    return re.sub(r"[\\~^#$%&_{}]", lambda found: special.get(found[0], "\\" + found[0]), text)


def _methods(comparison: Comparison, data: str, split: str, seeds: str) -> str:
    """The paragraph on how the numbers came about."""
    base = comparison.scores[comparison.baseline]
    task, table = base.task, comparison.table
    n, n_groups = (int(table[column].iloc[0]) for column in ("n", "n_groups"))
    size = f"{n:,} items"
    if task.kind in ("retrieval", "reranking"):
        size = f"{n:,} queries over {len(task.data.corpus):,} documents"
    means = [metric for metric in base.metrics if metric in base.per_query]
    wholes = [metric for metric in base.metrics if metric not in base.per_query]
    unit = "single items" if n == n_groups else f"whole groups of items that are not independent ({n_groups:,} groups)"
    tests = []
    if means:
        tests.append(
            f"For {', '.join(means)} (means over items) p-values are two-sided and come from sign flips of the paired "
            f"differences of whole groups (exact where all flips are no more than {stats.RESAMPLES:,}, else "
            f"{stats.RESAMPLES:,} random ones, p = (count + 1) / (resamples + 1))."
        )
    if wholes:
        tests.append(
            f"For {', '.join(wholes)} both systems were computed on the same bootstrap resamples of groups; p is twice "
            f"the smaller share of resampled differences on either side of zero."
        )
    spread = ", ".join(f"{row['model']} {row['metric']} {row['mdd']:.3f}" for _, row in table.iterrows())
    versions = ", ".join(f"{name} {_version(name)}" for name in PACKAGES)
    return "\n\n".join([
        "## Methods",
        f"Data: {_stopped(data) or GAP.format('where the data come from')} The test set {task.name!r} ({task.kind}) "
        f"holds {size} (SHA-256 of its content {task.digest}). "
        f"Split: {_stopped(split) or GAP.format('how the data were divided')} "
        f"Training seeds: {_stopped(seeds) or GAP.format('how many, and which; one seed says nothing of another')}",
        f"Systems: {', '.join(comparison.scores)}; all are compared with {comparison.baseline} on the same items. "
        f"Intervals are 95 % percentile intervals of bootstrap resamples of {unit}, with seed 0. {' '.join(tests)} "
        f"p-values were adjusted after Holm over all {len(table)} comparisons of the table. A difference that is not "
        f"shown is not shown to be zero: the smallest true differences that this test would have shown with 80 % "
        f"probability, before that adjustment, are {spread}.",
        *[f"Note: {note}" for note in comparison.notes],
        f"Versions: {versions}.",
        "",
    ])  # fmt: skip


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"


def _text(path: Path, text: str) -> None:
    with storage.replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _stopped(words: str) -> str:
    """Words that end as a sentence does."""
    return words if not words or words.rstrip().endswith((".", "!", "?")) else f"{words.rstrip()}."
