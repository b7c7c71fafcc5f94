"""Metrics per query against scikit-learn, pytrec_eval called directly, and the formulas written out."""

from __future__ import annotations

import numpy as np
import pytest
import pytrec_eval
from sklearn.metrics import ndcg_score

from toolkit.evaluate.scoring import per_query


def random_case(seed: int, *, ties: bool, grades: int) -> tuple[dict, dict]:
    """Forty queries over 60 documents, with 30 ranked each: relevant ones inside, beyond the cut, and missing."""
    rng = np.random.default_rng(seed)
    names = [f"d{i:02}" for i in range(60)]
    ranking, qrels = {}, {}
    for query in map(str, range(40)):
        scores = rng.integers(0, 6, size=30) / 4 if ties else rng.permutation(30) / 7
        found = rng.permutation(names)[:30].tolist()
        ranking[query] = dict(zip(found, scores.tolist(), strict=True))
        chosen = rng.permutation(names)[: rng.integers(1, 12)].tolist()
        qrels[query] = {name: int(rng.integers(1, grades + 1)) for name in chosen} | {names[0]: 0}
    return ranking, {query: row for query, row in qrels.items() if any(row.values())}


def ordered(scores: dict) -> list[str]:
    return [name for _, name in sorted((-score, name) for name, score in scores.items())]


def by_formula(metric: str, scores: dict, grades: dict) -> float:
    """The textbook formula of a metric."""
    name, k = metric.split("@")
    found = [grades.get(document, 0) for document in ordered(scores)[: int(k)]]
    relevant = [grade for grade in grades.values() if grade > 0]
    if name == "accuracy":
        return float(any(found))
    if name == "MRR":
        return next((1 / place for place, grade in enumerate(found, 1) if grade), 0.0)
    if name == "recall":
        return sum(grade > 0 for grade in found) / len(relevant)
    if name == "precision":
        return sum(grade > 0 for grade in found) / int(k)
    if name == "MAP":
        return sum(sum(map(bool, found[:place])) / place for place, grade in enumerate(found, 1) if grade) / len(
            relevant
        )
    gain, best = (
        sum(grade / np.log2(place + 1) for place, grade in enumerate(row, 1))
        for row in (found, sorted(relevant, reverse=True)[: int(k)])
    )
    return gain / best


METRICS = [f"{name}@{k}" for name in ("accuracy", "nDCG", "MRR", "recall", "precision", "MAP") for k in (1, 3, 10, 50)]


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("grades", [1, 4])
def test_equals_the_formulas(ties: bool, grades: int) -> None:
    """Every metric at every cut, with and without ties and grades, equals its formula, query by query."""
    ranking, qrels = random_case(1, ties=ties, grades=grades)
    table = per_query(ranking, qrels, METRICS)
    assert list(table.columns) == METRICS and list(table.index) == list(qrels)
    for metric in METRICS:
        expected = [by_formula(metric, ranking[query], grades) for query, grades in qrels.items()]
        assert table[metric].tolist() == pytest.approx(expected, abs=1e-9), metric


@pytest.mark.parametrize("grades", [1, 4])
def test_ndcg_equals_scikit_learn(grades: int) -> None:
    """nDCG@k is scikit-learn's, where documents that were not found have the lowest score."""
    ranking, qrels = random_case(2, ties=False, grades=grades)
    names = [f"d{i:02}" for i in range(60)]
    for k in (3, 10):
        truth = [[qrels[query].get(name, 0) for name in names] for query in qrels]
        # 30 are found, so what is below them cannot enter the first k.
        scores = [[ranking[query].get(name, -1.0) for name in names] for query in qrels]
        each = [ndcg_score([row], [found], k=k) for row, found in zip(truth, scores, strict=True)]
        assert per_query(ranking, qrels, [f"nDCG@{k}"])[f"nDCG@{k}"].tolist() == pytest.approx(each, abs=1e-9)


def test_equals_pytrec_eval_without_ties() -> None:
    """Without ties and with a cut below the length, our columns are pytrec_eval's measures."""
    ranking, qrels = random_case(3, ties=False, grades=3)
    names = {"accuracy@5": "success_5", "nDCG@5": "ndcg_cut_5", "MRR@30": "recip_rank", "recall@5": "recall_5",
             "precision@5": "P_5"}  # fmt: skip
    found = pytrec_eval.RelevanceEvaluator(qrels, {"success.5", "ndcg_cut.5", "recip_rank", "recall.5", "P.5"})
    direct = found.evaluate(ranking)
    table = per_query(ranking, qrels, list(names))
    for ours, theirs in names.items():
        assert table[ours].tolist() == pytest.approx([direct[query][theirs] for query in qrels])


def test_reciprocal_rank_is_cut() -> None:
    """A right document at place 15 counts nothing at a cut of 10, and 1/15 at a cut of 15."""
    ranking = {"q": {f"d{place:02}": -place for place in range(1, 30)}}
    table = per_query(ranking, {"q": {"d15": 1}}, ["MRR@10", "MRR@15", "recall@10", "recall@15"])
    assert table.loc["q"].tolist() == pytest.approx([0, 1 / 15, 0, 1])


def test_equal_scores_are_ordered_by_id() -> None:
    """A system that gives all the same score has no luck: ids decide, whatever the order they came in."""
    for names in (["a", "b", "c"], ["c", "b", "a"]):
        ranking = {"q": dict.fromkeys(names, 0.5)}
        assert per_query(ranking, {"q": {"b": 1}}, ["MRR@3"]).loc["q", "MRR@3"] == 0.5


def test_missing_queries_score_zero() -> None:
    """A query that was not answered counts as 0 and is not left out; one that nobody judged is."""
    ranking = {"empty": {}, "right": {"d": 1.0}, "unjudged": {"d": 1.0}}
    table = per_query(ranking, {query: {"d": 1} for query in ("missing", "empty", "right")})
    assert table.sum(axis=1).to_dict() == {"missing": 0, "empty": 0, "right": 4}


@pytest.mark.parametrize(
    "metric", ["ndcg@10", "nDCG", "nDCG@", "nDCG@0", "nDCG@-1", "nDCG@x", "MAP", "nDCG@²", "nDCG@010"]
)
def test_unknown_metrics(metric: str) -> None:
    """Other names and cuts are refused with those that are known."""
    with pytest.raises(ValueError, match=r"unknown metric .* expected one of accuracy@k, nDCG@k"):
        per_query({"q": {"d": 1.0}}, {"q": {"d": 1}}, [metric])


def test_what_cannot_be_scored() -> None:
    """nan has no rank, half a grade is unknown to trec_eval, and no metric is no answer."""
    with pytest.raises(ValueError, match="document 'd' has the score nan for query 'q'"):
        per_query({"q": {"d": float("nan")}}, {"q": {"d": 1}})
    with pytest.raises(ValueError, match="document 'd' has the score None for query 'q'"):
        per_query({"q": {"d": None}}, {"q": {"d": 1}})
    for grade in (0.5, None, "1", float("nan"), float("inf"), 2**32 + 1):
        with pytest.raises(ValueError, match="document 'd' has the grade .* for query 'q': expected a whole number"):
            per_query({"q": {"d": 1.0}}, {"q": {"d": grade}})
    for metrics in ([], "nDCG@10"):
        with pytest.raises(ValueError, match="expected a list of metrics"):
            per_query({"q": {"d": 1.0}}, {"q": {"d": 1}}, metrics)
