"""`encode` gives what sentence-transformers gives, whatever the model, the column and the state of the cache."""

from __future__ import annotations

import copy
import random
import stat
import warnings
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pandas as pd
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.base.modules import Dense, Router
from sentence_transformers.sentence_transformer.modules import BoW, Normalize, Pooling, StaticEmbedding

from toolkit.vectors import encode, truncation
from toolkit.vectors import encoding as encoding_module
from toolkit.vectors.engines import torch as engine
from toolkit.vectors.engines.base import Window
from toolkit.vectors.engines.identity import weights_digest

TEXTS = [
    "a red fox", "", "a red fox", "naïve café 😀🦊", "שלום עולם, مرحبا", "漢字かな交じり文", "NUL\0and\ttab",
    "one two three " * 6, "x", "a red fox",
]  # fmt: skip
LONG = "The quick brown fox jumps over the lazy dog. " * 40  # beyond the 256 tokens of the embedded model


def stock(model: Any, texts: list[str], side: str | None = None) -> np.ndarray:
    """What sentence-transformers itself gives."""
    run = {None: model.encode, "query": model.encode_query, "document": model.encode_document}[side]
    return run(texts, normalize_embeddings=True, show_progress_bar=False)


def assert_same(model: Any, texts: list[str], side: Any = None, **settings: Any) -> None:
    """Assert that `encode` and the stock way agree to 1e-5."""
    vectors = encode(model, texts, side=side, dtype="float32", progress=False, **settings)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, stock(model, texts, side), rtol=0, atol=1e-5)


def built(*modules: Any, **settings: Any) -> SentenceTransformer:
    return SentenceTransformer(modules=list(modules), device="cpu", **settings)


@pytest.fixture(scope="module")
def small(model: Any) -> Any:
    """The embedded model with the first of its six layers alone: as good where only the way around it counts."""
    cut = copy.deepcopy(model)
    del cut[0].model.encoder.layer[1:]
    cut[0].model.config.num_hidden_layers = 1
    return cut


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int, int]]:
    """(rows, real tokens, padded tokens) of each forward pass."""
    seen: list[tuple[int, int, int]] = []
    run_ids = engine.run_ids

    def counted(transformer: Any, rest: Any, ids: Any) -> Any:
        lengths = [len(row) for row in ids]
        seen.append((len(ids), sum(lengths), len(ids) * max(lengths)))
        return run_ids(transformer, rest, ids)

    monkeypatch.setattr(engine, "run_ids", counted)
    return seen


def rows_run(passes: list[tuple[int, int, int]]) -> int:
    count = sum(rows for rows, _, _ in passes)
    passes.clear()
    return count


# ---- the same vectors as sentence-transformers


@pytest.mark.parametrize("side", [None, "query", "document"])
def test_equals_sentence_transformers(model: Any, cache: Path, side: Any) -> None:
    """Mixed lengths, duplicates, emoji, right-to-left and empty texts agree, cold, warm and without a cache."""
    expected = stock(model, TEXTS, side)
    for use in (True, True, False):
        vectors = encode(model, TEXTS, side=side, dtype="float32", cache=use)
        np.testing.assert_allclose(vectors, expected, rtol=0, atol=1e-5)


def test_whole_cut_of_a_long_text(model: Any) -> None:
    """A text beyond the limit gives the stock vector, and a warning that counts it."""
    with pytest.warns(UserWarning, match=r"2 of 3 texts are longer than the 256 tokens"):
        assert_same(model, [LONG, "short", LONG], cache=False)


WORD_AT_THE_EDGE = ("fox" + " " * 60) * 200 + " " * 110 + "xqz" * 100 + " fox" * 9  # in half it would be many tokens


