"""Data sets by name: from local copies in the documented layout, from copies of Hub repositories, and offline."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pandas as pd
import pytest

from toolkit.prepare import RetrievalData, load
from toolkit.prepare.frames import shape_of
from toolkit.prepare.sources import known
from toolkit.prepare.sources.catalogue import find, find_mteb
from toolkit.prepare.splitting.official import official_task

STS = [{"sentence1": f"a {n}", "sentence2": f"b {n}", "score": float(n)} for n in range(6)]


def put(file: Path, rows: list[dict]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    file.write_bytes(gzip.compress(text.encode()) if file.suffix == ".gz" else text.encode())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for TOOLKIT_DATA."""
    monkeypatch.setenv("TOOLKIT_DATA", str(tmp_path))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_the_table_is_whole() -> None:
    """Every row has what is needed to load it, and a licence."""
    table = known().set_index("name")
    assert {"stsb", "quora-duplicates", "msmarco", "all-nli", "squad", "natural-questions", "nfcorpus", "scifact",
            "banking77", "xquad", "tatoeba", "clinc150", "snli", "stsb_multi_mt"} <= set(table.index)  # fmt: skip
    assert not table.index.has_duplicates and (table["licence"] != "").all()
    assert set(table["commercial"]) == {"yes", "no", "ask"}
    assert ((table["hub"] == "") == (table.index == "stackoverflow")).all()
    assert table["hub"].map(lambda name: not name or re.fullmatch(r"[\w-]+/[\w.-]+", name) is not None).all()
    for name in table.index:
        row = find(name)
        assert row is not None and row.splits and (not row.subsets or row.subset in row.subsets.split())
        assert "{subset}" not in row.local or row.subsets


def test_local_layouts_of_mteb_tasks() -> None:
    """A task of mteb with the same data as a set of the catalogue finds its local files; others have none."""
    found = {task: find_mteb(task) for task in ("STSBenchmark", "Banking77Classification", "Tatoeba", "XQuADRetrieval")}
    assert {task: known.folder for task, known in found.items() if known} == {
        "STSBenchmark": "stsb_en", "Banking77Classification": "banking77", "Tatoeba": "tatoeba",
        "XQuADRetrieval": "xquad",
    }  # fmt: skip
    assert found["XQuADRetrieval"].paths("validation", "de") == [
        "xquad/de.questions.jsonl.gz", "xquad/de.passages.jsonl.gz"
    ]  # fmt: skip
    assert found["STSBenchmark"].paths("validation") == ["stsb_en/validation.jsonl.gz"]
    assert find_mteb("SciFact") is None


def test_scores_are_0_to_1_wherever_they_come_from(folder: Path) -> None:
    """Scores of 0 to 5 are divided and it is said; those of 0 to 1 stay."""
    put(folder / "stsb_en" / "test.jsonl.gz", STS)
    put(folder / "stsb_en" / "dev.jsonl.gz", [{**row, "score": row["score"] / 5} for row in STS])
    five, one = load("stsb", split="test"), load("stsb", split="validation")
    assert five.data["score"][:] == pytest.approx(one.data["score"][:]) == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert any("divided by 5" in note for note in five.notes) and not any("divided" in note for note in one.notes)
    assert five.shape == "scored pairs" == shape_of(five.data)
    task = official_task("stsb")
    assert task.kind == "similarity" and task.rows["score"].tolist() == five.data["score"][:]
    put(folder / "stsb_multi_mt" / "de.train.jsonl.gz", STS[:2])
    assert load("stsb_multi_mt:de").data["sentence1"][:] == ["a 0", "a 1"]


def test_questions_and_paragraphs(folder: Path) -> None:
    """Both files are joined; equal questions are one query; groups follow articles."""
    put(folder / "squad_v1" / "dev.passages.jsonl.gz",
        [{"pid": f"p{n}", "title": f"t{n // 2}", "text": f"paragraph {n}"} for n in range(4)])  # fmt: skip
    asked = ["who sang the song", "where is the river", "who sang the song ", "how deep"]
    put(folder / "squad_v1" / "dev.questions.jsonl.gz",
        [{"id": str(n), "question": text, "pid": f"p{n}", "answer": "x"} for n, text in enumerate(asked)])  # fmt: skip
    loaded = load("squad", split="test")
    assert loaded.data[1] == {"anchor": asked[1], "positive": "paragraph 1", "positive_id": "p1", "group": "t0"}
    assert "the publishers' validation split" in " ".join(loaded.notes)
    task = official_task("squad")
    assert isinstance(task.data, RetrievalData) and len(task.data.corpus) == 4
    assert task.data.qrels == {"q0": {"p0": 1, "p2": 1}, "q1": {"p1": 1}, "q2": {"p3": 1}}
    assert len(set(task.groups.values())) == 1  # t0 by the first two, t1 by the shared question
    put(folder / "squad_v1" / "train.passages.jsonl.gz", [{"pid": "p0", "title": "t", "text": "a"}] * 2)
    put(folder / "squad_v1" / "train.questions.jsonl.gz", [{"id": "1", "question": "q", "pid": "p0"}])
    with pytest.raises(ValueError, match=r"train.passages.jsonl.gz .*pid 'p0'"):
        load("squad")
    put(folder / "squad_v1" / "dev.questions.jsonl.gz", [{"id": "1", "question": "q", "pid": "p9"}])
    with pytest.raises(ValueError, match="1 rows .* pid .*'p9'"):
        load("squad", split="test")


