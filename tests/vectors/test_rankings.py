"""Rankings: fused, and read from the results of another search engine."""

from __future__ import annotations

import random
import warnings
from pathlib import Path
from typing import Any

import pytest
import pytrec_eval

from toolkit.storage import digest_file
from toolkit.vectors import from_ranking
from toolkit.vectors.rankings import fuse_rankings, top

CORPUS = {"a": "Red fox", "b": "Blue whale", "c": "grey  wolf\nand sheep", "d": "red fox"}
QUERIES = {"q1": "a fox", "q2": "a whale"}


def test_fused_scores_are_sums_of_reciprocal_ranks() -> None:
    """Each document has the sum of 1 / (60 + rank) over the rankings that have it; scores do not count, only order."""
    dense = {"q": {"a": 0.9, "b": 0.8, "c": 0.1}, "only": {"x": 1.0}}
    words = {"q": {"c": 31.0, "a": 7.0}, "none": {}}
    fused = fuse_rankings(dense, words)
    assert fused["q"] == pytest.approx({"a": 1 / 61 + 1 / 62, "b": 1 / 62, "c": 1 / 63 + 1 / 61})
    assert fused["only"] == pytest.approx({"x": 1 / 61}) and fused["none"] == {}
    assert fuse_rankings(dense, words, k=1)["q"]["a"] == pytest.approx(1 / 2 + 1 / 3)


def test_fusion_by_brute_force() -> None:
    """Random rankings: every score is the plain sum over the sorted lists."""
    rng = random.Random(0)
    rankings = [{q: {f"d{i}": rng.random() for i in rng.sample(range(30), 12)} for q in ("q1", "q2")} for _ in range(3)]
    fused = fuse_rankings(*rankings, k=10)
    for query, scores in fused.items():
        for doc, score in scores.items():
            ranks = [sorted(r[query], key=r[query].get, reverse=True).index(doc) for r in rankings if doc in r[query]]
            assert score == pytest.approx(sum(1 / (11 + rank) for rank in ranks))


def test_order_of_arguments_and_entries() -> None:
    """Neither the order of the rankings nor that of their entries counts; equal scores go by name."""
    one, two = {"q": {"a": 1.0, "b": 1.0, "c": 3.0}}, {"q": {"b": 5.0, "c": 2.0}}
    turned = {"q": dict(reversed(one["q"].items()))}
    assert fuse_rankings(one, two)["q"] == pytest.approx(fuse_rankings(two, turned)["q"])
    assert fuse_rankings(one)["q"] == pytest.approx({"c": 1 / 61, "a": 1 / 62, "b": 1 / 63})
    assert one == {"q": {"a": 1.0, "b": 1.0, "c": 3.0}}


def test_top() -> None:
    """Best first, equal scores by id, no more than k."""
    assert list(top({"b": 1.0, "c": 2.0, "a": 1.0}, 5)) == ["c", "a", "b"] and top({}, 3) == {}


# ---- from_ranking


RESULTS = {"q1": {"a": 3.0, "c": 1.5}, "q2": {"b": 9.0}}
FILES = {
    "run.txt": "q1 Q0 c 2 1.5 tag\nq1 Q0 a 1 3.0 tag\n\nq2\tQ0\tb\t1\t9\ttag\n",
    "ids.csv": "query_id,doc_id,score\nq1,a,3.0\nq1,c,1.5\nq2,b,9\n",
    "ids.tsv": "qid\tdocid\tscore\tnote\nq1\ta\t3\tx\nq1\tc\t1.5\t\nq2\tb\t9\t\n",
    "semicolons.csv": "\ufeffQuery; Document ;Score\nq1;a;3.0\nq1;c;1.5\nq2;b;9\n",
    "texts.csv": 'query,document,score\n"A  fox",Red fox,3.0\na fox,"grey wolf and SHEEP",1.5\nA WHALE,blue whale,9\n',
}


@pytest.mark.parametrize("name", FILES)
def test_every_format_gives_the_same_ranking(name: str, tmp_path: Path) -> None:
    """A trec_eval run and tables with ids or texts, in any order of rows, give the results for queries by id."""
    (tmp_path / name).write_text(FILES[name], encoding="utf-8")
    if name == "texts.csv":  # rows of one query under one spelling
        (tmp_path / name).write_text(FILES[name].replace("A  fox", "a fox"), encoding="utf-8")
    system = from_ranking(tmp_path / name, CORPUS)
    assert system.search(QUERIES) == RESULTS
    assert list(system.search(QUERIES, 1)["q1"]) == ["a"]
    assert system.record == {
        "kind": "ranking", "name": "current search", "source": name, "sha256": digest_file(tmp_path / name),
    }  # fmt: skip


