"""Every kind of task and of model: equal to the evaluators of sentence-transformers, scikit-learn and MTEB."""

from __future__ import annotations

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import Dataset
from scipy.stats import spearmanr
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer import evaluation as theirs
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, v_measure_score
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from toolkit import stats, vectors
from toolkit.evaluate import score
from toolkit.evaluate.scoring import rank
from toolkit.prepare import RetrievalData, Task
from toolkit.vectors.engines import torch as engine

WORDS = 40


@pytest.fixture(scope="module")
def small() -> SentenceTransformer:
    """Means of random word vectors."""
    tokenizer = Tokenizer(WordLevel({f"w{i}": i for i in range(WORDS)}, unk_token="w0"))
    tokenizer.pre_tokenizer = Whitespace()
    weights = np.random.default_rng(0).normal(size=(WORDS, 16)).astype(np.float32)
    return SentenceTransformer(modules=[StaticEmbedding(tokenizer, weights)], device="cpu")


def texts(n: int, seed: int, words: int = 6) -> list[str]:
    drawn = np.random.default_rng(seed).integers(WORDS, size=(n, words))
    return [" ".join(f"w{word}" for word in row) for row in drawn]


def table(kind: str, **columns: Any) -> Task:
    train = columns.pop("train", None)
    groups = columns.pop("groups", {})
    return Task("t", kind, Dataset.from_dict(columns), groups, train and Dataset.from_dict(train))


def pairs_task(kind: str = "pairs", n: int = 80) -> Task:
    """Pairs that share words the more often, the higher their label."""
    rng = np.random.default_rng(1)
    left, other = texts(n, 2), texts(n, 3)
    label = rng.integers(0, 2, n)
    right = [" ".join(a.split()[:3] + b.split()[3:]) if y else b for a, b, y in zip(left, other, label, strict=True)]
    last = {"label": label.tolist()} if kind == "pairs" else {"score": (label + rng.integers(0, 4, n)).tolist()}
    return table(kind, sentence1=left, sentence2=right, **last)


def documents_task(kind: str = "retrieval", n: int = 30) -> Task:
    """Queries of some words of their documents; each has 12 candidates, relevant ones among them."""
    rng = np.random.default_rng(4)
    corpus = {f"d{i:02}": text for i, text in enumerate(texts(60, 5))}
    names = list(corpus)
    qrels = {
        f"q{i}": dict.fromkeys(rng.choice(names, size=rng.integers(1, 4), replace=False).tolist(), 1) for i in range(n)
    }
    queries = {
        q: " ".join(corpus[next(iter(row))].split()[:3] + texts(1, 50 + i)[0].split()[:2])
        for i, (q, row) in enumerate(qrels.items())
    }
    candidates = {
        q: [*row, *(d for d in rng.permutation(names).tolist() if d not in row)][:12] for q, row in qrels.items()
    }
    return Task("t", kind, RetrievalData(corpus, queries, qrels, candidates if kind == "reranking" else None), {})


class Overlap:
    """A cross-encoder: the share of shared words."""

    def predict(self, pairs: list[tuple[str, str]]) -> np.ndarray:
        """A score a pair."""
        self.n = len(pairs)
        return np.array(
            [len(set(a.split()) & set(b.split())) / len(set(b.split())) for a, b in pairs], dtype=np.float32
        )


def test_similarity_is_sentence_transformers(small: Any) -> None:
    """Spearman and Pearson of EmbeddingSimilarityEvaluator, with ties among the gold scores."""
    task = pairs_task("similarity")
    rows = task.rows
    other = theirs.EmbeddingSimilarityEvaluator(list(rows["sentence1"]), list(rows["sentence2"]), list(rows["score"]))(
        small
    )
    scores = score(small, task)
    assert scores.metrics == ["spearman", "pearson"] and list(scores.per_query) == []
    assert scores.value("spearman") == pytest.approx(other["spearman_cosine"], abs=1e-5)
    assert scores.value("pearson") == pytest.approx(other["pearson_cosine"], abs=1e-5)
    assert list(scores.predictions.index) == task.items and abs(scores.value("spearman")) > 0.1