@pytest.mark.parametrize(
    "text",
    ["word and more " * 15_000, "ab1-" * 50_000, "漢字" * 100_000, "a" + " " * 200_000 + "b", WORD_AT_THE_EDGE],
    ids=["spaces", "no spaces", "no words", "nothing else", "word at the edge"],
)
def test_clip_changes_nothing(small: Any, text: str) -> None:
    """200 kB texts give the vector of the whole text, with spaces, without, and with a word across the edge."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        assert_same(small, [text], cache=False)


def test_50_mb_reach_the_tokenizer_as_50_kb(small: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tokenizer never sees the whole of an enormous text."""
    seen: list[int] = []
    ids = engine.TorchBody._ids
    monkeypatch.setattr(engine.TorchBody, "_ids", lambda self, t: seen.append(max(map(len, t))) or ids(self, t))
    with pytest.warns(UserWarning, match="1 of 1"):
        got = encode(small, ["word and more " * 3_600_000], dtype="float32", cache=False)
        expected = encode(small, ["word and more " * 1_000], dtype="float32", cache=False)
    assert max(seen) < 50_000
    np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.parametrize("length", [255, 256, 257, 258])
def test_flag_at_the_edge_of_the_limit(small: Any, length: int) -> None:
    """The warning comes exactly from the first lost token on."""
    text = "fox " * (length - 2)  # and the two special tokens
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        encode(small, [text], dtype="float32", cache=False)
    assert bool(caught) == (length > 256) == bool(truncation(small, [text])["lost"][0])


@pytest.mark.parametrize(
    ("prompts", "default"),
    [
        ({"query": "query: ", "document": "passage: "}, None),
        ({"query": "query: ", "passage": "passage: "}, None),
        ({"corpus": "corpus: "}, "corpus"),
        ({"sts": "sts: "}, "sts"),
        ({"query": "query: ", "document": ""}, "query"),
    ],
)
def test_prompts(small: Any, prompts: dict[str, str], default: str | None) -> None:
    """Each side finds the prompt that encode_query, encode_document and encode find."""
    changed = copy.deepcopy(small)
    changed.prompts, changed.default_prompt_name = prompts, default
    for side in (None, "query", "document"):
        assert_same(changed, TEXTS[:4], side, cache=False)
    by_side = [encode(changed, ["fox"], side=s, dtype="float32", cache=False) for s in (None, "query", "document")]  # type: ignore[arg-type]
    assert not all(np.allclose(by_side[0], other) for other in by_side[1:]) or default in ("corpus", "sts")


def test_truncate_dim(small: Any) -> None:
    """A model cut to 64 numbers gives unit vectors of 64 numbers, from the same cached vectors."""
    changed = copy.deepcopy(small)
    changed.truncate_dim = 64
    assert_same(changed, TEXTS)
    assert encode(changed, ["a"], dtype="float32").shape == (1, 64)


def test_models_of_other_builds(small: Any, cache: Path) -> None:
    """Without Normalize, with Dense before or after it, with a prompt left out of pooling: as the stock way."""
    transformer, pooling, norm = small
    torch.manual_seed(0)
    unread = Pooling(384, "mean", include_prompt=False)
    for each in (
        built(transformer, pooling),
        built(transformer, Pooling(384, "cls"), norm),
        built(transformer, pooling, Dense(384, 16)),
        built(transformer, pooling, Dense(384, 16), Normalize()),
        built(transformer, pooling, norm, Dense(384, 16)),
        built(transformer, unread, norm, prompts={"query": "search for: ", "document": "text: "}),
    ):
        for side in (None, "query", "document") if any(each.prompts.values()) else (None,):
            assert_same(each, TEXTS, side)


def test_two_sides(small: Any, cache: Path) -> None:
    """A Router on top goes the way of its side; without one, the document's."""
    torch.manual_seed(0)
    sides = {"query": [Dense(384, 16)], "document": [Dense(384, 16)]}
    two = built(*small, Router(sides, default_route="document"), Normalize())
    for side in (None, "query", "document"):
        assert_same(two, TEXTS, side)
    query, document, bare = (encode(two, TEXTS, side=s, dtype="float32") for s in ("query", "document", None))  # type: ignore[arg-type]
    assert np.array_equal(bare, document) and not np.allclose(query, document, atol=0.1)


