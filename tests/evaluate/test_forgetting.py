"""What tuning costs on general tasks: measured where the data are here, listed as skipped where they are not."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset

from toolkit.evaluate import score
from toolkit.evaluate.analysis import measure_forgetting
from toolkit.prepare import Task

LEFT, RIGHT = ([f"{side} {i}" for i in range(80)] for side in "ab")


class Toy:
    """A model whose pairs have the true similarity, or that with noise on top."""

    def __init__(self, noise: float, query_only: bool = False) -> None:
        self.noise, self.query_only = noise, query_only

    def encode(self, texts: list[str], **options: Any) -> Any:
        """Texts of a are one axis; those of b are turned from it by their similarity."""
        rows = []
        for text in texts:
            side, number = text.split()
            rng = np.random.default_rng(int(number))
            angle = 0.0 if side == "a" else int(number) / 80 * 1.5 + self.noise * rng.normal()
            rows.append([np.cos(angle), np.sin(angle)])
        return np.array(rows, dtype=np.float32)


def task(name: str = "toy") -> Task:
    data = Dataset.from_dict({"sentence1": LEFT, "sentence2": RIGHT, "score": np.linspace(1, 0, 80)})
    return Task(name, "similarity", data, {})


def test_a_damage_is_shown_and_none_is_not() -> None:
    """Noise on top is a loss with its numbers; the same model twice is no loss shown."""
    found = measure_forgetting(Toy(0), Toy(2), [task()])
    row = found.table.iloc[0]
    assert row["task"] == "toy" and row["base"] == pytest.approx(1) and row["high"] < 0 and row["p_holm"] < 0.05
    assert row["tuned"] == pytest.approx(score(Toy(2), task()).value("spearman"))
    assert "worse" in found.sentences[0] and f"{row['tuned']:.3f}" in found.sentences[0]
    same = measure_forgetting(Toy(1), Toy(1), [task()])
    assert same.table["difference"].iloc[0] == 0 and "no loss" in same.sentences[0]
    with pytest.raises(ValueError, match="two named 'toy'"):
        measure_forgetting(Toy(0), Toy(1), [task(), task()])


def test_what_cannot_be_reached_is_skipped_without_a_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Neither a folder nor a cache: both general tasks are named as skipped, quickly, and nothing is asked for."""
    monkeypatch.delenv("TOOLKIT_DATA", raising=False)
    from huggingface_hub import constants

    before = constants.HF_HUB_OFFLINE
    found = measure_forgetting(Toy(0), Toy(1), ["stsb", "banking77", task()])
    if not found.skipped:
        pytest.skip("the sets were downloaded here before")
    assert list(found.skipped) == ["stsb", "banking77"] and found.table["task"].tolist() == ["toy"]
    assert "skipped" in found.sentences[-1] and "stsb, banking77" in found._repr_html_()
    assert constants.HF_HUB_OFFLINE is before
    monkeypatch.setenv("TOOLKIT_DATA", str(tmp_path / "none"))  # names no folder
    assert list(measure_forgetting(Toy(0), Toy(1)).skipped) == ["stsb", "banking77"]
    with pytest.raises((ValueError, OSError), match="bankng77"):
        measure_forgetting(Toy(0), Toy(1), ["bankng77"])


def test_the_side_of_the_searches_is_looked_at(model: Any) -> None:
    """A layer on the searches' side alone leaves texts as they were, and shows on the query side."""
    from toolkit.finetune.adapter import Adapter, assemble

    dim = model.get_embedding_dimension()
    rng = np.random.default_rng(0)
    damage = (np.eye(dim) + rng.normal(0, 0.2, (dim, dim))).astype(np.float32)
    tuned = assemble(model, Adapter("query layer", damage, np.eye(dim, dtype=np.float32)))
    words = [f"the colour {c} of a {t}" for c in ("red", "blue", "green") for t in ("car", "house", "tree", "river")]
    data = Dataset.from_dict({"sentence1": words, "sentence2": words[::-1], "score": rng.random(12)})
    one = Task("t", "similarity", data, {})
    assert measure_forgetting(model, tuned, [one]).table["difference"].iloc[0] == 0
    assert measure_forgetting(model, tuned, [one], side="query").table["difference"].iloc[0] != 0


@pytest.mark.realdata
def test_a_damaged_copy_forgets_on_the_sts_benchmark(model: Any, data_folder: Path) -> None:
    """Noise on the weights of the embedded model is a shown loss on STS-B; the base is the published 0.820."""
    import torch

    damaged = copy.deepcopy(model)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in damaged.parameters():
            parameter.add_(torch.randn_like(parameter) * parameter.std() * 0.3 if parameter.numel() > 1 else 0)
    found = measure_forgetting(model, damaged, ["stsb"], dtype="float32")
    row = found.table.iloc[0]
    assert row["base"] == pytest.approx(0.8203, abs=2e-4) and row["metric"] == "spearman" and row["n"] == 1379
    assert row["high"] < 0 and "worse" in found.sentences[0]


@pytest.mark.parametrize("allowed", [False, True])
def test_the_network_is_used_only_when_asked_for(monkeypatch: pytest.MonkeyPatch, allowed: bool) -> None:
    """While a set is looked for by name, the Hub's libraries are offline, unless downloads were allowed."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    seen = []

    def look(name: str, **options: Any) -> Task:
        seen.append(constants.HF_HUB_OFFLINE)
        return task(name)

    monkeypatch.setattr("toolkit.prepare.task", look)
    measure_forgetting(Toy(0), Toy(1), ["toy"], download=allowed)
    assert seen == [not allowed] and constants.HF_HUB_OFFLINE is False
