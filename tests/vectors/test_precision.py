"""Which number format encodes: measured once, remembered, never where it cannot pay."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from toolkit.vectors import encode, precision
from toolkit.vectors.engines.identity import weights_digest
from toolkit.vectors.engines.torch import TorchBody, divide, in_dtype
from toolkit.vectors.precision import resolve_dtype


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A machine with bfloat16 whose measurement is `probes.answer`, counted in `probes.count`."""

    class Probes:
        count = 0
        answer = {"ratio": 2.0, "cosine": 0.9999}

        def __call__(self, *_: Any) -> dict[str, float]:
            self.count += 1
            return self.answer

    fake = Probes()
    monkeypatch.setattr(precision, "_has_bfloat16", lambda device: True)
    monkeypatch.setattr(precision, "_probe", fake)
    return fake


def test_without_bfloat16_nothing_is_measured(model: Any, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A processor without the instructions keeps float32 and measures nothing."""
    monkeypatch.setattr(precision, "_has_bfloat16", lambda device: False)
    monkeypatch.setattr(precision, "_probe", lambda *_: pytest.fail("measured"))
    assert resolve_dtype(model) == "float32" and not (cache / "probes.json").exists()


def test_answers_of_the_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Emulated bfloat16 does not count: AVX-512 BF16 or AMX has to be there, and oneDNN has to use it."""
    device = torch.device("cpu")
    for dnn, avx, amx, expected in ((1, 1, 0, True), (1, 0, 1, True), (1, 0, 0, False), (0, 1, 1, False)):
        monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda dnn=dnn: dnn)
        monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda avx=avx: avx)
        monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda amx=amx: amx)
        assert precision._has_bfloat16(device) is expected
    assert precision._has_bfloat16(torch.device("mps")) is False


def test_measured_once(model: Any, cache: Path, probes: Any) -> None:
    """The answer is written down, so that a later call, however busy the machine, decides the same."""
    assert resolve_dtype(model) == "bfloat16" and probes.count == 1
    probes.answer = {"ratio": 0.5, "cosine": 0.9999}
    assert resolve_dtype(model) == "bfloat16" and probes.count == 1
    (known,) = json.loads((cache / "probes.json").read_text()).items()
    assert weights_digest(model) in known[0] and torch.__version__ in known[0] and known[1]["ratio"] == 2.0


def test_another_model_is_measured_too(model: Any, cache: Path, probes: Any) -> None:
    """A changed weight is another model; the first answer is kept beside the second."""
    resolve_dtype(model)
    changed = copy.deepcopy(model)
    with torch.no_grad():
        changed[0].model.embeddings.word_embeddings.weight[7, 7] += 1
    probes.answer = {"ratio": 1.0, "cosine": 1.0}
    assert resolve_dtype(changed) == "float32" and resolve_dtype(model) == "bfloat16" and probes.count == 2


@pytest.mark.parametrize(
    ("ratio", "cosine", "expected"),
    [
        (1.15, 0.9995, "bfloat16"),
        (1.14, 1.0, "float32"),
        (9.0, 0.9994, "float32"),
        (9.0, float("nan"), "float32"),
    ],
)
def test_fast_and_close(model: Any, cache: Path, probes: Any, ratio: float, cosine: float, expected: str) -> None:
    """Both gates have to be passed: at least 1.15 times as fast, and every cosine at least 0.9995."""
    probes.answer = {"ratio": ratio, "cosine": cosine}
    assert resolve_dtype(model) == expected


@pytest.mark.parametrize(
    "content", ["", "{half", "[]", '{"a": 3}', '{"KEY": {"ratio": null}}', "\x00\x01", '{"KEY": 1}']
)
def test_damaged_probes(model: Any, cache: Path, probes: Any, content: str) -> None:
    """A damaged file of answers is measured anew and mended."""
    resolve_dtype(model)
    file = cache / "probes.json"
    (key,) = json.loads(file.read_text())
    file.write_text(content.replace("KEY", json.dumps(key)[1:-1]))
    assert resolve_dtype(model) == "bfloat16" and probes.count == 2
    assert json.loads(file.read_text())[key]["ratio"] == 2.0


def test_cache_that_cannot_be_written(model: Any, tmp_path: Path, probes: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a place for the answer it is measured each time, without an error."""
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path / "file"))
    assert [resolve_dtype(model) for _ in range(2)] == ["bfloat16"] * 2 and probes.count == 2


def test_named_formats(model: Any, cache: Path, probes: Any) -> None:
    """A named format wins, a model in half precision stays there, an unknown name is refused; nothing is measured."""
    for name in ("float32", "bfloat16", "float16"):
        assert resolve_dtype(model, name) == name
    assert resolve_dtype(copy.deepcopy(model).half()) == "float16"
    assert resolve_dtype(copy.deepcopy(model).double()) == "float32"
    for wrong in ("int8", "", "Float32", None):
        with pytest.raises(ValueError, match="expected dtype 'auto', 'float32'"):
            resolve_dtype(model, wrong)  # type: ignore[arg-type]
    assert probes.count == 0


def test_auto_is_what_encode_uses(model: Any, cache: Path, probes: Any) -> None:
    """Where bfloat16 was chosen, encode gives its vectors, by its own cached set."""
    chosen, named, exact = (encode(model, ["a red fox"], dtype=d) for d in ("auto", "bfloat16", "float32"))
    assert np.array_equal(chosen, named) and not np.array_equal(chosen, exact)


def test_probe_measures(model: Any) -> None:
    """The measurement itself gives a positive ratio and the cosine between the two formats."""
    short = copy.deepcopy(model)
    del short[0].model.encoder.layer[1:]  # bfloat16 is many times slower on processors without it
    bodies = {name: TorchBody(short, "", None, name, *divide(short, "")) for name in ("float32", "bfloat16")}
    measured = precision._probe(bodies, 30_000, 16)
    assert set(measured) == {"ratio", "cosine"} and measured["ratio"] > 0 and 0.99 < measured["cosine"] < 1.0


def test_twin_follows_the_weights(model: Any, cache: Path) -> None:
    """The copy in another format is kept, and made anew when a weight of the original changes."""
    changed = copy.deepcopy(model)
    twin = in_dtype(changed[0], torch.bfloat16, weights_digest(changed))
    assert in_dtype(changed[0], torch.bfloat16, weights_digest(changed)) is twin
    assert in_dtype(changed[0], torch.float32, weights_digest(changed)) is changed[0]
    before = encode(changed, ["a red fox"], dtype="bfloat16")
    with torch.no_grad():
        changed[0].model.embeddings.word_embeddings.weight.mul_(-1)
    assert in_dtype(changed[0], torch.bfloat16, weights_digest(changed)) is not twin
    assert not np.allclose(encode(changed, ["a red fox"], dtype="bfloat16"), before, atol=1e-2)
    assert next(changed[0].parameters()).dtype == torch.float32
