"""Comparisons are subtraction, and their words say what their numbers say."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset

from toolkit import stats, vectors
from toolkit.evaluate import Comparison, Scores, best, compare, compare_systems, errors, score, verdict
from toolkit.evaluate.comparing import headline
from toolkit.prepare import RetrievalData, Task
from toolkit.vectors.rankings import fuse_rankings, top

N = 60


def make(n: int = N, groups: dict | None = None, name: str = "test") -> Task:
    data = RetrievalData(
        {f"d{i}": f"word{i} common" for i in range(n)} | {"none": "nothing"},
        {f"q{i}": f"word{i} please" for i in range(n)},
        {f"q{i}": {f"d{i}": 1} for i in range(n)},
    )
    return Task(name, "retrieval", data, groups if groups is not None else {f"q{i}": i // 2 for i in range(n)})


def placed(places: list[int], task: Task | None = None, **options: object) -> Scores:
    """A system that has the right document of query i at place ``places[i]``, of 11."""
    ranking = {}
    for i, place in enumerate(places):
        others = [f"d{(i + step) % N}" for step in range(1, 11)]
        found = [*others[: place - 1], f"d{i}", *others[place - 1 :]]
        ranking[f"q{i}"] = {document: float(-rank) for rank, document in enumerate(found)}
    return score(ranking, task or make(), **options)


@dataclass(frozen=True)
class Named:
    """A system with a record and nothing else."""

    name: str
    record: dict[str, Any]
    corpus: dict[str, str] = field(default_factory=dict)

    def search(self, queries: dict[str, str], k: int = 10) -> dict[str, dict[str, float]]:
        """Nothing."""
        return {}


def recorded(**systems: Scores) -> Comparison:
    """A comparison with ``base``: BM25 is keyword search, x_BM25 its fusion with x, all others search by vectors."""
    scores = {}
    for given, one in systems.items():
        name = given.replace("_", "+")
        record = {"kind": "bm25" if name == "BM25" else "dense", "name": name}
        if "+" in name:
            parts = [{"kind": "dense", "name": name.split("+")[0]}, {"kind": "bm25", "name": "BM25"}]
            record = {"kind": "fusion", "name": name, "parts": parts}
        scores[name] = replace(one, name=name, system=Named(name, record))
    return compare(scores, baseline="base")


RNG = np.random.default_rng(0)
BASE = RNG.integers(1, 5, size=N).tolist()
BETTER = [max(1, place - 1) for place in BASE]
MIXED = RNG.permutation(BASE).tolist()


@pytest.fixture(scope="module")
def comparison() -> Comparison:
    return recorded(base=placed(BASE), better=placed(BETTER), mixed=placed(MIXED), BM25=placed([9] * N))


def test_differences_are_subtraction(comparison: Comparison) -> None:
    """Each row is the per-query difference, with the interval and p-value of `stats` over the groups."""
    groups = [i // 2 for i in range(N)]
    places = {"base": BASE, "better": BETTER, "mixed": MIXED, "BM25": [9] * N}
    assert len(comparison.table) == 3 * 4
    for name in ("better", "mixed", "BM25"):
        difference = 1 / np.array(places[name]) - 1 / np.array(BASE)
        row = comparison.row(name, "MRR@10")
        [interval] = stats.intervals(difference, groups)
        assert row["difference"] == pytest.approx(difference.mean())
        assert row["score"] == pytest.approx((1 / np.array(places[name])).mean())
        assert [row["low"], row["high"]] == pytest.approx([interval.low, interval.high])
        assert row["p"] == pytest.approx(stats.sign_flip_test(difference, groups), abs=0.005)
        assert row["mdd"] == pytest.approx(2.8016 * interval.error, rel=1e-3)
        counts = [np.sum(np.sign(difference) == sign) for sign in (1, -1, 0)]
        assert row[["better", "worse", "same"]].tolist() == counts and sum(counts) == N
        assert (row["n"], row["n_groups"]) == (N, N // 2)
    assert comparison.table["p_holm"].tolist() == stats.holm(comparison.table["p"].tolist())


def test_views(comparison: Comparison) -> None:
    """All results in one table, and all queries with their texts beside every system's metrics."""
    assert comparison.results["model"].tolist() == [name for name in comparison.scores for _ in range(4)]
    table = comparison.per_query
    assert table["query"].tolist() == [f"word{i} please" for i in range(N)]
    assert table["better MRR@10"].tolist() == pytest.approx([1 / place for place in BETTER])
    with pytest.raises(ValueError, match="no comparison of 'base' with 'base' by 'nDCG@10'"):
        comparison.row("base", "nDCG@10")


