"""BEIR folders: judgements with their grades, and everything that does not fit is refused or counted."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from toolkit.prepare import load
from toolkit.prepare.sources.beir import is_beir, read_beir
from toolkit.prepare.splitting.official import official_task

CORPUS = [
    {"_id": "d1", "title": "Sleep", "text": "Cats sleep all day."},
    {"_id": "d2", "title": "", "text": "Dogs bark at night."},
    {"_id": 3, "text": "Fish swim in the sea."},
]
QUERIES = [{"_id": "q1", "text": "what do cats do"}, {"_id": "q2", "text": "noise of dogs"}, {"_id": "q3", "text": "x"}]
HEADER = "query-id\tcorpus-id\tscore\n"
QRELS = HEADER + "q1\td1\t2\nq1\td2\t0\nq2\td2\t1\nq2\t3\t1\n"


def folder(path: Path, corpus: list = CORPUS, queries: list = QUERIES, **qrels: str) -> Path:
    """A BEIR folder; the corpus is packed, as publishers do it."""
    (path / "qrels").mkdir(parents=True)
    with gzip.open(path / "corpus.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in corpus)
    (path / "queries.jsonl").write_text("\n".join(map(json.dumps, queries)), encoding="utf-8")
    for split, text in (qrels or {"test": QRELS}).items():
        (path / "qrels" / f"{split}.tsv").write_text(text, encoding="utf-8")
    return path


def test_grades_titles_and_ids(tmp_path: Path) -> None:
    """Titles stand before texts, ids are texts, grades stay, and only judged queries are asked."""
    task = official_task(folder(tmp_path / "pets"))
    assert task.name == "pets" and task.kind == "retrieval"
    assert task.data.corpus == {"d1": "Sleep Cats sleep all day.", "d2": "Dogs bark at night.",
                                "3": "Fish swim in the sea."}  # fmt: skip
    assert task.data.qrels == {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": 1, "3": 1}}
    assert task.data.queries == {"q1": "what do cats do", "q2": "noise of dogs"}
    assert len(set(task.groups.values())) == 2  # d2 is no shared answer: q1 has it with grade 0


def test_pairs_and_other_documents(tmp_path: Path) -> None:
    """Every relevant document of a query is a pair; what no query of the split needs is there to be found."""
    path = folder(tmp_path / "pets", train=HEADER + "q1\td1\t2\n", test=QRELS)
    train = load(path)  # train comes first
    assert train.data.to_dict() == {"anchor": ["what do cats do"], "positive": ["Sleep Cats sleep all day."],
                                    "positive_id": ["d1"]}  # fmt: skip
    assert sorted(train.documents) == ["Dogs bark at night.", "Fish swim in the sea."] and train.shape == "pairs"
    test = load(str(path), split="test")
    assert test.data["positive_id"][:] == ["d1", "d2", "3"] and test.documents == []
    assert load(path, split="test", limit=1).documents != [] and len(load(path, split="test", limit=1).data) == 1
    with pytest.raises(FileNotFoundError, match="no split 'dev': expected train, test"):
        load(path, split="dev")
    with pytest.raises(ValueError, match="has its columns already"):
        load(path, columns={"a": "anchor"})


@pytest.mark.parametrize("text", [
    "q1 0 d1 2\nq2 0 d2 1\n",  # TREC
    "q1\t0\td1\t2\r\nq2\t0\td2\t1\r\n",
    "q1\td1\t2\nq2\td2\t1.0\n",  # without a header
    "\ufeff" + HEADER + "q1\td1\t2\n\nq2\td2\t1\n",
])  # fmt: skip
def test_forms_of_judgements(tmp_path: Path, text: str) -> None:
    """Three columns with and without a header, or the four of TREC."""
    assert read_beir(folder(tmp_path / "a", test=text), "test").data.qrels == {"q1": {"d1": 2}, "q2": {"d2": 1}}


def test_what_does_not_fit_is_counted(tmp_path: Path) -> None:
    """Unknown ids, repeated lines and queries that cannot be scored are left out, with their numbers."""
    qrels = QRELS + "q9\td1\t1\nq1\td9\t1\nq1\td1\t2\nq3\td1\t0\n"
    loaded = load(folder(tmp_path / "a", [*CORPUS, CORPUS[0]], test=qrels))
    account = loaded.table.set_index("step")
    assert account["dropped"].to_dict() == {
        "same text twice": 1, "same judgement twice": 1, "unknown query": 1, "unknown document": 1,
        "no relevant document": 1}  # fmt: skip
    assert account.loc["unknown document", "example"] == "q1 -> d9"
    assert len(loaded.data) == 3


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"corpus": [*CORPUS, {"_id": "d1", "text": "other"}]}, "the id 'd1' names two texts, 'Sleep"),
        ({"test": QRELS + "q1\td1\t1\n"}, "grade document 'd1' for query 'q1' both 2 and 1"),
        ({"test": HEADER + "q1\td1\thigh\n"}, "test.tsv: line 2 holds .*expected query-id, corpus-id and a whole"),
        ({"test": HEADER + "q1\td1\t0.5\n"}, "line 2 holds"),
        ({"test": HEADER + "q1\td1\n"}, "line 2 holds"),
        ({"test": HEADER + "q3\td1\t0\n"}, "no query of test has a relevant document"),
        ({"queries": [{"id": "q1", "text": "a"}]}, 'queries.jsonl: line 1 holds .*expected an object {"_id"'),
    ],
)
def test_broken_folders(tmp_path: Path, options: dict, message: str) -> None:
    """What would give wrong scores is refused, with the line."""
    with pytest.raises(ValueError, match=message):
        load(folder(tmp_path / "a", **options))


def test_what_is_no_beir_folder(tmp_path: Path) -> None:
    """A folder with a corpus alone is read as any folder; one without judgements says what is missing."""
    path = folder(tmp_path / "a")
    (path / "qrels" / "test.tsv").unlink()
    with pytest.raises(FileNotFoundError, match=r"no judgements: expected a/qrels/test.tsv"):
        load(path)
    (path / "queries.jsonl").unlink()
    assert not is_beir(path)


def test_groups_of_queries(tmp_path: Path) -> None:
    """Queries that share an answer are not independent; nor are near-copies, nor queries of near-copied answers."""
    long = "the quick brown fox jumps over the lazy dog near the river bank today"
    corpus = [{"_id": f"d{n}", "text": text} for n, text in enumerate(["a b c", f"{long} again", f"{long} now", "z"])]
    asked = ["first thing", "second matter", "third", "fourth item", "one more of them here", "One more of them here!"]
    queries = [{"_id": f"q{n}", "text": text} for n, text in enumerate(asked)]
    qrels = HEADER + "q0\td0\t1\nq1\td0\t1\nq2\td1\t1\nq3\td2\t1\nq4\td3\t1\nq5\td0\t0\nq5\td3\t1\n"
    groups = official_task(folder(tmp_path / "a", corpus, queries, test=qrels)).groups
    assert groups["q0"] == groups["q1"] and groups["q2"] == groups["q3"] and groups["q4"] == groups["q5"]
    assert len(set(groups.values())) == 3