def test_pairs_are_sentence_transformers(small: Any) -> None:
    """Average precision, best F1 and best accuracy of BinaryClassificationEvaluator, and its thresholds."""
    task = pairs_task()
    rows = task.rows
    other = theirs.BinaryClassificationEvaluator(
        list(rows["sentence1"]), list(rows["sentence2"]), list(rows["label"]), similarity_fn_names=["cosine"]
    )(small)
    scores = score(small, task)
    names = {"average_precision": "cosine_ap", "best_f1": "cosine_f1", "best_accuracy": "cosine_accuracy"}
    assert {ours: scores.value(ours) for ours in names} == pytest.approx({a: other[b] for a, b in names.items()})
    assert scores.thresholds == pytest.approx(
        {"f1": other["cosine_f1_threshold"], "accuracy": other["cosine_accuracy_threshold"]}, abs=1e-5
    )


def test_a_threshold_comes_from_dev(small: Any) -> None:
    """F1 and accuracy by dev's thresholds are scikit-learn's, below the best of test, and need a threshold."""
    task = pairs_task()
    dev, test = score(small, task.only(task.items[:40], "dev")), task.only(task.items[40:], "test")
    scores = score(small, test, threshold=dev.thresholds)
    assert scores.metrics == ["average_precision", "f1", "accuracy"] and list(scores.per_query) == ["accuracy"]
    labels, said = test.rows["label"], scores.predictions["score"]
    assert scores.value("f1") == pytest.approx(f1_score(labels, said >= dev.thresholds["f1"]))
    assert scores.value("accuracy") == pytest.approx(accuracy_score(labels, said >= dev.thresholds["accuracy"]))
    best = score(small, test)
    assert scores.value("f1") <= best.value("best_f1") and scores.value("accuracy") <= best.value("best_accuracy")
    one = score(small, test, threshold=0.4)
    assert one.value("accuracy") == pytest.approx(accuracy_score(labels, said >= 0.4))
    with pytest.raises(ValueError, match=r"'f1' needs threshold=.*score\(model, dev\)\.thresholds"):
        score(small, test, metrics=["f1"])
    with pytest.raises(ValueError, match="threshold needs .*'pairs'.*'similarity'"):
        score(small, pairs_task("similarity"), threshold=0.5)
    for wrong in ({}, {"f2": 1.0}, float("nan")):
        with pytest.raises(ValueError, match="expected a threshold as a number"):
            score(small, test, threshold=wrong)


def test_retrieval_is_sentence_transformers(small: Any) -> None:
    """InformationRetrievalEvaluator's accuracy, nDCG, MRR, recall, precision and MAP."""
    task = documents_task()
    relevant = {query: set(row) for query, row in task.data.qrels.items()}
    other = theirs.InformationRetrievalEvaluator(
        task.data.queries, task.data.corpus, relevant, score_functions={"cosine": small.similarity},
        accuracy_at_k=[1, 5], precision_recall_at_k=[5], map_at_k=[20],
    )(small)  # fmt: skip
    names = ["accuracy@1", "accuracy@5", "nDCG@10", "MRR@10", "recall@5", "precision@5", "MAP@20"]
    scores = score(small, task, metrics=names)
    for name in names:
        assert scores.value(name) == pytest.approx(other[f"cosine_{name.lower()}"], abs=1e-6), name
    assert 0.05 < scores.value("MAP@20") < 0.95


def test_reranking_is_sentence_transformers(small: Any) -> None:
    """RerankingEvaluator's MAP, MRR and nDCG, and that the candidates alone are ranked, each of them."""
    task = documents_task("reranking")
    samples = [
        {"query": text, "positive": [task.data.corpus[d] for d in task.data.candidates[q] if d in task.data.qrels[q]],
         "negative": [task.data.corpus[d] for d in task.data.candidates[q] if d not in task.data.qrels[q]]}
        for q, text in task.data.queries.items()
    ]  # fmt: skip
    other = theirs.RerankingEvaluator(samples, at_k=10)(small)
    scores = score(small, task)
    assert scores.metrics == ["MAP@1000", "MRR@10", "nDCG@10"]
    for ours, name in (("MAP@1000", "map"), ("MRR@10", "mrr@10"), ("nDCG@10", "ndcg@10")):
        assert scores.value(ours) == pytest.approx(other[name], abs=1e-6)
    for model in (small, Overlap(), vectors.bm25(task.data.corpus)):
        ranking = score(model, task).ranking
        assert {q: set(row) for q, row in ranking.items()} == {q: set(row) for q, row in task.data.candidates.items()}