def test_equal_systems_differ_by_nothing() -> None:
    """A system against itself: difference 0 in [0, 0], p 1, all queries the same."""
    row = compare({"a": placed(BASE), "b": placed(BASE)}, baseline="a").row("b", "nDCG@10")
    assert row[["difference", "low", "high", "mdd"]].tolist() == [0] * 4
    assert row[["p", "p_holm", "better", "worse", "same"]].tolist() == [1, 1, 0, 0, N]


def test_unlike_tests_are_refused() -> None:
    """Other queries, documents or judgements, a missing baseline, one system and no common metric are refused."""
    base = placed(BASE)
    fewer = placed(BASE, make().only([f"q{i}" for i in range(9)], "part"))
    data = make().data
    rejudged = placed(BASE, Task("test", "retrieval", RetrievalData(data.corpus, data.queries,
                      data.qrels | {"q0": {"d1": 1}}), {}))  # fmt: skip
    for other, name in ((fewer, "part"), (rejudged, "test")):
        with pytest.raises(ValueError, match=f"'x' was scored on task '{name}' and 'base' on 'test'"):
            compare({"base": base, "x": other}, baseline="base")
    for scores in ({"x": base, "y": base}, {"base": base}, {}):
        with pytest.raises(ValueError, match="at least two systems, 'base' among them; got"):
            compare(scores, baseline="base")
    with pytest.raises(ValueError, match="no metric in common: MRR@3 and accuracy@1"):
        compare({"base": base, "x": placed(BASE, metrics=["MRR@3"])}, baseline="base")


class Turned:
    """A model whose query i is near document i, in so far as `share` of them are; the others point elsewhere."""

    def __init__(self, share: float) -> None:
        self.right = int(share * N)

    def encode(self, texts: list[str]) -> np.ndarray:
        """A unit vector for the number in the text."""
        rows = np.zeros((len(texts), N + 1))
        for row, text in zip(rows, texts, strict=True):
            word = text.split()[0]
            number = int(word[4:]) if word != "nothing" else N
            row[number if "common" in text or number < self.right else N] = 1
        return rows


def test_compare_systems_adds_keywords() -> None:
    """Keyword search, the given systems, and each that has vectors fused with it, all with the planted scores."""
    found = compare_systems({"small": Turned(0.25), "large": Turned(0.75)}, make())
    assert list(found.scores) == ["BM25", "small", "large", "small+BM25", "large+BM25"] and found.baseline == "small"
    assert list(found.systems) == list(found.scores) == [system.name for system in found.systems.values()]
    kinds = [system.record["kind"] for system in found.systems.values()]
    assert kinds == ["bm25", "dense", "dense", "fusion", "fusion"]
    means = {name: scores.per_query["accuracy@1"].mean() for name, scores in found.scores.items()}
    assert means["BM25"] == 1  # every query has the word of its document
    assert (means["small"], means["large"]) == (0.25, 0.75)
    for name in ("small", "large"):
        rankings = (found.scores[one].ranking for one in (name, "BM25"))
        fused = {query: top(row, 100) for query, row in fuse_rankings(*rankings).items()}
        assert found.scores[f"{name}+BM25"].ranking == fused
        assert found.systems[f"{name}+BM25"].search(make().data.queries, 100) == fused
    assert found.row("large", "accuracy@1")["difference"] == pytest.approx(0.5)
    alone = compare_systems({"small": Turned(0.25), "large": Turned(0.75)}, make(), keywords=False)
    assert list(alone.scores) == ["small", "large"]
    assert alone.scores["large"].ranking == found.scores["large"].ranking