@pytest.mark.parametrize(
    "text",
    ["query_id,doc_id,rank\nq1,c,2\nq1,a,1\nq2,b,1\n", "query_id,doc_id\nq1,a\nq1,c\nq2,b\n",
     "query_id,doc_id,score,rank\nq1,c,,2\nq1,a,,1\nq2,b,,1\n"],
    ids=["rank", "order of rows", "empty scores"],
)  # fmt: skip
def test_without_scores(text: str, tmp_path: Path) -> None:
    """Without scores, ranks count, and without ranks the order of the rows."""
    (tmp_path / "r.csv").write_text(text)
    found = from_ranking(tmp_path / "r.csv", CORPUS).search(QUERIES)
    assert [list(row) for row in found.values()] == [["a", "c"], ["b"]]


def test_mapping_and_documents_by_text() -> None:
    """A mapping is taken as it is, changed nowhere, and of equal texts the first document counts."""
    given = {"a fox": {"RED  fox": 1, "b": 2}}
    system = from_ranking(given, CORPUS, name="shop")
    assert system.search({"x": "A fox"}) == {"x": {"b": 2.0, "a": 1.0}} and given == {"a fox": {"RED  fox": 1, "b": 2}}
    assert system.record["source"] == "memory" and system.name == "shop"
    assert from_ranking(given).search({"x": "a fox"}) == {"x": {"b": 2.0, "RED  fox": 1.0}}
    other = from_ranking({"a fox": {"RED  fox": 1, "b": 3}}, CORPUS)
    assert other.record["sha256"] != system.record["sha256"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("run.txt", "q1 Q0 a 1 3.0\n", "line 1 .* six fields"),
        ("run.txt", "q1 Q0 a 1 3.0 t\nq1 Q0 a 2 2.0 t\n", "line 2 .* 'a' a second time"),
        ("run.txt", "q1 Q0 a 1 high t\n", "'high', not a number"),
        ("run.txt", "q1 Q0 a 1 nan t\n", "is nan"),
        ("run.txt", "q1 Q0 nowhere 1 2 t\n", "1 documents .*nowhere"),
        ("run.txt", "", "no results"),
        ("r.csv", "question,answer\nq1,a\n", "has the columns question, answer"),
        ("r.csv", "", "none"),
        ("r.csv", "query,doc,rank\nq1,a,1\nq1,red fox,2\n", "second time for query 'q1'"),
    ],
)
def test_bad_files(name: str, text: str, message: str, tmp_path: Path) -> None:
    """What cannot be read is refused with the line, the value or the columns that came."""
    (tmp_path / name).write_text(text)
    with pytest.raises(ValueError, match=message):
        from_ranking(tmp_path / name, CORPUS)


def test_other_bad_input(tmp_path: Path) -> None:
    """A missing file, another encoding and an empty mapping are refused."""
    with pytest.raises(FileNotFoundError, match="no file"):
        from_ranking(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes("query_id,doc_id\nq1,Gr\xfc\xdfe\n".encode("latin-1"))
    with pytest.raises(ValueError, match="not UTF-8"):
        from_ranking(tmp_path / "latin.csv")
    with pytest.raises(ValueError, match="no results"):
        from_ranking({"q": {}}, CORPUS)


def test_missing_queries() -> None:
    """Some missing queries find nothing, with a warning that counts them; where none matches, that is an error."""
    system = from_ranking(RESULTS, CORPUS)
    with pytest.warns(UserWarning, match="1 of 3 queries .*'q9'"):
        assert system.search({**QUERIES, "q9": "a hen"}) == {**RESULTS, "q9": {}}
    with pytest.raises(ValueError, match="none of the 1 queries.*'q9'"):
        system.search({"q9": "a hen"})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert system.search({}) == {} and system.search(QUERIES) == RESULTS
    with pytest.raises(ValueError, match="k of at least 1"):
        system.search(QUERIES, 0)


def test_a_run_scores_as_trec_eval_scores_it(tmp_path: Path) -> None:
    """nDCG and average precision of the system's ranking are those that trec_eval gives for the file."""
    rng = random.Random(1)
    qrels = {f"q{i}": {f"d{j}": rng.randint(0, 2) for j in rng.sample(range(40), 8)} for i in range(10)}
    lines, run = [], {}
    for query in qrels:
        scores = {f"d{j}": rng.random() for j in rng.sample(range(40), 20)}
        run[query] = scores
        lines += [f"{query} Q0 {doc} {n} {score!r} tag" for n, (doc, score) in enumerate(scores.items())]
    (tmp_path / "run").write_text("\n".join(lines))
    corpus = {f"d{j}": f"text {j}" for j in range(40)}
    system = from_ranking(tmp_path / "run", corpus)
    ranking: Any = system.search({query: "" for query in qrels}, 100)
    evaluator = pytrec_eval.RelevanceEvaluator(qrels, {"map", "ndcg_cut.10"})
    with (tmp_path / "run").open() as file:
        expected = evaluator.evaluate(pytrec_eval.parse_run(file))
    assert evaluator.evaluate(ranking) == expected