def test_labels(folder: Path) -> None:
    """Classification has its training texts; clustering asks for none; NLI labels are numbers, neutral pairs go."""
    rows = [{"text": f"where is card number {n}", "label": "lost" if n % 2 else "late"} for n in range(8)]
    put(folder / "banking77" / "train.jsonl.gz", rows[:6])
    put(folder / "banking77" / "test.jsonl.gz", rows[6:])
    task = official_task("banking77")
    assert task.kind == "classification" and task.train is not None and len(task.train) == 6 and len(task.data) == 2
    assert official_task("banking77", kind="clustering").train is None
    with pytest.raises(ValueError, match="kind classification or clustering, got 'retrieval'"):
        official_task("banking77", kind="retrieval")
    nli = [{"premise": f"p {n}", "hypothesis": f"h {n}", "label": label}
           for n, label in enumerate(["neutral", "entailment", "contradiction", "-1"])]  # fmt: skip
    put(folder / "snli" / "test.jsonl.gz", nli)
    loaded = load("snli", split="test")
    assert loaded.data["label"][:] == [1, 0, 2] and loaded.table["dropped"].tolist() == [1]
    assert official_task("snli").rows["label"].tolist() == [1, 0]
    put(folder / "clinc150" / "val.jsonl.gz", [{"text": "a", "intent": "oos"}, {"text": "b", "intent": "pay"}])
    assert load("clinc150", split="dev").data.to_dict() == {"text": ["b"], "label": ["pay"]}