def test_bitext_is_sentence_transformers_and_mteb(small: Any) -> None:
    """Accuracies of TranslationEvaluator, in which equal words are right, and MTEB's F1, in which the row counts."""
    left = texts(50, 7)
    right = [" ".join(text.split()[:4]) for text in left[:40]] + texts(10, 8)
    left[5], right[5] = left[3], right[3]  # one pair twice
    other = theirs.TranslationEvaluator(left, right)(small)
    scores = score(small, table("bitext", sentence1=left, sentence2=right))
    for name in ("src2trg_accuracy", "trg2src_accuracy", "mean_accuracy"):
        assert scores.value(name) == pytest.approx(other[name])
    found = scores.predictions["target"].astype(int).tolist()
    expected = f1_score(range(50), found, average="weighted", zero_division=0)
    assert scores.value("f1") == pytest.approx(expected) and 0.3 < expected < 0.99
    assert scores.metrics[0] == "f1" and "f1" not in scores.per_query
    mteb = pytest.importorskip("mteb.abstasks.text.bitext_mining", reason="needs the extra [mteb]")
    nearest = [{"corpus_id": row} for row in found]
    computed = mteb.AbsTaskBitextMining._compute_metrics(None, nearest, [(i, i) for i in range(50)])
    assert scores.value("f1") == pytest.approx(computed["f1"])


def labelled(n: int = 90, test: int = 60) -> Task:
    """Texts of three labels, each with words of its own and some of all."""
    rng = np.random.default_rng(9)
    label = rng.integers(0, 3, n + test)
    own = [" ".join(f"w{12 * y + i}" for i in rng.integers(12, size=3)) for y in label]
    text = [f"{a} {b}" for a, b in zip(own, texts(n + test, 10, 2), strict=True)]
    names = [f"label {y}" for y in label]
    return table("classification", text=text[n:], label=names[n:], train={"text": text[:n], "label": names[:n]})


def test_classification_is_scikit_learn(small: Any) -> None:
    """A logistic regression on unit vectors, and the majority of the five with the largest cosines."""
    task = labelled()
    scores = score(small, task)
    learn, rows = (small.encode(list(t), normalize_embeddings=True) for t in (task.train["text"], task.rows["text"]))
    labels, true = np.array(task.train["label"][:]), task.rows["label"].to_numpy()
    said = LogisticRegression(max_iter=1000).fit(learn, labels).predict(rows)
    nearest = [pd.Series(labels[np.argsort(-row)[:5]]).mode().min() for row in rows @ learn.T]
    assert scores.value("accuracy") == accuracy_score(true, said)
    assert scores.value("macro_f1") == pytest.approx(f1_score(true, said, average="macro"))
    assert scores.value("knn_accuracy") == accuracy_score(true, nearest)
    assert scores.value("knn_macro_f1") == pytest.approx(f1_score(true, nearest, average="macro"))
    assert 0.4 < scores.value("accuracy") < 1 and list(scores.per_query) == ["accuracy", "knn_accuracy"]
    assert list(score(small, task, metrics=["knn_accuracy"]).predictions) == ["knn_label"]


def test_clustering() -> None:
    """Planted clusters are found, noise is not, and the value is the mean v-measure of the ten clusterings."""
    rng = np.random.default_rng(0)
    label = np.repeat([0, 1, 2, 3], 30)
    task = table("clustering", text=[f"text {i}" for i in range(120)], label=label.tolist())
    planted = np.eye(8)[label] + 0.05 * rng.normal(size=(120, 8))
    noise = rng.normal(size=(120, 8))
    between = score({"text": planted + 4 * 0.1 * noise}, task)
    by_hand = [v_measure_score(label, between.predictions[column]) for column in between.predictions]
    assert len(by_hand) == 10 and between.value("v_measure") == pytest.approx(np.mean(by_hand))
    assert score({"text": planted}, task).value("v_measure") > 0.8
    assert score({"text": noise}, task).value("v_measure") < 0.2


