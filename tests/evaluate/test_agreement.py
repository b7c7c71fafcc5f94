"""Results of judging are those of the known qrels, and their intervals hold the truth as often as they promise."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
import pytrec_eval
from handmade_judging import CORPUS, QUERIES, RIGHT, begin, finish, systems
from sklearn.metrics import cohen_kappa_score

from toolkit.evaluate.judging import judge, results, write_qrels
from toolkit.evaluate.judging.agreement import agreement_of, difference, summarise
from toolkit.evaluate.scoring import per_query


def test_scores_are_those_of_the_known_qrels(tmp_path) -> None:
    """Judged without error, precision and accuracy are those of the truth, and nDCG that of the judged documents."""
    finish(begin(tmp_path))
    found = results(tmp_path / "judging")
    table = found.table.set_index(["model", "metric"])["score"]
    for name, system in systems().items():
        ranked = system if isinstance(system, dict) else system.search(QUERIES, 10)
        firsts = {q: sorted(row, key=lambda doc: (-row[doc], doc)) for q, row in ranked.items()}
        assert table[name, "accuracy@1"] == np.mean([firsts[q][0] in RIGHT[q] for q in QUERIES])
        hits = [len(set(firsts[q][:5]) & RIGHT[q]) / 5 for q in QUERIES]
        assert table[name, "precision@5"] == pytest.approx(np.mean(hits))
        judged = {q: {d for d, grade in row.items() if grade} for q, row in found.qrels.items()}
        cut = {q: {d: ranked[q][d] for d in row[:10]} for q, row in firsts.items()}
        qrels = {q: dict.fromkeys(docs, 1) for q, docs in judged.items()}
        assert table[name, "nDCG@10"] == pytest.approx(per_query(cut, qrels, ["nDCG@10"])["nDCG@10"].mean())
        nobody = [np.mean([d not in found.qrels[q] for d in firsts[q][:10]]) for q in QUERIES]
        assert table[name, "unjudged@10"] == pytest.approx(np.mean(nobody))
        assert 0 < table[name, "unjudged@10"] < 1
    assert found.task.data.queries.keys() | set(found.without) == QUERIES.keys()
    assert results(tmp_path / "judging", corpus=CORPUS).task.data.corpus == CORPUS
    with pytest.raises(ValueError, match="not the one that was searched"):
        results(tmp_path / "judging", corpus={})


def test_several_judges(tmp_path) -> None:
    """Each has a file, their agreement is scikit-learn's, and a document on which they differ is not relevant."""
    first, second = begin(tmp_path, judge="ann"), begin(tmp_path, judge="bob")
    finish(first)
    finish(second, wrong=0.2)
    first.back()
    first.answer(None)  # unsure: out of the agreement, and bob's answer decides
    pairs = [pair for pair in first.pairs if first.answers[pair][0] is not None]
    a, b = ([session.answers[pair][0] for pair in pairs] for session in (first, second))
    found = results(tmp_path / "judging")
    [row] = found.agreement.to_dict("records")
    assert (row["judge"], row["other"], row["n"]) == ("ann", "bob", len(first.pairs) - 1)
    assert row["agreement"] == np.mean(np.equal(a, b)) < 1
    assert row["kappa"] == pytest.approx(cohen_kappa_score(a, b))
    for (query, doc), one, two in zip(pairs, a, b, strict=True):
        assert found.qrels[query][doc] == int(one and two)
    finish(begin(tmp_path, judge="cy"), wrong=0.3)
    three = results(tmp_path / "judging")
    assert len(three.agreement) == 3
    assert f"3 judges; kappa {three.agreement['kappa'].mean():.2f}" in str(three)
    same = {("q", str(n)): (True, 1.0) for n in range(3)}
    [row] = agreement_of({"a": same, "b": same}).to_dict("records")
    assert (row["n"], row["agreement"]) == (3, 1) and math.isnan(row["kappa"])  # both always say yes


