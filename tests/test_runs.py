"""A run is written down whole or marked unfinished, and runs can be laid side by side."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from matplotlib.figure import Figure

from toolkit import runs
from toolkit.hardware import machine
from toolkit.plots import Picture
from toolkit.report import Section, SideBySide

SECRET = "jane.roe@example.com wrote this"


def section() -> Section:
    """One with a table, a picture and texts of the user's."""
    figure = Figure()
    figure.add_subplot()
    table = pd.DataFrame({"step": ["tidy"], "dropped": [2], "example": [SECRET]})
    return Section("Data", ["Two rows were dropped.", table], {"dropped": table}, {"drops": Picture(figure, "two")},
                   text_columns=("example",))  # fmt: skip


def record_of(folder: Path) -> dict:
    return json.loads((folder / "run.json").read_text(encoding="utf-8"))


def test_a_finished_run_holds_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Report with the verdict first, tables, figures, and a record with settings, facts, times and machine."""
    with runs.start("demo", tmp_path, settings={"seed": 3}, title="A demo") as run:
        run.say("working", pd.DataFrame({"score": [0.12345]}))
        run.lap("work")
        run.record["data"] = {"name": "d"}
        run.add(section())
        run.summary(["Better.", "By a lot."], "more in the report")
        assert run.folder.name.endswith(".partial") and not run.final.exists()
    said = capsys.readouterr().out
    assert run.final.is_dir() and not run.folder.exists()
    assert sorted(file.name for file in run.final.iterdir()) == ["dropped.csv", "drops.png", "report.html", "run.json"]
    record = record_of(run.final)
    assert record["recipe"] == "demo" and record["settings"] == {"seed": 3} and record["data"] == {"name": "d"}
    assert record["verdict"] == ["Better.", "By a lot."] and "unfinished" not in record
    assert list(record["seconds_by_step"]) == ["work"] and record["machine"] == json.loads(json.dumps(machine()))
    page = (run.final / "report.html").read_text(encoding="utf-8")
    assert re.findall("<h2>(.*?)</h2>", page)[:2] == ["Verdict", "Data"] and "<h1>A demo</h1>" in page
    assert page.index("By a lot.") < page.index("more in the report") < page.index("Two rows were dropped.")
    assert all(text in said for text in ("working", "0.123", "Better.", str(run.final / "report.html")))
    assert "more in the report" not in said
    pd.testing.assert_frame_equal(pd.read_csv(run.final / "dropped.csv"), section().tables["dropped"])


@pytest.mark.parametrize("error", [ValueError("no text"), KeyboardInterrupt()])
def test_an_unfinished_run_keeps_what_there_is(tmp_path: Path, error: BaseException) -> None:
    """The folder keeps its suffix, and tables, report and record are there, with the error."""
    with pytest.raises(type(error)), runs.start("demo", tmp_path) as run:
        run.add(section())
        (run.folder / "model").mkdir()
        raise error
    assert not run.final.exists() and (run.folder / "model").is_dir()
    assert {"dropped.csv", "drops.png", "report.html"} <= {file.name for file in run.folder.iterdir()}
    record = record_of(run.folder)
    assert record["unfinished"] is True and record["error"].startswith(type(error).__name__)


def test_a_run_that_cannot_be_written_stays_unfinished(tmp_path: Path) -> None:
    """An error in the report is not hidden, and the record of what there is is written all the same."""
    with pytest.raises(ValueError, match="got int"), runs.start("demo", tmp_path) as run:
        run.add(Section("Broken", [3]))
    assert record_of(run.folder)["unfinished"] is True and not run.final.exists()


def test_a_run_that_did_nothing_leaves_no_folder(tmp_path: Path) -> None:
    """A wrong name of a file, or an answer of no, before any work."""
    with pytest.raises(FileNotFoundError), runs.start("demo", tmp_path / "runs") as run:
        raise FileNotFoundError(f"no file, {run.name}")
    assert list((tmp_path / "runs").iterdir()) == []


def test_a_private_run_shows_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What sections declare as texts is in no file and not in the log, of an unfinished run too; else it is counted."""
    examples = Section("Examples", [SideBySide(SECRET, "", {"base": [(SECRET + " too", True)]})],
                       {"examples": pd.DataFrame({"query": [SECRET]})}, all_texts=True)  # fmt: skip
    for private, counted in ((True, "no text"), (False, "2 texts from your file, 2 with e-mail")):
        with pytest.raises(ValueError), runs.start("demo", tmp_path / str(private), private=private) as run:
            run.add(section(), examples)
            run.say(section(), examples)
            assert counted in run.disclosure() and run.shown(SECRET) == (runs.PLACEHOLDER if private else SECRET)
            raise ValueError(SECRET)
        written = [file.read_text(encoding="utf-8") for file in run.folder.iterdir() if file.suffix != ".png"]
        assert any(SECRET in text for text in [*written, capsys.readouterr().out]) is not private
        assert (run.folder / "examples.csv").exists() is not private and (run.folder / "dropped.csv").exists()


