"""Every recipe runs, tiny and offline, by calling the same `main` as the command line."""

from __future__ import annotations

import html
import json
import re
import shlex
import subprocess
import sys
import tomllib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from recipes import semantic_search
from toolkit import deploy, prepare, runs, vectors
from toolkit.prepare import ReadOptions

ROOT = Path(__file__).resolve().parent.parent
RECIPES = sorted(path.stem for path in (ROOT / "recipes").glob("*.py") if path.stem != "__init__")


@pytest.fixture(scope="module", autouse=True)
def no_general_tasks() -> Iterator[None]:
    """Runs of tests do not score the general tasks, even where their data are: thousands of texts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TOOLKIT_DATA", raising=False)
        yield


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One tiny run of the semantic search recipe."""
    return semantic_search.main(tiny=True, dtype="float32", out=tmp_path_factory.mktemp("runs"))


def test_recipes_are_those_of_the_readme() -> None:
    """The folder and README name the same recipes, and there is at least one."""
    named = set(re.findall(r"recipes/(\w+)\.py", (ROOT / "README.md").read_text(encoding="utf-8")))
    assert set(RECIPES) == named != set()


def test_recipes_ship_with_the_toolkit() -> None:
    """The wheel holds the package of the recipes, so that a notebook can import them."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"][
        "find"
    ]
    assert "recipes" in found["include"] and (ROOT / "recipes" / "__init__.py").is_file()


def test_run_holds_everything(run: Path) -> None:
    """The run is finished and holds what it promises; figures are pictures and tables have rows."""
    assert not run.name.endswith(".partial")
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert record["training"]["dtype"] == "float32" and "scored" in record["data"]["test_use"]
    assert record["machine"]["versions"]["torch"] != "not installed" and "unfinished" not in record
    for name in ("results", "comparison", "comparison_three_keywords", "per_query", "split", "history", "ties",
                 "dropped", "examples"):  # fmt: skip
        assert len(pd.read_csv(run / f"{name}.csv")) > 0
    errors = pd.read_csv(run / "errors.csv").set_index("query_id")
    table = pd.read_csv(run / "per_query.csv").set_index("query_id")
    change = (table["tuned nDCG@10"] - table["base nDCG@10"])[errors.index]
    np.testing.assert_allclose(errors["change"], change, atol=1e-9)
    assert len(errors) == len(table) and errors["change"].is_monotonic_decreasing
    slices = pd.read_csv(run / "slices.csv")
    assert {"length", "overlap"} <= set(slices["by"]) and (slices.groupby("by")["n"].sum() <= len(table)).all()
    assert {"measure", "base", "tuned"} <= set(pd.read_csv(run / "space.csv"))
    for name in ("systems", "learning"):
        assert (run / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    page = (run / "report.html").read_text(encoding="utf-8")
    for sentence in [*record["verdict"], *record["verdict_three_keywords"], *record["limits"]]:
        assert html.escape(sentence, quote=True).replace("&#x27;", "&#39;") in re.sub("</?code>", "`", page)
    assert "sentence-transformers/all-MiniLM-L6-v2" in page and record["data"]["test_use"] in page
    assert len(re.findall('alt="[^"]{20,}"', page)) == 2


def test_the_record_names_every_system(run: Path) -> None:
    """All that were compared can be made again; the tuned model lies in the folder of the run, wherever that is."""
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert {system["name"] for system in record["systems"]} == record_systems(run)
    tuned = next(system for system in record["systems"] if system["name"] == "tuned")
    assert tuned["kind"] == "dense" and tuned["model"]["folder"] == "model"
    assert record["deployed"]["name"] in record_systems(run) and record["baseline"] == "base"
    assert str(run) not in json.dumps([record["systems"], record["deployed"], record["training"]])


def test_runs_side_by_side(run: Path) -> None:
    """The table of runs has the scores of baseline and deployed system, and the first sentence of the verdict."""
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    results = pd.read_csv(run / "results.csv").query("task == 'test' and metric == 'nDCG@10'").set_index("model")
    row = runs.table(run.parent).set_index("run").loc[run.name]
    assert row["deployed"] == record["deployed"]["name"] and row["verdict"] == record["verdict"][0]
    for part, name in (("baseline", "base"), ("deployed", row["deployed"])):
        assert row[f"{part} nDCG@10"].startswith(f"{results.loc[name, 'score']:.3f} [{results.loc[name, 'low']:.3f}")


def test_nothing_global_is_left_behind() -> None:
    """A notebook that calls a recipe keeps its warnings, and an error is an error and no exit."""
    before = list(warnings.filters)
    with pytest.raises(FileNotFoundError):
        semantic_search.main("no-such-file.csv")
    assert warnings.filters == before


def record_systems(run: Path) -> set[str]:
    """The systems that a run scored."""
    return set(pd.read_csv(run / "results.csv").query("task == 'test'")["model"])


def test_figures_of_the_verdict_are_those_of_the_tables(run: Path) -> None:
    """The printed sentences agree with per_query.csv, counted again without the toolkit."""
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    said = record["verdict"]
    table = pd.read_csv(run / "per_query.csv")
    ones = {name: f"{100 * table[f'{name} accuracy@1'].mean():.0f}" for name in ("BM25", "base", "tuned")}
    tens = {name: f"{100 * (table[f'{name} recall@10'] > 0).mean():.0f}" for name in ones}
    deployed = record["deployed"]["name"]
    used = {"first": table[f"{deployed} accuracy@1"].mean(), "ten": (table[f"{deployed} recall@10"] > 0).mean()}
    assert all(f"in {100 * share:.0f}" in said[0] for share in used.values())
    assert f"{ones['base']} → {ones['tuned']} of 100" in said[1] and f"{tens['base']} → {tens['tuned']}" in said[1]
    gain = (table["tuned nDCG@10"] - table["base nDCG@10"]).round(12)
    for count in ((gain > 0).sum(), (gain < 0).sum(), (gain == 0).sum()):
        assert re.search(rf"\b{count}\b", said[2])
    assert f"{abs(gain.mean()):.3f} [" in said[3] or f"{gain.mean():+.3f} [" in said[3]


def test_model_folder_is_standard(run: Path) -> None:
    """Plain SentenceTransformer loads the tuned model and gives the toolkit's vectors on both sides."""
    from sentence_transformers import SentenceTransformer

    plain = SentenceTransformer(str(run / "model"), device="cpu", local_files_only=True)
    ours = vectors.load(run / "model", device="cpu")
    texts = ["rolling median of a series", "numpy.linalg.svd: Singular Value Decomposition."]
    for side, encode in (("query", plain.encode_query), ("document", plain.encode_document)):
        np.testing.assert_allclose(encode(texts), vectors.encode(ours, texts, side=side, dtype="float32"), atol=1e-5)


