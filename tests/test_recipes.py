"""Every recipe runs, tiny and offline, by calling the same `main` as the command line."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from toolkit import deploy, vectors

ROOT = Path(__file__).resolve().parent.parent
RECIPES = sorted(path.stem for path in (ROOT / "recipes").glob("*.py"))


def recipe(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / "recipes" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One tiny run of the semantic search recipe."""
    path: Path = recipe("semantic_search").main(tiny=True, dtype="float32", out=tmp_path_factory.mktemp("runs"))
    return path


def test_recipes_are_those_of_the_readme() -> None:
    """The folder and README name the same recipes, and there is at least one."""
    named = set(re.findall(r"recipes/(\w+)\.py", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert set(RECIPES) == named != set()


def test_run_holds_everything(run: Path) -> None:
    """The run is finished and holds what it promises; figures are pictures and tables have rows."""
    assert not run.name.endswith(".partial")
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert record["training"]["dtype"] == "float32" and record["data"]["test_scored"] == 1
    assert record["machine"]["versions"]["torch"] != "not installed"
    for name in ("results", "comparison", "per_query", "split", "history"):
        assert len(pd.read_csv(run / f"{name}.csv")) > 0
    for name in ("systems", "learning"):
        assert (run / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    page = (run / "report.html").read_text(encoding="utf-8")
    for sentence in record["verdict"]:
        assert sentence.replace("'", "&#39;") in page
    assert len(re.findall('alt="[^"]{20,}"', page)) == 2


def test_figures_of_the_verdict_are_those_of_the_tables(run: Path) -> None:
    """The printed sentences agree with per_query.csv, counted again without the toolkit."""
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    table = pd.read_csv(run / "per_query.csv")
    first = [100 * table[f"{name} accuracy@1"].mean() for name in ("base", "tuned")]
    assert f"Right answer first: {first[0]:.0f} → {first[1]:.0f} of 100" in record["verdict"][0]
    gain = (table["tuned nDCG@10"] - table["base nDCG@10"]).round(12)
    assert record["verdict"][1].startswith(
        f"Helped {(gain > 0).sum()} searches, hurt {(gain < 0).sum()}, same {(gain == 0).sum()} "
    )
    assert f"{abs(gain.mean()):.3f} [" in record["verdict"][2] or f"{gain.mean():+.3f} [" in record["verdict"][2]


def test_model_folder_is_standard(run: Path) -> None:
    """Plain SentenceTransformer loads the tuned model and gives the toolkit's vectors on both sides."""
    from sentence_transformers import SentenceTransformer

    plain = SentenceTransformer(str(run / "model"), device="cpu", local_files_only=True)
    ours = vectors.load(run / "model", device="cpu")
    texts = ["rolling median of a series", "numpy.linalg.svd: Singular Value Decomposition."]
    for side, encode in (("query", plain.encode_query), ("document", plain.encode_document)):
        np.testing.assert_allclose(encode(texts), vectors.encode(ours, texts, side=side, dtype="float32"), atol=1e-5)


def test_model_card_warns_first(run: Path) -> None:
    """The first line of the card says how the sides are called, and the card is valid for the Hub."""
    from huggingface_hub import ModelCard

    card = ModelCard.load(run / "model" / "README.md")
    assert card.data.base_model == "sentence-transformers/all-MiniLM-L6-v2"
    first = card.text.strip().splitlines()[0]
    assert "encode_query" in first and "encode_document" in first
    record = json.loads((run / "model" / "training.json").read_text(encoding="utf-8"))
    assert record["data_digest"] in card.text and len(record["data_digest"]) == 64


def test_search_finds_a_document_by_its_own_text(run: Path) -> None:
    """In the bundle, each of some documents is the best answer to its own first words."""
    bundle = deploy.load(run)
    for text in bundle.texts[::150]:
        assert bundle.find(text, 1)[0].text == text


def test_second_run_gives_the_same_results(run: Path, tmp_path: Path) -> None:
    """The recipe from the shell, with a warm cache, repeats every score to the digit, and counts the test set's use."""
    command = [
        sys.executable,
        str(ROOT / "recipes/semantic_search.py"),
        "--tiny",
        "--dtype",
        "float32",
        "--out",
        str(run.parent),
    ]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    folders = sorted(run.parent.glob("*semantic-search*/run.json"))
    second = next(file.parent for file in folders if file.parent != run)
    assert (second / "results.csv").read_text() == (run / "results.csv").read_text()
    assert json.loads((second / "run.json").read_text(encoding="utf-8"))["data"]["test_scored"] == 2
    [line] = re.findall(r"^Search it: +(.+)$", done.stdout, re.MULTILINE)
    found = subprocess.run(shlex.split(line), capture_output=True, text=True, encoding="utf-8", cwd=tmp_path)
    assert found.returncode == 0 and len(found.stdout.splitlines()) == 5


def test_errors_are_one_sentence(tmp_path: Path) -> None:
    """A model that does not exist and an output that is a file end with one sentence and status 1."""
    script = str(ROOT / "recipes/semantic_search.py")
    (tmp_path / "file").write_text("")
    for words, message in (
        (["--model", str(tmp_path / "none")], "there is no folder"),
        (["--out", str(tmp_path / "file")], "cannot make the run folder"),
    ):
        done = subprocess.run(
            [sys.executable, script, "--out", str(tmp_path / "runs"), *words], capture_output=True, text=True
        )
        assert done.returncode == 1 and done.stderr.strip().splitlines()[-1].startswith("error: ")
        assert message in done.stderr and "Traceback" not in done.stderr