def test_cross_encoders() -> None:
    """`predict` scores pairs and candidates; a whole corpus is refused with a way out, and so is a classification."""
    task = pairs_task("similarity")
    expected = spearmanr(
        Overlap().predict(list(zip(task.rows["sentence1"], task.rows["sentence2"], strict=True))), task.rows["score"]
    )
    assert score(Overlap(), task).value("spearman") == pytest.approx(expected.statistic)
    with pytest.raises(ValueError, match=r"rerank\(system, reranker\)"):
        score(Overlap(), documents_task())
    with pytest.raises(ValueError, match="'classification' needs vectors"):
        score(Overlap(), labelled())
    for values, message in ((np.ones((80, 3)), r"\(80, 3\) for 80 pairs"), (np.full(80, np.nan), "nan or infinite")):
        broken = Overlap()
        broken.predict = lambda pairs, values=values: values
        with pytest.raises(ValueError, match=message):
            score(broken, task)


def test_retrieve_then_rerank(small: Any) -> None:
    """The first k are in the cross-encoder's order, the others stay behind them in the order of the search."""
    task, model = documents_task(), Overlap()
    first = rank(small, task)
    dense = vectors.dense(small, task.data.corpus)
    score(vectors.rerank(vectors.bm25(task.data.corpus), model, depth=5), task)
    assert model.n <= 5 * 30
    scores = score(vectors.rerank(dense, model, depth=5), task)
    found = scores.ranking["q0"]
    before = sorted(first["q0"], key=first["q0"].get, reverse=True)
    after = sorted(found, key=found.get, reverse=True)
    assert set(after[:5]) == set(before[:5]) and after[5:] == before[5:] and model.n == 150
    read = [found[name] for name in after[:5]]
    assert sorted(read, reverse=True) == read and scores.value("recall@10") > 0
    with pytest.raises(ValueError, match="depth of at least 1"):
        vectors.rerank(dense, model, depth=0)
    with pytest.raises(ValueError, match="'other'.* not in its corpus"):
        vectors.rerank(replace(dense, corpus={}), model).reorder({"q": "w1"}, {"q": {"other": 1.0}}, 5)


@pytest.mark.parametrize("make", [documents_task, lambda: documents_task("reranking"), pairs_task, labelled])
def test_vectors_from_elsewhere(small: Any, make: Any) -> None:
    """Vectors of any length, by text or by row, give what the model itself gives."""
    task = make()
    if isinstance(task.data, RetrievalData):
        parts = {"queries": list(task.data.queries.values()), "documents": list(task.data.corpus.values())}
    elif task.kind == "pairs":
        parts = {side: list(task.rows[side]) for side in ("sentence1", "sentence2")}
    else:
        parts = {"text": list(task.rows["text"]), "train": list(task.train["text"])}
    arrays = {part: 3 * small.encode(rows) for part, rows in parts.items()}
    by_text = {text: vector for part, rows in parts.items() for text, vector in zip(rows, arrays[part], strict=True)}
    model = score(small, task)
    for given in (arrays, by_text):
        scores = score(given, task)
        assert [scores.value(m) for m in scores.metrics] == pytest.approx([model.value(m) for m in model.metrics])