def test_a_system_that_a_fusion_was_made_of_is_searched_once() -> None:
    """Also where it has another name in the comparison; vectors made elsewhere are a system too."""

    class Counted(Turned):
        n = 0

        def encode(self, texts: list[str]) -> np.ndarray:
            """As the model does."""
            self.n += len(texts) == N
            return super().encode(texts)

    task, model = make(), Counted(0.5)
    dense = vectors.dense(model, task.data.corpus)
    both = vectors.fuse(dense, vectors.bm25(task.data.corpus))
    given = {"documents": model.encode(list(task.data.corpus.values())),
             "queries": model.encode(list(task.data.queries.values()))}  # fmt: skip
    model.n = 0
    found = compare_systems({"base": dense, "both": both, "given": given}, task)
    assert list(found.scores) == ["BM25", "base", "both", "given", "base+BM25", "given+BM25"] and model.n == 1
    assert found.systems["both"].record["parts"][0]["kind"] == "dense"
    for one, other in (("both", "base+BM25"), ("base", "given"), ("both", "given+BM25")):
        assert found.scores[one].ranking == found.scores[other].ranking


@pytest.mark.parametrize(
    "systems", [{}, [Turned(1)], {"BM25": Turned(1)}, {"a": Turned(1), "a+BM25": Turned(1)}, {"a": object()}]
)
def test_compare_systems_needs_systems_and_names_of_their_own(systems: Any) -> None:
    """No system, no names, one under the name of another, or something that does not search is refused."""
    with pytest.raises(ValueError, match="expected a m|choose another name"):
        compare_systems(systems, make())


def test_the_search_engine_that_one_has_is_a_baseline(tmp_path: Path) -> None:
    """Results in a file are compared with a model: table, verdict, choice, headline and paper pack."""
    task = make()
    lines = ["query_id,doc_id,score"]
    for i, place in enumerate(BASE):
        others = [f"d{(i + step) % N}" for step in range(1, 11)]
        row = [*others[: place - 1], f"d{i}", *others[place - 1 :]]
        lines += [f"q{i},{doc},{-rank}" for rank, doc in enumerate(row)]
    (tmp_path / "results.csv").write_text("\n".join(lines))
    current = vectors.from_ranking(tmp_path / "results.csv", task.data.corpus)
    found = compare_systems({"current": current, "base": Turned(1)}, task)
    assert found.baseline == "current" and list(found.scores) == ["BM25", "current", "base", "base+BM25"]
    assert found.scores["current"].per_query.equals(placed(BASE).per_query)
    row, gain = found.row("base", "nDCG@10"), 1 - placed(BASE).value("nDCG@10")
    assert row["difference"] == pytest.approx(gain) and row["low"] > 0
    ones = round(100 * np.mean(np.array(BASE) == 1))
    first, *_, last, keywords = verdict(found, "base", keywords="BM25")
    assert f"{ones} → 100 of 100" in first and f"by {gain:.3f}" in last and "keyword search (BM25)" in keywords
    chosen = best(found)
    assert chosen is found.systems[chosen.name] and chosen.name in ("BM25", "base")  # both are right everywhere
    said = headline(found, "base")
    assert said.startswith("Use the base model: ") and f"(current: {ones} and 100; keyword search (BM25): 100" in said
    worse = compare_systems({"current": current, "base": Turned(0)}, task, keywords=False)
    assert best(worse).name == "current" and best(worse).record["kind"] == "ranking"
    assert "current is better here" in headline(worse, "base")
    pack = found.to_paper(tmp_path / "pack")
    run = (pack / "current.run").read_text().splitlines()
    assert len(run) == 11 * N and run[0].split()[0] == "q0" and "current" in (pack / "table.tex").read_text()


def signed(row: object) -> str:
    return f"{row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]"


