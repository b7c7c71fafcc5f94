"""Tasks and results of MTEB: equal to mteb's own, never another model's or other data's, and offline."""

from __future__ import annotations

import copy
import gzip
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset
from scipy.stats import spearmanr

from toolkit import evaluate
from toolkit.evaluate.mteb import benchmarking, compare_with_published, published, trained_on
from toolkit.evaluate.mteb import data as mtebdata
from toolkit.evaluate.mteb.model import Encoder, identify
from toolkit.evaluate.mteb.tasks import resolve
from toolkit.prepare import RetrievalData, Task

mteb = pytest.importorskip("mteb", reason="MTEB is an extra: python3 run.py install mteb")

WORDS = "apple river stone cloud tiger piano window garden rocket butter candle forest".split()
PAIRS = [
    (f"the {a} and the {b}", f"a {a} near one {b}", i % 6)
    for i, (a, b) in enumerate(zip(WORDS, WORDS[5:] + WORDS[:5], strict=True))
]


@pytest.fixture(scope="module")
def static() -> Any:
    """A small static model with random vectors and unit length: no weights are needed, and it is quick."""
    return _model(0)


def _model(seed: int, normalize: bool = True) -> Any:
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, StaticEmbedding
    from tokenizers import Tokenizer, models, pre_tokenizers

    vocabulary = {"[UNK]": 0, **{word: n for n, word in enumerate([*WORDS, *"the and a near one of in is".split()], 1)}}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    torch.manual_seed(seed)
    layers = [StaticEmbedding(tokenizer, embedding_dim=16), *([Normalize()] if normalize else [])]
    return SentenceTransformer(modules=layers, device="cpu")