def test_first_modules_of_another_kind(small: Any, cache: Path) -> None:
    """Static, bag-of-words and two-tower models go the stock way, also cut to fewer numbers, cold and warm."""
    torch.manual_seed(0)
    texts = ["red fox", "hello", "red fox", "fox hello red"]
    rules = copy.deepcopy(small.tokenizer.backend_tokenizer)  # shared, one tower would switch padding on for the other
    static = StaticEmbedding(rules, embedding_dim=24)
    towers = Router.for_query_document([StaticEmbedding(rules, embedding_dim=384)], [*small][:2])
    for each in (built(static, truncate_dim=8), built(static), built(BoW(vocab=["red", "fox", "hello"]))):
        assert_same(each, texts)
        assert_same(each, texts)
    for side in ("query", "document", "query"):
        assert_same(built(towers, Normalize()), texts, side)


def test_static_model_without_a_known_word(model: Any) -> None:
    """A text that gives no unit vector is refused, not returned as NaN or zeros."""
    static = built(StaticEmbedding(model.tokenizer.backend_tokenizer, embedding_dim=8))
    with pytest.raises(ValueError, match="1 vectors that are zero"):
        encode(static, ["fox", ""], cache=False)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16, torch.float64])
def test_models_in_other_formats(small: Any, kind: torch.dtype) -> None:
    """A model loaded in another format, with a Dense in it, encodes in float32 to nearly the same vectors."""
    torch.manual_seed(0)
    exact = built(*copy.deepcopy([*small][:2]), Dense(384, 16), Normalize(), Dense(16, 8))
    other = copy.deepcopy(exact).to(kind)
    vectors = encode(other, TEXTS, dtype="float32", cache=False)
    assert (vectors * encode(exact, TEXTS, dtype="float32", cache=False)).sum(axis=1).min() > 0.999
    if kind == torch.float64:
        assert np.array_equal(encode(other, TEXTS, cache=False), vectors)


def test_half_formats_are_close(model: Any) -> None:
    """dtype='bfloat16' is another computation, and close to float32."""
    exact, half = (encode(model, TEXTS, dtype=d, cache=False) for d in ("float32", "bfloat16"))
    assert not np.array_equal(exact, half) and (exact * half).sum(axis=1).min() > 0.999


# ---- columns and outputs


def test_columns(small: Any, cache: Path) -> None:
    """A Series with any index, a datasets column, a tuple, an Index and an array of str are read alike."""
    expected = stock(small, TEXTS)
    for column in (
        pd.Series(TEXTS, index=range(50, 50 + len(TEXTS))), pd.Index(TEXTS), pd.Series(TEXTS, dtype="category"),
        datasets.Dataset.from_dict({"text": TEXTS})["text"], tuple(TEXTS), np.array(TEXTS),
    ):  # fmt: skip
        np.testing.assert_allclose(encode(small, column, dtype="float32", cache=False), expected, atol=1e-5)


@pytest.mark.parametrize("dimension", [384, 16])
def test_no_texts(small: Any, tmp_path: Path, dimension: int) -> None:
    """No texts give shape (0, dim), in memory and in a file."""
    top = [] if dimension == 384 else [Dense(384, dimension), Normalize()]
    for each in (built(*small, *top), built(*[*small][:2], *top)):
        assert encode(each, []).shape == (0, dimension)
        assert encode(each, [], out=tmp_path / "none.npy").shape == (0, dimension)