def test_broken_vectors_from_elsewhere(small: Any) -> None:
    """nan, zero, a missing row, a missing side, a missing text and two dimensions are refused."""
    task = pairs_task()
    good = {side: small.encode(list(task.rows[side])) for side in ("sentence1", "sentence2")}

    def refused(match: str, **changed: Any) -> None:
        with pytest.raises(ValueError, match=match):
            score({**good, **changed}, task)

    spoilt, zero = good["sentence1"].copy(), good["sentence1"].copy()
    spoilt[7, 3], zero[4] = np.nan, 0
    refused(r"1 of the 80 vectors of 'sentence1' hold nan.*row 7", sentence1=spoilt)
    refused(r"are zero.* row 4", sentence1=zero)
    refused(r"shape \(79, 16\), expected \(80, dim\)", sentence2=good["sentence2"][1:])
    refused("16 dimensions and those of 'sentence2' 8", sentence2=good["sentence2"][:, :8])
    refused("numbers", sentence2=[["a"]] * 80)
    with pytest.raises(ValueError, match="needs vectors of 'sentence2'.*'sentence1'"):
        score({"sentence1": good["sentence1"]}, task)
    with pytest.raises(ValueError, match="no vectors .* 80 of the texts of 'sentence1'"):
        score({"w1": np.ones(3)}, task)