def _tasks() -> dict[str, Task]:
    corpus = {f"d{i}": two for i, (_, two, _) in enumerate(PAIRS)}
    queries = {f"q{i}": one for i, (one, _, _) in enumerate(PAIRS)}
    qrels = {f"q{i}": {f"d{i}": 1, f"d{(i + 1) % 12}": 2} for i in range(12)}
    offered = {q: [f"d{(int(q[1:]) + j) % 12}" for j in range(5)] for q in queries}
    columns = {"sentence1": [p[0] for p in PAIRS], "sentence2": [p[1] for p in PAIRS]}
    pairs = Dataset.from_dict({**columns, "label": [i % 2 for i in range(12)]})
    texts = [text for one, two, _ in PAIRS for text in (one, two)]
    labelled = Dataset.from_dict({"text": texts, "label": [f"topic {i % 3}" for i in range(24)]})
    groups = {f"q{i}": i // 2 for i in range(12)}
    return {
        "retrieval": Task("own search", "retrieval", RetrievalData(corpus, queries, qrels), groups),
        "reranking": Task("own reranking", "reranking", RetrievalData(corpus, queries, qrels, offered), groups),
        "similarity": Task(
            "own similarity", "similarity",
            Dataset.from_dict({"id": [f"r{i}" for i in range(12)], **columns, "score": [float(p[2]) for p in PAIRS]}),
            {f"r{i}": i // 2 for i in range(12)},
        ),
        "pairs": Task("own pairs", "pairs", pairs, {}),
        "classification": Task("own classes", "classification", labelled, {}, train=labelled),
        "clustering": Task("own clusters", "clustering", labelled, {}),
        "bitext": Task("own bitext", "bitext", Dataset.from_dict(columns), {}),
    }  # fmt: skip


TASKS = _tasks()


def _plain(model: Any, task: Any) -> float:
    """Score by mteb alone: its own wrapper of the model, none of our code but the data."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = mteb.evaluate(
            mteb.SentenceTransformerEncoderWrapper(model), task, cache=None, show_progress_bar=False, co2_tracker=False
        )
    return float(found.task_results[0].get_score())


@pytest.mark.parametrize("kind", TASKS)
def test_own_tasks_of_every_kind_score_as_mteb_scores_them(kind: str, static: Any, tmp_path: Path, cache: Path) -> None:
    """By mteb's wrapper and by ours the scores are equal, and lie in mteb's own files below the weights' digest."""
    task = TASKS[kind]
    found = evaluate.benchmark(static, task, out=tmp_path, progress=False)
    [row] = found.table.to_dict("records")
    assert row["score"] == pytest.approx(_plain(static, evaluate.as_mteb(task)), abs=1e-6)
    assert list(found.table.columns) == benchmarking.COLUMNS
    results = mteb.ResultCache(tmp_path).load_results(require_model_meta=False).model_results
    assert [result.model_revision for result in results] == [found.record["revision"]]
    assert results[0].task_results[0].dataset_revision == task.digest
    assert results[0].task_results[0].get_score() == pytest.approx(row["score"], abs=1e-5)
    if kind in ("retrieval", "similarity"):
        assert row["n_groups"] == evaluate.score(static, task).table["n_groups"].iloc[0]
    if kind == "clustering":
        assert np.isnan(row["low"])
    else:
        assert row["low"] <= row["score"] <= row["high"]
    assert (row["n"], row["n_groups"]) == (len(task.items), 6 if task.groups else len(task.items))


def test_scores_agree_with_those_of_the_toolkit(static: Any, tmp_path: Path, cache: Path) -> None:
    """The search's nDCG@10 is that of `evaluate.score`, the correlation scipy's, without mteb."""
    table = evaluate.benchmark(static, [TASKS["retrieval"], TASKS["similarity"]], out=tmp_path, progress=False).table
    ours = evaluate.score(static, TASKS["retrieval"]).per_query["nDCG@10"].mean()
    rows = TASKS["similarity"].rows
    left, right = (static.encode(list(rows[column])) for column in ("sentence1", "sentence2"))
    assert table["score"].tolist() == pytest.approx(
        [ours, spearmanr((left * right).sum(1), rows["score"])[0]], abs=1e-5
    )


def test_lengths_of_vectors_reach_the_classifier(tmp_path: Path, cache: Path) -> None:
    """A model without a layer of unit length is scored with the lengths it gives, as mteb scores it."""
    model = _model(1, normalize=False)
    found = evaluate.benchmark(model, TASKS["classification"], out=tmp_path, progress=False)
    assert found.table["score"][0] == pytest.approx(_plain(model, evaluate.as_mteb(TASKS["classification"])), abs=1e-9)
    assert not found.record["unit_length"]
    encoder = Encoder(model, *identify(model), dtype="float32", cache=False)
    texts = ["a tiger", "the river and the stone", "a tiger"]
    metadata = mteb.get_task("Banking77Classification").metadata
    vectors = encoder.encode(_loader(texts), task_metadata=metadata, hf_split="", hf_subset="")
    assert np.allclose(vectors, model.encode(texts), atol=1e-6)
    assert not np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=0.01)


def test_local_models_never_share_a_result(static: Any, tmp_path: Path, cache: Path) -> None:
    """Trap 1: mteb calls every local model the same; here other weights, or prompts, are another folder."""
    other = _model(1)
    scores = [
        evaluate.benchmark(m, TASKS["retrieval"], out=tmp_path, progress=False).table["score"][0]
        for m in (static, other)
    ]
    assert scores[0] != pytest.approx(scores[1], abs=1e-3)
    assert scores[1] == pytest.approx(_plain(other, evaluate.as_mteb(TASKS["retrieval"])), abs=1e-6)
    prompted = evaluate.benchmark(
        static, TASKS["retrieval"], out=tmp_path, prompts={"query": "tiger piano "}, progress=False
    )
    assert prompted.table["score"][0] != pytest.approx(scores[0], abs=1e-3)
    assert len(list(tmp_path.glob("results/*/*"))) == 3
    changed = copy.deepcopy(static)  # the same object in memory, trained a little
    changed[0].embedding.weight.data.neg_().add_(0.5)
    assert evaluate.benchmark(changed, TASKS["retrieval"], out=tmp_path, progress=False).table["score"][0] != scores[0]


def test_changed_data_are_scored_again(static: Any, tmp_path: Path, cache: Path) -> None:
    """Trap 2: mteb gives the score of the old data under the same name; here the old result is set aside."""
    task = TASKS["retrieval"]
    first = evaluate.benchmark(static, task, out=tmp_path, progress=False)
    swapped = {q: {d: 3 - g for d, g in row.items()} for q, row in task.data.qrels.items()}
    changed = Task(task.name, task.kind, RetrievalData(task.data.corpus, task.data.queries, swapped), task.groups)
    second = evaluate.benchmark(static, changed, out=tmp_path, progress=False)
    assert second.table["score"][0] == pytest.approx(_plain(static, evaluate.as_mteb(changed)), abs=1e-6)
    assert second.table["score"][0] != pytest.approx(first.table["score"][0], abs=1e-6)
    assert "own_search.json" in second.notes[-1] and "data" in second.notes[-1]
    assert len(list(tmp_path.rglob("*.aside1"))) == 2


def test_a_clustering_uses_every_document(static: Any) -> None:
    """Trap 3: mteb embeds 4 % of the documents of a clustering unless it is told otherwise."""
    seen: list[int] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapper = mteb.SentenceTransformerEncoderWrapper(static)
        original = wrapper.encode
        wrapper.encode = lambda inputs, **kwargs: seen.append(len(inputs.dataset)) or original(inputs, **kwargs)
        mteb.evaluate(wrapper, evaluate.as_mteb(TASKS["clustering"]), cache=None, show_progress_bar=False)
    assert seen == [24]


def test_nothing_is_written_into_site_packages(static: Any, tmp_path: Path, cache: Path) -> None:
    """Trap 4: mteb writes statistics of a task into its own folder."""
    folder = Path(mteb.__file__).parent
    before = {path for path in folder.rglob("*.json")}
    for task in (TASKS["similarity"], TASKS["retrieval"], TASKS["classification"]):
        made = evaluate.as_mteb(task)
        statistics = made.calculate_descriptive_statistics(overwrite_results=True)
        assert statistics["test"]["num_samples"] == (24 if task.kind != "similarity" else 12)
        evaluate.benchmark(static, task, out=tmp_path, progress=False)
    assert {path for path in folder.rglob("*.json")} == before


def test_what_is_scored_is_not_scored_again(static: Any, tmp_path: Path, cache: Path, monkeypatch: Any) -> None:
    """A second call returns the first one's table without running anything."""
    first = evaluate.benchmark(static, list(TASKS.values())[:3], out=tmp_path, progress=False)
    monkeypatch.setattr(mteb, "evaluate", lambda *args, **kwargs: pytest.fail("scored again"))
    second = evaluate.benchmark(static, list(TASKS.values())[:3], out=tmp_path, progress=False)
    assert second.table.equals(first.table)


@pytest.mark.parametrize("damage", ["half", "garbled", "version", "lost"])
def test_results_that_do_not_hold_are_set_aside(damage: str, static: Any, tmp_path: Path, cache: Path) -> None:
    """A half-written file, one of another version of mteb, one without its record: scored again, and said."""
    first = evaluate.benchmark(static, TASKS["similarity"], out=tmp_path, progress=False)
    [file] = tmp_path.glob("results/*/*/own_similarity.json")
    text = file.read_text(encoding="utf-8").replace(str(first.table["score"][0]), "0.123")
    if damage == "half":
        file.write_text(text[: len(text) // 2], encoding="utf-8")
    elif damage == "garbled":
        file.write_bytes(b"\xff\xfe" + text.encode())
    elif damage == "version":
        file.write_text(text.replace(f'"{mteb.__version__}"', '"2.20.0"'), encoding="utf-8")
    else:
        [record] = tmp_path.glob("intervals/*/*/own_similarity.json")
        record.unlink()
    again = evaluate.benchmark(static, TASKS["similarity"], out=tmp_path, progress=False)
    assert again.table.equals(first.table)
    word = {"half": "incomplete", "garbled": "incomplete", "version": "2.20.0", "lost": "record"}[damage]
    assert word in again.notes[-1]
    assert json.loads(file.read_text(encoding="utf-8"))["mteb_version"] == mteb.__version__


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def local(tmp_path: Path, monkeypatch: Any) -> Path:
    """A data folder in the documented layout, with twelve rows in each file."""
    root = tmp_path / "data"
    pairs = [{"sentence1": a, "sentence2": b, "score": s} for a, b, s in PAIRS]
    _write(root / "stsb_en" / "test.jsonl.gz", pairs)
    for language in ("deu", "fra"):
        _write(root / "tatoeba" / f"{language}-eng.test.jsonl.gz", pairs[: 12 if language == "deu" else 9])
    _write(root / "xquad" / "en.passages.jsonl.gz", [{"pid": f"en-{i}", "text": p[1]} for i, p in enumerate(PAIRS)])
    questions = [{"id": str(i), "question": p[0], "pid": f"en-{i % 3}"} for i, p in enumerate(PAIRS)]
    _write(
        root / "xquad" / "en.questions.jsonl.gz",
        [*questions, {**questions[0], "id": "again", "question": PAIRS[0][0] + " "}],
    )
    monkeypatch.setenv("TOOLKIT_DATA", str(root))
    return root


def test_registered_tasks_run_offline(local: Path, static: Any, tmp_path: Path, cache: Path) -> None:
    """Rows come from the folder, the network is cut (conftest), and parts are named as in published tables."""
    names = ["STSBenchmark", "Tatoeba/test/deu-eng", "Tatoeba/test/fra-eng", "XQuADRetrieval/validation/en"]
    found = evaluate.benchmark(static, names, out=tmp_path / "out", progress=False)
    assert found.table["task"].tolist() == names
    expected = spearmanr(
        [float(static.similarity_pairwise(static.encode([a]), static.encode([b]))[0]) for a, b, _ in PAIRS],
        [p[2] for p in PAIRS],
    )[0]
    assert found.table["score"][0] == pytest.approx(expected, abs=1e-5)
    assert found.table["n"].tolist() == [12, 12, 9, 12]
    assert found.table["n_groups"].tolist()[3] == 3  # questions of one paragraph are drawn together
    assert any("STSBenchmark.v2" in note for note in found.notes)
    differs = compare_with_published(found)["differs"]
    assert differs.str.contains("no published score").all()


def test_changed_files_are_noticed_and_other_subsets_kept(
    local: Path, static: Any, tmp_path: Path, cache: Path
) -> None:
    """A subset more is scored alone; a changed file is scored again although its name and mteb's revision stay."""
    out = tmp_path / "out"
    first = evaluate.benchmark(static, "Tatoeba/test/deu-eng", out=out, progress=False)
    both = evaluate.benchmark(static, ["Tatoeba/test/deu-eng", "Tatoeba/test/fra-eng"], out=out, progress=False)
    assert both.table["score"][0] == first.table["score"][0] and len(both.table) == 2
    rows = [{"sentence1": a, "sentence2": b} for (a, _, _), (_, b, _) in zip(PAIRS, reversed(PAIRS), strict=True)]
    _write(local / "tatoeba" / "deu-eng.test.jsonl.gz", rows)
    changed = evaluate.benchmark(static, "Tatoeba/test/deu-eng", out=out, progress=False)
    assert changed.table["score"][0] != first.table["score"][0]


def test_an_interrupted_run_continues(local: Path, static: Any, tmp_path: Path, cache: Path, monkeypatch: Any) -> None:
    """What was scored before the interruption keeps its score and interval, and is not encoded again."""
    for language, rows in (("de", PAIRS), ("fr", PAIRS[::-1])):
        pairs = [{"sentence1": a, "sentence2": b, "score": s} for a, b, s in rows]
        _write(local / "stsb_multi_mt" / f"{language}.test.jsonl.gz", pairs)
    names = [f"STSBenchmarkMultilingualSTS/test/{language}" for language in ("de", "fr")]
    seen: list[str] = []
    encode = Encoder.encode

    def interrupted(self: Encoder, inputs: Any, **options: Any) -> Any:
        if options["hf_subset"] == "fr" and "fr" not in seen:
            seen.append("fr")
            raise KeyboardInterrupt
        seen.append(options["hf_subset"])
        return encode(self, inputs, **options)

    monkeypatch.setattr(Encoder, "encode", interrupted)
    with pytest.raises(KeyboardInterrupt):
        evaluate.benchmark(static, names, out=tmp_path / "out", progress=False)
    assert seen[-1] == "fr" and set(seen[:-1]) == {"de"}
    seen[:] = ["fr"]
    found = evaluate.benchmark(static, names, out=tmp_path / "out", progress=False)
    assert set(seen) == {"fr"} and not any("set aside" in note for note in found.notes)
    alone = evaluate.benchmark(static, names, out=tmp_path / "other", progress=False)
    assert found.table.equals(alone.table) and found.table[["low", "high"]].notna().all(axis=None)


def test_missing_data_are_one_sentence(local: Path, static: Any, tmp_path: Path, monkeypatch: Any) -> None:
    """It says which folder or file, before anything runs."""
    monkeypatch.setattr(mteb, "evaluate", lambda *args, **kwargs: pytest.fail("ran before the check"))
    with pytest.raises(
        FileNotFoundError, match=r"Banking77Classification needs its data: expected the folder .*banking77"
    ):
        evaluate.benchmark(static, ["STSBenchmark", "Banking77Classification"], out=tmp_path, progress=False)
    with pytest.raises(FileNotFoundError, match=r"110 of 112 subsets.*'Tatoeba/test/(deu|fra)-eng'"):
        evaluate.benchmark(static, "Tatoeba", out=tmp_path, progress=False)
    monkeypatch.delenv("TOOLKIT_DATA")
    with pytest.raises(FileNotFoundError, match="stsb_en below one that TOOLKIT_DATA names"):
        evaluate.benchmark(static, "STSBenchmark", out=tmp_path, progress=False)


def test_damaged_data_say_which_file(local: Path, static: Any, tmp_path: Path) -> None:
    file = local / "stsb_en" / "test.jsonl.gz"
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(ValueError, match="test.jsonl.gz cannot be read"):
        evaluate.benchmark(static, "STSBenchmark", out=tmp_path, progress=False)
    _write(file, [{"sentence1": "a", "sentence2": "b"}])
    with pytest.raises(ValueError, match="'score'"):
        evaluate.benchmark(static, "STSBenchmark", out=tmp_path, progress=False)


def test_a_copy_of_a_hub_repository_is_read_by_mteb_itself(
    static: Any, tmp_path: Path, cache: Path, monkeypatch: Any
) -> None:
    """Any task without a layout of its own, here BIOSSES: mteb's own columns and transforms, from a folder."""
    root = tmp_path / "data"
    folder = root / mteb.get_task("BIOSSES").metadata.dataset["path"]
    _write(folder / "test.jsonl.gz", [{"sentence1": a, "sentence2": b, "score": float(s % 5)} for a, b, s in PAIRS])
    monkeypatch.setenv("TOOLKIT_DATA", str(root))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "hf"))
    found = evaluate.benchmark(static, "BIOSSES", out=tmp_path / "out", progress=False)
    left, right = (static.encode([p[side] for p in PAIRS]) for side in (0, 1))
    expected = spearmanr((left * right).sum(1), [p[2] % 5 for p in PAIRS])[0]
    assert found.table["score"][0] == pytest.approx(expected, abs=1e-5)


def test_unknown_names_offer_the_nearest(static: Any, tmp_path: Path) -> None:
    for name, nearest in (("STSBenchmrk", "'STSBenchmark'"), ("MTEB(eng,v2)", r"MTEB\(eng, v2\)")):
        with pytest.raises(ValueError, match=nearest):
            evaluate.benchmark(static, name, out=tmp_path)
    with pytest.raises(ValueError, match="deu-eng"):
        evaluate.benchmark(static, "STSBenchmarkMultilingualSTS/test/deu-eng", out=tmp_path)
    with pytest.raises(ValueError, match="got none"):
        evaluate.benchmark(static, [], out=tmp_path)
    with pytest.raises(ValueError, match="image"):
        evaluate.benchmark(static, "CIFAR10Clustering", out=tmp_path)
    with pytest.raises(ValueError, match="expected a sentence-transformers model"):
        evaluate.benchmark(object(), "STSBenchmark", out=tmp_path)


def test_a_task_called_as_a_registered_one_is_refused() -> None:
    task = Task("STSBenchmark", "similarity", TASKS["similarity"].data, {})
    with pytest.raises(ValueError, match="'STSBenchmark'"):
        evaluate.as_mteb(task)
    with pytest.raises(ValueError, match="eng-Latn"):
        evaluate.as_mteb(TASKS["similarity"], languages=["klingon"])


def test_a_benchmark_is_its_tasks() -> None:
    """Whole benchmarks keep the splits and subsets that they name, and sets that are means of others are opened."""
    tasks = {task.metadata.name: task for task in resolve("MTEB(eng, v2)")}
    listed = {task.metadata.name: task for task in mteb.get_benchmark("MTEB(eng, v2)").tasks}
    assert set(listed) <= set(tasks)
    assert {name: list(tasks[name].hf_subsets) for name in listed} == {
        name: list(t.hf_subsets) for name, t in listed.items()
    }
    assert len(resolve("CQADupstackRetrieval")) == 12


def test_prompts_of_the_card_are_applied_and_recorded(local: Path, static: Any, tmp_path: Path, cache: Path) -> None:
    """The register's prompt goes before queries alone; the vectors are those of the texts with it."""
    identity, meta = identify(static, name="BAAI/bge-small-en-v1.5")
    prompt = "Represent this sentence for searching relevant passages: "
    assert identity.prompts["query"] == prompt and "document" not in identity.prompts
    found = evaluate.benchmark(
        static,
        ["XQuADRetrieval/validation/en", "STSBenchmark"],
        out=tmp_path,
        name="BAAI/bge-small-en-v1.5",
        progress=False,
    )
    assert found.record["tasks"]["XQuADRetrieval"]["prompts"] == ["", prompt]
    assert found.record["tasks"]["STSBenchmark"]["prompts"] == [""]
    encoder = Encoder(static, identity, meta, dtype="float32", cache=False)
    loader = _loader(["a tiger", "the river"])
    metadata = mteb.get_task("XQuADRetrieval").metadata
    from mteb.types import PromptType

    vectors = encoder.encode(loader, task_metadata=metadata, hf_split="", hf_subset="", prompt_type=PromptType.query)
    assert np.allclose(vectors, static.encode([prompt + "a tiger", prompt + "the river"]), atol=1e-6)
    assert static.prompts == {"query": "", "document": ""}  # the model itself is as it was


def _loader(texts: list[str]) -> Any:
    from torch.utils.data import DataLoader

    return DataLoader(Dataset.from_dict({"text": texts}), batch_size=1)


def test_declared_training_data_are_named() -> None:
    """bge-small declares NQ, and mteb counts sets made from it; potion was made from bge-base and has them from it."""
    table = trained_on("BAAI/bge-small-en-v1.5", ["NQ", "NanoNQRetrieval", "STSBenchmark"])
    assert table["seen"].tolist() == [True, True, False]
    assert table["note"][0] == "BAAI/bge-small-en-v1.5 declares NQ as training data: this task is not unseen."
    assert "NanoNQRetrieval" in table["note"][1] and "NQ-NL" in table["note"][1] and not table["note"][2]
    assert trained_on("minishlab/potion-base-8M", "NQ")["seen"][0]
    with pytest.raises(ValueError, match="bge-small-en-v1.5"):
        trained_on("BAAI/bge-smal-en-v1.5", "MSMARCO")


def test_published_scores() -> None:
    """The table that comes with the toolkit: what the leaderboard shows, as fractions."""
    table = published()
    assert len(table) > 15_000 and table["model"].nunique() == 63 and table["score"].between(-1, 1).all()
    assert not table.duplicated(["model", "task"]).any()
    one = published("BAAI/bge-small-en-v1.5", "STSBenchmark")
    assert one["score"].tolist() == [0.8586]
    parts = published("sentence-transformers/all-MiniLM-L6-v2", "XQuADRetrieval").set_index("task")["score"]
    mean = parts[parts.index.str.contains("/")].mean()
    assert len(parts) == 13 and parts["XQuADRetrieval"] == pytest.approx(mean, abs=1e-4)
    with pytest.raises(ValueError, match="STSBenchmark"):
        published(tasks="STSBenchmrk")


def test_beside_published_scores(static: Any, tmp_path: Path, local: Path, cache: Path) -> None:
    """Another model under a public name: the difference is shown, and what the records know to be different."""
    found = evaluate.benchmark(
        static, "STSBenchmark", out=tmp_path, name="minishlab/potion-base-8M", prompts={}, progress=False
    )
    [row] = compare_with_published(found).to_dict("records")
    assert row["published"] == 0.7541
    assert row["difference"] == pytest.approx(found.table["score"][0] - 0.7541)
    for said in ("12 rows", "1,379", "model's card", "prompts were used: none"):
        assert said in row["differs"]


def test_intervals_of_f1_are_of_mtebs_f1() -> None:
    """The mean of the rows' values is scikit-learn's weighted F1 for any matching."""
    from sklearn.metrics import f1_score

    rng = np.random.default_rng(0)
    for n in (1, 2, 30):
        matched = rng.integers(n, size=n)
        values = benchmarking.bitext_f1(matched.tolist())
        assert values.mean() == pytest.approx(f1_score(np.arange(n), matched, average="weighted", zero_division=0))


def test_sizes_are_those_of_mtebs_statistics() -> None:
    task = mteb.get_task("XQuADRetrieval")
    assert mtebdata.published_size(task, "validation", "en") == (1425, 260942)
    assert mtebdata.published_size(mteb.get_task("STSBenchmark"), "test", "default") == (1379, 147886)


@pytest.mark.realdata
def test_real_data_are_mtebs_copy_and_reach_published_scores(data_folder: Path, model: Any, tmp_path: Path) -> None:
    """Sizes equal mteb's statistics to the character, and MiniLM's scores the published ones to 0.1 points."""
    names = ["STSBenchmark", "XQuADRetrieval/validation/en", "Tatoeba/test/deu-eng"]
    found = evaluate.benchmark(model, names, out=tmp_path, progress=False)
    assert any("20 of 240 texts are longer than the 256 tokens" in note for note in found.notes)
    table = compare_with_published(found)
    assert table["differs"].tolist() == ["", "", ""]
    assert table["difference"].abs().max() < 0.001