def test_out_file(small: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`out` holds the same vectors over several blocks, memory-mapped, and leaves no half file when it fails."""
    monkeypatch.setattr(encoding_module, "BLOCK", 4)
    out = tmp_path / "v.npy"
    mapped = encode(small, TEXTS, dtype="float32", out=out, cache=False)
    assert isinstance(mapped, np.memmap) and np.load(out).shape == (len(TEXTS), 384)
    np.testing.assert_allclose(mapped, stock(small, TEXTS), atol=1e-5)
    monkeypatch.setattr(engine, "run_ids", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        encode(small, TEXTS, out=tmp_path / "w.npy", cache=False)
    assert [path.name for path in tmp_path.iterdir()] == ["v.npy"]


def test_many_blocks_and_windows(small: Any, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows keep their places when blocks, windows and batches are small."""
    monkeypatch.setattr(encoding_module, "BLOCK", 7)
    monkeypatch.setattr(encoding_module, "WINDOW_TEXTS", 5)
    monkeypatch.setattr(encoding_module, "WINDOW_CHARACTERS", 60)
    monkeypatch.setattr(encoding_module, "SAVE_EVERY", 20)
    texts = [f"number {i % 40} " + "fox " * (i % 7) for i in range(60)]
    assert_same(small, texts)
    assert_same(small, texts[::-1])


# ---- what is done only once


def test_duplicates_are_encoded_once(small: Any, cache: Path, passes: list[Any]) -> None:
    """1,000 texts of which 3 differ cost 3 rows, and the second call none."""
    texts = ["a", "b", "c"] * 333 + ["a"]
    first = encode(small, texts, dtype="float32")
    assert rows_run(passes) == 3
    assert np.array_equal(encode(small, texts, dtype="float32"), first) and rows_run(passes) == 0
    encode(small, texts, dtype="float32", cache=False)
    assert rows_run(passes) == 3


def test_little_padding(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On 20,000 texts of mixed lengths at most 2 % of the tokens are padding, and batches stay in budget."""
    rng, sizes = random.Random(0), []

    def measured(transformer: Any, rest: Any, ids: Any) -> np.ndarray:
        sizes.append((sum(map(len, ids)), len(ids) * max(map(len, ids)), len(ids)))
        return np.ones((len(ids), 384), dtype=np.float32)

    monkeypatch.setattr(engine, "run_ids", measured)
    texts = [f"t{i} " + "fox " * min(200, int(rng.lognormvariate(2.7, 0.8))) for i in range(20_000)]
    encode(model, texts, dtype="float32", cache=False)
    real, padded, rows = np.sum(sizes, axis=0)
    assert rows == 20_000 and real <= padded <= 1.02 * real
    assert max(size for _, size, _ in sizes) <= engine.BATCH_TOKENS["cpu"]


def test_cut_warning_on_a_warm_cache(small: Any, cache: Path, passes: list[Any]) -> None:
    """The cache remembers which texts were cut."""
    for _ in range(2):
        with pytest.warns(UserWarning, match="2 of 3 texts"):
            encode(small, ["a", LONG, LONG], dtype="float32")
    assert rows_run(passes) == 2


def test_no_text_in_the_cache(model: Any, cache: Path) -> None:
    """No cached file holds a text or a word of it, and the folders are their owner's alone."""
    encode(model, ["the secret zanzibarium was found", "another quixotlypuzzle"], dtype="float32")
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert any(path.suffix == ".segment" for path in files)
    for path in files:
        assert not any(word in path.read_bytes() for word in (b"secret", b"zanzibarium", b"quixotlypuzzle"))
    for folder in (cache, *(path for path in cache.glob("vectors/*"))):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def one_weight(model: Any) -> None:
    with torch.no_grad():
        model[0].model.encoder.layer[0].output.dense.weight[5, 7] += 1e-3


def other_heads(model: Any) -> None:
    model[0].model.config.num_attention_heads = 6


def upper_case(model: Any) -> None:
    model.tokenizer.backend_tokenizer.normalizer.lowercase = False


CHANGES = {
    "weight": one_weight,
    "added token": lambda model: model.tokenizer.add_tokens(["re"]),  # known before, but not cut out of other words
    "rule of the tokenizer": upper_case,
    "prompt": lambda model: model.prompts.update(document="text: "),
    "max_seq_length": lambda model: setattr(model, "max_seq_length", 128),
    "pooling": lambda model: setattr(model[1], "pooling_mode", "cls"),
    "configuration": other_heads,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_misses_the_cache(small: Any, cache: Path, passes: list[Any], change: str) -> None:
    """Anything that changes a vector makes the cached one unused."""
    changed = copy.deepcopy(small)
    for _ in range(2):
        encode(changed, ["a red fox"], side="document", dtype="float32")
    assert rows_run(passes) == 1
    CHANGES[change](changed)
    assert_same(changed, ["a red fox"], "document")
    assert rows_run(passes) == 1


def test_format_misses_the_cache(small: Any, cache: Path, passes: list[Any]) -> None:
    """Vectors of one number format are not given out for another."""
    for dtype in ("float32", "bfloat16", "float16", "float32"):
        encode(small, ["a red fox"], dtype=dtype)
    assert rows_run(passes) == 3


def test_name_and_folder_hit_the_cache(small: Any, cache: Path, passes: list[Any], tmp_path: Path) -> None:
    """The same model under another name and in another folder finds its vectors."""
    from toolkit.vectors import load

    encode(small, TEXTS, dtype="float32")
    small.save_pretrained(str(tmp_path / "copy"))
    rows_run(passes)
    assert_same(load(tmp_path / "copy", device="cpu"), TEXTS)
    assert rows_run(passes) == 0


def test_tuned_model_reuses_the_base(small: Any, cache: Path, passes: list[Any], tmp_path: Path) -> None:
    """Layers on top of a base, saved and loaded, need no forward pass of the base for texts it has encoded."""
    from toolkit.vectors import load

    torch.manual_seed(0)
    sides = {"query": [Dense(384, 16)], "document": [Dense(384, 16)]}
    tuned = built(*copy.deepcopy([*small]), Router(sides, default_route="document"), Normalize())
    tuned.save_pretrained(str(tmp_path / "tuned"))
    encode(small, TEXTS, dtype="float32")
    rows_run(passes)
    for side in (None, "query", "document"):
        assert_same(load(tmp_path / "tuned", device="cpu"), TEXTS, side)
    assert rows_run(passes) == 0


def test_other_engines_are_not_cached(small: Any, cache: Path) -> None:
    """Weights that lie in an ONNX session cannot be told apart, so their vectors are not kept."""
    other = copy.deepcopy(small)
    other[0].backend = "onnx"
    assert_same(other, TEXTS)
    assert not list(cache.rglob("*.segment"))


def test_model_is_left_as_it_was(small: Any) -> None:
    """Neither weights nor prompts nor settings of the model change."""
    before = weights_digest(small), dict(small.prompts), small.max_seq_length, small.device
    for dtype in ("float32", "bfloat16"):
        encode(small, TEXTS, side="query", dtype=dtype, cache=False)
    assert before == (weights_digest(small), dict(small.prompts), small.max_seq_length, small.device)


# ---- what cannot be encoded


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("a text", "put it in a list"),
        (b"bytes", "put it in a list"),
        (None, "got NoneType"),
        (3, "got int"),
        ((x for x in "ab"), "got generator"),
        ({"a": "b"}, "got dict"),
        ({"a", "b"}, "got set"),
        (pd.DataFrame({"text": ["a", "b"]}), "got DataFrame"),
        (datasets.Dataset.from_dict({"text": ["a", "b"]}), "got Dataset"),
        (np.array([["a", "b"]]), "got ndarray"),
        (np.array("a"), "got ndarray"),
        (["a", None], "text 1 is NoneType"),
        (["a", float("nan")], "text 1 is float"),
        (pd.Series(["a", None], dtype="string"), "text 1 is NAType"),
        ([b"a"], "text 0 is bytes"),
        ([["a"]], "text 0 is list"),
        (["a", "\ud800"], "text 1 .* lone surrogate"),
    ],
)
def test_bad_texts(model: Any, texts: Any, message: str) -> None:
    """What is no list of texts is refused with what it is and the way out, by `encode` and by `truncation`."""
    with pytest.raises(ValueError, match=message):
        encode(model, texts)
    with pytest.raises(ValueError, match=message if not hasattr(texts, "send") else "."):
        truncation(model, texts)


def test_bad_settings(model: Any) -> None:
    """An unknown side, format or model is refused by name."""
    with pytest.raises(ValueError, match="got 'both'"):
        encode(model, ["a"], side="both")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="'bfloat16', 'float16'; got 'int8'"):
        encode(model, ["a"], dtype="int8")
    for wrong in (None, "all-MiniLM-L6-v2"):
        with pytest.raises(ValueError, match="expected a model with encode"):
            encode(wrong, ["a"])