def test_verdict_better(comparison: Comparison) -> None:
    """A better system beats the baseline, by the numbers of the table."""
    row = comparison.row("better", "nDCG@10")
    ones = [round(100 * np.mean(np.array(places) == 1)) for places in (BASE, BETTER)]
    first, counts, last = verdict(comparison, "better")
    assert first == (
        f"Right answer first: {ones[0]} → {ones[1]} of 100 searches, among the first ten: 100 → 100 (base → better)."
    )
    assert counts == f"Helped {row['better']} searches, hurt 0, left {row['same']} unchanged (by the nDCG@10 of each)."
    size = f"{row['difference']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
    assert last == f"Better beats base by {size} nDCG@10 (30 resampled groups)."


def test_verdict_worse(comparison: Comparison) -> None:
    """A worse system is called worse; sizes are positive and in ascending order; its name keeps its letters."""
    row = comparison.row("BM25", "nDCG@10")
    size = f"{-row['difference']:.3f} [{-row['high']:.3f}, {-row['low']:.3f}]"
    assert verdict(comparison, "BM25")[-1] == f"BM25 is worse than base by {size} nDCG@10 (30 resampled groups)."
    assert row["low"] < row["high"] < 0


def test_verdict_not_shown(comparison: Comparison) -> None:
    """Where the interval holds zero nothing is claimed, and what could have been seen is said."""
    row = comparison.row("mixed", "nDCG@10")
    assert row["low"] < 0 < row["high"]
    sentence = verdict(comparison, "mixed")[-1]
    assert sentence.startswith(
        f"No difference shown between mixed and base: {signed(row)} nDCG@10 (30 resampled groups)"
    )
    assert f"{row['mdd']:.3f}" in sentence


def test_verdict_of_equals_and_of_one_group() -> None:
    """Equal systems show no difference; a test of one group can show none."""
    equal = compare({"a": placed(BASE), "b": placed(BASE)}, baseline="a")
    assert verdict(equal, "b")[-1].startswith("No difference shown between b and a: +0.000 [+0.000, +0.000]")
    task = make(groups=dict.fromkeys((f"q{i}" for i in range(N)), "all"))
    one = compare({"a": placed(BASE, task), "b": placed(BETTER, task)}, baseline="a")
    sentences = verdict(one, "b", keywords="a")
    assert all("in one group" in sentence for sentence in sentences[-2:])
    assert "nan" not in " ".join(sentences)


def test_verdict_without_accuracy(comparison: Comparison) -> None:
    """Without accuracy@1 its sentence is left out; another metric may decide."""
    few = compare(
        {name: placed(places, metrics=["MRR@10"]) for name, places in (("a", BASE), ("b", BETTER))}, baseline="a"
    )
    sentences = verdict(few, "b", metric="MRR@10")
    assert len(sentences) == 2 and "MRR@10" in sentences[-1]
    assert verdict(few, "b") == sentences  # the only metric there is
    with pytest.raises(ValueError, match="no comparison of 'b' with 'a' by 'nDCG@10'"):
        verdict(few, "b", metric="nDCG@10")