def test_paths_in_the_record_are_relative_to_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever they stand in the record, and also where the folder of all runs is given relatively; others stay."""
    monkeypatch.chdir(tmp_path)
    with runs.start("demo", "runs") as run:
        run.record |= {"systems": [{"model": {"folder": str((run.folder / "model").absolute())}}],
                       "bundle": run.final / "bundle", "base": {"folder": str(tmp_path / "base")}}  # fmt: skip
    record = record_of(run.final)
    assert record["systems"] == [{"model": {"folder": "model"}}] and record["bundle"] == "bundle"
    assert record["base"] == {"folder": str(tmp_path / "base")}


def test_runs_of_one_second_do_not_collide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that start within a second get numbers, also after the first has its final name."""
    monkeypatch.setattr(time, "strftime", lambda _: "2024-05-01_101112")
    with runs.start("name", tmp_path) as second:
        with runs.start("name", tmp_path) as first:
            assert first.final.name == "2024-05-01_101112_name"
        assert second.final.name == "2024-05-01_101112_name_2"
        with runs.start("name", tmp_path) as third:
            assert third.final.name == "2024-05-01_101112_name_3"
    assert len(list(tmp_path.iterdir())) == 3


def test_start_makes_missing_folders(tmp_path: Path) -> None:
    """The folder of all runs need not exist."""
    with runs.start("x", tmp_path / "deep" / "runs") as run:
        assert run.folder.is_dir() and run.folder.parent == tmp_path / "deep" / "runs"


@pytest.mark.parametrize("name", ["", "a/b", "/tmp"])
def test_start_refuses_names_that_are_paths(tmp_path: Path, name: str) -> None:
    """A run is one folder below the folder of all runs."""
    with pytest.raises(ValueError, match=re.escape(repr(name))), runs.start(name, tmp_path):
        pass


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    """A file in the way is refused by name, with the way out, before the work begins."""
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"file .*--out"), runs.start("x", tmp_path / "file"):
        pytest.fail("the work began")


def results(model: str, score: float) -> pd.DataFrame:
    return pd.DataFrame({"model": [model], "task": ["test"], "metric": ["nDCG@10"], "score": [score],
                         "low": [score - 0.1], "high": [score + 0.1]})  # fmt: skip


def test_runs_side_by_side(tmp_path: Path) -> None:
    """One row a run: scores of baseline and deployed system, the verdict's first sentence, and what was interrupted."""
    with runs.start("search", tmp_path) as run:
        scores = pd.concat([results("base", 0.5), results("tuned", 0.6), results("tuned", 0.7).assign(task="cut")])
        run.add(Section("Results", tables={"results": scores}))
        run.record |= {"data": {"name": "t.csv"}, "base": {"name": "owner/model"}, "baseline": "base",
                       "deployed": {"name": "tuned"}}  # fmt: skip
        run.summary(["Use tuned.", "More."])
    with pytest.raises(ValueError), runs.start("search", tmp_path) as broken:
        assert broken.folder.is_dir()
        raise ValueError
    (tmp_path / "2999-01-01_000000_killed.partial").mkdir()
    for number, text in enumerate(('{"data": 3}', "{", "[]")):
        (tmp_path / f"foreign{number}").mkdir()
        (tmp_path / f"foreign{number}" / "run.json").write_text(text)
    table = runs.table(tmp_path)
    assert table["unfinished"].tolist() == [False, True, True]
    first = table.iloc[0]
    assert first[["run", "recipe", "data", "model", "deployed", "verdict"]].tolist() == [
        run.final.name, "search", "t.csv", "owner/model", "tuned", "Use tuned."]  # fmt: skip
    assert first["baseline nDCG@10"] == "0.500 [0.400, 0.600]" and first["deployed nDCG@10"] == "0.600 [0.500, 0.700]"
    assert runs.table(tmp_path / "missing").empty and "verdict" in runs.table(tmp_path / "missing")


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell is asked")
@pytest.mark.parametrize("text", ["it's", "$(echo no) `echo no` $HOME", 'a "b" \\ c', "two\nlines", "ü ☕", ""])
def test_quoted_is_one_word_of_the_shell(text: str) -> None:
    """A shell gives the text back as it was; nothing in it is run."""
    done = subprocess.run(["sh", "-c", f"printf %s {runs.quoted(text)}"], capture_output=True, text=True, check=True)
    assert done.stdout == text


def test_laps_add_up(tmp_path: Path) -> None:
    """Each step has its time, a step that comes twice the sum, and all together the whole."""
    started = time.perf_counter()
    with runs.start("x", tmp_path) as run:
        for step, pause in (("a", 0.03), ("b", 0.01), ("a", 0.03)):
            time.sleep(pause)
            run.lap(step)
    assert list(run.seconds) == ["a", "b"] and run.seconds["a"] >= 0.06 > run.seconds["b"] >= 0.01
    assert sum(run.seconds.values()) <= time.perf_counter() - started


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [(ValueError("no column"), 1, "error: no column"), (OSError("full"), 1, "error: full"),
     (ImportError("install it"), 1, "error: install it"), (KeyboardInterrupt("stopped"), 130, "stopped")],
)  # fmt: skip
def test_errors_of_a_command_are_one_sentence(
    error: BaseException, status: int, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No traceback, and the exit status of a shell; alone or as one command of several."""

    def fail() -> None:
        raise error

    for arguments, commands in ((["prog"], fail), (["prog", "fail"], {"fail": fail, "other": fail})):
        monkeypatch.setattr(sys, "argv", arguments)
        with pytest.raises(SystemExit) as ended:
            runs.command_line(commands)
        said = capsys.readouterr().err.strip() if status == 130 else ended.value.code
        assert said == words and ended.value.code in (status, words)