def test_damaged_weights(small: Any, cache: Path) -> None:
    """NaN in the weights is an error, and nothing of it is cached."""
    damaged = copy.deepcopy(small)
    with torch.no_grad():
        damaged[0].model.encoder.layer[0].output.dense.weight[0, 0] = float("nan")
    with pytest.raises(ValueError, match="zero or not finite"):
        encode(damaged, ["a"], dtype="float32")
    assert not list(cache.rglob("*.segment"))


class OwnEngine:
    """An encoder of another engine: a body of numpy, identified by its digest."""

    dim, limit, engine, dtype, batch_tokens = 4, 6, "numpy", "float32", 8

    def __init__(self, digest: str | None) -> None:
        self.digest, self.seen = digest, 0

    def encode(self, inputs: list[str], /) -> Any:
        raise AssertionError("its body is run")

    def open_body(self, side: str | None, dtype: str) -> OwnEngine:
        return self

    def key(self) -> dict[str, Any]:
        return {"weights": self.digest, "engine": self.engine}

    def tokenise(self, texts: list[str]) -> Window:
        ids = [[ord(c) for c in text] for text in texts]
        cut = np.array([len(row) > 6 for row in ids])
        return Window([row[:6] for row in ids], np.array([min(6, len(row)) for row in ids]), cut)

    def run(self, ids: list[Any]) -> np.ndarray:
        self.seen += len(ids)
        return np.array([[len(row), sum(row), row[0], 1] for row in ids], dtype=np.float32)

    def finish(self, vectors: np.ndarray) -> np.ndarray:
        return vectors[:, ::-1]


