"""What a search run looks at to see why: slices, the space before and after, and how often its test set was scored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from toolkit import evaluate, report, vectors
from toolkit.evaluate import Comparison, Forgetting, Sliced
from toolkit.prepare import Task
from toolkit.report import Block, Folded

METRIC = "nDCG@10"
SLICINGS = ("length", "overlap")


@dataclass(frozen=True)
class Why:
    """What is behind the scores of a run.

    Attributes
    ----------
    slices : mapping of labelling to Sliced
        Of tuned against base on test.
    space : DataFrame
        ``measure base tuned reads`` of the searches of test and their right texts; ``reads`` is of tuned.
    ties : DataFrame
        `toolkit.evaluate.Comparison.ties` by nDCG@10.
    errors : DataFrame
        `toolkit.evaluate.errors` of tuned.
    scored : str
        How often this test set was scored on this machine.
    forgotten : Forgetting, optional
        General tasks before and after.
    """

    slices: Mapping[str, Sliced]
    space: pd.DataFrame
    ties: pd.DataFrame
    errors: pd.DataFrame
    scored: str
    forgotten: Forgetting | None = None

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is kept as csv and holds no text."""
        sliced = [found.table.assign(by=by) for by, found in self.slices.items() if len(found.table)]
        tables = {"space": self.space, "ties": self.ties}
        if sliced:
            tables["slices"] = pd.concat(sliced, ignore_index=True)
        if self.forgotten is not None and len(self.forgotten.table):
            tables["general_tasks"] = self.forgotten.table
        return tables

    @property
    def blocks(self) -> list[Block]:
        """For the section with all numbers: ties, and folded the slices and the space."""
        blocks: list[Block] = [
            f"Who can be told from whom by {METRIC} (Holm over all pairs): systems that share a letter are not shown "
            f"to differ.",
            self.ties[["model", "score", "letters"]],
        ]
        for by, found in self.slices.items():
            table = found.table[["slice", "baseline", "score", "difference", "low", "high", "p_holm", "n"]]
            blocks.append(Folded(f"Tuned minus base by {by} of the searches", [found.note, table]))
        said = "Signs and not scores: look whether tuning squeezed all texts together."
        return [*blocks, Folded("The space of searches and right texts, before and after", [said, self.space])]


def numbers(comparison: Comparison) -> pd.DataFrame:
    """Every metric of every system, with the paired difference to the baseline: one row each."""
    paired = comparison.table.set_index(["model", "metric"])
    rows = []
    for row in comparison.results.itertuples():
        known = (row.model, row.metric) in paired.index
        other = paired.loc[[(str(row.model), str(row.metric))]].iloc[0] if known else None
        rows.append({
            "task": row.task, "model": row.model, "metric": row.metric,
            "score [95 %]": f"{row.score:.3f} [{row.low:.3f}, {row.high:.3f}]",
            f"minus {comparison.baseline} [95 %]": "" if other is None else
            f"{other['difference']:+.3f} [{other['low']:+.3f}, {other['high']:+.3f}]",
            "p": "" if other is None else report.number(other["p_holm"]),
            "mdd": "" if other is None else report.number(other["mdd"]),
            "n": row.n, "n_groups": row.n_groups,
            "unjudged@10": round(comparison.scores[str(row.model)].unjudged(10), 3),
        })  # fmt: skip
    return pd.DataFrame(rows)


def why(
    test: Comparison,
    models: Mapping[str, Any],
    *,
    dtype: str = "auto",
    forgotten: Forgetting | None = None,
) -> Why:
    """Look behind the scores of a test, and write down that it was scored.

    Parameters
    ----------
    test : Comparison
        Of ``"base"`` and ``"tuned"``, and others.
    models : mapping
        ``"base"`` and ``"tuned"``, whose vectors are in the cache by now.
    dtype : str
        As in `toolkit.vectors.encode`.
    forgotten : Forgetting, optional
    """
    task = test.scores["tuned"].task
    slices = {by: evaluate.by_slice(test, evaluate.slice_by(task, by), system="tuned") for by in SLICINGS}
    ties = test.ties[test.ties["metric"] == METRIC].reset_index(drop=True)
    return Why(
        slices, _space(task, models, dtype), ties, evaluate.errors(test, "tuned"), evaluate.record(test), forgotten
    )


def _space(task: Task, models: Mapping[str, Any], dtype: str) -> pd.DataFrame:
    """Both models on the searches and the best right text of each."""
    data = task.data
    right = [data.corpus[max(data.qrels[query], key=data.qrels[query].__getitem__)] for query in data.queries]
    pairs = [(row, len(right) + row) for row in range(len(right))]
    found = {}
    for name in ("base", "tuned"):
        searches = vectors.encode(models[name], list(data.queries.values()), side="query", dtype=dtype)
        answers = vectors.encode(models[name], right, side="document", dtype=dtype)
        found[name] = evaluate.space(np.vstack([searches, answers]), pairs)
    table = found["tuned"].rename(columns={"value": "tuned"})
    table.insert(1, "base", found["base"]["value"])
    return table[["measure", "base", "tuned", "reads"]]
