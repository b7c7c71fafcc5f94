"""Show the inputs of a run in a report: data, training, choices on validation data, and licences."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from toolkit import plots
from toolkit.evaluate import Comparison
from toolkit.finetune import Tuned
from toolkit.prepare import Cleaned, Loaded, Split
from toolkit.report import Block, Section
from toolkit.vectors import Encoder
from toolkit.vectors.origin import declared


def data(
    loaded: Loaded,
    cleaned: Cleaned | None = None,
    split: Split | None = None,
    *,
    languages: pd.DataFrame | None = None,
    leaks: Sequence[str] = (),
) -> Section:
    """Show what was loaded, what was left out and why, and how the rest was split.

    Parameters
    ----------
    loaded : Loaded
    cleaned : Cleaned, optional
    split : Split, optional
    languages : DataFrame, optional
        `toolkit.prepare.text.language_shares`.
    leaks : sequence of str
        What audits of the split found.

    Returns
    -------
    Section
        With the tables ``dropped`` and ``split``.
    """
    columns = ["step", "rows_in", "rows_out", "dropped", "changed", "why", "example"]
    parts = [loaded.table.assign(changed=0), *([cleaned.table] if cleaned else [])]
    steps = pd.concat(parts, ignore_index=True)[columns]
    steps = steps[(steps["dropped"] > 0) | (steps["changed"] > 0)]
    tables = {"dropped": steps}
    blocks: list[Block] = [loaded.guess.reason, loaded.guess.columns] if loaded.guess is not None else []
    blocks += [*loaded.notes, "Rows kept and dropped, and why:", steps]
    if cleaned is not None and len(cleaned.lines):
        blocks += ["Lines that are repeated in over 1 % of the texts were removed:", cleaned.lines]
    if languages is not None:
        blocks += ["Languages:", languages]
    if split is not None:
        tables["split"] = split.table
        blocks += ["Searches, and groups of texts that must stay together:", split.table, *leaks]
    return Section("The data", blocks, tables, text_columns=("example", "line"))


def training(tuned: Tuned) -> Section:
    """Show the training candidates and their learning curves.

    Returns
    -------
    Section
        With the table ``history`` and the picture ``learning``.
    """
    picture = plots.learning(tuned.history, metric=tuned.metric)
    blocks: list[Block] = [
        f"The candidate with the best {tuned.metric} on validation data is used:",
        tuned.candidates,
        picture,
    ]
    return Section("Training", blocks, {"history": tuned.history}, {"learning": picture})


def reproducibility(test: Comparison, model: Encoder, *, scored: str, chosen: str) -> Section:
    """Show what reviewers ask for: uses of the test set, the model's training data, and choices on validation data.

    Parameters
    ----------
    test : Comparison
    model : Encoder
        The base model.
    scored : str
        How often this test set was scored, from `toolkit.evaluate.comparing.record`.
    chosen : str
        What was chosen on validation data, such as ``"the candidate and epoch of the training, the index"``.
    """
    datasets = ", ".join(declared(model).datasets) or "none in its card"
    blocks = [
        f"{scored} Each system counts once: this run scored {len(test.scores)} (`evaluate.comparing.ledger()` lists "
        f"all).",
        f"Training sets that the base model declares: {datasets}. The model may have seen test texts in training.",
        f"Chosen on validation data: {chosen}. Test data were not used for that: all systems were scored on them once, "
        f"at the end.",
        "For a paper: `comparison.to_paper(folder)` of the package `toolkit.evaluate` writes qrels and rankings in "
        "TREC format, a LaTeX table, and a methods paragraph.",
    ]
    return Section("For reviewers", blocks)


def licences(model: Encoder, data: str) -> Section:
    """Show the licences of model, toolkit and data, the last as a sentence."""
    licence = declared(model).license or "not declared in its card"
    return Section("Licences", [f"Base model: {licence}. Toolkit: Apache-2.0. {data}"])
