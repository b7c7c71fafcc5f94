"""Every recipe runs, tiny and offline, by calling the same `main` as the command line."""

from __future__ import annotations

import html
import importlib.util
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from toolkit import deploy, prepare, vectors

ROOT = Path(__file__).resolve().parent.parent
RECIPES = sorted(path.stem for path in (ROOT / "recipes").glob("*.py"))


def recipe(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / "recipes" / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", autouse=True)
def no_general_tasks() -> Iterator[None]:
    """Runs of tests do not score the general tasks, even where their data are: thousands of texts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TOOLKIT_DATA", raising=False)
        yield


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
    errors = pd.read_csv(run / "errors.csv").set_index("query_id")
    table = pd.read_csv(run / "per_query.csv").set_index("query_id")
    change = (table["tuned nDCG@10"] - table["base nDCG@10"])[errors.index]
    np.testing.assert_allclose(errors["change"], change, atol=1e-9)
    assert len(errors) == len(table) and errors["change"].is_monotonic_decreasing
    slices = pd.read_csv(run / "slices.csv")
    assert set(slices["by"]) == {"length", "overlap"} and (slices.groupby("by")["n"].sum() <= len(table)).all()
    assert {"measure", "base", "tuned"} <= set(pd.read_csv(run / "space.csv"))
    for name in ("systems", "learning"):
        assert (run / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    page = (run / "report.html").read_text(encoding="utf-8")
    for sentence in record["verdict"]:
        assert sentence.replace("'", "&#39;") in page
    assert "the base model, sentence-transformers/all-MiniLM-L6-v2, as it came" in page
    scored = re.search(r"scored (\d+) times?, with|scored once|always with the same", page)
    assert scored and f"this run scored {len(record_systems(run))}" in page and "searched once" not in page
    assert len(re.findall('alt="[^"]{20,}"', page)) == 2


def record_systems(run: Path) -> set[str]:
    """The systems that a run scored."""
    return set(pd.read_csv(run / "results.csv").query("task == 'test'")["model"])


def test_figures_of_the_verdict_are_those_of_the_tables(run: Path) -> None:
    """The printed sentences agree with per_query.csv, counted again without the toolkit."""
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    headline, first, counts, difference, _ = record["verdict"]
    table = pd.read_csv(run / "per_query.csv")
    ones = {name: f"{100 * table[f'{name} accuracy@1'].mean():.0f}" for name in ("BM25", "base", "tuned")}
    tens = {name: f"{100 * (table[f'{name} recall@10'] > 0).mean():.0f}" for name in ones}
    used = record["deployed"].removesuffix("+BM25") if record["deployed"] in ones else "base"
    assert f"in {ones[used]} of 100 stand-in searches, and among the first ten in {tens[used]} (" in headline
    assert f"Right answer first: {ones['base']} → {ones['tuned']} of 100" in first
    assert f"the first ten: {tens['base']} → {tens['tuned']} (base → tuned)" in first
    gain = (table["tuned nDCG@10"] - table["base nDCG@10"]).round(12)
    assert counts.startswith(
        f"Helped {(gain > 0).sum()} stand-in searches, hurt {(gain < 0).sum()}, same {(gain == 0).sum()} "
    )
    assert f"{abs(gain.mean()):.3f} [" in difference or f"{gain.mean():+.3f} [" in difference


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


def own(path: Path, out: Path, **options: Any) -> Path:
    found: Path = recipe("semantic_search").main(data=str(path), dtype="float32", out=out, yes=True, **options)
    return found


def test_own_file_is_looked_at_and_called_by_its_name(
    tickets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The guess comes before the work; subjects are stand-ins in every sentence; signatures are gone; tables agree."""
    run = own(tickets, tmp_path, splits=2)
    said = capsys.readouterr().out
    assert said.index("I take `subject` as the search, which stands in") < said.index("Loading the model")
    assert "on this machine" in said and "Nobody to ask" in said and "under 300 expect little" in said
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert all("searches" not in sentence.replace("stand-in searches", "") for sentence in record["verdict"])
    assert record["data"]["name"] == "tickets.csv" and record["training"]["data"]["digest"] == record["data"]["digest"]
    assert MAIL not in "".join(deploy.load(run).texts)
    repeats = pd.read_csv(run / "repeats.csv")
    row = pd.read_csv(run / "comparison.csv").set_index(["model", "metric"]).loc[("tuned", "nDCG@10")]
    assert len(repeats) == 2 and repeats["difference"][0] == pytest.approx(row["difference"])
    page = (run / "report.html").read_text(encoding="utf-8")
    mean = f"{repeats['difference'].mean():+.3f} ["
    assert mean in page and "over 2 splits" in page and "Nadeau and Bengio" in page
    assert "General tasks skipped" in page and any("stsb, banking77" in sentence for sentence in record["limits"])
    assert "This test set has now been scored" in page and page.count("<summary>") == 4
    assert "Use it" not in said and "Judge it:" in said and "`Judge it`, below" in said
    headings = re.findall(r"<h2>(.*?)</h2>", page)
    assert headings == ["Verdict", "What the words mean", "What this does not tell you",
                        "The systems, with 95 % intervals", "Searches side by side", "The data", "Every number",
                        "What it costs", "Use it", "For the referee", "Licences"]  # fmt: skip
    [count, mails] = re.search(r"contains (\d+) texts from your file, (\d+) with e-mail", said).groups()
    assert int(count) >= 8 and int(mails) == sum(MAIL in line for line in re.findall(r"<td>.*?</td>", page))
    assert not re.search(r'(src|href)="(?!data:)', page)


def test_keyword_search_that_is_deployed_is_said_everywhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Numbers that a model cannot read: BM25 is deployed, and terminal, report and bundle say what searches how."""
    rows = prepare.load("pydocs", limit=240).data.to_pandas().head(240)
    number = np.random.default_rng(0).permutation(90000)[: len(rows)] + 10000
    tickets = [f"{text} Case {n}." for n, text in zip(number, rows["positive"], strict=True)]
    table = pd.DataFrame({"query": [f"case {n}" for n in number], "ticket": tickets})
    table.to_csv(tmp_path / "cases.csv", index=False)
    run = own(tmp_path / "cases.csv", tmp_path / "runs")
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    assert record["deployed"] == "BM25" and deploy.load(run).record["by"] == "keywords"
    assert record["verdict"][-1].startswith("Keyword search (BM25) is better here than base, by ")
    page = re.sub("</?code>", "`", html.unescape((run / "report.html").read_text(encoding="utf-8")))
    for text in (capsys.readouterr().out, page):
        assert "search by vectors alone; what validation data preferred, and what the bundle does, is BM25: use" in text
        assert "use `Search it`." in text and "eployed: BM25, keyword search" in text
        assert "BM25, which is deployed, does not use it" in text
    assert "the lines below search by vectors alone" in (run / "bundle" / "README.md").read_text(encoding="utf-8")
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
    assert "contains no text from your file; the bundle does" in said


def test_time_and_groups_decide_the_split(tickets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With a time column the test holds the newest; rows of a customer stay together."""
    run = own(tickets, tmp_path, time_column="created", group_column=None)
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
    assert "how good it is is not known yet: there are no searches in the file" in said
    assert not (run / "model").exists() and deploy.load(run).find("a seat", 1)[0].text == "red chair"
    assert "judge" in (run / "report.html").read_text(encoding="utf-8")


def test_a_tuned_model_on_another_file_says_so(
    run: Path, tickets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The model of the docstrings, taken for a file of one's own, names what it was tuned on."""
    own(tickets, tmp_path, model=str(run / "model"), pairs=100)
    assert "This model was tuned on pydocs, not on tickets.csv" in capsys.readouterr().out


@pytest.mark.parametrize(("answer", "goes_on"), [("", True), ("y", True), (" Yes ", True), ("n", False),
                                                 ("--query-column x", False), (None, False)])  # fmt: skip
def test_who_answers_the_question_is_understood(
    answer: str | None, goes_on: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enter and yes go on; all else stops before the long work, and so does the end of the input."""
    from toolkit.searchrun import Forecast

    def said(_: str) -> str:
        if answer is None:
            raise EOFError
        return answer

    forecast = Forecast(10, 100, 60.0, 0.0, 0.0, 256, pd.DataFrame({"language": ["en"], "texts": [10], "share": [1.0]}))
    loaded = prepare.load([("a search", "its text")])
    monkeypatch.setattr("builtins.input", said)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    agreed = recipe("semantic_search").agreed
    if goes_on:
        assert agreed(forecast, loaded, may_sample=True, ask=True) is None
    else:
        with pytest.raises(SystemExit, match="Stopped before the long work"):
            agreed(forecast, loaded, may_sample=True, ask=True)


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