def test_only_searches_judged_completely_count(tmp_path) -> None:
    """One that is begun is noted and left out; with none at all there is no result."""
    session = begin(tmp_path)
    assert "None of the 10 searches" in results(session.folder).sentence
    while session.next().query_id != "s3":
        session.answer(session.next().doc_id in RIGHT[session.next().query_id])
    session.answer(True)
    found = results(session.folder)
    assert list(found.qrels) == ["s0", "s1", "s2"] and found.table["n"].eq(3).all()
    assert len(found.notes) == 1 and found.notes[0].startswith("1 search ") and "3 searches" in found.sentence
    skipped = begin(tmp_path, judge="unsure")
    while skipped.next() is not None:
        skipped.answer(None)
    assert list(results(session.folder).qrels) == ["s0", "s1", "s2", "s3"]  # s3 has one answer, the others none


def test_the_verdict_follows_the_numbers(tmp_path) -> None:
    """Shown where the adjusted p-value allows it; else how much these and 30 searches would show."""
    finish(begin(tmp_path))
    found = results(tmp_path / "judging", about="BM25")
    table = found.comparison.set_index("other")
    right = found.table[found.table["metric"] == "accuracy@1"].set_index("model")["score"] * 10
    assert (table["difference"] * 10).to_dict() == pytest.approx((right["BM25"] - right.drop("BM25")).to_dict())
    for other, row in table.iterrows():
        assert (f"than {other}, by" in found.sentence) == (row["p_holm"] < 0.05)
    pair = pd.DataFrame([{"model": "tuned", "other": "BM25", "difference": 0.3, "p_holm": 0.4, "mdd": 0.6}])
    text = summarise({"tuned": 8, "BM25": 5}, pair, 10)
    for told in (
        "10 searches",
        "tuned 8, BM25 5",
        "30 of 100, needs about 40",
        "these 10 could detect a difference of 60 of 100",
    ):
        assert told in text
    assert "30 searches could detect a difference of 35 of 100" in text
    few = summarise({"tuned": 2, "BM25": 1}, pair, 3)
    assert "judge 10 or more" in few and "would" not in few
    with pytest.raises(ValueError, match="no system 'x' was pooled"):
        results(tmp_path / "judging", about="x")


def test_qrels_can_be_read_again(tmp_path) -> None:
    """Both forms hold every judgement, zeros too; TREC's is left out where an id holds a space."""
    finish(begin(tmp_path))
    qrels = results(tmp_path / "judging").qrels
    beir, trec = write_qrels(tmp_path / "judging")
    table = pd.read_csv(beir, sep="\t", dtype=str)
    assert list(table) == ["query-id", "corpus-id", "score"]
    again: dict = {}
    for query, doc, grade in table.itertuples(index=False):
        again.setdefault(query, {})[doc] = int(grade)
    with trec.open() as file:
        assert pytrec_eval.parse_qrel(file) == again == qrels
    assert {grade for row in qrels.values() for grade in row.values()} == {0, 1}
    spaced = judge({"a": {"s": {"my file": 1.0}}}, {"s": "x"}, {"my file": "y"}, folder=tmp_path / "spaced")
    spaced.answer(True)
    assert [file.name for file in write_qrels(spaced.folder)] == ["qrels.tsv"]


def test_intervals_hold_the_truth() -> None:
    """Of 1,000 draws of 30 searches about 95 in 100 intervals hold the true share and difference; near 1 no fewer."""
    from scipy.stats import binomtest

    rng = np.random.default_rng(0)
    for p, q in ((0.75, 0.6), (0.95, 0.9)):
        hits = np.zeros(2)
        for _ in range(1000):
            hard = rng.random(30)  # the same searches: what one fails the other often fails too
            a, b = (hard < p).astype(float), (0.7 * hard + 0.3 * rng.random(30) < q).astype(float)
            low, high = binomtest(int(a.sum()), 30).proportion_ci(method="wilson")
            found = difference(a, b)
            hits += low <= p <= high, found.low <= p - B_TRUE[q] <= found.high
        assert (hits >= 930).all(), (p, q, hits)
        if p < 0.9:
            assert (hits <= 980).all(), (p, q, hits)  # near 1 the one of the difference is wider than it need be


def _share_below(q: float) -> float:
    """P(0.7 u + 0.3 v < q) for uniform u, v, by a fine grid."""
    u = (np.arange(20_000) + 0.5) / 20_000
    return float(np.clip((q - 0.7 * u) / 0.3, 0, 1).mean())


B_TRUE = {q: _share_below(q) for q in (0.6, 0.9)}
