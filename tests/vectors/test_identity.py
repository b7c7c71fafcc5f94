"""Weights are hashed once for each loaded model and change."""

from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import xxhash
from sentence_transformers.base.modules import Dense

from toolkit.vectors import encode, precision
from toolkit.vectors.engines import identity
from toolkit.vectors.engines.identity import weights_digest
from toolkit.vectors.loading import first_layers


@pytest.fixture
def hashed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time that weights are hashed."""
    seen: list[int] = []
    whole = xxhash.xxh3_128
    monkeypatch.setattr(identity.xxhash, "xxh3_128", lambda: (seen.append(1), whole())[1])
    return seen


@pytest.fixture
def small(model: Any) -> Any:
    return first_layers(model, 1)


def test_twenty_calls_hash_once(small: Any, cache: Path, hashed: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Choice of the format, cache and copy in another format share one digest over any number of calls."""
    monkeypatch.setattr(precision, "_has_bfloat16", lambda device: True)
    monkeypatch.setattr(precision, "_probe", lambda *_: {"ratio": 2.0, "cosine": 0.9999})
    for number in range(20):
        encode(small, [f"text {number}"])
        encode(small, [f"text {number}"], side="query", cache=False)
    assert len(hashed) == 1


def step(model: Any) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    model[0].model.embeddings.word_embeddings.weight.sum().backward()
    optimizer.step()


def one_value(model: Any) -> None:
    with torch.no_grad():
        model[0].model.encoder.layer[0].output.dense.weight[5, 7] += 1e-3


def loaded(model: Any) -> None:
    model.load_state_dict({name: tensor + 1 for name, tensor in model.state_dict().items()})


def through_data(model: Any) -> None:
    model[0].model.encoder.layer[0].output.dense.weight.data.mul_(1.01)


def buffer(model: Any) -> None:
    model[0].model.embeddings.register_buffer("extra", torch.ones(3))


def replaced(model: Any) -> None:
    layer = model[0].model.encoder.layer[0].output.dense
    layer.weight = torch.nn.Parameter(layer.weight + 1)


CHANGES: dict[str, Callable[[Any], Any]] = {
    "step of an optimizer": step, "one value": one_value, "load_state_dict": loaded, "through .data": through_data,
    "half": lambda model: model.half(), "buffer": buffer, "parameter replaced": replaced,
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_hashed_again(small: Any, hashed: list[int], change: str) -> None:
    """After any change the digest is that of a computation from nothing, and another than before."""
    before = weights_digest(small)
    assert weights_digest(small) == before and len(hashed) == 1
    CHANGES[change](small)
    after = weights_digest(small)
    assert after != before and weights_digest(small) == after and len(hashed) == 2
    identity._digests.clear()
    assert weights_digest(small) == after


def test_copies_and_parts(small: Any, hashed: list[int]) -> None:
    """A copy has the digest of its original and goes its own way; parts of one model are told apart."""
    twin = copy.deepcopy(small)
    assert weights_digest(twin) == weights_digest(small)
    one_value(twin)
    assert weights_digest(twin) != weights_digest(small)
    hashed.clear()
    longer = [*small, Dense(384, 8)]
    for _ in range(3):
        assert weights_digest(list(small)[:1]) == weights_digest(small) != weights_digest(longer)
    assert len(hashed) == 1 and weights_digest([]) == weights_digest([])


def test_inference_tensors_are_hashed_each_time(small: Any, hashed: list[int]) -> None:
    """Torch keeps no count of changes of inference tensors: nothing is remembered of them."""
    before = weights_digest(small)
    with torch.inference_mode():
        small[0].model.embeddings.register_buffer("extra", torch.ones(3))
        first = weights_digest(small)
        small[0].model.embeddings.extra[1] = 5
        assert before != first != weights_digest(small) and len(hashed) == 3