def test_model_card_warns_first(run: Path) -> None:
    """The first line of the card names the functions to call, and the card is valid for the Hub."""
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
    for text in list(bundle.corpus.values())[::150]:
        assert bundle.find(text, 1)[0].text == text


def test_second_run_gives_the_same_results(run: Path, tmp_path: Path) -> None:
    """The recipe from the shell, with a warm cache, repeats every score to the digit; the test's uses are counted."""
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
    uses = [
        json.loads((folder / "run.json").read_text(encoding="utf-8"))["data"]["test_use"] for folder in (run, second)
    ]
    times = [int(re.search(r"\d+", text)[0]) for text in uses]
    assert times[1] == times[0] + len(record_systems(run))
    [line] = re.findall(r"^(.+ -m toolkit\.deploy search .+)$", done.stdout, re.MULTILINE)
    found = subprocess.run(shlex.split(line), capture_output=True, text=True, encoding="utf-8", cwd=tmp_path)
    assert found.returncode == 0 and len(found.stdout.splitlines()) == 5


MAIL = "jane.roe@example.com"
SIGNED = f"\n\n-- \nJane Roe, {MAIL}"


@pytest.fixture(scope="module")
def tickets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as people have them: 240 subjects and bodies, some signed, dated, in several groups."""
    rows = prepare.load("pydocs", limit=240).data.to_pandas().head(240)
    table = pd.DataFrame({
        "id": [f"{i:05d}" for i in range(len(rows))],
        "subject": rows["anchor"],
        "description": [text + SIGNED * (i % 3 == 0) for i, text in enumerate(rows["positive"])],
        "created": [f"2025-{1 + i * 12 // len(rows):02d}-15" for i in range(len(rows))],
        "customer": [f"c{i % 60}" for i in range(len(rows))],
    })  # fmt: skip
    path = tmp_path_factory.mktemp("own") / "tickets.csv"
    table.to_csv(path, index=False, sep=";")
    return path


def own(path: Path, out: Path, read: ReadOptions | None = None, **options: Any) -> Path:
    return semantic_search.main(str(path), read or ReadOptions(), dtype="float32", out=out, yes=True, **options)


def test_own_file_is_looked_at_and_called_by_its_name(
    tickets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The guess comes before the work; subjects are stand-ins in every sentence; signatures are gone; tables agree."""
    run = own(tickets, tmp_path, splits=2)
    said = capsys.readouterr().out
    assert (
        said.index("`subject` as the search (a stand-in") < said.index("Loading the model") < said.index("this machine")
    )
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert all("searches" not in sentence.replace("stand-in searches", "") for sentence in record["verdict"])
    assert record["data"]["name"] == "tickets.csv" and record["training"]["data"]["digest"] == record["data"]["digest"]
    assert any("300" in sentence for sentence in record["limits"])  # pairs below which little is to be expected
    assert any("stsb, banking77" in sentence for sentence in record["limits"])
    assert MAIL not in "".join(deploy.load(run).corpus.values())
    repeats = pd.read_csv(run / "repeats.csv")
    row = pd.read_csv(run / "comparison.csv").set_index(["model", "metric"]).loc[("tuned", "nDCG@10")]
    assert len(repeats) == 2 and repeats["difference"][0] == pytest.approx(row["difference"])
    page = (run / "report.html").read_text(encoding="utf-8")
    assert f"{repeats['difference'].mean():+.3f} [" in page and "2 splits" in page and "Nadeau and Bengio" in page
    assert "-m toolkit.evaluate judge" in said and "-m toolkit.evaluate judge" in page
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings[0] == "Verdict" and len(headings) == len(set(headings))
    [count, mails] = re.search(r"contains (\d+) texts from your file, (\d+) with e-mail", said).groups()
    assert int(count) >= 8 and int(mails) == sum(MAIL in line for line in re.findall(r"<td>.*?</td>", page))
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_keyword_search_is_deployed_where_it_is_better(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers that a model cannot read: BM25 is deployed, without a model, and terminal, report and record name it."""
    rows = prepare.load("pydocs", limit=240).data.to_pandas().head(240)
    number = np.random.default_rng(0).permutation(90000)[: len(rows)] + 10000
    tickets = [f"{text} Case {n}." for n, text in zip(number, rows["positive"], strict=True)]
    table = pd.DataFrame({"query": [f"case {n}" for n in number], "ticket": tickets})
    table.to_csv(tmp_path / "cases.csv", index=False)
    run = own(tmp_path / "cases.csv", tmp_path / "runs")
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert record["deployed"]["name"] == "BM25" and deploy.load(run).record["kind"] == "bm25"
    gap = pd.read_csv(run / "comparison.csv").set_index(["model", "metric"]).loc[("BM25", "nDCG@10"), "difference"]
    assert gap > 0.5 and "BM25" in record["verdict"][-1] and f"{gap:.3f} [" in record["verdict"][-1]
    assert "index" not in record and not (run / "bundle" / "model").exists()
    assert str(number[0]) in deploy.load(run).find(f"case {number[0]}", 1)[0].text
    page = html.unescape((run / "report.html").read_text(encoding="utf-8"))
    for text in (capsys.readouterr().out, page):
        assert "Deployed: BM25" in text
    systems = [re.findall("<h4>(.*?)</h4>", part)[:3] for part in page.split("<article>")[1:]]
    assert systems and all(names == ["base", "BM25", "tuned"] for names in systems)
    examples = pd.read_csv(run / "examples.csv")
    assert set(examples["model"]) == {"base", "BM25", "tuned"}
    for kind, sign in (("helped", 1), ("hurt", -1), ("unchanged", 0)):
        queries = set(examples.loc[examples["kind"] == kind, "query"])
        scores = pd.read_csv(run / "per_query.csv").set_index("query").loc[sorted(queries)]
        assert (np.sign(scores["BM25 nDCG@10"] - scores["base nDCG@10"]) == sign).all()


def test_private_leaves_no_text_behind(tickets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No text of the file stands in log, report, tables or record; the bundle has them, and the run says so."""
    run = own(tickets, tmp_path, private=True)
    said = capsys.readouterr().out
    table = pd.read_csv(tickets, sep=";")
    needles = [text[:40] for column in ("subject", "description") for text in table[column] if len(text) >= 40]
    files = [*run.glob("*.html"), *run.glob("*.json"), *run.glob("*.csv"), *(run / "model").glob("*.md"),
             *(run / "model").glob("training.json")]  # fmt: skip
    assert len(files) >= 8 and len(needles) > 200
    for content in [said, *(file.read_text(encoding="utf-8") for file in files)]:
        found = [needle for needle in (*needles, MAIL) if html.escape(needle) in content or needle in content]
        assert found == []
    assert "no text" in said


def test_time_and_groups_decide_the_split(tickets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a time column the test holds the newest; rows of a customer stay together."""
    run = own(tickets, tmp_path, ReadOptions(time_column="created"))
    table = pd.read_csv(tickets, sep=";")
    tested = set(pd.read_csv(run / "per_query.csv")["query"])
    when = table.assign(tested=[subject in tested for subject in table["subject"]]).groupby("tested")["created"]
    assert when.min()[True] >= table["created"].sort_values().iloc[int(0.75 * len(table))]
    capsys.readouterr()


def test_texts_without_searches_get_an_index(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Short texts alone are indexed and can be searched, nothing is tuned, and the report says why and what to do."""
    (tmp_path / "names.csv").write_text(
        "product\n" + "\n".join(f"Model {i} blue lamp" for i in range(60)) + "\nred chair\n"
    )
    run = own(tmp_path / "names.csv", tmp_path / "runs")
    said = capsys.readouterr().out
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    [verdict] = record["verdict"]
    assert (
        verdict in said and "no searches" in verdict and "training" not in record and record["index"]["kind"] == "Flat"
    )
    assert not (run / "model").exists() and deploy.load(run).find("a seat", 1)[0].text == "red chair"
    assert "-m toolkit.evaluate judge" in (run / "report.html").read_text(encoding="utf-8")


def test_a_tuned_model_on_another_file_says_so(
    run: Path, tickets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The model of the docstrings, taken for a file of one's own, names what it was tuned on."""
    own(tickets, tmp_path, ReadOptions(limit=100), model=str(run / "model"))
    [warning] = [line for line in capsys.readouterr().out.splitlines() if "pydocs" in line]
    assert "tickets.csv" in warning


def test_errors_are_one_sentence(tmp_path: Path) -> None:
    """A model that does not exist and an output that is a file end with one sentence and status 1."""
    script = str(ROOT / "recipes/semantic_search.py")
    (tmp_path / "file").write_text("")
    for words, message in (
        (["--model", str(tmp_path / "none")], "there is no folder"),
        (["--out", str(tmp_path / "file")], "cannot be written to"),
        (["--data", str(tmp_path / "tickets.csv")], "tickets.csv"),
        (["--data", str(tmp_path / "file")], "empty"),
    ):
        done = subprocess.run(
            [sys.executable, script, "--out", str(tmp_path / "runs"), *words], capture_output=True, text=True
        )
        assert done.returncode == 1 and done.stderr.strip().splitlines()[-1].startswith("error: ")
        assert message in done.stderr and "Traceback" not in done.stderr
