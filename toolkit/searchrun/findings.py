"""What a search run found out: the verdict, what the verdict does not tell, and the record."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from toolkit import evaluate, prepare, runs, vectors
from toolkit.evaluate import Combined, Comparison, Example
from toolkit.finetune import Tuned
from toolkit.prepare import Cleaned, Loaded, Split
from toolkit.searchrun.using import Use
from toolkit.searchrun.whys import Why, numbers

# How many texts a search brings depends on how far the systems agree; four seconds are what a short text takes.
JUDGING = (
    "A search brings about ten texts to judge: five searches some minutes, thirty about twenty, at four seconds a text."
)
FEW = 300  # pairs under which little is to be expected


@dataclass(frozen=True)
class Findings:
    """All that a run found out. What was not done is None.

    Attributes
    ----------
    run : Path
        Folder of the run, from `toolkit.runs.start`.
    settings : dict
        Of the recipe; ``seed`` and ``private`` are among them.
    loaded, cleaned : Loaded, Cleaned
    base : model
    lengths : DataFrame
        `toolkit.vectors.truncation` of the texts to find.
    languages : DataFrame
        `toolkit.prepare.spoken`.
    split : Split, optional
        None where there is nothing to measure with; `why_not` says why.
    leaks : list of str
        What the audits found.
    tuned : Tuned, optional
    dev, test, short : Comparison, optional
        On dev, on test, and on test with the searches cut to three keywords.
    by_language : DataFrame, optional
        `toolkit.evaluate.slices`.
    copies : float
        `toolkit.evaluate.copies_above` of the chosen system.
    repeats : DataFrame, optional
        One row a split: ``seed base tuned difference low high n n_groups``.
    combined : Combined, optional
        The splits in one answer.
    why : Why, optional
        Slices, space, errors, general tasks.
    use : Use
        What is deployed, and how to use it.
    seconds : dict of step to seconds
    """

    run: Path
    settings: Mapping[str, Any]
    loaded: Loaded
    cleaned: Cleaned
    base: Any
    lengths: pd.DataFrame
    languages: pd.DataFrame
    use: Use
    seconds: Mapping[str, float]
    split: Split | None = None
    why_not: str = ""
    leaks: Sequence[str] = ()
    tuned: Tuned | None = None
    dev: Comparison | None = None
    test: Comparison | None = None
    short: Comparison | None = None
    by_language: pd.DataFrame | None = None
    copies: float = 0.0
    repeats: pd.DataFrame | None = None
    combined: Combined | None = None
    why: Why | None = None

    @property
    def private(self) -> bool:
        """Whether texts are kept out of report and tables."""
        return bool(self.settings["private"])

    @property
    def demo(self) -> bool:
        """Whether the texts are the docstrings, and not the user's."""
        return self.loaded.name == "pydocs"

    @property
    def searches(self) -> str:
        """What the searches are called: those that nobody typed are always called stand-ins."""
        return "stand-in searches" if stands_in(self.loaded) else "searches"

    @property
    def results(self) -> pd.DataFrame:
        """The systems on test, whole and cut: ``model task metric score low high n n_groups``."""
        return pd.concat([part.results for part in (self.test, self.short) if part], ignore_index=True)

    @property
    def numbers(self) -> pd.DataFrame:
        """The same with every metric, and the paired difference to base."""
        return pd.concat([numbers(part) for part in (self.test, self.short) if part], ignore_index=True)

    @cached_property
    def verdict(self) -> list[str]:
        """The sentences that a run ends with; the first is the shortest answer."""
        if self.test is None:
            return [f"The index is ready, and how good it is is not known yet: {self.why_not}"]
        return [evaluate.headline(self.test, self.use.by, searches=self.searches), *self._verdict(self.test)]

    def _verdict(self, comparison: Comparison) -> list[str]:
        """Of tuned against base, and of keyword search against what is deployed."""
        return evaluate.verdict(comparison, "tuned", keywords="BM25", searches=self.searches, deployed=self.use.by)

    @property
    def verdict_short(self) -> list[str]:
        """The same of the searches cut to three keywords."""
        return self._verdict(self.short) if self.short else []

    @cached_property
    def limits(self) -> list[str]:
        """What the verdict does not tell, the most serious first."""
        sentences = []
        if stands_in(self.loaded):
            sentences.append(
                f"{stands_in(self.loaded)} People type otherwise, and usually less. Real searches that you judge tell "
                f"more: `Judge it`, below. {JUDGING}"
            )
        sentences.append(prepare.about(self.languages, vectors.describe(self.base)["name"]))
        if self.split is not None and len(self.split.train) < FEW:
            sentences.append(
                f"There were {len(self.split.train):,} pairs to train on; under {FEW} expect little of tuning."
            )
        if self.test is not None and not (self.loaded.guess and self.loaded.guess.kind == "label"):
            unjudged = self.test.scores[self.use.by].unjudged(10)
            sentences.append(
                f"Only the text of its own row is known to be right for a search. {unjudged:.0%} of the first ten "
                f"texts were judged by nobody and count as wrong; in {self.copies:.1%} of the {self.searches} a "
                f"near-copy of the right text (cosine 0.95 and above) stands before it and counts as wrong. So true "
                f"scores are higher."
            )
        sentences += self.split.notes if self.split else []
        cut = self.lengths["lost"] > 0
        if cut.mean() > 0.01:
            lost = self.lengths["lost"].sum() / self.lengths["tokens"].sum()
            sentences.append(
                f"{cut.mean():.0%} of the texts are longer than the {int(self.lengths['limit'].iloc[0])} tokens that "
                f"the model reads; {lost:.0%} of all tokens are never seen. --chunk cuts such texts into passages."
            )
        if self.why is not None and self.why.forgotten is not None:
            sentences += self.why.forgotten.sentences
        sentences.append("Other texts and other searches will differ: this measures this file alone.")
        return [sentence for sentence in sentences if sentence]

    @cached_property
    def record(self) -> dict[str, Any]:
        """What goes to ``run.json``."""
        data: dict[str, Any] = {"name": self.loaded.name, "digest": self.loaded.digest}
        if self.split is not None:
            digest = self.split.test.digest
            data |= {"test_digest": digest, "test_scored": 1 + runs.times_scored(self.run.parent, digest)}
        return {
            "recipe": "semantic_search",
            "command": f"{runs.this_python()} {' '.join(map(runs.quoted, sys.argv))}",
            "settings": dict(self.settings),
            "data": data,
            "base": vectors.describe(self.base),
            "training": self.tuned.record if self.tuned else None,
            "verdict": self.verdict,
            "verdict_three_keywords": self.verdict_short or None,
            "limits": self.limits,
            "deployed": self.use.by,
            "language": str(self.languages["language"].iloc[0]),
            "index": {"kind": self.use.index.kind, **self.use.index.settings, **self.use.measured},
            "seconds": round(sum(self.seconds.values()), 1),
            "seconds_by_step": {step: round(seconds, 1) for step, seconds in self.seconds.items()},
        }

    @property
    def base_name(self) -> str:
        """What the base model is called; of a folder its last name."""
        name = str(vectors.describe(self.base)["name"])
        return Path(name).name if Path(name).is_dir() else name

    @property
    def steps(self) -> pd.DataFrame:
        """The steps of loading and cleaning that dropped or changed something."""
        steps = pd.concat([self.loaded.table.assign(changed=0), self.cleaned.table], ignore_index=True)
        columns = ["step", "rows_in", "rows_out", "dropped", "changed", "why", "example"]
        return self.shown(steps[columns][(steps["dropped"] > 0) | (steps["changed"] > 0)])

    @property
    def tables(self) -> dict[str, pd.DataFrame]:
        """What is kept as csv."""
        tables = {"dropped": self.steps}
        if self.test is not None and self.split is not None and self.tuned is not None:
            tables |= {"results": self.results, "comparison": self.test.table, "split": self.split.table,
                       "per_query": self.shown(self.test.per_query), "history": self.tuned.history}  # fmt: skip
            if not self.private:
                tables["examples"] = self.examples_table
            if self.why is not None:
                tables |= self.why.tables
                if not self.private:
                    tables["errors"] = self.why.errors
        if self.short is not None:
            tables["comparison_three_keywords"] = self.short.table
        if self.repeats is not None:
            tables["repeats"] = self.repeats
        return tables

    @cached_property
    def examples(self) -> list[Example]:
        """Searches that `compared` helped, hurt and left alone, drawn by the run's seed."""
        assert self.test is not None
        also = [] if self.compared == "tuned" else ["tuned"]
        return evaluate.examples(self.test, self.compared, seed=int(self.settings["seed"]), also=also)

    @property
    def compared(self) -> str:
        """What stands beside base, search by search: what is deployed, or tuned where that is base itself."""
        return "tuned" if self.use.by == "base" else self.use.by

    @property
    def examples_table(self) -> pd.DataFrame:
        """The same as a table: one row a document that was found."""
        return pd.DataFrame(
            {"kind": e.kind, "query": e.query, "model": name, "rank": rank, "right": right, "text": text}
            for e in self.examples
            for name, items in e.found.items()
            for rank, (text, right) in enumerate(items, 1)
        )

    def shown(self, table: pd.DataFrame) -> pd.DataFrame:
        """A table without the columns that hold texts, where the run is private."""
        hidden = {"example", "line", "query"} if self.private else set()
        return table[[column for column in table.columns if column not in hidden]]


def stands_in(loaded: Loaded) -> str:
    """Why the searches are stand-ins, or an empty string where they are searches that people typed."""
    if loaded.name == "pydocs":
        return "A docstring's first sentence stands in for a search."
    guess = loaded.guess
    if guess is not None and guess.kind == "stand-in":
        return (
            f"The column `{guess.query}` stands in for searches: its texts were written by authors, not by searchers."
        )
    if guess is not None and guess.kind == "first sentence":
        return "The first sentence of each text stands in for a search for the rest of it."
    return ""