def test_quora(folder: Path) -> None:
    """Ids become texts; the task searches all questions but those that search, with BEIR's judgements."""
    (folder / "quora" / "beir_test").mkdir(parents=True)
    pd.DataFrame({"qid": range(1, 6), "text": [f"question {n}" for n in range(1, 6)]}).to_parquet(
        folder / "quora" / "questions.parquet"
    )
    pd.DataFrame({"pair_id": [0, 1], "qid1": [1, 3], "qid2": [2, 5], "is_duplicate": [1, 0]}).to_parquet(
        folder / "quora" / "pairs.parquet"
    )
    (folder / "quora" / "beir_test" / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\n1\t2\t1\n")
    assert load("quora-duplicates").data.to_dict() == {
        "sentence1": ["question 1", "question 3"], "sentence2": ["question 2", "question 5"], "label": [1, 0]
    }  # fmt: skip
    with pytest.raises(ValueError, match="pair-class, pair, not triplet"):
        load("quora-duplicates:triplet")
    assert load("quora-duplicates:pair").data.to_dict() == {"anchor": ["question 1"], "positive": ["question 2"]}
    assert any("NOT for commercial use" in note for note in load("quora-duplicates").notes)
    data = official_task("quora-duplicates").data
    assert isinstance(data, RetrievalData)
    assert data.qrels == {"1": {"2": 1}} and sorted(data.corpus) == ["2", "3", "4", "5"]


def test_copies_of_hub_repositories(folder: Path) -> None:
    """A folder as the Hub has it is read by name, with its subsets, its splits and any columns."""
    repository = folder / "owner" / "name"
    card = "---\nconfigs:\n- config_name: a\n  data_files:\n  - split: train\n    path: a/train.jsonl\n" \
           "  - split: validation\n    path: a/validation.jsonl\n" \
           "- config_name: b\n  data_files:\n  - split: train\n    path: b.jsonl\n---\n"  # fmt: skip
    put(repository / "a" / "train.jsonl", [{"q": f"query {n}", "d": f"document {n}"} for n in range(20)])
    put(repository / "a" / "validation.jsonl", [{"q": "dev", "d": "dev document"}])
    put(repository / "b.jsonl", STS)
    (repository / "README.md").write_text(card)
    columns = {"q": "anchor", "d": "positive"}
    loaded = load("owner/name:a", columns=columns, limit=5)
    numbers = [int(text.split()[1]) for text in loaded.data["anchor"]]
    assert len(numbers) == 5 and numbers == sorted(numbers) and numbers != list(range(5))
    assert load("owner/name:a", columns=columns, split="dev").data["anchor"][:] == ["dev"]
    assert load("owner/name:b").shape == "scored pairs"
    with pytest.raises(ValueError, match="owner/name cannot be loaded: .*'a', 'b'|Config name is missing"):
        load("owner/name")
    with pytest.raises(ValueError, match="no split 'test': expected train, validation"):
        load("owner/name:a", columns=columns, split="test")
    with pytest.raises(ValueError, match="columns q, d;.*columns="):
        load("owner/name:a")


def test_collections_of_the_hub(folder: Path) -> None:
    """A benchmark in the layout of MTEB's repositories is the same task as its BEIR folder."""
    repository = folder / "mteb" / "nfcorpus"
    documents = [{"_id": "d1", "title": "t", "text": "one"}, {"_id": "d2", "title": "", "text": "two"}]
    queries = [{"_id": "q1", "text": "ask"}]
    put(repository / "corpus.jsonl", documents)
    put(repository / "queries.jsonl", queries)
    put(repository / "qrels" / "test.jsonl", [{"query-id": "q1", "corpus-id": "d1", "score": 2.0}])
    parts = {"default": ("test", "qrels/test.jsonl"), "corpus": ("corpus", "corpus.jsonl"),
             "queries": ("queries", "queries.jsonl")}  # fmt: skip
    card = "".join(
        f"- config_name: {name}\n  data_files:\n  - split: {split}\n    path: {path}\n"
        for name, (split, path) in parts.items()
    )
    (repository / "README.md").write_text(f"---\nconfigs:\n{card}---\n")
    from_hub = official_task("nfcorpus")
    put(folder / "nfcorpus" / "corpus.jsonl", documents)
    put(folder / "nfcorpus" / "queries.jsonl", queries)
    (folder / "nfcorpus" / "qrels").mkdir()
    (folder / "nfcorpus" / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t2\n")
    from_folder = official_task("nfcorpus")
    assert from_hub.data == from_folder.data and from_hub.data.qrels == {"q1": {"d1": 2}}
    loaded = load("nfcorpus", split="test")
    assert loaded.data["positive"][:] == ["t one"] and loaded.documents == ["two"]


def test_offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network one sentence says where a copy would be looked for."""
    monkeypatch.setenv("TOOLKIT_DATA", str(tmp_path))
    with pytest.raises(ConnectionError, match=re.escape(f"in {tmp_path}/mteb/scifact, run 'hf download")):
        load("scifact")
    with pytest.raises(ConnectionError, match=r"stsb_en/test.jsonl.gz"):
        load("stsb", split="test")
    monkeypatch.delenv("TOOLKIT_DATA")
    with pytest.raises(ConnectionError, match="a folder owner/name below the one that TOOLKIT_DATA names"):
        load("owner/name")
    with pytest.raises(FileNotFoundError, match=r"not on the Hugging Face Hub: expected stackoverflow_short/test"):
        load("stackoverflow")
    monkeypatch.setenv("TOOLKIT_DATA", str(tmp_path / "none"))
    with pytest.raises(FileNotFoundError, match="TOOLKIT_DATA .*none, but there is no such folder"):
        load("stsb")


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("scifcat", {}, "did you mean scifact"),
        ("xquad:xx", {}, "xquad has no subset 'xx': expected ar, de"),
        ("banking77", {"split": "dev"}, "banking77 has no split 'dev': expected train, test"),
        ("banking77", {"columns": {"text": "text"}}, "has its columns already"),
    ],
)
def test_wrong_names(source: str, options: dict, message: str) -> None:
    """Wrong names are answered with those there are."""
    with pytest.raises(ValueError, match=message):
        load(source, **options)
    with pytest.raises(ValueError, match="data to train on and has no task of its own"):
        official_task("all-nli")


# Rows as the publishers state them.
SIZES = {
    ("stsb", "train"): 5749, ("stsb", "dev"): 1500, ("stsb", "test"): 1379, ("stsb_multi_mt:fr", "test"): 1379,
    ("banking77", "train"): 10003, ("banking77", "test"): 3080, ("squad", "train"): 87599, ("squad", "test"): 10570,
    ("quora-duplicates", "train"): 404290, ("quora-duplicates:pair", "train"): 149263, ("xquad:zh", "test"): 1190,
    ("tatoeba:jpn-eng", "test"): 1000, ("snli", "test"): 9824, ("clinc150", "train"): 15000,
    ("stackoverflow", "test"): 20000,
}  # fmt: skip


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "split"), SIZES)
def test_published_sizes(name: str, split: str, data_folder: Path) -> None:
    """All rows are there, without a word missing, in the shape that the table of names promises."""
    loaded = load(name, split=split)
    row = find(name)
    assert len(loaded.data) == SIZES[name, split] and row is not None
    assert loaded.shape == row.shape or name.endswith(":pair")
    missing = sum(pd.isna(value) for column in loaded.data.column_names for value in loaded.data[column][:])
    assert missing <= 4  # Quora has four pairs with an empty question
    if loaded.shape == "scored pairs":
        assert min(loaded.data["score"][:]) == 0 and max(loaded.data["score"][:]) == 1
    if row.name == "banking77":
        assert len(set(loaded.data["label"][:])) == 77


@pytest.mark.realdata
def test_xquad_is_that_of_mteb(data_folder: Path) -> None:
    """MTEB counts 17,079 queries and documents in the 12 languages once equal questions are one, 2,880 documents."""
    row = find("xquad")
    assert row is not None
    tasks = [official_task(f"xquad:{language}") for language in row.subsets.split()]
    assert sum(len(task.data.corpus) for task in tasks) == 2880
    assert sum(len(task.data.queries) for task in tasks) == 17079 - 2880