@pytest.mark.parametrize(
    ("system", "keywords", "words"),
    [
        ("better", "BM25", "Keyword search (BM25) is behind better by "),
        ("BM25", "base", "Keyword search (base) is better here than BM25, by "),
        (
            "mixed",
            "base",
            "No difference shown between mixed and keyword search (base), which needs no model: ",
        ),
    ],
)
def test_verdict_on_keywords(comparison: Comparison, system: str, keywords: str, words: str) -> None:
    """The standing of keyword search against the system, with their own paired difference."""
    sentence = verdict(comparison, system, keywords=keywords)[-1]
    ours, theirs = (comparison.scores[name].per_query["nDCG@10"].to_numpy() for name in (system, keywords))
    [gap] = stats.intervals(ours - theirs, [i // 2 for i in range(N)])
    assert sentence.startswith(words)
    number = f"{gap.mean:+.3f} [{gap.low:+.3f}" if system == "mixed" else f"{abs(gap.mean):.3f} ["
    assert number in sentence


def test_verdict_on_keywords_is_of_what_is_deployed(comparison: Comparison) -> None:
    """The sentence on keywords compares with the deployed system, and keyword search itself with the baseline."""
    asked = {"keywords": "BM25", "searches": "searches"}
    of_better = verdict(comparison, "better", **asked)
    of_base = verdict(comparison, "better", deployed="base", **asked)
    assert of_base[:-1] == of_better[:-1] and of_base[-1].startswith("Keyword search (BM25) is behind base by ")
    row = comparison.row("BM25", "nDCG@10")
    assert f"by {-row['difference']:.3f} [{-row['high']:.3f}, {-row['low']:.3f}]" in of_base[-1]
    assert verdict(comparison, "better", deployed="BM25", **asked) == of_base
    assert verdict(comparison, "better", deployed="better", **asked) == of_better


def test_verdict_on_keywords_needs_the_interval() -> None:
    """A mean above or below zero decides nothing while the interval holds zero."""
    one = placed(MIXED)
    for other in (BASE, BASE[1:] + BASE[:1], BASE[2:] + BASE[:2], BASE[3:] + BASE[:3]):
        for pair in ({"a": one, "b": placed(other)}, {"a": placed(other), "b": one}):
            assert (
                "No difference shown between b and keyword search (a)"
                in verdict(compare(pair, baseline="a"), "b", keywords="a")[-1]
            )


def test_verdict_on_unknown_keywords(comparison: Comparison) -> None:
    """A name that is not in the comparison is refused."""
    for function in (verdict, headline):
        with pytest.raises(ValueError, match="no system 'words' in the comparison; it has base"):
            function(comparison, "better", keywords="words")
    with pytest.raises(ValueError, match="expected a Comparison.* got Scores"):
        errors(comparison.scores["base"])


def test_best_is_the_highest_that_is_shown_to_be_better() -> None:
    """A higher mean alone is not enough; of those shown to be better the highest wins; else it is the baseline."""
    scores = {"base": placed(BASE), "BM25": placed(MIXED), "tuned": placed(BETTER), "first": placed([1] * N)}
    found = recorded(**scores)
    assert best(found).name == "first" and best(found) is found.systems["first"]
    assert best(recorded(**{name: scores[name] for name in ("base", "BM25", "tuned")})).name == "tuned"
    fused = {**scores, "tuned_BM25": placed(BETTER), "first": placed(BASE)}
    assert best(recorded(**fused)).name == "tuned"  # a fusion that is only as good is not taken
    assert best(recorded(**fused, base_BM25=placed([1] * N))).name == "base+BM25"
    for start, end in ((0, 30), (30, 60)):  # chance makes one of the two halves better in the mean
        mixed = BASE[:start] + MIXED[start:end] + BASE[end:]
        found = recorded(base=placed(BASE), mixed=placed(mixed))
        assert found.row("mixed", "nDCG@10")["low"] < 0 and best(found).name == "base"
    labelled = Dataset.from_dict({"sentence1": ["a", "b"], "sentence2": ["c", "d"], "score": [0.0, 1.0]})
    values = pd.DataFrame({"m": [0.0, 1.0]}, index=["0", "1"])
    one = Scores("a", Task("t", "similarity", labelled, {}), {}, values)
    with pytest.raises(ValueError, match="kind 'similarity'"):
        best(compare({"a": one, "b": one}, baseline="a"), metric="m")


def test_headline_names_what_to_use_and_what_it_beats(comparison: Comparison) -> None:
    """Plain numbers of all three, and no doubt where there is none."""
    ones = [round(100 * np.mean(np.array(places) == 1)) for places in (BASE, BETTER)]
    assert headline(comparison, "better", searches="stand-in searches") == (
        f"Use the better model: a correct text ranks first in {ones[1]} of 100 stand-in searches, and in the top "
        f"ten in 100 (the base model: {ones[0]} and 100; keyword search (BM25): 0 and 100)."
    )
    better = recorded(base=placed([5] * N), BM25=placed([1] * N))
    assert headline(better, "BM25") == (
        "Use keyword search (BM25): a correct text ranks first in 100 of 100 searches, and in the top ten in 100 "
        "(the base model: 0 and 100)."
    )
    assert headline(comparison, "base").startswith("Use the base model: ")
    fused = recorded(base=placed([5] * N), BM25=placed(BASE), tuned_BM25=placed([1] * N), base_BM25=placed([1] * N))
    for name, called in (("tuned+BM25", "the tuned model"), ("base+BM25", "the base model")):
        assert headline(fused, name) == headline(fused, fused.systems[name])
        assert headline(fused, name).startswith(f"Use {called} fused with keyword search")


def test_headline_says_when_keywords_do_as_well() -> None:
    """Keyword search that is level, or better, is in the headline, and so is a gain that may be chance."""
    level = recorded(base=placed([5] * N), tuned=placed(BASE), BM25=placed(MIXED))
    [gap] = stats.intervals(
        (level.scores["tuned"].per_query["nDCG@10"] - level.scores["BM25"].per_query["nDCG@10"]).to_numpy(),
        [i // 2 for i in range(N)],
    )
    words = "Keyword search, which needs no model, may be as good: the difference is"
    assert f"{words} {gap.mean:+.3f} [{gap.low:+.3f}, {gap.high:+.3f}] nDCG@10" in headline(level, "tuned")
    ahead = recorded(base=placed([5] * N), tuned=placed(BASE), BM25=placed([1] * N))
    assert "Keyword search, which needs no model, is better here: the difference is -" in headline(ahead, "tuned")


def test_headline_does_not_recommend_what_the_test_does_not_confirm(comparison: Comparison) -> None:
    """Validation data preferred it, the test shows no gain: both are said, by the numbers, and what is simpler."""
    chance = recorded(base=placed(BASE), tuned=placed(MIXED), BM25=placed([9] * N))
    said, row = headline(chance, "tuned"), chance.row("tuned", "nDCG@10")
    assert said.startswith("Validation data preferred the tuned model: ")
    assert said.endswith(
        f"). This test does not confirm that it beats the base model: the difference is {signed(row)} nDCG@10, with a "
        f"minimum detectable difference of {row['mdd']:.3f}. So the base model, without tuning, is the simpler choice."
    )
    assert "confirm" not in headline(chance, "base") and "Keyword" not in said
    worse = headline(comparison, "BM25")
    assert worse.startswith("Validation data preferred keyword search (BM25): ")
    size = signed(comparison.row("BM25", "nDCG@10"))
    assert f"contradicts that: the base model is better here, the difference is {size}" in worse
    level = headline(recorded(base=placed(BASE), BM25=placed(MIXED)), "BM25")
    assert level.startswith("Use keyword search (BM25): ") and level.endswith("and stays the simpler choice.")
    task = make(groups=dict.fromkeys((f"q{i}" for i in range(N)), "all"))
    one = recorded(base=placed(BASE, task), tuned=placed(BETTER, task), BM25=placed(BASE, task))
    said = headline(one, "tuned")
    assert said.startswith("Validation data preferred") and "cannot confirm" in said and "nan" not in said


def test_a_part_is_compared_like_a_task_of_its_own(comparison: Comparison) -> None:
    """Comparing some queries gives the scores, and the intervals, of a task that has only these."""
    chosen = [f"q{i}" for i in range(20)]
    part = comparison.only(chosen, "part")
    alone = compare({"base": placed(BASE, make().only(chosen, "part")),
                     "better": placed(BETTER, make().only(chosen, "part"))}, baseline="base")  # fmt: skip
    columns = ["score", "difference", "low", "high", "n", "n_groups"]
    assert part.row("better", "nDCG@10")[columns].tolist() == pytest.approx(
        alone.row("better", "nDCG@10")[columns].tolist()
    )
    assert part.row("better", "nDCG@10")["n"] == 20