def test_an_engine_of_its_own(cache: Path) -> None:
    """An encoder that brings its body is batched and, where a digest identifies it, cached; its limit is warned of."""
    texts = ["fox", "whale", "a longer text", "fox", "hen"]
    known, unknown = OwnEngine("abc"), OwnEngine(None)
    expected = np.array([[1, t[:6].encode()[0], sum(t[:6].encode()), len(t[:6])] for t in texts], dtype=np.float32)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    for _ in range(2):
        for each in (known, unknown):
            with pytest.warns(UserWarning, match="1 of 5 texts are longer than the 6 tokens"):
                np.testing.assert_allclose(encode(each, texts), expected, atol=1e-6)
    assert (known.seen, unknown.seen) == (4, 8)


def test_warning_can_be_left_out(small: Any) -> None:
    """Without `warn` nothing is said of texts that are cut, and the vectors are the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        quiet = encode(small, [LONG], dtype="float32", cache=False, warn=False)
    with pytest.warns(UserWarning, match="longer than"):
        np.testing.assert_array_equal(quiet, encode(small, [LONG], dtype="float32", cache=False))


class Foreign:
    """Anything with encode."""

    def __init__(self, rows: Any) -> None:
        self.rows = rows

    def encode(self, texts: list[str]) -> Any:
        assert isinstance(texts, list)
        return self.rows


def test_foreign_model(tmp_path: Path) -> None:
    """Vectors of anything with encode are scaled to length 1; a wrong shape, zero or NaN is refused."""
    vectors = encode(Foreign([[3.0, 4.0], [0.0, 2.0]]), ("a", "b"), out=tmp_path / "f.npy")
    np.testing.assert_allclose(vectors, [[0.6, 0.8], [0.0, 1.0]], atol=1e-7)
    assert np.array_equal(np.load(tmp_path / "f.npy"), vectors)
    for rows, message in (
        ([[1.0]], "expected \\(2, dim\\)"),
        ([[0.0], [1.0]], "zero"),
        ([[np.nan], [1.0]], "not finite"),
    ):
        with pytest.raises(ValueError, match=message):
            encode(Foreign(rows), ["a", "b"])