def test_a_second_score_runs_no_model(model: Any, cache: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other metrics, a slice and a finished ranking: no text enters the transformer again."""
    entered, original = [], engine.run_ids
    monkeypatch.setattr(engine, "run_ids", lambda *given: entered.append(len(given[2])) or original(*given))
    task = documents_task(n=5)
    first = score(model, task, dtype="float32")  # auto may measure formats, with texts of its own
    assert sum(entered) == 65
    second = score(model, task, metrics=["nDCG@5", "recall@20"], dtype="float32")
    assert score(first.ranking, task, metrics=["nDCG@5", "recall@20"]).table["score"].tolist() == pytest.approx(
        second.table["score"].tolist()
    )
    score(model, task.only(["q1", "q2"], "slice"), dtype="float32")
    assert first.only(["q1", "q2"], "slice").value("nDCG@10") == first.per_query["nDCG@10"][["q1", "q2"]].mean()
    assert sum(entered) == 65


def test_intervals_of_set_metrics() -> None:
    """Ends lie about where Fisher's for a correlation of normal values lie; pairs of groups count as half as many."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    y = 0.6 * x + 0.8 * rng.normal(size=400)
    angles = np.arccos(np.tanh(y))  # vectors whose cosine is a rising function of y
    given = {
        "sentence1": np.tile([1.0, 0.0], (400, 1)),
        "sentence2": np.stack([np.cos(angles), np.sin(angles)], axis=1),
    }
    columns = {"sentence1": texts(400, 1), "sentence2": texts(400, 2), "score": x.tolist()}
    row = score(given, table("similarity", **columns)).table.set_index("metric").loc["spearman"]
    assert row["score"] == pytest.approx(spearmanr(x, y).statistic, abs=1e-3)
    reach = 1.96 * np.sqrt(1.06 / 397)  # E. C. Fieller and others, Biometrika 44, 1957
    expected = np.tanh(np.arctanh(row["score"]) + np.array([-reach, reach]))
    assert [row["low"], row["high"]] == pytest.approx(expected, abs=0.02)
    assert (row["n"], row["n_groups"]) == (400, 400)
    doubled = {name: values * 2 for name, values in columns.items()}
    groups = {str(i): i % 400 for i in range(800)}
    twice = {side: np.tile(rows, (2, 1)) for side, rows in given.items()}
    grouped = score(twice, table("similarity", groups=groups, **doubled)).table.set_index("metric").loc["spearman"]
    assert [grouped["low"], grouped["high"]] == pytest.approx([row["low"], row["high"]], abs=0.01)
    assert (grouped["n"], grouped["n_groups"]) == (800, 400)


def test_resamples_are_paired(small: Any) -> None:
    """Two systems on one task are resampled alike, by all metrics; means are within the interval of `stats`."""
    task = pairs_task()
    one, two = score(small, task), score(Overlap(), task)
    same = replace(one, name="copy")
    assert (one.resampled("best_f1") == same.resampled("best_f1")).all() and len(one.resampled("best_f1")) == 2000
    apart = two.resampled("average_precision") - one.resampled("average_precision")
    assert apart.std() < np.hypot(*(s.resampled("average_precision").std() for s in (one, two)))
    by_threshold = score(small, task, threshold=0.4)
    [interval] = stats.intervals(by_threshold.per_query["accuracy"].to_numpy())
    drawn = np.percentile(by_threshold.resampled("accuracy", seed=5), [2.5, 97.5])
    assert drawn.tolist() == pytest.approx([interval.low, interval.high], abs=0.02)
    with pytest.raises(ValueError, match="'SentenceTransformer' was not scored with 'f1'"):
        one.resampled("f1")


def test_a_slice_of_a_table(small: Any) -> None:
    """Scores of some rows are those of scoring these rows alone."""
    task = pairs_task("similarity")
    part = score(small, task).only(task.items[:30], "first")
    alone = score(small, task.only(task.items[:30], "first"))
    assert [part.value(m) for m in part.metrics] == pytest.approx([alone.value(m) for m in alone.metrics])
    pd.testing.assert_frame_equal(part.table.drop(columns="model"), alone.table.drop(columns="model"))
    with pytest.raises(ValueError, match="none of the items"):
        part.only(["x"], "none")


def test_what_cannot_be_scored(small: Any) -> None:
    """Constant scores, one label, a search where vectors are needed, unknown metrics: said before any long work."""
    same = {"sentence1": ["w1"] * 4, "sentence2": ["w1 w1", "w1", "w1", "w1"], "score": [1, 2, 3, 4]}
    with pytest.raises(ValueError, match="gives all 4 pairs of task 't' the same score, 1.0000: no correlation"):
        score(small, table("similarity", **same))
    with pytest.raises(ValueError, match="all 4 pairs of task 't' have the same score"):
        score(small, table("similarity", **{**same, "score": [1] * 4}))
    with pytest.raises(ValueError, match="all 2 pairs of task 't' have the label 1"):
        score(small, table("pairs", sentence1=["w1", "w2"], sentence2=["w3", "w4"], label=[1, 1]))
    with pytest.raises(ValueError, match="training texts of task 't' have the label 'a'"):
        score(
            small, table("classification", text=["w1"], label=["a"], train={"text": ["w1", "w2"], "label": ["a", "a"]})
        )
    with pytest.raises(ValueError, match="all 2 texts of task 't' have the label 'a'"):
        score(small, table("clustering", text=["w1", "w2"], label=["a", "a"]))
    with pytest.raises(ValueError, match="fewer different vectors than its 2 labels"):
        score(small, table("clustering", text=["w1", "w1 w1", "w1"], label=["a", "a", "b"]))
    search = vectors.bm25({"d": "word"})
    for task in (pairs_task(), labelled()):
        with pytest.raises(ValueError, match="got BM25"):
            score(search, task)
    for metrics in (["nDCG@10"], ["accuracy"]):
        with pytest.raises(
            ValueError, match="unknown metric .* of kind 'similarity'; expected some of spearman, pearson"
        ):
            score(small, pairs_task("similarity"), metrics=metrics)
    reranking = documents_task("reranking")
    extra = next(d for d in reranking.data.corpus if d not in reranking.data.candidates["q0"])
    with pytest.raises(ValueError, match="not one of its candidates"):
        score({"q0": {extra: 1.0}}, reranking)
    with pytest.raises(ValueError, match="no documents to rank"):
        rank(small, pairs_task())


def test_unseen_labels_and_few_items_are_said(small: Any) -> None:
    """A label without training texts counts as wrong and is said; five items get an interval that is called rough."""
    task = table(
        "classification", text=texts(5, 1), label=["a", "b", "a", "b", "new"],
        train={"text": texts(20, 2), "label": ["a", "b"] * 10},
    )  # fmt: skip
    with pytest.warns(UserWarning, match=r"1 of 5 rows have a label that no training text has \(first: 'new'\)"):
        scores = score(small, task)
    assert scores.per_query["accuracy"].iloc[4] == 0 and "'new'" in scores.notes[0]
    assert "5 independent items" in scores.notes[1] and scores.notes[1] in scores._repr_html_()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert score(small, labelled()).notes == []
    one = score(small, table("similarity", groups={str(i): 0 for i in range(80)}, **pairs_task("similarity").data[:]))
    assert one.table[["low", "high"]].isna().all().all() and "one group" in one.notes[0]
